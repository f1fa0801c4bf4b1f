import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { renderAccountEmail } from '#accounts/account-emails.ts';
import { makeAccounts } from '#accounts/accounts.ts';
import builtInGroups from '#accounts/data/groups.json' with { type: 'json' };
import { makeEmailBudget } from '#accounts/email-budget.ts';
import { makePendingRequests } from '#accounts/kept-requests.ts';
import { ADMINISTER_RIGHT, loadRights } from '#accounts/rights.ts';
import type { Config } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { version } from '#config/version.ts';
import { type Guard, makeGuard } from '#guard/permit.ts';
import { makeProxyMonitor } from '#http/proxy-watch.ts';
import type { Services } from '#http/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { Unavailable } from '#kernel/unavailable.ts';
import { makeIdGenerator } from '#keys/id-generator.ts';
import { makeSecretBox } from '#keys/secret-box.ts';
import { makeSigningKeys } from '#keys/signing.ts';
import { makeOwnerTokenIssuer } from '#oauth2/access-token.ts';
import { accountEmailTemplates, renderNotificationEmail } from '#pages/email-templates.ts';
import type { FieldRules } from '#registry/actions/fields.ts';
import { RIGHTS } from '#registry/actor.ts';
import { grantTypes } from '#registry/model/client.ts';
import builtInScopes from '#registry/model/data/scopes.json' with { type: 'json' };
import { loadScopes } from '#registry/model/scopes.ts';
import { makeSites } from '#registry/model/sites.ts';
import { type Delivery, makeDelivery } from '#registry/notifications/delivery.ts';
import { makeReencryption } from '#registry/reencryption.ts';
import { makeFailures } from '#registry/refused-requests.ts';
import { makeRegistry } from '#registry/registry.ts';
import { makeUsage } from '#registry/usage.ts';
import type { Store } from '#store/store.ts';
import { type ClockMonitor, monitorClock } from './clock-watch.ts';
import { loadConfiguredClients } from './configured-clients.ts';
import { installedDialect } from './installed-dialect.ts';
import { type KeyMaintenance, makeKeyMaintenance } from './key-jobs.ts';
import { findWorldAccessiblePaths } from './open-paths.ts';
import { explainStoreErrors } from './open-store.ts';
import type { Platform } from './platform.ts';
import { makeProtocols } from './protocols.ts';
import { findSettingWarnings } from './setting-warnings.ts';

/** The world and the handles its keeper needs. */
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

/** Rights that some group must give, or a part of the server is closed to everybody. */
const requiredRights = {
  [ADMINISTER_RIGHT]: 'administer accounts and groups',
  [RIGHTS.propose]: 'propose an app',
  [RIGHTS.review]: 'review an app',
  [RIGHTS.manageConsents]: 'allow an app, or take that back',
};

/**
 * Reads a table that a setting may replace by a file. Throws StartupError that names the setting,
 * the file and every problem.
 */
function readTable<T>(
  setting: { readonly name: string; readonly path: string | null; readonly builtIn: unknown },
  load: (json: unknown) => T,
): T {
  if (setting.path === null) return load(setting.builtIn);
  try {
    return load(readJson(setting.path));
  } catch (fault) {
    if (fault instanceof StartupError) throw new StartupError(`${setting.name}: ${fault.message}`);
    throw new StartupError(`${setting.name}, file ${setting.path}: ${(fault as Error).message}
The format is in docs/configuration.md, "Scopes and groups".`);
  }
}

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (fault) {
    throw new StartupError(`the file ${path} cannot be read as JSON: ${(fault as Error).message}`);
  }
};

const derivedKeys = new WeakMap<Uint8Array, Map<string, Uint8Array>>();

