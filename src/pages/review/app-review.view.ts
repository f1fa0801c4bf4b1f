import { ADMINISTER_RIGHT } from '#accounts/rights.ts';
import type { Services } from '#http/world.ts';
import type { UserId } from '#kernel/ids.ts';
import { canManageClient } from '#registry/access.ts';
import { canSkipPkce } from '#registry/actions/pkce-exemption.ts';
import { type Actor, accountOf, hasRight, RIGHTS } from '#registry/actor.ts';
import type { AuditEntry } from '#registry/audit.ts';
import { type Client, needsRedirectUri } from '#registry/model/client.ts';
import type { DependenceReason } from '#registry/model/involvement.ts';
import { type Revision, revisedFields } from '#registry/model/revision.ts';
import { assignmentsEndedAt } from '#registry/review/assignments.ts';
import {
  approvalTopic,
  decisionsThatCanHide,
  possibleDecisions,
  type ReviewDecision,
} from '#registry/review/decisions.ts';
import type { ApprovalStatus } from '#registry/review/independence.ts';
import { DAY } from '#registry/usage.ts';
import { hiddenReason, maySeeHidden } from '#registry/visibility.ts';
import { makeAuditEntryFormatter, makeFieldFormatter } from '../audit-entries.ts';
import type { AuditEntryView, DisplayChange } from '../audit-table.ts';
import { noProblems } from '../form-problems.ts';
import type { Words } from '../words.ts';
import {
  type DecisionDraft,
  emptyDraft,
  type OwnerView,
  type ReviewPageView,
} from './app-review.template.ts';
import type { PkceExemptionView } from './pkce-exemption.template.ts';

// Gathers what the review desk shows of one app.

const MAX_APPS = 20;
const MAX_HISTORY = 15;

/** Fields in the order a reviewer reads them; some are for one protocol alone. */
function reviewFields(client: Client): readonly (keyof Client)[] {
  return [
    'name',
    'version',
    'description',
    'scopes',
    'optionalScopes',
    ...(client.redirectUri === '' && !needsRedirectUri(client)
      ? []
      : ([
          'redirectUri',
          ...(client.protocol === 'oauth1' ? (['redirectIsPrefix'] as const) : []),
        ] as const)),
    'site',
    'email',
    'ownerOnly',
    'protocol',
    ...(client.protocol === 'oauth2'
      ? (['confidential', 'grantTypes', 'pkceOptional', 'introspector', 'tokenAlgorithm'] as const)
      : (['rsaPublicKey'] as const)),
    'restrictions',
    'id',
  ];
}

/** The open change beside what is in force. */
async function revisionRows(
  client: Client,
  revision: Revision,
  isVisible: (field: keyof Client) => boolean,
  formatField: ReturnType<typeof makeFieldFormatter>,
): Promise<readonly DisplayChange[]> {
  const differing = revisedFields.filter(
    (field) => JSON.stringify(client[field]) !== JSON.stringify(revision.fields[field]),
  );
  return Promise.all(
    differing.map(async (field) =>
      isVisible(field)
        ? {
            field,
            before: await formatField(field, client[field]),
            after: await formatField(field, revision.fields[field]),
          }
        : { field, before: { kind: 'hidden' } as const, after: { kind: 'hidden' } as const },
    ),
  );
}

async function loadOwner(
  services: Services,
  actor: Actor,
  client: Client,
): Promise<OwnerView | 'gone'> {
  const owner = await services.records.findAccount(client.ownerId as UserId);
  if (owner === undefined) return 'gone';
  const apps = await services.records.listClients({
    ownerId: owner.id,
    ...(maySeeHidden(actor) ? {} : { suppressed: false }),
    limit: MAX_APPS + 2,
  });
  const otherApps = apps.filter(({ id }) => id !== client.id);
  return {
    name: owner.name,
    href: hasRight(actor, ADMINISTER_RIGHT) ? `/admin/people/${owner.id}` : null,
    accountCreatedAt: owner.createdAt,
    accountAgeDays: Math.floor((services.clock.now() - owner.createdAt) / DAY),
    blocked: owner.blocked,
    apps: otherApps
      .slice(0, MAX_APPS)
      .map(({ id, name, version, stage }) => ({ id, name, version, stage })),
    hasMoreApps: otherApps.length > MAX_APPS,
  };
}

