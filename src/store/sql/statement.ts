import { type CompiledQuery, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
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

/** A compiled query that knows the order of its values. */
export interface Statement<R> {
  readonly text: string;
  /** Answers rows: a select, or a write with `returning`. */
  readonly answers: boolean;
  bind(values: Values): Bindable[];
  readonly row?: R;
}

/** Compiles a query once. A value it needs and does not get is a fault. */
export function statement<R>(query: { compile(): CompiledQuery<R> }): Statement<R> {
  const { sql: text, parameters } = query.compile();
  return {
    text,
    answers: /^\s*select\b|\breturning\b/i.test(text),
    bind: (values) =>
      parameters.map((parameter) => {
        if (!(parameter instanceof Param)) return parameter as Bindable;
        const value = values[parameter.name];
        if (value === undefined) throw new Error(`no value for ${parameter.name} in: ${text}`);
        return value;
      }),
  };
}

/** A query written by hand, where the builder would hide what is asked: `:name` stands for a value given by name at each run. */
export function written<R>(text: string): Statement<R> {
  const parameters: Param[] = [];
  const positional = text.replace(/:([A-Za-z]\w*)/g, (_match, name: string) => {
    parameters.push(new Param(name));
    return '?';
  });
  return statement<R>({ compile: () => ({ sql: positional, parameters }) as unknown as CompiledQuery<R> });
}

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
 * A unit of work: a generator that yields queries and gets their answers. It does not know whether it is run synchronously (SQLite) or
 * over a connection, and does nothing but ask: it may be run again when its transaction is.
 */
export type Unit<T> = Generator<Step, T, Answer>;

/** All rows. */
export function* all<R>(asked: Statement<R>, values: Values = {}): Unit<readonly R[]> {
  return (yield { statement: asked, values }).rows as readonly R[];
}

/** The first row, if any. */
export function* one<R>(asked: Statement<R>, values: Values = {}): Unit<R | undefined> {
  return (yield { statement: asked, values }).rows[0] as R | undefined;
}

/** How many rows were written. */
export function* write(asked: Statement<unknown>, values: Values = {}): Unit<number> {
  return (yield { statement: asked, values }).changes;
}
