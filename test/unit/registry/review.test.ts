import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { seconds } from '#kernel/time.ts';
import type { ActionResult, RegistrySettings } from '#registry/actions/context.ts';
import { type Actor, JOB, OPERATOR, RIGHTS } from '#registry/actor.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import type { Client } from '#registry/model/client.ts';
import { isNotification } from '#registry/notifications/notification.ts';
import { actions } from '#registry/registry.ts';
import { app, registry } from './world.ts';

const as = (account: Account | null, ...rights: readonly string[]) =>
  personActor(account, new Set(rights));
const verdict = async (ran: ActionResult) => {
  const answer = await ran;
  return answer.ok
    ? answer.value.awaitsSecondApproval
      ? 'waiting'
      : answer.value.client.stage
    : answer.refusal.kind;
};

const IDLE = 30 * 86_400;

/** A proposal, its owner, and people who review. */
async function desk(
  settings: Partial<RegistrySettings> = {},
  proposal: Partial<ClientProposal> = {},
) {
  const world = await registry(settings);
  const [rita, ron] = [await world.person('Rita'), await world.person('Ron')];
  const made = await world.clients.create(app(proposal), world.owner, { approve: false });
  assert.ok(made.ok, JSON.stringify(made));
  const { id } = made.value.client;
  return {
    ...world,
    rita,
    ron,
    id,
    submit: (actor: Actor, action: string, values: object = {}) =>
      world.registry.submit(actor, action, { clientId: id, reason: '', ...values }),
    now: async () => (await world.store.findClient(id)) as Client,
    trail: async () =>
      (await world.store.listAudit({ clientId: id, order: 'oldest-first', limit: 100 })).map(
        ({ action }) => action,
      ),
  };
}

// Two reviewers.

const risky = { scopes: ['delete'] };
const two = { twoPersonRisks: ['vandalism'] };

test('a first yes is written down and decides nothing; the second approves', async () => {
  const { submit, rita, ron, now, trail, store, id } = await desk(
    { ...two, webhookEndpoints: ['ops'] },
    risky,
  );
  assert.equal(await verdict(submit(as(rita, RIGHTS.review), 'approve')), 'waiting');
  assert.equal((await now()).stage, 'proposed');
  assert.deepEqual(
    (await store.approvalsOf(id, null)).map(({ reviewerId }) => reviewerId),
    [rita.id],
  );
  assert.equal(await verdict(submit(as(ron, RIGHTS.review), 'approve')), 'approved');
  assert.deepEqual(await store.approvalsOf(id, null), []);
  assert.deepEqual(await trail(), ['propose', 'first-approval', 'approve']);
  const heard = (await store.listNotifications({ limit: 9 }))
    .filter(isNotification)
    .map(({ facts }) => facts.event)
    .reverse();
  assert.deepEqual(
    heard,
    ['propose', 'first-approval', 'approve', 'approve'],
    'the endpoint of each step, the owner of the end',
  );
  await store.close();
});

const yeses: readonly (readonly [
  name: string,
  proposal: Partial<ClientProposal>,
  who: readonly string[],
  got: readonly string[],
])[] = [
  ['one yes is enough for another risk', { scopes: ['sendemail'] }, ['rita'], ['approved']],
  ['the same reviewer twice', risky, ['rita', 'rita'], ['waiting', 'needs_another_reviewer']],
  ["the owner's own does not count", risky, ['owner'], ['needs_another_reviewer']],
  [
    "the owner's own is no second either",
    risky,
    ['rita', 'owner'],
    ['waiting', 'needs_another_reviewer'],
  ],
  ['the operator decides alone', risky, ['operator'], ['approved']],
  ['the operator is a second', risky, ['rita', 'operator'], ['waiting', 'approved']],
  [
    'an owner-only app needs nobody',
    { ...risky, ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] },
    [],
    [],
  ],
];
for (const [name, proposal, who, got] of yeses) {
  test(`two reviewers: ${name}`, async () => {
    const world = await desk(two, proposal);
    const people: Record<string, Actor> = { operator: OPERATOR };
    for (const one of ['rita', 'ron', 'owner'] as const)
      people[one] = as(world[one], RIGHTS.review);
    const answers: string[] = [];
    for (const one of who)
      answers.push(await verdict(world.submit(people[one] as Actor, 'approve')));
    assert.deepEqual(answers, got);
    assert.equal(
      (await world.now()).stage,
      answers.includes('approved') || proposal.ownerOnly ? 'approved' : 'proposed',
    );
    await world.store.close();
  });
}

