import { isIP } from 'node:net';
import { addressInRanges, isLocalAddress } from './address.ts';

/**
 * Proxies whose word is taken: how many stand in front, or at which addresses and ranges (CIDR)
 * they are.
 */
export type TrustedProxies = number | readonly string[];

/**
 * Why the address of a request is not known for sure, or looks as if the settings did not fit the
 * network.
 */
export const proxyWarnings = [
  /** Forwarding fields came from a peer that is not trusted. */
  'untrusted-forwarding',
  /**
   * A peer inside the own network, while people come from outside: a proxy that says nothing, or
   * one that is not trusted.
   */
  'local-peer',
  /**
   * A trusted proxy named fewer addresses than there should be: it does not append, or the count is
   * too high.
   */
  'too-few-hops',
  /** A count is believed from a peer on the internet: whoever reaches the port may be the proxy. */
  'counted-outside',
  /** A trusted proxy named something that is no address. */
  'unreadable-hop',
] as const;
export type ProxyWarning = (typeof proxyWarnings)[number];

/** How a request came to us, as far as the connection tells. */
export interface IncomingConnection {
  /** The other end of the connection; empty when there is none. */
  readonly peer: string;
  /** Every `X-Forwarded-For` field, in the order they were sent. */
  readonly forwardedFor: readonly string[];
  /** Any field that proxies write was sent. */
  readonly forwarded: boolean;
}

/** Where a request comes from. */
export interface ClientAddress {
  /** The best that is known; never a text that is no address, unless the connection has none. */
  readonly address: string;
  /** False: it may be a proxy's, or what a stranger wrote. */
  readonly known: boolean;
  readonly signs: readonly ProxyWarning[];
}

/** More proxies than anybody has. */
const MAX_HOPS = 32;

const inBrackets = /^\[([0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?$/;
const withPort = /^([0-9.]{7,15}):\d{1,5}$/;

/** One entry, without the port that some proxies add; undefined: no address. */
function parseHop(entry: string): string | undefined {
  const text = entry.trim();
  if (text.length > 64) return undefined;
  const address = inBrackets.exec(text)?.[1] ?? withPort.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? undefined : address;
}

/** What proxies said, the nearest first. */
const parseHops = (fields: readonly string[]): readonly string[] => {
  const text = fields.join(',');
  // The last 4 KiB hold every hop that anybody may believe.
  const entries = text.slice(-4096).split(',').slice(-MAX_HOPS);
  return text.trim() === '' ? [] : entries.reverse();
};

/**
 * True for the peer or hop at this distance (0: the other end of the connection) that is one of our
 * proxies.
 */
export const isTrustedProxy = (
  trusted: TrustedProxies,
  address: string,
  distance: number,
): boolean =>
  typeof trusted === 'number' ? distance < trusted : addressInRanges(address, trusted);

/**
 * Finds out where a request comes from: from the connection back, hop by hop, for as long as the
 * one who speaks is trusted (the way RFC 7239 §8.1 warns to go). `outside`: people reach this
 * server from the internet; `encrypted`: by https, which ends at a proxy, for we speak http alone.
 */
export function resolveClientAddress(
  { peer, forwardedFor, forwarded }: IncomingConnection,
  trusted: TrustedProxies,
  {
    outside: isInternetFacing,
    encrypted,
  }: { readonly outside: boolean; readonly encrypted: boolean },
): ClientAddress {
  if (!isTrustedProxy(trusted, peer, 0)) {
    const signs: ProxyWarning[] = [];
    if (forwarded) signs.push('untrusted-forwarding');
    if (isInternetFacing && isLocalAddress(peer)) signs.push('local-peer');
    // Without TLS in front, and from the internet, it is the sender who writes the fields: they
    // take nothing from what the connection says.
    return {
      address: peer,
      known: !(signs.includes('local-peer') || (forwarded && (encrypted || isLocalAddress(peer)))),
      signs,
    };
  }
  const hops = parseHops(forwardedFor);
  const signs: ProxyWarning[] =
    typeof trusted === 'number' && !isLocalAddress(peer) ? ['counted-outside'] : [];
  let address = peer;
  for (let distance = 0; ; distance++) {
    const entry = hops[distance];
    if (!isTrustedProxy(trusted, address, distance))
      return { address, known: signs.length === 0, signs };
    if (entry === undefined) {
      // The addresses that proxies have may be those of people as well: enough that one was named.
      const enough = typeof trusted !== 'number' && distance > 0;
      return enough
        ? { address, known: true, signs }
        : { address, known: false, signs: [...signs, 'too-few-hops'] };
    }
    const hop = parseHop(entry);
    if (hop === undefined) return { address, known: false, signs: [...signs, 'unreadable-hop'] };
    address = hop;
  }
}
