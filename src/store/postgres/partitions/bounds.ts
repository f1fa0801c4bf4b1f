import { type Instant, instant } from '#kernel/time.ts';
import type { Driver } from '../../driver.ts';
import { all, written } from '../../sql/statement.ts';

/** A partition of a table, by the texts of its bounds; null: it has none on that side. */
export interface Part {
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

const bounds = /^FOR VALUES FROM \((?:MINVALUE|'([^']*)')\) TO \((?:MAXVALUE|'([^']*)')\)$/;

/** Reads a bound as PostgreSQL writes it. Undefined: it is not a range (the DEFAULT partition). */
export function toPart(name: string, bound: string): Part | undefined {
  const found = bounds.exec(bound);
  return found === null ? undefined : { name, from: found[1] ?? null, to: found[2] ?? null };
}

/** The first key of a row whose key begins with the time in milliseconds, 12 hexadecimal digits. */
export const keyAt = (at: Instant): string => (at * 1000).toString(16).padStart(12, '0');
/** The time that such a key begins with. */
export const timeOfKey = (key: string): Instant =>
  instant(Number.parseInt(key.slice(0, 12), 16) / 1000);

/** Longer than any that is made by a clock that is right: nobody will drop it soon. */
const isLong = ({ from, to }: Omit<Part, 'name'>) =>
  from !== null && to !== null && timeOfKey(to) - timeOfKey(from) > 62 * 86_400;

/** Keys from the first to before the second. */
export type Span = readonly [from: string, to: string];

/** Above every key, compared by bytes. */
const LAST = '\u{10ffff}';
/**
 * Access tokens that end live 31 days at most: what is still there after them has been waiting to
 * be dropped, in vain.
 */
const OVERDUE = 40 * 86_400;

/**
 * Where expired tokens are deleted one by one, because they do not go with their partition: before
 * the first partition of a time, after the last, between two, and where a partition should have
 * gone long ago.
 */
export function spansBetween(parts: readonly Part[], now: Instant): readonly Span[] {
  const going = parts
    .filter(
      ({ from, to }) =>
        from !== null && (to === null || timeOfKey(to) + OVERDUE > now) && !isLong({ from, to }),
    )
    .map(({ from, to }): Span => [from ?? '', to ?? LAST])
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  const starts = ['', ...going.map(([, to]) => to)];
  const ends = [...going.map(([from]) => from), LAST];
  return starts
    .map((from, index): Span => [from, ends[index] ?? LAST])
    .filter(([from, to]) => from < to);
}

const partsOfTokens = written<{ name: string; bound: string }>({
  sqlite: `SELECT '' AS name, '' AS bound WHERE 1 = 0`,
  postgres: `
    SELECT CAST(p.relname AS TEXT) AS name, pg_get_expr(p.relpartbound, p.oid) AS bound FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('access_tokens') AND p.relispartition`,
});

/**
 * Where the reaper deletes tokens. Null: the table has no partitions, or not yet; another process
 * may make them at any time.
 */
export async function reapedSpans(driver: Driver, now: Instant): Promise<readonly Span[] | null> {
  const rows = await driver.read(all(partsOfTokens));
  return rows.length === 0
    ? null
    : spansBetween(
        rows.flatMap(({ name, bound }) => toPart(name, bound) ?? []),
        now,
      );
}
