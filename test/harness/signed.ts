import { createHmac } from 'node:crypto';
import { percentEncode } from '#encoding/percent.ts';
import { explainDescribedRequest } from '#oauth1/explain.ts';
import { type OAuth1ProfileName, oauth1ProfileNamed } from './profiles.ts';
import type { TestServer } from './world.ts';

export interface CredentialPair {
  readonly key: string;
  readonly secret: string;
}

let counter = 0;

/**
 * Headers of a request signed with HMAC-SHA1; `over` replaces or (undefined) removes parameters
 * before signing, `signature` the result.
 */
export function signedHeader(
  world: TestServer,
  method: string,
  target: string,
  client: CredentialPair,
  token: CredentialPair | null,
  overrides: Readonly<Record<string, string | undefined>> = {},
  options: {
    readonly profile?: OAuth1ProfileName;
    readonly body?: string;
    readonly signature?: string;
  } = {},
): Record<string, string> {
  const parameters = Object.entries({
    oauth_consumer_key: client.key,
    oauth_nonce: `n${counter++}`,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(world.now),
    oauth_version: '1.0',
    ...(token ? { oauth_token: token.key } : {}),
    ...overrides,
  }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const header = () =>
    `OAuth ${parameters.map(([name, value]) => `${name}="${percentEncode(value)}"`).join(', ')}`;
  const explained = explainDescribedRequest({
    method,
    url: `https://gate.example${target}`,
    headers: {
      authorization: header(),
      ...(options.body === undefined
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body: options.body ?? null,
    clientSecret: client.secret,
    tokenSecret: token?.secret ?? '',
    signatureMethod: 'HMAC-SHA1',
    profile: oauth1ProfileNamed(options.profile ?? 'rfc5849'),
  });
  if (!explained.ok) throw new Error(JSON.stringify(explained.refusal));
  const key = `${percentEncode(client.secret)}&${percentEncode(token?.secret ?? '')}`;
  parameters.push([
    'oauth_signature',
    options.signature ??
      createHmac('sha1', key).update(explained.value.baseString).digest('base64'),
  ]);
  return {
    authorization: header(),
    ...(options.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
  };
}
