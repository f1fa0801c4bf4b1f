import type { Accounts } from '#accounts/accounts.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import { findPendingApp, type PendingAppDependencies } from './pending-app.ts';
import type { SignInView } from './sign-in.template.ts';

export interface SignInViewDependencies extends PendingAppDependencies {
  readonly accounts: Pick<Accounts, 'selfService'>;
}

/** The sign-in page, as it is for somebody on this way. */
export const makeSignInView = async (
  dependencies: SignInViewDependencies,
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
  app: await findPendingApp(dependencies, view.returnto),
});
