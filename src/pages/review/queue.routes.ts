import type { Registry } from '#registry/registry.ts';
import type { PageRouter } from '../page.ts';
import { reviewQueuePage, reviewTabs } from './queue.template.ts';
import {
  makePendingReviewsView,
  makeRedirectReviewView,
  makeStageView,
  type QueueViewDependencies,
} from './queue.view.ts';
import { refusalNote, reviewers } from './reviewed-app.ts';

export interface QueueDependencies extends QueueViewDependencies {
  readonly registry: Pick<Registry, 'query' | 'assignNextReview'>;
}

/** The review queue, and what has waited longest. */
export function queueRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: QueueDependencies,
): void {
  const { registry } = dependencies;

  getPage(
    '/review',
    async (call) => {
      const requested = call.query.get('show');
      const tab = reviewTabs.find((known) => known === requested) ?? 'waiting';
      if (tab === 'waiting')
        return reviewQueuePage(call.frame, await makePendingReviewsView(dependencies, call));
      if (tab === 'redirects')
        return reviewQueuePage(call.frame, await makeRedirectReviewView(dependencies, call));
      return reviewQueuePage(call.frame, await makeStageView(dependencies, call, tab));
    },
    reviewers,
  );

  postForm(
    '/review/next',
    async ({ actor, frame }) => {
      const next = await registry.assignNextReview(actor);
      if (!next.ok) return refusalNote(frame.words, next.refusal);
      return { to: next.value === null ? '/review?done=review-none' : `/review/${next.value}` };
    },
    reviewers,
  );
}
