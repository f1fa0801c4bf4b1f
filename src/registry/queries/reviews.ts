import { ADMINISTER_RIGHT } from '#accounts/rights.ts';
import type { ClientId } from '#kernel/ids.ts';
import { cutPage, type Page } from '#kernel/paging.ts';
import { type Actor, accountOf, hasRight, RIGHTS } from '../actor.ts';
import type { Client } from '../model/client.ts';
import type { Revision } from '../model/revision.ts';
import type { Outbox, OutboxEntry } from '../notifications/notification.ts';
import {
  assignmentsEndedAt,
  type PendingReview,
  type PendingReviewFilter,
  type ReviewAssignment,
} from '../review/assignments.ts';
import { type RedirectToReview, redirectsToReview } from '../review/redirect-review.ts';
import { maySeeHidden } from '../visibility.ts';
import type { QueryContext } from './query-context.ts';

/** Where a list of what waits continues. */
export type PendingReviewCursor = Pick<PendingReview, 'since' | 'clientId'>;

/** Something that waits for a decision, with the app it is about. */
export interface PendingReviewDetails {
  readonly client: Client;
  /** Null: the app itself waits. */
  readonly revision: Revision | null;
  readonly since: PendingReview['since'];
}

/** What waits for reviewers, and who looks at what. Others get empty lists. */
export interface ReviewQueries {
  /** The longest wait first. */
  listPendingReviews(filter: {
    readonly after?: PendingReviewCursor;
    readonly limit: number;
  }): Promise<Page<PendingReviewDetails, PendingReviewCursor>>;
  /** How many wait; a number that everybody may know, of what they may see. */
  countPendingReviews(): Promise<number>;
  /** True when something waits that the actor could take up, or has. */
  hasAvailableReview(): Promise<boolean>;
  /** Who looks at these apps now. */
  assignmentsOf(ids: readonly ClientId[]): Promise<ReadonlyMap<ClientId, ReviewAssignment>>;
  /**
   * Apps whose redirect URIs would be refused today, the latest registration first; `next` is for
   * `below`. A part may be empty and still have a next one.
   */
  listRedirectsToReview(filter: {
    readonly below?: number;
    readonly limit: number;
  }): Promise<Page<RedirectToReview>>;
  /** The outbox, newest first, for administrators. */
  listNotifications(
    filter: Parameters<Outbox['listNotifications']>[0],
  ): Promise<readonly OutboxEntry[]>;
}

/** Leaves hidden apps out for those who may not see them. */
export const pendingReviewVisibility = (actor: Actor): Pick<PendingReviewFilter, 'suppressed'> =>
  maySeeHidden(actor) ? {} : { suppressed: false };

/** Makes the queries about reviews for one actor. */
export function makeReviewQueries(context: QueryContext, actor: Actor): ReviewQueries {
  const { records, clock } = context;
  const visibility = pendingReviewVisibility(actor);
  const mayReview = hasRight(actor, RIGHTS.review);

  async function withDetails({
    clientId,
    revisionId,
    since,
  }: PendingReview): Promise<PendingReviewDetails | undefined> {
    const client = await records.findClient(clientId);
    if (client === undefined) return undefined;
    const revision = revisionId === null ? undefined : await records.openRevision(clientId);
    return { client, revision: revision ?? null, since };
  }

  return {
    async listPendingReviews({ after, limit }) {
      if (!mayReview) return { items: [], next: null };
      const rows = await records.listPendingReviews({
        ...visibility,
        ...(after === undefined ? {} : { after }),
        limit: limit + 1,
      });
      const { items, next } = cutPage(rows, limit, ({ since, clientId }) => ({ since, clientId }));
      const details = await Promise.all(items.map(withDetails));
      return { items: details.filter((one) => one !== undefined), next };
    },
    countPendingReviews: () => records.countPendingReviews(visibility),
    async hasAvailableReview() {
      const reviewer = accountOf(actor);
      if (!mayReview || reviewer === null) return false;
      const endedAt = assignmentsEndedAt(clock.now());
      const available = await records.listPendingReviews({
        ...visibility,
        availableTo: { reviewerId: reviewer.id, endedAt },
        limit: 1,
      });
      return available.length > 0;
    },
    async assignmentsOf(ids) {
      return mayReview
        ? records.assignmentsOf(ids, assignmentsEndedAt(clock.now()))
        : new Map<ClientId, ReviewAssignment>();
    },
    async listRedirectsToReview(filter) {
      if (!mayReview) return { items: [], next: null };
      const page = await redirectsToReview(records, { ...visibility, ...filter });
      if (maySeeHidden(actor)) return page;
      return { ...page, items: page.items.filter(({ client }) => client.stage !== 'configured') };
    },
    async listNotifications(filter) {
      return hasRight(actor, ADMINISTER_RIGHT) ? records.listNotifications(filter) : [];
    },
  };
}
