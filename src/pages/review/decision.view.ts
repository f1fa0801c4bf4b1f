import { canSkipPkce } from '#registry/actions/pkce-exemption.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import type { Revision } from '#registry/model/revision.ts';
import {
  approvalTopic,
  decisionsThatCanHide,
  possibleDecisions,
  type ReviewDecision,
} from '#registry/review/decisions.ts';
import type { ApprovalStatus } from '#registry/review/independence.ts';
import type { DecisionView } from './decision.template.ts';
import type { PkceExemptionView } from './pkce-exemption.template.ts';
import type { ReviewScene } from './review-scene.ts';

/**
 * What this reviewer can decide, what they cannot and why, and how a decision stands that takes
 * two.
 */
export async function makeDecisionOptions(
  { registry, actor, client, lookUpName }: ReviewScene,
  revision: Revision | null,
): Promise<
  Pick<
    DecisionView,
    'availableDecisions' | 'blockedDecisions' | 'suppressingDecisions' | 'twoPersonReview'
  >
> {
  const availableDecisions: ReviewDecision[] = [];
  const blockedDecisions: DecisionView['blockedDecisions'][number][] = [];
  let twoPersonReview: ApprovalStatus | null = null;
  for (const decision of possibleDecisions(actor, client, { revision })) {
    const topic = approvalTopic(decision, client, revision);
    const status = topic && (await registry.approvalStatus(actor, client, topic));
    if (status?.requiredApprovals === 2) twoPersonReview ??= status;
    if (status == null || status.dependence === null) availableDecisions.push(decision);
    else blockedDecisions.push({ decision, why: status.dependence });
  }
  return {
    availableDecisions,
    blockedDecisions,
    suppressingDecisions: hasRight(actor, RIGHTS.suppress) ? [...decisionsThatCanHide] : [],
    twoPersonReview: twoPersonReview && {
      approvedBy: await Promise.all(twoPersonReview.approvedBy.map(lookUpName)),
      ineligibleBecause: twoPersonReview.dependence,
    },
  };
}

/** The exemption from PKCE of an app that asks people and may have it, for this reviewer. */
export async function makePkceExemptionView({
  registry,
  actor,
  client,
}: ReviewScene): Promise<PkceExemptionView | null> {
  const { grantTypes, managed, pkceOptional, suppressed } = client;
  if (managed || !canSkipPkce(client) || !grantTypes.includes('authorization_code')) return null;
  if (suppressed && !hasRight(actor, RIGHTS.suppress)) return null;
  const { dependence } = await registry.approvalStatus(actor, client, { kind: 'exempt-from-pkce' });
  return { isExempt: pkceOptional, ineligibleBecause: dependence };
}
