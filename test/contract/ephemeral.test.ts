import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { eventually, findRedis, freePort, NO_REDIS, RedisServer } from '#harness/redis.ts';
import { RedisCluster } from '#harness/redis-cluster.ts';
import { Wire } from '#harness/wire.ts';
import { type Instant, instant, seconds } from '#kernel/time.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { type EphemeralStore, openRedis, type RedisOptions } from '#store/redis/open.ts';
import { openSqlite } from '#store/sqlite/open.ts';
import { ephemeralCases, everyVerb, prepareRace, type ShortLived } from './ephemeral.ts';
import { at, NOW, nonce, session, tally, text } from './things.ts';

describe('ephemeral', () => {
  const given = process.env.GATEHOUSE_TEST_REDIS;
  const skip = given === undefined && !RedisServer.here ? NO_REDIS : false;
  /** What stops and starts a server needs one of our own. */
  const skipOwn = RedisServer.here
    ? false
    : 'redis-server or valkey-server is not installed, and a server of others is not stopped';
  const limit = { timeout: 120_000 };

  test('Redis is there when everything is required', () => {
    if (process.env.GATEHOUSE_REQUIRE_ALL === '1') assert.ok(RedisServer.here, NO_REDIS);
  });

  /** A clock moved by hand. */
  const hand = (start: Instant = NOW) => {
    const clock = {
      at: start as number,
      now: () => instant(clock.at),
      millis: () => clock.at * 1000,
    };
    return clock;
  };
  const open = (urls: string | readonly string[], options: Partial<RedisOptions> = {}) =>
    openRedis(urls, {
      clock: hand(),
      nonceTtlSeconds: seconds(301),
      timeoutMs: 20_000,
      ...options,
    });

  /**
   * Opens the book of nonces a second before everything happens: within that second nobody can tell
   * what is new.
   */
  async function begun(urls: string | readonly string[]): Promise<void> {
    const early = open(urls, { clock: hand(at(-1)) });
    await eventually(() => early.ping());
    await early.close();
  }

  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ephemeral-'));
  after(async () => {
    await RedisServer.removeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  function contract(
    name: string,
    opened: () => Promise<{ store: ShortLived; end(): Promise<unknown> }>,
    without: string | false = false,
  ): void {
    test(`${name}: every verb of what expires`, { ...limit, skip: without }, async (suite) => {
      const { store, end } = await opened();
      try {
        for (const [title, run] of ephemeralCases) await suite.test(title, () => run(store));
      } finally {
        await end();
      }
    });
  }

  async function emptied(): Promise<{ url: string; end(): Promise<unknown> }> {
    const redis = await findRedis();
    if (typeof redis === 'string') throw new Error(redis);
    await begun(redis.url);
    return { url: redis.url, end: () => redis.close() };
  }

  contract('SQLite in memory', async () => {
    const store = openSqlite(':memory:');
    return { store, end: () => store.close() };
  });

  contract('SQLite file', async () => {
    const store = openSqlite(join(folder, 'contract.db'));
    return { store, end: () => store.close() };
  });

  contract(
    'Redis',
    async () => {
      const { url, end } = await emptied();
      const store = open(url);
      return { store, end: () => store.close().then(end) };
    },
    skip,
  );

  contract(
    'Redis Cluster',
    async () => {
      const cluster = await RedisCluster.start(3, 0);
      await begun(cluster.urls);
      const store = open(cluster.urls.slice(0, 2));
      return { store, end: () => store.close().then(() => cluster.remove()) };
    },
    skipOwn,
  );

  /** Three processes at the same things: each was had by one of them alone. */
  async function races(location: string, store: ShortLived): Promise<void> {
    const racer = new URL('./ephemeral-racer.ts', import.meta.url).pathname;
    const heard = <T>(child: ChildProcess): Promise<T> =>
      new Promise((resolve, reject) => {
        child.once('message', (message) => resolve(message as T));
        child.once('exit', (code) => reject(new Error(`a racer ended with ${code}`)));
      });
    const racers = [1, 2, 3].map(() => fork(racer, [location], { stdio: 'inherit' }));
    try {
      await Promise.all(racers.map((child) => heard(child)));
      const race = await prepareRace(store);
      const answers = racers.map((child) =>
        heard<{ got: Record<'nonces' | 'requests' | 'pairs', readonly boolean[]> }>(child),
      );
      for (const child of racers) child.send(race);
      const got = await Promise.all(answers);
      for (const kind of ['nonces', 'requests', 'pairs'] as const)
        for (let index = 0; index < 20; index += 1)
          assert.equal(
            got.filter((one) => one.got[kind][index]).length,
            1,
            `${kind} ${index} had one winner`,
          );
      assert.equal(await store.count(race.limit, NOW), 60);
    } finally {
      for (const child of racers) child.kill();
    }
  }

  test('SQLite file: three processes race', limit, async () => {
    const path = join(folder, 'race.db');
    const store = openSqlite(path);
    await races(path, store);
    await store.close();
  });

  test('Redis: three processes race', { ...limit, skip }, async () => {
    const { url, end } = await emptied();
    const store = open(url);
    await races(url, store);
    await store.close();
    await end();
  });

  /**
   * Says whether each was refused as it should be when the store is away: with a fault that says so
   * and names no secret.
   */
  async function allRefused(store: EphemeralStore): Promise<void> {
    for (const [verb, ask] of Object.entries({ ...everyVerb(store), ping: () => store.ping() }))
      await assert.rejects(
        ask(),
        (fault: Error) => isUnavailable(fault) && !/127\.0\.0\.1|s3cret/.test(fault.message),
        verb,
      );
  }

  /**
   * What came of many calls: their answers, or that the store was away. Anything else is thrown.
   */
  const outcomes = async <T extends string>(
    calls: readonly Promise<T>[],
  ): Promise<readonly (T | 'unavailable')[]> =>
    Promise.all(
      calls.map((call) =>
        call.catch((fault: unknown) => {
          if (isUnavailable(fault)) return 'unavailable' as const;
          throw fault;
        }),
      ),
    );

  test('a server that refuses: every verb says that it is away, and works when it is there', {
    ...limit,
    skip: skipOwn,
  }, async () => {
    const store = open(`redis://127.0.0.1:${await freePort()}`);
    await allRefused(store);
    await store.close();

    const server = await RedisServer.start();
    await server.stop();
    const other = open(server.url);
    await allRefused(other);
    await server.run();
    await eventually(() => other.ping());
    for (const ask of Object.values(everyVerb(other))) await ask();
    await other.close();
    await assert.rejects(other.ping(), isUnavailable, 'closed is closed');
    await server.remove();
  });

  test('a server that hangs: each verb gives up in its time, and goes on when the server does', {
    ...limit,
    skip: skipOwn,
  }, async () => {
    const server = await RedisServer.start();
    const store = open(server.url, { timeoutMs: 60 });
    await eventually(() => store.ping());
    server.signal('SIGSTOP');
    await allRefused(store);
    const claim = nonce(at(301));
    const answers = await outcomes(Array.from({ length: 50 }, () => store.claimNonce(claim)));
    assert.deepEqual(tally(answers), { unavailable: 50 });
    server.signal('SIGCONT');
    await eventually(() => store.ping());
    // What was on its way may have been done or not; it is not done twice.
    const later = await eventually(() => store.claimNonce(claim));
    assert.match(later, /^(?:first|seen)$/);
    assert.equal(await eventually(() => store.claimNonce(claim)), 'seen');
    await store.close();
    await server.remove();
  });

  test('a server that hangs before the first question', { ...limit, skip: skipOwn }, async () => {
    const server = await RedisServer.start();
    server.signal('SIGSTOP');
    const store = open(server.url, { timeoutMs: 60 });
    await allRefused(store);
    server.signal('SIGCONT');
    await eventually(() => store.ping());
    await store.close();
    await server.remove();
  });

  test('a server that dies under load: each call is answered or refused, once, and it goes on when the server does', {
    ...limit,
    skip: skipOwn,
  }, async () => {
    const server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    await begun(server.url);
    const clock = hand();
    const store = open(server.url, { clock });
    await store.ping();
    const claims = Array.from({ length: 400 }, () => nonce(at(301)));
    const early = await outcomes(claims.slice(0, 100).map((claim) => store.claimNonce(claim)));
    assert.deepEqual(tally(early), { first: 100 });
    const under = outcomes(claims.slice(100).map((claim) => store.claimNonce(claim)));
    await server.stop('SIGKILL');
    const answers = [...early, ...(await under)];
    assert.deepEqual(
      answers.filter((answer) => answer !== 'first' && answer !== 'unavailable'),
      [],
    );
    await allRefused(store);
    await server.run();
    await eventually(() => store.ping());
    const again = await Promise.all(claims.map((claim) => store.claimNonce(claim)));
    assert.deepEqual(tally(again), { seen: 400 }, 'nothing from before the crash is taken for new');
    assert.equal(
      await store.claimNonce(nonce(at(301))),
      'seen',
      'within its second, nobody can tell',
    );
    clock.at += 1;
    assert.equal(await store.claimNonce(nonce(at(302))), 'first');
    await store.close();
    await server.remove();
  });

  test('a server that comes back empty, even within the second: nonces from before are not taken for new', {
    ...limit,
    skip: skipOwn,
  }, async () => {
    const server = await RedisServer.start();
    await begun(server.url);
    const clock = hand();
    const store = open(server.url, { clock });
    const spent = nonce(at(301));
    assert.equal(await store.claimNonce(spent), 'first');
    await server.stop();
    await server.run();
    await eventually(() => store.ping());
    assert.equal(await store.claimNonce(spent), 'seen');
    clock.at += 2;
    assert.equal(await store.claimNonce(spent), 'seen');
    assert.equal(await store.claimNonce(nonce(at(303))), 'first', 'what is signed from now on is');
    await store.close();
    await server.remove();
  });

  test('scripts that the server forgot are sent again', { ...limit, skip: skipOwn }, async () => {
    const server = await RedisServer.start();
    const store = open(server.url);
    assert.equal(await store.increment('key', NOW, at(10)), 1);
    await server.ask('SCRIPT FLUSH');
    assert.equal(await store.increment('key', NOW, at(10)), 2);
    await store.close();
    await server.remove();
  });

  test('a server that cannot take writes, or would forget early, is not ready: full, evicting, a replica', {
    ...limit,
    skip: skipOwn,
  }, async () => {
    const server = await RedisServer.start('--maxmemory-policy', 'noeviction');
    await begun(server.url);
    const store = open(server.url);
    await store.ping();
    await server.ask('CONFIG SET maxmemory 1');
    await assert.rejects(store.ping(), isUnavailable);
    await assert.rejects(store.claimNonce(nonce(at(301))), isUnavailable);
    await server.ask('CONFIG SET maxmemory 0');
    await store.ping();
    for (const setting of ['maxmemory 100mb', 'maxmemory-policy allkeys-lru'])
      await server.ask(`CONFIG SET ${setting}`);
    await assert.rejects(store.ping(), /allkeys-lru.*noeviction/);
    await server.ask('CONFIG SET maxmemory 0');
    await store.ping();
    await server.ask('REPLICAOF 127.0.0.1 1');
    await assert.rejects(store.ping(), isUnavailable);
    await assert.rejects(
      store.saveSession(session(1 as never, { agent: '', address: '' })),
      isUnavailable,
    );
    await server.ask('REPLICAOF NO ONE');
    await eventually(() => store.ping());
    await store.close();
    await server.remove();
  });

  test('a password is used, and told to nobody', { ...limit, skip: skipOwn }, async () => {
    const server = await RedisServer.start('--requirepass', 's3cret/@');
    const url = (password: string) =>
      `redis://:${encodeURIComponent(password)}@127.0.0.1:${server.port}`;
    const store = open(url('s3cret/@'));
    await store.ping();
    await store.close();
    for (const wrong of [url('s3cret-wrong'), server.url]) {
      const refused = open(wrong);
      await allRefused(refused);
      await refused.close();
    }
    await server.remove();
  });

  test('a connection that is cut is made again; one that carries nothing more is replaced', {
    ...limit,
    skip: skipOwn,
  }, async () => {
    const server = await RedisServer.start();
    const wire = await Wire.to(server.port);
    const store = open(wire.through(server.url), { timeoutMs: 200 });
    await eventually(() => store.ping());
    const under = outcomes(Array.from({ length: 100 }, () => store.claimNonce(nonce(at(301)))));
    wire.cut();
    await under;
    await eventually(() => store.ping());
    wire.silence();
    await assert.rejects(store.ping(), isUnavailable);
    await eventually(() => store.ping());
    await store.close();
    wire.close();
    await server.remove();
  });

  test('a member of a Cluster that dies takes only its own keys along, and they come back with it', {
    ...limit,
    skip: skipOwn,
  }, async () => {
    const cluster = await RedisCluster.start(3, 0);
    const store = open(cluster.urls, { timeoutMs: 500 });
    // The first command waits until the library is loaded.
    await eventually(() => store.count(text('limit'), NOW));
    const keys = Array.from({ length: 60 }, () => text('limit'));
    const hits = () =>
      outcomes(keys.map(async (key) => String(await store.increment(key, NOW, at(10)))));
    assert.deepEqual(tally(await hits()), { 1: 60 });
    await cluster.servers[2]?.stop();
    const without = tally(await hits());
    assert.ok((without[2] ?? 0) > 0 && (without.unavailable ?? 0) > 0, JSON.stringify(without));
    await cluster.servers[2]?.run();
    await eventually(async () =>
      assert.ok((await hits()).every((answer) => answer !== 'unavailable')),
    );
    await store.close();
    await cluster.remove();
  });
});
