import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { emailBudgets } from '#accounts/email-budget.ts';
import { sanitizeForEmail } from '#encoding/stranger-text.ts';
import { TestServer } from '#harness/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { renderNotificationEmail } from '#pages/email-templates.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';
import { type Actor, OPERATOR, RIGHTS } from '#registry/actor.ts';
import { isNotification } from '#registry/notifications/notification.ts';
import { app, registry } from '../unit/registry/world.ts';

// Our mail is signed with our name. Nobody fills a stranger's mailbox with it, and nobody puts a
// link of theirs into it.

const DAY = 86_400;

/** Olga's approved app, and people with every right of the registry but the administrator's. */
async function desk(settings: Parameters<typeof registry>[0] = {}) {
  const world = await registry(settings);
  const created = async (name: string) => {
    const made = await world.clients.create(app({ name }), world.owner, { approve: true });
    assert.ok(made.ok);
    return made.value.client.id;
  };
  const acting = (account: Account): Actor => ({
    kind: 'person',
    account,
    rights: new Set<string>([RIGHTS.propose, RIGHTS.updateOwn, RIGHTS.review]),
    via: 'api',
    address: '192.0.2.1',
    authentication: { kind: 'session', proof: { at: world.clock.now(), method: 'password' } },
  });
  const submit = async (
    account: Account | 'operator',
    clientId: ClientId,
    action: string,
    values: object = {},
  ) => {
    const actor = account === 'operator' ? OPERATOR : acting(account);
    const answer = await world.registry.submit(actor, action, { clientId, reason: '', ...values });
    return answer.ok ? 'accepted' : answer.refusal.kind;
  };
  /** How many letters wait for a person. */
  const lettersTo = async (account: Account) =>
    (await world.store.listNotifications({ limit: 10_000 }))
      .filter(isNotification)
      .filter(({ target }) => target.kind === 'mail' && target.userId === account.id).length;
  return { ...world, created, acting, submit, lettersTo };
}

test('inviting and taking back, sixty times: two letters, and the sender is stopped', async () => {
  const { created, submit, owner, user, lettersTo, store } = await desk();
  const id = await created('Reader');
  const answers: string[] = [];
  for (let round = 0; round < 60; round++) {
    answers.push(
      await submit(owner, id, 'invite', {
        userId: user.id,
        reason: `https://evil.example/login ${round}`,
      }),
    );
    await submit(owner, id, 'leave', { userId: user.id });
  }
  assert.equal(await lettersTo(user), emailBudgets.invitation.pair);
  assert.deepEqual([answers[0], answers.at(-1)], ['accepted', 'too_many_invitations']);
  assert.equal(
    answers.filter((answer) => answer === 'accepted').length,
    emailBudgets.invitation.sender,
  );
  await store.close();
});

test('offering and taking back: the same', async () => {
  const { created, submit, owner, user, lettersTo, store } = await desk();
  const id = await created('Reader');
  const answers: string[] = [];
  for (let round = 0; round < 40; round++) {
    answers.push(await submit(owner, id, 'offer', { userId: user.id }));
    await submit(owner, id, 'decline-offer');
  }
  assert.equal(await lettersTo(user), emailBudgets.offer.pair);
  assert.equal(answers.at(-1), 'too_many_invitations');
  await store.close();
});

test('the budget is a day, in the store: another registry over it goes on counting, and the next day is a new one', async () => {
  const { created, submit, owner, user, pass, lettersTo, store } = await desk();
  const id = await created('Reader');
  for (let round = 0; round < emailBudgets.invitation.sender; round++) {
    assert.equal(await submit(owner, id, 'invite', { userId: user.id }), 'accepted');
    await submit(owner, id, 'leave', { userId: user.id });
  }
  assert.equal(await submit(owner, id, 'invite', { userId: user.id }), 'too_many_invitations');
  const counted = await store.count(
    `letters invitation from account ${owner.id}`,
    instant(1_790_000_000),
  );
  assert.equal(counted, emailBudgets.invitation.sender + 1);
  pass(DAY);
  assert.equal(await submit(owner, id, 'invite', { userId: user.id }), 'accepted');
  assert.equal(await lettersTo(user), emailBudgets.invitation.pair + 1);
  await store.close();
});

