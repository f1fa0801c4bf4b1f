import { type Instant, instant } from '#kernel/time.ts';
import { firstKeyAt, timeOfKey } from '../../sql/key-range.ts';
import { type Partition, parsePartitionBound } from './bounds.ts';
import type { PartitionInterval, Period } from './periods.ts';

/** A table that is divided by time, and what is particular about it. */
export interface TimedTable {
  readonly name: 'access_tokens' | 'audit';
  /** The column that tells the time. */
  readonly timeColumn: string;
  /** Its least value at a moment, and back. */
  firstKeyAt(at: Instant): string;
  timeOf(key: string): Instant;
  /**
   * Who writes here stands in the queue of `turns`, and so do we: the numbers of the lines stay in
   * the order of the commits (ADR 8).
   */
  readonly queued: boolean;
  /**
   * Its primary key holds the column: it is one over all partitions. If not, each partition has its
   * own.
   */
  readonly keyedByTime: boolean;
  /** Every row says when it ends, so that partitions can be dropped. */
  readonly expires: boolean;
  /** What a partition does not get from its table. */
  readonly partitionExtras: (partition: string) => string;
}

/** The tables whose rows are only added. */
export const timedTables: readonly TimedTable[] = [
  {
    name: 'access_tokens',
    timeColumn: 'id',
    firstKeyAt,
    timeOf: timeOfKey,
    queued: false,
    keyedByTime: true,
    expires: true,
    partitionExtras: () => '',
  },
  {
    name: 'audit',
    timeColumn: 'at',
    firstKeyAt: String,
    timeOf: (key) => instant(Number(key)),
    queued: true,
    keyedByTime: false,
    expires: false,
    // Triggers for rows come from the table, those for whole statements do not.
    partitionExtras: (partition) => `
      ALTER TABLE ${partition} ADD PRIMARY KEY (id);
      CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON ${partition} FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()`,
  },
];

/** Sends one text; a query that may take long has no limit on our side. */
export type RunQuery = <R = unknown>(text: string) => Promise<readonly R[]>;

/** How a table stands, as the database's catalogue tells it. */
export interface PartitionState {
  /** `halfway`: what was there has been set aside, and waits to be the partition of the past. */
  readonly state: 'absent' | 'plain' | 'halfway' | 'partitioned';
  readonly owner: string;
  /** May this role change the table? */
  readonly canAlter: boolean;
  readonly interval: PartitionInterval | null;
  readonly parts: readonly Partition[];
  /** Partition of everything else; while the table is halfway, the table that was set aside. */
  readonly rest: string | null;
}

const INTERVAL_COMMENT = /^partitions of one (day|week|month)\b/;

/**
 * What is written on the table, so that every process goes on with partitions of the same length.
 */
export const intervalComment = (interval: PartitionInterval): string =>
  `partitions of one ${interval}`;

interface Row {
  readonly relkind: string;
  readonly owner: string;
  readonly mine: boolean;
  readonly note: string | null;
  readonly part: string | null;
  readonly bound: string | null;
  readonly partition: boolean;
}

/** Looks at a table, without waiting for anybody. */
export async function readPartitionState(
  runQuery: RunQuery,
  { name }: TimedTable,
): Promise<PartitionState> {
  const rows = await runQuery<Row>(`
    SELECT c.relkind, quote_ident(pg_get_userbyid(c.relowner)) AS owner, pg_has_role(c.relowner, 'MEMBER') AS mine,
      obj_description(c.oid, 'pg_class') AS note, CAST(CAST(p.oid AS regclass) AS TEXT) AS part, pg_get_expr(p.relpartbound, p.oid) AS bound,
      p.relispartition AS partition
    FROM pg_class c LEFT JOIN pg_inherits i ON i.inhparent = c.oid LEFT JOIN pg_class p ON p.oid = i.inhrelid
    WHERE c.oid = to_regclass('${name}')`);
  const [first] = rows;
  if (first === undefined)
    return { state: 'absent', owner: '', canAlter: false, interval: null, parts: [], rest: null };
  const { relkind, owner, mine, note } = first;
  const interval = (INTERVAL_COMMENT.exec(note ?? '')?.[1] ?? null) as PartitionInterval | null;
  const parts = rows.flatMap(({ part, bound }) =>
    part === null || bound === null ? [] : (parsePartitionBound(part, bound) ?? []),
  );
  const rest =
    rows.find(({ partition, bound }) => partition === false || bound === 'DEFAULT')?.part ?? null;
  const state = relkind === 'p' ? 'partitioned' : rest === null ? 'plain' : 'halfway';
  return { state, owner, canAlter: mine, interval, parts, rest };
}

/**
 * Until when the partitions of a table reach; undefined when there are none, null when they never
 * end.
 */
export function endOfPartitions(
  { timeOf }: TimedTable,
  parts: readonly Partition[],
): Instant | null | undefined {
  if (parts.some(({ to }) => to === null)) return null;
  const ends = parts.map(({ to }) => timeOf(to ?? ''));
  return ends.length === 0 ? undefined : instant(Math.max(...ends));
}

const DAY_SECONDS = 86_400;

/**
 * Partitions whose time is over: for a day, so that tokens of an hour and clocks that are late are
 * done with it. The oldest first.
 */
export const expiredPartitions = (
  { timeOf, expires }: TimedTable,
  parts: readonly Partition[],
  now: Instant,
): readonly Partition[] =>
  expires
    ? parts
        .filter(({ to }) => to !== null && timeOf(to) + DAY_SECONDS <= now)
        .toSorted((one, other) => ((one.from ?? '') < (other.from ?? '') ? -1 : 1))
    : [];

/** A partition is called after the day it begins. */
export const partitionName = ({ name }: TimedTable, { from }: Pick<Period, 'from'>): string =>
  `${name}_from_${new Date(from * 1000).toISOString().slice(0, 10).replaceAll('-', '')}`;
