import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findPostgres } from '#harness/postgres.ts';
import { openPostgres } from '#store/postgres/open.ts';
import { openPartitionManager } from '#store/postgres/partitions/manager.ts';
import { openSqlite } from '#store/sqlite/open.ts';
import { storeContract } from './store.ts';
import { NOW } from './things.ts';

storeContract('SQLite in memory', async () => openSqlite(':memory:'));

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-contract-'));
after(() => rmSync(directory, { recursive: true, force: true }));
storeContract('SQLite in a file', async () => openSqlite(join(directory, 'gatehouse.db')));

const postgres = await findPostgres();
if (typeof postgres === 'string') test('PostgreSQL', { skip: postgres });
else {
  after(() => postgres.close());
  storeContract('PostgreSQL', async () => {
    const store = openPostgres(await postgres.database());
    await store.prepareSchema();
    return store;
  });
  storeContract('PostgreSQL with partitions', async () => {
    const url = await postgres.database();
    const store = openPostgres(url);
    await store.prepareSchema();
    const desk = openPartitionManager(url);
    await desk.partition({ every: 'day', now: () => NOW });
    await desk.close();
    return store;
  });
}
