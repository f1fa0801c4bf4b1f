import type { ClientId, ConsentId, Digest, Sealed, SiteId, TokenId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Client, Protocol, Stage } from './client.ts';
import type { Consent } from './consent.ts';

/** A client about to be stored: the store gives it its number. */
export type NewClient = Omit<Client, 'number'>;

/** A permanent pair of an OAuth 1 consent (RFC 5849 §2.3). The secret is sealed because HMAC needs it back. */
export interface NewTokenCredentials {
  readonly token: string;
  readonly secretSealed: Sealed;
}

/** The long-lived access token of an owner-only OAuth 2 client. */
export interface NewOwnerToken {
  readonly id: TokenId;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
}

export interface NewConsent {
  readonly userId: UserId;
  readonly clientId: ClientId;
  readonly site: SiteId;
  readonly scopes: readonly string[];
  readonly acceptedAt: Instant;
}

/** What an owner-only client is born with, written together with it. */
export interface OwnerGrant {
  readonly consent: NewConsent;
  readonly credentials: NewTokenCredentials | null;
  readonly token: NewOwnerToken | null;
}

/** The registry's questions to durable storage. One call is one unit of work with a named outcome. */
export interface RegistryRecords {
  findClient(id: ClientId): Promise<Client | undefined>;
  /** Newest first. */
  listClients(filter: { readonly ownerId?: UserId; readonly stage?: Stage; readonly protocol?: Protocol }): Promise<readonly Client[]>;
  /** Same owner and name (and version when given), the latest registration first. */
  findClientsNamed(ownerId: UserId, name: string): Promise<readonly Client[]>;
  /** Stores the client, and for an owner-only one its consent and credential, or nothing. 'exists': same owner, name and version. */
  createClient(
    client: NewClient,
    grant: OwnerGrant | null,
  ): Promise<{ readonly outcome: 'created'; readonly client: Client } | { readonly outcome: 'exists' }>;
  /** Moves a client that is still in `from` and last moved at `fromAt`. 'stale': somebody was faster. */
  moveStage(
    id: ClientId,
    from: Stage,
    fromAt: Instant,
    to: Stage,
    suppressed: boolean,
    at: Instant,
  ): Promise<'moved' | 'stale' | 'unknown'>;
  /**
   * Replaces the client secret. For an owner-only client the grant replaces its consent's credential: old token rows of the consent
   * are revoked, the OAuth 1 token identifier is kept and its secret replaced (a consent that was renounced is made again).
   */
  resetSecret(
    id: ClientId,
    secret: { readonly digest: Digest | null; readonly sealed: Sealed | null },
    grant: OwnerGrant | null,
  ): Promise<'reset' | 'unknown'>;

  findConsent(user: UserId, client: ClientId, site: SiteId): Promise<Consent | undefined>;
  /** Identifier of the OAuth 1 pair of a consent; undefined when it has none. */
  tokenOfConsent(id: ConsentId): Promise<string | undefined>;
  findConsentById(id: ConsentId): Promise<Consent | undefined>;
  listConsents(user: UserId): Promise<readonly Consent[]>;
  /**
   * Stores a consent. 'update': scopes are replaced if one exists for (user, client, site); 'keep': an existing one is left unchanged.
   * For OAuth 1, `credentials` are stored only when the consent has none yet, so that one permanent pair exists for each.
   */
  saveConsent(consent: NewConsent, mode: 'update' | 'keep', credentials: NewTokenCredentials | null): Promise<Consent>;
  /** Ends a consent: its token credentials, access tokens and families die with it. Only for its own user. */
  renounceConsent(id: ConsentId, user: UserId): Promise<'renounced' | 'unknown'>;
}
