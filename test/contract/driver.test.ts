import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { findPostgres } from '#harness/postgres.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { Driver } from '#store/driver.ts';
import { PostgresDriver } from '#store/postgres/driver.ts';
import {
  execute,
  fetchAll,
  fetchOne,
  pipeline,
  sql,
  type Transaction,
  withCommit,
} from '#store/sql/statement.ts';
import { SqliteDriver } from '#store/sqlite/driver.ts';

const insert = sql('INSERT INTO things (id, state) VALUES (:id, :state)');
const change = sql('UPDATE things SET state = :state WHERE id = :id');
const find = sql<{ id: number; state: string }>('SELECT id, state FROM things WHERE id = :id');
const list = sql<{ id: number; state: string }>('SELECT id, state FROM things ORDER BY id');
const TABLE =
  'CREATE TABLE things (id BIGINT PRIMARY KEY, state TEXT NOT NULL); CREATE TABLE turns (turn BIGINT);';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-driver-'));
const postgres = await findPostgres();
after(async () => {
  rmSync(directory, { recursive: true, force: true });
  if (typeof postgres !== 'string') await postgres.close();
});

units('SQLite', async () => {
  const driver = new SqliteDriver(join(directory, 'things.db'));
  driver.database.exec(TABLE);
  return driver;
});
if (typeof postgres === 'string') test('units of work on PostgreSQL', { skip: postgres });
else {
  let url: string;
  units('PostgreSQL', async () => {
    url = await postgres.database();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(TABLE);
    await client.end();
    return new PostgresDriver(url, { connections: 1, statementMs: 300 });
  });

  test('PostgreSQL: who waits in vain in the queue leaves the connection as it was', async () => {
    const driver = new PostgresDriver(url, { connections: 1, statementMs: 300 });
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE turns IN EXCLUSIVE MODE');
    for (let turn = 0; turn < 5; turn++) {
      await assert.rejects(
        driver.write(() => execute(insert, { id: 900 + turn, state: 'x' }), 'serialized-queue'),
        isUnavailable,
      );
      assert.deepEqual(
        await driver.read(fetchOne(find, { id: 900 + turn })),
        undefined,
        'the next one on that connection is answered',
      );
    }
    await holder.query('COMMIT');
    await holder.end();
    await driver.write(() => execute(insert, { id: 900, state: 'x' }), 'serialized-queue');
    await driver.close();
  });
}

function units(name: string, open: () => Promise<Driver>): void {
  describe(`units of work on ${name}`, () => {
    let driver: Driver;
    before(async () => {
      driver = await open();
    });
    after(() => driver.close());
    const state = async () =>
      Object.fromEntries((await driver.read(fetchAll(list))).map(({ id, state }) => [id, state]));

    test('what is asked alongside is answered in order, whoever asks for how much', async () => {
      await driver.write(
        () => pipeline(...[1, 2, 3].map((id) => execute(insert, { id, state: `s${id}` }))),
        'read-committed',
      );
      function* twice(id: number): Transaction<string> {
        const first = yield* fetchOne(find, { id });
        const second = yield* fetchOne(find, { id: (first?.id ?? 0) + 1 });
        return `${first?.state} ${second?.state}`;
      }
      // biome-ignore lint/correctness/useYield: a unit that asks nothing
      function* nothing(): Transaction<string> {
        return 'nothing';
      }
      const answers = await driver.read(
        pipeline(twice(1), fetchOne(find, { id: 3 }), nothing(), twice(2), fetchAll(list)),
      );
      assert.deepEqual(
        answers.map((answer) => JSON.parse(JSON.stringify(answer))),
        [
          's1 s2',
          { id: 3, state: 's3' },
          'nothing',
          's2 s3',
          [1, 2, 3].map((id) => ({ id, state: `s${id}` })),
        ],
      );
      assert.deepEqual(await driver.read(pipeline()), []);
    });

    for (const guard of ['read-committed', 'serializable', 'serialized-queue'] as const) {
      test(`${guard}: the last writes and the commit are one`, async () => {
        const made = await driver.write(function* () {
          const found = yield* fetchOne(find, { id: 1 });
          return yield* withCommit(
            pipeline(
              execute(change, { id: 1, state: `${guard} ${found?.id}` }),
              execute(change, { id: 77, state: 'x' }),
            ),
          );
        }, guard);
        assert.deepEqual(made, [1, 0]);
        assert.equal((await state())[1], `${guard} 1`);
      });

      test(`${guard}: of the last writes one fails at the database, and nothing is there`, async () => {
        const before = await state();
        await assert.rejects(
          driver.write(function* () {
            yield* fetchOne(find, { id: 1 });
            yield* withCommit(
              pipeline(
                execute(change, { id: 1, state: 'half' }),
                execute(insert, { id: 2, state: 'again' }),
                execute(change, { id: 3, state: 'half' }),
              ),
            );
          }, guard),
        );
        assert.deepEqual(await state(), before);
      });

      test(`${guard}: of the last writes one cannot even be sent, and nothing is there`, async () => {
        const before = await state();
        const broken = [{ id: 1 }, { id: undefined as never, state: 'half' }] as const;
        for (const values of broken)
          await assert.rejects(
            driver.write(function* () {
              yield* fetchOne(find, { id: 1 });
              yield* withCommit(
                pipeline(
                  execute(change, { id: 1, state: 'half' }),
                  execute(change, values as never),
                  execute(change, { id: 3, state: 'half' }),
                ),
              );
            }, guard),
            /no value for/,
          );
        assert.deepEqual(await state(), before);
      });

      test(`${guard}: a unit that throws, or asks on after its last writes, is undone or refused`, async () => {
        const before = await state();
        await assert.rejects(
          driver.write(function* () {
            yield* execute(change, { id: 1, state: 'half' });
            throw new Error('no more');
          }, guard),
          /no more/,
        );
        assert.deepEqual(await state(), before);
      });
    }

    test('many at once on one connection: each is whole', async () => {
      await driver.write(() => execute(change, { id: 3, state: '0' }), 'read-committed');
      await Promise.all(
        Array.from({ length: 30 }, () =>
          driver.write(function* () {
            const found = yield* fetchOne(find, { id: 3 });
            yield* withCommit(execute(change, { id: 3, state: String(Number(found?.state) + 1) }));
          }, 'serializable'),
        ),
      );
      assert.equal((await state())[3], '30');
    });
  });
}
