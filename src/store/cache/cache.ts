import type { Account } from '#accounts/account.ts';
import type { TokenCredentials } from '#oauth1/records.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';

/** What is remembered: rows that are asked for with every request and change a few times a year. */
export interface CachedRows {
  client: Client;
  account: Account;
  consent: Consent;
  /** Token credentials; they stand and fall with their consent, which is remembered by itself. */
  tokenCredentials: TokenCredentials;
}
export type CachedKind = keyof CachedRows;
type RowKey = string | number;

/**
 * A moment on two clocks: one that stands still while the machine is suspended, and one that
 * somebody may set.
 */
export interface ClockReading {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** One thing that somebody changed. */
export interface RowChange {
  readonly kind: CachedKind;
  readonly key: RowKey;
}

/**
 * Takes what a question answered, unless something was changed since the question was about to be
 * asked.
 */
export type CacheRow = <K extends CachedKind>(kind: K, key: RowKey, value: CachedRows[K]) => void;

/**
 * What one process knows of rows it read a moment ago (ADR 12). Only found things are remembered,
 * so a cache can let somebody in for as long as its lease lasts, and never keeps anybody out.
 */
export interface RowCache {
  /** Undefined: not known, known for too long, or the lease has run out. */
  lookup<K extends CachedKind>(kind: K, key: RowKey): CachedRows[K] | undefined;
  /** To be taken before the store is asked. */
  beginRead(): CacheRow;
  invalidate(change: RowChange): void;
  invalidateAll(): void;
  /** The present, to extend the lease from later. */
  readClocks(): ClockReading;
  /**
   * Everything that was changed until then has been forgotten: the cache may be believed until a
   * lease later, by both clocks.
   */
  extendLease(at: ClockReading): void;
  /** False: each question has to be asked. */
  isLeaseValid(): boolean;
}

export interface RowCacheOptions {
  /** Milliseconds that never go back. */
  readonly now?: () => number;
  /** Milliseconds of the day; without it, suspending the machine goes unnoticed. */
  readonly wallClock?: () => number;
  /**
   * How long after a proof that every change was heard of the cache is believed: the longest that
   * it can be behind.
   */
  readonly leaseMs?: number;
  /**
   * How long a thing is known before it is asked again, whatever was heard: the bound should a
   * change be announced by nobody.
   */
  readonly maxAgeMs?: number;
  /** Things of each kind; the oldest go first. */
  readonly maxEntriesPerKind?: number;
}

/** A revocation has to hold everywhere within a second. */
const LEASE_MS = 700;
const MAX_AGE_MS = 5000;
const MAX_ENTRIES_PER_KIND = 20_000;

export function makeRowCache({
  now = () => performance.now(),
  wallClock = () => 0,
  leaseMs = LEASE_MS,
  maxAgeMs = MAX_AGE_MS,
  maxEntriesPerKind = MAX_ENTRIES_PER_KIND,
}: RowCacheOptions = {}): RowCache {
  const entries: {
    readonly [K in CachedKind]: Map<
      RowKey,
      { readonly value: CachedRows[K]; readonly until: number }
    >;
  } = {
    client: new Map(),
    account: new Map(),
    consent: new Map(),
    tokenCredentials: new Map(),
  };
  /** Counts what was forgotten: an answer that was under way meanwhile may be from before. */
  let invalidations = 0;
  let leaseStart: ClockReading = {
    monotonicMs: Number.NEGATIVE_INFINITY,
    wallMs: Number.NEGATIVE_INFINITY,
  };
  const isLeaseValid = () =>
    now() < leaseStart.monotonicMs + leaseMs && wallClock() < leaseStart.wallMs + leaseMs;

  return {
    lookup(kind, key) {
      if (!isLeaseValid()) return undefined;
      const found = entries[kind].get(key);
      return found !== undefined && now() < found.until ? found.value : undefined;
    },
    beginRead() {
      const invalidationsBefore = invalidations;
      const until = now() + maxAgeMs;
      return (kind, key, value) => {
        if (invalidations !== invalidationsBefore) return;
        const entriesOfKind = entries[kind];
        entriesOfKind.delete(key);
        const [oldest] = entriesOfKind.size >= maxEntriesPerKind ? entriesOfKind.keys() : [];
        if (oldest !== undefined) entriesOfKind.delete(oldest);
        entriesOfKind.set(key, { value, until });
      };
    },
    invalidate({ kind, key }) {
      invalidations += 1;
      entries[kind].delete(key);
    },
    invalidateAll() {
      invalidations += 1;
      for (const entriesOfKind of Object.values(entries)) entriesOfKind.clear();
    },
    readClocks: () => ({ monotonicMs: now(), wallMs: wallClock() }),
    extendLease(at) {
      if (at.monotonicMs > leaseStart.monotonicMs) leaseStart = at;
    },
    isLeaseValid,
  };
}