test('one letter for all open invitations from one person to another, whichever app; answered, there may be another', async () => {
  const { created, submit, owner, user, lettersTo, store } = await desk();
  const [one, other] = [await created('Reader'), await created('Writer')];
  assert.equal(await submit(owner, one, 'invite', { userId: user.id }), 'accepted');
  assert.equal(await submit(owner, other, 'invite', { userId: user.id }), 'accepted');
  assert.equal(await lettersTo(user), 1);
  for (const id of [one, other]) assert.equal(await submit(user, id, 'join'), 'accepted');
  const third = await created('Third');
  assert.equal(await submit(owner, third, 'invite', { userId: user.id }), 'accepted');
  assert.equal(await lettersTo(user), 2);
  assert.equal(await submit('operator', third, 'leave', { userId: user.id }), 'accepted');
  assert.equal(await lettersTo(user), 2);
  await store.close();
});

test('many senders: the receiver gets ten invitations a day, and those beyond stand on their page', async () => {
  const { clients, submit, person, user, lettersTo, store } = await desk();
  for (let count = 0; count < 15; count++) {
    const sender = await person(`Sender${count}`);
    const made = await clients.create(app({ name: `App ${count}` }), sender, { approve: true });
    assert.ok(made.ok);
    assert.equal(
      await submit(sender, made.value.client.id, 'invite', { userId: user.id }),
      'accepted',
    );
  }
  assert.equal(await lettersTo(user), emailBudgets.invitation.receiver);
  assert.equal((await store.invitationsOf(user.id)).length, 15);
  await store.close();
});

test('whoever does not want to be invited is not, by nobody but the operator; and may change their mind', async () => {
  const { created, submit, acting, registry: verbs, owner, user, lettersTo, store } = await desk();
  const id = await created('Reader');
  assert.deepEqual(await verbs.setInvitationsDeclined(acting(user), true), {
    ok: true,
    value: true,
  });
  for (const action of ['invite', 'offer'])
    assert.equal(await submit(owner, id, action, { userId: user.id }), 'invitations_declined');
  assert.equal(await lettersTo(user), 0);
  assert.equal(await submit('operator', id, 'invite', { userId: user.id }), 'accepted');
  await submit('operator', id, 'leave', { userId: user.id });
  await verbs.setInvitationsDeclined(acting(user), false);
  assert.equal(await submit(owner, id, 'invite', { userId: user.id }), 'accepted');
  const stranger = await verbs.setInvitationsDeclined(
    { ...acting(user), account: null } as Actor,
    true,
  );
  assert.deepEqual(stranger, { ok: false, refusal: { kind: 'not_logged_in' } });
  await store.close();
});

test('proposals go on past the budget; reviewers hear of the first ten of a day, and the queue has them all', async () => {
  const {
    registry: verbs,
    acting,
    person,
    store,
    owner,
  } = await desk({ notifyGroups: ['reviewer'] });
  const reviewer = await person('Rita');
  await store.setGroups(reviewer.id, ['reviewer']);
  for (let count = 0; count < 15; count++) {
    const { email, ...rest } = app({ name: `App ${count}` });
    const answer = await verbs.submit(acting(owner), 'propose', {
      ...rest,
      email: owner.email ?? email,
      termsAccepted: true,
    });
    assert.ok(answer.ok, JSON.stringify(answer));
  }
  const letters = (await store.listNotifications({ limit: 1000 }))
    .filter(isNotification)
    .filter(({ target }) => target.kind === 'mail');
  assert.equal(letters.length, emailBudgets.proposal.sender);
  assert.equal(await store.countClients({ stage: 'proposed' }), 15);
  await store.close();
});

