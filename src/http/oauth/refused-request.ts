import { utf8 } from '#encoding/percent.ts';
import type { SentRequest } from '#encoding/raw-request.ts';
import { type Reading, readings } from '#oauth1/parse.ts';

// A refused signed request as it is kept for its developer, and read again to be explained. What
// could be a secret is not kept.

/** Most characters of one, as JSON. */
const MOST_KEPT = 3000;
/** Header fields that say what was signed, or show over which address it may have been. */
const KEPT_FIELDS = [
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
const plainly = (text: string): string =>
  text.replace(/%([2-7][0-9a-f])/gi, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );

function holdsSecret(authorizations: readonly string[], rest: string): boolean {
  // Blanks around `=` and quoted-pairs hide no name (RFC 9110 §5.6.3, §5.6.4).
  const header = authorizations.join(',').replace(/[\\ \t]/g, '');
  if (authorizations.some((value) => !/^[ \t]*oauth(?![a-z])/i.test(value))) return true;
  if (secretNames.test(plainly(plainly(header))) || secretNames.test(plainly(plainly(rest))))
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
export function keepRequest(sent: SentRequest): Readonly<Record<string, unknown>> | undefined {
  const body = sent.body === undefined ? undefined : utf8(sent.body);
  const fields = KEPT_FIELDS.flatMap((name) => {
    const value = sent.headers[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const isForm = [sent.headers['content-type'] ?? []]
    .flat()
    .some((type) => /^[ \t]*application\/x-www-form-urlencoded/i.test(type));
  if (isForm && body === undefined) return undefined;
  const authorizations = [sent.headers.authorization ?? []].flat();
  const size = (text: string) => JSON.stringify([sent.target, fields, text]).length;
  // Texts that no signature covers are left out when they are long.
  const kept =
    body === undefined || (!isForm && (body.length > MOST_KEPT || size(body) > MOST_KEPT))
      ? null
      : body;
  if (sent.target.length + (kept?.length ?? 0) > MOST_KEPT || size(kept ?? '') > MOST_KEPT)
    return undefined;
  if (holdsSecret(authorizations, `${sent.target}\n${kept ?? ''}`)) return undefined;
  return {
    method: sent.method.slice(0, 32),
    target: sent.target,
    headers: Object.fromEntries(fields),
    body: kept,
  };
}

/** A kept request as it was sent, and the reading it went to; undefined: only names were kept. */
export function keptRequest(
  facts: Readonly<Record<string, unknown>>,
): { readonly sent: SentRequest; readonly reading: Reading } | undefined {
  const reading = readings.find((one) => one === facts.reading);
  const { method, target, headers, body } = Object(facts.request) as Record<string, unknown>;
  if (reading === undefined || typeof method !== 'string' || typeof target !== 'string')
    return undefined;
  const fields = Object.entries(Object(headers) as SentRequest['headers']);
  const bytes = typeof body === 'string' ? Buffer.from(body) : undefined;
  return {
    reading,
    sent: {
      method,
      target,
      headers: Object.fromEntries(fields),
      body: bytes,
      address: '',
      secure: true,
    },
  };
}
