import type { Accounts } from '#accounts/accounts.ts';
import { digestOf } from '#keys/digest.ts';
import type { Registry } from '#registry/registry.ts';
import { type FormProblem, noProblems } from '../form-problems.ts';
import type { PageResponse, SignedInCall } from '../page.ts';
import { type AccountView, accountPage } from './account.template.ts';
import { type AccountProblem, accountProblems, refusalStatus } from './account-problems.ts';

export interface AccountViewDependencies {
  readonly accounts: Pick<Accounts, 'selfService' | 'sessionsOf' | 'passkeysOf'>;
  readonly registry: Pick<Registry, 'invitationsDeclined'>;
}

/** What was typed into a form of the page that was refused. */
interface AccountDrafts {
  readonly realName?: string;
  readonly language?: string | null;
  readonly email?: string;
  readonly problems?: readonly FormProblem[];
}

/** The page of a person's own account. */
export async function makeAccountView(
  { accounts, registry }: AccountViewDependencies,
  { user, visitor }: SignedInCall,
  drafts: AccountDrafts = {},
): Promise<AccountView> {
  const [sessions, passkeys, invitationsDeclined] = await Promise.all([
    accounts.sessionsOf(user),
    accounts.passkeysOf(user),
    registry.invitationsDeclined(user.id),
  ]);
  const currentSession = digestOf(visitor.secret);
  const isConfirmed = user.emailConfirmedAt !== null;
  return {
    name: user.name,
    memberSince: user.createdAt,
    groups: user.groups,
    realName: drafts.realName ?? user.realName,
    language: drafts.language === undefined ? user.language : drafts.language,
    email: user.email,
    emailConfirmed: isConfirmed,
    emailDraft: drafts.email ?? (isConfirmed ? '' : (user.email ?? '')),
    invitationsDeclined,
    mailEnabled: accounts.selfService.email,
    sessions: sessions.map(({ digest, agent, address, createdAt }) => ({
      id: digest,
      userAgent: agent,
      address,
      signedInAt: createdAt,
      isCurrent: digest === currentSession,
    })),
    passkeyCount: passkeys.length,
    problems: drafts.problems ?? noProblems,
  };
}

/** The same page, after one of its forms was refused. `controls`: by what is refused. */
export async function showRefusedAccountForm(
  dependencies: AccountViewDependencies,
  call: SignedInCall,
  refusal: AccountProblem,
  controls: Readonly<Record<string, string>>,
  drafts: AccountDrafts = {},
): Promise<PageResponse> {
  const problems = accountProblems(call.frame.words, refusal, controls);
  return {
    status: refusalStatus(call.reply, refusal),
    page: accountPage(
      call.frame,
      await makeAccountView(dependencies, call, { ...drafts, problems }),
    ),
  };
}
