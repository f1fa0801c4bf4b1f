import { type Instant, instant } from '#kernel/time.ts';
import { openSigningKeys } from '#keys/key-files.ts';
import { generateSigningKeysAsync } from '#keys/signing.ts';
import {
  addImmediateKeySet,
  addUpcomingKeySet,
  findActiveKeySet,
  nextSigningStart,
} from '#keys/signing-key-sets.ts';
import { hasSigningKeys, type KeyContext } from './key-context.ts';

export type RotateSigningResult =
  | { readonly signsFrom: Instant }
  | { readonly refused: 'upcoming'; readonly signsFrom: Instant }
  | { readonly refused: 'no-keys' };

/**
 * Makes signing keys: published now and signing in a day, or with `immediately` signing now, and
 * then all others leave the JWKS. Refuses while others are upcoming.
 */
export async function rotateSigningKeys(
  context: KeyContext,
  immediately: boolean,
): Promise<RotateSigningResult> {
  if (!hasSigningKeys(context)) return { refused: 'no-keys' };
  const { clock, entropy, directory } = context;
  const source = openSigningKeys({ path: directory, clock, entropy });
  const before = source.keySets();
  const upcoming = nextSigningStart(before, clock.now());
  if (upcoming !== undefined && !immediately) return { refused: 'upcoming', signsFrom: upcoming };
  const { keys } = await generateSigningKeysAsync();
  let signsFrom = upcoming ?? clock.now();
  const outcome = source.update((stored) => {
    const now = clock.now();
    const changed =
      stored.length !== before.length ||
      findActiveKeySet(stored, now)?.madeAt !== findActiveKeySet(before, now)?.madeAt;
    signsFrom = nextSigningStart(stored, now) ?? findActiveKeySet(stored, now)?.signsFrom ?? now;
    if (changed) return undefined;
    const next = immediately
      ? addImmediateKeySet(stored, keys, now)
      : addUpcomingKeySet(stored, keys, now);
    signsFrom = next[0]?.signsFrom ?? now;
    return next;
  });
  return outcome === 'changed'
    ? { signsFrom: instant(signsFrom) }
    : { refused: 'upcoming', signsFrom: instant(signsFrom) };
}
