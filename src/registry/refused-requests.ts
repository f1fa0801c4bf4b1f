import { type ClientId, isClientId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { Clock } from '#platform/clock.ts';
import type { RegistryRecords } from './records.ts';

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

/** Where endpoints say that an app was refused. Nothing is written at once. */
export interface FailureRecorder {
  /** Keeps a refusal for the app that a request names; for a name that no app has, nothing. */
  recordFailure(id: string, kind: Failure['kind'], facts: Failure['facts']): Promise<void>;
}

/** The store's side. */
export interface FailureRecords {
  /** Adds them, and keeps the latest `most` of each client. */
  saveFailures(failures: readonly NewFailure[], limit: number): Promise<void>;
  /** Latest first. */
  listFailures(clientId: ClientId, limit: number): Promise<readonly Failure[]>;
}

/** As many as are kept of one client: strangers can fail in an app's name, too. */
export const MAX_FAILURES = 20;
const MAX_BYTES = 4096;
const MAX_CLIENTS = 1000;

function unlessUnavailable(fault: unknown): void {
  if (!isUnavailable(fault)) throw fault;
}

/** The notes, and the way to read them. */
export interface Failures extends FailureRecorder {
  /** Writes down what was noted. Where the store cannot take it, it is kept for the next time. */
  flush(): Promise<void>;
  /** Latest first, with what this process noted up to now. */
  listFailures: FailureRecords['listFailures'];
}

/** Collects failures in memory, the latest of each client alone; `flush` hands them over. */
export function makeFailures(
  clock: Clock,
  records: FailureRecords & Pick<RegistryRecords, 'findClient'>,
): Failures {
  let buffered = new Map<ClientId, NewFailure[]>();
  let writing: Promise<void> = Promise.resolve();

  function buffer(failure: NewFailure): void {
    const list = buffered.get(failure.clientId) ?? [];
    if (!buffered.has(failure.clientId) && buffered.size >= MAX_CLIENTS) return;
    list.push(failure);
    if (list.length > MAX_FAILURES) list.shift();
    buffered.set(failure.clientId, list);
  }

  async function write(): Promise<void> {
    if (buffered.size === 0) return;
    const batch = [...buffered.values()].flat();
    buffered = new Map();
    try {
      await records.saveFailures(batch, MAX_FAILURES);
    } catch (fault) {
      const since = [...buffered.values()].flat();
      buffered = new Map();
      for (const failure of [...batch, ...since]) buffer(failure);
      throw fault;
    }
  }

  return {
    async recordFailure(id, kind, facts) {
      const client = isClientId(id) ? await records.findClient(id) : undefined;
      if (client !== undefined && JSON.stringify(facts).length <= MAX_BYTES)
        buffer({ clientId: client.id, kind, at: clock.now(), facts });
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
