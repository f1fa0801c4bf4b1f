import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { eventually, NO_REDIS, RedisServer } from '#harness/redis.ts';
import { RedisCluster } from '#harness/redis-cluster.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { EphemeralStore } from '#store/redis/open.ts';
import { everyVerb, somebody } from './ephemeral.ts';
import {
  allWork,
  authorizedPair,
  Claims,
  cut,
  load,
  nextSecond,
  now,
  open,
  own,
  received,
  redeem,
  signedNow,
  soon,
} from './failover.ts';
import { request } from './things.ts';

describe('failover', () => {
  const limit = { timeout: 120_000, skip: RedisServer.here ? false : NO_REDIS };

  after(() => RedisServer.removeAll());

  describe('a Cluster of three masters, each with a replica', limit, () => {
    let cluster: RedisCluster;
    /** Two nodes of the program. */
    let one: EphemeralStore;
    let other: EphemeralStore;
    /** Who keeps nonces, pairs and sessions, and who follows it. */
    let master: RedisServer;
    let replica: RedisServer;

    before(async () => {
      cluster = await RedisCluster.start(3, 1);
      one = open(cluster.urls);
      other = open(cluster.urls.slice(0, 2));
    });
    after(async () => {
      await one?.close();
      await other?.close();
      await cluster?.remove();
    });
    beforeEach(async () => {
      await cluster.settled();
      master = await cluster.masterOf('{oauth1}');
      assert.equal(await cluster.masterOf('{session}'), master);
      [replica] = (await cluster.replicasOf(master)) as [RedisServer];
      await allWork(one, other);
    });

    /** After the first has died: the other one has taken its place. */
    const tookOver = async (server: RedisServer) => {
      await eventually(async () =>
        assert.match(await server.ask('INFO replication'), /role:master/),
      );
      await allWork(one, other);
    };

    test('it is handed over under load: nothing is lost, and nothing that was spent comes back', async () => {
      const [claims, ben] = [new Claims(), somebody()];
      const [kept, ended, pair, open] = [
        own(ben),
        own(ben),
        await authorizedPair(one),
        await authorizedPair(one),
      ];
      for (const each of [kept, ended]) await one.saveSession(each);
      await one.endSession(ended.digest);
      assert.equal(await redeem(one, pair), 'redeemed');
      const asked = request({ expiresAt: soon() });
      await one.saveRequest(asked);
      const stop = load(claims, [one, other]);
      await cluster.handOver(replica);
      await tookOver(replica);
      await cluster.settled();
      await cluster.handOver(master);
      await tookOver(master);
      await stop();
      await claims.check(one, other);
      assert.ok(claims.counts.first > 0);
      assert.equal((await other.findSession(kept.digest, now()))?.userId, ben);
      assert.equal(await other.findSession(ended.digest, now()), undefined);
      assert.equal(await redeem(other, pair), 'already-used');
      assert.equal(await redeem(other, open), 'redeemed');
      assert.deepEqual(await other.findRequest(asked.digest, now()), asked);
      assert.equal(await other.replaceRequest(asked, { ...asked, expiresAt: now() }), 'replaced');
    });

    test('the master dies and its replica had not received everything: no nonce is new again, the rest is as ADR 9 says', async () => {
      const [claims, ben] = [new Claims(), somebody()];
      const [kept, ended, pair, early] = [own(ben), own(ben), await authorizedPair(one), own(ben)];
      for (const each of [kept, ended, early]) await one.saveSession(each);
      await one.endSession(early.digest);
      await claims.fresh(one);
      await received(master, replica);
      await cut(master, replica);
      const lost = await claims.fresh(one);
      await one.endSession(ended.digest);
      const young = own(ben);
      await one.saveSession(young);
      assert.equal(await redeem(one, pair), 'redeemed');

      const stop = load(claims, [one, other]);
      await master.stop();
      for (const [verb, ask] of Object.entries(everyVerb(one)))
        if (/Temporary|Nonce|Session/.test(verb)) await assert.rejects(ask(), isUnavailable, verb);
      replica.signal('SIGCONT');
      await tookOver(replica);
      await stop();
      for (const { key } of lost.slice(0, 3))
        assert.match(
          await replica.ask(`TTL gh:{oauth1}:nonce:${key}`),
          /^:-2/,
          'it knows nothing of what it had not received',
        );
      await claims.check(one, other);

      assert.equal((await one.findSession(kept.digest, now()))?.userId, ben);
      assert.equal(
        await one.findSession(early.digest, now()),
        undefined,
        'a sign-out it had received holds',
      );
      assert.equal(
        (await one.findSession(ended.digest, now()))?.userId,
        ben,
        'one it had not is forgotten',
      );
      assert.equal(
        await one.findSession(young.digest, now()),
        undefined,
        'whoever signed in last does it again',
      );
      assert.equal(
        await redeem(one, pair),
        'redeemed',
        'the same client may exchange the same pair once more',
      );
      assert.equal(await redeem(other, pair), 'already-used');
      await master.run();
    });

    test('it is handed over, the new master dies before the old one heard anything of it: the old one believes no nonce of before', async () => {
      const claims = new Claims();
      await claims.fresh(one);
      await cluster.handOver(replica);
      await eventually(async () =>
        assert.match(
          await master.ask('INFO replication'),
          /role:slave[\s\S]*master_link_status:up/,
        ),
      );
      await cut(replica, master);
      await nextSecond();
      for (const store of [one, other])
        await eventually(async () =>
          assert.notEqual(await claims.claim(store, signedNow()), 'unavailable'),
        );
      await nextSecond();
      await claims.fresh(one);
      await replica.stop();
      master.signal('SIGCONT');
      await tookOver(master);
      await claims.check(one, other);
      await replica.run();
    });

    test('the master is stopped, another takes over, it goes on: what waited in front of it is not new there', async () => {
      const claims = new Claims();
      await claims.fresh(one);
      master.signal('SIGSTOP');
      await eventually(async () =>
        assert.match(await replica.ask('INFO replication'), /role:master/),
      );
      await allWork(other);
      const spent = await claims.fresh(other);
      const waiting = spent.map((each) => claims.claim(one, each));
      // It is not them that wait in front of it, however long this is.
      await new Promise((resolve) => setTimeout(resolve, 200));
      master.signal('SIGCONT');
      await Promise.all(waiting);
      await tookOver(replica);
      await claims.check(one, other);
    });

    test('the slot of the nonces moves under load, there and back: they are new once, and it goes on where it went', async () => {
      const claims = new Claims();
      const slot = await cluster.slotOf('{oauth1}');
      const target = await cluster.masterOf('gh:request:{3}');
      assert.notEqual(target, master);
      const pair = await authorizedPair(one);
      await claims.fresh(one);
      const stop = load(claims, [one, other]);
      const old = [...claims.firsts.keys()];
      for (const [from, to] of [
        [master, target],
        [target, master],
      ] as const) {
        await cluster.move(slot, from, to, async () => {
          for (const store of [one, other]) {
            assert.equal(await claims.claim(store, signedNow()), 'unavailable');
            for (const each of old.slice(0, 20))
              assert.notEqual(await claims.claim(store, each), 'first');
            await store.ping();
          }
          assert.equal((await one.findTemporaryCredentials(pair.token, now()))?.used, false);
        });
        await allWork(one, other);
      }
      await stop();
      await claims.check(one, other);
      assert.equal(await redeem(one, pair), 'redeemed');
      assert.equal(await redeem(other, pair), 'already-used');
    });

    test('the slot of the sessions moves: everybody stays signed in, whoever signs in or out meanwhile does it or is told to come again', async () => {
      const [ben, gone] = [somebody(), somebody()];
      const [kept, ended] = [own(ben), own(ben)];
      for (const each of [kept, ended, ...Array.from({ length: 60 }, () => own(gone))])
        await one.saveSession(each);
      const target = await cluster.masterOf('gh:request:{3}');
      await cluster.move(await cluster.slotOf('{session}'), master, target, async () => {
        for (const store of [one, other])
          assert.equal((await store.findSession(kept.digest, now()))?.userId, ben);
        await other.endSession(ended.digest);
        assert.equal(await one.findSession(ended.digest, now()), undefined);
        await assert.rejects(one.saveSession(own(ben)), isUnavailable);
      });
      await allWork(one, other);
      assert.deepEqual(
        (await other.listSessions(ben, now())).map((each) => each.digest),
        [kept.digest],
      );
      await one.endSessionsOf(gone);
      assert.deepEqual(await other.listSessions(gone, now()), []);
    });
  });
});