/** A key for one purpose, made of a master key. */
function deriveKey(masterKey: Uint8Array, purpose: 'change tokens' | 'known devices'): Uint8Array {
  const known = derivedKeys.get(masterKey) ?? new Map<string, Uint8Array>();
  derivedKeys.set(masterKey, known);
  const key =
    known.get(purpose) ??
    new Uint8Array(hkdfSync('sha256', masterKey, '', `gatehouse ${purpose}`, 32));
  known.set(purpose, key);
  return key;
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

/** Builds everything; the only place that names a concrete store, clock or key. */
export function composeServer(config: Config, platform: Platform): Server {
  const { clock, entropy, log } = platform;
  const rights = readTable(
    {
      name: '--groups (GATEHOUSE_GROUPS)',
      path: config.groupsFile,
      builtIn: builtInGroups,
    },
    (json) => loadRights(json, requiredRights),
  );
  const scopes = readTable(
    {
      name: '--scopes (GATEHOUSE_SCOPES)',
      path: config.scopesFile,
      builtIn: builtInScopes,
    },
    loadScopes,
  );
  const store = platform.openStore({ log, clock });
  const clockMonitor = monitorClock({
    clock,
    monotonicClock: platform.monotonicClock ?? null,
    store,
    log,
  });
  const idGenerator = makeIdGenerator(clock, entropy);
  const secretBox = makeSecretBox(platform.masterKeys, entropy);
  const signing = makeSigningKeys(platform.signingKeys, clock);
  const site = config.site as SiteId;
  const { structure } = config;
  const enabledGrantTypes = structure.grant_types ?? grantTypes;
  const configuredSites = structure.sites.map(({ id, name, origin }) => ({
    id: id as SiteId,
    name,
    origin,
  }));
  const ownSite = { id: site, name: config.siteName, origin: config.origin };
  const sites = makeSites(
    configuredSites.some(({ id }) => id === site) ? configuredSites : [ownSite, ...configuredSites],
  );
  const usage = makeUsage(clock, store);
  const dialect = config.mediawiki ? installedDialect : null;
  const rules: FieldRules = {
    sites,
    catalogue: scopes,
    grantTypes: enabledGrantTypes,
    reservedNames: [config.siteName, ...configuredSites.map(({ name }) => name)],
    // Hosts that resolve to the developer's own machine (registry 4.3).
    localSuffixes: ['.localhost', ...(dialect?.localSuffixes ?? [])],
  };

  const failures = makeFailures(clock, store);
  const { coreProtocols, dialectProtocols, oauth2ProfileNamed } = makeProtocols({
    config,
    dialect,
    store,
    scopes,
    idGenerator,
    secretBox,
    signing,
    usage,
    failures,
    enabledGrantTypes,
    clock,
    entropy,
  });
  const guard = refuseWhileClockIsWrong(
    clockMonitor,
    makeGuard({
      oauth1: coreProtocols.oauth1,
      oauth2: coreProtocols.oauth2,
      scopes,
      rightsOf: rights.rightsOf,
      realm: 'gatehouse',
    }),
  );
  const services: Services = {
    guard,
    issuer: config.issuer,
    origin: config.origin,
    site,
    siteName: config.siteName,
    secure: config.origin.startsWith('https:'),
    trustProxy: config.trustProxy,
    isInternetFacing: config.isInternetFacing,
    proxyMonitor: makeProxyMonitor({ clock, log, isInternetFacing: config.isInternetFacing }),
    connectionLimits: {
      maxConnections: config.maxConnections,
      headersTimeoutSeconds: config.headersTimeoutSeconds,
      requestTimeoutSeconds: config.requestTimeoutSeconds,
      keepAliveTimeoutSeconds: config.keepAliveTimeoutSeconds,
    },
    setupWarnings: () => [...findSettingWarnings(config), ...findWorldAccessiblePaths(config)],
    accounts: makeAccounts({
      ...{
        records: store,
        sessions: store,
        limits: store,
        rights,
        reviewRights: [RIGHTS.review, RIGHTS.suppress],
        idGenerator,
        clock,
        entropy,
        log,
      },
      emailEnabled: platform.mailTransport !== null,
      // Somebody waits for the email; what does not go out now is left to the job.
      deliverEmails: async () => {
        if (clockMonitor.status().state === 'synchronized') await delivery.runAgain();
      },
      secretBox,
      settings: config,
      deviceKey: () => deriveKey(platform.masterKeys.oldestKey().key, 'known devices'),
    }),
    records: store,
    rights,
    registry: makeRegistry({
      records: store,
      emailBudget: makeEmailBudget({ limits: store, clock }),
      accounts: store,
      rules,
      idGenerator,
      secretBox,
      clock,
      rightsOf: rights.rightsOf,
      issueOwnerToken: makeOwnerTokenIssuer({ idGenerator, clock, oauth2ProfileNamed, signing }),
      // Of the oldest key: a new one must not turn every form that is open into one that came too
      // late.
      get etagKey() {
        return deriveKey(platform.masterKeys.oldestKey().key, 'change tokens');
      },
      settings: {
        readOnly: config.readOnly,
        autoApprove: structure.auto_approve.map(({ risk_at_most: riskAtMost, ...condition }) =>
          riskAtMost === undefined ? condition : { ...condition, riskAtMost },
        ),
        twoPersonRisks: structure.review.two_person_risks,
        allowOwnApps: structure.review.own_apps,
        involvementSeconds: structure.review.involvement_window,
        oldSecretsTtlSeconds: structure.review.old_secrets_ttl,
        notifyGroups: structure.notices.groups,
        emailEnabled: platform.mailTransport !== null,
        webhookEndpoints: config.webhooks.map(({ name }) => name),
        idleProposalTtlSeconds: config.idleProposalTtlSeconds,
        accessTokenTtlSeconds: config.accessTokenTtlSeconds,
      },
    }),
    sites,
    scopes,
    authorizationRequests: store,
    failures,
    pendingRequests: makePendingRequests({ records: store, limits: store, idGenerator, clock }),
    protocols: {
      core: coreProtocols,
      dialect: dialect &&
        dialectProtocols && {
          ...dialectProtocols,
          name: dialect.name,
          ownsTarget: dialect.ownsTarget,
        },
    },
    signingKeys: signing,
    idGenerator,
    entropy,
    clock,
    clockMonitor,
    log,
    serverInfo: {
      version,
      startedAt: clock.now(),
      idleProposalTtlSeconds: config.idleProposalTtlSeconds,
      mail: platform.mailTransport !== null,
      webhooks: config.webhooks.map(({ name }) => name),
    },
    ping: () => store.ping(),
    walBytes: () => store.walBytes(),
    dialect,
  };
  const emailTexts = accountEmailTemplates(config.siteName);
  const delivery = makeDelivery({
    outbox: store,
    mail: platform.mailTransport,
    web: platform.httpClient,
    clock,
    log,
    findReceiver: async (id) => {
      const account = await store.findAccount(id);
      if (account?.email == null || account.emailConfirmedAt === null || account.blocked)
        return null;
      return { to: account.email, language: account.language };
    },
    renderNotification: (facts, language) => renderNotificationEmail(facts, config, language),
    renderAccountEmail: (encrypted) => renderAccountEmail(secretBox, emailTexts, encrypted),
    endpoints: config.webhooks,
    issuer: config.issuer,
    concurrency: 4,
  });

  const prepare = async () => {
    await explainStoreErrors(() => store.prepareSchema({ migrate: config.migrate }));
    await loadConfiguredClients({ config, store, rules, secretBox, clock });
  };
  const reencryption = makeReencryption({
    records: store,
    secretBox,
    keyring: platform.masterKeys,
    clock,
    log,
  });
  const keyMaintenance = makeKeyMaintenance({ config, platform, reencryption });
  return {
    services,
    guard,
    store,
    prepare,
    delivery,
    keyMaintenance,
    clockMonitor,
    flushUsage: async () => void (await Promise.all([usage.flush(), failures.flush()])),
    flushFailures: () => failures.flush(),
  };
}
