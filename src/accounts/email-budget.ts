import { addSeconds, seconds } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';
import type { RateCounters } from './records.ts';

/**
 * Emails of one kind a day: that one sender causes, that one receiver gets, and from this sender
 * to this receiver.
 */
interface DailyQuota {
  readonly sender: number;
  readonly receiver: number;
  readonly pair: number;
}

/**
 * What anybody may cause in a day, by kind, so that noise of one kind does not use up another.
 * Where an email is the point of an action (invitations and offers), a spent sender is refused;
 * everywhere else the action goes on, and only the letter is not written: what it would have told
 * stands in the review queue, on the page of the app, or on the page of the account (ADR 18).
 */
export const emailBudgets = {
  invitation: { sender: 30, receiver: 10, pair: 2 },
  offer: { sender: 30, receiver: 10, pair: 2 },
  /** To reviewers: a new app, or a change of one. */
  proposal: { sender: 10, receiver: 100, pair: 10 },
  /** To those who look after an app: what reviewers decided. */
  decision: { sender: 300, receiver: 100, pair: 60 },
  /** To those who look after an app: what another of them did. */
  team: { sender: 60, receiver: 60, pair: 30 },
  /**
   * The same, where credentials or the owner change: not to be kept away by noise of the other
   * kind.
   */
  credentials: { sender: 60, receiver: 60, pair: 30 },
  /**
   * Links, and emails that stand in for one. The sender is a network address, or the account that
   * asks.
   */
  registration: { sender: 100, receiver: 12, pair: 12 },
  password: { sender: 100, receiver: 12, pair: 12 },
  'e-mail': { sender: 10, receiver: 6, pair: 6 },
  /** What changed about one's own account: each kind of change. Sender and receiver are one. */
  'password-changed': { sender: 20, receiver: 20, pair: 20 },
  'email-changed': { sender: 20, receiver: 20, pair: 20 },
  passkey: { sender: 20, receiver: 20, pair: 20 },
} as const satisfies Readonly<Record<string, DailyQuota>>;
export type EmailKind = keyof typeof emailBudgets;

/** The span of a budget. */
export const DAY = seconds(86_400);

/** The budget of letters, kept in the store so that all nodes spend from one. */
export interface EmailBudget {
  /** Counts something that this sender causes; false: their day's budget of this kind is spent. */
  consumeSenderQuota(kind: EmailKind, sender: string): Promise<boolean>;
  /**
   * Counts an email to a receiver; false: the budget of the two, or of the receiver, is spent, and
   * it is not to be written.
   */
  consumeReceiverQuota(kind: EmailKind, sender: string, receiver: string): Promise<boolean>;
}

/** Makes the budget over counters that expire. A day begins with its first letter. */
export function makeEmailBudget({
  limits,
  clock,
}: {
  readonly limits: Pick<RateCounters, 'increment'>;
  readonly clock: Clock;
}): EmailBudget {
  const isWithinLimit = async (key: string, limit: number) =>
    (await limits.increment(key, clock.now(), addSeconds(clock.now(), DAY))) <= limit;
  return {
    consumeSenderQuota: (kind, sender) =>
      isWithinLimit(`letters ${kind} from ${sender}`, emailBudgets[kind].sender),
    // The pair first, so that one sender cannot use up what others may send.
    consumeReceiverQuota: async (kind, sender, receiver) =>
      (await isWithinLimit(
        `letters ${kind} from ${sender} to ${receiver}`,
        emailBudgets[kind].pair,
      )) && (await isWithinLimit(`letters ${kind} to ${receiver}`, emailBudgets[kind].receiver)),
  };
}
