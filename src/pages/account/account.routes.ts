import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { serveAsset } from '#http/assets.ts';
import { forgetSession, fromOf, ownPath } from '#http/session.ts';
import type { World } from '#http/world.ts';
import { digestOf } from '#keys/digest.ts';
import { isRecent } from '#registry/actions/authority.ts';
import { webauthnScript } from '../assets/webauthn-script.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { type PageAnswer, type PageCall, showPage, takeForm, takeOpenForm } from '../page.ts';
import { languageOf } from '../words.ts';
import { accountPage, confirmEmailPage } from './account.template.ts';
import { passkeyScript, passkeysPage, type RefusedPasskeyForm } from './passkeys.template.ts';
import { type AccountProblem, accountProblems, accountProblemText } from './problems.ts';
import { provePage } from './proof.template.ts';
import { enter, refusedAs, signInAgain, staleSignIn } from './sign-in.routes.ts';

interface Drafts {
  readonly realName?: string;
  readonly language?: string | null;
  readonly email?: string;
  readonly problems?: readonly FormProblem[];
}

/** Answers a script of ours. */
const sendJson = (reply: FastifyReply, status: number, body: object): PageAnswer => {
  reply
    .code(status)
    .header('content-type', 'application/json')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(body));
  return { done: true };
};

/** The library that asks browsers for passkeys, and our lines that use it. */
const passkeyAsset = (): string => webauthnScript() + passkeyScript;

/**
 * A person's own account: profile, address, password, sessions, passkeys; and sign-in with a
 * passkey.
 */
