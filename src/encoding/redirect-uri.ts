import { isMisleadingUri, toAsciiUri } from './browser-uri.ts';
import { formEncode, type NameValuePair } from './form.ts';

const loopback = /^http:\/\/(?:127\.0\.0\.1|\[::1\])(?=[:/?#]|$)/;

/**
 * Without its port, when it is an http URI of a loopback address: its port is free at request time
 * (RFC 8252 §7.3).
 */
function withoutLoopbackPort(uri: string): string | undefined {
  const [origin] = loopback.exec(uri) ?? [];
  if (origin === undefined) return undefined;
  const rest = uri.slice(origin.length);
  const port = /^:(\d{1,5})(?=[/?#]|$)/.exec(rest);
  if (port === null) return rest.startsWith(':') ? undefined : uri;
  return Number(port[1]) <= 65_535 ? origin + rest.slice(port[0].length) : undefined;
}

/**
 * True when the URI is one of the registered ones: the same text (RFC 9700 §2.1), except for the
 * port of an http loopback address. A host in Unicode and its A-labels are two spellings of one
 * text.
 */
export function isRegisteredRedirectUri(registered: readonly string[], requested: string): boolean {
  if (registered.includes(requested)) return true;
  const asciiUri = toAsciiUri(requested);
  if (asciiUri === undefined) return false;
  const bare = withoutLoopbackPort(asciiUri);
  return registered.some((uri) => {
    const known = toAsciiUri(uri);
    return (
      known !== undefined &&
      (known === asciiUri || (bare !== undefined && withoutLoopbackPort(known) === bare))
    );
  });
}

/**
 * Adds parameters to the query of a URI and leaves the rest of it byte for byte; a fragment stays
 * at the end (RFC 6749 §4.1.2).
 */
export function addQueryParameters(uri: string, params: readonly NameValuePair[]): string {
  if (params.length === 0) return uri;
  const hash = uri.indexOf('#');
  const [head, fragment] = hash < 0 ? [uri, ''] : [uri.slice(0, hash), uri.slice(hash)];
  const question = head.indexOf('?');
  const separator =
    question < 0 ? '?' : question === head.length - 1 || head.endsWith('&') ? '' : '&';
  return `${head}${separator}${formEncode(params)}${fragment}`;
}

/**
 * The value of a Location header that sends a person to a redirect URI with these parameters.
 * Throws for a URI that misleads: whoever reads a request refuses it before, so that nobody is sent
 * there even when a stored one is not what was judged.
 */
export function makeRedirectLocation(uri: string, params: readonly NameValuePair[]): string {
  const asciiUri = toAsciiUri(uri);
  if (asciiUri === undefined || isMisleadingUri(asciiUri))
    throw new Error('a redirect URI leads to another host than it shows');
  return addQueryParameters(asciiUri, params);
}
