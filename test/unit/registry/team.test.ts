import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { SiteId, UserId } from '#kernel/ids.ts';
import type { ActionOutcome, ActionResult } from '#registry/actions/context.ts';
import { MAX_MAINTAINERS } from '#registry/actions/people.ts';
import { type Actor, OPERATOR, RIGHTS } from '#registry/actor.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import type { Client } from '#registry/model/client.ts';
import { isNotification } from '#registry/notifications/notification.ts';
import { app, registry } from './world.ts';

const as = (account: Account | null, ...rights: readonly string[]) =>
  personActor(account, new Set(rights));
/** As developers are: they propose, and look after their own. */
const dev = (account: Account | null) => as(account, RIGHTS.propose, RIGHTS.updateOwn);
const kindOf = async (ran: ActionResult) => {
  const answer = await ran;
  return answer.ok ? 'accepted' : answer.refusal.kind;
};
const kept = { ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] } as const;

/**
 * An approved app of Olga's; Mia maintains it, Ina is invited, Nick is to get it, Sam has nothing
 * to do with it.
 */
async function desk(proposal: Partial<ClientProposal> = {}, approve = true) {
  const world = await registry();
  const names = ['Mia', 'Ina', 'Nick', 'Sam', 'Rita'];
  const [mia, ina, nick, sam, rita] = (await Promise.all(names.map(world.person))) as [
    Account,
    Account,
    Account,
    Account,
    Account,
  ];
  const made = await world.clients.create(app(proposal), world.owner, { approve });
  assert.ok(made.ok, JSON.stringify(made));
  const { id } = made.value.client;
  const submit = (actor: Actor, action: string, values: object = {}) =>
    world.registry.submit(actor, action, { clientId: id, reason: '', ...values });
  const { owner } = world;
  if (!proposal.ownerOnly && approve) {
    for (const { id: userId } of [mia, ina])
      assert.equal(await kindOf(submit(dev(owner), 'invite', { userId })), 'accepted');
    assert.equal(await kindOf(submit(dev(mia), 'join')), 'accepted');
  }
  const people = { owner, mia, ina, nick, sam, rita };
  return {
    ...world,
    ...{ id, made: made.value, submit, people, ...people },
    now: async () => (await world.store.findClient(id)) as Client,
    team: async () =>
      (await world.store.teamOf(id)).maintainers.map(({ userId, acceptedAt }) => [
        userId,
        acceptedAt !== null,
      ]),
    offered: async () => (await world.store.teamOf(id)).offer?.toId,
    line: async () => (await world.store.listAudit({ clientId: id, limit: 1 }))[0],
    /** Who was told of the latest change. */
    told: async () => {
      const { recordVersion } = (await world.store.findClient(id)) as Client;
      const notices = (await world.store.listNotifications({ limit: 99 })).filter(isNotification);
      const last = notices.filter(({ key }) => key.startsWith(`${id}-${recordVersion}-`));
      return last
        .map(({ target }) => (target.kind === 'mail' ? target.userId : 0))
        .sort((one, other) => one - other);
    },
  };
}

// Maintainers.

test('invited, nobody yet; joined, a maintainer; gone, nobody again', async () => {
  const { submit, owner, sam, id, store, team, line, told, mia, ina } = await desk();
  const before = await team();
  assert.deepEqual(before, [
    [mia.id, true],
    [ina.id, false],
  ]);
  assert.equal(await kindOf(submit(dev(owner), 'invite', { userId: sam.id })), 'accepted');
  assert.deepEqual(await told(), [sam.id]);
  assert.deepEqual((await line())?.changes, [
    { field: 'maintainers', before: null, after: { invited: sam.id } },
  ]);
  assert.deepEqual(await store.invitationsOf(sam.id), [{ clientId: id, kind: 'maintain' }]);
  assert.deepEqual(await store.listClients({ managerId: sam.id }), []);
  assert.equal(
    await kindOf(submit(dev(sam), 'add-secret', { label: 'mine' })),
    'permission_denied',
  );

  assert.equal(await kindOf(submit(as(sam), 'join')), 'accepted');
  assert.deepEqual(await told(), [owner.id]);
  assert.deepEqual((await line())?.changes, [
    { field: 'maintainers', before: { invited: sam.id }, after: { accepted: sam.id } },
  ]);
  assert.deepEqual(await store.invitationsOf(sam.id), []);
  assert.deepEqual(
    (await store.listClients({ managerId: sam.id })).map((client) => client.id),
    [id],
  );
  assert.equal(await kindOf(submit(dev(sam), 'add-secret', { label: 'mine' })), 'accepted');
  assert.deepEqual(
    await told(),
    [owner.id, mia.id],
    'not whom it was done by, nor who has not said yes',
  );

  assert.equal(await kindOf(submit(as(sam), 'leave', { userId: sam.id })), 'accepted');
  assert.deepEqual(await told(), [owner.id]);
  assert.deepEqual((await line())?.changes, [
    { field: 'maintainers', before: { accepted: sam.id }, after: null },
  ]);
  assert.deepEqual(await store.listClients({ managerId: sam.id }), []);
  assert.equal(
    await kindOf(submit(dev(sam), 'add-secret', { label: 'mine' })),
    'permission_denied',
  );
  assert.deepEqual(await team(), before);
  await store.close();
});

