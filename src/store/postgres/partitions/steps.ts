import pg from 'pg';
import { type Instant, instant } from '#kernel/time.ts';
import { LOCK as MIGRATING } from '../migrate.ts';
import type { Part } from './bounds.ts';
import { type Every, type Period, periodOf } from './periods.ts';
import {
  type Ask,
  lastOf,
  nameOf,
  noteOf,
  type Standing,
  standingOf,
  type TimedTable,
} from './tables.ts';

/** Any other number than that of migrations will do: 'part' in ASCII. */
const LOCK = 0x70617274;
/** How many rows are moved at most while others wait: a fraction of a second. */
export const MOST_MOVED = 10_000;
/** How much is read at most while others wait: about a tenth of a second. */
const MOST_READ = 64 * 1024 * 1024;
const HOUR = 3600;

/** One thing that was done to a table, or would be. */
export interface PartitionStep {
  readonly table: string;
  /**
   * `set-aside`: new rows go into a table of their own, which the old one stands behind. `proved`:
   * the old rows were read, to know that they are of the past. `divided`: the table has partitions.
   * `made`, `dropped`: one of them.
   */
  readonly what: 'set-aside' | 'proved' | 'divided' | 'made' | 'dropped';
  readonly partition: string;
  /** Rows that were moved to where they belong. */
  readonly moved: number;
}

/** Why partitions cannot be made. The message is for the operator. */
export class PartitionRefusal extends Error {
  override readonly name = 'PartitionRefusal';
}

/** Who does it, and what it may cost the others. */
export interface Work {
  readonly client: pg.ClientBase;
  readonly now: () => Instant;
  /** When another process is at it: wait for it, or leave it alone. */
  readonly others: 'wait' | 'leave';
  /** How often it is tried to have a table to ourselves. */
  readonly tries: number;
}

/**
 * The server's limits count; ours would end a connection that only waits for a long look at the
 * data.
 */
export const asking =
  (client: pg.ClientBase): Ask =>
  async (text) => {
    const answer = await client.query({ text, query_timeout: 86_400_000 } as pg.QueryConfig);
    return Array.isArray(answer)
      ? (answer as pg.QueryResult[]).flatMap(({ rows }) => rows)
      : answer.rows;
  };

/** Somebody has a table for longer than a moment. */
class Kept extends Error {}

/**
 * Is the table, or one behind it, in a transaction that is older than a second, or that we may not
 * look at? Whoever asks for it after us would wait as long as we do, so we do not even begin.
 */
async function isKept(ask: Ask, table: string): Promise<boolean> {
  const kept = await ask(`
    SELECT 1 AS kept FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.mode <> 'SIReadLock'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.relation = CAST('${table}' AS regclass) OR l.relation IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST('${table}' AS regclass)))
      AND coalesce(a.xact_start < clock_timestamp() - interval '1 second', TRUE) LIMIT 1`);
  return kept.length > 0;
}

/**
 * Does somebody read by a snapshot that may be from before what we are about to do? A dump that
 * took its snapshot and comes to the table afterwards would find the new table and none of the old
 * rows, and would not say so.
 */
async function refuseReaders(ask: Ask): Promise<void> {
  const readers = await ask(`
    SELECT 1 AS reads FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      AND (application_name LIKE 'pg_dump%' OR (backend_xmin IS NOT NULL AND xact_start < clock_timestamp() - interval '1 second')) LIMIT 1`);
  if (readers.length > 0) throw new Kept('somebody reads by an older snapshot');
}

/**
 * A second and a half now and then: the server ends an automatic VACUUM that is in somebody's way
 * after a second, and whoever asks for the table meanwhile waits behind us. Otherwise a fifth of
 * one.
 */
const isLong = (run: number) => run % 5 === 0;

export const isInTheWay = (fault: unknown) =>
  fault instanceof Kept ||
  (fault instanceof pg.DatabaseError && ['55P03', '40P01', '57014'].includes(fault.code ?? ''));

/** What one transaction is given. `alone` takes a table for itself, from its first call on. */
interface Hands {
  readonly ask: Ask;
  alone(table: string, how?: { readonly only?: boolean; readonly queued?: boolean }): Promise<void>;
}

/**
 * One step in one transaction: all or nothing, one process at a time, and tried again when a table
 * was not to be had at once. Answers undefined when another process is at it and is left alone.
 */
