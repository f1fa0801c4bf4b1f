import type { ClientId, ConsentId } from '#kernel/ids.ts';
import type { Applied, Effect, OwnerGrant, RegistryChange } from '#registry/records.ts';
import type { Driver } from '../driver.ts';
import { addAudit, addNotice } from './audit.ts';
import {
  addSecret,
  clientNow,
  insertClient,
  latestNamed,
  nameTaken,
  nextEdition,
  removeSecret,
  rowExists,
  saveClient,
} from './clients.ts';
import {
  addConsent,
  addCredentials,
  consentFor,
  credentialsOf,
  endConsentsOf,
} from './consents.ts';
import { insertAccessToken } from './oauth2.ts';
import { type Unit, write, written } from './statement.ts';

const openRevision = written(`
  INSERT INTO revisions (client_id, stage, fields, proposed_by, proposed_at) VALUES (:client, 'proposed', :fields, :by, :at)`);
const closeRevision = written(
  `UPDATE revisions SET stage = :stage, closed_at = :at WHERE id = :id AND stage = 'proposed'`,
);
const approve = written(`
  INSERT INTO approvals (client_id, revision_id, reviewer_id, subject, at) VALUES (:client, :revision, :reviewer, :subject, :at)
  ON CONFLICT (client_id, revision_id, reviewer_id) DO UPDATE SET subject = :subject, at = :at`);
const clearApprovals = written(`DELETE FROM approvals WHERE client_id = :client`);
const invite = written(`
  INSERT INTO maintainers (client_id, user_id, invited_by, invited_at) VALUES (:client, :user, :by, :at) ON CONFLICT DO NOTHING`);
const join = written(
  `UPDATE maintainers SET accepted_at = :at WHERE client_id = :client AND user_id = :user`,
);
const leave = written(`DELETE FROM maintainers WHERE client_id = :client AND user_id = :user`);
const offer = written(`
  INSERT INTO offers (client_id, to_id, offered_by, offered_at) VALUES (:client, :to, :by, :at)
  ON CONFLICT (client_id) DO UPDATE SET to_id = :to, offered_by = :by, offered_at = :at`);
const involve = written(`
  INSERT INTO involvements (client_id, user_id, part, until) VALUES (:client, :user, :part, :at)
  ON CONFLICT (client_id, user_id, part) DO UPDATE SET until = :at WHERE involvements.until < :at`);
const endSecrets = written(
  `UPDATE client_secrets SET expires_at = :at WHERE client_id = :client AND (expires_at IS NULL OR expires_at > :at)`,
  ['client', 'client'],
);
const endOffer = written(`DELETE FROM offers WHERE client_id = :client`);

function* addGrant(
  client: ClientId,
  { consent, credentials, token }: OwnerGrant,
  keptToken?: string,
): Unit<void> {
  const { id } = yield* addConsent(consent);
  yield* addCredentials(
    id,
    credentials && { ...credentials, token: keptToken ?? credentials.token },
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

function* carryOut(client: ClientId, effect: Effect): Unit<void> {
  switch (effect.kind) {
    case 'create-client':
      yield* insertClient(effect.client);
      if (effect.secret) yield* addSecret(client, effect.secret);
      if (effect.grant) yield* addGrant(client, effect.grant);
      return;
    case 'save-client':
      return yield* saveClient(effect.client);
    case 'add-secret':
      return yield* addSecret(client, effect.secret);
    case 'remove-secrets':
      for (const id of effect.ids) yield* removeSecret(client, id);
      return;
    case 'regrant': {
      const { userId, site } = effect.grant.consent;
      // Its old access tokens die with the old consent: consent ids are never used again. One for
      // the site it had before ends too.
      const old = yield* consentFor(userId, client, site);
      const kept =
        old && !effect.newToken ? (yield* credentialsOf(old.id as ConsentId))?.token : undefined;
      yield* endConsentsOf(userId, client);
      return yield* addGrant(client, effect.grant, kept);
    }
    case 'end-consents-of':
      return yield* endConsentsOf(effect.userId, client);
    case 'open-revision': {
      const { fields, proposedBy, proposedAt } = effect.revision;
      yield* write(openRevision, {
        client,
        fields: JSON.stringify(fields),
        by: proposedBy,
        at: proposedAt,
      });
      return;
    }
    case 'close-revision':
      yield* write(closeRevision, { id: effect.id, stage: effect.stage, at: effect.at });
      return;
    case 'first-approval':
      yield* write(approve, {
        client,
        revision: effect.revisionId ?? 0,
        reviewer: effect.reviewerId,
        subject: effect.subject,
        at: effect.at,
      });
      return;
    case 'clear-approvals':
      yield* write(clearApprovals, { client });
      return;
    case 'invite':
      yield* write(invite, { client, user: effect.userId, by: effect.by, at: effect.at });
      return;
    case 'join':
      yield* write(join, { client, user: effect.userId, at: effect.at });
      return;
    case 'leave':
      yield* write(leave, { client, user: effect.userId });
      return;
    case 'offer':
      yield* write(offer, { client, to: effect.toId, by: effect.by, at: effect.at });
      return;
    case 'end-offer':
      yield* write(endOffer, { client });
      return;
    case 'involve':
      yield* write(involve, { client, user: effect.userId, part: effect.part, at: effect.at });
      return;
    case 'end-secrets':
      yield* write(endSecrets, { client, at: effect.at });
      return;
  }
}

/**
 * Carries out a change, with its audit line and its notices. Every refusal comes before the first
 * write.
 */
export function* applyChange(
  driver: Driver,
  { edition, effects, audit, notices }: RegistryChange,
): Unit<Applied> {
  const id = audit.clientId;
  for (const effect of effects) {
    if (
      (effect.kind === 'create-client' || effect.kind === 'save-client') &&
      (yield* nameTaken(id, effect.client))
    )
      return { outcome: 'exists' };
  }
  for (const effect of effects) {
    if (effect.kind !== 'create-client' || effect.after === undefined) continue;
    const { ownerId, name } = effect.client;
    if ((yield* latestNamed(ownerId, name)) !== effect.after) return { outcome: 'stale' };
  }
  const exists = yield* rowExists(id);
  if (edition === null) {
    if (exists) return { outcome: 'exists' };
  } else if (!(yield* nextEdition(id, edition))) return { outcome: exists ? 'stale' : 'unknown' };
  for (const effect of effects) yield* carryOut(id, effect);
  yield* addAudit(audit, edition === null ? 0 : edition + 1);
  for (const notice of notices) yield* addNotice(notice);
  const client = yield* clientNow(driver, id);
  if (client === undefined) throw new Error('a changed client did not come back');
  return { outcome: 'applied', client };
}
