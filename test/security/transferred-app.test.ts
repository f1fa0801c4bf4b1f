import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { Client } from '#registry/model/client.ts';

// What reviewers and users are shown of who may decide and of a new owner, and what an app holds
// while it waits again (ADR 15).

const world = new TestServer(
  {},
  'review: { two_person_risks: [security] }\nnotices: { groups: [reviewer] }',
);
after(() => world.close());
const [ada, ben] = [
  await world.createPerson('Ada', ['developer', 'reviewer']),
  await world.createPerson('Ben', ['developer']),
];
const [rex, rita, uwe] = [
  await world.createPerson('Rex', ['reviewer']),
  await world.createPerson('Rita', ['reviewer']),
  await world.createPerson('Uwe'),
];
const { registry, rights } = world.server.services;

/** Acts with the rights the person's groups give. */
async function act(
  who: Account,
  action: string,
  client: Pick<Client, 'id'>,
  values: object = {},
): Promise<string> {
  const actor = personActor(who, rights.rightsOf(who));
  const answer = await registry.submit(actor, action, {
    clientId: client.id,
    reason: '',
    ...values,
  });
  return answer.ok ? (answer.value.awaitsSecondApproval ? 'waiting' : 'ok') : answer.refusal.kind;
}
const page = async (who: Account, url: string) =>
  (await world.app.inject({ url, headers: { cookie: await world.sessionCookie(who) } })).body;

/** What a user's code buys. */
async function tokensOf(made: Awaited<ReturnType<TestServer['createClient']>>, user: Account) {
  const code = await world.issueCode(made, user);
  return (
    await post(
      '/oauth2/token',
      made.client,
      made.secret,
      new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: made.client.redirectUri,
      }).toString(),
    )
  ).json();
}
const post = (url: string, client: Pick<Client, 'id'>, secret: string, payload: string) =>
  world.app.inject({
    method: 'POST',
    url,
    payload,
    headers: {
      authorization: basicHeader(client.id, secret),
      'content-type': 'application/x-www-form-urlencoded',
    },
  });
const bearer = async (token: string) =>
  (await world.app.inject({ url: '/api/v1/me', headers: { authorization: `Bearer ${token}` } }))
    .statusCode;

test('an app with scopes for two that changes hands holds nothing that works until two said yes', async () => {
  const made = await world.createClient(ada, {
    name: 'Sold',
    scopes: ['import'],
    pkceOptional: true,
  });
  const { client, secret } = made;
  const tokens = await tokensOf(made, uwe);
  assert.equal(await bearer(tokens.access_token), 200);
  assert.equal(await act(ada, 'offer', client, { userId: ben.id }), 'ok');
  assert.equal(await bearer(tokens.access_token), 200, 'an offer changes nothing');
  assert.equal(await act(ben, 'accept-offer', client), 'ok');
  assert.equal((await world.server.store.findClient(client.id))?.stage, 'proposed');
  assert.equal(await bearer(tokens.access_token), 401);
  const refresh = `grant_type=refresh_token&refresh_token=${tokens.refresh_token}`;
  assert.equal(
    (await post('/oauth2/token', client, secret, refresh)).statusCode,
    401,
    'the secret of the old owner ended',
  );
  assert.equal(
    await act(uwe, 'accept', client, { scopes: ['import'] }),
    'permission_denied',
    'nobody new can allow it',
  );
  assert.match(await page(rex, '/review'), /Sold/);
  assert.equal(await act(rex, 'approve', client), 'waiting');
  assert.equal(await bearer(tokens.access_token), 401);
  assert.equal(await act(rita, 'approve', client), 'ok');
  assert.equal(await bearer(tokens.access_token), 200, 'what people allowed works again');
  assert.equal((await post('/oauth2/token', client, secret, refresh)).statusCode, 401);
});

test('an ordinary app goes on; its old secret ends with the grace', async () => {
  const made = await world.createClient(ada, {
    name: 'Given',
    scopes: ['editpage'],
    pkceOptional: true,
  });
  const { client, secret } = made;
  const tokens = await tokensOf(made, uwe);
  await act(ada, 'offer', client, { userId: ben.id });
  await act(ben, 'accept-offer', client);
  assert.equal(await bearer(tokens.access_token), 200);
  const refresh = async (token: string) =>
    post('/oauth2/token', client, secret, `grant_type=refresh_token&refresh_token=${token}`);
  const next = await refresh(tokens.refresh_token);
  assert.equal(next.statusCode, 200);
  world.advanceClock(7 * 86_400 + 1);
  assert.equal((await refresh(next.json().refresh_token)).statusCode, 401);
});

