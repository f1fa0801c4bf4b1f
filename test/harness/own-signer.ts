import { createHmac } from 'node:crypto';
import type { CredentialPair as Key } from './signed.ts';

// OAuth 1 written down once more, by the standard alone and without a line of the program, so that
// a mistake there is not repeated here.

export type ParameterPair = readonly [name: string, value: string];

/** RFC 5849 §3.6. */
export const rfc5849Encode = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9\-._~]/.test(char)
        ? char
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

/** RFC 5849 §3.4.1.3.2. */
export const normalizedParameters = (pairs: readonly ParameterPair[]): string =>
  pairs
    .map(([name, value]) => [rfc5849Encode(name), rfc5849Encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map((pair) => pair.join('='))
    .join('&');

export const signatureBaseString = (
  method: string,
  uri: string,
  pairs: readonly ParameterPair[],
): string => [method, uri, normalizedParameters(pairs)].map(rfc5849Encode).join('&');

export const hmacSignature = (text: string, client: string, token: string, hash = 'sha1'): string =>
  createHmac(hash, `${rfc5849Encode(client)}&${rfc5849Encode(token)}`)
    .update(text)
    .digest('base64');

let count = 0;
export interface SigningRequest {
  readonly method: string;
  /** The base string URI. */
  readonly uri: string;
  /** What is signed beside the protocol parameters. */
  readonly signed?: readonly ParameterPair[];
  readonly client: Key;
  readonly token: Key | null;
  readonly now: number;
  /** Replaces protocol parameters, or (undefined) leaves them out. */
  readonly overrides?: Readonly<Record<string, string | undefined>>;
}

/** The protocol parameters of a signed request, the signature last. */
export function protocolParameters({
  method,
  uri,
  signed = [],
  client,
  token,
  now,
  overrides = {},
}: SigningRequest): readonly ParameterPair[] {
  const oauth = Object.entries({
    oauth_consumer_key: client.key,
    oauth_nonce: `own${count++}`,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(now),
    ...(token === null ? {} : { oauth_token: token.key }),
    oauth_version: '1.0',
    ...overrides,
  }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return [
    ...oauth,
    [
      'oauth_signature',
      hmacSignature(
        signatureBaseString(method, uri, [...oauth, ...signed]),
        client.secret,
        token?.secret ?? '',
      ),
    ],
  ];
}

export const toAuthorizationHeader = (pairs: readonly ParameterPair[]): string =>
  `OAuth ${pairs.map(([name, value]) => `${name}="${rfc5849Encode(value)}"`).join(', ')}`;
export const toFormBody = (pairs: readonly ParameterPair[]): string =>
  pairs.map(([name, value]) => `${rfc5849Encode(name)}=${rfc5849Encode(value)}`).join('&');
