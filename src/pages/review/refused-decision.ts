import { pageStatusOf } from '#http/responses.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { refusalFormProblems } from '../apps/refusal-problems.ts';
import { mapToControls, noProblems } from '../form-problems.ts';
import { notFound, type PageResponse, type SignedInCall } from '../page.ts';
import { reviewPage } from './app-review.template.ts';
import { makeReviewView, type RefusedDecision } from './app-review.view.ts';
import type { DecisionDraft } from './decision.template.ts';
import type { ReviewViewDependencies } from './review-scene.ts';

// The review page again, after one of its forms was refused.

/** The page with what was typed, and what stood in the way. */
export async function showRefusedForm(
  dependencies: ReviewViewDependencies,
  call: SignedInCall,
  client: Client,
  status: number,
  refused: RefusedDecision,
): Promise<PageResponse> {
  return {
    status,
    page: reviewPage(call.frame, await makeReviewView(dependencies, call, client, refused)),
  };
}

/**
 * The page as it is now: the app may have changed while the decision was under way. `etag`: of what
 * the reviewer saw.
 */
export async function showRefusedDecision(
  dependencies: ReviewViewDependencies,
  call: SignedInCall,
  { id, etag }: { readonly id: ClientId; readonly etag: string },
  draft: DecisionDraft,
  refusal: RegistryRefusal,
): Promise<PageResponse> {
  const queries = dependencies.registry.query(call.actor);
  const client = await queries.findClient(id);
  if (client === undefined) return notFound;
  const isEtagProblem = 'field' in refusal && refusal.field === 'etag';
  const since = isEtagProblem ? [] : await queries.changesSince(client, etag);
  // What happened says more than the rule that it met.
  if (since !== null)
    return showRefusedForm(dependencies, call, client, 409, { draft, problems: noProblems, since });
  const problems = refusalFormProblems(call.frame.words, refusal);
  return showRefusedForm(dependencies, call, client, pageStatusOf(refusal), {
    draft,
    problems: mapToControls(problems, { etag: null }),
    since,
  });
}
