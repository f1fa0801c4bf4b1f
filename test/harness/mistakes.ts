import { createHmac } from 'node:crypto';
import {
  normalizedParameters,
  type ParameterPair,
  rfc5849Encode,
  signatureBaseString,
  toAuthorizationHeader,
} from './own-signer.ts';

// Requests signed with one mistake each, as libraries and people make them, by the standard alone
// and without a line of the program.

export interface SignerCredentials {
  readonly origin: string;
  readonly client: { readonly key: string; readonly secret: string };
  readonly token: { readonly key: string; readonly secret: string };
  readonly now: number;
}

/**
 * What is sent, and what is done wrongly on the way to the signature; what is left out is right.
 */
export interface FaultyRequest {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Pairs of query and form as they are signed; left out: as the standard reads them. */
  readonly parametersRead?: readonly ParameterPair[];
  /** Protocol parameters replaced, or (undefined) left out. */
  readonly overrides?: Readonly<Record<string, string | undefined>>;
  readonly realm?: string;
  /** The method, the address, the pairs and the parameters that are signed. */
  readonly signMethod?: string;
  readonly uri?: string | ((right: string) => string);
  readonly pairs?: (right: readonly ParameterPair[]) => readonly ParameterPair[];
  readonly params?: (right: readonly ParameterPair[]) => string;
  readonly base?: (method: string, uri: string, params: string) => string;
  readonly key?: (client: string, token: string) => string;
  readonly hash?: string;
  /** Instead of HMAC. */
  readonly sign?: (base: string) => string;
  /** The signature as it is written, before the header escapes it. */
  readonly encodeSignature?: (signature: string) => string;
  /** Another nonce is taken until the signature is like this. */
  readonly retryUntil?: RegExp;
  /** The header, written otherwise. */
  readonly header?: (pairs: readonly ParameterPair[]) => string;
}

let count = 0;
const formPairs = (text: string): readonly ParameterPair[] =>
  [...new URLSearchParams(text)].map(([name, value]) => [name, value] as const);
const isForm = ({ headers = {} }: FaultyRequest) =>
  headers['Content-Type']?.startsWith('application/x-www-form-urlencoded') === true;

/** The request as it is sent, and the base string that was signed. */
export function signWithMistake(
  recipe: FaultyRequest,
  signer: SignerCredentials,
): { readonly text: string; readonly base: string; readonly authorization: string } {
  const { method = 'GET', target = '/api/v1/me?b%20b=x%20y&a=1', headers = {}, body = '' } = recipe;
  const [path = '', query = ''] = target.split(/\?(.*)/s);
  const oauth = Object.entries({
    oauth_consumer_key: signer.client.key,
    oauth_nonce: `n${count++}`,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(signer.now),
    oauth_token: signer.token.key,
    ...recipe.overrides,
  }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const read = recipe.parametersRead ?? [
    ...formPairs(query),
    ...(isForm(recipe) ? formPairs(body) : []),
  ];
  const all: readonly ParameterPair[] = [...read, ...oauth];
  const pairs = recipe.pairs?.(all) ?? all;
  const right = signer.origin + path;
  const uri = typeof recipe.uri === 'function' ? recipe.uri(right) : (recipe.uri ?? right);
  const params = recipe.params?.(pairs) ?? normalizedParameters(pairs);
  const join = recipe.base ?? ((one, two, three) => [one, two, three].map(rfc5849Encode).join('&'));
  const base = join(recipe.signMethod ?? method, uri, params);
  const token = oauth.some(([name, value]) => name === 'oauth_token' && value !== '')
    ? signer.token.secret
    : '';
  const key = (recipe.key ?? ((one, two) => `${rfc5849Encode(one)}&${rfc5849Encode(two)}`))(
    signer.client.secret,
    token,
  );
  const signature =
    recipe.sign?.(base) ??
    createHmac(recipe.hash ?? 'sha1', key)
      .update(base)
      .digest('base64');
  if (recipe.retryUntil !== undefined && !recipe.retryUntil.test(signature))
    return signWithMistake(recipe, signer);
  const sent: readonly ParameterPair[] = [
    ...oauth,
    ['oauth_signature', (recipe.encodeSignature ?? ((text) => text))(signature)],
  ];
  const written = (recipe.header ?? toAuthorizationHeader)(sent);
  const authorization =
    recipe.realm === undefined
      ? written
      : written.replace('OAuth ', `OAuth realm="${recipe.realm}", `);
  const fields = Object.entries({
    Host: new URL(signer.origin).host,
    ...headers,
    Authorization: authorization,
  });
  const text = `${method} ${target} HTTP/1.1\n${fields.map(([name, value]) => `${name}: ${value}`).join('\n')}\n\n${body}`;
  return { text, base, authorization };
}

export { normalizedParameters, type ParameterPair, rfc5849Encode, signatureBaseString };
