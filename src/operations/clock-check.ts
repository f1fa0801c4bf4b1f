import { StartupError } from '#config/startup-error.ts';
import type { Clock } from '#platform/clock.ts';
import { explainStoreErrors } from '#server/open-store.ts';
import type { Store } from '#store/store.ts';

/**
 * Half a minute, as for a node: what a command writes, or takes for old enough, is so for
 * everybody.
 */
const MAX_CLOCK_SKEW_MS = 30_000;

/**
 * A command that judges by a wrong clock would do so for everybody. Throws StartupError with the
 * seconds.
 */
export async function requireAccurateClock(
  store: Pick<Store, 'serverTime'>,
  clock: Pick<Clock, 'millis'>,
): Promise<void> {
  const serverTime = await explainStoreErrors(() => store.serverTime());
  const skewMs = serverTime === null ? 0 : clock.millis() - serverTime;
  if (Math.abs(skewMs) > MAX_CLOCK_SKEW_MS)
    throw new StartupError(
      `the clock of this machine is ${Math.round(skewMs / 1000)} seconds from the database's: set it by NTP, then try again.`,
    );
}
