import type { PageRouter } from '../page.ts';
import { appReviewRoutes } from './app-review.routes.ts';
import { type AssignmentDependencies, assignmentRoutes } from './assignment.routes.ts';
import { type DecisionDependencies, decisionRoutes } from './decision.routes.ts';
import { offerRoutes } from './offer.routes.ts';
import { pkceExemptionRoutes } from './pkce-exemption.routes.ts';
import { type QueueDependencies, queueRoutes } from './queue.routes.ts';

export type ReviewDependencies = QueueDependencies & AssignmentDependencies & DecisionDependencies;

/** The pages of reviewers. */
export function reviewRoutes(pages: PageRouter, dependencies: ReviewDependencies): void {
  queueRoutes(pages, dependencies);
  appReviewRoutes(pages, dependencies);
  decisionRoutes(pages, dependencies);
  assignmentRoutes(pages, dependencies);
  pkceExemptionRoutes(pages, dependencies);
  offerRoutes(pages, dependencies);
}
