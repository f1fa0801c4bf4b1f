import type { Digest } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { seconds } from '#kernel/time.ts';
import { verifyPassword } from '#keys/passwords.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { Account } from './account.ts';
import { fieldProblem, type InvalidField, normalizeText, withPasswordProblem } from './fields.ts';
import type { Mailer } from './mailer.ts';
import type { AccountRecords, PeopleRecords, RateCounters, Session, Sessions } from './records.ts';
import type { OpenSession, RequestOrigin, SignedIn } from './sessions.ts';
import {
  hashUnlessBusy,
  THROTTLE_WINDOW,
  type Throttle,
  type Throttled,
  throttled,
  unlessBusy,
} from './throttle.ts';

export type WrongPassword = { readonly kind: 'wrong-password' };

/** Asks a person who is signed in for their password once more. Answers its hash. */
export type PasswordCheck = (
  account: Account,
  password: string,
) => Promise<Result<string, WrongPassword | Throttled>>;

/** What people do with their own accounts. */
export interface ProfileService {
  /**
   * Asks for the current password, ends every session, and opens one with a secret of its own.
   * Links to set another end.
   */
  changePassword(
    account: Account,
    given: { readonly current: string; readonly next: string },
    from: RequestOrigin,
  ): Promise<Result<SignedIn, WrongPassword | InvalidField | Throttled>>;
  changeProfile(
    account: Account,
    given: Pick<Account, 'realName' | 'language'>,
  ): Promise<Result<'saved', InvalidField>>;
  sessionsOf(account: Account): Promise<readonly Session[]>;
  /** Ends one of the person's own sessions. */
  endSession(account: Account, digest: string): Promise<'ended' | 'unknown'>;
  signOutEverywhere(account: Account): Promise<void>;
}

const MAX_TRIES = 5;

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
    readonly limits: RateCounters;
    readonly throttle: Throttle;
  }): PasswordCheck =>
  async (account, password) => {
    const key = `own password ${account.id}`;
    if (await throttle(key, MAX_TRIES, THROTTLE_WINDOW)) return throttled(THROTTLE_WINDOW);
    const passwordHash = (await records.findPassword(account.name))?.passwordHash ?? null;
    const passwordMatches = await unlessBusy(verifyPassword(password.slice(0, 512), passwordHash));
    if (passwordMatches === undefined) return throttled(seconds(5));
    if (passwordHash === null || !passwordMatches || password.length > 512)
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
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly entropy: Entropy;
}): ProfileService {
  const { records, sessions, openSession, checkPassword, mailer, clock, entropy } = deps;
  return {
    async changePassword(account, { current, next }, from) {
      const problem = fieldProblem({ password: next });
      const currentPassword = await checkPassword(account, current);
      if (problem) return refuse(withPasswordProblem(problem, currentPassword));
      if (!currentPassword.ok) return currentPassword;
      const passwordHash = await hashUnlessBusy(next, entropy);
      if (passwordHash === undefined) return throttled(seconds(5));
      const email = await mailer.prepareChange(account, 'password-changed');
      const previousHash = currentPassword.value;
      if ((await records.setPassword(account.id, passwordHash, previousHash, email)) !== 'set')
        return refuse({ kind: 'wrong-password' });
      mailer.deliverSoon(email);
      await sessions.endSessionsOf(account.id);
      return accept(await openSession(account, from, 'password'));
    },
    async changeProfile(account, given) {
      const realName = normalizeText(given.realName);
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
  };
}
