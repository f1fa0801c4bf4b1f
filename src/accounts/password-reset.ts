import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { Account } from './account.ts';
import { DAY } from './email-budget.ts';
import {
  type EmailLinks,
  type InvalidLink,
  invalidLink,
  type LinkRequestLimits,
  type NewLink,
  type NotOffered,
  REQUESTS_PER_TARGET,
  serverBusy,
  TRIES_PER_LINK,
  withReturnPath,
} from './email-links.ts';
import { fieldProblem, type InvalidField, normalizeEmail, normalizeText } from './fields.ts';
import type { Mailer } from './mailer.ts';
import type { AccountRecords, AccountTokens, PeopleRecords, Sessions } from './records.ts';
import type { OpenSession, RequestOrigin, SignedIn } from './sessions.ts';
import {
  HOUR,
  hashUnlessBusy,
  networkOf,
  THROTTLE_WINDOW,
  type Throttle,
  type Throttled,
  throttled,
} from './throttle.ts';

/** Setting another password by a mailed link. */
export interface PasswordResetService {
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
}

/** What resetting passwords needs. */
export interface PasswordResetParts {
  readonly records: Pick<AccountRecords, 'findAccount' | 'findAccountByName'> &
    Pick<PeopleRecords, 'findAccountsByEmail'> &
    AccountTokens;
  readonly sessions: Pick<Sessions, 'endSessionsOf'>;
  readonly links: EmailLinks;
  readonly linkLimits: LinkRequestLimits;
  readonly throttle: Throttle;
  readonly openSession: OpenSession;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Emails that one address may get at once, where accounts share it. */
const ACCOUNTS_PER_ADDRESS = 5;

const createLink = (links: EmailLinks, { id }: Account): NewLink =>
  links.create({
    kind: 'reset-password',
    userId: id,
    data: '',
    ttlSeconds: HOUR,
    path: '/password/new',
  });

/** Writes an email to whoever has this name, or this confirmed address. */
async function sendPasswordLinks(
  { records, links, throttle, mailer }: PasswordResetParts,
  identifier: string,
  language: string | null,
  returnPath: string | undefined,
): Promise<void> {
  const accountByName = identifier === '' ? undefined : await records.findAccountByName(identifier);
  const found =
    accountByName === undefined && identifier.includes('@')
      ? await records.findAccountsByEmail(normalizeEmail(identifier), ACCOUNTS_PER_ADDRESS)
      : [accountByName];
  for (const account of found) {
    // Only an address that was proven: any other may be a stranger's.
    if (account?.email == null || account.emailConfirmedAt === null || account.blocked) continue;
    if (await throttle(`password letter ${account.id}`, REQUESTS_PER_TARGET, HOUR)) continue;
    const { url, token } = createLink(links, account);
    const email = await mailer.prepare(
      { to: account.email, language: account.language ?? language },
      { kind: 'reset-password', name: account.name, link: withReturnPath(url, returnPath) },
      token.expiresAt,
    );
    // Without an email, the link that the person may have stays good.
    if (email === null) continue;
    await records.saveAccountToken(token, email);
    mailer.deliverSoon(email);
  }
}

/** Makes the verbs. */
export function makePasswordReset(parts: PasswordResetParts): PasswordResetService {
  const { records, sessions, links, linkLimits, throttle, openSession, mailer, clock, entropy } =
    parts;

  return {
    async requestPasswordReset(nameOrAddress, language, from, returnPath) {
      if (!mailer.isConfigured) return refuse({ kind: 'no-mail' });
      const identifier = normalizeText(nameOrAddress).slice(0, 255);
      if (await linkLimits.asksTooOften('password', identifier, from)) return throttled(HOUR);
      if (await linkLimits.exceedsDailyQuota('password', networkOf(from))) return throttled(DAY);
      mailer.runInBackground(() => sendPasswordLinks(parts, identifier, language, returnPath));
      return accept('asked');
    },
    async issuePasswordLink(account) {
      const { url, token } = createLink(links, account);
      await records.saveAccountToken(token);
      return url;
    },
    async passwordLinkAccount(secret) {
      const token = await links.findToken(secret, 'reset-password');
      const account = token?.userId == null ? undefined : await records.findAccount(token.userId);
      return account?.blocked ? undefined : account;
    },
    async resetPassword(secret, password, from) {
      const token = await links.findToken(secret, 'reset-password');
      if (token === undefined) return invalidLink;
      const problem = fieldProblem({ password });
      if (problem) return refuse(problem);
      if (await throttle(`password try ${token.digest}`, TRIES_PER_LINK, THROTTLE_WINDOW))
        return throttled(THROTTLE_WINDOW);
      const passwordHash = await hashUnlessBusy(password, entropy);
      if (passwordHash === undefined) return serverBusy;
      const holder = token.userId === null ? undefined : await records.findAccount(token.userId);
      if (holder === undefined) return invalidLink;
      const email = await mailer.prepareChange(holder, 'password-changed');
      const answer = await records.consumeResetToken(
        token.digest,
        clock.now(),
        passwordHash,
        email,
      );
      if (answer.outcome !== 'set') return invalidLink;
      mailer.deliverSoon(email);
      await sessions.endSessionsOf(answer.account.id);
      return accept(await openSession(answer.account, from, 'password'));
    },
  };
}
