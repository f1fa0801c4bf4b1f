import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { findVisibleClient, NO_USER_ID } from '#http/app-access.ts';
import { pageStatusOf } from '#http/responses.ts';
import type { Services } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { RIGHTS } from '#registry/actor.ts';
import type { AuditEntry } from '#registry/audit.ts';
import type { Client } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { assignmentsEndedAt } from '#registry/review/assignments.ts';
import {
  decisionsRequiringReason,
  type ReviewDecision,
  registryActionFor,
  reviewDecisions,
} from '#registry/review/decisions.ts';
import { refusalFormProblems } from '../apps/app-draft.ts';
import { mapToControls, noProblems } from '../form-problems.ts';
import { getPage, type PageCall, type PageResponse, postForm } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import {
  type CannedReason,
  cannedReasons,
  type DecisionDraft,
  reviewPage,
} from './app-review.template.ts';
import { loadReviewPage, type RefusedDecision } from './app-review.view.ts';
import { reviewTabs } from './queue.template.ts';
import {
  availableTo,
  clientsByStagePage,
  pendingReviewsPage,
  redirectReviewPage,
  visibilityFilter,
} from './queue.view.ts';

type ReviewCall = PageCall<Account>;

/** As many as may be taken by others between looking and claiming. */
const MAX_TRIES = 10;

const notFound = { status: 404, note: 'not-found' } as const;
const reviewers = { right: RIGHTS.review };
const pickOneOf = <T extends string>(list: readonly T[], requested: string | undefined): T | null =>
  list.find((candidate) => candidate === requested) ?? null;
const allCannedReasons: readonly CannedReason[] = [
  ...cannedReasons.approval,
  ...cannedReasons.denial,
];

const parseDecisionDraft = ({ form }: ReviewCall): DecisionDraft => ({
  decision: pickOneOf<ReviewDecision>(reviewDecisions, form.get('decision')),
  canned: pickOneOf(allCannedReasons, form.get('canned')),
  reason: (form.get('reason') ?? '').slice(0, 4000),
  suppress: form.get('suppress') === '1',
});

/**
 * What happened to an app after this person saw the edition that their change token names. Null:
 * nothing, they saw it as it is.
 */
async function changesSinceSeen(
  { services, actor }: ReviewCall,
  client: Client,
  token: string,
): Promise<readonly AuditEntry[] | null> {
  if (token === services.registry.etagFor(actor, client)) return null;
  const recordVersion = Number.parseInt(token.slice(0, 8), 16);
  if (
    Number.isNaN(recordVersion) ||
    token !== services.registry.etagFor(actor, { ...client, recordVersion })
  )
    return [];
  return services.records.listAudit({
    clientId: client.id,
    about: 'clients',
    afterRecordVersion: recordVersion,
    order: 'oldest-first',
    limit: 20,
  });
}

/** The desk again, with what was typed, and what stood in the way. */
async function showReviewAgain(
  call: ReviewCall,
  client: Client,
  status: number,
  refused: RefusedDecision,
): Promise<PageResponse> {
  const view = await loadReviewPage(call.services, call.actor, call.frame.words, client, refused);
  return { status, page: reviewPage(call.frame, view) };
}

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

async function submitDecision(call: ReviewCall): Promise<PageResponse> {
  const { services, frame, actor, form, params } = call;
  const { words } = frame;
  const client = await findVisibleClient(call, params.id ?? '');
  if (client === undefined) return notFound;
  const draft = parseDecisionDraft(call);
  const token = form.get('change_token') ?? '';
  const since = await changesSinceSeen(call, client, token);
  const showProblem = (field: string, text: string) =>
    showReviewAgain(call, client, 400, { draft, problems: [{ field, text }], since });
  if (draft.decision === null) return showProblem('choice', words.say('review.choose'));
  const canned = draft.canned === null ? '' : words.say(`review.canned.${draft.canned}`);
  const reason = [canned, draft.reason].filter((part) => part.trim() !== '').join(' ');
  if (reason === '' && decisionsRequiringReason.has(draft.decision))
    return showProblem('reason', words.say('review.reason-missing'));
  const revision = await services.records.openRevision(client.id);
  const { action, values } = registryActionFor(draft.decision, {
    suppress: draft.suppress,
    revisionId: revision?.id ?? null,
  });
  const answer = await services.registry.submit(actor, action, {
    ...values,
    clientId: client.id,
    reason,
    etag: token,
  });
  if (answer.ok) {
    await services.records.unassign(client.id, null);
    return {
      to: `/review/${client.id}?${answer.value.awaitsSecondApproval ? 'done=review-first-approval' : doneQueries[draft.decision]}`,
    };
  }
  return showRefusal(call, client.id, token, draft, answer.refusal);
}

/** Shows the app as it is now: it may have changed while the decision was under way. */
async function showRefusal(
  call: ReviewCall,
  id: ClientId,
  token: string,
  draft: DecisionDraft,
  refusal: RegistryRefusal,
): Promise<PageResponse> {
  const client = await findVisibleClient(call, id);
  if (client === undefined) return notFound;
  const isTokenProblem = 'field' in refusal && refusal.field === 'etag';
  const since = isTokenProblem ? [] : await changesSinceSeen(call, client, token);
  // What happened says more than the rule that it met.
  const problems =
    since === null
      ? mapToControls(refusalFormProblems(call.frame.words, refusal), { etag: null })
      : noProblems;
  return showReviewAgain(call, client, since === null ? pageStatusOf(refusal) : 409, {
    draft,
    problems,
    since,
  });
}

