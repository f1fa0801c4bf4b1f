import type { Seconds } from '#kernel/time.ts';
import type { Store } from '#store/store.ts';
import type { ClockWatch } from './clock-watch.ts';

const PURGE_AT_MOST = 2000;
const MOST_BATCHES = 500;

/**
 * Deletes what has expired by all clocks, batch by batch until nothing is left that is due; others
 * get their turn between two batches. While the clocks do not agree, nothing (ADR 14).
 */
export async function purgeDue(
  store: Pick<Store, 'purgeExpired'>,
  clocks: Pick<ClockWatch, 'purgeUntil'>,
  refreshGraceFor?: Seconds,
): Promise<void> {
  const options = refreshGraceFor === undefined ? {} : { answersTtlSeconds: refreshGraceFor };
  for (let turn = 0; turn < MOST_BATCHES; turn++) {
    // Asked for each batch: the clock may be set meanwhile.
    const until = clocks.purgeUntil();
    if (until === null || (await store.purgeExpired(until, PURGE_AT_MOST, options)) < PURGE_AT_MOST)
      return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
