import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { migrations, planSqlite } from '../sql/migrate.ts';
import { toSqliteFault } from './errors.ts';

export { SchemaMismatch } from '../sql/migrate.ts';

/** What a database file turned out to be. */
export interface DatabaseCheck {
  readonly schema: number;
  /** What is wrong inside, in SQLite's words; null: nothing. */
  readonly problem: string | null;
  /** Where the chain of the audit log ends; null: it has no entry, or no chain yet. */
  readonly auditHead: { readonly id: number; readonly hash: string } | null;
}

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string | null;
}

/** What is in a database besides its rows. SQLite's own tables are left out. */
const schemaObjectsOf = (db: DatabaseSync): readonly SchemaObject[] =>
  db
    .prepare(
      `SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name`,
    )
    .all() as never;

/**
 * Why a database is not what the migrations made, in its objects: a trigger of somebody else's
 * would go on living in it. Null: it is.
 */
function findSchemaDifference(db: DatabaseSync, schema: number): string | null {
  const expectedDb = new DatabaseSync(':memory:');
  try {
    for (const { sqlite } of migrations.slice(0, schema)) expectedDb.exec(sqlite);
    const textOf = ({ type, name, sql }: SchemaObject) => `${type} ${name} ${sql}`;
    const [expected, actual] = [schemaObjectsOf(expectedDb), schemaObjectsOf(db)];
    const known = new Set(expected.map(textOf));
    const unexpected = actual.find((each) => !known.has(textOf(each)));
    if (unexpected !== undefined)
      return `the ${unexpected.type} ${unexpected.name} in it was not made by Gatehouse`;
    const found = new Set(actual.map(textOf));
    const missing = expected.find((each) => !found.has(textOf(each)));
    return missing === undefined
      ? null
      : `the ${missing.type} ${missing.name} of Gatehouse is missing in it`;
  } finally {
    expectedDb.close();
  }
}

function readAuditHead(db: DatabaseSync): DatabaseCheck['auditHead'] {
  const chained = db
    .prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit_chain'`)
    .get();
  if (chained === undefined) return null;
  return (
    (db.prepare('SELECT id, hash FROM audit_chain ORDER BY id DESC LIMIT 1').get() as never) ?? null
  );
}

/**
 * Copies the database into a new file (mode 600) as it is at one moment, while others read and
 * write it: whatever was committed before the call is in it. The copy is compact, and without what
 * was deleted.
 */
export function copyDatabase(path: string, targetPath: string): void {
  closeSync(openSync(targetPath, 'wx', 0o600));
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      db.exec('PRAGMA busy_timeout = 30000');
      db.prepare('VACUUM INTO ?').run(targetPath);
    } finally {
      db.close();
    }
  } catch (fault) {
    throw toSqliteFault(fault);
  }
}

/**
 * Reads every page of a database file. Throws SchemaMismatch when it was written by a newer
 * program.
 */
export function checkDatabase(path: string): DatabaseCheck {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const { from: schema } = planSqlite(db);
    const [firstRow] = db.prepare('PRAGMA integrity_check(1)').all() as {
      integrity_check: string;
    }[];
    const problem = firstRow?.integrity_check ?? 'no answer';
    if (problem !== 'ok') return { schema, problem, auditHead: null };
    return { schema, problem: findSchemaDifference(db, schema), auditHead: readAuditHead(db) };
  } catch (fault) {
    // NOTADB and CORRUPT: it is no database, or none any more.
    const code = (fault as { readonly errcode?: unknown }).errcode;
    if (code === 26 || code === 11)
      return { schema: 0, problem: (fault as Error).message, auditHead: null };
    throw fault;
  } finally {
    db.close();
  }
}
