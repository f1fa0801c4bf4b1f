import { strangerText } from '#encoding/stranger-text.ts';
import { digestOf } from '#keys/digest.ts';
import type { Mint } from '#keys/id-generator.ts';
import type { Log } from '#platform/log.ts';
import type { Mail } from '#platform/smtp.ts';
import type { LetterBudget, LetterKind } from './email-budget.ts';

/** What a letter to a person says. Links are whole URLs. */
export type Message =
  | { readonly kind: 'register'; readonly link: string }
  | { readonly kind: 'has-account'; readonly name: string; readonly link: string }
  | { readonly kind: 'confirm-email'; readonly link: string }
  | { readonly kind: 'reset-password'; readonly name: string; readonly link: string }
  | {
      readonly kind: 'password-changed' | 'email-changed' | 'passkey-added' | 'passkey-removed';
      readonly name: string;
    };

/** Puts a message into words of a language; null or one it does not know: its own choice. */
export type LetterWords = (
  message: Message,
  language: string | null,
) => { readonly subject: string; readonly text: string };

/**
 * Sends letters without anybody waiting for them: an answer that took longer would tell that there
 * was somebody to write to.
 */
export interface PostOffice {
  /** False: no mail server is configured. */
  readonly open: boolean;
  /** Not sent when the budget of its kind for this receiver is spent today. */
  send(to: string, language: string | null, message: Message): void;
  /** Finds out in the background whether there is somebody to write to. */
  later(work: () => Promise<void>): void;
  /** When everything under way has ended. */
  settled(): Promise<void>;
  /**
   * How many letters, or looks for somebody to write to, have not ended. They are kept in this
   * process alone.
   */
  waiting(): number;
}

const kinds = {
  register: 'registration',
  'has-account': 'registration',
  'confirm-email': 'e-mail',
  'reset-password': 'password',
  'password-changed': 'password-changed',
  'email-changed': 'email-changed',
  'passkey-added': 'passkey',
  'passkey-removed': 'passkey',
} as const satisfies Readonly<Record<Message['kind'], LetterKind>>;

const MOST_NAME = 64;
const LANES = 4;
const MOST_WAITING = 500;

/**
 * Opens the post office. A letter is tried once: its link is short-lived, and a person who misses
 * it asks again.
 */
export function makePostOffice(deps: {
  readonly mail: Mail | null;
  readonly words: LetterWords;
  readonly issuer: string;
  readonly mint: Mint;
  readonly budget: LetterBudget;
  readonly log: Log;
}): PostOffice {
  const { mail, words, mint, budget, log } = deps;
  const host = new URL(deps.issuer).hostname;
  const lanes: Promise<void>[] = Array.from({ length: LANES }, () => Promise.resolve());
  let [turn, waiting] = [0, 0];

  function later(work: () => Promise<void>): void {
    if (waiting >= MOST_WAITING) {
      log.warn('letter not sent', { problem: 'too many are waiting' });
      return;
    }
    waiting += 1;
    const lane = turn++ % LANES;
    lanes[lane] = (lanes[lane] ?? Promise.resolve())
      .then(work)
      // The message of a fault may have an address in it.
      .catch((fault) =>
        log.warn('letter not sent', {
          problem: String((fault as { code?: unknown }).code ?? (fault as Error).name),
        }),
      )
      .finally(() => {
        waiting -= 1;
      });
  }

  return {
    open: mail !== null,
    later,
    send(to, language, message) {
      if (mail === null) return;
      later(async () => {
        const kind = kinds[message.kind];
        if (!(await budget.mayReach(kind, 'anybody', `address ${digestOf(to.toLowerCase())}`))) {
          log.warn('letter not sent', {
            problem: `the receiver had enough of the kind ${kind} today`,
          });
          return;
        }
        const answer = await mail.send({
          to,
          ...words(
            'name' in message
              ? { ...message, name: strangerText(message.name, MOST_NAME) }
              : message,
            language,
          ),
          messageId: `<${mint.randomHex(20)}@${host}>`,
        });
        if (answer !== 'sent')
          log.warn('letter not sent', { problem: `refused: ${answer.refused}` });
      });
    },
    async settled() {
      while (waiting > 0) await Promise.all(lanes);
    },
    waiting: () => waiting,
  };
}
