import { maxHeaderSize } from 'node:http';
import { MAX_FORM_BYTES } from '#oauth2/refusal-texts.ts';
import type { DialectErrors } from './error-pages.ts';
import { MAX_BODY_BYTES, MAX_JSON_BYTES } from './request.ts';
import type { UnservedRequest } from './unserved-requests.ts';

// What is said of requests that reach no handler, or end in one by accident: in English for
// developers, in ASCII.

/** Endpoints of the protocols, each by the names that clients of other servers try. */
const endpoints: Readonly<Record<string, RegExp>> = {
  '/oauth2/token':
    /^\/(?:oauth2?(?:\/v\d)?\/(?:access_?)?token|token|access_token|login\/oauth\/access_token)$/,
  '/oauth2/authorize':
    /^\/(?:oauth2?(?:\/v\d)?\/auth(?:orize|orization)?|authorize|auth|login\/oauth\/authorize)$/,
  '/oauth2/revoke': /^\/(?:oauth2?(?:\/v\d)?\/revo(?:ke|cation)|revoke)$/,
  '/oauth2/introspect': /^\/(?:oauth2?(?:\/v\d)?\/introspect(?:ion)?|introspect)$/,
  '/oauth2/jwks':
    /^\/(?:oauth2?\/(?:jwks|certs|keys)(?:\.json)?|(?:\.well-known\/)?jwks(?:\.json)?|certs)$/,
  '/oauth1/initiate':
    /^\/(?:oauth1?\/(?:initiate|request_?token|temporary_credentials)|request_token)$/,
  '/oauth1/authorize': /^\/oauth1\/authori[sz]e$/,
  '/oauth1/authenticate': /^\/oauth1?\/authenticate$/,
  '/oauth1/token': /^\/oauth1\/(?:access_?)?token$/,
  '/.well-known/oauth-authorization-server':
    /^\/(?:\.well-known\/(?:oauth-authorization-server|openid-configuration)|oauth2\/\.well-known\/(?:oauth-authorization-server|openid-configuration))$/,
};
/**
 * The endpoint that was meant: another case, a slash too many, or the name that others use;
 * undefined: none that is known.
 */
export function suggestEndpoint(path: string, dialect: DialectErrors | null): string | undefined {
  const normalizedPath = path.slice(0, 200).toLowerCase().replace(/\/+/g, '/').replace(/\/$/, '');
  const candidates = { ...endpoints, ...dialect?.endpoints };
  return Object.keys(candidates).find((endpoint) => candidates[endpoint]?.test(normalizedPath));
}

/** What is said of an address that leads nowhere. */
export function notFoundMessage(path: string, dialect: DialectErrors | null): string {
  const suggestion = suggestEndpoint(path, dialect);
  if (suggestion !== undefined)
    return `There is nothing at this address: use ${suggestion}, spelled so.`;
  if (path.startsWith('/oauth1/'))
    return 'There is no such endpoint: those of OAuth 1 are /oauth1/initiate, /oauth1/authorize, /oauth1/authenticate and /oauth1/token.';
  if (path.startsWith('/oauth2/') || path.startsWith('/.well-known/'))
    return 'There is no such endpoint: /.well-known/oauth-authorization-server names them all.';
  if (path.startsWith('/api/'))
    return 'There is nothing at this address: GET /api/v1/openapi.json describes the API.';
  return 'There is nothing at this address.';
}

/** The methods that are worth naming to somebody. */
export const advertisedMethods = (methods: readonly string[]): readonly string[] =>
  methods.filter((method) => !['HEAD', 'OPTIONS'].includes(method));

function wrongMethodMessage(
  path: string,
  requestedMethod: string,
  allowed: readonly string[],
): string {
  const hint = `${requestedMethod.replace(/[^\x20-\x7e]/g, '?').slice(0, 32)} is not served here: use ${advertisedMethods(allowed).join(' or ')}`;
  if (/^\/oauth2\/(?:token|revoke|introspect)$/.test(path))
    return `${hint}, with the parameters in the body, as a form. A secret in an address is in logs: change it.`;
  return /^\/oauth1\/(?:initiate|token)$/.test(path)
    ? `${hint}, and sign the request with that method.`
    : `${hint}.`;
}

/** Most bytes that are read of a body at an address. */
function maxBodyBytesAt(path: string, dialect: DialectErrors | null): number {
  if (path.startsWith('/api/')) return MAX_JSON_BYTES;
  if (path.startsWith('/oauth2/')) return MAX_FORM_BYTES;
  return dialect?.maxBodyBytesAt(path) ?? MAX_BODY_BYTES;
}

/** What went wrong, and what to do. */
export function unservedMessage(
  problem: UnservedRequest,
  path: string,
  dialect: DialectErrors | null,
): string {
  switch (problem.kind) {
    case 'not-found':
      return notFoundMessage(path, dialect);
    case 'method':
      return wrongMethodMessage(path, problem.requestedMethod, problem.allowed);
    case 'too-large':
      return `The body is too large: at most ${maxBodyBytesAt(path, dialect)} bytes are read.`;
    case 'media-type':
      return `Content-Type cannot be read: send ${path.startsWith('/api/') ? 'application/json' : 'application/x-www-form-urlencoded'}.`;
    case 'multipart':
      return 'The body cannot be read: multipart/form-data has the boundary that Content-Type names, and lines that end in CRLF (RFC 7578).';
    case 'address':
      return 'The address cannot be read: each % in it is followed by two hexadecimal digits of UTF-8, and one that is meant is sent as %25.';
    case 'address-too-long':
      return `The address is too long: at most ${maxHeaderSize} bytes are read, header fields included.`;
    case 'fields-too-large':
      return `The header fields are too large: at most ${maxHeaderSize} bytes are read, address and cookies included.`;
    case 'no-host':
      return 'The header field Host is missing (RFC 9112).';
    case 'late':
      return 'The request did not arrive in time.';
    case 'expectation':
      return 'Expect is served as 100-continue alone: leave it out.';
    case 'unreadable':
      return 'The request cannot be read: it is no HTTP/1.1. Characters beyond ASCII and blanks are percent-encoded in an address.';
    case 'unavailable':
    case 'fault':
      return 'Something went wrong on our side. Please try again later.';
  }
}
