import type { CachedKind, RowChange } from '../cache/cache.ts';
import type { DialectTexts } from './dialect.ts';

/** What a column takes. */
export type Bindable = string | number | null;
export type Values = Readonly<Record<string, Bindable>>;

/** One database's words for a question, and the order of its values in them. */
export interface DialectText {
  readonly text: string;
  bind(values: Values): Bindable[];
}

/** A compiled query, in the words of each database. */
export interface Statement<R> {
  readonly sqlite: DialectText;
  readonly postgres: DialectText;
  /** Answers rows: a select, or a write with `returning`. */
  readonly returnsRows: boolean;
  /** Which cached row is to be invalidated when this was run. */
  changedRow?(values: Values): RowChange;
  readonly row?: R;
}

/** A write to a row that processes remember: what of, and which of the values is its key. */
type CachedRowRef = readonly [kind: CachedKind, key: string];

const changedRowBy = (cachedRow: CachedRowRef | undefined) =>
  cachedRow && {
    changedRow: (values: Values): RowChange => ({
      kind: cachedRow[0],
      key: values[cachedRow[1]] as string | number,
    }),
  };

/** A text with `:name` for each value, as a database that finds them by position reads it. */
function compileText(written: string, placeholder: (position: number) => string): DialectText {
  const names: string[] = [];
  const text = written.replace(/:([A-Za-z]\w*)/g, (_match, name: string) =>
    placeholder(names.push(name)),
  );
  return {
    text,
    bind: (values) =>
      names.map((name) => {
        const value = values[name];
        if (value === undefined) throw new Error(`no value for ${name} in: ${text}`);
        return value;
      }),
  };
}

/** Every statement of the program, for the test that lets each database read it. */
export const compiledStatements: Statement<unknown>[] = [];

function register<R>(made: Statement<R>): Statement<R> {
  compiledStatements.push(made);
  return made;
}

const isReturningRows = (text: string) => /^select\b|\breturning\b/i.test(text.trimStart());

/**
 * Compiles a query once, for both databases; `R` is the row it answers. `:name` stands for a value
 * that is given by name at each run, and one that is missing then is a fault. PostgreSQL wants to
 * know the type of a value that is only compared with NULL: `CAST(:name AS BIGINT) IS NULL`. Two
 * texts where one cannot do: see dialect.ts.
 */
export function sql<R>(written: string | DialectTexts, cachedRow?: CachedRowRef): Statement<R> {
  const texts = typeof written === 'string' ? { sqlite: written, postgres: written } : written;
  return register({
    sqlite: compileText(texts.sqlite, () => '?'),
    postgres: compileText(texts.postgres, (position) => `$${position}`),
    returnsRows: isReturningRows(texts.sqlite),
    ...changedRowBy(cachedRow),
  });
}

/**
 * The same question, whose rows are locked until the transaction ends: who asks next waits (and
 * then sees what became of them), or leaves them out (`skip`). SQLite, which runs one unit at a
 * time, is asked without it.
 */
export const forUpdate = <R>(
  query: Statement<R>,
  whenLocked: 'wait' | 'skip' = 'wait',
): Statement<R> =>
  register({
    ...query,
    postgres: {
      ...query.postgres,
      text: `${query.postgres.text} FOR UPDATE${whenLocked === 'skip' ? ' SKIP LOCKED' : ''}`,
    },
  });

/** One query of a transaction, and what it answered. */
export interface Step {
  readonly statement: Statement<unknown>;
  readonly values: Values;
}
export interface QueryResult {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

/**
 * Queries that do not wait for each other's answers: they go to the server together and are carried
 * out in this order.
 */
export interface Batch {
  readonly steps: readonly Step[];
  /** The unit asks nothing after these: the commit goes with them. */
  readonly commits?: true;
}

/**
 * A transaction: a generator that yields queries and gets their answers. It does not know whether
 * it is run synchronously (SQLite) or over a connection, and does nothing but ask: it may be run
 * again when its transaction is.
 */
export type Transaction<T> = Generator<Batch, T, readonly QueryResult[]>;

function* runStatement(query: Statement<unknown>, values: Values): Transaction<QueryResult> {
  const [result] = yield { steps: [{ statement: query, values }] };
  if (result === undefined) throw new Error('a query without an answer');
  return result;
}

/** All rows. */
export function* fetchAll<R>(query: Statement<R>, values: Values = {}): Transaction<readonly R[]> {
  return (yield* runStatement(query, values)).rows as readonly R[];
}

/** The first row, if any. */
export function* fetchOne<R>(query: Statement<R>, values: Values = {}): Transaction<R | undefined> {
  return (yield* runStatement(query, values)).rows[0] as R | undefined;
}

/** How many rows were written. */
export function* execute(query: Statement<unknown>, values: Values = {}): Transaction<number> {
  return (yield* runStatement(query, values)).changes;
}

/**
 * Units none of which needs what another answers: what each asks next goes to the server together.
 * Answers what they answer, in order.
 */
export function* pipeline<const U extends readonly Transaction<unknown>[]>(
  ...transactions: U
): Transaction<{ -readonly [I in keyof U]: U[I] extends Transaction<infer T> ? T : never }> {
  const states = transactions.map((transaction) => transaction.next());
  for (;;) {
    const batches = states.map(({ done, value }) => (done ? [] : (value as Batch).steps));
    if (batches.every((steps) => steps.length === 0)) break;
    const answers = yield { steps: batches.flat() };
    let consumed = 0;
    for (const [index, steps] of batches.entries()) {
      if (steps.length === 0) continue;
      states[index] = (transactions[index] as Transaction<unknown>).next(
        answers.slice(consumed, consumed + steps.length),
      );
      consumed += steps.length;
    }
  }
  return states.map(({ value }) => value) as never;
}

/** The end of a unit that writes: its one batch of queries, and the commit with it. */
export function* withCommit<T>(transaction: Transaction<T>): Transaction<T> {
  const first = transaction.next();
  if (first.done) return first.value;
  const second = transaction.next(yield { ...first.value, commits: true });
  if (!second.done) throw new Error('a unit asks on after what it said was the last');
  return second.value;
}
