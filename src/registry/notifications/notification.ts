import type { ClientId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';

/**
 * What a person or another program is told. Facts as they were when it happened; words are made
 * when it is delivered.
 */
export interface NotificationFacts {
  /** The action, such as `approve`. */
  readonly event: string;
  readonly client: { readonly id: ClientId; readonly name: string; readonly version: string };
  /** Name of who did it; null: the operator. */
  readonly actor: string | null;
  readonly owner: string | null;
  readonly reason: string;
  readonly at: Instant;
}

/**
 * Where a notice goes: a person's confirmed e-mail address, looked up when it is sent, or an
 * endpoint of the configuration by its name.
 */
export type NotificationTarget =
  | { readonly kind: 'mail'; readonly userId: UserId }
  | { readonly kind: 'webhook'; readonly endpoint: string };

/** A notice about to be written, in the same unit of work as what it tells of. */
export interface NewNotification {
  /**
   * Unique, of letters, digits and `-`: the same notice written twice is one notice, and receivers
   * know a repetition by it.
   */
  readonly key: string;
  readonly target: NotificationTarget;
  readonly facts: NotificationFacts;
}

export const notificationStates = ['waiting', 'delivered', 'given-up'] as const;
export type NotificationState = (typeof notificationStates)[number];

/** A notice in the outbox. */
export interface Notification extends NewNotification {
  readonly id: number;
  readonly state: NotificationState;
  readonly createdAt: Instant;
  /** How often it was claimed, the running claim included. */
  readonly attempts: number;
  /** When it is tried next. */
  readonly dueAt: Instant;
  /** What went wrong at the last attempt; never a secret. */
  readonly problem: string | null;
}

/**
 * The worker's questions. A claim keeps other workers away until it runs out, so that a worker that
 * dies loses nothing.
 */
export interface Outbox {
  /** Claims at most `limit` waiting notices that are due, oldest first, until `claimedUntil`. */
  claimNotifications(
    now: Instant,
    claimedUntil: Instant,
    limit: number,
  ): Promise<readonly Notification[]>;
  /** Delivered, or not to be tried again. */
  closeNotification(
    id: number,
    state: 'delivered' | 'given-up',
    problem: string | null,
  ): Promise<void>;
  /** Another attempt is due at `dueAt`. */
  retryNotification(id: number, dueAt: Instant, problem: string): Promise<void>;
  listNotifications(filter: {
    readonly state?: NotificationState;
    readonly limit: number;
  }): Promise<readonly Notification[]>;
}
