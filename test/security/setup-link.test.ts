import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import pg from 'pg';
import { findPostgres } from '#harness/postgres.ts';
import { openStore } from '#store/open.ts';
import type { Store } from '#store/store.ts';
import { account, at, digest, NOW } from '../contract/things.ts';
import { runCommand } from '../harness/command.ts';
import { password, TestServer } from '../harness/world.ts';

// The set-up link makes the first administrator: while there is no account, within an hour, once.

const from = { address: '192.0.2.9', agent: '' };
const root = { name: 'Root', email: 'root@example.org', password };

async function linkOf(world: TestServer): Promise<string> {
  const link = await world.server.services.accounts.issueSetupLink();
  assert.ok(link.ok, 'a link is made while there is no account');
  assert.match(link.value, /^https:\/\/gate\.example\/setup\?token=[\w-]{20,}$/);
  return new URL(link.value).searchParams.get('token') ?? '';
}
async function redeem(world: TestServer, secret: string, name = 'Root'): Promise<string> {
  const answer = await world.server.services.accounts.setUp(secret, { ...root, name }, from);
  return answer.ok ? 'ok' : answer.refusal.kind;
}

const doors: Readonly<Record<string, (world: TestServer) => Promise<unknown>>> = {
  'the command line': ({ server: built }) =>
    built.services.accounts.createAccount({
      ...root,
      name: 'Ada',
      emailConfirmed: true,
      realName: '',
      groups: [],
    }),
  'an account without any group or password': (world) => world.createPerson('Ada'),
  'the registration page': async ({ server: built, now }) => {
    const secret = digest();
    await built.store.saveAccountToken({
      digest: secret,
      kind: 'register',
      userId: null,
      data: 'a@example.org',
      expiresAt: now + 60,
    } as never);
    const made = await built.store.consumeRegistrationToken(secret, now, account());
    assert.equal(made.outcome, 'created');
  },
  'another set-up link': async (world) =>
    assert.equal(await redeem(world, await linkOf(world), 'First'), 'ok'),
};
for (const [door, make] of Object.entries(doors)) {
  test(`an account made by ${door} ends the link, and no other can be made`, async () => {
    const world = new TestServer({ registration: 'open' });
    const secret = await linkOf(world);
    await make(world);
    const before = await world.server.store.listAccounts();
    assert.equal(await redeem(world, secret), 'link-used');
    assert.deepEqual(await world.server.store.listAccounts(), before);
    assert.deepEqual(await world.server.services.accounts.issueSetupLink(), {
      ok: false,
      refusal: { kind: 'accounts-exist' },
    });
    await world.close();
  });
}

test('the link stays ended when its account was blocked', async () => {
  const world = new TestServer();
  const secret = await linkOf(world);
  const ada = await world.createPerson('Ada');
  await world.server.store.setBlocked(ada.id, true);
  assert.equal(await redeem(world, secret), 'link-used');
  await world.close();
});

for (const [wait, outcome] of [
  [3599, 'ok'],
  [3600, 'link-used'],
  [86_400, 'link-used'],
] as const) {
  test(`${wait} seconds after it was made the link answers ${outcome}`, async () => {
    const world = new TestServer();
    const secret = await linkOf(world);
    world.advanceClock(wait);
    assert.equal(await redeem(world, secret), outcome);
    assert.equal((await world.server.store.listAccounts()).length, outcome === 'ok' ? 1 : 0);
    await world.close();
  });
}

test('a refused form keeps the link, a newer link ends it, and a made-up one never was', async () => {
  const world = new TestServer();
  const [old, secret] = [await linkOf(world), await linkOf(world)];
  assert.equal(await redeem(world, old), 'link-used');
  for (const wrong of [
    '',
    ' ',
    '0',
    `${secret} `,
    secret.slice(0, -1),
    `${secret}x`,
    `${secret} 9999999999`,
    'x'.repeat(10_000),
  ])
    assert.equal(await redeem(world, wrong), 'link-used', wrong.slice(0, 80));
  assert.equal(await redeem(world, secret, ''), 'invalid-field');
  assert.equal(await redeem(world, secret), 'ok');
  assert.equal(await redeem(world, secret, 'Second'), 'link-used');
  await world.close();
});

