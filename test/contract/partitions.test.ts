import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import pg from 'pg';
import { findPostgres, type Postgres } from '#harness/postgres.ts';
import { Wire } from '#harness/wire.ts';
import type { TokenId } from '#kernel/ids.ts';
import { type Instant, instant, seconds } from '#kernel/time.ts';
import { openPostgres } from '#store/postgres/open.ts';
import {
  partitionTable,
  setTableAside,
  validatePastTable,
} from '#store/postgres/partitions/division.ts';
import { isLockConflict, PartitionRefusal } from '#store/postgres/partitions/job.ts';
import { openPartitionManager, type PartitionRequest } from '#store/postgres/partitions/manager.ts';
import { MAX_MOVED_ROWS } from '#store/postgres/partitions/row-moves.ts';
import { timedTables } from '#store/postgres/partitions/tables.ts';
import { firstKeyAt } from '#store/sql/key-range.ts';
import type { PartitionStep } from '#store/sql/maintenance.ts';
import { compiledStatements } from '#store/sql/statement.ts';
import type { Store } from '#store/store.ts';
import type { Written } from './partition-writer.ts';
import { access, at, audit, type Consented, change, consented, NOW, registered } from './things.ts';

const DAY = 86_400;
const bin = new URL('../../bin/gatehouse.js', import.meta.url).pathname;
/** 2027-01-15, a Friday. */
const day = (count: number) => at(count * DAY);

const postgres = await findPostgres();
if (typeof postgres === 'string') test('partitions', { skip: postgres });
else {
  after(async () => {
    await Place.closeAll();
    await postgres.close();
  });
  describe('partitions by time', { timeout: 240_000 }, () => partitions(postgres));
}

/** A database with a schema, a store over it, and a way to ask it anything. */
class Place {
  readonly url: string;
  readonly store: Store;
  readonly #client: pg.Client;
  static readonly #open = new Set<Place>();

  private constructor(url: string) {
    this.url = url;
    this.store = openPostgres(url);
    this.#client = new pg.Client({ connectionString: url });
  }

  static async on(url: string): Promise<Place> {
    const place = new Place(url);
    Place.#open.add(place);
    await place.store.prepareSchema();
    await place.#client.connect();
    return place;
  }

  get client(): pg.Client {
    return this.#client;
  }

