import type { ClientId, UserId } from '#kernel/ids.ts';
import { type Instant, instant, type Seconds, seconds } from '#kernel/time.ts';

// "I am looking at this": a word among reviewers and no lock. Whoever decides first decides.

/** How long a claim holds. */
export const CLAIM_FOR: Seconds = seconds(3600);

/** Claims made at this moment or before have run out. */
export const claimsEndedAt = (now: Instant): Instant => instant(now - CLAIM_FOR);

export interface ReviewClaim {
  readonly clientId: ClientId;
  readonly reviewerId: UserId;
  readonly at: Instant;
}

/** Something that waits for a decision: a proposed client, or a proposed change of one. */
export interface Waiting {
  readonly clientId: ClientId;
  /** Null: the client itself. */
  readonly revisionId: number | null;
  readonly since: Instant;
}

export interface WaitingFilter {
  /** False: leave hidden clients out. */
  readonly suppressed?: false;
  /** Continue after this one. */
  readonly after?: Pick<Waiting, 'since' | 'clientId'>;
  /**
   * Only what this reviewer could take up: an app they took no part in, without a yes of theirs,
   * and claimed by nobody since `endedAt`.
   */
  readonly freeFor?: { readonly reviewerId: UserId; readonly endedAt: Instant };
  readonly limit: number;
}

/** Who looks at what, and what waits. `endedAt`: claims from then or before count no more. */
export interface ReviewClaims {
  /**
   * Claims for an hour, again when it is theirs already. 'held': somebody else has it, unless the
   * claim is taken `over`.
   */
  claim(
    id: ClientId,
    reviewer: UserId,
    times: { readonly now: Instant; readonly endedAt: Instant; readonly over?: boolean },
  ): Promise<'claimed' | 'held'>;
  /** Ends a reviewer's claim, or with null anybody's. */
  release(id: ClientId, reviewer: UserId | null): Promise<void>;
  claimsOf(ids: readonly ClientId[], endedAt: Instant): Promise<ReadonlyMap<ClientId, ReviewClaim>>;
  /** The longest wait first. */
  listWaiting(filter: WaitingFilter): Promise<readonly Waiting[]>;
  countWaiting(filter: Pick<WaitingFilter, 'suppressed'>): Promise<number>;
}
