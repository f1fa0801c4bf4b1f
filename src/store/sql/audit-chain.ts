import { hash } from 'node:crypto';
import type { AuditBreak, AuditChain, AuditHead, AuditVerdict } from '#registry/audit.ts';
import type { Driver } from '../driver.ts';
import { activeAuditTriggers, expectedAuditTriggers, lastIssuedAuditId } from './dialect.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, pipeline, sql, type Transaction } from './statement.ts';

type AuditRow = Row<'audit'>;
type ChainedRow = { readonly link: number; readonly hash: string; readonly late: number } & {
  readonly [K in keyof AuditRow]: AuditRow[K] | null;
};

const PAGE_SIZE = 500;
/** Breaks of each kind that are listed; the rest is counted. */
const MAX_LISTED_BREAKS = 100;

const findHead = sql<AuditHead>('SELECT id, hash FROM audit_chain ORDER BY id DESC LIMIT 1');
const findLink = sql<AuditHead>('SELECT id, hash FROM audit_chain WHERE id = :id');
const selectUnchained = sql<AuditRow>(
  'SELECT * FROM audit WHERE id > (SELECT coalesce(max(id), 0) FROM audit_chain) ORDER BY id LIMIT :limit',
);
const insertLink = sql('INSERT INTO audit_chain (id, hash, late) VALUES (:id, :hash, :late)');
const selectLinks = sql<ChainedRow>(`
  SELECT c.id AS link, c.hash, c.late, a.* FROM (SELECT * FROM audit_chain WHERE id > :after ORDER BY id LIMIT :limit) c
  LEFT JOIN audit a ON a.id = c.id ORDER BY c.id`);
const selectEntriesWithoutLink = sql<{ id: number }>(`
  SELECT a.id FROM audit a WHERE NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.id = a.id) ORDER BY a.id LIMIT :limit`);
const countLinks = sql<{ entries: number }>('SELECT count(*) AS entries FROM audit_chain');
const findLastIssuedId = sql<{ last: number | null; there: number | null }>(lastIssuedAuditId);
const selectActiveTriggers = sql<{ name: string; place: string }>(activeAuditTriggers);
const selectExpectedTriggers = sql<{ name: string }>(expectedAuditTriggers);

/**
 * The hash of an entry, over the hash before it and everything it says, in hexadecimal digits. The
 * form is in docs/registry.md.
 */
function hashEntry(before: string, row: AuditRow): string {
  const { id, at, action, actor_id, via, address, client_id, edition, reason, changes } = row;
  return hash(
    'sha256',
    JSON.stringify([
      before,
      id,
      at,
      action,
      actor_id,
      via,
      address,
      client_id,
      edition,
      reason,
      changes,
    ]),
    'hex',
  );
}

/**
 * Chains entries, a page at most; answers how many. `insertion`: a transaction that adds one, of
 * which it answers the number; what others left unchained (a version before, another program) is
 * chained with it, and marked as late. All is asked in one go, as others wait behind: whoever calls
 * stands in the queue of the audit log.
 */
function* chainPage(
  insertion: Transaction<number | null>,
): Transaction<{ readonly ownId: number | null; readonly chained: number }> {
  const [ownId, last, rows] = yield* pipeline(
    insertion,
    fetchOne(findHead),
    fetchAll(selectUnchained, { limit: PAGE_SIZE }),
  );
  let before = last?.hash ?? '';
  const links = rows.map((row) => {
    before = hashEntry(before, row);
    return execute(insertLink, { id: row.id, hash: before, late: row.id === ownId ? 0 : 1 });
  });
  yield* pipeline(...links);
  return { ownId, chained: rows.length };
}

/** Adds an entry and chains it. */
export function* insertAndChain(insertion: Transaction<number>): Transaction<void> {
  const { ownId, chained } = yield* chainPage(insertion);
  // With more than a page in front of it, which only a long time without us leaves, its own turn
  // comes later.
  for (let more = chained === PAGE_SIZE; more; )
    more = (yield* chainPage(existingId(ownId))).chained === PAGE_SIZE;
}

// biome-ignore lint/correctness/useYield: a unit that asks nothing
function* existingId(id: number | null): Transaction<number | null> {
  return id;
}

