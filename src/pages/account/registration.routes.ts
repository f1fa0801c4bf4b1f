import type { Accounts } from '#accounts/accounts.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import type { PageCall, PageResponse, PageRouter } from '../page.ts';
import { accountProblems, refusalStatus } from './account-problems.ts';
import { linkGoneResponse, truncateToken } from './mailed-link.ts';
import { finishRegistrationPage, registerPage } from './registration.template.ts';
import { destinationOr, returnPathOf } from './return-path.ts';
import { type ReturnPathDependencies, returnPathForEmail } from './sign-in-first.ts';

export interface RegistrationDependencies extends ReturnPathDependencies {
  readonly accounts: Pick<
    Accounts,
    'selfService' | 'requestRegistration' | 'registrationEmail' | 'register'
  >;
}

/** Registration: a link is mailed, and what it opens makes the account. */
export function registrationRoutes(
  { getPage, postPublicForm }: PageRouter,
  dependencies: RegistrationDependencies,
): void {
  const { accounts } = dependencies;

  getPage('/register', async (call) => {
    const returnto = returnPathOf(call);
    if (call.visitor.signedIn) return { to: returnto };
    return (
      registrationClosed(accounts) ??
      registerPage(call.frame, { value: '', problems: noProblems, returnto })
    );
  });
  postPublicForm(
    '/register',
    (call) => requestRegistration(dependencies, call),
    async (call, problems) => {
      const view = {
        value: call.form.get('email') ?? '',
        problems,
        returnto: returnPathOf(call),
      };
      return registrationClosed(accounts) ?? { status: 403, page: registerPage(call.frame, view) };
    },
  );
  getPage('/register/sent', async () => ({ status: 200, note: 'register-sent' }));

  getPage('/register/finish', (call) => showFinishForm(dependencies, call, noProblems));
  postPublicForm(
    '/register/finish',
    (call) => finishRegistration(dependencies, call),
    (call, problems) => showFinishForm(dependencies, call, problems, 403),
  );
}

/** Undefined: people may register. */
function registrationClosed({
  selfService,
}: Pick<Accounts, 'selfService'>): PageResponse | undefined {
  if (!selfService.registration) return { status: 403, note: 'registration-closed' };
  return selfService.email ? undefined : { status: 503, note: 'no-mail' };
}

async function requestRegistration(
  dependencies: RegistrationDependencies,
  call: PageCall,
): Promise<PageResponse> {
  const { accounts } = dependencies;
  const { reply, frame, form, requestOrigin } = call;
  const [value, returnto] = [form.get('email') ?? '', returnPathOf(call)];
  const closedResponse = registrationClosed(accounts);
  if (closedResponse) return closedResponse;
  const answer = await accounts.requestRegistration(
    value,
    frame.words.language,
    requestOrigin,
    await returnPathForEmail(dependencies, requestOrigin, returnto),
  );
  if (answer.ok) return { to: '/register/sent' };
  const { refusal } = answer;
  if (refusal.kind === 'closed') return { status: 403, note: 'registration-closed' };
  if (refusal.kind === 'no-mail') return { status: 503, note: 'no-mail' };
  const problems = accountProblems(frame.words, refusal, { email: 'email' });
  return {
    status: refusalStatus(reply, refusal),
    page: registerPage(frame, { value, problems, returnto }),
  };
}

/** The form that a mailed link opens, with what was typed so far. */
async function showFinishForm(
  { accounts }: RegistrationDependencies,
  call: PageCall,
  problems: readonly FormProblem[],
  status = 200,
): Promise<PageResponse> {
  const { frame, query, form } = call;
  const token = truncateToken(form.get('token') ?? query.get('token'));
  const address = await accounts.registrationEmail(token);
  if (address === undefined) return linkGoneResponse(call, status === 403 ? status : undefined);
  const [name, realName] = [form.get('name') ?? '', form.get('real-name') ?? ''];
  const returnto = returnPathOf(call);
  return {
    status,
    page: finishRegistrationPage(frame, { token, address, name, realName, problems, returnto }),
  };
}

/** The controls of that form, by what is refused. */
const finishControls = {
  name: 'name',
  'name-taken': 'name',
  'real-name': 'real-name',
  password: 'new-password',
};

async function finishRegistration(
  dependencies: RegistrationDependencies,
  call: PageCall,
): Promise<PageResponse> {
  const { accounts } = dependencies;
  const { reply, frame, form } = call;
  const token = truncateToken(form.get('token'));
  if ((await accounts.registrationEmail(token)) === undefined) return linkGoneResponse(call);
  const answer = await accounts.register(
    token,
    {
      name: form.get('name') ?? '',
      realName: form.get('real-name') ?? '',
      password: form.get('new-password') ?? '',
    },
    call.requestOrigin,
  );
  if (answer.ok) {
    await call.startSession(answer.value);
    return { to: destinationOr(call, '/?done=registered') };
  }
  const { refusal } = answer;
  if (refusal.kind === 'link-gone') return linkGoneResponse(call);
  const problems = accountProblems(frame.words, refusal, finishControls);
  return showFinishForm(dependencies, call, problems, refusalStatus(reply, refusal));
}