for (const [name, actor, action] of [
  ['rejected', OPERATOR, 'reject'],
  ['expired', JOB, 'expire'],
] as const) {
  test(`two reviewers: a first yes is void once the proposal is ${name}`, async () => {
    const world = await desk(two, risky);
    await world.submit(as(world.rita, RIGHTS.review), 'approve');
    world.pass(IDLE + 1);
    assert.equal(await verdict(world.submit(actor, action, { suppress: false })), name);
    assert.deepEqual(await world.store.approvalsOf(world.id, null), []);
    assert.equal(await verdict(world.submit(as(world.ron, RIGHTS.review), 'approve')), 'waiting');
    assert.equal((await world.now()).stage, name);
    await world.store.close();
  });
}

test('two reviewers at once: one is the first, the other the second; one alone is no two', async () => {
  const { submit, rita, ron, now, store } = await desk(two, risky);
  const [hers, his] = [as(rita, RIGHTS.review), as(ron, RIGHTS.review)];
  assert.deepEqual(
    await Promise.all([verdict(submit(hers, 'approve')), verdict(submit(hers, 'approve'))]),
    ['waiting', 'needs_another_reviewer'],
  );
  await submit(OPERATOR, 'reject', { suppress: false });
  const answers = await Promise.all([
    verdict(submit(hers, 'approve')),
    verdict(submit(his, 'approve')),
  ]);
  assert.deepEqual([answers.sort(), (await now()).stage], [['approved', 'waiting'], 'approved']);
  await store.close();
});

test('two reviewers: one who becomes the owner after their yes is none any more', async () => {
  const { submit, rita, ron, now, store, id } = await desk(two, risky);
  const owner = as(await ownerOf(id, store), RIGHTS.updateOwn);
  assert.equal(await verdict(submit(as(rita, RIGHTS.review), 'approve')), 'waiting');
  assert.equal(await verdict(submit(owner, 'offer', { userId: rita.id })), 'proposed');
  assert.equal(await verdict(submit(as(rita, RIGHTS.propose), 'accept-offer')), 'proposed');
  assert.equal(await verdict(submit(as(ron, RIGHTS.review), 'approve')), 'waiting');
  assert.equal((await now()).stage, 'proposed');
  await store.close();
});

const ownerOf = async (id: ClientId, store: Awaited<ReturnType<typeof registry>>['store']) =>
  (await store.findAccount((await store.findClient(id))?.ownerId as never)) as Account;

// Approval by rule (registry 5).

/** A new account and no earlier app: 2 and 1. */
const FIRST = 3;
const conditions: readonly (readonly [
  name: string,
  rules: RegistrySettings['autoApprove'],
  proposal: Partial<ClientProposal>,
  stage: string,
])[] = [
  ['no condition', [], {}, 'proposed'],
  ['a condition without rules', [{}], {}, 'approved'],
  ['every scope listed', [{ scopes: ['basic', 'editpage'] }], {}, 'approved'],
  ['the hidden scope not listed', [{ scopes: ['editpage'] }], {}, 'proposed'],
  [
    'one scope not listed',
    [{ scopes: ['basic', 'editpage'] }],
    { scopes: ['editpage', 'delete'] },
    'proposed',
  ],
  ['the scheme listed', [{ protocols: ['https'] }], {}, 'approved'],
  [
    'the scheme in capitals',
    [{ protocols: ['https'] }],
    { redirectUri: 'HTTPS://reader.example/cb' },
    'approved',
  ],
  [
    'another scheme',
    [{ protocols: ['https'] }],
    { redirectUri: 'http://localhost/cb' },
    'proposed',
  ],
  ['a rule of an unknown name', [{ stars: 5 }], {}, 'proposed'],
  ['a rule of the wrong type', [{ scopes: 'basic editpage' }], {}, 'proposed'],
  ['one rule of two', [{ scopes: ['basic', 'editpage'], protocols: ['http'] }], {}, 'proposed'],
  [
    'one condition of two',
    [{ protocols: ['http'] }, { scopes: ['basic', 'editpage'] }],
    {},
    'approved',
  ],
  ['risk at the limit', [{ riskAtMost: FIRST }], {}, 'approved'],
  ['risk above the limit', [{ riskAtMost: FIRST - 1 }], {}, 'proposed'],
  ['a limit that is no number', [{ riskAtMost: '99' }], {}, 'proposed'],
  ['the name of a property of every object', [{ constructor: 1 }], {}, 'proposed'],
  [
    'any port',
    [{}],
    { protocol: 'oauth1', redirectUri: 'http://localhost:1/cb', redirectIsPrefix: true },
    'proposed',
  ],
  [
    'port 1 without a prefix',
    [{}],
    { protocol: 'oauth1', redirectUri: 'http://localhost:1/cb' },
    'approved',
  ],
  [
    'another port with a prefix',
    [{}],
    { protocol: 'oauth1', redirectUri: 'http://localhost:11/cb', redirectIsPrefix: true },
    'approved',
  ],
];
for (const [name, autoApprove, proposal, stage] of conditions) {
  test(`approval by rule: ${name}: ${stage}`, async () => {
    const { store, user, registry: room } = await registry({ autoApprove });
    const given = { ...app(proposal), email: user.email, termsAccepted: true };
    const made = await room.submit(as(user, RIGHTS.propose), 'propose', given);
    assert.ok(made.ok, JSON.stringify(made));
    assert.equal(made.value.client.stage, stage);
    const [line] = await store.listAudit({ limit: 1 });
    assert.equal(line?.action, stage === 'approved' ? 'propose-autoapproved' : 'propose');
    await store.close();
  });
}

