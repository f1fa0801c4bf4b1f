import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Pair, parseForm } from '#wire/form.ts';
import { percentDecode } from '#wire/percent.ts';
import { announcesBody, header, type SentRequest } from '#wire/sent-request.ts';
import type { OAuth1Refusal } from './refusals.ts';

/** How a request is read: as RFC 5849 says, or as the MediaWiki dialect's clients expect. */
export const readings = ['rfc5849', 'mediawiki'] as const;
export type Reading = (typeof readings)[number];

/** A request with its OAuth parameters found. */
export interface SignedRequest {
  readonly method: string;
  /** Raw path of the target. */
  readonly path: string;
  /** Everything that is signed: all parameters but `realm` and `oauth_signature`. */
  readonly params: readonly Pair[];
  /**
   * The dialect, for a query that repeats a name: what was signed if every value was, as RFC 5849 wants; `params` has the last ones, as PHP
   * reads them. Either is accepted there, and a handler reads the last value, which is signed in both.
   */
  readonly everyValue?: readonly Pair[];
  /** The `oauth_` parameters by name. */
  readonly oauth: ReadonlyMap<string, string>;
  readonly secure: boolean;
  /** The bytes that came, for `oauth_body_hash`; absent: not at hand. */
  readonly body?: Uint8Array;
}

export interface HeaderParameters {
  readonly realm: string | null;
  readonly params: readonly Pair[];
}

type HeaderRefusal = { readonly kind: 'malformed' | 'duplicate-parameter' | 'bad-percent-encoding' };

