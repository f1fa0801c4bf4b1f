import { hash } from 'node:crypto';
import type { UserId } from '#kernel/ids.ts';
import { accept, refuse } from '#kernel/result.ts';
import type { Instant } from '#kernel/time.ts';
import type { DecisionResult } from '../actions/action.ts';
import type { RegistryContext } from '../actions/context.ts';
import { type Actor, accountOf, RIGHTS } from '../actor.ts';
import type { FieldChange } from '../audit.ts';
import { type Client, type Suspension, suspensions } from '../model/client.ts';
import type { DependenceReason, InvolvementRole } from '../model/involvement.ts';
import { isMinorChange, type RevisedFields, type Revision } from '../model/revision.ts';
import { isMaintainer } from '../model/team.ts';

// Who is independent of a decision (ADR 15). Every yes of a reviewer passes here, whichever door it
// came by: new apps, revisions, the undoing of a stop, what is hidden or shown, and what is handed
// over for an owner who is gone.

/**
 * What an approval is about. `resume`: less of a halt than there is. `hand-over`: an offer for an
 * owner who is gone.
 */
export type ApprovalTopic =
  | { readonly kind: 'approve' | 'reenable' | 'show' | 'hide' | 'hand-over' | 'exempt-from-pkce' }
  | { readonly kind: 'resume'; readonly suspension: Suspension }
  | { readonly kind: 'approve-revision'; readonly revision: Revision };

/** How a decision stands for whoever asks. */
export interface ApprovalStatus {
  /** How many people must approve. */
  readonly requiredApprovals: 1 | 2;
  /** Whose yes counts already. */
  readonly approvedBy: readonly UserId[];
  /** Why the approval of this actor does not count; null: it does. */
  readonly dependence: DependenceReason | null;
}

/** True when the scopes hold one of a risk for which two people must approve. */
export const hasTwoPersonRisk = (
  context: Pick<RegistryContext, 'rules' | 'settings'>,
  scopes: readonly string[],
): boolean =>
  scopes.some((scope) =>
    context.settings.twoPersonRisks.includes(context.rules.catalogue.get(scope)?.risk ?? 'unknown'),
  );

/**
 * True when two people must approve a revision: the app holds a scope of such a risk, or would,
 * and the revision does more than narrow it or describe it otherwise. A new redirect URI sends the
 * codes of every user elsewhere and adds no scope.
 */
export const revisionNeedsTwoApprovals = (
  context: Pick<RegistryContext, 'rules' | 'settings'>,
  live: RevisedFields,
  next: RevisedFields,
): boolean =>
  hasTwoPersonRisk(context, [...live.scopes, ...next.scopes]) && !isMinorChange(live, next);

function requiredApprovalsFor(
  context: RegistryContext,
  client: Client,
  topic: ApprovalTopic,
): 1 | 2 {
  switch (topic.kind) {
    case 'hide':
    case 'hand-over':
      return 1;
    case 'approve-revision':
      return revisionNeedsTwoApprovals(context, client, topic.revision.fields) ? 2 : 1;
    default:
      return hasTwoPersonRisk(context, client.scopes) ? 2 : 1;
  }
}

/**
 * True when an approval undoes what a reviewer stopped: also a rejected or hidden app that is
 * approved after all.
 */
const reversesRestriction = ({ kind }: ApprovalTopic, { stage, suppressed }: Client): boolean =>
  kind === 'reenable' ||
  kind === 'resume' ||
  kind === 'show' ||
  (kind === 'approve' && (stage === 'rejected' || suppressed));

const isStricterSuspension = ({ field, before, after }: FieldChange): boolean =>
  field === 'suspension' &&
  suspensions.indexOf(after as Suspension) > suspensions.indexOf(before as Suspension);

/**
 * When the question arose: who took part in the app since, or within a term before, is not
 * independent of it.
 */
async function raisedAt(
  context: RegistryContext,
  client: Client,
  topic: ApprovalTopic,
): Promise<Instant> {
  switch (topic.kind) {
    case 'approve':
      return client.registeredAt;
    case 'approve-revision':
      return topic.revision.proposedAt;
    case 'reenable':
    case 'show':
      return client.stageAt;
    case 'resume': {
      const entries = await context.records.listAudit({
        clientId: client.id,
        action: 'halt',
        limit: 50,
      });
      return (
        entries.find(({ changes }) => changes.some(isStricterSuspension))?.at ?? client.registeredAt
      );
    }
    default:
      return context.clock.now();
  }
}

/**
 * Everything a reviewer sees of the app, and of the revision: an approval of anything else is no
 * approval of this.
 */
function approvalDigest(client: Client, topic: ApprovalTopic): string {
  const { secrets: _secrets, recordVersion: _recordVersion, ...seen } = client;
  const revisionFields =
    topic.kind === 'approve-revision' ? { id: topic.revision.id, ...topic.revision.fields } : {};
  const target = topic.kind === 'resume' ? topic.suspension : '';
  const inOrder = (value: object) =>
    Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return hash(
    'sha256',
    JSON.stringify([topic.kind, target, inOrder(seen), inOrder(revisionFields)]),
    'base64url',
  );
}

