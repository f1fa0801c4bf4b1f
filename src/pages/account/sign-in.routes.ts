import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SignedIn } from '#accounts/sessions.ts';
import {
  clearSession,
  hasFormCookie,
  rememberDevice,
  requestOriginOf,
  safeLocalPath,
  startSession,
  type Visitor,
} from '#http/session.ts';
import type { Services } from '#http/world.ts';
import { type FormProblem, formLevelProblem, noProblems } from '../form-problems.ts';
import { getPage, type PageCall, type PageResponse, postForm, postPublicForm } from '../page.ts';
import { type AccountProblem, accountProblems } from './problems.ts';
import {
  finishRegistrationPage,
  forgotPasswordPage,
  homePage,
  registerPage,
  resetPasswordPage,
  setupPage,
  signInPage,
} from './sign-in.template.ts';
import { findPendingApp, returnToValue } from './sign-in-first.ts';

/**
 * A new session in the browser, in place of any other: its secret is new, whatever the browser held
 * before.
 */
export async function startUserSession(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  visitor: Visitor,
  signedIn: SignedIn,
): Promise<void> {
  if (visitor.signedIn) await services.accounts.signOut(visitor.secret);
  startSession(services, reply, signedIn.sessionSecret, signedIn.expiresAt - services.clock.now());
  rememberDevice(services, request, reply, signedIn.account);
}

/** Status of a refused form. */
export function refusalStatus(
  reply: FastifyReply,
  refusal: AccountProblem | { readonly kind: 'throttled'; readonly retryAfter: number },
): number {
  if (refusal.kind !== 'throttled')
    return refusal.kind === 'wrong-password' || refusal.kind === 'blocked' ? 403 : 400;
  if ('retryAfter' in refusal) reply.header('retry-after', String(refusal.retryAfter));
  return 429;
}

/** Where a page or form says that its person is going. */
const returnPathOf = ({ query, form }: PageCall): string =>
  safeLocalPath(form.get('returnto') ?? query.get('returnto'));

/** The sign-in page, as it is for this person on this way. */
export async function renderSignIn(
  { services, frame }: PageCall,
  view: {
    readonly returnto: string;
    readonly name?: string;
    readonly problems?: readonly FormProblem[];
  },
) {
  const { registration } = services.accounts.selfService;
  return signInPage(frame, {
    name: '',
    problems: noProblems,
    ...view,
    registrationOpen: registration,
    app: await findPendingApp(services, view.returnto),
  });
}

/**
 * A sign-in form whose proof is not that of the browser any more. Whoever signed in meanwhile, in
 * another tab, goes on; everybody else is shown the form again. Nobody is signed in by it.
 */
export async function handleStaleSignIn(call: PageCall): Promise<PageResponse> {
  const { services, user, form } = call;
  const [returnto, name] = [returnPathOf(call), form.get('name') ?? ''];
  const isPasskey = name === '' && form.get('returnto') !== undefined;
  if (user !== null && (isPasskey || (await services.accounts.isSignInNameOf(user, name))))
    return { to: returnto };
  return {
    status: 403,
    page: await renderSignIn(call, { returnto, name, problems: staleFormProblems(call) }),
  };
}

