import { seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import type { Store } from '#store/store.ts';

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
