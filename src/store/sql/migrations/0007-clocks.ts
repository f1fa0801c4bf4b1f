import { forBothDialects } from './migration.ts';

/**
 * What one wrong clock must not undo (ADR 14): up to when nonces were taken away, so that an older
 * one is never new again, and how time went, so that a jump is noticed after a restart, too.
 */
export const clocks = forBothDialects(`
CREATE TABLE purged_until (kind TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE time_kept (
  id INTEGER PRIMARY KEY, seen_ms INTEGER NOT NULL, run_ms INTEGER, boot TEXT, steady_since INTEGER NOT NULL);
`);
