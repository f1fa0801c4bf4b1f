import { pageStatusOf } from '#http/responses.ts';
import { NO_USER_ID } from '#registry/queries/people.ts';
import type { PageRouter } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import { type DecisionDependencies, parseDecisionDraft } from './decision.routes.ts';
import { showRefusedForm } from './refused-decision.ts';
import { forReviewedApp, reviewers } from './reviewed-app.ts';

/** Offers an app whose owner cannot look after it to somebody else. */
export function offerRoutes({ postForm }: PageRouter, dependencies: DecisionDependencies): void {
  const { registry } = dependencies;
  postForm(
    '/review/:id/offer',
    forReviewedApp(dependencies, async (call, client) => {
      const { actor, frame, form } = call;
      const name = (form.get('name') ?? '').slice(0, 255);
      const outcome = await registry.submit(actor, 'offer', {
        clientId: client.id,
        reason: '',
        userId: (await registry.query(actor).userIdOf(name)) ?? NO_USER_ID,
        etag: registry.etagFor(actor, client),
      });
      if (outcome.ok) return { to: `/review/${client.id}?done=review-offered` };
      const { refusal } = outcome;
      if (refusal.kind === 'reauthentication_required') return { reauthenticate: true };
      const isUnknown = refusal.kind === 'not_found' && refusal.what === 'person';
      const text = isUnknown
        ? frame.words.say('review.no-such-person')
        : refusalText(frame.words, refusal);
      return showRefusedForm(dependencies, call, client, pageStatusOf(refusal), {
        draft: parseDecisionDraft(form),
        problems: [{ field: 'name', text }],
        since: null,
      });
    }),
    reviewers,
  );
}
