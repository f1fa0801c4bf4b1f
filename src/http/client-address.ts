import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UNKNOWN_ADDRESS } from '#encoding/address.ts';
import { resolveClientAddress } from '#encoding/forwarded.ts';
import type { Services } from './world.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the request comes from. */
    connectionInfo: ConnectionInfo;
  }
}

/** Where a request comes from, as far as the proxies that are trusted tell. */
export interface ConnectionInfo {
  /** For lists and the audit log: the best that is known. */
  readonly address: string;
  /** True when that is the client's own address for sure. */
  readonly isAddressTrusted: boolean;
  /** For rules about addresses: the same, or `UNKNOWN_ADDRESS`, which fits no rule. */
  readonly trustedAddress: string;
  /** People speak https to us. The issuer says so, for whatever speaks for a request can lie. */
  readonly secure: boolean;
}

const FORWARDING_HEADERS = [
  'x-forwarded-for',
  'forwarded',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  'via',
] as const;
/** Asked by load balancers themselves, which forward nothing then. */
const HEALTH_CHECK_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

function forwardedForHeaders({ raw: { rawHeaders } }: FastifyRequest): readonly string[] {
  const fields: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === 'x-forwarded-for')
      fields.push(rawHeaders[index + 1] as string);
  return fields;
}

/** Looks at how each request came, once, before anything else does. */
export function registerConnectionInfo(app: FastifyInstance, services: Services): void {
  const { trustProxy, secure, isInternetFacing, proxyMonitor } = services;
  app.decorateRequest('connectionInfo', null as never);
  app.addHook('onRequest', async (request) => {
    const peer = request.socket.remoteAddress ?? '';
    const connection = {
      peer,
      forwardedFor: forwardedForHeaders(request),
      forwarded: FORWARDING_HEADERS.some((name) => request.headers[name] !== undefined),
    };
    const origin = resolveClientAddress(connection, trustProxy, {
      outside: isInternetFacing,
      encrypted: secure,
    });
    // A peer that was silent before may be passing on what strangers write.
    const isDoubtful =
      !HEALTH_CHECK_PATHS.has(request.raw.url ?? '') && proxyMonitor.recordRequest(peer, origin);
    const isTrusted = origin.known && !isDoubtful;
    request.connectionInfo = {
      address: origin.address,
      isAddressTrusted: isTrusted,
      trustedAddress: isTrusted ? origin.address : UNKNOWN_ADDRESS,
      secure,
    };
  });
}
