import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import type { AccountToken, AccountTokenKind } from '#accounts/records.ts';
import { findPostgres } from '#harness/postgres.ts';
import { findRedis } from '#harness/redis.ts';
import type { Digest, SiteId, UserId } from '#kernel/ids.ts';
import { instant, seconds } from '#kernel/time.ts';
import { openStore } from '#store/open.ts';
import { openRedis, withEphemeralStore } from '#store/redis/open.ts';
import type { Store } from '#store/store.ts';
import {
  access,
  account,
  at,
  audit,
  change,
  code,
  consented,
  decision,
  digest,
  NOW,
  nonce,
  person,
  refresh,
  registered,
  request,
  tally,
  temporary,
  text,
} from '../contract/things.ts';
import type { Order } from '../contract/worker.ts';

const ROUNDS = 200;
const NODES = 2;
/** Tries of each node in a round. */
const EACH = 2;
const TRIES = NODES * EACH;
/** Rounds that are under way at once. */
const AT_ONCE = 25;

/** Something that may happen once. */
interface OneTime {
  readonly verb: Order['verb'];
  /** How the winner is answered. */
  readonly won: string;
  /** How the others may be. */
  readonly lost: readonly string[];
  /** Makes one; answers what each try is given. */
  make(store: Store, world: World): Promise<(attempt: number) => readonly unknown[]>;
}

interface World {
  readonly consented: Awaited<ReturnType<typeof consented>>;
}

const wordOf = (answer: unknown): string =>
  typeof answer === 'string'
    ? answer
    : answer === null
      ? 'nothing'
      : String((answer as { outcome?: unknown }).outcome ?? 'something');

const link = (kind: AccountTokenKind, userId: UserId | null, data = ''): AccountToken => ({
  digest: digest(),
  kind,
  userId,
  data,
  expiresAt: at(600),
});
const address = () => `${text('a').replaceAll(' ', '.')}@example.org`;

async function authorized(store: Store, { consented: { user, consent } }: World) {
  const [pair, verifierDigest] = [temporary(), digest()];
  await store.saveTemporaryCredentials(nonce(), pair);
  await store.authorizeTemporaryCredentials(
    pair.token,
    { userId: user, consentId: consent.id, verifierDigest },
    NOW,
    at(900),
  );
  return { token: pair.token, verifierDigest };
}

const taken = (kind: AccountTokenKind): OneTime => ({
  verb: 'consumeAccountToken',
  won: 'something',
  lost: ['nothing'],
  async make(store) {
    const one = link(kind, kind === 'use-passkey' ? null : await person(store));
    await store.saveAccountToken(one);
    return () => [one.digest, kind, NOW];
  },
});

