import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { ConsentTestServer, type ProfileName } from '#harness/approvals.ts';
import type { ClientId } from '#kernel/ids.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';

describe('later consent adds', () => {
  // A later approval adds to what a person allowed an app; tokens lose scopes only by what the
  // person took away (ADR 25).

  let world: ConsentTestServer;
  let ada: Account;
  let number = 0;
  before(async () => {
    world = new ConsentTestServer();
    ada = await world.createPerson('Ada');
  });
  after(() => world.close());

  const doors = ['core', 'mediawiki'] as const satisfies readonly ProfileName[];
  const person = () => world.createPerson(`Ben${++number}`);
  const app = (wanted: Partial<ClientProposal> = {}) =>
    world.createClient(ada, {
      name: `App ${++number}`,
      scopes: ['editpage', 'delete', 'sendemail', 'protect'],
      ...wanted,
    });
  const optional = { optionalScopes: ['delete', 'sendemail', 'protect'] } as const;

  for (const first of doors)
    for (const second of doors)
      test(`what is allowed later at the ${second} addresses takes nothing from tokens of the ${first} addresses`, async () => {
        const [ben, made] = [await person(), await app()];
        const tablet = await world.obtainTokens(made, ben, 'editpage delete', first);
        const phone = await world.obtainTokens(made, ben, 'sendemail', second);
        assert.deepEqual(
          await world.introspect(tablet.access_token, made).then(({ scope }) => scope),
          'editpage delete',
        );
        assert.equal(
          (await world.introspect(phone.access_token, made)).scope,
          'sendemail',
          'the new one has what was asked now',
        );
        const refreshed = await world.refreshTokens(tablet.refresh_token, made, first);
        assert.equal(refreshed.status, 200, JSON.stringify(refreshed.body));
        assert.equal(
          (await world.introspect(refreshed.body.access_token, made)).scope,
          'editpage delete',
        );
        assert.deepEqual(
          await world.grantedScopes(made, ben),
          ['basic', 'editpage', 'delete', 'sendemail'],
          'in the order it was allowed',
        );
      });

  for (const door of doors)
    test(`to allow less again takes nothing away, at the ${door} addresses`, async () => {
      const [ben, made] = [await person(), await app()];
      const held = await world.obtainTokens(made, ben, 'editpage delete', door);
      const light = await world.obtainTokens(made, ben, 'editpage', door);
      assert.equal((await world.introspect(held.access_token, made)).scope, 'editpage delete');
      assert.equal((await world.introspect(light.access_token, made)).scope, 'editpage');
      const lines = await world.server.store.listAudit({
        clientId: made.client.id,
        about: 'consents',
        limit: 9,
      });
      assert.equal(lines.length, 1, 'nothing changed, so nothing is written');
    });

  test('the trail says what was added', async () => {
    const [ben, made] = [await person(), await app()];
    await world.obtainTokens(made, ben, 'editpage');
    await world.obtainTokens(made, ben, 'protect');
    const [line] = await world.server.store.listAudit({
      clientId: made.client.id,
      about: 'consents',
      limit: 1,
    });
    assert.deepEqual(line?.changes, [
      { field: 'scopes', before: ['basic', 'editpage'], after: ['basic', 'editpage', 'protect'] },
    ]);
  });

  test('OAuth 1: what was left out once is added later; the pair stays', async () => {
    const [ben, made] = [await person(), await app({ protocol: 'oauth1', ...optional })];
    const allow = async (unticked: readonly string[]) => {
      const { authorizeUrl: asking, exchange } = await world.oauth1Handshake(made);
      const page = await world.openConsentPage(asking, await world.sessionCookie(ben));
      const done = await world.submitDecision(page, 'accept', world.formFields(page, unticked));
      return (await exchange(/<code class="big">(\w+)</.exec(done.body)?.[1] ?? '')).form.get(
        'oauth_token',
      );
    };
    const pair = await allow(['delete', 'protect']);
    assert.deepEqual(await world.grantedScopes(made, ben), ['basic', 'editpage', 'sendemail']);
    assert.equal(await allow(['protect']), pair);
    assert.deepEqual(await world.grantedScopes(made, ben), [
      'basic',
      'editpage',
      'sendemail',
      'delete',
    ]);
    assert.equal(
      await allow(['sendemail', 'protect']),
      pair,
      'what was allowed before, shown, and left out is taken away',
    );
    assert.deepEqual(await world.grantedScopes(made, ben), ['basic', 'editpage', 'delete']);
  });

  describe('what a person takes away', () => {
    test('is what was shown as allowed before and left out: tokens that hold it lose it at once, and the page says so first', async () => {
      const [ben, made] = [await person(), await app(optional)];
      const held = await world.obtainTokens(made, ben, 'editpage delete sendemail');
      const page = await world.openConsentPage(
        world.authorizeUrl(made.client, 'editpage delete protect'),
        await world.sessionCookie(ben),
      );
      assert.match(
        page.body,
        /You allowed before:[\s\S]*If you untick one of these, the app loses it at once/,
      );
      const { location: to } = await world.submitDecision(
        page,
        'accept',
        world.formFields(page, ['delete']),
      );
      const next = await world.exchangeCode(new URL(to ?? '').searchParams.get('code') ?? '', made);
      assert.equal(next.body.scope, 'editpage protect');
      assert.equal(
        (await world.introspect(held.access_token, made)).scope,
        'editpage sendemail',
        'what was not on the page stays',
      );
      assert.equal(
        (await world.refreshTokens(held.refresh_token, made)).body.scope,
        'editpage sendemail',
      );
      assert.deepEqual(await world.grantedScopes(made, ben), [
        'basic',
        'editpage',
        'sendemail',
        'protect',
      ]);
    });

    test('the page says nothing of an end where no choice has one', async () => {
      const [ben, made] = [await person(), await app(optional)];
      const never = /the app loses it at once/;
      assert.doesNotMatch(
        (
          await world.openConsentPage(
            world.authorizeUrl(made.client, 'editpage delete'),
            await world.sessionCookie(ben),
          )
        ).body,
        never,
        'nothing was allowed before',
      );
      await world.obtainTokens(made, ben, 'editpage');
      assert.doesNotMatch(
        (
          await world.openConsentPage(
            world.authorizeUrl(made.client, 'editpage delete'),
            await world.sessionCookie(ben),
          )
        ).body,
        never,
        'what was allowed before cannot be left out',
      );
    });

    test('is not what another device was allowed while the page was open', async () => {
      const [ben, made] = [await person(), await app(optional)];
      const page = await world.openConsentPage(
        world.authorizeUrl(made.client, 'editpage delete'),
        await world.sessionCookie(ben),
      );
      const tablet = await world.obtainTokens(made, ben, 'editpage delete');
      await world.submitDecision(page, 'accept', world.formFields(page, ['delete']));
      assert.equal((await world.introspect(tablet.access_token, made)).scope, 'editpage delete');
    });

    test('is not what a page did not show: one that names more, or another, takes nothing', async () => {
      const [ben, made] = [await person(), await app({ optionalScopes: ['sendemail'] })];
      const held = await world.obtainTokens(made, ben, 'editpage delete sendemail');
      const page = await world.openConsentPage(
        world.authorizeUrl(made.client, 'editpage'),
        await world.sessionCookie(ben),
      );
      await world.submitDecision(page, 'accept', {
        'before.delete': '1',
        'before.editpage': '1',
        'before.basic': '1',
        'before.sendemail': '1',
      });
      assert.equal(
        (await world.introspect(held.access_token, made)).scope,
        'editpage delete sendemail',
      );
    });

    test('is everything, once the app is ended on the list: what is allowed afterwards is that alone', async () => {
      const [ben, made] = [await person(), await app()];
      const held = await world.obtainTokens(made, ben, 'editpage delete');
      const cookie = await world.sessionCookie(ben);
      const list = await world.browse('/consents', cookie);
      const [, path = ''] = /action="(\/consents\/\d+\/end)"/.exec(list.body) ?? [];
      await world.browse(path, cookie, {
        csrf: /name="csrf" value="([^"]+)"/.exec(list.body)?.[1] ?? '',
        end: '1',
      });
      await world.obtainTokens(made, ben, 'sendemail');
      assert.deepEqual(await world.grantedScopes(made, ben), ['basic', 'sendemail']);
      assert.deepEqual(await world.introspect(held.access_token, made), { active: false });
      assert.equal(
        (await world.refreshTokens(held.refresh_token, made)).body.error,
        'invalid_grant',
      );
    });
  });

  describe('nothing is left', () => {
    for (const door of doors)
      test(`invalid_scope for who asked for something, invalid_grant for who did not, at the ${door} addresses`, async () => {
        const [ben, made] = [await person(), await app(optional)];
        const [held, other] = [
          await world.obtainTokens(made, ben, 'delete', door),
          await world.obtainTokens(made, ben, 'editpage delete', door),
        ];
        const code = await world.obtainCode(made, ben, 'delete', door);
        await world.obtainCode(made, ben, 'editpage delete', door, ['delete']);
        const error = async (more: Readonly<Record<string, string>>) =>
          (await world.refreshTokens(held.refresh_token, made, door, more)).body.error;
        assert.equal(await error({ scope: 'delete' }), 'invalid_scope');
        assert.equal(await error({}), 'invalid_grant');
        assert.deepEqual(await world.introspect(held.access_token, made), { active: false });
        assert.deepEqual(await world.introspect(held.refresh_token, made), { active: false });
        assert.equal(
          (await world.exchangeCode(code, made, door)).body.error,
          'invalid_grant',
          'a code of which nothing is left',
        );
        const resource = await world.app.inject({
          url: '/w/rest.php/oauth2/resource/profile',
          headers: { authorization: `Bearer ${held.access_token}` },
        });
        assert.equal(resource.statusCode, 403);
        assert.equal(
          (await world.refreshTokens(other.refresh_token, made, door)).status,
          200,
          'one of which something is left lives on',
        );
      });

    test('a used refresh token that comes again ends its family also when nothing is left of it', async () => {
      const [ben, made] = [await person(), await app(optional)];
      const { refresh_token } = await world.obtainTokens(made, ben, 'delete');
      await world.refreshTokens(refresh_token, made);
      await world.obtainCode(made, ben, 'editpage delete', 'core', ['delete']);
      world.advanceClock(601);
      assert.equal((await world.refreshTokens(refresh_token, made)).body.error, 'invalid_grant');
      const found = await world.server.store.findRefreshToken(
        (await import('#keys/digest.ts')).digestOf(refresh_token),
      );
      assert.equal(found?.familyRevoked, true);
    });
  });

  test('two devices at once: everything that was allowed is kept', async () => {
    const [ben, made] = [await person(), await app()];
    const asked = ['editpage', 'delete', 'sendemail', 'protect'];
    const pages = await Promise.all(
      asked.map(async (scope) =>
        world.openConsentPage(
          world.authorizeUrl(made.client, scope),
          await world.sessionCookie(ben),
        ),
      ),
    );
    const answers = await Promise.all(pages.map((page) => world.submitDecision(page, 'accept')));
    for (const [index, { location: to }] of answers.entries())
      assert.equal(
        (await world.exchangeCode(new URL(to ?? '').searchParams.get('code') ?? '', made)).body
          .scope,
        asked[index],
      );
    assert.deepEqual(
      [...((await world.grantedScopes(made, ben)) ?? [])].sort(),
      ['basic', ...asked].sort(),
    );
  });

  test('an app that takes nobody new still serves who allowed it, and what it lost is not given again', async () => {
    const [ben, made] = [await person(), await app(optional)];
    const held = await world.obtainTokens(made, ben, 'editpage delete');
    await world.clients.suspend(made.client.id, 'new-consents');
    await world.obtainTokens(made, ben, 'editpage delete', 'core', ['delete']);
    assert.equal((await world.introspect(held.access_token, made)).scope, 'editpage');
    const again = await world.browse(
      (
        await world.browse(
          world.authorizeUrl(made.client, 'delete'),
          await world.sessionCookie(ben),
        )
      ).location ?? '',
      await world.sessionCookie(ben),
    );
    assert.equal(again.status, 403);
  });

  test('a first-party app that is given all of its scopes without a page adds as well, and its code has what it asked for', async () => {
    const entry = {
      ...{
        client_id: 'e'.repeat(32),
        name: 'Editor',
        owner: 'Ada',
        protocol: 'oauth2',
        version: '1.0',
        description: 'Edits.',
      },
      ...{
        scopes: ['editpage', 'delete'],
        skip_consent: true,
        grant_types: ['authorization_code'],
      },
      ...{ redirect_uri: 'https://editor.example/cb', confidential: false },
    };
    const street = new ConsentTestServer({}, JSON.stringify({ clients: [entry] }));
    const [, ben] = [await street.createPerson('Ada'), await street.createPerson('Ben')];
    await street.server.prepare();
    const client = await street.server.store.findClient('e'.repeat(32) as ClientId);
    assert.ok(client);
    const consent = {
      userId: ben.id,
      clientId: client.id,
      site: client.site,
      scopes: ['basic', 'delete'],
      acceptedAt: street.now,
    };
    await street.server.store.saveConsent(consent, null, {
      ...{
        at: street.now,
        action: 'accept',
        actorId: ben.id,
        via: 'page',
        address: null,
        clientId: client.id,
        reason: '',
        changes: [],
      },
    });
    const { location: to } = await street.browse(
      street.authorizeUrl(client, 'editpage'),
      await street.sessionCookie(ben),
    );
    const form = {
      grant_type: 'authorization_code',
      client_id: client.id,
      redirect_uri: client.redirectUri,
      code_verifier: 'v'.repeat(43),
    };
    const bought = await street.app.inject({
      ...{
        method: 'POST',
        url: '/oauth2/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      payload: new URLSearchParams({
        ...form,
        code: new URL(to ?? '').searchParams.get('code') ?? '',
      }).toString(),
    });
    assert.equal(bought.json().scope, 'editpage');
    assert.deepEqual(await street.grantedScopes({ client, secret: '' }, ben), [
      'basic',
      'delete',
      'editpage',
    ]);
    await street.close();
  });
});
