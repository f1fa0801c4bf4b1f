import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import type { Config } from '#config/config.ts';
import { readConfig } from '#config/read-config.ts';
import { createSkewedClock, type SkewedClock } from '#harness/false-clock.ts';
import {
  basicAuthorization,
  createTestData,
  openNode,
  type SharedInstallation,
  signedAuthorization,
  type TestData,
} from '#harness/inhabitants.ts';
import { findPostgres } from '#harness/postgres.ts';
import { instant } from '#kernel/time.ts';
import type { Log } from '#platform/log.ts';
import { composeServer, type Server } from '#server/compose.ts';
import { composeHttpServer } from '#server/http-server.ts';
import { createPlatform, type Platform } from '#server/platform.ts';
import { purgeExpiredRows } from '#server/reaper.ts';
import { type Ground, Node, onServers, onSqlite, until } from '../chaos/nodes.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A node in this process, whose clock and steady time are moved by hand. */
class HandNode {
  aheadMs = 0;
  passedMs = 0;
  readonly said: { event: string; fields: Readonly<Record<string, unknown>> }[] = [];
  readonly built: Server;
  readonly app: ReturnType<typeof composeHttpServer>;

  static async at(
    { data, issuer, environment }: SharedInstallation,
    boot: string | null = 'one start of the machine',
  ): Promise<HandNode> {
    const config = readConfig({ data, issuer, 'log-level': 'silent' }, environment, () => '');
    if (!config.ok) throw new Error(JSON.stringify(config.refusal));
    return new HandNode(config.value, await createPlatform(config.value), boot);
  }

  private constructor(config: Config, platform: Platform, boot: string | null) {
    const note = (event: string, fields = {}) => void this.said.push({ event, fields });
    const log: Log = { info: note, warn: note, error: note };
    const millis = () => Date.now() + this.aheadMs + this.passedMs;
    const from = Date.now() - performance.now();
    this.built = composeServer(config, {
      ...platform,
      log,
      clock: { now: () => instant(millis() / 1000), millis },
      // Processes of one machine count from the same moment.
      monotonicClock: { bootId: boot, millis: () => performance.now() + from + this.passedMs },
    });
    this.app = composeHttpServer(this.built.services);
  }

  async open(): Promise<this> {
    await this.built.prepare();
    await this.built.clockMonitor.check();
    return this;
  }

  /** What a running node does now and then. */
  async upkeep(): Promise<void> {
    await this.built.clockMonitor.check();
    await purgeExpiredRows(this.built.store, this.built.clockMonitor);
  }

  async get(url: string, headers: Readonly<Record<string, string>> = {}) {
    const { statusCode, body } = await this.app.inject({ method: 'GET', url, headers });
    return { status: statusCode, body };
  }

  async active(there: TestData, token: string): Promise<unknown> {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const payload = new URLSearchParams({ token }).toString();
    const answer = await this.app.inject({
      method: 'POST',
      url: '/oauth2/introspect',
      headers: { ...basicAuthorization(there.oauth2App), ...form },
      payload,
    });
    return (JSON.parse(answer.body) as { active?: unknown }).active;
  }

  async token(there: TestData): Promise<string> {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const payload = 'grant_type=client_credentials';
    const answer = await this.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: { ...basicAuthorization(there.oauth2App), ...form },
      payload,
    });
    assert.equal(answer.statusCode, 200, answer.body);
    return (JSON.parse(answer.body) as { access_token: string }).access_token;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.built.store.close();
  }
}

/**
 * Everything below on one ground. `calm`: writes that time has gone on evenly for two hours, as on
 * a server that has run for long.
 */
interface Arena {
  readonly name: string;
  readonly ground: Ground;
  readonly byServer: boolean;
  calm(): Promise<void>;
}