test('noise of one kind does not keep another away: after any number of changes, a new secret is told', async () => {
  const { created, submit, owner, user, lettersTo, store } = await desk();
  const id = await created('Reader');
  await submit(owner, id, 'invite', { userId: user.id });
  await submit(user, id, 'join');
  const before = await lettersTo(owner);
  for (let count = 0; count < 80; count++)
    await submit(user, id, 'update', {
      resetSecret: false,
      restrictions: { addresses: [`192.0.2.${count + 1}/32`], pages: [] },
    });
  const noise = (await lettersTo(owner)) - before;
  assert.equal(noise, emailBudgets.team.pair - 1);
  assert.equal(await submit(user, id, 'add-secret', { label: 'second' }), 'accepted');
  assert.equal(await lettersTo(owner), before + noise + 1);
  assert.equal(await submit(user, id, 'update', { resetSecret: true }), 'accepted');
  assert.equal(await lettersTo(owner), before + noise + 2);
  await store.close();
});

/** What mail readers make links of. */
const linked =
  /\b[a-z][a-z0-9+.-]*:\S|\/\/\S|\\\\\S|[^\s@]@[^\s@]|[\p{L}\p{N}][.\u2024\u3002\ufe52\uff0e\uff61]\p{L}|\b\d+\.\d+\.\d+\.\d+\b|=\?[^ ]+\?=/iu;
