import { formatScope } from '#encoding/scope.ts';
import type { SiteId, TokenId } from '#kernel/ids.ts';
import type { Instant, Seconds } from '#kernel/time.ts';
import type { Algorithm } from '#keys/signing.ts';
import type { ProtocolProfile } from '#registry/model/authorization-request.ts';
import type { Client, GrantType } from '#registry/model/client.ts';

/** What an access token says. */
export interface TokenClaimValues {
  readonly id: TokenId;
  readonly client: Client;
  /** Whom `sub` names; null: nobody, the client acts for itself. */
  readonly userId: number | null;
  readonly scopes: readonly string[];
  readonly grantType: GrantType | 'owner-only';
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  readonly issuedAtMillis: number;
}

/** Values of the deployment. */
export interface OAuth2Settings {
  readonly issuer: string;
  readonly site: SiteId;
  readonly codeTtlSeconds: Seconds;
  readonly accessTokenTtlSeconds: Seconds;
  readonly refreshTokenTtlSeconds: Seconds;
  /** How long a rotated refresh token answers with its single successor again. */
  readonly refreshGraceSeconds: Seconds;
  /** Grant types this server offers at all (registry 4.1). */
  readonly grantTypes: readonly GrantType[];
}

/**
 * The rules of OAuth 2 in which one set of addresses differs from another. Each member decides the
 * one rule it is named for; the core's are strict, and a dialect hands in its own.
 */
export interface OAuth2Profile {
  /** Basic credentials are form-encoded first (RFC 6749 §2.3.1), or taken as they are. */
  readonly basicCredentialsDecoding: 'form' | 'raw';
  /** Credentials in both header and body: refused (RFC 6749 §2.3), or the body's win. */
  readonly credentialsInHeaderAndBody: 'refuse' | 'body-wins';
  /**
   * An Authorization field of another scheme than Basic, whatever the body says: refused, or not
   * looked at.
   */
  readonly otherAuthorizationScheme: 'refuse' | 'ignore';
  /** Basic credentials that cannot be read: refused, or not looked at. */
  readonly malformedBasicCredentials: 'refuse' | 'ignore';
  /** A secret of a client that has none: refused, or not looked at. */
  readonly secretFromPublicClients: 'refuse' | 'ignore';
  /** As it stands in stored rows: which addresses these are. It decides nothing by itself. */
  readonly name: ProtocolProfile;
  /** Under which profiles a code may have been issued that is redeemed here. */
  readonly codesAcceptedFrom: readonly ProtocolProfile[];
  /** Under which profiles a refresh token may have been issued that is redeemed here. */
  readonly refreshTokensAcceptedFrom: readonly ProtocolProfile[] | 'every';
  /** Clients that carry the mark of an importer may send a `plain` challenge until its day. */
  readonly plainPkceForImportedClients: boolean;
  /**
   * Scopes that exist and that the client did not register: refused (RFC 6749 §3.3), or left out.
   */
  readonly scopesBeyondRegistration: 'refuse' | 'leave-out';
  /** The error that tells a client of a person's denial (RFC 6749 §4.1.2.1). */
  readonly denialError: 'access_denied' | 'unauthorized_client';
  /** A denial carries the request's `state` (RFC 6749 §4.1.2.1). */
  readonly stateInDenial: boolean;
  readonly revokeAccessTokenOnRefresh: boolean;
  /** Scope name that stands for all of the client's, or null. */
  readonly allScopesName: string | null;
  readonly signingAlgorithm: (client: Client) => Algorithm;
  readonly jwtType: string;
  readonly claims: (values: TokenClaimValues) => object;
  /** The answer names the scopes granted. */
  readonly scopeInTokenResponse: boolean;
}

/** The core's rules: RFC 6749, RFC 9700, JWT access tokens of RFC 9068. */
export const coreOAuth2Profile = (settings: OAuth2Settings): OAuth2Profile => ({
  basicCredentialsDecoding: 'form',
  credentialsInHeaderAndBody: 'refuse',
  otherAuthorizationScheme: 'refuse',
  malformedBasicCredentials: 'refuse',
  secretFromPublicClients: 'refuse',
  name: 'core',
  codesAcceptedFrom: ['core'],
  // An app of the dialect moves to the core without asking its people again.
  refreshTokensAcceptedFrom: 'every',
  plainPkceForImportedClients: false,
  scopesBeyondRegistration: 'refuse',
  denialError: 'access_denied',
  stateInDenial: true,
  revokeAccessTokenOnRefresh: false,
  allScopesName: null,
  signingAlgorithm: (client) => client.tokenAlgorithm,
  jwtType: 'at+jwt',
  scopeInTokenResponse: true,
  claims: ({ id, client, userId, scopes, issuedAt, expiresAt }) => ({
    iss: settings.issuer,
    sub: userId === null ? client.id : String(userId),
    aud: settings.issuer,
    client_id: client.id,
    iat: issuedAt,
    exp: expiresAt,
    jti: id,
    scope: formatScope(scopes),
  }),
});
