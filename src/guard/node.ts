import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { hasRequestBody, type RawRequest } from '#encoding/raw-request.ts';
import type { SiteId } from '#kernel/ids.ts';
import type { Result } from '#kernel/result.ts';
import type { Guard, Permit } from './permit.ts';
import type { GuardRefusal } from './refusals.ts';

/** What only the server knows of how a request reached it; behind a proxy, the proxy's word. */
export interface ConnectionInfo {
  readonly address?: string;
  readonly secure?: boolean;
}

/**
 * The target of the request line. Express and Connect cut the path of a router off `url`, and keep
 * what was sent beside it.
 */
function requestTarget(request: IncomingMessage & { readonly originalUrl?: unknown }): string {
  const { originalUrl } = request;
  return typeof originalUrl === 'string' && originalUrl !== '' ? originalUrl : (request.url ?? '/');
}

const noBytes = new Uint8Array();

/**
 * The bytes of a body; undefined when there are some that were not handed over, or that somebody
 * else has read already.
 */
function bodyBytes(request: IncomingMessage, body: Uint8Array | undefined): Uint8Array | undefined {
  if (body instanceof Uint8Array && body.length > 0) return body;
  // HTTP/2 says nowhere in its header fields that there is no content: an empty body counts if it
  // was handed over.
  if (request.httpVersionMajor > 1) return body instanceof Uint8Array ? body : undefined;
  return hasRequestBody({ headers: request.headersDistinct }) ? undefined : noBytes;
}

/**
 * A request of `node:http` as it was sent: nothing resolved, every value of a repeated field, below
 * a mount path too. `body`: the bytes, when they were read; for a parser that has taken them, what
 * it kept.
 */
export function rawRequestFromNode(
  request: IncomingMessage,
  body: Uint8Array | undefined,
  connection: ConnectionInfo = {},
): RawRequest {
  return {
    method: request.method ?? 'GET',
    target: requestTarget(request),
    headers: request.headersDistinct,
    body: bodyBytes(request, body),
    address: connection.address ?? request.socket.remoteAddress ?? '',
    secure: connection.secure ?? request.socket instanceof TLSSocket,
  };
}

/**
 * Checks a request of `node:http` for a site; see `Guard.permit`. A signed form needs its `body`,
 * as the signature covers it: without the bytes the request is refused with `body_unavailable`.
 */
export const permitFromNode = (
  guard: Guard,
  request: IncomingMessage,
  body: Uint8Array | undefined,
  site: SiteId,
  connection: ConnectionInfo = {},
): Promise<Result<Permit, GuardRefusal>> =>
  guard.permit(rawRequestFromNode(request, body, connection), site);