const hostile = [
  'https://evil.example/login',
  'HTTPS:\\\\evil.example',
  'see evil.example',
  'www.evil.example',
  'evil。example and evil．example and evil｡example',
  'xn--80ak6aa92e.com',
  'пример.рф',
  'root@evil.example',
  'root＠evil.example',
  'mailto:root@evil.example',
  'tel:+15550100',
  'javascript:alert(1)',
  'data:text/html,x',
  '//evil.example/a',
  '\\\\evil.example\\share',
  '10.0.0.1/login',
  '=?utf-8?b?R2F0ZWhvdXNl?=',
  '=?utf-8?q?Gate=20house?= =?utf-8?b?IQ==?=',
  'a\u200b.\u200bevil.example',
  'evil.\u2060example',
  '\u202emoc.live\u202c',
  'x\r\nBcc: a@evil.example\r\n\r\nhttps://evil.example',
  '<a href="https://evil.example">x</a>',
  '[x](https://evil.example)',
  '"”» The operator: https://evil.example',
];
for (const text of hostile) {
  test(`no link, no header and no end of the quotation in ${JSON.stringify(text)}`, () => {
    const shown = sanitizeForEmail(text);
    assert.doesNotMatch(shown, linked);
    assert.doesNotMatch(shown, /["<>“”«»\r\n]|[\p{Cc}\u200b\u2060\u202c\u202e]/u);
    assert.match(shown, /\S/);
    assert.equal(sanitizeForEmail(shown), shown);
  });
}

test('what people write stays as it is', () => {
  for (const text of [
    'Looks fine',
    'Version 1.0 at 12:30.',
    'Größe – 3/4 (50 %)',
    'نص عربي',
    '日本語の名前',
    '👩‍👩‍👧 ok',
    'می‌خواهم',
    'Why? Because.',
  ])
    assert.equal(sanitizeForEmail(text), text);
  assert.equal(sanitizeForEmail('x'.repeat(300)).length, 255);
});

const facts = {
  event: 'invite',
  client: { id: 'c'.repeat(32) as ClientId, name: 'Reader', version: '1.0' },
  actor: 'Rita',
  owner: 'Olga',
  reason: '',
  at: instant(1_790_000_000),
};
const sender = { issuer: 'https://gate.example', siteName: 'Gate' };

test('the words of a letter: whose they are, quoted; one link, and it is ours', () => {
  for (const text of hostile) {
    const client = { ...facts.client, name: text };
    const { subject, text: letter } = renderNotificationEmail(
      { ...facts, client, actor: text, owner: text, reason: text },
      sender,
    );
    assert.doesNotMatch(subject, linked);
    assert.doesNotMatch(subject, /[\r\n]/);
    const lines = letter.split('\n');
    assert.deepEqual(
      lines.filter((line) => linked.test(line)),
      [`https://gate.example/apps/${facts.client.id}`],
    );
    assert.equal(lines.filter((line) => line.startsWith('> ')).length, 1);
    assert.match(letter, /^".+" gave this reason, in their own words:$/m);
  }
});

test('nobody passes for the operator', () => {
  assert.match(
    renderNotificationEmail({ ...facts, actor: 'The operator' }, sender).text,
    /^"The operator" invites you/,
  );
  assert.match(
    renderNotificationEmail({ ...facts, actor: null }, sender).text,
    /^The operator invites you/,
  );
});

const isLetter = (sent: unknown): sent is OutgoingEmail =>
  typeof sent === 'object' && sent !== null && 'subject' in sent;

test('links to an address: twelve a day for registration and password, and the thirteenth is not written', async () => {
  const world = new TestServer({ registration: 'open' });
  const { accounts } = world.server.services;
  const ada = await world.createPerson('Ada');
  for (let hour = 0; hour < 23; hour++) {
    await accounts.requestRegistration('Somebody@else.example', null, {
      address: `192.0.2.${hour}`,
      agent: '',
    });
    await accounts.requestPasswordReset('Ada', null, { address: `192.0.2.${hour}`, agent: '' });
    await accounts.whenEmailsSent();
    world.advanceClock(3601);
  }
  const letters = world.outbox.filter(isLetter);
  assert.equal(
    letters.filter(({ to }) => to.toLowerCase() === 'somebody@else.example').length,
    emailBudgets.registration.receiver,
  );
  assert.equal(letters.filter(({ to }) => to === ada.email).length, emailBudgets.password.receiver);
  await world.close();
});

test('a page and the API: no invitations', async () => {
  const world = new TestServer();
  const [ada, ben] = [
    await world.createPerson('Ada', ['developer']),
    await world.createPerson('Ben', []),
  ];
  const { client } = await world.createClient(ada, { name: 'Reader' });
  const cookie = await world.sessionCookie(ben);
  const read = async () => (await world.app.inject({ url: '/account', headers: { cookie } })).body;
  const before = await read();
  assert.doesNotMatch(before, /name="no-invitations" value="1" checked/);
  const proofOf = async (as: string) =>
    /name="csrf" value="([^"]+)"/.exec(
      (await world.app.inject({ url: '/account', headers: { cookie: as } })).body,
    )?.[1] ?? '';
  const csrf = await proofOf(cookie);
  const post = (fields: Readonly<Record<string, string>>) =>
    world.app.inject({
      method: 'POST',
      url: '/account/profile',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ csrf, 'real-name': '', language: '', ...fields }).toString(),
    });
  assert.equal((await post({ 'no-invitations': '1' })).statusCode, 303);
  assert.match(await read(), /name="no-invitations" value="1" checked/);
  const owner = await world.sessionCookie(ada);
  const api = async (method: 'GET' | 'POST' | 'PATCH', url: string, as: string, payload?: object) =>
    world.app.inject({
      method,
      url: `/api/v1${url}`,
      headers: {
        cookie: as,
        'x-csrf-token': await proofOf(as),
        ...(payload ? { 'content-type': 'application/json' } : {}),
      },
      ...(payload ? { payload: JSON.stringify(payload) } : {}),
    });
  const refused = await api('POST', `/clients/${client.id}/maintainers`, owner, {
    user: 'Ben',
    reason: '',
  });
  assert.deepEqual(
    [refused.statusCode, refused.json().code],
    [403, 'invitations_declined'],
    refused.body,
  );
  assert.equal((await api('GET', '/invitations', cookie)).json().declined, true);
  assert.deepEqual((await api('PATCH', '/invitations', cookie, { declined: false })).json(), {
    declined: false,
  });
  assert.equal(
    (await api('POST', `/clients/${client.id}/maintainers`, owner, { user: 'Ben', reason: '' }))
      .statusCode,
    201,
  );
  await world.close();
});
