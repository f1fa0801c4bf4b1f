import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SignedIn } from '#accounts/sessions.ts';
import type { AccountRefusal } from '#accounts/sign-in.ts';
import { type AccountProblem, type FormProblem, formProblem } from '#pages/account-problems.ts';
import { finishPage, forgottenPage, homePage, newPasswordPage, registerPage, setupPage, signInPage } from '#pages/people.ts';
import type { Words } from '#pages/words.ts';
import { type PageAnswer, type PageCall, showPage, takeForm } from '../page.ts';
import { forgetSession, fromOf, ownPath, rememberDevice, startSession, type Visitor } from '../visitor.ts';
import type { World } from '../world.ts';

const accountWords = (words: Words, refusal: AccountRefusal): string =>
  refusal.kind === 'invalid-field' ? words.say(`account-problem.${refusal.field}`) : words.say(`account-problem.${refusal.kind}`);

/** A new session in the browser, in place of any other: its secret is new, whatever the browser held before. */
export async function enter(
  world: World,
  request: FastifyRequest,
  reply: FastifyReply,
  visitor: Visitor,
  signedIn: SignedIn,
): Promise<void> {
  if (visitor.signedIn) await world.accounts.signOut(visitor.secret);
  startSession(world, reply, signedIn.sessionSecret, signedIn.expiresAt - world.clock.now());
  rememberDevice(world, request, reply, signedIn.account);
}

/** Status of a refused form. */
export function refusedAs(
  reply: FastifyReply,
  refusal: AccountProblem | { readonly kind: 'throttled'; readonly retryAfter: number },
): number {
  if (refusal.kind !== 'throttled') return refusal.kind === 'wrong-password' || refusal.kind === 'blocked' ? 403 : 400;
  if ('retryAfter' in refusal) reply.header('retry-after', String(refusal.retryAfter));
  return 429;
}

const tokenOf = (token: string | undefined): string => (token ?? '').slice(0, 200);

