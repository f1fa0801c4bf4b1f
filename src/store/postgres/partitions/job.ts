import pg from 'pg';
import type { Instant } from '#kernel/time.ts';
import { MIGRATION_LOCK as MIGRATING } from '../migrate.ts';
import type { PartitionState, RunQuery } from './tables.ts';

/** Any other number than that of migrations will do: 'part' in ASCII. */
const PARTITION_LOCK = 0x70617274;

/** Why partitions cannot be made. The message is for the operator. */
export class PartitionRefusal extends Error {
  override readonly name = 'PartitionRefusal';
}

/** Who does it, and what it may cost the others. */
export interface PartitionJob {
  readonly client: pg.ClientBase;
  readonly now: () => Instant;
  /** When another process is at it: wait for it, or leave it alone. */
  readonly whenBusy: 'wait' | 'skip';
  /** How often it is tried to have a table to ourselves. */
  readonly maxAttempts: number;
}

/**
 * The server's limits count; ours would end a connection that only waits for a long look at the
 * data.
 */
export const makeRunQuery =
  (client: pg.ClientBase): RunQuery =>
  async (text) => {
    const answer = await client.query({ text, query_timeout: 86_400_000 } as pg.QueryConfig);
    return Array.isArray(answer)
      ? (answer as pg.QueryResult[]).flatMap(({ rows }) => rows)
      : answer.rows;
  };

/** Somebody has a table for longer than a moment. */
class TableBusyError extends Error {}

/**
 * Is the table, or one behind it, in a transaction that is older than a second, or that we may not
 * look at? Whoever asks for it after us would wait as long as we do, so we do not even begin.
 */
async function isTableBusy(runQuery: RunQuery, table: string): Promise<boolean> {
  const holders = await runQuery(`
    SELECT 1 AS kept FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.mode <> 'SIReadLock'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.relation = CAST('${table}' AS regclass) OR l.relation IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST('${table}' AS regclass)))
      AND coalesce(a.xact_start < clock_timestamp() - interval '1 second', TRUE) LIMIT 1`);
  return holders.length > 0;
}

/**
 * Does somebody read by a snapshot that may be from before what we are about to do? A dump that
 * took its snapshot and comes to the table afterwards would find the new table and none of the old
 * rows, and would not say so.
 */
export async function refuseOlderSnapshots(runQuery: RunQuery): Promise<void> {
  const readers = await runQuery(`
    SELECT 1 AS reads FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      AND (application_name LIKE 'pg_dump%' OR (backend_xmin IS NOT NULL AND xact_start < clock_timestamp() - interval '1 second')) LIMIT 1`);
  if (readers.length > 0) throw new TableBusyError('somebody reads by an older snapshot');
}

/**
 * A second and a half now and then: the server ends an automatic VACUUM that is in somebody's way
 * after a second, and whoever asks for the table meanwhile waits behind us. Otherwise a fifth of
 * one.
 */
const isLongAttempt = (attempt: number) => attempt % 5 === 0;

export const isLockConflict = (fault: unknown) =>
  fault instanceof TableBusyError ||
  (fault instanceof pg.DatabaseError && ['55P03', '40P01', '57014'].includes(fault.code ?? ''));

/** What one transaction is given. `alone` takes a table for itself, from its first call on. */
interface StepContext {
  readonly runQuery: RunQuery;
  lockTable(
    table: string,
    how?: { readonly only?: boolean; readonly queued?: boolean },
  ): Promise<void>;
}

/**
 * One step in one transaction: all or nothing, one process at a time, and tried again when a table
 * was not to be had at once. Answers undefined when another process is at it and is left alone.
 */
export async function runStep<T>(
  { client, whenBusy, maxAttempts }: PartitionJob,
  step: (context: StepContext) => Promise<T>,
): Promise<T | undefined> {
  const runQuery = makeRunQuery(client);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await runQuery(
        'BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 60000',
      );
      const context: StepContext = {
        runQuery,
        async lockTable(table, { only = false, queued = false } = {}) {
          if (!isLongAttempt(attempt) && (await isTableBusy(runQuery, table)))
            throw new TableBusyError(`somebody has ${table}`);
          // Whoever waits in this queue hinders only those behind.
          if (queued)
            await runQuery(`SET LOCAL lock_timeout = '10s'; LOCK TABLE turns IN EXCLUSIVE MODE`);
          await runQuery(
            `SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = ${isLongAttempt(attempt) ? 1500 : 200}`,
          );
          await runQuery(`LOCK TABLE ${only ? 'ONLY ' : ''}${table}`);
        },
      };
      const [got] = await runQuery<{ got: boolean | string }>(
        whenBusy === 'wait'
          ? `SELECT pg_advisory_xact_lock(${PARTITION_LOCK}) AS got`
          : `SELECT pg_try_advisory_xact_lock(${PARTITION_LOCK}) AS got`,
      );
      // No step of the schema in between: it would find a table under a name that is not its own.
      const done = got?.got === false ? undefined : await step(context);
      await runQuery('COMMIT');
      return done;
    } catch (fault) {
      await client.query('ROLLBACK').catch(() => {});
      if (!isLockConflict(fault) || attempt === maxAttempts) throw fault;
    }
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 50 * attempt));
  }
}

export const becomeOwner = async (runQuery: RunQuery, { owner }: PartitionState) =>
  // Under another role "$user" in the search path would be another schema.
  void (await runQuery(`
    SELECT pg_advisory_xact_lock_shared(${MIGRATING});
    SELECT set_config('search_path', quote_ident(current_schema()), TRUE);
    SET LOCAL ROLE ${owner}`));
