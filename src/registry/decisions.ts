import { type Actor, mayDo, personOf, RIGHTS } from './actor.ts';
import type { Client } from './client.ts';
import type { Values } from './fields.ts';
import type { Revision } from './revision.ts';

/** What a reviewer can decide, in the order it is offered. `hide` and `show` are for apps that are not in use (registry Q6). */
export const reviewDecisions = [
  'approve-revision',
  'reject-revision',
  'approve',
  'reject',
  'reenable',
  'halt-nothing',
  'halt-consents',
  'halt-tokens',
  'disable',
  'hide',
  'show',
] as const;
export type ReviewDecision = (typeof reviewDecisions)[number];

/** Decisions that say no to somebody, who is owed a reason. */
export const owesReason: ReadonlySet<ReviewDecision> = new Set([
  'reject-revision',
  'reject',
  'halt-consents',
  'halt-tokens',
  'disable',
  'hide',
]);

/** Decisions that may hide the app as well. */
export const mayHide: ReadonlySet<ReviewDecision> = new Set(['reject', 'disable']);

/** What is known when decisions are offered. */
export interface Offered {
  readonly revision: Pick<Revision, 'id'> | null;
  /** This reviewer's yes does not count here: two must say it, and they said theirs before, or own the app. */
  readonly needsAnother: boolean;
}

/** The decisions that this reviewer can make about a client as it is. The registry judges again when one is made. */
export function possibleDecisions(actor: Actor, client: Client, { revision, needsAnother }: Offered): readonly ReviewDecision[] {
  const hider = mayDo(actor, RIGHTS.suppress);
  const managed = client.managed || client.stage === 'configured';
  if (managed || !mayDo(actor, RIGHTS.review) || (client.suppressed && !hider)) return [];
  const { stage, halted, suppressed } = client;
  const approvable = stage === 'proposed' || stage === 'expired' || stage === 'rejected';
  const possible: Readonly<Record<ReviewDecision, boolean>> = {
    'approve-revision': revision !== null && stage === 'approved' && !needsAnother,
    'reject-revision': revision !== null,
    approve: approvable && !needsAnother,
    reject: stage === 'proposed',
    reenable: stage === 'disabled',
    'halt-nothing': stage === 'approved' && halted !== 'nothing',
    'halt-consents': stage === 'approved' && halted !== 'consents',
    'halt-tokens': stage === 'approved' && halted !== 'tokens',
    disable: stage === 'approved',
    hide: hider && !suppressed && stage !== 'approved' && stage !== 'proposed',
    show: hider && suppressed && stage !== 'approved',
  };
  return reviewDecisions.filter((decision) => possible[decision]);
}

/** The registry's action for a decision, with what it takes apart from reason and change token. */
export function actionOf(
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
      return { action: 'halt', values: { halted: decision.slice('halt-'.length) } };
  }
}

/** True when a yes of this person does not count: their own app, or they said it before. */
export const isSpent = (actor: Actor, client: Client, approvals: readonly number[]): boolean => {
  const me = personOf(actor)?.id;
  return me !== undefined && (me === client.ownerId || approvals.includes(me));
};
