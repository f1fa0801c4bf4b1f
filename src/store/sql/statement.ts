import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { CachedKind, RowChange } from '../cache/cache.ts';
import type { Schema } from './schema.ts';

/** Builds queries and never runs one: each is compiled once, when its module is loaded. */
export const queryBuilder = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** What a column takes. */
export type Bindable = string | number | null;
export type Values = Readonly<Record<string, Bindable>>;

class NamedParameter {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Stands in a query for a value that is given by name at each run. */
export const param = <T>(name: string): T => new NamedParameter(name) as T;

/** Stands for every column of a row to insert, each given under its own name. */
export const params = <const N extends string>(...names: readonly N[]): { [K in N]: never } =>
  Object.fromEntries(names.map((name) => [name, new NamedParameter(name)])) as never;

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
  /** What a memory of rows has to forget when this was asked. */
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

const withPositionalValues = (text: string, parameters: readonly unknown[]): DialectText => ({
  text,
  bind: (values) =>
    parameters.map((parameter) => {
      if (!(parameter instanceof NamedParameter)) return parameter as Bindable;
      const value = values[parameter.name];
      if (value === undefined) throw new Error(`no value for ${parameter.name} in: ${text}`);
      return value;
    }),
});

/** PostgreSQL numbers its parameters. No text of ours holds a question mark of another meaning. */
function numberParameters(text: string): string {
  let count = 0;
  return text.replace(/\?/g, () => `$${++count}`);
}

/** Every statement of the program, for the test that lets each database read it. */
export const compiledStatements: Statement<unknown>[] = [];

function register<R>(made: Statement<R>): Statement<R> {
  compiledStatements.push(made);
  return made;
}

const isReturningRows = (text: string) => /^select\b|\breturning\b/i.test(text.trimStart());

/** Compiles a query once, for both databases. A value it needs and does not get is a fault. */
export function statement<R>(
  query: { compile(): CompiledQuery<R> },
  cachedRow?: CachedRowRef,
): Statement<R> {
  const { sql: text, parameters } = query.compile();
  return register({
    sqlite: withPositionalValues(text, parameters),
    postgres: withPositionalValues(numberParameters(text), parameters),
    returnsRows: isReturningRows(text),
    ...changedRowBy(cachedRow),
  });
}

/**
 * A query written by hand, where the builder would hide what is asked: `:name` stands for a value
 * given by name at each run. PostgreSQL wants to know the type of a value that is only compared
 * with NULL: `CAST(:name AS BIGINT) IS NULL`. Two texts where one cannot do.
 */
export function sql<R>(
  text: string | { readonly sqlite: string; readonly postgres: string },
  cachedRow?: CachedRowRef,
): Statement<R> {
  const parseNamedParameters = (own: string): { own: string; parameters: NamedParameter[] } => {
    const parameters: NamedParameter[] = [];
    const positional = own.replace(/:([A-Za-z]\w*)/g, (_match, name: string) => {
      parameters.push(new NamedParameter(name));
      return '?';
    });
    return { own: positional, parameters };
  };
  const sqlite = parseNamedParameters(typeof text === 'string' ? text : text.sqlite);
  const postgres = parseNamedParameters(typeof text === 'string' ? text : text.postgres);
  return register({
    sqlite: withPositionalValues(sqlite.own, sqlite.parameters),
    postgres: withPositionalValues(numberParameters(postgres.own), postgres.parameters),
    returnsRows: isReturningRows(sqlite.own),
    ...changedRowBy(cachedRow),
  });
}

/**
 * The same question, whose rows are held until the unit of work ends: who asks next waits (and then
 * sees what became of them), or leaves them out (`skip`). SQLite, which runs one unit at a time, is
 * asked without it.
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

/** One query of a unit of work, and what it answered. */
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
 * A unit of work: a generator that yields queries and gets their answers. It does not know whether
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
