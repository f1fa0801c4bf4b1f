import { createHash } from 'node:crypto';
import pg from 'pg';
import { Unavailable } from '#kernel/unavailable.ts';
import type { RowChange } from '../cache/cache.ts';
import type { Driver, Isolation } from '../driver.ts';
import type {
  Batch,
  Bindable,
  QueryResult,
  Statement,
  Step,
  Transaction,
} from '../sql/statement.ts';
import { awaitAll, BrokenConnection, checkAnswer, commit } from './answers.ts';
import { trackChanges } from './changed-rows.ts';
import { classifyFault, toUnavailable } from './errors.ts';
import { createPool } from './pool.ts';

export interface PostgresOptions {
  /** Connections of this process at most. */
  readonly connections?: number;
  /** How long a connection may take, or the wait for a free one. */
  readonly connectMs?: number;
  /** How long the server may work on one statement, waiting for locks included. */
  readonly statementMs?: number;
  /** A server that follows the primary, for reads that may be some seconds old. */
  readonly replica?: string | null;
  /**
   * Told of each row that a write of this process may have changed, before the write is answered.
   */
  readonly onRowChange?: (change: RowChange) => void;
}

/** How long a connection may take unless it is said otherwise. */
export const CONNECT_MS = 3000;

const MAX_ATTEMPTS = 25;

/** A row that is still in the way after so many looks for it is not looked for at all: a fault. */
const MAX_ATTEMPTS_UNIQUE = 4;

const CLOSE_MS = 3000;

const beginStatements: Readonly<Record<Exclude<Isolation, 'autocommit'>, string>> = {
  serializable: 'BEGIN ISOLATION LEVEL SERIALIZABLE',
  // The lock is taken before the first look at the data: a unit sees all that was committed before
  // its turn came.
  'serialized-queue': 'BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE turns IN EXCLUSIVE MODE',
  'read-committed': 'BEGIN ISOLATION LEVEL READ COMMITTED',
};

/**
 * PostgreSQL takes no NUL in a text. Nothing we look for holds the character that stands for it, so
 * such a text is found by nobody.
 */
const withoutNul = (value: Bindable): Bindable =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value;

/**
 * A pool of connections to one PostgreSQL server. Fails closed: whatever is not known to be
 * committed rejects, with `Unavailable` where asking again later may help. Connections that broke
 * are thrown away, so that the pool recovers by itself (ADR 8).
 */
export class PostgresDriver implements Driver {
  readonly #pool: pg.Pool;
  readonly #names = new Map<string, string>();
  /** Part of every prepared statement's name: raised when the tables changed under the plans. */
  #generation = 0;
  #closed = false;
  readonly #replica: PostgresDriver | null;
  readonly #onRowChange: (change: RowChange) => void;

  constructor(
    url: string,
    {
      connections = 10,
      connectMs = CONNECT_MS,
      statementMs = 5000,
      replica = null,
      onRowChange = () => {},
    }: PostgresOptions = {},
  ) {
    this.#onRowChange = onRowChange;
    this.#replica =
      replica === null
        ? null
        : new PostgresDriver(replica, { connections, connectMs, statementMs });
    this.#pool = createPool(url, { connections, connectMs, statementMs });
  }

