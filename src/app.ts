import { hkdfSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { loadRights } from '#accounts/rights.ts';
import { makeAccounts } from '#accounts/sign-in.ts';
import { type ExitCode, type Io, UsageError, type Verbs } from '#cli/command.ts';
import { type Config, readConfig } from '#config/config.ts';
import { keptFile } from '#config/kept-file.ts';
import { type Guard, makeGuard } from '#guard/permit.ts';
import { buildHttp } from '#http/app.ts';
import { mediawikiRoutes } from '#http/routes/mediawiki.ts';
import type { World } from '#http/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { instant, seconds } from '#kernel/time.ts';
import { makeMint } from '#keys/mint.ts';
import { makeSealer } from '#keys/sealer.ts';
import { generateSigningKeys, loadSigningKeys, type StoredKeys } from '#keys/signing.ts';
import { makeMediawikiReading } from '#mediawiki/reading.ts';
import { makeOAuth1 } from '#oauth1/oauth1.ts';
import { makeMintOwnerToken } from '#oauth2/access-token.ts';
import { makeOAuth2 } from '#oauth2/oauth2.ts';
import { coreReading } from '#oauth2/reading.ts';
import type { Clock } from '#ports/clock.ts';
import type { Entropy } from '#ports/entropy.ts';
import type { Log } from '#ports/log.ts';
import type { Mail } from '#ports/mail.ts';
import type { Web } from '#ports/web.ts';
import { grantTypes } from '#registry/client.ts';
import { readConfigured } from '#registry/configured.ts';
import { type Delivery, makeDelivery } from '#registry/delivery.ts';
import { CLIENT_SECRET } from '#registry/desk.ts';
import type { FieldRules } from '#registry/fields.ts';
import { operatorDesk } from '#registry/operator.ts';
import { makeRegistry } from '#registry/registry.ts';
import { loadScopes } from '#registry/scopes.ts';
import { makeSites } from '#registry/sites.ts';
import { makeUsage } from '#registry/usage.ts';
import { openSqlite, type Store } from '#store/sqlite.ts';
import { fetchWeb, smtpMail } from './outside.ts';

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
  /** Path of the database; `:memory:` keeps nothing. */
  readonly database: string;
  readonly masterKey: Uint8Array;
  readonly signingKeys: StoredKeys;
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
  /** Takes the apps of the configuration in. Throws UsageError that names every problem; until then none of them can be used. */
  settle(): Promise<void>;
  readonly delivery: Delivery;
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

/** The ways out of a real process: system clock and chance, the database and the keys in the data directory, made at the first start. */
export function realOutside(config: Config): Outside {
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const unique = `${process.pid}.${randomBytes(4).toString('hex')}`;
  const keyText = config.masterKey ?? keptFile(join(config.data, 'keys', 'master.key'), unique, () => randomBytes(32).toString('base64'));
  const signing = keptFile(join(config.data, 'keys', 'signing.json'), unique, () => JSON.stringify(generateSigningKeys()));
  return {
    clock: systemClock,
    entropy: systemEntropy,
    log: jsonLog(config.logLevel, systemClock),
    database: join(config.data, 'gatehouse.db'),
    masterKey: Buffer.from(keyText, 'base64'),
    signingKeys: JSON.parse(signing) as StoredKeys,
    mail: config.smtpUrl === null ? null : smtpMail({ url: config.smtpUrl, from: config.mailFrom }),
    web: fetchWeb(),
  };
}

/** Builds everything; the only place that names a concrete store, clock or key. */
export function makeWorld(config: Config, outside: Outside): Built {
  const { clock, entropy, log } = outside;
  const rights = loadRights(config.groupsFile === null ? bundled('./accounts/data/groups.json') : readJson(config.groupsFile));
  const scopes = loadScopes(config.scopesFile === null ? bundled('./registry/data/scopes.json') : readJson(config.scopesFile));
  const store = openSqlite(outside.database);
  const mint = makeMint(clock, entropy);
  const sealer = makeSealer([{ id: 'm1', key: outside.masterKey }], entropy);
  const signing = loadSigningKeys(outside.signingKeys);
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
  const coreFace = {
    oauth1: makeOAuth1({
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
    oauth2: makeOAuth2({ ...oauth2Parts, reading: core }),
  };
  const mediawiki = makeMediawikiReading({ issuer: config.issuer, origin: config.origin, site });
  const dialectFace = {
    oauth1: makeOAuth1({ ...oauth1Parts, settings: mediawiki.oauth1 }),
    oauth2: makeOAuth2({ ...oauth2Parts, reading: mediawiki.oauth2 }),
  };
  const guard = makeGuard({ oauth1: coreFace.oauth1, oauth2: coreFace.oauth2, scopes, rightsOf: rights.rightsOf, realm: 'gatehouse' });
  const world: World = {
    guard,
    issuer: config.issuer,
    origin: config.origin,
    site,
    siteName: config.siteName,
    secure: config.origin.startsWith('https:'),
    trustProxy: config.trustProxy,
    accounts: makeAccounts({ records: store, sessions: store, limits: store, rights, mint, clock, entropy }),
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
      tokenKey: new Uint8Array(hkdfSync('sha256', outside.masterKey, '', 'gatehouse change tokens', 32)),
      settings: {
        readOnly: config.readOnly,
        autoApprove: structure.auto_approve.map(({ risk_at_most: riskAtMost, ...condition }) =>
          riskAtMost === undefined ? condition : { ...condition, riskAtMost },
        ),
        twoPersonRisks: structure.review.two_person_risks,
        notifyGroups: structure.notices.groups,
        endpoints: config.webhooks.map(({ name }) => name),
        idleFor: config.idleProposalsFor,
        accessTokenFor: config.accessTokenFor,
      },
    }),
    sites,
    scopes,
    requests: store,
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
    const owners = new Map((await store.listAccounts()).map(({ name, id }) => [name, id]));
    const read = readConfigured(structure.clients, {
      rules,
      ownerOf: (name) => owners.get(name),
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
  }
  return { world, guard, store, settle, delivery, flushUsage: () => usage.flush() };
}

/** The configuration of a command line and the environment. Throws UsageError that names every problem. */
export function readSettings(flags: Readonly<Record<string, string | undefined>>): Config {
  const config = readConfig(flags, process.env, (path) => readFileSync(path, 'utf8'));
  if (config.ok) return config.value;
  throw new UsageError(
    `the settings do not fit:\n${config.refusal.map(({ setting, source, remedy }) => `  ${setting} (from ${source}): use ${remedy}`).join('\n')}`,
  );
}

/** Opens the store and the keys for one command. */
export async function openVerbs(config: Config): Promise<Verbs> {
  const { world, store, settle } = makeWorld(config, realOutside(config));
  await settle();
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
  const address = await app.listen({ port: config.port, host: config.host });
  const stopJobs = repeat(world.log, [
    { name: 'purge', everyMs: 60_000, run: () => store.purgeExpired(world.clock.now(), PURGE_AT_MOST) },
    { name: 'expiry of idle proposals', everyMs: 60_000, run: () => world.registry.expireIdle() },
    { name: 'delivery of notices', everyMs: 5_000, run: () => delivery.run() },
    { name: 'usage', everyMs: 10_000, run: () => built.flushUsage() },
  ]);
  say(`Gatehouse listens on ${address}, and is known as ${config.issuer}.`);
  if ((await store.listAccounts()).length === 0) {
    const secret = await world.accounts.issueSetupSecret();
    say(`There are no accounts yet. Open this link once to create the first administrator:\n\n  ${config.issuer}/setup?token=${secret}\n`);
  } else say(`Sign in at ${config.issuer}/sign-in`);
  return {
    app,
    address,
    async stop() {
      await app.close();
      await stopJobs();
      await built.flushUsage();
      await store.close();
    },
  };
}

/** `gatehouse serve`: runs until it is told to stop. */
export async function serve(config: Config, io: Io): Promise<ExitCode> {
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
  io.out('Stopping.\n');
  await running.stop();
  return 0;
}
