import type { FastifyInstance } from 'fastify';
import type { Accounts } from '#accounts/accounts.ts';
import type { PendingRequests } from '#accounts/kept-requests.ts';
import type { AccountRecords, PeopleRecords } from '#accounts/records.ts';
import type { RightsTable } from '#accounts/rights.ts';
import type { TrustedProxies } from '#encoding/forwarded.ts';
import type { Guard } from '#guard/permit.ts';
import type { SiteId } from '#kernel/ids.ts';
import type { Instant, Seconds } from '#kernel/time.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { SigningKeys } from '#keys/signing.ts';
import type { OAuth1 } from '#oauth1/oauth1.ts';
import type { OAuth2 } from '#oauth2/oauth2.ts';
import type { Clock, ClockStatus } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import type { Entropy } from '#platform/random.ts';
import type { AuthorizationRequests } from '#registry/model/authorization-request.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { Sites } from '#registry/model/sites.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { FailureRecorder, FailureRecords } from '#registry/refused-requests.ts';
import type { Registry } from '#registry/registry.ts';
import type { ReviewAssignments } from '#registry/review/assignments.ts';
import type { DialectErrors } from './error-pages.ts';
import type { ProxyMonitor } from './proxy-watch.ts';

/** Both protocols under one profile: the core's, or a dialect's. */
export interface Protocols {
  readonly oauth1: OAuth1;
  readonly oauth2: OAuth2;
}

/** The protocols under a dialect's profile, and the requests that are judged by it. */
export interface DialectProtocols extends Protocols {
  readonly name: string;
  ownsTarget(target: string): boolean;
}

/** The protocols that are served. */
export interface ServedProtocols {
  readonly core: Protocols;
  /** Null: no dialect is served. */
  readonly dialect: DialectProtocols | null;
}

/** The protocols under a stored profile name; the core's, where its dialect is not served. */
export const protocolsNamed = ({ core, dialect }: ServedProtocols, name: string): Protocols =>
  dialect?.name === name ? dialect : core;

/** How much time and room connections get. */
export interface ConnectionLimits {
  /** At once, in one process. */
  readonly maxConnections: number;
  readonly headersTimeoutSeconds: Seconds;
  readonly requestTimeoutSeconds: Seconds;
  /** Between two requests. */
  readonly keepAliveTimeoutSeconds: Seconds;
}

/** Something an operator should know of. `about`: the setting, path or address it is about. */
export interface SetupWarning {
  readonly kind:
    | 'https-without-proxy'
    | 'counted-on-every-address'
    | 'plain-http'
    | 'open-to-others';
  readonly about: string;
}

/** What administrators are told of the server itself. */
export interface ServerInfo {
  readonly version: string;
  readonly startedAt: Instant;
  /** After how long an idle proposal expires; null: never. */
  readonly idleProposalTtlSeconds: Seconds | null;
  readonly mail: boolean;
  /** Names of the webhook endpoints. */
  readonly webhooks: readonly string[];
}

/** Everything the HTTP room works with. */
export interface Services {
  readonly issuer: string;
  readonly origin: string;
  readonly site: SiteId;
  readonly siteName: string;
  /** People reach us by https: cookies are locked to it. */
  readonly secure: boolean;
  /** Proxies in front whose word on the client's address is taken. */
  readonly trustProxy: TrustedProxies;
  /** People reach us from the internet, as far as the issuer tells. */
  readonly isInternetFacing: boolean;
  readonly proxyMonitor: ProxyMonitor;
  readonly connectionLimits: ConnectionLimits;
  /** What in the settings and on the disk should be otherwise. */
  setupWarnings(): readonly SetupWarning[];
  readonly accounts: Accounts;
  readonly records: AccountRecords & PeopleRecords & RegistryRecords & ReviewAssignments;
  readonly rights: RightsTable;
  readonly registry: Registry;
  readonly guard: Guard;
  readonly sites: Sites;
  readonly scopes: ScopeCatalogue;
  readonly authorizationRequests: AuthorizationRequests;
  readonly failures: Pick<FailureRecords, 'listFailures'> & FailureRecorder;
  readonly pendingRequests: PendingRequests;
  readonly protocols: ServedProtocols;
  readonly signingKeys: SigningKeys;
  readonly idGenerator: IdGenerator;
  readonly entropy: Entropy;
  readonly clock: Clock;
  readonly clockMonitor: {
    /** Whether this node's clock can be relied on. Nothing is served while it is far off. */
    status(): ClockStatus;
    /** Null: nothing that expired is deleted at present. */
    purgeUntil(): Instant | null;
  };
  readonly log: Log;
  readonly serverInfo: ServerInfo;
  /** Rejects when the store cannot be reached. */
  ping(): Promise<void>;
  /** Bytes of the embedded database's write-ahead log; null: there is none. */
  walBytes(): number | null;
  /** Null: no dialect is served. */
  readonly dialect: HttpDialect | null;
}

/** A dialect, as the HTTP server takes it in. */
export interface HttpDialect {
  /** As it stands in stored rows, and in addresses that lead to a registration under its rules. */
  readonly name: string;
  /** Apps with a secret that are registered by its addresses may leave PKCE out. */
  readonly exemptsFromPkce: boolean;
  registerRoutes(app: FastifyInstance, services: Services): void;
  readonly errors: DialectErrors;
}
