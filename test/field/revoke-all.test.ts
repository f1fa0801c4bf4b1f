import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { AuthorizationCode } from 'simple-oauth2';
import type { Account } from '#accounts/account.ts';
import { basicHeader, TestServer } from '#harness/world.ts';

describe('revoke all', () => {
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let made: Awaited<ReturnType<TestServer['createClient']>>;

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada', ['developer']);
    ben = await world.createPerson('Ben');
    made = await world.createClient(ada, { name: 'Reader', pkceOptional: true });
  });
  after(() => world.close());

  const post = (url: string, form: Record<string, string>) =>
    world.app.inject({
      method: 'POST',
      url,
      headers: {
        authorization: basicHeader(made.client.id, made.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams(form).toString(),
    });

  for (const [what, token] of [
    ['an unknown token', () => 'nonsense'],
    [
      'a live token',
      async () => {
        const code = await world.issueCode(made, ben);
        const answer = await post('/oauth2/token', {
          grant_type: 'authorization_code',
          code,
          redirect_uri: made.client.redirectUri,
        });
        return answer.json().refresh_token as string;
      },
    ],
  ] as const)
    test(`revocation of ${what} is answered with JSON that can be parsed (RFC 7009 §2.2)`, async () => {
      const answer = await post('/oauth2/revoke', { token: await token() });
      assert.equal(answer.statusCode, 200);
      assert.match(String(answer.headers['content-type']), /^application\/json/);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.deepEqual(answer.json(), {});
    });

  test('simple-oauth2: revokeAll() ends both tokens and resolves', async () => {
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    if (!world.app.server.listening) await once(world.app.server, 'listening');
    const { port } = world.app.server.address() as AddressInfo;
    const client = new AuthorizationCode({
      client: { id: made.client.id, secret: made.secret },
      auth: {
        tokenHost: `http://127.0.0.1:${port}`,
        tokenPath: '/oauth2/token',
        revokePath: '/oauth2/revoke',
      },
    });
    const code = await world.issueCode(made, ben);
    const token = await client.getToken({ code, redirect_uri: made.client.redirectUri });
    await token.revokeAll();
    for (const one of [token.token.access_token, token.token.refresh_token])
      assert.equal((await post('/oauth2/introspect', { token: String(one) })).json().active, false);
  });
});
