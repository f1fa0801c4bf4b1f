import { confusableSkeleton } from '#encoding/confusables.ts';
import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { Account } from './account.ts';
import { DAY, type EmailBudget, type EmailKind } from './email-budget.ts';
import type { Mailer } from './emails.ts';
import {
  combineProblems,
  fieldProblem,
  fieldProblems,
  type InvalidField,
  normalizeEmail,
  normalizeText,
  withPasswordProblem,
} from './fields.ts';
import type { PasswordCheck } from './profile.ts';
import type {
  AccountRecords,
  AccountToken,
  AccountTokenKind,
  AccountTokens,
  PeopleRecords,
  Sessions,
} from './records.ts';
import type { OpenSession, RequestOrigin, SignedIn } from './sessions.ts';
import {
  HOUR,
  hashUnlessBusy,
  networkOf,
  type Pacer,
  THROTTLE_WINDOW,
  type Throttle,
  type Throttled,
  throttled,
} from './throttle.ts';

/** A link that was used, replaced, too old, somebody else's, or never ours. */
export interface InvalidLink {
  readonly kind: 'link-gone';
}

/** Why nothing can be mailed, or nobody can register. */
export type NotOffered = { readonly kind: 'no-mail' } | { readonly kind: 'closed' };

/** A person's choice for a new account. */
export interface Registration {
  readonly name: string;
  readonly realName: string;
  readonly password: string;
}

/**
 * What goes by a mailed link. Whoever asks for one gets the same answer whether or not there is
 * somebody to write to.
 */
export interface EmailLinkService {
  /** What can be done here without the operator. */
  readonly selfService: { readonly registration: boolean; readonly email: boolean };
  /**
   * Mails a link to register with; to somebody who has an account, a letter that says so. `onward`:
   * a path of ours under a handle, which the link leads on to in whichever browser it is opened;
   * never what a stranger wrote.
   */
  requestRegistration(
    email: string,
    language: string | null,
    from: RequestOrigin,
    returnPath?: string,
  ): Promise<Result<'asked', NotOffered | InvalidField | Throttled>>;
  /** The address a link to register was mailed to. */
  registrationEmail(secret: string): Promise<string | undefined>;
  /** Spends the link, creates the account with its address confirmed, and signs in. */
  register(
    secret: string,
    wanted: Registration,
    from: RequestOrigin,
  ): Promise<
    Result<SignedIn, InvalidLink | InvalidField | Throttled | { readonly kind: 'name-taken' }>
  >;
  /** Mails a link to set another password to whoever has this name, or this confirmed address. */
  requestPasswordReset(
    nameOrAddress: string,
    language: string | null,
    from: RequestOrigin,
    returnPath?: string,
  ): Promise<Result<'asked', NotOffered | Throttled>>;
  /** The same link, for the operator to hand over. Earlier ones of this person end. */
  issuePasswordLink(account: Account): Promise<string>;
  /** Whose password a link can set. */
  passwordLinkAccount(secret: string): Promise<Account | undefined>;
  /** Spends the link, sets the password, ends every session and signs in. */
  resetPassword(
    secret: string,
    password: string,
    from: RequestOrigin,
  ): Promise<Result<SignedIn, InvalidLink | InvalidField | Throttled>>;
  /** Mails a link to an address that shall become the person's. Asks for the password. */
  requestEmailChange(
    account: Account,
    email: string,
    password: string,
    language: string | null,
    from: RequestOrigin,
  ): Promise<
    Result<'asked', NotOffered | InvalidField | Throttled | { readonly kind: 'wrong-password' }>
  >;
  /** The address that a person's link would confirm. */
  emailLinkAddress(user: UserId, secret: string): Promise<string | undefined>;
  /** Spends the link of this person: whoever else opens it could not have asked for it. */
  confirmEmail(account: Account, secret: string): Promise<Result<string, InvalidLink>>;
  /** When every letter under way has left. */
  whenEmailsSent(): Promise<void>;
  /** How many letters have not left. */
  pendingEmailCount(): number;
}

const REQUESTS_PER_NETWORK = 20;
const REQUESTS_PER_TARGET = 3;
const TRIES_PER_LINK = 20;
const ACCOUNTS_PER_ADDRESS = 5;

/** A link that leads on to a path of ours afterwards. */
const withReturnPath = (link: string, returnPath: string | undefined): string =>
  returnPath === undefined
    ? link
    : `${link}${link.includes('?') ? '&' : '?'}returnto=${encodeURIComponent(returnPath)}`;

const invalidLink = refuse({ kind: 'link-gone' });
const serverBusy = throttled(seconds(5));

