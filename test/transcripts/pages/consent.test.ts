import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { storeLegacyClient } from '#harness/accepted-earlier.ts';
import { hasDialect } from '#harness/profiles.ts';
import { TestServer } from '#harness/world.ts';
import { OPERATOR } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';

describe('consent', () => {
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  before(async () => {
    world = new TestServer();
    [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  });
  after(() => world.close());

  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

  /** Walks from the app's link to the page of the decision. */
  async function ask(client: Client, who: Account, scope: string, language = 'en') {
    const cookie = await world.sessionCookie(who);
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: client.id,
      redirect_uri: client.redirectUri,
      scope,
      state: 's',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ui_locales: language,
    });
    const started = await world.app.inject({
      url: `/oauth2/authorize?${query}`,
      headers: { cookie },
    });
    const location = started.headers.location ?? '';
    if (!location.startsWith('/authorize/'))
      return { cookie, location, page: started, decide: async () => started };
    const page = await world.app.inject({
      url: `${location}?uselang=${language}`,
      headers: { cookie },
    });
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const decide = (fields: Readonly<Record<string, string>>) =>
      world.app.inject({
        method: 'POST',
        url: location,
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({ csrf, ...fields }).toString(),
      });
    return { cookie, location, page, decide };
  }

  test('what the app declared optional can be left out, and only that', async () => {
    const { client } = await world.createClient(ada, {
      name: 'Choosy',
      scopes: ['editpage', 'delete', 'sendemail'],
      optionalScopes: ['delete', 'sendemail'],
    });
    const { page, decide } = await ask(client, ben, 'basic editpage delete sendemail');
    assert.match(page.body, /You can leave out what is ticked here/);
    assert.match(page.body, /<input type="checkbox" name="scope\.delete" value="1" checked/);
    assert.doesNotMatch(page.body, /scope\.editpage|scope\.basic/);
    assert.equal(
      (await decide({ accept: '1', 'scope.sendemail': '1', 'scope.import': '1' })).statusCode,
      303,
    );
    const consent = await world.consents.current(client, ben, world.server.services.site);
    assert.deepEqual(consent?.scopes, ['basic', 'editpage', 'sendemail']);
  });

  test('an OAuth 1 app asks for all of its scopes; the optional ones can be left out', async () => {
    const { client } = await world.createClient(ada, {
      name: 'Old',
      protocol: 'oauth1',
      scopes: ['editpage', 'delete'],
      optionalScopes: ['delete'],
    });
    const consent = await world.consents.accept(client, ben, []);
    assert.deepEqual(consent.scopes, ['basic', 'editpage']);
  });

  test('after a revision people are asked for what was added, and see what they allowed before', async () => {
    const { client } = await world.createClient(ada, { name: 'Grows', scopes: ['editpage'] });
    await world.consents.accept(client, ben, ['editpage']);
    const { registry, records } = world.server.services;
    const about = { clientId: client.id, reason: '' };
    assert.ok(
      (await registry.submit(OPERATOR, 'revise', { ...about, scopes: ['editpage', 'sendemail'] }))
        .ok,
    );
    const revision = await records.openRevision(client.id);
    assert.ok(
      (await registry.submit(OPERATOR, 'approve-revision', { ...about, revisionId: revision?.id }))
        .ok,
    );
    const now = await records.findClient(client.id);
    const { page } = await ask(now ?? client, ben, 'basic editpage sendemail');
    assert.match(
      page.body,
      /New: it will also be able to:[\s\S]*e-mail[\s\S]*You allowed before:[\s\S]*Edit existing pages/i,
    );
    const again = await ask(now ?? client, ben, 'basic editpage');
    assert.match(again.page.body, /asks for nothing new/);
  });

  test('a name made of markup and turned text is harmless, in every language', async () => {
    const name = '<b>Bank</b>"&';
    const { client } = await world.createClient(ada, { name });
    await storeLegacyClient(world, client, { description: '\u202eevil <script>' });
    for (const language of ['en', 'de', 'ar']) {
      const { page } = await ask(client, ben, 'basic', language);
      assert.match(page.body, /<bdi>&lt;b&gt;Bank&lt;\/b&gt;&quot;&amp;<\/bdi>/);
      assert.doesNotMatch(page.body, /<script>(?!<)|<b>/);
      assert.match(
        page.body,
        new RegExp(`<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}"`),
      );
    }
  });

  test('an app that takes nobody new says so to a new person, and serves those who were there', async () => {
    const { client } = await world.createClient(ada, { name: 'Suspended', scopes: ['editpage'] });
    await world.consents.accept(client, ben, ['editpage']);
    assert.ok((await world.clients.suspend(client.id, 'new-consents')).ok);
    const cyd = await world.createPerson('Cyd');
    const refused = await ask(client, cyd, 'basic editpage');
    assert.equal(refused.page.statusCode, 403);
    assert.match(refused.page.body, /takes nobody new/);
    const { page, decide } = await ask(client, ben, 'basic editpage');
    assert.equal(page.statusCode, 200);
    assert.match((await decide({ accept: '1' })).headers.location ?? '', /code=/);
  });

  test('the list of allowed apps: last use, a way out, and an export of one’s own records alone', async () => {
    await world.server.flushUsage();
    const cookie = await world.sessionCookie(ben);
    const page = await world.app.inject({ url: '/consents', headers: { cookie } });
    assert.match(page.body, /Choosy/);
    assert.match(page.body, /Last used/);
    const file = await world.app.inject({ url: '/consents/export.json', headers: { cookie } });
    assert.match(String(file.headers['content-disposition']), /attachment/);
    assert.equal(file.headers['cache-control'], 'no-store');
    const { account, consents } = file.json();
    assert.equal(account, 'Ben');
    assert.equal(consents.length, (await world.server.store.listConsents(ben.id)).length);
    assert.equal(
      (await world.app.inject({ url: '/consents/export.json' })).headers.location,
      '/sign-in?returnto=/consents',
    );
  });

  const dialectPages = [
    ['/wiki/Special:OAuthListConsumers', '/apps'],
    [`/wiki/Special:OAuthListConsumers/view/${'a'.repeat(32)}`, `/apps/${'a'.repeat(32)}`],
    [
      '/w/index.php?title=Special:OAuthListConsumers&name=Reader&publisher=Ada&stage=0',
      '/apps?q=Reader&owner=Ada&stage=proposed',
    ],
    ['/wiki/Special:OAuthListConsumers?stage=-1', '/apps?stage=any'],
    ['/wiki/Special:OAuthConsumerRegistration', '/my/apps'],
    ['/wiki/Special:OAuthConsumerRegistration/list', '/my/apps'],
    ['/wiki/Special:OAuthRegistration/propose/oauth1a', '/my/apps/new?kind=oauth1'],
    [
      `/wiki/Special:OAuthConsumerRegistration/copy/${'b'.repeat(32)}`,
      `/my/apps/new?copy=${'b'.repeat(32)}`,
    ],
    [
      `/wiki/special:oauthconsumerregistration/update/${'b'.repeat(32)}`,
      `/my/apps/${'b'.repeat(32)}`,
    ],
    ['/wiki/Special:OAuthManageConsumers', '/review'],
    ['/wiki/Special:OAuthManageConsumers/rejected', '/review?show=rejected'],
    ['/wiki/Special:OAuthManageConsumers/proposed', '/review?show=waiting'],
    [`/wiki/Special:OAuthManageConsumers/proposed/${'c'.repeat(32)}`, `/review/${'c'.repeat(32)}`],
    ['/wiki/Special:OAuthManageMyGrants/update/17', '/consents'],
    ['/wiki/Special:OAuthGrants', '/consents'],
  ] as const;
  for (const [from, to] of hasDialect ? dialectPages : []) {
    test(`${from} leads to ${to}`, async () => {
      const answer = await world.app.inject({ url: from });
      assert.deepEqual([answer.statusCode, answer.headers.location], [303, to]);
    });
  }

  test('a page of the reference with a hostile part leads nowhere else', {
    skip: !hasDialect,
  }, async () => {
    for (const part of [
      '//evil.example',
      'view//evil.example',
      'view/%2F%2Fevil.example',
      'update/..%2F..%2Fx',
    ]) {
      const { headers } = await world.app.inject({
        url: `/wiki/Special:OAuthListConsumers/${part}`,
      });
      assert.match(headers.location ?? '/apps', /^\/(?:apps|my\/apps)/);
    }
  });
});
