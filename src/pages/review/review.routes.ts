import type { FastifyInstance } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { findVisible, NOBODY } from '#http/app-access.ts';
import { refusedStatus } from '#http/responses.ts';
import type { World } from '#http/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { RIGHTS } from '#registry/actor.ts';
import type { AuditEntry } from '#registry/audit.ts';
import type { Client } from '#registry/model/client.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { claimsEndedAt } from '#registry/review/assignments.ts';
import {
  actionOf,
  owesReason,
  type ReviewDecision,
  reviewDecisions,
} from '#registry/review/decisions.ts';
import { problemsOf } from '../apps/app-draft.ts';
import { atControls, noProblems } from '../form-problems.ts';
import { type PageAnswer, type PageCall, showPage, takeForm } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import {
  type CannedReason,
  cannedReasons,
  type DecisionDraft,
  deskPage,
} from './app-review.template.ts';
import { deskView, type Refused } from './app-review.view.ts';
import { reviewTabs } from './queue.template.ts';
import { freeFor, redirectsPage, stagePage, unhidden, waitingPage } from './queue.view.ts';

type ReviewCall = PageCall<Account>;

/** As many as may be taken by others between looking and claiming. */
const MOST_TRIES = 10;

const notFound = { status: 404, note: 'not-found' } as const;
const reviewers = { right: RIGHTS.review };
const oneOf = <T extends string>(list: readonly T[], asked: string | undefined): T | null =>
  list.find((each) => each === asked) ?? null;
const everyCanned: readonly CannedReason[] = [...cannedReasons.yes, ...cannedReasons.no];

const draftOf = ({ form }: ReviewCall): DecisionDraft => ({
  decision: oneOf<ReviewDecision>(reviewDecisions, form.get('decision')),
  canned: oneOf(everyCanned, form.get('canned')),
  reason: (form.get('reason') ?? '').slice(0, 4000),
  suppress: form.get('suppress') === '1',
});

/**
 * What happened to an app after this person saw the edition that their change token names. Null:
 * nothing, they saw it as it is.
 */
async function sinceSeen(
  { world, actor }: ReviewCall,
  client: Client,
  token: string,
): Promise<readonly AuditEntry[] | null> {
  if (token === world.registry.changeToken(actor, client)) return null;
  const edition = Number.parseInt(token.slice(0, 8), 16);
  if (Number.isNaN(edition) || token !== world.registry.changeToken(actor, { ...client, edition }))
    return [];
  return world.records.listAudit({
    clientId: client.id,
    about: 'clients',
    afterEdition: edition,
    order: 'oldest-first',
    limit: 20,
  });
}

/** The desk again, with what was typed, and what stood in the way. */
async function again(
  call: ReviewCall,
  client: Client,
  status: number,
  refused: Refused,
): Promise<PageAnswer> {
  const view = await deskView(call.world, call.actor, call.frame.words, client, refused);
  return { status, page: deskPage(call.frame, view) };
}

const done: Readonly<Record<ReviewDecision, string>> = {
  'approve-revision': 'done=review-change-approved',
  'reject-revision': 'done=review-change-rejected',
  approve: 'done=review-approved',
  reject: 'done=review-rejected',
  reenable: 'done=review-reenabled',
  'halt-nothing': 'done=review-resumed',
  'halt-consents': 'done=review-halted',
  'halt-tokens': 'done=review-halted',
  disable: 'done=review-disabled',
  hide: 'done=review-hidden',
  show: 'done=review-shown',
};

async function decide(call: ReviewCall): Promise<PageAnswer> {
  const { world, frame, actor, form, params } = call;
  const { words } = frame;
  const client = await findVisible(call, params.id ?? '');
  if (client === undefined) return notFound;
  const draft = draftOf(call);
  const token = form.get('change_token') ?? '';
  const since = await sinceSeen(call, client, token);
  const refuse = (field: string, text: string) =>
    again(call, client, 400, { draft, problems: [{ field, text }], since });
  if (draft.decision === null) return refuse('choice', words.say('review.choose'));
  const canned = draft.canned === null ? '' : words.say(`review.canned.${draft.canned}`);
  const reason = [canned, draft.reason].filter((part) => part.trim() !== '').join(' ');
  if (reason === '' && owesReason.has(draft.decision))
    return refuse('reason', words.say('review.reason-missing'));
  const revision = await world.records.openRevision(client.id);
  const { action, values } = actionOf(draft.decision, {
    suppress: draft.suppress,
    revisionId: revision?.id ?? null,
  });
  const answer = await world.registry.submit(actor, action, {
    ...values,
    clientId: client.id,
    reason,
    changeToken: token,
  });
  if (answer.ok) {
    await world.records.release(client.id, null);
    return {
      to: `/review/${client.id}?${answer.value.waiting ? 'done=review-first-yes' : done[draft.decision]}`,
    };
  }
  return refusedAgain(call, client.id, token, draft, answer.refusal);
}

