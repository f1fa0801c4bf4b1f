import type { Mint } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import type { Entropy } from '#platform/random.ts';
import type { Mail } from '#platform/smtp.ts';
import { type Administration, makeAdministration } from './administration.ts';
import { makeDevices } from './devices.ts';
import { makeLetterBudget } from './email-budget.ts';
import { type LinkVerbs, makeLinks } from './email-links.ts';
import { type LetterWords, makePostOffice } from './emails.ts';
import { makePasskeys, type PasskeyVerbs } from './passkeys.ts';
import { makePasswordCheck, makeProfile, type ProfileVerbs } from './profile.ts';
import { makeProving, type ProvingVerbs } from './proving.ts';
import type {
  AccountRecords,
  AccountTokens,
  Limits,
  Passkeys,
  PeopleRecords,
  Sessions,
} from './records.ts';
import type { RightsTable } from './rights.ts';
import { makeFindSession, makeOpenSession, type SessionSettings } from './sessions.ts';
import { makeSignIn, type SignInVerbs } from './sign-in.ts';
import { makeSignInGate } from './sign-in-gate.ts';
import { makePacing, makeThrottle } from './throttle.ts';

/** Everything about people that the pages and the command line do. */
export interface Accounts
  extends SignInVerbs,
    LinkVerbs,
    ProfileVerbs,
    PasskeyVerbs,
    ProvingVerbs,
    Administration {}

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
    /** Several accounts may have one confirmed address. */
    readonly sharedAddresses: boolean;
  } & SessionSettings;
  /**
   * Key of the cookies that tell known browsers; left out: a new one, so that none is known after a
   * start.
   */
  readonly deviceKey?: () => Uint8Array;
}

/** A key of chance, drawn when it is first asked for. */
function keptKey(entropy: Entropy): () => Uint8Array {
  let key: Uint8Array | undefined;
  return () => {
    key ??= entropy.bytes(32);
    return key;
  };
}

/** Builds the verbs of the room. */
export function makeAccounts(parts: AccountParts): Accounts {
  const { issuer } = parts.settings;
  const throttle = makeThrottle(parts);
  const openSession = makeOpenSession(parts);
  const pacing = makePacing(parts);
  const devices = makeDevices(parts.deviceKey ?? keptKey(parts.entropy), parts);
  const gate = makeSignInGate({ ...parts, devices });
  const checkPassword = makePasswordCheck({ ...parts, throttle });
  const budget = makeLetterBudget(parts);
  const post = makePostOffice({ ...parts, issuer, budget });
  const shared = {
    ...parts,
    throttle,
    pacing,
    devices,
    gate,
    openSession,
    findSession: makeFindSession(parts),
    checkPassword,
    post,
    budget,
  };
  const passkeys = makePasskeys(shared);
  const proving = makeProving({ ...shared, passkeys });
  return {
    ...makeSignIn(shared),
    ...makeLinks(shared),
    ...makeProfile(shared),
    ...passkeys,
    ...proving,
    ...makeAdministration(shared),
  };
}
