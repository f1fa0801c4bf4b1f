import { type Pair, parseForm, parseFormBytes } from '#encoding/form.ts';
import { announcesBody, header as fieldOf, type SentRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type HeaderParameters, parseOAuthHeader, partAdvice } from './header.ts';
import {
  lenientParameterLists,
  readPairs,
  repeatedProtocolParameter,
} from './lenient-parameters.ts';
import { type OAuth1Refusal, type ParameterRejected, rejected } from './refusals.ts';

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
  /** The dialect: other spellings of the path that may have been signed. */
  readonly otherPaths?: readonly string[];
  /**
   * The dialect: other lists that may have been signed. For a query that repeats a name `params`
   * has the last values, as PHP reads them, and one of these has every value, as RFC 5849 wants. A
   * handler reads the last value, which is signed in all of them.
   */
  readonly otherParams?: readonly (readonly Pair[])[];
  /** The `oauth_` parameters by name. */
  readonly oauth: ReadonlyMap<string, string>;
  readonly secure: boolean;
  /** The bytes that came, for `oauth_body_hash`; absent: not at hand. */
  readonly body?: Uint8Array;
}

/** Largest form whose signature is checked, in bytes; also what our own endpoints take at all. */
export const MOST_SIGNED_FORM = 1_048_576;
/** Most parameters of a query, and of a form. */
export const MOST_PARAMETERS = 10_000;

/**
 * Whether the body is a form that is signed; the dialect counts one only with POST (protocols 1.6).
 */
const isForm = (sent: Pick<SentRequest, 'method' | 'headers'>, reading: Reading): boolean => {
  const type = fieldOf(sent, 'content-type') ?? '';
  return reading === 'mediawiki'
    ? sent.method.toUpperCase() === 'POST' && /^application\/x-www-form-urlencoded/i.test(type)
    : /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i.test(type.trim());
};

/**
 * The bytes that came; undefined when there should be some and they are not at hand, such as those
 * that a parser has taken already.
 */
function bytesOf(sent: SentRequest): Uint8Array | undefined {
  const bodiless = ['GET', 'HEAD'].includes(sent.method.toUpperCase());
  const length = fieldOf(sent, 'content-length');
  if (sent.body === undefined)
    return !announcesBody(sent) && (bodiless || length !== undefined)
      ? new Uint8Array()
      : undefined;
  return sent.body.length === 0 &&
    length !== undefined &&
    announcesBody({ headers: { 'content-length': length } })
    ? undefined
    : sent.body;
}

/** The query of a target, without `?`. */
function queryIn(target: string): string {
  const question = target.indexOf('?');
  return question < 0 ? '' : target.slice(question + 1);
}

/**
 * True when OAuth parameters stand in the query or the form instead of the header (RFC 5849 §3.5.2,
 * §3.5.3): a signature is among them. Looked for as clients write it, which is cheap, and then
 * read.
 */
export function carriesSignature(sent: SentRequest): boolean {
  const holds = (text: string | Uint8Array) => {
    if (!Buffer.from(text).includes('oauth_signature')) return false;
    // Whoever checks signatures refuses it for its size.
    if (text.length > MOST_SIGNED_FORM) return true;
    const pairs = parseForm(text);
    if (pairs.ok) return pairs.value.some(([name]) => name === 'oauth_signature');
    // What cannot be read is refused with the reason, and never taken for no credentials at all.
    return /(?:^|&)oauth_signature=/.test(Buffer.from(text).toString('latin1'));
  };
  if (holds(queryIn(sent.target))) return true;
  return (
    sent.body !== undefined && sent.body.length > 0 && isForm(sent, 'rfc5849') && holds(sent.body)
  );
}

const none = new Uint8Array();
const placed = { query: 'query', body: 'form' } as const;

/** Refuses what is larger than anybody signs, before it is read. */
function sizeProblem(
  place: 'query' | 'body',
  text: string | Uint8Array,
): { readonly ok: false; readonly refusal: ParameterRejected } | undefined {
  if (text.length > MOST_SIGNED_FORM)
    return rejected(
      place,
      'too-long',
      ` has ${text.length} bytes, and at most ${MOST_SIGNED_FORM} are read.`,
    );
  let count = 1;
  for (const char of text) if (char === '&' || char === 38) count += 1;
  if (count <= MOST_PARAMETERS) return undefined;
  return rejected(
    place,
    'too-long',
    ` has ${count} parameters, and at most ${MOST_PARAMETERS} are read.`,
  );
}

/** Reads a query or a form strictly; a refusal names the parameter that cannot be read. */
function strictForm(
  place: 'query' | 'body',
  text: string | Uint8Array,
): Result<readonly Pair[], ParameterRejected> {
  const pairs = parseForm(text);
  if (pairs.ok) return pairs;
  const { name, problem } = pairs.refusal;
  if (name === null)
    return rejected(
      place,
      'malformed',
      ` cannot be read: a name${partAdvice(problem, placed[place])}`,
    );
  return rejected(name, 'malformed', partAdvice(problem, placed[place]));
}

