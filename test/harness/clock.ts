import { type Instant, instant } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';

let currentClock: Pick<Clock, 'now'> = { now: () => instant(1_800_000_000) };

/** Says which clock the people of a test live by: that of the world made last. */
export const useTestClock = (clock: Pick<Clock, 'now'>): void => {
  currentClock = clock;
};

/** What that clock says. */
export const testNow = (): Instant => currentClock.now();
