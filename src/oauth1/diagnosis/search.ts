import { hash } from 'node:crypto';
import { percentEncode } from '#encoding/percent.ts';
import { hmac } from '#keys/hmac.ts';
import { normalizeParameters } from '../base-string.ts';
import type { SignedRequest } from '../parse.ts';
import type { AddressMistakes } from './addresses.ts';
import { type Finding, makeFinding } from './finding.ts';
import { correctKey, type KeyMistake, keyMistakes, type Spellings } from './keys.ts';
import { methodMistakes } from './methods.ts';
import type { ParameterMistake } from './parameters.ts';

/**
 * Most characters of base strings that are made and signed for one request. One thread serves
 * everybody: what is tried is bounded by the work it is, not by the number of tries.
 */
export const MAX_TRIED_CHARACTERS = 1_000_000;

/** A base string with no mistake, one, or two. */
interface Candidate {
  readonly found: readonly Finding[];
  readonly text: string;
}

/** What base strings are made of: each part right, and with its mistakes. */
export interface BaseStringParts {
  readonly method: string;
  readonly uri: string;
  readonly signed: SignedRequest;
  readonly addresses: AddressMistakes;
  parameters(): Iterable<ParameterMistake>;
}

const encode = percentEncode;
const composeBaseString = (method: string, uri: string, encodedParams: string) =>
  `${encode(method)}&${encode(uri)}&${encodedParams}`;

/** The right base string put together wrongly. */
function* wrongJoins(method: string, uri: string, params: string): Generator<Candidate> {
  const notEncoded = [makeFinding('pieces-not-encoded')];
  yield { found: notEncoded, text: `${method}&${uri}&${encode(params)}` };
  yield { found: notEncoded, text: `${method}&${encode(uri)}&${params}` };
  yield { found: notEncoded, text: `${method}&${uri}&${params}` };
  yield {
    found: notEncoded,
    text: `${method}&${encode(uri)}&${encode(params).replaceAll('%26', '&')}`,
  };
  const encodedTwice = [makeFinding('pieces-encoded-twice')];
  yield { found: encodedTwice, text: `${method}&${encode(encode(uri))}&${encode(params)}` };
  yield { found: encodedTwice, text: `${method}&${encode(uri)}&${encode(encode(params))}` };
  yield { found: encodedTwice, text: `${method}&${encode(encode(uri))}&${encode(encode(params))}` };
  yield { found: encodedTwice, text: encode(`${method}&${encode(uri)}&${encode(params)}`) };
}

/** Base strings with one mistake, the commonest first. */
function* singleMistakes({
  method,
  uri,
  signed,
  addresses,
  parameters,
}: BaseStringParts): Generator<Candidate> {
  const params = normalizeParameters(signed.params);
  const encoded = encode(params);
  for (const { found, text } of methodMistakes(method))
    yield { found: [found], text: composeBaseString(text, uri, encoded) };
  for (const { found, text } of addresses.likelyMistakes)
    yield { found: [found], text: composeBaseString(method, text, encoded) };
  for (const { found, text } of parameters())
    yield { found: [found], text: composeBaseString(method, uri, encode(text)) };
  yield* wrongJoins(method, uri, params);
  for (const { found, text } of addresses.guessedMistakes)
    yield { found: [found], text: composeBaseString(method, text, encoded) };
}

/**
 * Base strings with two mistakes: another host and another path, and what goes together with
 * another method or another host.
 */
function* doubleMistakes({
  method,
  signed,
  addresses,
  parameters,
}: BaseStringParts): Generator<Candidate> {
  const encoded = encode(normalizeParameters(signed.params));
  const likely = addresses.likelyMistakes.slice(0, 12);
  for (const { found, text } of addresses.pairs())
    yield { found, text: composeBaseString(method, text, encoded) };
  for (const one of methodMistakes(method))
    for (const two of likely)
      yield { found: [one.found, two.found], text: composeBaseString(one.text, two.text, encoded) };
  for (const two of parameters()) {
    const params = encode(two.text);
    for (const one of likely)
      yield { found: [one.found, two.found], text: composeBaseString(method, one.text, params) };
  }
}

/** What the search came to. */
export interface SearchResult {
  /** A text was found that the signature is made of. */
  readonly fits: boolean;
  /** The mistakes in it; none: it is the right one. */
  readonly causes: readonly Finding[];
  /** False: the bound was reached before everything was tried. */
  readonly isExhaustive: boolean;
}
const noMatch = (isExhaustive: boolean): SearchResult => ({
  fits: false,
  causes: [],
  isExhaustive,
});

/** What is left of the work that may be done for one request. */
interface WorkBudget {
  remaining: number;
}

