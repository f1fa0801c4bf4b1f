import type { Instant } from '#kernel/time.ts';

/** What time it is. Tests hand in one that is moved by hand. */
export interface Clock {
  /** Whole Unix seconds. */
  now(): Instant;
  /** Milliseconds since the epoch, for sort keys and log lines; never compared with an expiry. */
  millis(): number;
}

/** How much time has passed, whatever somebody sets the clock to. */
export interface Steady {
  /** Milliseconds since the machine started, its sleep included. Never goes back. */
  millis(): number;
  /**
   * Which start of the machine that was: two processes with the same text count from the same
   * moment. Null: not known.
   */
  readonly boot: string | null;
}

/** Whether this node's clock can be relied on (ADR 14). */
export interface ClockStanding {
  /**
   * `agrees`: within a second. `apart`: it serves, is not ready, and takes nothing away. `far`: it
   * does not serve either.
   */
  readonly state: 'agrees' | 'apart' | 'far';
  /** Milliseconds by which the clock is ahead of the one it is compared with; below 0: behind. */
  readonly apartMs: number;
  /**
   * Whose clock that is; null: nothing was compared yet. `itself`: its own of a moment ago, as
   * SQLite has no other.
   */
  readonly against: 'database' | 'itself' | null;
}
