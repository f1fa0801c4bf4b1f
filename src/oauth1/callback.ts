import { isMisleadingUri, toAsciiUri } from '#encoding/browser-uri.ts';
import { percentEncode } from '#encoding/percent.ts';
import type { Client } from '#registry/model/client.ts';

interface UriParts {
  readonly scheme: string;
  readonly authority:
    | { readonly host: string; readonly port: number | undefined; readonly user: boolean }
    | undefined;
  readonly path: string;
  readonly query: string | undefined;
}

/**
 * Splits a URI without changing a byte of it (RFC 3986 Appendix B); undefined when it has no scheme
 * or a port out of range.
 */
function splitUri(uri: string): UriParts | undefined {
  const match =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/s.exec(uri);
  if (match === null || !/^[\x21-\x7e]+$/.test(uri) || uri.includes('\\')) return undefined;
  const [, scheme, authority, path = '', query] = match;
  if (scheme === undefined && authority === undefined) return undefined;
  if (authority === undefined)
    return { scheme: (scheme ?? '').toLowerCase(), authority: undefined, path, query };
  const at = authority.lastIndexOf('@');
  const hostAndPort = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
  if (hostAndPort === null) return undefined;
  const port =
    hostAndPort[2] === undefined || hostAndPort[2] === '' ? undefined : Number(hostAndPort[2]);
  if (port !== undefined && port > 65_535) return undefined;
  return {
    scheme: (scheme ?? '').toLowerCase(),
    authority: { host: hostAndPort[1] ?? '', port, user: at >= 0 },
    path,
    query,
  };
}

/** Scheme and authority, or as much of it as there is, and what follows. */
function splitAfterHost(uri: string): readonly [host: string, rest: string] {
  const host = /^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/[^/?#]*)?/.exec(uri)?.[0] ?? '';
  return [host, uri.slice(host.length)];
}

/**
 * True for a callback with blanks or characters beyond ASCII after its host: it is no URI until
 * they are percent-encoded (RFC 3986 §2).
 */
export const needsPercentEncoding = (callback: string): boolean =>
  /[^\x21-\x7e]/.test(splitAfterHost(callback)[1]);

/**
 * A callback as it will stand in a `Location`: blanks and characters beyond ASCII percent-encoded
 * as UTF-8, as a browser does it, except in the host. Control characters stay, and are refused by
 * whoever judges it.
 */
export function encodeCallback(callback: string): string {
  const [host, rest] = splitAfterHost(callback);
  return host + rest.replace(/[^\x21-\x7e\p{Cc}]+/gu, percentEncode);
}

/**
 * A path with its dot segments resolved, also where the dots are escaped, as browsers do (RFC 3986
 * §5.2.4).
 */
function resolveDotSegments(path: string): string {
  const segments: string[] = [];
  const all = path.split('/');
  all.forEach((segment, index) => {
    const plain = segment.replace(/%2e/gi, '.');
    if (plain === '..') segments.length > 1 && segments.pop();
    else if (plain !== '.') segments.push(segment);
    if ((plain === '.' || plain === '..') && index === all.length - 1) segments.push('');
  });
  return segments.join('/');
}

/**
 * Whether a callback may be used (RFC 5849 §2.1; protocols 1.13). Without the prefix flag only
 * `oob` may. With it, the callback may extend the registered URL: http also stands for https, port
 * 1 for any port, a path for what follows it. Dot segments are resolved first, so that a prefix
 * cannot be climbed out of. A prefix is compared as text: what is registered without a slash at its
 * end covers `/cb.evil` beside `/cb`, and what a server makes of `/cb/..;/x` is its own affair. A
 * callback that leads a browser to another host never may.
 */
export function isCallbackAllowed(
  callback: string,
  client: Pick<Client, 'redirectUri' | 'redirectIsPrefix'>,
): boolean {
  if (callback === 'oob') return true;
  if (!client.redirectIsPrefix || callback === '' || isMisleadingUri(callback)) return false;
  // What was registered before may have such characters, too.
  const [asked, registered] = [callback, encodeCallback(client.redirectUri)].map((uri) =>
    splitUri(toAsciiUri(uri) ?? ''),
  );
  if (asked === undefined || registered === undefined || asked.authority?.user) return false;
  if (
    asked.scheme !== registered.scheme &&
    !(registered.scheme === 'http' && asked.scheme === 'https')
  )
    return false;
  const [here, there] = [asked.authority, registered.authority];
  if ((here === undefined) !== (there === undefined) || here?.host !== there?.host) return false;
  if (there !== undefined && there.port !== 1 && here?.port !== there.port) return false;
  const path = resolveDotSegments(asked.path);
  if (registered.query !== undefined)
    return (
      path === registered.path &&
      asked.query !== undefined &&
      asked.query.startsWith(registered.query)
    );
  return registered.path === '' || path.startsWith(registered.path);
}

/** True for the registered callback itself, in either spelling of its host. */
export const isRegisteredCallback = (
  callback: string,
  client: Pick<Client, 'redirectUri'>,
): boolean =>
  callback === client.redirectUri ||
  (toAsciiUri(callback) !== undefined && toAsciiUri(callback) === toAsciiUri(client.redirectUri));

/**
 * Where a person is sent with the verifier, as it stands in a header; null: nowhere, they carry it
 * themselves. `misleads`: to another host than the text shows.
 */
export function callbackDestination(
  callback: string,
  client: Pick<Client, 'redirectUri'>,
  oobRedirectsToRegisteredUrl: boolean,
): string | null | 'misleads' {
  if (callback === 'oob' && !(oobRedirectsToRegisteredUrl && client.redirectUri !== ''))
    return null;
  const uri = callback === 'oob' ? client.redirectUri : callback;
  return isMisleadingUri(uri) ? 'misleads' : (toAsciiUri(uri) ?? 'misleads');
}
