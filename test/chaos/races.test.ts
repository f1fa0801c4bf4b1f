import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  basicAuthorization,
  codeVerifier,
  createTestData,
  openNode,
  redirectUri,
  signedAuthorization,
  type TestData,
} from '#harness/inhabitants.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { Server } from '#server/compose.ts';
import { type Answer, type Ground, Node, onServers, onSqlite } from './nodes.ts';

const NODES = 4;
const EACH = 8;

const statuses = (answers: readonly (Answer | null)[]): Readonly<Record<number, number>> => {
  const counts: Record<number, number> = {};
  for (const answer of answers)
    counts[answer?.status ?? 0] = (counts[answer?.status ?? 0] ?? 0) + 1;
  return counts;
};
const bodyOf = (answer: Answer | null | undefined) =>
  JSON.parse(answer?.text || '{}') as Record<string, unknown>;

const servers = await onServers();
races('one SQLite file', await onSqlite());
if (typeof servers === 'string')
  test('races of processes on PostgreSQL and Redis', { skip: servers });
else races('PostgreSQL and Redis', servers);

function races(name: string, ground: Ground): void {
  describe(`processes on ${name}`, { timeout: 120_000 }, () => {
    let nodes: readonly Node[] = [];
    let own: Server;
    let there: TestData;

    before(async () => {
      // All at once, on an empty database and an empty data directory.
      nodes = await Promise.all(Array.from({ length: NODES }, () => Node.start(ground.home)));
      own = await openNode(ground.home);
      there = await createTestData(own);
    });
    after(async () => {
      await own?.store.close();
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
      await ground.remove();
    });

    /** The same request, several times to each of the first nodes, all at once. */
    const everywhere = (
      count: number,
      ask: (node: Node, which: number) => Promise<Answer | null>,
    ) =>
      Promise.all(
        nodes
          .slice(0, count)
          .flatMap((node, which) => Array.from({ length: EACH }, () => ask(node, which))),
      );

    test('four start at once on nothing: one migrates, one makes the keys, and all agree', async () => {
      const { from, to } = await own.store.planMigration();
      assert.equal(from, to);
      const keys = await Promise.all(
        nodes.map(async (node) => (await node.ask('GET', '/oauth2/jwks'))?.text),
      );
      assert.equal(new Set(keys).size, 1);
      assert.ok((bodyOf({ text: keys[0] } as Answer).keys as unknown[]).length > 0);
      // On a busy machine a node may say that it waited for Redis; of migrating and of keys none
      // may say anything.
      const said = nodes
        .flatMap((node) => node.said.split('\n'))
        .filter((line) => line !== '' && !line.includes('"event":"not ready"'));
      assert.deepEqual(said, []);
    });

    for (const count of [2, NODES]) {
      test(`${count} nodes: the same client, token, timestamp and nonce is let in once`, async () => {
        const url = `${ground.home.issuer}/api/v1/me`;
        const headers = signedAuthorization(
          'GET',
          url,
          there.ownerOnlyApp.client,
          there.ownerOnlyApp.token,
        );
        const answers = await everywhere(count, (node) => node.ask('GET', '/api/v1/me', headers));
        assert.deepEqual(statuses(answers), { 200: 1, 401: count * EACH - 1 });
      });

      test(`${count} nodes: of temporary credentials, one exchange`, async () => {
        const initiate = `${ground.home.issuer}/oauth1/initiate`;
        const first = await nodes[0]?.ask(
          'POST',
          '/oauth1/initiate',
          signedAuthorization('POST', initiate, there.oauth1App, null, { oauth_callback: 'oob' }),
        );
        const given = new URLSearchParams(first?.text);
        const pair = {
          key: given.get('oauth_token') ?? '',
          secret: given.get('oauth_token_secret') ?? '',
        };
        const verifier = await there.verifierFor(pair.key);
        const exchange = `${ground.home.issuer}/oauth1/token`;
        const answers = await everywhere(count, (node) =>
          node.ask(
            'POST',
            '/oauth1/token',
            signedAuthorization('POST', exchange, there.oauth1App, pair, {
              oauth_verifier: verifier,
            }),
          ),
        );
        assert.deepEqual(statuses(answers), { 200: 1, 401: count * EACH - 1 });
      });

      test(`${count} nodes: one redemption of a code, and the others take back what it bought`, async () => {
        const [code = ''] = await there.authorizationCodes(1);
        const form = {
          grant_type: 'authorization_code',
          code,
          redirect_uri: redirectUri,
          code_verifier: codeVerifier,
        };
        const answers = await everywhere(count, (node) =>
          node.post('/oauth2/token', basicAuthorization(there.oauth2App), form),
        );
        assert.deepEqual(statuses(answers), { 200: 1, 400: count * EACH - 1 });
        const won = bodyOf(answers.find((answer) => answer?.status === 200));
        for (const node of nodes) {
          const seen = await node.post('/oauth2/introspect', basicAuthorization(there.oauth2App), {
            token: String(won.access_token),
          });
          assert.equal(bodyOf(seen).active, false);
        }
      });

      test(`${count} nodes: one successor of a refresh token, the same for all, good everywhere`, async () => {
        const [code = ''] = await there.authorizationCodes(1);
        const form = {
          grant_type: 'authorization_code',
          code,
          redirect_uri: redirectUri,
          code_verifier: codeVerifier,
        };
        const first = bodyOf(
          (await nodes[0]?.post('/oauth2/token', basicAuthorization(there.oauth2App), form)) ??
            null,
        );
        const refresh = { grant_type: 'refresh_token', refresh_token: String(first.refresh_token) };
        const answers = await everywhere(count, (node) =>
          node.post('/oauth2/token', basicAuthorization(there.oauth2App), refresh),
        );
        assert.deepEqual(statuses(answers), { 200: count * EACH });
        assert.equal(
          new Set(
            answers.map(
              (answer) => `${bodyOf(answer).access_token} ${bodyOf(answer).refresh_token}`,
            ),
          ).size,
          1,
        );
        for (const node of nodes) {
          const seen = await node.post('/oauth2/introspect', basicAuthorization(there.oauth2App), {
            token: String(bodyOf(answers[0] ?? null).access_token),
          });
          assert.equal(bodyOf(seen).active, true);
        }
      });

      // Without a word of what was seen a rejected app may be approved after all: that would be two
      // decisions in order. Twice the same cannot be.
      for (const [what, verbs, seen] of [
        ['the same decision', ['approve', 'approve'], false],
        ['opposite decisions on what both saw', ['approve', 'reject'], true],
      ] as const)
        test(`${count} nodes: two reviewers, ${what}, one is in force`, async () => {
          for (const id of await there.proposedApps(3)) {
            const tags = await Promise.all(
              there.reviewerTokens.map(async (token) => {
                const shown = await nodes[0]?.ask('GET', `/api/v1/clients/${id}`, {
                  authorization: `Bearer ${token}`,
                });
                return shown?.headers.get('etag') ?? '';
              }),
            );
            const answers = await everywhere(count, (node, which) => {
              const who = (which % 2) as 0 | 1;
              const match: Record<string, string> = seen ? { 'if-match': tags[who] ?? '' } : {};
              const headers = {
                authorization: `Bearer ${there.reviewerTokens[who]}`,
                'content-type': 'application/json',
                ...match,
              };
              return node.ask(
                'POST',
                `/api/v1/clients/${id}/${verbs[who]}`,
                headers,
                '{"reason":"looked at it"}',
              );
            });
            const won = answers.filter((answer) => answer?.status === 200);
            assert.equal(won.length, 1, JSON.stringify(statuses(answers)));
            assert.ok(
              answers.every((answer) => answer !== null && [200, 409, 412].includes(answer.status)),
              JSON.stringify(statuses(answers)),
            );
            const authorization = `Bearer ${there.reviewerTokens[0]}`;
            for (const node of nodes)
              assert.equal(
                bodyOf(await node.ask('GET', `/api/v1/clients/${id}`, { authorization })).stage,
                bodyOf(won[0]).stage,
              );
            const lines = await own.store.listAudit({ clientId: id as ClientId, limit: 9 });
            assert.equal(lines.length, 2, 'one proposal, one decision');
          }
        });
    }

    test('a revocation on one node is effective on every other at once', async () => {
      for (let turn = 0; turn < 5; turn++) {
        const made = bodyOf(
          (await nodes[turn % NODES]?.post('/oauth2/token', basicAuthorization(there.oauth2App), {
            grant_type: 'client_credentials',
          })) ?? null,
        );
        const token = String(made.access_token);
        const active = async () =>
          Promise.all(
            nodes.map(
              async (node) =>
                bodyOf(
                  await node.post('/oauth2/introspect', basicAuthorization(there.oauth2App), {
                    token,
                  }),
                ).active,
            ),
          );
        assert.deepEqual(await active(), Array(NODES).fill(true));
        assert.equal(
          (
            await nodes[(turn + 1) % NODES]?.post(
              '/oauth2/revoke',
              basicAuthorization(there.oauth2App),
              { token },
            )
          )?.status,
          200,
        );
        assert.deepEqual(await active(), Array(NODES).fill(false));
      }
    });

    test('an app is disabled: at once on the node that did it, within a second on the others; enabled again, at once on all', async () => {
      const [code = ''] = await there.authorizationCodes(1);
      const form = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: codeVerifier,
      };
      const bought = bodyOf(
        (await nodes[0]?.post('/oauth2/token', basicAuthorization(there.oauth2App), form)) ?? null,
      );
      const status = async (node: Node | undefined) =>
        (await node?.ask('GET', '/api/v1/me', { authorization: `Bearer ${bought.access_token}` }))
          ?.status;
      const decide = (node: Node | undefined, verb: string) =>
        node?.ask(
          'POST',
          `/api/v1/clients/${there.oauth2App.key}/${verb}`,
          {
            authorization: `Bearer ${there.reviewerTokens[0]}`,
            'content-type': 'application/json',
          },
          '{"reason":"looked at it"}',
        );
      for (let turn = 0; turn < 3; turn++) {
        // Often enough that what is remembered is what answers.
        for (let count = 0; count < 100; count++)
          assert.deepEqual(
            await Promise.all(nodes.map(status)),
            Array(NODES).fill(200),
            'all let it in',
          );
        const [taking, ...others] = [...nodes.slice(turn), ...nodes.slice(0, turn)];
        assert.equal((await decide(taking, 'disable'))?.status, 200);
        const since = performance.now();
        assert.notEqual(await status(taking), 200, 'the node that did it refuses at once');
        await Promise.all(
          others.map(async (node) => {
            for (;;) {
              const asked = performance.now();
              if ((await status(node)) !== 200) return;
              // Not how fast it is, but how long it may be wrong.
              assert.ok(
                asked - since < 1000,
                'a request that began a second after the decision was let in',
              );
            }
          }),
        );
        assert.equal((await decide(others[0], 'reenable'))?.status, 200);
        assert.deepEqual(
          await Promise.all(nodes.map(status)),
          Array(NODES).fill(200),
          'a memory keeps nobody out',
        );
      }
    });
  });
}