const may: readonly (readonly [
  action: string,
  values: object,
  owner: boolean,
  maintainer: boolean,
  invited: boolean,
])[] = [
  ['revise', { name: 'Writer' }, true, true, false],
  ['revise', { scopes: [] }, true, true, false],
  ['update', { resetSecret: true }, true, true, false],
  ['update', { resetSecret: false, restrictions: { addresses: ['192.0.2.1'] } }, true, true, false],
  ['add-secret', { label: 'next' }, true, true, false],
  ['invite', { userId: 'sam' }, true, false, false],
  ['offer', { userId: 'sam' }, true, false, false],
  ['leave', { userId: 'mia' }, true, true, false],
  ['leave', { userId: 'ina' }, true, false, true],
  ['approve', {}, false, false, false],
  ['disable', { suppress: false }, false, false, false],
  ['halt', { suspension: 'all' }, false, false, false],
];
for (const [action, values, ...wanted] of may) {
  for (const [index, who] of (['owner', 'mia', 'ina', 'sam'] as const).entries()) {
    const allowed = wanted[index] ?? false;
    const role = {
      owner: 'the owner',
      mia: 'a maintainer',
      ina: 'somebody invited',
      sam: 'somebody else',
    }[who];
    test(`${action} ${JSON.stringify(values)}: ${role} ${allowed ? 'may' : 'may not'}`, async () => {
      const { submit, people, now, store } = await desk();
      const { userId } = values as { userId?: keyof typeof people };
      const before = await now();
      const answer = await kindOf(
        submit(dev(people[who]), action, {
          ...values,
          ...(userId ? { userId: people[userId].id } : {}),
        }),
      );
      assert.equal(answer, allowed ? 'accepted' : 'permission_denied');
      if (!allowed) assert.deepEqual(await now(), before);
      await store.close();
    });
  }
}

test('a maintainer withdraws what the owner proposed, and the other way round', async () => {
  const { submit, owner, mia, store, id } = await desk();
  for (const [one, other] of [
    [owner, mia],
    [mia, owner],
  ] as const) {
    assert.equal(await kindOf(submit(dev(one), 'revise', { name: 'Writer' })), 'accepted');
    const open = await store.openRevision(id);
    assert.equal(open?.proposedBy, one.id);
    assert.equal(
      await kindOf(submit(dev(other), 'withdraw-revision', { revisionId: open.id })),
      'accepted',
    );
  }
  await store.close();
});

test('without the right to update, a maintainer may only leave', async () => {
  const { submit, mia, store } = await desk();
  const answer = await submit(as(mia), 'revise', { name: 'Writer' });
  assert.deepEqual(answer, {
    ok: false,
    refusal: { kind: 'permission_denied', right: RIGHTS.updateOwn },
  });
  assert.equal(await kindOf(submit(as(mia), 'leave', { userId: mia.id })), 'accepted');
  await store.close();
});

