import { createHmac } from 'node:crypto';
import type { Digest, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Instant, later, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf, equalSecrets } from '#keys/digest.ts';
import type { Mint } from '#keys/mint.ts';
import { hashPassword, PasswordsBusy, verifyPassword } from '#keys/passwords.ts';
import type { Clock } from '#ports/clock.ts';
import type { Entropy } from '#ports/entropy.ts';
import type { Account } from './account.ts';
import type { AccountRecords, Limits, NewAccount, Sessions } from './records.ts';
import type { RightsTable } from './rights.ts';

/** Ways sign-in says no. The first does not tell whether the name exists. */
export type SignInRefusal =
  | { readonly kind: 'wrong-name-or-password' }
  | { readonly kind: 'blocked' }
  | { readonly kind: 'throttled'; readonly retryAfter: Seconds };

/** Ways the making of an account says no. */
export type AccountRefusal =
  | { readonly kind: 'invalid-field'; readonly field: 'name' | 'email' | 'real-name' | 'password' | 'group'; readonly problem: string }
  | { readonly kind: 'name-taken' }
  | { readonly kind: 'link-used' };

export interface AccountProposal {
  readonly name: string;
  readonly email: string | null;
  readonly emailConfirmed: boolean;
  readonly realName: string;
  readonly groups: readonly string[];
  readonly password: string;
}

export interface SignedIn {
  readonly account: Account;
  /** What the cookie holds. */
  readonly sessionSecret: string;
  readonly expiresAt: Instant;
}

export interface SignInVerbs {
  /** Checks name and password and opens a session with a secret of its own. */
  signIn(name: string, password: string, address: string): Promise<Result<SignedIn, SignInRefusal>>;
  /** The person behind a session cookie; undefined when signed out, expired, blocked or gone. */
  sessionOf(secret: string): Promise<Account | undefined>;
  signOut(secret: string): Promise<void>;
  createAccount(proposal: AccountProposal): Promise<Result<Account, AccountRefusal>>;
  /** Makes the one-time set-up secret, in place of any earlier one. */
  issueSetupSecret(): Promise<string>;
  /** Spends the set-up secret, creates the first administrator and signs in. */
  setUp(secret: string, proposal: Pick<AccountProposal, 'name' | 'email' | 'password'>): Promise<Result<SignedIn, AccountRefusal>>;
}

const SESSION_FOR = seconds(14 * 86_400);
const WINDOW = seconds(15 * 60);
const FAILURES_PER_NAME = 5;
const FAILURES_PER_ADDRESS = 50;

/** Proof in a form that it came from a page of ours: derived from the session's secret, so nothing is stored. */
export const csrfToken = (sessionSecret: string): string => createHmac('sha256', sessionSecret).update('form').digest('base64url');

/** Checks that proof in constant time. */
export const csrfHolds = (sessionSecret: string, sent: string): boolean => equalSecrets(csrfToken(sessionSecret), sent);

