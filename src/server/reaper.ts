import type { Seconds } from '#kernel/time.ts';
import type { Store } from '#store/store.ts';
import type { ClockMonitor } from './clock-watch.ts';

const PURGE_BATCH_SIZE = 2000;
const MAX_BATCHES = 500;

/**
 * Deletes what has expired by all clocks, batch by batch until nothing is left that is due; others
 * get their turn between two batches. While the clocks do not agree, nothing (ADR 14).
 */
export async function purgeExpiredRows(
  store: Pick<Store, 'purgeExpired'>,
  clockMonitor: Pick<ClockMonitor, 'purgeUntil'>,
  refreshGraceSeconds?: Seconds,
): Promise<void> {
  const options =
    refreshGraceSeconds === undefined ? {} : { answersTtlSeconds: refreshGraceSeconds };
  for (let turn = 0; turn < MAX_BATCHES; turn++) {
    // Asked for each batch: the clock may be set meanwhile.
    const until = clockMonitor.purgeUntil();
    if (
      until === null ||
      (await store.purgeExpired(until, PURGE_BATCH_SIZE, options)) < PURGE_BATCH_SIZE
    )
      return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
