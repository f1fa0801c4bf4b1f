import pg from 'pg';
import type { RunQuery } from './tables.ts';

/**
 * What a table has besides its columns, in the words that make it once more under the same name.
 */
interface TableFeatures {
  readonly indexes: readonly {
    readonly name: string;
    readonly bare: string;
    readonly primary: boolean;
    readonly text: string;
  }[];
  readonly triggers: readonly {
    readonly name: string;
    readonly each: boolean;
    readonly text: string;
  }[];
  readonly grants: readonly string[];
}

export const selectGrants = (kind: 'TABLE' | 'SEQUENCE', name: string, target: string) => `
  SELECT format('GRANT %s ON ${kind} ${target} TO %s%s', a.privilege_type,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS text
  FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = CAST('${name}' AS regclass) AND a.grantee <> c.relowner`;

export const textsOf = (rows: readonly { readonly text: string }[]) => rows.map(({ text }) => text);

export async function readTableFeatures(runQuery: RunQuery, table: string): Promise<TableFeatures> {
  return {
    indexes: await runQuery(`
      SELECT CAST(CAST(i.indexrelid AS regclass) AS TEXT) AS name, c.relname AS bare, i.indisprimary AS primary,
        CASE WHEN i.indisprimary THEN 'ALTER TABLE ${table} ADD ' || pg_get_constraintdef(k.oid) ELSE pg_get_indexdef(i.indexrelid) END AS text
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'p'
      WHERE i.indrelid = CAST('${table}' AS regclass) ORDER BY i.indexrelid`),
    triggers: await runQuery(`
      SELECT quote_ident(tgname) AS name, tgtype & 1 = 1 AS each, pg_get_triggerdef(oid) AS text FROM pg_trigger
      WHERE tgrelid = CAST('${table}' AS regclass) AND NOT tgisinternal ORDER BY tgname`),
    grants: textsOf(await runQuery(selectGrants('TABLE', table, table))),
  };
}

/** Gives a table and its indexes other names, so that theirs are free. */
export const renameStatements = (table: string, suffix: string, { indexes }: TableFeatures) => [
  `ALTER TABLE ${table} RENAME TO ${table}_${suffix}`,
  ...indexes.map(
    ({ name, bare }) => `ALTER INDEX ${name} RENAME TO ${pg.escapeIdentifier(`${bare}_${suffix}`)}`,
  ),
];

/**
 * A number that counts up by itself is made by a sequence of the table, for one of partitions must
 * not have an identity before PostgreSQL 17.
 */
export async function readSequence(
  runQuery: RunQuery,
  table: string,
): Promise<{ readonly next: string; readonly grants: readonly string[] } | null> {
  const [found] = await runQuery<{ name: string | null }>(
    `SELECT pg_get_serial_sequence('${table}', 'id') AS name`,
  );
  if (found?.name == null) return null;
  const [next] = await runQuery<{ next: string }>(`
    SELECT greatest((SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END FROM ${found.name}),
      (SELECT coalesce(max(CAST(id AS BIGINT)), 0) + 1 FROM ${table})) AS next`);
  // A column that counts by itself asks nobody for a right to its sequence; a sequence of the table
  // does.
  const writers = `
    SELECT format('GRANT USAGE ON SEQUENCE ${table}_id_seq TO %s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS text
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = CAST('${table}' AS regclass) AND a.grantee <> c.relowner AND a.privilege_type = 'INSERT'`;
  return {
    next: String(next?.next),
    grants: [
      ...textsOf(await runQuery(selectGrants('SEQUENCE', found.name, `${table}_id_seq`))),
      ...textsOf(await runQuery(writers)),
    ],
  };
}
