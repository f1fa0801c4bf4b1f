import pg from 'pg';
import { type Instant, instant } from '#kernel/time.ts';
import type { PartitionStep } from '../../sql/maintenance.ts';
import { MIGRATION_LOCK as MIGRATING } from '../migrate.ts';
import type { Partition } from './bounds.ts';
import { type PartitionInterval, type Period, periodContaining } from './periods.ts';
import {
  endOfPartitions,
  intervalComment,
  type PartitionState,
  partitionName,
  type RunQuery,
  readPartitionState,
  type TimedTable,
} from './tables.ts';

/** Any other number than that of migrations will do: 'part' in ASCII. */
const PARTITION_LOCK = 0x70617274;
/** How many rows are moved at most while others wait: a fraction of a second. */
export const MAX_MOVED_ROWS = 10_000;
/** How much is read at most while others wait: about a tenth of a second. */
const MAX_READ_BYTES = 64 * 1024 * 1024;
const HOUR_SECONDS = 3600;

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
async function refuseOlderSnapshots(runQuery: RunQuery): Promise<void> {
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

/**
 * What a table has besides its columns, in the words that make it once more under the same name.
 */
interface TableFeatures {
  readonly indexes: readonly {
    readonly name: string;
    readonly bare: string;
    readonly primary: boolean;
    readonly text: string;
  }[];
  readonly triggers: readonly {
    readonly name: string;
    readonly each: boolean;
    readonly text: string;
  }[];
  readonly grants: readonly string[];
}

const selectGrants = (kind: 'TABLE' | 'SEQUENCE', name: string, target: string) => `
  SELECT format('GRANT %s ON ${kind} ${target} TO %s%s', a.privilege_type,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS text
  FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = CAST('${name}' AS regclass) AND a.grantee <> c.relowner`;
const textsOf = (rows: readonly { readonly text: string }[]) => rows.map(({ text }) => text);

async function readTableFeatures(runQuery: RunQuery, table: string): Promise<TableFeatures> {
  return {
    indexes: await runQuery(`
      SELECT CAST(CAST(i.indexrelid AS regclass) AS TEXT) AS name, c.relname AS bare, i.indisprimary AS primary,
        CASE WHEN i.indisprimary THEN 'ALTER TABLE ${table} ADD ' || pg_get_constraintdef(k.oid) ELSE pg_get_indexdef(i.indexrelid) END AS text
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'p'
      WHERE i.indrelid = CAST('${table}' AS regclass) ORDER BY i.indexrelid`),
    triggers: await runQuery(`
      SELECT quote_ident(tgname) AS name, tgtype & 1 = 1 AS each, pg_get_triggerdef(oid) AS text FROM pg_trigger
      WHERE tgrelid = CAST('${table}' AS regclass) AND NOT tgisinternal ORDER BY tgname`),
    grants: textsOf(await runQuery(selectGrants('TABLE', table, table))),
  };
}

const LIKE_OPTIONS =
  'INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION';
/**
 * Says of the table that was set aside that nothing in it is of a later time. Nothing is put into
 * it any more, so it refuses nobody.
 */
const PAST_CONSTRAINT = 'nothing_of_a_later_time';

const runStatements = async (runQuery: RunQuery, statements: readonly string[]) => {
  const text = statements.filter((statement) => statement.trim() !== '').join(';\n');
  if (text !== '') await runQuery(text);
};

/** Gives a table and its indexes other names, so that theirs are free. */
const renameStatements = (table: string, suffix: string, { indexes }: TableFeatures) => [
  `ALTER TABLE ${table} RENAME TO ${table}_${suffix}`,
  ...indexes.map(
    ({ name, bare }) => `ALTER INDEX ${name} RENAME TO ${pg.escapeIdentifier(`${bare}_${suffix}`)}`,
  ),
];

/** Puts rows of one table, that have no place there, into another; answers how many. */
async function moveRows(
  runQuery: RunQuery,
  from: string,
  where: string,
  into: string,
): Promise<number> {
  const [moved] = await runQuery<{ count: string }>(`
    WITH gone AS (DELETE FROM ONLY ${from} WHERE ${where} RETURNING *), put AS (INSERT INTO ${into} SELECT * FROM gone RETURNING 1)
    SELECT count(*) AS count FROM put`);
  return Number(moved?.count);
}

/** What reading a table itself, without those behind it, would cost. */
async function readTableBytes(runQuery: RunQuery, table: string): Promise<number> {
  const [found] = await runQuery<{ size: string }>(
    `SELECT pg_relation_size(CAST('${table}' AS regclass)) AS size`,
  );
  return Number(found?.size);
}

/** How many rows, as far as it matters. */
export async function countRowsUpTo(
  runQuery: RunQuery,
  table: string,
  where: string,
): Promise<number> {
  const [counted] = await runQuery<{ count: string }>(
    `SELECT count(*) AS count FROM (SELECT 1 FROM ${table} WHERE ${where} LIMIT ${MAX_MOVED_ROWS + 1}) found`,
  );
  return Number(counted?.count);
}

/**
 * A number that counts up by itself is made by a sequence of the table, for one of partitions must
 * not have an identity before PostgreSQL 17.
 */
async function readSequence(
  runQuery: RunQuery,
  table: string,
): Promise<{ readonly next: string; readonly grants: readonly string[] } | null> {
  const [found] = await runQuery<{ name: string | null }>(
    `SELECT pg_get_serial_sequence('${table}', 'id') AS name`,
  );
  if (found?.name == null) return null;
  const [next] = await runQuery<{ next: string }>(`
    SELECT greatest((SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END FROM ${found.name}),
      (SELECT coalesce(max(CAST(id AS BIGINT)), 0) + 1 FROM ${table})) AS next`);
  // A column that counts by itself asks nobody for a right to its sequence; a sequence of the table
  // does.
  const writers = `
    SELECT format('GRANT USAGE ON SEQUENCE ${table}_id_seq TO %s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS text
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = CAST('${table}' AS regclass) AND a.grantee <> c.relowner AND a.privilege_type = 'INSERT'`;
  return {
    next: String(next?.next),
    grants: [
      ...textsOf(await runQuery(selectGrants('SEQUENCE', found.name, `${table}_id_seq`))),
      ...textsOf(await runQuery(writers)),
    ],
  };
}

/**
 * Lines of the trail have no index of their times. All of them are looked at before anybody has to
 * wait, and under the lock only the new.
 */
async function laterEntries(
  job: PartitionJob,
  { name, timeColumn }: TimedTable,
  until: string,
): Promise<string> {
  const [found] =
    (await runStep({ ...job, whenBusy: 'wait' }, ({ runQuery }) =>
      runQuery<{ first: string }>(
        `SELECT least(min(id) FILTER (WHERE ${timeColumn} >= '${until}'), coalesce(max(id), 0) + 1) AS first FROM ${name}`,
      ),
    )) ?? [];
  return `${timeColumn} >= '${until}' AND id >= ${Number(found?.first ?? 0)}`;
}

/**
 * The first step: new rows go into a new table of the same name, and the old one stands behind it,
 * so that every question is answered from both. From here on nothing is put into the old one, which
 * can be proved to be of the past at leisure.
 */
export async function setTableAside(
  job: PartitionJob,
  table: TimedTable,
): Promise<PartitionStep | undefined> {
  const { name, timeColumn, queued, keyedByTime } = table;
  const seen = keyedByTime ? undefined : table.firstKeyAt(instant(job.now() + 1));
  const later = seen === undefined ? undefined : await laterEntries(job, table, seen);
  return runStep(job, async ({ runQuery, lockTable }) => {
    const before = await readPartitionState(runQuery, table);
    if (before.state !== 'plain') return undefined;
    await becomeOwner(runQuery, before);
    await lockTable(name, { queued });
    await refuseOlderSnapshots(runQuery);
    const until = seen ?? table.firstKeyAt(instant(job.now() + 1));
    const [features, sequence] = [
      await readTableFeatures(runQuery, name),
      keyedByTime ? null : await readSequence(runQuery, name),
    ];
    const past = `${name}_past`;
    await runStatements(runQuery, [
      ...renameStatements(name, 'past', features),
      ...(sequence === null
        ? []
        : [
            `ALTER TABLE ${past} ALTER COLUMN id DROP IDENTITY IF EXISTS`,
            `CREATE SEQUENCE ${name}_id_seq AS BIGINT START ${sequence.next}`,
          ]),
      `CREATE TABLE ${name} (LIKE ${past} ${LIKE_OPTIONS})`,
      ...(sequence === null
        ? []
        : [
            `ALTER TABLE ${name} ALTER COLUMN id SET DEFAULT nextval('${name}_id_seq')`,
            `ALTER SEQUENCE ${name}_id_seq OWNED BY ${name}.id`,
          ]),
      ...textsOf(features.indexes),
      ...textsOf(features.triggers),
      ...features.grants,
      ...(sequence?.grants ?? []),
    ]);
    const where = later ?? `${timeColumn} >= '${until}'`;
    if ((await countRowsUpTo(runQuery, past, where)) > MAX_MOVED_ROWS)
      throw new PartitionRefusal(
        `more than ${MAX_MOVED_ROWS} rows of ${name} are of a time that is still to come: look at the clocks`,
      );
    await runQuery(`ALTER TABLE ${past} DISABLE TRIGGER USER`);
    const moved = await moveRows(runQuery, past, where, name);
    await runStatements(runQuery, [
      `ALTER TABLE ${past} ENABLE TRIGGER USER`,
      `ALTER TABLE ${past} ADD CONSTRAINT ${PAST_CONSTRAINT} CHECK (${timeColumn} < '${until}') NOT VALID`,
      `ALTER TABLE ${past} INHERIT ${name}`,
    ]);
    // Whoever began while we were at it waits for the table, with a snapshot from before.
    await refuseOlderSnapshots(runQuery);
    return { table: name, what: 'set-aside', partition: past, moved };
  });
}

/** Until when the table that was set aside reaches, and whether that was proved. */
async function readPastTable(
  runQuery: RunQuery,
  past: string,
): Promise<{ readonly until: string; readonly proved: boolean }> {
  const [found] = await runQuery<{ text: string; proved: boolean }>(`
    SELECT pg_get_constraintdef(oid) AS text, convalidated AS proved FROM pg_constraint
    WHERE conrelid = CAST('${past}' AS regclass) AND conname = '${PAST_CONSTRAINT}'`);
  const until = /< '?([0-9a-f]+)/.exec(found?.text ?? '')?.[1];
  if (found === undefined || until === undefined)
    throw new PartitionRefusal(
      `${past} is in the way: it is not a table that this command has set aside`,
    );
  return { until, proved: found.proved };
}

/** The second step, the only one that takes long: nobody waits for it but automatic VACUUMs. */
export const validatePastTable = (
  job: PartitionJob,
  table: TimedTable,
): Promise<PartitionStep | undefined> =>
  runStep(job, async ({ runQuery }) => {
    const before = await readPartitionState(runQuery, table);
    if (
      before.state !== 'halfway' ||
      before.rest === null ||
      (await readPastTable(runQuery, before.rest)).proved
    )
      return undefined;
    await becomeOwner(runQuery, before);
    await runQuery(`ALTER TABLE ${before.rest} VALIDATE CONSTRAINT ${PAST_CONSTRAINT}`);
    return { table: table.name, what: 'proved', partition: before.rest, moved: 0 };
  });

/**
 * The third step: a table with partitions takes the name. What was set aside becomes the past,
 * which is known to be right and not read again; what came since, a few rows, becomes the current
 * partition. Rows of late and early clocks go where they belong.
 */
export const partitionTable = (
  job: PartitionJob,
  table: TimedTable,
  interval: PartitionInterval,
): Promise<PartitionStep | undefined> =>
  runStep(job, async ({ runQuery, lockTable }) => {
    const before = await readPartitionState(runQuery, table);
    if (before.state !== 'halfway' || before.rest === null) return undefined;
    const { name, timeColumn, queued, keyedByTime } = table;
    const past = before.rest;
    const { until, proved } = await readPastTable(runQuery, past);
    if (!proved) return undefined;
    const newTableBytes = await readTableBytes(runQuery, name);
    if (newTableBytes > 10 * MAX_READ_BYTES)
      throw new PartitionRefusal(
        `${Math.round(newTableBytes / 1024 / 1024)} MB came into ${name} since this was begun, and would have to be read while everybody waits: everything goes on working as it is; to divide it, copy ${past} and ${name} into one table in a maintenance window`,
      );
    await becomeOwner(runQuery, before);
    await lockTable(name, { queued });
    const features = await readTableFeatures(runQuery, name);
    const from = table.timeOf(until);
    const end = table.firstKeyAt(
      periodContaining(interval, instant(Math.max(from, job.now()) + HOUR_SECONDS)).to,
    );
    const current = partitionName(table, { from });
    const [each, own] = [features.triggers.filter(({ each }) => each), `${name}_default`];
    await runStatements(runQuery, [
      `ALTER TABLE ${past} NO INHERIT ${name}`,
      ...renameStatements(name, current.slice(name.length + 1), features),
      ...[past, current].flatMap((part) =>
        each.map(({ name: trigger }) => `DROP TRIGGER IF EXISTS ${trigger} ON ${part}`),
      ),
      `CREATE TABLE ${name} (LIKE ${current} ${LIKE_OPTIONS}) PARTITION BY RANGE (${timeColumn})`,
      `COMMENT ON TABLE ${name} IS '${intervalComment(interval)}'`,
      ...(keyedByTime
        ? []
        : [
            `ALTER TABLE ${current} ALTER COLUMN id DROP DEFAULT`,
            `ALTER SEQUENCE ${name}_id_seq OWNED BY ${name}.id`,
          ]),
      ...textsOf(features.indexes.filter(({ primary }) => keyedByTime || !primary)),
      ...textsOf(features.triggers),
      ...features.grants,
      `CREATE TABLE ${own} PARTITION OF ${name} DEFAULT`,
      table.partitionExtras(own),
      ...textsOf(await runQuery(selectGrants('TABLE', name, own))),
    ]);
    const early = await moveRows(runQuery, current, `${timeColumn} < '${until}'`, past);
    await runQuery(
      `ALTER TABLE ${name} ATTACH PARTITION ${past} FOR VALUES FROM (MINVALUE) TO ('${until}')`,
    );
    const late = await moveRows(runQuery, current, `${timeColumn} >= '${end}'`, name);
    await runStatements(runQuery, [
      `ALTER TABLE ${name} ATTACH PARTITION ${current} FOR VALUES FROM ('${until}') TO ('${end}')`,
      `ALTER TABLE ${past} DROP CONSTRAINT ${PAST_CONSTRAINT}`,
    ]);
    return { table: name, what: 'divided', partition: current, moved: early + late };
  });

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
    // The lines of the trail can be moved for as long as their table stands alone: its triggers
    // come and go with the place.
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
