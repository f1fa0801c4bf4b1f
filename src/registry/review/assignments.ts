import type { ClientId, UserId } from '#kernel/ids.ts';
import { type Instant, instant, type Seconds, seconds } from '#kernel/time.ts';

// "I am looking at this": a word among reviewers and no lock. Whoever decides first decides.

/** How long a claim holds. */
export const ASSIGNMENT_TTL_SECONDS: Seconds = seconds(3600);

/** Claims made at this moment or before have run out. */
export const assignmentsEndedAt = (now: Instant): Instant => instant(now - ASSIGNMENT_TTL_SECONDS);

export interface ReviewAssignment {
  readonly clientId: ClientId;
  readonly reviewerId: UserId;
  readonly at: Instant;
}

/** Something that waits for a decision: a proposed client, or a proposed change of one. */
export interface PendingReview {
  readonly clientId: ClientId;
  /** Null: the client itself. */
  readonly revisionId: number | null;
  readonly since: Instant;
}

export interface PendingReviewFilter {
  /** False: leave hidden clients out. */
  readonly suppressed?: false;
  /** Continue after this one. */
  readonly after?: Pick<PendingReview, 'since' | 'clientId'>;
  /**
   * Only what this reviewer could take up: an app they took no part in, without an approval of
   * theirs, and claimed by nobody since `endedAt`.
   */
  readonly availableTo?: { readonly reviewerId: UserId; readonly endedAt: Instant };
  readonly limit: number;
}

/** Who looks at what, and what waits. `endedAt`: claims from then or before count no more. */
export interface ReviewAssignments {
  /**
   * Claims for an hour, again when it is theirs already. 'taken': somebody else has it, unless the
   * claim is taken `over`.
   */
  assign(
    id: ClientId,
    reviewer: UserId,
    times: { readonly now: Instant; readonly endedAt: Instant; readonly takeOver?: boolean },
  ): Promise<'assigned' | 'taken'>;
  /** Ends a reviewer's claim, or with null anybody's. */
  unassign(id: ClientId, reviewer: UserId | null): Promise<void>;
  assignmentsOf(
    ids: readonly ClientId[],
    endedAt: Instant,
  ): Promise<ReadonlyMap<ClientId, ReviewAssignment>>;
  /** The longest wait first. */
  listPendingReviews(filter: PendingReviewFilter): Promise<readonly PendingReview[]>;
  countPendingReviews(filter: Pick<PendingReviewFilter, 'suppressed'>): Promise<number>;
}
