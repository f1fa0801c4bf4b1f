import type { Migration } from './migration.ts';

/**
 * The reaper's question in SQLite, too: without an index it read ten million tokens in three
 * quarters of a second to find that none was due. Expiries grow, so the index is written at its
 * right edge alone. PostgreSQL has had them from the start.
 */
export const expiry: Migration = {
  sqlite: `
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);
CREATE INDEX nonces_by_expiry ON nonces (expires_at);
`,
  postgres: 'SELECT 1;',
};
