import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UNKNOWN_ADDRESS } from '#encoding/address.ts';
import { originOf } from '#encoding/forwarded.ts';
import type { World } from './world.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the request comes from. */
    arrival: Arrived;
  }
}

/** Where a request comes from, as far as the proxies that are trusted tell. */
export interface Arrived {
  /** For lists and the trail: the best that is known. */
  readonly address: string;
  /** True when that is the client's own address for sure. */
  readonly known: boolean;
  /** For rules about addresses: the same, or `UNKNOWN_ADDRESS`, which fits no rule. */
  readonly sure: string;
  /** People speak https to us. The issuer says so, for whatever speaks for a request can lie. */
  readonly secure: boolean;
}

const FORWARDING = [
  'x-forwarded-for',
  'forwarded',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  'via',
] as const;
/** Asked by load balancers themselves, which forward nothing then. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

function forwardedFor({ raw: { rawHeaders } }: FastifyRequest): readonly string[] {
  const fields: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === 'x-forwarded-for')
      fields.push(rawHeaders[index + 1] as string);
  return fields;
}

/** Looks at how each request came, once, before anything else does. */
export function noteArrivals(app: FastifyInstance, world: World): void {
  const { trustProxy, secure, outside, proxies } = world;
  app.decorateRequest('arrival', null as never);
  app.addHook('onRequest', async (request) => {
    const peer = request.socket.remoteAddress ?? '';
    const arrival = {
      peer,
      forwardedFor: forwardedFor(request),
      forwarded: FORWARDING.some((name) => request.headers[name] !== undefined),
    };
    const origin = originOf(arrival, trustProxy, { outside, encrypted: secure });
    // A peer that was silent before may be passing on what strangers write.
    const doubtful = !PROBES.has(request.raw.url ?? '') && proxies.note(peer, origin);
    const known = origin.known && !doubtful;
    request.arrival = {
      address: origin.address,
      known,
      sure: known ? origin.address : UNKNOWN_ADDRESS,
      secure,
    };
  });
}
