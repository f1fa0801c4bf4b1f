import pg from 'pg';
import type { Instant } from '#kernel/time.ts';
import type { PartitionMaintenance, PartitionStep } from '../../sql/maintenance.ts';
import { PostgresDriver } from '../driver.ts';
import { classifyFault, toUnavailable } from '../errors.ts';
import { planPostgres } from '../migrate.ts';
import type { Partition } from './bounds.ts';
import { partitionTable, setTableAside, validatePastTable } from './division.ts';
import { createPartition, dropPartition, notExpired } from './due-partitions.ts';
import {
  becomeOwner,
  isLockConflict,
  makeRunQuery,
  type PartitionJob,
  PartitionRefusal,
  runStep,
} from './job.ts';
import {
  missingPeriods,
  type PartitionInterval,
  type Period,
  periodContaining,
} from './periods.ts';
import { countRowsUpTo, MAX_MOVED_ROWS } from './row-moves.ts';
import {
  endOfPartitions,
  expiredPartitions,
  intervalComment,
  type PartitionState,
  partitionName,
  readPartitionState,
  type TimedTable,
  timedTables,
} from './tables.ts';

export { PartitionRefusal } from './job.ts';

/** The first schema of which both tables can be divided. */
const MIN_SCHEMA = 4;
const DEFAULT_INTERVAL: PartitionInterval = 'month';

/** What is missing and what may go. */
interface DueWork {
  readonly missing: readonly Period[];
  readonly expired: readonly Partition[];
}

function findDueWork(
  table: TimedTable,
  { parts }: Pick<PartitionState, 'parts'>,
  interval: PartitionInterval,
  now: Instant,
): DueWork {
  const last = endOfPartitions(table, parts);
  return {
    missing:
      last === null
        ? []
        : missingPeriods(interval, last ?? periodContaining(interval, now).from, now),
    expired: expiredPartitions(table, parts, now),
  };
}

async function* applyDueWork(
  job: PartitionJob,
  table: TimedTable,
  { missing, expired }: DueWork,
): AsyncGenerator<PartitionStep> {
  for (const period of missing) {
    const created = await createPartition(job, table, period);
    if (created !== undefined && created !== 'crowded') yield created;
  }
  for (const part of expired) {
    const dropped = await dropPartition(job, table, part);
    if (dropped !== undefined) yield dropped;
  }
}

async function readAlterableState(
  client: pg.ClientBase,
  table: TimedTable,
): Promise<PartitionState> {
  const current = await readPartitionState(makeRunQuery(client), table);
  if (current.state === 'absent')
    throw new PartitionRefusal(
      `the database has no table ${table.name}: run "gatehouse migrate" first`,
    );
  if (!current.canAlter)
    throw new PartitionRefusal(
      `${table.name} belongs to ${current.owner}: run this as that role, or as one that is a member of it`,
    );
  return current;
}

/** Writes down another length, for the partitions that are still to be made. */
const recordInterval = (job: PartitionJob, table: TimedTable, interval: PartitionInterval) =>
  runStep(job, async ({ runQuery }) => {
    await becomeOwner(runQuery, await readPartitionState(runQuery, table));
    await runQuery(`COMMENT ON TABLE ${table.name} IS '${intervalComment(interval)}'`);
  });

async function* partitionSteps(
  job: PartitionJob,
  table: TimedTable,
  interval: PartitionInterval | null,
): AsyncGenerator<PartitionStep> {
  // Every step looks for itself what is there, so that another process may have done it, or a part
  // of it, at any time.
  for (;;) {
    const current = await readAlterableState(job.client, table);
    if (current.state === 'partitioned') {
      const length = interval ?? current.interval ?? DEFAULT_INTERVAL;
      if (length !== current.interval) await recordInterval(job, table, length);
      return yield* applyDueWork(job, table, findDueWork(table, current, length, job.now()));
    }
    const done =
      current.state === 'plain'
        ? await setTableAside(job, table)
        : ((await validatePastTable(job, table)) ??
          (await partitionTable(job, table, interval ?? DEFAULT_INTERVAL)));
    if (done !== undefined) yield done;
  }
}

/** What would be done to a table. Nothing is changed, and nobody has to wait. */
async function planTable(
  client: pg.ClientBase,
  table: TimedTable,
  interval: PartitionInterval | null,
  now: Instant,
): Promise<readonly PartitionStep[]> {
  const current = await readAlterableState(client, table);
  const length = interval ?? current.interval ?? DEFAULT_INTERVAL;
  const step = (what: PartitionStep['what'], partition: string): PartitionStep => ({
    table: table.name,
    what,
    partition,
    moved: 0,
  });
  const creations = (periods: readonly Period[]) =>
    periods.map((period) => step('made', partitionName(table, period)));
  if (current.state !== 'partitioned') {
    const past = `${table.name}_past`;
    return [
      ...(current.state === 'plain' ? [step('set-aside', past)] : []),
      step('proved', past),
      step('divided', partitionName(table, { from: now })),
      ...creations(missingPeriods(length, periodContaining(length, now).to, now)),
    ];
  }
  const { missing, expired } = findDueWork(table, current, length, now);
  const drops: PartitionStep[] = [];
  for (const { name } of expired)
    if ((await countRowsUpTo(makeRunQuery(client), name, notExpired(now))) <= MAX_MOVED_ROWS)
      drops.push(step('dropped', name));
  return [...creations(missing), ...drops];
}

