import type { Digest } from '#kernel/ids.ts';
import { addSeconds, type Instant, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { RateCounters } from './records.ts';
import type { RequestOrigin } from './sessions.ts';
import { HOUR, makeThrottle, networkOf } from './throttle.ts';

/** A request that waits until its person has signed in: a path of this server with its query. */
export interface PendingRequest {
  readonly digest: Digest;
  readonly path: string;
  readonly expiresAt: Instant;
}

/** Requests of people who have not signed in yet: short-lived. */
export interface PendingRequestRecords {
  savePendingRequest(request: PendingRequest): Promise<void>;
  /**
   * The path; undefined when unknown or expired. It may be asked for again: people go back and
   * reload.
   */
  findPendingRequest(digest: Digest, now: Instant): Promise<string | undefined>;
}

/** Keeps requests under short handles, so that no URL of ours is long (ADR 27). */
export interface PendingRequests {
  /**
   * The handle. Undefined: strangers have filled what may be kept for now, or the path is longer
   * than any request of an app.
   */
  save(path: string, from: RequestOrigin): Promise<string | undefined>;
  find(handle: string): Promise<string | undefined>;
}

/** A link to register is good for a day; whoever opens it at its end still has an hour to go on. */
const PENDING_REQUEST_TTL_SECONDS = seconds(25 * 3600);
/** Characters of a path with its query: as many as fit into the header of a request. */
export const MAX_PENDING_PATH_LENGTH = 16_384;
const MAX_PER_NETWORK = 60;
/**
 * From everywhere, in an hour: with a life of 25 hours and the longest paths, 400 MB at the very
 * most.
 */
const MAX_OVERALL = 1000;

export function makePendingRequests(deps: {
  readonly records: PendingRequestRecords;
  readonly limits: RateCounters;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
}): PendingRequests {
  const { records, idGenerator, clock } = deps;
  const throttle = makeThrottle(deps);
  return {
    async save(path, from) {
      if (path.length > MAX_PENDING_PATH_LENGTH) return undefined;
      const network = networkOf(from);
      if (
        network !== null &&
        (await throttle(`kept requests of ${network}`, MAX_PER_NETWORK, HOUR))
      )
        return undefined;
      if (await throttle('kept requests of everybody', MAX_OVERALL, HOUR)) return undefined;
      const handle = idGenerator.secret();
      await records.savePendingRequest({
        digest: digestOf(handle),
        path,
        expiresAt: addSeconds(clock.now(), PENDING_REQUEST_TTL_SECONDS),
      });
      return handle;
    },
    find: async (handle) =>
      /^[\w-]{51}$/.test(handle)
        ? records.findPendingRequest(digestOf(handle), clock.now())
        : undefined,
  };
}
