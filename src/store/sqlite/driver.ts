import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { Driver } from '../driver.ts';
import type { QueryResult, Step, Transaction } from '../sql/statement.ts';
import { toSqliteFault } from './errors.ts';

interface QueuedWrite {
  run(): void;
  succeed(): void;
  fail(fault: unknown): void;
}

/** A write-ahead log larger than this is cut back as soon as no reader is in the way. */
const MAX_WAL_BYTES = 64 * 1_048_576;
/**
 * From here on writers wait for readers, so that one of overlapping readers after the other cannot
 * fill the disk.
 */
const URGENT_WAL_BYTES = 8 * MAX_WAL_BYTES;

/**
 * One SQLite connection. Writes that arrive in the same turn of the event loop are committed
 * together: one fsync for all of them, which makes FULL durability cheaper than NORMAL would be
 * alone (ADR 3). A unit that faults is run again alone, so that it fails alone.
 */
export class SqliteDriver implements Driver {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #queue: QueuedWrite[] = [];
  #closed = false;

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { enableForeignKeyConstraints: true });
    this.#db.exec(
      'PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;',
    );
    this.#db.exec(`PRAGMA journal_size_limit = ${MAX_WAL_BYTES}`);
  }

  get database(): DatabaseSync {
    return this.#db;
  }

  async read<T>(transaction: Transaction<T>): Promise<T> {
    try {
      return this.#run(transaction);
    } catch (fault) {
      throw toSqliteFault(fault);
    }
  }

  readReplica<T>(makeTransaction: () => Transaction<T>): Promise<T> {
    return this.read(makeTransaction());
  }

  /** Bytes of the write-ahead log beside the database; null: it has none, being in memory. */
  walBytes(): number | null {
    const file = this.#db.location();
    return file === null ? null : (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0);
  }

  /**
   * Copies a write-ahead log that has grown into the database and cuts it back. SQLite does so by
   * itself where there is a moment without readers; where there is none, this one waits for those
   * who read now: a blink while the log is merely large, as long as an export takes when it
   * presses.
   */
  checkpoint(): void {
    const bytes = this.walBytes() ?? 0;
    if (this.#closed || bytes <= MAX_WAL_BYTES) return;
    this.#db.exec(`PRAGMA busy_timeout = ${bytes > URGENT_WAL_BYTES ? 3000 : 50}`);
    try {
      this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    } catch (fault) {
      // A reader was longer: the next time.
      if (!isUnavailable(toSqliteFault(fault))) throw fault;
    } finally {
      this.#db.exec('PRAGMA busy_timeout = 5000');
    }
  }

  write<T>(makeTransaction: () => Transaction<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('the store is closed'));
    return new Promise<T>((resolve, reject) => {
      let value: T;
      this.#queue.push({
        run: () => {
          value = this.#run(makeTransaction());
        },
        succeed: () => resolve(value),
        fail: reject,
      });
      if (this.#queue.length === 1) setImmediate(() => this.#flush());
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    this.#db.close();
  }

  #flush(): void {
    const batch = this.#queue;
    this.#queue = [];
    if (batch.length === 0) return;
    try {
      this.#transaction(batch);
      for (const queued of batch) queued.succeed();
    } catch (fault) {
      const reportedFault = toSqliteFault(fault);
      // Where the file is not to be had, each unit alone would only wait for it again.
      if (batch.length === 1 || isUnavailable(reportedFault))
        for (const queued of batch) queued.fail(reportedFault);
      else for (const queued of batch) this.#runAlone(queued);
    }
  }

  #runAlone(queued: QueuedWrite): void {
    try {
      this.#transaction([queued]);
      queued.succeed();
    } catch (fault) {
      queued.fail(toSqliteFault(fault));
    }
  }

  #transaction(batch: readonly QueuedWrite[]): void {
    this.#exec('BEGIN IMMEDIATE');
    try {
      for (const queued of batch) queued.run();
      this.#exec('COMMIT');
    } catch (fault) {
      if (this.#db.isTransaction) this.#exec('ROLLBACK');
      throw fault;
    }
  }

  #exec(text: string): void {
    this.#prepared(text).run();
  }

  #prepared(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #run<T>(transaction: Transaction<T>): T {
    let next = transaction.next();
    while (!next.done) next = transaction.next(next.value.steps.map((step) => this.#answer(step)));
    return next.value;
  }

  #answer({ statement, values }: Step): QueryResult {
    const prepared = this.#prepared(statement.sqlite.text);
    const bound = statement.sqlite.bind(values);
    if (statement.returnsRows) {
      const rows = prepared.all(...bound);
      return { rows, changes: rows.length };
    }
    return { rows: [], changes: Number(prepared.run(...bound).changes) };
  }
}