export async function inTurn<T>(
  { client, others, tries }: Work,
  step: (hands: Hands) => Promise<T>,
): Promise<T | undefined> {
  const ask = asking(client);
  for (let run = 1; ; run += 1) {
    try {
      await ask(
        'BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 60000',
      );
      const hands: Hands = {
        ask,
        async alone(table, { only = false, queued = false } = {}) {
          if (!isLong(run) && (await isKept(ask, table))) throw new Kept(`somebody has ${table}`);
          // Whoever waits in this queue hinders only those behind.
          if (queued)
            await ask(`SET LOCAL lock_timeout = '10s'; LOCK TABLE turns IN EXCLUSIVE MODE`);
          await ask(
            `SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = ${isLong(run) ? 1500 : 200}`,
          );
          await ask(`LOCK TABLE ${only ? 'ONLY ' : ''}${table}`);
        },
      };
      const [got] = await ask<{ got: boolean | string }>(
        others === 'wait'
          ? `SELECT pg_advisory_xact_lock(${LOCK}) AS got`
          : `SELECT pg_try_advisory_xact_lock(${LOCK}) AS got`,
      );
      // No step of the schema in between: it would find a table under a name that is not its own.
      const done = got?.got === false ? undefined : await step(hands);
      await ask('COMMIT');
      return done;
    } catch (fault) {
      await client.query('ROLLBACK').catch(() => {});
      if (!isInTheWay(fault) || run === tries) throw fault;
    }
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 50 * run));
  }
}

export const asOwner = async (ask: Ask, { owner }: Standing) =>
  // Under another role "$user" in the search path would be another schema.
  void (await ask(`
    SELECT pg_advisory_xact_lock_shared(${MIGRATING});
    SELECT set_config('search_path', quote_ident(current_schema()), TRUE);
    SET LOCAL ROLE ${owner}`));

/**
 * What a table has besides its columns, in the words that make it once more under the same name.
 */