/**
 * What this reviewer can decide, what they cannot and why, and how a decision stands that takes
 * two.
 */
async function loadDecisions(
  services: Services,
  actor: Actor,
  client: Client,
  revision: Revision | null,
) {
  const availableDecisions: ReviewDecision[] = [];
  const blockedDecisions: { readonly decision: ReviewDecision; readonly why: DependenceReason }[] =
    [];
  let twoPersonReview: ApprovalStatus | null = null;
  for (const decision of possibleDecisions(actor, client, { revision })) {
    const reviewSubject = approvalTopic(decision, client, revision);
    const standing =
      reviewSubject && (await services.registry.approvalStatus(actor, client, reviewSubject));
    if (standing?.requiredApprovals === 2) twoPersonReview ??= standing;
    if (standing == null || standing.dependence === null) availableDecisions.push(decision);
    else blockedDecisions.push({ decision, why: standing.dependence });
  }
  return { possible: availableDecisions, barred: blockedDecisions, two: twoPersonReview };
}

/** The exemption from PKCE of an app that asks people and may have it, for this reviewer. */
async function loadPkceExemption(
  services: Services,
  actor: Actor,
  client: Client,
): Promise<PkceExemptionView | null> {
  const { grantTypes, managed, pkceOptional, suppressed } = client;
  if (managed || !canSkipPkce(client) || !grantTypes.includes('authorization_code')) return null;
  if (suppressed && !hasRight(actor, RIGHTS.suppress)) return null;
  const { dependence } = await services.registry.approvalStatus(actor, client, {
    kind: 'exempt-from-pkce',
  });
  return { isExempt: pkceOptional, ineligibleBecause: dependence };
}

/** What came of a decision that was refused. */
export interface RefusedDecision {
  readonly draft: DecisionDraft;
  readonly problems: ReviewPageView['problems'];
  readonly since: readonly AuditEntry[] | null;
}

