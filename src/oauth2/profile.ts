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
 * How one face of the server reads requests and writes tokens. The core's is strict; a dialect
 * hands in its own.
 */
export interface OAuth2Profile {
  /** Basic credentials are form-encoded first (RFC 6749 §2.3.1), or taken as they are. */
  readonly basicCredentialsDecoding: 'form' | 'raw';
  /** Credentials in both header and body: refused (RFC 6749 §2.3), or the body's win. */
  readonly credentialsInHeaderAndBody: 'refuse' | 'body-wins';
  /**
   * An Authorization value that is no readable Basic, beside what the body says: refused, or not
   * looked at.
   */
  readonly unusableAuthorizationHeader: 'refuse' | 'ignore';
  /** Which addresses these are: codes are redeemed where they were issued. */
  readonly name: ProtocolProfile;
  /** Where refresh tokens may come from that are redeemed here. */
  readonly refreshTokensAcceptedFrom: readonly ProtocolProfile[];
  /** Clients that carry the mark of an importer may send a `plain` challenge until its day. */
  readonly plainPkceForImportedClients: boolean;
  /**
   * Scopes that exist and that the client did not register: refused (RFC 6749 §3.3), or left out.
   */
  readonly scopesBeyondRegistration: 'refuse' | 'leave-out';
  /** How a client is told that a person said no (RFC 6749 §4.1.2.1). */
  readonly denialResponse: {
    readonly error: 'access_denied' | 'unauthorized_client';
    readonly includesState: boolean;
  };
  readonly revokeAccessTokenOnRefresh: boolean;
  /** Scope name that stands for all of the client's, or null. */
  readonly allScopesName: string | null;
  readonly signingAlgorithm: (client: Client) => Algorithm;
  readonly jwtType: string;
  readonly claims: (values: TokenClaimValues) => object;
  /** The answer names the scopes granted. */
  readonly scopeInTokenResponse: boolean;
}

/** The core's reading: RFC 6749, RFC 9700, JWT access tokens of RFC 9068. */
export const coreOAuth2Profile = (settings: OAuth2Settings): OAuth2Profile => ({
  basicCredentialsDecoding: 'form',
  credentialsInHeaderAndBody: 'refuse',
  unusableAuthorizationHeader: 'refuse',
  name: 'core',
  // An app of the dialect moves to the core without asking its people again.
  refreshTokensAcceptedFrom: ['core', 'mediawiki'],
  plainPkceForImportedClients: false,
  scopesBeyondRegistration: 'refuse',
  denialResponse: { error: 'access_denied', includesState: true },
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
