import { formatScope } from '#encoding/scope.ts';
import type { ConsentId, FamilyId, UserId } from '#kernel/ids.ts';
import { instant, later, seconds } from '#kernel/time.ts';
import type { MintOwnerToken } from '#registry/actions/context.ts';
import type { ProtocolProfile } from '#registry/model/authorization-request.ts';
import type { Client, GrantType } from '#registry/model/client.ts';
import type { OAuth2Parts } from './parts.ts';
import type { OAuth2Reading } from './profile.ts';
import type { AccessToken } from './records.ts';

/** A token answer (RFC 6749 §5.1). */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly scope?: string;
}

interface Wanted {
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
  parts: OAuth2Parts,
  wanted: Wanted,
): { readonly row: AccessToken; readonly jwt: string } {
  const { mint, clock, reading, signing, settings } = parts;
  parts.usage.note({
    clientId: wanted.client.id,
    consentId: wanted.consentId,
    token: wanted.familyId,
  });
  const issuedAt = clock.now();
  const row: AccessToken = {
    id: mint.tokenId(),
    clientId: wanted.client.id,
    userId: wanted.userId,
    consentId: wanted.consentId,
    familyId: wanted.familyId,
    scopes: wanted.scopes,
    grantType: wanted.grantType,
    issuedAt,
    expiresAt: later(issuedAt, settings.accessTokenFor),
    revoked: false,
  };
  const claims = reading.claims({ ...row, client: wanted.client, millis: clock.millis() });
  return { row, jwt: signing.sign(reading.algorithm(wanted.client), reading.typ, claims) };
}

/** The answer that carries the token. */
export function tokenAnswer(
  parts: OAuth2Parts,
  row: AccessToken,
  jwt: string,
  refreshToken?: string,
): TokenAnswer {
  return {
    access_token: jwt,
    token_type: 'Bearer',
    expires_in: row.expiresAt - row.issuedAt,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(parts.reading.scopeInAnswer && row.scopes.length > 0
      ? { scope: formatScope(row.scopes) }
      : {}),
  };
}

/** A thousand years: an owner-only token lasts until it is revoked or reminted. */
const OWNER_TOKEN_FOR = seconds(31_556_995_200);

/**
 * Mints the one token of an owner-only client, in the form of the addresses where it was asked for,
 * for the registry to store with it.
 */
export const makeMintOwnerToken =
  (
    parts: Pick<OAuth2Parts, 'mint' | 'clock' | 'signing'> & {
      readonly readings: Readonly<Record<ProtocolProfile, OAuth2Reading>>;
    },
  ): MintOwnerToken =>
  (client, owner, scopes, profile) => {
    const { mint, clock, signing } = parts;
    const reading = parts.readings[profile];
    const issuedAt = clock.now();
    const token = { id: mint.tokenId(), issuedAt, expiresAt: instant(issuedAt + OWNER_TOKEN_FOR) };
    const whole: Client = { ...client, number: 0, edition: 0, secrets: [] };
    const claims = reading.claims({
      ...token,
      client: whole,
      userId: owner.id,
      scopes,
      grantType: 'owner-only',
      millis: clock.millis(),
    });
    return { token, jwt: signing.sign(reading.algorithm(whole), reading.typ, claims) };
  };
