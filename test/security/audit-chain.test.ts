import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { findPostgres } from '#harness/postgres.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { AuditBreak } from '#registry/audit.ts';
import { openStore } from '#store/open.ts';
import { openPartitionManager } from '#store/postgres/partitions/manager.ts';
import { migrations } from '#store/sql/migrate.ts';
import type { Store } from '#store/store.ts';
import { audit, change, NOW, person, registered } from '../contract/things.ts';

/** A database, and whoever can send it statements without us. */
interface Kind {
  readonly name: 'sqlite' | 'postgres';
  create(): Promise<string>;
  run(location: string, statements: string): Promise<void>;
  /** Statements that switch the triggers off, and on again. */
  readonly off: string;
  readonly on: string;
}

const CHAINED = migrations.findIndex(({ sqlite }) => sqlite.includes('CREATE TABLE audit_chain'));

const kinds = (breaks: readonly AuditBreak[]) =>
  breaks.map((found) => ('id' in found ? `${found.kind} ${found.id}` : found.kind));

/** So many entries, by as many changes of one app. */
async function entries(store: Store, count: number): Promise<ClientId> {
  const owner = await person(store);
  let app = await registered(store, owner);
  for (let turn = 1; turn < count; turn++) {
    const saved = await store.applyChange(
      change(app.id, app.recordVersion, [], {
        audit: audit(app.id, { reason: `turn ${turn} “☃” \u0000 \ud800` }),
      }),
    );
    assert.ok(saved.outcome === 'applied');
    app = saved.client;
  }
  return app.id;
}

