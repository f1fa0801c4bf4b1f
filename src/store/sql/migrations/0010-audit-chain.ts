import { type Migration, toPostgresSchema } from './migration.ts';

/**
 * The hash of each audit entry over itself and the one before (ADR 22). `late`: it was chained by
 * another than who wrote the entry.
 */
const chain = `
CREATE TABLE audit_chain (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, late INTEGER NOT NULL);
`;

/**
 * REPLACE deletes without firing the triggers of a DELETE, so nothing may be inserted that is
 * there. Before an insert the number is not known unless it was given, so what is given out of
 * order is found afterwards.
 */
const notReplaced = ['audit', 'audit_chain']
  .map(
    (table) => `
CREATE TRIGGER ${table}_is_not_replaced BEFORE INSERT ON ${table} WHEN EXISTS (SELECT 1 FROM ${table} WHERE id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER ${table}_is_in_order AFTER INSERT ON ${table} WHEN NEW.id <= 0 OR NEW.id < (SELECT max(id) FROM ${table})
  BEGIN SELECT RAISE(ABORT, 'the audit trail is added to at its end'); END;`,
  )
  .join('');
const appendOnly = `
CREATE TRIGGER audit_chain_is_not_rewritten BEFORE UPDATE ON audit_chain BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_chain_is_not_erased BEFORE DELETE ON audit_chain BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
`;
const appendOnlyPostgres = `
CREATE TRIGGER audit_chain_is_not_changed BEFORE UPDATE OR DELETE ON audit_chain FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_chain_is_not_emptied BEFORE TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
`;

export const auditChain: Migration = {
  sqlite: chain + notReplaced + appendOnly,
  postgres: toPostgresSchema(chain) + appendOnlyPostgres,
};
