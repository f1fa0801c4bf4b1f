import type { Accounts } from '#accounts/accounts.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import type { PageCall } from '../page.ts';
import { findPendingApp, type PendingAppDependencies } from './pending-app.ts';
import type { SignInView } from './sign-in.template.ts';

export interface SignInViewDependencies extends PendingAppDependencies {
  readonly accounts: Pick<Accounts, 'selfService'>;
}

/** Makes the view of the sign-in page for somebody who goes on to `returnto` afterwards. */
export const makeSignInView = async (
  dependencies: SignInViewDependencies,
  { actor }: Pick<PageCall, 'actor'>,
  view: {
    readonly returnto: string;
    readonly name?: string;
    readonly problems?: readonly FormProblem[];
  },
): Promise<SignInView> => ({
  name: '',
  problems: noProblems,
  ...view,
  registrationOpen: dependencies.accounts.selfService.registration,
  app: await findPendingApp(dependencies, actor, view.returnto),
});
