import { hash } from 'node:crypto';
import { groupByName, type NameValuePair, parseForm } from '#encoding/form.ts';
import { decodeUtf8, percentDecode, percentEncode } from '#encoding/percent.ts';
import { type RawRequest, singleHeader } from '#encoding/raw-request.ts';
import { normalizeParameters } from '../base-string.ts';
import { parseOAuthHeader } from '../header.ts';
import type { SignedRequest } from '../parse.ts';
import type { OAuth1Profile } from '../profile.ts';
import { bodyMistakes } from './bodies.ts';
import {
  encodedTwice,
  hasNonAscii,
  latin1,
  lowerCaseEscapes,
  nfcComposed,
  nfdDecomposed,
  normalizedWith,
  plusForSpace,
  strayAsLatin1,
  tildeEscaped,
  unencoded,
  uriComponent,
  utf8Twice,
  whatwgForm,
  wholeUri,
  wrongOrders,
} from './encoding.ts';
import { type Finding, type FindingKind, makeFinding } from './finding.ts';

/** Normalised parameters with one mistake. */
export interface ParameterMistake {
  readonly found: Finding;
  readonly text: string;
}

interface ParameterSources {
  readonly all: readonly NameValuePair[];
  readonly query: string;
  readonly form: string;
  readonly realm: readonly string[];
}

/** More parameters than these are left out one by one by nobody. */
const MAX_SINGLE = 200;

/** Most parameters of which two are left out. */
const MAX_PAIRED = 16;

const isOAuth = ([name]: NameValuePair) => name.startsWith('oauth_');
const parsePairs = (text: string): readonly NameValuePair[] => {
  const parsed = parseForm(text);
  return parsed.ok ? parsed.value : [];
};
const parameterNames = (text: string) => new Set(parsePairs(text).map(([name]) => name));

/** The realm of the header, as it stands there and decoded. */
function parseRealms(rawRequest: RawRequest, profile: OAuth1Profile): readonly string[] {
  const parsed = parseOAuthHeader(singleHeader(rawRequest, 'authorization') ?? '', profile);
  const raw = parsed?.ok ? parsed.value.realm : null;
  return raw === null ? [] : [...new Set([raw, percentDecode(raw) ?? raw])];
}

function parameterSources(
  rawRequest: RawRequest,
  signed: SignedRequest,
  profile: OAuth1Profile,
): ParameterSources {
  const question = rawRequest.target.indexOf('?');
  const form =
    /^[ \t]*application\/x-www-form-urlencoded/i.test(
      singleHeader(rawRequest, 'content-type') ?? '',
    ) && rawRequest.body !== undefined;
  return {
    all: signed.params,
    query: question < 0 ? '' : (rawRequest.target.slice(question + 1).split('#', 1)[0] ?? ''),
    form: form ? (decodeUtf8(rawRequest.body as Uint8Array) ?? '') : '',
    realm: parseRealms(rawRequest, profile),
  };
}

type MistakenPairs = readonly [Finding, readonly NameValuePair[]];

/** Some parameters left out. */
function* omittedParameters({ all, query, form }: ParameterSources): Generator<MistakenPairs> {
  const oauth = all.filter(isOAuth);
  const [inQuery, inForm] = [parameterNames(query), parameterNames(form)];
  const omit = (names: ReadonlySet<string>) =>
    all.filter((pair) => isOAuth(pair) || !names.has(pair[0]));
  if (inQuery.size > 0 && inForm.size > 0) {
    yield [makeFinding('query-not-signed'), omit(inQuery)];
    yield [makeFinding('form-not-signed'), omit(inForm)];
  }
  if (oauth.length < all.length) yield [makeFinding('only-oauth-parameters'), oauth];
  const empty = all.filter(([, value]) => value === '');
  if (empty.length > 0) {
    const names = empty.slice(0, 5).map(([name]) => name);
    yield [
      makeFinding('empty-not-signed', { name: names.join(', ') }),
      all.filter(([, value]) => value !== ''),
    ];
  }
  if (all.length > MAX_SINGLE) return;
  const groups = groupByName(all);
  for (const [index, [name, value]] of all.entries()) {
    const isRepeated = (groups.get(name)?.length ?? 0) > 1;
    const kind =
      value === ''
        ? 'empty-not-signed'
        : isRepeated
          ? 'repeated-name-signed-once'
          : 'parameter-not-signed';
    yield [makeFinding(kind, { name }), all.filter((_, place) => place !== index)];
  }
}

