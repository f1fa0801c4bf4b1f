import { accountOf } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import type { Team } from '#registry/model/team.ts';
import type { VisibleAuditEntry } from '#registry/queries/audit.ts';
import type { AuditEntryView } from '../audit-table.ts';
import { noProblems } from '../form-problems.ts';
import type { SignedInCall } from '../page.ts';
import type { ReviewPageView } from './app-review.template.ts';
import type { AssignmentView } from './assignment.template.ts';
import { type DecisionDraft, emptyDraft } from './decision.template.ts';
import { makeDecisionOptions, makePkceExemptionView } from './decision.view.ts';
import type { OwnerPartView } from './owner.template.ts';
import { makeOwnerView } from './owner.view.ts';
import { makeChangeView, makeFieldRows } from './requested-app.view.ts';
import { makeReviewScene, type ReviewScene, type ReviewViewDependencies } from './review-scene.ts';

const MAX_HISTORY = 15;
const noTeam: Team = { maintainers: [], offer: null };

/** What came of a form that was refused. */
export interface RefusedDecision {
  readonly draft: DecisionDraft;
  readonly problems: ReviewPageView['problems'];
  /** What happened after the reviewer had looked; null: nothing did. */
  readonly since: readonly VisibleAuditEntry[] | null;
}

async function formatEntries(
  { formatEntry }: ReviewScene,
  entries: readonly VisibleAuditEntry[],
): Promise<readonly AuditEntryView[]> {
  const formatted: AuditEntryView[] = [];
  for (const entry of entries) formatted.push(await formatEntry(entry));
  return formatted;
}

async function makeHistoryView(
  scene: ReviewScene,
): Promise<Pick<ReviewPageView, 'history' | 'hasEarlierEntries'>> {
  const found = await scene.queries.auditOf(scene.client, { limit: MAX_HISTORY });
  if (!found.ok) return { history: [], hasEarlierEntries: false };
  const { items, next } = found.value;
  return { history: await formatEntries(scene, items), hasEarlierEntries: next !== null };
}

async function makeAssignmentView({
  queries,
  actor,
  client,
  lookUpName,
}: ReviewScene): Promise<AssignmentView | null> {
  const assignment = (await queries.assignmentsOf([client.id])).get(client.id);
  if (assignment === undefined) return null;
  return {
    reviewer: await lookUpName(assignment.reviewerId),
    isMine: assignment.reviewerId === accountOf(actor)?.id,
    assignedAt: assignment.at,
  };
}

async function makeOwnerPart(
  scene: ReviewScene,
  { offer }: Team,
): Promise<Pick<OwnerPartView, 'isOwnApp' | 'owner' | 'canOffer' | 'offeredTo'>> {
  const { actor, client, isVisible, lookUpName } = scene;
  const { managed, stage, suppressed } = client;
  const owner = isVisible('ownerId') ? await makeOwnerView(scene) : null;
  const isOrphaned = owner === 'gone' || owner?.blocked === true;
  return {
    isOwnApp: accountOf(actor)?.id === client.ownerId,
    owner,
    canOffer:
      isOrphaned && !managed && !suppressed && (stage === 'approved' || stage === 'proposed'),
    offeredTo: offer === null ? null : await lookUpName(offer.toId),
  };
}

/** Everything this reviewer may know of an app, and what they can decide. */
export async function makeReviewView(
  dependencies: ReviewViewDependencies,
  call: SignedInCall,
  client: Client,
  refused?: RefusedDecision,
): Promise<ReviewPageView> {
  const scene = await makeReviewScene(dependencies, call, client);
  const { registry, queries, actor, isVisible } = scene;
  const team = (await queries.teamOf(client)) ?? noTeam;
  const revision = (await queries.openRevision(client)) ?? null;
  const isWaiting = client.stage === 'proposed' || revision !== null;
  const hasUsers = client.stage === 'approved' || client.stage === 'disabled';
  return {
    id: client.id,
    name: isVisible('name') ? client.name : null,
    version: isVisible('version') ? client.version : null,
    stage: client.stage,
    suppressed: client.suppressed,
    suspension: client.suspension,
    managed: client.managed || client.stage === 'configured',
    etag: registry.etagFor(actor, client),
    isWaiting,
    assignment: isWaiting ? await makeAssignmentView(scene) : null,
    change: revision && (await makeChangeView(scene, revision)),
    fields: await makeFieldRows(scene, team),
    warnings: isVisible('redirectUri') ? registry.redirectWarnings(client) : [],
    risk: isVisible('name')
      ? await registry.risk(client, revision?.fields)
      : { total: 0, findings: [] },
    ...(await makeOwnerPart(scene, team)),
    impact: hasUsers ? await registry.impact(client.id) : null,
    pkceExemption: await makePkceExemptionView(scene),
    ...(await makeDecisionOptions(scene, revision)),
    draft: refused?.draft ?? emptyDraft,
    problems: refused?.problems ?? noProblems,
    changedSinceViewed: refused?.since ? await formatEntries(scene, refused.since) : null,
    ...(await makeHistoryView(scene)),
  };
}
