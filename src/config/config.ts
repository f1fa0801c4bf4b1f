import { join } from 'node:path';
import * as z from 'zod';
import { normalizeEmail, parseEmail } from '#encoding/email.ts';
import type { TrustedProxies } from '#encoding/forwarded.ts';
import { accept, type Result } from '#kernel/result.ts';
import { parseDuration as readDuration, type Seconds, seconds } from '#kernel/time.ts';
import {
  MAX_CONFIG_FILE_BYTES,
  MAX_SECRET_FILE_BYTES,
  UnsuitableFileError,
} from '#platform/plain-file.ts';
import { emptyStructure, parseConfigFile, type StructuredConfig } from './file.ts';
import { isPublicIssuer, issuerUrlSchema, trustedProxiesSchema } from './network.ts';
import { readWebhooks, type Webhook } from './webhooks.ts';

/**
 * Everything an operator can choose, read once at the edge and frozen. Rooms receive the few values
 * they need, never the whole.
 */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Processes that serve, on one port. */
  readonly workers: number;
  /** Directory of the database, the keys and nothing else. */
  readonly data: string;
  /**
   * Where everything is kept: `sqlite:PATH`, or `postgres://…`, which may hold a password and is
   * shown to nobody.
   */
  readonly database: string;
  /** Connections of this process to PostgreSQL at most. */
  readonly databaseConnections: number;
  /**
   * A server that follows the database, for lists and reports; null: there is none. May hold a
   * password.
   */
  readonly databaseReplica: string | null;
  /** Whether a process may answer from memory what it read from PostgreSQL a moment ago. */
  readonly databaseCache: boolean;
  /** The schema is brought up to date at the start; otherwise an old one is refused. */
  readonly migrate: boolean;
  /**
   * Redis or Valkey for what expires: one URL, or several for a Cluster; they may hold a password
   * and are shown to nobody. Null: the database.
   */
  readonly ephemeral: readonly string[] | null;
  /**
   * Public URL of the server, no trailing slash: `iss`, and the origin OAuth 1 signatures are made
   * over. Never taken from `Host`.
   */
  readonly issuer: string;
  /** Scheme, host and port of the issuer. */
  readonly origin: string;
  /** The site this server's own pages and dialect speak for. */
  readonly site: string;
  readonly siteName: string;
  /** The MediaWiki dialect is served. */
  readonly mediawiki: boolean;
  /** OAuth 1 PLAINTEXT signatures are accepted over https (RFC 5849 §3.4.4). */
  readonly oauth1Plaintext: boolean;
  /**
   * Proxies in front whose X-Forwarded-For entries are believed: a number, or their addresses.
   * Anything further left is anybody's text.
   */
  readonly trustProxy: TrustedProxies;
  /** Whether people reach the server from the internet, as far as the issuer tells. */
  readonly isInternetFacing: boolean;
  /** Connections of one process at most; more are refused. */
  readonly maxConnections: number;
  /** How long a client may take for the header of a request. */
  readonly headersTimeoutSeconds: Seconds;
  /** How long a client may take for a whole request. */
  readonly requestTimeoutSeconds: Seconds;
  /** How long a connection stays open between two requests. */
  readonly keepAliveTimeoutSeconds: Seconds;
  /** After how long without a request a session ends; null: only at its own end. */
  readonly sessionIdleSeconds: Seconds | null;
  /** File with scopes, in place of the built-in catalogue; null: built in. */
  readonly scopesFile: string | null;
  /** File with groups and their rights; null: built in. */
  readonly groupsFile: string | null;
  readonly accessTokenTtlSeconds: Seconds;
  readonly refreshTokenTtlSeconds: Seconds;
  readonly refreshGraceSeconds: Seconds;
  readonly logLevel: 'info' | 'warn' | 'error' | 'silent';
  /** Why nothing may be written to the registry at the moment; null: writing is allowed. */
  readonly readOnly: string | null;
  /** Idle proposals expire after this; null: never. */
  readonly idleProposalTtlSeconds: Seconds | null;
  /** Mail server for notices, with its password; null: no mail is sent. */
  readonly smtpUrl: string | null;
  /** Address that notices come from, and that apps of the configuration name as their contact. */
  readonly mailFrom: string;
  /** Sites, apps and rules from the configuration file. */
  readonly structure: StructuredConfig;
  /** Webhook endpoints for notices, each with its signing secrets. */
  readonly webhooks: readonly Webhook[];
  /** Whether people may make accounts by themselves. */
  readonly registration: 'open' | 'closed';
  /** Several accounts may have one confirmed e-mail address. */
  readonly sharedAddresses: boolean;
  /**
   * Master keys for sealed secrets, each 32 bytes in base64, of which the first seals; null: the
   * generated file in the data directory.
   */
  readonly masterKeys: readonly { readonly id: string; readonly key: string }[] | null;
  /** The variable they came from, as an operator has to look for it. */
  readonly masterKeysVariable: 'GATEHOUSE_MASTER_KEYS' | 'GATEHOUSE_MASTER_KEY' | null;
  /** How long signing keys sign before others do; null: until somebody says so. */
  readonly signingKeyRotationSeconds: Seconds | null;
}

