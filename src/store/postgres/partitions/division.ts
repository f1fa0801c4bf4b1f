import { instant } from '#kernel/time.ts';
import type { PartitionStep } from '../../sql/maintenance.ts';
import {
  readSequence,
  readTableFeatures,
  renameStatements,
  selectGrants,
  textsOf,
} from './features.ts';
import {
  becomeOwner,
  type PartitionJob,
  PartitionRefusal,
  refuseOlderSnapshots,
  runStep,
} from './job.ts';
import { type PartitionInterval, periodContaining } from './periods.ts';
import {
  countRowsUpTo,
  MAX_MOVED_ROWS,
  MAX_READ_BYTES,
  moveRows,
  readTableBytes,
  runStatements,
} from './row-moves.ts';
import {
  intervalComment,
  partitionName,
  type RunQuery,
  readPartitionState,
  type TimedTable,
} from './tables.ts';

const HOUR_SECONDS = 3600;

const LIKE_OPTIONS =
  'INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION';

/**
 * Says of the table that was set aside that nothing in it is of a later time. Nothing is put into
 * it any more, so it refuses nobody.
 */
const PAST_CONSTRAINT = 'nothing_of_a_later_time';

/**
 * Entries of the audit log have no index of their times. All of them are looked at before anybody
 * has to wait, and under the lock only the new.
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
