import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Alteration, Kind } from '../cache/cache.ts';
import type { Schema } from './schema.ts';

/** Builds queries and never runs one: each is compiled once, when its module is loaded. */
export const sql = new Kysely<Schema>({
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

class Param {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Stands in a query for a value that is given by name at each run. */
export const param = <T>(name: string): T => new Param(name) as T;

/** Stands for every column of a row to insert, each given under its own name. */
export const params = <const N extends string>(...names: readonly N[]): { [K in N]: never } =>
  Object.fromEntries(names.map((name) => [name, new Param(name)])) as never;

/** One database's words for a question, and the order of its values in them. */
export interface Text {
  readonly text: string;
  bind(values: Values): Bindable[];
}

/** A compiled query, in the words of each database. */
export interface Statement<R> {
  readonly sqlite: Text;
  readonly postgres: Text;
  /** Answers rows: a select, or a write with `returning`. */
  readonly answers: boolean;
  /** What a memory of rows has to forget when this was asked. */
  alters?(values: Values): Alteration;
  readonly row?: R;
}

/** A write to a row that processes remember: what of, and which of the values is its key. */
type Altering = readonly [kind: Kind, key: string];

const alterationBy = (altering: Altering | undefined) =>
  altering && {
    alters: (values: Values): Alteration => ({
      kind: altering[0],
      key: values[altering[1]] as string | number,
    }),
  };

const inOrder = (text: string, parameters: readonly unknown[]): Text => ({
  text,
  bind: (values) =>
    parameters.map((parameter) => {
      if (!(parameter instanceof Param)) return parameter as Bindable;
      const value = values[parameter.name];
      if (value === undefined) throw new Error(`no value for ${parameter.name} in: ${text}`);
      return value;
    }),
});

/** PostgreSQL numbers its parameters. No text of ours holds a question mark of another meaning. */
function numbered(text: string): string {
  let count = 0;
  return text.replace(/\?/g, () => `$${++count}`);
}

/** Every statement of the program, for the test that lets each database read it. */
export const compiled: Statement<unknown>[] = [];

function kept<R>(made: Statement<R>): Statement<R> {
  compiled.push(made);
  return made;
}

const answersRows = (text: string) => /^select\b|\breturning\b/i.test(text.trimStart());

/** Compiles a query once, for both databases. A value it needs and does not get is a fault. */
export function statement<R>(
  query: { compile(): CompiledQuery<R> },
  altering?: Altering,
): Statement<R> {
  const { sql: text, parameters } = query.compile();
  return kept({
    sqlite: inOrder(text, parameters),
    postgres: inOrder(numbered(text), parameters),
    answers: answersRows(text),
    ...alterationBy(altering),
  });
}

/**
 * A query written by hand, where the builder would hide what is asked: `:name` stands for a value
 * given by name at each run. PostgreSQL wants to know the type of a value that is only compared
 * with NULL: `CAST(:name AS BIGINT) IS NULL`. Two texts where one cannot do.
 */
export function written<R>(
  text: string | { readonly sqlite: string; readonly postgres: string },
  altering?: Altering,
): Statement<R> {
  const named = (own: string): { own: string; parameters: Param[] } => {
    const parameters: Param[] = [];
    const positional = own.replace(/:([A-Za-z]\w*)/g, (_match, name: string) => {
      parameters.push(new Param(name));
      return '?';
    });
    return { own: positional, parameters };
  };
  const sqlite = named(typeof text === 'string' ? text : text.sqlite);
  const postgres = named(typeof text === 'string' ? text : text.postgres);
  return kept({
    sqlite: inOrder(sqlite.own, sqlite.parameters),
    postgres: inOrder(numbered(postgres.own), postgres.parameters),
    answers: answersRows(sqlite.own),
    ...alterationBy(altering),
  });
}

/**
 * The same question, whose rows are held until the unit of work ends: who asks next waits (and then
 * sees what became of them), or leaves them out (`skip`). SQLite, which runs one unit at a time, is
 * asked without it.
 */
export const held = <R>(asked: Statement<R>, others: 'wait' | 'skip' = 'wait'): Statement<R> =>
  kept({
    ...asked,
    postgres: {
      ...asked.postgres,
      text: `${asked.postgres.text} FOR UPDATE${others === 'skip' ? ' SKIP LOCKED' : ''}`,
    },
  });

/** One query of a unit of work, and what it answered. */
export interface Step {
  readonly statement: Statement<unknown>;
  readonly values: Values;
}
export interface Answer {
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
  readonly last?: true;
}

/**
 * A unit of work: a generator that yields queries and gets their answers. It does not know whether
 * it is run synchronously (SQLite) or over a connection, and does nothing but ask: it may be run
 * again when its transaction is.
 */
export type Unit<T> = Generator<Batch, T, readonly Answer[]>;

function* answer(asked: Statement<unknown>, values: Values): Unit<Answer> {
  const [only] = yield { steps: [{ statement: asked, values }] };
  if (only === undefined) throw new Error('a query without an answer');
  return only;
}

/** All rows. */
export function* all<R>(asked: Statement<R>, values: Values = {}): Unit<readonly R[]> {
  return (yield* answer(asked, values)).rows as readonly R[];
}

/** The first row, if any. */
export function* one<R>(asked: Statement<R>, values: Values = {}): Unit<R | undefined> {
  return (yield* answer(asked, values)).rows[0] as R | undefined;
}

/** How many rows were written. */
export function* write(asked: Statement<unknown>, values: Values = {}): Unit<number> {
  return (yield* answer(asked, values)).changes;
}

/**
 * Units none of which needs what another answers: what each asks next goes to the server together.
 * Answers what they answer, in order.
 */
export function* alongside<const U extends readonly Unit<unknown>[]>(
  ...units: U
): Unit<{ -readonly [I in keyof U]: U[I] extends Unit<infer T> ? T : never }> {
  const states = units.map((unit) => unit.next());
  for (;;) {
    const batches = states.map(({ done, value }) => (done ? [] : (value as Batch).steps));
    if (batches.every((steps) => steps.length === 0)) break;
    const answers = yield { steps: batches.flat() };
    let taken = 0;
    for (const [index, steps] of batches.entries()) {
      if (steps.length === 0) continue;
      states[index] = (units[index] as Unit<unknown>).next(
        answers.slice(taken, taken + steps.length),
      );
      taken += steps.length;
    }
  }
  return states.map(({ value }) => value) as never;
}

/** The end of a unit that writes: its one batch of queries, and the commit with it. */
export function* lastly<T>(unit: Unit<T>): Unit<T> {
  const first = unit.next();
  if (first.done) return first.value;
  const second = unit.next(yield { ...first.value, last: true });
  if (!second.done) throw new Error('a unit asks on after what it said was the last');
  return second.value;
}
