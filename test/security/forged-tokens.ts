import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import type { JsonWebKey } from '#keys/signing-key-sets.ts';

/** One way to make something of a token that is not the token; see `data/jwt-tricks.json`. */
export interface Trick {
  readonly name: string;
  /**
   * Members of the header to set; `other` stands for our other key's, `foreign` for the sender's
   * public key.
   */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly drop?: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly sign?: string;
  readonly key?: string;
  readonly edit?: {
    readonly part: 'header' | 'claims' | 'signature' | 'whole';
    readonly op: string;
    readonly text: string;
  };
  /** For tokens of this algorithm alone. */
  readonly of?: 'ES256' | 'RS256';
  /** For tokens in a form alone: around a header's value blanks belong to HTTP. */
  readonly form?: true;
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const parsed = (part: string) =>
  JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const bytesOf = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

/** Signatures that are made without a key of ours. */
function signatureOf(
  trick: Trick,
  text: string,
  old: Buffer,
  own: JsonWebKey,
  kid: string,
): string {
  const half = old.length / 2;
  const made: Readonly<Record<string, () => Buffer>> = {
    keep: () => old,
    empty: () => Buffer.alloc(0),
    zero: () => Buffer.alloc(old.length),
    one: () => Buffer.alloc(old.length, 1),
    half: () => old.subarray(0, half),
    doubled: () => Buffer.concat([old, old]),
    random: () => Buffer.alloc(old.length, 0xa7),
    der: () => sign('sha256', Buffer.from(text), ec.privateKey),
    'r-zero': () => Buffer.concat([Buffer.alloc(half), old.subarray(half)]),
    's-zero': () => Buffer.concat([old.subarray(0, half), Buffer.alloc(half)]),
    'r-order': () => Buffer.concat([bytesOf(ORDER), old.subarray(32)]),
    's-order': () => Buffer.concat([old.subarray(0, old.length - 32), bytesOf(ORDER)]),
    'high-s': () =>
      Buffer.concat([
        old.subarray(0, 32),
        bytesOf(ORDER - BigInt(`0x${old.subarray(32).toString('hex')}`)),
      ]),
    foreign: () => {
      const key: KeyObject = own.kty === 'EC' ? ec.privateKey : rsa.privateKey;
      return sign(
        'sha256',
        Buffer.from(text),
        own.kty === 'EC' ? { key, dsaEncoding: 'ieee-p1363' } : key,
      );
    },
    hmac: () => {
      const keys: Readonly<Record<string, () => string>> = {
        'public-pem': () =>
          createPublicKey({ key: own, format: 'jwk' })
            .export({ type: 'spki', format: 'pem' })
            .toString(),
        'public-jwk': () => JSON.stringify(own),
        'public-modulus-or-x': () => String(own.n ?? own.x),
        kid: () => kid,
        'empty-text': () => '',
      };
      const hash = String(trick.header?.alg).replace('HS', 'sha');
      return createHmac(hash, keys[trick.key ?? '']?.() ?? '')
        .update(text)
        .digest();
    },
  };
  const make = made[trick.sign ?? ''];
  if (make === undefined) throw new Error(`${trick.name}: there is no signature ${trick.sign}`);
  return make().toString('base64url');
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function edited(text: string, op: string, more: string): string {
  const middle = Math.floor(text.length / 2);
  const ops: Readonly<Record<string, () => string>> = {
    append: () => text + more,
    prepend: () => more + text,
    middle: () => text.slice(0, middle) + more + text.slice(middle),
    standard: () => text.replaceAll('-', '+').replaceAll('_', '/'),
    quote: () => `"${text}"`,
    upper: () => text.toUpperCase(),
    lower: () => text.toLowerCase(),
    dots: () => text.replaceAll('.', more),
    json: () =>
      JSON.stringify(
        Object.fromEntries(
          text
            .split('.')
            .map((part, at) => [['protected', 'payload', 'signature'][at] ?? at, part]),
        ),
      ),
    bits: () => {
      const unused = { 2: 4, 3: 2 }[text.length % 4] ?? 0;
      return unused === 0
        ? text
        : text.slice(0, -1) + ALPHABET[ALPHABET.indexOf(text.at(-1) ?? 'A') | 1];
    },
  };
  const edit = ops[op];
  if (edit === undefined) throw new Error(`there is no edit ${op}`);
  return edit();
}

/**
 * The token that a trick makes of a sound one; undefined when it makes none of this one. `keys`:
 * what the server publishes.
 */
export function forged(trick: Trick, jwt: string, keys: readonly JsonWebKey[]): string | undefined {
  const [first = '', second = '', third = ''] = jwt.split('.');
  const header = parsed(first);
  if (trick.of !== undefined && trick.of !== header.alg) return undefined;
  const own = keys.find((key) => (key as { kid?: string }).kid === header.kid);
  const other = keys.find((key) => (key as { kid?: string }).kid !== header.kid) as
    | (JsonWebKey & { kid: string; alg: string })
    | undefined;
  if (own === undefined || other === undefined)
    throw new Error('the server publishes a key of each kind');
  let text = jwt;
  if (trick.sign !== undefined) {
    const set = { ...header, ...trick.header } as Record<string, unknown>;
    if (trick.header?.alg === 'other') set.alg = other.alg;
    if (trick.header?.kid === 'other') set.kid = other.kid;
    if (set.jwk === 'foreign')
      set.jwk = (own.kty === 'EC' ? ec : rsa).publicKey.export({ format: 'jwk' });
    for (const name of trick.drop ?? []) delete set[name];
    const changed = trick.header || trick.drop ? b64(set) : first;
    const body = trick.claims ? b64({ ...parsed(second), ...trick.claims }) : second;
    text = `${changed}.${body}.${signatureOf(trick, `${changed}.${body}`, Buffer.from(third, 'base64url'), own, String(header.kid))}`;
  }
  if (trick.edit) {
    const { part, op, text: more } = trick.edit;
    if (part === 'whole') text = edited(text, op, more);
    else
      text = text
        .split('.')
        .map((one, at) =>
          at === ['header', 'claims', 'signature'].indexOf(part) ? edited(one, op, more) : one,
        )
        .join('.');
  }
  return text === jwt ? undefined : text;
}
