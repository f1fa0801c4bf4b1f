import type { ClientId, ConsentId } from '#kernel/ids.ts';
import type { AppliedChange, Effect, OwnerGrant, RegistryChange } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { insertAccessToken } from './access-tokens.ts';
import { addAuditEntry } from './audit.ts';
import { fetchCurrentClient } from './client-cache.ts';
import { latestNumberByName } from './client-lists.ts';
import {
  clientRowExists,
  deleteClientSecret,
  incrementRecordVersion,
  insertClient,
  insertClientSecret,
  isNameTaken,
  saveClient,
} from './clients.ts';
import {
  deleteConsentsOf,
  fetchConsentRow,
  fetchCredentialsRow,
  insertConsent,
  saveCredentials,
} from './consents.ts';
import { addNotification } from './outbox.ts';
import { execute, sql, type Transaction } from './statement.ts';

const insertRevision = sql(`
  INSERT INTO revisions (client_id, stage, fields, proposed_by, proposed_at) VALUES (:client, 'proposed', :fields, :by, :at)`);
const updateRevisionStage = sql(
  `UPDATE revisions SET stage = :stage, closed_at = :at WHERE id = :id AND stage = 'proposed'`,
);
const saveApproval = sql(`
  INSERT INTO approvals (client_id, revision_id, reviewer_id, subject, at)
  SELECT :client, CAST(:revision AS BIGINT), id, :subject, CAST(:at AS BIGINT) FROM accounts WHERE id = :reviewer AND blocked = 0
  ON CONFLICT (client_id, revision_id, reviewer_id) DO UPDATE SET subject = :subject, at = :at`);
const deleteApprovals = sql(`DELETE FROM approvals WHERE client_id = :client`);
const insertInvitation = sql(`
  INSERT INTO maintainers (client_id, user_id, invited_by, invited_at) VALUES (:client, :user, :by, :at) ON CONFLICT DO NOTHING`);
const acceptInvitation = sql(
  `UPDATE maintainers SET accepted_at = :at WHERE client_id = :client AND user_id = :user`,
);
const deleteMaintainer = sql(
  `DELETE FROM maintainers WHERE client_id = :client AND user_id = :user`,
);
const saveOffer = sql(`
  INSERT INTO offers (client_id, to_id, offered_by, offered_at) VALUES (:client, :to, :by, :at)
  ON CONFLICT (client_id) DO UPDATE SET to_id = :to, offered_by = :by, offered_at = :at`);
const saveInvolvement = sql(`
  INSERT INTO involvements (client_id, user_id, part, until) VALUES (:client, :user, :part, :at)
  ON CONFLICT (client_id, user_id, part) DO UPDATE SET until = :at WHERE involvements.until < :at`);
const expireSecrets = sql(
  `UPDATE client_secrets SET expires_at = :at WHERE client_id = :client AND (expires_at IS NULL OR expires_at > :at)`,
  ['client', 'client'],
);
const deleteOffer = sql(`DELETE FROM offers WHERE client_id = :client`);

function* insertOwnerGrant(
  client: ClientId,
  { consent, credentials, token }: OwnerGrant,
  existingToken?: string,
): Transaction<void> {
  const { id } = yield* insertConsent(consent);
  yield* saveCredentials(
    id,
    credentials && { ...credentials, token: existingToken ?? credentials.token },
  );
  if (token) {
    yield* insertAccessToken({
      id: token.id,
      clientId: client,
      userId: consent.userId,
      consentId: id,
      familyId: null,
      scopes: consent.scopes,
      grantType: 'owner-only',
      issuedAt: token.issuedAt,
      expiresAt: token.expiresAt,
      revoked: false,
    });
  }
}

