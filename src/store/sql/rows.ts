import type { Account } from '#accounts/account.ts';
import type { Passkey } from '#accounts/passkey-records.ts';
import type { AccountToken, Session } from '#accounts/records.ts';
import type {
  ClientId,
  ConsentId,
  Digest,
  EncryptedSecret,
  FamilyId,
  SiteId,
  TokenId,
  UserId,
} from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { TemporaryCredentials } from '#oauth1/records.ts';
import type { AccessToken, AuthorizationCode, RefreshToken } from '#oauth2/records.ts';
import type { AuditEntry, FieldChange } from '#registry/audit.ts';
import type {
  Client,
  ClientSecret,
  GrantType,
  Protocol,
  Restrictions,
  Stage,
  Suspension,
} from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { Approval, Involvement } from '#registry/model/involvement.ts';
import type { Revision } from '#registry/model/revision.ts';
import type { Maintainer, Offer } from '#registry/model/team.ts';
import type { Row } from './schema.ts';

/** One function for each table turns a row into a value of its room. */

const parseList = (json: string) => JSON.parse(json) as readonly string[];

export const toAccount = (row: Row<'accounts'>): Account => ({
  id: row.id as UserId,
  name: row.name,
  email: row.email,
  emailConfirmedAt: row.email_confirmed_at as Instant | null,
  realName: row.real_name,
  groups: parseList(row.groups),
  blocked: row.blocked === 1,
  createdAt: row.created_at as Instant,
  language: row.language,
});

export const toSession = (row: Row<'sessions'>): Session => ({
  digest: row.digest as Digest,
  userId: row.user_id as UserId,
  createdAt: row.created_at as Instant,
  // An older program writes neither.
  activeAt: (row.active_at ?? row.created_at) as Instant,
  expiresAt: row.expires_at as Instant,
  endsAt: (row.ends_at ?? row.expires_at) as Instant,
  agent: row.agent,
  address: row.address,
  proof: toProof(row),
});

/** A method that this program does not know proves nothing to it. */
const toProof = ({ proven_at: at, proven_by: by }: Row<'sessions'>): Session['proof'] =>
  at !== null && (by === 'password' || by === 'passkey') ? { at: at as Instant, method: by } : null;

export const toAccountToken = (row: Row<'account_tokens'>): AccountToken => ({
  digest: row.digest as Digest,
  kind: row.kind as AccountToken['kind'],
  userId: row.user_id as UserId | null,
  data: row.data,
  expiresAt: row.expires_at as Instant,
});

export const toPasskey = (row: Row<'passkeys'>): Passkey => ({
  id: row.id,
  userId: row.user_id as UserId,
  publicKey: row.public_key,
  counter: row.counter,
  transports: parseList(row.transports),
  label: row.label,
  createdAt: row.created_at as Instant,
  lastUsedAt: row.last_used_at as Instant | null,
});

export const toSecret = (row: Row<'client_secrets'>): ClientSecret => ({
  id: row.id,
  label: row.label,
  digest: row.digest as Digest,
  encrypted: row.sealed as EncryptedSecret | null,
  createdAt: row.created_at as Instant,
  expiresAt: row.expires_at as Instant | null,
});

export const toClient = (
  row: Row<'clients'>,
  secrets: readonly Row<'client_secrets'>[],
): Client => ({
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
  grantTypes: parseList(row.grant_types) as readonly GrantType[],
  pkceOptional: row.pkce_optional === 1,
  introspector: row.introspector === 1,
  plainPkceUntil: row.plain_pkce_until as Instant | null,
  tokenAlgorithm: row.token_algorithm as Client['tokenAlgorithm'],
  site: row.site as SiteId,
  scopes: parseList(row.scopes),
  optionalScopes: parseList(row.optional_scopes),
  secrets: secrets.map(toSecret),
  rsaPublicKey: row.rsa_public_key,
  restrictions: JSON.parse(row.restrictions) as Restrictions,
  stage: row.stage as Stage,
  stageAt: row.stage_at as Instant,
  suppressed: row.suppressed === 1,
  suspension: row.suspension as Client['suspension'],
  registeredAt: row.registered_at as Instant,
  managed: row.stage === 'configured',
  skipConsent: false,
  recordVersion: row.changes,
});

