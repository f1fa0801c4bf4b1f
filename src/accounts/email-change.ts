import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Clock } from '#platform/clock.ts';
import type { Account } from './account.ts';
import { DAY } from './email-budget.ts';
import {
  type EmailLinks,
  type InvalidLink,
  invalidLink,
  type LinkRequestLimits,
  type NewLink,
  type NotOffered,
} from './email-links.ts';
import { fieldProblem, type InvalidField, normalizeEmail, withPasswordProblem } from './fields.ts';
import type { Mailer } from './mailer.ts';
import type { PasswordCheck } from './profile.ts';
import type { AccountTokens, PeopleRecords } from './records.ts';
import type { RequestOrigin } from './sessions.ts';
import { HOUR, type Throttled, throttled } from './throttle.ts';

/** Confirming an address by a link that is mailed to it. */
export interface EmailChangeService {
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
}

/** What changing an address needs. */
export interface EmailChangeParts {
  readonly records: Pick<PeopleRecords, 'findAccountsByEmail'> & AccountTokens;
  readonly links: EmailLinks;
  readonly linkLimits: LinkRequestLimits;
  readonly checkPassword: PasswordCheck;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly settings: {
    readonly issuer: string;
    /** Several accounts may have one confirmed address. */
    readonly sharedAddresses: boolean;
  };
}

/** The account itself, and one more. */
const ACCOUNTS_LOOKED_AT = 5;

/**
 * Writes the email to the address: its link, or to somebody else's that they have an account. The
 * token is written in both cases, so that earlier links end whomever the address belongs to.
 */
async function sendConfirmation(
  { records, mailer, settings }: EmailChangeParts,
  account: Account,
  address: string,
  language: string | null,
  { url, token }: NewLink,
): Promise<void> {
  const known = settings.sharedAddresses
    ? []
    : await records.findAccountsByEmail(address, ACCOUNTS_LOOKED_AT);
  const other = known.find(({ id }) => id !== account.id);
  const email = other?.email
    ? await mailer.prepare(
        { to: other.email, language: other.language },
        {
          kind: 'has-account',
          name: other.name,
          link: `${settings.issuer}/password/forgotten`,
        },
        token.expiresAt,
      )
    : await mailer.prepare(
        { to: address, language: account.language ?? language },
        { kind: 'confirm-email', link: url },
        token.expiresAt,
      );
  await records.saveAccountToken(token, email);
  mailer.deliverSoon(email);
}

/** Makes the verbs. */
export function makeEmailChange(parts: EmailChangeParts): EmailChangeService {
  const { records, links, linkLimits, checkPassword, mailer, clock, settings } = parts;

  return {
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
      if (await linkLimits.asksTooOften('email', address, from)) return throttled(HOUR);
      if (await linkLimits.exceedsDailyQuota('e-mail', `account ${account.id}`))
        return throttled(DAY);
      const link = links.create({
        kind: 'confirm-email',
        userId: account.id,
        data: address,
        ttlSeconds: DAY,
        path: '/account/email/confirm',
      });
      // Found out in the background: who asks is told nothing about other people's addresses.
      mailer.runInBackground(() => sendConfirmation(parts, account, address, language, link));
      return accept('asked');
    },
    async emailLinkAddress(user, secret) {
      const token = await links.findToken(secret, 'confirm-email');
      return token?.userId === user ? token.data : undefined;
    },
    async confirmEmail(account, secret) {
      const token = await links.findToken(secret, 'confirm-email');
      if (token?.userId !== account.id) return invalidLink;
      const isAnother = account.email?.toLowerCase() !== token.data.toLowerCase();
      const email = isAnother ? await mailer.prepareChange(account, 'email-changed') : null;
      const answer = await records.consumeEmailToken(
        token.digest,
        account.id,
        clock.now(),
        settings.sharedAddresses,
        email,
      );
      if (answer.outcome !== 'confirmed') return invalidLink;
      mailer.deliverSoon(email);
      return accept(token.data);
    },
  };
}
