import type { Values } from '../actions/fields.ts';
import { type Actor, hasRight, RIGHTS } from '../actor.ts';
import type { Client } from '../model/client.ts';
import type { Revision } from '../model/revision.ts';
import type { ApprovalTopic } from './independence.ts';

/**
 * What a reviewer can decide, in the order it is offered. `hide` and `show` are for apps that are
 * not in use (registry 3.7).
 */
export const reviewDecisions = [
  'approve-revision',
  'reject-revision',
  'approve',
  'reject',
  'reenable',
  'suspend-none',
  'suspend-new-consents',
  'suspend-all',
  'disable',
  'hide',
  'show',
] as const;
export type ReviewDecision = (typeof reviewDecisions)[number];

/** Decisions that say no to somebody, who is owed a reason. */
export const decisionsRequiringReason: ReadonlySet<ReviewDecision> = new Set([
  'reject-revision',
  'reject',
  'suspend-new-consents',
  'suspend-all',
  'disable',
  'hide',
]);

/** Decisions that may hide the app as well. */
export const decisionsThatCanHide: ReadonlySet<ReviewDecision> = new Set(['reject', 'disable']);

/** What is known when decisions are offered. */
export interface DecisionContext {
  readonly revision: Pick<Revision, 'id'> | null;
}

/**
 * The decisions that the stage of a client and the rights of this reviewer allow; whether they are
 * independent of them is another question (`approvalTopic`). The registry judges again when one is
 * made.
 */
export function possibleDecisions(
  actor: Actor,
  client: Client,
  { revision }: DecisionContext,
): readonly ReviewDecision[] {
  const canHide = hasRight(actor, RIGHTS.suppress);
  const isManaged = client.managed || client.stage === 'configured';
  if (isManaged || !hasRight(actor, RIGHTS.review) || (client.suppressed && !canHide)) return [];
  const { stage, suspension, suppressed } = client;
  const approvable = stage === 'proposed' || stage === 'expired' || stage === 'rejected';
  const possible: Readonly<Record<ReviewDecision, boolean>> = {
    'approve-revision': revision !== null && stage === 'approved',
    'reject-revision': revision !== null,
    approve: approvable,
    reject: stage === 'proposed',
    reenable: stage === 'disabled',
    'suspend-none': stage === 'approved' && suspension !== 'none',
    'suspend-new-consents': stage === 'approved' && suspension !== 'new-consents',
    'suspend-all': stage === 'approved' && suspension !== 'all',
    disable: stage === 'approved',
    hide: canHide && !suppressed && stage !== 'approved' && stage !== 'proposed',
    show: canHide && suppressed && stage !== 'approved',
  };
  return reviewDecisions.filter((decision) => possible[decision]);
}

/**
 * What a decision approves, for which independence is asked; null: it stops something, which any
 * reviewer may.
 */
export function approvalTopic(
  decision: ReviewDecision,
  client: Client,
  revision: Revision | null,
): ApprovalTopic | null {
  switch (decision) {
    case 'approve-revision':
      return revision && { kind: decision, revision };
    case 'approve':
    case 'reenable':
    case 'hide':
    case 'show':
      return { kind: decision };
    case 'suspend-none':
      return { kind: 'resume', suspension: 'none' };
    case 'suspend-new-consents':
      return client.suspension === 'all' ? { kind: 'resume', suspension: 'new-consents' } : null;
    default:
      return null;
  }
}

/** The registry's action for a decision, with what it takes apart from reason and change token. */
export function registryActionFor(
  decision: ReviewDecision,
  { suppress, revisionId }: { readonly suppress: boolean; readonly revisionId: number | null },
): { readonly action: string; readonly values: Values } {
  switch (decision) {
    case 'approve-revision':
    case 'reject-revision':
      return { action: decision, values: { revisionId: revisionId ?? 0 } };
    case 'approve':
    case 'reenable':
      return { action: decision, values: {} };
    case 'reject':
    case 'disable':
      return { action: decision, values: { suppress } };
    case 'hide':
    case 'show':
      return { action: 'disable', values: { suppress: decision === 'hide' } };
    default:
      return { action: 'halt', values: { suspension: decision.slice('suspend-'.length) } };
  }
}
