import { after, test } from 'node:test';
import { findPostgres } from '#harness/postgres.ts';

/**
 * The races of the program on one SQLite file, once more: two processes of it on one PostgreSQL
 * database.
 */
const postgres = await findPostgres();
if (typeof postgres === 'string')
  test('two processes of the program on PostgreSQL', { skip: postgres });
else {
  process.env.GATEHOUSE_DATABASE = await postgres.database();
  await import('../interop/races.test.ts');
  after(() => postgres.close());
}
