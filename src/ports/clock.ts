import type { Instant } from '#kernel/time.ts';

/** What time it is. Tests hand in one that is moved by hand. */
export interface Clock {
  /** Whole Unix seconds. */
  now(): Instant;
  /** Milliseconds since the epoch, for sort keys and log lines; never compared with an expiry. */
  millis(): number;
}