function chained({ name, create, run, off, on }: Kind): void {
  describe(`the chain of the audit trail on ${name}`, { timeout: 300_000 }, () => {
    async function trail(count: number): Promise<{ location: string; store: Store }> {
      const location = await create();
      const store = await openStore(location);
      await store.prepareSchema();
      if (count > 0) await entries(store, count);
      return { location, store };
    }

    test('each entry is chained by whoever writes it, and the chain holds', async () => {
      const { store } = await trail(0);
      assert.deepEqual(await store.verifyAudit(), {
        entries: 0,
        head: null,
        late: null,
        breaks: [],
        more: 0,
      });
      assert.equal(await store.auditHead(), null);
      await entries(store, 7);
      const head = await store.auditHead();
      assert.equal(head?.entries, 7);
      assert.match(head?.hash ?? '', /^[0-9a-f]{64}$/);
      assert.deepEqual(await store.verifyAudit({ known: [head as never] }), {
        entries: 7,
        head: { id: head?.id, hash: head?.hash },
        late: null,
        breaks: [],
        more: 0,
      });
      await store.close();
    });

    test('many writers at once, in several stores: one chain', async () => {
      const { location, store } = await trail(0);
      const stores = [
        store,
        ...(await Promise.all(Array.from({ length: 3 }, () => openStore(location)))),
      ];
      await Promise.all(stores.map((each) => each.prepareSchema()));
      await Promise.all(stores.flatMap((each) => [entries(each, 12), entries(each, 12)]));
      const { breaks, late, entries: all } = await store.verifyAudit();
      assert.deepEqual([breaks, late, all], [[], null, 96]);
      await Promise.all(stores.map((each) => each.close()));
    });

    test('what was there before the chain is chained by the migration, page by page, and said to be late', async () => {
      const location = await create();
      const lines = Array.from(
        { length: 1203 },
        (_, index) => `(${NOW + index}, 'propose', 1, 'page', 'x', 0, 'why', '[]')`,
      );
      const before = migrations.slice(0, CHAINED).map((each) => each[name]);
      const mark =
        name === 'sqlite'
          ? `PRAGMA user_version = ${CHAINED}`
          : `CREATE TABLE schema_version (version BIGINT PRIMARY KEY); INSERT INTO schema_version VALUES (${CHAINED})`;
      for (const step of [...before, mark]) await run(location, step);
      await run(
        location,
        `INSERT INTO audit (at, action, actor_id, via, client_id, edition, reason, changes) VALUES ${lines.join(', ')}`,
      );
      const store = await openStore(location, { migrate: false });
      await store.prepareSchema();
      const verdict = await store.verifyAudit();
      assert.deepEqual(
        [verdict.entries, verdict.late, verdict.breaks],
        [1203, { from: 1, to: 1203 }, []],
      );
      await entries(store, 2);
      assert.deepEqual((await store.verifyAudit()).late, { from: 1, to: 1203 });
      await store.close();
    });

    test('an entry of a version that does not chain is chained with the next one, and said to be late', async () => {
      const { location, store } = await trail(3);
      await run(
        location,
        `INSERT INTO audit (at, action, via, client_id, edition, reason, changes) VALUES (${NOW}, 'a', 'b', 'c', 0, '', '[]')`,
      );
      assert.deepEqual(kinds((await store.verifyAudit()).breaks), ['unchained 4']);
      await entries(store, 1);
      const { breaks, late } = await store.verifyAudit();
      assert.deepEqual([breaks, late], [[], { from: 4, to: 4 }]);
      await store.close();
    });

    const columns = '(id, at, action, actor_id, via, address, client_id, edition, reason, changes)';
    const row = (id: number) =>
      `(${id}, ${NOW}, 'approve', 1, 'page', NULL, 'x', 0, 'forged', '[]')`;
    const refusedWays: readonly (readonly [string, string, ('sqlite' | 'postgres')?])[] = [
      ['UPDATE', `UPDATE audit SET reason = 'forged' WHERE id = 2`],
      ['DELETE', 'DELETE FROM audit WHERE id = 2'],
      ['DELETE of the hashes', 'DELETE FROM audit_chain'],
      ['UPDATE of a hash', `UPDATE audit_chain SET hash = 'x' WHERE id = 2`],
      ['INSERT of a number that is there', `INSERT INTO audit ${columns} VALUES ${row(2)}`],
      [
        'INSERT … ON CONFLICT DO UPDATE',
        `INSERT INTO audit ${columns} VALUES ${row(2)} ON CONFLICT (id) DO UPDATE SET reason = 'forged'`,
      ],
      ['INSERT OR REPLACE', `INSERT OR REPLACE INTO audit ${columns} VALUES ${row(2)}`, 'sqlite'],
      ['REPLACE', `REPLACE INTO audit ${columns} VALUES ${row(2)}`, 'sqlite'],
      [
        'REPLACE with triggers that recur',
        `PRAGMA recursive_triggers = ON; REPLACE INTO audit ${columns} VALUES ${row(2)}`,
        'sqlite',
      ],
      ['REPLACE of a hash', `REPLACE INTO audit_chain VALUES (2, 'x', 0)`, 'sqlite'],
      ['UPDATE OR REPLACE', 'UPDATE OR REPLACE audit SET id = 2 WHERE id = 3', 'sqlite'],
      ['UPDATE OR IGNORE', `UPDATE OR IGNORE audit SET reason = 'forged' WHERE id = 2`, 'sqlite'],
      [
        'INSERT OR IGNORE of a number that is there',
        `INSERT OR IGNORE INTO audit ${columns} VALUES ${row(2)}`,
        'sqlite',
      ],
      ['INSERT of a number below all', `INSERT INTO audit ${columns} VALUES ${row(-1)}`, 'sqlite'],
      ['INSERT of number 0', `INSERT OR REPLACE INTO audit ${columns} VALUES ${row(0)}`, 'sqlite'],
      ['TRUNCATE', 'TRUNCATE audit', 'postgres'],
      ['TRUNCATE of the hashes', 'TRUNCATE audit_chain', 'postgres'],
      [
        'MERGE',
        `MERGE INTO audit a USING (SELECT 2 AS id) b ON a.id = b.id WHEN MATCHED THEN UPDATE SET reason = 'forged'`,
        'postgres',
      ],
    ];
    describe('the database itself refuses', () => {
      let location: string;
      let store: Store;
      before(async () => {
        ({ location, store } = await trail(5));
      });
      after(() => store.close());
      for (const [what, statement, only] of refusedWays)
        if (only === undefined || only === name)
          test(what, async () => {
            await assert.rejects(run(location, statement));
            assert.deepEqual((await store.verifyAudit()).breaks, []);
            assert.equal((await store.listAudit({ limit: 9 })).length, 5);
          });
    });

    const forgeries: readonly (readonly [string, string, readonly string[]])[] = [
      ['an entry is changed', `UPDATE audit SET reason = 'forged' WHERE id = 3`, ['changed 3']],
      ['its actor is another', 'UPDATE audit SET actor_id = 7 WHERE id = 1', ['changed 1']],
      ['its time is another', 'UPDATE audit SET at = at + 1 WHERE id = 6', ['changed 6']],
      ['an entry is removed', 'DELETE FROM audit WHERE id = 3', ['missing 3']],
      [
        'an entry is removed with its hash',
        'DELETE FROM audit WHERE id = 3; DELETE FROM audit_chain WHERE id = 3',
        ['changed 4'],
      ],
      [
        'two change places',
        'UPDATE audit SET id = -1 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = -1',
        ['changed 2', 'changed 3'],
      ],
      ['one is slipped in', `INSERT INTO audit ${columns} VALUES ${row(-3)}`, ['unchained -3']],
      [
        'a hash is made to fit',
        `UPDATE audit_chain SET hash = '${'0'.repeat(64)}' WHERE id = 6`,
        ['changed 6', 'other-head 6'],
      ],
      [
        'the first hash is another',
        `UPDATE audit_chain SET hash = '${'0'.repeat(64)}' WHERE id = 1`,
        ['changed 1', 'changed 2'],
      ],
      [
        'all is removed',
        'DELETE FROM audit; DELETE FROM audit_chain',
        name === 'sqlite' ? ['other-head 6', 'cut'] : ['other-head 6'],
      ],
      [
        'the end is removed with its hashes',
        'DELETE FROM audit WHERE id > 4; DELETE FROM audit_chain WHERE id > 4',
        name === 'sqlite' ? ['other-head 6', 'cut'] : ['other-head 6'],
      ],
    ];
    for (const [what, statements, expected] of forgeries)
      test(`${what}, by somebody who switched the triggers off: ${expected.join(', ')}`, async () => {
        const { location, store } = await trail(6);
        const head = await store.auditHead();
        await run(location, `${off}; ${statements}`);
        const known = [{ id: head?.id ?? 0, hash: head?.hash ?? '' }];
        const { breaks } = await store.verifyAudit({ known });
        assert.ok(
          breaks.some(({ kind }) => kind === 'unguarded'),
          'that they are off is told, too',
        );
        await run(location, on);
        assert.deepEqual(kinds((await store.verifyAudit({ known })).breaks), expected);
        await store.close();
      });

    test('the whole chain made anew is told from one whose head was noted', async () => {
      const { location, store } = await trail(6);
      const head = await store.auditHead();
      await run(
        location,
        `${off}; UPDATE audit SET reason = 'forged' WHERE id = 5; DELETE FROM audit_chain WHERE id > 4; ${on}`,
      );
      await store.chainAudit();
      assert.deepEqual((await store.verifyAudit()).breaks, []);
      assert.deepEqual(
        (await store.verifyAudit()).late,
        { from: 5, to: 6 },
        'and even without it is said to be late',
      );
      assert.deepEqual(
        kinds((await store.verifyAudit({ known: [{ id: 6, hash: head?.hash ?? '' }] })).breaks),
        ['other-head 6'],
      );
      await store.close();
    });
  });
}

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-chain-'));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const triggersOf = migrations
  .flatMap(({ sqlite }) => sqlite.match(/CREATE TRIGGER audit[\s\S]*?END;/g) ?? [])
  .map((text) => ({ text, name: /CREATE TRIGGER (\w+)/.exec(text)?.[1] }));
