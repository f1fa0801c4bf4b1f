import type { ClientId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';

/** Somebody besides the owner who may look after a client. */
export interface Maintainer {
  readonly userId: UserId;
  readonly invitedBy: UserId | null;
  readonly invitedAt: Instant;
  /** Null: invited, and has not accepted. */
  readonly acceptedAt: Instant | null;
}

/** An owner's offer of a client to somebody else, waiting for their yes. */
export interface Offer {
  readonly clientId: ClientId;
  readonly toId: UserId;
  readonly offeredBy: UserId | null;
  readonly offeredAt: Instant;
}

/** Who looks after a client, apart from its owner. */
export interface Team {
  readonly maintainers: readonly Maintainer[];
  readonly offer: Offer | null;
}

/** True for a maintainer who accepted. */
export const isMaintainer = (team: Team, user: UserId): boolean =>
  team.maintainers.some(({ userId, acceptedAt }) => userId === user && acceptedAt !== null);