/** Pages about the person: home, sign-in, set-up, registration, and a forgotten password. */
export function peopleRoutes(app: FastifyInstance, world: World): void {
  const { accounts } = world;
  const { registration, letters } = accounts.offers;

  showPage(app, world, '/', async ({ frame }) =>
    homePage(frame, {
      waiting: frame.user?.mayReview ? await world.records.countClients({ stage: 'proposed', suppressed: false }) : null,
    }),
  );

  showPage(app, world, '/sign-in', async ({ visitor, frame, query }) => {
    const returnto = ownPath(query.get('returnto'));
    return visitor.signedIn ? { to: returnto } : signInPage(frame, { returnto, name: '', problem: null, registration });
  });

  takeForm(app, world, '/sign-in', async ({ request, reply, visitor, frame, form }) => {
    const [name, returnto] = [form.get('name') ?? '', ownPath(form.get('returnto'))];
    const answer = await accounts.signIn(name, form.get('password') ?? '', fromOf(world, request));
    if (!answer.ok) {
      const { kind } = answer.refusal;
      if (kind === 'throttled') reply.header('retry-after', String(answer.refusal.retryAfter));
      const problem = frame.words.say(`sign-in.${kind}`);
      return { status: kind === 'throttled' ? 429 : 403, page: signInPage(frame, { returnto, name, problem, registration }) };
    }
    await enter(world, request, reply, visitor, answer.value);
    return { to: returnto };
  });

  takeForm(app, world, '/sign-out', async ({ reply, visitor }) => {
    if (visitor.signedIn) await accounts.signOut(visitor.secret);
    forgetSession(world, reply);
    return { to: '/?done=signed-out' };
  });

  showPage(app, world, '/setup', async ({ frame, query }) =>
    setupPage(frame, { token: tokenOf(query.get('token')), name: '', email: '', problem: null }),
  );

  takeForm(app, world, '/setup', async ({ request, reply, visitor, frame, form }: PageCall) => {
    const [token, name, email] = [tokenOf(form.get('token')), form.get('name') ?? '', form.get('email') ?? ''];
    const answer = await accounts.setUp(token, { name, email, password: form.get('password') ?? '' }, fromOf(world, request));
    if (!answer.ok)
      return { status: 400, page: setupPage(frame, { token, name, email, problem: accountWords(frame.words, answer.refusal) }) };
    await enter(world, request, reply, visitor, answer.value);
    return { to: '/' };
  });

  const cannotRegister = (): PageAnswer | undefined => {
    if (!registration) return { status: 403, note: 'registration-closed' };
    return letters ? undefined : { status: 503, note: 'no-mail' };
  };
  const linkGone: PageAnswer = { status: 404, note: 'link-gone' };

  showPage(app, world, '/register', async ({ visitor, frame }) =>
    visitor.signedIn ? { to: '/' } : (cannotRegister() ?? registerPage(frame, { value: '', problem: null })),
  );

  takeForm(app, world, '/register', async ({ request, reply, frame, form }) => {
    const value = form.get('email') ?? '';
    const answer = await accounts.askToRegister(value, frame.words.language, fromOf(world, request));
    if (answer.ok) return { to: '/register/sent' };
    const { refusal } = answer;
    if (refusal.kind === 'closed' || refusal.kind === 'no-mail') return cannotRegister() ?? linkGone;
    const problem = formProblem(frame.words, refusal, { email: 'email' });
    return { status: refusedAs(reply, refusal), page: registerPage(frame, { value, problem }) };
  });

  showPage(app, world, '/register/sent', async () => ({ status: 200, note: 'register-sent' }));

  showPage(app, world, '/register/finish', async ({ frame, query }) => {
    const token = tokenOf(query.get('token'));
    const address = await accounts.registrationOf(token);
    return address === undefined ? linkGone : finishPage(frame, { token, address, name: '', realName: '', problem: null });
  });

  takeForm(app, world, '/register/finish', async ({ request, reply, visitor, frame, form }) => {
    const token = tokenOf(form.get('token'));
    const address = await accounts.registrationOf(token);
    if (address === undefined) return linkGone;
    const [name, realName] = [form.get('name') ?? '', form.get('real-name') ?? ''];
    const answer = await accounts.register(token, { name, realName, password: form.get('new-password') ?? '' }, fromOf(world, request));
    if (answer.ok) {
      await enter(world, request, reply, visitor, answer.value);
      return { to: '/?done=registered' };
    }
    const { refusal } = answer;
    if (refusal.kind === 'link-gone') return linkGone;
    const names = { name: 'name', 'name-taken': 'name', 'real-name': 'real-name', password: 'new-password' };
    const problem = formProblem(frame.words, refusal, names);
    return { status: refusedAs(reply, refusal), page: finishPage(frame, { token, address, name, realName, problem }) };
  });

  showPage(app, world, '/password/forgotten', async ({ frame }) =>
    letters ? forgottenPage(frame, { value: '', problem: null }) : { status: 503, note: 'no-mail' },
  );

  takeForm(app, world, '/password/forgotten', async ({ request, reply, frame, form }) => {
    const value = form.get('name') ?? '';
    const answer = await accounts.askForPassword(value, frame.words.language, fromOf(world, request));
    if (answer.ok) return { to: '/password/sent' };
    const { refusal } = answer;
    if (refusal.kind !== 'throttled') return { status: 503, note: 'no-mail' };
    return { status: refusedAs(reply, refusal), page: forgottenPage(frame, { value, problem: formProblem(frame.words, refusal) }) };
  });

  showPage(app, world, '/password/sent', async () => ({ status: 200, note: 'password-sent' }));

  showPage(app, world, '/password/new', async ({ frame, query }) => {
    const token = tokenOf(query.get('token'));
    const account = await accounts.passwordLinkOf(token);
    return account === undefined ? linkGone : newPasswordPage(frame, { token, name: account.name, problem: null });
  });

  takeForm(app, world, '/password/new', async ({ request, reply, visitor, frame, form }) => {
    const token = tokenOf(form.get('token'));
    const account = await accounts.passwordLinkOf(token);
    if (account === undefined) return linkGone;
    const answer = await accounts.resetPassword(token, form.get('new-password') ?? '', fromOf(world, request));
    if (answer.ok) {
      await enter(world, request, reply, visitor, answer.value);
      return { to: '/?done=password-set' };
    }
    if (answer.refusal.kind === 'link-gone') return linkGone;
    const problem: FormProblem = formProblem(frame.words, answer.refusal, { password: 'new-password' });
    return { status: refusedAs(reply, answer.refusal), page: newPasswordPage(frame, { token, name: account.name, problem }) };
  });
}