/** Opens what has waited longest and nobody looks at. */
async function assignNext(call: ReviewCall): Promise<PageResponse> {
  const { services, actor, user } = call;
  const { readOnly } = services.registry;
  if (readOnly !== null) return { status: 503, note: 'readonly', values: { reason: readOnly } };
  const availability = availableTo(call);
  const found = await services.records.listPendingReviews({
    ...visibilityFilter(actor),
    availableTo: availability,
    limit: MAX_TRIES,
  });
  const now = services.clock.now();
  for (const { clientId } of found) {
    if (
      (await services.records.assign(clientId, user.id, { now, endedAt: availability.endedAt })) ===
      'assigned'
    )
      return { to: `/review/${clientId}` };
  }
  return { to: '/review?done=review-none' };
}

/** The desk of reviewers: the queue, claims, and decisions. */
export function reviewRoutes(app: FastifyInstance, services: Services): void {
  getPage(
    app,
    services,
    '/review',
    async (call) => {
      const tab = pickOneOf(reviewTabs, call.query.get('show')) ?? 'waiting';
      if (tab === 'redirects') return redirectReviewPage(call);
      return tab === 'waiting' ? pendingReviewsPage(call) : clientsByStagePage(call, tab);
    },
    reviewers,
  );

  postForm(app, services, '/review/next', assignNext, reviewers);

  getPage(
    app,
    services,
    '/review/:id',
    async (call) => {
      const client = await findVisibleClient(call, call.params.id ?? '');
      if (client === undefined) return notFound;
      return reviewPage(
        call.frame,
        await loadReviewPage(services, call.actor, call.frame.words, client),
      );
    },
    reviewers,
  );

  postForm(app, services, '/review/:id', submitDecision, reviewers);

  postForm(
    app,
    services,
    '/review/:id/claim',
    async (call) => {
      const client = await findVisibleClient(call, call.params.id ?? '');
      if (client === undefined) return notFound;
      const { readOnly } = services.registry;
      if (readOnly !== null) return { status: 503, note: 'readonly', values: { reason: readOnly } };
      const now = services.clock.now();
      const takeOver = call.form.get('over') !== undefined;
      const answer = await services.records.assign(client.id, call.user.id, {
        now,
        endedAt: assignmentsEndedAt(now),
        takeOver,
      });
      return {
        to: `/review/${client.id}?${answer === 'assigned' ? 'done=review-claimed' : 'done=review-held'}`,
      };
    },
    reviewers,
  );

  postForm(
    app,
    services,
    '/review/:id/release',
    async (call) => {
      const client = await findVisibleClient(call, call.params.id ?? '');
      if (client === undefined) return notFound;
      await services.records.unassign(client.id, call.user.id);
      return { to: `/review/${client.id}?done=review-released` };
    },
    reviewers,
  );

  postForm(
    app,
    services,
    '/review/:id/pkce',
    async (call) => {
      const { actor, form, params } = call;
      const client = await findVisibleClient(call, params.id ?? '');
      if (client === undefined) return notFound;
      const pkceOptional = form.get('rule') === 'optional';
      const values = {
        clientId: client.id,
        reason: '',
        pkceOptional,
        etag: form.get('change_token') ?? '',
      };
      const answer = await services.registry.submit(actor, 'set-pkce-exemption', values);
      if (!answer.ok && answer.refusal.kind === 'reauthentication_required')
        return { reauthenticate: true };
      if (!answer.ok)
        return showRefusal(call, client.id, values.etag, parseDecisionDraft(call), answer.refusal);
      const doneQuery = pkceOptional ? 'done=review-pkce-exempt' : 'done=review-pkce-required';
      return {
        to: `/review/${client.id}?${answer.value.awaitsSecondApproval ? 'done=review-first-approval' : doneQuery}`,
      };
    },
    reviewers,
  );

  postForm(
    app,
    services,
    '/review/:id/offer',
    async (call) => {
      const { actor, frame, form, params } = call;
      const client = await findVisibleClient(call, params.id ?? '');
      if (client === undefined) return notFound;
      const person = await services.records.findAccountByName(
        (form.get('name') ?? '').slice(0, 255),
      );
      const offerValues = { clientId: client.id, reason: '', userId: person?.id ?? NO_USER_ID };
      const etag = services.registry.etagFor(actor, client);
      const answer = await services.registry.submit(actor, 'offer', { ...offerValues, etag });
      if (answer.ok) return { to: `/review/${client.id}?done=review-offered` };
      const { refusal } = answer;
      if (refusal.kind === 'reauthentication_required') return { reauthenticate: true };
      const unknown = refusal.kind === 'not_found' && refusal.what === 'person';
      const text = unknown
        ? frame.words.say('review.no-such-person')
        : refusalText(frame.words, refusal);
      return showReviewAgain(call, client, pageStatusOf(refusal), {
        draft: parseDecisionDraft(call),
        problems: [{ field: 'name', text }],
        since: null,
      });
    },
    reviewers,
  );
}
