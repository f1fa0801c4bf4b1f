import type { Config } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { explainStoreErrors } from '#server/open-store.ts';
import { openStore } from '#store/open.ts';
import { SchemaMismatch } from '#store/sql/migrate.ts';

/** What was done, or would be; or why nothing may be. */
export type MigrationResult =
  | { readonly from: number; readonly to: number }
  | { readonly refused: string };

/** Brings the schema of the database up to date, or with `dryRun` only looks. */
export async function migrateStore(config: Config, dryRun: boolean): Promise<MigrationResult> {
  const store = await openStore(config.database, { migrate: false });
  try {
    const plan = await explainStoreErrors(() => store.planMigration());
    if (!dryRun) await explainStoreErrors(() => store.prepareSchema());
    return plan;
  } catch (fault) {
    if (fault instanceof StartupError && fault.cause instanceof SchemaMismatch)
      return { refused: fault.cause.message };
    throw fault;
  } finally {
    await store.close();
  }
}
