import type { FastifyRequest } from 'fastify';
import { isOAuth1Authorization } from '#encoding/authorization.ts';
import {
  encodedValueBytes,
  type FormParameters,
  makeFormParameters,
  type NameValuePair,
  parseForm,
} from '#encoding/form.ts';
import { hasRequestBody, type RawRequest } from '#encoding/raw-request.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { MAX_SIGNED_FORM_BYTES } from '#oauth1/parse.ts';
import { MAX_FORM_BYTES, MAX_STATE_BYTES } from '#oauth2/refusal-texts.ts';

/** Most bytes of any body; the endpoints of apps read less. */
export const MAX_BODY_BYTES = MAX_SIGNED_FORM_BYTES;
/** Most bytes of a JSON body. */
export const MAX_JSON_BYTES = 100_000;

/**
 * Header fields by name, each with every value that was sent: Node alone would keep the first of
 * two Authorization fields.
 */
function distinctHeaders(raw: readonly string[]): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const values = fields[name];
    if (values === undefined) fields[name] = [raw[index + 1] as string];
    else values.push(raw[index + 1] as string);
  }
  return fields;
}

/**
 * A target whose path begins with one slash and is no host's: several slashes in front are one
 * here, and of an absolute form (RFC 9112 §3.2.2) the path counts. Only what is routed and linked
 * to is this one; signatures are checked over the target that was sent.
 */
export function normalizeTarget(target: string): string {
  const relative = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return relative.startsWith('/')
    ? relative.replace(/^\/+/, '/')
    : relative === target
      ? target
      : `/${relative}`;
}

/** The target of the request line, before it was routed. */
const rawTarget = ({ raw, originalUrl }: FastifyRequest): string => originalUrl || (raw.url ?? '/');

/** The request as it was sent, for whoever checks a signature over it. */
export function rawRequestOf(request: FastifyRequest): RawRequest {
  const headers = distinctHeaders(request.raw.rawHeaders);
  return {
    method: request.method,
    target: rawTarget(request),
    headers,
    // The framework reads no body with GET and HEAD: one that came all the same is not at hand.
    body: Buffer.isBuffer(request.body)
      ? request.body
      : hasRequestBody({ headers })
        ? undefined
        : Buffer.alloc(0),
    address: request.connectionInfo.trustedAddress,
    secure: request.connectionInfo.secure,
  };
}

/**
 * True for a request with OAuth credentials, also when they cannot be read: the dialect refuses it
 * then, and never takes it for a stranger's.
 */
export const hasOAuthCredentials = (request: FastifyRequest): boolean =>
  (distinctHeaders(request.raw.rawHeaders).authorization ?? []).some(
    (value) => isOAuth1Authorization(value) || /^[ \t]*bearer/i.test(value),
  );

/** The query, decoded. */
export function parseQuery(
  request: FastifyRequest,
): Result<readonly NameValuePair[], { readonly kind: 'malformed-form' }> {
  const target = request.raw.url ?? '';
  const question = target.indexOf('?');
  return parseForm(question < 0 ? '' : target.slice(question + 1));
}

export type FormRefusal = {
  readonly kind: 'malformed-form' | 'not-a-form' | 'too-large' | 'encoded';
};

/**
 * The form in the body. Refuses another content type, an encoding that cannot be read, and a body
 * that is too large.
 */
export function parseFormBody(
  request: FastifyRequest,
  maxBytes = MAX_FORM_BYTES,
): Result<readonly NameValuePair[], FormRefusal> {
  const body = request.body;
  if (body === undefined || body === null) return accept([]);
  if (!Buffer.isBuffer(body)) return refuse({ kind: 'malformed-form' });
  if (body.length === 0) return accept([]);
  if (body.length > maxBytes) return refuse({ kind: 'too-large' });
  if (!/^(?:identity)?$/i.test(request.headers['content-encoding'] ?? ''))
    return refuse({ kind: 'encoded' });
  if (
    !/^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i.test(request.headers['content-type'] ?? '')
  )
    return refuse({ kind: 'not-a-form' });
  return parseForm(body);
}

/** The form of one of our own pages; anything that cannot be read counts as an empty form. */
export function parsePageForm(request: FastifyRequest): FormParameters {
  const form = parseFormBody(request);
  return makeFormParameters(form.ok ? form.value : []);
}

/** The one Authorization value: undefined when absent; 'repeated' when there were several. */
export function authorizationHeader(request: FastifyRequest): {
  readonly value: string | undefined;
  readonly repeated: boolean;
} {
  const raw = request.raw.rawHeaders;
  let count = 0;
  for (let index = 0; index < raw.length; index += 2)
    if (raw[index]?.toLowerCase() === 'authorization') count += 1;
  return { value: request.headers.authorization, repeated: count > 1 };
}

/** The text of a query or of a form, as it was sent. */
export const rawParameterText = (request: FastifyRequest): string =>
  request.method === 'POST' && Buffer.isBuffer(request.body)
    ? request.body.toString('latin1')
    : ((request.raw.url ?? '').split('?').slice(1).join('?') ?? '');

/**
 * A `state` that was sent with more bytes than are kept is marked by a value that is refused as too
 * long, whatever its escapes decode to.
 */
export const markOversizedState = (
  request: FastifyRequest,
  pairs: readonly NameValuePair[],
): readonly NameValuePair[] =>
  encodedValueBytes(rawParameterText(request), 'state') <= MAX_STATE_BYTES
    ? pairs
    : pairs.map(
        ([name, value]): NameValuePair =>
          name === 'state' ? [name, value.padEnd(MAX_STATE_BYTES + 1, 's')] : [name, value],
      );