/**
 * The bytes of the form that is signed; undefined: there is none. Refuses one that is not at hand,
 * or too large.
 */
function formOf(
  sent: SentRequest,
  reading: Reading,
  bytes: Uint8Array | undefined,
): Result<Uint8Array | undefined, OAuth1Refusal> {
  if ([sent.headers['content-type'] ?? []].flat().length > 1)
    return rejected('Content-Type', 'repeated', ' was sent more than once: send it once.');
  if (!isForm(sent, reading)) return accept(undefined);
  if (bytes === undefined) return refuse({ kind: 'body_unavailable' });
  return sizeProblem('body', bytes) ?? accept(bytes);
}

/** The parameters of the header field, if it has any of ours. */
function headerOf(
  sent: SentRequest,
  reading: Reading,
): Result<HeaderParameters | undefined, OAuth1Refusal> {
  const values = [sent.headers.authorization ?? []].flat();
  if (values.length > 1)
    return rejected('Authorization', 'repeated', ' was sent more than once: send it once.');
  return values[0] === undefined
    ? accept(undefined)
    : (parseOAuthHeader(values[0], reading) ?? accept(undefined));
}

/**
 * What a handler of the dialect reads from query and form, byte for byte what has to be signed.
 * Nothing of a form that is no form there, is not at hand or is too large.
 */
export function dialectParameters(sent: SentRequest): readonly Pair[] {
  const query = queryIn(sent.target.split('#', 1)[0] ?? '');
  const form = formOf(sent, 'mediawiki', bytesOf(sent));
  return readPairs(parseFormBytes(query), parseFormBytes((form.ok && form.value) || none));
}

/**
 * The lists of parameters, one of which has to be signed, the one that is read afterwards first.
 */
function parameterLists(
  reading: Reading,
  query: string,
  form: Uint8Array,
  header: HeaderParameters | undefined,
): Result<readonly (readonly Pair[])[], OAuth1Refusal> {
  if (reading === 'mediawiki') {
    const body = parseFormBytes(form);
    const twice = repeatedProtocolParameter(body.pairs);
    if (twice !== undefined)
      return rejected(twice, 'repeated', ' stands twice in the form: send it once.');
    return accept(
      lenientParameterLists({
        query: parseFormBytes(query),
        body,
        header: header?.params ?? [],
        bytes: query.length + form.length,
      }),
    );
  }
  const [fromQuery, fromForm] = [strictForm('query', query), strictForm('body', form)];
  if (!fromQuery.ok) return fromQuery;
  return fromForm.ok
    ? accept([[...fromQuery.value, ...fromForm.value, ...(header?.params ?? [])]])
    : fromForm;
}

/**
 * Finds the parameters of a request in query, form body and header (RFC 5849 §3.4.1.3.1). The RFC's
 * reading refuses malformed encodings and an `oauth_` parameter that comes twice (§3.1), and says
 * which; the dialect's keeps the bytes as they came. Refuses a form whose bytes are not at hand,
 * for its signature could cover anything, and one that is too large.
 */
export function parseSignedRequest(
  sent: SentRequest,
  reading: Reading,
): Result<SignedRequest, OAuth1Refusal> {
  const target = sent.target.split('#', 1)[0] ?? '';
  const query = queryIn(target);
  const tooLong = sizeProblem('query', query);
  if (tooLong) return tooLong;
  const bytes = bytesOf(sent);
  const form = formOf(sent, reading, bytes);
  if (!form.ok) return form;
  const header = headerOf(sent, reading);
  if (!header.ok) return header;
  const lists = parameterLists(reading, query, form.value ?? none, header.value);
  if (!lists.ok) return lists;
  const [all = [], ...others] = lists.value;
  const oauth = new Map<string, string>();
  for (const [name, value] of all) {
    if (!name.startsWith('oauth_')) continue;
    if (oauth.has(name) && reading === 'rfc5849')
      return rejected(
        name,
        'repeated',
        ' stands twice in query, form and Authorization header together: send it once.',
      );
    oauth.set(name, value);
  }
  const path = target.split('?', 1)[0] ?? '';
  const signed = (pairs: readonly Pair[]) => pairs.filter(([name]) => name !== 'oauth_signature');
  return accept({
    method: sent.method,
    path,
    params: signed(all),
    // The reference takes several slashes in front for one (protocols 1.7).
    ...(reading === 'mediawiki' && path.startsWith('//')
      ? { otherPaths: [path.replace(/^\/+/, '/')] }
      : {}),
    ...(others.length === 0 ? {} : { otherParams: others.map(signed) }),
    oauth,
    secure: sent.secure,
    ...(bytes === undefined ? {} : { body: bytes }),
  });
}
