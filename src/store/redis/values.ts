import { type Instant, seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { RedisConnection } from './connection.ts';

/**
 * Redis forgets a thing this long after its end: its own clock only cleans up, and the program's
 * may be behind, or be set back.
 */
const EXPIRY_MARGIN = seconds(300);
/**
 * Nothing that is kept here is larger; more is a fault of ours, for what comes from outside has its
 * own bounds.
 */
const MAX_VALUE_BYTES = 65_536;

/** What each group of verbs is given. */
export interface RedisContext {
  readonly connection: RedisConnection;
  /** The program's own clock, for what is cleaned away when. */
  readonly clock: Clock;
  /** For how long Redis keeps what ends at a moment. */
  ttlSecondsUntil(expiresAt: Instant): number;
}

/** Joins a connection and a clock. */
export const makeRedisContext = (connection: RedisConnection, clock: Clock): RedisContext => ({
  connection,
  clock,
  ttlSecondsUntil: (expiresAt) => Math.max(expiresAt - clock.now(), 0) + EXPIRY_MARGIN,
});

/** The text, unless it is too large to be one of ours: a fault. */
export const checkSize = (text: string): string => {
  if (Buffer.byteLength(text) > MAX_VALUE_BYTES)
    throw new Error('a value is larger than anything that is kept in Redis');
  return text;
};

/** Two things of one name are a fault. */
export const assertInserted = (outcome: unknown, what: string): void => {
  if (outcome === 'there') throw new Error(`${what} of this name is there already`);
};

/** A list as Redis answers it. */
export const asList = (answer: unknown) => answer as readonly (string | null)[];

/** The value of a JSON text, unless there is none or it has ended. */
export function parseUnexpired<T extends { readonly expiresAt: Instant }>(
  text: unknown,
  now: Instant,
): T | undefined {
  const value = typeof text === 'string' ? (JSON.parse(text) as T) : undefined;
  return value !== undefined && value.expiresAt > now ? value : undefined;
}
