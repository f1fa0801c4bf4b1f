import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import { parsePastedRequest } from '#oauth1/pasted-request.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';

describe('help', () => {
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let classic: ActionOutcome & { readonly secret: string };
  let modern: ActionOutcome & { readonly secret: string };

  before(async () => {
    world = new TestServer();
    [ada, ben] = [
      await world.createPerson('Ada', ['developer']),
      await world.createPerson('Ben', ['developer']),
    ];
    classic = await world.createClient(ada, { name: 'Classic', protocol: 'oauth1' });
    modern = await world.createClient(ada, { name: 'Modern' });
  });
  after(() => world.close());

  const get = async (url: string, who: Account | null) =>
    world.app.inject({ url, headers: who ? { cookie: await world.sessionCookie(who) } : {} });

  async function explain(who: Account, fields: Readonly<Record<string, string>>) {
    const cookie = await world.sessionCookie(who);
    const page = await world.app.inject({ url: `/my/help?app=${fields.app}`, headers: { cookie } });
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    return world.app.inject({
      method: 'POST',
      url: '/my/help',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ csrf, ...fields }).toString(),
    });
  }

  const pasted = (
    target: string,
    key: CredentialPair = { key: classic.client.id, secret: classic.secret },
    over = {},
  ) =>
    `POST https://gate.example${target} HTTP/1.1\r\nHost: gate.example\r\nAuthorization: ${signedHeader(world, 'POST', target, key, null, { oauth_callback: 'oob', ...over }).authorization}\r\n`;

  test('a stranger signs in first; another developer sees nothing of the app', async () => {
    assert.equal((await get('/my/help', null)).headers.location, '/sign-in?returnto=%2Fmy%2Fhelp');
    const other = await get(`/my/help?app=${classic.client.id}`, ben);
    assert.equal(other.statusCode, 200);
    assert.doesNotMatch(other.body, /Classic/);
    assert.match(other.body, /do not look after an app/);
  });

  test('the name of a hidden app is not shown to its owner either', async () => {
    const { client } = await world.createClient(ada, { name: 'Vilename' });
    await world.clients.disable(client.id, { reason: 'so', suppress: true });
    for (const url of ['/my/help', `/my/help?app=${client.id}`]) {
      const { body } = await get(url, ada);
      assert.match(body, /Hidden app/);
      assert.doesNotMatch(body, /Vilename/);
    }
  });

  test('a pasted request: the base string as the server builds it, and never a secret', async () => {
    const page = await explain(ada, {
      app: classic.client.id,
      request: pasted('/oauth1/initiate'),
    });
    assert.equal(page.statusCode, 200);
    assert.match(page.body, /The signature is right/);
    assert.match(
      page.body,
      /POST&amp;https%3A%2F%2Fgate\.example%2Foauth1%2Finitiate&amp;oauth_callback%3Doob/,
    );
    assert.ok(!page.body.includes(classic.secret));
  });

  test('the usual mistake is named, and the difference to the base string of the library is marked', async () => {
    const request = pasted('/oauth1/initiate', { key: classic.client.id, secret: 'wrong' });
    const wrong = await explain(ada, {
      app: classic.client.id,
      request,
      theirs: 'GET&https%3A%2F%2Fgate.example%2Foauth1%2Finitiate&a%3D1',
    });
    assert.match(wrong.body, /none of the usual mistakes/);
    assert.match(wrong.body, /Where yours differs/);
    assert.match(wrong.body, /<code>GET<\/code>/);
    const sent = pasted('/oauth1/initiate').replace('POST https:', 'GET https:');
    assert.match(
      (await explain(ada, { app: classic.client.id, request: sent })).body,
      /POST was signed, and GET was sent/,
    );
  });

  test('what cannot be read, another app’s request, and an app of somebody else', async () => {
    const unreadable = await explain(ada, { app: classic.client.id, request: '<script>' });
    assert.equal(unreadable.statusCode, 400);
    assert.match(unreadable.body, /cannot be read as a request/);
    assert.match(unreadable.body, /&lt;script&gt;/);
    const strange = await explain(ada, {
      app: classic.client.id,
      request: pasted('/oauth1/initiate', { key: 'f'.repeat(32), secret: 'x' }),
    });
    assert.match(strange.body, /names another app/);
    const notMine = await explain(ben, {
      app: classic.client.id,
      request: pasted('/oauth1/initiate'),
    });
    assert.equal(notMine.headers.location, '/my/help');
  });

  test('a refused signed request is kept for its developer, and can be explained', async () => {
    const headers = signedHeader(
      world,
      'POST',
      '/oauth1/initiate',
      { key: classic.client.id, secret: '' },
      null,
      { oauth_callback: 'oob' },
    );
    assert.equal(
      (await world.app.inject({ method: 'POST', url: '/oauth1/initiate', headers })).statusCode,
      401,
    );
    await world.server.flushUsage();
    const list = await get(`/my/help?app=${classic.client.id}`, ada);
    const link = /href="(\/my\/help\?app=[^"]+failure=\d+)"/
      .exec(list.body)?.[1]
      ?.replaceAll('&amp;', '&');
    assert.ok(link, list.body);
    assert.match((await get(link, ada)).body, /What the server signs over/);
    assert.doesNotMatch((await get(link, ben)).body, /What the server signs over/);
  });

  test('a refused token request is kept without what was sent as a secret', async () => {
    await world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: basicHeader(modern.client.id, modern.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload:
        'grant_type=authorization_code&code=no-such-code&code_verifier=some-verifier&redirect_uri=https%3A%2F%2Fapp.example%2Fcb',
    });
    await world.server.flushUsage();
    const page = await get(`/my/help?app=${modern.client.id}`, ada);
    assert.match(page.body, /The code or refresh token cannot be used/);
    assert.match(page.body, /authentication=header/);
    const kept = JSON.stringify(await world.server.store.listFailures(modern.client.id, 20));
    for (const secret of [modern.secret, 'no-such-code', 'some-verifier'])
      assert.ok(!kept.includes(secret));
  });

  test('an app has twenty kept requests at most, and strangers fill nobody’s list', async () => {
    for (let turn = 0; turn < 45; turn++) {
      const headers = signedHeader(
        world,
        'POST',
        '/oauth1/initiate',
        { key: classic.client.id, secret: 'x' },
        null,
        {
          oauth_callback: 'oob',
        },
      );
      await world.app.inject({ method: 'POST', url: '/oauth1/initiate', headers });
      if (turn % 15 === 0) await world.server.flushUsage();
    }
    const unknown = signedHeader(
      world,
      'POST',
      '/oauth1/initiate',
      { key: 'e'.repeat(32), secret: 'x' },
      null,
      { oauth_callback: 'oob' },
    );
    await world.app.inject({ method: 'POST', url: '/oauth1/initiate', headers: unknown });
    await world.server.flushUsage();
    assert.equal((await world.server.store.listFailures(classic.client.id, 100)).length, 20);
    assert.deepEqual(await world.server.store.listFailures('e'.repeat(32) as never, 100), []);
  });

  test('requests as people copy them', () => {
    const read = (text: string) => {
      const answer = parsePastedRequest(text);
      return answer.ok ? answer.value : undefined;
    };
    const posted = read(
      'post https://api.example/a?b=c HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\nx=1&y=2\n',
    );
    assert.deepEqual(
      [posted?.method, posted?.target, posted?.body?.toString()],
      ['post', '/a?b=c', 'x=1&y=2'],
    );
    assert.equal(read('GET /path')?.target, '/path');
    assert.equal(read('GET https://api.example')?.target, '/');
    assert.equal(read('GET\t HTTPS://api.example?a=b')?.target, '/?a=b');
    assert.equal(
      read('\r\n  GET path HTTP/1.1  \r\nHost: api.example\r\n \t\r\n')?.target,
      '/path',
    );
    assert.deepEqual(
      { ...read('GET /\nAccept: a\naccept:\t b \n__proto__: c')?.headers },
      { accept: ['a', 'b'], ['__proto__']: ['c'] },
    );
    for (const text of [
      '',
      'GET',
      'https://api.example/',
      'GET https://api.example/\nnot a header line',
      'GET / HTTP/1.1 more',
    ])
      assert.equal(read(text), undefined, text);
    for (const text of [
      'GET https:///a',
      'GET https://',
      'GET https://?a',
      'GET /#a',
      'GET /\n: value',
      'GET /\na: b\u2028c',
      'G=T /',
    ])
      assert.equal(read(text), undefined, text);
  });

  test('a pasted text has a bound, and what is shown again is cut there', async () => {
    const request = pasted('/oauth1/initiate');
    const filled = (text: string, most: number) => text + ' '.repeat(most - text.length);
    assert.equal(
      (await explain(ada, { app: classic.client.id, request: filled(request, 16_384) })).statusCode,
      200,
    );
    for (const fields of [
      { request: filled(request, 16_385) },
      { request: `${request}${'é'.repeat(9000)}` },
      { request, theirs: 'x'.repeat(16_385) },
    ]) {
      const page = await explain(ada, { app: classic.client.id, ...fields });
      assert.equal(page.statusCode, 400);
      assert.match(page.body, /at most 16384 bytes/);
    }
  });
});
