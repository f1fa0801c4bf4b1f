import type { ClientId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Via } from './actor.ts';
import type { Client } from './client.ts';

/** What was before and what is now. Secrets never: a secret is named by its label. */
export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** One line of the audit trail. Lines are added and never changed. */
export interface AuditEntry {
  readonly id: number;
  readonly at: Instant;
  /** Past tense is for readers; this is the action's own name. */
  readonly action: string;
  /** Null: the operator, or the program's own scheduled work (`via` tells). */
  readonly actorId: UserId | null;
  readonly via: Via;
  /** Where the request came from; null: no network was between. */
  readonly address: string | null;
  readonly clientId: ClientId;
  /** The edition that the action made, or left as it is (consents). */
  readonly edition: number;
  /** Why, in the actor's words. */
  readonly reason: string;
  readonly changes: readonly FieldChange[];
}

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'edition'>;

/** Which lines are wanted; newest first unless `order` says otherwise. */
export interface AuditFilter {
  readonly clientId?: ClientId;
  readonly actorId?: UserId;
  readonly action?: string;
  readonly from?: Instant;
  /** Exclusive. */
  readonly until?: Instant;
  /** Only lines about people's consents, or only the others; both when absent. */
  readonly about?: 'clients' | 'consents';
  /** Only lines of one client after this edition. */
  readonly afterEdition?: number;
  /** Continue after this line. */
  readonly after?: number;
  readonly order?: 'oldest-first' | 'newest-first';
  /** For a report: an answer some seconds old will do. */
  readonly mayBeOld?: true;
  readonly limit: number;
}

/** What each field of a client is called in the trail, and in a revision. */
const compared = [
  'name',
  'version',
  'description',
  'ownerId',
  'redirectUri',
  'redirectIsPrefix',
  'site',
  'scopes',
  'optionalScopes',
  'rsaPublicKey',
  'restrictions',
  'stage',
  'suppressed',
  'halted',
  'introspector',
] as const satisfies readonly (keyof Client)[];

/** The fields of a client that differ, before and after; every field of a new one. */
export function fieldChanges(before: Partial<Client> | null, after: Partial<Client>): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  for (const field of compared) {
    if (!(field in after)) continue;
    const [old, now] = [before?.[field] ?? null, after[field] ?? null];
    if (JSON.stringify(old) !== JSON.stringify(now)) changes.push({ field, before: old, after: now });
  }
  return changes;
}
