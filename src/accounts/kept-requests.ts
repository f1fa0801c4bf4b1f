import type { Digest } from '#kernel/ids.ts';
import { type Instant, later, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Mint } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { Limits } from './records.ts';
import type { From } from './sessions.ts';
import { HOUR, makeThrottle, networkOf } from './throttle.ts';

/** A request that waits until its person has signed in: a path of this server with its query. */
export interface KeptRequest {
  readonly digest: Digest;
  readonly path: string;
  readonly expiresAt: Instant;
}

/** Requests of people who have not signed in yet: short-lived. */
export interface KeptRequestRecords {
  keepRequest(request: KeptRequest): Promise<void>;
  /**
   * The path; undefined when unknown or expired. It may be asked for again: people go back and
   * reload.
   */
  keptRequest(digest: Digest, now: Instant): Promise<string | undefined>;
}

/** Keeps requests under short handles, so that no URL of ours is long (ADR 27). */
export interface KeptRequests {
  /**
   * The handle. Undefined: strangers have filled what may be kept for now, or the path is longer
   * than any request of an app.
   */
  keep(path: string, from: From): Promise<string | undefined>;
  find(handle: string): Promise<string | undefined>;
}

/** A link to register is good for a day; whoever opens it at its end still has an hour to go on. */
const KEPT_FOR = seconds(25 * 3600);
/** Characters of a path with its query: as many as fit into the header of a request. */
export const MOST_KEPT = 16_384;
const PER_NETWORK = 60;
/**
 * From everywhere, in an hour: with a life of 25 hours and the longest paths, 400 MB at the very
 * most.
 */
const FROM_EVERYWHERE = 1000;

export function makeKeptRequests(deps: {
  readonly records: KeptRequestRecords;
  readonly limits: Limits;
  readonly mint: Mint;
  readonly clock: Clock;
}): KeptRequests {
  const { records, mint, clock } = deps;
  const throttle = makeThrottle(deps);
  return {
    async keep(path, from) {
      if (path.length > MOST_KEPT) return undefined;
      const network = networkOf(from);
      if (network !== null && (await throttle(`kept requests of ${network}`, PER_NETWORK, HOUR)))
        return undefined;
      if (await throttle('kept requests of everybody', FROM_EVERYWHERE, HOUR)) return undefined;
      const handle = mint.secret();
      await records.keepRequest({
        digest: digestOf(handle),
        path,
        expiresAt: later(clock.now(), KEPT_FOR),
      });
      return handle;
    },
    find: async (handle) =>
      /^[\w-]{51}$/.test(handle) ? records.keptRequest(digestOf(handle), clock.now()) : undefined,
  };
}
