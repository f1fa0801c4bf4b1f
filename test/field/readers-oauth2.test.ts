import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { basicHeader, TestServer } from '#harness/world.ts';

describe('readers oauth2', () => {
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let web: Awaited<ReturnType<TestServer['createClient']>>;
  let pocket: Awaited<ReturnType<TestServer['createClient']>>;
  let worker: Awaited<ReturnType<TestServer['createClient']>>;
  let cookie = '';
  let bearer = '';
  const verifier = 'v'.repeat(43);
  const challenge = createHash('sha256').update(verifier).digest('base64url');

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada', ['developer']);
    ben = await world.createPerson('Ben');
    web = await world.createClient(ada, { name: 'Web', pkceOptional: true });
    pocket = await world.createClient(ada, { name: 'Pocket', confidential: false });
    worker = await world.createClient(ada, { name: 'Worker', grantTypes: ['client_credentials'] });
    cookie = await world.sessionCookie(ben);
    bearer = (await post('/w/rest.php/oauth2/access_token', bodyCredentials())).json().access_token;
  });
  after(() => world.close());

  const post = (
    url: string,
    form: Record<string, string> | string,
    headers: Record<string, string> = {},
  ) =>
    world.app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
    });
  const bodyCredentials = () => ({
    grant_type: 'client_credentials',
    client_id: worker.client.id,
    client_secret: worker.secret,
  });

  for (const [what, authorization, dialect] of [
    ['Digest', () => 'Digest username="x"', 200],
    ['Basic that is no base64', () => 'Basic !!!', 200],
    ['Basic without a colon', () => `Basic ${Buffer.from('x').toString('base64')}`, 200],
    ['an empty Basic', () => 'Basic', 200],
    ['Negotiate', () => 'Negotiate abc', 200],
    ['a live bearer token', () => `Bearer ${bearer}`, 200],
    ['a bearer token that does not hold', () => 'Bearer nonsense', 403],
    ['a malformed bearer token', () => 'Bearer a b', 403],
    ['a signature that does not hold', () => 'OAuth oauth_token="x"', 403],
  ] as const)
    test(`good credentials in the body beside ${what}: the dialect looks at the body, the core refuses (RFC 6749 §2.3)`, async () => {
      const headers = { authorization: authorization() };
      assert.equal(
        (await post('/w/rest.php/oauth2/access_token', bodyCredentials(), headers)).statusCode,
        dialect,
      );
      const core = await post('/oauth2/token', bodyCredentials(), headers);
      assert.equal(core.statusCode, 401);
      assert.match(core.json().error_description, /Basic/);
    });

  for (const door of ['core', 'mediawiki'] as const) {
    const url = door === 'core' ? '/oauth2/token' : '/w/rest.php/oauth2/access_token';
    const redeem = async (headers: Record<string, string>, more: Record<string, string> = {}) => {
      const code = await world.issueCode(pocket, ben, challenge, door);
      const form = {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: pocket.client.redirectUri,
        ...more,
      };
      return post(url, form, headers);
    };
    test(`${door}: a public client names itself by Basic with an empty secret`, async () => {
      assert.equal(
        (await redeem({ authorization: basicHeader(pocket.client.id, '') })).statusCode,
        200,
      );
      assert.equal(
        (
          await redeem(
            { authorization: basicHeader(pocket.client.id, '') },
            { client_id: pocket.client.id },
          )
        ).statusCode,
        200,
      );
    });
    test(`${door}: a confidential client with an empty secret is not let in`, async () => {
      const form = { grant_type: 'client_credentials' };
      assert.notEqual(
        (await post(url, form, { authorization: basicHeader(worker.client.id, '') })).statusCode,
        200,
      );
    });
    test(`${door}: several resource indicators are no repetition (RFC 8707 §2)`, async () => {
      const form = `${new URLSearchParams(bodyCredentials())}&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example`;
      assert.equal((await post(url, form)).statusCode, 200);
      assert.equal((await post(url, `${form}&scope=editpage&scope=editpage`)).statusCode, 400);
    });
  }

  test('the core still refuses a public client that shows a secret', async () => {
    const code = await world.issueCode(pocket, ben, challenge);
    const form = {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: pocket.client.redirectUri,
    };
    assert.equal(
      (await post('/oauth2/token', form, { authorization: basicHeader(pocket.client.id, 'x') }))
        .statusCode,
      401,
    );
  });

  /**
   * Asks at a front door as Ben, and denies: answers where the app is told, with the state as it
   * came back.
   */
  async function throughTheDoor(path: string, state: string, method: 'GET' | 'POST' = 'GET') {
    const asked = `client_id=${web.client.id}&response_type=code&redirect_uri=${encodeURIComponent(web.client.redirectUri)}&prompt=none&resource=a&resource=b&state=${state}`;
    const headers = {
      cookie,
      ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    };
    const answer =
      method === 'GET'
        ? await world.app.inject({ method, url: `${path}?${asked}`, headers })
        : await world.app.inject({ method, url: path, headers, payload: asked });
    return {
      status: answer.statusCode,
      params: new URL(String(answer.headers.location ?? 'about:blank')).searchParams,
      body: answer.body,
    };
  }

  const states: readonly (readonly [what: string, sent: string, value: string])[] = [
    ['2,048 plain bytes', 's'.repeat(2048), 's'.repeat(2048)],
    ['a raw backslash', 'a\\b', 'a\\b'],
    ['an escaped backslash and quotes', '%5C%22%27', '\\"\''],
    ['letters beyond ASCII', '%C3%A9%E2%82%AC%F0%9F%90%98', 'é€🐘'],
    ['a plus, a space, a percent sign', 'a%2Bb+c%20d%25', 'a+b c d%'],
    ['a line break', 'a%0D%0Ab', 'a\r\nb'],
    ['JSON in base64', 'eyJhIjoxfQ%3D%3D', 'eyJhIjoxfQ=='],
    ['escapes of together 2,046 bytes', '%5C'.repeat(682), '\\'.repeat(682)],
  ];
  for (const path of ['/oauth2/authorize', '/w/rest.php/oauth2/authorize'])
    for (const [what, sent, value] of states)
      test(`${path} gives a state of ${what} back byte for byte`, async () => {
        const { params, status } = await throughTheDoor(path, sent);
        assert.equal(status, 303);
        // The whole way: the decision is asked for, or the answer is sent at once.
        assert.equal(params.get('state'), value);
      });
  test('a state in a posted request comes back, too', async () => {
    assert.equal(
      (await throughTheDoor('/oauth2/authorize', '%5C%C3%A9', 'POST')).params.get('state'),
      '\\é',
    );
  });
  for (const [what, sent] of [
    ['2,049 plain bytes', 's'.repeat(2049)],
    ['683 escapes, which are 2,049 bytes as sent', '%5C'.repeat(683)],
    ['few letters of many bytes', '%F0%9F%90%98'.repeat(171)],
  ] as const)
    for (const method of ['GET', 'POST'] as const)
      test(`a state of ${what} is refused by the name of the bound (${method})`, async () => {
        const { params } = await throughTheDoor('/oauth2/authorize', sent, method);
        assert.equal(params.get('error'), 'invalid_request');
        assert.match(String(params.get('error_description')), /state .*2048 bytes/);
        assert.equal(params.get('state'), null);
      });

  test('the dialect keeps to the bound as sent, and tells the person on a page', async () => {
    const { status, body } = await throughTheDoor(
      '/w/rest.php/oauth2/authorize',
      '%5C'.repeat(683),
    );
    assert.equal(status, 400);
    assert.match(body, /state: 2048 bytes/);
  });

  test('a backslash in the state survives the sign-in', async () => {
    const url = `/oauth2/authorize?client_id=${web.client.id}&response_type=code&state=a\\b`;
    const away = await world.app.inject({ url });
    const back = new URL(String(away.headers.location), 'https://gate.example').searchParams.get(
      'returnto',
    );
    assert.match(String(back), /^\/oauth2\/authorize\?.*state=a%5Cb$/);
  });
});
