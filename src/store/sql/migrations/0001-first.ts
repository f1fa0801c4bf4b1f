import { type Migration, toPostgresSchema } from './migration.ts';

const tables = `
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE, email TEXT, email_confirmed_at INTEGER,
  real_name TEXT NOT NULL, groups TEXT NOT NULL, password_hash TEXT, blocked INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (digest TEXT PRIMARY KEY, user_id INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE limits (key TEXT PRIMARY KEY, hits INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE clients (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, version TEXT NOT NULL, description TEXT NOT NULL,
  owner_id INTEGER NOT NULL REFERENCES accounts (id), email TEXT NOT NULL, protocol TEXT NOT NULL, owner_only INTEGER NOT NULL,
  confidential INTEGER NOT NULL, redirect_uri TEXT NOT NULL, redirect_is_prefix INTEGER NOT NULL, grant_types TEXT NOT NULL,
  pkce_optional INTEGER NOT NULL, token_algorithm TEXT NOT NULL, site TEXT NOT NULL, scopes TEXT NOT NULL, secret_digest TEXT,
  secret_sealed TEXT, rsa_public_key TEXT, restrictions TEXT NOT NULL, stage TEXT NOT NULL, stage_at INTEGER NOT NULL,
  suppressed INTEGER NOT NULL, registered_at INTEGER NOT NULL, changes INTEGER NOT NULL DEFAULT 0, UNIQUE (owner_id, name, version));
CREATE INDEX clients_by_stage ON clients (stage, stage_at);
CREATE TABLE consents (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES accounts (id), client_id TEXT NOT NULL REFERENCES clients (id),
  site TEXT NOT NULL, scopes TEXT NOT NULL, accepted_at INTEGER NOT NULL, UNIQUE (user_id, client_id, site));
CREATE TABLE token_credentials (
  token TEXT PRIMARY KEY, consent_id INTEGER NOT NULL UNIQUE REFERENCES consents (id) ON DELETE CASCADE, secret_sealed TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE authorization_requests (
  digest TEXT PRIMARY KEY, client_id TEXT NOT NULL, user_id INTEGER NOT NULL, request TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE nonces (key TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE temporary_credentials (
  token TEXT PRIMARY KEY, client_id TEXT NOT NULL, secret_sealed TEXT NOT NULL, callback TEXT NOT NULL, expires_at INTEGER NOT NULL,
  user_id INTEGER, consent_id INTEGER, verifier_digest TEXT, used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE codes (
  digest TEXT PRIMARY KEY, client_id TEXT NOT NULL, user_id INTEGER NOT NULL, consent_id INTEGER NOT NULL, family_id TEXT NOT NULL,
  redirect_uri TEXT, scopes TEXT NOT NULL, code_challenge TEXT, code_challenge_method TEXT, issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE access_tokens (
  id TEXT PRIMARY KEY, client_id TEXT NOT NULL, user_id INTEGER, consent_id INTEGER, family_id TEXT, scopes TEXT NOT NULL,
  grant_type TEXT NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE refresh_tokens (
  digest TEXT PRIMARY KEY, family_id TEXT NOT NULL, client_id TEXT NOT NULL, user_id INTEGER NOT NULL, consent_id INTEGER NOT NULL,
  scopes TEXT NOT NULL, access_token_id TEXT NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER,
  answer_sealed TEXT) WITHOUT ROWID;
CREATE TABLE revoked_families (id TEXT PRIMARY KEY) WITHOUT ROWID;
`;

/**
 * SQLite keeps rows in the order of their keys, which begin with the time; PostgreSQL in no order,
 * so that the reaper and the preview of the kill switch would read whole tables (plans in ADR 8).
 * Expiries grow: an index of them is written at its right edge alone.
 */
const indexes = `
${[
  'sessions',
  'limits',
  'authorization_requests',
  'nonces',
  'temporary_credentials',
  'codes',
  'access_tokens',
  'refresh_tokens',
]
  .map((table) => `CREATE INDEX ${table}_by_expiry ON ${table} (expires_at);`)
  .join('\n')}
CREATE INDEX access_tokens_of_owners ON access_tokens (client_id) WHERE grant_type = 'owner-only';
`;

/** The first schema. */
export const firstSchema: Migration = {
  sqlite: tables,
  postgres: toPostgresSchema(tables) + indexes,
};
