import { hkdfSync } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { makeAccounts } from '#accounts/accounts.ts';
import builtInGroups from '#accounts/data/groups.json' with { type: 'json' };
import { makeLetterBudget } from '#accounts/email-budget.ts';
import { makeKeptRequests } from '#accounts/kept-requests.ts';
import { ADMINISTER, loadRights } from '#accounts/rights.ts';
import type { Config } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { version } from '#config/version.ts';
import { type Guard, makeGuard } from '#guard/permit.ts';
import { makeProxyWatch } from '#http/proxy-watch.ts';
import type { World } from '#http/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { Unavailable } from '#kernel/unavailable.ts';
import { makeMint } from '#keys/id-generator.ts';
import { keyDirectory, openRing, openSigning, readRing } from '#keys/key-files.ts';
import { fixedRing, type KeyRing } from '#keys/keyring.ts';
import { makeSealer } from '#keys/secret-box.ts';
import { makeSigning } from '#keys/signing.ts';
import type { SigningSource } from '#keys/signing-key-sets.ts';
import { mediawikiRoutes } from '#mediawiki/http/special-oauth.ts';
import { makeMintOwnerToken } from '#oauth2/access-token.ts';
import { checkRestored } from '#operations/backup-proof.ts';
import { letterWords } from '#pages/email-templates.ts';
import { type Clock, type Steady, systemClock, systemSteady } from '#platform/clock.ts';
import { fetchWeb, type Web } from '#platform/http-client.ts';
import { jsonLog, type Log } from '#platform/log.ts';
import { type Entropy, systemEntropy } from '#platform/random.ts';
import { type Mail, smtpMail } from '#platform/smtp.ts';
import type { FieldRules } from '#registry/actions/fields.ts';
import { RIGHTS } from '#registry/actor.ts';
import { grantTypes } from '#registry/model/client.ts';
import builtInScopes from '#registry/model/data/scopes.json' with { type: 'json' };
import { loadScopes } from '#registry/model/scopes.ts';
import { makeSites } from '#registry/model/sites.ts';
import { type Delivery, makeDelivery } from '#registry/notifications/delivery.ts';
import { makeResealing } from '#registry/reencryption.ts';
import { makeFailures } from '#registry/refused-requests.ts';
import { makeRegistry } from '#registry/registry.ts';
import { makeUsage } from '#registry/usage.ts';
import type { Store } from '#store/store.ts';
import { type ClockWatch, watchClock } from './clock-watch.ts';
import { settleConfigured } from './configured-clients.ts';
import { type KeyCare, makeKeyCare } from './key-jobs.ts';
import { openPaths } from './open-paths.ts';
import { opened, reached, shortLived } from './open-store.ts';
import { makeFaces } from './protocols.ts';
import { settingWarnings } from './setting-warnings.ts';

/** Replaceable ways out of the program, for tests. */
export interface Outside {
  readonly clock: Clock;
  /** What the clock is watched by; left out: it is taken for right. */
  readonly steady?: Steady | undefined;
  readonly entropy: Entropy;
  readonly log: Log;
  /**
   * Where the database is: a path, `sqlite:PATH`, `postgres://…`, or `:memory:`, which keeps
   * nothing.
   */
  readonly database: string;
  readonly masterKeys: KeyRing;
  readonly signingKeys: SigningSource;
  /** Where letters go; null: none are sent. */
  readonly mail: Mail | null;
  /** Where webhooks go. */
  readonly web: Web;
}

/** The world and the handles its keeper needs. */
export interface Built {
  readonly world: World;
  readonly guard: Guard;
  readonly store: Store;
  /**
   * Takes the apps of the configuration in. Throws StartupError that names every problem; until then
   * none of them can be used.
   */
  settle(): Promise<void>;
  readonly delivery: Delivery;
  readonly keys: KeyCare;
  readonly clocks: ClockWatch;
  /** Writes down what was used since the last time. */
  flushUsage(): Promise<void>;
  /** Writes down which requests were refused since the last time. */
  flushFailures(): Promise<void>;
}

/** Rights that some group must give, or a part of the server is closed to everybody. */
const neededRights = {
  [ADMINISTER]: 'administer accounts and groups',
  [RIGHTS.propose]: 'propose an app',
  [RIGHTS.review]: 'review an app',
  [RIGHTS.manageConsents]: 'allow an app, or take that back',
};