/** Two parameters left out, of a request that has few. */
function* omittedPairs({ all }: ParameterSources): Generator<MistakenPairs> {
  if (all.length > MAX_PAIRED) return;
  for (const [first, one] of all.entries())
    for (const [second, other] of all.entries())
      if (first < second)
        yield [
          makeFinding('two-not-signed', { name: `${one[0]}, ${other[0]}` }),
          all.filter((_, place) => place !== first && place !== second),
        ];
}

/** Names that came more than once, signed once. */
function* repeatedNamesOnce({ all }: ParameterSources): Generator<MistakenPairs> {
  const groups = groupByName(all);
  if (groups.size === all.length) return;
  const repeated = [...groups].filter(([, values]) => values.length > 1).slice(0, 5);
  const found = makeFinding('repeated-name-signed-once', {
    name: repeated.map(([name]) => name).join(', '),
  });
  for (const value of [
    (values: readonly string[]) => values.at(-1),
    (values: readonly string[]) => values[0],
    (values: readonly string[]) => values.join(','),
  ])
    yield [found, [...groups].map(([name, values]): NameValuePair => [name, value(values) ?? ''])];
}

/** What is often signed and not sent. */
function* addedParameters(
  { all, realm }: ParameterSources,
  rawRequest: RawRequest,
): Generator<MistakenPairs> {
  const names = new Set(all.map(([name]) => name));
  const body = rawRequest.body ?? new Uint8Array();
  const candidates: readonly (readonly [FindingKind, string, string])[] = [
    ['version-signed', 'oauth_version', '1.0'],
    ['version-signed', 'oauth_version', ''],
    ['empty-token-signed', 'oauth_token', ''],
    ...realm.map((value) => ['realm-signed', 'realm', value] as const),
    ['realm-signed', 'realm', ''],
    ['parameter-signed', 'oauth_callback', 'oob'],
    ['parameter-signed', 'oauth_callback', ''],
    ['parameter-signed', 'oauth_verifier', ''],
    ['parameter-signed', 'oauth_signature', ''],
    ['parameter-signed', 'oauth_token_secret', ''],
    ['parameter-signed', 'oauth_body_hash', hash('sha1', body, 'base64')],
    ['parameter-signed', 'oauth_body_hash', hash('sha256', body, 'base64')],
    ['parameter-signed', 'format', 'json'],
    ['parameter-signed', '', ''],
  ];
  for (const [kind, name, value] of candidates)
    if (!names.has(name))
      yield [
        makeFinding(kind, { name: name === '' ? '–' : name, value: value === '' ? '–' : value }),
        [...all, [name, value]],
      ];
}

/** `+` and `%2B` of query and form taken for each other. */
function* plusConfusions({ all, query, form }: ParameterSources): Generator<MistakenPairs> {
  const raw = [query, form].filter((text) => text !== '').join('&');
  const others = new Map<string, string>();
  const reread = (kind: FindingKind, change: (text: string) => string): MistakenPairs => {
    const [from, to] = [parsePairs(raw), parsePairs(change(raw))];
    others.clear();
    for (const [index, [name, value]] of from.entries())
      others.set(`${name}\0${value}`, JSON.stringify(to[index] ?? ['', '']));
    return [
      makeFinding(kind),
      all.map((pair) => {
        const found = isOAuth(pair) ? undefined : others.get(pair.join('\0'));
        return found === undefined ? pair : (JSON.parse(found) as NameValuePair);
      }),
    ];
  };
  if (raw.includes('+')) yield reread('plus-kept', (text) => text.replaceAll('+', '%2B'));
  if (/%2b/i.test(raw)) yield reread('plus-lost', (text) => text.replace(/%2b/gi, '%20'));
}

