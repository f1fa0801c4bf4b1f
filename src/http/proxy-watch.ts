import { isLocalAddress, networkOfAddress } from '#encoding/address.ts';
import type { ClientAddress, ProxyWarning } from '#encoding/forwarded.ts';
import { addSeconds, type Instant, seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';

/** What the traffic says about the settings of proxies. */
export type ProxyWarningKind = ProxyWarning | 'one-address';

export interface ProxySighting {
  readonly sign: ProxyWarningKind;
  /** The other end of the connection, or the one address, when it was seen last. */
  readonly peer: string;
  readonly times: number;
  readonly lastAt: Instant;
}

/** Watches what this process sees of the proxies in front. */
export interface ProxyMonitor {
  /**
   * Takes a request in. True: this peer has left out addresses within a day, so that what comes by
   * it is not known for sure.
   */
  recordRequest(peer: string, origin: ClientAddress): boolean;
  /** Within the last day, in the order they were first seen. */
  recentSightings(): readonly ProxySighting[];
}

const DAY = seconds(86_400);
const HOUR = seconds(3600);
/** Peers that left addresses out; when there are more, nobody's word is taken. */
const MAX_PEERS = 1000;
/** As many requests in a row of one address are no accident, when people come from the internet. */
const SAME_ADDRESS_THRESHOLD = 100;

const remedies: Readonly<Record<ProxyWarningKind, string>> = {
  'untrusted-forwarding': 'name the proxy with --trust-proxy, or keep the port closed to others',
  'local-peer': 'name the proxy with --trust-proxy, and let it append to X-Forwarded-For',
  'too-few-hops':
    'let every proxy append to X-Forwarded-For, and let --trust-proxy name their addresses',
  'counted-outside': 'name the addresses of the proxies with --trust-proxy instead of their number',
  'unreadable-hop': 'let the proxies write addresses into X-Forwarded-For',
  'one-address': 'name every proxy with --trust-proxy',
};

/**
 * Says each kind in the log at most once an hour. `isInternetFacing`: people reach the server from
 * the internet.
 */
export function makeProxyMonitor({
  clock,
  log,
  isInternetFacing,
}: {
  readonly clock: Clock;
  readonly log: Log;
  readonly isInternetFacing: boolean;
}): ProxyMonitor {
  const peersOmittingAddresses = new Map<string, Instant>();
  const sightingByKind = new Map<
    ProxyWarningKind,
    ProxySighting & { readonly loggedAt: Instant }
  >();
  let [lastAddress, repeatCount] = ['', 0];

  function recordSighting(sign: ProxyWarningKind, peer: string): void {
    const now = clock.now();
    const previous = sightingByKind.get(sign);
    const shouldLog = previous === undefined || now >= addSeconds(previous.loggedAt, HOUR);
    if (shouldLog)
      log.warn('the settings do not fit the proxies in front', {
        sign,
        peer,
        remedy: remedies[sign],
      });
    sightingByKind.set(sign, {
      sign,
      peer,
      times: (previous?.times ?? 0) + 1,
      lastAt: now,
      loggedAt: shouldLog ? now : previous.loggedAt,
    });
  }

  return {
    recordRequest(peer, { address, signs }) {
      const now = clock.now();
      for (const sign of signs) recordSighting(sign, peer);
      if (signs.includes('too-few-hops')) {
        peersOmittingAddresses.delete(peer);
        if (peersOmittingAddresses.size < MAX_PEERS) peersOmittingAddresses.set(peer, now);
      }
      repeatCount = address === lastAddress ? repeatCount + 1 : 1;
      lastAddress = address;
      // Of a single developer's network, or of one API that asks all day, it would be no sign.
      if (isInternetFacing && repeatCount >= SAME_ADDRESS_THRESHOLD && isLocalAddress(address))
        recordSighting('one-address', networkOfAddress(address));
      const since = peersOmittingAddresses.get(peer);
      return (
        peersOmittingAddresses.size >= MAX_PEERS ||
        (since !== undefined && now < addSeconds(since, DAY))
      );
    },
    recentSightings: () =>
      [...sightingByKind.values()]
        .filter(({ lastAt }) => clock.now() < addSeconds(lastAt, DAY))
        .map(({ loggedAt: _, ...sighting }) => sighting),
  };
}
