import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { planSqlite } from './sql/migrate.ts';
import { sqliteFault } from './unavailable.ts';

export { SchemaMismatch } from './sql/migrate.ts';

/** What a database file turned out to be. */
export interface Checked {
  readonly schema: number;
  /** What is wrong inside, in SQLite's words; null: nothing. */
  readonly problem: string | null;
}

/**
 * Copies the database into a new file (mode 600) as it is at one moment, while others read and write it: whatever was committed before the
 * call is in it. The copy is compact, and without what was deleted.
 */
export function snapshot(path: string, to: string): void {
  closeSync(openSync(to, 'wx', 0o600));
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      db.exec('PRAGMA busy_timeout = 30000');
      db.prepare('VACUUM INTO ?').run(to);
    } finally {
      db.close();
    }
  } catch (fault) {
    throw sqliteFault(fault);
  }
}

/** Reads every page of a database file. Throws SchemaMismatch when it was written by a newer program. */
export function checkDatabase(path: string): Checked {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const { from: schema } = planSqlite(db);
    const [line] = db.prepare('PRAGMA integrity_check(1)').all() as { integrity_check: string }[];
    const problem = line?.integrity_check ?? 'no answer';
    return { schema, problem: problem === 'ok' ? null : problem };
  } catch (fault) {
    // NOTADB and CORRUPT: it is no database, or none any more.
    const code = (fault as { readonly errcode?: unknown }).errcode;
    if (code === 26 || code === 11) return { schema: 0, problem: (fault as Error).message };
    throw fault;
  } finally {
    db.close();
  }
}