const strictPart = /[\s,]*([^=,"\s]+)=(?:"([^"]*)"|([^",\s]*))[ \t]*(?:,|$)/y;
const laxPart = /[\s,]*([^=,"\s]+)=(?:"([^"]*)"[^,"]*|([^",]*))(?:,|$)/y;
const formDecode = (text: string) => percentDecode(text.replaceAll('+', ' '));

/**
 * Reads `Authorization: OAuth …` (RFC 5849 §3.5.1). Undefined for another scheme. The dialect's reading keeps only `oauth_` names, takes a
 * `+` for a space, and lets the last of two win; both read whole name="value" parts, so that no value can pass for another parameter.
 */
export function parseOAuthHeader(value: string, reading: Reading): Result<HeaderParameters, HeaderRefusal> | undefined {
  if (!(reading === 'mediawiki' ? /^OAuth[ \t]/ : /^oauth(?:[ \t]|$)/i).test(value)) return undefined;
  const text = value.slice(5).trimEnd();
  const lax = reading === 'mediawiki';
  const pattern = lax ? laxPart : strictPart;
  const found = new Map<string, string>();
  let realm: string | null = null;
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const part = pattern.exec(text);
    if (part === null || pattern.lastIndex === at) {
      if (lax) break;
      return refuse({ kind: 'malformed' });
    }
    at = pattern.lastIndex;
    const [, rawName = '', inQuotes, bare = ''] = part;
    const raw = inquotesOr(inQuotes, bare);
    if (rawName.toLowerCase() === 'realm') {
      realm = raw;
      continue;
    }
    const [name, decoded] = lax ? [rawName, formDecode(raw)] : [percentDecode(rawName), percentDecode(raw)];
    if (name === undefined || decoded === undefined) return refuse({ kind: 'bad-percent-encoding' });
    if (lax && !/^oauth_[a-z_-]*$/.test(name)) continue;
    if (!lax && found.has(name)) return refuse({ kind: 'duplicate-parameter' });
    found.set(name, decoded);
  }
  if (found.size === 0 && !lax) return refuse({ kind: 'malformed' });
  return accept({ realm, params: [...found] });
}

const inquotesOr = (quoted: string | undefined, bare: string) => quoted ?? bare.trim();

/** Whether the body is a form that is signed; the dialect counts one only with POST (protocols 1.6). */
const isForm = (sent: Pick<SentRequest, 'method' | 'headers'>, reading: Reading): boolean => {
  const type = header(sent, 'content-type') ?? '';
  return reading === 'mediawiki'
    ? sent.method.toUpperCase() === 'POST' && /^application\/x-www-form-urlencoded/i.test(type)
    : /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i.test(type.trim());
};

/** The bytes that came; undefined when there should be some and they are not at hand, such as those that a parser has taken already. */
function bytesOf(sent: SentRequest): Uint8Array | undefined {
  const bodiless = ['GET', 'HEAD'].includes(sent.method.toUpperCase());
  const length = header(sent, 'content-length');
  if (sent.body === undefined) return !announcesBody(sent) && (bodiless || length !== undefined) ? new Uint8Array() : undefined;
  return sent.body.length === 0 && length !== undefined && announcesBody({ headers: { 'content-length': length } }) ? undefined : sent.body;
}

/**
 * True when OAuth parameters stand in the query or the form instead of the header (RFC 5849 §3.5.2, §3.5.3): a signature is among them.
 * Looked for as clients write it, which is cheap, and then read.
 */
export function carriesSignature(sent: SentRequest): boolean {
  const question = sent.target.indexOf('?');
  const holds = (text: string | Uint8Array) => {
    const pairs = Buffer.from(text).includes('oauth_signature') ? parseForm(text) : undefined;
    return pairs?.ok === true && pairs.value.some(([name]) => name === 'oauth_signature');
  };
  if (question >= 0 && holds(sent.target.slice(question + 1))) return true;
  return sent.body !== undefined && sent.body.length > 0 && isForm(sent, 'rfc5849') && holds(sent.body);
}

/** PHP's way with a query: of two of the same name the last one counts; a name with `[]` adds to a list, and every one is kept. */
function lastWins(pairs: readonly Pair[]): readonly Pair[] {
  const last = new Map(pairs.map(([name], index) => [name, index]));
  return pairs.filter(([name], index) => name.includes('[]') || last.get(name) === index);
}

/** Later sources replace the names of earlier ones, so that a parameter sent by two ways is signed once. */
function overlay(...sources: readonly (readonly Pair[])[]): readonly Pair[] {
  let merged: readonly Pair[] = [];
  for (const source of sources) {
    const names = new Set(source.map(([name]) => name));
    merged = [...merged.filter(([name]) => !names.has(name)), ...source];
  }
  return merged;
}

/**
 * Finds the parameters of a request in query, form body and header (RFC 5849 §3.4.1.3.1). Refuses malformed encodings, and in the RFC's
 * reading an `oauth_` parameter that comes twice (§3.1). Refuses a form whose bytes are not at hand: its signature could cover anything.
 */
export function parseSignedRequest(sent: SentRequest, reading: Reading): Result<SignedRequest, OAuth1Refusal> {
  const malformed = (parameter: string) => refuse({ kind: 'parameter_rejected', parameter, problem: 'malformed' } as const);
  const target = sent.target.split('#', 1)[0] ?? '';
  const question = target.indexOf('?');
  const query = parseForm(question < 0 ? '' : target.slice(question + 1));
  if (!query.ok) return malformed('query');
  if ([sent.headers['content-type'] ?? []].flat().length > 1)
    return refuse({ kind: 'parameter_rejected', parameter: 'Content-Type', problem: 'repeated' });
  const bytes = bytesOf(sent);
  const form = isForm(sent, reading);
  if (form && bytes === undefined) return refuse({ kind: 'body_unavailable' });
  const body = form && bytes !== undefined ? parseForm(bytes) : accept([] as readonly Pair[]);
  if (!body.ok) return malformed('body');
  if (Array.isArray(sent.headers.authorization) && sent.headers.authorization.length > 1) {
    return refuse({ kind: 'parameter_rejected', parameter: 'Authorization', problem: 'repeated' });
  }
  const authorization = header(sent, 'authorization');
  const given = authorization === undefined ? undefined : parseOAuthHeader(authorization, reading);
  if (given && !given.ok) {
    return refuse({
      kind: 'parameter_rejected',
      parameter: 'Authorization',
      problem: given.refusal.kind === 'duplicate-parameter' ? 'repeated' : 'malformed',
    });
  }
  const fromHeader = given?.value.params ?? [];
  const all =
    reading === 'mediawiki' ? overlay(lastWins(query.value), body.value, fromHeader) : [...query.value, ...body.value, ...fromHeader];
  const oauth = new Map<string, string>();
  for (const [name, value] of all) {
    if (!name.startsWith('oauth_')) continue;
    if (oauth.has(name) && reading === 'rfc5849')
      return refuse({ kind: 'parameter_rejected', parameter: name.slice(0, 64), problem: 'repeated' });
    oauth.set(name, value);
  }
  const path = question < 0 ? target : target.slice(0, question);
  const signed = (pairs: readonly Pair[]) => pairs.filter(([name]) => name !== 'oauth_signature');
  const found = {
    method: sent.method,
    path,
    params: signed(all),
    oauth,
    secure: sent.secure,
    ...(bytes === undefined ? {} : { body: bytes }),
  };
  if (reading === 'rfc5849' || lastWins(query.value).length === query.value.length) return accept(found);
  return accept({ ...found, everyValue: signed(overlay(query.value, body.value, fromHeader)) });
}