/** Every one-time thing, and how it is spent. */
const table: Readonly<Record<string, OneTime>> = {
  'a nonce': {
    verb: 'claimNonce',
    won: 'first',
    lost: ['seen'],
    make: async () => {
      const one = nonce();
      return () => [one];
    },
  },
  'a nonce with which temporary credentials are asked for': {
    verb: 'saveTemporaryCredentials',
    won: 'saved',
    lost: ['nonce-seen'],
    make: async () => {
      const one = nonce();
      return () => [one, temporary()];
    },
  },
  'a person’s yes to temporary credentials': {
    verb: 'authorizeTemporaryCredentials',
    won: 'authorized',
    lost: ['already-authorized'],
    async make(store, { consented: { user, consent } }) {
      const pair = temporary();
      await store.saveTemporaryCredentials(nonce(), pair);
      return () => [
        pair.token,
        { userId: user, consentId: consent.id, verifierDigest: digest() },
        NOW,
        at(900),
      ];
    },
  },
  'an OAuth 1 exchange, each try with a nonce of its own': {
    verb: 'redeemTemporaryCredentials',
    won: 'redeemed',
    lost: ['already-used'],
    async make(store, world) {
      const { token, verifierDigest } = await authorized(store, world);
      return () => [nonce(), token, verifierDigest, NOW, at(950)];
    },
  },
  'an OAuth 1 exchange, sent again as it was': {
    verb: 'redeemTemporaryCredentials',
    won: 'redeemed',
    lost: ['nonce-seen'],
    async make(store, world) {
      const { token, verifierDigest } = await authorized(store, world);
      const one = nonce();
      return () => [one, token, verifierDigest, NOW, at(950)];
    },
  },
  'a code': {
    verb: 'redeemCode',
    won: 'redeemed',
    lost: ['replayed'],
    async make(store, { consented: there }) {
      const one = code(there);
      await store.saveCode(one);
      return () => [
        one.digest,
        NOW,
        { access: access(there, { familyId: one.familyId }), refresh: null },
      ];
    },
  },
  'a refresh token': {
    verb: 'rotateRefreshToken',
    won: 'rotated',
    lost: ['already-used'],
    async make(store, { consented: there }) {
      const one = code(there);
      await store.saveCode(one);
      const first = refresh(there, { familyId: one.familyId });
      await store.redeemCode(one.digest, NOW, {
        access: access(there, { familyId: one.familyId }),
        refresh: first,
      });
      return (attempt) => [
        first.digest,
        NOW,
        `answer ${attempt}`,
        { access: access(there), refresh: refresh(there, { familyId: one.familyId }) },
        false,
      ];
    },
  },
  'a request that waits for a person’s decision': {
    verb: 'replaceRequest',
    won: 'replaced',
    lost: ['changed'],
    async make(store) {
      const one = request();
      await store.saveRequest(one);
      return () => [one, { ...one, decision: decision() }];
    },
  },
  'a link of registration, each try with another name': {
    verb: 'consumeRegistrationToken',
    won: 'created',
    lost: ['unknown'],
    async make(store) {
      const one = link('register', null, address());
      await store.saveAccountToken(one);
      return () => [one.digest, NOW, account()];
    },
  },
  'a link of recovery': {
    verb: 'consumeResetToken',
    won: 'set',
    lost: ['unknown'],
    async make(store) {
      const one = link('reset-password', await person(store, { email: address() }));
      await store.saveAccountToken(one);
      return (attempt) => [one.digest, NOW, `hash ${attempt}`];
    },
  },
  'a link that confirms a new address': {
    verb: 'consumeEmailToken',
    won: 'confirmed',
    lost: ['unknown'],
    async make(store) {
      const user = await person(store, { email: address() });
      const one = link('confirm-email', user, address());
      await store.saveAccountToken(one);
      return () => [one.digest, user, NOW];
    },
  },
  'a challenge for a passkey that is used': taken('use-passkey'),
  'a challenge for a passkey that is added': taken('add-passkey'),
  'a use of a passkey, told apart by its counter': {
    verb: 'recordPasskeyUse',
    won: 'used',
    lost: ['unknown'],
    async make(store) {
      const id = text('key');
      const userId = await person(store, { email: address() });
      await store.addPasskey({
        id,
        userId,
        publicKey: 'k',
        counter: 4,
        transports: [],
        label: '',
        createdAt: NOW,
        lastUsedAt: null,
      });
      return () => [id, 5, NOW];
    },
  },
  'a change token: a decision on what was seen': {
    verb: 'applyChange',
    won: 'applied',
    lost: ['stale'],
    async make(store, { consented: { user } }) {
      const app = await registered(store, user);
      return (attempt) => [
        change(app.id, app.recordVersion, [
          { kind: 'save-client', client: { ...app, description: `by ${attempt}` } },
        ]),
      ];
    },
  },
  'an invitation to keep an app': {
    verb: 'applyChange',
    won: 'applied',
    lost: ['stale'],
    async make(store, { consented: { user } }) {
      const app = await registered(store, user);
      const invited = await person(store, { email: address() });
      const made = await store.applyChange(
        change(app.id, app.recordVersion, [{ kind: 'invite', userId: invited, by: user, at: NOW }]),
      );
      assert.ok(made.outcome === 'applied');
      const { recordVersion: edition } = made.client;
      return () => [
        change(app.id, edition, [{ kind: 'join', userId: invited, at: NOW }], {
          audit: audit(app.id, { action: 'join' }),
        }),
      ];
    },
  },
  'a consent that is ended': {
    verb: 'revokeConsent',
    won: 'revoked',
    lost: ['unknown'],
    async make(store, { consented: { app } }) {
      const user = await person(store, { email: address() });
      const wish = {
        userId: user,
        clientId: app.id,
        site: '*' as SiteId,
        scopes: ['basic'],
        acceptedAt: NOW,
      };
      const { id } = await store.saveConsent(wish, null, audit(app.id));
      return () => [id, user, audit(app.id, { action: 'renounce' })];
    },
  },
};

/** Where the races are run. */
interface Ground {
  readonly location: string;
  readonly redis?: string;
  /** Takes all accounts away, as before the first start. */
  empty(): Promise<void>;
}