test('a secret that an earlier version kept without an end is good for nothing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-setup-'));
  const location = join(directory, 'gatehouse.db');
  const store = await openStore(`sqlite:${location}`);
  await store.prepareSchema();
  const own = digest();
  const database = new DatabaseSync(location);
  database.prepare("INSERT INTO settings (name, value) VALUES ('setup-secret-digest', ?)").run(own);
  database.close();
  assert.equal(await store.hasSetupSecret(own, NOW), false);
  assert.equal((await store.consumeSetupSecret(own, NOW, account())).outcome, 'unknown');
  await store.close();
  rmSync(directory, { recursive: true });
});

interface Place {
  readonly name: string;
  open(): Promise<{
    readonly location: string;
    run(statements: string): Promise<void>;
    close(): Promise<void>;
  }>;
}
const onSqlite: Place = {
  name: 'SQLite',
  async open() {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-setup-'));
    const path = join(directory, 'gatehouse.db');
    return {
      location: `sqlite:${path}`,
      async run(statements) {
        const database = new DatabaseSync(path);
        database.exec(`PRAGMA busy_timeout = 5000; ${statements}`);
        database.close();
      },
      close: async () => rmSync(directory, { recursive: true, force: true }),
    };
  },
};

/** Two further processes over the same database. */
async function nodesOver(location: string): Promise<{
  ask(index: number, verb: keyof Store, calls: readonly unknown[]): Promise<unknown[]>;
  end(): Promise<void>;
}> {
  const nodes: readonly ChildProcess[] = [0, 1].map(() =>
    fork(new URL('../contract/worker.ts', import.meta.url), [location]),
  );
  await Promise.all(nodes.map((node) => once(node, 'message')));
  return {
    async ask(index, verb, calls) {
      const node = nodes[index] as ChildProcess;
      const answer = once(node, 'message');
      node.send({ verb, calls });
      return (await answer)[0] as unknown[];
    },
    async end() {
      const gone = nodes.map((node) => once(node, 'exit'));
      for (const node of nodes) node.disconnect();
      await Promise.all(gone);
    },
  };
}
const outcomes = (answers: readonly unknown[]) =>
  answers.map((answer) => (answer as { outcome?: string }).outcome ?? String(answer));
const EMPTY = 'DELETE FROM accounts';

function races({ name, open }: Place): void {
  describe(`races on ${name}`, { timeout: 240_000 }, () => {
    test('of many redemptions on two nodes one wins, in 200 rounds', async () => {
      const place = await open();
      const store = await openStore(place.location);
      await store.prepareSchema();
      const nodes = await nodesOver(place.location);
      for (let round = 0; round < 200; round++) {
        const own = digest();
        assert.equal(await store.saveSetupSecret(own, at(3600)), 'saved');
        const calls = () => [0, 1].map(() => [own, NOW, account()]);
        const said = await Promise.all([
          nodes.ask(0, 'consumeSetupSecret', calls()),
          nodes.ask(1, 'consumeSetupSecret', calls()),
        ]);
        assert.deepEqual(
          outcomes(said.flat()).toSorted(),
          ['created', 'unknown', 'unknown', 'unknown'],
          `round ${round}`,
        );
        assert.equal((await store.listAccounts()).length, 1);
        await place.run(EMPTY);
      }
      await nodes.end();
      await store.close();
      await place.close();
    });

    test('an account made elsewhere meanwhile never leaves two redemptions, nor a link that is still good', async () => {
      const place = await open();
      const store = await openStore(place.location);
      await store.prepareSchema();
      const nodes = await nodesOver(place.location);
      for (let round = 0; round < 200; round++) {
        const own = digest();
        await store.saveSetupSecret(own, at(3600));
        const [made, said] = await Promise.all([
          nodes.ask(round % 2, 'createAccount', [[account()]]),
          nodes.ask(
            (round + 1) % 2,
            'consumeSetupSecret',
            [0, 1].map(() => [own, NOW, account()]),
          ),
        ]);
        assert.deepEqual(outcomes(made), ['created']);
        const won = outcomes(said).filter((outcome) => outcome === 'created').length;
        assert.ok(
          won <= 1 &&
            outcomes(said).every((outcome) => outcome === 'created' || outcome === 'unknown'),
          outcomes(said).join(),
        );
        assert.equal((await store.listAccounts()).length, 1 + won);
        assert.equal(await store.hasSetupSecret(own, NOW), false);
        await place.run(EMPTY);
        assert.equal(
          (await store.consumeSetupSecret(own, NOW, account())).outcome,
          'unknown',
          'ended, not only hidden',
        );
      }
      await nodes.end();
      await store.close();
      await place.close();
    });
  });
}
races(onSqlite);