export const toRevision = (row: Row<'revisions'>): Revision => ({
  id: row.id,
  clientId: row.client_id as ClientId,
  stage: row.stage as Revision['stage'],
  fields: {
    optionalScopes: [],
    ...(JSON.parse(row.fields) as Omit<Revision['fields'], 'optionalScopes'>),
  },
  proposedBy: row.proposed_by as UserId | null,
  proposedAt: row.proposed_at as Instant,
  closedAt: row.closed_at as Instant | null,
});

export const toMaintainer = (row: Row<'maintainers'>): Maintainer => ({
  userId: row.user_id as UserId,
  invitedBy: row.invited_by as UserId | null,
  invitedAt: row.invited_at as Instant,
  acceptedAt: row.accepted_at as Instant | null,
});

export const toApproval = (row: Row<'approvals'>): Approval => ({
  reviewerId: row.reviewer_id as UserId,
  subject: row.subject,
});

export const toInvolvement = (row: Row<'involvements'>): Involvement => ({
  userId: row.user_id as UserId,
  part: row.part as Involvement['part'],
  until: row.until as Instant,
});

export const toOffer = (row: Row<'offers'>): Offer => ({
  clientId: row.client_id as ClientId,
  toId: row.to_id as UserId,
  offeredBy: row.offered_by as UserId | null,
  offeredAt: row.offered_at as Instant,
});

/** Words for the degrees of a suspension in entries written before migration 16. */
const formerSuspensions: ReadonlyMap<unknown, Suspension> = new Map([
  ['nothing', 'none'],
  ['consents', 'new-consents'],
  ['tokens', 'all'],
]);

/** A change as it is read: stored entries keep the words they were written with (ADR 22). */
function toFieldChange(change: FieldChange): FieldChange {
  if (change.field !== 'halted') return change;
  const suspension = (value: unknown) => formerSuspensions.get(value) ?? value;
  return {
    field: 'suspension',
    before: suspension(change.before),
    after: suspension(change.after),
  };
}

export const toAuditEntry = (row: Row<'audit'>): AuditEntry => ({
  id: row.id,
  at: row.at as Instant,
  action: row.action,
  actorId: row.actor_id as UserId | null,
  via: row.via as AuditEntry['via'],
  address: row.address,
  clientId: row.client_id === '' ? null : (row.client_id as ClientId),
  recordVersion: row.edition,
  reason: row.reason,
  changes: (JSON.parse(row.changes) as AuditEntry['changes']).map(toFieldChange),
});

export const toConsent = (row: Row<'consents'>): Consent => ({
  id: row.id as ConsentId,
  userId: row.user_id as UserId,
  clientId: row.client_id as ClientId,
  site: row.site as SiteId,
  scopes: parseList(row.scopes),
  acceptedAt: row.accepted_at as Instant,
});

export const toTemporaryCredentials = (
  row: Row<'temporary_credentials'>,
): TemporaryCredentials => ({
  token: row.token,
  clientId: row.client_id as ClientId,
  encryptedSecret: row.secret_sealed as EncryptedSecret,
  callback: row.callback,
  expiresAt: row.expires_at as Instant,
  authorized:
    row.user_id === null
      ? null
      : {
          userId: row.user_id as UserId,
          consentId: row.consent_id as ConsentId | null,
          verifierDigest: row.verifier_digest as Digest,
        },
  used: row.used === 1,
});

export const toCode = (row: Row<'codes'>): AuthorizationCode => ({
  digest: row.digest as Digest,
  clientId: row.client_id as ClientId,
  userId: row.user_id as UserId,
  consentId: row.consent_id as ConsentId,
  familyId: row.family_id as FamilyId,
  redirectUri: row.redirect_uri,
  scopes: parseList(row.scopes),
  codeChallenge: row.code_challenge,
  codeChallengeMethod: row.code_challenge_method as AuthorizationCode['codeChallengeMethod'],
  profile: row.profile as AuthorizationCode['profile'],
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
  scopes: parseList(row.scopes),
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
  scopes: parseList(row.scopes),
  accessTokenId: row.access_token_id as TokenId,
  profile: row.profile as RefreshToken['profile'],
  issuedAt: row.issued_at as Instant,
  expiresAt: row.expires_at as Instant,
  usedAt: row.used_at as Instant | null,
  encryptedResponse: row.answer_sealed as EncryptedSecret | null,
});
