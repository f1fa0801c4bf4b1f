import type { DatabaseSync } from 'node:sqlite';
import { firstSchema } from './migrations/0001-first.ts';
import { registry } from './migrations/0002-registry.ts';
import { pages } from './migrations/0003-pages.ts';
import { expiry } from './migrations/0004-expiry.ts';
import { changeNotifications } from './migrations/0005-hearing.ts';
import { sessionProof } from './migrations/0006-session-proof.ts';
import { clocks } from './migrations/0007-clocks.ts';
import { introspectors } from './migrations/0008-introspectors.ts';
import { independence } from './migrations/0009-independence.ts';
import { auditChain } from './migrations/0010-audit-chain.ts';
import { idleSessions } from './migrations/0011-idle-sessions.ts';
import { invitations } from './migrations/0012-invitations.ts';
import { protocolProfiles } from './migrations/0013-protocol-profiles.ts';
import { growth } from './migrations/0014-growth.ts';
import { keptRequests } from './migrations/0015-kept-requests.ts';
import { suspension } from './migrations/0016-suspension.ts';
import { accountEmails } from './migrations/0017-account-emails.ts';
import { forBothDialects, type Migration } from './migrations/migration.ts';

/**
 * Numbered from 1, forward only. A text alone is one that both databases understand, in SQLite's
 * words.
 */
const steps: readonly (string | Migration)[] = [
  firstSchema,
  registry,
  pages,
  expiry,
  changeNotifications,
  sessionProof,
  clocks,
  introspectors,
  independence,
  auditChain,
  idleSessions,
  invitations,
  protocolProfiles,
  growth,
  keptRequests,
  suspension,
  accountEmails,
];

export const migrations: readonly Migration[] = steps.map((step) =>
  typeof step === 'string' ? forBothDialects(step) : step,
);

/** From which schema to which. Equal: there is nothing to do. */
export interface MigrationPlan {
  readonly from: number;
  readonly to: number;
}

/** The schema and the program do not fit; the message names the remedy. */
export class SchemaMismatch extends Error {
  override readonly name = 'SchemaMismatch';
}

/**
 * What is to be done to a database of this schema. Throws when it was written by a newer program.
 */
export function planMigration(version: number): MigrationPlan {
  const to = migrations.length;
  if (version > to)
    throw new SchemaMismatch(
      `the database has schema ${version} and this program knows ${to}: run a newer Gatehouse, or restore a backup`,
    );
  return { from: version, to };
}

/** Throws when there is something to be done and it must not be. */
export function requireUpToDate({ from, to }: MigrationPlan): void {
  if (from < to)
    throw new SchemaMismatch(
      `the database has schema ${from} and this program needs ${to}: run "gatehouse migrate", or allow it at the start`,
    );
}

const readSchemaVersion = (db: DatabaseSync) =>
  (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;

export const planSqlite = (db: DatabaseSync): MigrationPlan => planMigration(readSchemaVersion(db));

/**
 * Brings the schema up to date, inside one exclusive lock: of two processes that start at once, one
 * migrates and the other finds it done. Throws when the file was written by a newer program.
 */
export function migrateSqlite(db: DatabaseSync): void {
  if (planSqlite(db).from === migrations.length) return;
  db.exec('BEGIN EXCLUSIVE');
  try {
    for (const { sqlite } of migrations.slice(planSqlite(db).from)) db.exec(sqlite);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec('COMMIT');
  } catch (fault) {
    db.exec('ROLLBACK');
    throw fault;
  }
}