/** Tries texts until one fits; undefined: none does. */
function findMatch(
  candidates: Iterable<Candidate>,
  fits: (text: string) => readonly Finding[] | undefined,
  budget: WorkBudget,
): SearchResult | undefined {
  for (const { found, text } of candidates) {
    budget.remaining -= text.length;
    if (budget.remaining < 0) return undefined;
    const spelt = fits(text);
    if (spelt !== undefined)
      return { fits: true, causes: [...found, ...spelt], isExhaustive: true };
  }
  return undefined;
}

export interface HmacSearch {
  readonly hash: 'sha1' | 'sha256';
  readonly correctTexts: readonly string[];
  readonly spellings: Spellings;
  readonly clients: readonly string[];
  readonly token: string;
  readonly consumerKey: string;
  readonly tokenName: string;
}

/**
 * Finds the mistakes that make an HMAC signature. What is compared belongs to the app whose
 * developer asks.
 */
export function searchHmac(search: HmacSearch, parts: BaseStringParts): SearchResult {
  const { hash: ours, correctTexts, spellings, clients, token } = search;
  const budget: WorkBudget = { remaining: MAX_TRIED_CHARACTERS };
  const keys = clients.map((client) => correctKey({ client, token }));
  const wrongKeys: readonly KeyMistake[] = clients.flatMap((client) =>
    keyMistakes({ ...search, client }),
  );
  const correctWith = (found: readonly Finding[]) => correctTexts.map((text) => ({ found, text }));
  const one = (key: string, candidates: Iterable<Candidate>, algorithm = ours) =>
    findMatch(candidates, (text) => spellings.get(hmac(algorithm, key, text)), budget);
  const theirs = ours === 'sha1' ? 'sha256' : 'sha1';
  const otherHash = makeFinding('other-hash', { ours: methodOf[ours], theirs: methodOf[theirs] });
  const searchSimple = function* (): Generator<SearchResult | undefined> {
    for (const key of keys) yield one(key, correctWith([]));
    for (const { found, key } of wrongKeys) yield one(key, correctWith([found]));
    for (const key of keys) yield one(key, correctWith([otherHash]), theirs);
    for (const key of keys) yield one(key, singleMistakes(parts));
  };
  const searchTwofold = function* (): Generator<SearchResult | undefined> {
    for (const { found, key } of wrongKeys.filter(({ found }) => commonKeyMistakes.has(found.kind)))
      yield one(key, withFinding(found, withOtherAddress(parts)));
    for (const key of keys) yield one(key, doubleMistakes(parts));
  };
  for (const answer of searchSimple()) if (answer !== undefined) return answer;
  const isExhaustive = budget.remaining >= 0;
  for (const answer of searchTwofold()) if (answer !== undefined) return answer;
  return noMatch(isExhaustive);
}

/** Mistakes of the key that are common enough to be looked for beside another. */
const commonKeyMistakes: ReadonlySet<string> = new Set([
  'token-secret-missing',
  'ampersand-missing',
]);
const methodOf = { sha1: 'HMAC-SHA1', sha256: 'HMAC-SHA256' } as const;

/** Base strings with another address. */
function* withOtherAddress({ method, signed, addresses }: BaseStringParts): Generator<Candidate> {
  const encoded = encode(normalizeParameters(signed.params));
  for (const { found, text } of addresses.likelyMistakes)
    yield { found: [found], text: composeBaseString(method, text, encoded) };
}

function* withFinding(found: Finding, candidates: Iterable<Candidate>): Generator<Candidate> {
  for (const candidate of candidates)
    yield { found: [found, ...candidate.found], text: candidate.text };
}

/** Whether this is the digest of the text. */
export const isDigestOf = (algorithm: 'sha1' | 'sha256', digest: string, text: string): boolean =>
  hash(algorithm, text, 'hex') === digest;

/** Finds the mistakes that make the digest in an RSA signature. */
export function searchRsa(
  algorithm: 'sha1' | 'sha256',
  digest: string,
  correctTexts: readonly string[],
  parts: BaseStringParts,
): SearchResult {
  const budget: WorkBudget = { remaining: MAX_TRIED_CHARACTERS };
  const one = (candidates: Iterable<Candidate>) =>
    findMatch(candidates, (text) => (isDigestOf(algorithm, digest, text) ? [] : undefined), budget);
  const simple =
    one(correctTexts.map((text) => ({ found: [], text }))) ?? one(singleMistakes(parts));
  if (simple !== undefined) return simple;
  const isExhaustive = budget.remaining >= 0;
  return one(doubleMistakes(parts)) ?? noMatch(isExhaustive);
}