/** Writes one effect of a change. */
function* applyEffect(client: ClientId, effect: Effect): Transaction<void> {
  switch (effect.kind) {
    case 'create-client':
      yield* insertClient(effect.client);
      if (effect.secret) yield* insertClientSecret(client, effect.secret);
      if (effect.grant) yield* insertOwnerGrant(client, effect.grant);
      return;
    case 'save-client':
      return yield* saveClient(effect.client);
    case 'add-secret':
      return yield* insertClientSecret(client, effect.secret);
    case 'remove-secrets':
      for (const id of effect.ids) yield* deleteClientSecret(client, id);
      return;
    case 'regrant': {
      const { userId, site } = effect.grant.consent;
      // Its old access tokens die with the old consent: consent ids are never used again. One for
      // the site it had before ends too.
      const old = yield* fetchConsentRow(userId, client, site);
      const existingToken =
        old && !effect.newToken
          ? (yield* fetchCredentialsRow(old.id as ConsentId))?.token
          : undefined;
      yield* deleteConsentsOf(userId, client);
      return yield* insertOwnerGrant(client, effect.grant, existingToken);
    }
    case 'end-consents-of':
      return yield* deleteConsentsOf(effect.userId, client);
    case 'end-secrets':
      yield* execute(expireSecrets, { client, at: effect.at });
      return;
    default:
      return yield* applyReviewEffect(client, effect);
  }
}

/** Effects on who reviews, maintains and owns a client. */
type ReviewEffect = Extract<
  Effect,
  {
    readonly kind:
      | 'open-revision'
      | 'close-revision'
      | 'first-approval'
      | 'clear-approvals'
      | 'invite'
      | 'join'
      | 'leave'
      | 'offer'
      | 'end-offer'
      | 'involve';
  }
>;

function* applyReviewEffect(client: ClientId, effect: ReviewEffect): Transaction<void> {
  switch (effect.kind) {
    case 'open-revision': {
      const { fields, proposedBy, proposedAt } = effect.revision;
      yield* execute(insertRevision, {
        client,
        fields: JSON.stringify(fields),
        by: proposedBy,
        at: proposedAt,
      });
      return;
    }
    case 'close-revision':
      yield* execute(updateRevisionStage, { id: effect.id, stage: effect.stage, at: effect.at });
      return;
    case 'first-approval':
      yield* execute(saveApproval, {
        client,
        revision: effect.revisionId ?? 0,
        reviewer: effect.reviewerId,
        subject: effect.subject,
        at: effect.at,
      });
      return;
    case 'clear-approvals':
      yield* execute(deleteApprovals, { client });
      return;
    case 'invite':
      yield* execute(insertInvitation, {
        client,
        user: effect.userId,
        by: effect.by,
        at: effect.at,
      });
      return;
    case 'join':
      yield* execute(acceptInvitation, { client, user: effect.userId, at: effect.at });
      return;
    case 'leave':
      yield* execute(deleteMaintainer, { client, user: effect.userId });
      return;
    case 'offer':
      yield* execute(saveOffer, { client, to: effect.toId, by: effect.by, at: effect.at });
      return;
    case 'end-offer':
      yield* execute(deleteOffer, { client });
      return;
    case 'involve':
      yield* execute(saveInvolvement, {
        client,
        user: effect.userId,
        part: effect.part,
        at: effect.at,
      });
      return;
  }
}

/**
 * Carries out a change, with its audit entry and its notifications. Every refusal comes before the
 * first write.
 */
export function* applyChange(
  driver: Driver,
  { recordVersion, effects, audit, notifications }: RegistryChange,
): Transaction<AppliedChange> {
  const id = audit.clientId;
  for (const effect of effects) {
    if (
      (effect.kind === 'create-client' || effect.kind === 'save-client') &&
      (yield* isNameTaken(id, effect.client))
    )
      return { outcome: 'exists' };
  }
  for (const effect of effects) {
    if (effect.kind !== 'create-client' || effect.after === undefined) continue;
    const { ownerId, name } = effect.client;
    if ((yield* latestNumberByName(ownerId, name)) !== effect.after) return { outcome: 'stale' };
  }
  const exists = yield* clientRowExists(id);
  if (recordVersion === null) {
    if (exists) return { outcome: 'exists' };
  } else if (!(yield* incrementRecordVersion(id, recordVersion)))
    return { outcome: exists ? 'stale' : 'unknown' };
  for (const effect of effects) yield* applyEffect(id, effect);
  yield* addAuditEntry(audit, recordVersion === null ? 0 : recordVersion + 1);
  for (const notification of notifications) yield* addNotification(notification);
  const client = yield* fetchCurrentClient(driver, id);
  if (client === undefined) throw new Error('a changed client did not come back');
  return { outcome: 'applied', client };
}
