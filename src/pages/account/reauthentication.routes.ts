import type { Accounts } from '#accounts/accounts.ts';
import { safeLocalPath } from '#http/redirects.ts';
import type { Clock } from '#platform/clock.ts';
import { isRecentProof } from '#registry/actions/authority.ts';
import { noProblems } from '../form-problems.ts';
import type { PageRouter } from '../page.ts';
import { sendPasskeyOptions } from './passkey-options.ts';
import { reauthenticatePage } from './reauthentication.template.ts';

export interface ReauthenticationDependencies {
  readonly accounts: Pick<Accounts, 'passkeysOf' | 'signInOptions'>;
  readonly clock: Clock;
}

/** A page of its own on which people prove once more who they are (ADR 17). */
export function reauthenticationRoutes(
  { getPage, postForm }: PageRouter,
  { accounts, clock }: ReauthenticationDependencies,
): void {
  getPage(
    '/account/prove',
    async ({ frame, user, query }) =>
      reauthenticatePage(frame, {
        action: '/account/prove',
        fields: [['returnto', safeLocalPath(query.get('returnto'))]],
        hasPendingForm: false,
        passkeys: (await accounts.passkeysOf(user)).length > 0,
        problems: noProblems,
      }),
    'signed-in',
  );
  // The proof itself is taken from every form, before it is served.
  postForm(
    '/account/prove',
    async ({ visitor, form }) =>
      isRecentProof(visitor.proof, clock.now())
        ? { to: safeLocalPath(form.get('returnto')) }
        : { reauthenticate: true },
    'signed-in',
  );
  postForm(
    '/account/prove/options',
    async (call) => sendPasskeyOptions(call, await accounts.signInOptions(call.requestOrigin)),
    'signed-in',
  );
}
