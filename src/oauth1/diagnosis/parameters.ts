import { hash } from 'node:crypto';
import { groupByName, type Pair, parseForm } from '#encoding/form.ts';
import { percentDecode, percentEncode, utf8 } from '#encoding/percent.ts';
import { header, type SentRequest } from '#encoding/raw-request.ts';
import { normalizeParams } from '../base-string.ts';
import { parseOAuthHeader } from '../header.ts';
import type { Reading, SignedRequest } from '../parse.ts';
import { bodyMistakes } from './bodies.ts';
import {
  asItIs,
  beyondAscii,
  composed,
  decomposed,
  disorders,
  latin1,
  lowerCaseEscapes,
  normalizedWith,
  plusForSpace,
  strayAsLatin1,
  tildeEscaped,
  twice,
  uriComponent,
  utf8Twice,
  whatwgForm,
  wholeUri,
} from './encoding.ts';
import { type Finding, type FindingKind, finding } from './finding.ts';

/** Normalised parameters with one mistake. */
export interface ParameterMistake {
  readonly found: Finding;
  readonly text: string;
}

interface Sources {
  readonly all: readonly Pair[];
  readonly query: string;
  readonly form: string;
  readonly realm: readonly string[];
}

/** More parameters than these are left out one by one by nobody. */
const MOST_SINGLE = 200;

/** Most parameters of which two are left out. */
const MOST_PAIRED = 16;

const isOAuth = ([name]: Pair) => name.startsWith('oauth_');
const pairsOf = (text: string): readonly Pair[] => {
  const read = parseForm(text);
  return read.ok ? read.value : [];
};
const namesOf = (text: string) => new Set(pairsOf(text).map(([name]) => name));

/** The realm of the header, as it stands there and decoded. */
function realmsOf(sent: SentRequest, reading: Reading): readonly string[] {
  const read = parseOAuthHeader(header(sent, 'authorization') ?? '', reading);
  const raw = read?.ok ? read.value.realm : null;
  return raw === null ? [] : [...new Set([raw, percentDecode(raw) ?? raw])];
}

function sourcesOf(sent: SentRequest, signed: SignedRequest, reading: Reading): Sources {
  const question = sent.target.indexOf('?');
  const form =
    /^[ \t]*application\/x-www-form-urlencoded/i.test(header(sent, 'content-type') ?? '') &&
    sent.body !== undefined;
  return {
    all: signed.params,
    query: question < 0 ? '' : (sent.target.slice(question + 1).split('#', 1)[0] ?? ''),
    form: form ? (utf8(sent.body as Uint8Array) ?? '') : '',
    realm: realmsOf(sent, reading),
  };
}

type Made = readonly [Finding, readonly Pair[]];

/** Some parameters left out. */
function* leftOut({ all, query, form }: Sources): Generator<Made> {
  const oauth = all.filter(isOAuth);
  const [inQuery, inForm] = [namesOf(query), namesOf(form)];
  const without = (names: ReadonlySet<string>) =>
    all.filter((pair) => isOAuth(pair) || !names.has(pair[0]));
  if (inQuery.size > 0 && inForm.size > 0) {
    yield [finding('query-not-signed'), without(inQuery)];
    yield [finding('form-not-signed'), without(inForm)];
  }
  if (oauth.length < all.length) yield [finding('only-oauth-parameters'), oauth];
  const empty = all.filter(([, value]) => value === '');
  if (empty.length > 0) {
    const names = empty.slice(0, 5).map(([name]) => name);
    yield [
      finding('empty-not-signed', { name: names.join(', ') }),
      all.filter(([, value]) => value !== ''),
    ];
  }
  if (all.length > MOST_SINGLE) return;
  const groups = groupByName(all);
  for (const [index, [name, value]] of all.entries()) {
    const isRepeated = (groups.get(name)?.length ?? 0) > 1;
    const kind =
      value === ''
        ? 'empty-not-signed'
        : isRepeated
          ? 'repeated-name-signed-once'
          : 'parameter-not-signed';
    yield [finding(kind, { name }), all.filter((_, place) => place !== index)];
  }
}

/** Two parameters left out, of a request that has few. */
function* twoLeftOut({ all }: Sources): Generator<Made> {
  if (all.length > MOST_PAIRED) return;
  for (const [first, one] of all.entries())
    for (const [second, other] of all.entries())
      if (first < second)
        yield [
          finding('two-not-signed', { name: `${one[0]}, ${other[0]}` }),
          all.filter((_, place) => place !== first && place !== second),
        ];
}

/** Names that came more than once, signed once. */
function* once({ all }: Sources): Generator<Made> {
  const groups = groupByName(all);
  if (groups.size === all.length) return;
  const repeated = [...groups].filter(([, values]) => values.length > 1).slice(0, 5);
  const found = finding('repeated-name-signed-once', {
    name: repeated.map(([name]) => name).join(', '),
  });
  for (const value of [
    (values: readonly string[]) => values.at(-1),
    (values: readonly string[]) => values[0],
    (values: readonly string[]) => values.join(','),
  ])
    yield [found, [...groups].map(([name, values]): Pair => [name, value(values) ?? ''])];
}