const uninvited: readonly (readonly [
  name: string,
  proposal: Partial<ClientProposal>,
  prepare: string | null,
  whom: string,
  refusal: object,
])[] = [
  ['an owner-only app', kept, null, 'sam', { kind: 'permission_denied', right: null }],
  ['a disabled app', {}, 'disable', 'sam', { kind: 'permission_denied', right: null }],
  ['a hidden app', {}, 'hide', 'sam', { kind: 'permission_denied', right: null }],
  ['nobody we know', {}, null, 'nobody', { kind: 'not_found', what: 'person' }],
  ['somebody blocked', {}, 'block', 'sam', { kind: 'not_found', what: 'person' }],
  ['the owner', {}, null, 'owner', { kind: 'nothing_to_do', field: 'userId' }],
  ['a maintainer', {}, null, 'mia', { kind: 'nothing_to_do', field: 'userId' }],
  ['somebody invited', {}, null, 'ina', { kind: 'nothing_to_do', field: 'userId' }],
];
for (const [name, proposal, prepare, whom, refusal] of uninvited) {
  test(`no invitation: ${name}`, async () => {
    const { submit, people, clients, id, owner, team, store } = await desk(proposal);
    if (prepare === 'block') await store.setBlocked(people.sam.id, true);
    else if (prepare) assert.ok((await clients.disable(id, { suppress: prepare === 'hide' })).ok);
    const before = await team();
    const userId = (people as Record<string, Account>)[whom]?.id ?? 999;
    assert.deepEqual(await submit(dev(owner), 'invite', { userId }), { ok: false, refusal });
    assert.deepEqual(await team(), before);
    await store.close();
  });
}

test(`${MAX_MAINTAINERS} maintainers at most, those invited included`, async () => {
  const { submit, owner, person, team, mia, store } = await desk();
  while ((await team()).length < MAX_MAINTAINERS)
    assert.equal(
      await kindOf(
        submit(dev(owner), 'invite', { userId: (await person(`P${(await team()).length}`)).id }),
      ),
      'accepted',
    );
  const last = (await person('Last')).id;
  const most = {
    ok: false,
    refusal: { kind: 'too_many', what: 'maintainers', most: MAX_MAINTAINERS },
  };
  assert.deepEqual(await submit(dev(owner), 'invite', { userId: last }), most);
  assert.equal(await kindOf(submit(dev(owner), 'leave', { userId: mia.id })), 'accepted');
  assert.equal(await kindOf(submit(dev(owner), 'invite', { userId: last })), 'accepted');
  await store.close();
});

test('nobody joins uninvited, or twice; nobody leaves who is not there', async () => {
  const { submit, owner, mia, sam, store } = await desk();
  assert.deepEqual(await submit(dev(sam), 'join'), {
    ok: false,
    refusal: { kind: 'not_found', what: 'offer' },
  });
  assert.deepEqual(await submit(dev(owner), 'join'), {
    ok: false,
    refusal: { kind: 'not_found', what: 'offer' },
  });
  assert.deepEqual(await submit(OPERATOR, 'join'), {
    ok: false,
    refusal: { kind: 'not_found', what: 'offer' },
  });
  assert.deepEqual(await submit(dev(mia), 'join'), {
    ok: false,
    refusal: { kind: 'nothing_to_do', field: 'maintainers' },
  });
  assert.deepEqual(await submit(dev(owner), 'leave', { userId: sam.id }), {
    ok: false,
    refusal: { kind: 'not_found', what: 'maintainer' },
  });
  assert.equal(await kindOf(submit(dev(owner), 'leave', { userId: 'mia' })), 'invalid_field');
  await store.close();
});

// Another owner.