/** Everything this reviewer may know of an app, and what they can decide. */
export async function loadReviewPage(
  services: Services,
  actor: Actor,
  words: Words,
  client: Client,
  refused?: RefusedDecision,
): Promise<ReviewPageView> {
  const { records, registry } = services;
  const [team, revision = null] = [
    await records.teamOf(client.id),
    await records.openRevision(client.id),
  ];
  const viewerCanManage = canManageClient(actor, client, team);
  const reasonHiddenFor = (field: keyof Client) =>
    hiddenReason(field, client, actor, viewerCanManage);
  const formatField = makeFieldFormatter(
    services,
    words,
    services.registry.query(actor).personLookup(),
  );
  const formatEntry = makeAuditEntryFormatter(services, actor, words);
  const lookUpName = async (id: UserId) =>
    (await records.findAccount(id))?.name ?? words.say('frame.nobody');
  const isWaiting = client.stage === 'proposed' || revision !== null;
  const assignment = isWaiting
    ? (await records.assignmentsOf([client.id], assignmentsEndedAt(services.clock.now()))).get(
        client.id,
      )
    : undefined;
  const {
    possible: availableDecisions,
    barred: blockedDecisions,
    two: twoPersonReview,
  } = await loadDecisions(services, actor, client, revision);
  const history = await records.listAudit({
    clientId: client.id,
    about: 'clients',
    limit: MAX_HISTORY + 1,
  });
  const formatEntries = async (
    entries: readonly AuditEntry[],
  ): Promise<readonly AuditEntryView[]> => {
    const formatted: AuditEntryView[] = [];
    for (const entry of entries) formatted.push(await formatEntry(entry));
    return formatted;
  };
  const viewerId = accountOf(actor)?.id;
  const isVisible = (field: keyof Client) => reasonHiddenFor(field) === undefined;
  const owner = isVisible('ownerId') ? await loadOwner(services, actor, client) : null;
  const orphaned = owner === 'gone' || owner?.blocked === true;
  const { managed } = client;
  const fields = await Promise.all(
    reviewFields(client).map(async (field) => {
      const fieldHiddenReason = reasonHiddenFor(field);
      const value =
        fieldHiddenReason === undefined
          ? await formatField(field, client[field])
          : ({ kind: fieldHiddenReason === 'private' ? 'private' : 'hidden' } as const);
      return { field, value };
    }),
  );
  const lastUsedDay = (await records.lastUsed('client', [client.id])).get(client.id);
  const maintainers = await Promise.all(
    team.maintainers.map(async ({ userId, acceptedAt }) => ({
      text: await lookUpName(userId),
      ...(acceptedAt === null ? { risk: words.say('review.invited') } : {}),
    })),
  );
  const textValue = (value: string) => ({ kind: 'text', text: value }) as const;
  return {
    id: client.id,
    name: isVisible('name') ? client.name : null,
    version: isVisible('version') ? client.version : null,
    stage: client.stage,
    suppressed: client.suppressed,
    suspension: client.suspension,
    managed: managed || client.stage === 'configured',
    isOwnApp: viewerId === client.ownerId,
    etag: registry.etagFor(actor, client),
    isWaiting,
    assignment: assignment
      ? {
          reviewer: await lookUpName(assignment.reviewerId),
          isMine: assignment.reviewerId === viewerId,
          assignedAt: assignment.at,
        }
      : null,
    change: revision && {
      by:
        revision.proposedBy === null
          ? words.say('frame.operator')
          : await lookUpName(revision.proposedBy),
      at: revision.proposedAt,
      changes: await revisionRows(client, revision, isVisible, formatField),
      warnings:
        isVisible('redirectUri') && revision.fields.redirectUri !== client.redirectUri
          ? registry.redirectWarnings({ ...client, ...revision.fields })
          : [],
    },
    fields: [
      ...fields,
      ...(maintainers.length > 0
        ? [{ field: 'maintainers', value: { kind: 'list', items: maintainers } as const }]
        : []),
      { field: 'registeredAt', value: textValue(words.formatDateTime(client.registeredAt)) },
      { field: 'stageAt', value: textValue(words.formatDateTime(client.stageAt)) },
      {
        field: 'lastUsed',
        value: textValue(
          lastUsedDay === undefined
            ? words.say('frame.never')
            : words.formatDate(lastUsedDay * DAY),
        ),
      },
    ],
    warnings: isVisible('redirectUri') ? registry.redirectWarnings(client) : [],
    risk: isVisible('name')
      ? await registry.risk(client, revision?.fields)
      : { total: 0, findings: [] },
    owner,
    canOffer:
      orphaned &&
      !managed &&
      !client.suppressed &&
      (client.stage === 'approved' || client.stage === 'proposed'),
    offeredTo: team.offer === null ? null : await lookUpName(team.offer.toId),
    impact:
      client.stage === 'approved' || client.stage === 'disabled'
        ? await registry.impact(client.id)
        : null,
    twoPersonReview: twoPersonReview && {
      approvedBy: await Promise.all(twoPersonReview.approvedBy.map(lookUpName)),
      ineligibleBecause: twoPersonReview.dependence,
    },
    pkceExemption: await loadPkceExemption(services, actor, client),
    availableDecisions,
    blockedDecisions,
    suppressingDecisions: hasRight(actor, RIGHTS.suppress) ? [...decisionsThatCanHide] : [],
    draft: refused?.draft ?? emptyDraft,
    problems: refused?.problems ?? noProblems,
    changedSinceViewed: refused?.since ? await formatEntries(refused.since) : null,
    history: await formatEntries(history.slice(0, MAX_HISTORY)),
    hasEarlierEntries: history.length > MAX_HISTORY,
  };
}
