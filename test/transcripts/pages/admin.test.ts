import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { TestServer } from '#harness/world.ts';
import { csrfToken } from '#http/csrf.ts';

describe('admin', () => {
  const HOSTILE = '<script>alert(1)</script>"&';
  let world: TestServer;
  const people: Record<string, { readonly account: Account; readonly cookie: string }> = {};

  before(async () => {
    world = new TestServer(
      {},
      'sites:\n  - {id: books, name: "Books <b>", origin: https://books.example}\n',
    );
    for (const [name, groups] of [
      ['Root', ['administrator']],
      ['Rex', ['reviewer']],
      ['Bea', ['bureaucrat']],
      ['Ada', ['developer']],
      ['Ulla', []],
    ] as const) {
      const account = await world.createPerson(name, groups);
      people[name] = { account, cookie: await world.sessionCookie(account) };
    }
  });
  after(() => world.close());

  const of = (name: string) => {
    const person = people[name];
    if (person === undefined) throw new Error(name);
    return person;
  };
  const get = (url: string, who: string | null) =>
    world.app.inject({ url, headers: who === null ? {} : { cookie: of(who).cookie } });
  const post = (url: string, who: string, values: Record<string, string> = {}, csrf = true) =>
    world.app.inject({
      method: 'POST',
      url,
      payload: new URLSearchParams({
        ...(csrf ? { csrf: csrfToken(of(who).cookie.split('=')[1] ?? '') } : {}),
        ...values,
      }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: of(who).cookie },
    });
  const groupForm = (body: string) =>
    (/name="shown" value="([^"]*)"/.exec(body)?.[1] ?? '').replaceAll('&quot;', '"');
  const saveGroups = async (
    who: string,
    account: Account,
    groups: readonly string[],
    shown?: string,
  ) => {
    const url = `/admin/people/${account.id}`;
    const seen = shown ?? groupForm((await get(url, who)).body);
    return post(`${url}/groups`, who, {
      shown: seen,
      ...Object.fromEntries(groups.map((name) => [`group-${name}`, '1'])),
    });
  };
  const now = (account: Account) => world.server.store.findAccount(account.id);

  const pages = ['/admin', '/admin/people', '/admin/groups', '/admin/scopes'];

  test('administration is for administrators', async () => {
    const person = `/admin/people/${of('Ulla').account.id}`;
    for (const url of [...pages, person]) {
      assert.match(String((await get(url, null)).headers.location), /^\/sign-in\?returnto=/);
      for (const who of ['Ulla', 'Ada', 'Rex'])
        assert.equal((await get(url, who)).statusCode, 403, `${url} ${who}`);
      for (const who of ['Root', 'Bea']) {
        const { statusCode, body, headers } = await get(url, who);
        assert.equal(statusCode, 200, `${url} ${who}`);
        assert.ok(Buffer.byteLength(body) < 30_000, `${url}: ${Buffer.byteLength(body)} bytes`);
        assert.equal(headers['cache-control'], 'no-store');
        assert.equal((body.match(/<h1>/g) ?? []).length, 1);
      }
    }
    for (const verb of ['block', 'unblock', 'groups']) {
      assert.equal((await post(`${person}/${verb}`, 'Rex')).statusCode, 403);
      const forged = await post(`${person}/${verb}`, 'Root', {}, false);
      assert.equal(forged.statusCode, 403);
      assert.match(forged.body, /form has expired/);
      assert.equal((await post(`/admin/people/999999/${verb}`, 'Root')).statusCode, 404);
    }
    for (const id of ['999999', 'x', '1e3'])
      assert.equal((await get(`/admin/people/${id}`, 'Root')).statusCode, 404);
  });

  test('the overview tells how the server is', async () => {
    world.advanceClock(3700 - 3600);
    const { body } = await get('/admin', 'Root');
    assert.match(body, /<dt>Version<\/dt><dd>\d+\.\d+\.\d+</);
    assert.match(body, /reachable/);
    assert.match(body, /ES256 <code>[\w-]{43}<\/code>/);
    assert.match(body, /RS256/);
    assert.match(body, /Idle proposals expire after<\/dt><dd>30 days/);
    assert.match(body, /Waiting<\/dt><dd>0/);
    assert.doesNotMatch(body, /Nothing can be changed/);
    // Nothing of the keys but their names.
    assert.doesNotMatch(body, /"d"|PRIVATE/);
  });

  test('the overview counts notices and names the last problem', async () => {
    const here = new TestServer({ 'read-only': '' }, 'notices:\n  groups: [reviewer]\n', {
      mailTransport: { send: async () => ({ refused: 'no such mailbox <b>' }) },
    });
    const cookie = await here.sessionCookie(await here.createPerson('Root', ['administrator']));
    await here.createPerson('Rex', ['reviewer']);
    await here.createClient(await here.createPerson('Ada', ['developer']), { name: 'One' }, false);
    const look = async () => (await here.app.inject({ url: '/admin', headers: { cookie } })).body;
    assert.match(await look(), /Waiting<\/dt><dd>1 <span class="quiet">the oldest since/);
    await here.server.delivery.run();
    assert.match(await look(), /Given up<\/dt><dd>1</);
    assert.match(await look(), /refused: no such mailbox &lt;b&gt;/);
    await here.close();
  });

  test('read-only is said', async () => {
    const here = new TestServer({ 'read-only': 'moving <b>house' });
    const cookie = await here.sessionCookie(await here.createPerson('Root', ['administrator']));
    const { body } = await here.app.inject({ url: '/admin', headers: { cookie } });
    assert.match(body, /moving &lt;b&gt;house/);
    assert.match(body, /read-only/);
    await here.close();
  });

  test('people are found by text, group and state, page by page', async () => {
    const here = new TestServer();
    const cookie = await here.sessionCookie(await here.createPerson('Root', ['administrator']));
    for (let index = 0; index < 30; index++)
      await here.createPerson(
        `Person${String(index).padStart(2, '0')}`,
        index < 2 ? ['reviewer'] : [],
      );
    const bad = await here.createPerson(HOSTILE);
    await here.server.store.setBlocked(bad.id, true);
    const look = async (url: string) => (await here.app.inject({ url, headers: { cookie } })).body;
    const first = await look('/admin/people');
    assert.match(first, /32 people/);
    const next =
      /href="(\/admin\/people\?[^"]+)" rel="next"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = await look(next);
    assert.match(second, /Person29/);
    assert.match(second, /&lt;script&gt;/);
    assert.doesNotMatch(second, /<script>alert|Person03/);
    assert.match(await look('/admin/people?group=reviewer'), /2 people/);
    assert.match(await look('/admin/people?blocked=yes'), /1 person/);
    assert.match(await look('/admin/people?text=person1'), /10 people/);
    assert.match(await look('/admin/people?text=nobody%3Cb%3E'), /Nobody fits/);
    assert.match(await look('/admin/people?text=%22%3E%3Cb%3E'), /value="&quot;&gt;&lt;b&gt;"/);
    await here.close();
  });

  test('a blocked person is out everywhere, and their apps have no owner', async () => {
    const eve = await world.createPerson(HOSTILE, ['developer']);
    const cookie = await world.sessionCookie(eve);
    const { client } = await world.createClient(eve, {
      name: 'Eve’s app',
      email: 'eve@example.org',
    });
    const url = `/admin/people/${eve.id}`;
    const page = (await get(url, 'Root')).body;
    assert.doesNotMatch(page, /<script>alert/);
    assert.match(page, /Eve’s app/);
    assert.match(page, new RegExp(`href="/review/${client.id}"`));
    assert.match(
      (await get(url, 'Bea')).body,
      new RegExp(`href="/apps/${client.id}"`),
      'who does not review is sent to the public page',
    );
    const blocked = await post(`${url}/block`, 'Root');
    assert.equal(blocked.headers.location, `${url}?done=admin-blocked`);
    assert.equal((await now(eve))?.blocked, true);
    assert.match(
      (await get(`${url}?done=admin-blocked`, 'Root')).body,
      /role="status">Blocked, and signed out/,
    );
    assert.match((await get('/review?show=orphaned', 'Root')).body, /Eve’s app/);
    await post(`${url}/unblock`, 'Root');
    assert.equal((await now(eve))?.blocked, false);
    // The sessions are gone, not only asleep.
    const again = await world.app.inject({ url: '/consents', headers: { cookie } });
    assert.equal(again.statusCode, 303);
  });

  test('nobody blocks themself', async () => {
    const { account } = of('Root');
    const url = `/admin/people/${account.id}`;
    assert.doesNotMatch((await get(url, 'Root')).body, /action="[^"]*\/block"/);
    const answer = await post(`${url}/block`, 'Root');
    assert.equal(answer.statusCode, 409);
    assert.match(answer.body, /cannot block yourself/);
    assert.equal((await now(account))?.blocked, false);
  });

  test('groups are set, and only known ones', async () => {
    const mia = await world.createPerson('Mia', ['developer']);
    const saved = await saveGroups('Root', mia, ['developer', 'reviewer', 'nonsense', 'user']);
    assert.equal(saved.headers.location, `/admin/people/${mia.id}?done=admin-groups`);
    assert.deepEqual([...((await now(mia))?.groups ?? [])].sort(), ['developer', 'reviewer']);
    await saveGroups('Root', mia, []);
    assert.deepEqual((await now(mia))?.groups, []);
    // Decided on what is no longer so.
    const stale = await saveGroups('Root', mia, ['bot'], '["developer"]');
    assert.equal(stale.statusCode, 409);
    assert.match(stale.body, /groups of this person changed/);
    assert.match(stale.body, /name="group-bot" value="1" checked/);
    assert.equal((await saveGroups('Root', mia, ['bot'], 'garbage')).statusCode, 409);
  });

  test('the last administrator stays one', async () => {
    const here = new TestServer();
    const root = await here.createPerson('Root', ['administrator']);
    const other = await here.createPerson('Other', ['bureaucrat']);
    const cookie = await here.sessionCookie(root);
    const save = (shown: string, more: Record<string, string> = {}) =>
      here.app.inject({
        method: 'POST',
        url: `/admin/people/${root.id}/groups`,
        payload: new URLSearchParams({
          csrf: csrfToken(cookie.split('=')[1] ?? ''),
          shown,
          ...more,
        }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
      });
    await here.server.store.setBlocked(other.id, true);
    const refused = await save('["administrator"]', { 'group-developer': '1' });
    assert.equal(refused.statusCode, 409);
    assert.match(refused.body, /Nobody would be left/);
    assert.match(refused.body, /name="group-developer" value="1" checked/);
    await here.server.store.setBlocked(other.id, false);
    const done = await save('["administrator"]', { 'group-developer': '1' });
    assert.equal(done.headers.location, '/?done=admin-groups');
    assert.equal((await here.app.inject({ url: '/admin', headers: { cookie } })).statusCode, 403);
    await here.close();
  });

  test('groups, scopes and sites are shown as they are configured', async () => {
    const groups = (await get('/admin/groups', 'Root')).body;
    assert.match(groups, /<bdi>reviewer<\/bdi>[\s\S]*<code>mwoauthmanageconsumer<\/code>/);
    assert.match(groups, /everybody with an account/);
    const scopes = (await get('/admin/scopes', 'Root')).body;
    assert.match(scopes, /<code>editpage<\/code>[\s\S]*Edit existing pages/);
    assert.match(scopes, /Books &lt;b&gt;/);
    assert.match(scopes, /https:\/\/books\.example/);
  });

  test('the trail is for reviewers; consents and addresses for those who may see private things', async () => {
    const { client } = await world.createClient(of('Ada').account, { name: 'Audited' });
    await world.consents.accept(client, of('Ulla').account, client.scopes);
    for (const url of ['/admin/audit', '/admin/audit.jsonl']) {
      for (const who of ['Ulla', 'Ada', 'Bea'])
        assert.equal((await get(url, who)).statusCode, 403, `${url} ${who}`);
      assert.equal((await get(url, null)).statusCode, 303);
    }
    const query = `?app=${client.id}`;
    const reviewer = (await get(`/admin/audit${query}`, 'Rex')).body;
    assert.match(reviewer, /<td data-label="What">approved/);
    assert.doesNotMatch(reviewer, /connected by a person|192\.0\.2\.7|Ulla/);
    assert.doesNotMatch(reviewer, /href="\/admin\/people"/);
    const all = (await get(`/admin/audit${query}`, 'Root')).body;
    assert.match(all, /connected by a person/);
    assert.match(all, /192\.0\.2\.7/);
    const lines = (body: string) =>
      body
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const [forRex, forRoot] = [
      await get(`/admin/audit.jsonl${query}`, 'Rex'),
      await get(`/admin/audit.jsonl${query}`, 'Root'),
    ];
    assert.match(String(forRex.headers['content-type']), /^application\/jsonl/);
    assert.match(String(forRex.headers['content-disposition']), /attachment/);
    assert.deepEqual(
      lines(forRex.body).map(({ action }) => action),
      ['approve', 'propose'],
    );
    assert.deepEqual(
      lines(forRoot.body).map(({ action }) => action),
      ['accept', 'approve', 'propose'],
    );
    assert.equal(lines(forRoot.body)[0]?.address, '192.0.2.7');
  });

  test('the trail is searched by app, actor, action and day, page by page', async () => {
    const here = new TestServer();
    const cookie = await here.sessionCookie(await here.createPerson('Rex', ['reviewer']));
    const ada = await here.createPerson('Ada', ['developer']);
    for (let index = 0; index < 22; index++)
      await here.createClient(ada, { name: `App ${index}` }, index === 0);
    await here.createClient(
      await here.createPerson('Bob', ['developer']),
      { name: 'App 1' },
      false,
    );
    const look = async (query: string) =>
      here.app.inject({ url: `/admin/audit${query}`, headers: { cookie } });
    const rows = (body: string) => (body.match(/data-label="When"/g) ?? []).length;
    const first = (await look('')).body;
    assert.equal(rows(first), 15);
    assert.ok(Buffer.byteLength(first) < 30_000, `${Buffer.byteLength(first)} bytes`);
    const next = /href="\/admin\/audit(\?[^"]+)" rel="next"/.exec(first)?.[1] ?? '';
    assert.equal(rows((await look(next)).body), 9);
    assert.equal(rows((await look('?app=App+0')).body), 2);
    assert.equal(rows((await look('?action=approve')).body), 1);
    assert.equal(rows((await look('?from=2027-01-15&until=2027-01-15')).body), 15);
    assert.equal(rows((await look('?until=2027-01-14')).body), 0);
    assert.equal(rows((await look('?actor=ada')).body), 0, 'the operator did it all');
    for (const [query, said] of [
      ['?app=App+1', /Several apps/],
      ['?app=Nothing', /no app with/],
      ['?actor=%3Cb%3E', /no account/],
      ['?from=yesterday', /Write days like/],
      ['?until=2027-02-31x', /Write days like/],
    ] as const) {
      const answer = await look(query);
      assert.equal(answer.statusCode, 400, query);
      assert.match(answer.body, said);
    }
    await here.close();
  });

  test('of a hidden app nothing is told to those who may not see it', async () => {
    const { mkdtempSync, writeFileSync } = await import('node:fs');
    const path = `${mkdtempSync('/tmp/gatehouse-test-')}/groups.json`;
    writeFileSync(
      path,
      JSON.stringify({
        groups: {
          user: [],
          weak: ['mwoauthmanageconsumer'],
          root: [
            'userrights',
            'mwoauthproposeconsumer',
            'mwoauthmanageconsumer',
            'mwoauthmanagemygrants',
          ],
        },
      }),
    );
    const here = new TestServer({ groups: path });
    const cookie = await here.sessionCookie(await here.createPerson('Weak', ['weak']));
    const { client } = await here.createClient(await here.createPerson('Ada'), {
      name: 'Vile name',
      description: 'vile words',
    });
    await here.clients.disable(client.id, { suppress: true, reason: 'vile reason' });
    for (const url of ['/admin/audit', `/admin/audit?app=${client.id}`, '/admin/audit.jsonl']) {
      const { body } = await here.app.inject({ url, headers: { cookie } });
      assert.match(body, /disable/);
      assert.doesNotMatch(body, /vile/i, url);
    }
    assert.equal(
      (await here.app.inject({ url: '/admin/audit?app=Vile+name', headers: { cookie } }))
        .statusCode,
      400,
    );
    await here.close();
  });

  test('administration speaks German and Arabic', async () => {
    assert.match((await get('/admin?uselang=de', 'Root')).body, /Verwaltung/);
    assert.match((await get('/admin/people?uselang=ar', 'Root')).body, /dir="rtl"[\s\S]*الأشخاص/);
  });
});
