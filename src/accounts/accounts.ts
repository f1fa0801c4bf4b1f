import type { IdGenerator } from '#keys/id-generator.ts';
import type { SecretBox } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import type { Entropy } from '#platform/random.ts';
import { type AccountCreationService, makeAccountCreation } from './account-creation.ts';
import { type AccountAdministration, makeAccountAdministration } from './administration.ts';
import { makeKnownDevices } from './devices.ts';
import { makeEmailBudget } from './email-budget.ts';
import { type EmailChangeService, makeEmailChange } from './email-change.ts';
import { makeLinkRequestLimits, makeLinks } from './email-links.ts';
import { makeMailer } from './mailer.ts';
import type { Passkeys } from './passkey-records.ts';
import { makePasskeys, type PasskeyService } from './passkeys.ts';
import { makePasswordReset, type PasswordResetService } from './password-reset.ts';
import { makePasswordCheck, makeProfile, type ProfileService } from './profile.ts';
import { makeReauthentication, type ReauthenticationService } from './proving.ts';
import { type AccountQueries, makeAccountQueries } from './queries.ts';
import type {
  AccountEmailOutbox,
  AccountRecords,
  AccountTokens,
  PeopleRecords,
  RateCounters,
  Sessions,
} from './records.ts';
import { makeRegistration, type RegistrationService } from './registration.ts';
import type { RightsTable } from './rights.ts';
import { makeFindSession, makeOpenSession, type SessionSettings } from './sessions.ts';
import { makeSignIn, type SignInService } from './sign-in.ts';
import { makeSignInGate } from './sign-in-gate.ts';
import { makePacer, makeThrottle } from './throttle.ts';

/** Everything about people that the pages and the command line do. */
export interface Accounts
  extends SignInService,
    AccountCreationService,
    RegistrationService,
    PasswordResetService,
    EmailChangeService,
    ProfileService,
    PasskeyService,
    ReauthenticationService,
    AccountAdministration,
    AccountQueries {
  /** What can be done here without the operator. */
  readonly selfService: { readonly registration: boolean; readonly email: boolean };
  /**
   * When every email that was asked for is written to the outbox, and its first delivery was tried.
   */
  whenEmailsSent(): Promise<void>;
}

/** What the accounts room needs. */
export interface AccountParts {
  readonly records: AccountRecords & PeopleRecords & AccountTokens & AccountEmailOutbox & Passkeys;
  readonly sessions: Sessions;
  readonly limits: RateCounters;
  readonly rights: RightsTable;
  /** Rights without which somebody's approval of an app does not count. */
  readonly reviewRights: readonly string[];
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /**
   * False: no mail server is configured, and what goes by a mailed link is the operator's to do.
   */
  readonly emailEnabled: boolean;
  /** Carries out of the outbox what is due. */
  readonly deliverEmails: () => Promise<unknown>;
  readonly secretBox: SecretBox;
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
function lazyRandomKey(entropy: Entropy): () => Uint8Array {
  let key: Uint8Array | undefined;
  return () => {
    key ??= entropy.bytes(32);
    return key;
  };
}

/** Builds the verbs of the room. */
export function makeAccounts(parts: AccountParts): Accounts {
  const throttle = makeThrottle(parts);
  const openSession = makeOpenSession(parts);
  const pacer = makePacer(parts);
  const knownDevices = makeKnownDevices(parts.deviceKey ?? lazyRandomKey(parts.entropy), parts);
  const gate = makeSignInGate({ ...parts, knownDevices });
  const checkPassword = makePasswordCheck({ ...parts, throttle });
  const emailBudget = makeEmailBudget(parts);
  const mailer = makeMailer({
    ...parts,
    emailBudget,
    isConfigured: parts.emailEnabled,
    deliver: parts.deliverEmails,
  });
  const shared = {
    ...parts,
    throttle,
    pacer,
    knownDevices,
    gate,
    openSession,
    findSession: makeFindSession(parts),
    checkPassword,
    mailer,
    links: makeLinks(parts),
    linkLimits: makeLinkRequestLimits({ throttle, pacer, emailBudget }),
  };
  const passkeys = makePasskeys(shared);
  const reauthentication = makeReauthentication({ ...shared, passkeys });
  return {
    ...makeSignIn(shared),
    ...makeAccountCreation(shared),
    ...makeRegistration(shared),
    ...makePasswordReset(shared),
    ...makeEmailChange(shared),
    ...makeProfile(shared),
    ...passkeys,
    ...reauthentication,
    ...makeAccountAdministration(shared),
    ...makeAccountQueries(parts.records),
    selfService: {
      registration: parts.settings.registration === 'open',
      email: mailer.isConfigured,
    },
    whenEmailsSent: () => mailer.whenIdle(),
  };
}
