import { type Migration, toPostgresSchema } from './migration.ts';

const tables = `
CREATE TABLE client_secrets (
  id INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE, label TEXT NOT NULL,
  digest TEXT NOT NULL, sealed TEXT, created_at INTEGER NOT NULL, expires_at INTEGER);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);
INSERT INTO client_secrets (client_id, label, digest, sealed, created_at)
  SELECT id, 'first', secret_digest, secret_sealed, registered_at FROM clients WHERE secret_digest IS NOT NULL;
ALTER TABLE clients DROP COLUMN secret_digest;
ALTER TABLE clients DROP COLUMN secret_sealed;
ALTER TABLE clients ADD COLUMN halted TEXT NOT NULL DEFAULT 'nothing';
CREATE INDEX consents_by_client ON consents (client_id);

CREATE TABLE revisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT NOT NULL REFERENCES clients (id), stage TEXT NOT NULL, fields TEXT NOT NULL,
  proposed_by INTEGER, proposed_at INTEGER NOT NULL, closed_at INTEGER);
CREATE INDEX revisions_by_client ON revisions (client_id, id);
CREATE UNIQUE INDEX one_open_revision ON revisions (client_id) WHERE stage = 'proposed';
CREATE TABLE approvals (
  client_id TEXT NOT NULL REFERENCES clients (id), revision_id INTEGER NOT NULL, reviewer_id INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (client_id, revision_id, reviewer_id)) WITHOUT ROWID;
CREATE TABLE maintainers (
  client_id TEXT NOT NULL REFERENCES clients (id), user_id INTEGER NOT NULL REFERENCES accounts (id), invited_by INTEGER,
  invited_at INTEGER NOT NULL, accepted_at INTEGER, PRIMARY KEY (client_id, user_id)) WITHOUT ROWID;
CREATE INDEX maintainers_by_user ON maintainers (user_id);
CREATE TABLE offers (
  client_id TEXT PRIMARY KEY REFERENCES clients (id), to_id INTEGER NOT NULL REFERENCES accounts (id), offered_by INTEGER,
  offered_at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, action TEXT NOT NULL, actor_id INTEGER, via TEXT NOT NULL, address TEXT,
  client_id TEXT NOT NULL, edition INTEGER NOT NULL, reason TEXT NOT NULL, changes TEXT NOT NULL);
CREATE INDEX audit_by_client ON audit (client_id, id);
CREATE INDEX audit_by_actor ON audit (actor_id, id);

CREATE TABLE notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, target TEXT NOT NULL, facts TEXT NOT NULL, state TEXT NOT NULL,
  created_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL, problem TEXT);
CREATE INDEX notices_due ON notices (due_at) WHERE state = 'waiting';

CREATE TABLE last_used (kind TEXT NOT NULL, id TEXT NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE usage (client_id TEXT NOT NULL, hour INTEGER NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (client_id, hour)) WITHOUT ROWID;
`;

const appendOnlySqlite = `
CREATE TRIGGER audit_is_not_rewritten BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_not_erased BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
`;

/**
 * `turns` holds nothing: the units of work that write the trail lock it, one after another (ADR 8).
 */
const appendOnlyPostgres = `
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TABLE turns (turn BIGINT);
`;

/**
 * What the registry keeps besides its clients. Secrets move to a table of their own, as a client
 * may have several. The audit trail refuses to be changed: that is the database's own rule, not
 * only the program's.
 */
export const registry: Migration = {
  sqlite: tables + appendOnlySqlite,
  postgres: toPostgresSchema(tables) + appendOnlyPostgres,
};
