import type { ClientId, ConsentId, SiteId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';

/** What a user accepted for a client on a site. At most one for each (user, client, site). */
export interface Consent {
  readonly id: ConsentId;
  readonly userId: UserId;
  readonly clientId: ClientId;
  readonly site: SiteId;
  /** Ordered as accepted. */
  readonly scopes: readonly string[];
  readonly acceptedAt: Instant;
}
