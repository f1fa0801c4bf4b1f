import { hash } from 'node:crypto';
import { accept, type Result, refuse } from '#kernel/result.ts';

/** Members that make the thumbprint of each key type, in order (RFC 7638 §3.2, RFC 8037 §2). */
const members: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  oct: ['k', 'kty'],
};

export interface Thumbprint {
  readonly hashInput: string;
  readonly thumbprint: string;
  /** RFC 9278 §3. */
  readonly uri: string;
}

/**
 * The thumbprint of a JWK (RFC 7638). Refuses an unknown key type and a key without a required
 * member.
 */
export function computeJwkThumbprint(
  jwk: Readonly<Record<string, unknown>>,
  algorithm: 'SHA-256' | 'SHA-384' | 'SHA-512' = 'SHA-256',
): Result<Thumbprint, { readonly kind: 'unknown-key-type' | 'missing-member' }> {
  const names =
    typeof jwk.kty === 'string' && Object.hasOwn(members, jwk.kty) ? members[jwk.kty] : undefined;
  if (names === undefined) return refuse({ kind: 'unknown-key-type' });
  if (names.some((name) => typeof jwk[name] !== 'string' || jwk[name] === ''))
    return refuse({ kind: 'missing-member' });
  const hashInput = JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]])));
  const thumbprint = hash(algorithm.replace('-', '').toLowerCase(), hashInput, 'base64url');
  return accept({
    hashInput,
    thumbprint,
    uri: `urn:ietf:params:oauth:jwk-thumbprint:${algorithm.toLowerCase()}:${thumbprint}`,
  });
}
