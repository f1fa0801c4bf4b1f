import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { generateCodeVerifier, OAuth2Client } from '@badgateway/oauth2-client';
import axios from 'axios';
import axiosOauth from 'axios-oauth-1.0a';
import ClientOAuth2 from 'client-oauth2';
import nodeOauth from 'oauth';
import OAuth2Strategy from 'passport-oauth2';
import { AuthorizationCode } from 'simple-oauth2';
import { Browser } from '../../examples/demo/browser.ts';
import { answerOf, decide, Server } from './server.ts';

describe('field clients', () => {
  // Clients whose users have reported what servers get wrong, each in its own flow against one
  // server.

  const redirectUri = 'http://127.0.0.1:9/cb';
  // biome-ignore lint/suspicious/noExplicitAny: these libraries are CommonJS, and what they call default is a property here
  const unwrap = (imported: any) => imported.default ?? imported;

  let server: Server;
  type Made = ReturnType<Server['client']>;
  const apps = {} as Record<'web' | 'strict' | 'open' | 'service' | 'signer' | 'bot', Made>;
  before(async () => {
    server = await Server.start();
    server.person('Ada', '--group', 'developer');
    server.person('Ben');
    const common = (name: string, ...more: readonly string[]) =>
      server.client('--name', name, '--protocol', 'oauth2', '--scope', 'editpage', ...more);
    apps.web = common('Web', '--redirect-uri', redirectUri, '--pkce-optional');
    apps.strict = common('Strict', '--redirect-uri', redirectUri);
    apps.open = common('Open', '--redirect-uri', redirectUri, '--public');
    apps.service = common('Service', '--grant-type', 'client_credentials');
    apps.signer = server.client(
      '--name',
      'Signer',
      '--protocol',
      'oauth1',
      '--redirect-uri',
      redirectUri,
      '--prefix',
      '--scope',
      'editpage',
    );
    apps.bot = server.client(
      '--name',
      'Bot',
      '--protocol',
      'owner-only',
      '--oauth-version',
      '1',
      '--scope',
      'editpage',
    );
  });
  after(() => server.stop());

  const at = (path: string) => `${server.issuer}${path}`;
  /** Where the browser comes back to, after a person's yes. */
  const allowed = async (url: string) =>
    (await decide(new Browser(), url)).location ?? assert.fail('nobody was sent back');
  const me = async (token: string) =>
    (
      (await (
        await fetch(at('/api/v1/me'), { headers: { authorization: `Bearer ${token}` } })
      ).json()) as { name: string }
    ).name;

  describe('OAuth 2 in Node', () => {
    test('simple-oauth2: revokeAll, which reads the answer as JSON', async () => {
      const flow = new AuthorizationCode({
        client: { id: apps.web.client_id, secret: apps.web.client_secret },
        auth: {
          tokenHost: server.issuer,
          authorizePath: '/oauth2/authorize',
          tokenPath: '/oauth2/token',
          revokePath: '/oauth2/revoke',
        },
      });
      const back = new URL(
        await allowed(flow.authorizeURL({ redirect_uri: redirectUri, state: 'xyz' })),
      );
      const token = await flow.getToken({
        code: back.searchParams.get('code'),
        redirect_uri: redirectUri,
      });
      await token.revokeAll();
      await assert.rejects(token.refresh(), /Bad Request/);
    });

    test('client-oauth2: a state with everything, the whole address handed back, a signed call, refresh', async () => {
      const state = 'a b&c=d/é';
      const client = new (unwrap(ClientOAuth2))({
        ...{
          clientId: apps.web.client_id,
          clientSecret: apps.web.client_secret,
          scopes: ['basic', 'editpage'],
        },
        ...{
          accessTokenUri: at('/oauth2/token'),
          authorizationUri: at('/oauth2/authorize'),
          redirectUri,
          state,
        },
      });
      const token = await client.code.getToken(await allowed(client.code.getUri()), { state });
      const signed = token.sign({ method: 'GET', url: at('/api/v1/me') });
      assert.equal(
        ((await (await fetch(signed.url, { headers: signed.headers })).json()) as { name: string })
          .name,
        'Ben',
      );
      const fresh = await token.refresh();
      assert.notEqual(fresh.accessToken, token.accessToken);
      assert.equal(await me(fresh.accessToken), 'Ben');
    });

    for (const authenticationMethod of [
      'client_secret_basic',
      'client_secret_basic_interop',
      'client_secret_post',
    ] as const)
      test(`@badgateway/oauth2-client: discovery, PKCE, refresh, introspection, revocation, ${authenticationMethod}`, async () => {
        for (const [app, secret] of [
          [apps.strict, apps.strict.client_secret],
          [apps.open, undefined],
        ] as const) {
          const client = new OAuth2Client({
            ...{ server: server.issuer, clientId: app.client_id, authenticationMethod },
            ...(secret === undefined ? {} : { clientSecret: secret }),
            discoveryEndpoint: '/.well-known/oauth-authorization-server',
          });
          const codeVerifier = await generateCodeVerifier();
          const asked = { redirectUri, state: 'xyz', codeVerifier, scope: ['basic', 'editpage'] };
          const back = await allowed(await client.authorizationCode.getAuthorizeUri(asked));
          const token = await client.authorizationCode.getTokenFromCodeRedirect(back, {
            redirectUri,
            state: 'xyz',
            codeVerifier,
          });
          const fresh = await client.refreshToken(token);
          assert.equal(await me(fresh.accessToken), 'Ben');
          if (secret !== undefined) assert.equal((await client.introspect(fresh)).active, true);
          await client.revoke(fresh, 'refresh_token');
          await assert.rejects(client.refreshToken(fresh), /invalid_grant|refresh/i);
        }
      });

    test('@badgateway/oauth2-client: a service', async () => {
      const client = new OAuth2Client({
        ...{
          server: server.issuer,
          clientId: apps.service.client_id,
          clientSecret: apps.service.client_secret,
        },
        discoveryEndpoint: '/.well-known/oauth-authorization-server',
      });
      const token = await client.clientCredentials({ scope: ['editpage'] });
      assert.equal((await client.introspect(token)).scope, 'editpage');
      assert.equal(token.refreshToken, null);
    });

    test('a public client that sends Basic with an empty secret is known by its identifier', async () => {
      const codeVerifier = await generateCodeVerifier();
      const client = new OAuth2Client({
        server: server.issuer,
        clientId: apps.open.client_id,
        authorizationEndpoint: '/oauth2/authorize',
      });
      const back = await allowed(
        await client.authorizationCode.getAuthorizeUri({ redirectUri, codeVerifier }),
      );
      const answer = await fetch(at('/oauth2/token'), {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${apps.open.client_id}:`).toString('base64')}`,
        },
        body: new URLSearchParams({
          ...{
            grant_type: 'authorization_code',
            code: new URL(back).searchParams.get('code') ?? '',
          },
          ...{ code_verifier: codeVerifier, redirect_uri: redirectUri },
        }),
      });
      assert.equal(answer.status, 200, await answer.clone().text());
    });

    test('passport-oauth2: PKCE and state kept in its session, the profile by its token', async () => {
      const Strategy = unwrap(OAuth2Strategy);
      const session: Record<string, unknown> = {};
      /** What passport itself does around a strategy. */
      const authenticate = (query: Readonly<Record<string, string>>) =>
        new Promise<{ readonly to?: string; readonly user?: { name: string } }>(
          (resolve, reject) => {
            const strategy = new Strategy(
              {
                ...{
                  authorizationURL: at('/oauth2/authorize'),
                  tokenURL: at('/oauth2/token'),
                  callbackURL: redirectUri,
                },
                ...{
                  clientID: apps.strict.client_id,
                  clientSecret: apps.strict.client_secret,
                  pkce: true,
                  state: true,
                  scope: 'basic editpage',
                },
              },
              (
                accessToken: string,
                refreshToken: string,
                _profile: unknown,
                done: (fault: unknown, user?: unknown) => void,
              ) => me(accessToken).then((name) => done(null, { name, refreshToken }), done),
            );
            Object.assign(strategy, {
              redirect: (to: string) => resolve({ to }),
              success: (user: { name: string }) => resolve({ user }),
              fail: (challenge: unknown) => reject(new Error(JSON.stringify(challenge))),
              error: reject,
            });
            strategy.authenticate({ query, session, headers: {}, connection: {}, url: '/' }, {});
          },
        );
      const { to = '' } = await authenticate({});
      const back = new URL(await allowed(to));
      assert.equal((await authenticate(Object.fromEntries(back.searchParams))).user?.name, 'Ben');
    });
  });

  describe('OAuth 1 in Node', () => {
    const call = <T>(
      // biome-ignore lint/suspicious/noExplicitAny: the library has no types
      start: (done: (fault: any, ...values: string[]) => void) => void,
    ): Promise<T> =>
      new Promise((resolve, reject) =>
        start((fault, ...values) =>
          fault ? reject(new Error(JSON.stringify(fault))) : resolve(values as T),
        ),
      );
    /** One leg with axios, and what it answered. */
    const leg = async (url: string, more: Readonly<Record<string, string>>) => {
      const client = axios.create({ baseURL: server.issuer });
      unwrap(axiosOauth)(client, {
        ...{
          algorithm: 'HMAC-SHA256',
          key: apps.signer.client_id,
          secret: apps.signer.client_secret,
          includeBodyHash: false,
        },
        ...more,
      });
      const answer = new URLSearchParams((await client.post(url)).data);
      return {
        token: answer.get('oauth_token') ?? '',
        tokenSecret: answer.get('oauth_token_secret') ?? '',
      };
    };
    async function threeLegs() {
      const first = await leg('/oauth1/initiate', { callback: `${redirectUri}/x?b=2&a=1` });
      const back = answerOf(
        await decide(new Browser(), at(`/oauth1/authorize?oauth_token=${first.token}`)),
      );
      return leg('/oauth1/token', { ...first, verifier: back.get('oauth_verifier') ?? '' });
    }

    test('node-oauth: a name repeated in a form is signed with every value', async () => {
      const { OAuth } = unwrap(nodeOauth);
      const consumer = new OAuth(
        at('/oauth1/initiate'),
        at('/oauth1/token'),
        apps.signer.client_id,
        apps.signer.client_secret,
        '1.0A',
        `${redirectUri}?tag=a&tag=b`,
        'HMAC-SHA1',
      );
      // The version that some tutorials write is told apart; the right one is served.
      await assert.rejects(
        call((done) => consumer.getOAuthRequestToken(done)),
        /version_rejected/,
      );
      consumer._version = '1.0';
      const [token, secret] = await call<[string, string]>((done) =>
        consumer.getOAuthRequestToken(done),
      );
      const back = answerOf(
        await decide(new Browser(), at(`/oauth1/authorize?oauth_token=${token}`)),
      );
      assert.deepEqual(back.getAll('tag'), ['a', 'b']);
      const [access, accessSecret] = await call<[string, string]>((done) =>
        consumer.getOAuthAccessToken(token, secret, back.get('oauth_verifier'), done),
      );
      // In an address the library signs a repeated name as `name[0]`, `name[1]`, which is not what
      // it sends.
      await assert.rejects(
        call((done) => consumer.get(at('/api/v1/me?a=1&a=2'), access, accessSecret, done)),
        /signature_invalid/,
      );
      const form = { action: 'query', meta: ['userinfo', 'tokens'], format: 'json' };
      const [body] = await call<[string]>((done) =>
        consumer.post(at('/w/api.php'), access, accessSecret, form, done),
      );
      assert.ok(JSON.parse(body).query, body);
    });

    for (const algorithm of ['HMAC-SHA1', 'HMAC-SHA256'] as const)
      test(`axios-oauth-1.0a: ${algorithm}, a realm, JSON with a hash of its body, a form`, async () => {
        const client = axios.create({ baseURL: server.issuer, validateStatus: () => true });
        unwrap(axiosOauth)(client, {
          ...{ algorithm, key: apps.signer.client_id, secret: apps.signer.client_secret },
          ...{ ...(await threeLegs()), realm: 'gatehouse' },
        });
        assert.equal((await client.get('/api/v1/me')).data.name, 'Ben');
        // The JSON API takes each name once, and says so only when the signature holds.
        assert.match(
          (await client.get('/api/v1/me?q[]=1&q[]=2&w=a%2Bb+c&=v&x=')).data.detail,
          /^q\[\] was sent twice/,
        );
        // Refused for what it asks, not for how it is signed.
        const sent = await client.post('/api/v1/clients', { name: 'x' });
        assert.deepEqual(
          [sent.status, sent.data.code],
          [403, 'insufficient_scope'],
          JSON.stringify(sent.data),
        );
      });

    test('axios-oauth-1.0a: three legs', async () => {
      assert.match((await threeLegs()).token, /^[0-9a-f]{32}$/);
    });
  });

  const required = process.env.GATEHOUSE_REQUIRE_ALL === '1';
  const has = (module: string) =>
    spawnSync('/usr/bin/python3', ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0;

  /**
   * Runs a client of Python: opens the pages that it asks for, and hands it the address that the
   * browser came back to.
   */
  function python(client: string, made: Made, ...more: readonly string[]): Promise<unknown> {
    const script = new URL('./python_clients.py', import.meta.url).pathname;
    const child = spawn(
      '/usr/bin/python3',
      [script, client, server.issuer, made.client_id, made.client_secret, ...more],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    let faults = '';
    child.stderr.on('data', (part) => {
      faults += part;
    });
    return new Promise((resolve, reject) => {
      let got: unknown;
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line);
        if (said.open === undefined) got = said.got;
        else allowed(said.open).then((back) => child.stdin.write(`${back}\n`), reject);
      });
      child.on('close', (status) =>
        status === 0
          ? resolve(got)
          : reject(new Error(`${client} ended with ${status}: ${faults}`)),
      );
    });
  }

  const missing = (module: string, packaged: string) =>
    !required &&
    !has(module) &&
    `left out: ${module} is not among the packages of /usr/bin/python3 (install Debian’s ${packaged})`;

  describe('requests-oauthlib', {
    skip: missing('requests_oauthlib', 'python3-requests-oauthlib'),
  }, () => {
    test('OAuth 1: three legs, credentials in header, query and form, repeated names, multipart', async () => {
      assert.deepEqual(await python('requests_oauthlib_oauth1', apps.signer), {
        ...{ header: 'Ben', repeated: 'Ben', form: 'Ben', multipart: 200 },
        // The API knows no POST there, and says so only to those whom it knows.
        ...{ query: 200, body: 405 },
      });
    });
    for (const [title, ...more] of [
      ['OAuth 2: code, refresh, a call'],
      ['OAuth 2 at the dialect, with another Authorization beside the form', 'dialect'],
    ] as const)
      test(title, async () => {
        const got = await python('requests_oauthlib_oauth2', apps.web, ...more);
        assert.deepEqual(got, { state: true, scope: ['basic', 'editpage'], new: true, me: 'Ben' });
      });
    test('OAuth 2: a service', async () => {
      assert.deepEqual(await python('requests_oauthlib_service', apps.service), {
        type: 'Bearer',
        refresh: null,
      });
    });
  });

  describe('Authlib', { skip: missing('authlib', 'python3-authlib') }, () => {
    test('OAuth 1: three legs, with the credentials in header, query and form', async () => {
      assert.deepEqual(await python('authlib_oauth1', apps.signer), {
        ...{ token: ['oauth_token', 'oauth_token_secret'], me: 'Ben' },
        ...{ QUERY: true, BODY: true },
      });
    });
    test('OAuth 2: PKCE, refresh, introspection and revocation, with Basic and in the form', async () => {
      assert.deepEqual(await python('authlib_oauth2', apps.strict), {
        client_secret_basic: ['Ben', true, 200, false],
        client_secret_post: ['Ben', true, 200, false],
      });
    });
  });

  describe('mwclient', { skip: missing('mwclient', 'python3-mwclient') }, () => {
    test('a bot signs in with its owner-only pair and is told who it is', async () => {
      const [name, groups, again] = (await python(
        'mwclient_site',
        apps.bot,
        apps.bot.access_token,
        apps.bot.access_token_secret,
      )) as string[];
      assert.deepEqual([name, again], ['Ada', 'Ada']);
      assert.ok(groups?.includes('developer'));
    });
  });
});
