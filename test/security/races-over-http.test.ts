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
import type { Server } from '#server/compose.ts';
import { type Answer, type Ground, Node, onServers, onSqlite } from '../chaos/nodes.ts';

// What is good once is good once, also over HTTP: each thing is sent to two processes at the same
// time, many times over, with other things under way. Every verb of the stores, also those behind
// pages, races in races-of-one-time-things.test.ts.

const ROUNDS = 200;
/** Rounds under way at the same time. */
const LANES = 16;

interface Place {
  readonly nodes: readonly [Node, Node];
  readonly there: TestData;
  readonly issuer: string;
}
/** Sends the thing of a round to a node. */
type Attempt = (node: Node) => Promise<Answer | null>;

interface Race {
  readonly what: string;
  /** Makes the things, all before the first is sent. */
  things(place: Place): Promise<readonly Attempt[]>;
  /** Statuses of the two answers, the smaller first. */
  readonly statuses: readonly [number, number];
  /** What both say, where both are let in: it has to be the same. */
  same?(answer: Answer): unknown;
}

const rounds = <T>(make: (round: number) => Promise<T> | T): Promise<T[]> =>
  Promise.all(Array.from({ length: ROUNDS }, (_, at) => make(at)));
const json = (answer: Answer | null) =>
  JSON.parse(answer?.text || '{}') as Readonly<Record<string, string>>;
const redemption = (code: string) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: redirectUri,
  code_verifier: codeVerifier,
});

const races: readonly Race[] = [
  {
    what: 'an authorization code is redeemed once (RFC 6749 §4.1.2)',
    statuses: [200, 400],
    async things({ there }) {
      return (await there.authorizationCodes(ROUNDS)).map(
        (code) => (node) =>
          node.post('/oauth2/token', basicAuthorization(there.oauth2App), redemption(code)),
      );
    },
  },
  {
    what: 'a refresh token has one successor, the same for both (RFC 9700 §4.14)',
    statuses: [200, 200],
    same: ({ text }) => json({ text } as Answer).refresh_token,
    async things({ nodes, there }) {
      const attempts: Attempt[] = [];
      for (const code of await there.authorizationCodes(ROUNDS)) {
        const refresh_token =
          json(
            await nodes[0].post(
              '/oauth2/token',
              basicAuthorization(there.oauth2App),
              redemption(code),
            ),
          ).refresh_token ?? '';
        attempts.push((node) =>
          node.post('/oauth2/token', basicAuthorization(there.oauth2App), {
            grant_type: 'refresh_token',
            refresh_token,
          }),
        );
      }
      return attempts;
    },
  },
  {
    what: 'a signed request is let in once (RFC 5849 §3.3)',
    statuses: [200, 401],
    things: ({ there, issuer }) =>
      rounds(() => {
        const headers = signedAuthorization(
          'GET',
          `${issuer}/api/v1/me`,
          there.ownerOnlyApp.client,
          there.ownerOnlyApp.token,
        );
        return (node: Node) => node.ask('GET', '/api/v1/me', headers);
      }),
  },
  {
    what: 'temporary credentials are exchanged once (RFC 5849 §2.3)',
    statuses: [200, 401],
    async things({ nodes, there, issuer }) {
      const attempts: Attempt[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const asking = signedAuthorization(
          'POST',
          `${issuer}/oauth1/initiate`,
          there.oauth1App,
          null,
          {
            oauth_callback: 'oob',
          },
        );
        const given = new URLSearchParams(
          (await nodes[0].ask('POST', '/oauth1/initiate', asking))?.text,
        );
        const pair = {
          key: given.get('oauth_token') ?? '',
          secret: given.get('oauth_token_secret') ?? '',
        };
        const oauth_verifier = await there.verifierFor(pair.key);
        // Two requests of their own: it is the pair that is good once, not the nonce.
        attempts.push((node) =>
          node.ask(
            'POST',
            '/oauth1/token',
            signedAuthorization('POST', `${issuer}/oauth1/token`, there.oauth1App, pair, {
              oauth_verifier,
            }),
          ),
        );
      }
      return attempts;
    },
  },
];

/** Races every thing; answers which node was let in, by round. */
async function run(race: Race, place: Place): Promise<readonly number[]> {
  const wins: number[] = [];
  const waiting = (await race.things(place)).entries();
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (const [round, attempt] of waiting) {
        const first = round % 2;
        const order = [first, 1 - first] as const;
        const answers = await Promise.all(
          order.map((which) => attempt(place.nodes[which] as Node)),
        );
        const found = answers.map((answer) => answer?.status ?? 0);
        assert.deepEqual(
          found.toSorted((one, other) => one - other),
          race.statuses,
          `round ${round}: ${JSON.stringify(answers.map((answer) => answer?.text))}`,
        );
        if (race.same)
          assert.equal(
            new Set(answers.map((answer) => race.same?.(answer as Answer))).size,
            1,
            `round ${round}`,
          );
        wins.push(order[found.indexOf(200)] as number);
      }
    }),
  );
  return wins;
}

function raceOn(name: string, ground: Ground): void {
  describe(`two processes on ${name}`, { timeout: 120_000 }, () => {
    let place: Place;
    let own: Server;
    before(async () => {
      const nodes = await Promise.all([Node.start(ground.home), Node.start(ground.home)]);
      own = await openNode(ground.home);
      place = { nodes, there: await createTestData(own), issuer: ground.home.issuer };
    });
    after(async () => {
      await own?.store.close();
      await Promise.all((place?.nodes ?? []).map((node) => node.end('SIGKILL')));
      await ground.remove();
    });
    for (const race of races)
      test(`${race.what}, ${ROUNDS} times`, async () => {
        const wins = await run(race, place);
        assert.equal(wins.length, ROUNDS);
        // Were it always the same node, it would not have been a race.
        if (!race.same) assert.deepEqual([...new Set(wins)].toSorted(), [0, 1]);
      });
  });
}

const servers = await onServers();
raceOn('one SQLite file', await onSqlite());
if (typeof servers === 'string') test('two processes on PostgreSQL and Redis', { skip: servers });
else raceOn('PostgreSQL and Redis', servers);
