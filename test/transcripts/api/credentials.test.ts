import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader } from '#harness/world.ts';
import { apiRoutes } from '#http/api/api.ts';
import { Desk, type Part, problemIn, refused, routeOf, urlOf } from './desk.ts';
import { approved, bodyOf, hidden, plain, proposed, type Row, rows } from './rows.ts';

describe('credentials', () => {
  // Who may call at all: tokens, signatures and sessions, and what none of them may do.

  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  const challenge = (error: string) => new RegExp(`^Bearer realm="gatehouse", error="${error}"`);

  for (const { id, method, path, scope } of apiRoutes) {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    const name = `${method} ${path}`;

    if (scope !== 'public') {
      test(`${name} without credentials is a 401 with a challenge`, async () => {
        const answer = await desk.call(id, {}, { by: 'nothing', body });
        refused(answer, 401, 'not_logged_in');
        assert.equal(answer.headers['www-authenticate'], 'Bearer realm="gatehouse"');
      });
    }

    test(`${name} never ignores a header that does not hold, even beside a session`, async () => {
      const cookie = await desk.session('ada');
      for (const [authorization, status, wanted] of [
        ['Bearer nonsense', 401, challenge('invalid_token')],
        [
          `Bearer ${(await desk.token('ada', ['editpage'])).slice(0, -3)}abc`,
          401,
          challenge('invalid_token'),
        ],
        ['Bearer', 400, challenge('invalid_request')],
        [basicHeader('a', 'b'), 401, /^Bearer realm="gatehouse", OAuth realm="gatehouse"$/],
        [
          'OAuth oauth_token="x"',
          400,
          /^OAuth realm="gatehouse", oauth_problem="parameter_absent", oauth_parameters_absent="oauth_consumer_key", /,
        ],
      ] as const) {
        const answer = await desk.call(
          id,
          {},
          { by: 'nothing', body, headers: { ...cookie, authorization } },
        );
        refused(answer, status, 'invalid_token');
        assert.match(String(answer.headers['www-authenticate']), wanted);
      }
    });

    if (scope !== null && scope !== 'public') {
      test(`${name} with a token or signature of another scope is insufficient_scope`, async () => {
        const scopes = [
          scope === 'gatehouse:clients' ? 'gatehouse:consents' : 'gatehouse:clients',
          'editpage',
        ];
        for (const by of ['token', 'signature'] as const) {
          const answer = await desk.call(id, {}, { as: 'root', by, scopes, body });
          refused(answer, 403, 'insufficient_scope', { scope });
          assert.equal(
            answer.headers['www-authenticate'],
            `Bearer realm="gatehouse", error="insufficient_scope", scope="${scope}"`,
          );
        }
      });
    }

    test(`${name} by a session is refused from another origin${method === 'GET' ? '' : ', and without the form proof'}`, async () => {
      const row = rows[id] as Row;
      const ids = (await row.ready?.(desk)) ?? {};
      const said = { ...row, by: 'nothing', body: bodyOf(row, desk) } as const;
      const session = await desk.session(row.as);
      const { cookie = '' } = session;
      const strange: Record<string, string>[] = [
        { ...session, origin: 'https://evil.example' },
        { ...session, origin: 'null' },
        { ...session, 'sec-fetch-site': 'cross-site' },
        { ...session, 'sec-fetch-site': 'same-site' },
      ];
      const unproven: Record<string, string>[] = [
        { cookie },
        { cookie, 'x-csrf-token': 'x' },
        { cookie, ...(await others(row.as)) },
      ];
      for (const headers of [...strange, ...(method === 'GET' ? [] : unproven)])
        refused(await desk.call(id, ids, { ...said, headers }), 403, 'cross_site');
      const ours = {
        ...(method === 'GET' ? { cookie } : session),
        origin: 'https://gate.example',
        'sec-fetch-site': 'same-origin',
      };
      const answer = await desk.call(id, ids, { ...said, headers: ours });
      assert.ok(answer.statusCode < 300, answer.body);
    });
  }

  /** The form proof of somebody else's session. */
  async function others(part: Part): Promise<Record<string, string>> {
    const { 'x-csrf-token': proof = '' } = await desk.session(part === 'dan' ? 'mia' : 'dan');
    return { 'x-csrf-token': proof };
  }

  test('a session that ended counts for nothing', async () => {
    const answer = await desk.call(
      'whoAmI',
      {},
      { by: 'nothing', headers: { cookie: '__Host-gatehouse=unknown' } },
    );
    refused(answer, 401, 'not_logged_in');
  });

  test('two Authorization fields are refused, whichever holds', async () => {
    const { app } = desk.world;
    const good = `Bearer ${await desk.token('ada', ['gatehouse:clients'])}`;
    for (const two of [
      [good, 'Bearer x'],
      ['Bearer x', good],
      [good, good],
    ]) {
      const answer = await app.inject({
        url: '/api/v1/me',
        headers: { authorization: two } as never,
      });
      assert.ok([400, 401].includes(answer.statusCode));
      assert.equal(problemIn(answer), 'invalid_token');
    }
  });

  test('a token in the query or the body is none', async () => {
    const token = await desk.token('ada', ['gatehouse:clients']);
    refused(
      await desk.call('listInvitations', {}, { by: 'nothing', query: `?access_token=${token}` }),
      401,
      'not_logged_in',
    );
    const body = { ...plain(desk), access_token: token };
    refused(await desk.call('proposeClient', {}, { by: 'nothing', body }), 401, 'not_logged_in');
  });

  test('an app that acts for itself has nobody behind it: it reads what everybody may, and nothing else', async () => {
    const { client, secret } = await desk.world.createClient(desk.people.ada, {
      ...{
        name: desk.fresh('service'),
        grantTypes: ['client_credentials'],
        scopes: ['gatehouse:clients', 'gatehouse:review'],
      },
    });
    const bought = await desk.world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: basicHeader(client.id, secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: 'grant_type=client_credentials',
    });
    const headers = { authorization: `Bearer ${bought.json().access_token}` };
    const ids = await approved(desk);
    assert.equal((await desk.call('getClient', ids, { by: 'nothing', headers })).statusCode, 200);
    for (const id of ['whoAmI', 'listReviews', 'listInvitations', 'getTeam'])
      refused(await desk.call(id, ids, { by: 'nothing', headers }), 401, 'not_logged_in');
    refused(
      await desk.call('proposeClient', {}, { by: 'nothing', headers, body: plain(desk) }),
      401,
      'not_logged_in',
    );
    refused(
      await desk.call('approveClient', await proposed(desk), { by: 'nothing', headers, body: {} }),
      401,
      'not_logged_in',
    );
  });

  // Rights are the person's and the token's: whatever either lacks is missing.

  test('a token shows the rights of its person that its scopes lend', async () => {
    const rights = async (as: Part, scopes: readonly string[]) =>
      (await desk.call('whoAmI', {}, { as, scopes }))
        .json()
        .rights.filter((right: string) => right.startsWith('mwoauth'));
    assert.deepEqual(await rights('root', ['gatehouse:review']), [
      'mwoauthmanageconsumer',
      'mwoauthsuppress',
      'mwoauthviewsuppressed',
    ]);
    assert.deepEqual(await rights('ben', ['gatehouse:review']), []);
    assert.deepEqual(await rights('root', ['gatehouse:clients']), [
      'mwoauthproposeconsumer',
      'mwoauthupdateownconsumer',
    ]);
  });

  test('a reviewer’s token for apps alone does not review: no decision, no look behind, no hidden app', async () => {
    const over = { as: 'rex', scopes: ['gatehouse:clients'] } as const;
    const ids = await proposed(desk);
    for (const id of ['approveClient', 'rejectClient', 'disableClient', 'haltClient'])
      refused(await desk.call(id, ids, { ...over, body: {} }), 403, 'insufficient_scope', {
        scope: 'gatehouse:review',
      });
    for (const id of ['impactOfClient', 'listRevisions', 'getTeam', 'auditOfClient'])
      refused(await desk.call(id, ids, over), 403, 'permission_denied');
    refused(
      await desk.call('listClients', {}, { ...over, query: '?orphaned=true' }),
      403,
      'permission_denied',
    );
    assert.deepEqual((await desk.call('getClient', ids, over)).json().hidden, [
      'email',
      'restrictions',
    ]);
    const gone = await hidden(desk);
    refused(await desk.call('getClient', gone, over), 404, 'invalid_consumer_key');
    assert.equal(
      (await desk.call('getClient', gone, { as: 'rex', scopes: ['gatehouse:review'] })).statusCode,
      200,
    );
    assert.equal((await desk.client(ids)).stage, 'proposed');
  });

  test('a developer’s token with the scope to review lends what they do not have: nothing', async () => {
    const ids = await proposed(desk);
    refused(
      await desk.call('approveClient', ids, { as: 'ada', body: {} }),
      403,
      'permission_denied',
      { right: 'mwoauthmanageconsumer' },
    );
  });

  test('a signature over another address, another nonce twice, or by another secret does not hold', async () => {
    const made = await desk.world.createClient(desk.people.ada, {
      ...{
        name: desk.fresh('signer'),
        protocol: 'oauth1',
        ownerOnly: true,
        redirectUri: '',
        grantTypes: [],
        scopes: ['gatehouse:clients'],
      },
    });
    const pair = { key: made.client.id, secret: made.secret };
    const token = { key: made.credentials?.token ?? '', secret: made.credentials?.secret ?? '' };
    const me = urlOf(routeOf('whoAmI'), {});
    const say = async (headers: Record<string, string>) =>
      desk.call('whoAmI', {}, { by: 'nothing', headers });
    const once = signedHeader(desk.world, 'GET', me, pair, token);
    assert.equal((await say(once)).json().name, 'Ada');
    for (const headers of [
      once,
      signedHeader(desk.world, 'GET', `${me}?x=1`, pair, token),
      signedHeader(desk.world, 'POST', me, pair, token),
      signedHeader(desk.world, 'GET', me, { ...pair, secret: 'x' }, token),
    ])
      refused(await say(headers), 401, 'invalid_token');
  });

  test('a token stops at once: when it is revoked, when its app is switched off, when its person is blocked', async () => {
    const { store } = desk.world.server;
    const made = await desk.world.createClient(desk.people.mia, {
      ...{
        name: desk.fresh('script'),
        ownerOnly: true,
        redirectUri: '',
        grantTypes: ['client_credentials'],
        scopes: ['gatehouse:clients'],
      },
    });
    const say = () =>
      desk.call(
        'whoAmI',
        {},
        { by: 'nothing', headers: { authorization: `Bearer ${made.accessToken}` } },
      );
    const ids = { client_id: made.client.id };
    assert.equal((await say()).statusCode, 200);
    await desk.act('operator', 'halt', ids, { suspension: 'all' });
    refused(await say(), 401, 'invalid_token');
    await desk.act('operator', 'halt', ids, { suspension: 'none' });
    await desk.act('operator', 'disable', ids, { suppress: false });
    refused(await say(), 401, 'invalid_token');
    await desk.act('operator', 'reenable', ids);
    await store.setBlocked(desk.people.mia.id, true);
    refused(await say(), 401, 'invalid_token');
    refused(await desk.call('whoAmI', {}, { as: 'mia', by: 'session' }), 401, 'not_logged_in');
    await store.setBlocked(desk.people.mia.id, false);
    assert.equal((await say()).statusCode, 200);
  });

  test('every route refuses a token that expired', async () => {
    for (const { id, scope } of apiRoutes)
      await desk.vouch(id, {
        as: 'ada',
        by: 'token',
        scopes: [scope === null || scope === 'public' ? 'gatehouse:clients' : scope],
      });
    desk.world.advanceClock(3600);
    for (const { id, method } of apiRoutes) {
      const answer = await desk.call(
        id,
        {},
        { as: 'ada', by: 'token', body: method === 'POST' || method === 'PATCH' ? {} : undefined },
      );
      refused(answer, 401, 'invalid_token');
      assert.match(
        String(answer.headers['www-authenticate']),
        /^Bearer realm="gatehouse", error="invalid_token", error_description="The token expired\."$/,
      );
    }
  });
});
