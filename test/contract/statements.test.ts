import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, test } from 'node:test';
import pg from 'pg';
import { findPostgres } from '#harness/postgres.ts';
import { openPostgres } from '#store/postgres/open.ts';
import { migrateSqlite } from '#store/sql/migrate.ts';
import { compiledStatements } from '#store/sql/statement.ts';
import { SqliteDriver } from '#store/sqlite/driver.ts';

const room = new URL('../../src/store/', import.meta.url);
for (const file of readdirSync(room, { recursive: true, encoding: 'utf8' }))
  if (file.endsWith('.ts')) await import(new URL(file, room).href);

test('SQLite understands every statement of the store', async () => {
  const driver = new SqliteDriver(':memory:');
  migrateSqlite(driver.database);
  assert.ok(compiledStatements.length > 180);
  for (const { sqlite } of compiledStatements)
    assert.ok(driver.database.prepare(sqlite.text), sqlite.text);
  await driver.close();
});

test('whatever changes a row that processes remember says so', () => {
  const remembered =
    /^\s*(?:update|delete from) (?:clients|accounts|consents)\b|^\s*(?:insert into|update|delete from) client_secrets\b/i;
  const silent = compiledStatements
    .filter(
      ({ sqlite, changedRow: alters }) => remembered.test(sqlite.text) && alters === undefined,
    )
    .map(({ sqlite }) => sqlite.text);
  // What was sealed again opens as before; a secret that is deleted for its age was of no use any
  // more.
  const harmless = [
    /^UPDATE client_secrets SET sealed = \?/,
    /^DELETE FROM client_secrets .* expires_at <= \?/,
  ];
  assert.deepEqual(
    silent.filter((text) => !harmless.some((fine) => fine.test(text))),
    [],
  );
  assert.equal(silent.length, harmless.length);
  assert.ok(
    compiledStatements.filter(({ changedRow: alters }) => alters !== undefined).length >= 12,
  );
});

const postgres = await findPostgres();
if (typeof postgres === 'string')
  test('PostgreSQL understands every statement of the store', { skip: postgres });
else {
  after(() => postgres.close());
  test('PostgreSQL understands every statement of the store, and knows the type of each value', async () => {
    const url = await postgres.database();
    const store = openPostgres(url);
    await store.prepareSchema();
    await store.close();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const wrong: string[] = [];
    for (const [index, { postgres: own }] of compiledStatements.entries())
      await client
        .query(`PREPARE s${index} AS ${own.text}`)
        .catch((fault: Error) => wrong.push(`${fault.message}: ${own.text}`));
    await client.end();
    assert.deepEqual(wrong, []);
  });
}
