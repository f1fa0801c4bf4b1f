import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import nextAuth from 'next-auth';
import wikimedia from 'next-auth/providers/wikimedia';
import * as oauth from 'oauth4webapi';
import { AuthorizationCode, ClientCredentials } from 'simple-oauth2';
import { Browser } from '../../examples/demo/browser.ts';
import { answerOf, decide, Server } from './server.ts';

describe('oauth2', () => {
  let server: Server;
  // The library is CommonJS: what it calls `default` is a property of what Node imports.
  // biome-ignore lint/suspicious/noExplicitAny: its types describe another module format
  const unwrap = (imported: any) => imported.default ?? imported;
  const [handler, wikimediaProvider] = [unwrap(nextAuth), unwrap(wikimedia)];
  const redirectUri = 'http://127.0.0.1:9/cb';

  before(async () => {
    server = await Server.start();
    server.person('Ada', '--group', 'developer');
    server.person('Ben');
  });
  after(() => server.stop());

  test('oauth4webapi: discovery, code with PKCE, refresh, introspection, revocation', async () => {
    const issuer = new URL(server.issuer);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' }),
    );
    for (const kind of ['confidential', 'public'] as const) {
      const made = server.client(
        '--name',
        `web ${kind}`,
        '--protocol',
        'oauth2',
        '--redirect-uri',
        redirectUri,
        '--scope',
        'editpage',
        ...(kind === 'public' ? ['--public'] : []),
      );
      const client: oauth.Client = { client_id: made.client_id };
      const auth = kind === 'public' ? oauth.None() : oauth.ClientSecretBasic(made.client_secret);
      const verifier = oauth.generateRandomCodeVerifier();
      const state = oauth.generateRandomState();
      const url = new URL(as.authorization_endpoint ?? '');
      url.search = new URLSearchParams({
        client_id: made.client_id,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: 'basic editpage',
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }).toString();
      const page = await decide(new Browser(), url.href);
      // validateAuthResponse also checks `iss` (RFC 9207).
      const params = oauth.validateAuthResponse(
        as,
        client,
        new URL(page.location ?? 'about:blank'),
        state,
      );
      const tokens = await oauth.processAuthorizationCodeResponse(
        as,
        client,
        await oauth.authorizationCodeGrantRequest(
          as,
          client,
          auth,
          params,
          redirectUri,
          verifier,
          insecure,
        ),
      );
      assert.equal(tokens.scope, 'basic editpage');
      const next = await oauth.processRefreshTokenResponse(
        as,
        client,
        await oauth.refreshTokenGrantRequest(
          as,
          client,
          auth,
          tokens.refresh_token ?? '',
          insecure,
        ),
      );
      assert.notEqual(next.refresh_token, tokens.refresh_token);
      // The resource server checks the signature on its own (RFC 9068 §4).
      const request = new Request('https://api.example/', {
        headers: { authorization: `Bearer ${next.access_token}` },
      });
      const claims = await oauth.validateJwtAccessToken(as, request, server.issuer, insecure);
      assert.equal(claims.client_id, made.client_id);
      if (kind === 'confidential') {
        const seen = await oauth.processIntrospectionResponse(
          as,
          client,
          await oauth.introspectionRequest(as, client, auth, next.access_token, insecure),
        );
        assert.equal(seen.active, true);
        assert.equal(seen.username, 'Ben');
      }
      await oauth.processRevocationResponse(
        await oauth.revocationRequest(as, client, auth, next.refresh_token ?? '', insecure),
      );
      const again = await oauth.refreshTokenGrantRequest(
        as,
        client,
        auth,
        next.refresh_token ?? '',
        insecure,
      );
      await assert.rejects(
        oauth.processRefreshTokenResponse(as, client, again),
        /invalid_grant|server responded with an error/,
      );
    }
  });

  test('oauth4webapi: client credentials', async () => {
    const issuer = new URL(server.issuer);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' }),
    );
    const made = server.client(
      '--name',
      'service',
      '--protocol',
      'oauth2',
      '--scope',
      'editpage',
      '--grant-type',
      'client_credentials',
    );
    const client: oauth.Client = { client_id: made.client_id };
    const response = await oauth.clientCredentialsGrantRequest(
      as,
      client,
      oauth.ClientSecretPost(made.client_secret),
      new URLSearchParams({ scope: 'editpage' }),
      insecure,
    );
    const token = await oauth.processClientCredentialsResponse(as, client, response);
    assert.equal(token.scope, 'editpage');
    assert.equal(token.refresh_token, undefined);
  });

  for (const [shape, paths] of [
    [
      'canonical',
      {
        authorizePath: '/oauth2/authorize',
        tokenPath: '/oauth2/token',
        revokePath: '/oauth2/revoke',
      },
    ],
    [
      'dialect',
      {
        authorizePath: '/w/rest.php/oauth2/authorize',
        tokenPath: '/w/rest.php/oauth2/access_token',
      },
    ],
  ] as const) {
    for (const authorizationMethod of ['header', 'body'] as const) {
      test(`simple-oauth2, ${shape}, credentials in the ${authorizationMethod}, no PKCE`, async () => {
        const made = server.client(
          '--name',
          `simple ${shape} ${authorizationMethod}`,
          '--protocol',
          'oauth2',
          '--redirect-uri',
          redirectUri,
          '--scope',
          'editpage',
          '--pkce-optional',
        );
        const config = {
          client: { id: made.client_id, secret: made.client_secret },
          auth: { tokenHost: server.issuer, ...paths },
          options: { authorizationMethod },
        };
        const flow = new AuthorizationCode(config);
        const page = await decide(
          new Browser(),
          flow.authorizeURL({ redirect_uri: redirectUri, state: 'xyz' }),
        );
        const answer = answerOf(page);
        assert.equal(answer.get('state'), 'xyz');
        const token = await flow.getToken({ code: answer.get('code'), redirect_uri: redirectUri });
        const fresh = await token.refresh();
        assert.ok(fresh.token.access_token);
        assert.notEqual(fresh.token.access_token, token.token.access_token);
      });
    }
  }

  test('simple-oauth2, client credentials, dialect', async () => {
    const made = server.client(
      '--name',
      'simple service',
      '--protocol',
      'oauth2',
      '--redirect-uri',
      redirectUri,
      '--grant-type',
      'client_credentials',
      '--scope',
      'editpage',
    );
    const flow = new ClientCredentials({
      client: { id: made.client_id, secret: made.client_secret },
      auth: { tokenHost: server.issuer, tokenPath: '/w/rest.php/oauth2/access_token' },
    });
    const { token } = await flow.getToken({});
    const profile = await fetch(`${server.issuer}/w/rest.php/oauth2/resource/profile`, {
      headers: { authorization: `Bearer ${token.access_token}` },
    });
    assert.equal(((await profile.json()) as { username: string }).username, 'Ada');
  });

  test("next-auth's Wikimedia provider signs a person in, without PKCE and with an empty scope", async () => {
    const host = 'http://127.0.0.1:9';
    const callback = `${host}/api/auth/callback/wikimedia`;
    const made = server.client(
      '--name',
      'next',
      '--protocol',
      'oauth2',
      '--redirect-uri',
      callback,
      '--scope',
      'mwoauth-authonlyprivate',
      '--pkce-optional',
    );
    const rest = `${server.issuer}/w/rest.php/oauth2`;
    const provider = wikimediaProvider({
      clientId: made.client_id,
      clientSecret: made.client_secret,
    });
    const urls = {
      // It checks the name in the answer (RFC 9207), so it has to be told which it is.
      issuer: server.issuer,
      authorization: { url: `${rest}/authorize`, params: { scope: '' } },
      token: `${rest}/access_token`,
      userinfo: `${rest}/resource/profile`,
    };
    const options = {
      secret: 'a secret of the app',
      providers: [{ ...provider, options: { ...provider.options, ...urls } }],
      logger: {
        error: (code: string, fault: unknown) => assert.fail(`${code} ${JSON.stringify(fault)}`),
        warn: () => {},
        debug: () => {},
      },
    };
    process.env.NEXTAUTH_URL = host;
    const cookies: Record<string, string> = {};
    /** A request as a Next.js API route hands it over. */
    const handle = async (
      method: string,
      nextauth: readonly string[],
      query: Record<string, string> = {},
      form: Record<string, string> = {},
    ) => {
      const headers: Record<string, string | string[]> = {};
      let body: unknown;
      const response = {
        status: () => response,
        setHeader: (name: string, value: string | string[]) => {
          headers[name.toLowerCase()] = value;
          return response;
        },
        getHeader: (name: string) => headers[name.toLowerCase()],
        send: (sent: unknown) => {
          body = sent;
        },
        json: (sent: unknown) => {
          body = sent;
        },
        end: () => {},
      };
      await handler(
        {
          method,
          headers: { host },
          cookies: { ...cookies },
          query: { ...query, nextauth },
          body: form,
        },
        response,
        options,
      );
      for (const line of [headers['set-cookie'] ?? []].flat()) {
        const [pair = ''] = line.split(';');
        cookies[pair.slice(0, pair.indexOf('='))] = decodeURIComponent(
          pair.slice(pair.indexOf('=') + 1),
        );
      }
      return { body, redirect: String(headers.location ?? '') };
    };
    const { csrfToken } = (await handle('GET', ['csrf'])).body as { csrfToken: string };
    const start = await handle('POST', ['signin', 'wikimedia'], {}, { csrfToken });
    const page = await decide(new Browser(), start.redirect);
    await handle('GET', ['callback', 'wikimedia'], Object.fromEntries(answerOf(page)));
    const session = (await handle('GET', ['session'])).body as {
      user: { name: string; email: string };
    };
    assert.equal(session.user.name, 'Ben');
    assert.equal(session.user.email, 'ben@example.org');
  });
});
