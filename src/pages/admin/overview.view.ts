import type { Accounts } from '#accounts/accounts.ts';
import type { AccountFilter } from '#accounts/records.ts';
import type { ProxyMonitor } from '#http/proxy-watch.ts';
import type { ServerInfo, SetupWarning } from '#http/world.ts';
import type { Instant } from '#kernel/time.ts';
import type { SigningKeys } from '#keys/signing.ts';
import type { Clock, ClockStatus } from '#platform/clock.ts';
import type { NotificationState, OutboxEntry } from '#registry/notifications/notification.ts';
import type { RegistryQueries } from '#registry/queries/registry-queries.ts';
import type { Registry } from '#registry/registry.ts';
import type { SignedInCall } from '../page.ts';
import type { Words } from '../words.ts';
import type { OverviewView, PartialCount } from './overview.template.ts';

/** How the server is, as far as it knows. */
export interface ServerState {
  readonly serverInfo: ServerInfo;
  readonly signingKeys: Pick<SigningKeys, 'jwks'>;
  readonly clockMonitor: { status(): ClockStatus; purgeUntil(): Instant | null };
  readonly proxyMonitor: Pick<ProxyMonitor, 'recentSightings'>;
  setupWarnings(): readonly SetupWarning[];
  /** Rejects when the store cannot be reached. */
  ping(): Promise<void>;
  /** Bytes of the embedded database's write-ahead log; null: there is none. */
  walBytes(): number | null;
}

export interface OverviewDependencies {
  readonly server: ServerState;
  readonly registry: Pick<Registry, 'query' | 'readOnly'>;
  readonly accounts: Pick<Accounts, 'countAccounts'>;
  readonly clock: Clock;
}

/** Notifications are counted as far as this. */
const MAX_COUNTED = 500;
const allAccounts: AccountFilter = { text: null, group: null, blocked: null };

/** Makes the view of the server's state. */
export async function makeOverviewView(
  { server, registry, accounts, clock }: OverviewDependencies,
  { actor, frame }: SignedInCall,
): Promise<OverviewView> {
  const query = registry.query(actor);
  const reachable = server.ping().then(
    () => true,
    () => false,
  );
  return {
    ...serverStateView(server, clock),
    ...(await notificationsView(query, frame.words)),
    storeReachable: await reachable,
    readOnly: registry.readOnly,
    accountCount: await accounts.countAccounts(allAccounts),
    blockedAccountCount: await accounts.countAccounts({ ...allAccounts, blocked: true }),
    pendingReviews: await query.countPendingReviews(),
  };
}

function serverStateView(server: ServerState, clock: Clock) {
  const { serverInfo, clockMonitor, signingKeys, proxyMonitor } = server;
  const { state, skewMs } = clockMonitor.status();
  return {
    version: serverInfo.version,
    startedAt: serverInfo.startedAt,
    uptimeSeconds: clock.now() - serverInfo.startedAt,
    walBytes: server.walBytes(),
    clockSkewSeconds: state === 'synchronized' ? null : Math.round(skewMs / 100) / 10,
    isPurging: clockMonitor.purgeUntil() !== null,
    keys: signingKeys.jwks().keys.map(({ kid, alg }) => ({ kid: kid ?? '', algorithm: alg ?? '' })),
    idleProposalTtlSeconds: serverInfo.idleProposalTtlSeconds,
    mailEnabled: serverInfo.mail,
    webhooks: serverInfo.webhooks,
    warnings: [
      ...server.setupWarnings().map((warning) => ({ ...warning, seen: null })),
      ...proxyMonitor
        .recentSightings()
        .map(({ sign, peer, ...seen }) => ({ kind: sign, about: peer, seen })),
    ],
  };
}

/** The notifications of a state, newest first, and how many there are. */
async function loadNotifications(
  query: Pick<RegistryQueries, 'listNotifications'>,
  state: NotificationState,
): Promise<{ readonly found: readonly OutboxEntry[]; readonly counted: PartialCount }> {
  const found = await query.listNotifications({ state, limit: MAX_COUNTED + 1 });
  return {
    found,
    counted: {
      count: Math.min(found.length, MAX_COUNTED),
      isLowerBound: found.length > MAX_COUNTED,
    },
  };
}

async function notificationsView(query: Pick<RegistryQueries, 'listNotifications'>, words: Words) {
  const waiting = await loadNotifications(query, 'waiting');
  const givenUp = await loadNotifications(query, 'given-up');
  const lastFailed = [...waiting.found, ...givenUp.found]
    .filter(({ problem }) => problem !== null)
    .sort((one, other) => other.id - one.id)[0];
  return {
    pendingNotifications: { ...waiting.counted, oldestAt: waiting.found.at(-1)?.createdAt ?? null },
    failedNotifications: givenUp.counted,
    lastDeliveryProblem:
      lastFailed === undefined
        ? null
        : {
            at: lastFailed.createdAt,
            text: lastFailed.problem ?? '',
            to:
              'facts' in lastFailed && lastFailed.target.kind === 'webhook'
                ? lastFailed.target.endpoint
                : words.say('admin.mail'),
          },
  };
}
