import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { softwareAuthenticator } from '#harness/authenticator.ts';
import { password, TestServer } from '#harness/world.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';

describe('people', () => {
  let world: TestServer;
  const opened = (settings: Record<string, string> = {}, mail = true) => {
    world = new TestServer(
      { registration: 'open', ...settings },
      '',
      mail ? {} : { mailTransport: null },
    );
    return world;
  };
  afterEach(() => world.close());

  /** A browser: keeps cookies, follows nothing, sends the forms of the page it saw last. */
  class Browser {
    readonly cookies = new Map<string, string>();
    readonly headers: Record<string, string>;
    csrf = '';
    constructor(headers: Record<string, string> = {}) {
      this.headers = {
        'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
        ...headers,
      };
    }
    async #ask(method: 'GET' | 'POST', url: string, payload?: string) {
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await world.app.inject({
        method,
        url,
        headers: {
          ...this.headers,
          ...(cookie ? { cookie } : {}),
          ...(payload === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(payload === undefined ? {} : { payload }),
      });
      for (const { name, value } of answer.cookies) {
        if (value === '') this.cookies.delete(name);
        else this.cookies.set(name, value);
      }
      const { body, statusCode: status, headers } = answer;
      this.csrf = /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? this.csrf;
      if (headers['content-type']?.startsWith('text/html')) {
        assert.equal(headers['cache-control'], 'no-store');
        assert.ok(body.length < 30_000, `${url} is ${body.length} bytes`);
        assert.doesNotMatch(body, /account-problem\.|<script>|undefined|\[object|NaN/);
      }
      return { status, body, headers, to: String(headers.location ?? '') };
    }
    get = (url: string) => this.#ask('GET', url);
    post = (url: string, form: Record<string, string>) =>
      this.#ask('POST', url, String(new URLSearchParams({ csrf: this.csrf, ...form })));
    async signIn(name: string, own = password) {
      await this.get('/sign-in');
      return this.post('/sign-in', { name, password: own });
    }
  }

  async function person(
    name: string,
    { confirmed = true, email = `${name.toLowerCase()}@example.org` } = {},
  ): Promise<Account> {
    const made = await world.server.services.accounts.createAccount({
      ...{ name, email, emailConfirmed: confirmed, realName: '', groups: [], password },
    });
    assert.ok(made.ok);
    return made.value;
  }
  async function letters(): Promise<readonly OutgoingEmail[]> {
    await world.server.services.accounts.whenEmailsSent();
    return world.outbox as OutgoingEmail[];
  }
  /** The link of the newest letter, as a path of ours. */
  async function link(): Promise<string> {
    const text = (await letters()).at(-1)?.text ?? '';
    return /https:\/\/gate\.example(\/\S+)/.exec(text)?.[1] ?? assert.fail(`no link in: ${text}`);
  }
  const tokenOf = (path: string) =>
    new URL(path, 'https://gate.example').searchParams.get('token') ?? '';

  test('register: address, letter, name and password, signed in; the link works once', async () => {
    opened();
    const browser = new Browser();
    assert.match((await browser.get('/sign-in')).body, /href="\/register"/);
    assert.equal((await browser.get('/register')).status, 200);
    assert.equal(
      (await browser.post('/register', { email: 'zoe@example.org' })).to,
      '/register/sent',
    );
    assert.match((await browser.get('/register/sent')).body, /24 hours/);
    const [letter] = await letters();
    assert.equal(letter?.to, 'zoe@example.org');
    const finish = await link();
    assert.match(finish, /^\/register\/finish\?token=[\w-]{51}$/);
    assert.match((await browser.get(finish)).body, /zoe@example\.org/);
    const form = {
      token: tokenOf(finish),
      name: 'Zoë',
      'real-name': 'Zoë Real',
      'new-password': password,
    };
    const short = await browser.post('/register/finish', { ...form, 'new-password': 'short' });
    assert.equal(short.status, 400);
    assert.match(short.body, /value="Zoë"[\s\S]*value="Zoë Real"[\s\S]*id="new-password-problem"/);
    assert.doesNotMatch(short.body, /value="short"/);
    const before = browser.cookies.get('__Host-gatehouse');
    assert.equal((await browser.post('/register/finish', form)).to, '/?done=registered');
    assert.notEqual(browser.cookies.get('__Host-gatehouse'), before);
    const made = await world.server.store.findAccountByName('zoë');
    assert.deepEqual(
      [made?.email, made?.emailConfirmedAt, made?.realName, made?.groups],
      ['zoe@example.org', world.now, 'Zoë Real', []],
    );
    assert.match((await browser.get('/?done=registered')).body, /Hello, Zoë/);
    assert.equal((await new Browser().get(finish)).status, 404);
  });

  test('register: a taken name is said to the holder of a link alone, who may choose another', async () => {
    opened();
    await person('Ada');
    const browser = new Browser();
    await browser.get('/register');
    await browser.post('/register', { email: 'zoe@example.org' });
    const token = tokenOf(await link());
    await browser.get(`/register/finish?token=${token}`);
    const taken = await browser.post('/register/finish', {
      token,
      name: 'ADA',
      'new-password': password,
    });
    assert.equal(taken.status, 400);
    assert.match(taken.body, /id="name-problem">This name is taken/);
    assert.equal(
      (
        await browser.post('/register/finish', {
          token: `${token}x`,
          name: 'ADA',
          'new-password': password,
        })
      ).status,
      404,
    );
    for (let count = 0; count < 19; count++)
      await browser.post('/register/finish', { token, name: 'Ada', 'new-password': password });
    const late = await browser.post('/register/finish', {
      token,
      name: 'Zoe',
      'new-password': password,
    });
    assert.equal(late.status, 429);
    assert.equal(late.headers['retry-after'], '900');
  });

  test('register: an address that has an account gets the same page, and a letter that says so', async () => {
    opened();
    await person('Ada');
    const answers = [];
    for (const email of ['ada@EXAMPLE.org', 'new@example.org']) {
      const browser = new Browser();
      await browser.get('/register');
      const { status, to, body } = await browser.post('/register', { email });
      answers.push({ status, to, body });
    }
    assert.deepEqual(answers[0], answers[1]);
    const sent = await letters();
    assert.deepEqual(sent.map(({ to }) => to).sort(), ['ada@example.org', 'new@example.org']);
    assert.match(
      sent.find(({ to }) => to === 'ada@example.org')?.text ?? '',
      /account Ada already[\s\S]*\/password\/forgotten\n/,
    );
  });

  test('register: closed, without mail, malformed, expired, too often', async () => {
    opened({ registration: 'closed' });
    const closed = new Browser();
    assert.doesNotMatch((await closed.get('/sign-in')).body, /href="\/register"/);
    assert.equal((await closed.get('/register')).status, 403);
    assert.equal((await closed.post('/register', { email: 'a@b.example' })).status, 403);
    await world.close();

    opened({}, false);
    const silent = new Browser();
    assert.match((await silent.get('/register')).body, /sends no mail/);
    await silent.get('/sign-in');
    assert.equal((await silent.post('/register', { email: 'a@b.example' })).status, 503);
    await world.close();

    opened();
    const browser = new Browser();
    await browser.get('/register');
    const wrong = await browser.post('/register', { email: '"><b>x' });
    assert.equal(wrong.status, 400);
    assert.match(wrong.body, /value="&quot;&gt;&lt;b&gt;x"[\s\S]*id="email-problem"/);
    for (let count = 0; count < 3; count++)
      assert.equal((await browser.post('/register', { email: 'A@b.example' })).status, 303);
    assert.equal((await browser.post('/register', { email: 'a@b.example' })).status, 429);
    const finish = await link();
    world.advanceClock(86_399);
    assert.equal((await browser.get(finish)).status, 200);
    world.advanceClock(1);
    assert.equal((await browser.get(finish)).status, 404);
  });

  test('forgotten password: the same answer for known and unknown, by name and by address', async () => {
    opened();
    await person('Ada');
    await person('Nora', { confirmed: false });
    const blocked = await person('Bob');
    await world.server.store.setBlocked(blocked.id, true);
    const answers = new Set<string>();
    for (const name of [
      'ada',
      'ADA@example.org',
      'Nora',
      'nora@example.org',
      'Bob',
      'nobody',
      'x'.repeat(255),
      '<b>@x',
    ]) {
      const browser = new Browser();
      await browser.get('/password/forgotten');
      const { status, to, body } = await browser.post('/password/forgotten', { name });
      answers.add(JSON.stringify([status, to, body]));
    }
    assert.deepEqual([...answers], ['[303,"/password/sent",""]']);
    assert.deepEqual(
      (await letters()).map(({ to }) => to),
      ['ada@example.org', 'ada@example.org'],
    );
  });

  test('forgotten password: one link, once, within an hour; sessions and older links end', async () => {
    opened();
    await person('Ada');
    const elsewhere = new Browser();
    await elsewhere.signIn('Ada');
    const browser = new Browser();
    await browser.get('/password/forgotten');
    await browser.post('/password/forgotten', { name: 'Ada' });
    const old = await link();
    await browser.post('/password/forgotten', { name: 'ada@example.org' });
    const path = await link();
    assert.notEqual(old, path);
    assert.equal((await browser.get(old)).status, 404, 'a newer link ends the older');
    assert.match((await browser.get(path)).body, /account <strong><bdi>Ada<\/bdi>/);
    const token = tokenOf(path);
    const short = await browser.post('/password/new', { token, 'new-password': 'short' });
    assert.equal(short.status, 400);
    assert.match(short.body, /id="new-password-problem"/);
    assert.equal(
      (await browser.post('/password/new', { token, 'new-password': 'another horse' })).to,
      '/?done=password-set',
    );
    assert.match((await browser.get('/account')).body, /Your account/);
    assert.equal((await elsewhere.get('/account')).status, 303, 'other sessions ended');
    assert.equal(
      (await browser.post('/password/new', { token, 'new-password': 'third horse!' })).status,
      404,
    );
    assert.equal((await new Browser().signIn('Ada')).status, 403);
    assert.equal((await new Browser().signIn('Ada', 'another horse')).to, '/');
    assert.match((await letters()).at(-1)?.text ?? '', /was changed/);

    world.advanceClock(3600);
    await browser.get('/account');
    await browser.post('/password/forgotten', { name: 'Ada' });
    const later = await link();
    world.advanceClock(3599);
    assert.equal((await browser.get(later)).status, 200);
    world.advanceClock(1);
    assert.equal((await browser.get(later)).status, 404);
  });

  test('forgotten password: throttled by target and by address, whether or not there is somebody', async () => {
    opened();
    await person('Ada');
    for (const name of ['Ada', 'nobody']) {
      const browser = new Browser();
      await browser.get('/password/forgotten');
      const statuses = [];
      for (let count = 0; count < 4; count++)
        statuses.push((await browser.post('/password/forgotten', { name })).status);
      assert.deepEqual(statuses, [303, 303, 303, 429]);
    }
    const browser = new Browser();
    await browser.get('/password/forgotten');
    let last = 0;
    for (let count = 0; count < 13; count++)
      last = (await browser.post('/password/forgotten', { name: `n${count}` })).status;
    assert.equal(last, 429);
  });

  test('forgotten password without a mail server: ask the operator, whose link works', async () => {
    opened({}, false);
    const ada = await person('Ada');
    const browser = new Browser();
    const told = await browser.get('/password/forgotten');
    assert.equal(told.status, 503);
    assert.match(told.body, /operator/);
    const whole = await world.server.services.accounts.issuePasswordLink(ada);
    const path = whole.slice('https://gate.example'.length);
    await browser.get(path);
    assert.equal(
      (
        await browser.post('/password/new', {
          token: tokenOf(path),
          'new-password': 'another horse',
        })
      ).status,
      303,
    );
    await browser.get('/account');
    assert.match((await browser.get('/account')).body, /sends no mail/);
  });

  test('account: password asks for the current one, gives a new session, and ends the others and open links', async () => {
    opened();
    await person('Ada');
    const [browser, other] = [new Browser(), new Browser()];
    await browser.signIn('Ada');
    await other.signIn('Ada');
    await other.get('/password/forgotten');
    await other.post('/password/forgotten', { name: 'Ada' });
    const path = await link();
    await browser.get('/account');
    const wrong = await browser.post('/account/password', {
      'current-password': 'wrong',
      'new-password': 'another horse',
    });
    assert.equal(wrong.status, 403);
    assert.match(wrong.body, /id="current-password-problem"/);
    assert.doesNotMatch(wrong.body, /value="(?:wrong|another horse)"/);
    const short = await browser.post('/account/password', {
      'current-password': password,
      'new-password': 'x',
    });
    assert.equal(short.status, 400);
    assert.match(short.body, /id="new-password-problem"/);
    const before = browser.cookies.get('__Host-gatehouse');
    const right = await browser.post('/account/password', {
      'current-password': password,
      'new-password': 'another horse',
    });
    assert.equal(right.to, '/account?done=saved');
    assert.notEqual(browser.cookies.get('__Host-gatehouse'), before);
    assert.equal((await browser.get('/account')).status, 200);
    assert.equal((await other.get('/account')).to, '/sign-in?returnto=%2Faccount');
    assert.equal((await other.get(path)).status, 404);
  });

  test('account: five wrong passwords close every form that asks for it, and leave sign-in open', async () => {
    opened();
    await person('Ada');
    const browser = new Browser();
    await browser.signIn('Ada');
    await browser.get('/account');
    for (let count = 0; count < 5; count++)
      assert.equal(
        (
          await browser.post('/account/email', {
            email: 'b@example.org',
            'email-password': 'wrong',
          })
        ).status,
        403,
      );
    const shut = await browser.post('/account/password', {
      'current-password': password,
      'new-password': 'another horse',
    });
    assert.equal(shut.status, 429);
    assert.equal((await new Browser().signIn('Ada')).to, '/');
  });

  test('account: an address becomes mine when I open its link, signed in; the old one is told', async () => {
    opened();
    await person('Ada');
    await person('Eve');
    const [browser, eve] = [new Browser(), new Browser()];
    await browser.signIn('Ada');
    await eve.signIn('Eve');
    await browser.get('/account');
    const wrong = await browser.post('/account/email', {
      email: 'new@example.org',
      'email-password': 'wrong',
    });
    assert.match(wrong.body, /value="new@example\.org"[\s\S]*id="email-password-problem"/);
    assert.equal(
      (await browser.post('/account/email', { email: 'no address', 'email-password': password }))
        .status,
      400,
    );
    assert.equal(
      (
        await browser.post('/account/email', {
          email: 'new@example.org',
          'email-password': password,
        })
      ).to,
      '/account?done=email-sent',
    );
    const path = await link();
    assert.equal((await letters()).at(-1)?.to, 'new@example.org');
    assert.equal((await world.server.store.findAccountByName('Ada'))?.email, 'ada@example.org');
    assert.match(
      (await new Browser().get(path)).to,
      /^\/sign-in\?returnto=%2Faccount%2Femail%2Fconfirm/,
    );
    assert.equal((await eve.get(path)).status, 404);
    await eve.get('/account');
    assert.equal((await eve.post('/account/email/confirm', { token: tokenOf(path) })).status, 404);
    assert.match((await browser.get(path)).body, /new@example\.org/);
    assert.equal(
      (await browser.post('/account/email/confirm', { token: tokenOf(path) })).to,
      '/account?done=email-confirmed',
    );
    assert.equal(
      (await browser.post('/account/email/confirm', { token: tokenOf(path) })).status,
      404,
    );
    const ada = await world.server.store.findAccountByName('Ada');
    assert.deepEqual([ada?.email, ada?.emailConfirmedAt], ['new@example.org', world.now]);
    const told = (await letters()).at(-1);
    assert.equal(told?.to, 'ada@example.org');
    assert.match(told?.text ?? '', /another e-mail address/);
  });

  test('account: real name and language; the language of the account beats cookie and browser, and uselang beats it', async () => {
    opened();
    await person('Ada');
    const browser = new Browser({ 'accept-language': 'ar' });
    await browser.signIn('Ada');
    assert.match((await browser.get('/account')).body, /<html lang="ar" dir="rtl">/);
    assert.match((await browser.get('/account?uselang=en')).body, /<html lang="en"/);
    assert.equal(
      (await browser.post('/account/profile', { 'real-name': ' Ada L. ', language: 'de' })).to,
      '/account?done=saved',
    );
    const page = await browser.get('/account?done=saved');
    assert.match(
      page.body,
      /<html lang="de"[\s\S]*value="Ada L\."[\s\S]*value="de" lang="de" selected/,
    );
    assert.match((await browser.get('/account?uselang=ar')).body, /<html lang="ar"/);
    assert.match((await browser.get('/account')).body, /<html lang="de"/);
    const wrong = await browser.post('/account/profile', {
      'real-name': '\u202eadA',
      language: 'xx',
    });
    assert.equal(wrong.status, 400);
    assert.match(wrong.body, /id="real-name-problem"/);
    await browser.get('/account');
    await browser.post('/account/email', { email: 'neu@example.org', 'email-password': password });
    assert.match((await letters()).at(-1)?.subject ?? '', /Bestätige/);
    await browser.post('/account/profile', { 'real-name': '', language: '' });
    assert.equal((await world.server.store.findAccountByName('Ada'))?.language, null);
  });

  test('account: sessions in plain words; end one, end all; nobody ends another person’s', async () => {
    opened();
    await person('Ada');
    await person('Eve');
    const phone = new Browser({
      'user-agent':
        'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Mobile Safari/604.1',
    });
    const odd = new Browser({ 'user-agent': '<script>alert(1)</script>' });
    const [browser, eve] = [new Browser(), new Browser()];
    for (const each of [phone, odd, browser]) await each.signIn('Ada');
    await eve.signIn('Eve');
    const { body } = await browser.get('/account');
    assert.match(body, /Firefox on Linux <span class="badge good">this one/);
    assert.match(body, /Safari on iPhone/);
    assert.match(body, /A browser we do not know/);
    assert.doesNotMatch(body, /alert\(1\)/);
    assert.ok(
      ![phone, odd, browser].some(({ cookies }) =>
        body.includes(cookies.get('__Host-gatehouse') ?? '?'),
      ),
    );
    const ids = [...body.matchAll(/name="session" value="([^"]+)"/g)].map(([, id]) => id ?? '');
    assert.equal(ids.length, 2);
    await eve.get('/account');
    for (const session of ids) await eve.post('/account/sessions/end', { session });
    assert.equal((await phone.get('/account')).status, 200);
    for (const session of ids.slice(0, 1)) await browser.post('/account/sessions/end', { session });
    const states = [
      (await phone.get('/account')).status,
      (await odd.get('/account')).status,
    ].sort();
    assert.deepEqual(states, [200, 303]);
    await browser.get('/account');
    assert.equal(
      (await browser.post('/account/sessions/end-all', {})).to,
      '/sign-in?done=everywhere',
    );
    for (const each of [phone, odd, browser])
      assert.equal((await each.get('/account')).status, 303);
    assert.equal((await eve.get('/account')).status, 200);
  });

  test('every form wants its proof, and the account wants somebody', async () => {
    opened();
    await person('Ada');
    const browser = new Browser();
    await browser.signIn('Ada');
    for (const path of [
      ...['profile', 'email', 'email/confirm', 'password', 'sessions/end', 'sessions/end-all'].map(
        (name) => `/account/${name}`,
      ),
      ...['', '/options', '/rename', '/remove'].map((name) => `/account/passkeys${name}`),
      ...[
        '/register',
        '/register/finish',
        '/password/forgotten',
        '/password/new',
        '/sign-in/passkey',
        '/sign-in/passkey/options',
      ],
    ]) {
      assert.equal((await browser.post(path, { csrf: 'x' })).status, 403, path);
      if (path.startsWith('/account'))
        assert.match((await new Browser().post(path, {})).to, /^\/sign-in(?:\?returnto=|$)/, path);
    }
    for (const path of ['/account', '/account/passkeys', '/account/email/confirm?token=x'])
      assert.equal(
        (await new Browser().get(path)).to,
        `/sign-in?returnto=${encodeURIComponent(path)}`,
      );
  });

  test('sign-in goes back to own paths alone', async () => {
    opened();
    await person('Ada');
    for (const [returnto, to] of [
      ['/account', '/account'],
      ['https://evil.example/', '/'],
      ['//evil.example', '/'],
      ['/\\evil.example', '/'],
      ['javascript:alert(1)', '/'],
    ] as const) {
      const browser = new Browser();
      await browser.get(`/sign-in?returnto=${encodeURIComponent(returnto)}`);
      assert.equal((await browser.post('/sign-in', { name: 'Ada', password, returnto })).to, to);
    }
  });

  test('hostile names stay text, on pages and in letters', async () => {
    opened();
    const combining = 'a\u0300\u0301\u0302\u0303';
    const names = [
      '<script>alert(1)</script>',
      combining,
      '"><img src=x>',
      'WIN www.evil.example https://evil.example',
    ];
    for (const [index, name] of names.entries()) {
      await person(name, { email: `h${index}@example.org` });
      const browser = new Browser();
      assert.equal((await browser.signIn(name)).to, '/');
      for (const path of ['/', '/account', '/account/passkeys'])
        assert.doesNotMatch((await browser.get(path)).body, /<script>|<img/);
      await browser.get('/account');
      await browser.post('/account/password', {
        'current-password': password,
        'new-password': 'another horse',
      });
      assert.doesNotMatch((await letters()).at(-1)?.text ?? '', /<script|:\/\/evil|www\.evil/);
    }
  });

  const site = { origin: 'https://gate.example', rpId: 'gate.example' };

  test('a passkey: add, name, sign in, remove', async () => {
    opened();
    const ada = await person('Ada');
    const browser = new Browser();
    await browser.signIn('Ada');
    assert.match(
      (await browser.get('/account/passkeys')).body,
      /no passkey yet[\s\S]*needs JavaScript/,
    );
    const denied = await browser.post('/account/passkeys/options', { password: 'wrong' });
    assert.equal(denied.status, 403);
    assert.match(JSON.parse(denied.body).problem, /not right/);
    const options = JSON.parse(
      (await browser.post('/account/passkeys/options', { password })).body,
    );
    assert.deepEqual(
      [options.rp.id, options.user.name, options.attestation],
      ['gate.example', 'Ada', 'none'],
    );
    assert.equal(options.authenticatorSelection.userVerification, 'required');
    const key = softwareAuthenticator(site);
    const answer = key.create(options);
    assert.equal(
      (await browser.post('/account/passkeys', { label: 'My <b>phone', answer })).to,
      '/account/passkeys?done=passkey-added',
    );
    assert.equal(
      (await browser.post('/account/passkeys', { label: 'Again', answer })).status,
      400,
      'a challenge is good for one answer',
    );
    assert.match((await letters()).at(-1)?.text ?? '', /passkey was added/);
    assert.match((await browser.get('/account/passkeys')).body, /My &lt;b&gt;phone/);
    assert.equal(
      (await browser.post('/account/passkeys/rename', { passkey: key.id, label: 'Phone' })).status,
      303,
    );
    const unnamed = await browser.post('/account/passkeys/rename', {
      passkey: key.id,
      label: '\u202e',
    });
    assert.equal(unnamed.status, 400);
    assert.equal(
      (await browser.post('/account/passkeys/rename', { passkey: 'other', label: 'Phone' })).status,
      404,
    );

    const fresh = new Browser();
    assert.match((await fresh.get('/sign-in?returnto=%2Faccount')).body, /\/assets\/passkeys\.js/);
    const asked = JSON.parse((await fresh.post('/sign-in/passkey/options', {})).body);
    assert.equal(asked.allowCredentials, undefined, 'it names nobody');
    const proof = key.get(asked, { userHandle: String(ada.id) });
    const form = fresh.cookies.get('__Host-gatehouse-form');
    assert.equal(
      (await fresh.post('/sign-in/passkey', { answer: proof, returnto: '/account' })).to,
      '/account',
    );
    assert.notEqual(fresh.cookies.get('__Host-gatehouse'), form);
    assert.match((await fresh.get('/account')).body, /You have 1 passkey\./);
    const again = new Browser();
    await again.get('/sign-in');
    assert.equal((await again.post('/sign-in/passkey', { answer: proof })).status, 400, 'replayed');

    await browser.get('/account/passkeys');
    assert.equal(
      (await browser.post('/account/passkeys/remove', { passkey: key.id, password })).to,
      '/account/passkeys?done=passkey-removed',
    );
    const gone = JSON.parse((await again.post('/sign-in/passkey/options', {})).body);
    assert.equal((await again.post('/sign-in/passkey', { answer: key.get(gone) })).status, 400);
  });

  test('a passkey is refused: another origin, no verification, a copy, another person, too late, a certificate, nonsense', async () => {
    opened();
    const ada = await person('Ada');
    await person('Eve');
    const [browser, eve] = [new Browser(), new Browser()];
    await browser.signIn('Ada');
    await eve.signIn('Eve');
    await browser.get('/account/passkeys');
    await eve.get('/account/passkeys');
    const offer = async (who: Browser) =>
      JSON.parse((await who.post('/account/passkeys/options', { password })).body);
    const key = softwareAuthenticator(site);
    const add = async (who: Browser, answer: string, label = 'Phone') =>
      (await who.post('/account/passkeys', { label, answer })).status;
    assert.equal(
      await add(browser, key.create(await offer(browser), { from: 'https://evil.example' })),
      400,
    );
    assert.equal(await add(browser, key.create(await offer(browser), { flags: 0x41 })), 400);
    assert.equal(await add(browser, key.create(await offer(browser), { fmt: 'packed' })), 400);
    assert.equal(await add(browser, key.create(await offer(browser), { fmt: 'fido-u2f' })), 400);
    assert.equal(await add(eve, key.create(await offer(browser))), 400);
    for (const nonsense of ['', '{}', '[', JSON.stringify({ id: 'x' }), 'x'.repeat(40_000)])
      assert.equal(await add(browser, nonsense), 400);
    const late = await offer(browser);
    world.advanceClock(300);
    assert.equal(await add(browser, key.create(late)), 400);
    assert.deepEqual(await world.server.store.listPasskeys(ada.id), []);
    assert.equal(await add(browser, key.create(await offer(browser))), 303);
    assert.equal(await add(eve, key.create(await offer(eve))), 400, 'somebody has it already');

    const fresh = new Browser();
    await fresh.get('/sign-in');
    const ask = async () => JSON.parse((await fresh.post('/sign-in/passkey/options', {})).body);
    const enter = async (answer: string) =>
      (await fresh.post('/sign-in/passkey', { answer })).status;
    assert.equal(await enter(key.get(await ask(), { from: 'https://evil.example' })), 400);
    assert.equal(await enter(key.get(await ask(), { flags: 0x01 })), 400);
    assert.equal(await enter(key.get(await ask(), { userHandle: '999' })), 400);
    assert.equal(await enter(softwareAuthenticator(site).get(await ask())), 400);
    assert.equal(await enter(key.get(await ask())), 303);
    const another = new Browser();
    await another.get('/sign-in');
    const copied = JSON.parse((await another.post('/sign-in/passkey/options', {})).body);
    assert.equal(
      (await another.post('/sign-in/passkey', { answer: key.get(copied, { step: 0 }) })).status,
      400,
      'its counter does not rise',
    );
    await world.server.store.setBlocked(ada.id, true);
    const blocked = JSON.parse((await another.post('/sign-in/passkey/options', {})).body);
    assert.equal(
      (await another.post('/sign-in/passkey', { answer: key.get(blocked) })).status,
      403,
    );
  });

  test('the script for passkeys is ours alone, and the pages that load it stay light', async () => {
    opened();
    const browser = new Browser();
    const [page, library, script, style] = await Promise.all(
      ['/sign-in', '/assets/passkeys.js', '/assets/gatehouse.js', '/assets/gatehouse.css'].map(
        browser.get,
      ),
    );
    assert.match(library?.body ?? '', /SimpleWebAuthnBrowser/);
    const weight = [page, library, script, style].map((part) => part?.body.length ?? 0);
    assert.ok(weight.reduce((one, other) => one + other) < 40_000, String(weight));
  });
});
