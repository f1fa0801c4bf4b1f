import type { TrustedProxies } from '#encoding/forwarded.ts';
import type { Seconds } from '#kernel/time.ts';
import type { StructuredConfig } from './file.ts';
import type { Webhook } from './webhooks.ts';

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
   * Master keys for encrypted secrets, each 32 bytes in base64, of which the first encrypts; null:
   * the generated file in the data directory.
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
