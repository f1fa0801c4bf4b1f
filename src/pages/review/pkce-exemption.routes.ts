import type { PageRouter } from '../page.ts';
import { type DecisionDependencies, parseDecisionDraft } from './decision.routes.ts';
import { showRefusedDecision } from './refused-decision.ts';
import { forReviewedApp, reviewers } from './reviewed-app.ts';

/** Lets an app leave out PKCE, or takes that back (ADR 20). */
export function pkceExemptionRoutes(
  { postForm }: PageRouter,
  dependencies: DecisionDependencies,
): void {
  postForm(
    '/review/:id/pkce',
    forReviewedApp(dependencies, async (call, { id }) => {
      const { actor, form } = call;
      const pkceOptional = form.get('rule') === 'optional';
      const etag = form.get('change_token') ?? '';
      const outcome = await dependencies.registry.submit(actor, 'set-pkce-exemption', {
        clientId: id,
        reason: '',
        pkceOptional,
        etag,
      });
      if (!outcome.ok) {
        const { refusal } = outcome;
        if (refusal.kind === 'reauthentication_required') return { reauthenticate: true };
        const draft = parseDecisionDraft(form);
        return showRefusedDecision(dependencies, call, { id, etag }, draft, refusal);
      }
      if (outcome.value.awaitsSecondApproval)
        return { to: `/review/${id}?done=review-first-approval` };
      return {
        to: `/review/${id}?${pkceOptional ? 'done=review-pkce-exempt' : 'done=review-pkce-required'}`,
      };
    }),
    reviewers,
  );
}
