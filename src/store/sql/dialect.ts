/**
 * What SQLite and PostgreSQL do not say alike. Every other statement of the store is one text for
 * both.
 */

/** One question in the words of each database. */
export interface DialectTexts {
  readonly sqlite: string;
  readonly postgres: string;
}

interface DialectWords {
  /** The function that answers where in a text another begins; 0: nowhere. */
  readonly positionIn: string;
  /** A select of the texts in a JSON array. */
  readonly selectJsonTexts: (json: string) => string;
}

const sqliteWords: DialectWords = {
  positionIn: 'instr',
  selectJsonTexts: (json) => `SELECT value FROM json_each(${json})`,
};
const postgresWords: DialectWords = {
  positionIn: 'strpos',
  selectJsonTexts: (json) => `SELECT json_array_elements_text(CAST(${json} AS json))`,
};

/** A statement that differs in a word or two. */
export const inEachDialect = (write: (words: DialectWords) => string): DialectTexts => ({
  sqlite: write(sqliteWords),
  postgres: write(postgresWords),
});

/**
 * The last number given to an entry of the audit log, and the last entry. On PostgreSQL what was
 * rolled back leaves gaps, so that the last number proves nothing: both are null.
 */
export const lastIssuedAuditId: DialectTexts = {
  sqlite: `
    SELECT (SELECT max(seq) FROM sqlite_sequence WHERE name = 'audit') AS last,
      (SELECT max(id) FROM audit) AS there`,
  postgres: 'SELECT CAST(NULL AS BIGINT) AS last, CAST(NULL AS BIGINT) AS there',
};

/** The triggers in force that keep the audit log from being changed. */
export const activeAuditTriggers: DialectTexts = {
  sqlite: `
    SELECT name, tbl_name AS place FROM sqlite_schema
    WHERE type = 'trigger' AND tbl_name IN ('audit', 'audit_chain') AND sql LIKE '%RAISE(ABORT,%'`,
  postgres: `
    SELECT CAST(t.tgname AS TEXT) AS name, CAST(c.relname AS TEXT) AS place
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgenabled IN ('O', 'A')
      AND c.oid IN (to_regclass('audit'), to_regclass('audit_chain'))`,
};

const selectNames = (...names: readonly string[]) =>
  names.map((name) => `SELECT '${name}' AS name`).join(' UNION ALL ');

/** The triggers that the migrations made for it. */
export const expectedAuditTriggers: DialectTexts = {
  sqlite: selectNames(
    'audit_is_not_rewritten',
    'audit_is_not_erased',
    'audit_is_not_replaced',
    'audit_is_in_order',
    'audit_chain_is_not_rewritten',
    'audit_chain_is_not_erased',
    'audit_chain_is_not_replaced',
    'audit_chain_is_in_order',
  ),
  postgres: selectNames(
    'audit_is_not_changed',
    'audit_is_not_emptied',
    'audit_chain_is_not_changed',
    'audit_chain_is_not_emptied',
  ),
};
