import { hash } from 'node:crypto';
import type { UserId } from '#kernel/ids.ts';
import { accept, refuse } from '#kernel/result.ts';
import type { Instant } from '#kernel/time.ts';
import type { Decided } from '../actions/action.ts';
import type { Desk } from '../actions/context.ts';
import { type Actor, personOf, RIGHTS } from '../actor.ts';
import type { FieldChange } from '../audit.ts';
import { type Client, type Halt, halts } from '../model/client.ts';
import { changesLittle, type RevisedFields, type Revision } from '../model/revision.ts';
import { isMaintainer } from '../model/team.ts';

// Who is independent of a decision (ADR 15). Every yes of a reviewer passes here, whichever door it
// came by: new apps, revisions, the undoing of a stop, what is hidden or shown, and what is handed
// over for an owner who is gone.

/** In what way somebody took part in an app. */
export const parts = ['proposer', 'owner', 'maintainer', 'handed-over'] as const;
export type Part = (typeof parts)[number];

/** Somebody's past part in an app. What somebody is now, the client and its team say. */
export interface Involvement {
  readonly userId: UserId;
  readonly part: Part;
  /** When it ended, or happened; the latest time, when there were several. */
  readonly until: Instant;
}

/** A reviewer's yes that waits for another. */
export interface Approval {
  readonly reviewerId: UserId;
  /**
   * Digest of what was approved: the kind of decision, and everything the reviewer saw of the app
   * and the revision.
   */
  readonly subject: string;
}

/**
 * What a yes is about. `resume`: less of a halt than there is. `hand-over`: an offer for an owner
 * who is gone.
 */
export type Matter =
  | { readonly kind: 'approve' | 'reenable' | 'show' | 'hide' | 'hand-over' | 'exempt-from-pkce' }
  | { readonly kind: 'resume'; readonly halted: Halt }
  | { readonly kind: 'approve-revision'; readonly revision: Revision };

/** Why somebody's yes does not count. */
export const dependences = [
  'owner',
  'maintainer',
  'proposer',
  'revision-proposer',
  'former-owner',
  'former-maintainer',
  'handed-over',
  'approved-before',
] as const;
export type Dependence = (typeof dependences)[number];

/** How a decision stands for whoever asks. */
export interface Standing {
  /** How many people must say yes. */
  readonly needed: 1 | 2;
  /** Whose yes counts already. */
  readonly given: readonly UserId[];
  /** Why the yes of this actor does not count; null: it does. */
  readonly dependence: Dependence | null;
}

/** True when the scopes hold one of a risk for which two people must say yes. */
export const holdsRisk = (
  desk: Pick<Desk, 'rules' | 'settings'>,
  scopes: readonly string[],
): boolean =>
  scopes.some((scope) =>
    desk.settings.twoPersonRisks.includes(desk.rules.catalogue.get(scope)?.risk ?? 'unknown'),
  );

/**
 * True when two people must say yes to a revision: the app holds a scope of such a risk, or would,
 * and the revision does more than narrow it or describe it otherwise. A new redirect URI sends the
 * codes of every user elsewhere and adds no scope.
 */
export const revisionNeedsTwo = (
  desk: Pick<Desk, 'rules' | 'settings'>,
  live: RevisedFields,
  next: RevisedFields,
): boolean => holdsRisk(desk, [...live.scopes, ...next.scopes]) && !changesLittle(live, next);

function neededFor(desk: Desk, client: Client, matter: Matter): 1 | 2 {
  switch (matter.kind) {
    case 'hide':
    case 'hand-over':
      return 1;
    case 'approve-revision':
      return revisionNeedsTwo(desk, client, matter.revision.fields) ? 2 : 1;
    default:
      return holdsRisk(desk, client.scopes) ? 2 : 1;
  }
}

/**
 * True when a yes undoes what a reviewer stopped: also a rejected or hidden app that is approved
 * after all.
 */
const undoesStop = ({ kind }: Matter, { stage, suppressed }: Client): boolean =>
  kind === 'reenable' ||
  kind === 'resume' ||
  kind === 'show' ||
  (kind === 'approve' && (stage === 'rejected' || suppressed));

const isStop = ({ field, before, after }: FieldChange): boolean =>
  field === 'halted' && halts.indexOf(after as Halt) > halts.indexOf(before as Halt);

/**
 * When the question arose: who took part in the app since, or within a term before, is not
 * independent of it.
 */
async function raisedAt(desk: Desk, client: Client, matter: Matter): Promise<Instant> {
  switch (matter.kind) {
    case 'approve':
      return client.registeredAt;
    case 'approve-revision':
      return matter.revision.proposedAt;
    case 'reenable':
    case 'show':
      return client.stageAt;
    case 'resume': {
      const lines = await desk.records.listAudit({
        clientId: client.id,
        action: 'halt',
        limit: 50,
      });
      return lines.find(({ changes }) => changes.some(isStop))?.at ?? client.registeredAt;
    }
    default:
      return desk.clock.now();
  }
}

