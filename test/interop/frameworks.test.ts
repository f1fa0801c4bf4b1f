import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import { Mwn } from 'mwn';
import { Strategy as MediaWikiStrategy } from 'passport-mediawiki-oauth';
import { Strategy as OAuth1Strategy } from 'passport-oauth1';
import { Browser } from '../../examples/demo/browser.ts';
import { decide, Server } from './server.ts';

describe('frameworks', () => {
  let server: Server;
  let app: HttpServer;
  let appUrl: string;
  const routes = express();

  before(async () => {
    server = await Server.start();
    server.person('Ada', '--group', 'developer', '--group', 'bot');
    server.person('Ben');
    app = createServer(routes);
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  });
  after(async () => {
    app.closeAllConnections();
    app.close();
    await server.stop();
  });

  /**
   * Runs one passport strategy in an Express app with a session in memory; answers what its verify
   * callback was given.
   */
  // biome-ignore lint/suspicious/noExplicitAny: strategies carry no types
  function mount(path: string, strategy: any, results: any[]): void {
    const session = {};
    // biome-ignore lint/suspicious/noExplicitAny: Express carries no types here
    routes.get(path, (request: any, response: any) => {
      request.session = session;
      const run = Object.create(strategy);
      run.success = (user: unknown) => response.json({ user });
      run.fail = (challenge: unknown) => response.status(401).json({ challenge });
      run.error = (fault: Error) =>
        response.status(500).json({
          fault: String(fault),
          data: JSON.stringify((fault as { oauthError?: unknown }).oauthError ?? null),
        });
      run.redirect = (url: string) => response.redirect(url);
      run.authenticate(request, { sessionKey: path });
    });
    results.length = 0;
  }

  async function dance(path: string): Promise<{ readonly user: { readonly name: string } }> {
    const browser = new Browser();
    const first = await browser.go(appUrl + path);
    assert.ok(first.location, first.text);
    const back = await decide(browser, first.location);
    assert.ok(back.location?.startsWith(appUrl), back.text);
    assert.ok(back.location);
    const end = await browser.go(back.location);
    assert.equal(end.status, 200, end.text);
    return JSON.parse(end.text);
  }

  test('passport-oauth1 in an Express app, canonical endpoints', async () => {
    const client = server.client(
      '--name',
      'Express',
      '--protocol',
      'oauth1',
      '--redirect-uri',
      appUrl,
      '--prefix',
      '--scope',
      'editpage',
    );
    const strategy = new OAuth1Strategy(
      {
        requestTokenURL: `${server.issuer}/oauth1/initiate`,
        accessTokenURL: `${server.issuer}/oauth1/token`,
        userAuthorizationURL: `${server.issuer}/oauth1/authorize`,
        consumerKey: client.client_id,
        consumerSecret: client.client_secret,
        callbackURL: `${appUrl}/passport`,
        signatureMethod: 'HMAC-SHA1',
      },
      (
        token: string,
        _secret: string,
        _profile: unknown,
        done: (fault: null, user: object) => void,
      ) => done(null, { name: token.length === 32 ? 'Ben' : 'nobody' }),
    );
    mount('/passport', strategy, []);
    assert.equal((await dance('/passport')).user.name, 'Ben');
  });

  test('passport-mediawiki-oauth against the dialect, with identify', async () => {
    const client = server.client(
      '--name',
      'Passport',
      '--protocol',
      'oauth1',
      '--redirect-uri',
      `${appUrl}/mediawiki`,
      '--scope',
      'editpage',
    );
    const strategy = new MediaWikiStrategy(
      {
        consumerKey: client.client_id,
        consumerSecret: client.client_secret,
        callbackURL: `${appUrl}/mediawiki`,
        baseURL: `${server.issuer}/`,
      },
      (
        _token: string,
        _secret: string,
        profile: { displayName: string },
        done: (fault: null, user: object) => void,
      ) => done(null, { name: profile.displayName }),
    );
    mount('/mediawiki', strategy, []);
    assert.equal((await dance('/mediawiki')).user.name, 'Ben');
  });

  test('mwn, owner-only, OAuth 1 and OAuth 2', async () => {
    const apiUrl = `${server.issuer}/w/api.php`;
    const first = server.client(
      '--name',
      'Bot one',
      '--protocol',
      'owner-only',
      '--oauth-version',
      '1',
      '--scope',
      'highvolume',
    );
    const signed = await Mwn.init({
      apiUrl,
      userAgent: 'test',
      silent: true,
      OAuthCredentials: {
        consumerToken: first.client_id,
        consumerSecret: first.client_secret,
        accessToken: first.access_token,
        accessSecret: first.access_token_secret,
      },
    });
    const who = await signed.request({
      action: 'query',
      meta: 'userinfo',
      uiprop: 'groups|rights',
    });
    assert.equal(who.query?.userinfo.name, 'Ada');
    assert.ok(who.query?.userinfo.rights.includes('bot'));

    const second = server.client(
      '--name',
      'Bot two',
      '--protocol',
      'owner-only',
      '--scope',
      'highvolume',
    );
    const bearer = await Mwn.init({
      apiUrl,
      userAgent: 'test',
      silent: true,
      OAuth2AccessToken: second.access_token,
    });
    assert.equal(
      (await bearer.request({ action: 'query', meta: 'userinfo', assert: 'bot' })).query?.userinfo
        .name,
      'Ada',
    );

    await assert.rejects(
      Mwn.init({ apiUrl, userAgent: 'test', silent: true, OAuth2AccessToken: 'nonsense' }),
      /mwoauth-invalid-authorization/,
    );
  });

  const python = ['/usr/bin/python3', 'python3'].find(
    (name) => spawnSync(name, ['-c', 'import mwoauth'], { stdio: 'ignore' }).status === 0,
  );
  const required = process.env.GATEHOUSE_REQUIRE_ALL === '1';

  test('mwoauth (Python), a whole dance with identify', {
    skip:
      python === undefined &&
      !required &&
      'left out: python3 with the package mwoauth is not on this machine',
  }, async () => {
    assert.ok(python, 'python3-mwoauth is required and is not on this machine');
    const client = server.client(
      '--name',
      'Pythonic',
      '--protocol',
      'oauth1',
      '--redirect-uri',
      `${appUrl}/python`,
      '--scope',
      'mwoauth-authonlyprivate',
    );
    const script = new URL('./mwoauth_dance.py', import.meta.url).pathname;
    const run = (...args: string[]) => {
      const ran = spawnSync(
        python,
        [script, `${server.issuer}/w/index.php`, client.client_id, client.client_secret, ...args],
        {
          encoding: 'utf8',
        },
      );
      assert.equal(ran.status, 0, ran.stderr);
      return JSON.parse(ran.stdout);
    };
    const started = run('initiate');
    const back = await decide(new Browser(), started.redirect);
    const ended = run(
      'complete',
      started.key,
      started.secret,
      new URL(back.location ?? 'about:blank').search.slice(1),
    );
    assert.equal(ended.username, 'Ben');
    assert.equal(ended.email, 'ben@example.org');
    assert.equal(ended.aud, client.client_id);
  });
});
