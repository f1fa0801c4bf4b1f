import {
  type ClientId,
  type ConsentId,
  EVERY_SITE,
  type SiteId,
  type UserId,
} from '#kernel/ids.ts';
import type { NewAuditEntry } from '#registry/audit.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { ApprovalConditions, NewConsent, NewTokenCredentials } from '#registry/records.ts';
import { addAuditEntry } from './audit.ts';
import { toConsent } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

const findByUserClientSite = sql<Row<'consents'>>(
  'SELECT * FROM consents WHERE user_id = :user AND client_id = :client AND site = :site',
);
const findById = sql<Row<'consents'>>('SELECT * FROM consents WHERE id = :id');
const insertConsentRow = sql<Row<'consents'>>(`
  INSERT INTO consents (user_id, client_id, site, scopes, accepted_at)
  VALUES (:user_id, :client_id, :site, :scopes, :accepted_at) RETURNING *`);
const setScopes = sql(`UPDATE consents SET scopes = :scopes WHERE id = :id`, ['consent', 'id']);
const deleteConsentRow = sql('DELETE FROM consents WHERE id = :id AND user_id = :user', [
  'consent',
  'id',
]);
const deleteLastUse = sql(`DELETE FROM last_used WHERE kind = 'consent' AND id = :id`);
const selectIds = sql<{ id: number }>(
  `SELECT id FROM consents WHERE user_id = :user AND client_id = :client`,
);
const selectConsents = sql<Row<'consents'>>(
  `SELECT * FROM consents WHERE user_id = :user AND client_id = :client ORDER BY id`,
);
const insertCredentials = sql(`
  INSERT INTO token_credentials (token, consent_id, secret_sealed)
  VALUES (:token, :consent_id, :secret_sealed) ON CONFLICT (consent_id) DO NOTHING`);
const findCredentials = sql<Row<'token_credentials'>>(
  'SELECT * FROM token_credentials WHERE consent_id = :consent',
);
const findRecordVersion = sql<{ changes: number }>(
  `SELECT changes FROM clients WHERE id = :client`,
);

export const fetchConsentRow = (user: UserId, client: ClientId, site: SiteId) =>
  fetchOne(findByUserClientSite, { user, client, site });
export const fetchCredentialsRow = (consent: ConsentId) => fetchOne(findCredentials, { consent });

/** A consent by id. */
export function* fetchConsentById(id: ConsentId): Transaction<Consent | undefined> {
  const row = yield* fetchOne(findById, { id });
  return row && toConsent(row);
}

export function* insertConsent(consent: NewConsent): Transaction<Consent> {
  const row = yield* fetchOne(insertConsentRow, {
    user_id: consent.userId,
    client_id: consent.clientId,
    site: consent.site,
    scopes: JSON.stringify(consent.scopes),
    accepted_at: consent.acceptedAt,
  });
  if (row === undefined) throw new Error('an inserted consent did not come back');
  return toConsent(row);
}

export function* saveCredentials(
  consent: ConsentId,
  credentials: NewTokenCredentials | null,
): Transaction<void> {
  if (credentials)
    yield* execute(insertCredentials, {
      token: credentials.token,
      consent_id: consent,
      secret_sealed: credentials.encryptedSecret,
    });
}

/**
 * Ends a consent; its token credentials go with it, its access tokens and families die for lack of
 * it.
 */
function* deleteConsent(id: ConsentId, user: UserId): Transaction<boolean> {
  yield* execute(deleteLastUse, { id: String(id) });
  return (yield* execute(deleteConsentRow, { id, user })) > 0;
}

export function* deleteConsentsOf(user: UserId, client: ClientId): Transaction<void> {
  for (const { id } of yield* fetchAll(selectIds, { user, client }))
    yield* deleteConsent(id as ConsentId, user);
}

function* auditWithCurrentVersion(audit: NewAuditEntry): Transaction<void> {
  yield* addAuditEntry(
    audit,
    (yield* fetchOne(findRecordVersion, { client: audit.clientId }))?.changes ?? 0,
  );
}

/**
 * Stores a consent, or the scopes of the one that exists; with its audit line, unless nothing
 * changed.
 */
export function* saveConsent(
  consent: NewConsent,
  credentials: NewTokenCredentials | null,
  audit: NewAuditEntry,
): Transaction<Consent> {
  const old = yield* fetchConsentRow(consent.userId, consent.clientId, consent.site);
  const scopes = JSON.stringify(consent.scopes);
  const saved: Consent = old
    ? { ...toConsent(old), scopes: consent.scopes }
    : yield* insertConsent(consent);
  yield* saveCredentials(saved.id, credentials);
  if (old?.scopes === scopes) return toConsent(old);
  if (old) yield* execute(setScopes, { id: old.id, scopes });
  const before = old ? (JSON.parse(old.scopes) as unknown) : null;
  yield* auditWithCurrentVersion({
    ...audit,
    changes: [{ field: 'scopes', before, after: consent.scopes }],
  });
  return saved;
}

/** Takes scopes out of the consents of a person for a client on other sites than `site`. */
function* withdrawFromOtherSites(
  { userId, clientId, site }: NewConsent,
  withdrawn: readonly string[],
  audit: NewAuditEntry,
): Transaction<void> {
  for (const row of yield* fetchAll(selectConsents, { user: userId, client: clientId })) {
    const { id, site: other, scopes } = toConsent(row);
    const remaining = scopes.filter((scope) => !withdrawn.includes(scope));
    if (other === site || remaining.length === scopes.length) continue;
    yield* execute(setScopes, { id, scopes: JSON.stringify(remaining) });
    yield* auditWithCurrentVersion({
      ...audit,
      changes: [{ field: 'scopes', before: scopes, after: remaining }],
    });
  }
}

/**
 * Adds a person's approval to what they allowed before, unless what it was judged on changed since.
 */
export function* acceptConsent(
  consent: NewConsent,
  credentials: NewTokenCredentials | null,
  audit: NewAuditEntry,
  {
    recordVersion,
    existingConsentOnly: onlyExisting,
    allowedScopes: within,
    withdrawnScopes: withdrawn,
  }: ApprovalConditions,
): Transaction<Consent | 'stale'> {
  if ((yield* fetchOne(findRecordVersion, { client: consent.clientId }))?.changes !== recordVersion)
    return 'stale';
  const { userId, clientId, site } = consent;
  const existing = yield* fetchConsentRow(userId, clientId, site);
  if (
    onlyExisting &&
    existing === undefined &&
    (yield* fetchConsentRow(userId, clientId, EVERY_SITE)) === undefined
  )
    return 'stale';
  if (withdrawn.length > 0) yield* withdrawFromOtherSites(consent, withdrawn, audit);
  const before =
    existing === undefined
      ? []
      : toConsent(existing).scopes.filter((scope) => within.includes(scope));
  const scopes = [...new Set([...before, ...consent.scopes])].filter(
    (scope) => !withdrawn.includes(scope),
  );
  return yield* saveConsent({ ...consent, scopes }, credentials, audit);
}

/** Ends a consent of its own user, with its audit line. */
export function* renounceConsent(
  id: ConsentId,
  user: UserId,
  audit: NewAuditEntry,
): Transaction<boolean> {
  const old = yield* fetchOne(findById, { id });
  if (!(yield* deleteConsent(id, user))) return false;
  yield* auditWithCurrentVersion({
    ...audit,
    changes: [{ field: 'scopes', before: old && (JSON.parse(old.scopes) as unknown), after: null }],
  });
  return true;
}
