import type { PageRouter } from '../page.ts';
import { reviewPage } from './app-review.template.ts';
import { makeReviewView } from './app-review.view.ts';
import type { ReviewViewDependencies } from './review-scene.ts';
import { forReviewedApp, reviewers } from './reviewed-app.ts';

/** The review page of one app. */
export function appReviewRoutes(
  { getPage }: PageRouter,
  dependencies: ReviewViewDependencies,
): void {
  getPage(
    '/review/:id',
    forReviewedApp(dependencies, async (call, client) =>
      reviewPage(call.frame, await makeReviewView(dependencies, call, client)),
    ),
    reviewers,
  );
}
