import { readKeyring, updateKeyring } from '#keys/key-files.ts';
import { addKey, type RetireRefusal, removeKey } from '#keys/keyring.ts';
import { countEncrypted } from '#registry/reencryption.ts';
import type { KeyContext } from './key-context.ts';

export type RotateResult =
  | { readonly rotated: string }
  | { readonly refused: 'variable'; readonly variable: string; readonly ids: readonly string[] }
  | { readonly refused: 'meanwhile' | 'no-keys' };

export type RetireResult =
  | { readonly retired: string }
  | {
      readonly refused:
        | RetireRefusal
        | { readonly kind: 'variable'; readonly variable: string }
        | { readonly kind: 'no-keys' | 'changed' };
    };

/** Adds a master key and makes it current. Refuses keys that come from a variable. */
export async function rotateMasterKey({
  config: { masterKeys, masterKeysVariable: variable },
  directory,
  entropy,
  clock,
}: KeyContext): Promise<RotateResult> {
  if (variable !== null)
    return { refused: 'variable', variable, ids: (masterKeys ?? []).map(({ id }) => id) };
  const before = readKeyring(directory);
  if (before === undefined) return { refused: 'no-keys' };
  const added = addKey(before, entropy.bytes(32), clock.now());
  // Of two who saw the same keyring, one adds a key.
  const outcome = updateKeyring(directory, (stored) =>
    stored.current === before.current ? added : undefined,
  );
  return outcome === 'changed' ? { rotated: added.current } : { refused: 'meanwhile' };
}

/**
 * Removes a master key that no secret needs. Refuses the current one, one that is in use, and one
 * that what was encrypted for a short time may still need.
 */
export async function retireMasterKey(
  { config: { masterKeysVariable: variable }, directory, clock, withRecords }: KeyContext,
  id: string,
): Promise<RetireResult> {
  if (variable !== null) return { refused: { kind: 'variable', variable } };
  const before = readKeyring(directory);
  if (before === undefined) return { refused: { kind: 'no-keys' } };
  // Before the store is asked: how many there are is of no interest when the key has to stay
  // anyway.
  const soonest = removeKey(before, id, 0, clock.now());
  if (!soonest.ok && soonest.refusal.kind !== 'too-early') return { refused: soonest.refusal };
  const encryptedCount = (await withRecords(countEncrypted)).get(id) ?? 0;
  let refusal: RetireRefusal | { readonly kind: 'changed' } = { kind: 'changed' };
  const outcome = updateKeyring(directory, (stored) => {
    // While the key was counted it may have become the current one, though no command of ours does
    // that.
    if (stored.current !== before.current) return undefined;
    const without = removeKey(stored, id, encryptedCount, clock.now());
    if (without.ok) return without.value;
    refusal = without.refusal;
    return undefined;
  });
  return outcome === 'changed' ? { retired: id } : { refused: refusal };
}