test('an offer changes nothing until it is accepted; then the app has another owner', async () => {
  const {
    submit,
    owner,
    mia,
    nick,
    ina,
    id,
    now,
    made,
    offered,
    store,
    line,
    told,
    team,
    clock,
    pass,
  } = await desk();
  const before = await now();
  assert.equal(
    await kindOf(submit(dev(owner), 'offer', { userId: nick.id, reason: 'I am leaving' })),
    'accepted',
  );
  assert.deepEqual(await now(), { ...before, recordVersion: before.recordVersion + 1 });
  assert.deepEqual([await offered(), await told()], [nick.id, [nick.id]]);
  assert.deepEqual((await line())?.changes, [{ field: 'offer', before: null, after: nick.id }]);
  assert.deepEqual(await store.invitationsOf(nick.id), [{ clientId: id, kind: 'own' }]);
  assert.equal(
    await kindOf(submit(dev(nick), 'update', { resetSecret: true })),
    'permission_denied',
  );
  pass(60);
  assert.equal(await kindOf(submit(dev(nick), 'accept-offer')), 'accepted');
  const after = await now();
  // The old owner knows the secrets: they end in a week.
  const secrets = made.client.secrets.map((secret) => ({
    ...secret,
    expiresAt: clock.now() + 7 * 86_400,
  }));
  assert.deepEqual(after, {
    ...before,
    ownerId: nick.id,
    email: nick.email,
    secrets,
    recordVersion: before.recordVersion + 2,
  });
  assert.equal(after.stageAt, clock.now() - 60);
  assert.deepEqual((await line())?.changes, [
    { field: 'ownerId', before: owner.id, after: nick.id },
  ]);
  assert.deepEqual(await told(), [owner.id, mia.id]);
  assert.deepEqual([await offered(), await store.invitationsOf(nick.id)], [undefined, []]);
  assert.deepEqual(await team(), [
    [mia.id, true],
    [ina.id, false],
  ]);
  for (const action of ['add-secret', 'revise'])
    assert.equal(
      await kindOf(submit(dev(owner), action, { label: 'x', name: 'x' })),
      'permission_denied',
    );
  assert.equal(await kindOf(submit(dev(nick), 'add-secret', { label: 'new' })), 'accepted');
  await store.close();
});

test('a maintainer who becomes the owner is no maintainer any more', async () => {
  const { submit, owner, mia, ina, team, now, store } = await desk();
  await submit(dev(owner), 'offer', { userId: mia.id });
  assert.equal(await kindOf(submit(dev(mia), 'accept-offer')), 'accepted');
  assert.deepEqual([await team(), (await now()).ownerId], [[[ina.id, false]], mia.id]);
  await store.close();
});

test('a later offer takes the place of an earlier one, and the trail says so', async () => {
  const { submit, owner, nick, sam, offered, line, store } = await desk();
  await submit(dev(owner), 'offer', { userId: nick.id });
  assert.equal(await kindOf(submit(dev(owner), 'offer', { userId: sam.id })), 'accepted');
  assert.deepEqual((await line())?.changes, [{ field: 'offer', before: nick.id, after: sam.id }]);
  assert.deepEqual(await submit(dev(nick), 'accept-offer'), {
    ok: false,
    refusal: { kind: 'not_found', what: 'offer' },
  });
  assert.equal(await offered(), sam.id);
  await store.close();
});

test("an offer is nobody else's, and nobody can take one that was not made", async () => {
  const { submit, owner, mia, nick, sam, rita, offered, now, store } = await desk();
  const none = { ok: false, refusal: { kind: 'not_found', what: 'offer' } };
  for (const action of ['accept-offer', 'decline-offer'])
    assert.deepEqual(await submit(dev(nick), action), none);
  await submit(dev(owner), 'offer', { userId: nick.id });
  for (const actor of [
    dev(owner),
    dev(mia),
    dev(sam),
    as(rita, ...Object.values(RIGHTS)),
    OPERATOR,
  ]) {
    if (actor !== OPERATOR) assert.deepEqual(await submit(actor, 'accept-offer'), none);
    else assert.equal(await kindOf(submit(actor, 'accept-offer')), 'not_found');
  }
  for (const actor of [dev(mia), dev(sam), as(rita, ...Object.values(RIGHTS))])
    assert.deepEqual(await submit(actor, 'decline-offer'), {
      ok: false,
      refusal: { kind: 'permission_denied', right: null },
    });
  assert.deepEqual([await offered(), (await now()).ownerId], [nick.id, owner.id]);
  await store.close();
});

for (const who of ['nick', 'owner', 'operator'] as const) {
  test(`an offer ends by ${{ nick: 'whom it was made to', owner: 'the owner', operator: 'the operator' }[who]}`, async () => {
    const { submit, people, owner, nick, offered, line, told, store } = await desk();
    await submit(dev(owner), 'offer', { userId: nick.id });
    assert.equal(
      await kindOf(submit(who === 'operator' ? OPERATOR : as(people[who]), 'decline-offer')),
      'accepted',
    );
    assert.equal(await offered(), undefined);
    assert.deepEqual((await line())?.changes, [{ field: 'offer', before: nick.id, after: null }]);
    // Whoever did not answer hears no more of it.
    assert.deepEqual(await told(), who === 'nick' ? [owner.id] : []);
    assert.equal(await kindOf(submit(dev(nick), 'accept-offer')), 'not_found');
    await store.close();
  });
}