/**
 * One thing wrong with the configuration: which setting, where it came from, and what to do about
 * it.
 */
export interface ConfigProblem {
  readonly setting: string;
  readonly source: string;
  readonly remedy: string;
}

/** Settings as given on the command line, by flag name without dashes. */
export type CommandLineFlags = Readonly<Record<string, string | undefined>>;

/** Variables of the environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const integerBetween = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most);

/** Whole seconds, or an ISO 8601 duration such as PT1H. */
const durationBetween = (least: number, most: number) =>
  z
    .string()
    .transform((text) => readDuration(text) ?? Number.NaN)
    .refine((value) => value >= least && value <= most);

const booleanSetting = z
  .enum(['on', 'off', 'true', 'false', '1', '0'])
  .transform((value) => value === 'on' || value === 'true' || value === '1');

/**
 * Null for `database`; otherwise the URLs, which for a Cluster share scheme and credentials and
 * name no database.
 */
function parseRedisServers(text: string, context: z.RefinementCtx): readonly string[] | null {
  if (text === 'database') return null;
  const urls = text.split(',').map((part) => URL.parse(part.trim()));
  const fine = urls.every(
    (url) =>
      url !== null &&
      /^rediss?:$/.test(url.protocol) &&
      url.hostname !== '' &&
      (urls.length === 1 ? /^(?:\/\d{0,4})?$/ : /^\/?$/).test(url.pathname) &&
      !url.search &&
      !url.hash &&
      url.protocol === urls[0]?.protocol &&
      url.username === urls[0].username &&
      url.password === urls[0].password,
  );
  if (fine) return urls.map((url) => url?.href ?? '');
  context.addIssue({ code: 'custom' });
  return z.NEVER;
}

/** Null for an empty text; otherwise ids and keys, in the order given. */
function parseMasterKeys(
  text: string,
  context: z.RefinementCtx,
): readonly { readonly id: string; readonly key: string }[] | null {
  const lines = text.split(/[\s,]+/).filter((line) => line !== '');
  if (lines.length === 0) return null;
  const keys = lines.flatMap((line) => {
    const [, id, key] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/.exec(line) ?? [];
    return id === undefined || key === undefined ? [] : [{ id, key }];
  });
  if (keys.length === lines.length && new Set(keys.map(({ id }) => id)).size === keys.length)
    return keys;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
}

/**
 * Every setting: its flag (null: a secret, never on a command line), its environment variable, its
 * default, its rule and what a person should write.
 */
