import { hash } from 'node:crypto';
import type { EncryptedSecret, UserId } from '#kernel/ids.ts';
import { isExpired } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { MailTransport } from '#platform/smtp.ts';
import type { ClaimedEntry, NotificationFacts } from './notification.ts';

/** What became of one attempt. `final`: another would end the same. */
export type AttemptOutcome = 'delivered' | { readonly problem: string; readonly final: boolean };
export const finalFailure = (problem: string): AttemptOutcome => ({ problem, final: true });
export const temporaryFailure = (problem: string): AttemptOutcome => ({ problem, final: false });

/**
 * What went wrong, in a word: the message of a fault may have an address or the URL of an endpoint
 * in it.
 */
export function errorName(fault: unknown): string {
  const { code, cause, name } = Object(fault) as {
    code?: unknown;
    cause?: unknown;
    name?: unknown;
  };
  const words = [code, (Object(cause) as { code?: unknown }).code, name];
  return (
    words.find((word): word is string => typeof word === 'string' && /^\w{1,60}$/.test(word)) ??
    'failed'
  );
}

/** Ends the wait, whether or not the work ends. */
async function withTimeout(work: Promise<AttemptOutcome>, ms: number): Promise<AttemptOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<AttemptOutcome>((resolve) => {
    timer = setTimeout(() => resolve(temporaryFailure('took too long')), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Posts a notification to the endpoint of this name; a fault of the connection is thrown. */
export type PostWebhook = (
  endpoint: string,
  key: string,
  facts: NotificationFacts,
) => Promise<AttemptOutcome>;

/** The words of an email. */
export interface EmailText {
  readonly subject: string;
  readonly text: string;
}

/** How emails are made and sent. */
export interface EmailParts {
  readonly issuer: string;
  /** Null: no mail server is configured. */
  readonly mail: MailTransport | null;
  /** Confirmed e-mail address of a person, and the language they read; null: none. */
  readonly findReceiver: (
    user: UserId,
  ) => Promise<{ readonly to: string; readonly language: string | null } | null>;
  /** Puts a notification into words of a language; null or one it does not know: English. */
  readonly renderNotification: (facts: NotificationFacts, language: string | null) => EmailText;
  /** Decrypts an account email and puts it into words. Throws when no key decrypts it. */
  readonly renderAccountEmail: (encrypted: EncryptedSecret) => EmailText & { readonly to: string };
}

/** Sends the email of an entry; a fault of the mail server is thrown. */
function makeSendEmail({
  issuer,
  mail,
  findReceiver,
  renderNotification,
  renderAccountEmail,
}: EmailParts) {
  const host = new URL(issuer).hostname;

  async function send(key: string, email: EmailText & { readonly to: string }) {
    if (mail === null) return finalFailure('no mail server is configured');
    const messageId = `<${hash('sha256', key, 'hex').slice(0, 40)}@${host}>`;
    const answer = await mail.send({ ...email, messageId });
    return answer === 'sent' ? 'delivered' : finalFailure(`refused: ${answer.refused}`);
  }

  return {
    async notification(key: string, userId: UserId, facts: NotificationFacts) {
      if (mail === null) return finalFailure('no mail server is configured');
      const receiver = await findReceiver(userId);
      if (receiver === null) return finalFailure('no confirmed e-mail address');
      return send(key, { to: receiver.to, ...renderNotification(facts, receiver.language) });
    },
    async accountEmail(key: string, encrypted: EncryptedSecret | null) {
      if (encrypted === null) return finalFailure('its contents are gone');
      let email: EmailText & { readonly to: string };
      try {
        email = renderAccountEmail(encrypted);
      } catch {
        return finalFailure('no key decrypts it');
      }
      return send(key, email);
    },
  };
}

/** Makes what tries to deliver one entry, within a time limit; it does not throw. */
export function makeAttempt({
  postWebhook,
  attemptMs,
  clock,
  ...emailParts
}: EmailParts & {
  readonly postWebhook: PostWebhook;
  readonly attemptMs: number;
  readonly clock: Clock;
}): (entry: ClaimedEntry) => Promise<AttemptOutcome> {
  const sendEmail = makeSendEmail(emailParts);

  async function deliver(entry: ClaimedEntry): Promise<AttemptOutcome> {
    if (!('facts' in entry)) {
      return isExpired(entry.expiresAt, clock.now())
        ? finalFailure('its link expired')
        : sendEmail.accountEmail(entry.key, entry.encrypted);
    }
    const { key, target, facts } = entry;
    return target.kind === 'mail'
      ? sendEmail.notification(key, target.userId, facts)
      : postWebhook(target.endpoint, key, facts);
  }

  return (entry) =>
    withTimeout(deliver(entry), attemptMs).catch((fault) => temporaryFailure(errorName(fault)));
}
