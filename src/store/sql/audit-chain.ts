import { hash } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { AuditBreak, AuditChain, AuditHead, AuditVerdict } from '#registry/audit.ts';
import type { Driver } from '../driver.ts';
import type { Schema } from './schema.ts';
import { all, alongside, one, type Unit, write, written } from './statement.ts';

type AuditRow = Selectable<Schema['audit']>;
type Linked = { readonly link: number; readonly hash: string; readonly late: number } & {
  readonly [K in keyof AuditRow]: AuditRow[K] | null;
};

const PAGE = 500;
/** Breaks of each kind that are listed; the rest is counted. */
const MOST_LISTED = 100;

const head = written<AuditHead>('SELECT id, hash FROM audit_chain ORDER BY id DESC LIMIT 1');
const linkAt = written<AuditHead>('SELECT id, hash FROM audit_chain WHERE id = :id');
const unchained = written<AuditRow>(
  'SELECT * FROM audit WHERE id > (SELECT coalesce(max(id), 0) FROM audit_chain) ORDER BY id LIMIT :limit',
);
const addLink = written('INSERT INTO audit_chain (id, hash, late) VALUES (:id, :hash, :late)');
const links = written<Linked>(`
  SELECT c.id AS link, c.hash, c.late, a.* FROM (SELECT * FROM audit_chain WHERE id > :after ORDER BY id LIMIT :limit) c
  LEFT JOIN audit a ON a.id = c.id ORDER BY c.id`);
const strangers = written<{ id: number }>(`
  SELECT a.id FROM audit a WHERE NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.id = a.id) ORDER BY a.id LIMIT :limit`);
const counted = written<{ entries: number }>('SELECT count(*) AS entries FROM audit_chain');
/**
 * Numbers that were given out. On PostgreSQL what was rolled back leaves gaps, so that the last one
 * proves nothing.
 */
const given = written<{ last: number | null; there: number | null }>({
  sqlite: `SELECT (SELECT max(seq) FROM sqlite_sequence WHERE name = 'audit') AS last, (SELECT max(id) FROM audit) AS there`,
  postgres: 'SELECT CAST(NULL AS BIGINT) AS last, CAST(NULL AS BIGINT) AS there',
});
/** What keeps the trail from being changed, and is in force. */
const guards = written<{ name: string; place: string }>({
  sqlite: `SELECT name, tbl_name AS place FROM sqlite_schema WHERE type = 'trigger' AND tbl_name IN ('audit', 'audit_chain') AND sql LIKE '%RAISE(ABORT,%'`,
  postgres: `
    SELECT CAST(t.tgname AS TEXT) AS name, CAST(c.relname AS TEXT) AS place FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgenabled IN ('O', 'A') AND c.oid IN (to_regclass('audit'), to_regclass('audit_chain'))`,
});
const expectedGuards = written<{ name: string }>({
  sqlite: `
    SELECT 'audit_is_not_rewritten' AS name UNION ALL SELECT 'audit_is_not_erased' UNION ALL SELECT 'audit_is_not_replaced'
    UNION ALL SELECT 'audit_is_in_order' UNION ALL SELECT 'audit_chain_is_not_rewritten' UNION ALL SELECT 'audit_chain_is_not_erased'
    UNION ALL SELECT 'audit_chain_is_not_replaced' UNION ALL SELECT 'audit_chain_is_in_order'`,
  postgres: `
    SELECT 'audit_is_not_changed' AS name UNION ALL SELECT 'audit_is_not_emptied'
    UNION ALL SELECT 'audit_chain_is_not_changed' UNION ALL SELECT 'audit_chain_is_not_emptied'`,
});

/**
 * The hash of an entry, over the hash before it and everything it says, in hexadecimal digits. The
 * form is in docs/registry.md.
 */