/** What is said above a form that is shown again because it was stale. */
function staleFormProblems({ services, request, frame }: PageCall): readonly FormProblem[] {
  return formLevelProblem(
    frame.words.say(hasFormCookie(services, request) ? 'sign-in.stale' : 'sign-in.no-cookie'),
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

const truncateToken = (token: string | undefined): string => (token ?? '').slice(0, 200);

/** Pages about the person: home, sign-in, set-up, registration, and a forgotten password. */
export function peopleRoutes(app: FastifyInstance, services: Services): void {
  const { accounts } = services;
  const { registration, email: mailEnabled } = accounts.selfService;

  getPage(app, services, '/', async ({ frame }) =>
    homePage(frame, {
      pendingReviews: frame.user?.mayReview
        ? await services.records.countClients({ stage: 'proposed', suppressed: false })
        : null,
      registrationOpen: registration && mailEnabled,
      firstSteps:
        frame.user?.mayAdminister === true &&
        (await services.records.countAccounts({ text: null, group: null, blocked: null })) === 1,
    }),
  );

  getPage(app, services, '/sign-in', async (call) => {
    const returnto = returnPathOf(call);
    // Whoever wants to be somebody else is asked, though they are signed in.
    return call.visitor.signedIn && call.query.get('switch') === undefined
      ? { to: returnto }
      : renderSignIn(call, { returnto });
  });

  const signIn = async (call: PageCall): Promise<PageResponse> => {
    const { request, reply, visitor, frame, form } = call;
    const [name, returnto] = [form.get('name') ?? '', returnPathOf(call)];
    const answer = await accounts.signIn(
      name,
      form.get('password') ?? '',
      requestOriginOf(services, request),
    );
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
        page: await renderSignIn(call, { returnto, name, problems }),
      };
    }
    await startUserSession(services, request, reply, visitor, answer.value);
    return { to: returnto };
  };
  postPublicForm(app, services, '/sign-in', signIn, handleStaleSignIn);

  postForm(app, services, '/sign-out', async ({ reply, visitor }) => {
    if (visitor.signedIn) await accounts.signOut(visitor.secret);
    clearSession(services, reply);
    return { to: '/?done=signed-out' };
  });

  getPage(app, services, '/setup', async ({ frame, query }) =>
    setupPage(frame, {
      token: truncateToken(query.get('token')),
      name: '',
      email: '',
      problems: noProblems,
    }),
  );

  postForm(app, services, '/setup', async ({ request, reply, visitor, frame, form }: PageCall) => {
    const [token, name, email] = [
      truncateToken(form.get('token')),
      form.get('name') ?? '',
      form.get('email') ?? '',
    ];
    const answer = await accounts.setUp(
      token,
      { name, email, password: form.get('password') ?? '' },
      requestOriginOf(services, request),
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
    await startUserSession(services, request, reply, visitor, answer.value);
    return { to: '/?done=set-up' };
  });

  const registrationClosed = (): PageResponse | undefined => {
    if (!registration) return { status: 403, note: 'registration-closed' };
    return mailEnabled ? undefined : { status: 503, note: 'no-mail' };
  };
  const linkGone = { status: 404, note: 'link-gone' } as const satisfies PageResponse;
  /** Where somebody arrives who was on the way; otherwise at the page that says what was done. */
  const destinationOr = (call: PageCall, fallback: string): string =>
    returnPathOf(call) === '/' ? fallback : returnPathOf(call);
  /**
   * A link that was used by whoever is signed in now, and leads somewhere, has done its work: it
   * was opened twice.
   */
  const continueOr = (call: PageCall, fallback: PageResponse): PageResponse =>
    call.user !== null && returnPathOf(call) !== '/' ? { to: returnPathOf(call) } : fallback;

  /**
   * The same way in a letter: under a handle, for no letter of ours carries what a stranger wrote.
   */
  const returnToForEmail = async (
    { request }: PageCall,
    returnto: string,
  ): Promise<string | undefined> =>
    returnto === '/' ? undefined : returnToValue(services, request, returnto, 0);

  getPage(app, services, '/register', async (call) => {
    const returnto = returnPathOf(call);
    return call.visitor.signedIn
      ? { to: returnto }
      : (registrationClosed() ??
          registerPage(call.frame, { value: '', problems: noProblems, returnto }));
  });

  const register = async (call: PageCall): Promise<PageResponse> => {
    const { request, reply, frame, form } = call;
    const [value, returnto] = [form.get('email') ?? '', returnPathOf(call)];
    const closedResponse = registrationClosed();
    if (closedResponse) return closedResponse;
    const answer = await accounts.requestRegistration(
      value,
      frame.words.language,
      requestOriginOf(services, request),
      await returnToForEmail(call, returnto),
    );
    if (answer.ok) return { to: '/register/sent' };
    const { refusal } = answer;
    if (refusal.kind === 'closed' || refusal.kind === 'no-mail')
      return registrationClosed() ?? linkGone;
    const problems = accountProblems(frame.words, refusal, { email: 'email' });
    return {
      status: refusalStatus(reply, refusal),
      page: registerPage(frame, { value, problems, returnto }),
    };
  };
  postPublicForm(app, services, '/register', register, async (call) => {
    const view = {
      value: call.form.get('email') ?? '',
      problems: staleFormProblems(call),
      returnto: returnPathOf(call),
    };
    return registrationClosed() ?? { status: 403, page: registerPage(call.frame, view) };
  });

  getPage(app, services, '/register/sent', async () => ({ status: 200, note: 'register-sent' }));

  const renderFinish = async (
    call: PageCall,
    problems: readonly FormProblem[],
    status = 200,
  ): Promise<PageResponse> => {
    const { frame, query, form } = call;
    const token = truncateToken(form.get('token') ?? query.get('token'));
    const address = await accounts.registrationEmail(token);
    if (address === undefined)
      return continueOr(call, status === 403 ? { ...linkGone, status } : linkGone);
    const [name, realName] = [form.get('name') ?? '', form.get('real-name') ?? ''];
    return {
      status,
      page: finishRegistrationPage(frame, {
        token,
        address,
        name,
        realName,
        problems,
        returnto: returnPathOf(call),
      }),
    };
  };
  getPage(app, services, '/register/finish', (call) => renderFinish(call, noProblems));

  const finishRegistration = async (call: PageCall): Promise<PageResponse> => {
    const { request, reply, visitor, frame, form } = call;
    const token = truncateToken(form.get('token'));
    if ((await accounts.registrationEmail(token)) === undefined) return continueOr(call, linkGone);
    const [name, realName] = [form.get('name') ?? '', form.get('real-name') ?? ''];
    const answer = await accounts.register(
      token,
      { name, realName, password: form.get('new-password') ?? '' },
      requestOriginOf(services, request),
    );
    if (answer.ok) {
      await startUserSession(services, request, reply, visitor, answer.value);
      return { to: destinationOr(call, '/?done=registered') };
    }
    const { refusal } = answer;
    if (refusal.kind === 'link-gone') return continueOr(call, linkGone);
    const controlNames = {
      name: 'name',
      'name-taken': 'name',
      'real-name': 'real-name',
      password: 'new-password',
    };
    const problems = accountProblems(frame.words, refusal, controlNames);
    return renderFinish(call, problems, refusalStatus(reply, refusal));
  };
  postPublicForm(app, services, '/register/finish', finishRegistration, (call) =>
    renderFinish(call, staleFormProblems(call), 403),
  );

  getPage(app, services, '/password/forgotten', async (call) =>
    mailEnabled
      ? forgotPasswordPage(call.frame, {
          value: '',
          problems: noProblems,
          returnto: returnPathOf(call),
        })
      : { status: 503, note: 'no-mail' },
  );

  const requestPasswordReset = async (call: PageCall): Promise<PageResponse> => {
    const { request, reply, frame, form } = call;
    const [value, returnto] = [form.get('name') ?? '', returnPathOf(call)];
    if (!mailEnabled) return { status: 503, note: 'no-mail' };
    const answer = await accounts.requestPasswordReset(
      value,
      frame.words.language,
      requestOriginOf(services, request),
      await returnToForEmail(call, returnto),
    );
    if (answer.ok) return { to: '/password/sent' };
    const { refusal } = answer;
    if (refusal.kind !== 'throttled') return { status: 503, note: 'no-mail' };
    return {
      status: refusalStatus(reply, refusal),
      page: forgotPasswordPage(frame, {
        value,
        problems: accountProblems(frame.words, refusal),
        returnto,
      }),
    };
  };
  postPublicForm(app, services, '/password/forgotten', requestPasswordReset, async (call) => ({
    status: 403,
    page: forgotPasswordPage(call.frame, {
      value: call.form.get('name') ?? '',
      problems: staleFormProblems(call),
      returnto: returnPathOf(call),
    }),
  }));

  getPage(app, services, '/password/sent', async () => ({ status: 200, note: 'password-sent' }));

  const renderNewPassword = async (
    call: PageCall,
    problems: readonly FormProblem[],
    status = 200,
  ): Promise<PageResponse> => {
    const token = truncateToken(call.form.get('token') ?? call.query.get('token'));
    const account = await accounts.passwordLinkAccount(token);
    if (account === undefined)
      return continueOr(call, status === 403 ? { ...linkGone, status } : linkGone);
    return {
      status,
      page: resetPasswordPage(call.frame, {
        token,
        name: account.name,
        problems,
        returnto: returnPathOf(call),
      }),
    };
  };
  getPage(app, services, '/password/new', (call) => renderNewPassword(call, noProblems));

  const setPassword = async (call: PageCall): Promise<PageResponse> => {
    const { request, reply, visitor, frame, form } = call;
    const token = truncateToken(form.get('token'));
    const answer = await accounts.resetPassword(
      token,
      form.get('new-password') ?? '',
      requestOriginOf(services, request),
    );
    if (answer.ok) {
      await startUserSession(services, request, reply, visitor, answer.value);
      return { to: destinationOr(call, '/?done=password-set') };
    }
    if (answer.refusal.kind === 'link-gone') return continueOr(call, linkGone);
    const problems = accountProblems(frame.words, answer.refusal, { password: 'new-password' });
    return renderNewPassword(call, problems, refusalStatus(reply, answer.refusal));
  };
  postPublicForm(app, services, '/password/new', setPassword, (call) =>
    renderNewPassword(call, staleFormProblems(call), 403),
  );
}
