import { hkdfSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { makeAccounts } from '#accounts/accounts.ts';
import { loadRights } from '#accounts/rights.ts';
import type { BackupAnswer } from '#cli/backup.ts';
import { type ExitCode, type Io, UsageError, type Verbs } from '#cli/command.ts';
import type { KeyDesk } from '#cli/keys.ts';
import type { MigrationAnswer } from '#cli/migrate.ts';
import { type Config, readConfig } from '#config/config.ts';
import { type Guard, makeGuard } from '#guard/permit.ts';
import { buildHttp } from '#http/app.ts';
import { mediawikiRoutes } from '#http/routes/mediawiki.ts';
import { watchOAuth1, watchOAuth2 } from '#http/watch.ts';
import type { World } from '#http/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { instant, seconds } from '#kernel/time.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { type Generation, isDue, type SigningSource, withNext } from '#keys/generations.ts';
import { makeMint } from '#keys/mint.ts';
import { fixedRing, type KeyRing } from '#keys/ring.ts';
import { makeSealer } from '#keys/sealer.ts';
import { generateSigningKeysAside, makeSigning } from '#keys/signing.ts';
import { makeMediawikiReading } from '#mediawiki/reading.ts';
import { makeOAuth1, type OAuth1 } from '#oauth1/oauth1.ts';
import type { Reading } from '#oauth1/parse.ts';
import { makeMintOwnerToken } from '#oauth2/access-token.ts';
import { makeOAuth2, type OAuth2 } from '#oauth2/oauth2.ts';
import { coreReading } from '#oauth2/reading.ts';
import { letterWords } from '#pages/letters.ts';
import type { Clock } from '#ports/clock.ts';
import type { Entropy } from '#ports/entropy.ts';
import type { Log } from '#ports/log.ts';
import type { Mail } from '#ports/mail.ts';
import type { Web } from '#ports/web.ts';
import { grantTypes } from '#registry/client.ts';
import { readConfigured } from '#registry/configured.ts';
import { type Delivery, makeDelivery } from '#registry/delivery.ts';
import { CLIENT_SECRET } from '#registry/desk.ts';
import { makeFailures } from '#registry/failures.ts';
import type { FieldRules } from '#registry/fields.ts';
import { operatorDesk } from '#registry/operator.ts';
import { makeRegistry } from '#registry/registry.ts';
import { makeResealing } from '#registry/resealing.ts';
import { loadScopes } from '#registry/scopes.ts';
import { makeSites } from '#registry/sites.ts';
import { makeUsage } from '#registry/usage.ts';
import { openStore } from '#store/open.ts';
import { openRedis, withEphemeral } from '#store/redis.ts';
import { SchemaMismatch } from '#store/sql/migrate.ts';
import type { Store } from '#store/store.ts';
import { makeBackup, restoreBackup } from './backup.ts';
import { makeKeyDesk } from './key-desk.ts';
import { keyDirectory, openRing, openSigning } from './key-files.ts';
import { fetchWeb, smtpMail } from './outside.ts';
import { isWorker, leave, runWorkers, sharedPort, tellServing } from './workers.ts';

/** The real clock. */
export const systemClock: Clock = { now: () => instant(Date.now() / 1000), millis: () => Date.now() };

const POOL = 4096;
let pool = Buffer.alloc(0);
let used = 0;

/** Chance from the operating system, drawn 4 KiB at a time; what was handed out is wiped. */
export const systemEntropy: Entropy = {
  bytes: (count) => {
    if (count > POOL / 4) return randomBytes(count);
    if (used + count > pool.length) {
      pool = randomBytes(POOL);
      used = 0;
    }
    const handed = Uint8Array.prototype.slice.call(pool, used, used + count);
    pool.fill(0, used, used + count);
    used += count;
    return handed;
  },
};

/** One JSON line for each event, on standard error. */
export function jsonLog(level: Config['logLevel'], clock: Clock): Log {
  const ranks = { info: 0, warn: 1, error: 2, silent: 3 } as const;
  const at =
    (own: 'info' | 'warn' | 'error') =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (ranks[own] >= ranks[level])
        process.stderr.write(`${JSON.stringify({ at: new Date(clock.millis()).toISOString(), level: own, event, ...fields })}\n`);
    };
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

/** Replaceable ways out of the program, for tests. */
export interface Outside {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Where the database is: a path, `sqlite:PATH`, `postgres://…`, or `:memory:`, which keeps nothing. */
  readonly database: string;
  readonly masterKeys: KeyRing;
  readonly signingKeys: SigningSource;
  /** Where letters go; null: none are sent. */
  readonly mail: Mail | null;
  /** Where webhooks go. */
  readonly web: Web;
}

/** What has to be done about keys now and then. */
export interface KeyCare {
  /** Hears of keys that other processes made. */
  look(): void;
  /** Makes the next signing keys when it is time; of several processes one does. */
  renewSigning(): Promise<void>;
  /** Seals a part of the secrets again that are not under the current key. */
  reseal(): Promise<number>;
}

/** The world and the handles its keeper needs. */
export interface Built {
  readonly world: World;
  readonly guard: Guard;
  readonly store: Store;
  /** Takes the apps of the configuration in. Throws UsageError that names every problem; until then none of them can be used. */
  settle(): Promise<void>;
  readonly delivery: Delivery;
  readonly keys: KeyCare;
  /** Writes down what was used since the last time. */
  flushUsage(): Promise<void>;
}

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (fault) {
    throw new UsageError(`the file ${path} cannot be read as JSON: ${(fault as Error).message}`);
  }
};
const bundled = (path: string) => readJson(new URL(path, import.meta.url).pathname);

