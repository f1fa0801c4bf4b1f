import type { UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';

/** A person who can sign in. Owner, reviewer and user are roles of the same value. */
export interface Account {
  readonly id: UserId;
  /** Unique without regard to case; 1–255 bytes. */
  readonly name: string;
  readonly email: string | null;
  /** When the e-mail address was confirmed; null: not confirmed. */
  readonly emailConfirmedAt: Instant | null;
  readonly realName: string;
  /** Explicit groups, in the order they were given. The implicit ones come from rights.ts. */
  readonly groups: readonly string[];
  readonly blocked: boolean;
  readonly createdAt: Instant;
  /** Language of pages and letters, as a tag such as `de`; null: whatever the browser prefers. */
  readonly language: string | null;
}
