import type { Instant } from '#kernel/time.ts';
import type { Driver } from '../../driver.ts';
import { type KeyRange, timeOfKey } from '../../sql/key-range.ts';
import { fetchAll, sql } from '../../sql/statement.ts';

/** A partition of a table, by the texts of its bounds; null: it has none on that side. */
export interface Partition {
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

const rangeBound = /^FOR VALUES FROM \((?:MINVALUE|'([^']*)')\) TO \((?:MAXVALUE|'([^']*)')\)$/;

/** Reads a bound as PostgreSQL writes it. Undefined: it is not a range (the DEFAULT partition). */
export function parsePartitionBound(name: string, bound: string): Partition | undefined {
  const found = rangeBound.exec(bound);
  return found === null ? undefined : { name, from: found[1] ?? null, to: found[2] ?? null };
}

/** Longer than any that is made by a clock that is right: nobody will drop it soon. */
const isOverlong = ({ from, to }: Omit<Partition, 'name'>) =>
  from !== null && to !== null && timeOfKey(to) - timeOfKey(from) > 62 * 86_400;

/** Above every key, compared by bytes. */
const LAST_KEY = '\u{10ffff}';
/**
 * Access tokens that end live 31 days at most: what is still there after them has been waiting to
 * be dropped, in vain.
 */
const OVERDUE_SECONDS = 40 * 86_400;

/**
 * Where expired tokens are deleted one by one, because they do not go with their partition: before
 * the first partition of a time, after the last, between two, and where a partition should have
 * gone long ago.
 */
export function keyRangesToPurge(parts: readonly Partition[], now: Instant): readonly KeyRange[] {
  const droppable = parts
    .filter(
      ({ from, to }) =>
        from !== null &&
        (to === null || timeOfKey(to) + OVERDUE_SECONDS > now) &&
        !isOverlong({ from, to }),
    )
    .map(({ from, to }): KeyRange => [from ?? '', to ?? LAST_KEY])
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  const starts = ['', ...droppable.map(([, to]) => to)];
  const ends = [...droppable.map(([from]) => from), LAST_KEY];
  return starts
    .map((from, index): KeyRange => [from, ends[index] ?? LAST_KEY])
    .filter(([from, to]) => from < to);
}

const selectTokenPartitions = sql<{ name: string; bound: string }>({
  sqlite: `SELECT '' AS name, '' AS bound WHERE 1 = 0`,
  postgres: `
    SELECT CAST(p.relname AS TEXT) AS name, pg_get_expr(p.relpartbound, p.oid) AS bound FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('access_tokens') AND p.relispartition`,
});

/**
 * Where the reaper deletes tokens. Null: the table has no partitions, or not yet; another process
 * may make them at any time.
 */
export async function readPurgeRanges(
  driver: Driver,
  now: Instant,
): Promise<readonly KeyRange[] | null> {
  const rows = await driver.read(fetchAll(selectTokenPartitions));
  return rows.length === 0
    ? null
    : keyRangesToPurge(
        rows.flatMap(({ name, bound }) => parsePartitionBound(name, bound) ?? []),
        now,
      );
}