  async ask<R extends pg.QueryResultRow>(text: string): Promise<readonly R[]> {
    return (await this.#client.query<R>(text)).rows;
  }

  /** What the first column of the answer holds. */
  async list(text: string): Promise<readonly string[]> {
    return (await this.ask<Record<string, unknown>>(text)).map((row) =>
      String(Object.values(row)[0]),
    );
  }

  parts(table: string): Promise<readonly string[]> {
    return this.list(
      `SELECT CAST(inhrelid AS regclass) FROM pg_inherits WHERE inhparent = '${table}'::regclass ORDER BY 1::text`,
    );
  }

  /** In which partition a token lies. */
  where(id: string): Promise<readonly string[]> {
    return this.list(`SELECT CAST(tableoid AS regclass) FROM access_tokens WHERE id = '${id}'`);
  }

  /** Closes what a test that failed left open. */
  static async closeAll(): Promise<void> {
    for (const place of Place.#open) await place.close();
  }

  async close(): Promise<void> {
    Place.#open.delete(this);
    await this.store.close();
    await this.#client.end();
  }
}

async function divided(
  url: string,
  order: Partial<PartitionRequest> = {},
): Promise<readonly PartitionStep[]> {
  const desk = openPartitionManager(url);
  try {
    return await desk.partition({ every: null, now: () => NOW, ...order });
  } finally {
    await desk.close();
  }
}

/** A token of a moment, stored. */
async function tokenOf(
  place: Place,
  who: Consented,
  when: Instant,
  livesFor = 3600,
): Promise<TokenId> {
  const id = (firstKeyAt(when) + randomBytes(34).toString('hex')) as TokenId;
  await place.store.saveAccessToken(
    access(who, { id, issuedAt: when, expiresAt: instant(when + livesFor) }),
  );
  return id;
}

/** A line of the trail of a moment; answers its number. */
async function lineOf(place: Place, who: Consented, when: Instant): Promise<number> {
  const [last] = await place.store.listAudit({ clientId: who.app.id, limit: 1 });
  await place.store.applyChange(
    change(who.app.id, (await place.store.findClient(who.app.id))?.recordVersion ?? 0, [], {
      audit: audit(who.app.id, { at: when }),
    }),
  );
  const [line] = await place.store.listAudit({ clientId: who.app.id, limit: 1 });
  assert.ok(line && line.at === when && line.id > (last?.id ?? 0));
  return line.id;
}

/** Many tokens at once, of one moment. */
const fill = (place: Place, when: Instant, count: number, expiresAt: number) =>
  place.ask(`
    INSERT INTO access_tokens (id, client_id, user_id, scopes, grant_type, issued_at, expires_at)
    SELECT '${firstKeyAt(when)}' || lpad(to_hex(n), 68, '0'), 'nobody', 1, '[]', 'authorization_code', ${when}, ${expiresAt}
    FROM generate_series(1, ${count}) n`);
const fillTrail = (place: Place, when: Instant, count: number) =>
  place.ask(`
    INSERT INTO audit (at, action, actor_id, via, address, client_id, edition, reason, changes)
    SELECT ${when} + n / 100, 'update', n % 50, 'page', NULL, 'app ' || n % 200, n, '', '[]' FROM generate_series(1, ${count}) n`);

const names = (steps: readonly PartitionStep[]) =>
  steps.map(({ what, partition }) => `${what} ${partition}`);

function partitions(postgres: Postgres): void {
  const place = async () => Place.on(await postgres.database());

  test('a filled database is divided while three nodes write and one reads along: nothing is lost, refused or out of order', async () => {
    const own = await place();
    const start = instant(Date.now() / 1000);
    await fill(own, instant(start - 7200), 20_000, start - 3600);
    await fill(own, instant(start - 600), 20_000, start + 3000);
    await fillTrail(own, instant(start - 5000), 20_000);
    const [before] = await own.list('SELECT max(id) FROM audit');
    const who = await consented(own.store);
    const apps = await Promise.all([0, 1, 2].map(() => registered(own.store, who.owner)));
    const rounds = [0, 0, 0];
    let told = Promise.withResolvers<void>();
    const results: Promise<Written>[] = [];
    const writers = apps.map((app, index): ChildProcess => {
      const writer = fork(new URL('partition-writer.ts', import.meta.url), [
        own.url,
        app.id,
        String(who.user),
        String(app.recordVersion),
      ]);
      const result = Promise.withResolvers<Written>();
      results.push(result.promise);
      writer.on('message', (said: number | Written) => {
        if (typeof said !== 'number') return result.resolve(said);
        rounds[index] = said;
        told.resolve();
      });
      writer.on('exit', () => result.reject(new Error('a writer ended early')));
      return writer;
    });
    /** Every node has written some more. */
    const written = async () => {
      const goal = rounds.map((count) => count + 8);
      while (goal.some((count, index) => (rounds[index] ?? 0) < count)) {
        await Promise.race([told.promise, ...results]);
        told = Promise.withResolvers();
      }
    };
    const read: number[] = [];
    let reading = true;
    /** Goes on after the last number it saw, as an export or a mirror would. */
    const reader = (async () => {
      for (let more = true; more || reading; ) {
        const lines = await own.store.listAudit({
          order: 'oldest-first',
          after: read.at(-1) ?? Number(before),
          limit: 50,
        });
        read.push(...lines.map(({ id }) => id));
        more = lines.length > 0;
      }
    })();
    await written();
    const steps = await divided(own.url, {
      every: 'day',
      now: () => instant(Date.now() / 1000),
      tell: written,
    });
    await written();
    for (const writer of writers) writer.send('stop');
    const all = await Promise.all(results);
    reading = false;
    await reader;

    assert.deepEqual(
      steps.filter(({ what }) => what !== 'made').map(({ what, table }) => `${what} ${table}`),
      ['access_tokens', 'audit'].flatMap((table) => [
        `set-aside ${table}`,
        `proved ${table}`,
        `divided ${table}`,
      ]),
    );
    assert.deepEqual(
      all.flatMap(({ faults }) => faults),
      [],
    );
    const tokens = all.flatMap((each) => each.tokens);
    for (const id of tokens) assert.ok(await own.store.findAccessToken(id as TokenId), id);
    const revoked = await own.list('SELECT id FROM access_tokens WHERE revoked = 1 ORDER BY id');
    assert.deepEqual(revoked, all.flatMap((each) => each.revoked).toSorted());
    assert.deepEqual(await own.list('SELECT count(*) FROM access_tokens'), [
      String(40_000 + tokens.length),
    ]);
    const lines = await own.list(`SELECT id FROM audit WHERE id > ${before} ORDER BY id`);
    assert.deepEqual(read, lines.map(Number), 'who reads along misses no line');
    for (const [index, app] of apps.entries()) {
      const editions = (
        await own.store.listAudit({ clientId: app.id, order: 'oldest-first', limit: 100_000 })
      ).map(({ recordVersion: edition }) => edition);
      assert.deepEqual(
        editions,
        Array.from({ length: (all[index]?.editions ?? 0) + 1 }, (_, count) => count),
      );
    }
    assert.deepEqual(await own.list('SELECT count(*) FROM access_tokens_default'), ['0']);
    // The apps were registered by a clock that is far ahead, or behind.
    assert.deepEqual(await own.list(`SELECT count(*) FROM audit_default WHERE at <> ${NOW}`), [
      '0',
    ]);
    await own.close();
  });

  test('the old rows are not read again under the lock: what was proved is enough', async () => {
    const own = await place();
    const said: string[] = [];
    own.client.on('notice', ({ message }) => message !== undefined && said.push(message));
    await own.ask('SET client_min_messages = debug1');
    for (const table of timedTables) {
      const work = {
        client: own.client,
        now: () => NOW,
        whenBusy: 'wait',
        maxAttempts: 1,
      } as const;
      for (const step of [setTableAside, validatePastTable]) assert.ok(await step(work, table));
      said.length = 0;
      assert.ok(await partitionTable(work, table, 'month'));
      assert.ok(
        said.some((text) =>
          text.includes(`"${table.name}_past" is implied by existing constraints`),
        ),
        said.join('\n'),
      );
    }
    await own.close();
  });

  test('a look-up reads one partition, and the list of the trail goes by its indexes, also by a plan for any value', async () => {
    const own = await place();
    await fill(own, day(-3), 5000, day(1));
    await fillTrail(own, day(-20), 20_000);
    await divided(own.url, { every: 'week' });
    for (const count of [0, 8, 15]) {
      await fill(own, day(count), 5000, day(count + 1));
      await fillTrail(own, day(count), 20_000);
    }
    await own.ask('ANALYZE');
    const plan = async (
      kind: string,
      text: string,
      values: readonly (string | number | null)[],
      times: number,
    ) => {
      const given = values.map((value) => (value === null ? 'NULL' : `'${value}'`)).join(', ');
      await own.ask(`SET plan_cache_mode = ${kind}; DEALLOCATE ALL; PREPARE asked AS ${text}`);
      for (let run = 0; run < times; run += 1) await own.ask(`EXECUTE asked (${given})`);
      return (
        await own.list(`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE asked (${given})`)
      ).join('\n');
    };
    const text = (pattern: RegExp) =>
      compiledStatements.map((each) => each.postgres.text).find((own) => pattern.test(own)) ?? '';
    const lookUp = text(
      /FROM access_tokens t LEFT JOIN revoked_families f [\s\S]*WHERE t\.id = \$1 AND /,
    );
    assert.notEqual(lookUp, '');
    // Of any client: the parameters after the first are null.
    const anyClient = [...new Set(lookUp.match(/\$\d+/g))].slice(1).map(() => null);
    for (const kind of ['auto', 'force_generic_plan', 'force_custom_plan']) {
      const shown = await plan(
        kind,
        lookUp,
        [`${firstKeyAt(day(8))}${'0'.repeat(67)}1`, ...anyClient],
        8,
      );
      assert.equal(shown.match(/Scan .*on access_tokens/g)?.length, 1, shown);
      assert.match(shown, /Index Scan using access_tokens_from_\w+ on access_tokens_from_20270118/);
    }
    const list = text(/^SELECT \* FROM audit WHERE[\s\S]*ORDER BY id DESC/);
    const unfiltered = Array.from({ length: list.match(/\$\d+/g)?.length ?? 0 }, () => null).with(
      -1,
      50 as never,
    );
    const shown = await plan('auto', list, unfiltered, 8);
    assert.match(shown, /Merge Append/);
    assert.doesNotMatch(shown, /Seq Scan on audit_(?!default)/, shown);
    await own.close();
  });

  test('nothing is set aside while somebody dumps or reads by an older snapshot, which would miss the old rows', async () => {
    const own = await place();
    await fill(own, day(-3), 500, day(1));
    const dump = new pg.Client({ connectionString: own.url, application_name: 'pg_dump' });
    await dump.connect();
    await dump.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 AS snapshot');
    const dividing = divided(own.url);
    // Long enough for several tries, none of which may have left anything behind.
    for (let look = 0; look < 20; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual(
        await own.list(`SELECT relkind FROM pg_class WHERE oid = 'access_tokens'::regclass`),
        ['r'],
      );
      assert.deepEqual(
        await own.list(`SELECT count(*) FROM pg_class WHERE relname = 'access_tokens_past'`),
        ['0'],
      );
    }
    const { rows } = await dump.query<{ count: string }>('SELECT count(*) FROM access_tokens');
    assert.equal(rows[0]?.count, '500');
    await dump.query('COMMIT');
    await dump.end();
    await dividing;
    assert.deepEqual(await own.list('SELECT count(*) FROM access_tokens'), ['500']);
    await own.close();
  });

  test('who may read or write the tables may do so with each partition, and number the lines of the trail', async () => {
    const own = await place();
    const [reader, writer] = ['reads', 'writes'].map(
      (what) => `gatehouse_${what}_${randomBytes(4).toString('hex')}`,
    );
    await own.ask(`CREATE ROLE ${reader}; CREATE ROLE ${writer}`);
    await own.ask(
      `GRANT SELECT ON access_tokens, audit TO ${reader}; GRANT SELECT, INSERT, UPDATE, DELETE ON access_tokens, audit TO ${writer}`,
    );
    await divided(own.url);
    for (const table of ['access_tokens', 'audit'])
      for (const part of await own.parts(table))
        assert.deepEqual(
          await own.list(
            `SELECT has_table_privilege('${reader}', '${part}', 'SELECT') AND has_table_privilege('${writer}', '${part}', 'INSERT')`,
          ),
          ['true'],
          part,
        );
    await own.ask(`SET ROLE ${writer}`);
    await fillTrail(own, NOW, 3);
    await own.ask(`RESET ROLE; DROP OWNED BY ${reader}, ${writer}; DROP ROLE ${reader}, ${writer}`);
    await own.close();
  });

  test('by a clock that is far off nothing is made or dropped', async () => {
    const own = await place();
    await divided(own.url);
    const before = await own.parts('access_tokens');
    const far = await own.store.maintainPartitions(day(7300), seconds(3600));
    assert.deepEqual(far.steps, []);
    assert.ok((far.clockDriftSeconds ?? 0) > 3600);
    assert.deepEqual(await own.parts('access_tokens'), before);
    await own.close();
  });

  test('partitions are made ahead as the clock moves on, of another length too, and what was missed is one', async () => {
    const own = await place();
    const made = await divided(own.url);
    assert.deepEqual(
      names(made).filter((name) => name.startsWith('made access_tokens')),
      ['made access_tokens_from_20270201', 'made access_tokens_from_20270301'],
    );
    const keep = async (now: Instant) =>
      names((await own.store.maintainPartitions(now)).steps).filter((name) =>
        name.startsWith('made'),
      );
    assert.deepEqual(await keep(NOW), []);
    assert.deepEqual(await keep(day(16)), []);
    assert.deepEqual(await keep(day(17)), [
      'made access_tokens_from_20270401',
      'made audit_from_20270401',
    ]);
    assert.deepEqual(await keep(day(17)), []);
    await divided(own.url, { every: 'week', now: () => day(17) });
    assert.deepEqual(await keep(day(100)), [
      'made access_tokens_from_20270501',
      'made access_tokens_from_20270503',
      'made access_tokens_from_20270510',
      'made audit_from_20270501',
      'made audit_from_20270503',
      'made audit_from_20270510',
    ]);
    assert.deepEqual(await keep(day(400)).then((late) => late.slice(0, 2)), [
      'made access_tokens_from_20270517',
      'made access_tokens_from_20280221',
    ]);
    await own.close();
  });

  test('what came without a partition lies in the DEFAULT one, and is moved when there is one; too many rows are left there', async () => {
    const own = await place();
    await divided(own.url);
    const who = await consented(own.store);
    const later = day(120);
    const [token, strange] = [
      await tokenOf(own, who, later),
      await tokenOf(own, who, day(9000), 1e10),
    ];
    const line = await lineOf(own, who, later);
    for (const id of [token, strange])
      assert.deepEqual(await own.where(id), ['access_tokens_default']);
    const { steps, tablesWithoutPartition: lacking } = await own.store.maintainPartitions(later);
    assert.deepEqual(lacking, []);
    assert.deepEqual(
      steps.filter(({ moved }) => moved > 0).map(({ partition, moved }) => [partition, moved]),
      [
        ['access_tokens_from_20270401', 1],
        ['audit_from_20270401', 1],
      ],
    );
    assert.deepEqual(await own.where(token), ['access_tokens_from_20270401']);
    assert.deepEqual(await own.where(strange), ['access_tokens_default']);
    assert.deepEqual(
      await own.list(`SELECT CAST(tableoid AS regclass) FROM audit WHERE id = ${line}`),
      ['audit_from_20270401'],
    );
    assert.equal((await own.store.findAccessToken(token))?.token.id, token);

    const muchLater = day(300);
    await fill(own, muchLater, MAX_MOVED_ROWS + 1, muchLater + 60);
    const made = names((await own.store.maintainPartitions(muchLater)).steps).filter((name) =>
      name.startsWith('made access'),
    );
    assert.deepEqual(made, [
      'made access_tokens_from_20271201',
      'made access_tokens_from_20280101',
    ]);
    // The reaper clears what no partition will take along.
    await own.store.purgeExpired(instant(muchLater + 60), 100_000);
    assert.deepEqual(await own.list('SELECT id FROM access_tokens_default'), [strange]);
    await own.close();
  });

  test('a partition whose time is over is dropped; what lives on is moved, and too many of those are waited for', async () => {
    const own = await place();
    const who = await consented(own.store);
    const old = await tokenOf(own, who, NOW);
    const oldForever = await tokenOf(own, who, NOW, 1e10);
    await divided(own.url);
    const [short, forever] = [
      await tokenOf(own, who, day(3)),
      await tokenOf(own, who, day(3), 1e10),
    ];
    await fill(own, day(20), MAX_MOVED_ROWS + 1, day(60));
    // The reaper works in the past alone.
    await own.store.purgeExpired(day(4), 1000);
    assert.deepEqual(await own.where(old), []);
    assert.deepEqual(await own.where(short), ['access_tokens_from_20270115']);
    const drop = async (now: Instant) =>
      (await own.store.maintainPartitions(now)).steps.filter(({ what }) => what === 'dropped');
    assert.deepEqual(await drop(NOW), []);
    assert.deepEqual(await drop(day(4)), [
      { table: 'access_tokens', what: 'dropped', partition: 'access_tokens_past', moved: 1 },
    ]);
    assert.deepEqual(await drop(day(17)), [], 'it is over since today, and waits for a day');
    assert.deepEqual(names(await drop(day(18))), ['dropped access_tokens_from_20270115']);
    assert.deepEqual(await own.where(short), []);
    for (const id of [oldForever, forever]) {
      assert.equal((await own.store.findAccessToken(id))?.token.id, id);
      assert.deepEqual(await own.where(id), ['access_tokens_default']);
      await own.store.revokeAccessToken(id);
      assert.equal((await own.store.findAccessToken(id))?.token.revoked, true);
    }
    assert.deepEqual(await drop(day(59)), [], 'too many live in it');
    assert.deepEqual(names(await drop(day(60))), ['dropped access_tokens_from_20270201']);
    // A partition that nobody dropped in all that time is cleared row by row.
    const stuck = await tokenOf(own, who, day(50));
    const rest = async (now: Instant) => {
      await own.store.purgeExpired(now, 100_000);
      return (await own.where(stuck)).length;
    };
    assert.deepEqual(await own.where(stuck), ['access_tokens_from_20270301']);
    assert.equal(await rest(day(100)), 1);
    assert.equal(await rest(day(120)), 0);
    assert.deepEqual(
      await own.parts('audit').then((parts) => parts.includes('audit_past')),
      true,
      'the trail is never dropped',
    );
    await own.close();
  });

  test('rows of early and late clocks go where they belong', async () => {
    const own = await place();
    const who = await consented(own.store);
    const ahead = [await tokenOf(own, who, day(5)), await tokenOf(own, who, day(200))];
    const lines = [await lineOf(own, who, day(200)), await lineOf(own, who, NOW)];
    const behind: string[] = [];
    await divided(own.url, {
      tell: async ({ what, table }) => {
        if (what !== 'set-aside') return;
        if (table === 'access_tokens') behind.push(await tokenOf(own, who, at(-50)));
        else lines.push(await lineOf(own, who, at(-50)), await lineOf(own, who, at(70)));
      },
    });
    const places: (readonly string[])[] = [];
    for (const id of [...ahead, ...behind]) places.push(await own.where(id));
    assert.deepEqual(places.flat(), [
      'access_tokens_from_20270115',
      'access_tokens_default',
      'access_tokens_past',
    ]);
    assert.deepEqual(
      await own.list(
        `SELECT CAST(tableoid AS regclass) FROM audit WHERE id IN (${lines}) ORDER BY id`,
      ),
      ['audit_default', 'audit_past', 'audit_past', 'audit_from_20270115'],
    );
    assert.deepEqual(
      lines,
      lines.toSorted((one, other) => one - other),
    );
    await own.close();
  });

  test('too many rows of a time to come: refused, and everything stays as it was', async () => {
    const own = await place();
    await fill(own, day(5), MAX_MOVED_ROWS + 1, day(6));
    await assert.rejects(
      divided(own.url),
      (fault) => fault instanceof PartitionRefusal && /look at the clocks/.test(fault.message),
    );
    assert.deepEqual(await own.parts('access_tokens'), []);
    await own.close();
  });

  test('a connection that breaks anywhere in the middle: nodes go on, and the next run finishes', async (t) => {
    for (const cutAt of [
      'LOCK TABLE',
      'INHERIT',
      'VALIDATE CONSTRAINT',
      'ATTACH PARTITION',
      'DROP CONSTRAINT',
      'COMMENT ON',
      'PARTITION OF access_tokens FOR',
    ])
      for (const arrives of [true, false]) {
        const own = await place();
        const who = await consented(own.store);
        const wire = await Wire.to(Number(new URL(own.url).port || 5432));
        t.after(() => wire.close());
        const url = wire.through(own.url);
        wire.fate = { cutAt, arrives };
        await assert.rejects(divided(url), cutAt);
        const tokens = [await tokenOf(own, who, NOW, 1e10)];
        const lines = [await lineOf(own, who, NOW)];
        // The operator knows nothing yet, and time goes by.
        tokens.push(await tokenOf(own, who, day(45), 1e10));
        lines.push(await lineOf(own, who, day(45)));
        await divided(own.url, { now: () => day(45) });
        for (const id of tokens) assert.ok(await own.store.findAccessToken(id));
        assert.deepEqual(await own.list('SELECT count(*) FROM audit'), ['4']);
        assert.deepEqual(await divided(own.url, { now: () => day(45) }), [], cutAt);
        assert.deepEqual(
          await own.list(
            `SELECT relkind FROM pg_class WHERE oid IN ('audit'::regclass, 'access_tokens'::regclass)`,
          ),
          ['p', 'p'],
        );
        assert.deepEqual(
          await own.list(`SELECT conname FROM pg_constraint WHERE conname LIKE 'nothing%'`),
          [],
        );
        await own.close();
      }
  });

  test('many at once, commands and nodes: each step is done once', async () => {
    const own = await place();
    const others = await Promise.all([Place.on(own.url), Place.on(own.url)]);
    const all = (await Promise.all([1, 2, 3].map(() => divided(own.url)))).flat();
    assert.equal(new Set(names(all)).size, all.length);
    assert.equal(all.length, 2 * 5);
    const kept = await Promise.all(
      [...others, ...others].map(({ store }) => store.maintainPartitions(day(40))),
    );
    const steps = kept.flatMap((each) => names(each.steps));
    assert.equal(new Set(steps).size, steps.length);
    for (const other of others) await other.close();
    await own.close();
  });

  test('the trail stays append-only: as a whole, in each partition, and while it is being divided', async () => {
    const own = await place();
    const who = await consented(own.store);
    const check = async () => {
      for (const table of ['audit', ...(await own.parts('audit'))])
        for (const statement of [`TRUNCATE ${table}`, `TRUNCATE ONLY ${table}`])
          if (statement !== 'TRUNCATE ONLY audit')
            await assert.rejects(own.ask(statement), /append-only/, statement);
      for (const table of [
        'audit',
        ...(await own.list('SELECT DISTINCT CAST(tableoid AS regclass) FROM audit')),
      ])
        for (const statement of [`UPDATE ${table} SET reason = 'x'`, `DELETE FROM ${table}`])
          await assert.rejects(own.ask(statement), /append-only/, statement);
    };
    await lineOf(own, who, NOW);
    await divided(own.url, {
      tell: async ({ table }) => {
        if (table === 'audit') await lineOf(own, who, NOW);
        await check();
      },
    });
    for (const when of [day(10), day(30), day(5000)]) await lineOf(own, who, when);
    await own.store.maintainPartitions(day(300));
    await check();
    assert.ok((await own.list('SELECT DISTINCT tableoid FROM audit')).length >= 4);
    await own.close();
  });

  test('roles: nodes that do not own the tables work as before and say what they lack; new tables belong to the owner', async () => {
    const name = `gatehouse_${randomBytes(6).toString('hex')}`;
    const url = await postgres.database();
    const su = new pg.Client({ connectionString: url });
    await su.connect();
    const as = (role: string) =>
      Object.assign(new URL(url), { username: role, password: 'secret' }).href;
    const [owner, node] = [`${name}_owner`, `${name}_node`];
    for (const role of [owner, node]) await su.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    await su.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} OWNER TO ${owner}`);
    await su.query(`GRANT ALL ON SCHEMA public TO ${owner}`);
    const owning = await Place.on(as(owner));
    await owning.ask(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${node}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${node}`,
    );
    const serving = await Place.on(as(node));
    const work = async (when: Instant) => {
      const who = await consented(serving.store);
      const id = await tokenOf(serving, who, when);
      assert.ok(await serving.store.findAccessToken(id));
      await lineOf(serving, who, when);
      await serving.store.purgeExpired(when, 100);
      return id;
    };
    await work(NOW);
    await assert.rejects(
      divided(as(node)),
      (fault) => fault instanceof PartitionRefusal && fault.message.includes(`belongs to ${owner}`),
    );
    await divided(url, { tell: async () => void (await work(NOW)) });
    await work(NOW);
    assert.deepEqual(
      await owning.list(
        `SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relname ~ '^(audit|access_tokens)'`,
      ),
      [owner],
    );
    assert.deepEqual(await serving.store.maintainPartitions(NOW), {
      steps: [],
      tablesWithoutPartition: [],
    });
    assert.deepEqual(await serving.store.maintainPartitions(day(20)), {
      steps: [],
      tablesWithoutPartition: [],
    });
    assert.deepEqual(await serving.store.maintainPartitions(day(50)), {
      steps: [],
      tablesWithoutPartition: ['access_tokens', 'audit'],
    });
    const id = await work(day(120));
    assert.deepEqual(await owning.where(id), ['access_tokens_default']);
    await divided(as(owner), { now: () => day(120) });
    assert.deepEqual(await owning.where(id), ['access_tokens_from_20270401']);
    assert.deepEqual(await serving.store.maintainPartitions(day(120)), {
      steps: [],
      tablesWithoutPartition: [],
    });
    await work(day(120));
    await serving.close();
    await owning.close();
    for (const role of [node, owner]) {
      await su.query(
        `ALTER DATABASE ${new URL(url).pathname.slice(1)} OWNER TO CURRENT_USER; DROP OWNED BY ${role} CASCADE`,
      );
      await su.query(`DROP ROLE ${role}`);
    }
    await su.end();
  });