function arena({ name, ground, byServer, calm }: Arena): void {
  describe(`one wrong clock on ${name}`, { timeout: 300_000 }, () => {
    let right: HandNode;
    let wrong: HandNode;
    let there: TestData;

    before(async () => {
      right = await (await HandNode.at(ground.home)).open();
      wrong = await (await HandNode.at(ground.home)).open();
      there = await createTestData(right.built);
    });
    after(async () => {
      await right?.close();
      await wrong?.close();
      await ground.remove();
    });

    const signed = () =>
      signedAuthorization(
        'GET',
        `${ground.home.issuer}/api/v1/me`,
        there.ownerOnlyApp.client,
        there.ownerOnlyApp.token,
      );

    /** Spends a nonce and buys a token; answers a look that neither was undone. */
    async function kept(): Promise<() => Promise<void>> {
      const header = signed();
      assert.equal((await right.get('/api/v1/me', header)).status, 200);
      const token = await right.token(there);
      return async () => {
        assert.equal(
          (await right.get('/api/v1/me', header)).status,
          401,
          'a signed request is let in a second time',
        );
        assert.equal(await right.active(there, token), true, 'a live token is gone');
        assert.equal(
          (await right.get('/api/v1/me', signed())).status,
          200,
          'what is new is not let in',
        );
      };
    }

    for (const [what, aheadMs] of [
      ['280 s ahead', 280_000],
      ['1,200 s ahead', 1_200_000],
      ['a day ahead', DAY],
      ['100 days ahead', 100 * DAY],
      ['45 s behind', -45_000],
      ['an hour behind', -HOUR],
      ['a day behind', -DAY],
    ] as const)
      test(`${what}: it says so, is not ready, serves nothing and takes nothing away`, async () => {
        const look = await kept();
        await calm();
        wrong.said.length = 0;
        wrong.aheadMs = aheadMs;
        await wrong.upkeep();
        await right.upkeep();
        await wrong.upkeep();
        assert.equal(wrong.built.clockMonitor.status().state, 'unusable');
        assert.equal(wrong.built.clockMonitor.purgeUntil(), null);
        const ready = await wrong.get('/readyz');
        assert.deepEqual(
          [ready.status, JSON.parse(ready.body)],
          [503, { ready: false, reason: 'clock' }],
        );
        assert.equal((await wrong.get('/healthz')).status, 200);
        for (const path of [
          '/api/v1/me',
          '/',
          '/sign-in',
          '/oauth2/jwks',
          '/oauth2/authorize',
          '/oauth1/initiate',
          '/admin',
        ])
          assert.equal((await wrong.get(path, signed())).status, 503, path);
        await assert.rejects(wrong.built.guard.permit({} as never, 'x' as never), /clock/);
        const warning = wrong.said.find(({ event }) =>
          /the clock of this node is wrong/.test(event),
        );
        assert.ok(
          Math.abs(Number(warning?.fields.seconds) - aheadMs / 1000) < 5,
          JSON.stringify(wrong.said),
        );
        assert.equal((await right.get('/readyz')).status, 200, 'the right node goes on');
        await look();
        wrong.aheadMs = 0;
        assert.equal(
          (await wrong.get('/api/v1/me', signed())).status,
          200,
          'put right, it serves at once',
        );
        await wrong.upkeep();
        assert.equal((await wrong.get('/readyz')).status, 200);
        await look();
      });

    for (const aheadMs of [3000, -3000, 20_000])
      test(`${aheadMs / 1000} s off: served by, but not ready, and nothing is taken away`, async () => {
        const look = await kept();
        await calm();
        wrong.aheadMs = aheadMs;
        await wrong.upkeep();
        assert.equal(wrong.built.clockMonitor.status().state, 'skewed');
        assert.equal(wrong.built.clockMonitor.purgeUntil(), null);
        assert.equal((await wrong.get('/readyz')).status, 503);
        assert.equal((await wrong.get('/oauth2/jwks')).status, 200);
        wrong.aheadMs = 0;
        await look();
      });

    test('a clock that jumps to and fro between two looks is noticed by the next request, and holds back what is taken away', async () => {
      await calm();
      await right.upkeep();
      await wrong.upkeep();
      for (const aheadMs of [HOUR, -HOUR, 40_000, -DAY, DAY]) {
        wrong.aheadMs = aheadMs;
        assert.equal((await wrong.get('/oauth2/jwks')).status, 503);
        wrong.aheadMs = 0;
        assert.equal((await wrong.get('/oauth2/jwks')).status, 200);
      }
      wrong.aheadMs = HOUR;
      await wrong.upkeep();
      wrong.aheadMs = 0;
      await wrong.upkeep();
      assert.equal(wrong.built.clockMonitor.status().state, 'synchronized');
      assert.equal(
        wrong.built.clockMonitor.purgeUntil(),
        null,
        'for an hour after a jump nothing is taken away',
      );
    });

    test('the clock is set forward, the server restarted, and the clock set back', async () => {
      const look = await kept();
      await calm();
      await right.upkeep();
      const forward = await HandNode.at(ground.home);
      forward.aheadMs = DAY;
      await forward.open();
      await forward.upkeep();
      assert.equal(
        forward.built.clockMonitor.status().state,
        'unusable',
        'also by what was noted before the start',
      );
      assert.equal((await forward.get('/oauth2/jwks')).status, 503);
      await forward.close();
      const again = await (await HandNode.at(ground.home)).open();
      await again.upkeep();
      assert.equal((await again.get('/api/v1/me', signed())).status, 200);
      await again.close();
      await look();
    });

    test('a purge that was too early all the same lets in no signed request', async () => {
      const header = signed();
      assert.equal((await right.get('/api/v1/me', header)).status, 200);
      await right.built.store.purgeExpired(instant(Date.now() / 1000 + 1_000_000), 100_000);
      for (const node of [right, wrong])
        assert.equal((await node.get('/api/v1/me', header)).status, 401);
    });

    if (byServer)
      test('both machines are set forward together: the jump is noticed by what was noted before, and nothing is taken away for an hour', async () => {
        const store = right.built.store;
        const moment = (ms: number) => ({
          millis: Date.now() + ms,
          run: null,
          boot: null,
          believed: true,
        });
        await calm();
        const { steadySince } = await store.recordTime(moment(0));
        assert.ok(steadySince * 1000 < Date.now() - HOUR);
        assert.ok(
          (await store.recordTime(moment(DAY))).steadySince * 1000 > Date.now() + DAY - 5000,
        );
        assert.ok((await store.recordTime(moment(0))).steadySince * 1000 > Date.now() - 5000);
        const later = await (await HandNode.at(ground.home)).open();
        assert.equal(later.built.clockMonitor.purgeUntil(), null);
        await later.close();
      });

    test('time that goes on evenly: what expired is taken away, five minutes late', async () => {
      await calm();
      const node = await (await HandNode.at(ground.home)).open();
      const due = node.built.clockMonitor.purgeUntil();
      assert.ok(due !== null && Math.abs(due - (Date.now() / 1000 - 300)) < 5, String(due));
      await node.close();
    });
  });
}

