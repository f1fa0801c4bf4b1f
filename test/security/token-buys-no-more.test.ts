import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { softwareAuthenticator } from '#harness/authenticator.ts';
import { testNow } from '#harness/clock.ts';
import { personActor } from '#harness/consents.ts';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader, password, TestServer } from '#harness/world.ts';
import { csrfToken } from '#http/csrf.ts';
import { type ClientId, EVERY_SITE, type SiteId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { isRecentProof } from '#registry/actions/authority.ts';
import type { Actor } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import { isNotification } from '#registry/notifications/notification.ts';

describe('token buys no more', () => {
  // What is done through a token or a signature never gives or widens a credential beyond the
  // caller's own scopes (ADR 17).

  const own = { ownerOnly: true, redirectUri: '' } as const;
  const own2 = { ...own, grantTypes: ['client_credentials'] } as const;
  const own1 = { ...own, protocol: 'oauth1', grantTypes: [] } as const;
  const file = `
sites:
  - { id: wiki, name: Wiki, origin: 'https://gate.example' }
`;
  type Json = Readonly<Record<string, unknown>>;

  let world: TestServer;
  let ada: Account;
  let root: Account;
  let count = 0;
  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada', ['developer']);
    root = await world.createPerson('Root', ['administrator', 'developer']);
  });
  after(() => world.close());

  const fresh = () => `app ${++count}`;
  const everyScope = () =>
    world.server.services.scopes
      .allScopes()
      .flatMap(({ name, identityOnly }) => (identityOnly ? [] : [name]));

  /**
   * The token of an app that this person allowed these scopes; the code was bought the ordinary
   * way.
   */
  async function tokenOf(person: Account, scopes: readonly string[], at = world): Promise<string> {
    const made = await at.createClient(root, { name: fresh(), scopes });
    const verifier = 'v'.repeat(43);
    const code = await at.issueCode(
      made,
      person,
      createHash('sha256').update(verifier).digest('base64url'),
    );
    const answer = await at.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: basicHeader(made.client.id, made.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: made.client.redirectUri,
        code_verifier: verifier,
      }).toString(),
    });
    assert.equal(answer.statusCode, 200, answer.body);
    return answer.json().access_token;
  }

  const send = (
    method: 'GET' | 'POST' | 'PATCH',
    url: string,
    headers: Record<string, string>,
    body?: Json,
    at = world,
  ) =>
    at.app.inject({
      method,
      url,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  /** The scopes that a token has where it is used, and those that its text says. */
  async function scopesOf(
    token: string,
    at = world,
  ): Promise<{ readonly live: readonly string[]; readonly said: readonly string[] }> {
    const permit = await at.server.services.guard.permit(
      {
        method: 'GET',
        target: '/',
        headers: { authorization: [`Bearer ${token}`] },
        body: undefined,
        address: '192.0.2.7',
        secure: true,
      },
      at.server.services.site,
    );
    const { scope } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return {
      live: permit.ok ? permit.value.scopes : [],
      said: String(scope ?? '')
        .split(' ')
        .filter(Boolean),
    };
  }
  const inside = (got: readonly string[], most: readonly string[]) =>
    assert.deepEqual(
      got.filter((scope) => !most.includes(scope)),
      [],
    );

  /** What somebody gets who holds the secret of an owner-only app. */
  async function bySecret(id: string, secret: string, at = world): Promise<readonly string[]> {
    const answer = await at.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: basicHeader(id, secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: 'grant_type=client_credentials',
    });
    return answer.statusCode === 200 ? (await scopesOf(answer.json().access_token, at)).live : [];
  }
  const found = async (id: string): Promise<Client> => {
    const client = await world.server.store.findClient(id as ClientId);
    assert.ok(client);
    return client;
  };
  const proposal = (scopes: readonly string[], more: Json = {}): Json => ({
    ...{
      name: fresh(),
      description: '',
      protocol: 'oauth2',
      owner_only: true,
      scopes,
      terms_accepted: true,
    },
    ...more,
  });
  const code = (answer: { json(): { code?: string } }) => answer.json().code;
  const act = (actor: Actor, action: string, values: Json) =>
    world.server.services.registry.submit(actor, action, { reason: '', ...values });
  const inBrowser = (person: Account) =>
    personActor(person, world.server.services.rights.rightsOf(person));

  describe('owner-only apps through a token', () => {
    test('every scope is asked for, and what comes back holds those of the caller', async () => {
      const token = await tokenOf(ada, ['gatehouse:clients']);
      const mine = (await scopesOf(token)).live;
      const answer = await send('POST', '/api/v1/clients', bearer(token), proposal(everyScope()));
      assert.equal(answer.statusCode, 201, answer.body);
      const {
        access_token: jwt,
        client_secret: secret,
        client_id: id,
        withheld_scopes: withheld,
      } = answer.json();
      const got = await scopesOf(jwt);
      inside(got.live, mine);
      inside(got.said, mine);
      inside(await bySecret(id, secret), mine);
      inside((await found(id)).scopes, mine);
      assert.deepEqual([...withheld, ...got.live].sort(), everyScope().sort());
    });

    test('an administrator’s token makes none for reviewing', async () => {
      const token = await tokenOf(root, ['gatehouse:clients']);
      const answer = await send(
        'POST',
        '/api/v1/clients',
        bearer(token),
        proposal(['gatehouse:clients', 'gatehouse:review']),
      );
      const stranger = await world.createClient(ada, { name: fresh() }, false);
      const approval = await send(
        'POST',
        `/api/v1/clients/${stranger.client.id}/approve`,
        bearer(answer.json().access_token),
        {},
      );
      assert.deepEqual([approval.statusCode, code(approval)], [403, 'insufficient_scope']);
    });

    test('what is bought buys no more in turn, however often', async () => {
      let token = await tokenOf(ada, ['gatehouse:clients', 'editpage']);
      const mine = (await scopesOf(token)).live;
      for (let turn = 0; turn < 3; turn++) {
        token = (
          await send('POST', '/api/v1/clients', bearer(token), proposal(everyScope()))
        ).json().access_token;
        inside((await scopesOf(token)).live, mine);
      }
    });

    test('a scope of which nothing would be left is refused, and says which', async () => {
      const token = await tokenOf(ada, ['gatehouse:clients']);
      const answer = await send(
        'POST',
        '/api/v1/clients',
        bearer(token),
        proposal(['mwoauth-authonlyprivate']),
      );
      assert.deepEqual([answer.statusCode, code(answer)], [403, 'browser_session_required']);
      assert.deepEqual(answer.json().missing_scopes, ['mwoauth-authonlyprivate']);
    });

    test('OAuth 1: the pair signs with the caller’s scopes', async () => {
      const token = await tokenOf(ada, ['gatehouse:clients']);
      const mine = (await scopesOf(token)).live;
      const answer = await send(
        'POST',
        '/api/v1/clients',
        bearer(token),
        proposal(everyScope(), { protocol: 'oauth1' }),
      );
      assert.equal(answer.statusCode, 201, answer.body);
      const {
        client_id: key,
        client_secret: secret,
        access_token: pair,
        access_token_secret: pairSecret,
      } = answer.json();
      const url = '/api/v1/me';
      const me = await send(
        'GET',
        url,
        signedHeader(world, 'GET', url, { key, secret }, { key: pair, secret: pairSecret }),
      );
      assert.equal(me.statusCode, 200, me.body);
      inside(me.json().rights, [...world.server.services.scopes.rightsOf(mine)]);
      inside((await found(key)).scopes, mine);
    });

    test('a credential for one site makes none for all', async () => {
      const at = new TestServer({ issuer: 'https://gate.example' }, file);
      const olga = await at.createPerson('Olga', ['developer']);
      const made = await at.createClient(olga, {
        ...own2,
        name: 'console',
        site: 'wiki',
        scopes: ['gatehouse:clients'],
      });
      const answer = await send(
        'POST',
        '/api/v1/clients',
        bearer(made.accessToken ?? ''),
        proposal(['gatehouse:clients']),
        at,
      );
      if (answer.statusCode === 201) assert.equal(answer.json().site, 'wiki');
      const app: Actor = {
        ...(personActor(olga, at.server.services.rights.rightsOf(olga)) as Extract<
          Actor,
          { kind: 'person' }
        >),
        authentication: {
          kind: 'app',
          clientId: made.client.id,
          scopes: ['basic', 'gatehouse:clients'],
          site: 'wiki' as SiteId,
        },
      };
      const wide = await at.createClient(olga, {
        ...own2,
        name: 'wide',
        scopes: ['gatehouse:clients'],
      });
      const reset = await at.server.services.registry.submit(app, 'update', {
        clientId: wide.client.id,
        reason: '',
        resetSecret: true,
      });
      assert.equal(!reset.ok && reset.refusal.kind, 'browser_session_required');
      const proposed = await at.server.services.registry.submit(app, 'propose', {
        ...{
          name: 'everywhere',
          version: '1.0',
          description: '',
          email: olga.email,
          protocol: 'oauth2',
          ownerOnly: true,
          redirectUri: '',
        },
        ...{
          grantTypes: ['client_credentials'],
          site: EVERY_SITE,
          scopes: ['gatehouse:clients'],
          termsAccepted: true,
        },
      });
      assert.equal(proposed.ok && proposed.value.client.site, 'wiki');
      await at.close();
    });
  });

  describe('a reset, a revision and a new secret through a token', () => {
    const wide = ['editpage', 'gatehouse:review', 'gatehouse:clients'];

    test('a reset of a wider owner-only app gives what the caller holds, in its token, its text and its secret', async () => {
      const made = await world.createClient(ada, { ...own2, name: fresh(), scopes: wide });
      const token = await tokenOf(ada, ['gatehouse:clients']);
      const mine = (await scopesOf(token)).live;
      const answer = await send(
        'POST',
        `/api/v1/clients/${made.client.id}/reset-secret`,
        bearer(token),
        {},
      );
      assert.equal(answer.statusCode, 200, answer.body);
      const got = await scopesOf(answer.json().access_token);
      inside(got.live, mine);
      inside(got.said, mine);
      inside(await bySecret(made.client.id, answer.json().client_secret), mine);
      assert.deepEqual([...answer.json().withheld_scopes].sort(), ['editpage', 'gatehouse:review']);
      assert.deepEqual((await scopesOf(made.accessToken ?? '')).live, [], 'the old one stopped');
    });

    test('for ever: what was cut stays cut when the app grows, and when it is reset through a token again', async () => {
      const token = await tokenOf(ada, ['gatehouse:clients']);
      const mine = (await scopesOf(token)).live;
      const first = (
        await send('POST', '/api/v1/clients', bearer(token), proposal(['gatehouse:clients']))
      ).json();
      const grown = await act(inBrowser(ada), 'revise', {
        clientId: first.client_id,
        scopes: wide,
      });
      assert.ok(grown.ok, JSON.stringify(grown));
      inside((await scopesOf(first.access_token)).live, mine);
      inside(await bySecret(first.client_id, first.client_secret), mine);
      const again = (
        await send('POST', `/api/v1/clients/${first.client_id}/reset-secret`, bearer(token), {})
      ).json();
      inside((await scopesOf(again.access_token)).live, mine);
      const byPerson = await act(inBrowser(ada), 'update', {
        clientId: first.client_id,
        resetSecret: true,
      });
      assert.deepEqual(
        [...(await scopesOf((byPerson.ok && byPerson.value.accessToken) || '')).live].sort(),
        ['basic', ...wide].sort(),
      );
      for (const dead of [first, again]) {
        assert.deepEqual((await scopesOf(dead.access_token)).live, []);
        assert.deepEqual(await bySecret(first.client_id, dead.client_secret), []);
      }
    });

    test('a key that was registered through a token does not grow with its app', async () => {
      const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
      const token = await tokenOf(ada, ['gatehouse:clients']);
      const first = (
        await send(
          'POST',
          '/api/v1/clients',
          bearer(token),
          proposal(['gatehouse:clients'], { protocol: 'oauth1', rsa_public_key: pem }),
        )
      ).json();
      assert.ok(
        (await act(inBrowser(ada), 'revise', { clientId: first.client_id, scopes: wide })).ok,
      );
      const reset = await act(inBrowser(ada), 'update', {
        clientId: first.client_id,
        resetSecret: true,
      });
      assert.ok(reset.ok);
      assert.notEqual(
        reset.value.credentials?.token,
        first.access_token,
        'the wider consent has a token of its own',
      );
      assert.equal(await world.server.store.findTokenCredentials(first.access_token), undefined);
      const same = await act(inBrowser(ada), 'update', {
        clientId: first.client_id,
        resetSecret: true,
      });
      assert.equal(
        same.ok && same.value.credentials?.token,
        reset.value.credentials?.token,
        'the same scopes keep it',
      );
    });

    test('an owner-only app is not widened through a token, and may be within it', async () => {
      const made = await world.createClient(ada, {
        ...own2,
        name: fresh(),
        scopes: ['gatehouse:clients'],
      });
      const token = await tokenOf(ada, ['gatehouse:clients', 'editpage']);
      const revisions = `/api/v1/clients/${made.client.id}/revisions`;
      const answer = await send('POST', revisions, bearer(token), {
        scopes: ['gatehouse:clients', 'gatehouse:review'],
      });
      assert.deepEqual([answer.statusCode, code(answer)], [403, 'browser_session_required']);
      assert.deepEqual(answer.json().missing_scopes, ['gatehouse:review']);
      assert.equal(
        (
          await send('POST', revisions, bearer(token), {
            scopes: ['gatehouse:clients', 'editpage'],
          })
        ).statusCode,
        201,
      );
      assert.equal(
        (await send('POST', revisions, bearer(token), { scopes: ['gatehouse:clients'] }))
          .statusCode,
        201,
        'less is always possible',
      );
    });

    for (const [what, over, path, method, body] of [
      ['a reset', {}, 'reset-secret', 'POST', {}],
      ['a new secret', {}, 'secrets', 'POST', { label: 'next' }],
      [
        'a new secret of a wider owner-only app',
        { ...own2, scopes: wide },
        'secrets',
        'POST',
        { label: 'next' },
      ],
      ['a new key', { protocol: 'oauth1', grantTypes: [] }, '', 'PATCH', { rsa_public_key: 'KEY' }],
      [
        'a new key of a wider owner-only app',
        { ...own1, scopes: wide },
        '',
        'PATCH',
        { rsa_public_key: 'KEY' },
      ],
      ['a maintainer', {}, 'maintainers', 'POST', { user: 'Root' }],
      ['an offer', {}, 'offer', 'POST', { user: 'Root' }],
    ] as const)
      test(`${what} is refused, and nothing is written`, async () => {
        const made = await world.createClient(ada, { ...over, name: fresh() } as Parameters<
          TestServer['createClient']
        >[1]);
        const before = await found(made.client.id);
        const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
          .publicKey.export({ type: 'spki', format: 'pem' })
          .toString();
        const values = JSON.parse(JSON.stringify(body).replace('"KEY"', JSON.stringify(key)));
        const url = `/api/v1/clients/${made.client.id}${path && `/${path}`}`;
        const answer = await send(
          method,
          url,
          bearer(await tokenOf(ada, ['gatehouse:clients'])),
          values,
        );
        assert.deepEqual(
          [answer.statusCode, code(answer)],
          [403, 'browser_session_required'],
          answer.body,
        );
        assert.deepEqual(await found(made.client.id), before);
        assert.deepEqual((await world.server.store.teamOf(made.client.id)).offer, null);
      });

    test('addresses: fewer are taken, more are refused', async () => {
      const made = await world.createClient(ada, { name: fresh() });
      const token = await tokenOf(ada, ['gatehouse:clients']);
      const say = (...addresses: readonly string[]) =>
        send('PATCH', `/api/v1/clients/${made.client.id}`, bearer(token), {
          restrictions: { addresses },
        });
      assert.equal((await say('192.0.2.0/24', '198.51.100.7')).statusCode, 200);
      assert.equal((await say('192.0.2.0/24')).statusCode, 200);
      assert.equal(code(await say('192.0.2.0/24', '203.0.113.9')), 'browser_session_required');
      assert.equal(code(await say('0.0.0.0/0', '::/0')), 'browser_session_required');
    });

    test('pages: fewer are taken; more, or none named, which are all, are refused', async () => {
      const made = await world.createClient(ada, { name: fresh() });
      const addresses = ['0.0.0.0/0', '::/0'];
      const token = await tokenOf(ada, ['gatehouse:clients']);
      const say = (restrictions: Json) =>
        send('PATCH', `/api/v1/clients/${made.client.id}`, bearer(token), { restrictions });
      assert.equal((await say({ addresses, pages: ['Sandbox', 'Talk:Sandbox'] })).statusCode, 200);
      assert.equal((await say({ addresses, pages: ['Sandbox'] })).statusCode, 200);
      for (const wider of [
        { addresses, pages: ['Sandbox', 'Main Page'] },
        { addresses, pages: [] },
        { addresses },
      ])
        assert.equal(code(await say(wider)), 'browser_session_required', JSON.stringify(wider));
      assert.deepEqual((await found(made.client.id)).restrictions.pages, ['Sandbox']);
    });

    test('an app nobody else uses yet is reset through a token: a reviewer looks at it first', async () => {
      const made = await world.createClient(ada, { name: fresh() }, false);
      const answer = await send(
        'POST',
        `/api/v1/clients/${made.client.id}/reset-secret`,
        bearer(await tokenOf(ada, ['gatehouse:clients'])),
        {},
      );
      assert.equal(answer.statusCode, 200, answer.body);
    });
  });

  test('an app that waits because it has a new owner is no new one: people allowed it before, and a token gets no secret or key of it', async () => {
    const at = new TestServer({}, 'review: { two_person_risks: [security] }');
    root = await at.createPerson('Root', ['administrator', 'developer']);
    const [olga, ben] = [
      await at.createPerson('Olga', ['developer']),
      await at.createPerson('Ben', ['developer']),
    ];
    const token = await tokenOf(ben, ['gatehouse:clients', 'oauthmanageownclient'], at);
    const submit = async (who: Account, action: string, id: ClientId, values: Json = {}) => {
      const actor = personActor(who, at.server.services.rights.rightsOf(who));
      const answer = await at.server.services.registry.submit(actor, action, {
        clientId: id,
        reason: '',
        ...values,
      });
      assert.ok(answer.ok, JSON.stringify(answer));
      return answer.value.client;
    };
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString();
    for (const [over, method, path, body] of [
      [{}, 'POST', '/api/v1/clients/ID/reset-secret', {}],
      [{}, 'POST', '/api/v1/clients/ID/secrets', { label: 'next' }],
      [{}, 'POST', '/w/rest.php/oauth2/client/ID/reset_secret', { reason: '' }],
      [
        { protocol: 'oauth1', grantTypes: [] },
        'PATCH',
        '/api/v1/clients/ID',
        { rsa_public_key: key },
      ],
    ] as const) {
      const { client } = await at.createClient(olga, {
        ...over,
        name: fresh(),
        scopes: ['editpage', 'gatehouse:review'],
      });
      await submit(olga, 'offer', client.id, { userId: ben.id });
      assert.equal((await submit(ben, 'accept-offer', client.id)).stage, 'proposed');
      const before = await at.server.store.findClient(client.id);
      const answer = await send(method, path.replace('ID', client.id), bearer(token), body, at);
      assert.ok(
        answer.statusCode === 403 || answer.json().message === 'permission_denied',
        `${path}: ${answer.body}`,
      );
      assert.deepEqual(await at.server.store.findClient(client.id), before);
      await submit(ben, 'update', client.id, { resetSecret: true });
    }
    await at.close();
    root = (await world.server.store.findAccountByName('Root')) as Account;
  });

  describe('what would be approved by itself', () => {
    let at: TestServer;
    let olga: Account;
    before(async () => {
      at = new TestServer(
        {},
        'auto_approve: [{ scopes: [basic, editpage, delete, "gatehouse:clients"], protocols: [https] }]',
      );
      olga = await at.createPerson('Olga', ['developer']);
      root = await at.createPerson('Root', ['administrator', 'developer']);
    });
    after(async () => {
      await at.close();
      root = (await world.server.store.findAccountByName('Root')) as Account;
    });
    const web = (scopes: readonly string[]) =>
      proposal(scopes, { owner_only: false, redirect_uri: 'https://reader.example/cb' });

    test('waits for a reviewer when an app asks for more than it has', async () => {
      const token = await tokenOf(olga, ['gatehouse:clients', 'editpage'], at);
      assert.equal(
        (
          await send('POST', '/api/v1/clients', bearer(token), web(['editpage', 'delete']), at)
        ).json().stage,
        'proposed',
      );
      assert.equal(
        (await send('POST', '/api/v1/clients', bearer(token), web(['editpage']), at)).json().stage,
        'approved',
      );
      const cookie = await at.sessionCookie(olga);
      const headers = { cookie, 'x-csrf-token': csrfToken(cookie.slice(cookie.indexOf('=') + 1)) };
      assert.equal(
        (await send('POST', '/api/v1/clients', headers, web(['editpage', 'delete']), at)).json()
          .stage,
        'approved',
      );
    });

    test('a change of an app that other people use waits, too', async () => {
      const made = await at.createClient(olga, {
        name: fresh(),
        redirectUri: 'https://reader.example/cb',
        scopes: ['editpage'],
      });
      const token = await tokenOf(olga, ['gatehouse:clients', 'editpage'], at);
      const answer = await send(
        'POST',
        `/api/v1/clients/${made.client.id}/revisions`,
        bearer(token),
        { scopes: ['editpage', 'delete'] },
        at,
      );
      assert.deepEqual([answer.statusCode, answer.json().scopes], [201, ['basic', 'editpage']]);
      assert.notEqual(await at.server.store.openRevision(made.client.id), undefined);
    });
  });

  test('who hears of it: an app that makes a credential in a person’s name is told to that person, and only then', async () => {
    const mailed = new TestServer({
      'smtp-url': 'smtp://mail.example',
      'mail-from': 'gate@example.org',
    });
    const lia = await mailed.createPerson('Lia', ['developer']);
    await mailed.createPerson('Root', ['administrator', 'developer']);
    const before = root;
    root = (await mailed.server.store.findAccountByName('Root')) as Account;
    const told = async () =>
      (await mailed.server.store.listNotifications({ limit: 100 }))
        .filter(isNotification)
        .filter(({ target }) => target.kind === 'mail' && target.userId === lia.id)
        .map(({ facts }) => facts.event);
    const byApp = await send(
      'POST',
      '/api/v1/clients',
      bearer(await tokenOf(lia, ['gatehouse:clients'], mailed)),
      proposal(['gatehouse:clients']),
      mailed,
    );
    assert.equal(byApp.statusCode, 201, byApp.body);
    assert.deepEqual(await told(), ['create-owner-only']);
    const cookie = await mailed.sessionCookie(lia);
    const headers = { cookie, 'x-csrf-token': csrfToken(cookie.slice(cookie.indexOf('=') + 1)) };
    assert.equal(
      (await send('POST', '/api/v1/clients', headers, proposal(['gatehouse:clients']), mailed))
        .statusCode,
      201,
    );
    assert.deepEqual(await told(), ['create-owner-only'], 'who did it in a browser knows');
    await send(
      'POST',
      `/api/v1/clients/${byApp.json().client_id}/reset-secret`,
      bearer(await tokenOf(lia, ['gatehouse:clients'], mailed)),
      {},
      mailed,
    );
    assert.deepEqual((await told()).sort(), ['create-owner-only', 'update']);
    root = before;
    await mailed.close();
  });

  describe('the dialect’s addresses', () => {
    const path = '/w/rest.php/oauth2/client';
    const body = (scopes: readonly string[]): Json => ({
      ...{ name: fresh(), description: '', email: 'ada@example.org', owner_only: true },
      ...{ is_confidential: true, grant_types: ['client_credentials'], scopes },
    });
    const failure = { message: 'permission_denied', httpCode: 400, httpReason: 'Bad Request' };

    test('registering an owner-only app is cut to the caller’s scopes, by token and by signature', async () => {
      const made = await world.createClient(ada, {
        ...own1,
        name: fresh(),
        scopes: ['oauthmanageownclient'],
      });
      const pair = [
        { key: made.client.id, secret: made.secret },
        { key: made.credentials?.token ?? '', secret: made.credentials?.secret ?? '' },
      ] as const;
      for (const headers of [
        bearer(await tokenOf(ada, ['oauthmanageownclient'])),
        signedHeader(world, 'POST', path, ...pair, {}, { profile: 'mediawiki' }),
      ]) {
        const answer = await send('POST', path, headers, body(everyScope()));
        assert.equal(answer.statusCode, 200, answer.body);
        assert.deepEqual(
          Object.keys(answer.json()),
          ['name', 'client_key', 'secret', 'access_token'],
          'the shape is the reference’s',
        );
        const mine = ['basic', 'oauthmanageownclient'];
        inside((await scopesOf(answer.json().access_token)).live, mine);
        inside(await bySecret(answer.json().client_key, answer.json().secret), mine);
      }
    });

    test('resetting an owner-only app is cut; that of an app other people use is refused in the reference’s shape', async () => {
      const token = await tokenOf(ada, ['oauthmanageownclient']);
      const narrow = await world.createClient(ada, {
        ...own2,
        name: fresh(),
        scopes: ['editpage', 'gatehouse:review'],
      });
      const reset = await send(
        'POST',
        `${path}/${narrow.client.id}/reset_secret`,
        bearer(token),
        {},
      );
      assert.equal(reset.statusCode, 200, reset.body);
      inside((await scopesOf(reset.json().access_token)).live, ['basic']);
      const shared = await world.createClient(ada, { name: fresh() });
      const answer = await send(
        'POST',
        `${path}/${shared.client.id}/reset_secret`,
        bearer(token),
        {},
      );
      assert.deepEqual([answer.statusCode, answer.json()], [400, failure]);
      const identity = await send('POST', path, bearer(token), body(['mwoauth-authonlyprivate']));
      assert.deepEqual([identity.statusCode, identity.json()], [400, failure]);
    });

    test('a session whose proof is old is refused there as well', async () => {
      const shared = await world.createClient(ada, { name: fresh() });
      const session = await world.sessionHeaders(ada);
      world.advanceClock(601);
      const answer = await send('POST', `${path}/${shared.client.id}/reset_secret`, session, {});
      world.advanceClock(-601);
      assert.deepEqual([answer.statusCode, answer.json()], [400, failure]);
      assert.equal(
        (await send('POST', `${path}/${shared.client.id}/reset_secret`, session, {})).statusCode,
        200,
      );
    });

    test('both scopes say that they could endanger an account', () => {
      for (const name of ['gatehouse:clients', 'oauthmanageownclient'])
        assert.equal(world.server.services.scopes.get(name)?.risk, 'security');
    });
  });

  describe('a recent proof', () => {
    for (const [ago, holds] of [
      [0, true],
      [600, true],
      [601, false],
      [86_400, false],
      [-60, true],
      [-61, false],
      [-86_400, false],
    ] as const)
      test(`given ${ago} seconds ago ${holds ? 'holds' : 'does not hold'}`, () => {
        const now = testNow();
        assert.equal(isRecentProof({ at: instant(now - ago), method: 'password' }, now), holds);
      });

    test('a session from before proofs were recorded has none', async () => {
      const actor = {
        ...inBrowser(ada),
        authentication: { kind: 'session', proof: null },
      } as Actor;
      const made = await world.createClient(ada, { name: fresh() });
      const answer = await act(actor, 'update', { clientId: made.client.id, resetSecret: true });
      assert.equal(!answer.ok && answer.refusal.kind, 'reauthentication_required');
    });

    test('an app has no proof of its person, and a stranger has nothing', async () => {
      const made = await world.createClient(ada, { name: fresh() });
      for (const [authentication, kind] of [
        [
          { kind: 'app', clientId: made.client.id, scopes: everyScope(), site: EVERY_SITE },
          'browser_session_required',
        ],
        [{ kind: 'none' }, 'not_logged_in'],
      ] as const) {
        const answer = await act({ ...inBrowser(ada), authentication } as Actor, 'add-secret', {
          clientId: made.client.id,
          label: 'x',
        });
        assert.equal(!answer.ok && answer.refusal.kind, kind);
      }
    });

    test('a yes to an app is the person’s alone: no app says it, whatever it may do', async () => {
      const made = await world.createClient(ada, { name: fresh() });
      const authentication = {
        kind: 'app',
        clientId: made.client.id,
        scopes: everyScope(),
        site: EVERY_SITE,
      } as const;
      const answer = await act({ ...inBrowser(root), authentication } as Actor, 'accept', {
        clientId: made.client.id,
        scopes: ['editpage'],
      });
      assert.equal(!answer.ok && answer.refusal.kind, 'browser_session_required');
    });
  });

  describe('the pages', () => {
    let here: TestServer;
    let eve: Account;
    let cookie: string;
    const form = (url: string, fields: Readonly<Record<string, string>>) =>
      here.app.inject({
        method: 'POST',
        url,
        headers: {
          cookie,
          'content-type': 'application/x-www-form-urlencoded',
          origin: 'https://gate.example',
        },
        payload: new URLSearchParams({
          csrf: csrfToken(cookie.slice(cookie.indexOf('=') + 1)),
          ...fields,
        }).toString(),
      });

    before(async () => {
      here = new TestServer();
      const about = { emailConfirmed: true, realName: '', password };
      const made = await here.server.services.accounts.createAccount({
        ...{
          ...about,
          name: 'Eve',
          email: 'eve@example.org',
          groups: ['developer', 'administrator'],
        },
      });
      assert.ok(made.ok);
      eve = made.value;
      cookie = await here.sessionCookie(eve);
      here.advanceClock(601);
    });
    after(() => here.close());

    test('a reset asks for a proof, carries the form, and is done with it', async () => {
      const { client } = await here.createClient(eve, { name: 'Reader' });
      const change = here.server.services.registry.etagFor(personActor(eve, new Set()), client);
      const fields = { change_token: change, sure: '1' };
      const asked = await form(`/my/apps/${client.id}/reset`, fields);
      assert.equal(asked.statusCode, 403);
      assert.ok(
        asked.body.includes(`action="/my/apps/${client.id}/reset"`) &&
          asked.body.includes(`value="${change}"`),
        'nothing is lost',
      );
      assert.equal(
        (await here.server.store.findClient(client.id))?.recordVersion,
        client.recordVersion,
      );
      const wrong = await form(`/my/apps/${client.id}/reset`, {
        ...fields,
        proof_method: 'password',
        proof_password: 'wrong',
      });
      assert.equal(wrong.statusCode, 403);
      assert.ok(
        wrong.body.includes(`value="${change}"`) && !wrong.body.includes('value="wrong"'),
        'the password is not repeated',
      );
      const done = await form(`/my/apps/${client.id}/reset`, {
        ...fields,
        proof_method: 'password',
        proof_password: password,
      });
      assert.equal(done.statusCode, 200, done.body);
      const next = await here.createClient(eve, { name: 'Second' });
      const again = await form(`/my/apps/${next.client.id}/reset`, {
        ...{
          change_token: here.server.services.registry.etagFor(
            personActor(eve, new Set()),
            next.client,
          ),
          sure: '1',
        },
      });
      assert.equal(again.statusCode, 200, 'the proof holds for ten minutes');
      here.advanceClock(601);
    });

    test('an owner-only app, a transfer, a block and groups ask, and change nothing without', async () => {
      const { client } = await here.createClient(eve, { name: 'Third' });
      const bob = await here.createPerson('Bob');
      const change = here.server.services.registry.etagFor(personActor(eve, new Set()), client);
      const draft = {
        kind: 'own',
        name: 'Script',
        version: '1.0',
        description: '',
        terms: '1',
        access: 'scopes',
        site: '*',
      };
      for (const [url, fields] of [
        [`/my/apps/${client.id}/add-secret`, { label: 'next', change_token: change }],
        [`/my/apps/${client.id}/offer`, { offer: 'Bob', change_token: change }],
        [`/my/apps/${client.id}/invite`, { invite: 'Bob', change_token: change }],
        [`/admin/people/${bob.id}/block`, {}],
        [`/admin/people/${bob.id}/unblock`, {}],
        [`/admin/people/${bob.id}/groups`, { shown: '[]', 'group-developer': '1' }],
        ['/my/apps/new', { ...draft, 'scope.editpage': '1' }],
      ] as const) {
        const answer = await form(url, fields);
        assert.equal(answer.statusCode, 403, `${url}: ${answer.body.slice(0, 400)}`);
        assert.ok(answer.body.includes('name="proof_password"'), url);
      }
      assert.equal(
        (await here.server.store.findClient(client.id))?.recordVersion,
        client.recordVersion,
      );
      const after = await here.server.store.findAccount(bob.id);
      assert.deepEqual([after?.blocked, after?.groups], [false, []]);
      assert.deepEqual(await here.server.store.findClientsNamed(eve.id, 'Script'), []);
    });

    test('/account/prove leads back to where the person was, and nowhere else', async () => {
      const page = await here.app.inject({
        url: '/account/prove?returnto=%2Fmy%2Fapps',
        headers: { cookie },
      });
      assert.equal(page.statusCode, 200);
      assert.ok(page.body.includes('name="returnto" value="/my/apps"'));
      for (const [returnto, to] of [
        ['/my/apps', '/my/apps'],
        ['//evil.example/', '/'],
        ['https://evil.example/', '/'],
        ['/\\evil.example', '/'],
      ] as const) {
        const answer = await form('/account/prove', {
          returnto,
          proof_method: 'password',
          proof_password: password,
        });
        assert.deepEqual([answer.statusCode, answer.headers.location], [303, to]);
      }
      here.advanceClock(601);
      assert.equal(
        (await form('/account/prove', { returnto: '/my/apps' })).statusCode,
        403,
        'without a proof the person is asked',
      );
      assert.equal(
        (await here.app.inject({ url: '/account/prove' })).statusCode,
        303,
        'a stranger signs in',
      );
    });

    test('a passkey proves its own person, once; that of somebody else proves nothing', async () => {
      const site = { origin: 'https://gate.example', rpId: 'gate.example' };
      const { accounts } = here.server.services;
      const mal = await accounts.createAccount({
        ...{
          name: 'Mal',
          email: 'mal@example.org',
          emailConfirmed: true,
          realName: '',
          groups: [],
          password,
        },
      });
      assert.ok(mal.ok);
      const keyOf = async (person: Account) => {
        const key = softwareAuthenticator(site);
        const options = await accounts.passkeyOptions(person, password);
        assert.ok(options.ok);
        const added = await accounts.addPasskey(
          person,
          'Phone',
          key.create(options.value as { challenge: string }),
        );
        assert.ok(added.ok, JSON.stringify(added));
        return key;
      };
      const [hers, his] = [await keyOf(eve), await keyOf(mal.value)];
      const ask = async () =>
        JSON.parse((await form('/account/prove/options', {})).body) as { challenge: string };
      const proven = (answer: string) =>
        form('/account/prove', { returnto: '/my/apps', proof_method: 'passkey', answer });
      assert.equal((await proven(his.get(await ask()))).statusCode, 403);
      const answer = hers.get(await ask());
      assert.equal((await proven(answer)).headers.location, '/my/apps');
      const secret = cookie.slice(cookie.indexOf('=') + 1);
      assert.deepEqual((await accounts.sessionOf(secret))?.proof, {
        at: here.now,
        method: 'passkey',
      });
      here.advanceClock(601);
      assert.equal((await proven(answer)).statusCode, 403, 'an answer is good for once');
      assert.ok(
        (await here.app.inject({ url: '/account/prove', headers: { cookie } })).body.includes(
          'data-passkey="/account/prove/options"',
        ),
      );
    });

    test('passwords are tried five times, and a form that is not ours proves nothing', async () => {
      const foreign = await here.app.inject({
        method: 'POST',
        url: '/account/prove',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({
          proof_method: 'password',
          proof_password: password,
        }).toString(),
      });
      assert.equal(foreign.statusCode, 403);
      const secret = cookie.slice(cookie.indexOf('=') + 1);
      assert.ok(
        !isRecentProof(
          (await here.server.services.accounts.sessionOf(secret))?.proof ?? null,
          here.now,
        ),
      );
      const tries = [];
      for (let turn = 0; turn < 6; turn++)
        tries.push(
          (await form('/account/prove', { proof_method: 'password', proof_password: 'wrong' }))
            .statusCode,
        );
      assert.deepEqual(tries, [403, 403, 403, 403, 403, 429]);
      const passkey = await form('/account/prove', {
        proof_method: 'passkey',
        answer: '{"id":"x"}',
      });
      assert.equal(passkey.statusCode, 403);
    });
  });
});
