import type { ClientId, Digest, Sealed, SiteId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';

/** Where a client stands in review. The numbers of the reference are the dialect's business. */
export const stages = ['proposed', 'approved', 'rejected', 'expired', 'disabled'] as const;
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
  /** What its access tokens are signed with. */
  readonly tokenAlgorithm: 'ES256' | 'RS256';
  /** One site, or `*`. */
  readonly site: SiteId;
  /** What it may ask for, ordered. */
  readonly scopes: readonly string[];
  /** One-way image of the client secret; null: public client. */
  readonly secretDigest: Digest | null;
  /** The same secret readable, for HMAC signatures; null for OAuth 2 clients. */
  readonly secretSealed: Sealed | null;
  /** PEM public key for RSA signatures; null: none. */
  readonly rsaPublicKey: string | null;
  readonly restrictions: Restrictions;
  readonly stage: Stage;
  readonly stageAt: Instant;
  readonly suppressed: boolean;
  readonly registeredAt: Instant;
}
