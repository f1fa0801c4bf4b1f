import { accept, type Result, refuse } from '#kernel/result.ts';
import { decodeUtf8, percentDecode } from './percent.ts';

/** Why an Authorization value cannot be read. */
export interface MalformedAuthorization {
  readonly kind: 'malformed-authorization';
}
const malformed = refuse({ kind: 'malformed-authorization' });

const isBlank = (char: string | undefined) => char === ' ' || char === '\t';

/**
 * A field value without the blanks around it (RFC 9110 §5.5). `trim()` takes away what is no blank
 * of HTTP, and would give a token spellings.
 */
export function trimHttpWhitespace(value: string): string {
  let [start, end] = [0, value.length];
  while (start < end && isBlank(value[start])) start += 1;
  while (end > start && isBlank(value[end - 1])) end -= 1;
  return value.slice(start, end);
}

/** An Authorization value in its two halves (RFC 9110 §11.4). */
export interface SplitAuthorization {
  /** In lower case: schemes are compared without it (RFC 9110 §11.1). */
  readonly scheme: string;
  /** What follows, without the spaces before it. */
  readonly rest: string;
  /** At least one space stands between the two; false also when nothing follows. */
  readonly separated: boolean;
}

/** The scheme of an Authorization value, which is a token, and what follows it. */
export function splitAuthorization(value: string): SplitAuthorization {
  const trimmed = trimHttpWhitespace(value);
  const end = trimmed.search(/[^!#$%&'*+.^_`|~\w-]/);
  if (end < 0) return { scheme: trimmed.toLowerCase(), rest: '', separated: false };
  let start = end;
  while (trimmed[start] === ' ') start += 1;
  return {
    scheme: trimmed.slice(0, end).toLowerCase(),
    rest: trimmed.slice(start),
    separated: start > end,
  };
}

/**
 * True for credentials of the OAuth scheme (RFC 5849 §3.5.1), also for those that cannot be read
 * because something else than a blank follows the scheme, as in `OAuth, a="b"` or `OAutha="b"`:
 * they are refused with the reason, and never taken for no credentials at all.
 */
export function isOAuth1Authorization(value: string): boolean {
  const { scheme, rest, separated } = splitAuthorization(value);
  return (
    scheme === 'oauth' ||
    (scheme.startsWith('oauth') && !separated && rest !== '' && !rest.startsWith('\t'))
  );
}

/**
 * Reads Basic credentials (RFC 7617 §2). 'form' also undoes the form encoding that RFC 6749 §2.3.1
 * asks of clients; 'raw' takes the text as it is. Refuses bad base64, text without a colon, an
 * empty id, and bytes that are not UTF-8.
 */
export function parseBasicCredentials(
  value: string,
  decode: 'form' | 'raw' = 'form',
): Result<{ readonly id: string; readonly secret: string }, MalformedAuthorization> {
  const { scheme, rest, separated } = splitAuthorization(value);
  if (
    scheme !== 'basic' ||
    !separated ||
    !/^[A-Za-z0-9+/]+={0,2}$/.test(rest) ||
    rest.length > 8192
  )
    return malformed;
  const bytes = Buffer.from(rest, 'base64');
  if (bytes.toString('base64').replaceAll('=', '') !== rest.replaceAll('=', '')) return malformed;
  const text = decodeUtf8(bytes);
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 1 || /[\0-\x1f\x7f]/.test(text)) return malformed;
  const [id, secret] = [text.slice(0, colon), text.slice(colon + 1)];
  if (decode === 'raw') return accept({ id, secret });
  const [plainId, plainSecret] = [
    percentDecode(id.replaceAll('+', ' ')),
    percentDecode(secret.replaceAll('+', ' ')),
  ];
  return plainId === undefined || plainSecret === undefined
    ? malformed
    : accept({ id: plainId, secret: plainSecret });
}

/**
 * The token of a Bearer value (RFC 6750 §2.1): undefined for another scheme. Refuses what does not
 * fit the b64token grammar.
 */
export function parseBearerToken(
  value: string,
): Result<string, MalformedAuthorization> | undefined {
  const { scheme, rest, separated } = splitAuthorization(value);
  if (scheme !== 'bearer') return undefined;
  return separated && /^[A-Za-z0-9\-._~+/]+=*$/.test(rest) ? accept(rest) : malformed;
}

/** One challenge of a WWW-Authenticate field. */
export interface Challenge {
  readonly scheme: string;
  readonly params: Readonly<Record<string, string>>;
}

const quoteString = (text: string) =>
  `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;

/** Writes challenges as one field value (RFC 9110 §11.6.1). */
export const formatChallenges = (challenges: readonly Challenge[]): string =>
  challenges
    .map(({ scheme, params }) =>
      [
        scheme,
        Object.entries(params)
          .map(([name, value]) => `${name}=${quoteString(value)}`)
          .join(', '),
      ]
        .filter(Boolean)
        .join(' '),
    )
    .join(', ');
