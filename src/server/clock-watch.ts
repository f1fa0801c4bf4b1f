import { type Instant, instant } from '#kernel/time.ts';
import type { Clock, ClockStatus, MonotonicClock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import type { StoreClock } from '#store/sql/clock.ts';

/** A second: what the operations pages ask of clocks. */
const TOLERANCE_MS = 1000;
/**
 * Beyond this nothing is served: shorter than every margin below and in Redis, and than the life of
 * anything that is spent once.
 */
const UNUSABLE_MS = 30_000;
/** What expired is taken away so much later, by the clock that is behind. */
const PURGE_MARGIN_SECONDS = 300;
/** After a jump of the time, and at the first start, nothing is taken away for as long. */
const PURGE_HOLD_SECONDS = 3600;
/**
 * A clock with nothing to be compared with but itself of before is believed when it went on for as
 * long after a jump.
 */
const TRUSTED_AFTER_MS = 300_000;
/** Time is noted in the store no more often. */
const NOTE_MS = 10_000;

/** Watches this node's clock. */
export interface ClockMonitor {
  /**
   * By what was seen last, and the steady time since then: a step is noticed at once, and asks
   * nobody.
   */
  status(): ClockStatus;
  /**
   * Compares with the store. Rejects when that does not answer; what was seen before holds until
   * then.
   */
  check(): Promise<void>;
  /**
   * What expired until then may be taken away. Null: nothing, as the clocks do not agree, or did
   * not until lately.
   */
  purgeUntil(): Instant | null;
}

/** What the clock is compared with. */
interface Reference {
  readonly source: 'database' | 'itself';
  /** Its time less the steady time. */
  readonly monotonicOffset: number;
  /** It may be so much earlier or later: half of the time in which it answered. */
  readonly uncertainty: number;
}

export interface ClockMonitorParts {
  readonly clock: Clock;
  /** Null: there is nothing to watch it by, and it is taken for right. */
  readonly monotonicClock: MonotonicClock | null;
  readonly store: StoreClock;
  readonly log: Log;
}

/** A clock that is taken for right. */
const unmonitoredClock = (clock: Clock): ClockMonitor => ({
  status: () => ({ state: 'synchronized', skewMs: 0, comparedWith: null }),
  check: async () => {},
  purgeUntil: () => clock.now(),
});

const clockState = (skewMs: number): ClockStatus['state'] =>
  Math.abs(skewMs) <= TOLERANCE_MS
    ? 'synchronized'
    : Math.abs(skewMs) <= UNUSABLE_MS
      ? 'skewed'
      : 'unusable';

/** Says once that a standing is another than before. */
function makeStatusLogger(log: Log): (status: ClockStatus) => void {
  let lastState: ClockStatus['state'] = 'synchronized';
  return ({ state, skewMs: apartMs, comparedWith: against }) => {
    if (state === lastState) return;
    lastState = state;
    const facts = { seconds: Math.round(apartMs / 100) / 10, against };
    if (state === 'synchronized') return log.info('the clock of this node agrees again', facts);
    log.warn(
      state === 'unusable'
        ? 'the clock of this node is wrong: nothing is served and nothing is deleted until it agrees'
        : 'the clock of this node is wrong by more than a second: it is not ready, and deletes nothing',
      { ...facts, remedy: 'set the clock by NTP; see docs/operations/scaling.md, "Clocks"' },
    );
  };
}

/**
 * When the machine's clock was set while this process ran. A server may have been set with it: it
 * may be on the same machine.
 */
function trackJumps(clock: Clock, monotonicClock: MonotonicClock) {
  const offsetNow = () => clock.millis() - monotonicClock.millis();
  let offset = offsetNow();
  let jumpedAt: number | null = null;
  let stableSince = monotonicClock.millis();
  return {
    detectJump() {
      const now = offsetNow();
      if (Math.abs(now - offset) <= TOLERANCE_MS) return;
      offset = now;
      stableSince = monotonicClock.millis();
      jumpedAt = stableSince;
    },
    /** How long it has gone on without a jump, as far as this process knows. */
    millisSinceJump: () => monotonicClock.millis() - stableSince,
    jumpedRecently: () =>
      jumpedAt !== null && monotonicClock.millis() - jumpedAt < PURGE_HOLD_SECONDS * 1000,
  };
}

/** Watches a clock by the steady time of its machine and by the clock of the database server. */
export const monitorClock = (parts: ClockMonitorParts): ClockMonitor =>
  parts.monotonicClock === null
    ? unmonitoredClock(parts.clock)
    : monitorAgainstMonotonicClock(parts.monotonicClock, parts);

function monitorAgainstMonotonicClock(
  monotonicClock: MonotonicClock,
  { clock, store, log }: ClockMonitorParts,
): ClockMonitor {
  const jumps = trackJumps(clock, monotonicClock);
  const logStatusChange = makeStatusLogger(log);
  let reference: Reference | null = null;
  let steadySince: Instant | null = null;
  let notedAt = Number.NEGATIVE_INFINITY;

  function status(): ClockStatus {
    if (reference === null) return { state: 'synchronized', skewMs: 0, comparedWith: null };
    const skew = clock.millis() - monotonicClock.millis() - reference.monotonicOffset;
    const certainSkew = Math.sign(skew) * Math.max(Math.abs(skew) - reference.uncertainty, 0);
    return { state: clockState(certainSkew), skewMs: certainSkew, comparedWith: reference.source };
  }

  /** Time as the database server tells it. */
  async function compareWithServer(serverTime: number, before: number): Promise<void> {
    const after = monotonicClock.millis();
    reference = {
      source: 'database',
      monotonicOffset: serverTime - (before + after) / 2,
      uncertainty: (after - before) / 2,
    };
    if (after - notedAt < NOTE_MS) return;
    const moment = {
      millis: after + reference.monotonicOffset,
      run: null,
      boot: null,
      believed: true,
    };
    steadySince = (await store.recordTime(moment)).steadySince;
    notedAt = after;
  }

  /** Time as this machine told it before, in this process or in another. */
  async function compareWithItself(run: number): Promise<void> {
    if (reference !== null && run - notedAt < NOTE_MS && status().state === 'synchronized') return;
    const believed = jumps.millisSinceJump() >= TRUSTED_AFTER_MS;
    const { bootId: boot } = monotonicClock;
    const moment = { millis: clock.millis(), run, boot, believed };
    const noted = await store.recordTime(moment);
    steadySince = noted.steadySince;
    notedAt = run;
    // Where starts of the machine cannot be told apart, this process has its own word alone.
    if (boot === null && !believed && reference !== null) return;
    reference = {
      source: 'itself',
      monotonicOffset: moment.millis - noted.apartMs - run,
      uncertainty: 0,
    };
  }

  return {
    status,
    async check() {
      jumps.detectJump();
      const before = monotonicClock.millis();
      const serverTime = await store.serverTime();
      await (serverTime === null
        ? compareWithItself(before)
        : compareWithServer(serverTime, before));
      logStatusChange(status());
    },
    purgeUntil() {
      jumps.detectJump();
      if (
        reference === null ||
        steadySince === null ||
        status().state !== 'synchronized' ||
        jumps.jumpedRecently()
      )
        return null;
      const theirs = monotonicClock.millis() + reference.monotonicOffset - reference.uncertainty;
      const earliest = Math.min(clock.millis(), theirs) / 1000;
      return earliest - steadySince < PURGE_HOLD_SECONDS
        ? null
        : instant(earliest - PURGE_MARGIN_SECONDS);
    },
  };
}
