import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { TestServer } from '#harness/world.ts';
import type { Client } from '#registry/model/client.ts';

describe('decision', () => {
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let client: Client;
  let cookie: string;
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    client = (
      await world.createClient(ada, {
        name: '<script>alert(1)</script>"&',
        scopes: ['editpage', 'sendemail'],
        description: '<b>bold</b>',
      })
    ).client;
    cookie = await world.sessionCookie(ben);
  });
  after(() => world.close());

  const authorizeUrl = (over: Record<string, string | undefined> = {}) => {
    const query = {
      response_type: 'code',
      client_id: client.id,
      redirect_uri: 'https://app.example/cb',
      scope: 'basic editpage',
      state: 's',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...over,
    };
    return `/oauth2/authorize?${new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined))}`;
  };
  const get = (url: string, who = cookie) => world.app.inject({ url, headers: { cookie: who } });
  const page = async () => {
    const asked = await get(authorizeUrl());
    assert.equal(asked.statusCode, 303);
    const url = String(asked.headers.location);
    const shown = await get(url);
    return {
      url,
      body: shown.body,
      headers: shown.headers,
      csrf: /name="csrf" value="([^"]+)"/.exec(shown.body)?.[1] ?? '',
    };
  };
  const decide = (url: string, payload: string, headers: Record<string, string> = {}) =>
    world.app.inject({
      method: 'POST',
      url,
      payload,
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });

  test('the consent page escapes what it shows, and is locked down', async () => {
    const { body, headers } = await page();
    assert.ok(!body.includes('<script>') && !body.includes('<b>bold'));
    assert.ok(body.includes('&lt;script&gt;'));
    assert.match(
      String(headers['content-security-policy']),
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    assert.doesNotMatch(String(headers['content-security-policy']), /unsafe/);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['referrer-policy'], 'same-origin');
    assert.match(body, /Edit existing pages/);
    assert.doesNotMatch(body, /Send e-mail/);
    assert.match(body, /name="accept"[\s\S]*name="cancel"/);
  });

  test('yes sends a code, state and iss, and the same once more (RFC 6749 §4.1.2, RFC 9207)', async () => {
    const { url, csrf } = await page();
    const yes = await decide(url, `accept=1&csrf=${csrf}`);
    const back = new URL(String(yes.headers.location));
    assert.equal(yes.statusCode, 303);
    assert.equal(back.searchParams.get('iss'), 'https://gate.example');
    assert.equal(back.searchParams.get('state'), 's');
    assert.equal(
      (await decide(url, `accept=1&csrf=${csrf}`)).headers.location,
      yes.headers.location,
    );
  });

  test('no sends access_denied with state', async () => {
    const { url, csrf } = await page();
    const back = new URL(String((await decide(url, `cancel=1&csrf=${csrf}`)).headers.location));
    assert.deepEqual(
      [back.searchParams.get('error'), back.searchParams.get('state')],
      ['access_denied', 's'],
    );
  });

  test('a form that is not ours changes nothing (CSRF)', async () => {
    const { url, csrf } = await page();
    const attempts = [
      decide(url, 'accept=1'),
      decide(url, 'accept=1&csrf=wrong'),
      decide(url, `accept=1&accept=1&csrf=${csrf}`),
      decide(url, `accept=1&csrf=${csrf}`, { origin: 'https://evil.example' }),
      decide(url, `accept=1&csrf=${csrf}`, { origin: 'null' }),
      decide(url, `accept=1&csrf=${csrf}`, { 'sec-fetch-site': 'cross-site' }),
    ];
    for (const answer of await Promise.all(attempts)) assert.equal(answer.statusCode, 403);
    assert.equal((await decide(url, `accept=1&cancel=1&csrf=${csrf}`)).statusCode, 400);
    assert.equal(
      (await decide(url, `accept=1&csrf=${csrf}`, { origin: 'https://gate.example' })).statusCode,
      303,
    );
  });

  test("a request is one person's: another signed-in person cannot see or answer it", async () => {
    const { url } = await page();
    const other = await world.sessionCookie(ada);
    const shown = await get(url, other);
    assert.equal(shown.statusCode, 403);
    assert.doesNotMatch(shown.body, /name="accept"/);
  });

  test('before client and redirect URI hold, nobody is redirected (RFC 6749 §4.1.2.1)', async () => {
    for (const over of [
      { client_id: 'nobody' },
      { redirect_uri: 'https://evil.example/' },
      { redirect_uri: 'https://app.example/cb/' },
      { client_id: undefined },
    ]) {
      const answer = await get(authorizeUrl(over));
      assert.equal(answer.statusCode, 400);
      assert.equal(answer.headers.location, undefined);
    }
  });

  const redirected: readonly (readonly [Record<string, string | undefined>, string])[] = [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: undefined }, 'invalid_request'],
    [{ scope: 'nonsense' }, 'invalid_scope'],
    [{ scope: 'delete' }, 'invalid_scope'],
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
  ];
  for (const [over, error] of redirected) {
    test(`afterwards the app is told ${error} for ${JSON.stringify(over)}`, async () => {
      const back = new URL(String((await get(authorizeUrl(over))).headers.location));
      assert.equal(back.origin, 'https://app.example');
      assert.equal(back.searchParams.get('error'), error);
      assert.equal(back.searchParams.get('state'), 's');
      assert.equal(back.searchParams.get('iss'), 'https://gate.example');
    });
  }

  test('owner-only, disabled and proposed clients ask nobody but their owner', async () => {
    const proposed = await world.createClient(ada, { name: 'draft' }, false);
    const url = authorizeUrl({ client_id: proposed.client.id });
    // Nobody is sent to an app that was not approved (RFC 9700 §4.11.2): the person is told on a
    // page.
    const page = await get(url);
    assert.deepEqual([page.statusCode, page.headers.location], [403, undefined]);
    assert.match(
      String((await get(url, await world.sessionCookie(ada))).headers.location),
      /^\/authorize\//,
    );
  });

  test('sign-in comes back to our own pages alone', async () => {
    const { services } = world.server;
    await services.accounts.createAccount({
      name: 'Cleo',
      email: 'cleo@example.org',
      emailConfirmed: false,
      realName: '',
      groups: [],
      password: 'correct horse',
    });
    for (const [asked, wanted] of [
      ['//evil.example', '/'],
      ['https://evil.example', '/'],
      ['/\\evil.example', '/'],
      ['/consents', '/consents'],
    ] as const) {
      const form = await world.app.inject({
        url: `/sign-in?returnto=${encodeURIComponent(asked)}`,
      });
      const jar = String(form.headers['set-cookie']).split(';')[0] ?? '';
      const csrf = /name="csrf" value="([^"]+)"/.exec(form.body)?.[1] ?? '';
      const payload = new URLSearchParams({
        name: 'cleo',
        password: 'correct horse',
        returnto: asked,
        csrf,
      }).toString();
      const done = await world.app.inject({
        method: 'POST',
        url: '/sign-in',
        payload,
        headers: { cookie: jar, 'content-type': 'application/x-www-form-urlencoded' },
      });
      assert.equal(done.statusCode, 303, done.body);
      assert.equal(done.headers.location, wanted);
      assert.match(
        String(done.headers['set-cookie']),
        /__Host-gatehouse=[\w-]{51};.*HttpOnly; Secure; SameSite=Lax/,
      );
    }
  });

  test('sign-in is throttled, and a wrong name looks like a wrong password', async () => {
    const { accounts } = world.server.services;
    const [wrongName, wrongPassword] = [
      await accounts.signIn('nobody', 'x', { address: '192.0.2.9', agent: '' }),
      await accounts.signIn('cleo', 'x', { address: '192.0.2.9', agent: '' }),
    ];
    assert.deepEqual(wrongName, wrongPassword);
    for (let tries = 0; tries < 4; tries++)
      await accounts.signIn('cleo', 'x', { address: '192.0.2.9', agent: '' });
    const shut = await accounts.signIn('cleo', 'correct horse', {
      address: '192.0.2.9',
      agent: '',
    });
    assert.ok(!shut.ok && shut.refusal.kind === 'throttled');
    world.advanceClock(15 * 60);
    assert.equal(
      (await accounts.signIn('cleo', 'correct horse', { address: '192.0.2.9', agent: '' })).ok,
      true,
    );
  });

  test('the set-up link works once', async () => {
    const fresh = new TestServer();
    const { accounts, rights } = fresh.server.services;
    const link = await accounts.issueSetupLink();
    const secret = link.ok ? (new URL(link.value).searchParams.get('token') ?? '') : '';
    const first = await accounts.setUp(
      secret,
      { name: 'Root', email: 'root@example.org', password: 'correct horse' },
      { address: '192.0.2.9', agent: '' },
    );
    assert.ok(first.ok && rights.rightsOf(first.value.account).has('mwoauthmanageconsumer'));
    const second = await accounts.setUp(
      secret,
      { name: 'Root2', email: 'root@example.org', password: 'correct horse' },
      { address: '192.0.2.9', agent: '' },
    );
    assert.ok(!second.ok && second.refusal.kind === 'link-used');
    await fresh.close();
  });

  test('behind a proxy the address is the one it appended, not what the client wrote', async () => {
    const proxied = new TestServer({ 'trust-proxy': '1' });
    const seen: string[] = [];
    proxied.app.addHook('preHandler', async (request) => {
      seen.push(request.ip);
    });
    await proxied.app.inject({ url: '/', headers: { 'x-forwarded-for': '6.6.6.6, 203.0.113.9' } });
    await world.app.inject({ url: '/', headers: { 'x-forwarded-for': '6.6.6.6' } });
    assert.deepEqual(seen, ['203.0.113.9']);
    await proxied.close();
  });
});
