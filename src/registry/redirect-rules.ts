import type { Client } from './client.ts';
import type { FieldProblem } from './refusals.ts';
import type { Sites } from './sites.ts';

/** Schemes that run or read something on the user's machine: never a place to send a person to (registry Q26). */
const dangerous = new Set(['javascript', 'data', 'file', 'blob', 'vbscript', 'about', 'filesystem', 'view-source', 'ws', 'wss', 'ftp']);
const MOST_BYTES = 2000;

/** What a redirect URI is judged by. */
export interface RedirectRules {
  readonly sites: Sites;
  /** Host suffixes, with their dot, that stand for this very machine: TLS adds nothing there. */
  readonly localSuffixes: readonly string[];
}

/** A problem, and whether it is advice that may be waved through (registry 4.4). */
export interface Judged {
  readonly problem: FieldProblem;
  readonly ignorable: boolean;
}

const error = (problem: FieldProblem): Judged => ({ problem, ignorable: false });
const advice = (problem: FieldProblem): Judged => ({ problem, ignorable: true });

/** Hosts that are this very machine. */
export const isLocalHost = (host: string, suffixes: readonly string[]): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(host) || suffixes.some((suffix) => host.endsWith(suffix));

/** What is wrong with a redirect URI (OAuth 1: callback); undefined: nothing (registry 4.3; RFC 6749 §3.1.2, RFC 8252 §7). */
export function redirectProblem(
  uri: string,
  client: Pick<Client, 'protocol' | 'confidential' | 'redirectIsPrefix'>,
  { sites, localSuffixes }: RedirectRules,
): Judged | undefined {
  if (uri === '') return error({ kind: 'empty' });
  if (Buffer.byteLength(uri) > MOST_BYTES) return error({ kind: 'too-long', most: MOST_BYTES });
  // Printable ASCII alone: anything else is percent-encoded in a URI (RFC 3986 §2).
  const scheme = /^[\x21-\x7e]+$/.test(uri) ? /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase() : undefined;
  if (scheme === undefined) return error({ kind: 'not-a-uri' });
  if (dangerous.has(scheme)) return error({ kind: 'scheme-not-allowed', scheme });
  if (uri.includes('#') && client.protocol === 'oauth2') return error({ kind: 'fragment-in-uri' });
  if (scheme !== 'http' && scheme !== 'https') {
    if (client.confidential) return error({ kind: 'own-scheme-confidential' });
    // Reverse domain names (RFC 8252 §7.1): without a dot, another app may claim the same scheme.
    return scheme.includes('.') ? undefined : advice({ kind: 'own-scheme-without-dot' });
  }
  const url = URL.parse(uri);
  if (url === null || !/^https?:\/\/[^/?#]/i.test(uri)) return error({ kind: 'not-a-uri' });
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(uri)) return error({ kind: 'credentials-in-uri' });
  if (client.protocol === 'oauth2' && scheme === 'http' && !isLocalHost(url.hostname, localSuffixes)) return error({ kind: 'not-https' });
  if (client.confidential && sites.holds(url)) return advice({ kind: 'our-own-site' });
  const bare = url.pathname === '/' && url.search === '' && url.hash === '';
  return bare && !client.redirectIsPrefix ? advice({ kind: 'bare-domain' }) : undefined;
}