/** Shows the app as it is now: it may have changed while the decision was under way. */
async function refusedAgain(
  call: ReviewCall,
  id: ClientId,
  token: string,
  draft: DecisionDraft,
  refusal: RegistryRefusal,
): Promise<PageAnswer> {
  const client = await findVisible(call, id);
  if (client === undefined) return notFound;
  const ofToken = 'field' in refusal && refusal.field === 'changeToken';
  const since = ofToken ? [] : await sinceSeen(call, client, token);
  // What happened says more than the rule that it met.
  const problems =
    since === null
      ? atControls(problemsOf(call.frame.words, refusal), { changeToken: null })
      : noProblems;
  return again(call, client, since === null ? refusedStatus(refusal) : 409, {
    draft,
    problems,
    since,
  });
}

/** Opens what has waited longest and nobody looks at. */
async function takeNext(call: ReviewCall): Promise<PageAnswer> {
  const { world, actor, user } = call;
  const { readOnly } = world.registry;
  if (readOnly !== null) return { status: 503, note: 'readonly', values: { reason: readOnly } };
  const free = freeFor(call);
  const found = await world.records.listWaiting({
    ...unhidden(actor),
    freeFor: free,
    limit: MOST_TRIES,
  });
  const now = world.clock.now();
  for (const { clientId } of found) {
    if (
      (await world.records.claim(clientId, user.id, { now, endedAt: free.endedAt })) === 'claimed'
    )
      return { to: `/review/${clientId}` };
  }
  return { to: '/review?done=review-none' };
}

/** The desk of reviewers: the queue, claims, and decisions. */
export function reviewRoutes(app: FastifyInstance, world: World): void {
  showPage(
    app,
    world,
    '/review',
    async (call) => {
      const tab = oneOf(reviewTabs, call.query.get('show')) ?? 'waiting';
      if (tab === 'redirects') return redirectsPage(call);
      return tab === 'waiting' ? waitingPage(call) : stagePage(call, tab);
    },
    reviewers,
  );

  takeForm(app, world, '/review/next', takeNext, reviewers);

  showPage(
    app,
    world,
    '/review/:id',
    async (call) => {
      const client = await findVisible(call, call.params.id ?? '');
      if (client === undefined) return notFound;
      return deskPage(call.frame, await deskView(world, call.actor, call.frame.words, client));
    },
    reviewers,
  );

  takeForm(app, world, '/review/:id', decide, reviewers);

  takeForm(
    app,
    world,
    '/review/:id/claim',
    async (call) => {
      const client = await findVisible(call, call.params.id ?? '');
      if (client === undefined) return notFound;
      const { readOnly } = world.registry;
      if (readOnly !== null) return { status: 503, note: 'readonly', values: { reason: readOnly } };
      const now = world.clock.now();
      const over = call.form.get('over') !== undefined;
      const answer = await world.records.claim(client.id, call.user.id, {
        now,
        endedAt: claimsEndedAt(now),
        over,
      });
      return {
        to: `/review/${client.id}?${answer === 'claimed' ? 'done=review-claimed' : 'done=review-held'}`,
      };
    },
    reviewers,
  );

  takeForm(
    app,
    world,
    '/review/:id/release',
    async (call) => {
      const client = await findVisible(call, call.params.id ?? '');
      if (client === undefined) return notFound;
      await world.records.release(client.id, call.user.id);
      return { to: `/review/${client.id}?done=review-released` };
    },
    reviewers,
  );

  takeForm(
    app,
    world,
    '/review/:id/pkce',
    async (call) => {
      const { actor, form, params } = call;
      const client = await findVisible(call, params.id ?? '');
      if (client === undefined) return notFound;
      const pkceOptional = form.get('rule') === 'optional';
      const values = {
        clientId: client.id,
        reason: '',
        pkceOptional,
        changeToken: form.get('change_token') ?? '',
      };
      const answer = await world.registry.submit(actor, 'set-pkce-exemption', values);
      if (!answer.ok && answer.refusal.kind === 'reauthentication_required') return { prove: true };
      if (!answer.ok)
        return refusedAgain(call, client.id, values.changeToken, draftOf(call), answer.refusal);
      const done = pkceOptional ? 'done=review-pkce-exempt' : 'done=review-pkce-required';
      return {
        to: `/review/${client.id}?${answer.value.waiting ? 'done=review-first-yes' : done}`,
      };
    },
    reviewers,
  );

  takeForm(
    app,
    world,
    '/review/:id/offer',
    async (call) => {
      const { actor, frame, form, params } = call;
      const client = await findVisible(call, params.id ?? '');
      if (client === undefined) return notFound;
      const person = await world.records.findAccountByName((form.get('name') ?? '').slice(0, 255));
      const values = { clientId: client.id, reason: '', userId: person?.id ?? NOBODY };
      const changeToken = world.registry.changeToken(actor, client);
      const answer = await world.registry.submit(actor, 'offer', { ...values, changeToken });
      if (answer.ok) return { to: `/review/${client.id}?done=review-offered` };
      const { refusal } = answer;
      if (refusal.kind === 'reauthentication_required') return { prove: true };
      const unknown = refusal.kind === 'not_found' && refusal.what === 'person';
      const text = unknown
        ? frame.words.say('review.no-such-person')
        : refusalText(frame.words, refusal);
      return again(call, client, refusedStatus(refusal), {
        draft: draftOf(call),
        problems: [{ field: 'name', text }],
        since: null,
      });
    },
    reviewers,
  );
}
