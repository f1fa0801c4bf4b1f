/**
 * Every setting: its flag (null: a secret, never on a command line), its environment variable, its
 * default, and what a person should write. Nothing is loaded with it: `--help` is made of it.
 */
export const settingNames = {
  port: {
    flag: 'port',
    env: 'GATEHOUSE_PORT',
    fallback: '4400',
    remedy: 'a port number from 0 to 65535, such as 4400',
  },
  host: {
    flag: 'host',
    env: 'GATEHOUSE_HOST',
    fallback: '127.0.0.1',
    remedy: 'an address to listen on, such as 127.0.0.1 or 0.0.0.0',
  },
  workers: {
    flag: 'workers',
    env: 'GATEHOUSE_WORKERS',
    fallback: '1',
    remedy: 'a number of processes from 1 to 64, at most one for each core',
  },
  data: {
    flag: 'data',
    env: 'GATEHOUSE_DATA',
    fallback: './data',
    remedy: 'a directory, such as ./data',
  },
  database: {
    flag: 'database',
    env: 'GATEHOUSE_DATABASE',
    fallback: '',
    remedy:
      'sqlite:PATH or postgres://user@host/database; with a password not as a flag or in the file, but as GATEHOUSE_DATABASE or in a file named by GATEHOUSE_DATABASE_FILE',
  },
  databaseReplica: {
    flag: null,
    env: 'GATEHOUSE_DATABASE_REPLICA',
    fallback: '',
    remedy:
      'postgres://… of a server that follows the database, better in a file named by GATEHOUSE_DATABASE_REPLICA_FILE',
  },
  databaseCache: {
    flag: 'database-cache',
    env: 'GATEHOUSE_DATABASE_CACHE',
    fallback: 'on',
    remedy: 'on, or off: then every check of a request asks PostgreSQL for everything',
  },
  databaseConnections: {
    flag: 'database-connections',
    env: 'GATEHOUSE_DATABASE_CONNECTIONS',
    fallback: '10',
    remedy: 'how many connections to PostgreSQL this process may hold, from 1 to 1000',
  },
  ephemeral: {
    flag: 'ephemeral',
    env: 'GATEHOUSE_EPHEMERAL',
    fallback: 'database',
    remedy:
      'database, redis://host:6379 (rediss:// for TLS), or several of them with commas between for a Cluster; with a password not as a flag or in the file, but as GATEHOUSE_EPHEMERAL or in a file named by GATEHOUSE_EPHEMERAL_FILE',
  },
  migrate: {
    flag: 'migrate',
    env: 'GATEHOUSE_MIGRATE',
    fallback: 'on',
    remedy: 'on or off',
  },
  issuer: {
    flag: 'issuer',
    env: 'GATEHOUSE_ISSUER',
    fallback: '',
    remedy:
      'the public URL of this server as browsers write it, such as https://auth.example.org: http or https, a host in lower case, and no blanks, credentials, query (?), fragment (#), default port or empty path segments (RFC 8414 §2)',
  },
  site: {
    flag: 'site',
    env: 'GATEHOUSE_SITE',
    fallback: 'main',
    remedy: 'an identifier of 1 to 32 letters, digits, _ or -',
  },
  siteName: {
    flag: 'site-name',
    env: 'GATEHOUSE_SITE_NAME',
    fallback: 'Gatehouse',
    remedy: 'a name of at most 128 characters',
  },
  mediawiki: {
    flag: 'mediawiki',
    env: 'GATEHOUSE_MEDIAWIKI',
    fallback: 'on',
    remedy: 'on or off',
  },
  oauth1Plaintext: {
    flag: 'oauth1-plaintext',
    env: 'GATEHOUSE_OAUTH1_PLAINTEXT',
    fallback: 'off',
    remedy: 'on or off',
  },
  trustProxy: {
    flag: 'trust-proxy',
    env: 'GATEHOUSE_TRUST_PROXY',
    fallback: '0',
    remedy:
      'the addresses and ranges of the proxies in front, such as 10.0.0.0/8,::1, or their number, from 0 (none) to 10; they have to append to X-Forwarded-For (docs/operations/proxies.md)',
  },
  maxConnections: {
    flag: 'max-connections',
    env: 'GATEHOUSE_MAX_CONNECTIONS',
    fallback: '4096',
    remedy: 'how many connections one process accepts at once, from 1 to 1000000',
  },
  headersTimeout: {
    flag: 'headers-timeout',
    env: 'GATEHOUSE_HEADERS_TIMEOUT',
    fallback: '10',
    remedy: 'seconds or a duration such as PT10S, from 1 to 300, and at most the request time-out',
  },
  requestTimeout: {
    flag: 'request-timeout',
    env: 'GATEHOUSE_REQUEST_TIMEOUT',
    fallback: '30',
    remedy: 'seconds or a duration such as PT30S, from 1 to 3600',
  },
  keepAliveTimeout: {
    flag: 'keep-alive-timeout',
    env: 'GATEHOUSE_KEEP_ALIVE_TIMEOUT',
    fallback: '75',
    remedy:
      'seconds or a duration such as PT75S, from 1 to 3600; longer than that of the proxy in front',
  },
  sessionIdle: {
    flag: 'session-idle-timeout',
    env: 'GATEHOUSE_SESSION_IDLE_TIMEOUT',
    fallback: 'P3D',
    remedy:
      'seconds or a duration such as P3D, from PT15M to P14D, or 0: sessions end after 14 days alone',
  },
  scopesFile: {
    flag: 'scopes',
    env: 'GATEHOUSE_SCOPES',
    fallback: '',
    remedy: 'path of a JSON file',
  },
  groupsFile: {
    flag: 'groups',
    env: 'GATEHOUSE_GROUPS',
    fallback: '',
    remedy: 'path of a JSON file',
  },
  accessTokenTtl: {
    flag: 'access-token-ttl',
    env: 'GATEHOUSE_ACCESS_TOKEN_TTL',
    fallback: '3600',
    remedy: 'seconds or a duration such as PT1H, from 30 to 2592000',
  },
  refreshTokenTtl: {
    flag: 'refresh-token-ttl',
    env: 'GATEHOUSE_REFRESH_TOKEN_TTL',
    fallback: '2592000',
    remedy: 'seconds or a duration such as PT1H, from 60 to 63072000',
  },
  refreshGrace: {
    flag: 'refresh-grace',
    env: 'GATEHOUSE_REFRESH_GRACE',
    fallback: '60',
    remedy: 'seconds or a duration such as PT1H, from 0 to 3600',
  },
  logLevel: {
    flag: 'log-level',
    env: 'GATEHOUSE_LOG_LEVEL',
    fallback: 'warn',
    remedy: 'info, warn, error or silent',
  },
  readOnly: {
    flag: 'read-only',
    env: 'GATEHOUSE_READ_ONLY',
    fallback: '',
    remedy: 'the reason that people are told, or off to allow writing',
  },
  idleProposalTtl: {
    flag: 'idle-proposal-ttl',
    env: 'GATEHOUSE_IDLE_PROPOSAL_TTL',
    fallback: 'P30D',
    remedy: 'seconds or a duration such as P30D, or 0 for never',
  },
  mailFrom: {
    flag: 'mail-from',
    env: 'GATEHOUSE_MAIL_FROM',
    fallback: '',
    remedy: 'one address, such as apps@example.org',
  },
  smtpUrl: {
    flag: null,
    env: 'GATEHOUSE_SMTP_URL',
    fallback: '',
    remedy:
      'smtp://user:password@host:587 or smtps://…, better in a file named by GATEHOUSE_SMTP_URL_FILE',
  },
  registration: {
    flag: 'registration',
    env: 'GATEHOUSE_REGISTRATION',
    fallback: 'closed',
    remedy: 'open or closed',
  },
  sharedAddresses: {
    flag: 'shared-addresses',
    env: 'GATEHOUSE_SHARED_ADDRESSES',
    fallback: 'off',
    remedy: 'on or off',
  },
  signingKeyRotation: {
    flag: 'signing-key-rotation',
    env: 'GATEHOUSE_SIGNING_KEY_ROTATION',
    fallback: 'P90D',
    remedy: 'seconds or a duration such as P90D, from P7D to P3650D, or 0 for never',
  },
  masterKeys: {
    flag: null,
    env: 'GATEHOUSE_MASTER_KEYS',
    fallback: '',
    remedy:
      'one ID:KEY on each line, each KEY 32 random bytes in base64 and each ID once, the first one to seal with; better in a file named by GATEHOUSE_MASTER_KEYS_FILE',
  },
  masterKey: {
    flag: null,
    env: 'GATEHOUSE_MASTER_KEY',
    fallback: '',
    remedy: '32 random bytes in base64, better in a file named by GATEHOUSE_MASTER_KEY_FILE',
  },
} as const;

/** The name of a setting in this program. */
export type SettingName = keyof typeof settingNames;

/** What a setting is called in the configuration file. Secrets have no place in it. */
export const fileSettingName = (flag: string): string => flag.replaceAll('-', '_');

/**
 * Settings an operator may give: name on the command line, variable and default. For `--help` and
 * the documentation.
 */
export const settingDescriptions = [
  ...Object.values(settingNames).map(({ flag, env, fallback, remedy }) => ({
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