function races(name: string, create: () => Promise<Ground>): void {
  describe(`${ROUNDS} rounds of ${TRIES} tries from ${NODES} processes, ${name}`, {
    timeout: 600_000,
  }, () => {
    let ground: Ground;
    let store: Store;
    let nodes: readonly ChildProcess[] = [];
    let world: World;

    before(async () => {
      ground = await create();
      const durable = await openStore(ground.location);
      await durable.prepareSchema();
      const clock = { now: () => NOW, millis: () => NOW * 1000 };
      store =
        ground.redis === undefined
          ? durable
          : withEphemeralStore(
              durable,
              openRedis(ground.redis, { clock, nonceTtlSeconds: seconds(301), timeoutMs: 20_000 }),
            );
      // The book of nonces is begun early enough for all of them.
      if (ground.redis !== undefined) {
        const early = openRedis(ground.redis, {
          clock: { now: () => instant(NOW - 400), millis: () => 0 },
          nonceTtlSeconds: seconds(301),
          // A machine that is busy with other tests answers late.
          timeoutMs: 20_000,
        });
        await early.ping();
        await early.close();
      }
      const given = [ground.location, ...(ground.redis === undefined ? [] : [ground.redis])];
      nodes = Array.from({ length: NODES }, () =>
        fork(new URL('../contract/worker.ts', import.meta.url), given),
      );
      await Promise.all(nodes.map((node) => once(node, 'message')));
      world = { consented: await consented(store) };
    });
    after(async () => {
      await store?.close();
      for (const node of nodes) if (node.connected) node.disconnect();
    });

    /** Both nodes try all of these at once. Answers the words of each round. */
    async function raced(
      verb: Order['verb'],
      given: readonly ((attempt: number) => readonly unknown[])[],
    ): Promise<readonly string[][]> {
      const answers = await Promise.all(
        nodes.map(async (node, which) => {
          const heard = once(node, 'message');
          const calls = given.flatMap((call) =>
            Array.from({ length: EACH }, (_, index) => call(which * EACH + index)),
          );
          node.send({ verb, calls } satisfies Order);
          return ((await heard)[0] as readonly unknown[]).map(wordOf);
        }),
      );
      return given.map((_, round) =>
        answers.flatMap((words) => words.slice(round * EACH, (round + 1) * EACH)),
      );
    }

    const oneWinner = (
      rounds: readonly string[][],
      { won, lost }: Pick<OneTime, 'won' | 'lost'>,
    ) => {
      const others = new Set(rounds.flat().filter((word) => word !== won));
      assert.deepEqual(
        [...others].filter((word) => !lost.includes(word)),
        [],
        'answers to the others',
      );
      const wins = rounds.map((words) => words.filter((word) => word === won).length);
      assert.deepEqual(tally(wins.map(String)), { 1: ROUNDS }, 'winners of each round');
    };

    for (const [what, one] of Object.entries(table))
      test(`${what}: one winner in every round`, async () => {
        const rounds: string[][] = [];
        for (let done = 0; done < ROUNDS; done += AT_ONCE) {
          const given: ((attempt: number) => readonly unknown[])[] = [];
          for (let index = 0; index < AT_ONCE; index++) given.push(await one.make(store, world));
          rounds.push(...(await raced(one.verb, given)));
        }
        oneWinner(rounds, one);
      });

    test('the set-up link: one account in every round', async () => {
      const rounds: string[][] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await ground.empty();
        const secret: Digest = digest();
        await store.saveSetupSecret(secret, at(3600));
        rounds.push(...(await raced('consumeSetupSecret', [() => [secret, NOW, account()]])));
        assert.equal(await store.countAccounts({ text: '', group: null, blocked: null }), 1);
      }
      oneWinner(rounds, { won: 'created', lost: ['unknown', 'accounts-exist'] });
    });
  });
}

/** Everything that hangs on an account goes with it; the trail stays. */
const clear = [
  ...[
    'token_credentials',
    'consents',
    'maintainers',
    'offers',
    'passkeys',
    'sessions',
    'account_tokens',
    'involvements',
  ],
  ...['approvals', 'revisions', 'client_secrets', 'clients', 'accounts'],
]
  .map((table) => `DELETE FROM ${table};`)
  .join('\n');

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-one-time-'));
after(() => rmSync(directory, { recursive: true, force: true }));
races('on one SQLite file', async () => {
  const location = join(directory, 'gatehouse.db');
  return {
    location,
    async empty() {
      const db = new DatabaseSync(location);
      db.exec(`PRAGMA busy_timeout = 5000; ${clear}`);
      db.close();
    },
  };
});

const postgres = await findPostgres();
const redis = await findRedis();
if (typeof postgres === 'string' || typeof redis === 'string')
  for (const missing of [postgres, redis].filter((found) => typeof found === 'string'))
    test('races of one-time things on PostgreSQL and Redis', { skip: missing });
else {
  after(() => redis.close());
  after(() => postgres.close());
  const onPostgres = async () => {
    const location = await postgres.database();
    return {
      location,
      async empty() {
        const client = new pg.Client({ connectionString: location });
        await client.connect();
        await client.query(clear);
        await client.end();
      },
    };
  };
  races('on PostgreSQL and Redis', async () => ({ ...(await onPostgres()), redis: redis.url }));
}
