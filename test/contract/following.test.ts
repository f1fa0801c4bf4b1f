import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import { eventually, NO_REDIS, RedisServer } from '#harness/redis.ts';
import { Wire } from '#harness/wire.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { everyVerb, somebody } from './ephemeral.ts';
import { allWork, Claims, cut, now, open, own, received, soon } from './failover.ts';
import { request } from './things.ts';

describe('following', () => {
  const limit = { timeout: 120_000, skip: RedisServer.here ? false : NO_REDIS };
  const atOnce = ['--repl-diskless-sync-delay', '0'];

  after(() => RedisServer.removeAll());

  /** A server, one that follows it, and a name that leads to the first. */
  async function following(context: TestContext) {
    // Without the pause before a copy, in which others might come for it as well.
    const [master, replica] = [
      await RedisServer.start(...atOnce),
      await RedisServer.start(...atOnce),
    ];
    await replica.ask(`REPLICAOF 127.0.0.1 ${master.port}`);
    await eventually(async () =>
      assert.match(await replica.ask('INFO replication'), /master_link_status:up/),
    );
    const name = await Wire.to(master.port);
    const store = open(name.through(master.url));
    context.after(async () => {
      await store.close();
      name.close();
      await Promise.all([master.remove(), replica.remove()]);
    });
    await allWork(store);
    return { master, replica, name, store };
  }

  test(
    'a server dies, its name leads to the one that followed it: that answers nothing until it is the master, and believes no nonce of before',
    limit,
    async (context) => {
      const { master, replica, name, store } = await following(context);
      const claims = new Claims();
      const ended = own(somebody());
      await store.saveSession(ended);
      await claims.fresh(store);
      await received(master, replica);
      await cut(master, replica);
      await claims.fresh(store);
      await store.endSession(ended.digest);
      await master.stop();
      replica.signal('SIGCONT');
      name.target = replica.port;
      for (let turn = 0; turn < 5; turn++)
        for (const [verb, ask] of Object.entries(everyVerb(store)))
          await assert.rejects(ask(), isUnavailable, verb);
      await assert.rejects(store.findSession(ended.digest, now()), isUnavailable);
      assert.match(await replica.ask('REPLICAOF NO ONE'), /^\+OK/);
      await allWork(store);
      await claims.check(store);
      assert.ok(
        await store.findSession(ended.digest, now()),
        'a sign-out it had not received is forgotten (ADR 9)',
      );
    },
  );

  test(
    'a server becomes a replica while we are connected to it: what it had is not read any more, and we go where the name leads',
    limit,
    async (context) => {
      const { master, replica, name, store } = await following(context);
      const [claims, ben] = [new Claims(), somebody()];
      const [ended, asked] = [own(ben), request({ expiresAt: soon() })];
      await store.saveSession(ended);
      await store.saveRequest(asked);
      await claims.fresh(store);
      await received(master, replica);
      await replica.ask('REPLICAOF NO ONE');
      // It follows somebody who is not there, so it is as it was.
      await master.ask('REPLICAOF 127.0.0.1 1');
      const there = open(replica.url);
      context.after(() => there.close());
      await allWork(there);
      await there.endSessionsOf(ben);
      assert.deepEqual(await there.findRequest(asked.digest, now()), asked);
      assert.equal(await there.replaceRequest(asked, { ...asked, expiresAt: now() }), 'replaced');
      for (const ask of [
        () => store.findSession(ended.digest, now()),
        () => store.listSessions(ben, now()),
        () => store.endSessionsOf(ben),
        () => store.findRequest(asked.digest, now()),
        () => store.count('limit', now()),
        () => store.findTemporaryCredentials('token', now()),
      ])
        await assert.rejects(ask(), isUnavailable, String(ask));
      name.target = replica.port;
      await allWork(store);
      assert.equal(await store.findSession(ended.digest, now()), undefined);
      assert.equal(await store.findRequest(asked.digest, now()), undefined);
      await claims.check(store, there);
    },
  );

  test(
    'a master that nobody follows any more takes nothing where it is told so: min-replicas-to-write',
    limit,
    async (context) => {
      const { master, replica, store } = await following(context);
      for (const setting of ['min-replicas-to-write 1', 'min-replicas-max-lag 1'])
        await master.ask(`CONFIG SET ${setting}`);
      await allWork(store);
      replica.signal('SIGSTOP');
      await eventually(() => assert.rejects(store.ping(), isUnavailable));
      for (const [verb, ask] of Object.entries(everyVerb(store)))
        await assert.rejects(ask(), isUnavailable, verb);
      replica.signal('SIGCONT');
      await allWork(store);
    },
  );
});
