import { type Result, refuse } from '#kernel/result.ts';
import { later, type Seconds, seconds } from '#kernel/time.ts';
import { hashPassword, PasswordsBusy } from '#keys/passwords.ts';
import type { Clock } from '#ports/clock.ts';
import type { Entropy } from '#ports/entropy.ts';
import type { Limits } from './records.ts';

/** Too many tries, or too many people at once. */
export interface Throttled {
  readonly kind: 'throttled';
  readonly retryAfter: Seconds;
}

export const WINDOW = seconds(15 * 60);
export const HOUR = seconds(3600);

/** The refusal of one try too many. */
export const throttled = (retryAfter: Seconds): Result<never, Throttled> => refuse({ kind: 'throttled', retryAfter });

/** Counts a try, and tells whether it is one too many. Judged by the count itself, so that many at once do not slip through together. */
export const makeThrottle =
  ({ limits, clock }: { readonly limits: Limits; readonly clock: Clock }) =>
  async (key: string, most: number, window: Seconds): Promise<boolean> => {
    const now = clock.now();
    return (await limits.hit(key, now, later(now, window))) > most;
  };
export type Throttle = ReturnType<typeof makeThrottle>;

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