/** Everything that goes by a mailed link. */
export function makeEmailLinks(deps: {
  readonly records: AccountRecords & PeopleRecords & AccountTokens;
  readonly sessions: Sessions;
  readonly throttle: Throttle;
  readonly pacer: Pacer;
  readonly openSession: OpenSession;
  readonly checkPassword: PasswordCheck;
  readonly mailer: Mailer;
  readonly emailBudget: EmailBudget;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly settings: {
    readonly issuer: string;
    readonly siteName: string;
    readonly registration: 'open' | 'closed';
    /** Several accounts may have one confirmed address. */
    readonly sharedAddresses: boolean;
  };
}): EmailLinkService {
  const {
    records,
    sessions,
    throttle,
    pacer,
    openSession,
    checkPassword,
    mailer,
    emailBudget,
    idGenerator,
    clock,
    entropy,
    settings,
  } = deps;

  async function issueLink(
    kind: AccountTokenKind,
    userId: UserId | null,
    data: string,
    ttlSeconds: Seconds,
    path: string,
  ): Promise<string> {
    const secret = idGenerator.secret();
    await records.saveAccountToken({
      digest: digestOf(secret),
      kind,
      userId,
      data,
      expiresAt: addSeconds(clock.now(), ttlSeconds),
    });
    return `${settings.issuer}${path}?token=${secret}`;
  }
  const findToken = async (
    secret: string,
    kind: AccountTokenKind,
  ): Promise<AccountToken | undefined> =>
    secret.length > 100 ? undefined : records.findAccountToken(digestOf(secret), kind, clock.now());
  const issuePasswordLink = ({ id }: Account) =>
    issueLink('reset-password', id, '', HOUR, '/password/new');

  /** Counts who asks, and whom they ask about. */
  const asksTooOften = async (
    what: string,
    target: string,
    from: RequestOrigin,
  ): Promise<boolean> => {
    const network = networkOf(from);
    if (network === null) {
      // Everybody may be behind it: letters go out more slowly, and do not stop.
      const pace = { most: REQUESTS_PER_NETWORK, window: HOUR, pause: seconds(10) };
      if ((await pacer.countAndDelay(`${what} address somewhere`, pace)) !== undefined) return true;
    } else if (await throttle(`${what} address ${network}`, REQUESTS_PER_NETWORK, HOUR))
      return true;
    return throttle(`${what} target ${digestOf(target.toLowerCase())}`, REQUESTS_PER_TARGET, HOUR);
  };

  /**
   * What one network, or for an address to be confirmed one account, may ask for in a day; nothing
   * about others shows in the answer.
   */
  const exceedsDailyQuota = async (kind: EmailKind, sender: string | null): Promise<boolean> =>
    sender !== null && !(await emailBudget.consumeSenderQuota(kind, sender));

  return {
    selfService: { registration: settings.registration === 'open', email: mailer.isConfigured },
    async requestRegistration(email, language, from, returnPath) {
      if (settings.registration !== 'open') return refuse({ kind: 'closed' });
      if (!mailer.isConfigured) return refuse({ kind: 'no-mail' });
      const address = normalizeEmail(email);
      const problem = fieldProblem({ email: address });
      if (problem) return refuse(problem);
      if (await asksTooOften('register', address, from)) return throttled(HOUR);
      if (await exceedsDailyQuota('registration', networkOf(from))) return throttled(DAY);
      mailer.runInBackground(async () => {
        const [known] = settings.sharedAddresses
          ? []
          : await records.findAccountsByEmail(address, 1);
        if (known?.email)
          mailer.send(known.email, known.language ?? language, {
            kind: 'has-account',
            name: known.name,
            link: withReturnPath(`${settings.issuer}/password/forgotten`, returnPath),
          });
        else {
          const link = withReturnPath(
            await issueLink('register', null, address, DAY, '/register/finish'),
            returnPath,
          );
          mailer.send(address, language, { kind: 'register', link });
        }
      });
      return accept('asked');
    },
    registrationEmail: async (secret) =>
      settings.registration === 'open' ? (await findToken(secret, 'register'))?.data : undefined,
    async register(secret, wanted, from) {
      const token =
        settings.registration === 'open' ? await findToken(secret, 'register') : undefined;
      if (token === undefined) return invalidLink;
      const { name, realName, password } = {
        ...wanted,
        name: normalizeText(wanted.name),
        realName: normalizeText(wanted.realName),
      };
      // Nobody who registers by themself is taken for the house.
      const isReservedName =
        confusableSkeleton(name) !== '' &&
        confusableSkeleton(name) === confusableSkeleton(settings.siteName);
      const reservedNameProblem = {
        kind: 'invalid-field',
        field: 'name',
        problem: 'the name of this server',
      } as const;
      const problem = combineProblems([
        ...(isReservedName ? [reservedNameProblem] : []),
        ...fieldProblems({ name, realName, password }),
      ]);
      if (problem) return refuse(problem);
      // Each try costs a hash, and tells whether a name is taken.
      if (await throttle(`register try ${token.digest}`, TRIES_PER_LINK, THROTTLE_WINDOW))
        return throttled(THROTTLE_WINDOW);
      if (await records.findAccountByName(name)) return refuse({ kind: 'name-taken' });
      const passwordHash = await hashUnlessBusy(password, entropy);
      if (passwordHash === undefined) return serverBusy;
      const now = clock.now();
      const answer = await records.consumeRegistrationToken(
        token.digest,
        now,
        { name, realName, groups: [], passwordHash, createdAt: now },
        settings.sharedAddresses,
      );
      if (answer.outcome === 'created')
        return accept(await openSession(answer.account, from, 'password'));
      return answer.outcome === 'name-taken' ? refuse({ kind: 'name-taken' }) : invalidLink;
    },

    async requestPasswordReset(nameOrAddress, language, from, returnPath) {
      if (!mailer.isConfigured) return refuse({ kind: 'no-mail' });
      const identifier = normalizeText(nameOrAddress).slice(0, 255);
      const address = normalizeEmail(identifier);
      if (await asksTooOften('password', identifier, from)) return throttled(HOUR);
      if (await exceedsDailyQuota('password', networkOf(from))) return throttled(DAY);
      mailer.runInBackground(async () => {
        const accountByName =
          identifier === '' ? undefined : await records.findAccountByName(identifier);
        const found =
          accountByName === undefined && identifier.includes('@')
            ? await records.findAccountsByEmail(address, ACCOUNTS_PER_ADDRESS)
            : [accountByName];
        for (const account of found) {
          // Only an address that was proven: any other may be a stranger's.
          if (account?.email == null || account.emailConfirmedAt === null || account.blocked)
            continue;
          if (await throttle(`password letter ${account.id}`, REQUESTS_PER_TARGET, HOUR)) continue;
          const link = withReturnPath(await issuePasswordLink(account), returnPath);
          mailer.send(account.email, account.language ?? language, {
            kind: 'reset-password',
            name: account.name,
            link,
          });
        }
      });
      return accept('asked');
    },
    issuePasswordLink,
    async passwordLinkAccount(secret) {
      const token = await findToken(secret, 'reset-password');
      const account = token?.userId == null ? undefined : await records.findAccount(token.userId);
      return account?.blocked ? undefined : account;
    },
    async resetPassword(secret, password, from) {
      const token = await findToken(secret, 'reset-password');
      if (token === undefined) return invalidLink;
      const problem = fieldProblem({ password });
      if (problem) return refuse(problem);
      if (await throttle(`password try ${token.digest}`, TRIES_PER_LINK, THROTTLE_WINDOW))
        return throttled(THROTTLE_WINDOW);
      const passwordHash = await hashUnlessBusy(password, entropy);
      if (passwordHash === undefined) return serverBusy;
      const answer = await records.consumeResetToken(token.digest, clock.now(), passwordHash);
      if (answer.outcome !== 'set') return invalidLink;
      const { account } = answer;
      await sessions.endSessionsOf(account.id);
      if (account.email !== null && account.emailConfirmedAt !== null)
        mailer.send(account.email, account.language, {
          kind: 'password-changed',
          name: account.name,
        });
      return accept(await openSession(account, from, 'password'));
    },

    async requestEmailChange(account, email, password, language, from) {
      if (!mailer.isConfigured) return refuse({ kind: 'no-mail' });
      const address = normalizeEmail(email);
      const problem =
        address === ''
          ? ({ kind: 'invalid-field', field: 'email', problem: 'missing' } as const)
          : fieldProblem({ email: address });
      const checked = await checkPassword(account, password);
      if (problem) return refuse(withPasswordProblem(problem, checked));
      if (!checked.ok) return checked;
      if (await asksTooOften('email', address, from)) return throttled(HOUR);
      if (await exceedsDailyQuota('e-mail', `account ${account.id}`)) return throttled(DAY);
      const link = await issueLink(
        'confirm-email',
        account.id,
        address,
        DAY,
        '/account/email/confirm',
      );
      // Found out in the background: who asks is told nothing about other people's addresses.
      mailer.runInBackground(async () => {
        const known = settings.sharedAddresses
          ? []
          : await records.findAccountsByEmail(address, ACCOUNTS_PER_ADDRESS);
        const other = known.find(({ id }) => id !== account.id);
        if (other?.email)
          mailer.send(other.email, other.language, {
            kind: 'has-account',
            name: other.name,
            link: `${settings.issuer}/password/forgotten`,
          });
        else mailer.send(address, account.language ?? language, { kind: 'confirm-email', link });
      });
      return accept('asked');
    },
    async emailLinkAddress(user, secret) {
      const token = await findToken(secret, 'confirm-email');
      return token?.userId === user ? token.data : undefined;
    },
    async confirmEmail(account, secret) {
      const token = await findToken(secret, 'confirm-email');
      if (token === undefined) return invalidLink;
      const answer = await records.consumeEmailToken(
        token.digest,
        account.id,
        clock.now(),
        settings.sharedAddresses,
      );
      if (answer.outcome !== 'confirmed') return invalidLink;
      if (
        answer.before !== null &&
        account.emailConfirmedAt !== null &&
        answer.before.toLowerCase() !== token.data.toLowerCase()
      )
        mailer.send(answer.before, account.language, { kind: 'email-changed', name: account.name });
      return accept(token.data);
    },
    whenEmailsSent: () => mailer.whenIdle(),
    pendingEmailCount: () => mailer.pendingCount(),
  };
}
