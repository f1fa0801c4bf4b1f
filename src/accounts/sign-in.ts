import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { verifyPassword } from '#keys/passwords.ts';
import type { Account } from './account.ts';
import type { KnownDevices } from './devices.ts';
import { normalizeEmail, normalizeText } from './fields.ts';
import type { AccountRecords, PeopleRecords, Sessions } from './records.ts';
import type {
  FindSession,
  OpenedSession,
  OpenSession,
  RequestOrigin,
  SignedIn,
} from './sessions.ts';
import type { SignInGate } from './sign-in-gate.ts';
import { type Throttled, throttled, unlessBusy } from './throttle.ts';

/** Refusals of sign-in. The first does not tell whether the name exists. */
export type SignInRefusal =
  | { readonly kind: 'wrong-name-or-password' }
  | { readonly kind: 'blocked' }
  | Throttled;

export interface SignInService {
  /**
   * Checks a name, or a confirmed e-mail address, and the password, and opens a session with a
   * secret of its own.
   */
  signIn(
    name: string,
    password: string,
    from: RequestOrigin,
  ): Promise<Result<SignedIn, SignInRefusal>>;
  /** True when what somebody typed to sign in with names this person. */
  isSignInNameOf(account: Account, typed: string): Promise<boolean>;
  /** The person behind a session cookie; undefined when signed out, expired, blocked or gone. */
  sessionOf(secret: string): Promise<OpenedSession | undefined>;
  signOut(secret: string): Promise<void>;
  /**
   * What a browser keeps after this person signed in: it lets them try again while strangers who
   * tried their name have to wait.
   */
  rememberDevice(cookie: string | undefined, account: Account): string;
}

/** Sign-in by password. */
export function makeSignIn(deps: {
  readonly records: AccountRecords & Pick<PeopleRecords, 'findAccountsByEmail'>;
  readonly sessions: Sessions;
  readonly gate: SignInGate;
  readonly knownDevices: KnownDevices;
  readonly openSession: OpenSession;
  readonly findSession: FindSession;
}): SignInService {
  const { records, sessions, gate, knownDevices, openSession, findSession } = deps;

  /**
   * The account of that name, or the one account whose confirmed address it is; a name comes first,
   * and of several accounts it is none.
   */
  async function findByNameOrEmail(identifier: string) {
    const accountByName = await records.findPassword(identifier);
    if (accountByName !== undefined || !identifier.includes('@')) return accountByName;
    const [only, ...others] = await records.findAccountsByEmail(normalizeEmail(identifier), 2);
    return only === undefined || others.length > 0 ? undefined : records.findPassword(only.name);
  }

  return {
    async signIn(name, password, from) {
      const identifier = normalizeText(name);
      const found =
        identifier.length > 255 || password.length > 512
          ? undefined
          : await findByNameOrEmail(identifier);
      // Counted before the password is checked, and judged by the count itself, so that many tries
      // at once do not slip through together. As it was typed: a count that name and address share
      // would tell strangers that they are one account's.
      const countedName = identifier.includes('@') ? normalizeEmail(identifier) : identifier;
      const wait = await gate.requiredDelay(countedName, from, found?.account.id);
      if (wait !== undefined) return throttled(wait);
      const passwordMatches = await unlessBusy(
        verifyPassword(password.slice(0, 512), found?.passwordHash ?? null),
      );
      if (passwordMatches === undefined) return throttled(seconds(5));
      if (found === undefined || !passwordMatches) {
        await gate.recordFailure(from);
        return refuse({ kind: 'wrong-name-or-password' });
      }
      await gate.recordSuccess(countedName, from, found.account.id);
      if (found.account.blocked) return refuse({ kind: 'blocked' });
      return accept(await openSession(found.account, from, 'password'));
    },
    isSignInNameOf: async (account, typed) =>
      typed.length <= 255 &&
      (await findByNameOrEmail(normalizeText(typed)))?.account.id === account.id,
    async sessionOf(secret) {
      const session = await findSession(secret);
      const account = session && (await records.findAccount(session.userId as UserId));
      return session === undefined || account === undefined || account.blocked
        ? undefined
        : { account, proof: session.proof ?? null };
    },
    rememberDevice: (cookie, account) => knownDevices.rememberUser(cookie, account.id),
    signOut: (secret) => sessions.endSession(digestOf(secret)),
  };
}