const version = () => (bundled('../package.json') as { readonly version: string }).version;

/** The ways out of a real process: system clock and chance, the database and the keys in the data directory, made at the first start. */
export function realOutside(config: Config): Outside {
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const directory = keyDirectory(config.data, systemClock, systemEntropy);
  return {
    clock: systemClock,
    entropy: systemEntropy,
    log: jsonLog(config.logLevel, systemClock),
    database: config.database,
    masterKeys: config.masterKeys
      ? fixedRing(config.masterKeys.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') })))
      : openRing(directory),
    signingKeys: openSigning(directory),
    mail: config.smtpUrl === null ? null : smtpMail({ url: config.smtpUrl, from: config.mailFrom }),
    web: fetchWeb(),
  };
}

const changeTokenKeys = new WeakMap<Uint8Array, Uint8Array>();

function changeTokenKey(masterKey: Uint8Array): Uint8Array {
  const key = changeTokenKeys.get(masterKey) ?? new Uint8Array(hkdfSync('sha256', masterKey, '', 'gatehouse change tokens', 32));
  changeTokenKeys.set(masterKey, key);
  return key;
}

/** Builds everything; the only place that names a concrete store, clock or key. */
export function makeWorld(config: Config, outside: Outside): Built {
  const { clock, entropy, log } = outside;
  const rights = loadRights(config.groupsFile === null ? bundled('./accounts/data/groups.json') : readJson(config.groupsFile));
  const scopes = loadScopes(config.scopesFile === null ? bundled('./registry/data/scopes.json') : readJson(config.scopesFile));
  const store = shortLived(config, clock, opened(config, outside.database));
  const mint = makeMint(clock, entropy);
  const sealer = makeSealer(outside.masterKeys, entropy);
  const signing = makeSigning(outside.signingKeys, clock);
  const site = config.site as SiteId;
  const { structure } = config;
  const offered = structure.grant_types ?? grantTypes;
  const listed = structure.sites.map(({ id, name, origin }) => ({ id: id as SiteId, name, origin }));
  const own = { id: site, name: config.siteName, origin: config.origin };
  const sites = makeSites(listed.some(({ id }) => id === site) ? listed : [own, ...listed]);
  const usage = makeUsage(clock, store);
  const rules: FieldRules = {
    sites,
    catalogue: scopes,
    grantTypes: offered,
    // Hosts that resolve to the developer's own machine; the dialect's own community has three more (registry 4.3).
    localSuffixes: ['.localhost', ...(config.mediawiki ? ['com', 'net', 'org'].map((end) => `.local.wmftest.${end}`) : [])],
  };

  const oauth2Settings = {
    issuer: config.issuer,
    site,
    codeFor: seconds(600),
    accessTokenFor: config.accessTokenFor,
    refreshTokenFor: config.refreshTokenFor,
    refreshGraceFor: config.refreshGraceFor,
    grantTypes: offered,
  };
  const oauth2Parts = {
    records: store,
    registry: store,
    accounts: store,
    scopes,
    mint,
    clock,
    entropy,
    signing,
    usage,
    settings: oauth2Settings,
  };
  const core = coreReading(oauth2Settings);
  const oauth1Parts = { handshakes: store, tokens: store, registry: store, accounts: store, sealer, mint, clock, usage };
  const failures = makeFailures(clock, store);
  const watched = (oauth1: OAuth1, reading: Reading, oauth2: OAuth2) => ({
    oauth1: watchOAuth1(oauth1, reading, store, failures),
    oauth2: watchOAuth2(oauth2, store, failures),
  });
  const coreFace = watched(
    makeOAuth1({
      ...oauth1Parts,
      settings: {
        origin: config.origin,
        reading: 'rfc5849',
        methods: ['HMAC-SHA1', 'HMAC-SHA256', 'RSA-SHA1', 'RSA-SHA256', ...(config.oauth1Plaintext ? (['PLAINTEXT'] as const) : [])],
        nonceCoversTimestamp: true,
        windowFor: seconds(300),
        temporaryFor: seconds(600),
        oobRedirects: false,
      },
    }),
    'rfc5849',
    makeOAuth2({ ...oauth2Parts, reading: core }),
  );
  const mediawiki = makeMediawikiReading({ issuer: config.issuer, origin: config.origin, site });
  const dialectFace = watched(
    makeOAuth1({ ...oauth1Parts, settings: mediawiki.oauth1 }),
    'mediawiki',
    makeOAuth2({ ...oauth2Parts, reading: mediawiki.oauth2 }),
  );
  const guard = makeGuard({ oauth1: coreFace.oauth1, oauth2: coreFace.oauth2, scopes, rightsOf: rights.rightsOf, realm: 'gatehouse' });
  const world: World = {
    guard,
    issuer: config.issuer,
    origin: config.origin,
    site,
    siteName: config.siteName,
    secure: config.origin.startsWith('https:'),
    trustProxy: config.trustProxy,
    accounts: makeAccounts({
      ...{ records: store, sessions: store, limits: store, rights, mint, clock, entropy, log },
      mail: outside.mail,
      words: letterWords(config.siteName),
      settings: config,
    }),
    records: store,
    rights,
    registry: makeRegistry({
      records: store,
      accounts: store,
      rules,
      mint,
      sealer,
      clock,
      mintOwnerToken: makeMintOwnerToken({ mint, clock, reading: core, signing }),
      // Of the oldest key: a new one must not turn every form that is open into one that came too late.
      get tokenKey() {
        return changeTokenKey(outside.masterKeys.oldest().key);
      },
      settings: {
        readOnly: config.readOnly,
        autoApprove: structure.auto_approve.map(({ risk_at_most: riskAtMost, ...condition }) =>
          riskAtMost === undefined ? condition : { ...condition, riskAtMost },
        ),
        twoPersonRisks: structure.review.two_person_risks,
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
    failures: store,
    faces: {
      core: {
        ...coreFace,
        denial: (asked) =>
          coreFace.oauth2.sendBack(asked.redirectUri, asked.state, [
            ['error', 'access_denied'],
            ['error_description', 'The user said no.'],
          ]),
      },
      mediawiki: config.mediawiki ? { ...dialectFace, denial: mediawiki.denial } : null,
    },
    signing,
    mint,
    clock,
    log,
    about: {
      version: version(),
      startedAt: clock.now(),
      idleFor: config.idleProposalsFor,
      mail: outside.mail !== null,
      webhooks: config.webhooks.map(({ name }) => name),
    },
    ping: () => store.ping(),
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
      return account !== undefined && account.emailConfirmedAt !== null && !account.blocked ? account.email : null;
    },
    endpoints: config.webhooks,
    issuer: config.issuer,
    siteName: config.siteName,
    concurrency: 4,
  });

  async function settle(): Promise<void> {
    await reached(() => store.ready({ migrate: config.migrate }));
    const owners = new Map((await store.listAccounts()).map(({ name, id }) => [name.toLowerCase(), id]));
    const read = readConfigured(structure.clients, {
      rules,
      ownerOf: (name) => owners.get(name.toLowerCase()),
      readSecret: (path) => readFileSync(path, 'utf8'),
      seal: (secret) => sealer.seal(secret, CLIENT_SECRET),
      email: config.mailFrom,
      now: clock.now(),
    });
    if (!read.ok) {
      const lines = read.refusal.map(({ app, field, problem }) => `  ${[app, field].filter(Boolean).join(' ')}: ${problem}`);
      throw new UsageError(`the apps of the configuration do not fit:\n${lines.join('\n')}`);
    }
    const kept = await store.keepConfigured(read.value.clients, read.value.secrets);
    if (kept !== 'kept')
      throw new UsageError(
        `the apps of the configuration do not fit:\n  ${kept.taken}: an app with this identifier, or this owner, name and version, was registered before`,
      );
    // An owner-only app acts under its owner's yes; by describing it the operator gives it for them. An OAuth 1 one would need a token, too.
    for (const client of read.value.clients.filter(({ ownerOnly, protocol }) => ownerOnly && protocol === 'oauth2')) {
      const at = clock.now();
      const consent = { userId: client.ownerId, clientId: client.id, site: client.site, scopes: client.scopes, acceptedAt: at };
      const line = {
        at,
        action: 'accept',
        actorId: null,
        via: 'config',
        address: null,
        clientId: client.id,
        reason: '',
        changes: [],
      } as const;
      await store.saveConsent(consent, null, line);
    }
  }
  const resealing = makeResealing({ records: store, sealer, keys: outside.masterKeys, clock, log });
  const keys: KeyCare = {
    look() {
      outside.masterKeys.look();
      outside.signingKeys.look();
    },
    async renewSigning() {
      const due = (generations: readonly Generation[]) => isDue(generations, config.signingKeyFor, clock.now());
      if (!due(outside.signingKeys.generations())) return;
      const made = await generateSigningKeysAside();
      const changed = outside.signingKeys.change((kept) => (due(kept) ? withNext(kept, made.keys, clock.now()) : undefined));
      if (changed === 'changed') log.info('new signing keys are published, and sign in a day');
    },
    // Nothing is written while the registry is read-only.
    reseal: async () => (config.readOnly === null ? resealing.run() : 0),
  };
  return {
    world,
    guard,
    store,
    settle,
    delivery,
    keys,
    flushUsage: async () => void (await Promise.all([usage.flush(), failures.flush()])),
  };
}

/** The configuration of a command line and the environment. Throws UsageError that names every problem. */
export function readSettings(flags: Readonly<Record<string, string | undefined>>): Config {
  const config = readConfig(flags, process.env, (path) => readFileSync(path, 'utf8'));
  if (config.ok) return config.value;
  throw new UsageError(
    `the settings do not fit:\n${config.refusal.map(({ setting, source, remedy }) => `  ${setting} (from ${source}): use ${remedy}`).join('\n')}`,
  );
}

/** Asks the database for the first time. Throws UsageError with the remedy when it cannot be reached, or its schema does not fit. */
async function reached<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (fault) {
    throw unreached(fault);
  }
}

function unreached(fault: unknown): unknown {
  if (fault instanceof SchemaMismatch) return new UsageError(`${fault.message}.`, { cause: fault });
  if (isUnavailable(fault)) return new UsageError(`${fault.message}: check GATEHOUSE_DATABASE, and that the server runs and lets us in.`);
  return fault;
}

/** What expires may be kept in Redis; the rest stays in the database. */
function shortLived(config: Config, clock: Clock, store: Store): Store {
  if (config.ephemeral === null) return store;
  // Both faces of OAuth 1 accept timestamps 300 seconds around now, and keep a nonce for a second longer.
  return withEphemeral(store, openRedis(config.ephemeral, { clock, nonceFor: seconds(301) }));
}

function opened(config: Config, location: string): Store {
  try {
    return openStore(location, { migrate: config.migrate, connections: config.databaseConnections });
  } catch (fault) {
    throw unreached(fault);
  }
}

/** `gatehouse migrate`: brings the schema up to date, or only looks. */
export async function migrateStore(config: Config, dryRun: boolean): Promise<MigrationAnswer> {
  const store = openStore(config.database, { migrate: false });
  try {
    const plan = await reached(() => store.plan());
    if (!dryRun) await reached(() => store.ready());
    return plan;
  } catch (fault) {
    if (fault instanceof UsageError && fault.cause instanceof SchemaMismatch) return { refused: fault.cause.message };
    throw fault;
  } finally {
    await store.close();
  }
}

/** `gatehouse keys …`: the keys, and the store when it has to be asked. */
export const openKeyDesk = (config: Config): KeyDesk =>
  makeKeyDesk({
    config,
    clock: systemClock,
    entropy: systemEntropy,
    async withRecords(ask) {
      const store = opened({ ...config, migrate: false }, config.database);
      try {
        await reached(() => store.ready({ migrate: false }));
        return await reached(() => ask(store));
      } finally {
        await store.close();
      }
    },
  });

const isPostgres = (database: string) => /^postgres(?:ql)?:/.test(database);

/** `gatehouse backup`. */
export async function backUp(config: Config, to: string, withKeys: boolean): Promise<BackupAnswer> {
  if (isPostgres(config.database))
    return { refused: 'the database is PostgreSQL: use pg_dump, and copy the keys (docs/operations/backup.md)' };
  const made = await makeBackup({
    database: config.database.replace(/^sqlite:/, ''),
    keys: withKeys ? join(config.data, 'keys') : null,
    to,
    program: version(),
    now: systemClock.now(),
  });
  return made.ok ? { made: made.value, withoutKeys: withKeys ? config.masterKeysFrom : 'asked' } : { refused: made.refusal.problem };
}

/** `gatehouse restore`. */
export async function restore(config: Config, from: string): Promise<BackupAnswer> {
  if (config.database !== `sqlite:${join(config.data, 'gatehouse.db')}`)
    return { refused: 'a backup goes into a data directory, and the settings name a database elsewhere: leave GATEHOUSE_DATABASE out' };
  const restored = await restoreBackup(from, config.data);
  return restored.ok ? { made: restored.value, withoutKeys: null } : { refused: restored.refusal.problem };
}

/** Opens the store and the keys for one command. */
export async function openVerbs(config: Config): Promise<Verbs> {
  const { world, store, settle } = makeWorld(config, realOutside(config));
  await settle().catch(async (fault) => {
    await store.close();
    throw fault;
  });
  const { accounts, registry, records } = world;
  return { accounts, registry, clients: operatorDesk(registry), records, close: () => store.close() };
}

export interface Running {
  readonly app: FastifyInstance;
  readonly address: string;
  stop(): Promise<void>;
}

const PURGE_AT_MOST = 2000;

interface Job {
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<unknown>;
}

/** Runs each job again and again, one run of it at a time. Answers how to stop: no new run, and an end to those under way. */
function repeat(log: Log, jobs: readonly Job[]): () => Promise<void> {
  const running = new Map<Job, Promise<void>>();
  const timers = jobs.map((job) => {
    const timer = setInterval(() => {
      if (running.has(job)) return;
      const run = job
        .run()
        .catch((fault: Error) => log.error(`${job.name} failed`, { message: fault.message }))
        .then(() => void running.delete(job));
      running.set(job, run);
    }, job.everyMs);
    return timer.unref();
  });
  return async () => {
    for (const timer of timers) clearInterval(timer);
    // What still runs is bounded by itself; nobody waits long for it, and nothing is lost by leaving it.
    await Promise.race([Promise.all(running.values()), new Promise((resolve) => setTimeout(resolve, 3000).unref())]);
  };
}

/** Listens. The first start without any account prints a one-time set-up link through `say`. */
export async function start(config: Config, built: Built, say: (line: string) => void): Promise<Running> {
  const { world, store, delivery } = built;
  await built.settle();
  const app = buildHttp(world);
  const address = await app.listen({ port: config.port, host: config.host, ...sharedPort() });
  const stopJobs = repeat(world.log, [
    { name: 'purge', everyMs: 60_000, run: () => store.purgeExpired(world.clock.now(), PURGE_AT_MOST) },
    { name: 'expiry of idle proposals', everyMs: 60_000, run: () => world.registry.expireIdle() },
    { name: 'delivery of notices', everyMs: 5_000, run: () => delivery.run() },
    { name: 'watch of the keys', everyMs: 5_000, run: async () => built.keys.look() },
    { name: 'renewal of the signing keys', everyMs: 60_000, run: () => built.keys.renewSigning() },
    { name: 'sealing again', everyMs: 2_000, run: () => built.keys.reseal() },
    { name: 'usage', everyMs: 10_000, run: () => built.flushUsage() },
  ]);
  if (isWorker()) tellServing();
  else await welcome(config, built, address, say);
  return {
    app,
    address,
    async stop() {
      await app.close();
      await Promise.race([world.accounts.lettersSettled(), new Promise((resolve) => setTimeout(resolve, 3000).unref())]);
      await stopJobs();
      await built.flushUsage();
      await store.close();
    },
  };
}

/** Says where people go; while there is no account, a link that makes the first one. */
async function welcome(config: Config, { world, store }: Built, address: string, say: (line: string) => void): Promise<void> {
  say(`Gatehouse listens on ${address}, and is known as ${config.issuer}.`);
  if ((await store.countAccounts({ text: '', group: null, blocked: null })) > 0) return say(`Sign in at ${config.issuer}/sign-in`);
  const secret = await world.accounts.issueSetupSecret();
  say(`There are no accounts yet. Open this link once to create the first administrator:\n\n  ${config.issuer}/setup?token=${secret}\n`);
}

/** Serves from several processes: this one looks after them. */
async function serveFromWorkers(config: Config, io: Io): Promise<ExitCode> {
  // Schema, keys and the apps of the configuration are made sure of once, before anybody serves.
  const built = makeWorld(config, realOutside(config));
  await built.settle();
  const stop = Promise.withResolvers<ExitCode>();
  const workers = runWorkers(config.workers, () => stop.resolve(1));
  await workers.ready.catch(() => io.err('gatehouse: the workers do not start; the lines above say why.\n'));
  await welcome(config, built, `http://${config.host}:${config.port}`, (line) => io.out(`${line}\n`));
  await built.store.close();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.resolve(0));
  const code = await stop.promise;
  io.out('Stopping.\n');
  await workers.stop();
  return code;
}

/** `gatehouse serve`: runs until it is told to stop. */
export async function serve(config: Config, io: Io): Promise<ExitCode> {
  if (config.workers > 1 && !isWorker()) return serveFromWorkers(config, io);
  let running: Running;
  try {
    running = await start(config, makeWorld(config, realOutside(config)), (line) => io.out(`${line}\n`));
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new UsageError(`port ${config.port} on ${config.host} is in use: stop the other program, or choose another with --port.`);
    if (code === 'EACCES') throw new UsageError(`${message}: choose another --port or --data, or allow it.`);
    throw fault;
  }
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  if (!isWorker()) io.out('Stopping.\n');
  await running.stop();
  leave();
  return 0;
}