  async read<T>(transaction: Transaction<T>): Promise<T> {
    // What is known without a question needs no connection.
    const first = transaction.next();
    return first.done
      ? first.value
      : this.withConnection((client) => this.#run(client, transaction, { first, patient: true }));
  }

  async write<T>(
    makeTransaction: () => Transaction<T>,
    isolation: Isolation = 'serializable',
  ): Promise<T> {
    const changedRows = new Set<RowChange>();
    try {
      return await this.#write(trackChanges(makeTransaction, changedRows), isolation);
    } finally {
      // Also when it failed: a commit whose answer is lost may have happened.
      for (const change of changedRows) this.#onRowChange(change);
    }
  }

  async #write<T>(makeTransaction: () => Transaction<T>, isolation: Isolation): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.withConnection((client) =>
          isolation === 'autocommit'
            ? this.#run(client, makeTransaction(), { most: 1 })
            : this.#transaction(client, makeTransaction, isolation),
        );
      } catch (fault) {
        const { kind, state } = this.#classifyFault(fault);
        if (kind !== 'retry' && kind !== 'stale') throw fault;
        // A single statement has not looked before it wrote: the same row twice is a fault.
        if (isolation === 'autocommit' && state === '23505') throw fault;
        if (attempt === MAX_ATTEMPTS || (state === '23505' && attempt === MAX_ATTEMPTS_UNIQUE))
          throw state === '23505'
            ? fault
            : new Unavailable('too many wanted the same at once', 1, { cause: fault });
      }
      await new Promise((resolve) =>
        setTimeout(resolve, Math.random() * Math.min(100, 4 * attempt)),
      );
    }
  }

  /** Lends a connection, which is thrown away when it broke. */
  async withConnection<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Unavailable('the store is closed');
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (fault) {
      throw toUnavailable(fault);
    }
    // While it is lent, a break shows at the statement under way or at the next one.
    const quiet = () => {};
    client.on('error', quiet);
    let broken = false;
    try {
      return await use(client);
    } catch (fault) {
      broken = fault instanceof BrokenConnection || client.getTransactionStatus() !== 'I';
      throw fault instanceof BrokenConnection ? toUnavailable(fault.cause) : fault;
    } finally {
      client.off('error', quiet);
      client.release(broken);
    }
  }

  async readReplica<T>(makeTransaction: () => Transaction<T>): Promise<T> {
    if (this.#replica === null) return this.read(makeTransaction());
    try {
      return await this.#replica.read(makeTransaction());
    } catch {
      // Whatever is wrong there (away, behind by a table that it does not have yet) is not the
      // primary's trouble.
      return this.read(makeTransaction());
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#replica?.close();
    // A server that does not even take leave must not keep the process.
    await Promise.race([
      this.#pool.end(),
      new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref()),
    ]);
  }

  #classifyFault(fault: unknown) {
    const faultClass =
      fault instanceof pg.DatabaseError
        ? classifyFault(fault)
        : { kind: 'fault' as const, state: '' };
    if (faultClass.kind === 'stale') this.#generation += 1;
    return faultClass;
  }

  async #transaction<T>(
    client: pg.PoolClient,
    makeTransaction: () => Transaction<T>,
    isolation: Exclude<Isolation, 'autocommit'>,
  ): Promise<T> {
    const beginTransaction = () => checkAnswer(client.query(beginStatements[isolation]));
    try {
      const transaction = makeTransaction();
      let next = transaction.next();
      // A question may go along with BEGIN: if that fails, the question does no harm. A write waits
      // until it is sure.
      if (next.done || !next.value.steps.every(isReadOnly)) await beginTransaction();
      else
        next = transaction.next(
          (
            await awaitAll<unknown>([beginTransaction(), ...this.#send(client, next.value, false)])
          ).slice(1) as QueryResult[],
        );
      while (!next.done) {
        const { commits = false } = next.value;
        // What failed before a COMMIT turns it into a ROLLBACK: nothing is half done.
        const sent = this.#send(client, next.value, false);
        const answers = await awaitAll<unknown>(commits ? [...sent, commit(client)] : sent);
        next = transaction.next(answers as QueryResult[]);
        if (commits && !next.done) throw new Error('a unit asks on after its commit');
        if (commits && next.done) return next.value;
      }
      await commit(client);
      return next.value;
    } catch (fault) {
      // Whatever the library believes: an error is told before the state that it left behind.
      if (!(fault instanceof BrokenConnection)) await checkAnswer(client.query('ROLLBACK'));
      throw fault;
    }
  }

  /**
   * `patient`: outside a transaction, so that a statement whose plan is out of date can be asked
   * again by itself.
   */
  async #run<T>(
    client: pg.PoolClient,
    transaction: Transaction<T>,
    {
      most = Infinity,
      patient = false,
      first = transaction.next(),
    }: { most?: number; patient?: boolean; first?: IteratorResult<Batch, T> } = {},
  ): Promise<T> {
    let next = first;
    for (let steps = 1; !next.done; steps += 1) {
      if (steps > most || next.value.steps.length > most)
        throw new Error(
          `more than one statement in a unit that was said to be one: ${next.value.steps[0]?.statement.postgres.text}`,
        );
      next = transaction.next(await awaitAll(this.#send(client, next.value, patient)));
    }
    return next.value;
  }

  /**
   * All are made before the first is sent: one that cannot be made must not be missing among the
   * others.
   */
  #send(client: pg.PoolClient, { steps }: Batch, patient: boolean): Promise<QueryResult>[] {
    return steps
      .map((step) => ({ step, query: this.#toQuery(step) }))
      .map(({ step, query }) => this.#runQuery(client, step, query, patient));
  }

  #toQuery({ statement, values }: Step): pg.QueryConfig {
    const { text, bind } = statement.postgres;
    return { name: this.#nameOf(statement), text, values: bind(values).map(withoutNul) };
  }

  async #runQuery(
    client: pg.PoolClient,
    step: Step,
    query: pg.QueryConfig,
    patient: boolean,
  ): Promise<QueryResult> {
    try {
      const { rows, rowCount } = await checkAnswer(client.query(query));
      return step.statement.returnsRows
        ? { rows, changes: rows.length }
        : { rows: [], changes: rowCount ?? 0 };
    } catch (fault) {
      if (patient && this.#classifyFault(fault).kind === 'stale')
        return this.#runQuery(client, step, this.#toQuery(step), false);
      throw fault;
    }
  }

  /**
   * The same text has the same name in every process, as a pooler between us and the server may
   * share what was prepared.
   */
  #nameOf({ postgres: { text } }: Statement<unknown>): string {
    let name = this.#names.get(text);
    if (name === undefined) {
      name = createHash('sha256').update(text).digest('base64url').slice(0, 22);
      this.#names.set(text, name);
    }
    return this.#generation === 0 ? name : `${name}.${this.#generation}`;
  }
}

/** Whether a query changes nothing, whatever becomes of it. */
const isReadOnly = ({ statement }: Step): boolean => /^\s*select\b/i.test(statement.postgres.text);
