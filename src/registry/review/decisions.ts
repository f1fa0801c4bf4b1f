import type { Values } from '../actions/fields.ts';
import { type Actor, mayDo, RIGHTS } from '../actor.ts';
import type { Client } from '../model/client.ts';
import type { Revision } from '../model/revision.ts';
import type { Matter } from './independence.ts';

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
}

/**
 * The decisions that the stage of a client and the rights of this reviewer allow; whether they are
 * independent of them is another question (`matterOf`). The registry judges again when one is made.
 */
export function possibleDecisions(
  actor: Actor,
  client: Client,
  { revision }: Offered,
): readonly ReviewDecision[] {
  const hider = mayDo(actor, RIGHTS.suppress);
  const managed = client.managed || client.stage === 'configured';
  if (managed || !mayDo(actor, RIGHTS.review) || (client.suppressed && !hider)) return [];
  const { stage, halted, suppressed } = client;
  const approvable = stage === 'proposed' || stage === 'expired' || stage === 'rejected';
  const possible: Readonly<Record<ReviewDecision, boolean>> = {
    'approve-revision': revision !== null && stage === 'approved',
    'reject-revision': revision !== null,
    approve: approvable,
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

/**
 * What a decision says yes to, for which independence is asked; null: it stops something, which any
 * reviewer may.
 */
export function matterOf(
  decision: ReviewDecision,
  client: Client,
  revision: Revision | null,
): Matter | null {
  switch (decision) {
    case 'approve-revision':
      return revision && { kind: decision, revision };
    case 'approve':
    case 'reenable':
    case 'hide':
    case 'show':
      return { kind: decision };
    case 'halt-nothing':
      return { kind: 'resume', halted: 'nothing' };
    case 'halt-consents':
      return client.halted === 'tokens' ? { kind: 'resume', halted: 'consents' } : null;
    default:
      return null;
  }
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
