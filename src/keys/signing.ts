import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';
import { instant } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import { isLowS, toLowS } from './p256.ts';
import {
  findActiveKeySet,
  inMemorySigningKeys,
  type JsonWebKey,
  keySetStates,
  makeInitialKeySet,
  type SigningKeySource,
} from './signing-key-sets.ts';
import { computeJwkThumbprint } from './thumbprint.ts';

export type Algorithm = 'ES256' | 'RS256';

/** The server's own keys: private JWKs, one for each algorithm. */
export interface PrivateKeySet {
  readonly keys: readonly JsonWebKey[];
}

export interface SigningKeys {
  /** Signs claims as a compact JWS (RFC 7515 §3.1) with `typ`, `alg` and `kid` in the header. */
  sign(algorithm: Algorithm, typ: string, claims: object): string;
  /**
   * Header and claims of a JWS signed by a key of ours; undefined for anything else. The algorithm
   * is the key's, never the token's choice.
   */
  verify(jwt: string):
    | {
        readonly header: Readonly<Record<string, unknown>>;
        readonly claims: Readonly<Record<string, unknown>>;
      }
    | undefined;
  /**
   * The public halves that a verifier may meet (RFC 7517 §5): of the keys that sign, those that
   * soon will, and those that did until lately.
   */
  jwks(): { readonly keys: readonly JsonWebKey[] };
}

const MAX_VERIFIED_TOKENS = 20_000;
const b64 = (text: string) => Buffer.from(text).toString('base64url');
const isBase64url = (part: string) =>
  part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
const algorithmOf = (key: JsonWebKey): Algorithm => (key.kty === 'EC' ? 'ES256' : 'RS256');

const exportPrivateKeys = (
  pairs: readonly { readonly privateKey: KeyObject }[],
): PrivateKeySet => ({
  keys: pairs.map(({ privateKey }) => privateKey.export({ format: 'jwk' })),
});

/** Makes a fresh set of keys: P-256 and RSA with 2048 bits. */
export const generateSigningKeys = (): PrivateKeySet =>
  exportPrivateKeys([
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ]);

const generateKeyPairAsync = promisify(generateKeyPair);

/** The same, while others are served. */
export const generateSigningKeysAsync = async (): Promise<PrivateKeySet> =>
  exportPrivateKeys(
    await Promise.all([
      generateKeyPairAsync('ec', { namedCurve: 'P-256' }),
      generateKeyPairAsync('rsa', { modulusLength: 2048 }),
    ]),
  );

interface OwnKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: JsonWebKey;
}

