import type { PartitionAnswer, PartitionLine, PartitionWish } from '#cli/partition.ts';
import type { Config } from '#config/config.ts';
import { seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import { reached } from '#server/open-store.ts';
import { isPostgres } from '#store/open.ts';
import { openPartitions } from '#store/postgres/partitions/manager.ts';
import { PartitionRefusal } from '#store/postgres/partitions/steps.ts';
import { SchemaMismatch } from '#store/sql/migrate.ts';
import type { Store } from '#store/store.ts';

/** `gatehouse partition`. */
export async function partitionStore(
  config: Config,
  clock: Clock,
  { dryRun, every }: PartitionWish,
  tell: (line: PartitionLine) => void,
): Promise<PartitionAnswer> {
  if (!isPostgres(config.database))
    return {
      refused:
        'the database is SQLite, which has no partitions: expired tokens are deleted row by row, and that is enough there',
    };
  const desk = openPartitions(config.database);
  const order = { every, now: () => clock.now(), tell };
  try {
    return { steps: await reached(() => (dryRun ? desk.plan(order) : desk.partition(order))) };
  } catch (fault) {
    if (fault instanceof PartitionRefusal) return { refused: fault.message };
    if (fault instanceof Error && fault.cause instanceof SchemaMismatch)
      return { refused: fault.cause.message };
    throw fault;
  } finally {
    await desk.close();
  }
}

/**
 * Partitions are dropped a day after their time: by a clock that agrees with the database's to the
 * second.
 */
const MOST_APART = seconds(1);

/**
 * What a node does with partitions now and then. It says once of each table that it may not make
 * those it lacks.
 */
export function partitionWatch(
  store: Pick<Store, 'keepPartitions'>,
  clock: Clock,
  log: Log,
): () => Promise<void> {
  const said = new Set<string>();
  return async () => {
    const { steps, lacking, apart } = await store.keepPartitions(clock.now(), MOST_APART);
    if (apart !== undefined)
      log.warn(
        'partitions are left alone: the clocks of this machine and of the database are too far apart',
        { seconds: apart },
      );
    for (const { what, partition, moved } of steps)
      log.info(`a partition was ${what}`, { partition, moved });
    for (const table of lacking) {
      if (said.has(table)) continue;
      said.add(table);
      log.warn('there is no partition for the time to come, and this role may not make one', {
        table,
        remedy: 'run "gatehouse partition" now and then as the role that owns the tables',
      });
    }
  };
}