/** Everything encoded in another way. */
function* wrongEncodings({ all }: ParameterSources): Generator<readonly [FindingKind, string]> {
  yield ['encoded-twice', normalizedWith(all, encodedTwice)];
  yield ['encoded-twice', normalizedWith(all, encodedTwice, percentEncode)];
  yield ['encoded-twice', normalizedWith(all, percentEncode, encodedTwice)];
  yield ['encoded-in-part', normalizedWith(all, uriComponent)];
  yield ['encoded-in-part', normalizedWith(all, tildeEscaped)];
  yield ['encoded-once-less', normalizedWith(all, unencoded)];
  yield ['encoded-once-less', normalizedWith(all, unencoded, percentEncode)];
  yield ['encoded-once-less', normalizedWith(all, percentEncode, unencoded)];
  yield ['encoded-in-part', normalizedWith(all, wholeUri)];
  yield ['plus-for-space', normalizedWith(all, plusForSpace)];
  yield [
    all.some((pair) => pair.some((text) => text.includes(' ')))
      ? 'plus-for-space'
      : 'encoded-in-part',
    normalizedWith(all, whatwgForm),
  ];
  yield ['lower-case-escapes', normalizedWith(all, lowerCaseEscapes)];
  if (hasNonAscii(all)) {
    yield ['latin-1', normalizedWith(all, latin1)];
    yield ['sent-as-latin-1', normalizedWith(all, strayAsLatin1)];
    yield ['utf8-twice', normalizedWith(all, utf8Twice)];
    yield ['unicode-form', normalizedWith(all, nfcComposed)];
    yield ['unicode-form', normalizedWith(all, nfdDecomposed)];
  }
  const oauth = (encode: typeof encodedTwice, rest: typeof encodedTwice) =>
    [...all]
      .map((pair) => pair.map(isOAuth(pair) ? encode : rest) as unknown as NameValuePair)
      .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
      .map((pair) => pair.join('='))
      .join('&');
  yield ['encoded-twice', oauth(encodedTwice, percentEncode)];
  yield ['encoded-twice', oauth(percentEncode, encodedTwice)];
  yield ['encoded-once-less', oauth(unencoded, percentEncode)];
  yield ['encoded-once-less', oauth(percentEncode, unencoded)];
  yield ['lower-case-escapes', oauth(percentEncode, lowerCaseEscapes)];
}

/** Normalised parameters with one mistake each (RFC 5849 §3.4.1.3); none that is the right text. */
export function* parameterMistakes(
  rawRequest: RawRequest,
  signed: SignedRequest,
  profile: OAuth1Profile,
): Generator<ParameterMistake> {
  const sources = parameterSources(rawRequest, signed, profile);
  const correct = normalizeParameters(signed.params);
  function* allMistakes(): Generator<readonly [Finding, string]> {
    for (const [found, pairs] of addedParameters(sources, rawRequest))
      yield [found, normalizeParameters(pairs)];
    for (const [found, pairs] of repeatedNamesOnce(sources))
      yield [found, normalizeParameters(pairs)];
    for (const [found, pairs] of plusConfusions(sources)) yield [found, normalizeParameters(pairs)];
    for (const [kind, text] of wrongEncodings(sources)) yield [makeFinding(kind), text];
    for (const [kind, text] of wrongOrders(sources.all))
      yield [makeFinding(kind as FindingKind), text];
    // A form that is signed as it should be is no mistake.
    const isCounted = parsePairs(sources.form)
      .slice(0, 1)
      .some(([name, value]) => signed.params.some((pair) => pair[0] === name && pair[1] === value));
    for (const { found, pairs } of isCounted ? [] : bodyMistakes(rawRequest))
      yield [found, normalizeParameters([...sources.all, ...pairs])];
    for (const [found, pairs] of omittedParameters(sources))
      yield [found, normalizeParameters(pairs)];
    for (const [found, pairs] of omittedPairs(sources)) yield [found, normalizeParameters(pairs)];
  }
  for (const [found, text] of allMistakes()) if (text !== correct) yield { found, text };
}
