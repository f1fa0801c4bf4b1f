import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  createTestData,
  openNode,
  signedAuthorization,
  type TestData,
} from '#harness/inhabitants.ts';
import type { RedisServer } from '#harness/redis.ts';
import type { Server } from '#server/compose.ts';
import { cut } from '../contract/failover.ts';
import { Load } from './load.ts';
import { Node, onCluster, until } from './nodes.ts';

const cluster = await onCluster();
if (typeof cluster === 'string') test('chaos with a Cluster', { skip: cluster });
else chaos(cluster);

function chaos({
  home,
  cluster,
  remove,
}: Exclude<Awaited<ReturnType<typeof onCluster>>, string>): void {
  describe('two nodes on PostgreSQL and a Cluster whose masters have replicas', {
    timeout: 120_000,
  }, () => {
    let nodes: readonly Node[] = [];
    let own: Server;
    let there: TestData;

    before(async () => {
      own = await openNode(home);
      there = await createTestData(own);
      nodes = await Promise.all([1, 2].map(() => Node.start(home)));
    });
    after(async () => {
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
      await own?.store.close();
      await remove();
    });

    const isUp = (store: Server['store']) =>
      store.ping().then(
        () => true,
        () => false,
      );

    /**
     * Something happens under load. Afterwards signed requests are let in by every node, none was
     * restarted, and what was answered holds.
     */
    const under = (
      name: string,
      happens: (load: Load, master: RedisServer, replica: RedisServer) => Promise<void>,
    ) =>
      test(name, async (context) => {
        const master = await cluster.masterOf('{oauth1}');
        const [replica] = (await cluster.replicasOf(master)) as [RedisServer];
        const load = new Load(nodes, there, home.issuer);
        await load.begin();
        try {
          await load.progress();
          await happens(load, master, replica);
          const { client, token } = there.ownerOnlyApp;
          for (const node of nodes)
            await until('a signed request is let in', async () => {
              const answer = await node.ask(
                'GET',
                '/api/v1/me',
                signedAuthorization('GET', `${home.issuer}/api/v1/me`, client, token),
              );
              return answer?.status === 200;
            });
          await load.progress();
        } finally {
          await load.stop();
        }
        await until('our own connections are back', () => isUp(own.store));
        await load.audit();
        context.diagnostic(load.tally);
        for (const node of nodes) {
          assert.equal((await node.ask('GET', '/readyz'))?.status, 200);
          assert.doesNotMatch(node.said, /"event":"fault"/);
        }
        await cluster.settled();
      });

    under(
      'the master of the nonces hands over to its replica, and gets it back',
      async (load, master, replica) => {
        await cluster.handOver(replica);
        await load.progress();
        await cluster.settled();
        await cluster.handOver(master);
      },
    );

    under(
      'it dies, and its replica had not received what was written last',
      async (load, master, replica) => {
        await cut(master, replica);
        await load.progress(60);
        await master.stop();
        replica.signal('SIGCONT');
        await load.refusals();
        // What was answered before has been counted by now.
        load.forgetHandshakes();
        await until('the replica takes over', async () =>
          (await replica.ask('INFO replication')).includes('role:master'),
        );
        await master.run();
      },
    );

    under('the slot of the nonces moves to another member, and back', async (load, master) => {
      const slot = await cluster.slotOf('{oauth1}');
      const other = cluster.servers[0] as RedisServer;
      assert.notEqual(other, master);
      await cluster.move(slot, master, other, () => load.refusals(2));
      await load.progress();
      await cluster.move(slot, other, master, () => load.refusals(2));
    });
  });
}
