import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { makeAuditEntrySerializer } from '#http/api/shapes.ts';
import { listPath, pageLinks, parsePageCursor, slicePage } from '#http/paging.ts';
import type { Services } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Instant, instant } from '#kernel/time.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import type { AuditFilter } from '#registry/audit.ts';
import { DAY } from '#registry/usage.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import { makeAuditEntryFormatter } from '../audit-entries.ts';
import { noProblems } from '../form-problems.ts';
import { getPage, type PageCall, type PageResponse } from '../page.ts';
import type { MessageKey } from '../words.ts';
import { type AuditQuery, auditPage } from './audit.template.ts';

type AuditCall = PageCall<Account>;
const PAGE_SIZE = 15;
const MAX_EXPORTED = 10_000;
const queryFields = [
  'app',
  'actor',
  'action',
  'from',
  'until',
] as const satisfies readonly (keyof AuditQuery)[];

const forbidden = { status: 403, note: 'forbidden' } as const;
/** Reviewers read what happened to apps; with the right to see private things, consents as well. */
const canReadAuditLog = ({ actor }: AuditCall) =>
  hasRight(actor, RIGHTS.review) || hasRight(actor, RIGHTS.viewPrivate);

const parseAuditQuery = ({ query }: AuditCall): AuditQuery =>
  Object.fromEntries(
    queryFields.map((name) => [name, (query.get(name) ?? '').slice(0, 255).trim()]),
  ) as unknown as AuditQuery;

/** The first second of a day; undefined: that is no day. */
function parseDay(text: string): Instant | undefined {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) ? undefined : instant(at / 1000);
}

/**
 * The app of an identifier, or of an exact name. Names of hidden apps find nothing for those who
 * may not see them.
 */
async function findClientId(
  { services, actor }: AuditCall,
  idOrName: string,
): Promise<ClientId | MessageKey> {
  if (/^[0-9a-f]{32}$/.test(idOrName)) return idOrName as ClientId;
  const found = await services.records.listClients({
    name: idOrName,
    ...(maySeeHidden(actor) ? {} : { suppressed: false }),
    limit: 2,
  });
  if (found.length > 1) return 'admin.problem-apps';
  return found[0]?.id ?? 'admin.problem-app';
}

/** What is asked of the trail, or everything that is wrong with it, by field. */
async function parseAuditFilter(
  call: AuditCall,
  query: AuditQuery,
): Promise<
  Result<Omit<AuditFilter, 'limit'>, readonly (readonly [keyof AuditQuery, MessageKey])[]>
> {
  const { services, actor } = call;
  const problems: (readonly [keyof AuditQuery, MessageKey])[] = [];
  const app = query.app === '' ? undefined : await findClientId(call, query.app);
  if (app !== undefined && !/^[0-9a-f]{32}$/.test(app)) problems.push(['app', app as MessageKey]);
  const actorAccount =
    query.actor === '' ? undefined : await services.records.findAccountByName(query.actor);
  if (query.actor !== '' && actorAccount === undefined)
    problems.push(['actor', 'admin.problem-actor']);
  const [from, until] = [parseDay(query.from), parseDay(query.until)];
  if (query.from !== '' && from === undefined) problems.push(['from', 'admin.problem-day']);
  if (query.until !== '' && until === undefined) problems.push(['until', 'admin.problem-day']);
  if (problems.length > 0) return refuse(problems);
  return accept({
    ...(app === undefined ? {} : { clientId: app as ClientId }),
    ...(actorAccount ? { actorId: actorAccount.id } : {}),
    ...(query.action === '' ? {} : { action: query.action }),
    ...(from === undefined ? {} : { from }),
    // The whole of the last day.
    ...(until === undefined ? {} : { until: instant(until + DAY) }),
    ...(hasRight(actor, RIGHTS.viewPrivate) ? {} : { about: 'clients' as const }),
  });
}

async function showAuditLog(call: AuditCall): Promise<PageResponse> {
  if (!canReadAuditLog(call)) return forbidden;
  const { services, frame, actor } = call;
  const query = parseAuditQuery(call);
  const filter = await parseAuditFilter(call, query);
  const after = parsePageCursor(call.query.get('after'));
  const entries = filter.ok
    ? await services.records.listAudit({
        ...filter.value,
        ...(after === undefined ? {} : { after }),
        limit: PAGE_SIZE + 1,
      })
    : [];
  const formatEntry = makeAuditEntryFormatter(services, actor, frame.words);
  const formattedEntries = [];
  const { rows, next } = slicePage(entries, PAGE_SIZE, ({ id }) => id);
  for (const entry of rows) formattedEntries.push(await formatEntry(entry));
  return {
    status: filter.ok ? 200 : 400,
    page: auditPage(frame, {
      query,
      problems: filter.ok
        ? noProblems
        : filter.refusal.map(([field, key]) => ({ field, text: frame.words.say(key) })),
      entries: formattedEntries,
      includesConsents: hasRight(actor, RIGHTS.viewPrivate),
      downloadHref: listPath('/admin/audit.jsonl', query),
      ...pageLinks('/admin/audit', query, { isFirst: after === undefined, next }),
    }),
  };
}

/** The same lines for programs, in the form of the API; at most 10 000. */
async function downloadAuditLog(call: AuditCall): Promise<PageResponse> {
  if (!canReadAuditLog(call)) return forbidden;
  const { services, actor, reply } = call;
  const filter = await parseAuditFilter(call, parseAuditQuery(call));
  const entries = filter.ok
    ? await services.records.listAudit({ ...filter.value, limit: MAX_EXPORTED })
    : [];
  const serializeEntry = makeAuditEntrySerializer(services, actor);
  let text = '';
  for (const entry of entries) text += `${JSON.stringify(await serializeEntry(entry))}\n`;
  await reply
    .header('content-type', 'application/jsonl; charset=utf-8')
    .header('content-disposition', 'attachment; filename="audit.jsonl"')
    .header('cache-control', 'no-store')
    .send(text);
  return { responseSent: true };
}

/** The audit trail. */
export function auditRoutes(app: FastifyInstance, services: Services): void {
  getPage(app, services, '/admin/audit', showAuditLog, 'signed-in');
  getPage(app, services, '/admin/audit.jsonl', downloadAuditLog, 'signed-in');
}