/** Controls, line and paragraph separators, and characters that turn the direction of text: a name with them could pass for another. */
const deceptive = /[\p{Cc}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;

/** What is wrong with a proposed account; undefined: nothing. Sizes are UTF-8 bytes. */
function problemOf(proposal: AccountProposal, rights: RightsTable): AccountRefusal | undefined {
  const bytes = (text: string) => Buffer.byteLength(text);
  const invalid = (field: 'name' | 'email' | 'real-name' | 'password' | 'group', problem: string) =>
    ({ kind: 'invalid-field', field, problem }) as const;
  const { name, email, realName, password } = proposal;
  if (name === '' || bytes(name) > 255) return invalid('name', '1 to 255 bytes');
  if (deceptive.test(name)) return invalid('name', 'characters that cannot be seen');
  if (email !== null && (bytes(email) > 255 || !/^[^\s@<>"']+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(email)))
    return invalid('email', 'not an address');
  if (bytes(realName) > 255 || deceptive.test(realName)) return invalid('real-name', 'too long or unseen characters');
  if (password.length < 8 || bytes(password) > 512) return invalid('password', '8 characters to 512 bytes');
  const group = proposal.groups.find((candidate) => !rights.hasGroup(candidate));
  return group === undefined ? undefined : invalid('group', `${group} is not known`);
}

/** Everything about people that the pages and the command line do. */
export function makeAccounts(deps: {
  readonly records: AccountRecords;
  readonly sessions: Sessions;
  readonly limits: Limits;
  readonly rights: RightsTable;
  readonly mint: Mint;
  readonly clock: Clock;
  readonly entropy: Entropy;
}): SignInVerbs {
  const { records, sessions, limits, rights, mint, clock, entropy } = deps;

  async function openSession(account: Account): Promise<SignedIn> {
    const now = clock.now();
    const sessionSecret = mint.secret();
    const expiresAt = later(now, SESSION_FOR);
    await sessions.saveSession({ digest: digestOf(sessionSecret), userId: account.id, createdAt: now, expiresAt });
    return { account, sessionSecret, expiresAt };
  }

  async function prepare(proposal: AccountProposal): Promise<Result<NewAccount, AccountRefusal>> {
    const tidy = { ...proposal, name: proposal.name.normalize('NFC').trim(), realName: proposal.realName.normalize('NFC').trim() };
    const problem = problemOf(tidy, rights);
    if (problem) return refuse(problem);
    const createdAt = clock.now();
    return accept({
      name: tidy.name,
      email: tidy.email,
      emailConfirmedAt: tidy.email !== null && tidy.emailConfirmed ? createdAt : null,
      realName: tidy.realName,
      groups: tidy.groups,
      passwordHash: await hashPassword(tidy.password, entropy),
      createdAt,
    });
  }

  return {
    async signIn(name, password, address) {
      const now = clock.now();
      const own = name.normalize('NFC').trim();
      const throttled = refuse({ kind: 'throttled', retryAfter: WINDOW });
      const byName = `sign-in name ${digestOf(own.toLowerCase())}`;
      const byAddress = `sign-in address ${address}`;
      if ((await limits.count(byAddress, now)) >= FAILURES_PER_ADDRESS) return throttled;
      // Counted before the password is checked, and judged by the count itself, so that many tries at once do not slip through together.
      if ((await limits.hit(byName, now, later(now, WINDOW))) > FAILURES_PER_NAME) return throttled;
      const found = own.length > 255 || password.length > 512 ? undefined : await records.findPassword(own);
      let right: boolean;
      try {
        right = await verifyPassword(password.slice(0, 512), found?.passwordHash ?? null);
      } catch (fault) {
        if (fault instanceof PasswordsBusy) return refuse({ kind: 'throttled', retryAfter: seconds(5) });
        throw fault;
      }
      if (found === undefined || !right) {
        // Failures alone: many people may sign in from one address.
        await limits.hit(byAddress, now, later(now, WINDOW));
        return refuse({ kind: 'wrong-name-or-password' });
      }
      await limits.clear(byName);
      if (found.account.blocked) return refuse({ kind: 'blocked' });
      return accept(await openSession(found.account));
    },
    async sessionOf(secret) {
      if (secret.length > 100) return undefined;
      const session = await sessions.findSession(digestOf(secret), clock.now());
      const account = session && (await records.findAccount(session.userId as UserId));
      return account?.blocked ? undefined : account;
    },
    signOut: (secret) => sessions.endSession(digestOf(secret)),
    async createAccount(proposal) {
      const account = await prepare(proposal);
      if (!account.ok) return account;
      const answer = await records.createAccount(account.value);
      return answer.outcome === 'created' ? accept(answer.account) : refuse({ kind: 'name-taken' });
    },
    async issueSetupSecret() {
      const secret = mint.secret();
      await records.saveSetupSecret(digestOf(secret) as Digest);
      return secret;
    },
    async setUp(secret, proposal) {
      const digest = digestOf(secret.slice(0, 200));
      // Asked first, so that a stranger without the link cannot make the server hash passwords.
      if (!(await records.hasSetupSecret(digest))) return refuse({ kind: 'link-used' });
      const account = await prepare({
        ...proposal,
        emailConfirmed: true,
        realName: '',
        // The operator's own groups file may lack the last two.
        groups: ['administrator', ...['reviewer', 'developer'].filter(rights.hasGroup)],
      });
      if (!account.ok) return account;
      const answer = await records.redeemSetupSecret(digest, account.value);
      if (answer.outcome === 'created') return accept(await openSession(answer.account));
      return refuse({ kind: answer.outcome === 'name-taken' ? 'name-taken' : 'link-used' });
    },
  };
}
