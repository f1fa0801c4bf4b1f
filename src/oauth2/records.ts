import type { Account } from '#accounts/account.ts';
import type {
  ClientId,
  ConsentId,
  Digest,
  EncryptedSecret,
  FamilyId,
  TokenId,
  UserId,
} from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { ProtocolProfile } from '#registry/model/authorization-request.ts';
import type { Client, GrantType } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';

/** An authorization code (RFC 6749 §4.1.2). The store knows only its digest. */
export interface AuthorizationCode {
  readonly digest: Digest;
  readonly clientId: ClientId;
  readonly userId: UserId;
  readonly consentId: ConsentId;
  readonly familyId: FamilyId;
  /** As the client sent it; null when it sent none and the registered one was used. */
  readonly redirectUri: string | null;
  readonly scopes: readonly string[];
  readonly codeChallenge: string | null;
  readonly codeChallengeMethod: 'S256' | 'plain' | null;
  /** The addresses it was issued at, and may be redeemed at. */
  readonly profile: ProtocolProfile;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  readonly used: boolean;
}

/**
 * The row behind a JWT access token, so that it can be revoked; the row is the truth, the claims
 * are a copy.
 */
export interface AccessToken {
  readonly id: TokenId;
  readonly clientId: ClientId;
  /** Null: client_credentials, the client acts for itself. */
  readonly userId: UserId | null;
  readonly consentId: ConsentId | null;
  readonly familyId: FamilyId | null;
  readonly scopes: readonly string[];
  readonly grantType: GrantType | 'owner-only';
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  readonly revoked: boolean;
}

/** A refresh token (RFC 6749 §6). Only the newest of a family is unused. */
export interface RefreshToken {
  readonly digest: Digest;
  readonly familyId: FamilyId;
  readonly clientId: ClientId;
  readonly userId: UserId;
  readonly consentId: ConsentId;
  readonly scopes: readonly string[];
  /** The access token issued with it. */
  readonly accessTokenId: TokenId;
  /**
   * The addresses it was issued at: the core takes it wherever that was, the dialect only its own.
   */
  readonly profile: ProtocolProfile;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  /** When it was rotated; null: never. */
  readonly usedAt: Instant | null;
  /**
   * What the rotation answered, encrypted under a key derived from this token itself: the single
   * successor, for a replay within the grace window.
   */
  readonly encryptedResponse: EncryptedSecret | null;
}

/** Everything that decides whether an access token still stands, read at one moment. */
export interface AccessTokenFacts {
  readonly token: AccessToken;
  readonly familyRevoked: boolean;
  readonly client: Client | undefined;
  /** The token's user; undefined when it has none or the account is gone. */
  readonly user: Account | undefined;
  /** The token's consent; undefined when it has none or it was renounced. */
  readonly consent: Consent | undefined;
}

export interface RefreshTokenFacts {
  readonly token: RefreshToken;
  readonly familyRevoked: boolean;
  readonly client: Client | undefined;
  readonly user: Account | undefined;
  readonly consent: Consent | undefined;
}

/** OAuth 2's questions to durable storage. */
export interface OAuth2Records {
  saveCode(code: AuthorizationCode): Promise<void>;
  findCode(digest: Digest): Promise<
    | {
        readonly code: AuthorizationCode;
        readonly familyRevoked: boolean;
        readonly user: Account | undefined;
        readonly consent: Consent | undefined;
      }
    | undefined
  >;
  /**
   * Marks the code used and stores its tokens (and the family), or neither. A second call revokes
   * the family: all that the first bought (RFC 6749 §4.1.2).
   */
  redeemCode(
    digest: Digest,
    now: Instant,
    tokens: { readonly access: AccessToken; readonly refresh: RefreshToken | null },
  ): Promise<'redeemed' | 'replayed' | 'unknown'>;
  /**
   * With `recordVersion`: if its client still is what was judged; 'changed': it is not, and nothing
   * is stored.
   */
  saveAccessToken(token: AccessToken, recordVersion?: number): Promise<'saved' | 'changed'>;
  /** With `clientId`: a token of another client counts as unknown, and takes the same time. */
  findAccessToken(id: TokenId, clientId?: ClientId): Promise<AccessTokenFacts | undefined>;
  /** Idempotent; an unknown id is no error. */
  revokeAccessToken(id: TokenId): Promise<void>;
  /** With `clientId`: a token of another client counts as unknown, and takes the same time. */
  findRefreshToken(digest: Digest, clientId?: ClientId): Promise<RefreshTokenFacts | undefined>;
  /**
   * Marks the refresh token used and stores its successor, or neither. 'already-used' carries what
   * the winner answered and when, for the grace rule; 'family-revoked' and 'unknown' store nothing.
   * `revokePrevious` also revokes the access token issued with the old one.
   */
  rotateRefreshToken(
    digest: Digest,
    now: Instant,
    encryptedResponse: EncryptedSecret,
    next: { readonly access: AccessToken; readonly refresh: RefreshToken },
    revokePreviousAccessToken: boolean,
  ): Promise<
    | { readonly outcome: 'rotated' | 'family-revoked' | 'unknown' }
    | {
        readonly outcome: 'already-used';
        readonly usedAt: Instant;
        readonly encryptedResponse: EncryptedSecret | null;
      }
  >;
  /** Idempotent. The store remembers it for longer than anything of the family can live. */
  revokeFamily(id: FamilyId, now: Instant): Promise<void>;
}
