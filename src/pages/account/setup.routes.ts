import type { Accounts } from '#accounts/accounts.ts';
import { noProblems } from '../form-problems.ts';
import type { PageRouter } from '../page.ts';
import { accountProblems } from './account-problems.ts';
import { truncateToken } from './mailed-link.ts';
import { setupPage } from './setup.template.ts';

export interface SetupDependencies {
  readonly accounts: Pick<Accounts, 'setUp'>;
}

/** The controls of the form, by what is refused. */
const controls = {
  name: 'name',
  'name-taken': 'name',
  email: 'email',
  'address-taken': 'email',
  password: 'password',
};

/** The one-time set-up: the first administrator. */
export function setupRoutes(
  { getPage, postForm }: PageRouter,
  { accounts }: SetupDependencies,
): void {
  getPage('/setup', async ({ frame, query }) =>
    setupPage(frame, {
      token: truncateToken(query.get('token')),
      name: '',
      email: '',
      problems: noProblems,
    }),
  );

  postForm('/setup', async ({ frame, form, requestOrigin, startSession }) => {
    const [token, name, email] = [
      truncateToken(form.get('token')),
      form.get('name') ?? '',
      form.get('email') ?? '',
    ];
    const answer = await accounts.setUp(
      token,
      { name, email, password: form.get('password') ?? '' },
      requestOrigin,
    );
    if (answer.ok) {
      await startSession(answer.value);
      return { to: '/?done=set-up' };
    }
    const problems = accountProblems(frame.words, answer.refusal, controls);
    return { status: 400, page: setupPage(frame, { token, name, email, problems }) };
  });
}
