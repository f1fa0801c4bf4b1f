import { hash } from 'node:crypto';
import { percentEncode } from '#encoding/percent.ts';
import { hmac } from '#keys/hmac.ts';
import { normalizeParams } from '../base-string.ts';
import type { SignedRequest } from '../parse.ts';
import { type AddressMistakes, methodMistakes } from './addresses.ts';
import { type Finding, finding } from './finding.ts';
import { type KeyMistake, keyMistakes, rightKey, type Spellings } from './keys.ts';
import type { ParameterMistake } from './parameters.ts';

/**
 * Most characters of base strings that are made and signed for one request. One thread serves
 * everybody: what is tried is bounded by the work it is, not by the number of tries.
 */
export const MOST_TRIED = 1_000_000;

/** A base string with no mistake, one, or two. */
interface Candidate {
  readonly found: readonly Finding[];
  readonly text: string;
}

/** What base strings are made of: each part right, and with its mistakes. */
export interface Parts {
  readonly method: string;
  readonly uri: string;
  readonly signed: SignedRequest;
  readonly addresses: AddressMistakes;
  parameters(): Iterable<ParameterMistake>;
}

const e = percentEncode;
const compose = (method: string, uri: string, encodedParams: string) =>
  `${e(method)}&${e(uri)}&${encodedParams}`;

/** The right base string put together wrongly. */
function* misjoined(method: string, uri: string, params: string): Generator<Candidate> {
  const not = [finding('pieces-not-encoded')];
  yield { found: not, text: `${method}&${uri}&${e(params)}` };
  yield { found: not, text: `${method}&${e(uri)}&${params}` };
  yield { found: not, text: `${method}&${uri}&${params}` };
  yield { found: not, text: `${method}&${e(uri)}&${e(params).replaceAll('%26', '&')}` };
  const again = [finding('pieces-encoded-twice')];
  yield { found: again, text: `${method}&${e(e(uri))}&${e(params)}` };
  yield { found: again, text: `${method}&${e(uri)}&${e(e(params))}` };
  yield { found: again, text: `${method}&${e(e(uri))}&${e(e(params))}` };
  yield { found: again, text: e(`${method}&${e(uri)}&${e(params)}`) };
}

/** Base strings with one mistake, the commonest first. */
function* single({ method, uri, signed, addresses, parameters }: Parts): Generator<Candidate> {
  const params = normalizeParams(signed.params);
  const encoded = e(params);
  for (const { found, text } of methodMistakes(method))
    yield { found: [found], text: compose(text, uri, encoded) };
  for (const { found, text } of addresses.near)
    yield { found: [found], text: compose(method, text, encoded) };
  for (const { found, text } of parameters())
    yield { found: [found], text: compose(method, uri, e(text)) };
  yield* misjoined(method, uri, params);
  for (const { found, text } of addresses.far)
    yield { found: [found], text: compose(method, text, encoded) };
}

/**
 * Base strings with two mistakes: another host and another path, and what goes together with
 * another method or another host.
 */
function* double({ method, signed, addresses, parameters }: Parts): Generator<Candidate> {
  const encoded = e(normalizeParams(signed.params));
  const likely = addresses.near.slice(0, 12);
  for (const { found, text } of addresses.pairs())
    yield { found, text: compose(method, text, encoded) };
  for (const one of methodMistakes(method))
    for (const two of likely)
      yield { found: [one.found, two.found], text: compose(one.text, two.text, encoded) };
  for (const two of parameters()) {
    const params = e(two.text);
    for (const one of likely)
      yield { found: [one.found, two.found], text: compose(method, one.text, params) };
  }
}

/** What the search came to. */
export interface Searched {
  /** A text was found that the signature is made of. */
  readonly fits: boolean;
  /** The mistakes in it; none: it is the right one. */
  readonly causes: readonly Finding[];
  /** False: the bound was reached before everything was tried. */
  readonly all: boolean;
}
const nothing = (all: boolean): Searched => ({ fits: false, causes: [], all });

/** What is left of the work that may be done for one request. */
interface Bound {
  left: number;
}

/** Tries texts until one fits; undefined: none does. */
function attempt(
  candidates: Iterable<Candidate>,
  fits: (text: string) => readonly Finding[] | undefined,
  bound: Bound,
): Searched | undefined {
  for (const { found, text } of candidates) {
    bound.left -= text.length;
    if (bound.left < 0) return undefined;
    const spelt = fits(text);
    if (spelt !== undefined) return { fits: true, causes: [...found, ...spelt], all: true };
  }
  return undefined;
}

export interface HmacSearch {
  readonly hash: 'sha1' | 'sha256';
  readonly rights: readonly string[];
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
export function searchHmac(asked: HmacSearch, parts: Parts): Searched {
  const { hash: ours, rights, spellings, clients, token } = asked;
  const bound: Bound = { left: MOST_TRIED };
  const keys = clients.map((client) => rightKey({ client, token }));
  const wrongKeys: readonly KeyMistake[] = clients.flatMap((client) =>
    keyMistakes({ ...asked, client }),
  );
  const right = (found: readonly Finding[]) => rights.map((text) => ({ found, text }));
  const one = (key: string, candidates: Iterable<Candidate>, algorithm = ours) =>
    attempt(candidates, (text) => spellings.get(hmac(algorithm, key, text)), bound);
  const theirs = ours === 'sha1' ? 'sha256' : 'sha1';
  const otherHash = finding('other-hash', { ours: methodOf[ours], theirs: methodOf[theirs] });
  const simple = function* (): Generator<Searched | undefined> {
    for (const key of keys) yield one(key, right([]));
    for (const { found, key } of wrongKeys) yield one(key, right([found]));
    for (const key of keys) yield one(key, right([otherHash]), theirs);
    for (const key of keys) yield one(key, single(parts));
  };
  const twofold = function* (): Generator<Searched | undefined> {
    for (const { found, key } of wrongKeys.filter(({ found }) => usualKeys.has(found.kind)))
      yield one(key, withFinding(found, addressed(parts)));
    for (const key of keys) yield one(key, double(parts));
  };
  for (const answer of simple()) if (answer !== undefined) return answer;
  const all = bound.left >= 0;
  for (const answer of twofold()) if (answer !== undefined) return answer;
  return nothing(all);
}

/** Mistakes of the key that are common enough to be looked for beside another. */
const usualKeys: ReadonlySet<string> = new Set(['token-secret-missing', 'ampersand-missing']);
const methodOf = { sha1: 'HMAC-SHA1', sha256: 'HMAC-SHA256' } as const;

/** Base strings with another address. */
function* addressed({ method, signed, addresses }: Parts): Generator<Candidate> {
  const encoded = e(normalizeParams(signed.params));
  for (const { found, text } of addresses.near)
    yield { found: [found], text: compose(method, text, encoded) };
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
  rights: readonly string[],
  parts: Parts,
): Searched {
  const bound: Bound = { left: MOST_TRIED };
  const one = (candidates: Iterable<Candidate>) =>
    attempt(candidates, (text) => (isDigestOf(algorithm, digest, text) ? [] : undefined), bound);
  const simple = one(rights.map((text) => ({ found: [], text }))) ?? one(single(parts));
  if (simple !== undefined) return simple;
  const all = bound.left >= 0;
  return one(double(parts)) ?? nothing(all);
}
