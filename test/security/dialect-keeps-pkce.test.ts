import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import { addSeconds, seconds } from '#kernel/time.ts';
import { OPERATOR } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import { warnAboutRequiredPkce } from '#server/serve.ts';
import { openStore } from '#store/open.ts';
import { migrations } from '#store/sql/migrate.ts';

describe('dialect keeps pkce', () => {
  // RFC 9700 §2.1.1, §4.8: an app that has to use PKCE has to use it at every address of the
  // server; what is bought at one is bound to it.

  const issuer = 'https://gate.example';
  const verifier = 'v'.repeat(43);
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const doors = {
    core: { authorize: '/oauth2/authorize', token: '/oauth2/token' },
    mediawiki: {
      authorize: '/w/rest.php/oauth2/authorize',
      token: '/w/rest.php/oauth2/access_token',
    },
  } as const;
  type Door = keyof typeof doors;
  const both: readonly Door[] = ['core', 'mediawiki'];

  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let cookie: string;
  let count = 0;
  before(async () => {
    world = new TestServer();
    [ada, ben] = [await world.createPerson('Ada', ['developer']), await world.createPerson('Ben')];
    cookie = await world.sessionCookie(ben);
  });
  after(() => world.close());

  type Made = Awaited<ReturnType<TestServer['createClient']>>;
  const app = (more: Partial<Parameters<TestServer['createClient']>[1]> = {}): Promise<Made> =>
    world.createClient(ada, { name: `app ${++count}`, ...more });

  /** Writes what no registration would. */
  async function put(client: Client, change: Partial<Client>): Promise<void> {
    const { store } = world.server;
    const now = (await store.findClient(client.id)) ?? client;
    const audit = {
      at: world.now,
      action: 'update',
      actorId: null,
      via: 'cli',
      address: null,
      clientId: now.id,
      reason: '',
      changes: [],
    } as const;
    const applied = await store.applyChange({
      recordVersion: now.recordVersion,
      effects: [{ kind: 'save-client', client: { ...now, ...change } }],
      audit,
      notifications: [],
    });
    assert.equal(applied.outcome, 'applied');
  }

  const get = (url: string) => world.app.inject({ url, headers: { cookie } });
  const ask = (door: Door, client: Client, pkce: Readonly<Record<string, string>>) =>
    get(
      `${doors[door].authorize}?${new URLSearchParams({ response_type: 'code', client_id: client.id, redirect_uri: client.redirectUri, state: 's', ...pkce })}`,
    );
  const s256 = { code_challenge: challenge, code_challenge_method: 'S256' };
  const plain = { code_challenge: verifier, code_challenge_method: 'plain' };
  const unnamed = { code_challenge: verifier };

  /** Presses yes, and answers the code. */
  async function codeOf(
    door: Door,
    client: Client,
    pkce: Readonly<Record<string, string>>,
  ): Promise<string> {
    const url = String((await ask(door, client, pkce)).headers.location);
    const page = await get(url);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const done = await world.app.inject({
      method: 'POST',
      url,
      payload: `accept=1&csrf=${csrf}`,
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
    });
    const back = new URL(String(done.headers.location));
    assert.deepEqual([back.searchParams.get('iss'), back.searchParams.get('state')], [issuer, 's']);
    return back.searchParams.get('code') ?? '';
  }

  async function buy(door: Door, { client, secret }: Made, form: Readonly<Record<string, string>>) {
    const answer = await world.app.inject({
      method: 'POST',
      url: doors[door].token,
      payload: new URLSearchParams({
        ...form,
        ...(client.confidential ? {} : { client_id: client.id }),
      }).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(client.confidential ? { authorization: basicHeader(client.id, secret) } : {}),
      },
    });
    return { status: answer.statusCode, body: answer.json() as Record<string, string> };
  }
  const redeem = (
    door: Door,
    made: Made,
    code: string,
    more: Readonly<Record<string, string>> = {},
  ) =>
    buy(door, made, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: made.client.redirectUri,
      ...more,
    });
  const refresh = (door: Door, made: Made, token = '') =>
    buy(door, made, { grant_type: 'refresh_token', refresh_token: token });

  /**
   * Where a request leads: the page that asks the person, or the error, told on a page or to the
   * app.
   */
  async function outcome(
    door: Door,
    client: Client,
    pkce: Readonly<Record<string, string>>,
  ): Promise<string> {
    const answer = await ask(door, client, pkce);
    const location = String(answer.headers.location ?? '');
    if (location.startsWith('/authorize/')) return 'asked';
    if (location !== '') return new URL(location).searchParams.get('error_description') ?? '';
    return answer.body.replace(/[\s\S]*<h1[^>]*>|<\/main>[\s\S]*/g, '');
  }

  const table: readonly (readonly [
    string,
    Partial<Parameters<TestServer['createClient']>[1]>,
    Readonly<Record<string, string>>,
    'asked' | RegExp,
  ])[] = [
    ['a confidential app, S256', {}, s256, 'asked'],
    ['a confidential app, nothing', {}, {}, /S256.*register the app with the exemption/],
    ['a confidential app, plain', {}, plain, /has to be S256/],
    [
      'a confidential app, a challenge without a method, which means plain',
      {},
      unnamed,
      /has to be S256/,
    ],
    [
      'a confidential app, a method without a challenge',
      {},
      { code_challenge_method: 'S256' },
      /exemption/,
    ],
    ['an exempt app, nothing', { pkceOptional: true }, {}, 'asked'],
    ['an exempt app, S256', { pkceOptional: true }, s256, 'asked'],
    ['an exempt app, plain', { pkceOptional: true }, plain, /has to be S256/],
    [
      'an exempt app, a method without a challenge',
      { pkceOptional: true },
      { code_challenge_method: 'S256' },
      /S256/,
    ],
    ['a public app, S256', { confidential: false }, s256, 'asked'],
    ['a public app, nothing', { confidential: false }, {}, /S256/],
    ['a public app, plain', { confidential: false }, plain, /has to be S256/],
    [
      'a public app, a challenge without a method',
      { confidential: false },
      unnamed,
      /has to be S256/,
    ],
    [
      'a public app, an unknown method',
      { confidential: false },
      { ...s256, code_challenge_method: 's256' },
      /has to be S256/,
    ],
  ];
  for (const door of both)
    describe(`an authorization request at the addresses of ${door}`, () => {
      for (const [what, wanted, pkce, expected] of table)
        test(`${what}: ${expected === 'asked' ? 'the person is asked' : 'refused, and what to do about it'}`, async () => {
          const found = await outcome(door, (await app(wanted)).client, pkce);
          if (expected === 'asked') assert.equal(found, 'asked');
          else assert.match(found, expected);
        });

      test('a public app does not become exempt by a row that says so', async () => {
        const { client } = await app({ confidential: false });
        await put(client, { pkceOptional: true });
        assert.match(await outcome(door, client, {}), /S256/);
        assert.doesNotMatch(await outcome(door, client, {}), /exemption/, 'it could not have one');
      });

      test('a plain challenge: only with the mark of an importer, at the dialect, until its day', async () => {
        const { client } = await app({ confidential: false });
        await put(client, { plainPkceUntil: addSeconds(world.now, seconds(3600)) });
        for (const pkce of [plain, unnamed])
          assert.equal((await outcome(door, client, pkce)) === 'asked', door === 'mediawiki');
        assert.equal(await outcome(door, client, s256), 'asked');
        assert.notEqual(
          await outcome(door, client, {}),
          'asked',
          'the mark is for plain, not for nothing',
        );
        await put(client, { plainPkceUntil: world.now });
        for (const pkce of [plain, unnamed])
          assert.match(await outcome(door, client, pkce), /has to be S256/);
      });
    });

  test('a marked app redeems its plain code with the verifier alone', async () => {
    const made = await app({ confidential: false });
    await put(made.client, { plainPkceUntil: addSeconds(world.now, seconds(3600)) });
    const code = await codeOf('mediawiki', made.client, plain);
    assert.equal((await redeem('mediawiki', made, code)).status, 400);
    assert.equal(
      (await redeem('mediawiki', made, code, { code_verifier: 'w'.repeat(43) })).body.error,
      'invalid_grant',
    );
    assert.equal((await redeem('mediawiki', made, code, { code_verifier: verifier })).status, 200);
  });

  for (const here of both)
    describe(`a code bought at the addresses of ${here}`, () => {
      const there = here === 'core' ? 'mediawiki' : 'core';
      for (const [what, wanted, pkce, proof] of [
        ['of an exempt app, without PKCE', { pkceOptional: true }, {}, {}],
        ['of a confidential app, with PKCE', {}, s256, { code_verifier: verifier }],
        ['of a public app', { confidential: false }, s256, { code_verifier: verifier }],
      ] as const)
        test(`${what}: refused at the others and not spent by that, then redeemed here`, async () => {
          const made = await app(wanted);
          const code = await codeOf(here, made.client, pkce);
          const elsewhere = await redeem(there, made, code, proof);
          assert.deepEqual([elsewhere.status, elsewhere.body.error], [400, 'invalid_grant']);
          assert.match(
            `${elsewhere.body.hint ?? ''}${elsewhere.body.error_description}`,
            /other addresses/,
          );
          assert.equal((await redeem(here, made, code, proof)).status, 200);
        });

      test('redeemed here, then tried at the others: what it bought lives on; tried here again: it does not', async () => {
        const made = await app();
        const code = await codeOf(here, made.client, s256);
        const proof = { code_verifier: verifier };
        const bought = (await redeem(here, made, code, proof)).body;
        assert.equal((await redeem(there, made, code, proof)).body.error, 'invalid_grant');
        const next = (await refresh(here, made, bought.refresh_token)).body.refresh_token;
        assert.ok(next);
        assert.equal((await redeem(here, made, code, proof)).body.error, 'invalid_grant');
        assert.equal((await refresh(here, made, next)).body.error, 'invalid_grant');
      });

      test('many redemptions at both addresses at once: one wins, and it is one of these', async () => {
        const made = await app();
        const code = await codeOf(here, made.client, s256);
        const tries = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? here : there));
        const answers = await Promise.all(
          tries.map((door) => redeem(door, made, code, { code_verifier: verifier })),
        );
        const won = answers.flatMap(({ status }, index) => (status === 200 ? [tries[index]] : []));
        assert.deepEqual(won, [here]);
      });
    });

  test('a refresh token of the dialect is good at the core, and its successor is the core’s; a token of the core is not good at the dialect', async () => {
    const made = await app();
    const proof = { code_verifier: verifier };
    const ofDialect = (
      await redeem('mediawiki', made, await codeOf('mediawiki', made.client, s256), proof)
    ).body.refresh_token;
    const atDialect = (await refresh('mediawiki', made, ofDialect)).body.refresh_token;
    const atCore = await refresh('core', made, atDialect);
    assert.equal(atCore.status, 200);
    assert.deepEqual(
      [(await refresh('mediawiki', made, atCore.body.refresh_token)).body.error],
      ['invalid_grant'],
    );
    const onward = await refresh('core', made, atCore.body.refresh_token);
    assert.equal(onward.status, 200, 'a try at the wrong address spent nothing');
    const ofCore = (await redeem('core', made, await codeOf('core', made.client, s256), proof)).body
      .refresh_token;
    assert.equal((await refresh('mediawiki', made, ofCore)).body.error, 'invalid_grant');
    assert.equal((await refresh('core', made, ofCore)).status, 200);
  });

  test('a verifier for a code that had no challenge: invalid_grant in the core, invalid_request in the dialect (RFC 9700 §2.1.1)', async () => {
    const made = await app({ pkceOptional: true });
    for (const [door, error] of [
      ['core', 'invalid_grant'],
      ['mediawiki', 'invalid_request'],
    ] as const) {
      const code = await codeOf(door, made.client, {});
      const answer = await redeem(door, made, code, { code_verifier: verifier });
      assert.deepEqual([answer.status, answer.body.error], [400, error]);
      assert.equal((await redeem(door, made, code)).status, 200, 'and the code is not spent');
    }
  });

  test('the metadata say what holds (RFC 8414, RFC 9207)', async () => {
    const metadata = (
      await world.app.inject({ url: '/.well-known/oauth-authorization-server' })
    ).json();
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
    assert.equal(metadata.authorization_response_iss_parameter_supported, true);
    assert.equal(metadata.issuer, issuer);
  });

  describe('who gets the exemption', () => {
    const register = async (more: Readonly<Record<string, unknown>>) => {
      const answer = await world.app.inject({
        method: 'POST',
        url: '/w/rest.php/oauth2/client',
        payload: JSON.stringify({
          name: `rest ${++count}`,
          description: 'd',
          callback_url: 'https://app.example/cb',
          email: ada.email,
          is_confidential: true,
          grant_types: ['authorization_code', 'refresh_token'],
          scopes: ['editpage'],
          owner_only: false,
          ...more,
        }),
        headers: {
          ...(await world.sessionHeaders(ada)),
          'content-type': 'application/json',
          origin: issuer,
        },
      });
      assert.equal(answer.statusCode, 200, answer.body);
      return world.server.store.findClient(answer.json().client_key);
    };

    test('an app registered over REST at the dialect, if it can keep a secret', async () => {
      assert.equal((await register({}))?.pkceOptional, true);
      assert.deepEqual([(await register({ is_confidential: false }))?.pkceOptional], [false]);
    });

    test('whoever comes by Special:OAuthConsumerRegistration finds it ticked, and may take it away', async () => {
      const as = { cookie: await world.sessionCookie(ada) };
      const first = await world.app.inject({
        url: '/wiki/Special:OAuthConsumerRegistration/propose',
        headers: as,
      });
      const question = await world.app.inject({ url: String(first.headers.location), headers: as });
      const links = [...question.body.matchAll(/href="(\/my\/apps\/new\?kind=server[^"]*)"/g)].map(
        ([, link]) => link?.replaceAll('&amp;', '&') ?? '',
      );
      const direct = await world.app.inject({
        url: '/w/index.php?title=Special:OAuthConsumerRegistration/propose/oauth2',
        headers: as,
      });
      for (const url of [...links, String(direct.headers.location)]) {
        const form = (await world.app.inject({ url, headers: as })).body;
        assert.match(form, /<input[^>]*name="pkceOptional"[^>]*checked/, url);
        const csrf = /name="csrf" value="([^"]+)"/.exec(form)?.[1] ?? '';
        for (const ticked of [true, false]) {
          const name = `page ${++count}`;
          const fields = {
            kind: 'server',
            name,
            version: '1.0',
            description: 'd',
            redirectUri: 'https://app.example/cb',
            site: '*',
            access: 'scopes',
          };
          const more = {
            'scope.editpage': '1',
            tokenAlgorithm: 'ES256',
            terms: '1',
            csrf,
            ...(ticked ? { pkceOptional: '1' } : {}),
          };
          const done = await world.app.inject({
            method: 'POST',
            url: '/my/apps/new',
            payload: new URLSearchParams({ ...fields, ...more }).toString(),
            headers: { ...as, 'content-type': 'application/x-www-form-urlencoded' },
          });
          const made = (await world.server.store.listClients({ name }))[0];
          assert.equal(made?.pkceOptional, ticked, `${done.statusCode}`);
        }
      }
      assert.equal(links.length, 1);
      assert.doesNotMatch(
        (await world.app.inject({ url: '/my/apps/new?kind=server', headers: as })).body,
        /name="pkceOptional"[^>]*checked/,
      );
    });

    test('the operator, later, for an approved confidential app; its owner does not', async () => {
      const made = await app();
      const { registry, rights } = world.server.services;
      const about = { clientId: made.client.id, reason: '', pkceOptional: true };
      const owner = {
        kind: 'person',
        account: ada,
        rights: rights.rightsOf(ada),
        address: '192.0.2.7',
        via: 'api',
      } as const;
      assert.equal((await registry.submit(owner as never, 'set-pkce-exemption', about)).ok, false);
      assert.ok((await registry.submit(OPERATOR, 'set-pkce-exemption', about)).ok);
      assert.equal(await outcome('mediawiki', made.client, {}), 'asked');
      assert.ok(
        (await registry.submit(OPERATOR, 'set-pkce-exemption', { ...about, pkceOptional: false }))
          .ok,
      );
      assert.match(await outcome('mediawiki', made.client, {}), /exemption/);
      const open = await app({ confidential: false });
      const refused = await registry.submit(OPERATOR, 'set-pkce-exemption', {
        ...about,
        clientId: open.client.id,
      });
      assert.ok(!refused.ok && refused.refusal.kind === 'invalid_field');
    });

    describe('a reviewer, later', () => {
      const proof = (body: string) => /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';
      /**
       * Opens the desk as this person and presses the button of the exemption; undefined: there is
       * none.
       */
      async function press(
        person: Account,
        client: Client,
        more: Readonly<Record<string, string>> = {},
        where = world,
      ) {
        const as = { cookie: await where.sessionCookie(person) };
        const { body } = await where.app.inject({ url: `/review/${client.id}`, headers: as });
        const form = /<form method="post" action="[^"]*\/pkce">[\s\S]*?<\/form>/.exec(body)?.[0];
        if (form === undefined) return undefined;
        const value = (name: string) =>
          new RegExp(`name="${name}" value="([^"]*)"`).exec(form)?.[1] ?? '';
        const payload = new URLSearchParams({
          csrf: proof(form),
          change_token: value('change_token'),
          rule: value('rule'),
          ...more,
        });
        const headers = {
          ...as,
          origin: issuer,
          'content-type': 'application/x-www-form-urlencoded',
        };
        return where.app.inject({
          method: 'POST',
          url: `/review/${client.id}/pkce`,
          payload: payload.toString(),
          headers,
        });
      }
      let rex: Account;
      let rita: Account;
      before(async () => {
        [rex, rita] = [
          await world.createPerson('Rex', ['reviewer']),
          await world.createPerson('Rita', ['reviewer', 'developer']),
        ];
      });

      test('gives it on the page, and another takes it back; the trail says who, and its owner hears of it', async () => {
        const { client } = await app();
        assert.match(
          String((await press(rex, client))?.headers.location),
          /done=review-pkce-exempt/,
        );
        assert.equal(await outcome('mediawiki', client, {}), 'asked');
        const [line] = await world.server.store.listAudit({ clientId: client.id, limit: 1 });
        assert.deepEqual(
          [line?.action, line?.actorId, line?.via, line?.changes],
          [
            'set-pkce-exemption',
            rex.id,
            'page',
            [{ field: 'pkceOptional', before: false, after: true }],
          ],
        );
        assert.match(
          String((await press(rita, client))?.headers.location),
          /done=review-pkce-required/,
        );
        assert.match(await outcome('mediawiki', client, {}), /exemption/);
      });

      test('with a stale page, or a password of long ago: nothing is given', async () => {
        const { client } = await app();
        const stale = await press(rex, client, { change_token: '0'.repeat(40) });
        assert.notEqual(stale?.statusCode, 303);
        const old = { cookie: await world.sessionCookie(rex) };
        const token = proof(
          (await world.app.inject({ url: `/review/${client.id}`, headers: old })).body,
        );
        const change_token = world.server.services.registry.etagFor(
          { kind: 'person', account: rex } as never,
          client,
        );
        world.advanceClock(601);
        const asked = await world.app.inject({
          method: 'POST',
          url: `/review/${client.id}/pkce`,
          payload: new URLSearchParams({ csrf: token, change_token, rule: 'optional' }).toString(),
          headers: { ...old, origin: issuer, 'content-type': 'application/x-www-form-urlencoded' },
        });
        assert.match(asked.body, /type="password"/, 'they are asked who they are');
        assert.equal((await world.server.store.findClient(client.id))?.pkceOptional, false);
      });

      test('not for their own app, an app without a secret, a service without codes, one that waits, or OAuth 1', async () => {
        const own = await world.createClient(rita, { name: `own ${++count}` });
        assert.equal(await press(rita, own.client), undefined);
        for (const wanted of [
          { confidential: false },
          { grantTypes: ['client_credentials'] },
          { protocol: 'oauth1', grantTypes: [] },
        ] as const)
          assert.equal(
            await press(rex, (await app(wanted)).client),
            undefined,
            JSON.stringify(wanted),
          );
        const waiting = await world.createClient(ada, { name: `waits ${++count}` }, false);
        assert.equal(await press(rex, waiting.client), undefined);
      });

      test('an app with permissions for two people wants two of them', async () => {
        const two = new TestServer({}, 'review:\n  two_person_risks: [security]\n');
        const [owner, one, other] = [
          await two.createPerson('Ada', ['developer']),
          await two.createPerson('Rex', ['reviewer']),
          await two.createPerson('Rita', ['reviewer']),
        ];
        const { client } = await two.createClient(owner, {
          name: 'careful',
          scopes: ['sendemail'],
        });
        const exempt = async () => (await two.server.store.findClient(client.id))?.pkceOptional;
        assert.match(
          String((await press(one, client, {}, two))?.headers.location),
          /done=review-first-approval/,
        );
        assert.equal(await exempt(), false);
        assert.equal(await press(one, client, {}, two), undefined, 'the same person is one person');
        assert.match(
          String((await press(other, client, {}, two))?.headers.location),
          /done=review-pkce-exempt/,
        );
        assert.equal(await exempt(), true);
        await two.close();
      });
    });

    test('no registration sets the mark for plain challenges, whatever it sends', async () => {
      const more = {
        plainPkceUntil: addSeconds(world.now, seconds(3600)),
        plain_pkce_until: addSeconds(world.now, seconds(3600)),
      };
      const made = await app({ confidential: false, ...more });
      assert.equal((await world.server.store.findClient(made.client.id))?.plainPkceUntil, null);
    });
  });

  test('an upgrade tells once of the confidential apps in use that have no exemption', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-pkce-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const before = migrations.findIndex(({ sqlite }) => sqlite.includes('plain_pkce_until'));
    const upgraded = async (name: string, apps: string) => {
      const path = join(directory, name);
      const db = new DatabaseSync(path);
      for (const { sqlite } of migrations.slice(0, before)) db.exec(sqlite);
      db.exec(`PRAGMA user_version = ${before}`);
      db.exec(`INSERT INTO accounts (name, name_key, email, email_confirmed_at, real_name, groups, password_hash, blocked, created_at)
      VALUES ('Ada', 'ada', NULL, NULL, '', '[]', NULL, 0, 1)`);
      db.exec(apps);
      db.close();
      const store = await openStore(`sqlite:${path}`);
      await store.prepareSchema();
      t.after(() => store.close());
      return store;
    };
    const row = (
      id: string,
      changes: {
        readonly confidential?: number;
        readonly exempt?: number;
        readonly stage?: string;
        readonly grants?: string;
      },
    ) =>
      `INSERT INTO clients (id, name, version, description, owner_id, email, protocol, owner_only, confidential, redirect_uri, redirect_is_prefix,
      grant_types, pkce_optional, token_algorithm, site, scopes, rsa_public_key, restrictions, stage, stage_at, suppressed, registered_at)
      VALUES ('${id.repeat(32)}', 'App ${id}', '1.0', '', 1, '', 'oauth2', 0, ${changes.confidential ?? 1}, 'https://app.example/cb', 0,
      '${changes.grants ?? '["authorization_code"]'}', ${changes.exempt ?? 0}, 'ES256', '*', '["basic"]', NULL,
      '{"addresses":["::/0"],"pages":[]}', '${changes.stage ?? 'approved'}', 1, 0, 1);`;
    const told = async (store: Awaited<ReturnType<typeof upgraded>>, mediawiki: boolean) => {
      const lines: unknown[] = [];
      const log = {
        info() {},
        warn: (_event: string, facts: unknown) => void lines.push(facts),
        error() {},
      };
      await warnAboutRequiredPkce({ mediawiki }, { services: { records: store, log } } as never);
      return lines as { readonly client_ids: readonly string[] }[];
    };
    const store = await upgraded(
      'some.db',
      [
        row('a', {}),
        row('b', { exempt: 1 }),
        row('c', { confidential: 0 }),
        row('d', { stage: 'rejected' }),
        row('e', { grants: '["client_credentials"]' }),
      ].join('\n'),
    );
    assert.deepEqual(
      await told(store, false),
      [],
      'where the dialect is off there is nothing to tell yet',
    );
    assert.deepEqual(
      (await told(store, true)).map(({ client_ids: ids }) => ids),
      [['a'.repeat(32)]],
    );
    assert.deepEqual(await told(store, true), []);
    const none = await upgraded('none.db', row('b', { exempt: 1 }));
    assert.equal(await none.consumePkceNotice(), false);
  });
});
