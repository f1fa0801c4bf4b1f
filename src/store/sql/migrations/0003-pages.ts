/**
 * What the pages need: scopes a person may leave out, the language of an account, what is mailed
 * once, passkeys, where sessions are, who looks at which app, and recent failed requests of apps,
 * for their developers.
 */
export const pages = `
ALTER TABLE clients ADD COLUMN optional_scopes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE accounts ADD COLUMN language TEXT;
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE TABLE account_tokens (
  digest TEXT PRIMARY KEY, kind TEXT NOT NULL, user_id INTEGER, data TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE passkeys (
  id TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE, public_key TEXT NOT NULL, counter INTEGER NOT NULL,
  transports TEXT NOT NULL, label TEXT NOT NULL, created_at INTEGER NOT NULL, last_used_at INTEGER) WITHOUT ROWID;
CREATE INDEX passkeys_by_user ON passkeys (user_id);
CREATE TABLE review_claims (
  client_id TEXT PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE, reviewer_id INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE failures (
  id INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, facts TEXT NOT NULL);
CREATE INDEX failures_by_client ON failures (client_id, id);
`;
