import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findPostgres } from '#harness/postgres.ts';
import { raceContract } from './races.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-races-'));
after(() => rmSync(directory, { recursive: true, force: true }));
raceContract(
  'three processes on one SQLite file',
  async () => `sqlite:${join(directory, 'gatehouse.db')}`,
);

const postgres = await findPostgres();
if (typeof postgres === 'string') test('three processes on PostgreSQL', { skip: postgres });
else {
  after(() => postgres.close());
  raceContract('three processes on PostgreSQL', () => postgres.database());
}