  test('an old partition of the trail can be taken away, and nothing takes its place', async () => {
    const own = await place();
    const who = await consented(own.store);
    await divided(own.url);
    const line = await lineOf(own, who, day(2));
    await own.ask('ALTER TABLE audit DETACH PARTITION audit_past');
    await own.ask('DROP TABLE audit_past');
    assert.deepEqual(
      (await own.store.listAudit({ limit: 9 })).map(({ id }) => id),
      [line],
    );
    assert.deepEqual((await own.store.maintainPartitions(NOW)).steps, []);
    assert.ok((await lineOf(own, who, day(3))) > line);
    await own.close();
  });

  test('later steps of the schema change the whole: columns and indexes, old and new partitions', async () => {
    const own = await place();
    const who = await consented(own.store);
    const forever = await tokenOf(own, who, NOW, 1e10);
    await divided(own.url);
    await own.ask(`
      ALTER TABLE access_tokens ADD COLUMN extra BIGINT NOT NULL DEFAULT 7; ALTER TABLE audit ADD COLUMN extra TEXT;
      DROP INDEX access_tokens_by_expiry; CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at, extra);
      DROP INDEX audit_by_actor; CREATE INDEX audit_by_action ON audit (action, id);
      ALTER TABLE audit ADD COLUMN gone TEXT; ALTER TABLE audit DROP COLUMN gone`);
    await lineOf(own, who, NOW);
    const late = await tokenOf(own, who, day(100));
    await lineOf(own, who, day(100));
    const { steps } = await own.store.maintainPartitions(day(100));
    assert.ok(steps.some(({ what, moved }) => what === 'dropped' && moved === 1));
    for (const id of [forever, late])
      assert.deepEqual(await own.list(`SELECT extra FROM access_tokens WHERE id = '${id}'`), ['7']);
    assert.deepEqual(
      await own.list(
        `SELECT relname FROM pg_class WHERE relname = 'access_tokens_by_expiry' AND relkind = 'I'`,
      ),
      ['access_tokens_by_expiry'],
    );
    await own.close();
  });