/**
 * Says of each person what ties them to the matter; undefined: nothing, they are independent of it.
 */
async function dependenceOf(
  context: RegistryContext,
  client: Client,
  topic: ApprovalTopic,
): Promise<(id: UserId) => DependenceReason | undefined> {
  const team = await context.records.teamOf(client.id);
  const past = await context.records.involvementsIn(client.id);
  const from = (await raisedAt(context, client, topic)) - context.settings.involvementSeconds;
  const wasInvolved = (id: UserId, part: InvolvementRole, since = from) =>
    past.some((one) => one.userId === id && one.part === part && one.until >= since);
  return (id) => {
    if (id === client.ownerId) return 'owner';
    if (isMaintainer(team, id)) return 'maintainer';
    if (topic.kind === 'approve-revision' && topic.revision.proposedBy === id)
      return 'revision-proposer';
    // Whose idea the app was, for good.
    if (wasInvolved(id, 'proposer', 0)) return 'proposer';
    if (wasInvolved(id, 'owner')) return 'former-owner';
    if (wasInvolved(id, 'maintainer')) return 'former-maintainer';
    return wasInvolved(id, 'handed-over') ? 'handed-over' : undefined;
  };
}

/**
 * How a decision stands: judged anew each time, since people come to an app, leave it, are blocked,
 * and lose rights.
 */
export async function approvalStatusOf(
  context: RegistryContext,
  actor: Actor,
  client: Client,
  topic: ApprovalTopic,
): Promise<ApprovalStatus> {
  const requiredApprovals = requiredApprovalsFor(context, client, topic);
  const dependenceFor = await dependenceOf(context, client, topic);
  const subject = approvalDigest(client, topic);
  const approvedBy: UserId[] = [];
  const rights = [RIGHTS.review, ...(client.suppressed ? [RIGHTS.suppress] : [])];
  for (const approval of requiredApprovals === 2
    ? await context.records.approvalsOf(client.id, revisionOf(topic))
    : []) {
    if (approval.subject !== subject || dependenceFor(approval.reviewerId) !== undefined) continue;
    const approver = await context.accounts.findAccount(approval.reviewerId);
    if (approver === undefined || approver.blocked) continue;
    const approverRights = context.rightsOf(approver);
    if (rights.every((right) => approverRights.has(right))) approvedBy.push(approver.id);
  }
  const actorId = accountOf(actor)?.id;
  if (actorId === undefined) return { requiredApprovals, approvedBy, dependence: null };
  const ownDependence = dependenceFor(actorId);
  // Where there is one reviewer alone, the operator may let them decide on their own apps; never
  // that a stop be undone by whom it was meant for.
  const excused =
    ownDependence !== undefined &&
    context.settings.allowOwnApps &&
    requiredApprovals === 1 &&
    !reversesRestriction(topic, client);
  if (ownDependence !== undefined && !excused)
    return { requiredApprovals, approvedBy, dependence: ownDependence };
  return {
    requiredApprovals,
    approvedBy,
    dependence: approvedBy.includes(actorId) ? 'approved-before' : null,
  };
}

const revisionOf = (topic: ApprovalTopic) =>
  topic.kind === 'approve-revision' ? topic.revision.id : null;

/** Name of a first approval in the audit log. */
function firstApprovalAction({ kind }: ApprovalTopic) {
  if (kind === 'approve') return 'first-approval';
  if (kind === 'approve-revision') return 'first-approval-of-revision';
  return kind === 'exempt-from-pkce' ? 'first-yes-to-pkce-exemption' : 'first-yes-to-resuming';
}

/**
 * Hears the actor's yes: `decided` when it is the last that is needed; otherwise the first of two,
 * which is written down and decides nothing, or a refusal (`needs_another_reviewer`). The operator,
 * who could change the rule, decides alone.
 */
export async function recordApproval(
  context: RegistryContext,
  actor: Actor,
  client: Client,
  topic: ApprovalTopic,
): Promise<'decided' | DecisionResult> {
  const reviewer = accountOf(actor);
  if (reviewer === null) return 'decided';
  const { requiredApprovals, approvedBy, dependence } = await approvalStatusOf(
    context,
    actor,
    client,
    topic,
  );
  if (dependence !== null) return refuse({ kind: 'needs_another_reviewer', why: dependence });
  if (requiredApprovals === 1 || approvedBy.length > 0) return 'decided';
  const at = context.clock.now();
  const subject = approvalDigest(client, topic);
  return accept({
    effects: [
      {
        kind: 'first-approval',
        reviewerId: reviewer.id,
        revisionId: revisionOf(topic),
        subject,
        at,
      },
    ],
    changes: [{ field: 'approvals', before: 0, after: 1 }],
    auditAction: firstApprovalAction(topic),
    awaitsSecondApproval: true,
  });
}