function loadOwnKey(stored: JsonWebKey): OwnKey {
  const privateKey = createPrivateKey({ key: stored, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  const jwk = publicKey.export({ format: 'jwk' });
  const print = computeJwkThumbprint(jwk as Record<string, unknown>);
  if (!print.ok) throw new Error(`a stored signing key cannot be used: ${print.refusal.kind}`);
  const algorithm = algorithmOf(jwk);
  const kid = print.value.thumbprint;
  return {
    kid,
    algorithm,
    privateKey,
    publicKey,
    jwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
  };
}

/** The name under which a private key's public half is published. */
export const kidOf = (stored: JsonWebKey): string => loadOwnKey(stored).kid;

const parseJsonPart = (part: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

/** One set of keys, which signs and is published for good. */
export const makeFixedSigningKeys = (stored: PrivateKeySet): SigningKeys =>
  makeSigningKeys(inMemorySigningKeys([makeInitialKeySet(stored.keys)]), { now: () => instant(0) });

const signText = (key: OwnKey, text: string): string =>
  key.algorithm === 'ES256'
    ? toLowS(
        sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }),
      ).toString('base64url')
    : sign('sha256', Buffer.from(text), key.privateKey).toString('base64url');

function isValidSignature(key: OwnKey, text: string, signed: string): boolean {
  const bytes = Buffer.from(signed, 'base64url');
  if (key.algorithm === 'RS256') return verify('sha256', Buffer.from(text), key.publicKey, bytes);
  return (
    isLowS(bytes) &&
    verify('sha256', Buffer.from(text), { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, bytes)
  );
}

/** The keys of a source, each loaded once. */
interface KeyIndex {
  load(stored: JsonWebKey): OwnKey;
  /** The key that a token names; undefined: there is none. */
  find(kid: string): OwnKey | undefined;
}

function makeKeyIndex(source: SigningKeySource, clock: Pick<Clock, 'now'>): KeyIndex {
  const loaded = new WeakMap<JsonWebKey, OwnKey>();
  function load(stored: JsonWebKey): OwnKey {
    const key = loaded.get(stored) ?? loadOwnKey(stored);
    loaded.set(stored, key);
    return key;
  }
  let index = { of: source.keySets(), byKid: new Map<string, OwnKey>() };
  function findLoaded(kid: string): OwnKey | undefined {
    const keySets = source.keySets();
    if (index.of !== keySets || index.byKid.size === 0)
      index = {
        of: keySets,
        byKid: new Map(keySets.flatMap(({ keys }) => keys.map(load)).map((key) => [key.kid, key])),
      };
    return index.byKid.get(kid);
  }
  let reloadedAt: number | undefined;
  return {
    load,
    find(kid) {
      const key = findLoaded(kid);
      const now = clock.now();
      // A key that another process made may be on its way here. Anybody can name a key that is
      // none: the source is read again once a second.
      if (key !== undefined || reloadedAt === now) return key;
      reloadedAt = now;
      source.reloadIfChanged();
      return findLoaded(kid);
    },
  };
}

/** Tokens whose signature is known to hold, by digest. */
function makeVerifiedTokens() {
  const verified = new Map<string, true>();
  return {
    has: (jwt: string): boolean => verified.has(hash('sha256', jwt, 'base64')),
    add(jwt: string): void {
      if (verified.size >= MAX_VERIFIED_TOKENS) forgetOldest(verified);
      verified.set(hash('sha256', jwt, 'base64'), true);
    },
  };
}

/** Header, claims and signature of a token, in their one spelling; undefined: it is none. */
function parseJwt(jwt: string) {
  const [first = '', second = '', third = '', ...more] = jwt.split('.');
  // Base64url without padding, and nothing else (RFC 7515 §2), the unused bits of its last
  // character zero (RFC 4648 §3.5): one token has one spelling.
  if (more.length > 0 || ![first, second, third].every(isBase64url)) return undefined;
  const [header, claims] = [parseJsonPart(first), parseJsonPart(second)];
  if (header === undefined || claims === undefined || 'crit' in header) return undefined;
  return { header, claims, text: `${first}.${second}`, signature: third };
}

/**
 * Signs with the keys whose time it is, and verifies with all that are kept (ADR 11). Tokens that
 * were signed or verified here are remembered (by digest, at most 20,000), so that a token is
 * verified once: a signature never turns false later, and everything that can change is asked of
 * the store each time.
 */
export function makeSigningKeys(source: SigningKeySource, clock: Pick<Clock, 'now'>): SigningKeys {
  const index = makeKeyIndex(source, clock);
  const verified = makeVerifiedTokens();
  const headers = new Map<string, string>();
  function headerFor(typ: string, { algorithm, kid }: OwnKey): string {
    const name = `${kid} ${typ}`;
    const header = headers.get(name) ?? b64(JSON.stringify({ typ, alg: algorithm, kid }));
    headers.set(name, header);
    return header;
  }
  return {
    sign(algorithm, typ, claims) {
      const key = findActiveKeySet(source.keySets(), clock.now())
        ?.keys.map(index.load)
        .find((candidate) => candidate.algorithm === algorithm);
      if (key === undefined) throw new Error(`there is no ${algorithm} key`);
      const text = `${headerFor(typ, key)}.${b64(JSON.stringify(claims))}`;
      const jwt = `${text}.${signText(key, text)}`;
      verified.add(jwt);
      return jwt;
    },
    verify(jwt) {
      const parsed = parseJwt(jwt);
      if (parsed === undefined || typeof parsed.header.kid !== 'string') return undefined;
      const { header, claims, text, signature } = parsed;
      const key = index.find(parsed.header.kid);
      if (key === undefined || header.alg !== key.algorithm) return undefined;
      if (!verified.has(jwt)) {
        if (!isValidSignature(key, text, signature)) return undefined;
        verified.add(jwt);
      }
      return { header, claims };
    },
    jwks() {
      const keySets = source.keySets();
      const states = keySetStates(keySets, clock.now());
      // Those that sign come first, for verifiers that look no further.
      const published = (['signing', 'upcoming', 'published'] as const).flatMap((state) =>
        keySets.filter((_, position) => states[position] === state),
      );
      return { keys: published.flatMap(({ keys }) => keys.map((key) => index.load(key).jwk)) };
    },
  };
}

/** An HS256 JWT under a secret two parties share (RFC 7518 §3.2). */
export function signHs256(claims: object, secret: string): string {
  const text = `${b64('{"typ":"JWT","alg":"HS256"}')}.${b64(JSON.stringify(claims))}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function forgetOldest(verified: Map<string, true>): void {
  let left = MAX_VERIFIED_TOKENS / 4;
  for (const key of verified.keys()) {
    if (left-- <= 0) return;
    verified.delete(key);
  }
}
