import type { DatabaseSync } from 'node:sqlite';
import { first } from './migrations/0001-first.ts';
import { registry } from './migrations/0002-registry.ts';

/** Numbered from 1, forward only. */
const migrations: readonly string[] = [first, registry];

/**
 * Brings the schema up to date, inside one exclusive lock: of two processes that start at once, one migrates and the other finds it done.
 * Throws when the file was written by a newer program.
 */
export function migrate(db: DatabaseSync): void {
  db.exec('BEGIN EXCLUSIVE');
  try {
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version > migrations.length) {
      throw new Error(
        `the database has schema ${version} and this program knows ${migrations.length}: run a newer Gatehouse, or restore a backup`,
      );
    }
    for (const text of migrations.slice(version)) db.exec(text);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec('COMMIT');
  } catch (fault) {
    db.exec('ROLLBACK');
    throw fault;
  }
}
