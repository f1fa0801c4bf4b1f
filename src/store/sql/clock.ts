import { type Instant, instant } from '#kernel/time.ts';
import type { Driver } from '../driver.ts';
import type { Row } from './schema.ts';
import { execute, fetchOne, forUpdate, sql } from './statement.ts';

/** A moment, to be compared with those before. */
export interface TimeObservation {
  readonly millis: number;
  /**
   * Milliseconds since the machine started, where the time comes from it and not from a server;
   * null: by a server.
   */
  readonly run: number | null;
  readonly boot: string | null;
  /**
   * A moment that does not fit those before is kept all the same, if no process on the machine goes
   * on from them.
   */
  readonly believed: boolean;
}

/** What the store knows of how time went. */
export interface TimeContinuity {
  /** Since when time has gone on without a jump, as far as anybody looked. */
  readonly steadySince: Instant;
  /**
   * Milliseconds that the moment is ahead of where time should be by now, on the same machine. 0:
   * it fits, or nobody can tell.
   */
  readonly apartMs: number;
}

/** What the port of the store says of time. */
export interface StoreClock {
  /**
   * The clock of the database server, in milliseconds since the epoch; null for SQLite, which has
   * no other than ours.
   */
  serverTime(): Promise<number | null>;
  /**
   * Notes that it is a moment, so that a jump is noticed by whoever comes later, also after a
   * restart. A moment that is more than a second from where time should be on this machine changes
   * nothing, unless it is believed.
   */
  recordTime(observation: TimeObservation): Promise<TimeContinuity>;
}

/** Between two looks at the time; longer means that nobody looked, or that the clock jumped. */
const MAX_GAP_MS = 600_000;
const MAX_DRIFT_MS = 1000;
/** Another process noted a moment no longer ago: it goes on from what was noted before. */
const ACTIVE_PROCESS_MS = 30_000;

const insertIfMissing = sql(`
  INSERT INTO time_kept (id, seen_ms, run_ms, boot, steady_since) VALUES (1, :seen, :run, :boot, :since) ON CONFLICT (id) DO NOTHING`);
const findForUpdate = forUpdate(sql<Row<'time_kept'>>('SELECT * FROM time_kept WHERE id = 1'));
const updateTime = sql(
  'UPDATE time_kept SET seen_ms = :seen, run_ms = :run, boot = :boot, steady_since = :since WHERE id = 1',
);

/**
 * How far a moment is from where time should be; undefined: it was noted on another start of a
 * machine, or by a server.
 */
function driftFrom(
  { seen_ms, run_ms, boot }: Row<'time_kept'>,
  observation: TimeObservation,
): number | undefined {
  if (
    observation.run === null ||
    run_ms === null ||
    observation.boot === null ||
    observation.boot !== boot
  )
    return undefined;
  return observation.millis - (seen_ms + observation.run - run_ms);
}

export function makeClockStore(driver: Driver): Pick<StoreClock, 'recordTime'> {
  return {
    recordTime: (observation) =>
      driver.write(function* () {
        const now = instant(observation.millis / 1000);
        const values = {
          seen: Math.round(observation.millis),
          run: observation.run === null ? null : Math.round(observation.run),
          boot: observation.boot,
        };
        yield* execute(insertIfMissing, { ...values, since: now });
        const row = yield* fetchOne(findForUpdate);
        if (row === undefined) throw new Error('the time that was noted did not come back');
        const steadySince = row.steady_since as Instant;
        const apartMs = driftFrom(row, observation);
        if (apartMs !== undefined && Math.abs(apartMs) > MAX_DRIFT_MS) {
          const othersActive = (observation.run ?? 0) - (row.run_ms ?? 0) < ACTIVE_PROCESS_MS;
          if (!observation.believed || othersActive) return { steadySince, apartMs };
          yield* execute(updateTime, { ...values, since: now });
          return { steadySince: now, apartMs: 0 };
        }
        const gap = observation.millis - row.seen_ms;
        const jumped =
          apartMs === undefined ? gap < -MAX_DRIFT_MS || gap > MAX_GAP_MS : gap > MAX_GAP_MS;
        const since = jumped ? now : steadySince;
        yield* execute(updateTime, { ...values, since });
        return { steadySince: since, apartMs: 0 };
      }, 'read-committed'),
  };
}