  test('a long reader is waited for in short turns, and in the end it is said who is in the way', async () => {
    const own = await place();
    await own.ask('BEGIN; SELECT 1 FROM access_tokens');
    const work = {
      client: new pg.Client({ connectionString: own.url }),
      now: () => NOW,
      whenBusy: 'wait',
      maxAttempts: 2,
    } as const;
    await work.client.connect();
    const [tokens] = timedTables;
    assert.ok(tokens);
    await assert.rejects(setTableAside(work, tokens), isLockConflict);
    // It has lasted for more than a moment: from here on nobody waits behind us, for we do not
    // wait.
    await own.ask('SELECT pg_sleep(1.1)');
    await assert.rejects(setTableAside(work, tokens), isLockConflict);
    await own.ask('COMMIT');
    assert.ok(await setTableAside(work, tokens));
    await work.client.end();
    await divided(own.url);
    await own.ask('BEGIN; SELECT 1 FROM access_tokens, pg_sleep(1.1)');
    assert.deepEqual(await own.store.maintainPartitions(day(20)), {
      steps: [],
      tablesWithoutPartition: [],
    });
    await own.ask('COMMIT');
    assert.ok((await own.store.maintainPartitions(day(20))).steps.length > 0);
    await own.close();
  });

  test('gatehouse partition: says what it would do, does it, has nothing left to do, and refuses with the remedy', async () => {
    const own = await place();
    const run = (database: string, ...args: readonly string[]) => {
      const env = { ...process.env, GATEHOUSE_DATABASE: database };
      const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'partition', ...args], {
        env,
        encoding: 'utf8',
      });
      return { status, stdout, stderr };
    };
    const planned = run(own.url, '--dry-run', '--every', 'day');
    assert.equal(planned.status, 0, planned.stderr);
    assert.match(
      planned.stdout,
      /^Would be done: new rows of access_tokens go into a table of their own/,
    );
    assert.deepEqual(await own.parts('audit'), []);
    const done = run(own.url, '--every', 'day');
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /audit has partitions; the current one is audit_from_\d{8}\./);
    const again = run(own.url, '--json');
    assert.deepEqual(JSON.parse(again.stdout), { dry_run: false, steps: [] });
    assert.equal(run(own.url).stdout, 'There is nothing to do.\n');

    const other = await place();
    const killed = spawn(process.execPath, [bin, 'partition'], {
      env: { ...process.env, GATEHOUSE_DATABASE: other.url },
    });
    killed.stdout.once('data', () => killed.kill('SIGKILL'));
    await once(killed, 'exit');
    const who = await consented(other.store);
    await tokenOf(other, who, NOW);
    assert.equal(run(other.url).status, 0);
    for (const table of ['audit', 'access_tokens'])
      assert.ok((await other.parts(table)).includes(`${table}_past`));
    await other.close();
    assert.deepEqual(await own.list(`SELECT obj_description('audit'::regclass)`), [
      'partitions of one day',
    ]);

    const sqlite = run('sqlite::memory:');
    assert.deepEqual([sqlite.status, sqlite.stdout], [1, '']);
    assert.match(sqlite.stderr, /^gatehouse: the database is SQLite, which has no partitions/);
    assert.equal(run(own.url, '--every', 'year').status, 2);
    const empty = run(await postgres.database());
    assert.equal(empty.status, 1);
    assert.match(empty.stderr, /run "gatehouse migrate" first/);
    await own.close();
  });
}
