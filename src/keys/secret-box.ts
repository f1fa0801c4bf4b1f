import { createCipheriv, createDecipheriv, hash } from 'node:crypto';
import type { Sealed } from '#kernel/ids.ts';
import type { Entropy } from '#platform/random.ts';
import { fixedRing, type KeyRing, type MasterKey } from './keyring.ts';

/**
 * Encrypts secrets that must be read back. `purpose` is bound to the text: what was sealed for one
 * thing does not open as another.
 */
export interface Sealer {
  seal(plain: string, purpose: string): Sealed;
  /**
   * Throws when the text was changed, sealed for another purpose, or under a key that is not here.
   */
  open(sealed: Sealed, purpose: string): string;
}

function encrypt(
  key: Uint8Array,
  keyId: string,
  plain: string,
  purpose: string,
  entropy: Entropy,
): Sealed {
  const iv = entropy.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose));
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v1.${keyId}.${Buffer.from(iv).toString('base64url')}.${body.toString('base64url')}` as Sealed;
}

function decrypt(
  keyOf: (id: string) => Uint8Array | undefined,
  sealed: Sealed,
  purpose: string,
): string {
  const [version, keyId, iv, body] = sealed.split('.');
  const key = keyOf(keyId ?? '');
  if (version !== 'v1' || key === undefined || iv === undefined || body === undefined)
    throw new Error('sealed text of an unknown form or key');
  const bytes = Buffer.from(body, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), {
    authTagLength: 16,
  });
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-16));
  return decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
}

/** Which master key opens the text. */
export const keyIdOf = (sealed: Sealed): string => sealed.split('.', 2)[1] ?? '';

/**
 * AES-256-GCM under master keys: those of a ring, or a list of which the first seals and all open.
 */
export function makeSealer(keys: readonly MasterKey[] | KeyRing, entropy: Entropy): Sealer {
  const ring = 'current' in keys ? keys : fixedRing(keys);
  return {
    seal(plain, purpose) {
      const { id, key } = ring.current();
      return encrypt(key, id, plain, purpose, entropy);
    },
    open: (sealed, purpose) => decrypt((id) => ring.find(id), sealed, purpose),
  };
}

/**
 * The secret is machine-made with 256 bits of chance, so one hash, set apart by its prefix, is a
 * sound key derivation.
 */
const derived = (secret: string) => hash('sha256', `gatehouse answer\0${secret}`, 'buffer');

/**
 * Seals under a key made of a secret that only its holder has: whoever reads the store cannot open
 * it.
 */
export const sealWith = (secret: string, plain: string, entropy: Entropy): Sealed =>
  encrypt(derived(secret), 'holder', plain, 'answer', entropy);

/** Opens what sealWith sealed. Throws when the secret is another. */
export const openWith = (secret: string, sealed: Sealed): string =>
  decrypt((id) => (id === 'holder' ? derived(secret) : undefined), sealed, 'answer');