/** What an operator asks for. */
export interface PartitionRequest {
  /** Length of the partitions to be made; null: as before, or months. */
  readonly every: PartitionInterval | null;
  readonly now: () => Instant;
  /** Told of each step when it is done; the next one waits for it. */
  readonly tell?: (step: PartitionStep) => void | Promise<void>;
}

/**
 * Makes partitions, or only says what would be done, over one connection to a PostgreSQL database.
 */
export interface PartitionManager {
  plan(request: PartitionRequest): Promise<readonly PartitionStep[]>;
  /**
   * Divides the tables that are not yet, makes partitions ahead and drops those that are done with.
   * May be called while nodes serve and again at any time; what was begun and not finished is
   * finished. Rejects with PartitionRefusal.
   */
  partition(request: PartitionRequest): Promise<readonly PartitionStep[]>;
  close(): Promise<void>;
}

/** Words for what an operator can do something about. */
function toPartitionRefusal(fault: unknown): unknown {
  if (isLockConflict(fault))
    return new PartitionRefusal(
      'somebody keeps a table for longer than we may wait (a dump, a long report): run this again later',
      {
        cause: fault,
      },
    );
  if (fault instanceof pg.DatabaseError && fault.code === '42501')
    return new PartitionRefusal(`the role lacks a right: ${fault.message}`, { cause: fault });
  if (fault instanceof PartitionRefusal || classifyFault(fault).kind !== 'unavailable')
    return fault;
  return toUnavailable(fault);
}

/** Opens the tables of `url` to an operator. */
export function openPartitionManager(url: string): PartitionManager {
  const driver = new PostgresDriver(url, { connections: 1 });
  const withCheckedConnection = <T>(use: (client: pg.ClientBase) => Promise<T>): Promise<T> =>
    driver.withConnection(async (client) => {
      const { from } = await planPostgres(client);
      if (from < MIN_SCHEMA)
        throw new PartitionRefusal(
          `the database has schema ${from}: run "gatehouse migrate" first`,
        );
      return use(client).catch((fault) => Promise.reject(toPartitionRefusal(fault)));
    });
  return {
    plan: ({ every, now }) =>
      withCheckedConnection(async (client) => {
        const steps: PartitionStep[] = [];
        for (const table of timedTables)
          steps.push(...(await planTable(client, table, every, now())));
        return steps;
      }),
    partition: ({ every, now, tell }) =>
      withCheckedConnection(async (client) => {
        const steps: PartitionStep[] = [];
        for (const table of timedTables)
          for await (const step of partitionSteps(
            { client, now, whenBusy: 'wait', maxAttempts: 40 },
            table,
            every,
          )) {
            steps.push(step);
            await tell?.(step);
          }
        return steps;
      }),
    close: () => driver.close(),
  };
}

/**
 * Does what is due: what a node does now and then. When another process is at it, or a table is in
 * use, it is left for the next time.
 */
export async function maintainPartitions(
  client: pg.ClientBase,
  now: Instant,
  maxClockDriftSeconds: number = Number.POSITIVE_INFINITY,
): Promise<PartitionMaintenance> {
  const steps: PartitionStep[] = [];
  const tablesWithoutPartition: string[] = [];
  // By a clock that is far off, what lives would be dropped, and one partition made for years.
  const [server] = await makeRunQuery(client)<{ now: string }>(
    'SELECT extract(epoch FROM clock_timestamp()) AS now',
  );
  const clockDriftSeconds = Math.round(Math.abs(Number(server?.now) - now));
  if (clockDriftSeconds > maxClockDriftSeconds)
    return { steps, tablesWithoutPartition, clockDriftSeconds };
  try {
    for (const table of timedTables) {
      const current = await readPartitionState(makeRunQuery(client), table);
      if (current.state !== 'partitioned') continue;
      const interval = current.interval ?? DEFAULT_INTERVAL;
      const due = findDueWork(table, current, interval, now);
      if (!current.canAlter) {
        // Others have the whole of this period to see to the next one.
        const next = periodContaining(interval, now).to;
        if (due.missing.some(({ from }) => from <= next)) tablesWithoutPartition.push(table.name);
        continue;
      }
      const job: PartitionJob = { client, now: () => now, whenBusy: 'skip', maxAttempts: 3 };
      for await (const step of applyDueWork(job, table, due)) steps.push(step);
    }
  } catch (fault) {
    if (!isLockConflict(fault)) throw fault;
  }
  return { steps, tablesWithoutPartition };
}