/** What is often signed and not sent. */
function* added({ all, realm }: Sources, sent: SentRequest): Generator<Made> {
  const names = new Set(all.map(([name]) => name));
  const body = sent.body ?? new Uint8Array();
  const more: readonly (readonly [FindingKind, string, string])[] = [
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
  for (const [kind, name, value] of more)
    if (!names.has(name))
      yield [
        finding(kind, { name: name === '' ? '–' : name, value: value === '' ? '–' : value }),
        [...all, [name, value]],
      ];
}

/** `+` and `%2B` of query and form taken for each other. */
function* plus({ all, query, form }: Sources): Generator<Made> {
  const raw = [query, form].filter((text) => text !== '').join('&');
  const others = new Map<string, string>();
  const reread = (kind: FindingKind, change: (text: string) => string): Made => {
    const [from, to] = [pairsOf(raw), pairsOf(change(raw))];
    others.clear();
    for (const [index, [name, value]] of from.entries())
      others.set(`${name}\0${value}`, JSON.stringify(to[index] ?? ['', '']));
    return [
      finding(kind),
      all.map((pair) => {
        const found = isOAuth(pair) ? undefined : others.get(pair.join('\0'));
        return found === undefined ? pair : (JSON.parse(found) as Pair);
      }),
    ];
  };
  if (raw.includes('+')) yield reread('plus-kept', (text) => text.replaceAll('+', '%2B'));
  if (/%2b/i.test(raw)) yield reread('plus-lost', (text) => text.replace(/%2b/gi, '%20'));
}

/** Everything encoded in another way. */
function* encodedOtherwise({ all }: Sources): Generator<readonly [FindingKind, string]> {
  yield ['encoded-twice', normalizedWith(all, twice)];
  yield ['encoded-twice', normalizedWith(all, twice, percentEncode)];
  yield ['encoded-twice', normalizedWith(all, percentEncode, twice)];
  yield ['encoded-in-part', normalizedWith(all, uriComponent)];
  yield ['encoded-in-part', normalizedWith(all, tildeEscaped)];
  yield ['encoded-once-less', normalizedWith(all, asItIs)];
  yield ['encoded-once-less', normalizedWith(all, asItIs, percentEncode)];
  yield ['encoded-once-less', normalizedWith(all, percentEncode, asItIs)];
  yield ['encoded-in-part', normalizedWith(all, wholeUri)];
  yield ['plus-for-space', normalizedWith(all, plusForSpace)];
  yield [
    all.some((pair) => pair.some((text) => text.includes(' ')))
      ? 'plus-for-space'
      : 'encoded-in-part',
    normalizedWith(all, whatwgForm),
  ];
  yield ['lower-case-escapes', normalizedWith(all, lowerCaseEscapes)];
  if (beyondAscii(all)) {
    yield ['latin-1', normalizedWith(all, latin1)];
    yield ['sent-as-latin-1', normalizedWith(all, strayAsLatin1)];
    yield ['utf8-twice', normalizedWith(all, utf8Twice)];
    yield ['unicode-form', normalizedWith(all, composed)];
    yield ['unicode-form', normalizedWith(all, decomposed)];
  }
  const oauth = (encode: typeof twice, rest: typeof twice) =>
    [...all]
      .map((pair) => pair.map(isOAuth(pair) ? encode : rest) as unknown as Pair)
      .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
      .map((pair) => pair.join('='))
      .join('&');
  yield ['encoded-twice', oauth(twice, percentEncode)];
  yield ['encoded-twice', oauth(percentEncode, twice)];
  yield ['encoded-once-less', oauth(asItIs, percentEncode)];
  yield ['encoded-once-less', oauth(percentEncode, asItIs)];
  yield ['lower-case-escapes', oauth(percentEncode, lowerCaseEscapes)];
}

/** Normalised parameters with one mistake each (RFC 5849 §3.4.1.3); none that is the right text. */
export function* parameterMistakes(
  sent: SentRequest,
  signed: SignedRequest,
  reading: Reading,
): Generator<ParameterMistake> {
  const sources = sourcesOf(sent, signed, reading);
  const right = normalizeParams(signed.params);
  function* every(): Generator<readonly [Finding, string]> {
    for (const [found, pairs] of added(sources, sent)) yield [found, normalizeParams(pairs)];
    for (const [found, pairs] of once(sources)) yield [found, normalizeParams(pairs)];
    for (const [found, pairs] of plus(sources)) yield [found, normalizeParams(pairs)];
    for (const [kind, text] of encodedOtherwise(sources)) yield [finding(kind), text];
    for (const [kind, text] of disorders(sources.all)) yield [finding(kind as FindingKind), text];
    // A form that is signed as it should be is no mistake.
    const isCounted = pairsOf(sources.form)
      .slice(0, 1)
      .some(([name, value]) => signed.params.some((pair) => pair[0] === name && pair[1] === value));
    for (const { found, pairs } of isCounted ? [] : bodyMistakes(sent))
      yield [found, normalizeParams([...sources.all, ...pairs])];
    for (const [found, pairs] of leftOut(sources)) yield [found, normalizeParams(pairs)];
    for (const [found, pairs] of twoLeftOut(sources)) yield [found, normalizeParams(pairs)];
  }
  for (const [found, text] of every()) if (text !== right) yield { found, text };
}
