import type { Instant } from '#kernel/time.ts';
import type { PartitionStep } from '../../sql/maintenance.ts';
import type { Partition } from './bounds.ts';
import { selectGrants, textsOf } from './features.ts';
import { becomeOwner, type PartitionJob, runStep } from './job.ts';
import type { Period } from './periods.ts';
import {
  countRowsUpTo,
  MAX_MOVED_ROWS,
  MAX_READ_BYTES,
  moveRows,
  readTableBytes,
  runStatements,
} from './row-moves.ts';
import { endOfPartitions, partitionName, readPartitionState, type TimedTable } from './tables.ts';

/**
 * Makes the partition of a time. What had no place until now lies in the DEFAULT partition and is
 * moved; `crowded` when that is more than anybody should wait for: such a time is left to the
 * DEFAULT partition.
 */
export const createPartition = (
  job: PartitionJob,
  table: TimedTable,
  { from, to }: Period,
): Promise<PartitionStep | 'crowded' | undefined> =>
  runStep(job, async ({ runQuery, lockTable }) => {
    const before = await readPartitionState(runQuery, table);
    const last = endOfPartitions(table, before.parts);
    // Another process was here since we looked.
    if (before.state !== 'partitioned' || last === null || (last !== undefined && last > from))
      return undefined;
    // All of the DEFAULT partition is read to know that nothing in it is of this time. One that has
    // grown too large for that is left as it is.
    if (before.rest !== null && (await readTableBytes(runQuery, before.rest)) > MAX_READ_BYTES)
      return 'crowded' as const;
    await becomeOwner(runQuery, before);
    await lockTable(table.name, { only: true });
    const { name, timeColumn } = table;
    const where = `${timeColumn} >= '${table.firstKeyAt(from)}' AND ${timeColumn} < '${table.firstKeyAt(to)}'`;
    const inside = before.rest === null ? 0 : await countRowsUpTo(runQuery, before.rest, where);
    if (inside > MAX_MOVED_ROWS) return 'crowded' as const;
    const partition = partitionName(table, { from });
    // The entries of the audit log can be moved for as long as their table stands alone: its
    // triggers come and go with the place.
    const detached = inside > 0;
    await runStatements(runQuery, [
      detached ? `ALTER TABLE ${name} DETACH PARTITION ${before.rest}` : '',
      `CREATE TABLE ${partition} PARTITION OF ${name} FOR VALUES FROM ('${table.firstKeyAt(from)}') TO ('${table.firstKeyAt(to)}')`,
      table.partitionExtras(partition),
      // Who reads or dumps the table reads its partitions, too.
      ...textsOf(await runQuery(selectGrants('TABLE', name, partition))),
    ]);
    const moved = detached ? await moveRows(runQuery, before.rest ?? '', where, partition) : 0;
    if (detached) await runQuery(`ALTER TABLE ${name} ATTACH PARTITION ${before.rest} DEFAULT`);
    return { table: name, what: 'made', partition, moved };
  });

export const notExpired = (now: Instant) => `expires_at > ${now}`;

/**
 * Drops a partition in which next to nothing lives any more. What does (the tokens of owner-only
 * apps live a thousand years) is moved to the DEFAULT partition, in the same transaction.
 * Undefined: it stays, as too many live in it.
 */
export const dropPartition = (
  job: PartitionJob,
  table: TimedTable,
  { name: partition }: Partition,
): Promise<PartitionStep | undefined> =>
  runStep(job, async ({ runQuery, lockTable }) => {
    const { name } = table;
    const before = await readPartitionState(runQuery, table);
    if (before.rest === null || !before.parts.some((part) => part.name === partition))
      return undefined;
    // Asked before anybody has to wait; there will not be more of them.
    if ((await countRowsUpTo(runQuery, partition, notExpired(job.now()))) > MAX_MOVED_ROWS)
      return undefined;
    await becomeOwner(runQuery, before);
    await lockTable(name, { only: true });
    await runQuery(`ALTER TABLE ${name} DETACH PARTITION ${partition}`);
    const survivors = await runQuery(
      `INSERT INTO ${name} SELECT * FROM ${partition} WHERE ${notExpired(job.now())} RETURNING 1 AS row`,
    );
    await runQuery(`DROP TABLE ${partition}`);
    return { table: name, what: 'dropped', partition, moved: survivors.length };
  });
