import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SignedIn } from '#accounts/sessions.ts';
import {
  forgetSession,
  fromOf,
  hasCookie,
  ownPath,
  rememberDevice,
  startSession,
  type Visitor,
} from '#http/session.ts';
import type { World } from '#http/world.ts';
import { type FormProblem, noProblems, wholeForm } from '../form-problems.ts';
import { type PageAnswer, type PageCall, showPage, takeForm, takeOpenForm } from '../page.ts';
import { type AccountProblem, accountProblems } from './problems.ts';
import {
  finishPage,
  forgottenPage,
  homePage,
  newPasswordPage,
  registerPage,
  setupPage,
  signInPage,
} from './sign-in.template.ts';
import { returnTo, waitingApp } from './sign-in-first.ts';

/**
 * A new session in the browser, in place of any other: its secret is new, whatever the browser held
 * before.
 */
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
  if (refusal.kind !== 'throttled')
    return refusal.kind === 'wrong-password' || refusal.kind === 'blocked' ? 403 : 400;
  if ('retryAfter' in refusal) reply.header('retry-after', String(refusal.retryAfter));
  return 429;
}

/** Where a page or form says that its person is going. */
const goingTo = ({ query, form }: PageCall): string =>
  ownPath(form.get('returnto') ?? query.get('returnto'));

/** The sign-in page, as it is for this person on this way. */
export async function signInAgain(
  { world, frame }: PageCall,
  view: {
    readonly returnto: string;
    readonly name?: string;
    readonly problems?: readonly FormProblem[];
  },
) {
  const { registration } = world.accounts.offers;
  return signInPage(frame, {
    name: '',
    problems: noProblems,
    ...view,
    registration,
    app: await waitingApp(world, view.returnto),
  });
}

/**
 * A sign-in form whose proof is not that of the browser any more. Whoever signed in meanwhile, in
 * another tab, goes on; everybody else is shown the form again. Nobody is signed in by it.
 */
export async function staleSignIn(call: PageCall): Promise<PageAnswer> {
  const { world, user, form } = call;
  const [returnto, name] = [goingTo(call), form.get('name') ?? ''];
  const passkey = name === '' && form.get('returnto') !== undefined;
  if (user !== null && (passkey || (await world.accounts.isNameOf(user, name))))
    return { to: returnto };
  return { status: 403, page: await signInAgain(call, { returnto, name, problems: stale(call) }) };
}

/** What is said above a form that is shown again because it was stale. */
function stale({ world, request, frame }: PageCall): readonly FormProblem[] {
  return wholeForm(
    frame.words.say(hasCookie(world, request) ? 'sign-in.stale' : 'sign-in.no-cookie'),
  );
}

/** The controls of the set-up form, by what is refused. */
const setupFields = {
  name: 'name',
  'name-taken': 'name',
  email: 'email',
  'address-taken': 'email',
  password: 'password',
};

const tokenOf = (token: string | undefined): string => (token ?? '').slice(0, 200);

