import { equalSecrets } from '#keys/digest.ts';
import { hmac } from '#keys/hmac.ts';
import type { Pair } from '#wire/form.ts';
import { percentEncode } from '#wire/percent.ts';
import { baseString, baseStringUri, normalizeParams } from './base-string.ts';
import type { SignedRequest } from './parse.ts';
import { type SignatureMethod, signatureHolds } from './signature.ts';

/** The usual mistakes of signing libraries. Each is found by making it: the signature that comes out is the one that was sent. */
export const causes = [
  'token-secret-missing',
  'ampersand-missing',
  'secrets-swapped',
  'secrets-not-encoded',
  'other-scheme',
  'with-port',
  'with-query-in-uri',
  'trailing-slash',
  'only-oauth-parameters',
  'without-query',
  'not-sorted',
  'encoded-once-less',
  'encoded-twice',
  'plus-for-space',
  'lower-case-method',
  'other-method',
  'other-hash',
  'hexadecimal',
] as const;
export type Cause = (typeof causes)[number];

/** What the server signs over, and what is known of the signature that came. Never a secret. */
export interface Diagnosis {
  readonly method: string;
  readonly baseStringUri: string;
  readonly normalizedParams: string;
  readonly baseString: string;
  /** 'no-signature': none came. 'not-checked': RSA and PLAINTEXT have no base string to go wrong, or the token is not known. */
  readonly verdict: 'right' | 'wrong' | 'no-signature' | 'not-checked';
  /** What was done wrong, when making that mistake gives the very signature that came; null: nothing that is known. */
  readonly cause: Cause | null;
}

export interface DiagnosisSecrets {
  readonly clientSecrets: readonly string[];
  readonly tokenSecret: string;
}

const join = (method: string, uri: string, params: string) => `${percentEncode(method)}&${percentEncode(uri)}&${percentEncode(params)}`;
const encoded = (params: readonly Pair[], encode: (text: string) => string) =>
  params
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort((one, other) => (one < other ? -1 : 1))
    .join('&');

/** Base strings and keys with one mistake each. */
function* mistaken(signed: SignedRequest, origin: string, client: string, token: string): Generator<readonly [Cause, string, string]> {
  const method = signed.method.toUpperCase();
  const uri = baseStringUri(origin, signed.path);
  const params = normalizeParams(signed.params);
  const right = join(method, uri, params);
  const key = `${percentEncode(client)}&${percentEncode(token)}`;
  if (token !== '') {
    yield ['token-secret-missing', right, `${percentEncode(client)}&`];
    yield ['secrets-swapped', right, `${percentEncode(token)}&${percentEncode(client)}`];
  }
  yield ['ampersand-missing', right, percentEncode(client) + percentEncode(token)];
  yield ['secrets-not-encoded', right, `${client}&${token}`];
  yield ['other-scheme', join(method, uri.startsWith('https:') ? `http${uri.slice(5)}` : `https${uri.slice(4)}`, params), key];
  const { protocol, hostname, port } = new URL(origin);
  const rest = uri.slice(origin.length);
  const ported = port === '' ? `${protocol}//${hostname}:${protocol === 'https:' ? 443 : 80}` : `${protocol}//${hostname}`;
  yield ['with-port', join(method, ported + rest, params), key];
  const query = signed.params.filter(([name]) => !name.startsWith('oauth_'));
  const oauth = signed.params.filter(([name]) => name.startsWith('oauth_'));
  if (query.length > 0) {
    yield ['with-query-in-uri', join(method, `${uri}?${encoded(query, percentEncode)}`, params), key];
    yield ['only-oauth-parameters', join(method, uri, normalizeParams(oauth)), key];
    yield ['without-query', join(method, uri, normalizeParams([...oauth, ...query.slice(1)])), key];
  }
  yield ['trailing-slash', join(method, uri.endsWith('/') ? uri.slice(0, -1) : `${uri}/`, params), key];
  yield [
    'not-sorted',
    join(method, uri, signed.params.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join('&')),
    key,
  ];
  yield [
    'encoded-once-less',
    join(
      method,
      uri,
      encoded(signed.params, (text) => text),
    ),
    key,
  ];
  yield [
    'encoded-twice',
    join(
      method,
      uri,
      encoded(signed.params, (text) => percentEncode(percentEncode(text))),
    ),
    key,
  ];
  yield [
    'plus-for-space',
    join(
      method,
      uri,
      encoded(signed.params, (text) => percentEncode(text).replaceAll('%20', '+')),
    ),
    key,
  ];
  yield ['lower-case-method', join(method.toLowerCase(), uri, params), key];
  yield ['other-method', join(method === 'GET' ? 'POST' : 'GET', uri, params), key];
}

const hashes = { 'HMAC-SHA1': 'sha1', 'HMAC-SHA256': 'sha256' } as const;

