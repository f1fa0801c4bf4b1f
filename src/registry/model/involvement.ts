import type { UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';

/** In what way somebody took part in an app. */
export const involvementRoles = ['proposer', 'owner', 'maintainer', 'handed-over'] as const;
export type InvolvementRole = (typeof involvementRoles)[number];

/** Somebody's past part in an app. What somebody is now, the client and its team say. */
export interface Involvement {
  readonly userId: UserId;
  readonly part: InvolvementRole;
  /** When it ended, or happened; the latest time, when there were several. */
  readonly until: Instant;
}

/** A first approval that waits for another reviewer's. */
export interface Approval {
  readonly reviewerId: UserId;
  /**
   * Digest of what was approved: the kind of decision, and everything the reviewer saw of the app
   * and the revision.
   */
  readonly subject: string;
}

/** Why somebody's approval does not count. */
export const dependenceReasons = [
  'owner',
  'maintainer',
  'proposer',
  'revision-proposer',
  'former-owner',
  'former-maintainer',
  'handed-over',
  'approved-before',
] as const;
export type DependenceReason = (typeof dependenceReasons)[number];
