import type { Accounts } from '#accounts/accounts.ts';
import type { Registry } from '#registry/registry.ts';
import type { PageRouter } from '../page.ts';
import { languageOf } from '../words.ts';
import { accountPage } from './account.template.ts';
import {
  type AccountViewDependencies,
  makeAccountView,
  showRefusedAccountForm,
} from './account.view.ts';

export interface AccountDependencies extends AccountViewDependencies {
  readonly accounts: AccountViewDependencies['accounts'] &
    Pick<Accounts, 'changeProfile' | 'changePassword' | 'endSession' | 'signOutEverywhere'>;
  readonly registry: AccountViewDependencies['registry'] & Pick<Registry, 'setInvitationsDeclined'>;
}

/** A person's own account: profile, password, sessions. */
export function accountRoutes(
  { getPage, postForm }: PageRouter,
  dependencies: AccountDependencies,
): void {
  const { accounts, registry } = dependencies;

  getPage(
    '/account',
    async (call) => accountPage(call.frame, await makeAccountView(dependencies, call)),
    'signed-in',
  );

  postForm(
    '/account/profile',
    async (call) => {
      const { form, user, actor } = call;
      const input = {
        realName: form.get('real-name') ?? '',
        language: languageOf(form.get('language')) ?? null,
      };
      const answer = await accounts.changeProfile(user, input);
      if (!answer.ok) {
        const controls = { 'real-name': 'real-name' };
        return showRefusedAccountForm(dependencies, call, answer.refusal, controls, input);
      }
      await registry.setInvitationsDeclined(actor, form.get('no-invitations') !== undefined);
      return { to: '/account?done=saved' };
    },
    'signed-in',
  );

  postForm(
    '/account/password',
    async (call) => {
      const { form, user, requestOrigin } = call;
      const input = {
        current: form.get('current-password') ?? '',
        next: form.get('new-password') ?? '',
      };
      const answer = await accounts.changePassword(user, input, requestOrigin);
      if (!answer.ok)
        return showRefusedAccountForm(dependencies, call, answer.refusal, {
          password: 'new-password',
          'wrong-password': 'current-password',
        });
      await call.startSession(answer.value);
      return { to: '/account?done=saved' };
    },
    'signed-in',
  );
  sessionRoutes(postForm, dependencies);
}

/** Ends sessions of the person: one of them, or all. */
function sessionRoutes(
  postForm: PageRouter['postForm'],
  { accounts }: Pick<AccountDependencies, 'accounts'>,
): void {
  postForm(
    '/account/sessions/end',
    async ({ user, form }) => {
      await accounts.endSession(user, form.get('session') ?? '');
      return { to: '/account?done=session-ended' };
    },
    'signed-in',
  );
  postForm(
    '/account/sessions/end-all',
    async ({ user, clearSession }) => {
      await accounts.signOutEverywhere(user);
      clearSession();
      return { to: '/sign-in?done=everywhere' };
    },
    'signed-in',
  );
}
