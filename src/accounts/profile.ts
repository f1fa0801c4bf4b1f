import type { Digest, UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { seconds } from '#kernel/time.ts';
import { verifyPassword } from '#keys/passwords.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { Account } from './account.ts';
import type { PostOffice } from './emails.ts';
import { fieldProblem, type InvalidField, tidy, withPassword } from './fields.ts';
import type { AccountRecords, Limits, PeopleRecords, Session, Sessions } from './records.ts';
import type { From, OpenSession, SignedIn } from './sessions.ts';
import {
  hashUnlessBusy,
  type Throttle,
  type Throttled,
  throttled,
  unlessBusy,
  WINDOW,
} from './throttle.ts';

export type WrongPassword = { readonly kind: 'wrong-password' };

/** Asks a person who is signed in for their password once more. Answers its hash. */
export type PasswordCheck = (
  account: Account,
  password: string,
) => Promise<Result<string, WrongPassword | Throttled>>;

/** What people do with their own accounts. */
export interface ProfileVerbs {
  /**
   * Asks for the current password, ends every session, and opens one with a secret of its own.
   * Links to set another end.
   */
  changePassword(
    account: Account,
    given: { readonly current: string; readonly next: string },
    from: From,
  ): Promise<Result<SignedIn, WrongPassword | InvalidField | Throttled>>;
  changeProfile(
    account: Account,
    given: Pick<Account, 'realName' | 'language'>,
  ): Promise<Result<'saved', InvalidField>>;
  sessionsOf(account: Account): Promise<readonly Session[]>;
  /** Ends one of the person's own sessions. */
  endSession(account: Account, digest: string): Promise<'ended' | 'unknown'>;
  signOutEverywhere(account: Account): Promise<void>;
  /** Blocks a person, whose sessions end, or lets them come back. */
  setBlocked(id: UserId, blocked: boolean): Promise<'set' | 'unknown'>;
}

const TRIES = 5;

/**
 * Counted for each person, apart from their sign-ins: a stolen session must not find out a
 * password, nor keep its person out.
 */
export const makePasswordCheck =
  ({
    records,
    limits,
    throttle,
  }: {
    readonly records: AccountRecords;
    readonly limits: Limits;
    readonly throttle: Throttle;
  }): PasswordCheck =>
  async (account, password) => {
    const key = `own password ${account.id}`;
    if (await throttle(key, TRIES, WINDOW)) return throttled(WINDOW);
    const passwordHash = (await records.findPassword(account.name))?.passwordHash ?? null;
    const right = await unlessBusy(verifyPassword(password.slice(0, 512), passwordHash));
    if (right === undefined) return throttled(seconds(5));
    if (passwordHash === null || !right || password.length > 512)
      return refuse({ kind: 'wrong-password' });
    await limits.clear(key);
    return accept(passwordHash);
  };

/** Everything people do with their own accounts. */
export function makeProfile(deps: {
  readonly records: AccountRecords & PeopleRecords;
  readonly sessions: Sessions;
  readonly openSession: OpenSession;
  readonly checkPassword: PasswordCheck;
  readonly post: PostOffice;
  readonly clock: Clock;
  readonly entropy: Entropy;
}): ProfileVerbs {
  const { records, sessions, openSession, checkPassword, post, clock, entropy } = deps;
  return {
    async changePassword(account, { current, next }, from) {
      const problem = fieldProblem({ password: next });
      const before = await checkPassword(account, current);
      if (problem) return refuse(withPassword(problem, before));
      if (!before.ok) return before;
      const passwordHash = await hashUnlessBusy(next, entropy);
      if (passwordHash === undefined) return throttled(seconds(5));
      if ((await records.setPassword(account.id, passwordHash, before.value)) !== 'set')
        return refuse({ kind: 'wrong-password' });
      await sessions.endSessionsOf(account.id);
      if (account.email !== null && account.emailConfirmedAt !== null)
        post.send(account.email, account.language, {
          kind: 'password-changed',
          name: account.name,
        });
      return accept(await openSession(account, from, 'password'));
    },
    async changeProfile(account, given) {
      const realName = tidy(given.realName);
      const problem = fieldProblem({ realName });
      if (problem) return refuse(problem);
      await records.setProfile(account.id, { realName, language: given.language });
      return accept('saved');
    },
    sessionsOf: (account) => sessions.listSessions(account.id, clock.now()),
    async endSession(account, digest) {
      const own = (await sessions.listSessions(account.id, clock.now())).find(
        (session) => session.digest === digest,
      );
      if (own === undefined) return 'unknown';
      await sessions.endSession(own.digest as Digest);
      return 'ended';
    },
    signOutEverywhere: (account) => sessions.endSessionsOf(account.id),
    async setBlocked(id, blocked) {
      const answer = await records.setBlocked(id, blocked);
      if (blocked) await sessions.endSessionsOf(id);
      return answer;
    },
  };
}
