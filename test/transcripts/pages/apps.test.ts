import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { storeLegacyClient } from '#harness/accepted-earlier.ts';
import { TestServer } from '#harness/world.ts';
import type { Client } from '#registry/model/client.ts';

describe('apps', () => {
  let world: TestServer;
  const people: Record<string, Account> = {};
  const cookies: Record<string, string> = { nobody: '' };
  let reader: Client;
  const hostile = '<script>alert(1)</script>"&';
  const marks = `e${'\u0301'.repeat(63)}`;

  before(async () => {
    world = new TestServer(
      {},
      'sites:\n  - { id: main, name: main.example }\n  - { id: other, name: other.example }\n',
    );
    for (const [name, groups] of [
      ['Ada', ['developer']],
      ['Ben', ['developer']],
      ['Cleo', []],
      ['Rex', ['reviewer']],
    ] as const) {
      people[name] = await world.createPerson(name, groups);
      cookies[name] = await world.sessionCookie(people[name]);
    }
    reader = (
      await world.createClient(person('Ada'), {
        name: 'Reader',
        description: hostile,
        scopes: ['editpage', 'sendemail'],
        optionalScopes: ['sendemail'],
      })
    ).client;
  });
  after(() => world.close());

  const person = (name: string): Account => people[name] as Account;
  const get = (url: string, who = 'Ada') =>
    world.app.inject({ url, headers: { cookie: cookies[who] ?? '' } });
  const fields = (body: string, name: string) =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] ?? '';

  /** Sends a form of a page, with its proof and the change token that the page showed. */
  async function send(
    page: string,
    action: string,
    form: Readonly<Record<string, string>>,
    who = 'Ada',
  ) {
    const { body } = await get(page, who);
    const token = fields(body, 'change_token');
    const csrf = fields(body, 'csrf');
    return world.app.inject({
      method: 'POST',
      url: action,
      headers: { cookie: cookies[who] ?? '', 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        csrf,
        ...(token === '' ? {} : { change_token: token }),
        ...form,
      }).toString(),
    });
  }
  const app = (path = '', client = reader) => `/my/apps/${client.id}${path}`;

  let registered = 0;
  const proposal = (over: Readonly<Record<string, string>> = {}) => ({
    kind: 'server',
    name: `App ${++registered}`,
    version: '1.0',
    description: 'It helps.',
    redirectUri: 'https://new.example/cb',
    site: '*',
    access: 'scopes',
    'scope.editpage': '1',
    terms: '1',
    ...over,
  });
  const register = (over: Readonly<Record<string, string>> = {}, who = 'Ada') =>
    send('/my/apps/new', '/my/apps/new', proposal(over), who);
  const idIn = (body: string) => /\/my\/apps\/([0-9a-f]{32})/.exec(body)?.[1] ?? '';
  const newApp = async (over: Readonly<Record<string, string>> = {}): Promise<Client> => {
    const id = idIn((await register(over)).body);
    return (await world.server.store.findClient(id as Client['id'])) as Client;
  };
  const fresh = (id: Client['id']) => world.server.store.findClient(id) as Promise<Client>;

  test('who may see which page', async () => {
    const pages = [
      '/my/apps',
      '/my/apps/new',
      '/my/apps/new?kind=server',
      app(),
      app('/history'),
      app('/test'),
      app('/revise'),
    ];
    const seen: Record<string, readonly number[]> = {};
    for (const who of ['Ada', 'Ben', 'Cleo', 'Rex', 'nobody'])
      seen[who] = await Promise.all(pages.map(async (page) => (await get(page, who)).statusCode));
    assert.deepEqual(seen, {
      Ada: [200, 200, 200, 200, 200, 200, 200],
      Ben: [200, 200, 200, 404, 404, 404, 404],
      Cleo: [200, 403, 403, 404, 404, 404, 404],
      Rex: [200, 403, 403, 404, 404, 404, 404],
      nobody: [303, 303, 303, 303, 303, 303, 303],
    });
    for (const page of ['/apps', `/apps/${reader.id}`])
      for (const who of ['Ada', 'Cleo', 'Rex', 'nobody'])
        assert.equal((await get(page, who)).statusCode, 200, `${page} ${who}`);
    for (const page of ['/apps/none', `/apps/${'0'.repeat(32)}`, `/my/apps/${'0'.repeat(32)}`])
      assert.equal((await get(page)).statusCode, 404, page);
  });

  test('what strangers wrote is text, in each language, and a page stays small', async () => {
    const { client } = await world.createClient(person('Ada'), { name: 'Marks' });
    await storeLegacyClient(world, client, { name: marks, description: marks.repeat(30) });
    const secrets = reader.secrets.map(({ digest }) => digest);
    for (const language of ['en', 'de', 'ar'])
      for (const page of [
        '/apps?q=a',
        `/apps/${reader.id}`,
        '/my/apps',
        '/my/apps/new?kind=server',
        app(),
        app('/history'),
        app('/test'),
        app('/revise'),
      ]) {
        const { body, headers } = await get(
          `${page}${page.includes('?') ? '&' : '?'}uselang=${language}`,
        );
        assert.ok(!body.includes('<script>') && !body.includes('alert(1)</script'), page);
        assert.ok(Buffer.byteLength(body) < 30_000, `${page}: ${Buffer.byteLength(body)}`);
        assert.ok(!secrets.some((secret) => body.includes(secret)), page);
        assert.equal((body.match(/<h1>/g) ?? []).length, 1, page);
        assert.match(body, language === 'ar' ? /dir="rtl"/ : /dir="ltr"/);
        assert.equal(headers['cache-control'], 'no-store');
        assert.doesNotMatch(
          body,
          /\b(?:apps|new|manage|mine|issued|test|revise|sample)\.[a-z]+(?:-[a-z]+)*[<"]/,
          `${page}: a text is missing`,
        );
      }
    assert.match((await get(`/apps/${reader.id}`)).body, /&lt;script&gt;/);
  });

  test('the directory is searched by part of a name, owner, stage, scope and site', async () => {
    await world.createClient(person('Ben'), {
      name: 'Überwacher 100%',
      scopes: ['patrol'],
      site: 'other',
    });
    const waiting = await world.createClient(person('Ben'), { name: 'Waiting' }, false);
    await world.createClient(person('Ben'), {
      name: 'Own script',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: ['client_credentials'],
    });
    const found = async (query: string, who = 'nobody') =>
      [...(await get(`/apps${query}`, who)).body.matchAll(/<h2><a[^>]*><bdi>([^<]*)<\/bdi>/g)].map(
        ([, name]) => name,
      );
    assert.deepEqual(await found('?q=READ'), ['Reader']);
    assert.deepEqual(await found('?q=über'), [], 'other letters are found as they were written');
    assert.deepEqual(await found(`?q=${encodeURIComponent('Über')}`), ['Überwacher 100%']);
    assert.deepEqual(await found('?q=0%25'), ['Überwacher 100%']);
    assert.deepEqual(
      await found('?q=%25'),
      ['Überwacher 100%'],
      'a percent sign is a percent sign',
    );
    assert.deepEqual(await found('?q=_'), []);
    assert.deepEqual(await found('?owner=Ben'), ['Überwacher 100%']);
    assert.deepEqual(await found('?owner=Ben&own=1'), ['Own script', 'Überwacher 100%']);
    assert.deepEqual(await found('?owner=Nobody'), []);
    assert.deepEqual(await found('?stage=proposed'), ['Waiting']);
    assert.ok((await found('?stage=any')).includes('Waiting'));
    assert.deepEqual(await found('?scope=patrol'), ['Überwacher 100%']);
    assert.deepEqual(await found('?scope=pat'), []);
    assert.deepEqual(await found('?site=other&scope=patrol'), ['Überwacher 100%']);
    assert.deepEqual(await found('?site=main&scope=patrol'), []);
    assert.ok((await found('?site=main')).includes('Reader'), 'it may act on every site');
    assert.deepEqual(await found('?site=elsewhere'), []);
    assert.match((await get('/apps?q=zzz', 'nobody')).body, /No app fits/);
    // A hidden app is for those who may see hidden ones, and its keepers.
    await world.clients.reject(waiting.client.id, { reason: 'no', suppress: true });
    assert.deepEqual(await found('?stage=rejected'), []);
    assert.deepEqual(await found('?stage=rejected', 'Rex'), ['Waiting']);
    assert.equal((await get(`/apps/${waiting.client.id}`, 'Cleo')).statusCode, 404);
    const own = await get(`/my/apps/${waiting.client.id}`, 'Ben');
    assert.equal(own.statusCode, 200);
    assert.ok(!own.body.includes('Waiting') && /hidden/i.test(own.body));
  });

  test('the directory goes on from page to page', async () => {
    for (let made = 0; made < 27; made++)
      await world.createClient(person('Cleo'), { name: `Many ${made}` });
    const first = (await get('/apps?owner=Cleo', 'nobody')).body;
    assert.equal((first.match(/<h2><a/g) ?? []).length, 25);
    const next = /href="([^"]*after=[^"]*)"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = (await get(next, 'nobody')).body;
    assert.equal((second.match(/<h2><a/g) ?? []).length, 2);
    assert.match(second, /href="\/apps\?owner=Cleo"/);
  });

  test('the public page says what the app may do, and leads those whose business it is', async () => {
    const stranger = (await get(`/apps/${reader.id}`, 'Cleo')).body;
    assert.match(stranger, /Edit existing pages/);
    assert.match(stranger, /Send e-mail[\s\S]*can be left out/);
    assert.match(stranger, /app\.example/);
    assert.doesNotMatch(stranger, /example\.org|\/my\/apps\/|\/review\/|You allowed/);
    assert.match((await get(`/apps/${reader.id}`, 'Ada')).body, /\/my\/apps\//);
    assert.match((await get(`/apps/${reader.id}`, 'Rex')).body, /\/review\//);
    const { client } = await world.createClient(person('Ada'), { name: 'Allowed' });
    await world.consents.accept(client, person('Cleo'), ['basic', 'editpage']);
    assert.match(
      (await get(`/apps/${client.id}`, 'Cleo')).body,
      /You have connected this app[\s\S]*\/consents/,
    );
  });

  test('the question leads to a form for each kind', async () => {
    const question = (await get('/my/apps/new')).body;
    for (const kind of ['server', 'device', 'service', 'own', 'oauth1', 'own-oauth1']) {
      assert.ok(question.includes(`/my/apps/new?kind=${kind}"`));
      const { body } = await get(`/my/apps/new?kind=${kind}`);
      const people = kind !== 'service' && !kind.startsWith('own');
      assert.equal(body.includes('name="redirectUri"'), people, kind);
      assert.equal(body.includes('name="optional.editpage"'), people, kind);
      assert.equal(body.includes('name="rsaPublicKey"'), kind.endsWith('oauth1'), kind);
      assert.equal(body.includes('name="actsForItself"'), kind === 'server', kind);
    }
    assert.match((await get('/my/apps/new?kind=other')).body, /Which of these/);
  });

  test('a registered app shows its credentials in that one answer', async () => {
    const answer = await register({
      name: 'Shown once',
      'scope.sendemail': '1',
      'optional.sendemail': '1',
      'optional.patrol': '1',
      actsForItself: '1',
    });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['cache-control'], 'no-store');
    const [secret] = /\b[0-9a-f]{40}\b/.exec(answer.body) ?? [''];
    assert.match(secret, /^[0-9a-f]{40}$/);
    const client = await fresh(idIn(answer.body) as Client['id']);
    assert.deepEqual(
      [client.stage, client.confidential, client.scopes, client.optionalScopes, client.grantTypes],
      [
        'proposed',
        true,
        ['basic', 'editpage', 'sendemail'],
        ['sendemail'],
        ['authorization_code', 'refresh_token', 'client_credentials'],
      ],
    );
    for (const page of ['', '/test', '/history'])
      assert.ok(!(await get(app(page, client))).body.includes(secret), page);
    // Sent again by a reload, it registers nothing.
    assert.equal((await register({ name: 'Shown once' })).statusCode, 409);
  });

  for (const [kind, wanted] of [
    [
      'device',
      {
        protocol: 'oauth2',
        confidential: false,
        ownerOnly: false,
        stage: 'proposed',
        redirectUri: 'https://new.example/cb',
      },
    ],
    [
      'own',
      {
        protocol: 'oauth2',
        confidential: true,
        ownerOnly: true,
        stage: 'approved',
        redirectUri: '',
      },
    ],
    [
      'oauth1',
      {
        protocol: 'oauth1',
        confidential: true,
        ownerOnly: false,
        stage: 'proposed',
        redirectUri: 'https://new.example/cb',
      },
    ],
    [
      'own-oauth1',
      {
        protocol: 'oauth1',
        confidential: true,
        ownerOnly: true,
        stage: 'approved',
        redirectUri: '',
      },
    ],
  ] as const)
    test(`the form for ${kind} makes such an app`, async () => {
      const client = await newApp({ kind });
      assert.deepEqual({ ...client, ...wanted }, client);
    });

  test('identity alone is a choice of its own', async () => {
    const client = await newApp({ access: 'mwoauth-authonly' });
    assert.deepEqual(client.scopes, ['mwoauth-authonly']);
    assert.match((await get(`/apps/${client.id}`)).body, /Know who you are, and nothing else/);
  });

  for (const [title, over, status, words] of [
    ['a name', { name: '' }, 400, /Name: must not be empty/],
    ['a version', { version: 'x y' }, 400, /must be a version/],
    ['a redirect address', { redirectUri: 'http://new.example/cb' }, 400, /must be https/],
    ['terms', { terms: '' }, 400, /Terms: must be agreed/],
    ['a site', { site: 'nowhere' }, 400, /must be a site/],
    ['a permission that is none', { access: 'x' }, 400, /permissions that are not known/],
    ['addresses', { addresses: '10.0.0.1\nhome' }, 400, /neither an address nor a range: home/],
  ] as const)
    test(`a draft is kept, and the problem is at its field: ${title}`, async () => {
      const answer = await register({ description: 'Draft <kept>', ...over });
      assert.equal(answer.statusCode, status);
      assert.match(answer.body, words);
      assert.match(answer.body, /Draft &lt;kept&gt;/);
      assert.match(answer.body, /name="scope.editpage" value="1" checked/);
      assert.match(answer.body, /role="alert"/);
      assert.doesNotMatch(answer.body, /ignore_warnings/);
    });

  test('advice is waved through with a tick', async () => {
    const answer = await register({ name: 'Bare', redirectUri: 'https://new.example' });
    assert.equal(answer.statusCode, 400);
    assert.match(answer.body, /bare domain[\s\S]*name="ignore_warnings"/);
    assert.match(answer.body, /aria-invalid="true"[\s\S]*id="redirectUri-problem"/);
    assert.equal(
      (await register({ name: 'Bare', redirectUri: 'https://new.example', ignore_warnings: '1' }))
        .statusCode,
      200,
    );
  });

  test('a form without our proof changes nothing', async () => {
    const post = (url: string, payload: string) =>
      world.app.inject({
        method: 'POST',
        url,
        payload,
        headers: { cookie: cookies.Ada ?? '', 'content-type': 'application/x-www-form-urlencoded' },
      });
    const known = await fresh(reader.id);
    for (const action of [
      'update',
      'reset',
      'add-secret',
      'retire-secret',
      'withdraw',
      'invite',
      'leave',
      'offer',
      'decline-offer',
      'join',
      'decline',
      'accept-offer',
      'revise',
    ])
      assert.equal(
        (await post(app(`/${action}`), 'sure=1&label=x&csrf=wrong')).statusCode,
        403,
        action,
      );
    assert.equal(
      (await post('/my/apps/new', new URLSearchParams(proposal({ name: 'Forged' })).toString()))
        .statusCode,
      403,
    );
    assert.deepEqual(await fresh(reader.id), known);
  });

  test('a copy is filled in, with the version raised, for the owner alone', async () => {
    const { body } = await get(`/my/apps/new?copy=${reader.id}`);
    assert.match(body, /name="version" type="text" value="1.1"/);
    assert.match(body, /name="scope.sendemail" value="1" checked/);
    assert.match(body, /name="optional.sendemail" value="1" checked/);
    assert.equal((await get(`/my/apps/new?copy=${reader.id}`, 'Ben')).statusCode, 404);
  });

  test('secrets: one is added and shown once, retired, and all are reset after a tick', async () => {
    const client = await newApp();
    const act = (action: string, form: Record<string, string>) =>
      send(app('', client), app(`/${action}`, client), form);
    const added = await act('add-secret', { label: 'next <b>', expires: '2027-06-01' });
    assert.equal(added.statusCode, 200);
    assert.match(added.body, /\b[0-9a-f]{40}\b/);
    const page = (await get(app('', client))).body;
    assert.match(page, /next &lt;b&gt;/);
    assert.match(page, /Jun 1, 2027/);
    assert.equal(
      (await act('add-secret', { label: 'late', expires: '2020-01-01' })).statusCode,
      400,
    );
    const [first] = (await fresh(client.id)).secrets;
    assert.equal(
      (await act('retire-secret', { id: String(first?.id) })).headers.location,
      app('?done=retired', client),
    );
    const [left] = (await fresh(client.id)).secrets;
    const last = await act('retire-secret', { id: String(left?.id) });
    assert.equal(last.statusCode, 409);
    assert.match(last.body, /last secret/);
    assert.equal((await act('reset', {})).statusCode, 400);
    const reset = await act('reset', { sure: '1' });
    assert.match(reset.body, /New credentials/);
    assert.deepEqual(
      (await fresh(client.id)).secrets.map(({ label }) => label),
      ['reset'],
    );
  });

  test('the address of a form, asked for again, leads to the page of the app', async () => {
    assert.equal((await get(app('/add-secret'))).headers.location, app());
    assert.equal((await get(app('/add-secret'), 'Ben')).headers.location, '/my/apps');
  });

  test('restrictions and the key need no review; nothing typed is everywhere', async () => {
    const client = await newApp({ kind: 'oauth1' });
    const act = (form: Record<string, string>) =>
      send(app('', client), app('/update', client), form);
    assert.equal(
      (await act({ addresses: '192.0.2.0/24\r\n2001:db8::1' })).headers.location,
      app('?done=saved', client),
    );
    assert.deepEqual((await fresh(client.id)).restrictions.addresses, [
      '192.0.2.0/24',
      '2001:db8::1',
    ]);
    const refused = await act({ addresses: 'here', rsaPublicKey: 'no key' });
    assert.equal(refused.statusCode, 400);
    assert.match(refused.body, />here<\/textarea>/);
    await act({ addresses: '' });
    assert.deepEqual((await fresh(client.id)).restrictions.addresses, ['0.0.0.0/0', '::/0']);
  });

  test('a change is looked at before it is sent; it waits, and can be withdrawn', async () => {
    const { client } = await world.createClient(person('Ada'), {
      name: 'Revised',
      scopes: ['editpage', 'patrol'],
    });
    const form = {
      name: 'Revised',
      description: 'Says more.',
      redirectUri: client.redirectUri,
      site: '*',
      access: 'scopes',
      'scope.editpage': '1',
      'scope.sendemail': '1',
      reason: 'wanted',
    };
    const revise = (more: Record<string, string>) =>
      send(app('/revise', client), app('/revise', client), { ...form, ...more });
    const same = await revise({
      description: '',
      'scope.patrol': '1',
      'scope.sendemail': '',
      look: '1',
    });
    assert.equal(same.statusCode, 409);
    assert.match(same.body, /nothing to change/);
    const look = await revise({ look: '1' });
    assert.equal(look.statusCode, 200);
    assert.match(look.body, /class="difference"[\s\S]*Says more\.[\s\S]*A reviewer decides/);
    assert.equal((await world.server.store.openRevision(client.id)) === undefined, true);
    assert.match((await revise({ edit: '1' })).body, /name="look"[\s\S]*/);
    assert.equal((await revise({ name: '', look: '1' })).statusCode, 400);
    assert.equal(
      (await revise({ send: '1' })).headers.location,
      app('?done=revision-sent', client),
    );
    const page = (await get(app('', client))).body;
    assert.match(page, /Proposed change[\s\S]*Says more\./);
    assert.match(
      (await get(app('/revise', client))).body,
      /Says more\.[\s\S]*wanted|takes its place/,
    );
    const open = await world.server.store.openRevision(client.id);
    assert.equal(
      (await send(app('', client), app('/withdraw', client), { id: String(open?.id) })).headers
        .location,
      app('?done=withdrawn', client),
    );
    // Less is in force at once.
    const less = { ...form, description: '', 'scope.sendemail': '' };
    assert.match((await revise({ ...less, look: '1' })).body, /in force at once/);
    assert.equal(
      (await revise({ ...less, send: '1' })).headers.location,
      app('?done=changed', client),
    );
    assert.deepEqual((await fresh(client.id)).scopes, ['basic', 'editpage']);
  });

  test('a decision on an older page is refused, with what was typed kept', async () => {
    const client = await newApp();
    const { body } = await get(app('', client));
    const stale = fields(body, 'change_token');
    await send(app('', client), app('/add-secret', client), { label: 'second' });
    const refused = await send(app('', client), app('/invite', client), {
      change_token: stale,
      invite: 'Ben',
    });
    assert.equal(refused.statusCode, 409);
    assert.match(refused.body, /This app changed since you opened it[\s\S]*value="Ben"/);
    // Without what was seen, nothing is done.
    assert.equal(
      (await send(app('', client), app('/invite', client), { change_token: '', invite: 'Ben' }))
        .statusCode,
      400,
    );
  });

  test('a maintainer is invited by name, says yes, works, and leaves; an invitation can be declined', async () => {
    const client = await newApp({ name: 'Team' });
    const invite = (name: string) =>
      send(app('', client), app('/invite', client), { invite: name });
    const refused = await invite('Nobody');
    assert.equal(refused.statusCode, 404);
    assert.match(refused.body, /nobody of this name[\s\S]*value="Nobody"/);
    assert.equal((await invite('Ben')).headers.location, app('?done=invited', client));
    assert.match((await invite('Ben')).body, /looks after the app already/);
    const list = (await get('/my/apps', 'Ben')).body;
    assert.match(list, /Ada[\s\S]*invites you/);
    const answer = (action: string) => send('/my/apps', app(`/${action}`, client), {}, 'Ben');
    assert.equal((await answer('decline')).headers.location, '/my/apps?done=declined');
    await invite('Ben');
    // Taken back while the list was open.
    const token = fields((await get('/my/apps', 'Ben')).body, 'change_token');
    await send(app('', client), app('/leave', client), { id: String(person('Ben').id) });
    const late = await send('/my/apps', app('/join', client), { change_token: token }, 'Ben');
    assert.equal(late.statusCode, 404);
    assert.match(late.body, /not there any more/);
    await invite('Ben');
    assert.equal((await answer('join')).headers.location, app('?done=joined', client));
    const page = await get(app('', client), 'Ben');
    assert.equal(page.statusCode, 200);
    // The contact address is the owner's.
    assert.doesNotMatch(page.body, /ada@example\.org/);
    assert.doesNotMatch(page.body, /name="invite"|name="offer"|\?copy=/);
    const gone = await send(
      app('', client),
      app('/leave', client),
      { id: String(person('Ben').id) },
      'Ben',
    );
    assert.equal(gone.headers.location, '/my/apps?done=removed');
    assert.equal((await get(app('', client), 'Ben')).statusCode, 404);
  });

  test('an app is offered, taken back, offered again and taken over', async () => {
    const client = await newApp({ name: 'Given' });
    const offer = () => send(app('', client), app('/offer', client), { offer: 'Ben' });
    assert.equal((await offer()).headers.location, app('?done=offered', client));
    assert.equal(
      (await send(app('', client), app('/decline-offer', client), {})).headers.location,
      app('?done=declined', client),
    );
    await offer();
    assert.match((await get('/my/apps', 'Ben')).body, /offers you this app/);
    const taken = await send('/my/apps', app('/accept-offer', client), {}, 'Ben');
    assert.equal(taken.headers.location, app('?done=taken-over', client));
    assert.equal((await fresh(client.id)).ownerId, person('Ben').id);
    assert.equal((await get(app('', client))).statusCode, 404);
  });

  test('the last decision is shown with its reason, and an app nobody can use offers no forms', async () => {
    const client = await newApp({ name: 'Refused' });
    await world.clients.reject(client.id, { reason: 'too much <i>' });
    const { body } = await get(app('', client));
    assert.match(body, /Last decision[\s\S]*rejected[\s\S]*too much &lt;i&gt;/);
    assert.doesNotMatch(body, /\/add-secret|\/invite|\/update"/);
    assert.match(body, /\?copy=/);
    assert.equal((await get(app('/test', client))).statusCode, 404);
    assert.equal((await get(app('/revise', client))).statusCode, 404);
  });

  test('other people’s addresses stay out of the history', async () => {
    const client = await newApp({ name: 'Seen by two' });
    await send(app('', client), app('/invite', client), { invite: 'Ben' });
    await send('/my/apps', app('/join', client), {}, 'Ben');
    const lines = (await get(app('/history', client), 'Ben')).body.split('<tr>').slice(2);
    assert.equal(lines.length, 3);
    for (const line of lines)
      assert.equal(
        line.includes('127.0.0.1'),
        line.includes('<bdi>Ben</bdi>') && line.includes('maintainer joined'),
        line,
      );
  });

  test('without a confirmed address nobody registers, and is told before', async () => {
    const made = await world.server.store.createAccount({
      name: 'Dora',
      email: 'dora@example.org',
      emailConfirmedAt: null,
      realName: '',
      groups: ['developer'],
      passwordHash: null,
      createdAt: world.now,
    });
    assert.ok(made.outcome === 'created');
    cookies.Dora = await world.sessionCookie(made.account);
    assert.match((await get('/my/apps/new', 'Dora')).body, /Confirm your e-mail address/);
    const refused = await register({}, 'Dora');
    assert.equal(refused.statusCode, 403);
    assert.match(refused.body, /Confirm your e-mail address first/);
  });
});
