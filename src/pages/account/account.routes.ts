import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { clearSession, requestOriginOf, safeLocalPath } from '#http/session.ts';
import type { Services } from '#http/world.ts';
import { digestOf } from '#keys/digest.ts';
import { isRecentProof } from '#registry/actions/authority.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { getPage, type PageCall, type PageResponse, postForm, postPublicForm } from '../page.ts';
import { languageOf } from '../words.ts';
import { accountPage, confirmEmailPage } from './account.template.ts';
import { passkeysPage, type RefusedPasskeyForm } from './passkeys.template.ts';
import { type AccountProblem, accountProblems, accountProblemText } from './problems.ts';
import { reauthenticatePage } from './proof.template.ts';
import {
  handleStaleSignIn,
  refusalStatus,
  renderSignIn,
  startUserSession,
} from './sign-in.routes.ts';

interface AccountDrafts {
  readonly realName?: string;
  readonly language?: string | null;
  readonly email?: string;
  readonly problems?: readonly FormProblem[];
}

/** Answers a script of ours. */
const sendJson = (reply: FastifyReply, status: number, body: object): PageResponse => {
  reply
    .code(status)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(body));
  return { responseSent: true };
};

/**
 * A person's own account: profile, address, password, sessions, passkeys; and sign-in with a
 * passkey.
 */