const unaccepted: readonly (readonly [
  name: string,
  prepare: (world: Awaited<ReturnType<typeof desk>>) => Promise<unknown>,
  refusal: object,
])[] = [
  [
    'without the right to propose',
    async () => {},
    { kind: 'permission_denied', right: RIGHTS.propose },
  ],
  ['with an address that is not confirmed', async () => {}, { kind: 'email_not_confirmed' }],
  [
    'with an app of that name and version',
    ({ clients, nick }) => clients.create(app(), nick, { approve: false }),
    { kind: 'consumer_exists', version: null },
  ],
  [
    'of an app that was disabled since',
    ({ clients, id }) => clients.disable(id),
    { kind: 'permission_denied', right: null },
  ],
  [
    'of an app that was hidden since',
    ({ clients, id }) => clients.disable(id, { suppress: true }),
    { kind: 'permission_denied', right: null },
  ],
];
for (const [name, prepare, refusal] of unaccepted) {
  test(`no offer is accepted ${name}`, async () => {
    const world = await desk();
    const { submit, owner, nick, offered, now, store } = world;
    await submit(dev(owner), 'offer', { userId: nick.id });
    await prepare(world);
    const rights = name.startsWith('without') ? as(nick, RIGHTS.updateOwn) : dev(nick);
    const actor = name.includes('address') ? dev({ ...nick, emailConfirmedAt: null }) : rights;
    assert.deepEqual(await submit(actor, 'accept-offer'), { ok: false, refusal });
    assert.deepEqual([await offered(), (await now()).ownerId], [nick.id, owner.id]);
    await store.close();
  });
}

for (const [name, stage, whom, refusal] of [
  ['of a disabled app', 'disable', 'nick', { kind: 'permission_denied', right: null }],
  ['of a rejected app', 'reject', 'nick', { kind: 'permission_denied', right: null }],
  ['to nobody we know', null, 'nobody', { kind: 'not_found', what: 'person' }],
  ['to somebody blocked', 'block', 'nick', { kind: 'not_found', what: 'person' }],
  ['to the owner', null, 'owner', { kind: 'nothing_to_do', field: 'userId' }],
] as const) {
  test(`no offer ${name}`, async () => {
    const { submit, clients, people, id, owner, offered, store } = await desk(
      {},
      stage !== 'reject',
    );
    if (stage === 'block') await store.setBlocked(people.nick.id, true);
    else if (stage) assert.ok((await clients[stage](id)).ok);
    const userId = (people as Record<string, Account>)[whom]?.id ?? 999;
    assert.deepEqual(await submit(dev(owner), 'offer', { userId }), { ok: false, refusal });
    assert.equal(await offered(), undefined);
    await store.close();
  });
}

test('a proposal can be given away too', async () => {
  const { submit, owner, nick, now, store } = await desk({}, false);
  await submit(dev(owner), 'offer', { userId: nick.id });
  assert.equal(await kindOf(submit(dev(nick), 'accept-offer')), 'accepted');
  assert.deepEqual([(await now()).stage, (await now()).ownerId], ['proposed', nick.id]);
  await store.close();
});

test('consents of people stay with the app', async () => {
  const { submit, owner, nick, user, consents, now, store } = await desk();
  const consent = await consents.accept(await now(), user, ['basic']);
  await submit(dev(owner), 'offer', { userId: nick.id });
  await submit(dev(nick), 'accept-offer');
  assert.deepEqual(await store.listConsents(user.id), [consent]);
  await store.close();
});

// Apps whose owner is gone.