test('people see on the list of the apps they allowed that one has another owner, and only those who allowed it before', async () => {
  const { client } = await world.createClient(ada, { name: 'Moved', scopes: ['editpage'] });
  await world.consents.accept(client, uwe, ['editpage']);
  const card = async (who: Account) =>
    /<h2><a href="[^"]*">(?:<bdi>)?Moved[\s\S]*?<\/section>/.exec(
      await page(who, '/consents'),
    )?.[0] ?? '';
  assert.match(await card(uwe), /Moved/);
  assert.doesNotMatch(await card(uwe), /belongs to/);
  world.advanceClock(60);
  await act(ada, 'offer', client, { userId: ben.id });
  await act(ben, 'accept-offer', client);
  world.advanceClock(60);
  await world.consents.accept(client, rita, ['editpage']);
  assert.match(await card(uwe), /belongs to <bdi>Ben<\/bdi>/);
  assert.match(await card(rita), /Moved/);
  assert.doesNotMatch(await card(rita), /belongs to/);
  const cookie = await world.sessionCookie(uwe);
  const { consents } = (
    await world.app.inject({ url: '/consents/export.json', headers: { cookie } })
  ).json();
  const said = consents.find((one: { client_id: string }) => one.client_id === client.id);
  assert.equal(said.new_owner.name, 'Ben');
});

test('the desk says which decisions are not this reviewer’s, and why', async () => {
  const own = (await world.createClient(ada, { name: 'Own' }, false)).client;
  const seen = await page(ada, `/review/${own.id}`);
  assert.match(seen, /This is your own app\. Another reviewer has to decide\./);
  assert.match(seen, /Not yours to decide: Approve\./);
  assert.doesNotMatch(seen, /value="approve"/);
  assert.match(seen, /value="reject"/);
  assert.match(await page(rex, `/review/${own.id}`), /value="approve"/);

  const { client } = await world.createClient(ben, { name: 'Stopped', scopes: ['import'] });
  await act(ben, 'invite', client, { userId: ada.id });
  await act(ada, 'join', client);
  await act(rex, 'halt', client, { suspension: 'all' });
  const helper = await page(ada, `/review/${client.id}`);
  assert.match(helper, /You help look after this app/);
  assert.match(helper, /Not yours to decide: Resume and Suspend for new users\./);
  await act(ada, 'leave', client, { userId: ada.id });
  assert.match(
    await page(ada, `/review/${client.id}`),
    /You helped look after this app when this came up, or shortly before/,
  );
  assert.equal(await act(rita, 'halt', client, { suspension: 'none' }), 'waiting');
  assert.match(await page(rita, `/review/${client.id}`), /You have already approved this/);
  assert.match(
    await page(rex, `/review/${client.id}`),
    /First approval by <bdi>Rita<\/bdi>\. Two approvals are needed here: yours would be the second/,
  );
});

test('the API says why, and a yes on a page and one over the API are one person’s', async () => {
  const { client } = await world.createClient(
    ben,
    { name: 'By two doors', scopes: ['import'] },
    false,
  );
  const cookie = await world.sessionCookie(rex);
  const desk = await world.app.inject({ url: `/review/${client.id}`, headers: { cookie } });
  const hidden = (name: string) =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(desk.body)?.[1] ?? '';
  const form = new URLSearchParams({
    csrf: hidden('csrf'),
    change_token: hidden('change_token'),
    decision: 'approve',
    reason: '',
  });
  const yes = await world.app.inject({
    method: 'POST',
    url: `/review/${client.id}`,
    payload: form.toString(),
    headers: {
      cookie,
      'content-type': 'application/x-www-form-urlencoded',
      origin: world.server.services.origin,
    },
  });
  assert.equal(yes.headers.location, `/review/${client.id}?done=review-first-approval`);
  const again = personActor(rex, rights.rightsOf(rex), 'api');
  const answer = await registry.submit(again, 'approve', { clientId: client.id, reason: '' });
  assert.deepEqual(answer, {
    ok: false,
    refusal: { kind: 'needs_another_reviewer', why: 'approved-before' },
  });
});
