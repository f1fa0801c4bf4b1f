import type { Accounts } from '#accounts/accounts.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import type { PageCall, PageResponse, PageRouter } from '../page.ts';
import { accountProblems, refusalStatus } from './account-problems.ts';
import { linkGoneResponse, truncateToken } from './mailed-link.ts';
import { forgotPasswordPage, resetPasswordPage } from './password-reset.template.ts';
import { destinationOr, returnPathOf } from './return-path.ts';
import { type ReturnPathDependencies, returnPathForEmail } from './sign-in-first.ts';

export interface PasswordResetDependencies extends ReturnPathDependencies {
  readonly accounts: Pick<
    Accounts,
    'selfService' | 'requestPasswordReset' | 'passwordLinkAccount' | 'resetPassword'
  >;
}

const noMail = { status: 503, note: 'no-mail' } as const satisfies PageResponse;

/** A forgotten password: a link is mailed, and what it opens sets another. */
export function passwordResetRoutes(
  { getPage, postPublicForm }: PageRouter,
  dependencies: PasswordResetDependencies,
): void {
  const { selfService } = dependencies.accounts;

  getPage('/password/forgotten', async (call) =>
    selfService.email
      ? forgotPasswordPage(call.frame, {
          value: '',
          problems: noProblems,
          returnto: returnPathOf(call),
        })
      : noMail,
  );
  postPublicForm(
    '/password/forgotten',
    (call) => requestPasswordReset(dependencies, call),
    async (call, problems) => ({
      status: 403,
      page: forgotPasswordPage(call.frame, {
        value: call.form.get('name') ?? '',
        problems,
        returnto: returnPathOf(call),
      }),
    }),
  );
  getPage('/password/sent', async () => ({ status: 200, note: 'password-sent' }));

  getPage('/password/new', (call) => showNewPasswordForm(dependencies, call, noProblems));
  postPublicForm(
    '/password/new',
    (call) => resetPassword(dependencies, call),
    (call, problems) => showNewPasswordForm(dependencies, call, problems, 403),
  );
}

async function requestPasswordReset(
  dependencies: PasswordResetDependencies,
  call: PageCall,
): Promise<PageResponse> {
  const { accounts } = dependencies;
  const { reply, frame, form, requestOrigin } = call;
  const [value, returnto] = [form.get('name') ?? '', returnPathOf(call)];
  if (!accounts.selfService.email) return noMail;
  const answer = await accounts.requestPasswordReset(
    value,
    frame.words.language,
    requestOrigin,
    await returnPathForEmail(dependencies, requestOrigin, returnto),
  );
  if (answer.ok) return { to: '/password/sent' };
  const { refusal } = answer;
  if (refusal.kind !== 'throttled') return noMail;
  const problems = accountProblems(frame.words, refusal);
  return {
    status: refusalStatus(reply, refusal),
    page: forgotPasswordPage(frame, { value, problems, returnto }),
  };
}

/** The form that a mailed link opens. */
async function showNewPasswordForm(
  { accounts }: PasswordResetDependencies,
  call: PageCall,
  problems: readonly FormProblem[],
  status = 200,
): Promise<PageResponse> {
  const token = truncateToken(call.form.get('token') ?? call.query.get('token'));
  const account = await accounts.passwordLinkAccount(token);
  if (account === undefined) return linkGoneResponse(call, status === 403 ? status : undefined);
  const returnto = returnPathOf(call);
  return {
    status,
    page: resetPasswordPage(call.frame, { token, name: account.name, problems, returnto }),
  };
}

async function resetPassword(
  dependencies: PasswordResetDependencies,
  call: PageCall,
): Promise<PageResponse> {
  const { reply, frame, form } = call;
  const answer = await dependencies.accounts.resetPassword(
    truncateToken(form.get('token')),
    form.get('new-password') ?? '',
    call.requestOrigin,
  );
  if (answer.ok) {
    await call.startSession(answer.value);
    return { to: destinationOr(call, '/?done=password-set') };
  }
  if (answer.refusal.kind === 'link-gone') return linkGoneResponse(call);
  const problems = accountProblems(frame.words, answer.refusal, { password: 'new-password' });
  return showNewPasswordForm(dependencies, call, problems, refusalStatus(reply, answer.refusal));
}
