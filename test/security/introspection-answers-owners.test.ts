import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import { RIGHTS } from '#registry/actor.ts';
import { type Client, type Stage, stages } from '#registry/model/client.ts';

describe('introspection answers owners', () => {
  // Introspection answers a token's own app and the apps an operator named; revocation ends one's
  // own tokens alone (ADR 5, RFC 7662, RFC 7009).

  type Made = ActionOutcome & { readonly secret: string };
  type Bought = { readonly access_token: string; readonly refresh_token: string };
  const redirectUri = 'https://app.example/cb';

  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let holder: Made;
  let other: Made;
  let api: Made;
  let spa: Made;
  let bot: Made;
  let service: Made;

  async function post(
    url: string,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>>,
    remoteAddress = '192.0.2.7',
  ) {
    const payload = new URLSearchParams(form).toString();
    const answer = await world.app.inject({
      method: 'POST',
      url,
      remoteAddress,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload,
    });
    const { date: _date, ...kept } = answer.headers;
    return {
      status: answer.statusCode,
      headers: kept,
      text: answer.body,
      body: answer.body === '' ? null : answer.json(),
    };
  }
  const by = ({ client, secret }: Made) => ({ authorization: basicHeader(client.id, secret) });
  const introspect = (token: string, asker: Made, address?: string) =>
    post('/oauth2/introspect', { token }, by(asker), address);
  const revoke = (token: string, asker: Made, address?: string) =>
    post('/oauth2/revoke', { token }, by(asker), address);
  const alive = async (token: string) =>
    (await world.server.services.protocols.core.oauth2.authenticateToken(token, {})).ok;

  async function bought(made = holder, door: 'core' | 'dialect' = 'core'): Promise<Bought> {
    const code = await world.issueCode(made, ben, null, door === 'core' ? 'core' : 'mediawiki');
    const path = door === 'core' ? '/oauth2/token' : '/w/rest.php/oauth2/access_token';
    return (
      await post(
        path,
        { grant_type: 'authorization_code', code, redirect_uri: redirectUri },
        by(made),
      )
    ).body;
  }
  const itself = async (made: Made): Promise<string> =>
    (await post('/oauth2/token', { grant_type: 'client_credentials' }, by(made))).body.access_token;

  /** Puts an app into a state, whatever way would lead there. */
  async function force({ client: { id } }: Made, state: Partial<Client>): Promise<void> {
    const client = await world.server.store.findClient(id);
    assert.ok(client);
    const audit = {
      at: world.now,
      action: 'force',
      actorId: null,
      via: 'cli',
      address: null,
      clientId: id,
      reason: '',
      changes: [],
    } as const;
    const effects = [{ kind: 'save-client', client: { ...client, ...state } }] as const;
    assert.equal(
      (
        await world.server.store.applyChange({
          recordVersion: client.recordVersion,
          effects,
          audit,
          notifications: [],
        })
      ).outcome,
      'applied',
    );
  }

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    holder = await world.createClient(ada, { name: 'holder' });
    other = await world.createClient(ada, { name: 'other' });
    api = await world.createClient(ada, { name: 'api' });
    spa = await world.createClient(ada, { name: 'spa', confidential: false });
    bot = await world.createClient(ada, {
      name: 'bot',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: ['client_credentials'],
    });
    service = await world.createClient(ada, {
      name: 'service',
      grantTypes: ['client_credentials'],
    });
    assert.ok((await world.clients.setIntrospector(api.client.id, true)).ok);
  });
  after(() => world.close());

  /** Every kind of token, and whose it is. */
  const kinds: readonly {
    readonly name: string;
    readonly owner: () => Made;
    readonly get: () => Promise<string>;
    readonly refresh?: true;
  }[] = [
    {
      name: 'an access token of a code',
      owner: () => holder,
      get: async () => (await bought()).access_token,
    },
    {
      name: 'an access token of a refresh',
      owner: () => holder,
      get: async () => {
        const form = { grant_type: 'refresh_token', refresh_token: (await bought()).refresh_token };
        return (await post('/oauth2/token', form, by(holder))).body.access_token;
      },
    },
    {
      name: 'an access token of the dialect',
      owner: () => holder,
      get: async () => (await bought(holder, 'dialect')).access_token,
    },
    { name: 'an access token of an app itself', owner: () => service, get: () => itself(service) },
    {
      name: 'the credential of an owner-only app',
      owner: () => bot,
      get: async () => bot.accessToken ?? '',
    },
    { name: 'an access token of an owner-only app', owner: () => bot, get: () => itself(bot) },
    {
      name: 'a refresh token',
      owner: () => holder,
      get: async () => (await bought()).refresh_token,
      refresh: true,
    },
    {
      name: 'a refresh token of the dialect',
      owner: () => holder,
      get: async () => (await bought(holder, 'dialect')).refresh_token,
      refresh: true,
    },
  ];

  describe('introspection', () => {
    for (const { name, owner, get, refresh } of kinds)
      test(`${name}: its own app is told, another app is not, a named app ${refresh ? 'is not either' : 'is'}`, async () => {
        const token = await get();
        const own = (await introspect(token, owner())).body;
        assert.deepEqual([own.active, own.client_id], [true, owner().client.id]);
        assert.deepEqual((await introspect(token, other)).body, { active: false });
        const named = (await introspect(token, api)).body;
        assert.deepEqual(named, refresh ? { active: false } : own);
      });

    test('a token of another app and a token that does not exist are answered alike, byte for byte', async () => {
      const { access_token: access, refresh_token: refresh } = await bought();
      const unknown = (await introspect('f'.repeat(51), other)) as Awaited<
        ReturnType<typeof introspect>
      >;
      const forged = `${access.slice(0, access.lastIndexOf('.'))}.${'A'.repeat(86)}`;
      const ended = (await bought()).access_token;
      await revoke(ended, holder);
      for (const token of [
        access,
        refresh,
        forged,
        ended,
        'x',
        '.',
        '..',
        'a.b.c',
        'é',
        'x'.repeat(20_000),
      ])
        assert.deepEqual(await introspect(token, other), unknown, token.slice(0, 20));
      assert.deepEqual([unknown.status, unknown.text], [200, '{"active":false}']);
    });

    test('of a foreign token nothing is fetched: the store is asked for tokens of the asker alone', async () => {
      const { store } = world.server;
      const { access_token: access, refresh_token: refresh } = await bought();
      const verbs = store as unknown as Record<
        'findAccessToken' | 'findRefreshToken',
        (id: never, of?: unknown) => Promise<unknown>
      >;
      const kept = {
        findAccessToken: verbs.findAccessToken,
        findRefreshToken: verbs.findRefreshToken,
      };
      const asked: unknown[] = [];
      for (const verb of ['findAccessToken', 'findRefreshToken'] as const)
        verbs[verb] = async (id, of) => {
          const found = await kept[verb](id, of);
          asked.push([verb, of, found === undefined]);
          return found;
        };
      try {
        await introspect(access, other);
        await introspect(refresh, other);
      } finally {
        Object.assign(verbs, kept);
      }
      const { id } = other.client;
      // A text as long as an access token is no refresh token.
      assert.deepEqual(asked, [
        ['findAccessToken', id, true],
        ['findRefreshToken', id, true],
      ]);
    });

    /** States of an asker that knows its secret, and whether it may act. */
    const states: readonly (readonly [name: string, state: Partial<Client>, may: boolean])[] = [
      ...stages
        .filter((stage) => stage !== 'configured')
        .map((stage: Stage) => [`stage ${stage}`, { stage }, stage === 'approved'] as const),
      ['suppressed', { suppressed: true }, false],
      ['suspension: all', { suspension: 'all' }, false],
      ['suspension: new-consents', { suspension: 'new-consents' }, true],
      [
        'from another address',
        { restrictions: { addresses: ['198.51.100.0/24'], pages: [] } },
        false,
      ],
      ['from its own address', { restrictions: { addresses: ['192.0.2.0/24'], pages: [] } }, true],
    ];
    for (const [name, state, may] of states)
      for (const introspector of [false, true])
        test(`an app ${introspector ? 'that was named' : 'of its own tokens'}, ${name}: ${may ? 'is told' : 'is told nothing'}`, async () => {
          const asker = await world.createClient(ada, { name: `${name} ${introspector}` });
          const token = introspector
            ? (await bought()).access_token
            : (await bought(asker)).access_token;
          await force(asker, { ...state, introspector });
          const { status, body } = await introspect(token, asker);
          // Its own tokens stop with it.
          assert.deepEqual([status, body.active], [200, may]);
          if (!may) assert.deepEqual(body, { active: false });
          if (introspector) assert.equal(await alive(token), true);
        });

    test('an owner-only app asks for its owner, and stops with them', async () => {
      const owner = await world.createPerson('Owner');
      const own = await world.createClient(owner, {
        name: 'own',
        ownerOnly: true,
        redirectUri: '',
        grantTypes: ['client_credentials'],
      });
      await force(own, { introspector: true });
      const token = (await bought()).access_token;
      assert.equal((await introspect(token, own)).body.active, true);
      await world.server.store.setBlocked(owner.id, true);
      assert.deepEqual((await introspect(token, own)).body, { active: false });
    });

    test('who does not prove to be an app is told nothing: a wrong secret, no secret, an app without one', async () => {
      const { access_token: token } = await bought();
      for (const wrong of [
        { authorization: basicHeader(api.client.id, 'wrong') },
        { authorization: basicHeader(holder.client.id, '') },
        { authorization: basicHeader('f'.repeat(32), 'wrong') },
        { authorization: `Bearer ${token}` },
        {},
      ]) {
        const answer = await post('/oauth2/introspect', { token }, wrong);
        assert.deepEqual([answer.status, answer.body.error], [401, 'invalid_client']);
      }
      const stopped = await world.createClient(ada, { name: 'stopped' });
      await force(stopped, { stage: 'disabled' });
      assert.equal((await introspect(token, { ...stopped, secret: 'wrong' })).status, 401);
      const named = await post('/oauth2/introspect', { token, client_id: spa.client.id }, {});
      assert.deepEqual([named.status, named.body.error], [400, 'unauthorized_client']);
    });

    test('a foreign asker leaves no trace in "last used", a named one does', async () => {
      const { store } = world.server;
      const quiet = await world.createClient(ada, { name: 'quiet' });
      const { access_token: token } = await bought(quiet);
      await world.server.flushUsage();
      const calls = async () => (await store.impactOf(quiet.client.id, world.now, world.now)).calls;
      await introspect(token, other);
      await world.server.flushUsage();
      assert.equal(await calls(), 0);
      await introspect(token, api);
      await world.server.flushUsage();
      assert.equal(await calls(), 1);
    });
  });

  describe('who is named', () => {
    const values = (made: Made, introspector: boolean) => ({
      clientId: made.client.id,
      reason: 'it serves the notes',
      introspector,
    });

    test('the operator names an app, the trail says so, and takes it back', async () => {
      const notes = await world.createClient(ada, { name: 'notes' });
      const token = (await bought()).access_token;
      assert.deepEqual((await introspect(token, notes)).body, { active: false });
      assert.ok(
        (
          await world.clients.setIntrospector(notes.client.id, true, {
            reason: 'it serves the notes',
          })
        ).ok,
      );
      assert.equal((await introspect(token, notes)).body.active, true);
      const [entry] = await world.server.store.listAudit({ clientId: notes.client.id, limit: 1 });
      assert.deepEqual([entry?.action, entry?.reason], ['set-introspector', 'it serves the notes']);
      assert.deepEqual(entry?.changes, [{ field: 'introspector', before: false, after: true }]);
      assert.ok((await world.clients.setIntrospector(notes.client.id, false)).ok);
      assert.deepEqual((await introspect(token, notes)).body, { active: false });
    });

    test('everybody sees it: on the page of the app, at the desk of reviewers, and in the API', async () => {
      const notes = await world.createClient(ada, { name: 'notes that ask' });
      const { id } = notes.client;
      const [rex, ben] = [
        await world.createPerson('Rex', ['reviewer']),
        await world.createPerson('Benno'),
      ];
      const places: readonly (readonly [url: string, who: Account | null])[] = [
        [`/apps/${id}`, null],
        [`/apps/${id}`, ben],
        [`/my/apps/${id}`, ada],
      ];
      const get = async (url: string, who: Account | null, language = 'en') =>
        world.app.inject({
          url,
          headers: {
            'accept-language': language,
            ...(who === null ? {} : { cookie: await world.sessionCookie(who) }),
          },
        });
      const rowOf = async () =>
        /Asks about tokens of every app[\s\S]*?<dd>([\s\S]*?)<\/dd>/.exec(
          (await get(`/review/${id}`, rex)).body,
        )?.[1];
      const inApi = async () => (await get(`/api/v1/clients/${id}`, null)).json().introspector;
      for (const [url, who] of places)
        assert.doesNotMatch((await get(url, who)).body, /access tokens of every app/, url);
      assert.match((await rowOf()) ?? '', /no/i);
      assert.equal(await inApi(), false);
      assert.ok((await world.clients.setIntrospector(id, true)).ok);
      for (const [url, who] of places)
        assert.match((await get(url, who)).body, /access tokens of every app/, url);
      assert.match((await get(`/apps/${id}`, null, 'de')).body, /Zugriffstokens aller Apps/);
      assert.match((await get(`/apps/${id}`, null, 'ar')).body, /رموز الوصول لكل التطبيقات/);
      assert.match((await rowOf()) ?? '', /yes/i);
      assert.equal(await inApi(), true);
    });

    test('nobody else can, whatever their rights', async () => {
      const every = new Set(Object.values(RIGHTS));
      for (const via of ['page', 'api'] as const) {
        const submitted = await world.server.services.registry.submit(
          personActor(ada, every, via),
          'set-introspector',
          {
            ...values(holder, true),
            etag: world.server.services.registry.etagFor(
              personActor(ada, every, via),
              holder.client,
            ),
          },
        );
        assert.deepEqual(submitted, {
          ok: false,
          refusal: { kind: 'permission_denied', right: null },
        });
      }
    });

    test('an app that has no secret, or another protocol, cannot be named', async () => {
      const signer = await world.createClient(ada, {
        name: 'signer',
        protocol: 'oauth1',
        grantTypes: [],
      });
      for (const made of [spa, signer]) {
        const answer = await world.clients.setIntrospector(made.client.id, true);
        assert.equal(!answer.ok && answer.refusal.kind, 'invalid_field');
      }
      const proposed = await world.createClient(ada, { name: 'proposed' }, false);
      const answer = await world.clients.setIntrospector(proposed.client.id, true);
      assert.equal(!answer.ok && answer.refusal.kind, 'not_approved');
    });

    test('an app that gets another owner has to be named again', async () => {
      const given = await world.createClient(ada, { name: 'given' });
      assert.ok((await world.clients.setIntrospector(given.client.id, true)).ok);
      const { registry } = world.server.services;
      const every = new Set(Object.values(RIGHTS));
      assert.ok(
        (
          await registry.submit(personActor(ada, every), 'offer', {
            clientId: given.client.id,
            reason: '',
            userId: ben.id,
          })
        ).ok,
      );
      assert.ok(
        (
          await registry.submit(personActor(ben, every), 'accept-offer', {
            clientId: given.client.id,
            reason: '',
          })
        ).ok,
      );
      assert.equal((await world.server.store.findClient(given.client.id))?.introspector, false);
    });
  });

  describe('revocation', () => {
    for (const { name, owner, get, refresh } of kinds) {
      test(`${name}: another app is refused without a reason, and it lives on`, async () => {
        const token = await get();
        for (const asker of [other, api, service].filter((one) => one !== owner())) {
          const { status, text } = await revoke(token, asker);
          assert.deepEqual([status, text], [400, '{"error":"invalid_request"}']);
        }
        const form = { token, client_id: spa.client.id };
        assert.deepEqual(
          (await post('/oauth2/revoke', form, {})).text,
          '{"error":"invalid_request"}',
        );
        assert.equal((await introspect(token, owner())).body.active, true);
      });

      if (name !== 'the credential of an owner-only app')
        test(`${name}: its own app ends it, and a second time is no error`, async () => {
          const token = await get();
          for (let turn = 0; turn < 2; turn++) {
            const { status, text } = await revoke(token, owner());
            assert.deepEqual([status, text], [200, '{}']);
            assert.deepEqual((await introspect(token, owner())).body, { active: false });
          }
          if (!refresh) assert.equal(await alive(token), false);
        });
    }

    test('what is unknown, malformed, expired, used or revoked is no error, whosever it was (RFC 7009 §2.2)', async () => {
      const { access_token: access, refresh_token: used } = await bought();
      const ended = await bought();
      await revoke(ended.refresh_token, holder);
      await post('/oauth2/token', { grant_type: 'refresh_token', refresh_token: used }, by(holder));
      const expired = await itself(service);
      world.advanceClock(3601);
      const tokens = [
        access,
        used,
        ended.access_token,
        ended.refresh_token,
        expired,
        'x',
        'a.b.c',
        '..',
        ' ',
        'f'.repeat(51),
        'x'.repeat(20_000),
      ];
      for (const token of tokens)
        for (const asker of [other, api]) {
          const { status, text } = await revoke(token, asker);
          assert.deepEqual([status, text], [200, '{}'], token.slice(0, 20));
        }
      assert.equal(
        (await post('/oauth2/revoke', { token: 'x', token_type_hint: 'nonsense' }, by(other)))
          .status,
        200,
      );
    });

    test('a used refresh token of another app ends nothing', async () => {
      const first = await bought();
      const next = (
        await post(
          '/oauth2/token',
          { grant_type: 'refresh_token', refresh_token: first.refresh_token },
          by(holder),
        )
      ).body;
      assert.equal((await revoke(first.refresh_token, other)).status, 200);
      assert.equal(await alive(next.access_token), true);
    });

    const stopped: readonly (readonly [string, Partial<Client>])[] = [
      ['disabled', { stage: 'disabled' }],
      ['rejected', { stage: 'rejected' }],
      ['expired', { stage: 'expired' }],
      ['hidden', { suppressed: true }],
      ['suspension', { suspension: 'all' }],
      ['elsewhere', { restrictions: { addresses: ['198.51.100.0/24'], pages: [] } }],
    ];
    for (const [name, state] of stopped)
      test(`an app that is ${name} ends its own tokens, and is told nothing of others`, async () => {
        const app = await world.createClient(ada, { name: `ends ${name}` });
        const [own, foreign] = [await bought(app), await bought()];
        await force(app, state);
        assert.deepEqual(
          await revoke(foreign.access_token, app),
          await revoke('f'.repeat(51), app),
        );
        assert.deepEqual(
          await revoke(foreign.refresh_token, app),
          await revoke('f'.repeat(51), app),
        );
        assert.equal(await alive(foreign.access_token), true);
        assert.equal((await revoke(own.refresh_token, app)).status, 200);
        await force(app, {
          stage: 'approved',
          suppressed: false,
          suspension: 'none',
          restrictions: { addresses: ['::/0', '0.0.0.0/0'], pages: [] },
        });
        assert.equal(await alive(own.access_token), false);
        assert.deepEqual((await introspect(own.refresh_token, app)).body, { active: false });
      });

    test('a wrong secret revokes nothing', async () => {
      const { access_token: token } = await bought();
      assert.equal((await revoke(token, { ...holder, secret: 'wrong' })).status, 401);
      assert.equal(await alive(token), true);
    });
  });
});
