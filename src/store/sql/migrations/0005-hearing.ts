import type { Migration } from './migration.ts';

/**
 * When a family was revoked, so that it can be forgotten once nothing of it can live any more. What
 * nodes of the version before revoke has no such time and stays: the default is the end of the year
 * 9999. Until now nothing was ever deleted here, so the table may be large: PostgreSQL writes the
 * present time down once for all the rows there are, and touches none of them.
 */
const familiesInSqlite = `
ALTER TABLE revoked_families ADD COLUMN revoked_at INTEGER NOT NULL DEFAULT 253402300799;
UPDATE revoked_families SET revoked_at = CAST(strftime('%s', 'now') AS INTEGER);
CREATE INDEX revoked_families_by_time ON revoked_families (revoked_at);
`;
const familiesInPostgres = `
ALTER TABLE revoked_families ADD COLUMN revoked_at BIGINT NOT NULL DEFAULT CAST(extract(epoch FROM now()) AS BIGINT);
ALTER TABLE revoked_families ALTER COLUMN revoked_at SET DEFAULT 253402300799;
CREATE INDEX revoked_families_by_time ON revoked_families (revoked_at);
`;

const changed = [
  ['clients', 'UPDATE OR DELETE', 'client', 'id'],
  ['client_secrets', 'INSERT OR DELETE OR UPDATE OF digest, expires_at', 'client', 'client_id'],
  [
    'accounts',
    'DELETE OR UPDATE OF name, email, email_confirmed_at, real_name, groups, blocked, language',
    'account',
    'id',
  ],
  ['consents', 'UPDATE OR DELETE', 'consent', 'id'],
] as const;

/**
 * The database tells every process that listens which rows changed that processes remember (ADR
 * 12): whoever changes them, an older program and a person with psql included. What is told leaves
 * with the commit, and in the order of the commits.
 */
const notifyTriggers = `
CREATE FUNCTION tell_what_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_notify('gatehouse', TG_ARGV[0] || ' ' || (CASE TG_OP WHEN 'INSERT' THEN to_jsonb(NEW) ELSE to_jsonb(OLD) END ->> TG_ARGV[1]));
  RETURN NULL;
END $$;
CREATE FUNCTION tell_that_all_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_notify('gatehouse', 'all');
  RETURN NULL;
END $$;
${changed
  .map(
    ([table, when, kind, key]) => `
CREATE TRIGGER ${table}_tell AFTER ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION tell_what_changed('${kind}', '${key}');
CREATE TRIGGER ${table}_tell_all AFTER TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION tell_that_all_changed();`,
  )
  .join('')}
`;

/**
 * What a process has to hear to remember, and when a family was revoked. The table that each check
 * asks is locked last.
 */
export const changeNotifications: Migration = {
  sqlite: familiesInSqlite,
  postgres: notifyTriggers + familiesInPostgres,
};
