import type { webcrypto } from 'node:crypto';
import { addSeconds, type Instant, instant, type Seconds, seconds } from '#kernel/time.ts';

export type JsonWebKey = webcrypto.JsonWebKey & { readonly kid?: string };

/** Signing keys that were made together, one for each algorithm. */
export interface SigningKeySet {
  readonly madeAt: Instant;
  /** They sign from here on, until the next generation does. */
  readonly signsFrom: Instant;
  /** They may be known to others: nobody shall believe what they sign. */
  readonly withdrawn: boolean;
  /** Private keys. */
  readonly keys: readonly JsonWebKey[];
}

/** Where the generations are kept. */
export interface SigningKeySource {
  keySets(): readonly SigningKeySet[];
  /** Looks whether they changed where they are kept. */
  reloadIfChanged(): void;
  /**
   * Replaces them by what `change` makes of those that are kept at this moment, alone among all
   * processes. Undefined: they stay.
   */
  update(
    update: (kept: readonly SigningKeySet[]) => readonly SigningKeySet[] | undefined,
  ): 'changed' | 'unchanged';
}

/**
 * How long keys are published before they sign: a verifier that keeps a copy of the JWKS for a day
 * at most knows every key it meets. Our answer allows five minutes, but libraries have their own
 * ideas.
 */
export const PUBLISH_AHEAD_SECONDS = seconds(86_400);
/**
 * How long they stay published after the last signature: the longest life a token may be given (30
 * days), and a day for clocks.
 */
export const PUBLISH_AFTER_SECONDS = seconds(31 * 86_400);

/** Where a generation is in its life. */
export type SigningKeySetState = 'upcoming' | 'signing' | 'published' | 'retired' | 'withdrawn';

/** The generation that signs now. Before the first of them, it is the first. */
export function findActiveKeySet(
  keySets: readonly SigningKeySet[],
  now: Instant,
): SigningKeySet | undefined {
  const usable = keySets
    .filter(({ withdrawn }) => !withdrawn)
    .toSorted((one, other) => one.signsFrom - other.signsFrom);
  return usable.findLast(({ signsFrom }) => signsFrom <= now) ?? usable[0];
}

/** Where each generation is in its life, in the order given. */
export function keySetStates(
  keySets: readonly SigningKeySet[],
  now: Instant,
): readonly SigningKeySetState[] {
  const active = findActiveKeySet(keySets, now);
  return keySets.map((keySet) => {
    if (keySet.withdrawn) return 'withdrawn';
    if (keySet === active) return 'signing';
    if (keySet.signsFrom > now) return 'upcoming';
    const next = Math.min(
      ...keySets
        .filter(({ signsFrom, withdrawn }) => !withdrawn && signsFrom > keySet.signsFrom)
        .map(({ signsFrom }) => signsFrom),
    );
    return now < addSeconds(instant(next), PUBLISH_AFTER_SECONDS) ? 'published' : 'retired';
  });
}

const newestSigningStart = (keySets: readonly SigningKeySet[]) =>
  Math.max(...keySets.filter(({ withdrawn }) => !withdrawn).map(({ signsFrom }) => signsFrom));

/** When a generation that was made but does not sign yet will; undefined: there is none. */
export function nextSigningStart(
  keySets: readonly SigningKeySet[],
  now: Instant,
): Instant | undefined {
  const from = newestSigningStart(keySets);
  return from > now ? instant(from) : undefined;
}

/**
 * True when the next generation has to be published, so that it signs when the present one has
 * signed for that long. Null: never.
 */
export const isRotationDue = (
  keySets: readonly SigningKeySet[],
  signingKeyRotationSeconds: Seconds | null,
  now: Instant,
): boolean =>
  signingKeyRotationSeconds !== null &&
  now >= newestSigningStart(keySets) + signingKeyRotationSeconds - PUBLISH_AHEAD_SECONDS;

/** With one more generation, which signs when everybody had time to hear of it. */
export const addUpcomingKeySet = (
  keySets: readonly SigningKeySet[],
  keys: readonly JsonWebKey[],
  now: Instant,
): readonly SigningKeySet[] => [
  { madeAt: now, signsFrom: addSeconds(now, PUBLISH_AHEAD_SECONDS), withdrawn: false, keys },
  ...keySets,
];

/**
 * With one more generation, which signs at once; all others are withdrawn, for what is in one file
 * is known together.
 */
export const addImmediateKeySet = (
  keySets: readonly SigningKeySet[],
  keys: readonly JsonWebKey[],
  now: Instant,
): readonly SigningKeySet[] => [
  { madeAt: now, signsFrom: now, withdrawn: false, keys },
  ...keySets.map((keySet) => ({ ...keySet, withdrawn: true })),
];

/** Keys that always signed. */
export const makeInitialKeySet = (
  keys: readonly JsonWebKey[],
  madeAt: Instant = instant(0),
): SigningKeySet => ({
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
export function parseSigningKeySets(
  text: string,
  fallbackMadeAt: Instant,
): readonly SigningKeySet[] {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    throw new Error('the signing keys are not JSON');
  }
  if (isRecord(written) && Array.isArray(written.keys) && written.keys.length > 0)
    return [makeInitialKeySet(written.keys as JsonWebKey[], fallbackMadeAt)];
  const listed: unknown[] =
    isRecord(written) && Array.isArray(written.generations) ? written.generations : [];
  const keySets = listed.map((entry): SigningKeySet => {
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
  if (keySets.every(({ withdrawn }) => withdrawn))
    throw new Error('there are no signing keys that may sign');
  return keySets;
}

/** The text of generations, for their file. */
export const formatSigningKeySets = (generations: readonly SigningKeySet[]): string =>
  `${JSON.stringify({ generations }, null, 2)}\n`;

/** Generations that are kept nowhere. */
export function inMemorySigningKeys(first: readonly SigningKeySet[]): SigningKeySource {
  let keySets = first;
  return {
    keySets: () => keySets,
    reloadIfChanged: () => {},
    update(change) {
      const next = change(keySets);
      keySets = next ?? keySets;
      return next ? 'changed' : 'unchanged';
    },
  };
}