function causeOf(signed: SignedRequest, origin: string, given: string, hash: 'sha1' | 'sha256', secrets: DiagnosisSecrets): Cause | null {
  for (const client of secrets.clientSecrets) {
    const key = `${percentEncode(client)}&${percentEncode(secrets.tokenSecret)}`;
    const right = baseString(signed, origin);
    for (const [cause, text, wrongKey] of mistaken(signed, origin, client, secrets.tokenSecret))
      if (equalSecrets(hmac(hash, wrongKey, text), given)) return cause;
    if (equalSecrets(hmac(hash === 'sha1' ? 'sha256' : 'sha1', key, right), given)) return 'other-hash';
    if (equalSecrets(Buffer.from(hmac(hash, key, right), 'base64').toString('hex'), given.toLowerCase())) return 'hexadecimal';
  }
  return null;
}

/**
 * Explains a request to its own developer: the base string as the server builds it (RFC 5849 §3.4.1), and which mistake makes the signature
 * that came. `secrets` null: the token is not known, so nothing can be checked.
 */
export function diagnose(signed: SignedRequest, origin: string, secrets: DiagnosisSecrets | null): Diagnosis {
  const shown = {
    method: signed.method.toUpperCase(),
    baseStringUri: baseStringUri(origin, signed.path),
    normalizedParams: normalizeParams(signed.params),
    baseString: baseString(signed, origin),
  };
  const given = signed.oauth.get('oauth_signature') ?? '';
  const method = signed.oauth.get('oauth_signature_method') ?? '';
  if (given === '') return { ...shown, verdict: 'no-signature', cause: null };
  if (secrets === null || !Object.hasOwn(hashes, method)) return { ...shown, verdict: 'not-checked', cause: null };
  const { tokenSecret } = secrets;
  const right = secrets.clientSecrets.some((clientSecret) =>
    signatureHolds(method as SignatureMethod, shown.baseString, { clientSecret, tokenSecret, publicKeyPem: null }, given),
  );
  if (right) return { ...shown, verdict: 'right', cause: null };
  return { ...shown, verdict: 'wrong', cause: causeOf(signed, origin, given, hashes[method as keyof typeof hashes], secrets) };
}

/** Where a base string of a developer's library leaves the server's. */
export interface Difference {
  readonly part: 'method' | 'uri' | 'parameters';
  readonly ours: string;
  readonly theirs: string;
}

const decode = (text: string) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** As many differences as help anybody. */
const MOST_DIFFERENCES = 50;

/** Method, address and parameters of a base string, each decoded once. */
function partsOf(text: string): { readonly method: string; readonly uri: string; readonly parameters: readonly string[] } {
  const first = text.indexOf('&');
  const second = first < 0 ? -1 : text.indexOf('&', first + 1);
  const end = (at: number) => (at < 0 ? text.length : at);
  return {
    method: decode(text.slice(0, end(first))),
    uri: first < 0 ? '' : decode(text.slice(first + 1, end(second))),
    parameters: (second < 0 ? '' : decode(text.slice(second + 1))).split('&'),
  };
}

const nameOf = (parameter: string) => {
  const equals = parameter.indexOf('=');
  return equals < 0 ? parameter : parameter.slice(0, equals);
};

/** The first parameter of each name. */
function firstByName(parameters: readonly string[]): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  for (const parameter of parameters) {
    const name = nameOf(parameter);
    if (!first.has(name)) first.set(name, parameter);
  }
  return first;
}

/** Parameters of ours that are not in theirs, beside theirs of that name; then theirs with a name that ours lack. */
function* parameterDifferences(ours: readonly string[], theirs: readonly string[]): Generator<Difference> {
  const [ourTexts, theirTexts] = [new Set(ours), new Set(theirs)];
  const [ourNames, theirNames] = [firstByName(ours), firstByName(theirs)];
  for (const parameter of ours)
    if (!theirTexts.has(parameter)) yield { part: 'parameters', ours: parameter, theirs: theirNames.get(nameOf(parameter)) ?? '' };
  for (const parameter of theirs)
    if (!ourTexts.has(parameter) && !ourNames.has(nameOf(parameter))) yield { part: 'parameters', ours: '', theirs: parameter };
}

/**
 * Compares two base strings part by part, and the parameters one by one, in time that grows as the texts do; at most 50 differences. Empty:
 * they are the same.
 */
export function differences(ours: string, theirs: string): readonly Difference[] {
  const [left, right] = [partsOf(ours), partsOf(theirs.trim())];
  const found: Difference[] = [];
  for (const part of ['method', 'uri'] as const)
    if (left[part] !== right[part]) found.push({ part, ours: left[part], theirs: right[part] });
  for (const difference of parameterDifferences(left.parameters, right.parameters)) {
    if (found.length === MOST_DIFFERENCES) return found;
    found.push(difference);
  }
  if (found.length === 0 && ours !== theirs.trim())
    found.push({ part: 'parameters', ours: left.parameters.join('&'), theirs: right.parameters.join('&') });
  return found;
}
