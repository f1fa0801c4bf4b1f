import { type Instant, instant } from '#kernel/time.ts';
import type { Clock, ClockStanding, Steady } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import type { StoreClock } from '#store/sql/clock.ts';

/** A second: what the operations pages ask of clocks. */
const AGREES_MS = 1000;
/**
 * Beyond this nothing is served: shorter than every margin below and in Redis, and than the life of
 * anything that is spent once.
 */
const FAR_MS = 30_000;
/** What expired is taken away so much later, by the clock that is behind. */
const MARGIN_S = 300;
/** After a jump of the time, and at the first start, nothing is taken away for as long. */
const HOLD_S = 3600;
/**
 * A clock with nothing to be compared with but itself of before is believed when it went on for as
 * long after a jump.
 */
const BELIEVED_MS = 300_000;
/** Time is noted in the store no more often. */
const NOTE_MS = 10_000;

/** Watches this node's clock. */
export interface ClockWatch {
  /**
   * By what was seen last, and the steady time since then: a step is noticed at once, and asks
   * nobody.
   */
  standing(): ClockStanding;
  /**
   * Compares with the store. Rejects when that does not answer; what was seen before holds until
   * then.
   */
  look(): Promise<void>;
  /**
   * What expired until then may be taken away. Null: nothing, as the clocks do not agree, or did
   * not until lately.
   */
  purgeUntil(): Instant | null;
}

/** What the clock is compared with. */
interface Reference {
  readonly of: 'database' | 'itself';
  /** Its time less the steady time. */
  readonly offset: number;
  /** It may be so much earlier or later: half of the time in which it answered. */
  readonly slack: number;
}

export interface ClockParts {
  readonly clock: Clock;
  /** Null: there is nothing to watch it by, and it is taken for right. */
  readonly steady: Steady | null;
  readonly store: StoreClock;
  readonly log: Log;
}

/** A clock that is taken for right. */
const unwatched = (clock: Clock): ClockWatch => ({
  standing: () => ({ state: 'agrees', apartMs: 0, against: null }),
  look: async () => {},
  purgeUntil: () => clock.now(),
});

const stateOf = (apartMs: number): ClockStanding['state'] =>
  Math.abs(apartMs) <= AGREES_MS ? 'agrees' : Math.abs(apartMs) <= FAR_MS ? 'apart' : 'far';

/** Says once that a standing is another than before. */
function teller(log: Log): (standing: ClockStanding) => void {
  let told: ClockStanding['state'] = 'agrees';
  return ({ state, apartMs, against }) => {
    if (state === told) return;
    told = state;
    const facts = { seconds: Math.round(apartMs / 100) / 10, against };
    if (state === 'agrees') return log.info('the clock of this node agrees again', facts);
    log.warn(
      state === 'far'
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
function jumpsOf(clock: Clock, steady: Steady) {
  const offsetNow = () => clock.millis() - steady.millis();
  let offset = offsetNow();
  let jumpedAt: number | null = null;
  let evenSince = steady.millis();
  return {
    note() {
      const now = offsetNow();
      if (Math.abs(now - offset) <= AGREES_MS) return;
      offset = now;
      evenSince = steady.millis();
      jumpedAt = evenSince;
    },
    /** How long it has gone on without a jump, as far as this process knows. */
    evenFor: () => steady.millis() - evenSince,
    lately: () => jumpedAt !== null && steady.millis() - jumpedAt < HOLD_S * 1000,
  };
}

/** Watches a clock by the steady time of its machine and by the clock of the database server. */
export const watchClock = (parts: ClockParts): ClockWatch =>
  parts.steady === null ? unwatched(parts.clock) : watchedBy(parts.steady, parts);

function watchedBy(steady: Steady, { clock, store, log }: ClockParts): ClockWatch {
  const jumps = jumpsOf(clock, steady);
  const tell = teller(log);
  let reference: Reference | null = null;
  let steadySince: Instant | null = null;
  let notedAt = Number.NEGATIVE_INFINITY;

  function standing(): ClockStanding {
    if (reference === null) return { state: 'agrees', apartMs: 0, against: null };
    const apart = clock.millis() - steady.millis() - reference.offset;
    const certain = Math.sign(apart) * Math.max(Math.abs(apart) - reference.slack, 0);
    return { state: stateOf(certain), apartMs: certain, against: reference.of };
  }

  /** Time as the database server tells it. */
  async function byServer(serverTime: number, before: number): Promise<void> {
    const after = steady.millis();
    reference = {
      of: 'database',
      offset: serverTime - (before + after) / 2,
      slack: (after - before) / 2,
    };
    if (after - notedAt < NOTE_MS) return;
    const moment = { millis: after + reference.offset, run: null, boot: null, believed: true };
    steadySince = (await store.noteTime(moment)).steadySince;
    notedAt = after;
  }

  /** Time as this machine told it before, in this process or in another. */
  async function byItself(run: number): Promise<void> {
    if (reference !== null && run - notedAt < NOTE_MS && standing().state === 'agrees') return;
    const believed = jumps.evenFor() >= BELIEVED_MS;
    const { boot } = steady;
    const moment = { millis: clock.millis(), run, boot, believed };
    const kept = await store.noteTime(moment);
    steadySince = kept.steadySince;
    notedAt = run;
    // Where starts of the machine cannot be told apart, this process has its own word alone.
    if (boot === null && !believed && reference !== null) return;
    reference = { of: 'itself', offset: moment.millis - kept.apartMs - run, slack: 0 };
  }

  return {
    standing,
    async look() {
      jumps.note();
      const before = steady.millis();
      const serverTime = await store.serverTime();
      await (serverTime === null ? byItself(before) : byServer(serverTime, before));
      tell(standing());
    },
    purgeUntil() {
      jumps.note();
      if (
        reference === null ||
        steadySince === null ||
        standing().state !== 'agrees' ||
        jumps.lately()
      )
        return null;
      const theirs = steady.millis() + reference.offset - reference.slack;
      const earliest = Math.min(clock.millis(), theirs) / 1000;
      return earliest - steadySince < HOLD_S ? null : instant(earliest - MARGIN_S);
    },
  };
}