test('the risk rules that a condition counts are those shown', async () => {
  const { registry: room, now, store } = await desk();
  assert.equal((await room.risk(await now())).total, FIRST);
  await store.close();
});

test('reviewers hear of what waits for them, and of nothing else', async () => {
  for (const [autoApprove, heard] of [
    [[], ['Rex']],
    [[{}], []],
  ] as const) {
    const {
      registry: room,
      store,
      user,
      clock,
    } = await registry({ autoApprove, notifyGroups: ['reviewer'] });
    await store.createAccount({
      name: 'Rex',
      email: null,
      emailConfirmedAt: null,
      realName: '',
      groups: ['reviewer'],
      passwordHash: null,
      createdAt: clock.now(),
    });
    const given = { ...app(), email: user.email, termsAccepted: true };
    assert.ok((await room.submit(as(user, RIGHTS.propose), 'propose', given)).ok);
    const told = (await store.listNotifications({ limit: 9 }))
      .filter(isNotification)
      .map(({ target }) => (target.kind === 'mail' ? target.userId : 0));
    assert.deepEqual(
      await Promise.all(told.map(async (id) => (await store.findAccount(id as never))?.name)),
      heard,
    );
    await store.close();
  }
});

// The kill switch by degrees.

test('suspensions: new consents stop, then everything; undone, all works again', async () => {
  const world = new TestServer();
  const [ada, ben, cleo] = [
    await world.createPerson('Ada'),
    await world.createPerson('Ben'),
    await world.createPerson('Cleo'),
  ];
  const made = await world.createClient(ada, {
    name: 'web',
    pkceOptional: true,
    scopes: ['editpage', 'delete'],
  });
  const { id } = made.client;
  const post = (path: string, form: string) =>
    world.app.inject({
      method: 'POST',
      url: path,
      payload: form,
      headers: {
        authorization: basicHeader(id, made.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
  const consent = await world.consents.accept(made.client, ben, ['basic', 'editpage']);
  const { registry: room, protocols: faces } = world.server.services;
  const asked = {
    protocol: 'oauth2',
    redirectUri: made.client.redirectUri,
    redirectUriSent: false,
    state: null,
    codeChallenge: null,
    codeChallengeMethod: null,
  } as const;
  const granted = await faces.core.oauth2.issueCode(asked, made.client, consent, consent.scopes);
  assert.ok(granted.ok);
  const uri = granted.value;
  const first = (
    await post(
      '/oauth2/token',
      `grant_type=authorization_code&code=${new URL(uri).searchParams.get('code')}`,
    )
  ).json();
  let refresh: string = first.refresh_token;
  const works = async () =>
    (await post('/oauth2/introspect', `token=${first.access_token}`)).json().active as boolean;
  const refreshes = async () => {
    const answer = await post('/oauth2/token', `grant_type=refresh_token&refresh_token=${refresh}`);
    if (answer.statusCode === 200) refresh = answer.json().refresh_token;
    return answer.statusCode === 200;
  };
  const consents = async (user: Account, scopes: readonly string[]) =>
    (await room.submit(as(user, RIGHTS.manageConsents), 'accept', { clientId: id, scopes })).ok;
  const picture = async () => ({
    works: await works(),
    refreshes: await refreshes(),
    again: await consents(ben, ['basic', 'editpage']),
    more: await consents(ben, ['basic', 'editpage', 'delete']),
    another: await consents(cleo, ['basic']),
  });
  const suspend = async (suspension: string) => verdict(world.clients.suspend(id, suspension));

  assert.equal(await suspend('new-consents'), 'approved');
  assert.deepEqual(await picture(), {
    works: true,
    refreshes: true,
    again: true,
    more: false,
    another: false,
  });
  assert.equal(await suspend('all'), 'approved');
  assert.deepEqual(await picture(), {
    works: false,
    refreshes: false,
    again: false,
    more: false,
    another: false,
  });
  assert.equal(await suspend('none'), 'approved');
  assert.deepEqual(await picture(), {
    works: true,
    refreshes: true,
    again: true,
    more: true,
    another: true,
  });
  await suspend('all');
  assert.equal(await verdict(world.clients.disable(id)), 'disabled');
  assert.equal(await suspend('none'), 'not_approved');
  assert.equal((await picture()).works, false);
  assert.equal(await verdict(world.clients.reenable(id)), 'approved');
  assert.equal((await world.server.store.findClient(id))?.suspension, 'none');
  assert.equal((await picture()).works, true);
  await world.close();
});

test('a suspension that holds already writes nothing; one of no name is refused', async () => {
  const { submit, clients, id, now, trail, store } = await desk();
  assert.equal(await verdict(submit(OPERATOR, 'halt', { suspension: 'all' })), 'not_approved');
  await clients.approve(id);
  assert.equal(await verdict(submit(OPERATOR, 'halt', { suspension: 'new-consents' })), 'approved');
  const { recordVersion } = await now();
  assert.equal(await verdict(submit(OPERATOR, 'halt', { suspension: 'new-consents' })), 'approved');
  assert.equal(
    await verdict(submit(OPERATOR, 'halt', { suspension: 'everything' })),
    'invalid_field',
  );
  assert.equal((await now()).recordVersion, recordVersion);
  assert.deepEqual(await trail(), ['propose', 'approve', 'halt']);
  await store.close();
});

// Who may hide, and act on what is hidden (registry 3.5–3.8).

const M = RIGHTS.review;
const S = RIGHTS.suppress;
const ladder: readonly (readonly [
  action: string,
  stage: string,
  hidden: boolean,
  suppress: boolean | null,
  rights: readonly string[],
  got: string,
])[] = [
  ['approve', 'proposed', false, null, [], `needs ${M}`],
  ['approve', 'proposed', false, null, [S], `needs ${M}`],
  ['approve', 'proposed', false, null, [M], 'approved'],
  ['approve', 'rejected', true, null, [M], `needs ${S}`],
  ['approve', 'rejected', true, null, [M, S], 'approved'],
  ['reject', 'proposed', false, false, [M], 'rejected'],
  ['reject', 'proposed', false, true, [M], `needs ${S}`],
  ['reject', 'proposed', false, true, [M, S], 'rejected hidden'],
  ['reject', 'proposed', true, false, [M], `needs ${S}`],
  ['disable', 'approved', false, true, [M], `needs ${S}`],
  ['disable', 'approved', false, true, [M, S], 'disabled hidden'],
  ['disable', 'disabled', false, false, [M], 'not_approved'],
  ['disable', 'rejected', false, true, [M, S], 'disabled hidden'],
  ['disable', 'disabled', true, false, [M], `needs ${S}`],
  ['disable', 'disabled', true, false, [M, S], 'disabled'],
  ['disable', 'disabled', true, true, [M, S], 'not_approved'],
  ['reenable', 'disabled', true, null, [M], `needs ${S}`],
  ['reenable', 'disabled', true, null, [M, S], 'approved'],
  ['reenable', 'approved', false, null, [M, S], 'not_disabled'],
  ['halt', 'approved', true, null, [M], `needs ${S}`],
];
for (const [action, stage, hidden, suppress, rights, got] of ladder) {
  const asked = suppress === null ? '' : suppress ? ', to hide it' : ', not to hide it';
  test(`${action} of ${hidden ? 'hidden ' : ''}${stage}${asked}, with ${rights.join(' and ') || 'no right'}: ${got}`, async () => {
    const { submit, rita, store, now } = await desk();
    const client = { ...(await now()), stage, suppressed: hidden } as Client;
    const line = {
      at: client.stageAt,
      action: 'test',
      actorId: null,
      via: 'job',
      address: null,
      reason: '',
      changes: [],
    } as const;
    const effects = [{ kind: 'save-client', client }] as const;
    await store.applyChange({
      recordVersion: client.recordVersion,
      effects,
      audit: { ...line, clientId: client.id },
      notifications: [],
    });
    const before = await now();
    const answer = await submit(
      as(rita, ...rights),
      action,
      suppress === null ? { suspension: 'all' } : { suppress },
    );
    const right =
      !answer.ok && answer.refusal.kind === 'permission_denied'
        ? `needs ${answer.refusal.right}`
        : undefined;
    const end = answer.ok
      ? `${answer.value.client.stage}${answer.value.client.suppressed ? ' hidden' : ''}`
      : (right ?? answer.refusal.kind);
    assert.equal(end, got);
    if (!answer.ok) assert.deepEqual(await now(), before);
    await store.close();
  });
}

test('who may not hide learns that before whether the app exists', async () => {
  const { submit, rita, store } = await desk();
  const values = { clientId: 'f'.repeat(32), suppress: true };
  assert.equal(await verdict(submit(as(rita, M), 'disable', values)), 'permission_denied');
  assert.equal(await verdict(submit(as(rita, M, S), 'disable', values)), 'invalid_consumer_key');
  await store.close();
});

// Nothing may be written.

for (const action of [...Object.keys(actions), 'no such action']) {
  test(`read-only refuses ${action}, also to the operator; who may not come at all hears that first`, async () => {
    const world = await registry({ readOnly: 'moving house' });
    const submit = (actor: Actor) => world.registry.submit(actor, action, {});
    const every = as(world.owner, ...Object.values(RIGHTS));
    for (const actor of [OPERATOR, JOB, every])
      assert.deepEqual(await submit(actor), {
        ok: false,
        refusal: { kind: 'readonly', reason: 'moving house' },
      });
    assert.equal(await verdict(submit(as(null, ...Object.values(RIGHTS)))), 'not_logged_in');
    const own = action === 'accept' || action === 'renounce';
    const blocked = { ...every, account: { ...world.owner, blocked: true } } as Actor;
    assert.equal(await verdict(submit(blocked)), own ? 'readonly' : 'user_blocked');
    assert.deepEqual(await world.store.listAudit({ limit: 1 }), []);
    await world.store.close();
  });
}

test('an action nobody knows, and names that every object has', async () => {
  const { submit, store } = await desk();
  for (const name of ['delete', '', 'toString', '__proto__', 'x'.repeat(100)]) {
    const answer = await submit(OPERATOR, name);
    assert.deepEqual(answer, {
      ok: false,
      refusal: { kind: 'invalid_field_action', asked: name.slice(0, 64) },
    });
  }
  await store.close();
});

// Idle proposals.

test('a proposal expires after the limit, not on its last second; people hear nothing', async () => {
  const {
    registry: room,
    store,
    pass,
    now,
    id,
    submit,
  } = await desk({ webhookEndpoints: ['ops'] });
  pass(IDLE);
  assert.equal(await room.expireIdle(), 0);
  assert.equal(await verdict(submit(JOB, 'expire')), 'nothing_to_do');
  pass(1);
  assert.equal(await room.expireIdle(), 1);
  assert.equal(await room.expireIdle(), 0);
  const client = await now();
  assert.deepEqual(
    [client.stage, client.stageAt, client.recordVersion],
    ['expired', client.registeredAt + IDLE + 1, 1],
  );
  const [line] = await store.listAudit({ clientId: id, limit: 1 });
  assert.deepEqual([line?.action, line?.actorId, line?.via], ['expire', null, 'job']);
  assert.deepEqual(line?.changes, [{ field: 'stage', before: 'proposed', after: 'expired' }]);
  assert.ok(
    (await store.listNotifications({ limit: 9 }))
      .filter(isNotification)
      .every(({ target }) => target.kind === 'webhook'),
  );
  await store.close();
});

test('only proposals expire, only by scheduled work, and never without a limit or in read-only mode', async () => {
  const approved = await desk();
  await approved.clients.approve(approved.id);
  approved.pass(2 * IDLE);
  assert.equal(await approved.registry.expireIdle(), 0);
  assert.equal(await verdict(approved.submit(JOB, 'expire')), 'not_proposed');
  assert.equal(
    await verdict(approved.submit(as(approved.rita, ...Object.values(RIGHTS)), 'expire')),
    'permission_denied',
  );
  await approved.store.close();
  const endless = await desk({ idleProposalTtlSeconds: null });
  endless.pass(100 * IDLE);
  assert.equal(await endless.registry.expireIdle(), 0);
  assert.equal(await verdict(endless.submit(JOB, 'expire')), 'nothing_to_do');
  await endless.store.close();
  const still = await registry({ readOnly: 'moving house', idleProposalTtlSeconds: seconds(0) });
  still.pass(IDLE);
  assert.equal(await still.registry.expireIdle(), 0);
  await still.store.close();
});

// What was seen is what is decided on.

test('an etag is good for its viewer, its app and its record version alone', async () => {
  const { registry: room, submit, rita, ron, now, clients, owner, store } = await desk();
  const other = await clients.create(app({ name: 'Other' }), owner, { approve: false });
  assert.ok(other.ok);
  const client = await now();
  const [hers, his] = [as(rita, M), as(ron, M)];
  const good = room.etagFor(hers, client);
  assert.match(good, /^[0-9a-f]{40}$/);
  const next = room.etagFor(hers, { ...client, recordVersion: client.recordVersion + 1 });
  const tokens: readonly (readonly [name: string, token: string])[] = [
    ["another viewer's", room.etagFor(his, client)],
    ["the operator's", room.etagFor(OPERATOR, client)],
    ["another app's", room.etagFor(hers, other.value.client)],
    ['of another record version', next],
    ['of a record version nobody was shown', next.slice(0, 8) + good.slice(8)],
    ['made up', `${good.slice(0, 8)}${'0'.repeat(32)}`],
  ];
  for (const [name, etag] of tokens) {
    const answer = await submit(hers, 'approve', { etag });
    assert.equal(answer.ok || answer.refusal.kind, 'change_conflict', name);
    assert.deepEqual(
      !answer.ok && answer.refusal.kind === 'change_conflict' && answer.refusal.since,
      [],
      name,
    );
  }
  for (const etag of ['', good.toUpperCase(), `${good}0`, 7])
    assert.equal(await verdict(submit(hers, 'approve', { etag })), 'invalid_field');
  assert.deepEqual(await now(), client);
  assert.equal(await verdict(submit(hers, 'approve', { etag: good })), 'approved');
  await store.close();
});

test('a page must name what it showed; whoever shows nothing need not', async () => {
  const { submit, rita, store } = await desk();
  const page = personActor(rita, new Set([M]), 'page');
  assert.deepEqual(await submit(page, 'approve'), {
    ok: false,
    refusal: { kind: 'missing_field', field: 'etag' },
  });
  assert.equal(await verdict(submit(as(rita, M), 'approve')), 'approved');
  await store.close();
});

test('a stale decision is told what happened since, oldest first and without what people consented to', async () => {
  const { registry: room, submit, consents, user, rita, clients, id, now, store } = await desk();
  await clients.approve(id, { reason: 'fine' });
  const hers = as(rita, M);
  const etag = room.etagFor(hers, await now());
  await clients.suspend(id, 'new-consents', { reason: 'odd traffic' });
  await clients.suspend(id, 'none', { reason: 'explained' });
  await consents.accept(await now(), user, ['basic']);
  const answer = await submit(hers, 'disable', { suppress: false, etag });
  assert.ok(!answer.ok && answer.refusal.kind === 'change_conflict');
  assert.deepEqual(
    answer.refusal.since.map(({ action, reason, recordVersion }) => [
      action,
      reason,
      recordVersion,
    ]),
    [
      ['halt', 'odd traffic', 2],
      ['halt', 'explained', 3],
    ],
  );
  assert.equal((await now()).stage, 'approved');
  assert.equal(
    await verdict(
      submit(hers, 'disable', {
        suppress: false,
        etag: room.etagFor(hers, await now()),
      }),
    ),
    'disabled',
  );
  await store.close();
});

// What switching off would stop.

test('impact: people with a consent, tokens that would be accepted, calls that were let through', async () => {
  const world = new TestServer();
  const [ada, ben, cleo] = [
    await world.createPerson('Ada'),
    await world.createPerson('Ben'),
    await world.createPerson('Cleo'),
  ];
  const web = await world.createClient(ada, {
    name: 'web',
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  });
  const other = await world.createClient(ada, {
    name: 'other',
    grantTypes: ['client_credentials'],
  });
  const post = async (made: typeof web, path: string, form: string) =>
    (
      await world.app.inject({
        method: 'POST',
        url: path,
        payload: form,
        headers: {
          authorization: basicHeader(made.client.id, made.secret),
          'content-type': 'application/x-www-form-urlencoded',
        },
      })
    ).json();
  const impact = async () => {
    await world.server.flushUsage();
    const { users, tokens, calls } = await world.server.services.registry.impact(web.client.id);
    return [users, tokens, calls];
  };
  assert.deepEqual(await impact(), [0, 0, 0]);
  const tokens: string[] = [];
  for (const user of [ben, cleo]) {
    const code = await world.issueCode(web, user);
    const form = `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(web.client.redirectUri)}`;
    tokens.push((await post(web, '/oauth2/token', form)).access_token);
  }
  await post(other, '/oauth2/token', 'grant_type=client_credentials');
  assert.deepEqual(await impact(), [2, 4, 0], 'each has an access token and a refresh token');
  await post(web, '/oauth2/token', 'grant_type=client_credentials');
  assert.deepEqual(await impact(), [2, 5, 0]);
  for (let call = 0; call < 3; call++)
    assert.equal((await post(web, '/oauth2/introspect', `token=${tokens[0]}`)).active, true);
  assert.equal((await post(web, '/oauth2/introspect', 'token=unknown')).active, false);
  assert.deepEqual(await impact(), [2, 5, 3]);
  await world.app.inject({
    method: 'POST',
    url: '/oauth2/revoke',
    payload: `token=${tokens[0]}`,
    headers: {
      authorization: basicHeader(web.client.id, web.secret),
      'content-type': 'application/x-www-form-urlencoded',
    },
  });
  assert.deepEqual(await impact(), [2, 4, 3]);
  const [consent] = await world.consents.list(cleo);
  assert.equal(consent && (await world.consents.revoke(consent.id, cleo)), 'renounced');
  assert.deepEqual(await impact(), [1, 2, 3], 'both tokens of Cleo are gone');
  world.advanceClock(3599);
  assert.deepEqual(await impact(), [1, 2, 3]);
  world.advanceClock(1);
  assert.deepEqual(await impact(), [1, 1, 3], 'the access token of the app itself ran out');
  world.advanceClock(24 * 3600);
  assert.deepEqual(await impact(), [1, 1, 0]);
  await world.close();
});

test('impact counts OAuth 1 pairs, and the token of an owner-only app for as long as its consent stands', async () => {
  const world = new TestServer();
  const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  const classic = await world.createClient(ada, { name: 'classic', protocol: 'oauth1' });
  const mine = await world.createClient(ada, {
    name: 'mine',
    ownerOnly: true,
    grantTypes: ['client_credentials'],
    redirectUri: '',
  });
  const { registry: room } = world.server.services;
  await world.consents.accept(classic.client, ben, []);
  assert.deepEqual(await room.impact(classic.client.id), { users: 1, tokens: 1, calls: 0 });
  world.advanceClock(100 * 86_400);
  assert.deepEqual(await room.impact(mine.client.id), { users: 1, tokens: 1, calls: 0 });
  const [consent] = (await world.consents.list(ada)).filter(
    ({ clientId }) => clientId === mine.client.id,
  );
  assert.equal(consent && (await world.consents.revoke(consent.id, ada)), 'renounced');
  assert.deepEqual(await room.impact(mine.client.id), { users: 0, tokens: 0, calls: 0 });
  await world.close();
});