/**
 * Reads a table that a setting may replace by a file. Throws StartupError that names the setting, the
 * file and every problem.
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

/** A link whose target is not there: nothing can be made through it. */
export const isDanglingLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && !existsSync(path);

/**
 * The ways out of a real process: system clock and chance, the database and the keys in the data
 * directory, made at the first start.
 */
export function realOutside(config: Config): Outside {
  if (isDanglingLink(config.data))
    throw new StartupError(
      `the data directory ${config.data} is a link to nothing: make the directory, or name another with --data.`,
    );
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const directory = keyDirectory(config.data, systemClock, systemEntropy);
  const given = config.masterKeys?.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') }));
  try {
    checkRestored(config.data, given ?? readRing(directory.path)?.keys);
  } catch (fault) {
    throw new StartupError(`${(fault as Error).message}.`);
  }
  return {
    clock: systemClock,
    steady: systemSteady,
    entropy: systemEntropy,
    log: jsonLog(config.logLevel, systemClock),
    database: config.database,
    masterKeys: config.masterKeys ? fixedRing(given ?? []) : openRing(directory),
    signingKeys: openSigning(directory),
    mail: config.smtpUrl === null ? null : smtpMail({ url: config.smtpUrl, from: config.mailFrom }),
    web: fetchWeb(),
  };
}

const derivedKeys = new WeakMap<Uint8Array, Map<string, Uint8Array>>();

/** A key for one purpose, made of a master key. */
function derivedKey(masterKey: Uint8Array, purpose: 'change tokens' | 'known devices'): Uint8Array {
  const known = derivedKeys.get(masterKey) ?? new Map<string, Uint8Array>();
  derivedKeys.set(masterKey, known);
  const key =
    known.get(purpose) ??
    new Uint8Array(hkdfSync('sha256', masterKey, '', `gatehouse ${purpose}`, 32));
  known.set(purpose, key);
  return key;
}

/** Lets nobody in by a clock that is known to be wrong. */
const guardedBy = (clocks: ClockWatch, guard: Guard): Guard => ({
  ...guard,
  permit: async (sent, site) => {
    if (clocks.standing().state === 'far')
      throw new Unavailable('the clock of this node is wrong', 5);
    return guard.permit(sent, site);
  },
});

