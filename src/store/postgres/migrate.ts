import type pg from 'pg';
import { type MigrationPlan, migrations, planMigration, SchemaMismatch } from '../sql/migrate.ts';
import { classifyFault, toUnavailable } from './errors.ts';

/** Any number will do, as long as every Gatehouse takes the same: 'gate' in ASCII. */
export const MIGRATION_LOCK = 0x67617465;
const MIGRATION_TIMEOUT_MS = 600_000;

/** Which schema the database has; 0: none yet. */
async function readSchemaVersion(client: pg.ClientBase): Promise<number> {
  const { rows: found } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('schema_version') IS NOT NULL AS there`,
  );
  if (!found[0]?.there) return 0;
  const { rows } = await client.query<{ version: number }>(
    'SELECT max(version) AS version FROM schema_version',
  );
  return rows[0]?.version ?? 0;
}

const toReportedFault = (fault: unknown) =>
  !(fault instanceof SchemaMismatch) && classifyFault(fault).kind === 'unavailable'
    ? toUnavailable(fault)
    : fault;

/** What is to be done. Throws SchemaMismatch when the schema is newer than the program. */
export async function planPostgres(client: pg.ClientBase): Promise<MigrationPlan> {
  try {
    return planMigration(await readSchemaVersion(client));
  } catch (fault) {
    throw toReportedFault(fault);
  }
}

/**
 * Brings the schema up to date, all steps in one transaction and under a lock of their own: of
 * several processes that start at once, one migrates and the others find it done. A table that is
 * in use is waited for ten seconds, so that nobody queues behind us for longer.
 */
export async function migratePostgres(client: pg.ClientBase): Promise<void> {
  if ((await planPostgres(client)).from === migrations.length) return;
  const runQuery = (text: string) =>
    client.query({ text, query_timeout: MIGRATION_TIMEOUT_MS } as pg.QueryConfig);
  try {
    await runQuery(
      `BEGIN; SET LOCAL statement_timeout = ${MIGRATION_TIMEOUT_MS}; SET LOCAL idle_in_transaction_session_timeout = 0`,
    );
    await runQuery(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    await runQuery(`SET LOCAL lock_timeout = '10s'`);
    const { from } = planMigration(await readSchemaVersion(client));
    if (from === 0)
      await runQuery('CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)');
    for (const [index, { postgres }] of migrations.entries()) {
      if (index < from) continue;
      await runQuery(postgres);
      await runQuery(`INSERT INTO schema_version (version) VALUES (${index + 1})`);
    }
    await runQuery('COMMIT');
  } catch (fault) {
    await client.query('ROLLBACK').catch(() => {});
    throw toReportedFault(fault);
  }
}
