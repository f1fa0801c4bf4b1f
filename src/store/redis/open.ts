import type { PendingRequestRecords } from '#accounts/kept-requests.ts';
import type { RateCounters, Sessions } from '#accounts/records.ts';
import type { Seconds } from '#kernel/time.ts';
import type { TemporaryCredentialRecords } from '#oauth1/records.ts';
import type { Clock } from '#platform/clock.ts';
import type { AuthorizationRequests } from '#registry/model/authorization-request.ts';
import { openRedisConnection } from './connection.ts';
import { makeRateCounters } from './rate-counters.ts';
import { makeRequestStore } from './requests.ts';
import * as scripts from './scripts.ts';
import { makeSessionStore } from './sessions.ts';
import { makeTemporaryCredentialStore, nonceBookKey } from './temporary-credentials.ts';
import { makeRedisContext } from './values.ts';

/** The ports of what expires, answered by Redis or Valkey. */
export interface EphemeralStore
  extends Sessions,
    RateCounters,
    PendingRequestRecords,
    AuthorizationRequests,
    TemporaryCredentialRecords {
  /**
   * Rejects with Unavailable when the server cannot be reached or cannot be written to, and when it
   * is set to forget before the time.
   */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisOptions {
  /** The program's own clock, for what is cleaned away when. */
  readonly clock: Clock;
  /**
   * How long a nonce outlives the timestamp it was sent with. A nonce whose timestamp is before the
   * server's life is not believed to be new.
   */
  readonly nonceTtlSeconds: Seconds;
  /** How long a command may take. */
  readonly timeoutMs?: number;
}

/**
 * Opens the store of what expires: one URL for a server, several for nodes of a Cluster. It
 * connects when it is first asked, and again by itself. Every verb is one command or one script; it
 * rejects with Unavailable when its answer does not come in time.
 */
export function openRedis(
  urls: string | readonly string[],
  { clock, nonceTtlSeconds, timeoutMs = 2000 }: RedisOptions,
): EphemeralStore {
  const connection = openRedisConnection([urls].flat(), timeoutMs);
  const context = makeRedisContext(connection, clock);
  return {
    ...makeSessionStore(context),
    ...makeRateCounters(context),
    ...makeRequestStore(context),
    ...makeTemporaryCredentialStore(context, nonceTtlSeconds),
    // It writes: a server that answers but cannot be written to (a full one, a replica) is not
    // ready. It also opens the book of nonces early.
    async ping() {
      const policy = await connection.runScript(scripts.openNonceBook, [nonceBookKey], clock.now());
      if (policy !== 'noeviction')
        throw new Error(
          `Redis drops what it holds when it is full (maxmemory-policy ${policy}): set noeviction`,
        );
    },
    close: () => connection.close(),
  };
}

/** A store whose short-lived ports are answered by Redis and the rest by the database. */
export function withEphemeralStore<S extends { ping(): Promise<void>; close(): Promise<void> }>(
  durable: S,
  ephemeral: EphemeralStore,
): S {
  return {
    ...durable,
    ...ephemeral,
    ping: async () => void (await Promise.all([durable.ping(), ephemeral.ping()])),
    async close() {
      await Promise.allSettled([ephemeral.close()]);
      await durable.close();
    },
  };
}
