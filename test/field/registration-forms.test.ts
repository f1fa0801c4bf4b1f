import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import { csrfToken } from '#http/csrf.ts';
import { OPERATOR } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import { refusalForTerminal } from '#registry/refusal-texts.ts';

describe('registration forms', () => {
  // How apps are registered and changed, by the pages, the JSON API, the command line and the
  // dialect: services without a redirect URI, what reviewers are told of one, and every problem of
  // a form at once.

  let world: TestServer;
  let ada: Account;
  let cookie = '';
  let rexCookie = '';
  let count = 0;
  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada', ['developer']);
    cookie = await world.sessionCookie(ada);
    rexCookie = await world.sessionCookie(await world.createPerson('Rex', ['reviewer']));
  });
  after(() => world.close());

  const fresh = () => `App ${++count}`;
  const found = (id: string) =>
    world.server.store.findClient(id as Client['id']) as Promise<Client>;
  const get = (url: string, as = cookie) => world.app.inject({ url, headers: { cookie: as } });
  const proofOf = (as: string) => csrfToken(as.slice(as.indexOf('=') + 1));
  const post = (url: string, form: Readonly<Record<string, string>>, as = cookie) =>
    world.app.inject({
      method: 'POST',
      url,
      headers: { cookie: as, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ csrf: proofOf(as), ...form }).toString(),
    });
  const api = (
    method: 'POST' | 'PATCH',
    path: string,
    body: object,
    headers: Readonly<Record<string, string>> = {},
  ) =>
    world.app.inject({
      method,
      url: `/api/v1${path}`,
      headers: {
        cookie,
        'x-csrf-token': proofOf(cookie),
        'content-type': 'application/json',
        ...headers,
      },
      payload: JSON.stringify(body),
    });
  /** A proposal as the operator submits one, with what the registry cannot do without. */
  const proposed = (over: Readonly<Record<string, unknown>>) =>
    world.server.services.registry.submit(OPERATOR, 'propose', {
      name: fresh(),
      version: '1.0',
      description: 'It helps.',
      email: 'ada@example.org',
      protocol: 'oauth2',
      site: '*',
      scopes: ['editpage'],
      grantTypes: ['client_credentials'],
      termsAccepted: true,
      ownerId: ada.id,
      ...over,
    });
  const service = (over: Partial<Parameters<TestServer['createClient']>[1]> = {}) =>
    world.createClient(ada, {
      name: fresh(),
      grantTypes: ['client_credentials'],
      redirectUri: '',
      ...over,
    });

  describe('a service needs no redirect URI', () => {
    /** Each way to register, and how the app's identifier comes out of it. */
    const ways: Readonly<Record<string, () => Promise<string>>> = {
      'the form': async () => {
        const answer = await post('/my/apps/new', {
          ...{
            kind: 'service',
            name: fresh(),
            version: '1.0',
            description: 'Counts.',
            site: '*',
            access: 'scopes',
          },
          ...{ 'scope.editpage': '1', terms: '1' },
        });
        assert.equal(answer.statusCode, 200, answer.body);
        assert.doesNotMatch(answer.body, /\/test"/, 'nobody can try it before it is approved');
        assert.match(answer.body, /grant_type=client_credentials/);
        return /\/my\/apps\/([0-9a-f]{32})/.exec(answer.body)?.[1] ?? '';
      },
      'the JSON API': async () => {
        const answer = await api('POST', '/clients', {
          ...{
            name: fresh(),
            description: 'Counts.',
            protocol: 'oauth2',
            scopes: ['editpage'],
            terms_accepted: true,
          },
          grant_types: ['client_credentials'],
        });
        assert.equal(answer.statusCode, 201, answer.body);
        return answer.json().client_id;
      },
      'the operator, with an empty one': async () => (await service()).client.id,
      'the operator, with none': async () => {
        const made = await proposed({});
        assert.ok(made.ok, JSON.stringify(made));
        return made.value.client.id;
      },
      'the dialect': async () => {
        const body = {
          name: fresh(),
          description: 'Counts.',
          email: 'ada@example.org',
          is_confidential: true,
        };
        const answer = await world.app.inject({
          method: 'POST',
          url: '/w/rest.php/oauth2/client',
          headers: {
            cookie,
            'content-type': 'application/json',
            'x-csrf-token': proofOf(cookie),
          },
          payload: JSON.stringify({
            ...body,
            grant_types: ['client_credentials'],
            scopes: ['editpage'],
          }),
        });
        assert.equal(answer.statusCode, 200, answer.body);
        return answer.json().client_key;
      },
    };
    for (const [way, register] of Object.entries(ways))
      test(`registered by ${way}`, async () => {
        const client = await found(await register());
        assert.deepEqual(
          [client.redirectUri, client.grantTypes, client.ownerOnly],
          ['', ['client_credentials'], false],
        );
        // Nothing is held against it that is said of redirect URIs.
        const { findings } = await world.server.services.registry.risk(client);
        assert.deepEqual(
          findings.filter(({ rule }) => /callback|scheme|redirect/.test(rule)),
          [],
        );
        assert.deepEqual(world.server.services.registry.redirectWarnings(client), []);
      });

    test('it gets tokens, and an authorization request of it is told why it leads nowhere', async () => {
      const { client, secret } = await service();
      const token = await world.app.inject({
        method: 'POST',
        url: '/oauth2/token',
        headers: {
          authorization: basicHeader(client.id, secret),
          'content-type': 'application/x-www-form-urlencoded',
        },
        payload: 'grant_type=client_credentials',
      });
      assert.equal(token.statusCode, 200, token.body);
      for (const more of ['', '&redirect_uri=https%3A%2F%2Felsewhere.example%2Fcb']) {
        const answer = await get(
          `/oauth2/authorize?response_type=code&client_id=${client.id}&state=x${more}`,
        );
        assert.deepEqual(
          [answer.statusCode, answer.headers.location],
          [400, undefined],
          answer.body,
        );
        assert.doesNotMatch(answer.body, /redirect address it registered|not the one/i);
      }
    });

    test('it is changed without one, by the form, the JSON API and the operator', async () => {
      const { client } = await service();
      const page = (await get(`/my/apps/${client.id}/revise`)).body;
      assert.doesNotMatch(page, /name="redirectUri"|name="optional\./);
      const token = /name="change_token" value="([^"]*)"/.exec(page)?.[1] ?? '';
      const form = {
        change_token: token,
        name: client.name,
        description: 'Counts more.',
        site: '*',
        access: 'scopes',
        'scope.editpage': '1',
      };
      assert.equal(
        (await post(`/my/apps/${client.id}/revise`, { ...form, look: '1' })).statusCode,
        200,
      );
      const sent = await post(`/my/apps/${client.id}/revise`, { ...form, send: '1' });
      assert.equal(sent.headers.location, `/my/apps/${client.id}?done=revision-sent`, sent.body);
      const again = await api('POST', `/clients/${client.id}/revisions`, {
        description: 'Counts most.',
        redirect_uri: '',
      });
      assert.equal(again.statusCode, 201, again.body);
      // It may be given one, which is then judged as anybody's.
      const bad = await api('POST', `/clients/${client.id}/revisions`, {
        redirect_uri: 'ftp://files.example/cb',
      });
      assert.deepEqual([bad.statusCode, bad.json().field], [400, 'redirect_uri'], bad.body);
    });

    test('its pages do not speak of one', async () => {
      const { client } = await service();
      assert.doesNotMatch((await get(`/my/apps/${client.id}`)).body, /<dt>Redirect address/);
      assert.doesNotMatch(
        (await get(`/review/${client.id}`, rexCookie)).body,
        /<dt>Redirect address/,
      );
      assert.doesNotMatch((await get(`/apps/${client.id}`, '')).body, /People return to/);
      const questions = (await get('/my/apps/new')).body;
      assert.match(questions, /kind=service"/);
      assert.doesNotMatch(
        (await get('/my/apps/new?kind=service')).body,
        /name="redirectUri"|name="optional\.|name="access" type="radio"/,
      );
      assert.match((await get(`/my/apps/${client.id}/test`)).body, /grant_type=client_credentials/);
    });

    for (const [title, over, fields] of [
      [
        'it also acts for people',
        { grantTypes: ['authorization_code', 'client_credentials'], redirectUri: '' },
        ['redirectUri'],
      ],
      [
        'it sends none, and acts for people',
        { grantTypes: ['authorization_code'] },
        ['redirectUri'],
      ],
      ['it is of OAuth 1', { protocol: 'oauth1', redirectUri: '' }, ['redirectUri']],
      [
        'its grant types are not known',
        { grantTypes: undefined, redirectUri: '' },
        ['redirectUri', 'grantTypes'],
      ],
      [
        'its grant types are no list',
        { grantTypes: 'client_credentials', redirectUri: '' },
        ['redirectUri', 'grantTypes'],
      ],
      ['it keeps no secret', { confidential: false }, ['grantTypes']],
      ['it has no grant type at all', { grantTypes: [], redirectUri: '' }, ['grantTypes']],
      ['what it gives is wrong', { redirectUri: 'https://x.example/cb#part' }, ['redirectUri']],
    ] as const)
      test(`refused as before when ${title}`, async () => {
        const answer = await proposed(over);
        assert.ok(!answer.ok);
        const { refusal } = answer;
        const others = 'others' in refusal ? (refusal.others ?? []) : [];
        assert.deepEqual(
          'field' in refusal
            ? [refusal, ...others].map((one) => 'field' in one && one.field)
            : refusal,
          fields,
        );
      });
  });

  describe('“others could read the answer” is said of what goes over a network', () => {
    const rows: readonly (readonly [uri: string, said: boolean])[] = [
      ['http://127.0.0.1/cb', false],
      ['http://127.0.0.1:8080/cb', false],
      ['http://127.0.0.1:65535/', false],
      ['http://127.8.9.10:1234/cb', false],
      ['http://[::1]/cb', false],
      ['http://[::1]:49152/cb', false],
      ['http://localhost/cb', false],
      ['http://localhost:1/', false],
      ['http://LOCALHOST:3000/cb', false],
      ['http://app.localhost:3000/cb', false],
      ['https://app.example/cb', false],
      ['org.example.app:/cb', false],
      ['http://app.example/cb', true],
      ['http://localhost.example/cb', true],
      ['http://127.0.0.1.example/cb', true],
      ['http://notlocalhost/cb', true],
      ['http://128.0.0.1/cb', true],
      ['http://192.168.1.4:8080/cb', true],
      ['http://[::2]/cb', true],
      ['http://[fe80::1]/cb', true],
    ];
    for (const [redirectUri, said] of rows)
      test(`${redirectUri}: ${said ? 'said' : 'not said'}, on the desk and in the risk`, async () => {
        const { registry } = world.server.services;
        for (const redirectIsPrefix of [false, true])
          assert.equal(
            registry
              .redirectWarnings({ redirectUri, redirectIsPrefix, ownerOnly: false })
              .includes('plain-http'),
            said,
          );
        const { client } = await service();
        const { findings } = await registry.risk({ ...client, protocol: 'oauth1', redirectUri });
        assert.equal(
          findings.some(({ rule }) => rule === 'plain-http-callback'),
          said,
        );
      });

    test('on the page of a reviewer, in each language', async () => {
      const made = async (redirectUri: string) =>
        (
          await world.createClient(
            ada,
            { name: fresh(), protocol: 'oauth1', grantTypes: [], redirectUri },
            false,
          )
        ).client.id;
      const [own, far] = [
        await made('http://localhost:8400/cb'),
        await made('http://far.example/cb'),
      ];
      for (const [language, words] of [
        ['en', /others could read the answer/],
        ['de', /könnten andere die Antwort lesen/],
        ['ar', /قد يقرأ آخرون الإجابة/],
      ] as const) {
        assert.doesNotMatch(
          (await get(`/review/${own}?uselang=${language}`, rexCookie)).body,
          words,
        );
        assert.match((await get(`/review/${far}?uselang=${language}`, rexCookie)).body, words);
      }
    });
  });

  describe('every problem at once', () => {
    const bad = {
      name: '',
      version: 'x y',
      redirectUri: 'http://far.example/cb',
      site: 'nowhere',
      scopes: ['none'],
      grantTypes: ['authorization_code'],
    };

    test('from the registry, in the order of its fields', async () => {
      const answer = await proposed(bad);
      assert.ok(!answer.ok && answer.refusal.kind === 'invalid_field');
      const { others = [], ...first } = answer.refusal;
      assert.deepEqual(
        [first, ...others].map(({ field }) => field),
        ['name', 'version', 'redirectUri', 'site', 'scopes'],
      );
    });

    test('from the command line, each with the option that fills it and its code', async () => {
      const answer = await proposed(bad);
      assert.ok(!answer.ok);
      assert.match(
        refusalForTerminal(answer.refusal),
        /^--name must not be empty\. \(invalid_field\) --version .*--redirect-uri must be https.*--site .*--scope has scopes that are not known here: none\. \(invalid_field\)$/,
      );
    });

    test('from the JSON API, in "errors"', async () => {
      const answer = await api('POST', '/clients', {
        ...{
          name: '',
          version: 'x y',
          description: 'd',
          protocol: 'oauth2',
          redirect_uri: 'http://far.example/cb',
        },
        ...{ site: 'nowhere', scopes: ['none'], terms_accepted: true },
      });
      assert.equal(answer.statusCode, 400);
      const { field, problem, errors, detail } = answer.json();
      assert.deepEqual([field, problem], ['name', 'empty'], 'the first, as before');
      assert.deepEqual(
        errors.map((one: { field: string; problem: string }) => [one.field, one.problem]),
        [
          ['name', 'empty'],
          ['version', 'not_a_version'],
          ['redirect_uri', 'not_https'],
          ['site', 'not_a_site'],
          ['scopes', 'unknown_scopes'],
        ],
      );
      for (const name of ['name', 'version', 'redirect_uri', 'site', 'scopes'])
        assert.match(detail, new RegExp(`\\b${name} `));
    });

    test('advice beside a fault is told as what it is; alone it can be waved through', async () => {
      const both = await proposed({
        redirectUri: 'https://bare.example',
        grantTypes: ['authorization_code'],
        site: 'nowhere',
      });
      assert.ok(!both.ok && both.refusal.kind === 'invalid_field');
      assert.deepEqual(
        [
          both.refusal.ignorable,
          both.refusal.others?.map((one) => 'ignorable' in one && one.ignorable),
        ],
        [true, [false]],
      );
      const waved = await proposed({
        redirectUri: 'https://bare.example',
        grantTypes: ['authorization_code'],
        site: 'nowhere',
        ignoreWarnings: true,
      });
      assert.ok(
        !waved.ok && waved.refusal.kind === 'invalid_field' && waved.refusal.others === undefined,
      );
      assert.equal(waved.refusal.field, 'site');
    });
  });
});