async function calmSqlite({ home }: Ground): Promise<void> {
  const db = new DatabaseSync(join(home.data, 'gatehouse.db'));
  db.exec(
    'PRAGMA busy_timeout = 5000; UPDATE time_kept SET steady_since = steady_since - 7200 WHERE steady_since > unixepoch() - 7200',
  );
  db.close();
}
async function calmPostgres({ home }: Ground): Promise<void> {
  const client = new pg.Client({ connectionString: home.environment.GATEHOUSE_DATABASE });
  await client.connect();
  await client.query(
    'UPDATE time_kept SET steady_since = CAST(extract(epoch FROM clock_timestamp()) AS BIGINT) - 7200',
  );
  await client.end();
}

const sqlite = await onSqlite();
arena({ name: 'SQLite', ground: sqlite, byServer: false, calm: () => calmSqlite(sqlite) });

const postgres = await findPostgres();
if (typeof postgres === 'string') test('wrong clocks on PostgreSQL', { skip: postgres });
else {
  const { home, remove } = await onSqlite();
  const ground: Ground = {
    home: { ...home, environment: { GATEHOUSE_DATABASE: await postgres.database() } },
    postgres,
    redis: undefined,
    async remove() {
      await remove();
      await postgres.close();
    },
  };
  arena({ name: 'PostgreSQL', ground, byServer: true, calm: () => calmPostgres(ground) });
}

