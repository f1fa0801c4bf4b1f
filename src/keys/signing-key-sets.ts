import type { webcrypto } from 'node:crypto';
import { type Instant, instant, later, type Seconds, seconds } from '#kernel/time.ts';

export type JsonWebKey = webcrypto.JsonWebKey & { readonly kid?: string };

/** Signing keys that were made together, one for each algorithm. */
export interface Generation {
  readonly madeAt: Instant;
  /** They sign from here on, until the next generation does. */
  readonly signsFrom: Instant;
  /** They may be known to others: nobody shall believe what they sign. */
  readonly withdrawn: boolean;
  /** Private keys. */
  readonly keys: readonly JsonWebKey[];
}

/** Where the generations are kept. */
export interface SigningSource {
  generations(): readonly Generation[];
  /** Looks whether they changed where they are kept. */
  look(): void;
  /**
   * Replaces them by what `change` makes of those that are kept at this moment, alone among all
   * processes. Undefined: they stay.
   */
  change(
    change: (kept: readonly Generation[]) => readonly Generation[] | undefined,
  ): 'changed' | 'unchanged';
}

/**
 * How long keys are published before they sign: a verifier that keeps a copy of the JWKS for a day
 * at most knows every key it meets. Our answer allows five minutes, but libraries have their own
 * ideas.
 */
export const PUBLISHED_AHEAD = seconds(86_400);
/**
 * How long they stay published after the last signature: the longest life a token may be given (30
 * days), and a day for clocks.
 */
export const PUBLISHED_AFTER = seconds(31 * 86_400);

/** Where a generation is in its life. */
export type GenerationState = 'upcoming' | 'signing' | 'published' | 'retired' | 'withdrawn';

/** The generation that signs now. Before the first of them, it is the first. */
export function signingNow(
  generations: readonly Generation[],
  now: Instant,
): Generation | undefined {
  const usable = generations
    .filter(({ withdrawn }) => !withdrawn)
    .toSorted((one, other) => one.signsFrom - other.signsFrom);
  return usable.findLast(({ signsFrom }) => signsFrom <= now) ?? usable[0];
}

/** Where each generation is in its life, in the order given. */
export function statesAt(
  generations: readonly Generation[],
  now: Instant,
): readonly GenerationState[] {
  const signing = signingNow(generations, now);
  return generations.map((generation) => {
    if (generation.withdrawn) return 'withdrawn';
    if (generation === signing) return 'signing';
    if (generation.signsFrom > now) return 'upcoming';
    const next = Math.min(
      ...generations
        .filter(({ signsFrom, withdrawn }) => !withdrawn && signsFrom > generation.signsFrom)
        .map(({ signsFrom }) => signsFrom),
    );
    return now < later(instant(next), PUBLISHED_AFTER) ? 'published' : 'retired';
  });
}

const newest = (generations: readonly Generation[]) =>
  Math.max(...generations.filter(({ withdrawn }) => !withdrawn).map(({ signsFrom }) => signsFrom));

/** When a generation that was made but does not sign yet will; undefined: there is none. */
export function upcomingFrom(
  generations: readonly Generation[],
  now: Instant,
): Instant | undefined {
  const from = newest(generations);
  return from > now ? instant(from) : undefined;
}

/**
 * True when the next generation has to be published, so that it signs when the present one has
 * signed for that long. Null: never.
 */
export const isDue = (
  generations: readonly Generation[],
  signingKeyFor: Seconds | null,
  now: Instant,
): boolean =>
  signingKeyFor !== null && now >= newest(generations) + signingKeyFor - PUBLISHED_AHEAD;

/** With one more generation, which signs when everybody had time to hear of it. */
export const withNext = (
  generations: readonly Generation[],
  keys: readonly JsonWebKey[],
  now: Instant,
): readonly Generation[] => [
  { madeAt: now, signsFrom: later(now, PUBLISHED_AHEAD), withdrawn: false, keys },
  ...generations,
];

/**
 * With one more generation, which signs at once; all others are withdrawn, for what is in one file
 * is known together.
 */
export const withAtOnce = (
  generations: readonly Generation[],
  keys: readonly JsonWebKey[],
  now: Instant,
): readonly Generation[] => [
  { madeAt: now, signsFrom: now, withdrawn: false, keys },
  ...generations.map((generation) => ({ ...generation, withdrawn: true })),
];

/** Keys that always signed. */
export const sinceEver = (
  keys: readonly JsonWebKey[],
  madeAt: Instant = instant(0),
): Generation => ({
  madeAt,
  signsFrom: madeAt,
  withdrawn: false,
  keys,
});

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/**
 * Reads the text of generations, newest first. A text of before there were any holds one set of
 * keys without a date, which is then `dated`. Throws when it is none; the message holds no key.
 */
export function parseGenerations(text: string, dated: Instant): readonly Generation[] {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    throw new Error('the signing keys are not JSON');
  }
  if (isRecord(written) && Array.isArray(written.keys) && written.keys.length > 0)
    return [sinceEver(written.keys as JsonWebKey[], dated)];
  const listed: unknown[] =
    isRecord(written) && Array.isArray(written.generations) ? written.generations : [];
  const generations = listed.map((entry): Generation => {
    const { madeAt, signsFrom, withdrawn, keys } = isRecord(entry) ? entry : {};
    if (typeof madeAt !== 'number' || typeof signsFrom !== 'number' || !Array.isArray(keys))
      throw new Error('signing keys need madeAt, signsFrom and keys');
    return {
      madeAt: instant(madeAt),
      signsFrom: instant(signsFrom),
      withdrawn: withdrawn === true,
      keys: keys as JsonWebKey[],
    };
  });
  if (generations.every(({ withdrawn }) => withdrawn))
    throw new Error('there are no signing keys that may sign');
  return generations;
}

/** The text of generations, for their file. */
export const formatGenerations = (generations: readonly Generation[]): string =>
  `${JSON.stringify({ generations }, null, 2)}\n`;

/** Generations that are kept nowhere. */
export function keptInMemory(first: readonly Generation[]): SigningSource {
  let generations = first;
  return {
    generations: () => generations,
    look: () => {},
    change(change) {
      const next = change(generations);
      generations = next ?? generations;
      return next ? 'changed' : 'unchanged';
    },
  };
}
