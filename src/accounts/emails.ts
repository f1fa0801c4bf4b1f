import { sanitizeForEmail } from '#encoding/stranger-text.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { Log } from '#platform/log.ts';
import type { MailTransport } from '#platform/smtp.ts';
import type { EmailBudget, EmailKind } from './email-budget.ts';

/** What a letter to a person says. Links are whole URLs. */
export type EmailMessage =
  | { readonly kind: 'register'; readonly link: string }
  | { readonly kind: 'has-account'; readonly name: string; readonly link: string }
  | { readonly kind: 'confirm-email'; readonly link: string }
  | { readonly kind: 'reset-password'; readonly name: string; readonly link: string }
  | {
      readonly kind: 'password-changed' | 'email-changed' | 'passkey-added' | 'passkey-removed';
      readonly name: string;
    };

/** Puts a message into words of a language; null or one it does not know: its own choice. */
export type EmailTemplates = (
  message: EmailMessage,
  language: string | null,
) => { readonly subject: string; readonly text: string };

/**
 * Sends letters without anybody waiting for them: an answer that took longer would tell that there
 * was somebody to write to.
 */
export interface Mailer {
  /** False: no mail server is configured. */
  readonly isConfigured: boolean;
  /** Not sent when the budget of its kind for this receiver is spent today. */
  send(to: string, language: string | null, message: EmailMessage): void;
  /** Finds out in the background whether there is somebody to write to. */
  runInBackground(work: () => Promise<void>): void;
  /** When everything under way has ended. */
  whenIdle(): Promise<void>;
  /**
   * How many letters, or looks for somebody to write to, have not ended. They are kept in this
   * process alone.
   */
  pendingCount(): number;
}

const emailKinds = {
  register: 'registration',
  'has-account': 'registration',
  'confirm-email': 'e-mail',
  'reset-password': 'password',
  'password-changed': 'password-changed',
  'email-changed': 'email-changed',
  'passkey-added': 'passkey',
  'passkey-removed': 'passkey',
} as const satisfies Readonly<Record<EmailMessage['kind'], EmailKind>>;

const MAX_NAME_LENGTH = 64;
const LANES = 4;
const MAX_PENDING = 500;

/**
 * Opens the post office. A letter is tried once: its link is short-lived, and a person who misses
 * it asks again.
 */
export function makeMailer(deps: {
  readonly mail: MailTransport | null;
  readonly emailTemplates: EmailTemplates;
  readonly issuer: string;
  readonly idGenerator: IdGenerator;
  readonly emailBudget: EmailBudget;
  readonly log: Log;
}): Mailer {
  const { mail, emailTemplates, idGenerator, emailBudget, log } = deps;
  const host = new URL(deps.issuer).hostname;
  const lanes: Promise<void>[] = Array.from({ length: LANES }, () => Promise.resolve());
  let [nextLane, pendingCount] = [0, 0];

  function runInBackground(work: () => Promise<void>): void {
    if (pendingCount >= MAX_PENDING) {
      log.warn('email not sent', { problem: 'too many are waiting' });
      return;
    }
    pendingCount += 1;
    const lane = nextLane++ % LANES;
    lanes[lane] = (lanes[lane] ?? Promise.resolve())
      .then(work)
      // The message of a fault may have an address in it.
      .catch((fault) =>
        log.warn('email not sent', {
          problem: String((fault as { code?: unknown }).code ?? (fault as Error).name),
        }),
      )
      .finally(() => {
        pendingCount -= 1;
      });
  }

  return {
    isConfigured: mail !== null,
    runInBackground,
    send(to, language, message) {
      if (mail === null) return;
      runInBackground(async () => {
        const kind = emailKinds[message.kind];
        if (
          !(await emailBudget.consumeReceiverQuota(
            kind,
            'anybody',
            `address ${digestOf(to.toLowerCase())}`,
          ))
        ) {
          log.warn('email not sent', {
            problem: `the receiver had enough of the kind ${kind} today`,
          });
          return;
        }
        const answer = await mail.send({
          to,
          ...emailTemplates(
            'name' in message
              ? { ...message, name: sanitizeForEmail(message.name, MAX_NAME_LENGTH) }
              : message,
            language,
          ),
          messageId: `<${idGenerator.randomHex(20)}@${host}>`,
        });
        if (answer !== 'sent')
          log.warn('email not sent', { problem: `refused: ${answer.refused}` });
      });
    },
    async whenIdle() {
      while (pendingCount > 0) await Promise.all(lanes);
    },
    pendingCount: () => pendingCount,
  };
}
