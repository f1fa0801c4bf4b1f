import { networkOfAddress } from '#encoding/address.ts';
import { type Result, refuse } from '#kernel/result.ts';
import { addSeconds, type Seconds, seconds } from '#kernel/time.ts';
import { hashPassword, PasswordsBusy } from '#keys/passwords.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { RateCounters } from './records.ts';
import type { RequestOrigin } from './sessions.ts';

/** Too many tries, or too many people at once. */
export interface Throttled {
  readonly kind: 'throttled';
  readonly retryAfter: Seconds;
}

export const THROTTLE_WINDOW = seconds(15 * 60);
export const HOUR = seconds(3600);

/** The refusal of one try too many. */
export const throttled = (retryAfter: Seconds): Result<never, Throttled> =>
  refuse({ kind: 'throttled', retryAfter });

/**
 * Counts a try, and tells whether it is one too many. Judged by the count itself, so that many at
 * once do not slip through together.
 */
export const makeThrottle =
  ({ limits, clock }: { readonly limits: RateCounters; readonly clock: Clock }) =>
  async (key: string, limit: number, window: Seconds): Promise<boolean> => {
    const now = clock.now();
    return (await limits.increment(key, now, addSeconds(now, window))) > limit;
  };
export type Throttle = ReturnType<typeof makeThrottle>;

/**
 * What one person has of addresses, to count by; null: nobody knows for sure who is there, and
 * nobody else must pay for it.
 */
export const networkOf = (from: RequestOrigin): string | null =>
  from.isAddressKnown === false ? null : networkOfAddress(from.address);

/** How many in a window, and how far apart those after them have to be. */
export interface PacingRule {
  readonly most: number;
  readonly window: Seconds;
  readonly pause: Seconds;
}

/** Slows down instead of closing: past the number, one is let through in each pause. */
export function makePacer({
  limits,
  clock,
}: {
  readonly limits: RateCounters;
  readonly clock: Clock;
}) {
  const turnKey = (key: string) => `${key} turn`;
  const isTurnTaken = async (key: string, pause: Seconds): Promise<boolean> => {
    const now = clock.now();
    return (await limits.increment(turnKey(key), now, addSeconds(now, pause))) > 1;
  };
  return {
    /** Counts one, and answers how long to wait when it may not pass. */
    async countAndDelay(
      key: string,
      { most, window, pause }: PacingRule,
    ): Promise<Seconds | undefined> {
      const now = clock.now();
      const count = await limits.increment(key, now, addSeconds(now, window));
      if (count < most) return undefined;
      // The last of the free ones begins the first pause.
      return (await isTurnTaken(key, pause)) && count > most ? pause : undefined;
    },
    /** The same without counting: for what is counted when it has failed. */
    currentDelay: async (key: string, { most, pause }: PacingRule): Promise<Seconds | undefined> =>
      (await limits.count(key, clock.now())) >= most && (await isTurnTaken(key, pause))
        ? pause
        : undefined,
    clear: async (key: string): Promise<void> =>
      void (await Promise.all([limits.clear(key), limits.clear(turnKey(key))])),
  };
}

export type Pacer = ReturnType<typeof makePacer>;

/** Works with passwords; undefined: more people want that at once than can be served. */
export async function unlessBusy<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (fault) {
    if (fault instanceof PasswordsBusy) return undefined;
    throw fault;
  }
}

/** The hash of a new password; undefined when busy. */
export const hashUnlessBusy = (password: string, entropy: Entropy): Promise<string | undefined> =>
  unlessBusy(hashPassword(password, entropy));