export function accountRoutes(app: FastifyInstance, services: Services): void {
  const { accounts } = services;

  async function renderAccount(
    { frame, user, visitor }: PageCall<Account>,
    drafts: AccountDrafts = {},
  ) {
    const [sessions, passkeys, invitationsDeclined] = await Promise.all([
      accounts.sessionsOf(user),
      accounts.passkeysOf(user),
      services.registry.invitationsDeclined(user.id),
    ]);
    const currentSession = digestOf(visitor.secret);
    const isConfirmed = user.emailConfirmedAt !== null;
    return accountPage(frame, {
      name: user.name,
      memberSince: user.createdAt,
      groups: user.groups,
      realName: drafts.realName ?? user.realName,
      language: drafts.language === undefined ? user.language : drafts.language,
      email: user.email,
      emailConfirmed: isConfirmed,
      emailDraft: drafts.email ?? (isConfirmed ? '' : (user.email ?? '')),
      invitationsDeclined,
      mailEnabled: accounts.selfService.email,
      sessions: sessions.map(({ digest, agent, address, createdAt }) => ({
        id: digest,
        userAgent: agent,
        address,
        signedInAt: createdAt,
        isCurrent: digest === currentSession,
      })),
      passkeyCount: passkeys.length,
      problems: drafts.problems ?? noProblems,
    });
  }

  async function renderRefusal(
    call: PageCall<Account>,
    refusal: AccountProblem,
    fields: Readonly<Record<string, string>>,
    drafts: AccountDrafts = {},
  ): Promise<PageResponse> {
    const problems = accountProblems(call.frame.words, refusal, fields);
    return {
      status: refusalStatus(call.reply, refusal),
      page: await renderAccount(call, { ...drafts, problems }),
    };
  }

  getPage(app, services, '/account', (call) => renderAccount(call), 'signed-in');

  postForm(
    app,
    services,
    '/account/profile',
    async (call) => {
      const input = {
        realName: call.form.get('real-name') ?? '',
        language: languageOf(call.form.get('language')) ?? null,
      };
      const answer = await accounts.changeProfile(call.user, input);
      if (answer.ok)
        await services.registry.setInvitationsDeclined(
          call.actor,
          call.form.get('no-invitations') !== undefined,
        );
      return answer.ok
        ? { to: '/account?done=saved' }
        : renderRefusal(call, answer.refusal, { 'real-name': 'real-name' }, input);
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/account/email',
    async (call) => {
      const { form, user, frame, request } = call;
      const email = form.get('email') ?? '';
      const answer = await accounts.requestEmailChange(
        user,
        email,
        form.get('email-password') ?? '',
        frame.words.language,
        requestOriginOf(services, request),
      );
      if (answer.ok) return { to: '/account?done=email-sent' };
      const { refusal } = answer;
      if (refusal.kind === 'no-mail' || refusal.kind === 'closed')
        return { status: 503, note: 'no-mail' };
      return renderRefusal(
        call,
        refusal,
        { email: 'email', 'wrong-password': 'email-password' },
        { email },
      );
    },
    'signed-in',
  );

  getPage(
    app,
    services,
    '/account/email/confirm',
    async ({ frame, user, query }) => {
      const token = (query.get('token') ?? '').slice(0, 200);
      const address = await accounts.emailLinkAddress(user.id, token);
      return address === undefined
        ? { status: 404, note: 'link-gone' }
        : confirmEmailPage(frame, { token, name: user.name, address });
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/account/email/confirm',
    async ({ user, form }) => {
      const answer = await accounts.confirmEmail(user, form.get('token') ?? '');
      return answer.ok
        ? { to: '/account?done=email-confirmed' }
        : { status: 404, note: 'link-gone' };
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/account/password',
    async (call) => {
      const { form, user, request, reply, visitor } = call;
      const input = {
        current: form.get('current-password') ?? '',
        next: form.get('new-password') ?? '',
      };
      const answer = await accounts.changePassword(user, input, requestOriginOf(services, request));
      if (!answer.ok)
        return renderRefusal(call, answer.refusal, {
          password: 'new-password',
          'wrong-password': 'current-password',
        });
      await startUserSession(services, request, reply, visitor, answer.value);
      return { to: '/account?done=saved' };
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/account/sessions/end',
    async ({ user, form }) => {
      await accounts.endSession(user, form.get('session') ?? '');
      return { to: '/account?done=session-ended' };
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/account/sessions/end-all',
    async ({ user, reply }) => {
      await accounts.signOutEverywhere(user);
      clearSession(services, reply);
      return { to: '/sign-in?done=everywhere' };
    },
    'signed-in',
  );

  async function renderPasskeys(
    { frame, user }: PageCall<Account>,
    refused: RefusedPasskeyForm | null = null,
    label = '',
  ) {
    const keys = await accounts.passkeysOf(user);
    return passkeysPage(frame, {
      passkeys: keys.map((key) => ({
        id: key.id,
        label: key.label,
        addedAt: key.createdAt,
        lastUsedAt: key.lastUsedAt,
      })),
      refused,
      label,
    });
  }

  getPage(app, services, '/account/passkeys', (call) => renderPasskeys(call), 'signed-in');

  postForm(
    app,
    services,
    '/account/passkeys/options',
    async ({ user, form, frame, reply }) => {
      const answer = await accounts.passkeyOptions(user, form.get('password') ?? '');
      if (answer.ok) return sendJson(reply, 200, answer.value);
      return sendJson(reply, refusalStatus(reply, answer.refusal), {
        problem: accountProblemText(frame.words, answer.refusal),
      });
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/account/passkeys',
    async (call) => {
      const { user, form, frame, reply } = call;
      const label = form.get('label') ?? '';
      const answer = await accounts.addPasskey(user, label, form.get('answer') ?? '');
      if (answer.ok) return { to: '/account/passkeys?done=passkey-added' };
      const problems = accountProblems(frame.words, answer.refusal, { 'wrong-label': 'label' });
      return {
        status: refusalStatus(reply, answer.refusal),
        page: await renderPasskeys(call, { id: null, action: 'add', problems }, label),
      };
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/account/passkeys/rename',
    async (call) => {
      const { user, form, frame, reply } = call;
      const [id, label] = [form.get('passkey') ?? '', form.get('label') ?? ''];
      const answer = await accounts.renamePasskey(user, id, label);
      if (answer.ok) return { to: '/account/passkeys?done=saved' };
      if (answer.refusal.kind === 'unknown') return { status: 404, note: 'not-found' };
      const problems = accountProblems(frame.words, answer.refusal, { 'wrong-label': 'label' });
      return {
        status: refusalStatus(reply, answer.refusal),
        page: await renderPasskeys(call, { id, action: 'rename', problems }, label),
      };
    },
    'signed-in',
  );

  postForm(
    app,
    services,
    '/account/passkeys/remove',
    async (call) => {
      const { user, form, frame, reply } = call;
      const id = form.get('passkey') ?? '';
      const answer = await accounts.removePasskey(user, id, form.get('password') ?? '');
      if (answer.ok) return { to: '/account/passkeys?done=passkey-removed' };
      if (answer.refusal.kind === 'unknown') return { status: 404, note: 'not-found' };
      const problems = accountProblems(frame.words, answer.refusal, {
        'wrong-password': 'password',
      });
      return {
        status: refusalStatus(reply, answer.refusal),
        page: await renderPasskeys(call, { id, action: 'remove', problems }),
      };
    },
    'signed-in',
  );

  const signInOptions = async ({ request, frame, reply }: PageCall): Promise<PageResponse> => {
    const answer = await accounts.signInOptions(requestOriginOf(services, request));
    if (answer.ok) return sendJson(reply, 200, answer.value);
    return sendJson(reply, refusalStatus(reply, answer.refusal), {
      problem: accountProblemText(frame.words, answer.refusal),
    });
  };
  postPublicForm(
    app,
    services,
    '/sign-in/passkey/options',
    signInOptions,
    async ({ reply, frame }) =>
      sendJson(reply, 403, { problem: frame.words.say('sign-in.stale-passkey') }),
  );

  const signInWithPasskey = async (call: PageCall): Promise<PageResponse> => {
    const { request, reply, visitor, frame, form } = call;
    const returnto = safeLocalPath(form.get('returnto'));
    const answer = await accounts.signInWithPasskey(
      form.get('answer') ?? '',
      requestOriginOf(services, request),
    );
    if (answer.ok) {
      await startUserSession(services, request, reply, visitor, answer.value);
      return { to: returnto };
    }
    const problems = accountProblems(frame.words, answer.refusal);
    return {
      status: refusalStatus(reply, answer.refusal),
      page: await renderSignIn(call, { returnto, problems }),
    };
  };
  postPublicForm(app, services, '/sign-in/passkey', signInWithPasskey, handleStaleSignIn);

  getPage(
    app,
    services,
    '/account/prove',
    async ({ frame, user, query }) => ({
      status: 200,
      page: reauthenticatePage(frame, {
        action: '/account/prove',
        fields: [['returnto', safeLocalPath(query.get('returnto'))]],
        hasPendingForm: false,
        passkeys: (await accounts.passkeysOf(user)).length > 0,
        problems: noProblems,
      }),
    }),
    'signed-in',
  );
  // The proof itself is taken from every form, before it is served.
  postForm(
    app,
    services,
    '/account/prove',
    async ({ visitor, form }) =>
      isRecentProof(visitor.proof, services.clock.now())
        ? { to: safeLocalPath(form.get('returnto')) }
        : { reauthenticate: true },
    'signed-in',
  );
  postForm(
    app,
    services,
    '/account/prove/options',
    async ({ request, frame, reply }) => {
      const answer = await accounts.signInOptions(requestOriginOf(services, request));
      if (answer.ok) return sendJson(reply, 200, answer.value);
      return sendJson(reply, refusalStatus(reply, answer.refusal), {
        problem: accountProblemText(frame.words, answer.refusal),
      });
    },
    'signed-in',
  );
}
