import type { Registry } from '#registry/registry.ts';
import type { PageRouter } from '../page.ts';
import { forReviewedApp, refusalNote, reviewers } from './reviewed-app.ts';

export interface AssignmentDependencies {
  readonly registry: Pick<Registry, 'query' | 'assignReview' | 'releaseReview'>;
}

/** Taking up the review of an app, and leaving it to others. */
export function assignmentRoutes(
  { postForm }: PageRouter,
  dependencies: AssignmentDependencies,
): void {
  const { registry } = dependencies;

  postForm(
    '/review/:id/claim',
    forReviewedApp(dependencies, async ({ actor, frame, form }, { id }) => {
      const takeOver = form.get('over') !== undefined;
      const assigned = await registry.assignReview(actor, id, { takeOver });
      if (!assigned.ok) return refusalNote(frame.words, assigned.refusal);
      const doneQuery = assigned.value === 'assigned' ? 'done=review-claimed' : 'done=review-held';
      return { to: `/review/${id}?${doneQuery}` };
    }),
    reviewers,
  );

  postForm(
    '/review/:id/release',
    forReviewedApp(dependencies, async ({ actor, frame }, { id }) => {
      const released = await registry.releaseReview(actor, id);
      return released.ok
        ? { to: `/review/${id}?done=review-released` }
        : refusalNote(frame.words, released.refusal);
    }),
    reviewers,
  );
}
