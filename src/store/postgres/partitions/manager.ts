import pg from 'pg';
import type { Instant } from '#kernel/time.ts';
import { PostgresDriver } from '../driver.ts';
import { troubleOf, unavailable } from '../errors.ts';
import { planPostgres } from '../migrate.ts';
import type { Part } from './bounds.ts';
import { type Every, missingPeriods, type Period, periodOf } from './periods.ts';
import {
  alive,
  asking,
  asOwner,
  countUpTo,
  divide,
  drop,
  inTurn,
  isInTheWay,
  MOST_MOVED,
  make,
  PartitionRefusal,
  type PartitionStep,
  prove,
  setAside,
  type Work,
} from './steps.ts';
import {
  lastOf,
  nameOf,
  noteOf,
  overParts,
  type Standing,
  standingOf,
  type TimedTable,
  timedTables,
} from './tables.ts';

/** The first schema of which both tables can be divided. */
const LEAST_SCHEMA = 4;
const USUAL: Every = 'month';

/** What is missing and what may go. */
interface Due {
  readonly missing: readonly Period[];
  readonly over: readonly Part[];
}

function dueOf(
  table: TimedTable,
  { parts }: Pick<Standing, 'parts'>,
  every: Every,
  now: Instant,
): Due {
  const last = lastOf(table, parts);
  return {
    missing: last === null ? [] : missingPeriods(every, last ?? periodOf(every, now).from, now),
    over: overParts(table, parts, now),
  };
}

async function* carriedOut(
  work: Work,
  table: TimedTable,
  { missing, over }: Due,
): AsyncGenerator<PartitionStep> {
  for (const period of missing) {
    const made = await make(work, table, period);
    if (made !== undefined && made !== 'crowded') yield made;
  }
  for (const part of over) {
    const dropped = await drop(work, table, part);
    if (dropped !== undefined) yield dropped;
  }
}

async function lookedAt(client: pg.ClientBase, table: TimedTable): Promise<Standing> {
  const standing = await standingOf(asking(client), table);
  if (standing.state === 'absent')
    throw new PartitionRefusal(
      `the database has no table ${table.name}: run "gatehouse migrate" first`,
    );
  if (!standing.mine)
    throw new PartitionRefusal(
      `${table.name} belongs to ${standing.owner}: run this as that role, or as one that is a member of it`,
    );
  return standing;
}

/** Writes down another length, for the partitions that are still to be made. */
const noted = (work: Work, table: TimedTable, every: Every) =>
  inTurn(work, async ({ ask }) => {
    await asOwner(ask, await standingOf(ask, table));
    await ask(`COMMENT ON TABLE ${table.name} IS '${noteOf(every)}'`);
  });

async function* partitioned(
  work: Work,
  table: TimedTable,
  every: Every | null,
): AsyncGenerator<PartitionStep> {
  // Every step looks for itself what is there, so that another process may have done it, or a part
  // of it, at any time.
  for (;;) {
    const standing = await lookedAt(work.client, table);
    if (standing.state === 'partitioned') {
      const length = every ?? standing.every ?? USUAL;
      if (length !== standing.every) await noted(work, table, length);
      return yield* carriedOut(work, table, dueOf(table, standing, length, work.now()));
    }
    const done =
      standing.state === 'plain'
        ? await setAside(work, table)
        : ((await prove(work, table)) ?? (await divide(work, table, every ?? USUAL)));
    if (done !== undefined) yield done;
  }
}

/** What would be done to a table. Nothing is changed, and nobody has to wait. */
async function planned(
  client: pg.ClientBase,
  table: TimedTable,
  every: Every | null,
  now: Instant,
): Promise<readonly PartitionStep[]> {
  const standing = await lookedAt(client, table);
  const length = every ?? standing.every ?? USUAL;
  const step = (what: PartitionStep['what'], partition: string): PartitionStep => ({
    table: table.name,
    what,
    partition,
    moved: 0,
  });
  const made = (periods: readonly Period[]) =>
    periods.map((period) => step('made', nameOf(table, period)));
  if (standing.state !== 'partitioned') {
    const past = `${table.name}_past`;
    return [
      ...(standing.state === 'plain' ? [step('set-aside', past)] : []),
      step('proved', past),
      step('divided', nameOf(table, { from: now })),
      ...made(missingPeriods(length, periodOf(length, now).to, now)),
    ];
  }
  const { missing, over } = dueOf(table, standing, length, now);
  const going: PartitionStep[] = [];
  for (const { name } of over)
    if ((await countUpTo(asking(client), name, alive(now))) <= MOST_MOVED)
      going.push(step('dropped', name));
  return [...made(missing), ...going];
}

