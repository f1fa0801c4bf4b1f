import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { makeAuditView } from '#http/api/shapes.ts';
import type { World } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Instant, instant } from '#kernel/time.ts';
import { mayDo, RIGHTS } from '#registry/actor.ts';
import type { AuditFilter } from '#registry/audit.ts';
import { DAY } from '#registry/usage.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import { makeLines } from '../audit-entries.ts';
import { noProblems } from '../form-problems.ts';
import { type PageAnswer, type PageCall, showPage } from '../page.ts';
import type { MessageKey } from '../words.ts';
import { type AuditQuery, auditPage } from './audit.template.ts';

type AuditCall = PageCall<Account>;
const PAGE = 15;
const MOST_EXPORTED = 10_000;
const names = [
  'app',
  'actor',
  'action',
  'from',
  'until',
] as const satisfies readonly (keyof AuditQuery)[];

const forbidden = { status: 403, note: 'forbidden' } as const;
/** Reviewers read what happened to apps; with the right to see private things, consents as well. */
const mayRead = ({ actor }: AuditCall) =>
  mayDo(actor, RIGHTS.review) || mayDo(actor, RIGHTS.viewPrivate);

const readQuery = ({ query }: AuditCall): AuditQuery =>
  Object.fromEntries(
    names.map((name) => [name, (query.get(name) ?? '').slice(0, 255).trim()]),
  ) as unknown as AuditQuery;

/** The address of a list, with what was asked for. */
function address(path: string, query: AuditQuery, after?: number): string {
  const given = names
    .filter((name) => query[name] !== '')
    .map((name) => [name, query[name]] as [string, string]);
  const text = new URLSearchParams([
    ...given,
    ...(after === undefined ? [] : [['after', String(after)] as [string, string]]),
  ]).toString();
  return text === '' ? path : `${path}?${text}`;
}

/** The first second of a day; undefined: that is no day. */
function day(text: string): Instant | undefined {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) ? undefined : instant(at / 1000);
}

/**
 * The app of an identifier, or of an exact name. Names of hidden apps find nothing for those who
 * may not see them.
 */
async function appOf({ world, actor }: AuditCall, asked: string): Promise<ClientId | MessageKey> {
  if (/^[0-9a-f]{32}$/.test(asked)) return asked as ClientId;
  const found = await world.records.listClients({
    name: asked,
    ...(maySeeHidden(actor) ? {} : { suppressed: false }),
    limit: 2,
  });
  if (found.length > 1) return 'admin.problem-apps';
  return found[0]?.id ?? 'admin.problem-app';
}

/** What is asked of the trail, or everything that is wrong with it, by field. */
async function filterOf(
  call: AuditCall,
  query: AuditQuery,
): Promise<
  Result<Omit<AuditFilter, 'limit'>, readonly (readonly [keyof AuditQuery, MessageKey])[]>
> {
  const { world, actor } = call;
  const problems: (readonly [keyof AuditQuery, MessageKey])[] = [];
  const app = query.app === '' ? undefined : await appOf(call, query.app);
  if (app !== undefined && !/^[0-9a-f]{32}$/.test(app)) problems.push(['app', app as MessageKey]);
  const who = query.actor === '' ? undefined : await world.records.findAccountByName(query.actor);
  if (query.actor !== '' && who === undefined) problems.push(['actor', 'admin.problem-actor']);
  const [from, until] = [day(query.from), day(query.until)];
  if (query.from !== '' && from === undefined) problems.push(['from', 'admin.problem-day']);
  if (query.until !== '' && until === undefined) problems.push(['until', 'admin.problem-day']);
  if (problems.length > 0) return refuse(problems);
  return accept({
    ...(app === undefined ? {} : { clientId: app as ClientId }),
    ...(who ? { actorId: who.id } : {}),
    ...(query.action === '' ? {} : { action: query.action }),
    ...(from === undefined ? {} : { from }),
    // The whole of the last day.
    ...(until === undefined ? {} : { until: instant(until + DAY) }),
    ...(mayDo(actor, RIGHTS.viewPrivate) ? {} : { about: 'clients' as const }),
  });
}

async function show(call: AuditCall): Promise<PageAnswer> {
  if (!mayRead(call)) return forbidden;
  const { world, frame, actor } = call;
  const query = readQuery(call);
  const filter = await filterOf(call, query);
  const asked = call.query.get('after') ?? '';
  const after = /^\d{1,15}$/.test(asked) ? Number(asked) : undefined;
  const entries = filter.ok
    ? await world.records.listAudit({
        ...filter.value,
        ...(after === undefined ? {} : { after }),
        limit: PAGE + 1,
      })
    : [];
  const line = makeLines(world, actor, frame.words);
  const lines = [];
  for (const entry of entries.slice(0, PAGE)) lines.push(await line(entry));
  const last = lines.at(-1);
  return {
    status: filter.ok ? 200 : 400,
    page: auditPage(frame, {
      query,
      problems: filter.ok
        ? noProblems
        : filter.refusal.map(([field, key]) => ({ field, text: frame.words.say(key) })),
      lines,
      consents: mayDo(actor, RIGHTS.viewPrivate),
      download: address('/admin/audit.jsonl', query),
      first: after === undefined ? null : address('/admin/audit', query),
      next: entries.length > PAGE && last ? address('/admin/audit', query, last.id) : null,
    }),
  };
}

/** The same lines for programs, in the form of the API; at most 10 000. */
async function download(call: AuditCall): Promise<PageAnswer> {
  if (!mayRead(call)) return forbidden;
  const { world, actor, reply } = call;
  const filter = await filterOf(call, readQuery(call));
  const entries = filter.ok
    ? await world.records.listAudit({ ...filter.value, limit: MOST_EXPORTED })
    : [];
  const view = makeAuditView(world, actor);
  let text = '';
  for (const entry of entries) text += `${JSON.stringify(await view(entry))}\n`;
  await reply
    .header('content-type', 'application/jsonl; charset=utf-8')
    .header('content-disposition', 'attachment; filename="audit.jsonl"')
    .header('cache-control', 'no-store')
    .send(text);
  return { done: true };
}

/** The audit trail. */
export function auditRoutes(app: FastifyInstance, world: World): void {
  showPage(app, world, '/admin/audit', show, 'signed-in');
  showPage(app, world, '/admin/audit.jsonl', download, 'signed-in');
}
