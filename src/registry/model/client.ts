import type { ClientId, Digest, EncryptedSecret, SiteId, UserId } from '#kernel/ids.ts';
import { type Instant, isExpired } from '#kernel/time.ts';

/**
 * Where a client stands in review. The numbers of the reference are the dialect's business.
 * `configured` is the row of an app that the configuration describes: without its entry in the
 * configuration it is usable by nobody.
 */
export const stages = [
  'proposed',
  'approved',
  'rejected',
  'expired',
  'disabled',
  'configured',
] as const;
export type Stage = (typeof stages)[number];

export const protocols = ['oauth1', 'oauth2'] as const;
export type Protocol = (typeof protocols)[number];

export const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials'] as const;
export type GrantType = (typeof grantTypes)[number];

/** Where requests of a client may come from, and what they may touch. */
export interface Restrictions {
  /** Single addresses or CIDR ranges, IPv4 or IPv6. Empty: nowhere. */
  readonly addresses: readonly string[];
  readonly pages: readonly string[];
}

export const ANYWHERE: Restrictions = { addresses: ['0.0.0.0/0', '::/0'], pages: [] };

/**
 * What a reviewer has stopped without disabling the client, each grade more than the one before.
 */
export const suspensions = ['none', 'new-consents', 'all'] as const;
export type Suspension = (typeof suspensions)[number];

/**
 * One of a client's secrets. Several may live at once, so that one is exchanged for another without
 * an outage.
 */
export interface ClientSecret {
  readonly id: number;
  readonly label: string;
  readonly digest: Digest;
  /** The same secret readable, for HMAC signatures; null for OAuth 2 clients. */
  readonly encrypted: EncryptedSecret | null;
  readonly createdAt: Instant;
  /** Null: until it is retired. */
  readonly expiresAt: Instant | null;
}

/** A registered application, of either protocol. UI text says "app". */
export interface Client {
  readonly id: ClientId;
  /** Counts clients; used where the reference shows a number. */
  readonly number: number;
  readonly name: string;
  /** The owner's own version text: a different one is a different client. */
  readonly version: string;
  readonly description: string;
  readonly ownerId: UserId;
  /** Contact address when the client was proposed. */
  readonly email: string;
  readonly protocol: Protocol;
  /** Acts for its owner alone, without a consent page. */
  readonly ownerOnly: boolean;
  /** Can keep a secret (RFC 6749 §2.1). OAuth 1 clients always are. */
  readonly confidential: boolean;
  readonly redirectUri: string;
  /** OAuth 1 only: the callback may extend `redirectUri`. */
  readonly redirectIsPrefix: boolean;
  /** OAuth 2 only. */
  readonly grantTypes: readonly GrantType[];
  /** May use the code flow without PKCE; honoured for confidential clients only. */
  readonly pkceOptional: boolean;
  /**
   * May ask about access tokens of every app, as an API does (RFC 7662); without it, about its own
   * alone. Named by the operator.
   */
  readonly introspector: boolean;
  /**
   * Until when it may send a `plain` challenge (RFC 7636 §4.2) at the dialect; null: never. No
   * registration sets it: only an importer of apps that are in use elsewhere does, so that their
   * users are not shut out on the day of the move.
   */
  readonly plainPkceUntil: Instant | null;
  /** What its access tokens are signed with. */
  readonly tokenAlgorithm: 'ES256' | 'RS256';
  /** One site, or `*`. */
  readonly site: SiteId;
  /** What it may ask for, ordered. */
  readonly scopes: readonly string[];
  /** Those of them a person may leave out when they approve. */
  readonly optionalScopes: readonly string[];
  /** Oldest first; empty for public clients. */
  readonly secrets: readonly ClientSecret[];
  /** PEM public key for RSA signatures; null: none. */
  readonly rsaPublicKey: string | null;
  readonly restrictions: Restrictions;
  readonly stage: Stage;
  readonly stageAt: Instant;
  /** Hidden from everyone who may not see hidden apps. */
  readonly suppressed: boolean;
  readonly suspension: Suspension;
  readonly registeredAt: Instant;
  /** Described by the configuration: nobody changes it here. */
  readonly managed: boolean;
  /** First-party: people are not asked (registry 7.6). Only configured clients. */
  readonly skipConsent: boolean;
  /** Counts the changes of the client; a decision names the version it was made on. */
  readonly recordVersion: number;
}

/**
 * True for an app that people are sent back to. A service, which acts for itself alone, has nowhere
 * to send anybody (RFC 6749 §3.1.2, §4.4), and neither has an app that only its owner uses.
 */
export const needsRedirectUri = ({
  protocol,
  ownerOnly,
  grantTypes,
}: Pick<Client, 'protocol' | 'ownerOnly' | 'grantTypes'>): boolean =>
  !ownerOnly && (protocol === 'oauth1' || grantTypes.includes('authorization_code'));

/** The secrets that still hold. */
export const liveSecrets = (client: Client, now: Instant): readonly ClientSecret[] =>
  client.secrets.filter(({ expiresAt }) => !isExpired(expiresAt, now));
