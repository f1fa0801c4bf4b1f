import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { TestServer } from '#harness/world.ts';
import { instant, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Client } from '#registry/model/client.ts';
import { openSqlite } from '#store/sqlite/open.ts';

// What is of no use any more is taken away, also where it has not expired.

describe('the sealed answer of a used refresh token', () => {
  let world: TestServer;
  let ben: Account;
  let client: Client;
  let secret: string;
  const tokenOf = async (form: Record<string, string>) => {
    const answer = await world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: `Basic ${Buffer.from(`${client.id}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams(form).toString(),
    });
    return { status: answer.statusCode, body: answer.json() as Record<string, string> };
  };
  const refresh = (token: string) => tokenOf({ grant_type: 'refresh_token', refresh_token: token });
  const bought = async () => {
    const code = await world.issueCode({ client }, ben);
    const { body } = await tokenOf({
      grant_type: 'authorization_code',
      code,
      redirect_uri: client.redirectUri,
    });
    return body.refresh_token as string;
  };
  const sealedOf = async (token: string) =>
    (await world.server.store.findRefreshToken(digestOf(token)))?.token.encryptedResponse ?? null;
  const purge = () =>
    world.server.store.purgeExpired(instant(world.now), 100, { answersTtlSeconds: 60 });

  before(async () => {
    world = new TestServer();
    const ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    ({ client, secret } = await world.createClient(ada, { name: 'Reader', pkceOptional: true }));
  });
  after(() => world.close());

  test('is kept during the grace, and gone after it; the row stays and tells reuse', async () => {
    const old = await bought();
    assert.equal((await refresh(old)).status, 200);
    world.advanceClock(59);
    await purge();
    assert.notEqual(await sealedOf(old), null);
    world.advanceClock(1);
    assert.ok((await purge()) >= 1);
    assert.equal(await sealedOf(old), null);
    const again = await refresh(old);
    assert.deepEqual([again.status, again.body.error], [400, 'invalid_grant']);
  });

  test('reuse found by a row without an answer ends the family (RFC 9700 §4.14.2)', async () => {
    const old = await bought();
    const next = (await refresh(old)).body.refresh_token as string;
    world.advanceClock(61);
    await purge();
    assert.equal((await refresh(old)).body.error, 'invalid_grant');
    assert.equal((await refresh(next)).body.error, 'invalid_grant');
  });

  test('forty rotations leave rows without answers', async () => {
    let token = await bought();
    const used: string[] = [];
    for (let turn = 0; turn < 40; turn++) {
      used.push(token);
      token = (await refresh(token)).body.refresh_token as string;
      world.advanceClock(1);
    }
    world.advanceClock(61);
    await purge();
    for (const each of used) assert.equal(await sealedOf(each), null);
    assert.equal((await refresh(token)).status, 200, 'the last one goes on');
  });
});

describe('the day of the last use', () => {
  let world: TestServer;
  before(() => {
    world = new TestServer();
  });
  after(() => world.close());
  const DAY = 86_400;

  for (const [kind, days] of [
    ['token', 92],
    ['client', 800],
    ['consent', 800],
    ['secret', 800],
  ] as const) {
    test(`of a ${kind} is kept for ${days} days`, async () => {
      const { store } = world.server;
      const today = Math.floor(world.now / DAY);
      await store.saveUsage({
        marks: [
          { kind, id: 'old', day: today - days },
          { kind, id: 'young', day: today - days + 1 },
        ],
        calls: [],
      });
      await store.purgeExpired(instant(world.now), 1000);
      assert.deepEqual([...(await store.lastUsed(kind, ['old', 'young'])).keys()], ['young']);
    });
  }

  test('of a consent goes with the consent', async () => {
    const { store } = world.server;
    const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
    const { client } = await world.createClient(ada, { name: 'Reader' });
    const consent = await world.consents.accept(client, ben, ['editpage']);
    await store.saveUsage({
      marks: [{ kind: 'consent', id: String(consent.id), day: 9_000 }],
      calls: [],
    });
    const cookie = await world.sessionCookie(ben);
    const page = await world.app.inject({ url: '/consents', headers: { cookie } });
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const ended = await world.app.inject({
      method: 'POST',
      url: `/consents/${consent.id}/end`,
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ csrf, end: '1' }).toString(),
    });
    assert.equal(ended.statusCode, 303, ended.body);
    assert.equal((await store.lastUsed('consent', [String(consent.id)])).size, 0);
  });
});

describe('the write-ahead log of SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-log-'));
  const path = join(folder, 'gatehouse.db');
  after(() => rmSync(folder, { recursive: true, force: true }));
  const MOST = 64 * 1_048_576;
  const logOf = () => statSync(`${path}-wal`).size;

  test('is cut back once no reader is in the way, and its size is known', async () => {
    const store = openSqlite(path);
    await store.prepareSchema();
    // Somebody reads on: nothing can be taken out of the log.
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM accounts');
    const writer = new DatabaseSync(path);
    writer.exec(
      'PRAGMA synchronous = OFF; CREATE TABLE ballast (id INTEGER PRIMARY KEY, text BLOB)',
    );
    const insert = writer.prepare('INSERT INTO ballast (text) VALUES (zeroblob(1048576))');
    while (logOf() <= MOST + 1_048_576) insert.run();
    assert.ok((store.walBytes() ?? 0) > MOST);
    await store.purgeExpired(instant(1), 100);
    assert.ok(logOf() > MOST, 'a reader is not cut off');
    reader.exec('COMMIT');
    await store.purgeExpired(instant(1), 100);
    assert.equal(logOf(), 0);
    assert.equal(store.walBytes(), 0);
    // The store goes on writing.
    await store.saveUsage({ marks: [{ kind: 'client', id: 'x', day: 9 }], calls: [] });
    assert.ok(logOf() > 0);
    writer.close();
    reader.close();
    await store.close();
  });

  test('a database in memory has none', async () => {
    const store = openSqlite(':memory:');
    assert.equal(store.walBytes(), null);
    assert.equal(await store.purgeExpired(instant(1), 100, { answersTtlSeconds: seconds(60) }), 0);
    await store.close();
  });
});
