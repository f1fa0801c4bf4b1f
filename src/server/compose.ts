import { makePendingRequests } from '#accounts/kept-requests.ts';
import type { Config } from '#config/config.ts';
import { version } from '#config/version.ts';
import { type Guard, makeGuard } from '#guard/permit.ts';
import { makeProxyMonitor } from '#http/proxy-watch.ts';
import type { Services } from '#http/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { Unavailable } from '#kernel/unavailable.ts';
import type { Delivery } from '#registry/notifications/delivery.ts';
import { makeReencryption } from '#registry/reencryption.ts';
import type { Store } from '#store/store.ts';
import type { ClockMonitor } from './clock-watch.ts';
import { composeAccounts } from './compose-accounts.ts';
import { composeDelivery } from './compose-delivery.ts';
import { composeRegistry } from './compose-registry.ts';
import { loadConfiguredClients } from './configured-clients.ts';
import { composeFoundation, type Foundation } from './foundation.ts';
import { type KeyMaintenance, makeKeyMaintenance } from './key-jobs.ts';
import { findWorldAccessiblePaths } from './open-paths.ts';
import { explainStoreErrors } from './open-store.ts';
import type { Platform } from './platform.ts';
import { makeProtocols } from './protocols.ts';
import { findSettingWarnings } from './setting-warnings.ts';

type Protocols = ReturnType<typeof makeProtocols>;

/** A composed server: its services, and what the jobs beside them need. */
export interface Server {
  readonly services: Services;
  readonly guard: Guard;
  readonly store: Store;
  /**
   * Takes the apps of the configuration in. Throws StartupError that names every problem; until
   * then none of them can be used.
   */
  prepare(): Promise<void>;
  readonly delivery: Delivery;
  readonly keyMaintenance: KeyMaintenance;
  readonly clockMonitor: ClockMonitor;
  /** Writes down what was used since the last time. */
  flushUsage(): Promise<void>;
  /** Writes down which requests were refused since the last time. */
  flushFailures(): Promise<void>;
}

/** Lets nobody in by a clock that is known to be wrong. */
const refuseWhileClockIsWrong = (clocks: ClockMonitor, guard: Guard): Guard => ({
  ...guard,
  permit: async (rawRequest, site) => {
    if (clocks.status().state === 'unusable')
      throw new Unavailable('the clock of this node is wrong', 5);
    return guard.permit(rawRequest, site);
  },
});

const composeGuard = (
  { clockMonitor, scopes, rights }: Foundation,
  { coreProtocols: { oauth1, oauth2 } }: Protocols,
): Guard =>
  refuseWhileClockIsWrong(
    clockMonitor,
    makeGuard({ oauth1, oauth2, scopes, rightsOf: rights.rightsOf, realm: 'gatehouse' }),
  );

/** The protocols as routes see them: the core's, and the dialect's where it is served. */
const servedProtocols = (
  { dialect }: Foundation,
  { coreProtocols, dialectProtocols }: Protocols,
): Services['protocols'] => ({
  core: coreProtocols,
  dialect: dialect &&
    dialectProtocols && {
      ...dialectProtocols,
      name: dialect.name,
      ownsTarget: dialect.ownsTarget,
    },
});

const connectionLimits = (config: Config): Services['connectionLimits'] => ({
  maxConnections: config.maxConnections,
  headersTimeoutSeconds: config.headersTimeoutSeconds,
  requestTimeoutSeconds: config.requestTimeoutSeconds,
  keepAliveTimeoutSeconds: config.keepAliveTimeoutSeconds,
});

const serverInfo = ({ config, platform, clock }: Foundation): Services['serverInfo'] => ({
  version,
  startedAt: clock.now(),
  idleProposalTtlSeconds: config.idleProposalTtlSeconds,
  mail: platform.mailTransport !== null,
  webhooks: config.webhooks.map(({ name }) => name),
});

/** Everything that routes and pages may ask for. */
function composeServices(
  foundation: Foundation,
  guard: Guard,
  protocols: Protocols,
  delivery: Delivery,
): Services {
  const { config, store, dialect, rights, sites, scopes, failures } = foundation;
  const { clock, entropy, log, idGenerator, signing, clockMonitor } = foundation;
  return {
    guard,
    issuer: config.issuer,
    origin: config.origin,
    site: config.site as SiteId,
    siteName: config.siteName,
    secure: config.origin.startsWith('https:'),
    trustProxy: config.trustProxy,
    isInternetFacing: config.isInternetFacing,
    proxyMonitor: makeProxyMonitor({ clock, log, isInternetFacing: config.isInternetFacing }),
    connectionLimits: connectionLimits(config),
    setupWarnings: () => [...findSettingWarnings(config), ...findWorldAccessiblePaths(config)],
    accounts: composeAccounts(foundation, delivery),
    records: store,
    rights,
    registry: composeRegistry(foundation, protocols),
    sites,
    scopes,
    authorizationRequests: store,
    failures,
    pendingRequests: makePendingRequests({ records: store, limits: store, idGenerator, clock }),
    protocols: servedProtocols(foundation, protocols),
    signingKeys: signing,
    idGenerator,
    entropy,
    clock,
    clockMonitor,
    log,
    serverInfo: serverInfo(foundation),
    ping: () => store.ping(),
    walBytes: () => store.walBytes(),
    dialect,
  };
}

/** Builds everything; nothing is written, and nothing listens yet. */
export function composeServer(config: Config, platform: Platform): Server {
  const foundation = composeFoundation(config, platform);
  const { store, clock, log, rules, secretBox, usage, failures, clockMonitor } = foundation;
  const protocols = makeProtocols(foundation);
  const guard = composeGuard(foundation, protocols);
  const delivery = composeDelivery(foundation);
  const keyring = platform.masterKeys;
  const reencryption = makeReencryption({ records: store, secretBox, keyring, clock, log });
  return {
    services: composeServices(foundation, guard, protocols, delivery),
    guard,
    store,
    async prepare() {
      await explainStoreErrors(() => store.prepareSchema({ migrate: config.migrate }));
      await loadConfiguredClients({ config, store, rules, secretBox, clock });
    },
    delivery,
    keyMaintenance: makeKeyMaintenance({ config, platform, reencryption }),
    clockMonitor,
    flushUsage: async () => void (await Promise.all([usage.flush(), failures.flush()])),
    flushFailures: () => failures.flush(),
  };
}
