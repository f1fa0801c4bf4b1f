import type { Config } from '#config/config.ts';
import type { Clock } from '#platform/clock.ts';
import { explainStoreErrors } from '#server/open-store.ts';
import { isPostgresLocation } from '#store/open.ts';
import { SchemaMismatch } from '#store/sql/migrate.ts';

/** What an operator asks for. `every` null: as before, or months. */
export interface PartitionRequest {
  readonly dryRun: boolean;
  readonly every: 'month' | 'week' | 'day' | null;
}

/** One thing that was done to a table, or would be. */
export interface PartitionStepReport {
  readonly table: string;
  readonly what: 'set-aside' | 'proved' | 'divided' | 'made' | 'dropped';
  readonly partition: string;
  readonly moved: number;
}

export type PartitionResult =
  | { readonly steps: readonly PartitionStepReport[] }
  | { readonly refused: string };

/**
 * Divides the tables that only grow by time, or with `dryRun` only looks. `report` hears of each
 * step as soon as it is done.
 */
export async function partitionDatabase(
  config: Config,
  clock: Pick<Clock, 'now'>,
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
