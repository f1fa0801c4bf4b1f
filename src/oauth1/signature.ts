import { hash } from 'node:crypto';
import { percentEncode } from '#encoding/percent.ts';
import { equalSecrets } from '#keys/digest.ts';
import { hmac } from '#keys/hmac.ts';
import { verifyRsaSignature } from '#keys/rsa.ts';

/** Names on the wire, case-sensitive (RFC 5849 §3.4; the SHA-256 ones by analogy). */
export const signatureMethods = [
  'HMAC-SHA1',
  'HMAC-SHA256',
  'RSA-SHA1',
  'RSA-SHA256',
  'PLAINTEXT',
] as const;
export type SignatureMethod = (typeof signatureMethods)[number];

/** What a signature is checked with. */
export interface SignatureSecrets {
  readonly clientSecret: string;
  /** Empty without a token. */
  readonly tokenSecret: string;
  readonly publicKeyPem: string | null;
}

const signatureKey = ({ clientSecret, tokenSecret }: SignatureSecrets) =>
  `${percentEncode(clientSecret)}&${percentEncode(tokenSecret)}`;

/**
 * The signature a client should have sent; undefined for RSA, which only the holder of the private
 * key can make.
 */
export function computeSignature(
  method: SignatureMethod,
  text: string,
  secrets: SignatureSecrets,
): string | undefined {
  switch (method) {
    case 'HMAC-SHA1':
      return hmac('sha1', signatureKey(secrets), text);
    case 'HMAC-SHA256':
      return hmac('sha256', signatureKey(secrets), text);
    case 'PLAINTEXT':
      return signatureKey(secrets);
    case 'RSA-SHA1':
    case 'RSA-SHA256':
      return undefined;
  }
}

/** Checks a signature (RFC 5849 §3.4.2, §3.4.3, §3.4.4). Texts are compared in constant time. */
export function isSignatureValid(
  method: SignatureMethod,
  text: string,
  secrets: SignatureSecrets,
  signature: string,
): boolean {
  const expected = computeSignature(method, text, secrets);
  if (expected !== undefined) return equalSecrets(expected, signature);
  return (
    secrets.publicKeyPem !== null &&
    verifyRsaSignature(
      method === 'RSA-SHA1' ? 'sha1' : 'sha256',
      secrets.publicKeyPem,
      text,
      signature,
    )
  );
}

/**
 * Whether `oauth_body_hash` is the hash of the body (OAuth Request Body Hash §3.2): SHA-1, as most
 * libraries take it with every signature method, or the method's own.
 */
export function isBodyHashValid(
  method: SignatureMethod,
  body: Uint8Array,
  sentHash: string,
): boolean {
  const hashes = method.endsWith('SHA256') ? (['sha1', 'sha256'] as const) : (['sha1'] as const);
  return hashes.some((name) => equalSecrets(hash(name, body, 'base64'), sentHash));
}