const postgres = await findPostgres();
if (typeof postgres === 'string') test('races on PostgreSQL', { skip: postgres });
else {
  after(() => postgres.close());
  const onPostgres = async () => {
    const location = await postgres.database();
    const client = new pg.Client({ connectionString: location });
    await client.connect();
    return {
      location,
      client,
      run: async (statements: string) => void (await client.query(statements)),
      close: () => client.end(),
    };
  };
  races({ name: 'PostgreSQL', open: onPostgres });

  test('on PostgreSQL a redemption waits for an account that is being made, and then finds it', async () => {
    const { location, client, close } = await onPostgres();
    const store = await openStore(location);
    await store.prepareSchema();
    const own = digest();
    await store.saveSetupSecret(own, at(3600));
    await client.query("BEGIN; DELETE FROM settings WHERE name = 'setup-secret-digest'");
    const redemption = store.consumeSetupSecret(own, NOW, account());
    for (;;) {
      const { rows } = await client.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      if (rows.length > 0) break;
    }
    await client.query(
      "INSERT INTO accounts (name, name_key, real_name, groups, blocked, created_at) VALUES ('Ada', 'ada', '', '[]', 0, 1)",
    );
    await client.query('COMMIT');
    assert.equal((await redemption).outcome, 'unknown');
    assert.equal((await store.listAccounts()).length, 1);
    await store.close();
    await close();
  });

  test('on PostgreSQL an account that another program wrote ends the link too', async () => {
    const { location, client, close } = await onPostgres();
    const store = await openStore(location);
    await store.prepareSchema();
    const own = digest();
    await store.saveSetupSecret(own, at(3600));
    await client.query(
      "INSERT INTO accounts (name, name_key, real_name, groups, blocked, created_at) VALUES ('Ada', 'ada', '', '[]', 0, 1)",
    );
    assert.equal(await store.hasSetupSecret(own, NOW), false);
    assert.equal((await store.consumeSetupSecret(own, NOW, account())).outcome, 'unknown');
    await store.close();
    await close();
  });
}

describe('the command setup-link', () => {
  const data = mkdtempSync(join(tmpdir(), 'gatehouse-setup-'));
  after(() => rmSync(data, { recursive: true, force: true }));
  const program = new URL('../../src/main.ts', import.meta.url).pathname;
  const settings = ['--data', data, '--issuer', 'https://gate.example'];
  const run = (args: readonly string[], input = '') =>
    runCommand([...args, ...settings], { input });

  test('makes a link on standard output, and a newer one each time', async () => {
    const first = spawnSync(process.execPath, [program, 'setup-link', ...settings], {
      encoding: 'utf8',
    });
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /within an hour/);
    const [link] = /https:\/\/gate\.example\/setup\?token=[\w-]+/.exec(first.stdout) ?? [];
    assert.ok(link);
    const second = JSON.parse((await run(['setup-link', '--json'])).out) as { link: string };
    assert.notEqual(second.link, link);
    assert.equal(first.stderr, '', 'the log holds nothing of it');
    const database = readFileSync(join(data, 'gatehouse.db'), 'latin1');
    assert.ok(
      !database.includes(new URL(second.link).searchParams.get('token') as string),
      'the database holds its digest alone',
    );
  });

  test('refuses once there is an account, and says what to do', async () => {
    const made = await run(
      ['account', 'create', '--name', 'Ada', '--email', 'ada@example.org', '--password-stdin'],
      `${password}\n`,
    );
    assert.equal(made.status, 0, made.err);
    const refused = await run(['setup-link']);
    assert.equal(refused.status, 1);
    assert.equal(refused.out, '');
    assert.match(refused.err, /accounts exist already/);
    assert.match(refused.err, /account create --group administrator/);
  });
});
