import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  createTestData,
  openNode,
  signedAuthorization,
  type TestData,
} from '#harness/inhabitants.ts';
import { Wire } from '#harness/wire.ts';
import type { Server } from '#server/compose.ts';
import { Load } from './load.ts';
import { type Ground, Node, onServers, until } from './nodes.ts';

const servers = await onServers({ own: true });
if (typeof servers === 'string') test('chaos with PostgreSQL and Redis', { skip: servers });
else chaos(servers);

function chaos(ground: Ground): void {
  describe('two nodes on PostgreSQL and Redis, each by way of a wire', { timeout: 120_000 }, () => {
    const { postgres, redis, home } = ground;
    let [database, cache]: Wire[] = [];
    let nodes: readonly Node[] = [];
    let own: Server;
    let there: TestData;

    before(async () => {
      const { GATEHOUSE_DATABASE: far = '', GATEHOUSE_EPHEMERAL: near = '' } = home.environment;
      const [one, other] = [
        await Wire.to(Number(new URL(far).port || 5432)),
        await Wire.to(Number(new URL(near).port)),
      ];
      [database, cache] = [one, other];
      const environment = {
        GATEHOUSE_DATABASE: one.through(far),
        GATEHOUSE_EPHEMERAL: other.through(near),
      };
      own = await openNode(home);
      there = await createTestData(own);
      nodes = await Promise.all([1, 2].map(() => Node.start({ ...home, environment })));
    });
    after(async () => {
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
      await own?.store.close();
      database?.close();
      cache?.close();
      await ground.remove();
    });

    const ownIsBack = () =>
      until('our own connections are back', () =>
        own.store.ping().then(
          () => true,
          () => false,
        ),
      );

    /**
     * Something happens under load. Afterwards everything works again, without a restart, and what
     * was answered holds.
     */
    const under = (
      name: string,
      happens: (load: Load) => Promise<void>,
      options: { readonly skip?: string | false } = {},
    ) =>
      test(name, options, async (context) => {
        const load = new Load(nodes, there, home.issuer);
        await load.begin();
        try {
          await load.progress();
          await happens(load);
          await load.progress();
        } finally {
          await load.stop();
        }
        await ownIsBack();
        await load.audit();
        context.diagnostic(load.tally);
        for (const node of nodes) {
          assert.equal((await node.ask('GET', '/readyz'))?.status, 200);
          assert.doesNotMatch(node.said, /"event":"fault"/);
        }
      });

    under('a node is killed', (load) => load.kill(nodes[0] as Node));

    const foreign =
      postgres?.server === undefined && 'the server of GATEHOUSE_TEST_POSTGRES is not ours to stop';
    under(
      'PostgreSQL is stopped and started, crashes and is started',
      async (load) => {
        for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
          await postgres?.server?.stop(signal);
          await load.refusals();
          await postgres?.server?.run();
          await load.progress();
        }
      },
      { skip: foreign },
    );

    under('Redis is killed, and starts again with what it wrote down', async (load) => {
      await redis?.stop('SIGKILL');
      await load.refusals();
      await redis?.run();
    });

    under(
      'connections to both are cut, again and again, and new ones are sent away',
      async (load) => {
        for (let cut = 0; cut < 6; cut++) {
          (cut % 2 === 0 ? database : cache)?.cut();
          await load.progress(20);
        }
        for (const wire of [database, cache]) {
          if (wire) wire.fate = 'refuse';
          wire?.cut();
          await load.refusals();
          if (wire) wire.fate = 'pass';
          await load.progress(20);
        }
      },
    );

    under('everything to and from both is late', async (load) => {
      for (const wire of [database, cache]) if (wire) wire.delayMs = 15;
      await load.progress(40);
      for (const wire of [database, cache]) if (wire) wire.delayMs = 0;
    });

    under('neither answers, for longer than anybody waits', async (load) => {
      for (const wire of [database, cache]) if (wire) wire.fate = 'hang';
      await load.refusals(8);
      for (const wire of [database, cache]) if (wire) wire.fate = 'pass';
    });

    test('Redis loses everything: no signed request from before is let in again', async () => {
      const { client, token } = there.ownerOnlyApp;
      const ask = (headers: Record<string, string>, which: number) =>
        nodes[which % nodes.length]?.ask('GET', '/api/v1/me', headers);
      const sent = Array.from({ length: 20 }, () =>
        signedAuthorization('GET', `${home.issuer}/api/v1/me`, client, token),
      );
      for (const [which, headers] of sent.entries())
        assert.equal((await ask(headers, which))?.status, 200);
      // A server that comes back within the second knows nothing of what came before it in that
      // second (ADR 9).
      const second = Math.floor(Date.now() / 1000);
      await until('the next second', () => Math.floor(Date.now() / 1000) > second);
      await redis?.stop('SIGKILL');
      rmSync(join(redis?.home ?? '', 'appendonlydir'), { recursive: true, force: true });
      await redis?.run();
      await until('a new request is let in', async () => {
        const answer = await ask(
          signedAuthorization('GET', `${home.issuer}/api/v1/me`, client, token),
          0,
        );
        return answer?.status === 200;
      });
      for (const [which, headers] of sent.entries())
        assert.equal((await ask(headers, which + 1))?.status, 401);
    });
  });
}
