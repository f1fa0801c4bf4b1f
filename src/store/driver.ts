import type { Transaction } from './sql/statement.ts';

/**
 * How a transaction that writes is kept apart from others at the same time. SQLite runs one at a
 * time and needs no word of it; on PostgreSQL (ADR 8):
 * - `serializable`: as if nothing else ran. SERIALIZABLE, and run again when it met another.
 * - `serialized-queue`: the same, and one after another on all nodes, so that the numbers it takes
 * are in the order of the commits.
 * - `read-committed`: the unit sees to itself. READ COMMITTED: it holds the rows it decides on, or
 * decides by the count of a conditional write.
 * - `autocommit`: one statement, which is a transaction by itself.
 */
export type Isolation = 'serializable' | 'serialized-queue' | 'read-committed' | 'autocommit';

/** Runs transactions. The store's verbs know nothing else of the database. */
export interface Driver {
  /** Outside a transaction, at once. */
  read<T>(transaction: Transaction<T>): Promise<T>;
  /**
   * A read whose answer may be some seconds old: lists, counts and reports, never whether somebody
   * may do something. A replica answers it where there is one, and the primary when the replica
   * cannot.
   */
  readReplica<T>(makeTransaction: () => Transaction<T>): Promise<T>;
  /**
   * All or nothing, durable when the promise resolves. `make` may be called again: when a
   * neighbour's fault undid the batch, or when two met. Rejects with `Unavailable` when it is not
   * known to be stored. `serializable` unless the caller says that less will do.
   */
  write<T>(makeTransaction: () => Transaction<T>, isolation?: Isolation): Promise<T>;
  close(): Promise<void>;
}