/** Pages about the person: home, sign-in, set-up, registration, and a forgotten password. */
export function peopleRoutes(app: FastifyInstance, world: World): void {
  const { accounts } = world;
  const { registration, letters } = accounts.offers;

  showPage(app, world, '/', async ({ frame }) =>
    homePage(frame, {
      waiting: frame.user?.mayReview
        ? await world.records.countClients({ stage: 'proposed', suppressed: false })
        : null,
      registration: registration && letters,
      firstSteps:
        frame.user?.mayAdminister === true &&
        (await world.records.countAccounts({ text: null, group: null, blocked: null })) === 1,
    }),
  );

  showPage(app, world, '/sign-in', async (call) => {
    const returnto = goingTo(call);
    // Whoever wants to be somebody else is asked, though they are signed in.
    return call.visitor.signedIn && call.query.get('switch') === undefined
      ? { to: returnto }
      : signInAgain(call, { returnto });
  });

  const signIn = async (call: PageCall): Promise<PageAnswer> => {
    const { request, reply, visitor, frame, form } = call;
    const [name, returnto] = [form.get('name') ?? '', goingTo(call)];
    const answer = await accounts.signIn(name, form.get('password') ?? '', fromOf(world, request));
    if (!answer.ok) {
      const { kind } = answer.refusal;
      if (kind === 'throttled') reply.header('retry-after', String(answer.refusal.retryAfter));
      // Which of the two is wrong is not told; the first of them is where one begins again.
      const problems = [
        {
          field: kind === 'wrong-name-or-password' ? 'name' : null,
          text: frame.words.say(`sign-in.${kind}`),
        },
      ];
      return {
        status: kind === 'throttled' ? 429 : 403,
        page: await signInAgain(call, { returnto, name, problems }),
      };
    }
    await enter(world, request, reply, visitor, answer.value);
    return { to: returnto };
  };
  takeOpenForm(app, world, '/sign-in', signIn, staleSignIn);

  takeForm(app, world, '/sign-out', async ({ reply, visitor }) => {
    if (visitor.signedIn) await accounts.signOut(visitor.secret);
    forgetSession(world, reply);
    return { to: '/?done=signed-out' };
  });

  showPage(app, world, '/setup', async ({ frame, query }) =>
    setupPage(frame, {
      token: tokenOf(query.get('token')),
      name: '',
      email: '',
      problems: noProblems,
    }),
  );

  takeForm(app, world, '/setup', async ({ request, reply, visitor, frame, form }: PageCall) => {
    const [token, name, email] = [
      tokenOf(form.get('token')),
      form.get('name') ?? '',
      form.get('email') ?? '',
    ];
    const answer = await accounts.setUp(
      token,
      { name, email, password: form.get('password') ?? '' },
      fromOf(world, request),
    );
    if (!answer.ok)
      return {
        status: 400,
        page: setupPage(frame, {
          token,
          name,
          email,
          problems: accountProblems(frame.words, answer.refusal, setupFields),
        }),
      };
    await enter(world, request, reply, visitor, answer.value);
    return { to: '/?done=set-up' };
  });

  const cannotRegister = (): PageAnswer | undefined => {
    if (!registration) return { status: 403, note: 'registration-closed' };
    return letters ? undefined : { status: 503, note: 'no-mail' };
  };
  const linkGone = { status: 404, note: 'link-gone' } as const satisfies PageAnswer;
  /** Where somebody arrives who was on the way; otherwise at the page that says what was done. */
  const arrival = (call: PageCall, otherwise: string): string =>
    goingTo(call) === '/' ? otherwise : goingTo(call);
  /**
   * A link that was used by whoever is signed in now, and leads somewhere, has done its work: it
   * was opened twice.
   */
  const onOr = (call: PageCall, otherwise: PageAnswer): PageAnswer =>
    call.user !== null && goingTo(call) !== '/' ? { to: goingTo(call) } : otherwise;

  /**
   * The same way in a letter: under a handle, for no letter of ours carries what a stranger wrote.
   */
  const onward = async ({ request }: PageCall, returnto: string): Promise<string | undefined> =>
    returnto === '/' ? undefined : returnTo(world, request, returnto, 0);

  showPage(app, world, '/register', async (call) => {
    const returnto = goingTo(call);
    return call.visitor.signedIn
      ? { to: returnto }
      : (cannotRegister() ??
          registerPage(call.frame, { value: '', problems: noProblems, returnto }));
  });

  const register = async (call: PageCall): Promise<PageAnswer> => {
    const { request, reply, frame, form } = call;
    const [value, returnto] = [form.get('email') ?? '', goingTo(call)];
    const closed = cannotRegister();
    if (closed) return closed;
    const answer = await accounts.askToRegister(
      value,
      frame.words.language,
      fromOf(world, request),
      await onward(call, returnto),
    );
    if (answer.ok) return { to: '/register/sent' };
    const { refusal } = answer;
    if (refusal.kind === 'closed' || refusal.kind === 'no-mail')
      return cannotRegister() ?? linkGone;
    const problems = accountProblems(frame.words, refusal, { email: 'email' });
    return {
      status: refusedAs(reply, refusal),
      page: registerPage(frame, { value, problems, returnto }),
    };
  };
  takeOpenForm(app, world, '/register', register, async (call) => {
    const view = {
      value: call.form.get('email') ?? '',
      problems: stale(call),
      returnto: goingTo(call),
    };
    return cannotRegister() ?? { status: 403, page: registerPage(call.frame, view) };
  });

  showPage(app, world, '/register/sent', async () => ({ status: 200, note: 'register-sent' }));

  const finish = async (
    call: PageCall,
    problems: readonly FormProblem[],
    status = 200,
  ): Promise<PageAnswer> => {
    const { frame, query, form } = call;
    const token = tokenOf(form.get('token') ?? query.get('token'));
    const address = await accounts.registrationOf(token);
    if (address === undefined)
      return onOr(call, status === 403 ? { ...linkGone, status } : linkGone);
    const [name, realName] = [form.get('name') ?? '', form.get('real-name') ?? ''];
    return {
      status,
      page: finishPage(frame, {
        token,
        address,
        name,
        realName,
        problems,
        returnto: goingTo(call),
      }),
    };
  };
  showPage(app, world, '/register/finish', (call) => finish(call, noProblems));

  const finishRegistration = async (call: PageCall): Promise<PageAnswer> => {
    const { request, reply, visitor, frame, form } = call;
    const token = tokenOf(form.get('token'));
    if ((await accounts.registrationOf(token)) === undefined) return onOr(call, linkGone);
    const [name, realName] = [form.get('name') ?? '', form.get('real-name') ?? ''];
    const answer = await accounts.register(
      token,
      { name, realName, password: form.get('new-password') ?? '' },
      fromOf(world, request),
    );
    if (answer.ok) {
      await enter(world, request, reply, visitor, answer.value);
      return { to: arrival(call, '/?done=registered') };
    }
    const { refusal } = answer;
    if (refusal.kind === 'link-gone') return onOr(call, linkGone);
    const names = {
      name: 'name',
      'name-taken': 'name',
      'real-name': 'real-name',
      password: 'new-password',
    };
    const problems = accountProblems(frame.words, refusal, names);
    return finish(call, problems, refusedAs(reply, refusal));
  };
  takeOpenForm(app, world, '/register/finish', finishRegistration, (call) =>
    finish(call, stale(call), 403),
  );

  showPage(app, world, '/password/forgotten', async (call) =>
    letters
      ? forgottenPage(call.frame, { value: '', problems: noProblems, returnto: goingTo(call) })
      : { status: 503, note: 'no-mail' },
  );

  const askForPassword = async (call: PageCall): Promise<PageAnswer> => {
    const { request, reply, frame, form } = call;
    const [value, returnto] = [form.get('name') ?? '', goingTo(call)];
    if (!letters) return { status: 503, note: 'no-mail' };
    const answer = await accounts.askForPassword(
      value,
      frame.words.language,
      fromOf(world, request),
      await onward(call, returnto),
    );
    if (answer.ok) return { to: '/password/sent' };
    const { refusal } = answer;
    if (refusal.kind !== 'throttled') return { status: 503, note: 'no-mail' };
    return {
      status: refusedAs(reply, refusal),
      page: forgottenPage(frame, {
        value,
        problems: accountProblems(frame.words, refusal),
        returnto,
      }),
    };
  };
  takeOpenForm(app, world, '/password/forgotten', askForPassword, async (call) => ({
    status: 403,
    page: forgottenPage(call.frame, {
      value: call.form.get('name') ?? '',
      problems: stale(call),
      returnto: goingTo(call),
    }),
  }));

  showPage(app, world, '/password/sent', async () => ({ status: 200, note: 'password-sent' }));

  const newPassword = async (
    call: PageCall,
    problems: readonly FormProblem[],
    status = 200,
  ): Promise<PageAnswer> => {
    const token = tokenOf(call.form.get('token') ?? call.query.get('token'));
    const account = await accounts.passwordLinkOf(token);
    if (account === undefined)
      return onOr(call, status === 403 ? { ...linkGone, status } : linkGone);
    return {
      status,
      page: newPasswordPage(call.frame, {
        token,
        name: account.name,
        problems,
        returnto: goingTo(call),
      }),
    };
  };
  showPage(app, world, '/password/new', (call) => newPassword(call, noProblems));

  const setPassword = async (call: PageCall): Promise<PageAnswer> => {
    const { request, reply, visitor, frame, form } = call;
    const token = tokenOf(form.get('token'));
    const answer = await accounts.resetPassword(
      token,
      form.get('new-password') ?? '',
      fromOf(world, request),
    );
    if (answer.ok) {
      await enter(world, request, reply, visitor, answer.value);
      return { to: arrival(call, '/?done=password-set') };
    }
    if (answer.refusal.kind === 'link-gone') return onOr(call, linkGone);
    const problems = accountProblems(frame.words, answer.refusal, { password: 'new-password' });
    return newPassword(call, problems, refusedAs(reply, answer.refusal));
  };
  takeOpenForm(app, world, '/password/new', setPassword, (call) =>
    newPassword(call, stale(call), 403),
  );
}