const settings = {
  port: {
    flag: 'port',
    env: 'GATEHOUSE_PORT',
    fallback: '4400',
    rule: integerBetween(0, 65535),
    remedy: 'a port number from 0 to 65535, such as 4400',
  },
  host: {
    flag: 'host',
    env: 'GATEHOUSE_HOST',
    fallback: '127.0.0.1',
    rule: z.string().min(1).max(255),
    remedy: 'an address to listen on, such as 127.0.0.1 or 0.0.0.0',
  },
  workers: {
    flag: 'workers',
    env: 'GATEHOUSE_WORKERS',
    fallback: '1',
    rule: integerBetween(1, 64),
    remedy: 'a number of processes from 1 to 64, at most one for each core',
  },
  data: {
    flag: 'data',
    env: 'GATEHOUSE_DATA',
    fallback: './data',
    rule: z.string().min(1).max(4096),
    remedy: 'a directory, such as ./data',
  },
  database: {
    flag: 'database',
    env: 'GATEHOUSE_DATABASE',
    fallback: '',
    rule: z.string().regex(/^(?:sqlite:.{1,4096}|postgres(?:ql)?:\/\/[^\s#]{1,4096})?$/),
    remedy:
      'sqlite:PATH or postgres://user@host/database; with a password not as a flag or in the file, but as GATEHOUSE_DATABASE or in a file named by GATEHOUSE_DATABASE_FILE',
  },
  databaseReplica: {
    flag: null,
    env: 'GATEHOUSE_DATABASE_REPLICA',
    fallback: '',
    rule: z.string().regex(/^(?:postgres(?:ql)?:\/\/[^\s#]{1,4096})?$/),
    remedy:
      'postgres://… of a server that follows the database, better in a file named by GATEHOUSE_DATABASE_REPLICA_FILE',
  },
  databaseCache: {
    flag: 'database-cache',
    env: 'GATEHOUSE_DATABASE_CACHE',
    fallback: 'on',
    rule: booleanSetting,
    remedy: 'on, or off: then every check of a request asks PostgreSQL for everything',
  },
  databaseConnections: {
    flag: 'database-connections',
    env: 'GATEHOUSE_DATABASE_CONNECTIONS',
    fallback: '10',
    rule: integerBetween(1, 1000),
    remedy: 'how many connections to PostgreSQL this process may hold, from 1 to 1000',
  },
  ephemeral: {
    flag: 'ephemeral',
    env: 'GATEHOUSE_EPHEMERAL',
    fallback: 'database',
    rule: z.string().max(4096).transform(parseRedisServers),
    remedy:
      'database, redis://host:6379 (rediss:// for TLS), or several of them with commas between for a Cluster; with a password not as a flag or in the file, but as GATEHOUSE_EPHEMERAL or in a file named by GATEHOUSE_EPHEMERAL_FILE',
  },
  migrate: {
    flag: 'migrate',
    env: 'GATEHOUSE_MIGRATE',
    fallback: 'on',
    rule: booleanSetting,
    remedy: 'on or off',
  },
  issuer: {
    flag: 'issuer',
    env: 'GATEHOUSE_ISSUER',
    fallback: '',
    rule: z.union([z.literal(''), issuerUrlSchema]),
    remedy:
      'the public URL of this server as browsers write it, such as https://auth.example.org: http or https, a host in lower case, and no blanks, credentials, query (?), fragment (#), default port or empty path segments (RFC 8414 §2)',
  },
  site: {
    flag: 'site',
    env: 'GATEHOUSE_SITE',
    fallback: 'main',
    rule: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/),
    remedy: 'an identifier of 1 to 32 letters, digits, _ or -',
  },
  siteName: {
    flag: 'site-name',
    env: 'GATEHOUSE_SITE_NAME',
    fallback: 'Gatehouse',
    rule: z.string().min(1).max(128),
    remedy: 'a name of at most 128 characters',
  },
  mediawiki: {
    flag: 'mediawiki',
    env: 'GATEHOUSE_MEDIAWIKI',
    fallback: 'on',
    rule: booleanSetting,
    remedy: 'on or off',
  },
  oauth1Plaintext: {
    flag: 'oauth1-plaintext',
    env: 'GATEHOUSE_OAUTH1_PLAINTEXT',
    fallback: 'off',
    rule: booleanSetting,
    remedy: 'on or off',
  },
  trustProxy: {
    flag: 'trust-proxy',
    env: 'GATEHOUSE_TRUST_PROXY',
    fallback: '0',
    rule: trustedProxiesSchema,
    remedy:
      'the addresses and ranges of the proxies in front, such as 10.0.0.0/8,::1, or their number, from 0 (none) to 10; they have to append to X-Forwarded-For (docs/operations/proxies.md)',
  },
  maxConnections: {
    flag: 'max-connections',
    env: 'GATEHOUSE_MAX_CONNECTIONS',
    fallback: '4096',
    rule: integerBetween(1, 1_000_000),
    remedy: 'how many connections one process accepts at once, from 1 to 1000000',
  },
  headersTimeout: {
    flag: 'headers-timeout',
    env: 'GATEHOUSE_HEADERS_TIMEOUT',
    fallback: '10',
    rule: durationBetween(1, 300),
    remedy: 'seconds or a duration such as PT10S, from 1 to 300, and at most the request time-out',
  },
  requestTimeout: {
    flag: 'request-timeout',
    env: 'GATEHOUSE_REQUEST_TIMEOUT',
    fallback: '30',
    rule: durationBetween(1, 3600),
    remedy: 'seconds or a duration such as PT30S, from 1 to 3600',
  },
  keepAliveTimeout: {
    flag: 'keep-alive-timeout',
    env: 'GATEHOUSE_KEEP_ALIVE_TIMEOUT',
    fallback: '75',
    rule: durationBetween(1, 3600),
    remedy:
      'seconds or a duration such as PT75S, from 1 to 3600; longer than that of the proxy in front',
  },
  sessionIdle: {
    flag: 'session-idle-timeout',
    env: 'GATEHOUSE_SESSION_IDLE_TIMEOUT',
    fallback: 'P3D',
    rule: z
      .string()
      .transform((text) => readDuration(text) ?? Number.NaN)
      .refine((value) => value === 0 || (value >= 900 && value <= 1_209_600)),
    remedy:
      'seconds or a duration such as P3D, from PT15M to P14D, or 0: sessions end after 14 days alone',
  },
  scopesFile: {
    flag: 'scopes',
    env: 'GATEHOUSE_SCOPES',
    fallback: '',
    rule: z.string().max(4096),
    remedy: 'path of a JSON file',
  },
  groupsFile: {
    flag: 'groups',
    env: 'GATEHOUSE_GROUPS',
    fallback: '',
    rule: z.string().max(4096),
    remedy: 'path of a JSON file',
  },
  accessTokenTtl: {
    flag: 'access-token-ttl',
    env: 'GATEHOUSE_ACCESS_TOKEN_TTL',
    fallback: '3600',
    rule: durationBetween(30, 2_592_000),
    remedy: 'seconds or a duration such as PT1H, from 30 to 2592000',
  },
  refreshTokenTtl: {
    flag: 'refresh-token-ttl',
    env: 'GATEHOUSE_REFRESH_TOKEN_TTL',
    fallback: '2592000',
    rule: durationBetween(60, 63_072_000),
    remedy: 'seconds or a duration such as PT1H, from 60 to 63072000',
  },
  refreshGrace: {
    flag: 'refresh-grace',
    env: 'GATEHOUSE_REFRESH_GRACE',
    fallback: '60',
    rule: durationBetween(0, 3600),
    remedy: 'seconds or a duration such as PT1H, from 0 to 3600',
  },
  logLevel: {
    flag: 'log-level',
    env: 'GATEHOUSE_LOG_LEVEL',
    fallback: 'warn',
    rule: z.enum(['info', 'warn', 'error', 'silent']),
    remedy: 'info, warn, error or silent',
  },
  readOnly: {
    flag: 'read-only',
    env: 'GATEHOUSE_READ_ONLY',
    fallback: '',
    rule: z
      .string()
      .max(255)
      .transform((text) => (/^(?:off|no|false|0)$/i.test(text.trim()) ? '' : text.trim())),
    remedy: 'the reason that people are told, or off to allow writing',
  },
  idleProposalTtl: {
    flag: 'idle-proposal-ttl',
    env: 'GATEHOUSE_IDLE_PROPOSAL_TTL',
    fallback: 'P30D',
    rule: durationBetween(0, 315_360_000),
    remedy: 'seconds or a duration such as P30D, or 0 for never',
  },
  mailFrom: {
    flag: 'mail-from',
    env: 'GATEHOUSE_MAIL_FROM',
    fallback: '',
    rule: z.string().refine((text) => text === '' || parseEmail(text) !== undefined),
    remedy: 'one address, such as apps@example.org',
  },
  smtpUrl: {
    flag: null,
    env: 'GATEHOUSE_SMTP_URL',
    fallback: '',
    rule: z.string().regex(/^(?:smtps?:\/\/[^\s/?#]+(?:[/?][^\s#]*)?)?$/),
    remedy:
      'smtp://user:password@host:587 or smtps://…, better in a file named by GATEHOUSE_SMTP_URL_FILE',
  },
  registration: {
    flag: 'registration',
    env: 'GATEHOUSE_REGISTRATION',
    fallback: 'closed',
    rule: z.enum(['open', 'closed']),
    remedy: 'open or closed',
  },
  sharedAddresses: {
    flag: 'shared-addresses',
    env: 'GATEHOUSE_SHARED_ADDRESSES',
    fallback: 'off',
    rule: booleanSetting,
    remedy: 'on or off',
  },
  signingKeyRotation: {
    flag: 'signing-key-rotation',
    env: 'GATEHOUSE_SIGNING_KEY_ROTATION',
    fallback: 'P90D',
    rule: z
      .string()
      .transform((text) => readDuration(text) ?? Number.NaN)
      .refine((value) => value === 0 || (value >= 604_800 && value <= 315_360_000)),
    remedy: 'seconds or a duration such as P90D, from P7D to P3650D, or 0 for never',
  },
  masterKeys: {
    flag: null,
    env: 'GATEHOUSE_MASTER_KEYS',
    fallback: '',
    rule: z.string().max(65_536).transform(parseMasterKeys),
    remedy:
      'one ID:KEY on each line, each KEY 32 random bytes in base64 and each ID once, the first one to seal with; better in a file named by GATEHOUSE_MASTER_KEYS_FILE',
  },
  masterKey: {
    flag: null,
    env: 'GATEHOUSE_MASTER_KEY',
    fallback: '',
    rule: z.union([z.literal(''), z.string().regex(/^[A-Za-z0-9+/]{43}=$/)]),
    remedy: '32 random bytes in base64, better in a file named by GATEHOUSE_MASTER_KEY_FILE',
  },
} as const;

/** What a setting is called in the configuration file. Secrets have no place in it. */
const fileSettingName = (flag: string | null) => flag?.replaceAll('-', '_') ?? null;

/**
 * Settings an operator may give: name on the command line, variable and default. For `--help` and
 * the documentation.
 */
export const settingDescriptions = [
  ...Object.values(settings).map(({ flag, env, fallback, remedy }) => ({
    flag,
    env,
    fallback,
    remedy,
  })),
  {
    flag: 'config',
    env: 'GATEHOUSE_CONFIG',
    fallback: '',
    remedy: 'path of a YAML file with any of these settings, and with sites and apps',
  },
] as readonly {
  readonly flag: string | null;
  readonly env: string;
  readonly fallback: string;
  readonly remedy: string;
}[];

/**
 * Makes one frozen Config of flags (first), environment, configuration file and defaults. Every
 * problem is reported together. `readSecret` reads the configuration file, and the file that a
 * `…_FILE` variable or a `secret_file` names.
 */
export function readConfig(
  flags: CommandLineFlags,
  environment: Environment,
  readSecret: (path: string, maxBytes: number) => string,
): Result<Config, readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const path = flags.config ?? environment.GATEHOUSE_CONFIG;
  const file = path
    ? loadConfigFile(path, readSecret, problems)
    : { settings: {}, structure: emptyStructure };
  function pick<K extends keyof typeof settings>(key: K): z.output<(typeof settings)[K]['rule']> {
    const { flag, env, fallback, rule, remedy } = settings[key];
    let [text, source] = [fallback as string, 'default'];
    const secretFile = environment[`${env}_FILE`];
    const filed = file.settings[fileSettingName(flag) ?? ''];
    if (flag !== null && flags[flag] !== undefined) [text, source] = [flags[flag], `--${flag}`];
    else if (environment[env] !== undefined) [text, source] = [environment[env], env];
    else if (secretFile !== undefined) {
      source = `${env}_FILE`;
      try {
        text = readSecret(secretFile, MAX_SECRET_FILE_BYTES).trim();
      } catch (fault) {
        problems.push({
          setting: flag ?? env,
          source,
          remedy: unsuitableFileRemedy(fault) ?? `a file that can be read (${secretFile} cannot)`,
        });
        return undefined as never;
      }
    } else if (filed !== undefined) [text, source] = [filed, path ?? ''];
    const parsed = rule.safeParse(text);
    // What is on a command line is shown to every user of the machine; a configuration file is
    // shared and versioned.
    const exposesPassword =
      ['database', 'ephemeral'].includes(key) &&
      source !== env &&
      source !== `${env}_FILE` &&
      /:\/\/[^/?#]*:[^@]*@|[?&]password=/i.test(text);
    if (parsed.success && !exposesPassword)
      return parsed.data as z.output<(typeof settings)[K]['rule']>;
    problems.push({ setting: flag ?? env, source, remedy });
    return undefined as never;
  }
  const port = pick('port');
  const host = pick('host');
  const [keyList, singleKey] = [pick('masterKeys'), pick('masterKey') || null];
  const issuer = pick('issuer') || `http://localhost:${port}`;
  const webhookResult = readWebhooks(file.structure.notices.webhooks, (path) =>
    readSecret(path, MAX_SECRET_FILE_BYTES),
  );
  problems.push(...webhookResult.problems.map((problem) => ({ ...problem, source: path ?? '' })));
  const config: Config = {
    port,
    host,
    workers: pick('workers'),
    data: pick('data'),
    database: pick('database') || `sqlite:${join(pick('data') ?? '.', 'gatehouse.db')}`,
    databaseReplica: pick('databaseReplica') || null,
    databaseCache: pick('databaseCache'),
    databaseConnections: pick('databaseConnections'),
    migrate: pick('migrate'),
    ephemeral: pick('ephemeral'),
    issuer,
    origin: URL.parse(issuer)?.origin ?? issuer,
    site: pick('site'),
    siteName: pick('siteName'),
    mediawiki: pick('mediawiki'),
    oauth1Plaintext: pick('oauth1Plaintext'),
    trustProxy: pick('trustProxy'),
    isInternetFacing: isPublicIssuer(issuer),
    maxConnections: pick('maxConnections'),
    headersTimeoutSeconds: seconds(pick('headersTimeout')),
    requestTimeoutSeconds: seconds(pick('requestTimeout')),
    keepAliveTimeoutSeconds: seconds(pick('keepAliveTimeout')),
    sessionIdleSeconds: pick('sessionIdle') > 0 ? seconds(pick('sessionIdle')) : null,
    scopesFile: pick('scopesFile') || null,
    groupsFile: pick('groupsFile') || null,
    accessTokenTtlSeconds: seconds(pick('accessTokenTtl')),
    refreshTokenTtlSeconds: seconds(pick('refreshTokenTtl')),
    refreshGraceSeconds: seconds(pick('refreshGrace')),
    logLevel: pick('logLevel'),
    registration: pick('registration'),
    sharedAddresses: pick('sharedAddresses'),
    ...resolveMasterKeys(keyList, singleKey),
    signingKeyRotationSeconds:
      pick('signingKeyRotation') > 0 ? seconds(pick('signingKeyRotation')) : null,
    readOnly: pick('readOnly') || null,
    idleProposalTtlSeconds: pick('idleProposalTtl') > 0 ? seconds(pick('idleProposalTtl')) : null,
    smtpUrl: pick('smtpUrl') || null,
    mailFrom: normalizeEmail(
      pick('mailFrom') || `no-reply@${URL.parse(issuer)?.hostname ?? 'localhost'}`,
    ),
    structure: file.structure,
    webhooks: webhookResult.webhooks,
  };
  if (config.headersTimeoutSeconds > config.requestTimeoutSeconds)
    problems.push({
      setting: 'headers-timeout',
      source: 'request-timeout',
      remedy: settings.headersTimeout.remedy,
    });
  if (keyList && singleKey)
    problems.push({
      setting: 'GATEHOUSE_MASTER_KEY',
      source: 'GATEHOUSE_MASTER_KEYS',
      remedy: 'one of the two: the single key is the line m1:KEY of the other',
    });
  for (const [what, names] of [
    ['sites', file.structure.sites.map(({ id }) => id)],
    ['notices.webhooks', file.structure.notices.webhooks.map(({ name }) => name)],
  ] as const)
    if (new Set(names).size < names.length)
      problems.push({ setting: what, source: path ?? '', remedy: 'each name once' });
  return problems.length > 0 ? { ok: false, refusal: problems } : accept(Object.freeze(config));
}

const resolveMasterKeys = (
  keyList: Config['masterKeys'],
  singleKey: string | null,
): Pick<Config, 'masterKeys' | 'masterKeysVariable'> => {
  if (keyList) return { masterKeys: keyList, masterKeysVariable: 'GATEHOUSE_MASTER_KEYS' };
  return singleKey === null
    ? { masterKeys: null, masterKeysVariable: null }
    : { masterKeys: [{ id: 'm1', key: singleKey }], masterKeysVariable: 'GATEHOUSE_MASTER_KEY' };
};

/** Why a file that is there is not read, as a remedy; undefined: it could not be opened. */
const unsuitableFileRemedy = (fault: unknown): string | undefined =>
  fault instanceof UnsuitableFileError
    ? `a regular file of a sensible size (${fault.message})`
    : undefined;

function loadConfigFile(
  path: string,
  readText: (path: string, most: number) => string,
  problems: ConfigProblem[],
): { readonly settings: Readonly<Record<string, string>>; readonly structure: StructuredConfig } {
  let text: string;
  try {
    text = readText(path, MAX_CONFIG_FILE_BYTES);
  } catch (fault) {
    problems.push({
      setting: 'config',
      source: path,
      remedy: unsuitableFileRemedy(fault) ?? 'the path of a file that can be read',
    });
    return { settings: {}, structure: emptyStructure };
  }
  const names = Object.values(settings).flatMap(({ flag }) => fileSettingName(flag) ?? []);
  const file = parseConfigFile(text, names);
  problems.push(...file.problems.map((problem) => ({ ...problem, source: path })));
  return file;
}
