import type { Selectable } from 'kysely';
import {
  type ClientId,
  type ConsentId,
  EVERY_SITE,
  type SiteId,
  type UserId,
} from '#kernel/ids.ts';
import type { NewAuditEntry } from '#registry/audit.ts';
import type { Consent } from '#registry/model/consent.ts';
import type { ApprovalGate, NewConsent, NewTokenCredentials } from '#registry/records.ts';
import { addAudit } from './audit.ts';
import { toConsent } from './rows.ts';
import type { Schema } from './schema.ts';
import { all, one, param, params, sql, statement, type Unit, write, written } from './statement.ts';

const ofUser = statement(
  sql
    .selectFrom('consents')
    .selectAll()
    .where('user_id', '=', param<number>('user'))
    .where('client_id', '=', param<string>('client'))
    .where('site', '=', param<string>('site')),
);
const byId = statement(
  sql.selectFrom('consents').selectAll().where('id', '=', param<number>('id')),
);
const insert = statement(
  sql
    .insertInto('consents')
    .values(params('user_id', 'client_id', 'site', 'scopes', 'accepted_at'))
    .returningAll(),
);
const setScopes = written(`UPDATE consents SET scopes = :scopes WHERE id = :id`, ['consent', 'id']);
const remove = statement(
  sql
    .deleteFrom('consents')
    .where('id', '=', param<number>('id'))
    .where('user_id', '=', param<number>('user')),
  ['consent', 'id'],
);
const forgetUse = written(`DELETE FROM last_used WHERE kind = 'consent' AND id = :id`);
const idsOf = written<{ id: number }>(
  `SELECT id FROM consents WHERE user_id = :user AND client_id = :client`,
);
const consentsFor = written<Selectable<Schema['consents']>>(
  `SELECT * FROM consents WHERE user_id = :user AND client_id = :client ORDER BY id`,
);
const insertCredentials = statement(
  sql
    .insertInto('token_credentials')
    .values(params('token', 'consent_id', 'secret_sealed'))
    .onConflict((conflict) => conflict.column('consent_id').doNothing()),
);
const findCredentials = statement(
  sql
    .selectFrom('token_credentials')
    .selectAll()
    .where('consent_id', '=', param<number>('consent')),
);
const editionOf = written<{ changes: number }>(`SELECT changes FROM clients WHERE id = :client`);

export const consentFor = (user: UserId, client: ClientId, site: SiteId) =>
  one(ofUser, { user, client, site });
export const credentialsOf = (consent: ConsentId) => one(findCredentials, { consent });

/** A consent by id. */
export function* consentById(id: ConsentId): Unit<Consent | undefined> {
  const row = yield* one(byId, { id });
  return row && toConsent(row);
}

export function* addConsent(consent: NewConsent): Unit<Consent> {
  const row = yield* one(insert, {
    user_id: consent.userId,
    client_id: consent.clientId,
    site: consent.site,
    scopes: JSON.stringify(consent.scopes),
    accepted_at: consent.acceptedAt,
  });
  if (row === undefined) throw new Error('an inserted consent did not come back');
  return toConsent(row);
}

export function* addCredentials(
  consent: ConsentId,
  credentials: NewTokenCredentials | null,
): Unit<void> {
  if (credentials)
    yield* write(insertCredentials, {
      token: credentials.token,
      consent_id: consent,
      secret_sealed: credentials.secretSealed,
    });
}

/**
 * Ends a consent; its token credentials go with it, its access tokens and families die for lack of
 * it.
 */
function* endConsent(id: ConsentId, user: UserId): Unit<boolean> {
  yield* write(forgetUse, { id: String(id) });
  return (yield* write(remove, { id, user })) > 0;
}

export function* endConsentsOf(user: UserId, client: ClientId): Unit<void> {
  for (const { id } of yield* all(idsOf, { user, client }))
    yield* endConsent(id as ConsentId, user);
}

function* auditAt(audit: NewAuditEntry): Unit<void> {
  yield* addAudit(audit, (yield* one(editionOf, { client: audit.clientId }))?.changes ?? 0);
}

/**
 * Stores a consent, or the scopes of the one that exists; with its audit line, unless nothing
 * changed.
 */
export function* saveConsent(
  consent: NewConsent,
  credentials: NewTokenCredentials | null,
  audit: NewAuditEntry,
): Unit<Consent> {
  const old = yield* consentFor(consent.userId, consent.clientId, consent.site);
  const scopes = JSON.stringify(consent.scopes);
  const saved: Consent = old
    ? { ...toConsent(old), scopes: consent.scopes }
    : yield* addConsent(consent);
  yield* addCredentials(saved.id, credentials);
  if (old?.scopes === scopes) return toConsent(old);
  if (old) yield* write(setScopes, { id: old.id, scopes });
  const before = old ? (JSON.parse(old.scopes) as unknown) : null;
  yield* auditAt({ ...audit, changes: [{ field: 'scopes', before, after: consent.scopes }] });
  return saved;
}

/** Takes scopes out of the consents of a person for a client on other sites than `site`. */
function* withdrawElsewhere(
  { userId, clientId, site }: NewConsent,
  withdrawn: readonly string[],
  audit: NewAuditEntry,
): Unit<void> {
  for (const row of yield* all(consentsFor, { user: userId, client: clientId })) {
    const { id, site: other, scopes } = toConsent(row);
    const left = scopes.filter((scope) => !withdrawn.includes(scope));
    if (other === site || left.length === scopes.length) continue;
    yield* write(setScopes, { id, scopes: JSON.stringify(left) });
    yield* auditAt({ ...audit, changes: [{ field: 'scopes', before: scopes, after: left }] });
  }
}

/**
 * Adds a person's approval to what they allowed before, unless what it was judged on changed since.
 */
export function* acceptConsent(
  consent: NewConsent,
  credentials: NewTokenCredentials | null,
  audit: NewAuditEntry,
  { edition, onlyExisting, within, withdrawn }: ApprovalGate,
): Unit<Consent | 'stale'> {
  if ((yield* one(editionOf, { client: consent.clientId }))?.changes !== edition) return 'stale';
  const { userId, clientId, site } = consent;
  const standing = yield* consentFor(userId, clientId, site);
  if (
    onlyExisting &&
    standing === undefined &&
    (yield* consentFor(userId, clientId, EVERY_SITE)) === undefined
  )
    return 'stale';
  if (withdrawn.length > 0) yield* withdrawElsewhere(consent, withdrawn, audit);
  const before =
    standing === undefined
      ? []
      : toConsent(standing).scopes.filter((scope) => within.includes(scope));
  const scopes = [...new Set([...before, ...consent.scopes])].filter(
    (scope) => !withdrawn.includes(scope),
  );
  return yield* saveConsent({ ...consent, scopes }, credentials, audit);
}

/** Ends a consent of its own user, with its audit line. */
export function* renounceConsent(id: ConsentId, user: UserId, audit: NewAuditEntry): Unit<boolean> {
  const old = yield* one(byId, { id });
  if (!(yield* endConsent(id, user))) return false;
  yield* auditAt({
    ...audit,
    changes: [{ field: 'scopes', before: old && (JSON.parse(old.scopes) as unknown), after: null }],
  });
  return true;
}
