import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import { OPERATOR } from '#registry/actor.ts';

describe('dialect forms', () => {
  // The dialect's own forms: what existing clients, apps and people of the reference look at
  // (docs/mediawiki.md).

  const root = '/w/rest.php/oauth2';
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let number = 0;
  before(async () => {
    world = new TestServer({ 'oauth1-plaintext': 'on', registration: 'open' });
    [ada, ben] = [
      await world.createPerson('Ada', ['developer']),
      await world.createPerson('Ben', ['bot']),
    ];
  });
  after(() => world.close());

  type Values = Readonly<Record<string, unknown>>;
  const name = () => `App ${++number}`;
  const claimsOf = (jwt: string) =>
    JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  const headOf = (jwt: string) =>
    JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString());
  const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
    world.app.inject({ url, headers });
  const form = (url: string, payload: string, headers: Readonly<Record<string, string>> = {}) =>
    world.app.inject({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });

  async function rest(path: string, values: Values, authorization?: string) {
    const headers =
      authorization === undefined ? await world.sessionHeaders(ada) : { authorization };
    return world.app.inject({
      method: 'POST',
      url: `${root}/client${path}`,
      headers,
      payload: values,
    });
  }
  const asked = (over: Values = {}): Values => ({
    ...{
      name: name(),
      description: 'd',
      email: 'ada@example.org',
      is_confidential: true,
      grant_types: ['client_credentials'],
    },
    ...{ owner_only: true, scopes: ['editpage'], ...over },
  });

  /** A token of an app for its owner alone. */
  async function tokenOf(owner: Account, scopes: readonly string[]): Promise<string> {
    const app = await world.createClient(owner, {
      name: name(),
      ownerOnly: true,
      redirectUri: '',
      grantTypes: ['client_credentials'],
      scopes,
    });
    return `Bearer ${app.accessToken}`;
  }
  /** A token that an app got for itself. */
  async function appToken(scopes: readonly string[], scope = ''): Promise<string> {
    const { client, secret } = await world.createClient(ada, {
      name: name(),
      grantTypes: ['client_credentials'],
      redirectUri: '',
      scopes,
    });
    const payload = `grant_type=client_credentials${scope === '' ? '' : `&scope=${scope}`}`;
    const answer = await form(`${root}/access_token`, payload, {
      authorization: basicHeader(client.id, secret),
    });
    return `Bearer ${answer.json().access_token}`;
  }

  describe('tokens of apps for their owner alone, made over REST (protocols 3)', () => {
    /**
     * Its form: the app as audience, scopes as a list, the number alone as subject, times with a
     * fraction.
     */
    function isTheirs(jwt: string, key: string, scopes: readonly string[]): void {
      assert.deepEqual(headOf(jwt), { typ: 'JWT', alg: 'RS256', kid: headOf(jwt).kid });
      const claims = claimsOf(jwt);
      assert.deepEqual(Object.keys(claims), [
        'aud',
        'jti',
        'iat',
        'nbf',
        'exp',
        'sub',
        'iss',
        'scopes',
      ]);
      assert.deepEqual(
        [claims.aud, claims.sub, claims.iss, claims.scopes],
        [key, String(ada.id), 'https://gate.example', scopes],
      );
      for (const at of [claims.iat, claims.nbf, claims.exp]) assert.equal(at % 1, 0.25);
      assert.ok(claims.exp - claims.iat > 999 * 365 * 86_400);
      assert.match(claims.jti, /^[0-9a-f]{80}$/);
    }

    test('at registration, and it holds here and at the core', async () => {
      const { client_key: key, access_token: token } = (await rest('', asked())).json();
      isTheirs(token, key, ['basic', 'editpage']);
      const headers = { authorization: `Bearer ${token}` };
      assert.equal((await get(`${root}/resource/profile`, headers)).json().username, 'Ada');
      assert.equal(
        (await get('/w/api.php?action=query&meta=userinfo', headers)).json().query.userinfo.name,
        'Ada',
      );
      assert.equal(
        (await get('/api/v1/me/apps', headers)).statusCode === 401,
        false,
        'the core takes it, too',
      );
    });
    test('at a reset, and the one before ends', async () => {
      const made = (await rest('', asked())).json();
      const again = (await rest(`/${made.client_key}/reset_secret`, {})).json();
      isTheirs(again.access_token, made.client_key, ['basic', 'editpage']);
      const status = async (token: string) =>
        (await get(`${root}/resource/profile`, { authorization: `Bearer ${token}` })).statusCode;
      assert.deepEqual(
        [await status(made.access_token), await status(again.access_token)],
        [403, 200],
      );
    });
    test('by a token: cut to what that token holds', async () => {
      const token = await tokenOf(ada, ['oauthmanageownclient']);
      const { client_key: key, access_token: own } = (
        await rest('', asked({ scopes: ['oauthmanageownclient', 'editpage'] }), token)
      ).json();
      isTheirs(own, key, ['basic', 'oauthmanageownclient']);
    });
    test('of an app that was made elsewhere, when it is reset here', async () => {
      const made = await world.createClient(ada, {
        name: name(),
        ownerOnly: true,
        redirectUri: '',
        grantTypes: ['client_credentials'],
      });
      assert.equal(
        headOf(made.accessToken ?? '').typ,
        'at+jwt',
        'the core has its own form (RFC 9068)',
      );
      const again = (await rest(`/${made.client.id}/reset_secret`, {})).json();
      isTheirs(again.access_token, made.client.id, ['basic', 'editpage']);
    });
    test('the core keeps its form', async () => {
      const made = (await rest('', asked())).json();
      const answer = await world.server.services.registry.submit(OPERATOR, 'update', {
        clientId: made.client_key,
        reason: '',
        resetSecret: true,
      });
      assert.ok(answer.ok);
      assert.equal(headOf(answer.value.accessToken ?? '').typ, 'at+jwt');
      assert.equal(claimsOf(answer.value.accessToken ?? '').scope, 'basic editpage');
    });
  });

  describe('management of apps over REST', () => {
    test('a public app gets a text for a secret, which is kept nowhere and not looked at', async () => {
      const values = asked({
        is_confidential: false,
        owner_only: false,
        callback_url: 'https://app.example/cb',
      });
      const made = (await rest('', { ...values, grant_types: ['authorization_code'] })).json();
      assert.match(made.secret, /^[0-9a-f]{40}$/);
      const again = (await rest(`/${made.client_key}/reset_secret`, {})).json();
      assert.match(again.secret, /^[0-9a-f]{40}$/);
      assert.notEqual(again.secret, made.secret);
      const { secrets } = (await world.server.store.findClient(made.client_key)) ?? assert.fail();
      assert.equal(secrets.length, 0);
      // The answer is the same with the text, with another, and with none: that the code is
      // unknown.
      for (const secret of [made.secret, 'another', undefined]) {
        const sent = `grant_type=authorization_code&code=x&client_id=${made.client_key}${secret === undefined ? '' : `&client_secret=${secret}`}`;
        const answer = await form(`${root}/access_token`, sent);
        assert.deepEqual([answer.statusCode, answer.json().error], [400, 'invalid_grant'], secret);
      }
    });
    test('an app with a secret gets its own', async () => {
      const made = (await rest('', asked())).json();
      assert.equal(
        (
          await form(`${root}/access_token`, 'grant_type=client_credentials', {
            authorization: basicHeader(made.client_key, made.secret),
          })
        ).statusCode,
        200,
      );
    });
    test('the callback of an app for its owner alone is the page that shows verifiers; of another it is its own', async () => {
      const [own, other] = [
        (await rest('', asked())).json(),
        await world.createClient(ada, { name: name() }),
      ];
      const clients: readonly Values[] = (
        await get(`${root}/client?limit=100`, { cookie: await world.sessionCookie(ada) })
      ).json().clients;
      const callback = (key: string) =>
        clients.find(({ client_key }) => client_key === key)?.callback_url;
      assert.equal(callback(own.client_key), 'https://gate.example/wiki/Special:OAuth/verified');
      assert.equal(callback(other.client.id), 'https://app.example/cb');
      assert.equal(
        (await get('/wiki/Special:OAuth/verified?oauth_verifier=abc&oauth_token=d')).statusCode,
        200,
        'which is there',
      );
    });

    const failures: readonly (readonly [
      field: string,
      value: unknown,
      code: string,
      data: unknown,
      shown?: unknown,
    ])[] = [
      ['is_confidential', 'true', 'badbool-type', null, 'true'],
      ['is_confidential', 1, 'badbool-type', null, 1],
      ['is_confidential', null, 'missingparam', null, ''],
      ['owner_only', 'no', 'badbool-type', null, 'no'],
      ['callback_is_prefix', [], 'badbool-type', null, ''],
      ['name', 7, 'needstring', null, 7],
      ['name', false, 'needstring', null, false],
      ['description', ['a'], 'needstring', null, ''],
      ['email', {}, 'needstring', null, ''],
      ['callback_url', 1, 'needstring', null, 1],
      ['wiki', 2, 'needstring', null, 2],
      ['grant_types', 'authorization_code', 'multivalue-must-be-array', null, 'authorization_code'],
      ['grant_types', 1, 'multivalue-must-be-array', null, 1],
      ['grant_types', [1], 'needstring', null, ''],
      ['scopes', 'editpage', 'multivalue-must-be-array', null, 'editpage'],
      ['scopes', ['editpage', 'fly'], 'badvalue', [], 'fly'],
      ['scopes', [1], 'badvalue', [], ''],
      ['version', '3.0', 'badvalue', [], '3.0'],
      ['version', 2, 'badvalue', [], 2],
    ];
    for (const [field, value, code, data, shown] of failures)
      test(`in JSON, ${field} ${JSON.stringify(value)} is ${code}`, async () => {
        const answer = await rest('', asked({ [field]: value }));
        const { name: told, failureCode, failureData, value: back } = answer.json();
        assert.deepEqual(
          [answer.statusCode, told, failureCode, failureData, back],
          [400, field, code, data, shown],
        );
      });
    test('in a form a text is the way to say everything: badbool and badvalue', async () => {
      const authorization = await tokenOf(ada, ['oauthmanageownclient']);
      const send = async (over: string) =>
        (
          await form(`${root}/client`, `name=x&description=d&email=ada@example.org&${over}`, {
            authorization,
          })
        ).json();
      const all = 'is_confidential=1&grant_types=client_credentials&scopes=editpage';
      assert.equal((await send(all.replace('=1', '=maybe'))).failureCode, 'badbool');
      assert.equal((await send(all.replace('=editpage', '=fly'))).failureCode, 'badvalue');
    });
    test('elsewhere a value that is none of those allowed has a list for data, too', async () => {
      const cookie = await world.sessionCookie(ada);
      for (const url of [`${root}/client?oauth_version=3`, `${root}/resource/nothing`])
        assert.deepEqual((await get(url, { cookie })).json().failureData, [], url);
      assert.equal((await get(`${root}/client?limit=x`, { cookie })).json().failureData, null);
    });
  });

  describe('rights at api.php are cut to the scopes (ADR 17)', () => {
    const ask = async (authorization: string | undefined, props = 'rights%7Cgroups') =>
      (
        await get(
          `/w/api.php?action=query&meta=userinfo&uiprop=${props}&formatversion=2`,
          authorization === undefined ? {} : { authorization },
        )
      ).json();

    test('a token that an app got for itself: a stranger’s rights that the scopes also give', async () => {
      const { userinfo } = (await ask(await appToken(['editpage']))).query;
      assert.deepEqual([userinfo.anon, userinfo.id, userinfo.groups], [true, 0, ['*']]);
      assert.deepEqual([...userinfo.rights].sort(), ['edit', 'read']);
    });
    test('a token with few scopes of such an app', async () =>
      assert.deepEqual(
        (await ask(await appToken(['editpage', 'privateinfo'], 'basic'))).query.userinfo.rights,
        ['read'],
      ));
    test('a person’s token: their rights that the scopes also give', async () => {
      const { userinfo } = (await ask(await tokenOf(ben, ['editpage']))).query;
      assert.deepEqual([userinfo.name, userinfo.groups.includes('bot')], ['Ben', true]);
      assert.ok(
        userinfo.rights.includes('edit') &&
          !userinfo.rights.includes('bot') &&
          !userinfo.rights.includes('sendemail'),
      );
      assert.ok(
        (await ask(await tokenOf(ben, ['highvolume']))).query.userinfo.rights.includes('bot'),
      );
    });
    test('a stranger without a token has all of a stranger', async () => {
      const { rights } = (await ask(undefined)).query.userinfo;
      assert.deepEqual([...rights].sort(), [...world.server.services.rights.rightsOf(null)].sort());
    });
    test('name and address are told where the scopes release them, as in the profile', async () => {
      const all = '*';
      const { userinfo: open } = (await ask(await tokenOf(ben, ['privateinfo']), all)).query;
      assert.deepEqual(
        [open.realname, open.email, open.emailauthenticated],
        ['Ben Real', 'ben@example.org', '2027-01-15T08:00:00Z'],
      );
      assert.deepEqual(
        [open.editcount, open.registrationdate, open.implicitgroups],
        [0, '2027-01-15T08:00:00Z', ['*', 'user']],
      );
      for (const token of [
        await tokenOf(ben, ['editpage']),
        await appToken(['privateinfo']),
        undefined,
      ]) {
        const { userinfo } = (await ask(token, all)).query;
        assert.ok(!('realname' in userinfo) && !('email' in userinfo), JSON.stringify(userinfo));
      }
    });
    test('props that were not asked for are not told', async () =>
      assert.deepEqual(
        Object.keys((await ask(await tokenOf(ben, ['privateinfo']), 'hasmsg')).query.userinfo),
        ['id', 'name'],
      ));
    test('assert=bot looks at the cut rights', async () => {
      const bot = async (scopes: readonly string[]) =>
        (
          await get('/w/api.php?action=query&assert=bot', {
            authorization: await tokenOf(ben, scopes),
          })
        ).json().error?.code;
      assert.deepEqual(
        [await bot(['editpage']), await bot(['highvolume'])],
        ['assertbotfailed', undefined],
      );
    });
  });

  describe('read is asked for at api.php', () => {
    const targets = [
      'action=query',
      'action=query&meta=userinfo',
      'action=query&meta=tokens',
      'action=query&meta=siteinfo&formatversion=2',
      'action=query&assert=user',
    ];
    const denied = async (query: string, authorization: string) => {
      const answer = await get(`/w/api.php?${query}`, { authorization });
      assert.deepEqual(
        [answer.statusCode, answer.headers['mediawiki-api-error']],
        [200, 'readapidenied'],
        answer.body,
      );
      assert.equal(answer.json().error.code, 'readapidenied');
      assert.ok(!('query' in answer.json()));
    };
    for (const scope of ['mwoauth-authonly', 'mwoauth-authonlyprivate'])
      for (const target of targets)
        test(`a token of ${scope} may not: ${target}`, async () =>
          denied(target, await tokenOf(ben, [scope])));
    test('nor a token without the scope that reads, whoever it is for', async () =>
      denied('action=query&meta=userinfo', await appToken(['editpage'], 'editpage')));
    test('nor a signature of such an app', async () => {
      const { client, secret, credentials } = await world.createClient(ben, {
        ...{
          name: name(),
          protocol: 'oauth1',
          ownerOnly: true,
          redirectUri: '',
          grantTypes: [],
          scopes: ['mwoauth-authonly'],
        },
      });
      const url = '/w/api.php?action=query&meta=userinfo';
      const { authorization } = signedHeader(
        ...([
          world,
          'GET',
          url,
          { key: client.id, secret },
          { key: credentials?.token ?? '', secret: credentials?.secret ?? '' },
        ] as const),
        {},
        { profile: 'mediawiki' },
      );
      await denied('action=query&meta=userinfo', authorization ?? '');
    });
    test('who they are is told to it elsewhere', async () => {
      const headers = { authorization: await tokenOf(ben, ['mwoauth-authonly']) };
      assert.equal((await get(`${root}/resource/profile`, headers)).json().username, 'Ben');
    });
    test('an unknown action is named first', async () =>
      assert.equal(
        (
          await get('/w/api.php?action=fly', {
            authorization: await tokenOf(ben, ['mwoauth-authonly']),
          })
        ).json().error.code,
        'badvalue',
      ));
  });

  describe('errorformat at api.php', () => {
    const phrase = 'The authorization headers in your request are not valid: Invalid access token';
    const bad = { authorization: 'Bearer nonsense' };
    const [code, module] = ['mwoauth-invalid-authorization', 'main'];
    const rows: readonly (readonly [format: string, version: 1 | 2, error: object])[] = [
      ['plaintext', 1, { code, '*': phrase, module }],
      ['plaintext', 2, { code, text: phrase, module }],
      ['wikitext', 1, { code, '*': phrase, module }],
      ['wikitext', 2, { code, text: phrase, module }],
      ['html', 1, { code, '*': phrase, module }],
      ['html', 2, { code, html: phrase, module }],
      ['raw', 1, { code, key: code, params: ['Invalid access token'], module }],
      ['raw', 2, { code, key: code, params: ['Invalid access token'], module }],
      ['none', 1, { code, module }],
      ['none', 2, { code, module }],
    ];
    for (const [format, version, error] of rows)
      test(`${format}, version ${version}`, async () => {
        const answer = await get(
          `/w/api.php?action=query&errorformat=${format}&formatversion=${version}`,
          bad,
        );
        assert.equal(answer.headers['mediawiki-api-error'], code);
        const { errors, ...rest } = answer.json();
        assert.deepEqual(errors, [error]);
        assert.deepEqual(Object.keys(rest), [version === 2 ? 'docref' : '*']);
      });
    for (const [query, keys] of [
      ['', ['code', 'info', '*']],
      ['errorformat=bc', ['code', 'info', '*']],
      ['errorformat=bc&formatversion=2', ['code', 'info', 'docref']],
      ['errorformat=nonsense', ['code', 'info', '*']],
    ] as const)
      test(`the old shape: ${query || 'nothing said'}`, async () => {
        const answer = (await get(`/w/api.php?action=query&${query}`, bad)).json();
        assert.deepEqual(Object.keys(answer.error), keys);
        assert.equal(answer.error.info, phrase);
      });
    test('an unknown form is refused where nothing else is wrong', async () =>
      assert.match(
        (await get('/w/api.php?action=query&errorformat=nonsense')).json().error.info,
        /"errorformat": nonsense/,
      ));

    const others: readonly (readonly [
      query: string,
      code: string,
      key: string,
      params: readonly string[],
    ])[] = [
      ['action=query&assert=user', 'assertuserfailed', 'apierror-assertuserfailed', []],
      ['action=query&assert=bot', 'assertbotfailed', 'apierror-assertbotfailed', []],
      [
        'action=query&assertuser=Ben',
        'assertnameduserfailed',
        'apierror-assertnameduserfailed',
        ['Ben'],
      ],
      ['action=fly', 'badvalue', 'paramvalidator-badvalue-enumnotmulti', ['action', 'fly']],
      [
        'action=query&format=xml',
        'badvalue',
        'paramvalidator-badvalue-enumnotmulti',
        ['format', 'xml'],
      ],
      ['meta=userinfo', 'missingparam', 'paramvalidator-missingparam', ['action']],
    ];
    for (const [query, told, key, params] of others)
      test(`every error has them: ${query}`, async () => {
        const answer = async (format: string) =>
          (await get(`/w/api.php?${query}&errorformat=${format}&formatversion=2`)).json().errors;
        assert.deepEqual(await answer('raw'), [{ code: told, key, params, module }]);
        const [{ text }] = await answer('plaintext');
        assert.match(text, /\S/);
        assert.deepEqual(await answer('none'), [{ code: told, module }]);
      });
    test('a form is read as a query is', async () =>
      assert.ok(
        'errors' in
          (await form('/w/api.php', 'action=query&assert=user&errorformat=plaintext')).json(),
      ));
    test('what no handler serves has them, too', async () => {
      const answer = await world.app.inject({
        method: 'DELETE',
        url: '/w/api.php?errorformat=plaintext&formatversion=2',
      });
      assert.equal(answer.statusCode, 405);
      const [error] = answer.json().errors;
      assert.deepEqual(Object.keys(error), ['code', 'text', 'module']);
      assert.ok(
        'error' in (await world.app.inject({ method: 'DELETE', url: '/w/api.php?x' })).json(),
      );
    });
    test('html is escaped, and links are links', async () => {
      const [{ html }] = (
        await get('/w/api.php?action=%3Cb%3E&errorformat=html&formatversion=2')
      ).json().errors;
      assert.match(html, /&#60;b&#62;/);
      const { formatApiError: apiError } = await import('#mediawiki/api-errors.ts');
      const { makeFormParameters: formValues } = await import('#encoding/form.ts');
      const said = (format: string) =>
        JSON.stringify(
          apiError(
            { code: 'c', info: 'See [https://a.example/x?"> E011] <here>' },
            formValues([
              ['errorformat', format],
              ['formatversion', '2'],
            ]),
          ).body,
        );
      assert.match(said('plaintext'), /"text":"See E011 <here>"/);
      assert.match(
        said('html'),
        /href=\\"https:\/\/a\.example\/x\?&#34;&#62;\\">E011<\/a> &#60;here&#62;"/,
      );
    });
  });

  describe('pages that people know', () => {
    const led = async (url: string, cookie?: string) => {
      const { statusCode, headers } = await get(url, cookie === undefined ? {} : { cookie });
      return statusCode === 303 ? String(headers.location) : statusCode;
    };
    test('the list of scopes is for everybody: names, meanings, risks and rights', async () => {
      for (const url of [
        '/wiki/Special:ListGrants',
        '/w/index.php?title=Special%3AListGrants',
        '/wiki/Special:OAuth/grants',
      ])
        assert.equal(await led(url), '/scopes', url);
      const { statusCode, body } = await get('/scopes', { accept: 'text/html' });
      assert.equal(statusCode, 200);
      for (const { name: scope, rights } of world.server.services.scopes.allScopes()) {
        assert.ok(body.includes(`<code>${scope}</code>`), scope);
        for (const right of rights) assert.ok(body.includes(right), right);
      }
      assert.match(body, /Could endanger an account or the site/);
      for (const language of ['de', 'ar'])
        assert.equal((await get(`/scopes?uselang=${language}`)).statusCode, 200);
      assert.match((await get('/apps')).body, /href="\/scopes"/);
    });

    const pages: readonly (readonly [page: string, to: string])[] = [
      ['Special:Log/mwoauthconsumer', '/audit'],
      ['Special:Log?type=mwoauthconsumer', '/audit'],
      ['Special:Log?type=mwoauthconsumer&user=Ada', '/audit?actor=Ada'],
      ['Special:Log/mwoauthconsumer?subtype=approve', '/audit?action=approve'],
      ['Special:UserLogin', '/sign-in'],
      ['special:userlogin', '/sign-in'],
      [
        'Special:UserLogin?returnto=Special:OAuthManageMyGrants',
        '/sign-in?returnto=%2Fwiki%2FSpecial%3AOAuthManageMyGrants',
      ],
      [
        'Special:UserLogin?returnto=Special:OAuth/authorize&returntoquery=oauth_token%3Dabc%26oauth_consumer_key%3Ddef',
        '/sign-in?returnto=%2Fwiki%2FSpecial%3AOAuth%2Fauthorize%3Foauth_token%3Dabc%26oauth_consumer_key%3Ddef',
      ],
      [
        'Special:UserLogin?returnto=Special%3AOAuth%2Frest+redirect&returntoquery=rest_url%3D%252Foauth2',
        '/sign-in?returnto=%2Fwiki%2FSpecial%3AOAuth%2Frest_redirect%3Frest_url%3D%252Foauth2',
      ],
      ['Special:UserLogin?returnto=Main+Page', '/sign-in'],
      ['Special:UserLogin?returnto=//evil.example', '/sign-in'],
      ['Special:UserLogin?returnto=https://evil.example/Special:OAuth', '/sign-in'],
      ['Special:UserLogin/signup', '/register'],
      [
        'Special:CreateAccount?returnto=Special:OAuthListConsumers',
        '/register?returnto=%2Fwiki%2FSpecial%3AOAuthListConsumers',
      ],
      ['Special:UserLogout', '/'],
      ['Special:PasswordReset', '/password/forgotten'],
      ['Special:Preferences', '/account'],
      ['Special:ChangePassword', '/account'],
    ];
    for (const [page, to] of pages)
      test(`${page} leads to ${to}`, async () => {
        const [path, query] = page.split('?', 2);
        assert.equal(await led(`/wiki/${page}`), to);
        assert.equal(
          await led(
            `/w/index.php?title=${encodeURIComponent(path ?? '')}${query === undefined ? '' : `&${query}`}`,
          ),
          to,
        );
      });
    for (const page of ['Special:Log', 'Special:Log/block', 'Special:Nothing', 'Main_Page'])
      test(`${page} is not here`, async () => assert.equal(await led(`/wiki/${page}`), 404));
    test('nobody is signed out by a link', async () => {
      const cookie = await world.sessionCookie(ben);
      assert.equal(await led('/wiki/Special:UserLogout', cookie), '/');
      assert.match((await get('/', { cookie })).body, /Hello, .*Ben|action="\/sign-out"/);
    });
    test('who is signed in goes on from the sign-in address', async () => {
      const cookie = await world.sessionCookie(ben);
      const to = await led('/wiki/Special:UserLogin?returnto=Special:OAuthManageMyGrants', cookie);
      assert.equal(await led(String(to), cookie), '/wiki/Special:OAuthManageMyGrants');
    });
    test('a long request is kept under a handle', async () =>
      assert.match(
        String(
          await led(
            `/wiki/Special:UserLogin?returnto=Special:OAuth/authorize&returntoquery=x%3D${'y'.repeat(1500)}`,
          ),
        ),
        /^\/sign-in\?returnto=%2Fcontinue%2F[\w-]{51}$/,
      ));
  });

  describe('PLAINTEXT, where it is allowed', () => {
    const initiate = async (
      at: TestServer,
      app: CredentialPair,
      signature: string,
      target = '/w/index.php?title=Special:OAuth/initiate&format=json',
    ) => {
      const given = {
        oauth_consumer_key: app.key,
        oauth_signature_method: 'PLAINTEXT',
        oauth_callback: 'oob',
        oauth_version: '1.0',
      };
      const once = {
        oauth_timestamp: String(at.now),
        oauth_nonce: `p${++number}`,
        oauth_signature: signature,
      };
      const header = Object.entries({ ...given, ...once }).map(
        ([key, value]) => `${key}="${encodeURIComponent(value)}"`,
      );
      return (
        await at.app.inject({
          method: 'POST',
          url: target,
          headers: { authorization: `OAuth ${header.join(', ')}` },
        })
      ).json();
    };
    const appAt = async (at: TestServer, owner: Account): Promise<CredentialPair> => {
      const { client, secret } = await at.createClient(owner, {
        name: name(),
        protocol: 'oauth1',
        redirectUri: 'https://app.example/cb',
        grantTypes: [],
      });
      return { key: client.id, secret };
    };

    test('a handshake begins with both secrets as the signature', async () => {
      const app = await appAt(world, ada);
      assert.match((await initiate(world, app, `${app.secret}&`)).oauth_token, /^[0-9a-f]{32}$/);
      for (const wrong of ['wrong&', app.secret, `${app.secret}&x`, '&'])
        assert.match((await initiate(world, app, wrong)).message, /Invalid signature/, wrong);
      const { message } = await initiate(
        world,
        app,
        'x',
        '/w/index.php?title=Special:OAuth/initiate&format=json&oauth_signature_method=x',
      );
      assert.match(message, /Invalid signature/);
    });
    test('the accepted methods are told as they are', async () => {
      const app = await appAt(world, ada);
      const authorization = `OAuth oauth_consumer_key="${app.key}", oauth_signature_method="HMAC-MD5", oauth_timestamp="${world.now}", oauth_nonce="m", oauth_signature="x", oauth_callback="oob"`;
      const answer = await world.app.inject({
        method: 'POST',
        url: '/wiki/Special:OAuth/initiate?format=json',
        headers: { authorization },
      });
      assert.match(
        answer.json().message,
        /try one of the following: HMAC-SHA1, RSA-SHA1, PLAINTEXT$/,
      );
    });
    test('switched off, it is not supported; without https it does not hold', async () => {
      const off = new TestServer();
      const clear = new TestServer({ issuer: 'http://localhost:4400', 'oauth1-plaintext': 'on' });
      try {
        for (const [at, told] of [
          [
            off,
            /Signature method 'PLAINTEXT' not supported try one of the following: HMAC-SHA1, RSA-SHA1$/,
          ],
          [clear, /Invalid signature/],
        ] as const) {
          const app = await appAt(at, await at.createPerson('Ada', ['developer']));
          assert.match((await initiate(at, app, `${app.secret}&`)).message, told);
        }
      } finally {
        await off.close();
        await clear.close();
      }
    });
  });

  describe('differences that docs/mediawiki.md states', () => {
    test('initiate of an app that was disabled tells it so at once', async () => {
      const { client, secret } = await world.createClient(ada, {
        name: name(),
        protocol: 'oauth1',
        redirectUri: 'https://app.example/cb',
        grantTypes: [],
      });
      await world.clients.disable(client.id);
      const target = '/w/index.php?title=Special:OAuth/initiate&format=json';
      const headers = signedHeader(
        world,
        'POST',
        target,
        { key: client.id, secret },
        null,
        { oauth_callback: 'oob' },
        { profile: 'mediawiki' },
      );
      const answer = await world.app.inject({ method: 'POST', url: target, headers });
      assert.equal(answer.json().error, 'mwoauth-invalid-authorization-not-approved');
    });
    test('a nonce of 512 bytes is taken, of 513 it is not', async () => {
      const { client, secret } = await world.createClient(ada, {
        name: name(),
        protocol: 'oauth1',
        redirectUri: 'https://app.example/cb',
        grantTypes: [],
      });
      const target = '/w/index.php?title=Special:OAuth/initiate&format=json';
      for (const [size, error] of [
        [512, undefined],
        [513, 'mwoauth-oauth-exception'],
      ] as const) {
        const over = { oauth_callback: 'oob', oauth_nonce: 'n'.repeat(size) };
        const headers = signedHeader(
          world,
          'POST',
          target,
          { key: client.id, secret },
          null,
          over,
          {
            profile: 'mediawiki',
          },
        );
        assert.equal(
          (await world.app.inject({ method: 'POST', url: target, headers })).json().error,
          error,
        );
      }
    });
    test('a refresh token only for an app that lists the grant type', async () => {
      for (const grantTypes of [
        ['authorization_code'],
        ['authorization_code', 'refresh_token'],
      ] as const) {
        const made = await world.createClient(ada, {
          name: name(),
          grantTypes,
          pkceOptional: true,
        });
        const code = await world.issueCode(made, ben, null, 'mediawiki');
        const sent = `grant_type=authorization_code&code=${encodeURIComponent(code)}&redirect_uri=${encodeURIComponent('https://app.example/cb')}`;
        const bought = (
          await form(`${root}/access_token`, sent, {
            authorization: basicHeader(made.client.id, made.secret),
          })
        ).json();
        assert.equal('refresh_token' in bought, grantTypes.length === 2, JSON.stringify(bought));
      }
    });
    test('a token of an owner-only app has no more scopes than were asked for', async () => {
      const made = (await rest('', asked())).json();
      const sent = 'grant_type=client_credentials&scope=basic';
      const bought = (
        await form(`${root}/access_token`, sent, {
          authorization: basicHeader(made.client_key, made.secret),
        })
      ).json();
      assert.deepEqual(claimsOf(bought.access_token).scopes, ['basic']);
    });
  });
});
