import type { PartitionRequest, PartitionResult, PartitionStepReport } from '#cli/partition.ts';
import type { Config } from '#config/config.ts';
import { seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import { explainStoreErrors } from '#server/open-store.ts';
import { isPostgresLocation } from '#store/open.ts';
import { SchemaMismatch } from '#store/sql/migrate.ts';
import type { Store } from '#store/store.ts';

/** `gatehouse partition`. */
export async function partitionDatabase(
  config: Config,
  clock: Clock,
  { dryRun, every }: PartitionRequest,
  report: (line: PartitionStepReport) => void,
): Promise<PartitionResult> {
  if (!isPostgresLocation(config.database))
    return {
      refused:
        'the database is SQLite, which has no partitions: expired tokens are deleted row by row, and that is enough there',
    };
  const { openPartitionManager, PartitionRefusal } = await import(
    '#store/postgres/partitions/manager.ts'
  );
  const manager = openPartitionManager(config.database);
  const request = { every, now: () => clock.now(), tell: report };
  try {
    return {
      steps: await explainStoreErrors(() =>
        dryRun ? manager.plan(request) : manager.partition(request),
      ),
    };
  } catch (fault) {
    if (fault instanceof PartitionRefusal) return { refused: fault.message };
    if (fault instanceof Error && fault.cause instanceof SchemaMismatch)
      return { refused: fault.cause.message };
    throw fault;
  } finally {
    await manager.close();
  }
}

/**
 * Partitions are dropped a day after their time: by a clock that agrees with the database's to the
 * second.
 */
const MAX_CLOCK_SKEW = seconds(1);

/**
 * What a node does with partitions now and then. It says once of each table that it may not make
 * those it lacks.
 */
export function makePartitionMaintenance(
  store: Pick<Store, 'maintainPartitions'>,
  clock: Clock,
  log: Log,
): () => Promise<void> {
  const warnedTables = new Set<string>();
  return async () => {
    const {
      steps,
      tablesWithoutPartition: lacking,
      clockDriftSeconds,
    } = await store.maintainPartitions(clock.now(), MAX_CLOCK_SKEW);
    if (clockDriftSeconds !== undefined)
      log.warn(
        'partitions are left alone: the clocks of this machine and of the database are too far apart',
        { seconds: clockDriftSeconds },
      );
    for (const { what, partition, moved } of steps)
      log.info(`a partition was ${what}`, { partition, moved });
    for (const table of lacking) {
      if (warnedTables.has(table)) continue;
      warnedTables.add(table);
      log.warn('there is no partition for the time to come, and this role may not make one', {
        table,
        remedy: 'run "gatehouse partition" now and then as the role that owns the tables',
      });
    }
  };
}