function hashOf(before: string, row: AuditRow): string {
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
 * Chains entries, a page at most; answers how many. `adding`: a unit that adds one, of which it
 * answers the number; what others left unchained (a version before, another program) is chained
 * with it, and marked as late. All is asked in one go, as others wait behind: whoever calls stands
 * in the queue of the trail.
 */
function* chainPage(
  adding: Unit<number | null>,
): Unit<{ readonly own: number | null; readonly chained: number }> {
  const [own, last, rows] = yield* alongside(adding, one(head), all(unchained, { limit: PAGE }));
  let before = last?.hash ?? '';
  const links = rows.map((row) => {
    before = hashOf(before, row);
    return write(addLink, { id: row.id, hash: before, late: row.id === own ? 0 : 1 });
  });
  yield* alongside(...links);
  return { own, chained: rows.length };
}

/** Adds an entry and chains it. */
export function* chainedTo(adding: Unit<number>): Unit<void> {
  const { own, chained } = yield* chainPage(adding);
  // With more than a page in front of it, which only a long time without us leaves, its own turn
  // comes later.
  for (let more = chained === PAGE; more; )
    more = (yield* chainPage(numbered(own))).chained === PAGE;
}

// biome-ignore lint/correctness/useYield: a unit that asks nothing
function* numbered(own: number | null): Unit<number | null> {
  return own;
}

/** What is wrong with the entries of one page; `before`: the hash in front of it. */
function breaksIn(
  rows: readonly Linked[],
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
    else if (hashOf(previous, row as AuditRow) !== row.hash)
      breaks.push({ kind: 'changed', id: row.link });
  }
  return { breaks, last: current };
}

const joined = (late: AuditVerdict['late'], more: readonly number[]): AuditVerdict['late'] =>
  more.length === 0 ? late : { from: late?.from ?? Math.min(...more), to: Math.max(...more) };

async function guardBreaks(driver: Driver): Promise<readonly AuditBreak[]> {
  const there = new Set((await driver.read(all(guards))).map(({ name }) => name));
  return (await driver.read(all(expectedGuards)))
    .filter(({ name }) => !there.has(name))
    .map(({ name }) => ({ kind: 'unguarded', name }));
}

async function verify(
  driver: Driver,
  known: readonly AuditHead[],
  archivedUntil: number,
): Promise<AuditVerdict> {
  const breaks: AuditBreak[] = [];
  let more = 0;
  const add = (found: readonly AuditBreak[]) => {
    const room = Math.max(MOST_LISTED - breaks.length, 0);
    breaks.push(...found.slice(0, room));
    more += Math.max(found.length - room, 0);
  };
  let entries = 0;
  let late: AuditVerdict['late'] = null;
  let last: AuditHead | null = null;
  for (;;) {
    const rows: readonly Linked[] = await driver.read(
      all(links, { after: last?.id ?? 0, limit: PAGE }),
    );
    const end: Linked | undefined = rows.at(-1);
    if (end === undefined) break;
    const found = breaksIn(rows, last?.hash ?? '');
    add(found.breaks.filter((each) => !(each.kind === 'missing' && each.id <= archivedUntil)));
    const added = rows.filter((row) => row.late === 1).map(({ link }) => link);
    late = joined(late, added);
    entries += new Set(rows.map(({ link }) => link)).size;
    last = { id: end.link, hash: found.last };
  }
  for (const each of known) {
    const link = await driver.read(one(linkAt, { id: each.id }));
    if (link?.hash !== each.hash) add([{ kind: 'other-head', id: each.id }]);
  }
  add(
    (await driver.read(all(strangers, { limit: MOST_LISTED + 1 }))).map(({ id }) => ({
      kind: 'unchained',
      id,
    })),
  );
  const numbers = await driver.read(one(given));
  const end = Math.max(last?.id ?? 0, numbers?.there ?? 0);
  if (numbers?.last != null && numbers.last > end)
    add([{ kind: 'cut', from: end + 1, to: numbers.last }]);
  add(await guardBreaks(driver));
  return { entries, head: last, late, breaks, more };
}

/** Answers the questions about the chain of the audit trail. */
export function auditChainStore(driver: Driver): AuditChain {
  return {
    auditHead: async () => {
      const found = await driver.read(one(head));
      return found === undefined
        ? null
        : {
            id: found.id,
            hash: found.hash,
            entries: (await driver.read(one(counted)))?.entries ?? 0,
          };
    },
    chainAudit: async () => (await driver.write(() => chainPage(numbered(null)), 'queue')).chained,
    verifyAudit: ({ known = [], archivedUntil = 0 } = {}) => verify(driver, known, archivedUntil),
  };
}

/** Chains what was there before there was a chain, a page at a time. */
export async function chainAll(chain: Pick<AuditChain, 'chainAudit'>): Promise<void> {
  while ((await chain.chainAudit()) === PAGE);
}
