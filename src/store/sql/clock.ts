import type { Selectable } from 'kysely';
import { type Instant, instant } from '#kernel/time.ts';
import type { Driver } from '../driver.ts';
import type { Schema } from './schema.ts';
import { held, one, write, written } from './statement.ts';

/** A moment, to be compared with those before. */
export interface NotedMoment {
  readonly millis: number;
  /**
   * Milliseconds since the machine started, where the time is told by it and not by a server; null:
   * by a server.
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
export interface TimeKept {
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
  noteTime(moment: NotedMoment): Promise<TimeKept>;
}

/** Between two looks at the time; longer means that nobody looked, or that the clock jumped. */
const USUAL_GAP_MS = 600_000;
const TOLERATED_MS = 1000;
/** Another process noted a moment no longer ago: it goes on from what was noted before. */
const OTHERS_MS = 30_000;

type Row = Selectable<Schema['time_kept']>;
const first = written(`
  INSERT INTO time_kept (id, seen_ms, run_ms, boot, steady_since) VALUES (1, :seen, :run, :boot, :since) ON CONFLICT (id) DO NOTHING`);
const kept = held(written<Row>('SELECT * FROM time_kept WHERE id = 1'));
const keep = written(
  'UPDATE time_kept SET seen_ms = :seen, run_ms = :run, boot = :boot, steady_since = :since WHERE id = 1',
);

/**
 * How far a moment is from where time should be; undefined: it was noted on another start of a
 * machine, or by a server.
 */
function apartFrom({ seen_ms, run_ms, boot }: Row, moment: NotedMoment): number | undefined {
  if (moment.run === null || run_ms === null || moment.boot === null || moment.boot !== boot)
    return undefined;
  return moment.millis - (seen_ms + moment.run - run_ms);
}

export function clockStore(driver: Driver): Pick<StoreClock, 'noteTime'> {
  return {
    noteTime: (moment) =>
      driver.write(function* () {
        const now = instant(moment.millis / 1000);
        const values = {
          seen: Math.round(moment.millis),
          run: moment.run === null ? null : Math.round(moment.run),
          boot: moment.boot,
        };
        yield* write(first, { ...values, since: now });
        const row = yield* one(kept);
        if (row === undefined) throw new Error('the time that was noted did not come back');
        const steadySince = row.steady_since as Instant;
        const apartMs = apartFrom(row, moment);
        if (apartMs !== undefined && Math.abs(apartMs) > TOLERATED_MS) {
          const others = (moment.run ?? 0) - (row.run_ms ?? 0) < OTHERS_MS;
          if (!moment.believed || others) return { steadySince, apartMs };
          yield* write(keep, { ...values, since: now });
          return { steadySince: now, apartMs: 0 };
        }
        const gap = moment.millis - row.seen_ms;
        const jumped =
          apartMs === undefined ? gap < -TOLERATED_MS || gap > USUAL_GAP_MS : gap > USUAL_GAP_MS;
        const since = jumped ? now : steadySince;
        yield* write(keep, { ...values, since });
        return { steadySince: since, apartMs: 0 };
      }, 'rows'),
  };
}