test('an app whose owner is blocked is listed, and a reviewer finds it another', async () => {
  const { submit, owner, nick, rita, id, clients, user, now, store } = await desk();
  assert.ok((await clients.create(app({ name: 'Fine' }), user, { approve: true })).ok);
  const orphans = async () =>
    (await store.listClients({ orphaned: true })).map((client) => client.id);
  const reviewer = as(rita, RIGHTS.review);
  assert.deepEqual(await orphans(), []);
  assert.equal(await kindOf(submit(reviewer, 'offer', { userId: nick.id })), 'permission_denied');
  await store.setBlocked(owner.id, true);
  assert.deepEqual([await orphans(), await store.countClients({ orphaned: true })], [[id], 1]);
  assert.equal((await store.listClients({ orphaned: false })).length, 1);
  assert.equal(
    await kindOf(submit(as(rita, RIGHTS.updateOwn), 'offer', { userId: nick.id })),
    'permission_denied',
  );
  assert.equal(await kindOf(submit(reviewer, 'invite', { userId: nick.id })), 'permission_denied');
  assert.equal(await kindOf(submit(reviewer, 'offer', { userId: nick.id })), 'accepted');
  assert.equal(
    await kindOf(submit(reviewer, 'decline-offer')),
    'accepted',
    'who offered takes it back',
  );
  assert.equal(await kindOf(submit(reviewer, 'offer', { userId: nick.id })), 'accepted');
  assert.equal(await kindOf(submit(dev(nick), 'accept-offer')), 'accepted');
  assert.deepEqual([await orphans(), (await now()).ownerId], [[], nick.id]);
  await store.close();
});

test('a blocked person does nothing with what was theirs', async () => {
  const { submit, owner, mia, nick, store } = await desk();
  for (const account of [owner, mia]) {
    const blocked = dev({ ...account, blocked: true });
    for (const action of ['revise', 'add-secret', 'offer', 'leave', 'accept-offer'])
      assert.equal(
        await kindOf(submit(blocked, action, { userId: nick.id, label: 'x', name: 'x' })),
        'user_blocked',
      );
  }
  await store.close();
});

// Owner-only apps act as their owner: with another owner the old credential is over.

for (const protocol of ['oauth1', 'oauth2'] as const) {
  test(`an owner-only ${protocol} app given away: the old credential ends, the new owner resets it for their own`, async () => {
    const world = new TestServer();
    const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
    const kind = protocol === 'oauth1' ? { ...kept, grantTypes: [] } : kept;
    const made = await world.createClient(ada, { name: 'mine', ...kind, protocol });
    const { id } = made.client;
    const submit = (actor: Actor, action: string, values: object = {}) =>
      world.server.services.registry.submit(actor, action, { clientId: id, reason: '', ...values });
    /** For whom a credential acts; null: it does not. */
    const actsFor = async (held: ActionOutcome, secret = held.secret): Promise<UserId | null> => {
      const { credentials, accessToken } = held;
      const pair = credentials && { key: credentials.token, secret: credentials.secret };
      const headers = pair
        ? signedHeader(world, 'GET', '/api', { key: id, secret: secret ?? '' }, pair)
        : { authorization: `Bearer ${accessToken}` };
      const sent = {
        method: 'GET',
        target: '/api',
        headers,
        body: undefined,
        address: '192.0.2.1',
        secure: true,
      };
      const permit = await world.server.guard.permit(sent, 'main' as SiteId);
      return permit.ok ? (permit.value.user?.id ?? null) : null;
    };
    /** Whether a client secret alone buys a token. */
    const buys = async (secret: string | null) => {
      const headers = {
        authorization: basicHeader(id, secret ?? ''),
        'content-type': 'application/x-www-form-urlencoded',
      };
      const payload = 'grant_type=client_credentials';
      return (
        (await world.app.inject({ method: 'POST', url: '/oauth2/token', headers, payload }))
          .statusCode === 200
      );
    };
    assert.equal(await actsFor(made), ada.id);
    assert.equal(await kindOf(submit(dev(ada), 'offer', { userId: ben.id })), 'accepted');
    assert.equal(await actsFor(made), ada.id);
    assert.equal(await kindOf(submit(dev(ben), 'accept-offer')), 'accepted');
    assert.deepEqual([await actsFor(made), await buys(made.secret)], [null, false]);
    assert.deepEqual([await world.consents.list(ada), await world.consents.list(ben)], [[], []]);
    assert.equal(
      await kindOf(submit(dev(ada), 'update', { resetSecret: true })),
      'permission_denied',
    );
    world.advanceClock(1);
    const reset = await submit(dev(ben), 'update', { resetSecret: true });
    assert.ok(reset.ok);
    assert.equal(await actsFor(reset.value), ben.id);
    assert.deepEqual(
      [await actsFor(made), await actsFor(made, reset.value.secret), await buys(made.secret)],
      [null, null, false],
    );
    assert.equal(await buys(reset.value.secret), protocol === 'oauth2');
    await world.close();
  });
}
