import type { Accounts } from '#accounts/accounts.ts';
import type { FormProblem } from '../form-problems.ts';
import type { PageCall, PageResponse, PageRouter } from '../page.ts';
import { accountProblems, refusalStatus } from './account-problems.ts';
import { sendPasskeyOptions, sendPasskeyProblem } from './passkey-options.ts';
import { returnPathOf } from './return-path.ts';
import { signInPage } from './sign-in.template.ts';
import { makeSignInView, type SignInViewDependencies } from './sign-in.view.ts';

export interface SignInDependencies extends SignInViewDependencies {
  readonly accounts: Pick<
    Accounts,
    'selfService' | 'signIn' | 'signOut' | 'isSignInNameOf' | 'signInOptions' | 'signInWithPasskey'
  >;
}

/** Sign-in, by password or passkey, and sign-out. */
export function signInRoutes(
  { getPage, postForm, postPublicForm }: PageRouter,
  dependencies: SignInDependencies,
): void {
  const { accounts } = dependencies;

  getPage('/sign-in', async (call) => {
    const returnto = returnPathOf(call);
    // Whoever wants to be somebody else is asked, though they are signed in.
    return call.visitor.signedIn && call.query.get('switch') === undefined
      ? { to: returnto }
      : signInPage(call.frame, await makeSignInView(dependencies, call, { returnto }));
  });

  const showAgain: StaleSignInHandler = (call, problems) =>
    handleStaleSignIn(dependencies, call, problems);
  postPublicForm('/sign-in', (call) => signIn(dependencies, call), showAgain);
  postPublicForm('/sign-in/passkey', (call) => signInWithPasskey(dependencies, call), showAgain);
  postPublicForm(
    '/sign-in/passkey/options',
    async (call) => sendPasskeyOptions(call, await accounts.signInOptions(call.requestOrigin)),
    async (call) => sendPasskeyProblem(call, 403, call.frame.words.say('sign-in.stale-passkey')),
  );

  postForm('/sign-out', async ({ visitor, clearSession }) => {
    if (visitor.signedIn) await accounts.signOut(visitor.secret);
    clearSession();
    return { to: '/?done=signed-out' };
  });
}

type StaleSignInHandler = (
  call: PageCall,
  problems: readonly FormProblem[],
) => Promise<PageResponse>;

async function signIn(dependencies: SignInDependencies, call: PageCall): Promise<PageResponse> {
  const { reply, frame, form } = call;
  const [name, returnto] = [form.get('name') ?? '', returnPathOf(call)];
  const answer = await dependencies.accounts.signIn(
    name,
    form.get('password') ?? '',
    call.requestOrigin,
  );
  if (answer.ok) {
    await call.startSession(answer.value);
    return { to: returnto };
  }
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
    page: signInPage(frame, await makeSignInView(dependencies, call, { returnto, name, problems })),
  };
}

async function signInWithPasskey(
  dependencies: SignInDependencies,
  call: PageCall,
): Promise<PageResponse> {
  const { reply, frame, form } = call;
  const returnto = returnPathOf(call);
  const answer = await dependencies.accounts.signInWithPasskey(
    form.get('answer') ?? '',
    call.requestOrigin,
  );
  if (answer.ok) {
    await call.startSession(answer.value);
    return { to: returnto };
  }
  const problems = accountProblems(frame.words, answer.refusal);
  return {
    status: refusalStatus(reply, answer.refusal),
    page: signInPage(frame, await makeSignInView(dependencies, call, { returnto, problems })),
  };
}

/**
 * A sign-in form whose CSRF token is not the browser's any more. Whoever signed in meanwhile, in
 * another tab, goes on; everybody else is shown the form again. Nobody is signed in by it.
 */
async function handleStaleSignIn(
  dependencies: SignInDependencies,
  call: PageCall,
  problems: readonly FormProblem[],
): Promise<PageResponse> {
  const { user, form, frame } = call;
  const [returnto, name] = [returnPathOf(call), form.get('name') ?? ''];
  const isPasskey = name === '' && form.get('returnto') !== undefined;
  if (user !== null && (isPasskey || (await dependencies.accounts.isSignInNameOf(user, name))))
    return { to: returnto };
  return {
    status: 403,
    page: signInPage(frame, await makeSignInView(dependencies, call, { returnto, name, problems })),
  };
}
