import { addressNetwork, isLocal } from '#encoding/address.ts';
import type { Origin, ProxySign } from '#encoding/forwarded.ts';
import { type Instant, later, seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';

/** What the traffic says about the settings of proxies. */
export type TrafficSign = ProxySign | 'one-address';

export interface Sighting {
  readonly sign: TrafficSign;
  /** The other end of the connection, or the one address, when it was seen last. */
  readonly peer: string;
  readonly times: number;
  readonly lastAt: Instant;
}

/** Watches what this process sees of the proxies in front. */
export interface ProxyWatch {
  /**
   * Takes a request in. True: this peer has left out addresses within a day, so that what comes by
   * it is not known for sure.
   */
  note(peer: string, origin: Origin): boolean;
  /** Within the last day, in the order they were first seen. */
  sightings(): readonly Sighting[];
}

const DAY = seconds(86_400);
const HOUR = seconds(3600);
/** Peers that left addresses out; when there are more, nobody's word is taken. */
const MOST_PEERS = 1000;
/** As many requests in a row of one address are no accident, when people come from the internet. */
const ALL_THE_SAME = 100;

const remedies: Readonly<Record<TrafficSign, string>> = {
  'untrusted-forwarding': 'name the proxy with --trust-proxy, or keep the port closed to others',
  'local-peer': 'name the proxy with --trust-proxy, and let it append to X-Forwarded-For',
  'too-few-hops':
    'let every proxy append to X-Forwarded-For, and let --trust-proxy name their addresses',
  'counted-outside': 'name the addresses of the proxies with --trust-proxy instead of their number',
  'unreadable-hop': 'let the proxies write addresses into X-Forwarded-For',
  'one-address': 'name every proxy with --trust-proxy',
};

/**
 * Says each kind in the log at most once an hour. `outside`: people reach the server from the
 * internet.
 */
export function makeProxyWatch({
  clock,
  log,
  outside,
}: {
  readonly clock: Clock;
  readonly log: Log;
  readonly outside: boolean;
}): ProxyWatch {
  const silent = new Map<string, Instant>();
  const seen = new Map<TrafficSign, Sighting & { readonly saidAt: Instant }>();
  let [only, inARow] = ['', 0];

  function see(sign: TrafficSign, peer: string): void {
    const now = clock.now();
    const before = seen.get(sign);
    const say = before === undefined || now >= later(before.saidAt, HOUR);
    if (say)
      log.warn('the settings do not fit the proxies in front', {
        sign,
        peer,
        remedy: remedies[sign],
      });
    seen.set(sign, {
      sign,
      peer,
      times: (before?.times ?? 0) + 1,
      lastAt: now,
      saidAt: say ? now : before.saidAt,
    });
  }

  return {
    note(peer, { address, signs }) {
      const now = clock.now();
      for (const sign of signs) see(sign, peer);
      if (signs.includes('too-few-hops')) {
        silent.delete(peer);
        if (silent.size < MOST_PEERS) silent.set(peer, now);
      }
      inARow = address === only ? inARow + 1 : 1;
      only = address;
      // Of a single developer's network, or of one API that asks all day, it would be no sign.
      if (outside && inARow >= ALL_THE_SAME && isLocal(address))
        see('one-address', addressNetwork(address));
      const since = silent.get(peer);
      return silent.size >= MOST_PEERS || (since !== undefined && now < later(since, DAY));
    },
    sightings: () =>
      [...seen.values()]
        .filter(({ lastAt }) => clock.now() < later(lastAt, DAY))
        .map(({ saidAt: _, ...sighting }) => sighting),
  };
}
