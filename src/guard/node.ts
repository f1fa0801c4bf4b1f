import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { SiteId } from '#kernel/ids.ts';
import type { Result } from '#kernel/result.ts';
import type { SentRequest } from '#wire/sent-request.ts';
import type { Guard, GuardRefusal, Permit } from './permit.ts';

/** What only the server knows of how a request reached it; behind a proxy, the proxy's word. */
export interface Reached {
  readonly address?: string;
  readonly secure?: boolean;
}

/** A request of `node:http` as it was sent: nothing resolved, every value of a repeated field. `body`: the bytes, when they were read. */
export function sentFromNode(request: IncomingMessage, body: Uint8Array | undefined, reached: Reached = {}): SentRequest {
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    headers: request.headersDistinct,
    body,
    address: reached.address ?? request.socket.remoteAddress ?? '',
    secure: reached.secure ?? request.socket instanceof TLSSocket,
  };
}

/** Checks a request of `node:http` for a site; see `Guard.permit`. A signed form needs its `body`, as the signature covers it. */
export const permitFromNode = (
  guard: Guard,
  request: IncomingMessage,
  body: Uint8Array | undefined,
  site: SiteId,
  reached: Reached = {},
): Promise<Result<Permit, GuardRefusal>> => guard.permit(sentFromNode(request, body, reached), site);
