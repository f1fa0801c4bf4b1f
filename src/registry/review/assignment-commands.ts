import type { ClientId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Clock } from '#platform/clock.ts';
import { type Actor, accountOf, hasRight, RIGHTS } from '../actor.ts';
import { baseProblem } from '../admission.ts';
import type { RegistryRecords } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { maySeeHidden } from '../visibility.ts';
import { assignmentsEndedAt, type ReviewAssignments } from './assignments.ts';

type Answer<T> = Promise<Result<T, RegistryRefusal>>;

/**
 * Who looks at what. A reviewer's word to the others and no lock: whoever decides first decides,
 * and a decision ends the assignment. Refused with what stands in the way of a reviewer, `readonly`
 * included.
 */
export interface AssignmentCommands {
  /**
   * Assigns the review of an app to the actor for an hour, again where it is theirs already.
   * `taken`: somebody else has it, unless it is taken over.
   */
  assignReview(
    actor: Actor,
    id: ClientId,
    options?: { readonly takeOver?: boolean },
  ): Answer<'assigned' | 'taken'>;
  /** Assigns what has waited longest and nobody looks at; null: there is nothing. */
  assignNextReview(actor: Actor): Answer<ClientId | null>;
  /** Ends the actor's assignment. Ending none is no error. */
  releaseReview(actor: Actor, id: ClientId): Answer<'released'>;
}

/** What the commands work with. */
export interface AssignmentContext {
  readonly records: Pick<RegistryRecords, 'findClient'> & ReviewAssignments;
  readonly clock: Clock;
  readonly settings: { readonly readOnly: string | null };
}

/** As many as others may take between the look and the assignment. */
const MAX_TRIES = 10;

/** Makes the commands over the registry's parts. */
export function makeAssignmentCommands({
  records,
  clock,
  settings,
}: AssignmentContext): AssignmentCommands {
  /** The reviewer who asks, if they may. */
  function reviewerOf(
    actor: Actor,
  ): Result<NonNullable<ReturnType<typeof accountOf>>, RegistryRefusal> {
    const problem = baseProblem(actor, 'registry', settings.readOnly);
    if (problem) return refuse(problem);
    if (!hasRight(actor, RIGHTS.review))
      return refuse({ kind: 'permission_denied', right: RIGHTS.review });
    const reviewer = accountOf(actor);
    return reviewer === null ? refuse({ kind: 'not_logged_in' }) : accept(reviewer);
  }

  async function isVisible(actor: Actor, id: ClientId): Promise<boolean> {
    const client = await records.findClient(id);
    return client !== undefined && (!client.suppressed || maySeeHidden(actor));
  }

  return {
    async assignReview(actor, id, { takeOver = false } = {}) {
      const reviewer = reviewerOf(actor);
      if (!reviewer.ok) return reviewer;
      if (!(await isVisible(actor, id))) return refuse({ kind: 'invalid_consumer_key' });
      const now = clock.now();
      const endedAt = assignmentsEndedAt(now);
      return accept(await records.assign(id, reviewer.value.id, { now, endedAt, takeOver }));
    },
    async assignNextReview(actor) {
      const reviewer = reviewerOf(actor);
      if (!reviewer.ok) return reviewer;
      const now = clock.now();
      const endedAt = assignmentsEndedAt(now);
      const available = await records.listPendingReviews({
        ...(maySeeHidden(actor) ? {} : { suppressed: false }),
        availableTo: { reviewerId: reviewer.value.id, endedAt },
        limit: MAX_TRIES,
      });
      for (const { clientId } of available) {
        const outcome = await records.assign(clientId, reviewer.value.id, { now, endedAt });
        if (outcome === 'assigned') return accept(clientId);
      }
      return accept(null);
    },
    async releaseReview(actor, id) {
      const reviewer = reviewerOf(actor);
      if (!reviewer.ok) return reviewer;
      await records.unassign(id, reviewer.value.id);
      return accept('released');
    },
  };
}
