import { hash } from 'node:crypto';
import type { RateCounters } from '#accounts/records.ts';
import * as scripts from './scripts.ts';
import { asList, type RedisContext } from './values.ts';

/**
 * Names in the key of a counter come from outside: their image is as long as any other, and tells
 * nobody who it is about.
 */
const limitKey = (key: string) => `gh:limit:{${hash('sha256', key, 'base64url')}}`;

/** Counters that begin again when their window ends. */
export const makeRateCounters = ({ connection, ttlSecondsUntil }: RedisContext): RateCounters => ({
  increment: async (key, now, windowEndsAt) =>
    Number(
      await connection.runScript(
        scripts.incrementCounter,
        [limitKey(key)],
        now,
        windowEndsAt,
        ttlSecondsUntil(windowEndsAt),
      ),
    ),
  async count(key, now) {
    const [hits, endsAt] = asList(
      await connection.runScript(scripts.readFields, [limitKey(key)], 'hits', 'ends'),
    );
    return hits != null && Number(endsAt) > now ? Number(hits) : 0;
  },
  clear: async (key) => void (await connection.sendCommand('DEL', limitKey(key))),
});
