import { formatScope } from '#encoding/scope.ts';
import type { SiteId, TokenId } from '#kernel/ids.ts';
import type { Instant, Seconds } from '#kernel/time.ts';
import type { Algorithm } from '#keys/signing.ts';
import type { ProtocolProfile } from '#registry/model/authorization-request.ts';
import type { Client, GrantType } from '#registry/model/client.ts';

/** What an access token says. */
export interface TokenFacts {
  readonly id: TokenId;
  readonly client: Client;
  /** Whom `sub` names; null: nobody, the client acts for itself. */
  readonly userId: number | null;
  readonly scopes: readonly string[];
  readonly grantType: GrantType | 'owner-only';
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  readonly millis: number;
}

/** Values of the deployment. */
export interface OAuth2Settings {
  readonly issuer: string;
  readonly site: SiteId;
  readonly codeFor: Seconds;
  readonly accessTokenFor: Seconds;
  readonly refreshTokenFor: Seconds;
  /** How long a rotated refresh token answers with its single successor again. */
  readonly refreshGraceFor: Seconds;
  /** Grant types this server offers at all (registry 4.1). */
  readonly grantTypes: readonly GrantType[];
}

/**
 * How one face of the server reads requests and writes tokens. The core's is strict; a dialect
 * hands in its own.
 */
export interface OAuth2Reading {
  /** Basic credentials are form-encoded first (RFC 6749 §2.3.1), or taken as they are. */
  readonly basicDecoding: 'form' | 'raw';
  /** Credentials in both header and body: refused (RFC 6749 §2.3), or the body's win. */
  readonly twoCredentials: 'refuse' | 'body-wins';
  /**
   * An Authorization value that is no readable Basic, beside what the body says: refused, or not
   * looked at.
   */
  readonly otherAuthorization: 'refuse' | 'ignore';
  /** Which addresses these are: codes are redeemed where they were issued. */
  readonly profile: ProtocolProfile;
  /** Where refresh tokens may come from that are redeemed here. */
  readonly refreshTokensOf: readonly ProtocolProfile[];
  /** Clients that carry the mark of an importer may send a `plain` challenge until its day. */
  readonly plainPkceOfMarked: boolean;
  /**
   * Scopes that exist and that the client did not register: refused (RFC 6749 §3.3), or left out.
   */
  readonly scopesBeyondRegistration: 'refuse' | 'leave-out';
  /** How a client is told that a person said no (RFC 6749 §4.1.2.1). */
  readonly denial: {
    readonly error: 'access_denied' | 'unauthorized_client';
    readonly withState: boolean;
  };
  readonly revokePreviousOnRefresh: boolean;
  /** Scope name that stands for all of the client's, or null. */
  readonly defaultScope: string | null;
  readonly algorithm: (client: Client) => Algorithm;
  readonly typ: string;
  readonly claims: (facts: TokenFacts) => object;
  /** The answer names the scopes granted. */
  readonly scopeInAnswer: boolean;
}

/** The core's reading: RFC 6749, RFC 9700, JWT access tokens of RFC 9068. */
export const coreReading = (settings: OAuth2Settings): OAuth2Reading => ({
  basicDecoding: 'form',
  twoCredentials: 'refuse',
  otherAuthorization: 'refuse',
  profile: 'core',
  // An app of the dialect moves to the core without asking its people again.
  refreshTokensOf: ['core', 'mediawiki'],
  plainPkceOfMarked: false,
  scopesBeyondRegistration: 'refuse',
  denial: { error: 'access_denied', withState: true },
  revokePreviousOnRefresh: false,
  defaultScope: null,
  algorithm: (client) => client.tokenAlgorithm,
  typ: 'at+jwt',
  scopeInAnswer: true,
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
