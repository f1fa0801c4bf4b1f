import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { SiteId } from '#kernel/ids.ts';

describe('hostile authorization', () => {
  // Values of Authorization that prove nothing, at every door: none is taken, none is a fault, each
  // answer has the shape of its door.

  const values = JSON.parse(
    readFileSync(new URL('data/hostile-authorization.json', import.meta.url), 'utf8'),
  ) as readonly string[];

  let world: TestServer;
  const known = new Map<string, string>();

  before(async () => {
    world = new TestServer();
    const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
    const app = await world.createClient(ada, {
      name: 'app',
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
    const signer = await world.createClient(ada, {
      name: 'signer',
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: [],
    });
    const bought = await world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: basicHeader(app.client.id, app.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams({
        grant_type: 'authorization_code',
        code: await world.issueCode(app, ben),
        redirect_uri: 'https://app.example/cb',
      }).toString(),
    });
    const { access_token, refresh_token } = bought.json();
    const wrong = Buffer.from(`${app.client.id}:wrong`).toString('base64').replace(/=+$/, '');
    for (const [name, value] of Object.entries({
      id: app.client.id,
      secret: app.secret,
      basic: wrong,
      token: access_token,
      refresh: refresh_token,
      code: await world.issueCode(app, ben),
      now: String(world.now),
      signer: signer.client.id,
      'signer-secret': signer.secret,
      'signed-token': signer.credentials?.token ?? '',
    }))
      known.set(name, value);
  });
  after(() => world.close());

  const filled = (value: string) =>
    value.replace(/\{([a-z-]+)\}/g, (whole, name: string) => known.get(name) ?? whole);
  const form = 'application/x-www-form-urlencoded';

  type Answer = Awaited<ReturnType<TestServer['app']['inject']>>;
  interface Door {
    readonly name: string;
    readonly method: 'GET' | 'POST';
    readonly url: string;
    readonly body?: string;
    readonly statuses: readonly number[];
    /** Throws unless it is a refusal in the shape of this door. */
    readonly shape: (answer: Answer) => void;
  }

  const oauth2Error = (answer: Answer) => {
    assert.match(String(answer.headers['content-type']), /^application\/json/);
    assert.match(answer.json().error, /^(?:invalid_client|invalid_request)$/);
    if (answer.statusCode === 401)
      assert.match(String(answer.headers['www-authenticate']), /^Basic realm=/);
  };
  const oauth1Error = (answer: Answer) => {
    assert.match(String(answer.headers['content-type']), /^application\/x-www-form-urlencoded/);
    assert.match(answer.body, /^oauth_problem=[a-z_]+/);
  };
  const dialectError = (answer: Answer) => assert.match(answer.body, /^(?:Error: |\{"error":)/);
  const restError = (answer: Answer) =>
    assert.ok(answer.json().error ?? answer.json().errorKey ?? answer.json().message);

  const doors: readonly Door[] = [
    {
      name: 'token',
      method: 'POST',
      url: '/oauth2/token',
      body: 'grant_type=client_credentials',
      statuses: [400, 401],
      shape: oauth2Error,
    },
    {
      name: 'introspection',
      method: 'POST',
      url: '/oauth2/introspect',
      body: 'token={token}',
      statuses: [400, 401],
      shape: oauth2Error,
    },
    {
      name: 'revocation',
      method: 'POST',
      url: '/oauth2/revoke',
      body: 'token={token}',
      statuses: [400, 401],
      shape: oauth2Error,
    },
    {
      name: 'the JSON API',
      method: 'GET',
      url: '/api/v1/me',
      statuses: [400, 401, 403],
      shape: (answer) => {
        assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
        assert.equal(typeof answer.json().type, 'string');
        if (answer.statusCode === 401)
          assert.match(String(answer.headers['www-authenticate']), /Bearer|OAuth/);
      },
    },
    {
      name: 'temporary credentials',
      method: 'POST',
      url: '/oauth1/initiate',
      statuses: [400, 401, 403],
      shape: oauth1Error,
    },
    {
      name: 'token credentials',
      method: 'POST',
      url: '/oauth1/token',
      statuses: [400, 401, 403],
      shape: oauth1Error,
    },
    {
      name: 'access_token of the dialect',
      method: 'POST',
      url: '/w/rest.php/oauth2/access_token',
      body: 'grant_type=client_credentials',
      statuses: [400, 401, 403],
      shape: restError,
    },
    {
      name: 'profile of the dialect',
      method: 'GET',
      url: '/w/rest.php/oauth2/resource/profile',
      statuses: [400, 401, 403],
      shape: restError,
    },
    {
      name: 'apps of the dialect',
      method: 'GET',
      url: '/w/rest.php/oauth2/client',
      statuses: [400, 401, 403, 404],
      shape: restError,
    },
    ...['initiate', 'token', 'identify'].map((sub) => ({
      name: `${sub} of the dialect`,
      method: 'POST' as const,
      url: `/w/index.php?title=Special:OAuth/${sub}`,
      statuses: [200],
      shape: dialectError,
    })),
    {
      name: 'api.php',
      method: 'GET',
      url: '/w/api.php?action=query&meta=userinfo',
      statuses: [200],
      shape: (answer) => {
        const { error, query } = answer.json();
        // Without a scheme of its own it is a request of a stranger, as there.
        assert.ok(error ? /^mwoauth-/.test(error.code) : query.userinfo.id === 0);
      },
    },
  ];

  test('the corpus has its size', () =>
    assert.ok(new Set(values).size >= 150, String(values.length)));

  for (const door of doors)
    describe(door.name, () => {
      for (const [at, value] of values.entries())
        test(`${at}: ${JSON.stringify(value).slice(0, 80)}`, async () => {
          const answer = await world.app.inject({
            method: door.method,
            url: door.url,
            headers: {
              authorization: filled(value),
              ...(door.body === undefined ? {} : { 'content-type': form }),
            },
            ...(door.body === undefined ? {} : { payload: filled(door.body) }),
          });
          assert.ok(
            door.statuses.includes(answer.statusCode),
            `${answer.statusCode} ${answer.body.slice(0, 200)}`,
          );
          door.shape(answer);
          for (const name of ['secret', 'signer-secret', 'refresh'])
            assert.ok(!answer.body.includes(known.get(name) ?? '?'), `${name} in the answer`);
        });
    });

  test('the guard refuses each, with a challenge', async () => {
    for (const value of values) {
      const sent = {
        method: 'GET',
        target: '/',
        headers: { authorization: filled(value) },
        body: undefined,
        address: '192.0.2.1',
        secure: true,
      };
      const permit = await world.server.guard.permit(sent, 'main' as SiteId);
      assert.equal(permit.ok, false, value);
      if (!permit.ok)
        assert.ok(
          [400, 401, 403].includes(permit.refusal.status) && permit.refusal.wwwAuthenticate !== '',
          value,
        );
    }
  });

  test('after all of them the token works, and nothing was spent', async () => {
    const answer = await world.app.inject({
      url: '/w/rest.php/oauth2/resource/profile',
      headers: { authorization: `Bearer ${known.get('token')}` },
    });
    assert.equal(answer.statusCode, 200);
  });
});
