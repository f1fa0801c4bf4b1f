import { decodeUtf8 } from '#encoding/percent.ts';
import type { RawRequest } from '#encoding/raw-request.ts';

// A refused signed request as it is kept for its developer, and read again to be explained. What
// could be a secret is not kept.

/** Most characters of one, as JSON. */
const MAX_STORED_LENGTH = 3000;
/** Header fields that say what was signed, or show over which address it may have been. */
const STORED_HEADERS = [
  'authorization',
  'content-type',
  'host',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-http-method-override',
] as const;

/**
 * Names whose values are secrets, or are worth one for a while; a PLAINTEXT signature is both
 * secrets.
 */
const secretNames =
  /oauth_verifier|PLAINTEXT|passw|passphrase|secret|access_token|refresh_token|id_token|assertion/i;
/** An ampersand, escaped or not: with one, what stands for a signature may be the two secrets. */
const ampersand = /&|%(?:25){0,3}26/;
const signatureValue = /oauth_signature(?:"?[=:]"?|%3D(?:%22)?)([^",]*)/gi;

/** Escapes of plain characters undone, so that no spelling hides a name. */
const unescapePlain = (text: string): string =>
  text.replace(/%([2-7][0-9a-f])/gi, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );

function containsSecret(authorizations: readonly string[], rest: string): boolean {
  // Blanks around `=` and quoted-pairs hide no name (RFC 9110 §5.6.3, §5.6.4).
  const header = authorizations.join(',').replace(/[\\ \t]/g, '');
  if (authorizations.some((value) => !/^[ \t]*oauth(?![a-z])/i.test(value))) return true;
  if (
    secretNames.test(unescapePlain(unescapePlain(header))) ||
    secretNames.test(unescapePlain(unescapePlain(rest)))
  )
    return true;
  // In a header the values are in quotation marks; in query and form an ampersand ends them, and is
  // escaped in them.
  if ([...header.matchAll(signatureValue)].some(([, value = '']) => ampersand.test(value)))
    return true;
  return [...rest.matchAll(signatureValue)].some(([, value = '']) =>
    /%(?:25){0,3}26/.test(value.split('&', 1)[0] ?? ''),
  );
}

/**
 * The request, for the record of a refusal; undefined: it is too long, is no text, or has what must
 * not be kept.
 */
export function toStoredRequest(
  rawRequest: RawRequest,
): Readonly<Record<string, unknown>> | undefined {
  const body = rawRequest.body === undefined ? undefined : decodeUtf8(rawRequest.body);
  const fields = STORED_HEADERS.flatMap((name) => {
    const value = rawRequest.headers[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const isForm = [rawRequest.headers['content-type'] ?? []]
    .flat()
    .some((type) => /^[ \t]*application\/x-www-form-urlencoded/i.test(type));
  if (isForm && body === undefined) return undefined;
  const authorizations = [rawRequest.headers.authorization ?? []].flat();
  const size = (text: string) => JSON.stringify([rawRequest.target, fields, text]).length;
  // Texts that no signature covers are left out when they are long.
  const storedBody =
    body === undefined ||
    (!isForm && (body.length > MAX_STORED_LENGTH || size(body) > MAX_STORED_LENGTH))
      ? null
      : body;
  if (
    rawRequest.target.length + (storedBody?.length ?? 0) > MAX_STORED_LENGTH ||
    size(storedBody ?? '') > MAX_STORED_LENGTH
  )
    return undefined;
  if (containsSecret(authorizations, `${rawRequest.target}\n${storedBody ?? ''}`)) return undefined;
  return {
    method: rawRequest.method.slice(0, 32),
    target: rawRequest.target,
    headers: Object.fromEntries(fields),
    body: storedBody,
  };
}

/**
 * A stored request as it was sent, and the name of the profile that judged it; undefined: only the
 * names of its parameters were stored.
 */
export function fromStoredRequest(
  facts: Readonly<Record<string, unknown>>,
): { readonly rawRequest: RawRequest; readonly profile: string } | undefined {
  const profile = facts.reading;
  const { method, target, headers, body } = Object(facts.request) as Record<string, unknown>;
  if (typeof profile !== 'string' || typeof method !== 'string' || typeof target !== 'string')
    return undefined;
  const fields = Object.entries(Object(headers) as RawRequest['headers']);
  const bytes = typeof body === 'string' ? Buffer.from(body) : undefined;
  return {
    profile,
    rawRequest: {
      method,
      target,
      headers: Object.fromEntries(fields),
      body: bytes,
      address: '',
      secure: true,
    },
  };
}
