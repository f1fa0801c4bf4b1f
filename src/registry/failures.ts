import type { ClientId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Clock } from '#ports/clock.ts';

/** A request of an app that was refused, as its developer may see it. Never a secret, a code or a token. */
export interface Failure {
  readonly id: number;
  readonly clientId: ClientId;
  readonly kind: 'oauth1' | 'token';
  readonly at: Instant;
  /** What is shown; the routes that write it know its shape. */
  readonly facts: Readonly<Record<string, unknown>>;
}
export type NewFailure = Omit<Failure, 'id'>;

/** Where edges say that a known app was refused. Nothing is written at once. */
export interface FailureNotes {
  note(clientId: ClientId, kind: Failure['kind'], facts: Failure['facts']): void;
}

/** The store's side. */
export interface FailureRecords {
  /** Adds them, and keeps the latest `most` of each client. */
  saveFailures(failures: readonly NewFailure[], most: number): Promise<void>;
  /** Latest first. */
  listFailures(clientId: ClientId, limit: number): Promise<readonly Failure[]>;
}

/** As many as are kept of one client: strangers can fail in an app's name, too. */
export const MOST_FAILURES = 20;
const MOST_BYTES = 4096;
const MOST_CLIENTS = 1000;

/** Collects failures in memory, the latest of each client alone; `flush` hands them over. */
export function makeFailures(clock: Clock, records: Pick<FailureRecords, 'saveFailures'>): FailureNotes & { flush(): Promise<void> } {
  let held = new Map<ClientId, NewFailure[]>();
  return {
    note(clientId, kind, facts) {
      const list = held.get(clientId) ?? [];
      if (!held.has(clientId) && held.size >= MOST_CLIENTS) return;
      if (JSON.stringify(facts).length > MOST_BYTES) return;
      list.push({ clientId, kind, at: clock.now(), facts });
      if (list.length > MOST_FAILURES) list.shift();
      held.set(clientId, list);
    },
    async flush() {
      if (held.size === 0) return;
      const batch = [...held.values()].flat();
      held = new Map();
      await records.saveFailures(batch, MOST_FAILURES);
    },
  };
}
