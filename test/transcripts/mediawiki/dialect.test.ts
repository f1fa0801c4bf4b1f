import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { OPERATOR } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';

describe('dialect', () => {
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let client: Client;
  let pair: CredentialPair;

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    const made = await world.createClient(ada, {
      name: 'tool',
      protocol: 'oauth1',
      redirectUri: 'https://tool.example/cb',
      scopes: ['editpage'],
    });
    client = made.client;
    pair = { key: client.id, secret: made.secret };
  });
  after(() => world.close());

  type Over = Readonly<Record<string, string | undefined>>;
  async function send(
    method: 'GET' | 'POST',
    target: string,
    token: CredentialPair | null,
    over: Over = {},
    body?: string,
  ) {
    const headers = signedHeader(world, method, target, pair, token, over, {
      profile: 'mediawiki',
      ...(body === undefined ? {} : { body }),
    });
    return world.app.inject({
      method,
      url: target,
      headers,
      ...(body === undefined ? {} : { payload: body }),
    });
  }

  /** Every address that routes to Special:OAuth/initiate (protocols 1.1). */
  const shapes: readonly (readonly ['GET' | 'POST', string, string?])[] = [
    ['POST', '/w/index.php?title=Special:OAuth/initiate'],
    ['GET', '/w/index.php?title=Special:OAuth/initiate'],
    ['POST', '/w/index.php?title=Special%3AOAuth%2Finitiate'],
    ['POST', '/w/index.php', 'title=Special%3AMWOauth%2Finitiate'],
    ['GET', '/wiki/Special:OAuth/initiate'],
    ['POST', '/wiki/Special:OAuth/initiate'],
    ['POST', '/wiki/Special%3AOAuth%2Finitiate'],
    ['POST', '/w/index.php/Special:OAuth/initiate'],
    ['POST', '/w/index.php?title=Special:Oauth/initiate'],
    ['GET', '/w/index.php?title=Special:MWOAuth/initiate'],
    ['GET', '/wiki/special:oauth/initiate'],
    ['GET', '/w/index.php?title=:Special:OAuth/initiate'],
  ];
  for (const [method, target, body] of shapes) {
    test(`${method} ${target} ${body ?? ''} is initiate, and is not redirected`, async () => {
      const answer = await send(method, target, null, { oauth_callback: 'oob' }, body);
      assert.equal(answer.statusCode, 200);
      assert.match(
        answer.body,
        /^oauth_token=[0-9a-f]{32}&oauth_token_secret=[0-9a-f]{32}&oauth_callback_confirmed=true$/,
      );
      assert.match(String(answer.headers['content-type']), /^text\/plain/);
      assert.match(String(answer.headers['cache-control']), /no-store/);
    });
  }

  const json = async (
    sub: string,
    token: CredentialPair | null,
    over: Over,
    method: 'GET' | 'POST' = 'POST',
  ) => {
    const answer = await send(
      method,
      `/w/index.php?title=Special:OAuth/${sub}&format=json`,
      token,
      over,
    );
    assert.equal(answer.statusCode, 200, 'errors of the handshake are status 200');
    return answer.json() as Record<string, string>;
  };

  const initiateErrors: readonly (readonly [string, Over, string, RegExp])[] = [
    [
      'no key',
      { oauth_consumer_key: undefined, oauth_callback: 'oob' },
      'mwoauth-oauth-exception',
      /Invalid consumer key$/,
    ],
    [
      'an unknown key',
      { oauth_consumer_key: 'f'.repeat(32), oauth_callback: 'oob' },
      'mwoauth-oauth-exception',
      /Invalid consumer$/,
    ],
    [
      'another version',
      { oauth_version: '1.0a', oauth_callback: 'oob' },
      'mwoauth-oauth-exception',
      /OAuth version '1.0a' not supported/,
    ],
    [
      'HMAC-SHA256',
      { oauth_signature_method: 'HMAC-SHA256', oauth_callback: 'oob' },
      'mwoauth-oauth-exception',
      /not supported try one of the following: HMAC-SHA1, RSA-SHA1$/,
    ],
    [
      'an old timestamp',
      { oauth_timestamp: '1700000000', oauth_callback: 'oob' },
      'mwoauth-oauth-exception',
      /Expired timestamp, yours 1700000000, ours \d+$/,
    ],
    [
      'no timestamp',
      { oauth_timestamp: undefined, oauth_callback: 'oob' },
      'mwoauth-oauth-exception',
      /Missing timestamp parameter/,
    ],
    [
      'no nonce',
      { oauth_nonce: undefined, oauth_callback: 'oob' },
      'mwoauth-oauth-exception',
      /Missing nonce parameter/,
    ],
    [
      'another callback',
      { oauth_callback: 'https://tool.example/cb' },
      'mwoauth-callback-not-oob',
      /oob/,
    ],
    ['no callback', {}, 'mwoauth-callback-not-oob', /oob/],
  ];
  for (const [what, over, key, text] of initiateErrors) {
    test(`initiate with ${what} answers ${key}`, async () => {
      const { error, message } = await json('initiate', null, over);
      assert.equal(error, key);
      assert.match(message ?? '', text);
    });
  }

  test('raw errors begin with "Error: " and are status 200', async () => {
    const answer = await send('GET', '/wiki/Special:OAuth/initiate', null, {
      oauth_callback: 'no',
    });
    assert.equal(answer.statusCode, 200);
    assert.match(answer.body, /^Error: /);
  });

  async function tokens(): Promise<CredentialPair> {
    const temporary = await json('initiate', null, { oauth_callback: 'oob' });
    const token = { key: temporary.key ?? '', secret: temporary.secret ?? '' };
    assert.equal(
      (await json('token', token, { oauth_verifier: 'x' })).error,
      'mwoauthdatastore-bad-token',
    );
    const { services } = world.server;
    const consent = await world.consents.accept(client, ben, client.scopes);
    const done = await services.protocols.dialect?.oauth1.authorizeUnderConsent(
      token.key,
      client,
      consent,
    );
    assert.ok(done?.ok && done.value.kind === 'redirect');
    const back = new URL(done.value.uri);
    assert.deepEqual([...back.searchParams.keys()], ['oauth_verifier', 'oauth_token']);
    const verifier = back.searchParams.get('oauth_verifier') ?? '';
    assert.equal(
      (await json('token', token, { oauth_verifier: 'wrong' })).error,
      'mwoauthdatastore-bad-verifier',
    );
    const bought = await json('token', token, { oauth_verifier: verifier });
    assert.equal(bought.oauth_callback_confirmed, 'true');
    const again = await json('token', token, { oauth_verifier: verifier });
    assert.equal(again.error, 'mwoauthdatastore-request-token-already-used');
    assert.match(again.message ?? '', /E009/);
    return { key: bought.key ?? '', secret: bought.secret ?? '' };
  }

  test('token errors, then identify: an HS256 JWT under the secret, bound to the nonce', async () => {
    const token = await tokens();
    const answer = await send('POST', '/w/index.php?title=Special:OAuth/identify', token, {
      oauth_nonce: 'the-nonce',
    });
    assert.equal(answer.headers['content-type'], 'application/json');
    const [head = '', body = '', signature = ''] = answer.body.split('.');
    assert.equal(
      signature,
      createHmac('sha256', pair.secret).update(`${head}.${body}`).digest('base64url'),
    );
    assert.deepEqual(JSON.parse(Buffer.from(head, 'base64url').toString()), {
      typ: 'JWT',
      alg: 'HS256',
    });
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    assert.deepEqual(Object.keys(claims), [
      'iss',
      'aud',
      'exp',
      'iat',
      'sub',
      'username',
      'editcount',
      'confirmed_email',
      'email_verified',
      'blocked',
      'registered',
      'groups',
      'rights',
      'grants',
      'nonce',
    ]);
    assert.equal(claims.sub, String(ben.id));
    assert.equal(claims.iss, 'https://gate.example');
    assert.equal(claims.exp, claims.iat + 100);
    assert.equal(claims.nonce, 'the-nonce');
    assert.match(claims.registered, /^\d{14}$/);
    const replay = await json('identify', token, { oauth_nonce: 'the-nonce' });
    assert.match(replay.message ?? '', /Nonce already used: the-nonce/);
    assert.equal(
      (await json('identify', { key: 'f'.repeat(32), secret: 'x' }, {})).error,
      'mwoauthdatastore-access-token-not-found',
    );
  });

  test('api.php: who, tokens, site, in both format versions; errors in its header and body', async () => {
    const token = await tokens();
    const target =
      '/w/api.php?action=query&format=json&meta=userinfo%7Ctokens%7Csiteinfo&uiprop=rights';
    const old = (await send('GET', target, token)).json();
    assert.equal(old.batchcomplete, '');
    assert.deepEqual([old.query.userinfo.id, old.query.userinfo.name], [ben.id, 'Ben']);
    assert.ok(
      old.query.userinfo.rights.includes('edit') &&
        !old.query.userinfo.rights.includes('sendemail'),
    );
    assert.match(old.query.tokens.csrftoken, /\+\\$/);
    assert.equal(old.query.general.server, 'https://gate.example');
    const fresh = (
      await send(
        'POST',
        '/w/api.php',
        token,
        {},
        'action=query&meta=userinfo&formatversion=2&assert=user',
      )
    ).json();
    assert.equal(fresh.batchcomplete, true);
    const anonymous = (
      await world.app.inject({ url: '/w/api.php?action=query&meta=userinfo&formatversion=2' })
    ).json();
    assert.deepEqual(anonymous.query.userinfo.anon, true);
    assert.equal(
      (await world.app.inject({ url: '/w/api.php?action=query&assert=user' })).json().error.code,
      'assertuserfailed',
    );
    assert.equal(
      (await send('GET', '/w/api.php?action=query&assert=bot', token)).json().error.code,
      'assertbotfailed',
    );
    const bad = await send('GET', target, { key: token.key, secret: 'wrong' });
    assert.deepEqual(
      [bad.statusCode, bad.headers['mediawiki-api-error']],
      [200, 'mwoauth-invalid-authorization'],
    );
    assert.match(bad.json().error.info, /Invalid signature/);
    const bearer = await world.app.inject({
      url: target,
      headers: { authorization: 'Bearer nonsense' },
    });
    assert.match(bearer.json().error.info, /Invalid access token/);
  });

  test('Special:OAuth: cancel shows a page, unknown steps are named, verified shows the code', async () => {
    const cookie = await world.sessionCookie(ben);
    const temporary = await json('initiate', null, { oauth_callback: 'oob' });
    const asked = await world.app.inject({
      url: `/w/index.php?title=Special:OAuth/authorize&oauth_token=${temporary.key}`,
      headers: { cookie },
    });
    const url = String(asked.headers.location);
    const csrf =
      /name="csrf" value="([^"]+)"/.exec(
        (await world.app.inject({ url, headers: { cookie } })).body,
      )?.[1] ?? '';
    const no = await world.app.inject({
      method: 'POST',
      url,
      payload: `cancel=1&csrf=${csrf}`,
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
    });
    assert.deepEqual([no.statusCode, no.headers.location], [200, undefined]);
    assert.match((await world.app.inject({ url: '/wiki/Special:OAuth/nonsense' })).body, /E002/);
    assert.match(
      (
        await world.app.inject({
          url: `/wiki/Special:OAuth/nonsense?oauth_consumer_key=${client.id}`,
        })
      ).body,
      /E003/,
    );
    // Nobody learns of a hidden app by sending its identifier.
    const hidden = await world.createClient(ada, { name: 'A hidden name' });
    await world.clients.disable(hidden.client.id, { suppress: true });
    const answer = await world.app.inject({
      url: `/wiki/Special:OAuth/nonsense?oauth_consumer_key=${hidden.client.id}`,
    });
    assert.match(answer.body, /E002/);
    assert.doesNotMatch(answer.body, /A hidden name/);
    assert.match(
      (
        await world.app.inject({
          url: '/wiki/Special:OAuth/verified?oauth_verifier=abc&oauth_token=t',
        })
      ).body,
      /abc/,
    );
    assert.match((await world.app.inject({ url: '/wiki/Special:OAuth/verified' })).body, /E001/);
    assert.match(
      (await world.app.inject({ url: '/wiki/Special:OAuth/initiate?oauth_version=2&format=json' }))
        .body,
      /mwoauth-oauth-unsupported-version/,
    );
    const away = await world.app.inject({
      url: '/wiki/Special:OAuth/rest_redirect?rest_url=%2F%2Fevil.example',
    });
    assert.equal(away.headers.location, '/');
  });

  test('REST OAuth 2: no PKCE, no redirect_uri, empty scope; RS256 token with the reference claims; denial without state', async () => {
    const web = await world.createClient(ada, {
      name: 'rest',
      pkceOptional: true,
      redirectUri: 'https://tool.example/oauth2',
      scopes: ['editpage'],
    });
    const cookie = await world.sessionCookie(ben);
    const authorize = async (button: string) => {
      const asked = await world.app.inject({
        url: `/w/rest.php/oauth2/authorize?response_type=code&client_id=${web.client.id}&scope=&state=s`,
        headers: { cookie },
      });
      const url = String(asked.headers.location);
      const csrf =
        /name="csrf" value="([^"]+)"/.exec(
          (await world.app.inject({ url, headers: { cookie } })).body,
        )?.[1] ?? '';
      const done = await world.app.inject({
        method: 'POST',
        url,
        payload: `${button}=1&csrf=${csrf}`,
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      });
      return new URL(String(done.headers.location)).searchParams;
    };
    const denied = await authorize('cancel');
    assert.deepEqual([denied.get('error'), denied.has('state')], ['unauthorized_client', false]);
    assert.equal(denied.get('iss'), 'https://gate.example');
    const back = await authorize('accept');
    assert.deepEqual([...back.keys()], ['code', 'state', 'iss']);
    const token = (form: string) =>
      world.app.inject({
        method: 'POST',
        url: '/w/rest.php/oauth2/access_token',
        payload: form,
        headers: {
          authorization: basicHeader(web.client.id, web.secret),
          'content-type': 'application/x-www-form-urlencoded',
        },
      });
    const bought = (await token(`grant_type=authorization_code&code=${back.get('code')}`)).json();
    assert.deepEqual(Object.keys(bought).sort(), [
      'access_token',
      'expires_in',
      'refresh_token',
      'token_type',
    ]);
    const [head = '', body = ''] = bought.access_token.split('.');
    assert.equal(JSON.parse(Buffer.from(head, 'base64url').toString()).alg, 'RS256');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    assert.equal(claims.sub, `mw:local:main:${ben.id}`);
    assert.equal(claims.aud, web.client.id);
    assert.deepEqual(claims.scopes, ['basic', 'editpage']);
    assert.equal(claims.iat % 1, 0.25);
    const resource = (type: string, authorization?: string) =>
      world.app.inject({
        url: `/w/rest.php/oauth2/resource/${type}`,
        headers: authorization === undefined ? {} : { authorization },
      });
    const profile = (await resource('profile', `Bearer ${bought.access_token}`)).json();
    assert.deepEqual(
      [profile.sub, profile.username, profile.email],
      [String(ben.id), 'Ben', undefined],
    );
    assert.deepEqual((await resource('scopes', `Bearer ${bought.access_token}`)).json(), {
      scopes: ['basic', 'editpage'],
    });
    const refreshed = (
      await token(`grant_type=refresh_token&refresh_token=${bought.refresh_token}`)
    ).json();
    assert.equal(
      (await resource('profile', `Bearer ${bought.access_token}`)).statusCode,
      403,
      'the previous access token is revoked at refresh',
    );
    assert.equal((await resource('profile', `Bearer ${refreshed.access_token}`)).statusCode, 200);
    assert.equal((await resource('profile')).json().error, 'access_denied');
    assert.equal((await resource('nonsense')).statusCode, 400);
    assert.deepEqual(
      [
        (await token('grant_type=password')).statusCode,
        (await token('grant_type=password')).json().hint,
      ],
      [400, 'Check the `grant_type` parameter'],
    );
    const reuse = await token(`grant_type=authorization_code&code=${back.get('code')}`);
    assert.deepEqual([reuse.statusCode, reuse.json().error], [400, 'invalid_grant']);
  });

  test('REST errors of the layer itself: 405, 411, 415, 404', async () => {
    const url = '/w/rest.php/oauth2/access_token';
    assert.equal((await world.app.inject({ url })).statusCode, 405);
    assert.equal((await world.app.inject({ method: 'POST', url })).statusCode, 411);
    const other = await world.app.inject({
      method: 'POST',
      url,
      payload: '{}',
      headers: { 'content-type': 'application/json' },
    });
    assert.deepEqual(
      [other.statusCode, other.json().errorKey],
      [415, 'rest-unsupported-content-type'],
    );
    assert.equal((await world.app.inject({ url: '/w/rest.php/nothing' })).statusCode, 404);
  });

  test('switched off, nothing of the dialect answers', async () => {
    const plain = new TestServer({ mediawiki: 'off' });
    for (const url of [
      '/w/api.php',
      '/w/index.php',
      '/wiki/Special:OAuth/initiate',
      '/w/rest.php/oauth2/authorize',
    ]) {
      assert.equal((await plain.app.inject({ url })).statusCode, 404);
    }
    await plain.close();
  });

  /**
   * Token credentials of an app after a whole handshake, with the person's consent given through
   * the services.
   */
  async function handshake(
    made: { readonly client: Client; readonly secret: string },
    user: Account,
  ) {
    const key = { key: made.client.id, secret: made.secret };
    const ask = async (sub: string, token: CredentialPair | null, over: Over) => {
      const target = `/w/index.php?title=Special:OAuth/${sub}&format=json`;
      const headers = signedHeader(world, 'POST', target, key, token, over, {
        profile: 'mediawiki',
      });
      return (
        await world.app.inject({ method: 'POST', url: target, headers })
      ).json() as CredentialPair;
    };
    const temporary = await ask('initiate', null, { oauth_callback: 'oob' });
    const consent = await world.consents.accept(made.client, user, made.client.scopes);
    const done = await world.server.services.protocols.dialect?.oauth1.authorizeUnderConsent(
      temporary.key,
      made.client,
      consent,
    );
    assert.ok(done?.ok && done.value.kind === 'redirect');
    const verifier = new URL(done.value.uri).searchParams.get('oauth_verifier') ?? '';
    return { key, token: await ask('token', temporary, { oauth_verifier: verifier }) };
  }

  test('identify names every right of the person, also to an app that only learns who they are', async () => {
    const sysop = await world.createPerson('Cyd', ['sysop']);
    const made = await world.createClient(ada, {
      name: 'who',
      protocol: 'oauth1',
      redirectUri: 'https://who.example/cb',
      scopes: ['mwoauth-authonly'],
    });
    const { key, token } = await handshake(made, sysop);
    const target = '/wiki/Special:OAuth/identify';
    const headers = signedHeader(world, 'GET', target, key, token, {}, { profile: 'mediawiki' });
    const answer = await world.app.inject({ url: target, headers });
    const claims = JSON.parse(Buffer.from(answer.body.split('.')[1] ?? '', 'base64url').toString());
    assert.deepEqual(claims.grants, ['mwoauth-authonly']);
    assert.ok(claims.rights.includes('block') && claims.groups.includes('sysop'));
  });

  test('a page shows an error as plain text, escaped once', async () => {
    const answer = await send(
      'POST',
      '/w/index.php?title=Special:OAuth/initiate&format=html',
      null,
      {
        oauth_callback: 'no',
      },
    );
    assert.equal(answer.statusCode, 200);
    assert.doesNotMatch(answer.body, /&amp;#/);
  });

  test('OAuth credentials at a page that is not of the handshake: status 400', async () => {
    const answer = await world.app.inject({
      url: '/wiki/Main_Page',
      headers: { authorization: 'OAuth oauth_token="x"' },
    });
    assert.equal(answer.statusCode, 400);
  });

  test('a stranger who sends the dialog as a form comes back to it after sign-in', async () => {
    const answer = await world.app.inject({
      method: 'POST',
      url: '/w/index.php',
      payload: `title=Special:OAuth/authorize&oauth_token=abc&oauth_consumer_key=${client.id}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const back = new URL(String(answer.headers.location), 'https://gate.example').searchParams.get(
      'returnto',
    );
    assert.equal(
      back,
      `/w/index.php?title=Special%3AOAuth%2Fauthorize&oauth_token=abc&oauth_consumer_key=${client.id}`,
    );
  });

  test('the dialog names its errors: E004, E005, E006, E010, E012; rest_redirect needs its address', async () => {
    const cookie = await world.sessionCookie(ben);
    const page = async (query: string, as = cookie) =>
      (
        await world.app.inject({
          url: `/wiki/Special:OAuth/authorize?${query}`,
          headers: { cookie: as },
        })
      ).body;
    const web = await world.createClient(ada, { name: 'other version' });
    const own = await world.createClient(ada, {
      name: 'own',
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
    });
    const fresh = await world.createClient(
      ada,
      { name: 'fresh', protocol: 'oauth1', redirectUri: 'https://fresh.example/cb' },
      false,
    );
    assert.match(await page(`oauth_token=${'f'.repeat(32)}`), /E004/);
    assert.match(await page(`oauth_token=x&oauth_consumer_key=${'f'.repeat(32)}`), /E006/);
    assert.match(await page(`oauth_token=x&oauth_consumer_key=${web.client.id}`), /E012/);
    assert.match(await page(`oauth_token=x&oauth_consumer_key=${fresh.client.id}`), /E005/);
    assert.match(
      await page(
        `oauth_token=x&oauth_consumer_key=${own.client.id}`,
        await world.sessionCookie(ada),
      ),
      /E010/,
    );
    assert.match(
      (await world.app.inject({ url: '/wiki/Special:OAuth/rest_redirect' })).body,
      /Invalid redirect/,
    );
  });

  test('api.php: a stranger has the rights of strangers; an error has the shape of formatversion=latest', async () => {
    const stranger = (
      await world.app.inject({
        url: '/w/api.php?action=query&meta=userinfo&uiprop=rights&formatversion=2',
      })
    ).json();
    assert.ok(stranger.query.userinfo.rights.includes('read'));
    const bad = await world.app.inject({
      url: '/w/api.php?action=query&formatversion=latest',
      headers: { authorization: 'Bearer x' },
    });
    assert.ok('docref' in bad.json().error);
  });

  test('a bearer token of an app that was disabled: a key of its own, so that clients do not fetch tokens for ever', async () => {
    const made = await world.createClient(ada, { name: 'goes off' });
    const code = await world.issueCode(made, ben, null, 'mediawiki');
    const bought = await world.app.inject({
      method: 'POST',
      url: '/w/rest.php/oauth2/access_token',
      payload: `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(made.client.redirectUri)}`,
      headers: {
        authorization: basicHeader(made.client.id, made.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    const authorization = `Bearer ${bought.json().access_token}`;
    const api = () =>
      world.app.inject({
        url: '/w/api.php?action=query&meta=userinfo',
        headers: { authorization },
      });
    assert.equal((await api()).json().query.userinfo.name, 'Ben');
    assert.ok((await world.clients.disable(made.client.id)).ok);
    assert.equal(
      (await api()).headers['mediawiki-api-error'],
      'mwoauth-invalid-authorization-not-approved',
    );
    const profile = await world.app.inject({
      url: '/w/rest.php/oauth2/resource/profile',
      headers: { authorization },
    });
    assert.deepEqual(
      [profile.statusCode, profile.json().errorKey],
      [403, 'mwoauth-invalid-authorization-not-approved'],
    );
    assert.doesNotMatch(String(profile.headers['www-authenticate']), /invalid_token/);
  });

  test('a consent given for one site does not reach another when its app was opened to all', async () => {
    const made = await world.createClient(ada, { name: 'one site', site: 'main' });
    const { protocols, registry, records } = world.server.services;
    const code = await world.issueCode(made, ben, null, 'mediawiki');
    const bought = await world.app.inject({
      method: 'POST',
      url: '/w/rest.php/oauth2/access_token',
      payload: `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(made.client.redirectUri)}`,
      headers: {
        authorization: basicHeader(made.client.id, made.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    const token = bought.json().access_token;
    const about = { clientId: made.client.id, reason: '' };
    assert.ok((await registry.submit(OPERATOR, 'revise', { ...about, site: '*' })).ok);
    const revision = await records.openRevision(made.client.id);
    assert.ok(
      (await registry.submit(OPERATOR, 'approve-revision', { ...about, revisionId: revision?.id }))
        .ok,
    );
    assert.ok(
      (await protocols.core.oauth2.authenticateToken(token, { site: 'main' as SiteId })).ok,
    );
    const elsewhere = await protocols.core.oauth2.authenticateToken(token, {
      site: 'other' as SiteId,
    });
    assert.deepEqual(elsewhere, {
      ok: false,
      refusal: { kind: 'not_allowed', problem: 'wrong-site' },
    });
  });
});