/** What an operator asks for. */
export interface PartitionOrder {
  /** Length of the partitions to be made; null: as before, or months. */
  readonly every: Every | null;
  readonly now: () => Instant;
  /** Told of each step when it is done; the next one waits for it. */
  readonly tell?: (step: PartitionStep) => void | Promise<void>;
}

/**
 * Makes partitions, or only says what would be done, over one connection to a PostgreSQL database.
 */
export interface PartitionDesk {
  plan(order: PartitionOrder): Promise<readonly PartitionStep[]>;
  /**
   * Divides the tables that are not yet, makes partitions ahead and drops those that are done with.
   * May be called while nodes serve and again at any time; what was begun and not finished is
   * finished. Rejects with PartitionRefusal.
   */
  partition(order: PartitionOrder): Promise<readonly PartitionStep[]>;
  close(): Promise<void>;
}

/** Words for what an operator can do something about. */
function refusalOf(fault: unknown): unknown {
  if (isInTheWay(fault))
    return new PartitionRefusal(
      'somebody keeps a table for longer than we may wait (a dump, a long report): run this again later',
      {
        cause: fault,
      },
    );
  if (fault instanceof pg.DatabaseError && fault.code === '42501')
    return new PartitionRefusal(`the role lacks a right: ${fault.message}`, { cause: fault });
  if (fault instanceof PartitionRefusal || troubleOf(fault).kind !== 'unavailable') return fault;
  return unavailable(fault);
}

/** Opens the tables of `url` to an operator. */
export function openPartitions(url: string): PartitionDesk {
  const driver = new PostgresDriver(url, { connections: 1 });
  const using = <T>(use: (client: pg.ClientBase) => Promise<T>): Promise<T> =>
    driver.connected(async (client) => {
      const { from } = await planPostgres(client);
      if (from < LEAST_SCHEMA)
        throw new PartitionRefusal(
          `the database has schema ${from}: run "gatehouse migrate" first`,
        );
      return use(client).catch((fault) => Promise.reject(refusalOf(fault)));
    });
  return {
    plan: ({ every, now }) =>
      using(async (client) => {
        const steps: PartitionStep[] = [];
        for (const table of timedTables)
          steps.push(...(await planned(client, table, every, now())));
        return steps;
      }),
    partition: ({ every, now, tell }) =>
      using(async (client) => {
        const steps: PartitionStep[] = [];
        for (const table of timedTables)
          for await (const step of partitioned(
            { client, now, others: 'wait', tries: 40 },
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

/** What the partitions of a database needed. */
export interface Upkeep {
  readonly steps: readonly PartitionStep[];
  /**
   * Tables for whose next time there is no partition, and the role of this process may not make
   * one.
   */
  readonly lacking: readonly string[];
  /**
   * Seconds between this process's clock and the server's, when they are so many that nothing was
   * done.
   */
  readonly apart?: number;
}

/** Tables that were never divided need nothing. */
export const NO_UPKEEP: Upkeep = { steps: [], lacking: [] };

/**
 * Does what is due: what a node does now and then. When another process is at it, or a table is in
 * use, it is left for the next time.
 */
export async function keepPartitions(
  client: pg.ClientBase,
  now: Instant,
  mostApart: number = Number.POSITIVE_INFINITY,
): Promise<Upkeep> {
  const steps: PartitionStep[] = [];
  const lacking: string[] = [];
  // By a clock that is far off, what lives would be dropped, and one partition made for years.
  const [server] = await asking(client)<{ now: string }>(
    'SELECT extract(epoch FROM clock_timestamp()) AS now',
  );
  const apart = Math.round(Math.abs(Number(server?.now) - now));
  if (apart > mostApart) return { steps, lacking, apart };
  try {
    for (const table of timedTables) {
      const standing = await standingOf(asking(client), table);
      if (standing.state !== 'partitioned') continue;
      const every = standing.every ?? USUAL;
      const due = dueOf(table, standing, every, now);
      if (!standing.mine) {
        // Others have the whole of this period to see to the next one.
        const next = periodOf(every, now).to;
        if (due.missing.some(({ from }) => from <= next)) lacking.push(table.name);
        continue;
      }
      const work: Work = { client, now: () => now, others: 'leave', tries: 3 };
      for await (const step of carriedOut(work, table, due)) steps.push(step);
    }
  } catch (fault) {
    if (!isInTheWay(fault)) throw fault;
  }
  return { steps, lacking };
}
