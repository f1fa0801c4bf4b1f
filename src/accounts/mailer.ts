import type { Instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { SecretBox } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import type { Account } from './account.ts';
import {
  type AccountChange,
  type AccountEmail,
  type AccountEmailKind,
  encryptAccountEmail,
} from './account-emails.ts';
import type { EmailBudget, EmailKind } from './email-budget.ts';
import type { NewAccountEmail } from './records.ts';

/** Who an email about an account goes to. */
export interface EmailReceiver {
  readonly to: string;
  /** Null: not known, and the email is in English. */
  readonly language: string | null;
}

/**
 * Prepares emails about accounts for the outbox, and looks for receivers without anybody waiting:
 * an answer that took longer would tell that there was somebody to write to.
 */
export interface Mailer {
  /** False: no mail server is configured. */
  readonly isConfigured: boolean;
  /**
   * An email to be written in the same unit of work as what it is about. Counts it, so that each is
   * prepared once; null: no mail server is configured, or the receiver had enough of its kind today
   * (ADR 18). `expiresAt`: when its link ends; it is not sent from then on.
   */
  prepare(
    receiver: EmailReceiver,
    email: AccountEmail,
    expiresAt?: Instant | null,
  ): Promise<NewAccountEmail | null>;
  /**
   * The same about a change, to the person's confirmed address; null as well when there is none.
   */
  prepareChange(account: Account, change: AccountChange): Promise<NewAccountEmail | null>;
  /** An email was written: it goes out now, and not at the next turn of the delivery job. */
  deliverSoon(email: NewAccountEmail | null): void;
  /** Finds out in the background whether there is somebody to write to. */
  runInBackground(work: () => Promise<void>): void;
  /** When everything under way here has ended. What is not delivered then is in the outbox. */
  whenIdle(): Promise<void>;
}

/** Which budget an email spends (ADR 18). */
const budgetKinds = {
  register: 'registration',
  'has-account': 'registration',
  'confirm-email': 'e-mail',
  'reset-password': 'password',
  'password-changed': 'password-changed',
  'email-changed': 'email-changed',
  'passkey-added': 'passkey',
  'passkey-removed': 'passkey',
} as const satisfies Readonly<Record<AccountEmailKind, EmailKind>>;

const LANES = 4;
const MAX_PENDING = 500;

/** What a fault is called; its message may have an address in it. */
const faultName = (fault: unknown): string =>
  String((fault as { code?: unknown }).code ?? (fault as Error).name);

/** Makes the mailer. `deliver`: carries out of the outbox what is due. */
export function makeMailer(deps: {
  readonly isConfigured: boolean;
  readonly deliver: () => Promise<unknown>;
  readonly secretBox: SecretBox;
  readonly idGenerator: IdGenerator;
  readonly emailBudget: EmailBudget;
  readonly clock: Clock;
  readonly log: Log;
}): Mailer {
  const { isConfigured, secretBox, idGenerator, emailBudget, clock, log } = deps;
  const lanes: Promise<void>[] = Array.from({ length: LANES }, () => Promise.resolve());
  let [nextLane, pendingCount] = [0, 0];
  const deliveries = new Set<Promise<unknown>>();

  async function prepare(
    { to, language }: EmailReceiver,
    email: AccountEmail,
    expiresAt: Instant | null = null,
  ): Promise<NewAccountEmail | null> {
    if (!isConfigured) return null;
    const budgetKind = budgetKinds[email.kind];
    const receiver = `address ${digestOf(to.toLowerCase())}`;
    if (!(await emailBudget.consumeReceiverQuota(budgetKind, 'anybody', receiver))) {
      log.warn('email not sent', {
        problem: `the receiver had enough of the kind ${budgetKind} today`,
      });
      return null;
    }
    return {
      key: `account-${idGenerator.randomHex(20)}`,
      kind: email.kind,
      encrypted: encryptAccountEmail(secretBox, { to, language, email }),
      createdAt: clock.now(),
      expiresAt,
    };
  }

  return {
    isConfigured,
    prepare,
    prepareChange: async ({ email, emailConfirmedAt, language, name }, change) =>
      email === null || emailConfirmedAt === null
        ? null
        : prepare({ to: email, language }, { kind: change, name }),
    deliverSoon(email) {
      if (email === null) return;
      const delivery = deps
        .deliver()
        // The job tries again.
        .catch((fault) => log.warn('email not sent yet', { problem: faultName(fault) }))
        .finally(() => deliveries.delete(delivery));
      deliveries.add(delivery);
    },
    runInBackground(work) {
      if (pendingCount >= MAX_PENDING) {
        log.warn('email not sent', { problem: 'too many are waiting' });
        return;
      }
      pendingCount += 1;
      const lane = nextLane++ % LANES;
      lanes[lane] = (lanes[lane] ?? Promise.resolve())
        .then(work)
        .catch((fault) => log.warn('email not sent', { problem: faultName(fault) }))
        .finally(() => {
          pendingCount -= 1;
        });
    },
    async whenIdle() {
      while (pendingCount > 0 || deliveries.size > 0) await Promise.all([...lanes, ...deliveries]);
    },
  };
}
