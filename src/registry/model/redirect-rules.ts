import { parseUriAsBrowser, type UriDeviation } from '#encoding/browser-uri.ts';
import { isForbiddenScheme } from '#encoding/refused-schemes.ts';
import type { FieldProblem } from '../refusals.ts';
import type { Client } from './client.ts';
import type { Sites } from './sites.ts';

const MAX_URI_BYTES = 2000;

/** What a redirect URI is judged by. */
export interface RedirectRules {
  readonly sites: Sites;
  /** Host suffixes, with their dot, that stand for this very machine: TLS adds nothing there. */
  readonly localSuffixes: readonly string[];
  /**
   * The app comes by the registration addresses of the dialect: a scheme without a dot is advised
   * against and not refused (registry 4.3).
   */
  readonly dialect?: boolean;
}

/** A problem, and whether it is advice that may be waved through (registry 4.4). */
export interface FieldIssue {
  readonly problem: FieldProblem;
  readonly ignorable: boolean;
}

const error = (problem: FieldProblem): FieldIssue => ({ problem, ignorable: false });
const advice = (problem: FieldProblem): FieldIssue => ({ problem, ignorable: true });

/** Hosts that are this very machine. */
export const isLocalHost = (host: string, suffixes: readonly string[]): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(host) ||
  suffixes.some((suffix) => host.endsWith(suffix));

/**
 * True for a URI that an answer travels to without encryption, over a network (RFC 8252 §8.3).
 * Loopback is none, whatever the port: all of
 * 127.0.0.0/8, ::1, and names for this very machine.
 */
export function isReadableOnTheWay(uri: string, suffixes: readonly string[]): boolean {
  const url = URL.parse(uri);
  if (url?.protocol !== 'http:') return false;
  return !isLocalHost(url.hostname, suffixes) && !/^127(?:\.\d{1,3}){3}$/.test(url.hostname);
}

/** The problem of each deviation; people are told what to change, not how browsers parse. */
const deviations = {
  'not-a-uri': () => ({ kind: 'not-a-uri' }),
  characters: () => ({ kind: 'not-a-uri' }),
  backslash: () => ({ kind: 'backslash-in-uri' }),
  'percent-encoding': () => ({ kind: 'encoding-in-uri' }),
  credentials: () => ({ kind: 'credentials-in-uri' }),
  host: () => ({ kind: 'host-in-uri' }),
  port: () => ({ kind: 'port-in-uri' }),
  'dot-segments': () => ({ kind: 'dot-segments-in-uri' }),
  spelling: (reads) => ({ kind: 'uri-rewritten', reads }),
} as const satisfies Record<UriDeviation, (reads: string) => FieldProblem>;

/** A reversed domain name, or at least one that has a dot between two labels (RFC 8252 §7.1). */
const hasDomain = (scheme: string): boolean => /^[a-z0-9+-]+(?:\.[a-z0-9+-]+)+$/.test(scheme);

const schemeOf = (uri: string): string | undefined =>
  /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase();

/**
 * What is wrong with the text of a URI, whoever uses it: a browser would read it differently, or
 * nobody is ever sent there.
 */
function uriProblem(uri: string): FieldProblem | undefined {
  const scheme = schemeOf(uri);
  if (scheme !== undefined && isForbiddenScheme(scheme))
    return { kind: 'scheme-not-allowed', scheme };
  const { deviation, browserUrl: reads } = parseUriAsBrowser(uri);
  return deviation === null ? undefined : deviations[deviation](reads ?? '');
}

/**
 * What would be refused about a redirect URI if it were registered now; undefined: nothing. URIs
 * that were registered or imported before a rule keep working, and are listed for review by this.
 * The rules of the app's kind are not among it: its kind was reviewed.
 */
export function redirectToReview(
  client: Pick<Client, 'redirectUri' | 'ownerOnly'>,
): FieldProblem | undefined {
  const { redirectUri, ownerOnly } = client;
  if (ownerOnly || redirectUri === '') return undefined;
  const problem = uriProblem(redirectUri);
  if (problem !== undefined) return problem;
  const scheme = schemeOf(redirectUri) ?? '';
  return scheme === 'http' || scheme === 'https' || hasDomain(scheme)
    ? undefined
    : { kind: 'own-scheme-without-dot' };
}

/**
 * What is wrong with a redirect URI (OAuth 1: callback); undefined: nothing (registry 4.3; RFC 6749
 * §3.1.2, RFC 8252 §7). It must read to a browser as it does to a reviewer.
 */
export function redirectProblem(
  uri: string,
  client: Pick<Client, 'protocol' | 'confidential' | 'redirectIsPrefix'>,
  { sites, localSuffixes, dialect = false }: RedirectRules,
): FieldIssue | undefined {
  if (uri === '') return error({ kind: 'empty' });
  if (Buffer.byteLength(uri) > MAX_URI_BYTES)
    return error({ kind: 'too-long', most: MAX_URI_BYTES });
  const problem = uriProblem(uri);
  if (problem !== undefined) return error(problem);
  const scheme = schemeOf(uri) ?? '';
  if (uri.includes('#') && client.protocol === 'oauth2') return error({ kind: 'fragment-in-uri' });
  const url = URL.parse(uri);
  if (url === null) return error({ kind: 'not-a-uri' });
  if (scheme !== 'http' && scheme !== 'https') {
    if (client.confidential) return error({ kind: 'own-scheme-confidential' });
    // Reverse domain names (RFC 8252 §7.1): without a dot, another app may claim the same scheme.
    if (hasDomain(scheme)) return undefined;
    return dialect
      ? advice({ kind: 'own-scheme-without-dot' })
      : error({ kind: 'own-scheme-without-dot' });
  }
  if (
    client.protocol === 'oauth2' &&
    scheme === 'http' &&
    !isLocalHost(url.hostname, localSuffixes)
  )
    return error({ kind: 'not-https' });
  if (client.confidential && sites.containsUrl(url)) return advice({ kind: 'our-own-site' });
  const isBareDomain = url.pathname === '/' && url.search === '' && url.hash === '';
  return isBareDomain && !client.redirectIsPrefix ? advice({ kind: 'bare-domain' }) : undefined;
}
