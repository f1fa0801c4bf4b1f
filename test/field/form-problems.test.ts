import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LightMyRequestResponse } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { softwareAuthenticator } from '#harness/authenticator.ts';
import { password, TestServer } from '#harness/world.ts';
import { csrfToken } from '#http/csrf.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';
import type { Client } from '#registry/model/client.ts';

describe('form problems', () => {
  // Every form of the pages, sent with everything wrong that can be: all of it is said, in a
  // summary whose entries lead to their fields, and again at each field; in each language.

  let world: TestServer;
  const people: Record<string, Account> = {};
  const cookies: Record<string, string> = {};
  let app: Client;
  let signer: Client;
  let waiting: Client;
  before(async () => {
    world = new TestServer({ registration: 'open' });
    for (const [name, groups] of [
      ['Ada', ['developer']],
      ['Rex', ['reviewer']],
      ['Olga', ['administrator']],
      // A few wrong passwords, and somebody has to wait: each of these has their own.
      ['Pia', []],
      ['Pam', []],
      ['Pat', []],
    ] as const) {
      const made = await world.server.services.accounts.createAccount({
        ...{
          name,
          email: `${name.toLowerCase()}@example.org`,
          emailConfirmed: true,
          realName: '',
          groups,
          password,
        },
      });
      assert.ok(made.ok);
      people[name] = made.value;
      cookies[name] = await world.sessionCookie(made.value);
    }
    const ada = people.Ada as Account;
    app = (await world.createClient(ada, { name: 'Reader' })).client;
    signer = (await world.createClient(ada, { name: 'Signer', protocol: 'oauth1', grantTypes: [] }))
      .client;
    waiting = (await world.createClient(ada, { name: 'Waiting' }, false)).client;
  });
  after(() => world.close());

  type Fields = Readonly<Record<string, string>>;
  const headersOf = (who: string) => ({
    cookie: cookies[who] ?? '',
    'content-type': 'application/x-www-form-urlencoded',
  });
  const proofOf = (who: string) => csrfToken((cookies[who] ?? '').replace(/^[^=]*=/, ''));
  const get = (url: string, who = 'Ada') =>
    world.app.inject({ url, headers: { cookie: cookies[who] ?? '' } });
  const post = (url: string, form: Fields, who = 'Ada') =>
    world.app.inject({
      method: 'POST',
      url,
      headers: headersOf(who),
      payload: new URLSearchParams({ csrf: proofOf(who), ...form }).toString(),
    });
  const hidden = (body: string, name: string) =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] ?? '';
  /** The form of a page, with the change token that it showed. */
  async function sent(page: string, action: string, form: Fields, who = 'Ada') {
    const token = hidden((await get(page, who)).body, 'change_token');
    return post(action, { ...(token === '' ? {} : { change_token: token }), ...form }, who);
  }
  /**
   * Somebody who has not signed in: a browser that holds nothing but the proof of the page it saw.
   */
  async function stranger(page: string, action: string, form: Fields, language = 'en') {
    const seen = await world.app.inject({ url: page, headers: { 'accept-language': language } });
    const cookie = seen.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    return world.app.inject({
      method: 'POST',
      url: action,
      headers: {
        cookie,
        'accept-language': language,
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams({ csrf: hidden(seen.body, 'csrf'), ...form }).toString(),
    });
  }
  async function link(): Promise<string> {
    await world.server.services.accounts.whenEmailsSent();
    const text = (world.outbox as OutgoingEmail[]).at(-1)?.text ?? '';
    return /https:\/\/gate\.example(\/\S+)/.exec(text)?.[1] ?? assert.fail(`no link in: ${text}`);
  }
  const tokenOf = (path: string) =>
    new URL(path, 'https://gate.example').searchParams.get('token') ?? '';

  const proposal: Fields = {
    ...{
      name: '',
      version: 'x y',
      description: 'a\u202eb',
      redirectUri: 'http://far.example/cb',
      site: 'nowhere',
      access: 'scopes',
    },
    ...{ 'scope.editpage': '1', addresses: 'home' },
  };
  const everything = [
    'name',
    'version',
    'redirectUri',
    'description',
    'site',
    'addresses',
    'terms',
  ];
  const without = (...left: readonly string[]) =>
    everything.filter((field) => !left.includes(field));
  let passkey = '';
  async function withPasskey(): Promise<string> {
    if (passkey !== '') return passkey;
    const device = softwareAuthenticator({ origin: 'https://gate.example', rpId: 'gate.example' });
    const options = JSON.parse((await post('/account/passkeys/options', { password }, 'Pat')).body);
    await post('/account/passkeys', { label: 'Phone', answer: device.create(options) }, 'Pat');
    passkey =
      (await world.server.services.accounts.passkeysOf(people.Pat as Account))[0]?.id ??
      assert.fail('no passkey');
    return passkey;
  }

  interface Row {
    readonly who?: string;
    readonly status?: number;
    /** Ids of the controls that are named, in their order. */
    readonly fields: readonly string[];
    send(language: string): Promise<LightMyRequestResponse>;
  }

  const rows: Readonly<Record<string, Row>> = {
    'a new app on a server': {
      fields: everything,
      send: () => post('/my/apps/new', { kind: 'server', ...proposal }),
    },
    'a new app on devices': {
      fields: everything,
      send: () => post('/my/apps/new', { kind: 'device', ...proposal }),
    },
    'a new service': {
      fields: without('redirectUri'),
      send: () => post('/my/apps/new', { kind: 'service', ...proposal }),
    },
    'a new app of one’s own': {
      fields: without('redirectUri'),
      send: () => post('/my/apps/new', { kind: 'own', ...proposal }),
    },
    'a new app of OAuth 1': {
      fields: [
        'name',
        'version',
        'redirectUri',
        'description',
        'site',
        'rsaPublicKey',
        'addresses',
        'terms',
      ],
      send: () =>
        post('/my/apps/new', {
          kind: 'oauth1',
          ...proposal,
          redirectUri: 'ftp://far.example/',
          rsaPublicKey: 'no key',
        }),
    },
    'a new app with permissions that are none': {
      fields: ['name', 'scopes', 'terms'],
      send: () =>
        post('/my/apps/new', {
          kind: 'server',
          ...proposal,
          version: '1.0',
          description: 'd',
          redirectUri: 'https://a.example/cb',
          site: '*',
          addresses: '',
          access: 'x',
        }),
    },
    'a version that is there already': {
      status: 409,
      fields: ['version'],
      send: () =>
        post('/my/apps/new', {
          ...{
            kind: 'server',
            name: 'Reader',
            version: '1.0',
            description: 'd',
            redirectUri: 'https://a.example/cb',
            site: '*',
          },
          ...{ access: 'scopes', 'scope.editpage': '1', terms: '1' },
        }),
    },
    'a change of an app': {
      fields: ['name', 'redirectUri', 'description', 'site', 'reason'],
      send: () =>
        sent(`/my/apps/${app.id}/revise`, `/my/apps/${app.id}/revise`, {
          ...proposal,
          reason: 'r'.repeat(256),
          look: '1',
        }),
    },
    'a change of an app, sent': {
      fields: ['name', 'redirectUri', 'description', 'site', 'reason'],
      send: () =>
        sent(`/my/apps/${app.id}/revise`, `/my/apps/${app.id}/revise`, {
          ...proposal,
          reason: 'r'.repeat(256),
          send: '1',
        }),
    },
    'where requests come from, and the key': {
      fields: ['addresses', 'rsaPublicKey'],
      send: () =>
        sent(`/my/apps/${signer.id}`, `/my/apps/${signer.id}/update`, {
          addresses: 'home',
          rsaPublicKey: 'no key',
        }),
    },
    'a secret': {
      fields: ['label', 'expires'],
      send: () =>
        sent(`/my/apps/${app.id}`, `/my/apps/${app.id}/add-secret`, {
          label: '',
          expires: 'someday',
        }),
    },
    'a reset': {
      fields: ['sure'],
      send: () => sent(`/my/apps/${app.id}`, `/my/apps/${app.id}/reset`, {}),
    },
    'an invitation': {
      status: 404,
      fields: ['invite'],
      send: () => sent(`/my/apps/${app.id}`, `/my/apps/${app.id}/invite`, { invite: 'Nobody' }),
    },
    'an offer': {
      status: 404,
      fields: ['offer'],
      send: () => sent(`/my/apps/${app.id}`, `/my/apps/${app.id}/offer`, { offer: 'Nobody' }),
    },
    'a decision without a choice': {
      who: 'Rex',
      fields: ['choice'],
      send: () => sent(`/review/${waiting.id}`, `/review/${waiting.id}`, {}, 'Rex'),
    },
    'a decision without a reason': {
      who: 'Rex',
      fields: ['reason'],
      send: () =>
        sent(`/review/${waiting.id}`, `/review/${waiting.id}`, { decision: 'reject' }, 'Rex'),
    },
    'a decision with too long a reason': {
      who: 'Rex',
      fields: ['reason'],
      send: () =>
        sent(
          `/review/${waiting.id}`,
          `/review/${waiting.id}`,
          { decision: 'reject', reason: 'r'.repeat(256) },
          'Rex',
        ),
    },
    'a search of the trail': {
      who: 'Olga',
      fields: ['app', 'actor', 'from', 'until'],
      send: () =>
        get('/admin/audit?app=Nothing&actor=Nobody&from=yesterday&until=tomorrow', 'Olga'),
    },
    'the profile': {
      fields: ['real-name'],
      send: () => post('/account/profile', { 'real-name': 'a\u202eb' }),
    },
    'an address': {
      fields: ['email', 'email-password'],
      send: () => post('/account/email', { email: 'nowhere', 'email-password': 'not mine' }),
    },
    'a password': {
      who: 'Pia',
      fields: ['new-password', 'current-password'],
      send: () =>
        post(
          '/account/password',
          { 'current-password': 'not mine', 'new-password': 'short' },
          'Pia',
        ),
    },
    'a name for a passkey': {
      who: 'Pat',
      fields: ['label-0'],
      send: async () =>
        post('/account/passkeys/rename', { passkey: await withPasskey(), label: '' }, 'Pat'),
    },
    'a passkey to remove': {
      who: 'Pat',
      status: 403,
      fields: ['password-0'],
      send: async () =>
        post(
          '/account/passkeys/remove',
          { passkey: await withPasskey(), password: 'not mine' },
          'Pat',
        ),
    },
    'a proof': {
      who: 'Pam',
      status: 403,
      fields: ['proof_password'],
      send: () =>
        post('/account/prove', { proof_method: 'password', proof_password: 'not mine' }, 'Pam'),
    },
    'a request to be explained': {
      fields: ['request'],
      send: () => post('/my/help', { app: signer.id, request: 'nothing that is one', theirs: '' }),
    },
    'sign-in': {
      who: 'nobody',
      status: 403,
      fields: ['name'],
      send: (language) =>
        stranger('/sign-in', '/sign-in', { name: 'Ada', password: 'not hers' }, language),
    },
    'registration by mail': {
      who: 'nobody',
      fields: ['email'],
      send: (language) => stranger('/register', '/register', { email: 'nowhere' }, language),
    },
    'the end of a registration': {
      who: 'nobody',
      fields: ['name', 'real-name', 'new-password'],
      send: async (language) => {
        await stranger('/register', '/register', { email: `zoe-${language}@example.org` });
        const path = await link();
        return stranger(
          path,
          '/register/finish',
          { token: tokenOf(path), name: '', 'real-name': 'a\u202eb', 'new-password': 'short' },
          language,
        );
      },
    },
    'another password': {
      who: 'nobody',
      fields: ['new-password'],
      send: async (language) => {
        await stranger('/password/forgotten', '/password/forgotten', { name: 'Olga' });
        const path = await link();
        return stranger(
          path,
          '/password/new',
          { token: tokenOf(path), 'new-password': 'short' },
          language,
        );
      },
    },
  };

  /** The entries of the summary: their targets; null: about the whole form. */
  function summaryOf(body: string): readonly (string | null)[] | undefined {
    const summary =
      /<div class="summary [^>]*role="alert" tabindex="-1" autofocus aria-labelledby="problems">([\s\S]*?)<\/div>/.exec(
        body,
      )?.[1];
    return summary === undefined
      ? undefined
      : [...summary.matchAll(/<li>(?:<a href="#([^"]+)">)?/g)].map(([, target]) => target ?? null);
  }

  function judge(body: string, fields: readonly string[], language: string): void {
    assert.deepEqual([...(summaryOf(body) ?? [])].sort(), [...fields].sort());
    assert.match(
      body,
      { en: /<title>Error: /, de: /<title>Fehler: /, ar: /<title>خطأ: / }[language] ?? /x/,
    );
    assert.match(body, new RegExp(`<html lang="${language}"`));
    for (const field of fields) {
      assert.equal(
        [...body.matchAll(new RegExp(` id="${field}"`, 'g'))].length,
        1,
        `one control ${field}`,
      );
      if (['choice', 'scopes'].includes(field)) continue;
      assert.match(
        body,
        new RegExp(
          `<(?:input|textarea|select)[^>]* id="${field}"[^>]*aria-invalid="true"|<(?:input|select)[^>]*aria-invalid="true"[^>]* id="${field}"`,
        ),
        field,
      );
      assert.match(body, new RegExp(`class="problem" id="${field}-problem"`), field);
    }
  }

  for (const [title, { who = 'Ada', status = 400, fields, send }] of Object.entries(rows))
    test(`${title}: everything that is wrong, in each language`, async () => {
      for (const language of ['en', 'de', 'ar']) {
        if (who !== 'nobody')
          await world.server.store.setProfile((people[who] as Account).id, {
            realName: '',
            language,
          });
        const answer = await send(language);
        assert.equal(answer.statusCode, status, answer.body);
        judge(answer.body, fields, language);
      }
      if (who !== 'nobody')
        await world.server.store.setProfile((people[who] as Account).id, {
          realName: '',
          language: 'en',
        });
    });

  describe('what is about the whole form', () => {
    test('has an entry that leads nowhere', async () => {
      const { body, statusCode } = await sent(
        `/my/apps/${app.id}`,
        `/my/apps/${app.id}/retire-secret`,
        { id: String(app.secrets[0]?.id) },
      );
      assert.equal(statusCode, 409);
      assert.deepEqual(summaryOf(body), [null]);
    });
    test('nothing is said where nothing is wrong', async () => {
      for (const page of [
        '/account',
        '/my/apps/new?kind=server',
        `/my/apps/${app.id}`,
        '/account/passkeys',
        '/sign-in',
      ])
        assert.equal(summaryOf((await get(page)).body), undefined, page);
      assert.doesNotMatch((await get('/account')).body, /<title>Error/);
    });
    test('advice is no error: the title says nothing, and a tick waves it through', async () => {
      const { body } = await post('/my/apps/new', {
        ...{
          kind: 'server',
          name: 'Bare',
          version: '1.0',
          description: 'd',
          redirectUri: 'https://bare.example',
          site: '*',
        },
        ...{ access: 'scopes', 'scope.editpage': '1', terms: '1' },
      });
      assert.deepEqual(summaryOf(body), ['redirectUri']);
      assert.match(body, /class="summary advice"/);
      assert.match(body, /name="ignore_warnings"/);
      assert.doesNotMatch(body, /<title>Error/);
    });
  });

  test('the set-up form', async () => {
    const empty = new TestServer();
    const issued = await empty.server.services.accounts.issueSetupLink();
    assert.ok(issued.ok);
    const path = new URL(issued.value);
    const seen = await empty.app.inject({ url: `${path.pathname}${path.search}` });
    const answer = await empty.app.inject({
      method: 'POST',
      url: '/setup',
      headers: {
        cookie: seen.cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams({
        csrf: hidden(seen.body, 'csrf'),
        token: tokenOf(path.href),
        name: '',
        email: 'nowhere',
        password: 'short',
      }).toString(),
    });
    assert.equal(answer.statusCode, 400);
    judge(answer.body, ['name', 'email', 'password'], 'en');
    await empty.close();
  });
});
