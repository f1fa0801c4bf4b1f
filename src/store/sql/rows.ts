import type { Selectable } from 'kysely';
import type { Account } from '#accounts/account.ts';
import type { ClientId, ConsentId, Digest, FamilyId, Sealed, SiteId, TokenId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { TemporaryCredentials } from '#oauth1/records.ts';
import type { AccessToken, Code, RefreshToken } from '#oauth2/records.ts';
import type { Client, GrantType, Protocol, Restrictions, Stage } from '#registry/client.ts';
import type { Consent } from '#registry/consent.ts';
import type { Schema } from './schema.ts';

/** One function for each table turns a row into a value of its room. */
type Row<T extends keyof Schema> = Selectable<Schema[T]>;

const list = (json: string) => JSON.parse(json) as readonly string[];

export const toAccount = (row: Row<'accounts'>): Account => ({
  id: row.id as UserId,
  name: row.name,
  email: row.email,
  emailConfirmedAt: row.email_confirmed_at as Instant | null,
  realName: row.real_name,
  groups: list(row.groups),
  blocked: row.blocked === 1,
  createdAt: row.created_at as Instant,
});

export const toClient = (row: Row<'clients'>): Client => ({
  id: row.id as ClientId,
  number: row.number,
  name: row.name,
  version: row.version,
  description: row.description,
  ownerId: row.owner_id as UserId,
  email: row.email,
  protocol: row.protocol as Protocol,
  ownerOnly: row.owner_only === 1,
  confidential: row.confidential === 1,
  redirectUri: row.redirect_uri,
  redirectIsPrefix: row.redirect_is_prefix === 1,
  grantTypes: list(row.grant_types) as readonly GrantType[],
  pkceOptional: row.pkce_optional === 1,
  tokenAlgorithm: row.token_algorithm as Client['tokenAlgorithm'],
  site: row.site as SiteId,
  scopes: list(row.scopes),
  secretDigest: row.secret_digest as Digest | null,
  secretSealed: row.secret_sealed as Sealed | null,
  rsaPublicKey: row.rsa_public_key,
  restrictions: JSON.parse(row.restrictions) as Restrictions,
  stage: row.stage as Stage,
  stageAt: row.stage_at as Instant,
  suppressed: row.suppressed === 1,
  registeredAt: row.registered_at as Instant,
});

export const toConsent = (row: Row<'consents'>): Consent => ({
  id: row.id as ConsentId,
  userId: row.user_id as UserId,
  clientId: row.client_id as ClientId,
  site: row.site as SiteId,
  scopes: list(row.scopes),
  acceptedAt: row.accepted_at as Instant,
});

export const toTemporary = (row: Row<'temporary_credentials'>): TemporaryCredentials => ({
  token: row.token,
  clientId: row.client_id as ClientId,
  secretSealed: row.secret_sealed as Sealed,
  callback: row.callback,
  expiresAt: row.expires_at as Instant,
  authorized:
    row.user_id === null
      ? null
      : { userId: row.user_id as UserId, consentId: row.consent_id as ConsentId, verifierDigest: row.verifier_digest as Digest },
  used: row.used === 1,
});

export const toCode = (row: Row<'codes'>): Code => ({
  digest: row.digest as Digest,
  clientId: row.client_id as ClientId,
  userId: row.user_id as UserId,
  consentId: row.consent_id as ConsentId,
  familyId: row.family_id as FamilyId,
  redirectUri: row.redirect_uri,
  scopes: list(row.scopes),
  codeChallenge: row.code_challenge,
  codeChallengeMethod: row.code_challenge_method as Code['codeChallengeMethod'],
  issuedAt: row.issued_at as Instant,
  expiresAt: row.expires_at as Instant,
  used: row.used === 1,
});

export const toAccessToken = (row: Row<'access_tokens'>): AccessToken => ({
  id: row.id as TokenId,
  clientId: row.client_id as ClientId,
  userId: row.user_id as UserId | null,
  consentId: row.consent_id as ConsentId | null,
  familyId: row.family_id as FamilyId | null,
  scopes: list(row.scopes),
  grantType: row.grant_type as AccessToken['grantType'],
  issuedAt: row.issued_at as Instant,
  expiresAt: row.expires_at as Instant,
  revoked: row.revoked === 1,
});

export const toRefreshToken = (row: Row<'refresh_tokens'>): RefreshToken => ({
  digest: row.digest as Digest,
  familyId: row.family_id as FamilyId,
  clientId: row.client_id as ClientId,
  userId: row.user_id as UserId,
  consentId: row.consent_id as ConsentId,
  scopes: list(row.scopes),
  accessTokenId: row.access_token_id as TokenId,
  issuedAt: row.issued_at as Instant,
  expiresAt: row.expires_at as Instant,
  usedAt: row.used_at as Instant | null,
  answerSealed: row.answer_sealed as Sealed | null,
});
