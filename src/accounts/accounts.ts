import type { Mint } from '#keys/mint.ts';
import type { Clock } from '#ports/clock.ts';
import type { Entropy } from '#ports/entropy.ts';
import type { Log } from '#ports/log.ts';
import type { Mail } from '#ports/mail.ts';
import { type Administration, makeAdministration } from './administration.ts';
import { type LetterWords, makePostOffice } from './letters.ts';
import { type LinkVerbs, makeLinks } from './links.ts';
import { makePasskeys, type PasskeyVerbs } from './passkeys.ts';
import { makePasswordCheck, makeProfile, type ProfileVerbs } from './profile.ts';
import type { AccountRecords, AccountTokens, Limits, Passkeys, PeopleRecords, Sessions } from './records.ts';
import type { RightsTable } from './rights.ts';
import { makeOpenSession } from './sessions.ts';
import { makeSignIn, type SignInVerbs } from './sign-in.ts';
import { makeThrottle } from './throttle.ts';

/** Everything about people that the pages and the command line do. */
export interface Accounts extends SignInVerbs, LinkVerbs, ProfileVerbs, PasskeyVerbs, Administration {}

/** What the accounts room needs. */
export interface AccountParts {
  readonly records: AccountRecords & PeopleRecords & AccountTokens & Passkeys;
  readonly sessions: Sessions;
  readonly limits: Limits;
  readonly rights: RightsTable;
  readonly mint: Mint;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Null: no mail server is configured, and what goes by a mailed link is the operator's to do. */
  readonly mail: Mail | null;
  readonly words: LetterWords;
  readonly settings: {
    readonly issuer: string;
    readonly origin: string;
    readonly siteName: string;
    /** Whether people may make accounts by themselves. */
    readonly registration: 'open' | 'closed';
  };
}

/** Builds the verbs of the room. */
export function makeAccounts(parts: AccountParts): Accounts {
  const { issuer } = parts.settings;
  const throttle = makeThrottle(parts);
  const openSession = makeOpenSession(parts);
  const checkPassword = makePasswordCheck({ ...parts, throttle });
  const post = makePostOffice({ ...parts, issuer });
  const shared = { ...parts, throttle, openSession, checkPassword, post };
  return { ...makeSignIn(shared), ...makeLinks(shared), ...makeProfile(shared), ...makePasskeys(shared), ...makeAdministration(shared) };
}
