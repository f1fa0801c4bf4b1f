import type { FormParameters } from '#encoding/form.ts';
import { type ClientId, isClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Instant, instant } from '#kernel/time.ts';
import type { AuditFilter } from '#registry/audit.ts';
import type { RegistryQueries } from '#registry/queries/registry-queries.ts';
import { DAY } from '#registry/usage.ts';
import type { MessageKey } from '../words.ts';

// What is asked of the audit log, as it stands in the address of its page.

const queryFields = ['app', 'actor', 'action', 'from', 'until'] as const;
type QueryField = (typeof queryFields)[number];

/** What was asked for, as it was typed. */
export type AuditQuery = { readonly [Field in QueryField]: string };

/** Everything that is wrong with a query, by field. */
export type AuditQueryProblems = readonly (readonly [field: QueryField, problem: MessageKey])[];

export function parseAuditQuery(parameters: FormParameters): AuditQuery {
  const typed = (name: QueryField) => (parameters.get(name) ?? '').slice(0, 255).trim();
  return {
    app: typed('app'),
    actor: typed('actor'),
    action: typed('action'),
    from: typed('from'),
    until: typed('until'),
  };
}

/** The first second of a day; undefined: that is no day. */
function parseDay(text: string): Instant | undefined {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) ? undefined : instant(at / 1000);
}

/** The app of an identifier, or of an exact name, among those that the actor may see. */
async function findClientId(
  queries: Pick<RegistryQueries, 'listClients'>,
  idOrName: string,
): Promise<Result<ClientId, MessageKey>> {
  if (isClientId(idOrName)) return accept(idOrName);
  const { items, next } = await queries.listClients({ name: idOrName, limit: 1 });
  if (next !== null) return refuse('admin.problem-apps');
  const [client] = items;
  return client === undefined ? refuse('admin.problem-app') : accept(client.id);
}

/** What to ask the audit log for, or everything that is wrong with the query. */
export async function makeAuditFilter(
  queries: Pick<RegistryQueries, 'listClients' | 'personNamed'>,
  query: AuditQuery,
): Promise<Result<Omit<AuditFilter, 'limit'>, AuditQueryProblems>> {
  const problems: AuditQueryProblems[number][] = [];
  const client = query.app === '' ? undefined : await findClientId(queries, query.app);
  if (client?.ok === false) problems.push(['app', client.refusal]);
  const person = query.actor === '' ? undefined : await queries.personNamed(query.actor);
  if (query.actor !== '' && person === undefined) problems.push(['actor', 'admin.problem-actor']);
  const [from, until] = [parseDay(query.from), parseDay(query.until)];
  if (query.from !== '' && from === undefined) problems.push(['from', 'admin.problem-day']);
  if (query.until !== '' && until === undefined) problems.push(['until', 'admin.problem-day']);
  if (problems.length > 0) return refuse(problems);
  return accept({
    ...(client?.ok ? { clientId: client.value } : {}),
    ...(person === undefined ? {} : { actorId: person.id }),
    ...(query.action === '' ? {} : { action: query.action }),
    ...(from === undefined ? {} : { from }),
    // The whole of the last day.
    ...(until === undefined ? {} : { until: instant(until + DAY) }),
  });
}
