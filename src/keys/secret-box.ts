import { createCipheriv, createDecipheriv, hash } from 'node:crypto';
import type { EncryptedSecret } from '#kernel/ids.ts';
import type { Entropy } from '#platform/random.ts';
import { type Keyring, type MasterKey, makeFixedKeyring } from './keyring.ts';

/**
 * Encrypts secrets that must be read back. `purpose` is bound to the text: what was encrypted for
 * one thing does not open as another.
 */
export interface SecretBox {
  encrypt(plain: string, purpose: string): EncryptedSecret;
  /**
   * Throws when the text was changed, encrypted for another purpose, or under a key that is not
   * here.
   */
  decrypt(encrypted: EncryptedSecret, purpose: string): string;
}

function encryptWithKey(
  key: Uint8Array,
  keyId: string,
  plain: string,
  purpose: string,
  entropy: Entropy,
): EncryptedSecret {
  const iv = entropy.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose));
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v1.${keyId}.${Buffer.from(iv).toString('base64url')}.${body.toString('base64url')}` as EncryptedSecret;
}

function decryptWithKey(
  keyOf: (id: string) => Uint8Array | undefined,
  encrypted: EncryptedSecret,
  purpose: string,
): string {
  const [version, keyId, iv, body] = encrypted.split('.');
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
export const masterKeyIdOf = (encrypted: EncryptedSecret): string =>
  encrypted.split('.', 2)[1] ?? '';

/**
 * AES-256-GCM under master keys: those of a keyring, or a list of which the first encrypts and all
 * decrypt.
 */
export function makeSecretBox(keys: readonly MasterKey[] | Keyring, entropy: Entropy): SecretBox {
  const keyring = 'current' in keys ? keys : makeFixedKeyring(keys);
  return {
    encrypt(plain, purpose) {
      const { id, key } = keyring.current();
      return encryptWithKey(key, id, plain, purpose, entropy);
    },
    decrypt: (encrypted, purpose) =>
      decryptWithKey((id) => keyring.findKey(id), encrypted, purpose),
  };
}

/**
 * The secret is machine-made with 256 bits of chance, so one hash, set apart by its prefix, is a
 * sound key derivation.
 */
const deriveKeyFromSecret = (secret: string) =>
  hash('sha256', `gatehouse answer\0${secret}`, 'buffer');

/**
 * Seals under a key made of a secret that only its holder has: whoever reads the store cannot open
 * it.
 */
export const encryptWithSecret = (
  secret: string,
  plain: string,
  entropy: Entropy,
): EncryptedSecret =>
  encryptWithKey(deriveKeyFromSecret(secret), 'holder', plain, 'answer', entropy);

/** Decrypts what `encryptWithSecret` encrypted. Throws when the secret is another. */
export const decryptWithSecret = (secret: string, encrypted: EncryptedSecret): string =>
  decryptWithKey(
    (id) => (id === 'holder' ? deriveKeyFromSecret(secret) : undefined),
    encrypted,
    'answer',
  );