chained({
  name: 'sqlite',
  create: async () => join(directory, `${++files}.db`),
  async run(location, statements) {
    const db = new DatabaseSync(location);
    try {
      db.exec(`PRAGMA busy_timeout = 5000; ${statements}`);
    } finally {
      db.close();
    }
  },
  off: triggersOf.map(({ name }) => `DROP TRIGGER ${name}`).join('; '),
  on: triggersOf.map(({ text }) => text).join('\n'),
});

const postgres = await findPostgres();
if (typeof postgres === 'string')
  test('the chain of the audit trail on PostgreSQL', { skip: postgres });
else {
  after(() => postgres.close());
  const tables = ['audit', 'audit_chain'];
  const run = async (location: string, statements: string) => {
    const client = new pg.Client({ connectionString: location });
    await client.connect();
    try {
      await client.query(statements);
    } finally {
      await client.end();
    }
  };
  chained({
    name: 'postgres',
    create: () => postgres.database(),
    run,
    off: tables.map((table) => `ALTER TABLE ${table} DISABLE TRIGGER USER`).join('; '),
    on: tables.map((table) => `ALTER TABLE ${table} ENABLE TRIGGER USER`).join('; '),
  });

  test('partitions: the chain goes on over them, and an archived one is told from a removed one', async () => {
    const location = await postgres.database();
    const store = await openStore(location);
    await store.prepareSchema();
    await entries(store, 4);
    const desk = openPartitionManager(location);
    await desk.partition({ every: 'day', now: () => NOW });
    await desk.close();
    await entries(store, 4);
    assert.deepEqual((await store.verifyAudit()).breaks, []);
    const [{ ids } = { ids: '' }] = await (async () => {
      const client = new pg.Client({ connectionString: location });
      await client.connect();
      const { rows } = await client.query<{ ids: string }>(
        `SELECT string_agg(CAST(id AS TEXT), ',' ORDER BY id) AS ids FROM audit_past`,
      );
      await client.query('ALTER TABLE audit DETACH PARTITION audit_past; DROP TABLE audit_past');
      await client.end();
      return rows;
    })();
    const archived = (ids ?? '').split(',').filter(Boolean).map(Number);
    const { breaks } = await store.verifyAudit();
    assert.deepEqual(
      kinds(breaks),
      archived.map((id) => `missing ${id}`),
    );
    assert.deepEqual(
      (await store.verifyAudit({ archivedUntil: Math.max(0, ...archived) })).breaks,
      [],
    );
    await store.close();
  });
}
