import { domainToASCII, domainToUnicode } from 'node:url';
import { isForbiddenScheme } from './refused-schemes.ts';

// A URI is read by people as it is written (RFC 3986) and by browsers as the URL Standard has it.
// Where the two differ, somebody who looks at the text and approves it is looking at another place
// than the one that people are sent to.

/** In what way a browser reads a URI differently, or why the text is no URI. */
export type UriDeviation =
  /** No absolute URI, or none that a browser can read. */
  | 'not-a-uri'
  /** Blanks, controls, or characters that a URI has percent-encoded. */
  | 'characters'
  | 'backslash'
  /** `%` without two digits after it, or an encoded control, dot or backslash. */
  | 'percent-encoding'
  | 'credentials'
  /** The host is not a name or address as it is written once read. */
  | 'host'
  | 'port'
  | 'dot-segments'
  /** Anything else that a browser would write differently. */
  | 'spelling';

/** What a browser makes of a URI. `browserUrl`: the form it uses; null: it cannot be read. */
export interface BrowserUriResult {
  readonly deviation: UriDeviation | null;
  readonly browserUrl: string | null;
}

interface UriParts {
  /** In lower case. */
  readonly scheme: string;
  /** Undefined: there is no `//`. */
  readonly authority: string | undefined;
  readonly path: string;
  /** With `?` and `#`. */
  readonly rest: string;
}

/** Splits a URI without changing a byte of it (RFC 3986 Appendix B). */
function splitUri(uri: string): UriParts | undefined {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s.exec(uri);
  if (match === null) return undefined;
  const [, scheme = '', authority, path = '', rest = ''] = match;
  return { scheme: scheme.toLowerCase(), authority, path, rest };
}

interface HostAndPort {
  readonly host: string;
  /** Undefined: there is no colon. */
  readonly port: string | undefined;
}

