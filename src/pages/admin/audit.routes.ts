import { listPath, pageLinks, parsePageCursor } from '#http/paging.ts';
import { type Actor, hasRight, RIGHTS } from '#registry/actor.ts';
import type { VisibleAuditEntry } from '#registry/queries/audit.ts';
import type { Registry } from '#registry/registry.ts';
import { type AuditEntryDependencies, makeAuditEntryFormatter } from '../audit-entries.ts';
import { noProblems } from '../form-problems.ts';
import type { PageResponse, PageRouter, SignedInCall } from '../page.ts';
import { auditPage } from './audit.template.ts';
import { makeAuditFilter, parseAuditQuery } from './audit-query.ts';

export interface AuditDependencies extends AuditEntryDependencies {
  readonly registry: Pick<Registry, 'query'>;
  /** Makes entries into JSON, as the API has them. */
  readonly auditEntrySerializer: (actor: Actor) => (entry: VisibleAuditEntry) => Promise<unknown>;
}

const PAGE_SIZE = 15;
const MAX_EXPORTED = 10_000;

const forbidden = { status: 403, note: 'forbidden' } as const satisfies PageResponse;

/** The audit log: reviewers read what happened to apps; with a right of its own, consents too. */
export function auditRoutes({ getPage }: PageRouter, dependencies: AuditDependencies): void {
  const forReaders =
    (handler: (dependencies: AuditDependencies, call: SignedInCall) => Promise<PageResponse>) =>
    async (call: SignedInCall): Promise<PageResponse> =>
      hasRight(call.actor, RIGHTS.review) || hasRight(call.actor, RIGHTS.viewPrivate)
        ? handler(dependencies, call)
        : forbidden;
  getPage('/admin/audit', forReaders(showAuditLog), 'signed-in');
  getPage('/admin/audit.jsonl', forReaders(downloadAuditLog), 'signed-in');
}

async function showAuditLog(
  dependencies: AuditDependencies,
  call: SignedInCall,
): Promise<PageResponse> {
  const { frame, actor } = call;
  const queries = dependencies.registry.query(actor);
  const query = parseAuditQuery(call.query);
  const after = parsePageCursor(call.query.get('after'));
  const filter = await makeAuditFilter(queries, query);
  const page = filter.ok
    ? await queries.auditLog({
        ...filter.value,
        ...(after === undefined ? {} : { after }),
        limit: PAGE_SIZE,
      })
    : null;
  if (page?.ok === false) return forbidden;
  const { items, next } = page?.value ?? { items: [], next: null };
  const formatEntry = makeAuditEntryFormatter(dependencies, actor, frame.words);
  return {
    status: filter.ok ? 200 : 400,
    page: auditPage(frame, {
      query,
      problems: filter.ok
        ? noProblems
        : filter.refusal.map(([field, key]) => ({ field, text: frame.words.say(key) })),
      entries: await Promise.all(items.map(formatEntry)),
      includesConsents: hasRight(actor, RIGHTS.viewPrivate),
      downloadHref: listPath('/admin/audit.jsonl', query),
      ...pageLinks('/admin/audit', query, { isFirst: after === undefined, next }),
    }),
  };
}

/** The same entries for programs, in the form of the API; at most 10 000. */
async function downloadAuditLog(
  { registry, auditEntrySerializer }: AuditDependencies,
  { actor, query, reply }: SignedInCall,
): Promise<PageResponse> {
  const queries = registry.query(actor);
  const filter = await makeAuditFilter(queries, parseAuditQuery(query));
  const page = filter.ok ? await queries.auditLog({ ...filter.value, limit: MAX_EXPORTED }) : null;
  if (page?.ok === false) return forbidden;
  const serializeEntry = auditEntrySerializer(actor);
  let text = '';
  for (const entry of page?.value.items ?? [])
    text += `${JSON.stringify(await serializeEntry(entry))}\n`;
  await reply
    .header('content-type', 'application/jsonl; charset=utf-8')
    .header('content-disposition', 'attachment; filename="audit.jsonl"')
    .header('cache-control', 'no-store')
    .send(text);
  return { responseSent: true };
}
