import type { Client } from './client.ts';

/** Schemes that run or read something on the user's machine: never a place to send a person to. */
const dangerous = new Set(['javascript', 'data', 'file', 'blob', 'vbscript', 'about', 'filesystem', 'view-source', 'ws', 'wss', 'ftp']);
const MOST_BYTES = 2000;

/** Hosts that are this very machine, where TLS adds nothing. */
const isLocalHost = (host: string) => ['localhost', '127.0.0.1', '[::1]'].includes(host) || host.endsWith('.localhost');

/** What is wrong with a redirect URI (OAuth 1: callback); undefined: nothing (registry 4.3; RFC 6749 §3.1.2, RFC 8252 §7). */
export function redirectProblem(uri: string, client: Pick<Client, 'protocol' | 'confidential' | 'redirectIsPrefix'>): string | undefined {
  if (uri === '') return 'missing';
  if (Buffer.byteLength(uri) > MOST_BYTES) return 'longer than 2000 bytes';
  if (!/^[\x21-\x7e]+$/.test(uri)) return 'characters that must be percent-encoded';
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return 'not an absolute URI';
  if (dangerous.has(scheme)) return `the scheme ${scheme} is not allowed`;
  if (uri.includes('#') && client.protocol === 'oauth2') return 'a fragment is not allowed';
  if (scheme !== 'http' && scheme !== 'https') {
    if (client.confidential) return 'a scheme of its own is for apps that cannot keep a secret';
    return scheme.includes('.') ? undefined : 'a scheme of its own needs a dot, as in com.example.app';
  }
  const url = URL.parse(uri);
  if (url === null || !/^https?:\/\/[^/?#]/i.test(uri)) return 'not an absolute URI';
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(uri)) return 'a name or password in it is not allowed';
  if (client.protocol === 'oauth2' && scheme === 'http' && !isLocalHost(url.hostname)) return 'must be https';
  return undefined;
}