interface Fittings {
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

const grantsOf = (kind: 'TABLE' | 'SEQUENCE', name: string, target: string) => `
  SELECT format('GRANT %s ON ${kind} ${target} TO %s%s', a.privilege_type,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS text
  FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = CAST('${name}' AS regclass) AND a.grantee <> c.relowner`;
const texts = (rows: readonly { readonly text: string }[]) => rows.map(({ text }) => text);

async function fittingsOf(ask: Ask, table: string): Promise<Fittings> {
  return {
    indexes: await ask(`
      SELECT CAST(CAST(i.indexrelid AS regclass) AS TEXT) AS name, c.relname AS bare, i.indisprimary AS primary,
        CASE WHEN i.indisprimary THEN 'ALTER TABLE ${table} ADD ' || pg_get_constraintdef(k.oid) ELSE pg_get_indexdef(i.indexrelid) END AS text
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'p'
      WHERE i.indrelid = CAST('${table}' AS regclass) ORDER BY i.indexrelid`),
    triggers: await ask(`
      SELECT quote_ident(tgname) AS name, tgtype & 1 = 1 AS each, pg_get_triggerdef(oid) AS text FROM pg_trigger
      WHERE tgrelid = CAST('${table}' AS regclass) AND NOT tgisinternal ORDER BY tgname`),
    grants: texts(await ask(grantsOf('TABLE', table, table))),
  };
}

const EVERYTHING =
  'INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION';
/**
 * Says of the table that was set aside that nothing in it is of a later time. Nothing is put into
 * it any more, so it refuses nobody.
 */
const PAST = 'nothing_of_a_later_time';

const run = async (ask: Ask, statements: readonly string[]) => {
  const text = statements.filter((statement) => statement.trim() !== '').join(';\n');
  if (text !== '') await ask(text);
};

/** Gives a table and its indexes other names, so that theirs are free. */
const renamed = (table: string, suffix: string, { indexes }: Fittings) => [
  `ALTER TABLE ${table} RENAME TO ${table}_${suffix}`,
  ...indexes.map(
    ({ name, bare }) => `ALTER INDEX ${name} RENAME TO ${pg.escapeIdentifier(`${bare}_${suffix}`)}`,
  ),
];

/** Puts rows of one table, that have no place there, into another; answers how many. */
async function move(ask: Ask, from: string, where: string, into: string): Promise<number> {
  const [moved] = await ask<{ count: string }>(`
    WITH gone AS (DELETE FROM ONLY ${from} WHERE ${where} RETURNING *), put AS (INSERT INTO ${into} SELECT * FROM gone RETURNING 1)
    SELECT count(*) AS count FROM put`);
  return Number(moved?.count);
}

/** What reading a table itself, without those behind it, would cost. */
async function sizeOf(ask: Ask, table: string): Promise<number> {
  const [found] = await ask<{ size: string }>(
    `SELECT pg_relation_size(CAST('${table}' AS regclass)) AS size`,
  );
  return Number(found?.size);
}

/** How many rows, as far as it matters. */
export async function countUpTo(ask: Ask, table: string, where: string): Promise<number> {
  const [counted] = await ask<{ count: string }>(
    `SELECT count(*) AS count FROM (SELECT 1 FROM ${table} WHERE ${where} LIMIT ${MOST_MOVED + 1}) found`,
  );
  return Number(counted?.count);
}

/**
 * A number that counts up by itself is made by a sequence of the table, for one of partitions must
 * not have an identity before PostgreSQL 17.
 */
async function numbersOf(
  ask: Ask,
  table: string,
): Promise<{ readonly next: string; readonly grants: readonly string[] } | null> {
  const [found] = await ask<{ name: string | null }>(
    `SELECT pg_get_serial_sequence('${table}', 'id') AS name`,
  );
  if (found?.name == null) return null;
  const [next] = await ask<{ next: string }>(`
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
      ...texts(await ask(grantsOf('SEQUENCE', found.name, `${table}_id_seq`))),
      ...texts(await ask(writers)),
    ],
  };
}

/**
 * Lines of the trail have no index of their times. All of them are looked at before anybody has to
 * wait, and under the lock only the new.
 */
async function laterLines(work: Work, { name, key }: TimedTable, until: string): Promise<string> {
  const [found] =
    (await inTurn({ ...work, others: 'wait' }, ({ ask }) =>
      ask<{ first: string }>(
        `SELECT least(min(id) FILTER (WHERE ${key} >= '${until}'), coalesce(max(id), 0) + 1) AS first FROM ${name}`,
      ),
    )) ?? [];
  return `${key} >= '${until}' AND id >= ${Number(found?.first ?? 0)}`;
}

/**
 * The first step: new rows go into a new table of the same name, and the old one stands behind it,
 * so that every question is answered from both. From here on nothing is put into the old one, which
 * can be proved to be of the past at leisure.
 */
export async function setAside(work: Work, table: TimedTable): Promise<PartitionStep | undefined> {
  const { name, key, queued, keyedByTime } = table;
  const seen = keyedByTime ? undefined : table.keyAt(instant(work.now() + 1));
  const later = seen === undefined ? undefined : await laterLines(work, table, seen);
  return inTurn(work, async ({ ask, alone }) => {
    const before = await standingOf(ask, table);
    if (before.state !== 'plain') return undefined;
    await asOwner(ask, before);
    await alone(name, { queued });
    await refuseReaders(ask);
    const until = seen ?? table.keyAt(instant(work.now() + 1));
    const [fittings, numbers] = [
      await fittingsOf(ask, name),
      keyedByTime ? null : await numbersOf(ask, name),
    ];
    const past = `${name}_past`;
    await run(ask, [
      ...renamed(name, 'past', fittings),
      ...(numbers === null
        ? []
        : [
            `ALTER TABLE ${past} ALTER COLUMN id DROP IDENTITY IF EXISTS`,
            `CREATE SEQUENCE ${name}_id_seq AS BIGINT START ${numbers.next}`,
          ]),
      `CREATE TABLE ${name} (LIKE ${past} ${EVERYTHING})`,
      ...(numbers === null
        ? []
        : [
            `ALTER TABLE ${name} ALTER COLUMN id SET DEFAULT nextval('${name}_id_seq')`,
            `ALTER SEQUENCE ${name}_id_seq OWNED BY ${name}.id`,
          ]),
      ...texts(fittings.indexes),
      ...texts(fittings.triggers),
      ...fittings.grants,
      ...(numbers?.grants ?? []),
    ]);
    const where = later ?? `${key} >= '${until}'`;
    if ((await countUpTo(ask, past, where)) > MOST_MOVED)
      throw new PartitionRefusal(
        `more than ${MOST_MOVED} rows of ${name} are of a time that is still to come: look at the clocks`,
      );
    await ask(`ALTER TABLE ${past} DISABLE TRIGGER USER`);
    const moved = await move(ask, past, where, name);
    await run(ask, [
      `ALTER TABLE ${past} ENABLE TRIGGER USER`,
      `ALTER TABLE ${past} ADD CONSTRAINT ${PAST} CHECK (${key} < '${until}') NOT VALID`,
      `ALTER TABLE ${past} INHERIT ${name}`,
    ]);
    // Whoever began while we were at it waits for the table, with a snapshot from before.
    await refuseReaders(ask);
    return { table: name, what: 'set-aside', partition: past, moved };
  });
}

/** Until when the table that was set aside reaches, and whether that was proved. */
async function pastOf(
  ask: Ask,
  past: string,
): Promise<{ readonly until: string; readonly proved: boolean }> {
  const [found] = await ask<{ text: string; proved: boolean }>(`
    SELECT pg_get_constraintdef(oid) AS text, convalidated AS proved FROM pg_constraint
    WHERE conrelid = CAST('${past}' AS regclass) AND conname = '${PAST}'`);
  const until = /< '?([0-9a-f]+)/.exec(found?.text ?? '')?.[1];
  if (found === undefined || until === undefined)
    throw new PartitionRefusal(
      `${past} is in the way: it is not a table that this command has set aside`,
    );
  return { until, proved: found.proved };
}

/** The second step, the only one that takes long: nobody waits for it but automatic VACUUMs. */
export const prove = (work: Work, table: TimedTable): Promise<PartitionStep | undefined> =>
  inTurn(work, async ({ ask }) => {
    const before = await standingOf(ask, table);
    if (
      before.state !== 'halfway' ||
      before.rest === null ||
      (await pastOf(ask, before.rest)).proved
    )
      return undefined;
    await asOwner(ask, before);
    await ask(`ALTER TABLE ${before.rest} VALIDATE CONSTRAINT ${PAST}`);
    return { table: table.name, what: 'proved', partition: before.rest, moved: 0 };
  });

/**
 * The third step: a table with partitions takes the name. What was set aside becomes the past,
 * which is known to be right and not read again; what came since, a few rows, becomes the current
 * partition. Rows of late and early clocks go where they belong.
 */
export const divide = (
  work: Work,
  table: TimedTable,
  every: Every,
): Promise<PartitionStep | undefined> =>
  inTurn(work, async ({ ask, alone }) => {
    const before = await standingOf(ask, table);
    if (before.state !== 'halfway' || before.rest === null) return undefined;
    const { name, key, queued, keyedByTime } = table;
    const past = before.rest;
    const { until, proved } = await pastOf(ask, past);
    if (!proved) return undefined;
    const since = await sizeOf(ask, name);
    if (since > 10 * MOST_READ)
      throw new PartitionRefusal(
        `${Math.round(since / 1024 / 1024)} MB came into ${name} since this was begun, and would have to be read while everybody waits: everything goes on working as it is; to divide it, copy ${past} and ${name} into one table in a maintenance window`,
      );
    await asOwner(ask, before);
    await alone(name, { queued });
    const fittings = await fittingsOf(ask, name);
    const from = table.timeOf(until);
    const end = table.keyAt(periodOf(every, instant(Math.max(from, work.now()) + HOUR)).to);
    const current = nameOf(table, { from });
    const [each, own] = [fittings.triggers.filter(({ each }) => each), `${name}_default`];
    await run(ask, [
      `ALTER TABLE ${past} NO INHERIT ${name}`,
      ...renamed(name, current.slice(name.length + 1), fittings),
      ...[past, current].flatMap((part) =>
        each.map(({ name: trigger }) => `DROP TRIGGER IF EXISTS ${trigger} ON ${part}`),
      ),
      `CREATE TABLE ${name} (LIKE ${current} ${EVERYTHING}) PARTITION BY RANGE (${key})`,
      `COMMENT ON TABLE ${name} IS '${noteOf(every)}'`,
      ...(keyedByTime
        ? []
        : [
            `ALTER TABLE ${current} ALTER COLUMN id DROP DEFAULT`,
            `ALTER SEQUENCE ${name}_id_seq OWNED BY ${name}.id`,
          ]),
      ...texts(fittings.indexes.filter(({ primary }) => keyedByTime || !primary)),
      ...texts(fittings.triggers),
      ...fittings.grants,
      `CREATE TABLE ${own} PARTITION OF ${name} DEFAULT`,
      table.ownOf(own),
      ...texts(await ask(grantsOf('TABLE', name, own))),
    ]);
    const early = await move(ask, current, `${key} < '${until}'`, past);
    await ask(
      `ALTER TABLE ${name} ATTACH PARTITION ${past} FOR VALUES FROM (MINVALUE) TO ('${until}')`,
    );
    const late = await move(ask, current, `${key} >= '${end}'`, name);
    await run(ask, [
      `ALTER TABLE ${name} ATTACH PARTITION ${current} FOR VALUES FROM ('${until}') TO ('${end}')`,
      `ALTER TABLE ${past} DROP CONSTRAINT ${PAST}`,
    ]);
    return { table: name, what: 'divided', partition: current, moved: early + late };
  });

/**
 * Makes the partition of a time. What had no place until now lies in the DEFAULT partition and is
 * moved; `crowded` when that is more than anybody should wait for: such a time is left to the
 * DEFAULT partition.
 */
export const make = (
  work: Work,
  table: TimedTable,
  { from, to }: Period,
): Promise<PartitionStep | 'crowded' | undefined> =>
  inTurn(work, async ({ ask, alone }) => {
    const before = await standingOf(ask, table);
    const last = lastOf(table, before.parts);
    // Another process was here since we looked.
    if (before.state !== 'partitioned' || last === null || (last !== undefined && last > from))
      return undefined;
    // All of the DEFAULT partition is read to know that nothing in it is of this time. One that has
    // grown too large for that is left as it is.
    if (before.rest !== null && (await sizeOf(ask, before.rest)) > MOST_READ)
      return 'crowded' as const;
    await asOwner(ask, before);
    await alone(table.name, { only: true });
    const { name, key } = table;
    const where = `${key} >= '${table.keyAt(from)}' AND ${key} < '${table.keyAt(to)}'`;
    const inside = before.rest === null ? 0 : await countUpTo(ask, before.rest, where);
    if (inside > MOST_MOVED) return 'crowded' as const;
    const partition = nameOf(table, { from });
    // The lines of the trail can be moved for as long as their table stands alone: its triggers
    // come and go with the place.
    const apart = inside > 0;
    await run(ask, [
      apart ? `ALTER TABLE ${name} DETACH PARTITION ${before.rest}` : '',
      `CREATE TABLE ${partition} PARTITION OF ${name} FOR VALUES FROM ('${table.keyAt(from)}') TO ('${table.keyAt(to)}')`,
      table.ownOf(partition),
      // Who reads or dumps the table reads its partitions, too.
      ...texts(await ask(grantsOf('TABLE', name, partition))),
    ]);
    const moved = apart ? await move(ask, before.rest ?? '', where, partition) : 0;
    if (apart) await ask(`ALTER TABLE ${name} ATTACH PARTITION ${before.rest} DEFAULT`);
    return { table: name, what: 'made', partition, moved };
  });

export const alive = (now: Instant) => `expires_at > ${now}`;

/**
 * Drops a partition in which next to nothing lives any more. What does (the tokens of owner-only
 * apps live a thousand years) is moved to the DEFAULT partition, in the same transaction.
 * Undefined: it stays, as too many live in it.
 */
export const drop = (
  work: Work,
  table: TimedTable,
  { name: partition }: Part,
): Promise<PartitionStep | undefined> =>
  inTurn(work, async ({ ask, alone }) => {
    const { name } = table;
    const before = await standingOf(ask, table);
    if (before.rest === null || !before.parts.some((part) => part.name === partition))
      return undefined;
    // Asked before anybody has to wait; there will not be more of them.
    if ((await countUpTo(ask, partition, alive(work.now()))) > MOST_MOVED) return undefined;
    await asOwner(ask, before);
    await alone(name, { only: true });
    await ask(`ALTER TABLE ${name} DETACH PARTITION ${partition}`);
    const survivors = await ask(
      `INSERT INTO ${name} SELECT * FROM ${partition} WHERE ${alive(work.now())} RETURNING 1 AS row`,
    );
    await ask(`DROP TABLE ${partition}`);
    return { table: name, what: 'dropped', partition, moved: survivors.length };
  });
