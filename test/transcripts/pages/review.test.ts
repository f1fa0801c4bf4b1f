import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { storeLegacyClient } from '#harness/accepted-earlier.ts';
import { personActor } from '#harness/consents.ts';
import { TestServer } from '#harness/world.ts';
import { csrfToken } from '#http/csrf.ts';
import type { Client } from '#registry/model/client.ts';

describe('review', () => {
  const file = `
review:
  two_person_risks: [security]
`;
  const HOSTILE = '<script>alert(1)</script>\u05d0"&';
  let world: TestServer;
  let ada: Account;
  const people: Record<string, { readonly account: Account; readonly cookie: string }> = {};

  before(async () => {
    world = new TestServer({}, file);
    for (const [name, groups] of [
      ['Ada', ['developer']],
      ['Rex', ['reviewer']],
      ['Rita', ['reviewer']],
      ['Root', ['administrator']],
      ['Ulla', []],
    ] as const) {
      const account = await world.createPerson(name, groups);
      people[name] = { account, cookie: await world.sessionCookie(account) };
    }
    ada = of('Ada').account;
  });
  after(() => world.close());

  /** Sessions of the harness last an hour. */
  async function renew(): Promise<void> {
    for (const [name, { account }] of Object.entries(people))
      people[name] = { account, cookie: await world.sessionCookie(account) };
  }

  const of = (name: string) => {
    const person = people[name];
    if (person === undefined) throw new Error(name);
    return person;
  };
  const secretOf = (cookie: string) => cookie.split('=')[1] ?? '';
  const get = (url: string, who: string | null) =>
    world.app.inject({ url, headers: who === null ? {} : { cookie: of(who).cookie } });
  const post = (
    url: string,
    who: string | null,
    values: Record<string, string> = {},
    csrf = true,
  ) =>
    world.app.inject({
      method: 'POST',
      url,
      payload: new URLSearchParams({
        ...(csrf && who !== null ? { csrf: csrfToken(secretOf(of(who).cookie)) } : {}),
        ...values,
      }).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(who === null ? {} : { cookie: of(who).cookie }),
      },
    });
  const tokenIn = (body: string) =>
    /name="change_token" value="([0-9a-f]{40})"/.exec(body)?.[1] ?? '';
  let count = 0;
  const proposed = async (wanted: Partial<Parameters<TestServer['createClient']>[1]> = {}) =>
    (await world.createClient(ada, { name: `App ${count++}`, ...wanted }, false)).client;
  const approved = async (wanted: Partial<Parameters<TestServer['createClient']>[1]> = {}) =>
    (await world.createClient(ada, { name: `App ${count++}`, ...wanted })).client;
  const revise = async (client: Client, values: Record<string, unknown>) => {
    const answer = await world.server.services.registry.submit(
      personActor(ada, new Set(['mwoauthupdateownconsumer'])),
      'revise',
      {
        clientId: client.id,
        reason: '',
        ...values,
      },
    );
    assert.ok(answer.ok, JSON.stringify(answer));
  };
  /** Opens the desk and decides. */
  const decide = async (
    client: Client,
    who: string,
    values: Record<string, string>,
    token?: string,
  ) => {
    const seen = token ?? tokenIn((await get(`/review/${client.id}`, who)).body);
    return post(`/review/${client.id}`, who, { change_token: seen, ...values });
  };
  const stageOf = async (client: Client) => (await world.server.store.findClient(client.id))?.stage;
  const fresh = () => new TestServer({}, file);

  test('strangers sign in first, others are told that it is not for them', async () => {
    const client = await proposed();
    for (const url of ['/review', `/review/${client.id}`]) {
      const stranger = await get(url, null);
      assert.equal(stranger.statusCode, 303);
      assert.match(String(stranger.headers.location), /^\/sign-in\?returnto=/);
      for (const who of ['Ada', 'Ulla'])
        assert.equal((await get(url, who)).statusCode, 403, `${url} ${who}`);
      for (const who of ['Rex', 'Root'])
        assert.equal((await get(url, who)).statusCode, 200, `${url} ${who}`);
    }
    for (const url of [
      '/review/next',
      `/review/${client.id}`,
      `/review/${client.id}/claim`,
      `/review/${client.id}/release`,
    ]) {
      assert.equal((await post(url, 'Ulla')).statusCode, 403, url);
      const forged = await post(url, 'Rex', {}, false);
      assert.equal(forged.statusCode, 403, url);
      assert.match(forged.body, /form has expired/);
    }
  });

  test('the queue shows the longest wait first, apps and changes together, page by page', async () => {
    const here = fresh();
    const owner = await here.createPerson('Ada', ['developer']);
    const rex = await here.createPerson('Rex', ['reviewer']);
    const cookie = await here.sessionCookie(rex);
    const live = (await here.createClient(owner, { name: 'Live one' })).client;
    for (let index = 0; index < 26; index++) {
      await here.createClient(owner, { name: `Waiting ${String(index).padStart(2, '0')}` }, false);
      here.advanceClock(60);
      if (index === 0) {
        const answer = await here.server.services.registry.submit(
          personActor(owner, new Set(['mwoauthupdateownconsumer'])),
          'revise',
          {
            clientId: live.id,
            reason: '',
            name: 'Live two',
          },
        );
        assert.ok(answer.ok);
      }
    }
    const page = await here.app.inject({ url: '/review', headers: { cookie } });
    assert.ok(
      page.body.indexOf('Waiting 00') < page.body.indexOf('Live one'),
      'the change waits for less long',
    );
    assert.ok(page.body.indexOf('Live one') < page.body.indexOf('Waiting 01'));
    assert.match(page.body, /a change waits/);
    assert.doesNotMatch(page.body, /Waiting 24/);
    assert.match(page.body, /Waiting<\/a> <span class="badge">27<\/span>/);
    const next = /href="(\/review\?after=[^"]+)" rel="next"/.exec(page.body)?.[1] ?? '';
    const more = await here.app.inject({ url: next, headers: { cookie } });
    assert.match(more.body, /Waiting 24/);
    assert.match(more.body, /Waiting 25/);
    assert.doesNotMatch(more.body, /Waiting 23/);
    assert.ok(Buffer.byteLength(page.body) < 30_000, `${Buffer.byteLength(page.body)} bytes`);
    assert.equal(
      (await here.app.inject({ url: '/review?after=nonsense', headers: { cookie } })).statusCode,
      200,
    );
    await here.close();
  });

  test('each tab counts and lists its stage', async () => {
    const here = fresh();
    const owner = await here.createPerson('Ada', ['developer']);
    const gone = await here.createPerson('Gone', ['developer']);
    const cookie = await here.sessionCookie(await here.createPerson('Rex', ['reviewer']));
    const empty = await here.app.inject({ url: '/review', headers: { cookie } });
    assert.match(empty.body, /Nothing waits/);
    assert.doesNotMatch(empty.body, /Take the next one/);
    const made = await Promise.all(
      ['one', 'two', 'three'].map(
        async (name) => (await here.createClient(owner, { name }, name === 'three')).client,
      ),
    );
    await here.clients.reject(made[0]?.id as never, { reason: 'no' });
    await here.clients.disable(made[2]?.id as never, { reason: 'no' });
    await here.createClient(gone, { name: 'lonely' });
    await here.server.store.setBlocked(gone.id, true);
    for (const [tab, name] of [
      ['waiting', 'two'],
      ['rejected', 'one'],
      ['disabled', 'three'],
      ['approved', 'lonely'],
      ['orphaned', 'lonely'],
    ] as const) {
      const page = await here.app.inject({ url: `/review?show=${tab}`, headers: { cookie } });
      assert.equal(page.statusCode, 200);
      assert.match(
        page.body,
        new RegExp(`<th scope="row"><a href="/review/[0-9a-f]{32}"><bdi>${name}</bdi>`),
        tab,
      );
      assert.match(page.body, /aria-current="page">[^<]+<\/a> <span class="badge">1</);
    }
    for (const tab of ['expired', 'configured'])
      assert.match(
        (await here.app.inject({ url: `/review?show=${tab}`, headers: { cookie } })).body,
        /There are none/,
      );
    await here.close();
  });

  test('hidden apps are on nobody’s list who may not see them, and their desk is not found', async () => {
    const groups = JSON.stringify({
      groups: {
        user: [],
        root: [
          'userrights',
          'mwoauthproposeconsumer',
          'mwoauthmanageconsumer',
          'mwoauthmanagemygrants',
        ],
        weak: ['mwoauthmanageconsumer'],
        reviewer: ['mwoauthmanageconsumer', 'mwoauthsuppress', 'mwoauthviewsuppressed'],
      },
    });
    const { writeFileSync, mkdtempSync } = await import('node:fs');
    const path = `${mkdtempSync('/tmp/gatehouse-test-')}/groups.json`;
    writeFileSync(path, groups);
    const here = new TestServer({ groups: path });
    const owner = await here.createPerson('Ada');
    const weak = await here.sessionCookie(await here.createPerson('Weak', ['weak']));
    const rex = await here.sessionCookie(await here.createPerson('Rex', ['reviewer']));
    const { client } = await here.createClient(owner, {
      name: 'Hidden thing',
      description: 'secret words',
    });
    await here.clients.disable(client.id, { suppress: true });
    const list = (cookie: string) =>
      here.app.inject({ url: '/review?show=disabled', headers: { cookie } });
    const desk = (cookie: string) =>
      here.app.inject({ url: `/review/${client.id}`, headers: { cookie } });
    assert.doesNotMatch((await list(weak)).body, /Hidden thing/);
    assert.match((await list(weak)).body, /Disabled<\/a> <span class="badge">0</);
    assert.equal((await desk(weak)).statusCode, 404);
    assert.match((await list(rex)).body, /Hidden thing/);
    assert.match((await desk(rex)).body, /secret words/);
    // Who may not hide apps is not offered it.
    const open = (await here.createClient(owner, { name: 'Open thing' }, false)).client;
    const offered = async (cookie: string) =>
      (await here.app.inject({ url: `/review/${open.id}`, headers: { cookie } })).body;
    assert.doesNotMatch(await offered(weak), /name="suppress"/);
    assert.match(await offered(rex), /name="suppress"/);
    await here.close();
  });

  test('the desk shows the request, its risk, the owner, and warnings, all of it escaped', async () => {
    const client = await proposed({
      name: HOSTILE,
      description: '<img src=x onerror=alert(2)>',
      protocol: 'oauth1',
      redirectUri: 'http://app.example:1/cb',
      redirectIsPrefix: true,
      scopes: ['editpage', 'import'],
    });
    const { body, headers } = await get(`/review/${client.id}`, 'Rex');
    assert.doesNotMatch(body, /<script>alert|<img/);
    assert.match(body, /&lt;script&gt;/);
    assert.match(body, /&lt;img src=x/);
    assert.match(String(headers['content-security-policy']), /default-src 'none'/);
    assert.equal(headers['cache-control'], 'no-store');
    assert.match(body, /prefix on port 1/);
    assert.match(body, /Not https/);
    assert.match(body, /Answers may go to any program on the device/);
    assert.match(body, /Asks for permissions that can do harm/);
    assert.match(body, /<code>import<\/code>/);
    assert.match(body, /ada@example\.org/);
    assert.match(body, /Two reviewers must approve/);
    assert.match(body, /Account since/);
    assert.ok(Buffer.byteLength(body) < 30_000, `${Buffer.byteLength(body)} bytes`);
    // A secret has no business here, nor has its digest.
    const { secrets } = (await world.server.store.findClient(client.id)) as Client;
    for (const { digest, encrypted } of secrets)
      assert.ok(!body.includes(digest) && (encrypted === null || !body.includes(encrypted)));
    assert.equal((body.match(/<h1>/g) ?? []).length, 1);
  });

  test('names of 128 bytes of combining marks, and turned ones, stay in their place', async () => {
    const marks = `a${'\u0301'.repeat(63)}`;
    const client = await storeLegacyClient(world, await proposed(), { name: marks });
    assert.match((await get('/review', 'Rex')).body, new RegExp(`<bdi>${marks}</bdi>`));
    assert.match(
      (await get(`/review/${client.id}`, 'Rex')).body,
      new RegExp(`<bdi>${marks}</bdi>`),
    );
  });

  test('a claim tells the others, runs out after an hour, can be taken over, and locks nothing', async () => {
    const client = await proposed();
    const url = `/review/${client.id}`;
    const taken = await post(`${url}/claim`, 'Rex');
    assert.equal(taken.headers.location, `${url}?done=review-claimed`);
    assert.match((await get(url, 'Rex')).body, /Assigned to you since/);
    const others = (await get(url, 'Rita')).body;
    assert.match(others, /Assigned to <bdi>Rex<\/bdi>/);
    assert.match(others, /name="over"/);
    assert.match((await get('/review', 'Rita')).body, /<bdi>Rex<\/bdi>, since/);
    // A button of an older page does not take it away from Rex without saying so.
    assert.equal((await post(`${url}/claim`, 'Rita')).headers.location, `${url}?done=review-held`);
    assert.equal(
      (await post(`${url}/claim`, 'Rita', { over: '1' })).headers.location,
      `${url}?done=review-claimed`,
    );
    await post(`${url}/release`, 'Rex');
    assert.match(
      (await get(url, 'Rita')).body,
      /Assigned to you since/,
      'one releases only one’s own',
    );
    world.advanceClock(3599);
    await renew();
    assert.match((await get(url, 'Rex')).body, /Assigned to <bdi>Rita<\/bdi>/);
    world.advanceClock(1);
    await renew();
    assert.match((await get(url, 'Rex')).body, /Not assigned/);
    await post(`${url}/claim`, 'Rita');
    const decided = await decide(client, 'Rex', { decision: 'approve' });
    assert.equal(decided.headers.location, `${url}?done=review-approved`);
    assert.equal((await world.server.store.assignmentsOf([client.id], 0 as never)).size, 0);
    assert.equal((await post(`/review/${'0'.repeat(32)}/claim`, 'Rex')).statusCode, 404);
  });

  test('"take the next one" opens the longest wait that is free, and each reviewer another', async () => {
    const here = fresh();
    const owner = await here.createPerson('Ada', ['developer']);
    const rex = await here.createPerson('Rex', ['reviewer']);
    const [rexCookie, ritaCookie] = [
      await here.sessionCookie(rex),
      await here.sessionCookie(await here.createPerson('Rita', ['reviewer'])),
    ];
    const next = async (cookie: string) =>
      (
        await here.app.inject({
          method: 'POST',
          url: '/review/next',
          payload: new URLSearchParams({ csrf: csrfToken(secretOf(cookie)) }).toString(),
          headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
        })
      ).headers.location;
    assert.equal(await next(rexCookie), '/review?done=review-none');
    const own = (await here.createClient(rex, { name: 'Own' }, false)).client;
    here.advanceClock(10);
    const first = (await here.createClient(owner, { name: 'First' }, false)).client;
    here.advanceClock(10);
    const second = (await here.createClient(owner, { name: 'Second' }, false)).client;
    assert.equal(await next(rexCookie), `/review/${first.id}`, 'one’s own app is left to others');
    assert.equal(
      await next(rexCookie),
      `/review/${first.id}`,
      'what one took stays at hand until it is decided',
    );
    assert.equal(await next(ritaCookie), `/review/${own.id}`);
    await here.clients.approve(own.id);
    assert.equal(await next(ritaCookie), `/review/${second.id}`);
    const both = await Promise.all([next(rexCookie), next(ritaCookie)]);
    assert.deepEqual(both, [`/review/${first.id}`, `/review/${second.id}`]);
    await here.close();
  });

  test('every decision, from where it is possible', async () => {
    const rows: readonly [string, () => Promise<Client>, string, string][] = [
      ['approve', proposed, 'review-approved', 'approved'],
      ['reject', proposed, 'review-rejected', 'rejected'],
      ['disable', approved, 'review-disabled', 'disabled'],
      ['suspend-new-consents', approved, 'review-suspended', 'approved'],
      ['suspend-all', approved, 'review-suspended', 'approved'],
    ];
    for (const [decision, make, said, stage] of rows) {
      const client = await make();
      const answer = await decide(client, 'Rex', { decision, reason: 'because' });
      assert.equal(answer.statusCode, 303, `${decision}: ${answer.body.slice(0, 300)}`);
      assert.equal(answer.headers.location, `/review/${client.id}?done=${said}`);
      assert.equal(await stageOf(client), stage);
      const after = await get(String(answer.headers.location), 'Rex');
      assert.match(after.body, /role="status"/);
      assert.match(after.body, /<q><bdi>because<\/bdi><\/q>/);
    }
    const client = await approved();
    await decide(client, 'Rex', { decision: 'suspend-all', reason: 'stop' });
    assert.equal(
      (await decide(client, 'Rex', { decision: 'suspend-none' })).headers.location,
      `/review/${client.id}?done=review-resumed`,
    );
    await decide(client, 'Rex', { decision: 'disable', reason: 'stop', suppress: '1' });
    assert.equal((await world.server.store.findClient(client.id))?.suppressed, true);
    assert.equal(
      (await decide(client, 'Rex', { decision: 'show' })).headers.location,
      `/review/${client.id}?done=review-shown`,
    );
    assert.equal(
      (await decide(client, 'Rex', { decision: 'hide', reason: 'bad words' })).headers.location,
      `/review/${client.id}?done=review-hidden`,
    );
    assert.equal(
      (await decide(client, 'Rex', { decision: 'reenable' })).headers.location,
      `/review/${client.id}?done=review-reenabled`,
    );
    assert.equal(await stageOf(client), 'approved');
  });

  test('only what is possible is offered', async () => {
    const offered = async (client: Client, who = 'Rex') =>
      [
        ...(await get(`/review/${client.id}`, who)).body.matchAll(
          /name="decision" value="([\w-]+)"/g,
        ),
      ].map(([, value]) => value);
    assert.deepEqual(await offered(await proposed()), ['approve', 'reject']);
    const live = await approved();
    assert.deepEqual(await offered(live), ['suspend-new-consents', 'suspend-all', 'disable']);
    await revise(live, { description: 'new words' });
    assert.deepEqual(await offered(live), [
      'approve-revision',
      'reject-revision',
      'suspend-new-consents',
      'suspend-all',
      'disable',
    ]);
    await world.clients.suspend(live.id, 'new-consents');
    assert.deepEqual(await offered(live), [
      'approve-revision',
      'reject-revision',
      'suspend-none',
      'suspend-all',
      'disable',
    ]);
    await world.clients.disable(live.id);
    assert.deepEqual(await offered(live), ['reject-revision', 'reenable', 'hide']);
  });

  test('a change stands beside what is in force, and is decided on', async () => {
    const client = await approved({
      name: 'Before <b>',
      scopes: ['editpage'],
      redirectUri: 'https://one.example/cb',
    });
    await revise(client, {
      name: 'After <b>',
      scopes: ['editpage', 'highvolume'],
      redirectUri: 'https://two.example/cb',
    });
    const { body } = await get(`/review/${client.id}`, 'Rex');
    const table = /<table class="difference">[\s\S]*?<\/table>/.exec(body)?.[0] ?? '';
    assert.match(table, /Before &lt;b&gt;[\s\S]*After &lt;b&gt;/);
    assert.match(table, /https:\/\/one\.example\/cb[\s\S]*https:\/\/two\.example\/cb/);
    assert.match(table, /<code>highvolume<\/code>[\s\S]*?<span class="badge good">new<\/span>/);
    assert.doesNotMatch(table, /<code>editpage<\/code>\s*<span class="badge/);
    assert.match(body, /Would send people somewhere else/);
    const approvedIt = await decide(client, 'Rex', { decision: 'approve-revision' });
    assert.equal(approvedIt.headers.location, `/review/${client.id}?done=review-change-approved`);
    assert.equal((await world.server.store.findClient(client.id))?.name, 'After <b>');
    await revise(client, { description: 'again' });
    const rejected = await decide(client, 'Rex', {
      decision: 'reject-revision',
      canned: 'purpose',
    });
    assert.equal(rejected.headers.location, `/review/${client.id}?done=review-change-rejected`);
  });

  test('prepared reasons work alone and with free words; a no without any is asked for one', async () => {
    const client = await proposed();
    const none = await decide(client, 'Rex', { decision: 'reject' });
    assert.equal(none.statusCode, 400);
    assert.match(none.body, /Please give a reason/);
    assert.match(none.body, /value="reject" required checked/);
    await decide(client, 'Rex', { decision: 'reject', canned: 'name' });
    const lines = async () =>
      (await world.server.store.listAudit({ clientId: client.id, limit: 1 }))[0]?.reason;
    assert.equal(await lines(), 'The name can be taken for that of another app or organisation.');
    await decide(client, 'Rex', { decision: 'approve', canned: 'mended', reason: 'Thanks!' });
    assert.equal(await lines(), 'What was wrong has been put right. Thanks!');
  });

  test('refused decisions keep what was typed', async () => {
    const client = await proposed();
    const [long, turned] = ['x'.repeat(256), 'left \u202eright'];
    for (const reason of [long, turned]) {
      const answer = await decide(client, 'Rex', {
        decision: 'reject',
        reason,
        canned: '',
        suppress: '1',
      });
      assert.equal(answer.statusCode, 400);
      assert.ok(answer.body.includes(`value="${reason}"`));
      assert.match(answer.body, /id="reason-problem"/);
      assert.match(answer.body, /name="suppress" value="1" checked/);
    }
    const nothing = await decide(client, 'Rex', { reason: '<i>why</i>' });
    assert.equal(nothing.statusCode, 400);
    assert.match(nothing.body, /Choose one of the decisions/);
    assert.match(nothing.body, /value="&lt;i&gt;why&lt;\/i&gt;"/);
    const unknown = await decide(client, 'Rex', { decision: 'toString', reason: 'x' });
    assert.match(unknown.body, /Choose one of the decisions/);
    assert.equal(await stageOf(client), 'proposed');
  });

  test('a decision on what is no longer so is explained, and can be made on what is', async () => {
    const client = await proposed();
    const seen = tokenIn((await get(`/review/${client.id}`, 'Rita')).body);
    await decide(client, 'Rex', { decision: 'reject', reason: 'not yet <b>' });
    for (const decision of ['approve', 'reject']) {
      const answer = await decide(client, 'Rita', { decision, reason: 'my words' }, seen);
      assert.equal(answer.statusCode, 409, decision);
      assert.match(answer.body, /This app changed since you opened it/);
      assert.match(answer.body, /<bdi>Rex<\/bdi>/);
      assert.match(answer.body, /not yet &lt;b&gt;/);
      assert.match(answer.body, /Stage: <bdi>waits for a review<\/bdi> → <bdi>rejected<\/bdi>/);
      assert.match(answer.body, /value="my words"/);
      assert.notEqual(tokenIn(answer.body), seen);
      assert.equal(await stageOf(client), 'rejected');
      if (decision === 'approve') assert.match(answer.body, /value="approve" required checked/);
    }
    const again = await decide(client, 'Rita', { decision: 'approve', reason: 'my words' }, seen);
    const now = await decide(
      client,
      'Rita',
      { decision: 'approve', reason: 'my words' },
      tokenIn(again.body),
    );
    assert.equal(now.statusCode, 303);
    assert.equal(await stageOf(client), 'approved');
  });

  test('a change that was replaced while it was looked at is not approved', async () => {
    const client = await approved();
    await revise(client, { description: 'harmless' });
    const seen = tokenIn((await get(`/review/${client.id}`, 'Rex')).body);
    await revise(client, { description: 'harmful' });
    const answer = await decide(client, 'Rex', { decision: 'approve-revision' }, seen);
    assert.equal(answer.statusCode, 409);
    assert.match(answer.body, /harmless[\s\S]*harmful|harmful/);
    assert.equal((await world.server.store.findClient(client.id))?.description, '');
  });

  test('a token that is missing, garbled or another reviewer’s decides nothing', async () => {
    const client = await proposed();
    const other = tokenIn((await get(`/review/${client.id}`, 'Rita')).body);
    for (const token of ['', 'x', other, 'f'.repeat(40)]) {
      const answer = await decide(client, 'Rex', { decision: 'approve', reason: 'kept' }, token);
      assert.equal(answer.statusCode, 409, token);
      assert.match(answer.body, /does not say which state/);
      assert.match(answer.body, /value="kept"/);
    }
    assert.equal(await stageOf(client), 'proposed');
  });

  test('two reviewers where the operator wants two', async () => {
    const client = await proposed({ scopes: ['import'] });
    const first = await decide(client, 'Rex', { decision: 'approve', reason: 'fine' });
    assert.equal(first.headers.location, `/review/${client.id}?done=review-first-approval`);
    assert.equal(await stageOf(client), 'proposed');
    const mine = (await get(`/review/${client.id}`, 'Rex')).body;
    assert.match(mine, /First approval by <bdi>Rex<\/bdi>/);
    assert.match(mine, /Another reviewer must decide/);
    assert.doesNotMatch(mine, /value="approve"/);
    assert.match(mine, /value="reject"/);
    const forced = await decide(client, 'Rex', { decision: 'approve', reason: 'fine' });
    assert.equal(forced.statusCode, 409);
    assert.match(forced.body, /second reviewer has to decide/);
    assert.match((await get(`/review/${client.id}`, 'Rita')).body, /yours would be the second/);
    assert.equal(
      (await decide(client, 'Rita', { decision: 'approve' })).headers.location,
      `/review/${client.id}?done=review-approved`,
    );
    assert.equal(await stageOf(client), 'approved');
  });

  test('one’s own app says so', async () => {
    const own = (await world.createClient(of('Rex').account, { name: 'Mine' }, false)).client;
    assert.match((await get(`/review/${own.id}`, 'Rex')).body, /This is your own app/);
    const risky = (
      await world.createClient(of('Rex').account, { name: 'Mine too', scopes: ['import'] }, false)
    ).client;
    assert.doesNotMatch((await get(`/review/${risky.id}`, 'Rex')).body, /value="approve"/);
  });

  test('what stopping would do is said before', async () => {
    const { client } = await world.createClient(ada, { name: 'Used' });
    await world.consents.accept(client, of('Ulla').account, client.scopes);
    const { body } = await get(`/review/${client.id}`, 'Rex');
    assert.match(body, /Impact of suspending[\s\S]*People who allowed it<\/dt><dd>1</);
  });

  test('an app whose owner is blocked can be offered to somebody else', async () => {
    const lost = await world.createPerson('Lost', ['developer']);
    const { client } = await world.createClient(lost, { name: 'Orphan' });
    assert.doesNotMatch((await get(`/review/${client.id}`, 'Rex')).body, /Offer the app to/);
    await world.server.store.setBlocked(lost.id, true);
    const { body } = await get(`/review/${client.id}`, 'Rex');
    assert.match(body, /The owner is blocked/);
    assert.match(body, /Offer the app to/);
    const nobody = await post(`/review/${client.id}/offer`, 'Rex', { name: 'Nobody <b>' });
    assert.equal(nobody.statusCode, 404);
    assert.match(nobody.body, /no such account/);
    const offered = await post(`/review/${client.id}/offer`, 'Rex', { name: 'ada' });
    assert.equal(offered.headers.location, `/review/${client.id}?done=review-offered`);
    assert.match((await get(`/review/${client.id}`, 'Rex')).body, /Offered to <bdi>Ada<\/bdi>/);
  });

  test('in read-only mode nothing is claimed or decided, and the reason is said', async () => {
    const here = new TestServer({ 'read-only': 'we are moving house' });
    const owner = await here.createPerson('Ada', ['developer']);
    const cookie = await here.sessionCookie(await here.createPerson('Rex', ['reviewer']));
    assert.equal((await here.app.inject({ url: '/review', headers: { cookie } })).statusCode, 200);
    const next = await here.app.inject({
      method: 'POST',
      url: '/review/next',
      payload: new URLSearchParams({ csrf: csrfToken(secretOf(cookie)) }).toString(),
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
    });
    assert.equal(next.statusCode, 503);
    assert.match(next.body, /we are moving house/);
    assert.ok(owner);
    await here.close();
  });

  test('apps of the configuration are shown and not decided on', async () => {
    const here = new TestServer(
      {},
      `
clients:
  - client_id: ${'ab'.repeat(16)}
    name: House app
    version: "1.0"
    description: ours
    owner: Ada
    protocol: oauth2
    confidential: true
    grant_types: [authorization_code]
    redirect_uri: https://house.example/cb
    client_secret: ${'s'.repeat(40)}
    scopes: [editpage]
`,
    );
    await here.createPerson('Ada', ['developer']);
    await here.server.prepare();
    const cookie = await here.sessionCookie(await here.createPerson('Rex', ['reviewer']));
    assert.match(
      (await here.app.inject({ url: '/review?show=configured', headers: { cookie } })).body,
      /House app/,
    );
    const { body } = await here.app.inject({
      url: `/review/${'ab'.repeat(16)}`,
      headers: { cookie },
    });
    assert.match(body, /operator manages this app/);
    assert.doesNotMatch(body, /name="decision"/);
    await here.close();
  });

  test('the desk speaks German and Arabic', async () => {
    const client = await proposed();
    assert.match((await get(`/review/${client.id}?uselang=de`, 'Rex')).body, /Prüfung von App/);
    const { body } = await get(`/review/${client.id}?uselang=ar`, 'Rex');
    assert.match(body, /<html lang="ar" dir="rtl">/);
    assert.match(body, /ما قرارك/);
  });
});
