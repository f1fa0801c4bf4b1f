import { createHmac } from 'node:crypto';
import type { Pair as Key } from './signed.ts';

// OAuth 1 written down once more, by the standard alone and without a line of the program, so that
// a mistake there is not repeated here.

export type Pair = readonly [name: string, value: string];

/** RFC 5849 §3.6. */
export const enc = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9\-._~]/.test(char)
        ? char
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

/** RFC 5849 §3.4.1.3.2. */
export const normalized = (pairs: readonly Pair[]): string =>
  pairs
    .map(([name, value]) => [enc(name), enc(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map((pair) => pair.join('='))
    .join('&');

export const baseOf = (method: string, uri: string, pairs: readonly Pair[]): string =>
  [method, uri, normalized(pairs)].map(enc).join('&');

export const hmacOf = (text: string, client: string, token: string, hash = 'sha1'): string =>
  createHmac(hash, `${enc(client)}&${enc(token)}`)
    .update(text)
    .digest('base64');

let count = 0;
export interface Wanted {
  readonly method: string;
  /** The base string URI. */
  readonly uri: string;
  /** What is signed beside the protocol parameters. */
  readonly signed?: readonly Pair[];
  readonly client: Key;
  readonly token: Key | null;
  readonly now: number;
  /** Replaces protocol parameters, or (undefined) leaves them out. */
  readonly over?: Readonly<Record<string, string | undefined>>;
}

/** The protocol parameters of a signed request, the signature last. */
export function protocolPairs({
  method,
  uri,
  signed = [],
  client,
  token,
  now,
  over = {},
}: Wanted): readonly Pair[] {
  const oauth = Object.entries({
    oauth_consumer_key: client.key,
    oauth_nonce: `own${count++}`,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(now),
    ...(token === null ? {} : { oauth_token: token.key }),
    oauth_version: '1.0',
    ...over,
  }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return [
    ...oauth,
    [
      'oauth_signature',
      hmacOf(baseOf(method, uri, [...oauth, ...signed]), client.secret, token?.secret ?? ''),
    ],
  ];
}

export const inHeader = (pairs: readonly Pair[]): string =>
  `OAuth ${pairs.map(([name, value]) => `${name}="${enc(value)}"`).join(', ')}`;
export const inForm = (pairs: readonly Pair[]): string =>
  pairs.map(([name, value]) => `${enc(name)}=${enc(value)}`).join('&');
