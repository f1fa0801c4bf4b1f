import type { ClientId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { Clock } from '#platform/clock.ts';

/**
 * A request of an app that was refused, as its developer may see it. Never a secret, a code or a
 * token.
 */
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

function unlessUnavailable(fault: unknown): void {
  if (!isUnavailable(fault)) throw fault;
}

/** The notes, and the way to read them. */
export interface Failures extends FailureNotes {
  /** Writes down what was noted. Where the store cannot take it, it is kept for the next time. */
  flush(): Promise<void>;
  /** Latest first, with what this process noted up to now. */
  listFailures: FailureRecords['listFailures'];
}

/** Collects failures in memory, the latest of each client alone; `flush` hands them over. */
export function makeFailures(clock: Clock, records: FailureRecords): Failures {
  let held = new Map<ClientId, NewFailure[]>();
  let writing: Promise<void> = Promise.resolve();

  function hold(failure: NewFailure): void {
    const list = held.get(failure.clientId) ?? [];
    if (!held.has(failure.clientId) && held.size >= MOST_CLIENTS) return;
    list.push(failure);
    if (list.length > MOST_FAILURES) list.shift();
    held.set(failure.clientId, list);
  }

  async function write(): Promise<void> {
    if (held.size === 0) return;
    const batch = [...held.values()].flat();
    held = new Map();
    try {
      await records.saveFailures(batch, MOST_FAILURES);
    } catch (fault) {
      const since = [...held.values()].flat();
      held = new Map();
      for (const failure of [...batch, ...since]) hold(failure);
      throw fault;
    }
  }

  return {
    note(clientId, kind, facts) {
      if (JSON.stringify(facts).length <= MOST_BYTES)
        hold({ clientId, kind, at: clock.now(), facts });
    },
    // One after the other: whoever waits for it finds everything that was noted before in the
    // store.
    flush() {
      writing = writing.catch(() => undefined).then(write);
      return writing;
    },
    async listFailures(clientId, limit) {
      // A store that takes nothing at the moment may still be read.
      await this.flush().catch(unlessUnavailable);
      return records.listFailures(clientId, limit);
    },
  };
}
