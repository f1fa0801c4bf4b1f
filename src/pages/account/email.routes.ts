import type { Accounts } from '#accounts/accounts.ts';
import type { PageRouter } from '../page.ts';
import { type AccountViewDependencies, showRefusedAccountForm } from './account.view.ts';
import { confirmEmailPage } from './email-confirmation.template.ts';
import { linkGone, truncateToken } from './mailed-link.ts';

export interface EmailDependencies extends AccountViewDependencies {
  readonly accounts: AccountViewDependencies['accounts'] &
    Pick<Accounts, 'requestEmailChange' | 'emailLinkAddress' | 'confirmEmail'>;
}

/** Another e-mail address: a link is mailed to it, and what it opens confirms it. */
export function emailRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: EmailDependencies,
): void {
  const { accounts } = dependencies;

  postForm(
    '/account/email',
    async (call) => {
      const { form, user, frame, requestOrigin } = call;
      const email = form.get('email') ?? '';
      const answer = await accounts.requestEmailChange(
        user,
        email,
        form.get('email-password') ?? '',
        frame.words.language,
        requestOrigin,
      );
      if (answer.ok) return { to: '/account?done=email-sent' };
      const { refusal } = answer;
      if (refusal.kind === 'no-mail' || refusal.kind === 'closed')
        return { status: 503, note: 'no-mail' };
      const controls = { email: 'email', 'wrong-password': 'email-password' };
      return showRefusedAccountForm(dependencies, call, refusal, controls, { email });
    },
    'signed-in',
  );

  getPage(
    '/account/email/confirm',
    async ({ frame, user, query }) => {
      const token = truncateToken(query.get('token'));
      const address = await accounts.emailLinkAddress(user.id, token);
      if (address === undefined) return linkGone;
      return confirmEmailPage(frame, { token, name: user.name, address });
    },
    'signed-in',
  );
  postForm(
    '/account/email/confirm',
    async ({ user, form }) => {
      const answer = await accounts.confirmEmail(user, form.get('token') ?? '');
      return answer.ok ? { to: '/account?done=email-confirmed' } : linkGone;
    },
    'signed-in',
  );
}
