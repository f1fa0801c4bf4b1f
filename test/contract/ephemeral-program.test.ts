import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { readConfig } from '#config/read-config.ts';
import { eventually, NO_REDIS, RedisServer } from '#harness/redis.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';

describe('ephemeral program', () => {
  const skip = RedisServer.here ? false : NO_REDIS;
  const limit = { timeout: 60_000, skip };
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-program-'));
  const database = join(folder, 'gatehouse.db');
  let redis: RedisServer;
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let cookie: string;

  before(async () => {
    if (skip) return;
    redis = await RedisServer.start();
    world = new TestServer({ ephemeral: redis.url }, '', {
      database,
      log: { info() {}, warn() {}, error() {} },
    });
    // Within the second in which it is first asked, no nonce is believed to be new.
    assert.equal((await world.app.inject('/readyz')).statusCode, 200);
    world.advanceClock(1);
    [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
    cookie = await world.sessionCookie(ben);
  });
  after(async () => {
    await world?.close();
    await RedisServer.removeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  const get = (url: string) => world.app.inject({ url, headers: { cookie, accept: 'text/html' } });
  const post = (url: string, headers: Record<string, string>, payload?: string) =>
    world.app.inject({
      method: 'POST',
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
  const form = 'application/x-www-form-urlencoded';

  /** Goes where the app sends the person, presses "allow", and answers where they are sent back. */
  async function allow(
    url: string,
  ): Promise<{ back: URL; page: string; again(): ReturnType<typeof post> }> {
    const asked = await get(url);
    assert.equal(asked.statusCode, 303, asked.body);
    const page = String(asked.headers.location);
    const csrf = /name="csrf" value="([^"]+)"/.exec((await get(page)).body)?.[1] ?? '';
    const decide = () => post(page, { cookie, 'content-type': form }, `accept=1&csrf=${csrf}`);
    const done = await decide();
    assert.equal(done.statusCode, 303, done.body);
    return { back: new URL(String(done.headers.location)), page, again: decide };
  }

  /** Everything Redis holds, in one text. */
  async function held(): Promise<{ keys: readonly string[]; text: string }> {
    const { createClient } = await import('@redis/client');
    const client = await createClient({ url: redis.url }).connect();
    const keys = await client.keys('*');
    const parts: string[] = [];
    for (const key of keys) {
      const kind = await client.type(key);
      const value =
        kind === 'hash'
          ? await client.hGetAll(key)
          : kind === 'zset'
            ? await client.zRange(key, 0, -1)
            : await client.get(key);
      parts.push(key, JSON.stringify(value));
      const left = await client.ttl(key);
      // A person who comes late is told of which app it was: for a day (ADR 26).
      const most = 3600 + 600 + (key.startsWith('gh:request:') ? 86_400 : 0);
      assert.ok(
        key === 'gh:{oauth1}:book' || (left > 0 && left < most),
        `${key} is cleaned away: ${left}`,
      );
    }
    await client.close();
    return { keys, text: parts.join('\n') };
  }

  test(
    'SQLite and Redis: an OAuth 1 handshake and a signed request, each thing once',
    limit,
    async () => {
      const made = await world.createClient(ada, {
        name: 'classic',
        protocol: 'oauth1',
        redirectUri: 'https://app.example/cb',
        redirectIsPrefix: true,
      });
      const pair: CredentialPair = { key: made.client.id, secret: made.secret };
      const signed = async (
        target: string,
        token: CredentialPair | null,
        over: Record<string, string>,
      ) => {
        const answer = await post(target, signedHeader(world, 'POST', target, pair, token, over));
        return {
          status: answer.statusCode,
          form: Object.fromEntries(new URLSearchParams(answer.body)),
        };
      };
      const begun = await signed('/oauth1/initiate', null, {
        oauth_callback: 'https://app.example/cb',
        oauth_nonce: 'once',
      });
      assert.equal(begun.status, 200);
      const again = await signed('/oauth1/initiate', null, {
        oauth_callback: 'https://app.example/cb',
        oauth_nonce: 'once',
      });
      assert.equal(again.form.oauth_problem, 'nonce_used');
      const temporary = {
        key: begun.form.oauth_token ?? '',
        secret: begun.form.oauth_token_secret ?? '',
      };
      const { back, again: decideAgain } = await allow(
        `/oauth1/authorize?oauth_token=${temporary.key}`,
      );
      const verifier = back.searchParams.get('oauth_verifier') ?? '';
      assert.equal(
        (await decideAgain()).headers.location,
        back.href,
        'the same form gets the same answer',
      );
      assert.equal(
        (await signed('/oauth1/token', temporary, { oauth_verifier: 'wrong' })).form.oauth_problem,
        'verifier_invalid',
      );
      const bought = await signed('/oauth1/token', temporary, { oauth_verifier: verifier });
      assert.equal(bought.status, 200);
      assert.equal(
        (await signed('/oauth1/token', temporary, { oauth_verifier: verifier })).form.oauth_problem,
        'token_used',
      );
      assert.equal(
        (await decideAgain()).headers.location,
        undefined,
        'until the pair was exchanged',
      );

      const token = {
        key: bought.form.oauth_token ?? '',
        secret: bought.form.oauth_token_secret ?? '',
      };
      const headers = signedHeader(world, 'GET', '/thing', pair, token);
      const sent = {
        method: 'GET',
        target: '/thing',
        headers,
        body: undefined,
        address: '192.0.2.1',
        secure: true,
      };
      const ask = () => world.server.guard.permit(sent, world.server.services.site);
      const asks = await Promise.all(Array.from({ length: 20 }, ask));
      assert.equal(asks.filter(({ ok }) => ok).length, 1, 'of twenty the same, one');

      const { keys, text } = await held();
      assert.ok(keys.every((key) => key.startsWith('gh:')));
      for (const secret of [
        temporary.secret,
        verifier,
        token.secret,
        pair.secret,
        cookie.split('=')[1] ?? '',
      ])
        assert.ok(secret.length > 20 && !text.includes(secret), 'no secret is in Redis as it is');
      const file = new DatabaseSync(database, { readOnly: true });
      for (const table of [
        'nonces',
        'temporary_credentials',
        'sessions',
        'authorization_requests',
        'kept_requests',
        'limits',
      ])
        assert.deepEqual(
          { ...file.prepare(`SELECT count(*) AS rows FROM ${table}`).get() },
          { rows: 0 },
          `${table} of the database is empty`,
        );
      file.close();
    },
  );

  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');

  test('SQLite and Redis: an OAuth 2 consent and its token', limit, async () => {
    const made = await world.createClient(ada, { name: 'modern' });
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: made.client.id,
      redirect_uri: 'https://app.example/cb',
      state: 's',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const { back } = await allow(`/oauth2/authorize?${query}`);
    assert.equal(back.searchParams.get('state'), 's');
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: 'https://app.example/cb',
      code_verifier: 'v'.repeat(43),
    });
    const bought = await post(
      '/oauth2/token',
      { authorization: basicHeader(made.client.id, made.secret), 'content-type': form },
      body.toString(),
    );
    assert.equal(bought.statusCode, 200, bought.body);
    assert.equal(bought.json().token_type, 'Bearer');
  });

  test(
    'without Redis the program is not ready and nobody is let in; with it again, it goes on',
    limit,
    async () => {
      const readyz = async () => (await world.app.inject('/readyz')).statusCode;
      assert.equal(await readyz(), 200);
      const made = await world.createClient(ada, {
        name: 'away',
        protocol: 'oauth1',
        redirectUri: 'https://app.example/cb',
      });
      const initiate = () => {
        const pair = { key: made.client.id, secret: made.secret };
        return post(
          '/oauth1/initiate',
          signedHeader(world, 'POST', '/oauth1/initiate', pair, null, { oauth_callback: 'oob' }),
        );
      };
      await redis.stop();
      assert.equal(await readyz(), 503);
      assert.equal((await world.app.inject('/healthz')).statusCode, 200);
      for (const answer of [await initiate(), await get('/')]) {
        assert.equal(answer.statusCode, 503, answer.body);
        assert.match(String(answer.headers['retry-after']), /^\d+$/);
        assert.doesNotMatch(answer.body, /127\.0\.0\.1|redis/i);
      }
      await redis.run();
      await eventually(async () => assert.equal(await readyz(), 200));
      world.advanceClock(2);
      assert.equal((await initiate()).statusCode, 200);
    },
  );

  test('the setting is read as it should be, and a password is taken only where it is not shown', () => {
    const read = (
      flags: Record<string, string>,
      environment: Record<string, string>,
      file = '',
    ) => {
      const config = readConfig(flags, environment, () => file);
      return config.ok
        ? config.value.ephemeral
        : config.refusal.map(({ setting, source }) => `${setting} from ${source}`);
    };
    const name = 'GATEHOUSE_EPHEMERAL';
    const secret = 'rediss://user:s3cret@cache.example:6380/2';
    assert.equal(read({}, {}), null);
    assert.equal(read({ ephemeral: 'database' }, {}), null);
    assert.deepEqual(read({ ephemeral: 'redis://cache.example' }, {}), ['redis://cache.example']);
    assert.deepEqual(read({}, { [name]: secret }), [secret]);
    assert.deepEqual(read({}, { [`${name}_FILE`]: '/run/secret' }, `${secret}\n`), [secret]);
    assert.deepEqual(read({}, { [name]: 'redis://a:1, redis://b:2,redis://[::1]:3' }), [
      'redis://a:1',
      'redis://b:2',
      'redis://[::1]:3',
    ]);
    assert.deepEqual(read({ ephemeral: secret }, {}), ['ephemeral from --ephemeral']);
    assert.deepEqual(read({ config: 'file.yaml' }, {}, `ephemeral: ${secret}\n`), [
      'ephemeral from file.yaml',
    ]);
    const wrong = [
      '',
      'memory',
      'http://cache.example',
      'redis://',
      'redis://a/0?x=1',
      'redis://a/x',
      'redis://a,rediss://b',
      'redis://a/1,redis://b/1',
      'redis://:one@a,redis://:two@b',
      'redis://a,',
    ];
    for (const text of wrong)
      assert.deepEqual(read({}, { [name]: text }), [`ephemeral from ${name}`], text);
  });
});