/** Builds everything; the only place that names a concrete store, clock or key. */
export function makeWorld(config: Config, outside: Outside): Built {
  const { clock, entropy, log } = outside;
  const rights = readTable(
    {
      name: '--groups (GATEHOUSE_GROUPS)',
      path: config.groupsFile,
      builtIn: builtInGroups,
    },
    (json) => loadRights(json, neededRights),
  );
  const scopes = readTable(
    {
      name: '--scopes (GATEHOUSE_SCOPES)',
      path: config.scopesFile,
      builtIn: builtInScopes,
    },
    loadScopes,
  );
  const store = shortLived(config, clock, opened(config, outside.database, { log, clock }));
  const clocks = watchClock({ clock, steady: outside.steady ?? null, store, log });
  const mint = makeMint(clock, entropy);
  const sealer = makeSealer(outside.masterKeys, entropy);
  const signing = makeSigning(outside.signingKeys, clock);
  const site = config.site as SiteId;
  const { structure } = config;
  const offered = structure.grant_types ?? grantTypes;
  const listed = structure.sites.map(({ id, name, origin }) => ({
    id: id as SiteId,
    name,
    origin,
  }));
  const own = { id: site, name: config.siteName, origin: config.origin };
  const sites = makeSites(listed.some(({ id }) => id === site) ? listed : [own, ...listed]);
  const usage = makeUsage(clock, store);
  const rules: FieldRules = {
    sites,
    catalogue: scopes,
    grantTypes: offered,
    reservedNames: [config.siteName, ...listed.map(({ name }) => name)],
    // Hosts that resolve to the developer's own machine; the dialect's own community has three more
    // (registry 4.3).
    localSuffixes: [
      '.localhost',
      ...(config.mediawiki ? ['com', 'net', 'org'].map((end) => `.local.wmftest.${end}`) : []),
    ],
  };

  const failures = makeFailures(clock, store);
  const { coreFace, dialectFace, readings } = makeFaces({
    config,
    store,
    scopes,
    mint,
    sealer,
    signing,
    usage,
    failures,
    offered,
    clock,
    entropy,
  });
  const guard = guardedBy(
    clocks,
    makeGuard({
      oauth1: coreFace.oauth1,
      oauth2: coreFace.oauth2,
      scopes,
      rightsOf: rights.rightsOf,
      realm: 'gatehouse',
    }),
  );
  const world: World = {
    guard,
    issuer: config.issuer,
    origin: config.origin,
    site,
    siteName: config.siteName,
    secure: config.origin.startsWith('https:'),
    trustProxy: config.trustProxy,
    outside: config.outside,
    proxies: makeProxyWatch({ clock, log, outside: config.outside }),
    connections: {
      most: config.maxConnections,
      headersFor: config.headersFor,
      requestFor: config.requestFor,
      keepAliveFor: config.keepAliveFor,
    },
    warnings: () => [...settingWarnings(config), ...openPaths(config)],
    accounts: makeAccounts({
      ...{ records: store, sessions: store, limits: store, rights, mint, clock, entropy, log },
      mail: outside.mail,
      words: letterWords(config.siteName),
      settings: config,
      deviceKey: () => derivedKey(outside.masterKeys.oldest().key, 'known devices'),
    }),
    records: store,
    rights,
    registry: makeRegistry({
      records: store,
      letters: makeLetterBudget({ limits: store, clock }),
      accounts: store,
      rules,
      mint,
      sealer,
      clock,
      rightsOf: rights.rightsOf,
      mintOwnerToken: makeMintOwnerToken({ mint, clock, readings, signing }),
      // Of the oldest key: a new one must not turn every form that is open into one that came too
      // late.
      get tokenKey() {
        return derivedKey(outside.masterKeys.oldest().key, 'change tokens');
      },
      settings: {
        readOnly: config.readOnly,
        autoApprove: structure.auto_approve.map(({ risk_at_most: riskAtMost, ...condition }) =>
          riskAtMost === undefined ? condition : { ...condition, riskAtMost },
        ),
        twoPersonRisks: structure.review.two_person_risks,
        ownApps: structure.review.own_apps,
        involvedFor: structure.review.involved_for,
        oldSecretsFor: structure.review.old_secrets_for,
        notifyGroups: structure.notices.groups,
        mailed: outside.mail !== null,
        endpoints: config.webhooks.map(({ name }) => name),
        idleFor: config.idleProposalsFor,
        accessTokenFor: config.accessTokenFor,
      },
    }),
    sites,
    scopes,
    requests: store,
    failures,
    kept: makeKeptRequests({ records: store, limits: store, mint, clock }),
    faces: {
      core: coreFace,
      mediawiki: config.mediawiki ? dialectFace : null,
    },
    signing,
    mint,
    entropy,
    clock,
    clocks,
    log,
    about: {
      version,
      startedAt: clock.now(),
      idleFor: config.idleProposalsFor,
      mail: outside.mail !== null,
      webhooks: config.webhooks.map(({ name }) => name),
    },
    ping: () => store.ping(),
    logBytes: () => store.logBytes(),
    dialect: config.mediawiki ? mediawikiRoutes : null,
  };
  const delivery = makeDelivery({
    outbox: store,
    mail: outside.mail,
    web: outside.web,
    clock,
    log,
    findAccount: async (id) => {
      const account = await store.findAccount(id);
      return account !== undefined && account.emailConfirmedAt !== null && !account.blocked
        ? account.email
        : null;
    },
    endpoints: config.webhooks,
    issuer: config.issuer,
    siteName: config.siteName,
    concurrency: 4,
  });

  const settle = async () => {
    await reached(() => store.ready({ migrate: config.migrate }));
    await settleConfigured({ config, store, rules, sealer, clock });
  };
  const resealing = makeResealing({ records: store, sealer, keys: outside.masterKeys, clock, log });
  const keys = makeKeyCare({ config, outside, resealing });
  return {
    world,
    guard,
    store,
    settle,
    delivery,
    keys,
    clocks,
    flushUsage: async () => void (await Promise.all([usage.flush(), failures.flush()])),
    flushFailures: () => failures.flush(),
  };
}
