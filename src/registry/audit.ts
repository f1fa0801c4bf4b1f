import type { ClientId, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Via } from './actor.ts';
import type { Client } from './model/client.ts';

/** What was before and what is now. Secrets never: a secret is named by its label. */
export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** One entry of the audit log. Entries are added and never changed. */
export interface AuditEntry {
  readonly id: number;
  readonly at: Instant;
  /** Past tense is for readers; this is the action's own name. */
  readonly action: string;
  /** Null: the operator, or the program's own scheduled work (`via` tells). */
  readonly actorId: UserId | null;
  readonly via: Via;
  /**
   * Where the request came from: a network address, or of the command line who used it (`os:ada`,
   * `as:Ada`); null: not known.
   */
  readonly address: string | null;
  /** Null: it is about an account, which the change of the field `account` names. */
  readonly clientId: ClientId | null;
  /** The version that the action made, or left as it is (consents). */
  readonly recordVersion: number;
  /** Why, in the actor's words. */
  readonly reason: string;
  readonly changes: readonly FieldChange[];
}

/** A change of which a reader may know that it happened, and not the values. */
export interface HiddenChange {
  readonly field: string;
}

/** An entry as somebody may read it. `'before' in change`: they may see the values. */
export type ReadableAuditEntry = Omit<AuditEntry, 'changes'> & {
  readonly changes: readonly (FieldChange | HiddenChange)[];
};

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'recordVersion' | 'clientId'> & {
  readonly clientId: ClientId;
};

/** Which lines are wanted; newest first unless `order` says otherwise. */
export interface AuditFilter {
  readonly clientId?: ClientId;
  readonly actorId?: UserId;
  readonly action?: string;
  readonly from?: Instant;
  /** Exclusive. */
  readonly until?: Instant;
  /** Only entries about apps, people's consents or accounts; all when absent. */
  readonly about?: 'clients' | 'consents' | 'accounts';
  /** Only entries of one client after this version. */
  readonly afterRecordVersion?: number;
  /** Continue after this line. */
  readonly after?: number;
  readonly order?: 'oldest-first' | 'newest-first';
  /** For a report: an answer some seconds old will do. */
  readonly allowStale?: true;
  readonly limit: number;
}

/** What each field of a client is called in the audit log, and in a revision. */
const comparedFields = [
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
  'suspension',
  'introspector',
  'pkceOptional',
] as const satisfies readonly (keyof Client)[];

/** The fields of a client that differ, before and after; every field of a new one. */
export function fieldChanges(
  before: Partial<Client> | null,
  after: Partial<Client>,
): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  for (const field of comparedFields) {
    if (!(field in after)) continue;
    const [old, now] = [before?.[field] ?? null, after[field] ?? null];
    if (JSON.stringify(old) !== JSON.stringify(now))
      changes.push({ field, before: old, after: now });
  }
  return changes;
}

/** Where the chain of hashes over the audit log ends. */
export interface AuditHead {
  /** The latest entry. */
  readonly id: number;
  /** SHA-256 over the entry and the hash before it, in hexadecimal digits. */
  readonly hash: string;
}

/** What `audit verify` can find. */
export type AuditBreak =
  /** The entry, or its place after the one before, is not what was chained. */
  | { readonly kind: 'changed'; readonly id: number }
  /** It was chained and is not there. */
  | { readonly kind: 'missing'; readonly id: number }
  /** There are two entries of one number. */
  | { readonly kind: 'twice'; readonly id: number }
  /** It is there and was not chained. */
  | { readonly kind: 'unchained'; readonly id: number }
  /** Entries of these numbers were at the end, and are gone with their hashes. */
  | { readonly kind: 'cut'; readonly from: number; readonly to: number }
  /** A head that was noted earlier is not in the chain. */
  | { readonly kind: 'other-head'; readonly id: number }
  /** What keeps the audit log from being changed is switched off or gone. */
  | { readonly kind: 'unguarded'; readonly name: string };

/** What became of the chain. */
export interface AuditVerdict {
  readonly entries: number;
  readonly head: AuditHead | null;
  /**
   * Entries that were chained later than they were written: those from before there was a chain, or
   * by a version before.
   */
  readonly late: { readonly from: number; readonly to: number } | null;
  readonly breaks: readonly AuditBreak[];
  /** Breaks that are not listed. */
  readonly more: number;
}

/** The chain of hashes over the audit log (ADR 22). */
export interface AuditChain {
  /** Null: there is no entry yet. */
  auditHead(): Promise<(AuditHead & { readonly entries: number }) | null>;
  /** Chains entries that are not yet, at most 500; answers how many. */
  chainAudit(): Promise<number>;
  /**
   * Checks every entry. `known`: heads that were noted earlier, which must still be in the chain.
   * `archivedUntil`: entries up to this one may be missing, as their partition was taken away.
   */
  verifyAudit(options?: {
    readonly known?: readonly AuditHead[];
    readonly archivedUntil?: number;
  }): Promise<AuditVerdict>;
}