const servers = await onServers();
if (typeof servers === 'string') test('wrong clocks on PostgreSQL and Redis', { skip: servers });
else
  arena({
    name: 'PostgreSQL and Redis',
    ground: servers,
    byServer: true,
    calm: () => calmPostgres(servers),
  });

describe('processes of the program, whose clocks are set while they run', {
  timeout: 300_000,
}, () => {
  let ground: Ground;
  let clocks: readonly SkewedClock[];
  let nodes: readonly Node[];
  let own: Server;
  let there: TestData;

  before(async () => {
    ground = await onSqlite();
    clocks = [createSkewedClock(), createSkewedClock()];
    nodes = await Promise.all(
      clocks.map(({ environment }) => Node.start({ ...ground.home, environment })),
    );
    own = await openNode(ground.home);
    there = await createTestData(own);
  });
  after(async () => {
    await own?.store.close();
    await Promise.all((nodes ?? []).map((node) => node.end('SIGKILL')));
    for (const clock of clocks ?? []) clock.remove();
    await ground?.remove();
  });

  test('a step forward and back: 503 with the reason, a line in the log, and all is well afterwards', async () => {
    const [node, other] = nodes as [Node, Node];
    const url = `${ground.home.issuer}/api/v1/me`;
    const ask = (
      of: Node,
      header = signedAuthorization('GET', url, there.ownerOnlyApp.client, there.ownerOnlyApp.token),
    ) => of.ask('GET', '/api/v1/me', header);
    const spent = signedAuthorization(
      'GET',
      url,
      there.ownerOnlyApp.client,
      there.ownerOnlyApp.token,
    );
    assert.equal((await ask(node, spent))?.status, 200);
    for (const ms of [HOUR, -DAY, 100 * DAY]) {
      clocks[0]?.set(ms);
      await until(
        'the node is not ready',
        async () => (await node.ask('GET', '/readyz'))?.status === 503,
      );
      assert.equal((await node.ask('GET', '/readyz'))?.text, '{"ready":false,"reason":"clock"}');
      assert.equal((await ask(node))?.status, 503);
      assert.equal((await ask(other))?.status, 200);
      clocks[0]?.set(0);
      await until(
        'the node is ready',
        async () => (await node.ask('GET', '/readyz'))?.status === 200,
      );
      assert.equal((await ask(node))?.status, 200);
      assert.equal((await ask(node, spent))?.status, 401);
      assert.equal((await ask(other, spent))?.status, 401);
    }
  });

  test('a node that is started with a wrong clock beside one whose clock is right', async () => {
    const clock = createSkewedClock(1_200_000);
    const node = await Node.begin({ ...ground.home, environment: clock.environment });
    try {
      await until(
        'it answers that it is not ready',
        async () => (await node.ask('GET', '/readyz'))?.status === 503,
      );
      assert.equal((await node.ask('GET', '/oauth2/jwks'))?.status, 503);
      await until('it says so', () => /the clock of this node is wrong/.test(node.said));
      clock.set(0);
      await until('it is ready', async () => (await node.ask('GET', '/readyz'))?.status === 200);
    } finally {
      await node.end('SIGKILL');
    }
    clock.remove();
  });
});
