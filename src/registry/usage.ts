import type { ClientId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Clock } from '#platform/clock.ts';

/**
 * What can have been used: by kind, and its identifier as text. `token`: an OAuth 1 token, an
 * owner-only token, or an OAuth 2 family.
 */
export type UsedKind = 'client' | 'consent' | 'secret' | 'token';

/** One request that a credential served. */
export interface Use {
  readonly clientId: ClientId;
  readonly consentId?: number | null;
  readonly secretId?: number | null;
  readonly token?: string | null;
}

/** Where rooms say that a credential was used. Nothing is written at once. */
export interface UsageRecorder {
  /** `call`: an API request that was let through, which counts as the client's traffic. */
  recordUse(use: Use, call?: boolean): void;
}

/** A batch: things used on a day for the first time, and calls of a client in an hour. */
export interface UsageBatch {
  readonly marks: readonly { readonly kind: UsedKind; readonly id: string; readonly day: number }[];
  readonly calls: readonly {
    readonly clientId: ClientId;
    readonly hour: number;
    readonly calls: number;
  }[];
}

/** The store's side. */
export interface UsageRecords {
  saveUsage(batch: UsageBatch): Promise<void>;
  /** Days since 1970 on which things of a kind were last used. */
  lastUsed(kind: UsedKind, ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** What switching a client off would stop. */
export interface Impact {
  /** People with a consent. */
  readonly users: number;
  /** Tokens that would be accepted now, apart from short-lived ones that expired. */
  readonly tokens: number;
  /** API calls in the last 24 hours that were let through. */
  readonly calls: number;
}

export const DAY = 86_400;
const HOUR = 3600;
const MAX_REMEMBERED = 100_000;

/**
 * Collects use in memory: each thing is marked once a day, whatever the traffic, and calls are
 * added up by the hour. `flush` hands over what was collected; what a crash loses is at most the
 * time between two flushes.
 */
export function makeUsage(
  clock: Clock,
  records: Pick<UsageRecords, 'saveUsage'>,
): UsageRecorder & { flush(): Promise<void> } {
  let today = -1;
  let marked = new Set<string>();
  let marks: { kind: UsedKind; id: string; day: number }[] = [];
  let calls = new Map<ClientId, Map<number, number>>();

  function mark(kind: UsedKind, id: string): void {
    const key = `${kind} ${id}`;
    if (marked.has(key)) return;
    // More things than are remembered: some are marked again, which writes nothing new.
    if (marked.size >= MAX_REMEMBERED) marked = new Set();
    marked.add(key);
    marks.push({ kind, id, day: today });
  }

  function count(clientId: ClientId, hour: number, added: number): void {
    const hours = calls.get(clientId) ?? new Map<number, number>();
    hours.set(hour, (hours.get(hour) ?? 0) + added);
    calls.set(clientId, hours);
  }

  return {
    recordUse({ clientId, consentId, secretId, token }, call = false) {
      const now: Instant = clock.now();
      const day = Math.floor(now / DAY);
      if (day !== today) {
        today = day;
        marked = new Set();
      }
      mark('client', clientId);
      if (consentId != null) mark('consent', String(consentId));
      if (secretId != null) mark('secret', String(secretId));
      if (token != null) mark('token', token);
      if (call) count(clientId, Math.floor(now / HOUR), 1);
    },
    async flush() {
      if (marks.length === 0 && calls.size === 0) return;
      const batch: UsageBatch = {
        marks,
        calls: [...calls].flatMap(([clientId, hours]) =>
          [...hours].map(([hour, counted]) => ({ clientId, hour, calls: counted })),
        ),
      };
      marks = [];
      calls = new Map();
      try {
        await records.saveUsage(batch);
      } catch (fault) {
        // None of it was written: it goes with the next batch.
        marks = [...batch.marks, ...marks];
        for (const { clientId, hour, calls: counted } of batch.calls)
          count(clientId, hour, counted);
        throw fault;
      }
    },
  };
}
