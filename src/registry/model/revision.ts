import { type ClientId, EVERY_SITE, type UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Client } from './client.ts';

/** Fields of an approved client that a revision may change. */
export const revisedFields = [
  'name',
  'description',
  'redirectUri',
  'redirectIsPrefix',
  'site',
  'scopes',
  'optionalScopes',
] as const;
export type RevisedFields = Pick<Client, (typeof revisedFields)[number]>;

export const revisionStages = ['proposed', 'approved', 'rejected', 'withdrawn'] as const;
export type RevisionStage = (typeof revisionStages)[number];

/**
 * A changed description of an approved client, under review while the live one keeps working. At
 * most one is open.
 */
export interface Revision {
  readonly id: number;
  readonly clientId: ClientId;
  readonly stage: RevisionStage;
  /** The whole description as it would be, not only what differs. */
  readonly fields: RevisedFields;
  readonly proposedBy: UserId | null;
  readonly proposedAt: Instant;
  readonly closedAt: Instant | null;
}

export type NewRevision = Omit<Revision, 'id' | 'stage' | 'closedAt'>;

/**
 * True when a revision takes nothing but scopes or places away, or changes no more than the
 * description.
 */
export function isMinorChange(live: RevisedFields, next: RevisedFields): boolean {
  const same = live.name === next.name && live.redirectUri === next.redirectUri;
  const narrower =
    (live.redirectIsPrefix || !next.redirectIsPrefix) &&
    (live.site === next.site || live.site === EVERY_SITE);
  const optional = live.optionalScopes.every(
    (scope) => next.optionalScopes.includes(scope) || !next.scopes.includes(scope),
  );
  return same && narrower && optional && next.scopes.every((scope) => live.scopes.includes(scope));
}

/** True when a revision only takes scopes away: nobody needs to look at less. */
export function onlyNarrows(live: RevisedFields, next: RevisedFields): boolean {
  const same = (['name', 'description', 'redirectUri', 'redirectIsPrefix', 'site'] as const).every(
    (field) => live[field] === next[field],
  );
  // What a person could leave out and can no longer is more, not less.
  const optional = live.optionalScopes.every(
    (scope) => next.optionalScopes.includes(scope) || !next.scopes.includes(scope),
  );
  return (
    same &&
    optional &&
    next.scopes.length < live.scopes.length &&
    next.scopes.every((scope) => live.scopes.includes(scope))
  );
}
