import type { FormParameters } from '#encoding/form.ts';
import type { Client } from '#registry/model/client.ts';
import type { Registry } from '#registry/registry.ts';
import {
  decisionsRequiringReason,
  type ReviewDecision,
  registryActionFor,
  reviewDecisions,
} from '#registry/review/decisions.ts';
import type { PageResponse, PageRouter, SignedInCall } from '../page.ts';
import type { Words } from '../words.ts';
import { type CannedReason, cannedReasons, type DecisionDraft } from './decision.template.ts';
import { showRefusedDecision, showRefusedForm } from './refused-decision.ts';
import type { ReviewViewDependencies } from './review-scene.ts';
import { forReviewedApp, reviewers } from './reviewed-app.ts';

export interface DecisionDependencies extends ReviewViewDependencies {
  readonly registry: ReviewViewDependencies['registry'] & Pick<Registry, 'submit'>;
}

const allCannedReasons: readonly CannedReason[] = [
  ...cannedReasons.approval,
  ...cannedReasons.denial,
];
const oneOf = <T extends string>(list: readonly T[], requested: string | undefined): T | null =>
  list.find((candidate) => candidate === requested) ?? null;

/** What was typed and chosen. */
export const parseDecisionDraft = (form: FormParameters): DecisionDraft => ({
  decision: oneOf<ReviewDecision>(reviewDecisions, form.get('decision')),
  canned: oneOf(allCannedReasons, form.get('canned')),
  reason: (form.get('reason') ?? '').slice(0, 4000),
  suppress: form.get('suppress') === '1',
});

/** The prepared reason and the typed one, as one text. */
const reasonOf = (words: Words, { canned, reason }: DecisionDraft): string =>
  [canned === null ? '' : words.say(`review.canned.${canned}`), reason]
    .filter((part) => part.trim() !== '')
    .join(' ');

const doneQueries: Readonly<Record<ReviewDecision, string>> = {
  'approve-revision': 'done=review-change-approved',
  'reject-revision': 'done=review-change-rejected',
  approve: 'done=review-approved',
  reject: 'done=review-rejected',
  reenable: 'done=review-reenabled',
  'suspend-none': 'done=review-resumed',
  'suspend-new-consents': 'done=review-suspended',
  'suspend-all': 'done=review-suspended',
  disable: 'done=review-disabled',
  hide: 'done=review-hidden',
  show: 'done=review-shown',
};

/** Decides, or shows the page again with what was typed. */
async function submitDecision(
  dependencies: DecisionDependencies,
  call: SignedInCall,
  client: Client,
): Promise<PageResponse> {
  const { registry } = dependencies;
  const { actor, form, frame } = call;
  const { words } = frame;
  const queries = registry.query(actor);
  const draft = parseDecisionDraft(form);
  const etag = form.get('change_token') ?? '';
  const showProblem = async (field: string, text: string) =>
    showRefusedForm(dependencies, call, client, 400, {
      draft,
      problems: [{ field, text }],
      since: await queries.changesSince(client, etag),
    });
  if (draft.decision === null) return showProblem('choice', words.say('review.choose'));
  const reason = reasonOf(words, draft);
  if (reason === '' && decisionsRequiringReason.has(draft.decision))
    return showProblem('reason', words.say('review.reason-missing'));
  const revision = await queries.openRevision(client);
  const { action, values } = registryActionFor(draft.decision, {
    suppress: draft.suppress,
    revisionId: revision?.id ?? null,
  });
  const outcome = await registry.submit(actor, action, {
    ...values,
    clientId: client.id,
    reason,
    etag,
  });
  if (!outcome.ok)
    return showRefusedDecision(dependencies, call, { id: client.id, etag }, draft, outcome.refusal);
  const doneQuery = outcome.value.awaitsSecondApproval
    ? 'done=review-first-approval'
    : doneQueries[draft.decision];
  return { to: `/review/${client.id}?${doneQuery}` };
}

/** The decision on an app, or on a change of it. */
export function decisionRoutes({ postForm }: PageRouter, dependencies: DecisionDependencies): void {
  postForm(
    '/review/:id',
    forReviewedApp(dependencies, (call, client) => submitDecision(dependencies, call, client)),
    reviewers,
  );
}
