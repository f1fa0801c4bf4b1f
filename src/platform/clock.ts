import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { type Instant, instant } from '#kernel/time.ts';

/** What time it is. Tests hand in one that is moved by hand. */
export interface Clock {
  /** Whole Unix seconds. */
  now(): Instant;
  /** Milliseconds since the epoch, for sort keys and log lines; never compared with an expiry. */
  millis(): number;
}

/** How much time has passed, whatever somebody sets the clock to. */
export interface MonotonicClock {
  /** Milliseconds since the machine started, its sleep included. Never goes back. */
  millis(): number;
  /**
   * Which start of the machine that was: two processes with the same text count from the same
   * moment. Null: not known.
   */
  readonly bootId: string | null;
}

/** Whether this node's clock can be relied on (ADR 14). */
export interface ClockStatus {
  /**
   * `synchronized`: within a second. `skewed`: it serves, is not ready, and takes nothing away.
   * `unusable`: it does not serve either.
   */
  readonly state: 'synchronized' | 'skewed' | 'unusable';
  /** Milliseconds by which the clock is ahead of the one it is compared with; below 0: behind. */
  readonly skewMs: number;
  /**
   * Whose clock that is; null: nothing was compared yet. `itself`: its own of a moment ago, as
   * SQLite has no other.
   */
  readonly comparedWith: 'database' | 'itself' | null;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => instant(Date.now() / 1000),
  millis: () => Date.now(),
};

function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() || null;
  } catch {
    return null;
  }
}

/**
 * The time since the machine started. `performance` alone stands still while it sleeps: when the
 * clock moved against it, the machine is asked.
 */
function makeMonotonicClock(): MonotonicClock {
  const JUMP_THRESHOLD_MS = 200;
  const started = () => uptime() * 1000 - performance.now();
  let base = started();
  let wallOffset = Date.now() - performance.now();
  return {
    bootId: bootId(),
    millis() {
      const run = performance.now();
      if (Math.abs(Date.now() - run - wallOffset) > JUMP_THRESHOLD_MS) {
        wallOffset = Date.now() - run;
        // Never back: both are told in fractions of their own.
        base = Math.max(base, started());
      }
      return base + run;
    },
  };
}

/** The real steady time. */
export const systemMonotonicClock: MonotonicClock = makeMonotonicClock();