/**
 * Everything a reviewer sees of the app, and of the revision: a yes to anything else is no yes to
 * this.
 */
function subjectOf(client: Client, matter: Matter): string {
  const { secrets: _secrets, edition: _edition, ...seen } = client;
  const asked =
    matter.kind === 'approve-revision' ? { id: matter.revision.id, ...matter.revision.fields } : {};
  const target = matter.kind === 'resume' ? matter.halted : '';
  const inOrder = (value: object) =>
    Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return hash(
    'sha256',
    JSON.stringify([matter.kind, target, inOrder(seen), inOrder(asked)]),
    'base64url',
  );
}

/**
 * Says of each person what ties them to the matter; undefined: nothing, they are independent of it.
 */
async function dependenceOf(
  desk: Desk,
  client: Client,
  matter: Matter,
): Promise<(id: UserId) => Dependence | undefined> {
  const team = await desk.records.teamOf(client.id);
  const past = await desk.records.involvementsIn(client.id);
  const from = (await raisedAt(desk, client, matter)) - desk.settings.involvedFor;
  const took = (id: UserId, part: Part, since = from) =>
    past.some((one) => one.userId === id && one.part === part && one.until >= since);
  return (id) => {
    if (id === client.ownerId) return 'owner';
    if (isMaintainer(team, id)) return 'maintainer';
    if (matter.kind === 'approve-revision' && matter.revision.proposedBy === id)
      return 'revision-proposer';
    // Whose idea the app was, for good.
    if (took(id, 'proposer', 0)) return 'proposer';
    if (took(id, 'owner')) return 'former-owner';
    if (took(id, 'maintainer')) return 'former-maintainer';
    return took(id, 'handed-over') ? 'handed-over' : undefined;
  };
}

/**
 * How a decision stands: judged anew each time, since people come to an app, leave it, are blocked,
 * and lose rights.
 */
export async function standingOf(
  desk: Desk,
  actor: Actor,
  client: Client,
  matter: Matter,
): Promise<Standing> {
  const needed = neededFor(desk, client, matter);
  const ties = await dependenceOf(desk, client, matter);
  const subject = subjectOf(client, matter);
  const given: UserId[] = [];
  const rights = [RIGHTS.review, ...(client.suppressed ? [RIGHTS.suppress] : [])];
  for (const approval of needed === 2
    ? await desk.records.approvalsOf(client.id, revisionOf(matter))
    : []) {
    if (approval.subject !== subject || ties(approval.reviewerId) !== undefined) continue;
    const giver = await desk.accounts.findAccount(approval.reviewerId);
    if (giver === undefined || giver.blocked) continue;
    const held = desk.rightsOf(giver);
    if (rights.every((right) => held.has(right))) given.push(giver.id);
  }
  const me = personOf(actor)?.id;
  if (me === undefined) return { needed, given, dependence: null };
  const tie = ties(me);
  // Where there is one reviewer alone, the operator may let them decide on their own apps; never
  // that a stop be undone by whom it was meant for.
  const excused =
    tie !== undefined && desk.settings.ownApps && needed === 1 && !undoesStop(matter, client);
  if (tie !== undefined && !excused) return { needed, given, dependence: tie };
  return { needed, given, dependence: given.includes(me) ? 'approved-before' : null };
}

const revisionOf = (matter: Matter) =>
  matter.kind === 'approve-revision' ? matter.revision.id : null;

/** Name of a first yes in the trail. */
function firstYes({ kind }: Matter) {
  if (kind === 'approve') return 'first-approval';
  if (kind === 'approve-revision') return 'first-approval-of-revision';
  return kind === 'exempt-from-pkce' ? 'first-yes-to-pkce-exemption' : 'first-yes-to-resuming';
}

/**
 * Hears the actor's yes: `decided` when it is the last that is needed; otherwise the first of two,
 * which is written down and decides nothing, or a refusal (`needs_another_reviewer`). The operator,
 * who could change the rule, decides alone.
 */
export async function heard(
  desk: Desk,
  actor: Actor,
  client: Client,
  matter: Matter,
): Promise<'decided' | Decided> {
  const reviewer = personOf(actor);
  if (reviewer === null) return 'decided';
  const { needed, given, dependence } = await standingOf(desk, actor, client, matter);
  if (dependence !== null) return refuse({ kind: 'needs_another_reviewer', why: dependence });
  if (needed === 1 || given.length > 0) return 'decided';
  const at = desk.clock.now();
  const subject = subjectOf(client, matter);
  return accept({
    effects: [
      {
        kind: 'first-approval',
        reviewerId: reviewer.id,
        revisionId: revisionOf(matter),
        subject,
        at,
      },
    ],
    changes: [{ field: 'approvals', before: 0, after: 1 }],
    as: firstYes(matter),
    waiting: true,
  });
}
