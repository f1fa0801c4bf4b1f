import { type NameValuePair, parseForm } from '#encoding/form.ts';
import { singleHeader as fieldOf, hasRequestBody, type RawRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { parseOAuthHeader } from './header.ts';
import { hasFormContentType, type OAuth1Profile } from './profile.ts';
import { type OAuth1Refusal, type ParameterRejected, rejectParameter } from './refusals.ts';
import type { HeaderParameters } from './strict-parameters.ts';

/** A request with its OAuth parameters found. */
export interface SignedRequest {
  readonly method: string;
  /** Raw path of the target. */
  readonly path: string;
  /** Everything that is signed: all parameters but `realm` and `oauth_signature`. */
  readonly params: readonly NameValuePair[];
  /** Other spellings of the path that may have been signed (`OAuth1Profile.alternativePaths`). */
  readonly alternativePaths?: readonly string[];
  /**
   * Other lists that may have been signed (`OAuth1Profile.readParameters`). What is used afterwards
   * is in `params`, and is covered by each of them.
   */
  readonly alternativeParams?: readonly (readonly NameValuePair[])[];
  /** The `oauth_` parameters by name. */
  readonly oauth: ReadonlyMap<string, string>;
  readonly secure: boolean;
  /** The bytes that came, for `oauth_body_hash`; absent: not at hand. */
  readonly body?: Uint8Array;
}

/** Largest form whose signature is checked, in bytes; also what our own endpoints take at all. */
export const MAX_SIGNED_FORM_BYTES = 1_048_576;
/** Most parameters of a query, and of a form. */
export const MAX_PARAMETERS = 10_000;

/**
 * The bytes that came; undefined when there should be some and they are not at hand, such as those
 * that a parser has taken already.
 */
export function bodyBytes(rawRequest: RawRequest): Uint8Array | undefined {
  const bodiless = ['GET', 'HEAD'].includes(rawRequest.method.toUpperCase());
  const length = fieldOf(rawRequest, 'content-length');
  if (rawRequest.body === undefined)
    return !hasRequestBody(rawRequest) && (bodiless || length !== undefined)
      ? new Uint8Array()
      : undefined;
  return rawRequest.body.length === 0 &&
    length !== undefined &&
    hasRequestBody({ headers: { 'content-length': length } })
    ? undefined
    : rawRequest.body;
}

/** The query of a target, without `?`. */
export function rawQuery(target: string): string {
  const question = target.indexOf('?');
  return question < 0 ? '' : target.slice(question + 1);
}

/**
 * True when OAuth parameters stand in the query or the form instead of the header (RFC 5849 §3.5.2,
 * §3.5.3): a signature is among them. Looked for as clients write it, which is cheap, and then
 * read.
 */
export function hasSignatureParameter(rawRequest: RawRequest): boolean {
  const containsSignature = (text: string | Uint8Array) => {
    if (!Buffer.from(text).includes('oauth_signature')) return false;
    // Whoever checks signatures refuses it for its size.
    if (text.length > MAX_SIGNED_FORM_BYTES) return true;
    const pairs = parseForm(text);
    if (pairs.ok) return pairs.value.some(([name]) => name === 'oauth_signature');
    // What cannot be read is refused with the reason, and never taken for no credentials at all.
    return /(?:^|&)oauth_signature=/.test(Buffer.from(text).toString('latin1'));
  };
  if (containsSignature(rawQuery(rawRequest.target))) return true;
  return (
    rawRequest.body !== undefined &&
    rawRequest.body.length > 0 &&
    hasFormContentType(rawRequest) &&
    containsSignature(rawRequest.body)
  );
}

const noBytes = new Uint8Array();

/** Refuses what is larger than anybody signs, before it is read. */
function sizeProblem(
  place: 'query' | 'body',
  text: string | Uint8Array,
): { readonly ok: false; readonly refusal: ParameterRejected } | undefined {
  if (text.length > MAX_SIGNED_FORM_BYTES)
    return rejectParameter(
      place,
      'too-long',
      ` has ${text.length} bytes, and at most ${MAX_SIGNED_FORM_BYTES} are read.`,
    );
  let count = 1;
  for (const char of text) if (char === '&' || char === 38) count += 1;
  if (count <= MAX_PARAMETERS) return undefined;
  return rejectParameter(
    place,
    'too-long',
    ` has ${count} parameters, and at most ${MAX_PARAMETERS} are read.`,
  );
}

/**
 * The bytes of the form that is signed; undefined: there is none. Refuses one that is not at hand,
 * or too large.
 */
export function readSignedForm(
  rawRequest: RawRequest,
  profile: Pick<OAuth1Profile, 'isSignedForm'>,
  bytes: Uint8Array | undefined,
): Result<Uint8Array | undefined, OAuth1Refusal> {
  if ([rawRequest.headers['content-type'] ?? []].flat().length > 1)
    return rejectParameter('Content-Type', 'repeated', ' was sent more than once: send it once.');
  if (!profile.isSignedForm(rawRequest)) return accept(undefined);
  if (bytes === undefined) return refuse({ kind: 'body_unavailable' });
  return sizeProblem('body', bytes) ?? accept(bytes);
}

/** The parameters of the header field, if it has any of ours. */
function readAuthorizationHeader(
  rawRequest: RawRequest,
  profile: OAuth1Profile,
): Result<HeaderParameters | undefined, OAuth1Refusal> {
  const values = [rawRequest.headers.authorization ?? []].flat();
  if (values.length > 1)
    return rejectParameter('Authorization', 'repeated', ' was sent more than once: send it once.');
  return values[0] === undefined
    ? accept(undefined)
    : (parseOAuthHeader(values[0], profile) ?? accept(undefined));
}

/**
 * Finds the parameters of a request in query, form body and header (RFC 5849 §3.4.1.3.1), as the
 * profile reads them. Refuses a form whose bytes are not at hand, for its signature could cover
 * anything, and one that is too large.
 */
export function parseSignedRequest(
  rawRequest: RawRequest,
  profile: OAuth1Profile,
): Result<SignedRequest, OAuth1Refusal> {
  const target = rawRequest.target.split('#', 1)[0] ?? '';
  const query = rawQuery(target);
  const tooLong = sizeProblem('query', query);
  if (tooLong) return tooLong;
  const bytes = bodyBytes(rawRequest);
  const form = readSignedForm(rawRequest, profile, bytes);
  if (!form.ok) return form;
  const header = readAuthorizationHeader(rawRequest, profile);
  if (!header.ok) return header;
  const lists = profile.readParameters({
    query,
    form: form.value ?? noBytes,
    header: header.value?.params ?? [],
  });
  if (!lists.ok) return lists;
  const [all = [], ...others] = lists.value;
  const oauth = new Map<string, string>();
  for (const [name, value] of all) {
    if (!name.startsWith('oauth_')) continue;
    if (oauth.has(name) && profile.repeatedProtocolParameters === 'refuse')
      return rejectParameter(
        name,
        'repeated',
        ' stands twice in query, form and Authorization header together: send it once.',
      );
    oauth.set(name, value);
  }
  const path = target.split('?', 1)[0] ?? '';
  const alternativePaths = profile.alternativePaths(path);
  const withoutSignature = (pairs: readonly NameValuePair[]) =>
    pairs.filter(([name]) => name !== 'oauth_signature');
  return accept({
    method: rawRequest.method,
    path,
    params: withoutSignature(all),
    ...(alternativePaths.length === 0 ? {} : { alternativePaths }),
    ...(others.length === 0 ? {} : { alternativeParams: others.map(withoutSignature) }),
    oauth,
    secure: rawRequest.secure,
    ...(bytes === undefined ? {} : { body: bytes }),
  });
}