export function accountRoutes(app: FastifyInstance, world: World): void {
  const { accounts } = world;

  async function show({ frame, user, visitor }: PageCall<Account>, drafts: Drafts = {}) {
    const [sessions, passkeys, invitationsDeclined] = await Promise.all([
      accounts.sessionsOf(user),
      accounts.passkeysOf(user),
      world.registry.invitationsDeclined(user.id),
    ]);
    const here = digestOf(visitor.secret);
    const confirmed = user.emailConfirmedAt !== null;
    return accountPage(frame, {
      name: user.name,
      since: user.createdAt,
      groups: user.groups,
      realName: drafts.realName ?? user.realName,
      language: drafts.language === undefined ? user.language : drafts.language,
      email: user.email,
      emailConfirmed: confirmed,
      emailDraft: drafts.email ?? (confirmed ? '' : (user.email ?? '')),
      invitationsDeclined,
      letters: accounts.offers.letters,
      sessions: sessions.map(({ digest, agent, address, createdAt }) => ({
        id: digest,
        agent,
        address,
        since: createdAt,
        here: digest === here,
      })),
      passkeys: passkeys.length,
      problems: drafts.problems ?? noProblems,
    });
  }

  async function refused(
    call: PageCall<Account>,
    refusal: AccountProblem,
    fields: Readonly<Record<string, string>>,
    drafts: Drafts = {},
  ): Promise<PageAnswer> {
    const problems = accountProblems(call.frame.words, refusal, fields);
    return {
      status: refusedAs(call.reply, refusal),
      page: await show(call, { ...drafts, problems }),
    };
  }

  showPage(app, world, '/account', (call) => show(call), 'signed-in');

  takeForm(
    app,
    world,
    '/account/profile',
    async (call) => {
      const given = {
        realName: call.form.get('real-name') ?? '',
        language: languageOf(call.form.get('language')) ?? null,
      };
      const answer = await accounts.changeProfile(call.user, given);
      if (answer.ok)
        await world.registry.setInvitationsDeclined(
          call.actor,
          call.form.get('no-invitations') !== undefined,
        );
      return answer.ok
        ? { to: '/account?done=saved' }
        : refused(call, answer.refusal, { 'real-name': 'real-name' }, given);
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/account/email',
    async (call) => {
      const { form, user, frame, request } = call;
      const email = form.get('email') ?? '';
      const answer = await accounts.askForEmail(
        user,
        email,
        form.get('email-password') ?? '',
        frame.words.language,
        fromOf(world, request),
      );
      if (answer.ok) return { to: '/account?done=email-sent' };
      const { refusal } = answer;
      if (refusal.kind === 'no-mail' || refusal.kind === 'closed')
        return { status: 503, note: 'no-mail' };
      return refused(
        call,
        refusal,
        { email: 'email', 'wrong-password': 'email-password' },
        { email },
      );
    },
    'signed-in',
  );

  showPage(
    app,
    world,
    '/account/email/confirm',
    async ({ frame, user, query }) => {
      const token = (query.get('token') ?? '').slice(0, 200);
      const address = await accounts.emailLinkOf(user.id, token);
      return address === undefined
        ? { status: 404, note: 'link-gone' }
        : confirmEmailPage(frame, { token, name: user.name, address });
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/account/email/confirm',
    async ({ user, form }) => {
      const answer = await accounts.confirmEmail(user, form.get('token') ?? '');
      return answer.ok
        ? { to: '/account?done=email-confirmed' }
        : { status: 404, note: 'link-gone' };
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/account/password',
    async (call) => {
      const { form, user, request, reply, visitor } = call;
      const given = {
        current: form.get('current-password') ?? '',
        next: form.get('new-password') ?? '',
      };
      const answer = await accounts.changePassword(user, given, fromOf(world, request));
      if (!answer.ok)
        return refused(call, answer.refusal, {
          password: 'new-password',
          'wrong-password': 'current-password',
        });
      await enter(world, request, reply, visitor, answer.value);
      return { to: '/account?done=saved' };
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/account/sessions/end',
    async ({ user, form }) => {
      await accounts.endSession(user, form.get('session') ?? '');
      return { to: '/account?done=session-ended' };
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/account/sessions/end-all',
    async ({ user, reply }) => {
      await accounts.signOutEverywhere(user);
      forgetSession(world, reply);
      return { to: '/sign-in?done=everywhere' };
    },
    'signed-in',
  );

  async function passkeys(
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
        usedAt: key.lastUsedAt,
      })),
      refused,
      label,
    });
  }

  showPage(app, world, '/account/passkeys', (call) => passkeys(call), 'signed-in');

  takeForm(
    app,
    world,
    '/account/passkeys/options',
    async ({ user, form, frame, reply }) => {
      const answer = await accounts.passkeyOptions(user, form.get('password') ?? '');
      if (answer.ok) return sendJson(reply, 200, answer.value);
      return sendJson(reply, refusedAs(reply, answer.refusal), {
        problem: accountProblemText(frame.words, answer.refusal),
      });
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/account/passkeys',
    async (call) => {
      const { user, form, frame, reply } = call;
      const label = form.get('label') ?? '';
      const answer = await accounts.addPasskey(user, label, form.get('answer') ?? '');
      if (answer.ok) return { to: '/account/passkeys?done=passkey-added' };
      const problems = accountProblems(frame.words, answer.refusal, { 'wrong-label': 'label' });
      return {
        status: refusedAs(reply, answer.refusal),
        page: await passkeys(call, { id: null, of: 'add', problems }, label),
      };
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
    '/account/passkeys/rename',
    async (call) => {
      const { user, form, frame, reply } = call;
      const [id, label] = [form.get('passkey') ?? '', form.get('label') ?? ''];
      const answer = await accounts.renamePasskey(user, id, label);
      if (answer.ok) return { to: '/account/passkeys?done=saved' };
      if (answer.refusal.kind === 'unknown') return { status: 404, note: 'not-found' };
      const problems = accountProblems(frame.words, answer.refusal, { 'wrong-label': 'label' });
      return {
        status: refusedAs(reply, answer.refusal),
        page: await passkeys(call, { id, of: 'rename', problems }, label),
      };
    },
    'signed-in',
  );

  takeForm(
    app,
    world,
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
        status: refusedAs(reply, answer.refusal),
        page: await passkeys(call, { id, of: 'remove', problems }),
      };
    },
    'signed-in',
  );

  const signInOptions = async ({ request, frame, reply }: PageCall): Promise<PageAnswer> => {
    const answer = await accounts.signInOptions(fromOf(world, request));
    if (answer.ok) return sendJson(reply, 200, answer.value);
    return sendJson(reply, refusedAs(reply, answer.refusal), {
      problem: accountProblemText(frame.words, answer.refusal),
    });
  };
  takeOpenForm(app, world, '/sign-in/passkey/options', signInOptions, async ({ reply, frame }) =>
    sendJson(reply, 403, { problem: frame.words.say('sign-in.stale-passkey') }),
  );

  const signInWithPasskey = async (call: PageCall): Promise<PageAnswer> => {
    const { request, reply, visitor, frame, form } = call;
    const returnto = ownPath(form.get('returnto'));
    const answer = await accounts.signInWithPasskey(
      form.get('answer') ?? '',
      fromOf(world, request),
    );
    if (answer.ok) {
      await enter(world, request, reply, visitor, answer.value);
      return { to: returnto };
    }
    const problems = accountProblems(frame.words, answer.refusal);
    return {
      status: refusedAs(reply, answer.refusal),
      page: await signInAgain(call, { returnto, problems }),
    };
  };
  takeOpenForm(app, world, '/sign-in/passkey', signInWithPasskey, staleSignIn);

  showPage(
    app,
    world,
    '/account/prove',
    async ({ frame, user, query }) => ({
      status: 200,
      page: provePage(frame, {
        action: '/account/prove',
        fields: [['returnto', ownPath(query.get('returnto'))]],
        waiting: false,
        passkeys: (await accounts.passkeysOf(user)).length > 0,
        problems: noProblems,
      }),
    }),
    'signed-in',
  );
  // The proof itself is taken from every form, before it is served.
  takeForm(
    app,
    world,
    '/account/prove',
    async ({ visitor, form }) =>
      isRecent(visitor.proof, world.clock.now())
        ? { to: ownPath(form.get('returnto')) }
        : { prove: true },
    'signed-in',
  );
  takeForm(
    app,
    world,
    '/account/prove/options',
    async ({ request, frame, reply }) => {
      const answer = await accounts.signInOptions(fromOf(world, request));
      if (answer.ok) return sendJson(reply, 200, answer.value);
      return sendJson(reply, refusedAs(reply, answer.refusal), {
        problem: accountProblemText(frame.words, answer.refusal),
      });
    },
    'signed-in',
  );

  serveAsset(app, '/assets/passkeys.js', 'text/javascript', passkeyAsset());
}