/** Host and port of an authority without user information. */
function parseHostAndPort(authority: string): HostAndPort | undefined {
  const match = /^(\[[^[\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(authority);
  return match === null ? undefined : { host: match[1] ?? '', port: match[2] };
}

const MAX_HOST_LENGTH = 253;
/**
 * Characters of a host at most, with what may stand around it. A host in Unicode is spelt in ASCII
 * in time that grows as its square (RFC 3492 §6.3).
 */
const MAX_RAW_HOST_LENGTH = 512;

/**
 * The URI as a browser parses it; null: it does not, or would first read a host that is longer than
 * any.
 */
function parseBrowserUrl(uri: string): URL | null {
  // A browser drops these wherever they stand.
  const text = uri.replace(/[\t\n\r]/g, '');
  let start = text.indexOf(':') + 1;
  while (text[start] === '/' || text[start] === '\\') start += 1;
  const end = text.slice(start).search(/[/\\?#]/);
  return (end < 0 ? text.length - start : end) > MAX_RAW_HOST_LENGTH && !isAscii(text)
    ? null
    : URL.parse(uri);
}

const isWebScheme = (scheme: string): boolean => scheme === 'http' || scheme === 'https';
const isAscii = (text: string): boolean => /^[\x21-\x7e]*$/.test(text);

/**
 * Letters, marks, digits and the few signs that are part of words: no symbol or punctuation that
 * passes for a slash or a dot (RFC 5892 §2).
 */
const hostLetters = /^[\p{L}\p{M}\p{Nd}_.\u00b7\u0375\u05f3\u05f4\u30fb-]+$/u;

/**
 * In lower case; undefined when a capital is no capital of the same alphabet, such as the sign of
 * Kelvin.
 */
function lowerCaseHost(host: string): string | undefined {
  const letters = [...host].map((letter) => [letter, letter.toLowerCase()] as const);
  return letters.every(
    ([letter, small]) => isAscii(letter) || ([...small].length === 1 && !isAscii(small)),
  )
    ? letters.map(([, small]) => small).join('')
    : undefined;
}

/**
 * The A-labels of a host in Unicode; undefined when reading it back does not give the same host in
 * lower case (RFC 5891 §5, UTS #46).
 */
function toAsciiHost(host: string): string | undefined {
  if (host.length > MAX_HOST_LENGTH) return undefined;
  const lowerCase = lowerCaseHost(host);
  if (lowerCase === undefined || !hostLetters.test(host)) return undefined;
  const ascii = domainToASCII(host);
  return ascii !== '' && isAscii(ascii) && domainToUnicode(ascii) === lowerCase ? ascii : undefined;
}

const hasALabel = (host: string): boolean => /(?:^|\.)xn--/i.test(host);

const replaceHost = (
  { scheme, authority = '', path, rest }: UriParts,
  uri: string,
  host: string,
  next: string,
): string =>
  `${uri.slice(0, scheme.length)}://${next}${authority.slice(host.length)}${path}${rest}`;

/**
 * The spelling of a URI that goes over the wire: a host in Unicode becomes A-labels, everything
 * else stays as it is. Undefined when the host cannot be written so without becoming another one,
 * or when other parts are not ASCII.
 */
export function toAsciiUri(uri: string): string | undefined {
  if (isAscii(uri)) return uri;
  const parts = splitUri(uri);
  const hostAndPort =
    parts?.authority === undefined ? undefined : parseHostAndPort(parts.authority);
  if (parts === undefined || hostAndPort === undefined || !isWebScheme(parts.scheme))
    return undefined;
  const ascii = toAsciiHost(hostAndPort.host);
  const asciiUri =
    ascii === undefined ? undefined : replaceHost(parts, uri, hostAndPort.host, ascii);
  return asciiUri !== undefined && isAscii(asciiUri) ? asciiUri : undefined;
}

/**
 * The spelling with the host in Unicode; null when it is no other than the text. For people to
 * read, never for a header.
 */
export function toUnicodeUri(uri: string): string | null {
  const parts = splitUri(uri);
  const hostAndPort =
    parts?.authority === undefined ? undefined : parseHostAndPort(parts.authority);
  if (
    parts === undefined ||
    hostAndPort === undefined ||
    !isWebScheme(parts.scheme) ||
    !hasALabel(hostAndPort.host)
  )
    return null;
  const unicodeHost = domainToUnicode(hostAndPort.host);
  return toAsciiHost(unicodeHost) !== hostAndPort.host.toLowerCase()
    ? null
    : replaceHost(parts, uri, hostAndPort.host, unicodeHost);
}

/** A URI for people who look at it: in both spellings where its host has two. */
export function formatUriForDisplay(uri: string): string {
  const unicodeUri = toUnicodeUri(uri);
  return unicodeUri === null ? uri : `${unicodeUri} (${uri})`;
}

/**
 * The host that a URI leads to, in both spellings, or the scheme of an app on the device; null: it
 * cannot be read.
 */
export function describeDestination(uri: string): string | null {
  const url = parseBrowserUrl(uri);
  if (url === null) return null;
  const unicodeHost = url.host === '' ? '' : domainToUnicode(url.hostname);
  if (url.host === '') return url.protocol;
  return unicodeHost !== url.hostname && toAsciiHost(unicodeHost) === url.hostname
    ? `${unicodeHost} (${url.host})`
    : url.host;
}

const label = /^[a-z0-9_-]{1,63}$/;

/**
 * True for a DNS name as it stands in a URI: labels of letters, digits, `-` and `_`, and no dot at
 * the end.
 */
const isDnsName = (host: string): boolean =>
  host.length <= MAX_HOST_LENGTH &&
  host.split('.').every((part) => label.test(part)) &&
  // An A-label that stands for nothing is read differently from browser to browser (RFC 5890
  // §2.3.2.1).
  (!hasALabel(host) ||
    (!hasALabel(domainToUnicode(host)) && toAsciiHost(domainToUnicode(host)) === host));

function findPortDeviation({ port }: HostAndPort): 'port' | null {
  if (port === undefined) return null;
  return /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535 ? null : 'port';
}

const isDotSegment = (segment: string): boolean => /^(?:\.|%2e){1,2}$/i.test(segment);

/** What is wrong with the text itself, before anybody reads it. */
function findTextDeviation({ authority, path, rest }: UriParts): UriDeviation | null {
  const all = `${authority ?? ''}${path}${rest}`;
  if (all.includes('\\')) return 'backslash';
  if (/[\s\p{Cc}]/u.test(all)) return 'characters';
  if (authority?.includes('@')) return 'credentials';
  if (!isAscii(path + rest)) return 'characters';
  if (/%(?![0-9a-f]{2})|%[01][0-9a-f]|%7f/i.test(all)) return 'percent-encoding';
  if (path.split('/').some(isDotSegment)) return 'dot-segments';
  return /%(?:2e|5c)/i.test(path) ? 'percent-encoding' : null;
}

/** The URI as a browser would have to write it, or what is wrong with its authority. */
function expectedUrl(
  parts: UriParts,
): { readonly href: string } | { readonly deviation: UriDeviation } {
  const { scheme, authority, path, rest } = parts;
  if (authority === undefined)
    return isWebScheme(scheme) ? { deviation: 'not-a-uri' } : { href: `${scheme}:${path}${rest}` };
  const hostAndPort = parseHostAndPort(authority);
  if (hostAndPort === undefined) return { deviation: 'host' };
  const portProblem = findPortDeviation(hostAndPort);
  if (portProblem !== null) return { deviation: portProblem };
  if (!isWebScheme(scheme))
    return isAscii(authority) && !authority.includes('%')
      ? { href: `${scheme}://${authority}${path}${rest}` }
      : { deviation: 'host' };
  const host = isAscii(hostAndPort.host)
    ? hostAndPort.host.toLowerCase()
    : toAsciiHost(hostAndPort.host);
  if (hostAndPort.host === '') return { deviation: 'not-a-uri' };
  if (host === undefined || !(host.startsWith('[') || isDnsName(host)))
    return { deviation: 'host' };
  const port =
    hostAndPort.port === undefined || Number(hostAndPort.port) === { http: 80, https: 443 }[scheme]
      ? ''
      : `:${hostAndPort.port}`;
  return { href: `${scheme}://${host}${port}${path || '/'}${rest}` };
}

/**
 * Reads a URI as a browser will (URL Standard §4.4). Nothing deviates when the parsed form equals
 * the text, but for an empty path, capitals of scheme and host, a default port, and a host in
 * Unicode.
 */
export function parseUriAsBrowser(uri: string): BrowserUriResult {
  const url = parseBrowserUrl(uri);
  const browserUrl = url?.href ?? null;
  const parts = splitUri(uri);
  if (parts === undefined)
    return { deviation: /^\s|[\t\n\r]/.test(uri) ? 'characters' : 'not-a-uri', browserUrl };
  const text = findTextDeviation(parts);
  if (text !== null) return { deviation: text, browserUrl };
  const wanted = expectedUrl(parts);
  if ('deviation' in wanted) return { deviation: wanted.deviation, browserUrl };
  if (url === null) return { deviation: 'not-a-uri', browserUrl };
  if (wanted.href === url.href) return { deviation: null, browserUrl };
  const other =
    isWebScheme(parts.scheme) && URL.parse(wanted.href)?.hostname !== hostOfUrl(wanted.href);
  return { deviation: other ? 'host' : 'spelling', browserUrl };
}

const hostOfUrl = (href: string): string =>
  parseHostAndPort(splitUri(href)?.authority ?? '')?.host ?? '';
const withoutRootDot = (host: string): string => (host.endsWith('.') ? host.slice(0, -1) : host);

/**
 * True when following the URI reaches another host than its text shows, or its scheme is one that
 * nobody is sent to. What was registered before this was looked at keeps working unless it is this;
 * never is anybody redirected to it (RFC 9700 §4.11).
 */
export function isMisleadingUri(uri: string): boolean {
  const parts = splitUri(uri);
  const url = parseBrowserUrl(uri);
  if (parts === undefined || url === null || url.protocol !== `${parts.scheme}:`) return true;
  // A browser drops these, so that what follows joins what is before.
  if (/[\p{Cc} ]/u.test(uri)) return true;
  if (!isWebScheme(parts.scheme)) return isForbiddenScheme(parts.scheme);
  const hostAndPort =
    parts.authority === undefined || parts.authority.includes('@')
      ? undefined
      : parseHostAndPort(parts.authority);
  if (hostAndPort === undefined || hostAndPort.host === '') return true;
  // ASCII alone: the sign of Kelvin is no k to whoever reads it.
  const small = hostAndPort.host.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const [writtenHost, actualHost] = [withoutRootDot(small), withoutRootDot(url.hostname)];
  // Two spellings of one IPv6 address are one host.
  if (writtenHost.startsWith('[')) return !actualHost.startsWith('[');
  return (
    writtenHost !== actualHost &&
    (isAscii(writtenHost) || toAsciiHost(withoutRootDot(hostAndPort.host)) !== actualHost)
  );
}