/** What is wrong with the entries of one page; `before`: the hash in front of it. */
function findBreaks(
  rows: readonly ChainedRow[],
  before: string,
): { readonly breaks: readonly AuditBreak[]; readonly last: string } {
  const breaks: AuditBreak[] = [];
  let previous = before;
  let lastLink: number | null = null;
  let current = before;
  for (const row of rows) {
    if (row.link === lastLink) {
      breaks.push({ kind: 'twice', id: row.link });
      continue;
    }
    previous = current;
    current = row.hash;
    lastLink = row.link;
    if (row.id === null) breaks.push({ kind: 'missing', id: row.link });
    else if (hashEntry(previous, row as AuditRow) !== row.hash)
      breaks.push({ kind: 'changed', id: row.link });
  }
  return { breaks, last: current };
}

const extendLateRange = (
  late: AuditVerdict['late'],
  more: readonly number[],
): AuditVerdict['late'] =>
  more.length === 0 ? late : { from: late?.from ?? Math.min(...more), to: Math.max(...more) };

async function findMissingTriggers(driver: Driver): Promise<readonly AuditBreak[]> {
  const activeTriggers = new Set(
    (await driver.read(fetchAll(selectActiveTriggers))).map(({ name }) => name),
  );
  return (await driver.read(fetchAll(selectExpectedTriggers)))
    .filter(({ name }) => !activeTriggers.has(name))
    .map(({ name }) => ({ kind: 'unguarded', name }));
}

async function verifyChain(
  driver: Driver,
  known: readonly AuditHead[],
  archivedUntil: number,
): Promise<AuditVerdict> {
  const breaks: AuditBreak[] = [];
  let more = 0;
  const report = (found: readonly AuditBreak[]) => {
    const room = Math.max(MAX_LISTED_BREAKS - breaks.length, 0);
    breaks.push(...found.slice(0, room));
    more += Math.max(found.length - room, 0);
  };
  let entries = 0;
  let late: AuditVerdict['late'] = null;
  let last: AuditHead | null = null;
  for (;;) {
    const rows: readonly ChainedRow[] = await driver.read(
      fetchAll(selectLinks, { after: last?.id ?? 0, limit: PAGE_SIZE }),
    );
    const end: ChainedRow | undefined = rows.at(-1);
    if (end === undefined) break;
    const found = findBreaks(rows, last?.hash ?? '');
    report(found.breaks.filter((each) => !(each.kind === 'missing' && each.id <= archivedUntil)));
    const addedLate = rows.filter((row) => row.late === 1).map(({ link }) => link);
    late = extendLateRange(late, addedLate);
    entries += new Set(rows.map(({ link }) => link)).size;
    last = { id: end.link, hash: found.last };
  }
  for (const each of known) {
    const link = await driver.read(fetchOne(findLink, { id: each.id }));
    if (link?.hash !== each.hash) report([{ kind: 'other-head', id: each.id }]);
  }
  report(
    (await driver.read(fetchAll(selectEntriesWithoutLink, { limit: MAX_LISTED_BREAKS + 1 }))).map(
      ({ id }) => ({
        kind: 'unchained',
        id,
      }),
    ),
  );
  const issuedIds = await driver.read(fetchOne(findLastIssuedId));
  const end = Math.max(last?.id ?? 0, issuedIds?.there ?? 0);
  if (issuedIds?.last != null && issuedIds.last > end)
    report([{ kind: 'cut', from: end + 1, to: issuedIds.last }]);
  report(await findMissingTriggers(driver));
  return { entries, head: last, late, breaks, more };
}

/** Answers the questions about the chain of the audit log. */
export function makeAuditChainStore(driver: Driver): AuditChain {
  return {
    auditHead: async () => {
      const found = await driver.read(fetchOne(findHead));
      return found === undefined
        ? null
        : {
            id: found.id,
            hash: found.hash,
            entries: (await driver.read(fetchOne(countLinks)))?.entries ?? 0,
          };
    },
    chainAudit: async () =>
      (await driver.write(() => chainPage(existingId(null)), 'serialized-queue')).chained,
    verifyAudit: ({ known = [], archivedUntil = 0 } = {}) =>
      verifyChain(driver, known, archivedUntil),
  };
}

/** Chains what was there before there was a chain, a page at a time. */
export async function chainAllEntries(chain: Pick<AuditChain, 'chainAudit'>): Promise<void> {
  while ((await chain.chainAudit()) === PAGE_SIZE);
}
