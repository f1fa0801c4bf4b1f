import type { AccountEmailKind } from '#accounts/account-emails.ts';
import type { ClientId, EncryptedSecret, UserId } from '#kernel/ids.ts';
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
 * Where a notification goes: a person's confirmed e-mail address, looked up when it is sent, or an
 * endpoint of the configuration by its name.
 */
export type NotificationTarget =
  | { readonly kind: 'mail'; readonly userId: UserId }
  | { readonly kind: 'webhook'; readonly endpoint: string };

/** A notification about to be written, in the same unit of work as what it tells of. */
export interface NewNotification {
  /**
   * Unique, of letters, digits and `-`: the same one written twice is one notification, and
   * receivers know a repetition by it.
   */
  readonly key: string;
  readonly target: NotificationTarget;
  readonly facts: NotificationFacts;
}

export const notificationStates = ['waiting', 'delivered', 'given-up'] as const;
export type NotificationState = (typeof notificationStates)[number];

/** How the delivery of something in the outbox stands. */
interface DeliveryStatus {
  readonly id: number;
  readonly key: string;
  readonly state: NotificationState;
  readonly createdAt: Instant;
  /** How often it was claimed, the running claim included. */
  readonly attempts: number;
  /** When it is tried next. */
  readonly dueAt: Instant;
  /** What went wrong at the last attempt; never a secret. */
  readonly problem: string | null;
}

/** A notification in the outbox. */
export type Notification = NewNotification & DeliveryStatus;

/** An email about an account in the outbox, without its receiver and its contents. */
export interface QueuedAccountEmail extends DeliveryStatus {
  readonly email: AccountEmailKind;
  /** When its link ends, from when on it is not sent; null: never. */
  readonly expiresAt: Instant | null;
}

/** Everything that the outbox holds; one with `facts` is a notification. */
export type OutboxEntry = Notification | QueuedAccountEmail;

export const isNotification = (entry: OutboxEntry): entry is Notification => 'facts' in entry;

/** The same as the worker gets it. */
export type ClaimedEntry =
  | Notification
  | (QueuedAccountEmail & {
      /** Receiver and contents; null: they were blanked. */
      readonly encrypted: EncryptedSecret | null;
    });

/**
 * The worker's questions. A claim keeps other workers away until it runs out, so that a worker that
 * dies loses nothing.
 */
export interface Outbox {
  /** Claims at most `limit` waiting entries that are due, oldest first, until `claimedUntil`. */
  claimNotifications(
    now: Instant,
    claimedUntil: Instant,
    limit: number,
  ): Promise<readonly ClaimedEntry[]>;
  /** Delivered, or not to be tried again; the contents of an account email are blanked. */
  closeNotification(
    id: number,
    state: 'delivered' | 'given-up',
    problem: string | null,
  ): Promise<void>;
  /** Another attempt is due at `dueAt`. */
  retryNotification(id: number, dueAt: Instant, problem: string): Promise<void>;
  /** Newest first. */
  listNotifications(filter: {
    readonly state?: NotificationState;
    readonly limit: number;
  }): Promise<readonly OutboxEntry[]>;
}

/** Where people see the app of a notification. */
export const appPageUrl = (facts: NotificationFacts, issuer: string): string =>
  `${issuer}/apps/${encodeURIComponent(facts.client.id)}`;
