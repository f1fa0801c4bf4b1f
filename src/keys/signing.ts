import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
  type webcrypto,
} from 'node:crypto';
import { jwkThumbprint } from './thumbprint.ts';

type JsonWebKey = webcrypto.JsonWebKey & { readonly kid?: string };

export type Algorithm = 'ES256' | 'RS256';

/** The server's own keys as they are kept: private JWKs, one for each algorithm, the newest first. */
export interface StoredKeys {
  readonly keys: readonly JsonWebKey[];
}

export interface SigningKeys {
  /** Signs claims as a compact JWS (RFC 7515 §3.1) with `typ`, `alg` and `kid` in the header. */
  sign(algorithm: Algorithm, typ: string, claims: object): string;
  /** Header and claims of a JWS signed by a key of ours; undefined for anything else. The algorithm is the key's, never the token's choice. */
  verify(
    jwt: string,
  ): { readonly header: Readonly<Record<string, unknown>>; readonly claims: Readonly<Record<string, unknown>> } | undefined;
  /** The public halves (RFC 7517 §5). */
  jwks(): { readonly keys: readonly JsonWebKey[] };
}

const MOST_VERIFIED = 20_000;
const b64 = (text: string) => Buffer.from(text).toString('base64url');
const algorithmOf = (key: JsonWebKey): Algorithm => (key.kty === 'EC' ? 'ES256' : 'RS256');

/** Makes a fresh set of keys: P-256 and RSA with 2048 bits. */
export function generateSigningKeys(): StoredKeys {
  const pairs = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('rsa', { modulusLength: 2048 })];
  return { keys: pairs.map(({ privateKey }) => privateKey.export({ format: 'jwk' })) };
}

interface OwnKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: JsonWebKey;
}

function ownKey(stored: JsonWebKey): OwnKey {
  const privateKey = createPrivateKey({ key: stored, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  const jwk = publicKey.export({ format: 'jwk' });
  const print = jwkThumbprint(jwk as Record<string, unknown>);
  if (!print.ok) throw new Error(`a stored signing key cannot be used: ${print.refusal.kind}`);
  const algorithm = algorithmOf(jwk);
  const kid = print.value.thumbprint;
  return { kid, algorithm, privateKey, publicKey, jwk: { ...jwk, kid, alg: algorithm, use: 'sig' } };
}

const parse = (part: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Loads the keys. Tokens that were signed or verified here are remembered (by digest, at most 20,000), so that a token is verified once:
 * a signature never turns false later, and everything that can change is asked of the store each time.
 */
export function loadSigningKeys(stored: StoredKeys): SigningKeys {
  const own = stored.keys.map(ownKey);
  const byKid = new Map(own.map((key) => [key.kid, key]));
  const headers = new Map<string, string>();
  const verified = new Map<string, true>();
  const remember = (jwt: string) => {
    if (verified.size >= MOST_VERIFIED) forgetOldest(verified);
    verified.set(hash('sha256', jwt, 'base64'), true);
  };
  const signature = (key: OwnKey, text: string) =>
    sign(
      'sha256',
      Buffer.from(text),
      key.algorithm === 'ES256' ? { key: key.privateKey, dsaEncoding: 'ieee-p1363' } : key.privateKey,
    ).toString('base64url');
  const holds = (key: OwnKey, text: string, signed: string) => {
    const publicKey = key.algorithm === 'ES256' ? ({ key: key.publicKey, dsaEncoding: 'ieee-p1363' } as const) : key.publicKey;
    return verify('sha256', Buffer.from(text), publicKey, Buffer.from(signed, 'base64url'));
  };
  return {
    sign(algorithm, typ, claims) {
      const key = own.find((candidate) => candidate.algorithm === algorithm);
      if (key === undefined) throw new Error(`there is no ${algorithm} key`);
      const name = `${algorithm} ${typ}`;
      let header = headers.get(name);
      if (header === undefined) {
        header = b64(JSON.stringify({ typ, alg: algorithm, kid: key.kid }));
        headers.set(name, header);
      }
      const text = `${header}.${b64(JSON.stringify(claims))}`;
      const jwt = `${text}.${signature(key, text)}`;
      remember(jwt);
      return jwt;
    },
    verify(jwt) {
      const [first = '', second = '', third = '', ...more] = jwt.split('.');
      // Base64url without padding, and nothing else (RFC 7515 §2): one token, one spelling.
      if (more.length > 0 || ![first, second, third].every((part) => /^[\w-]+$/.test(part))) return undefined;
      const [header, claims] = [parse(first), parse(second)];
      const key = typeof header?.kid === 'string' ? byKid.get(header.kid) : undefined;
      if (header === undefined || claims === undefined || key === undefined || header.alg !== key.algorithm || 'crit' in header)
        return undefined;
      if (!verified.has(hash('sha256', jwt, 'base64'))) {
        if (!holds(key, `${first}.${second}`, third)) return undefined;
        remember(jwt);
      }
      return { header, claims };
    },
    jwks: () => ({ keys: own.map(({ jwk }) => jwk) }),
  };
}

/** An HS256 JWT under a secret two parties share (RFC 7518 §3.2). */
export function signHs256(claims: object, secret: string): string {
  const text = `${b64('{"typ":"JWT","alg":"HS256"}')}.${b64(JSON.stringify(claims))}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function forgetOldest(verified: Map<string, true>): void {
  let left = MOST_VERIFIED / 4;
  for (const key of verified.keys()) {
    if (left-- <= 0) return;
    verified.delete(key);
  }
}
