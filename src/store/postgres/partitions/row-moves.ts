import type { RunQuery } from './tables.ts';

/** How many rows are moved at most while others wait: a fraction of a second. */
export const MAX_MOVED_ROWS = 10_000;

/** How much is read at most while others wait: about a tenth of a second. */
export const MAX_READ_BYTES = 64 * 1024 * 1024;

export const runStatements = async (runQuery: RunQuery, statements: readonly string[]) => {
  const text = statements.filter((statement) => statement.trim() !== '').join(';\n');
  if (text !== '') await runQuery(text);
};

/** Puts rows of one table, that have no place there, into another; answers how many. */
export async function moveRows(
  runQuery: RunQuery,
  from: string,
  where: string,
  into: string,
): Promise<number> {
  const [moved] = await runQuery<{ count: string }>(`
    WITH gone AS (DELETE FROM ONLY ${from} WHERE ${where} RETURNING *), put AS (INSERT INTO ${into} SELECT * FROM gone RETURNING 1)
    SELECT count(*) AS count FROM put`);
  return Number(moved?.count);
}

/** What reading a table itself, without those behind it, would cost. */
export async function readTableBytes(runQuery: RunQuery, table: string): Promise<number> {
  const [found] = await runQuery<{ size: string }>(
    `SELECT pg_relation_size(CAST('${table}' AS regclass)) AS size`,
  );
  return Number(found?.size);
}

/** How many rows, as far as it matters. */
export async function countRowsUpTo(
  runQuery: RunQuery,
  table: string,
  where: string,
): Promise<number> {
  const [counted] = await runQuery<{ count: string }>(
    `SELECT count(*) AS count FROM (SELECT 1 FROM ${table} WHERE ${where} LIMIT ${MAX_MOVED_ROWS + 1}) found`,
  );
  return Number(counted?.count);
}
