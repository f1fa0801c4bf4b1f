import { hkdfSync } from 'node:crypto';

const derivedKeys = new WeakMap<Uint8Array, Map<string, Uint8Array>>();

/** A key for one purpose, made of a master key. */
export function deriveKey(
  masterKey: Uint8Array,
  purpose: 'change tokens' | 'known devices',
): Uint8Array {
  const known = derivedKeys.get(masterKey) ?? new Map<string, Uint8Array>();
  derivedKeys.set(masterKey, known);
  const key =
    known.get(purpose) ??
    new Uint8Array(hkdfSync('sha256', masterKey, '', `gatehouse ${purpose}`, 32));
  known.set(purpose, key);
  return key;
}
