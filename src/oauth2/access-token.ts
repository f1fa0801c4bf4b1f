import { formatScope } from '#encoding/scope.ts';
import type { ConsentId, FamilyId, UserId } from '#kernel/ids.ts';
import { addSeconds, instant, seconds } from '#kernel/time.ts';
import type { IssueOwnerToken } from '#registry/actions/context.ts';
import type { ProtocolProfile } from '#registry/model/authorization-request.ts';
import type { Client, GrantType } from '#registry/model/client.ts';
import type { OAuth2Dependencies } from './parts.ts';
import type { OAuth2Profile } from './profile.ts';
import type { AccessToken } from './records.ts';

/** A token answer (RFC 6749 §5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly scope?: string;
}

interface AccessTokenParameters {
  readonly client: Client;
  readonly userId: UserId | null;
  /**
   * Whom the token names, when that is not the user it acts for (the dialect's client credentials).
   */
  readonly consentId: ConsentId | null;
  readonly familyId: FamilyId | null;
  readonly scopes: readonly string[];
  readonly grantType: GrantType;
}

/**
 * Makes an access token: the row that keeps it revocable and the signed text. Nothing is stored.
 */
export function makeAccessToken(
  deps: OAuth2Dependencies,
  parameters: AccessTokenParameters,
): { readonly row: AccessToken; readonly jwt: string } {
  const { idGenerator, clock, profile, signing, settings } = deps;
  deps.usage.recordUse({
    clientId: parameters.client.id,
    consentId: parameters.consentId,
    token: parameters.familyId,
  });
  const issuedAt = clock.now();
  const row: AccessToken = {
    id: idGenerator.tokenId(),
    clientId: parameters.client.id,
    userId: parameters.userId,
    consentId: parameters.consentId,
    familyId: parameters.familyId,
    scopes: parameters.scopes,
    grantType: parameters.grantType,
    issuedAt,
    expiresAt: addSeconds(issuedAt, settings.accessTokenTtlSeconds),
    revoked: false,
  };
  const claims = profile.claims({
    ...row,
    client: parameters.client,
    issuedAtMillis: clock.millis(),
  });
  return {
    row,
    jwt: signing.sign(profile.signingAlgorithm(parameters.client), profile.jwtType, claims),
  };
}

/** The answer that carries the token. */
export function tokenResponse(
  deps: OAuth2Dependencies,
  row: AccessToken,
  jwt: string,
  refreshToken?: string,
): TokenResponse {
  return {
    access_token: jwt,
    token_type: 'Bearer',
    expires_in: row.expiresAt - row.issuedAt,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(deps.profile.scopeInTokenResponse && row.scopes.length > 0
      ? { scope: formatScope(row.scopes) }
      : {}),
  };
}

/** A thousand years: an owner-only token lasts until it is revoked or reminted. */
const OWNER_TOKEN_TTL_SECONDS = seconds(31_556_995_200);

/**
 * Mints the one token of an owner-only client, in the form of the addresses where it was asked for,
 * for the registry to store with it.
 */
export const makeOwnerTokenIssuer =
  (
    deps: Pick<OAuth2Dependencies, 'idGenerator' | 'clock' | 'signing'> & {
      readonly oauth2ProfileNamed: (name: ProtocolProfile) => OAuth2Profile;
    },
  ): IssueOwnerToken =>
  (client, owner, scopes, profileName) => {
    const { idGenerator, clock, signing } = deps;
    const oauth2Profile = deps.oauth2ProfileNamed(profileName);
    const issuedAt = clock.now();
    const token = {
      id: idGenerator.tokenId(),
      issuedAt,
      expiresAt: instant(issuedAt + OWNER_TOKEN_TTL_SECONDS),
    };
    const fullClient: Client = { ...client, number: 0, recordVersion: 0, secrets: [] };
    const claims = oauth2Profile.claims({
      ...token,
      client: fullClient,
      userId: owner.id,
      scopes,
      grantType: 'owner-only',
      issuedAtMillis: clock.millis(),
    });
    return {
      token,
      jwt: signing.sign(oauth2Profile.signingAlgorithm(fullClient), oauth2Profile.jwtType, claims),
    };
  };
