import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import type { ActionOutcome, ActionResult, RegistrySettings } from '#registry/actions/context.ts';
import { type Actor, OPERATOR, RIGHTS } from '#registry/actor.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import type { NewAuditEntry } from '#registry/audit.ts';
import { acceptedScopes } from '#registry/consent-policy.ts';
import type { Client } from '#registry/model/client.ts';
import type { Revision } from '#registry/model/revision.ts';
import { isNotification } from '#registry/notifications/notification.ts';
import { app, registry, scopes } from './world.ts';

const as = (account: Account | null, ...rights: readonly string[]) =>
  personActor(account, new Set(rights));
const kindOf = async (ran: ActionResult) => {
  const answer = await ran;
  return answer.ok ? 'accepted' : answer.refusal.kind;
};

/** An approved app with two scopes, its owner, and people who review. */
async function desk(
  settings: Partial<RegistrySettings> = {},
  proposal: Partial<ClientProposal> = {},
) {
  const world = await registry(settings);
  const [rita, ron] = [await world.person('Rita'), await world.person('Ron')];
  const made = await world.clients.create(
    app({ scopes: ['editpage', 'sendemail'], ...proposal }),
    world.owner,
    { approve: true },
  );
  assert.ok(made.ok, JSON.stringify(made));
  const { id } = made.value.client;
  const submit = (actor: Actor, action: string, values: object = {}) =>
    world.registry.submit(actor, action, { clientId: id, reason: '', ...values });
  const [hers, reviewer, second] = [
    as(world.owner, RIGHTS.updateOwn),
    as(rita, RIGHTS.review),
    as(ron, RIGHTS.review),
  ];
  return {
    ...world,
    ...{ id, made: made.value, submit, rita, ron, hers, reviewer, second },
    revise: (values: object, actor: Actor = hers) => submit(actor, 'revise', values),
    decide: async (
      action: 'approve' | 'reject' | 'withdraw',
      actor: Actor = action === 'withdraw' ? hers : reviewer,
    ) =>
      submit(actor, `${action}-revision`, {
        revisionId: (await world.store.openRevision(id))?.id ?? 0,
      }),
    now: async () => (await world.store.findClient(id)) as Client,
    open: () => world.store.openRevision(id),
    revisions: async () => (await world.store.listRevisions(id)).map(({ stage }) => stage),
    line: async () => (await world.store.listAudit({ clientId: id, limit: 1 }))[0],
  };
}

const changes = {
  name: 'Reader Pro',
  description: 'Reads more',
  redirectUri: 'https://pro.example/cb',
  site: 'there',
  scopes: ['editpage', 'delete'],
} as const;
const difference = [
  { field: 'name', before: 'Reader', after: 'Reader Pro' },
  { field: 'description', before: 'Reads', after: 'Reads more' },
  { field: 'redirectUri', before: 'https://reader.example/cb', after: 'https://pro.example/cb' },
  { field: 'site', before: '*', after: 'there' },
  {
    field: 'scopes',
    before: ['basic', 'editpage', 'sendemail'],
    after: ['basic', 'editpage', 'delete'],
  },
];
const sorted = (lines: readonly { readonly field: string }[] | undefined) =>
  [...(lines ?? [])].sort((one, other) => (one.field < other.field ? -1 : 1));

test('a revision is opened beside the live app, which stays as it is', async () => {
  const { revise, now, made, open, line, store, owner, clock } = await desk({
    webhookEndpoints: ['ops'],
  });
  assert.equal(await kindOf(revise({ ...changes, reason: 'growing' })), 'accepted');
  assert.deepEqual(await now(), { ...made.client, recordVersion: made.client.recordVersion + 1 });
  const revision = (await open()) as Revision;
  assert.deepEqual(revision.fields, {
    ...changes,
    scopes: ['basic', 'editpage', 'delete'],
    redirectIsPrefix: false,
    optionalScopes: [],
  });
  assert.deepEqual(
    [revision.stage, revision.proposedBy, revision.proposedAt, revision.closedAt],
    ['proposed', owner.id, clock.now(), null],
  );
  const written = await line();
  assert.deepEqual(
    [written?.action, written?.actorId, written?.reason],
    ['revise', owner.id, 'growing'],
  );
  assert.deepEqual(sorted(written?.changes), sorted(difference));
  assert.deepEqual(
    (await store.listClients({ hasOpenRevision: true })).map(({ id }) => id),
    [made.client.id],
  );
  assert.deepEqual(await store.listClients({ hasOpenRevision: false }), []);
  await store.close();
});

test('approved: all of it is in force, and nothing else about the app', async () => {
  const { revise, decide, now, made, line, store, rita, pass, revisions } = await desk();
  await revise(changes);
  pass(60);
  assert.equal(await kindOf(decide('approve')), 'accepted');
  const after = {
    ...made.client,
    ...changes,
    scopes: ['basic', 'editpage', 'delete'],
    recordVersion: made.client.recordVersion + 2,
  };
  assert.deepEqual(await now(), after);
  const written = await line();
  assert.deepEqual([written?.action, written?.actorId], ['approve-revision', rita.id]);
  assert.deepEqual(sorted(written?.changes), sorted(difference));
  assert.deepEqual(await revisions(), ['approved']);
  assert.equal((await store.listRevisions(made.client.id))[0]?.closedAt, made.client.stageAt + 60);
  await store.close();
});

for (const [action, stage] of [
  ['reject', 'rejected'],
  ['withdraw', 'withdrawn'],
] as const) {
  test(`${stage}: the app stays as it was, and cannot be decided on again`, async () => {
    const { revise, decide, submit, reviewer, now, made, open, line, store, revisions } =
      await desk();
    await revise(changes);
    const revisionId = (await open())?.id;
    assert.equal(await kindOf(decide(action)), 'accepted');
    assert.deepEqual(await now(), { ...made.client, recordVersion: made.client.recordVersion + 2 });
    assert.deepEqual((await line())?.changes, [
      { field: 'revision', before: 'proposed', after: stage },
    ]);
    assert.deepEqual(await revisions(), [stage]);
    for (const again of ['approve-revision', 'reject-revision'])
      assert.deepEqual(await submit(reviewer, again, { revisionId }), {
        ok: false,
        refusal: { kind: 'not_found', what: 'revision' },
      });
    await store.close();
  });
}

test('reviewers hear of a revision, the owner of the decision, nobody of what they did themselves', async () => {
  const { revise, decide, store, reviewer, rita, owner, clock } = await desk({
    notifyGroups: ['reviewer'],
  });
  const rex = await store.createAccount({
    ...{
      name: 'Rex',
      email: null,
      emailConfirmedAt: null,
      realName: '',
      groups: ['reviewer'],
      passwordHash: null,
    },
    createdAt: clock.now(),
  });
  assert.ok(rex.outcome === 'created');
  const before = (await store.listNotifications({ limit: 99 })).length;
  await revise(changes);
  await decide('reject', reviewer);
  await revise(changes);
  await decide('withdraw');
  const heard = [...(await store.listNotifications({ limit: 99 })).filter(isNotification)]
    .reverse()
    .slice(before);
  assert.deepEqual(
    heard.map(({ facts, target }) => [facts.event, target.kind === 'mail' && target.userId]),
    [
      ['revise', rex.account.id],
      ['reject-revision', owner.id],
      ['revise', rex.account.id],
    ],
  );
  assert.ok(
    !heard.some(({ target }) => target.kind === 'mail' && target.userId === rita.id),
    'Rita is in no group',
  );
  await store.close();
});

test('a second revise replaces the open one; nothing of the first is left', async () => {
  const { revise, decide, submit, reviewer, now, open, revisions, store } = await desk();
  await revise({ name: 'First', scopes: ['editpage', 'sendemail', 'delete'] });
  const first = await open();
  await revise({ description: 'Second' });
  assert.deepEqual(await revisions(), ['proposed', 'withdrawn']);
  assert.equal(
    await kindOf(submit(reviewer, 'approve-revision', { revisionId: first?.id })),
    'not_found',
  );
  assert.equal(await kindOf(decide('approve')), 'accepted');
  const { name, description, scopes: has } = await now();
  assert.deepEqual(
    [name, description, has],
    ['Reader', 'Second', ['basic', 'editpage', 'sendemail']],
  );
  await store.close();
});

// What takes effect at once.

const narrowing: readonly (readonly [name: string, values: object, as: 'narrow' | 'revise'])[] = [
  ['fewer scopes', { scopes: ['editpage'] }, 'narrow'],
  ['none but the hidden one', { scopes: [] }, 'narrow'],
  [
    'fewer scopes, other fields repeated',
    { scopes: ['sendemail'], name: 'Reader', site: '*' },
    'narrow',
  ],
  ['fewer scopes and another name', { scopes: ['editpage'], name: 'Writer' }, 'revise'],
  [
    'fewer scopes and another address',
    { scopes: ['editpage'], redirectUri: 'https://other.example/cb' },
    'revise',
  ],
  ['as many scopes, one other', { scopes: ['editpage', 'delete'] }, 'revise'],
  ['fewer scopes, one other', { scopes: ['delete'] }, 'revise'],
  ['more scopes', { scopes: ['editpage', 'sendemail', 'delete'] }, 'revise'],
  ['one site in place of all', { site: 'there' }, 'revise'],
];
for (const [name, values, action] of narrowing) {
  test(`${name}: ${action === 'narrow' ? 'at once' : 'reviewed'}`, async () => {
    const { revise, now, open, line, made, store } = await desk();
    assert.equal(await kindOf(revise(values)), 'accepted');
    assert.equal((await line())?.action, action);
    assert.equal((await open()) === undefined, action === 'narrow');
    const { scopes: has } = await now();
    if (action === 'narrow')
      assert.ok(
        has.length < made.client.scopes.length &&
          has.every((scope) => made.client.scopes.includes(scope)),
      );
    else assert.deepEqual(has, made.client.scopes);
    await store.close();
  });
}

for (const [name, values, action] of [
  ['it stays optional', { scopes: ['sendemail'] }, 'narrow'],
  ['it goes', { scopes: ['editpage'] }, 'narrow'],
  ['everybody has to allow it', { scopes: ['sendemail'], optionalScopes: [] }, 'revise'],
] as const) {
  test(`fewer scopes, and one was optional: ${name}: ${action === 'narrow' ? 'at once' : 'reviewed'}`, async () => {
    const { revise, line, store } = await desk({}, { optionalScopes: ['sendemail'] });
    assert.equal(await kindOf(revise(values)), 'accepted');
    assert.equal((await line())?.action, action);
    await store.close();
  });
}

test('narrowing ends the open revision, which would give the scopes back', async () => {
  const { revise, now, revisions, store } = await desk();
  await revise({ name: 'Writer' });
  await revise({ scopes: ['editpage'] });
  assert.deepEqual(await revisions(), ['withdrawn']);
  assert.deepEqual([(await now()).name, (await now()).scopes], ['Reader', ['basic', 'editpage']]);
  await store.close();
});

test('an owner-only app has no reviewer: each change is in force at once, and its consent is not widened by it', async () => {
  const owned = { ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] } as const;
  const { revise, now, open, line, store, owner, clients, id } = await desk({}, owned);
  assert.equal(await kindOf(revise({ name: 'Mine', scopes: ['editpage', 'delete'] })), 'accepted');
  assert.deepEqual(
    [(await now()).name, (await now()).scopes],
    ['Mine', ['basic', 'editpage', 'delete']],
  );
  assert.deepEqual([await open(), (await line())?.action], [undefined, 'revise']);
  const held = async () =>
    (await store.listConsents(owner.id)).map(({ scopes: accepted }) => accepted);
  assert.deepEqual(await held(), [['basic', 'editpage', 'sendemail']]);
  assert.ok((await clients.resetSecret(id)).ok);
  assert.deepEqual(await held(), [['basic', 'editpage', 'delete']]);
  for (const values of [{ redirectUri: 'https://a.example/cb' }, { redirectIsPrefix: false }]) {
    const answer = await revise(values);
    assert.equal(
      !answer.ok && answer.refusal.kind === 'invalid_field' && answer.refusal.problem.kind,
      'not-for-this-kind-of-app',
    );
  }
  await store.close();
});

for (const protocol of ['oauth1', 'oauth2'] as const) {
  test(`an owner-only ${protocol} app that moved to one site: a reset ends the old credential, wherever it was for`, async () => {
    const world = new TestServer();
    const ada = await world.createPerson('Ada');
    const kind =
      protocol === 'oauth1' ? { grantTypes: [] } : { grantTypes: ['client_credentials'] as const };
    const made = await world.createClient(ada, {
      name: 'mine',
      protocol,
      ownerOnly: true,
      redirectUri: '',
      ...kind,
    });
    const call = async (held: ActionOutcome) => {
      const { credentials, accessToken } = held;
      const key = { key: made.client.id, secret: held.secret ?? '' };
      const headers = credentials
        ? signedHeader(world, 'GET', '/api', key, {
            key: credentials.token,
            secret: credentials.secret,
          })
        : { authorization: `Bearer ${accessToken}` };
      const sent = {
        method: 'GET',
        target: '/api',
        headers,
        body: undefined,
        address: '192.0.2.1',
        secure: true,
      };
      return (await world.server.guard.permit(sent, 'main' as SiteId)).ok;
    };
    assert.equal(await call(made), true);
    const revised = await world.server.services.registry.submit(OPERATOR, 'revise', {
      clientId: made.client.id,
      reason: '',
      site: 'main',
    });
    assert.ok(revised.ok);
    assert.equal(await call(made), true);
    world.advanceClock(1);
    const reset = await world.clients.resetSecret(made.client.id);
    assert.ok(reset.ok);
    assert.equal(await call(reset.value), true);
    assert.equal(await call({ ...made, secret: reset.value.secret ?? '' }), false);
    assert.equal((await world.consents.list(ada)).length, 1);
    await world.close();
  });
}

// Who may, and when.

const refused: readonly (readonly [
  name: string,
  who: 'hers' | 'strange' | 'powerless' | 'nobody',
  prepare: readonly [string, object?][],
  values: object,
  refusal: object,
])[] = [
  ['nobody', 'nobody', [], changes, { kind: 'not_logged_in' }],
  ['somebody else', 'strange', [], changes, { kind: 'permission_denied', right: null }],
  [
    'an owner without the right',
    'powerless',
    [],
    changes,
    { kind: 'permission_denied', right: RIGHTS.updateOwn },
  ],
  [
    'a disabled app',
    'hers',
    [['disable', { suppress: false }]],
    changes,
    { kind: 'permission_denied', right: null },
  ],
  ['nothing given', 'hers', [], {}, { kind: 'nothing_to_do', field: 'revision' }],
  [
    'the same again',
    'hers',
    [],
    { name: ' Reader ', site: '*' },
    { kind: 'nothing_to_do', field: 'revision' },
  ],
  [
    'an empty name',
    'hers',
    [],
    { name: ' ' },
    { kind: 'invalid_field', field: 'name', problem: { kind: 'empty' }, ignorable: false },
  ],
  [
    'a name that is none',
    'hers',
    [],
    { name: null },
    {
      kind: 'invalid_field',
      field: 'name',
      problem: { kind: 'not-this-type', wanted: 'text' },
      ignorable: false,
    },
  ],
  [
    'an unknown scope',
    'hers',
    [],
    { scopes: ['fly'] },
    {
      kind: 'invalid_field',
      field: 'scopes',
      problem: { kind: 'unknown-scopes', scopes: ['fly'] },
      ignorable: false,
    },
  ],
  [
    'a scheme that a confidential app cannot have',
    'hers',
    [],
    { redirectUri: 'org.example:/cb' },
    {
      kind: 'invalid_field',
      field: 'redirectUri',
      problem: { kind: 'own-scheme-confidential' },
      ignorable: false,
    },
  ],
  [
    'a prefix for OAuth 2',
    'hers',
    [],
    { redirectIsPrefix: true },
    {
      kind: 'invalid_field',
      field: 'redirectIsPrefix',
      problem: { kind: 'not-for-this-kind-of-app' },
      ignorable: false,
    },
  ],
  [
    'advice',
    'hers',
    [],
    { redirectUri: 'https://reader.example' },
    {
      kind: 'invalid_field',
      field: 'redirectUri',
      problem: { kind: 'bare-domain' },
      ignorable: true,
    },
  ],
];
for (const [name, who, prepare, values, refusal] of refused) {
  test(`no revision: ${name}`, async () => {
    const { submit, revise, hers, user, owner, now, revisions, store } = await desk();
    for (const [action, given] of prepare)
      assert.equal(await kindOf(submit(OPERATOR, action, given)), 'accepted');
    const before = await now();
    const actors = {
      hers,
      strange: as(user, RIGHTS.updateOwn),
      powerless: as(owner, RIGHTS.propose),
      nobody: as(null, RIGHTS.updateOwn),
    };
    assert.deepEqual(await revise(values, actors[who]), { ok: false, refusal });
    assert.deepEqual([await now(), await revisions()], [before, []]);
    await store.close();
  });
}

test('advice can be waved through', async () => {
  const { revise, open, store } = await desk();
  assert.equal(
    await kindOf(revise({ redirectUri: 'https://reader.example', ignoreWarnings: true })),
    'accepted',
  );
  assert.equal((await open())?.fields.redirectUri, 'https://reader.example');
  await store.close();
});

test('a proposal is not revised: it is not live', async () => {
  const { clients, owner, submit, hers, store } = await desk();
  const made = await clients.create(app({ name: 'Draft' }), owner, { approve: false });
  assert.ok(made.ok);
  const answer = await submit(hers, 'revise', { clientId: made.value.client.id, name: 'Other' });
  assert.deepEqual(answer, { ok: false, refusal: { kind: 'not_approved', stage: 'proposed' } });
  await store.close();
});

test('an open revision of a disabled app: not approved, yet rejected or withdrawn', async () => {
  for (const action of ['reject', 'withdraw'] as const) {
    const { revise, decide, clients, id, revisions, now, store } = await desk();
    await revise({ name: 'Writer' });
    await clients.disable(id);
    assert.equal(await kindOf(decide('approve')), 'not_approved');
    assert.equal(await kindOf(decide(action)), 'accepted');
    assert.deepEqual(
      [await revisions(), (await now()).name],
      [[`${action}${action === 'reject' ? 'ed' : 'n'}`], 'Reader'],
    );
    await store.close();
  }
});

test('a hidden app: whoever may not act on it neither revises nor decides', async () => {
  const { revise, decide, submit, clients, id, owner, rita, hers, now, store } = await desk();
  await revise({ name: 'Writer' });
  await clients.disable(id, { suppress: true });
  const needs = { ok: false, refusal: { kind: 'permission_denied', right: RIGHTS.suppress } };
  assert.deepEqual(await decide('reject'), needs);
  assert.deepEqual(await decide('withdraw'), needs);
  assert.equal(
    await kindOf(decide('withdraw', as(owner, RIGHTS.updateOwn, RIGHTS.suppress))),
    'accepted',
  );
  // An approved app is hidden no more, so this one is put there by hand.
  await clients.reenable(id);
  const client = { ...(await now()), suppressed: true };
  const audit = (await store.listAudit({ clientId: id, limit: 1 }))[0] as NewAuditEntry;
  await store.applyChange({
    recordVersion: client.recordVersion,
    effects: [{ kind: 'save-client', client }],
    audit,
    notifications: [],
  });
  assert.deepEqual(await revise({ name: 'Writer' }), needs);
  assert.equal(
    await kindOf(
      submit(as(owner, RIGHTS.updateOwn, RIGHTS.suppress), 'revise', { name: 'Writer' }),
    ),
    'accepted',
  );
  assert.deepEqual(await decide('approve'), needs);
  assert.equal(
    await kindOf(decide('approve', as(rita, RIGHTS.review, RIGHTS.suppress))),
    'accepted',
  );
  assert.equal((await now()).name, 'Writer');
  assert.deepEqual(await revise({ name: 'Again' }, hers), needs);
  await store.close();
});

for (const [name, action, who] of [
  ['approved by its owner', 'approve', 'hers'],
  ['rejected by its owner', 'reject', 'hers'],
  ['withdrawn by a reviewer', 'withdraw', 'reviewer'],
  ['withdrawn by somebody else', 'withdraw', 'strange'],
] as const) {
  test(`a revision is not ${name}`, async () => {
    const { revise, decide, hers, reviewer, user, open, store } = await desk();
    await revise(changes);
    const actors = { hers, reviewer, strange: as(user, ...Object.values(RIGHTS)) };
    assert.equal(await kindOf(decide(action, actors[who])), 'permission_denied');
    assert.equal((await open())?.stage, 'proposed');
    await store.close();
  });
}

// Decisions on what was seen.

test('a decision on an app that changed since is stale, though the revision is the same', async () => {
  const { registry: room, revise, submit, reviewer, hers, open, now, store } = await desk();
  await revise({ name: 'Writer' });
  const revisionId = (await open())?.id;
  const etag = room.etagFor(reviewer, await now());
  await submit(hers, 'add-secret', { label: 'second' });
  for (const action of ['approve-revision', 'reject-revision']) {
    const answer = await submit(reviewer, action, { revisionId, etag });
    assert.ok(!answer.ok && answer.refusal.kind === 'change_conflict');
    assert.deepEqual(
      answer.refusal.since.map(({ action: happened }) => happened),
      ['add-secret'],
    );
  }
  assert.equal((await now()).name, 'Reader');
  const fresh = room.etagFor(reviewer, await now());
  assert.equal(
    await kindOf(submit(reviewer, 'approve-revision', { revisionId, etag: fresh })),
    'accepted',
  );
  await store.close();
});

test('of two decisions at once one holds, and the other is told', async () => {
  const {
    registry: room,
    revise,
    submit,
    reviewer,
    second,
    open,
    now,
    revisions,
    store,
  } = await desk();
  await revise({ name: 'Writer' });
  const revisionId = (await open())?.id;
  const decide = async (actor: Actor, action: string, client: Client) =>
    kindOf(submit(actor, action, { revisionId, etag: room.etagFor(actor, client) }));
  const client = await now();
  const answers = await Promise.all([
    decide(reviewer, 'approve-revision', client),
    decide(second, 'reject-revision', client),
  ]);
  assert.deepEqual([...answers].sort(), ['accepted', 'change_conflict']);
  assert.deepEqual(await revisions(), [answers[0] === 'accepted' ? 'approved' : 'rejected']);
  assert.equal((await now()).name, answers[0] === 'accepted' ? 'Writer' : 'Reader');
  await store.close();
});

test('of two revises at once one is open in the end', async () => {
  const { revise, revisions, store } = await desk();
  const answers = await Promise.all(['A', 'B', 'C'].map((name) => kindOf(revise({ name }))));
  assert.deepEqual(answers, ['accepted', 'accepted', 'accepted']);
  assert.deepEqual(await revisions(), ['proposed', 'withdrawn', 'withdrawn']);
  await store.close();
});

test('a name that was taken meanwhile: not approved, and nothing is half done', async () => {
  const { revise, decide, clients, owner, now, open, store } = await desk();
  await revise({ name: 'Writer', scopes: ['editpage', 'delete'] });
  assert.ok((await clients.create(app({ name: 'Writer' }), owner, { approve: false })).ok);
  const before = await now();
  assert.deepEqual(await decide('approve'), {
    ok: false,
    refusal: { kind: 'consumer_exists', version: null },
  });
  assert.deepEqual([await now(), (await open())?.stage], [before, 'proposed']);
  assert.equal(await kindOf(decide('withdraw')), 'accepted');
  assert.equal(
    await kindOf(revise({ name: 'Reader', description: 'its own name is no clash' })),
    'accepted',
  );
  assert.equal(await kindOf(decide('approve')), 'accepted');
  await store.close();
});

// Two reviewers for what is added.

const two = { twoPersonRisks: ['vandalism'] };
const added: readonly (readonly [
  name: string,
  has: readonly string[],
  values: object,
  who: readonly string[],
  got: readonly string[],
])[] = [
  [
    'a risky scope is added',
    ['editpage'],
    { scopes: ['editpage', 'delete'] },
    ['reviewer', 'second'],
    ['waiting', 'done'],
  ],
  [
    'the same reviewer twice',
    ['editpage'],
    { scopes: ['delete'] },
    ['reviewer', 'reviewer'],
    ['waiting', 'needs_another_reviewer'],
  ],
  [
    "the owner's own yes",
    ['editpage'],
    { scopes: ['delete'] },
    ['ownReview'],
    ['needs_another_reviewer'],
  ],
  ['the operator alone', ['editpage'], { scopes: ['delete'] }, ['operator'], ['done']],
  [
    'the risky scope was there before',
    ['delete'],
    { name: 'Writer' },
    ['reviewer', 'second'],
    ['waiting', 'done'],
  ],
  [
    'a new redirect URI',
    ['delete'],
    { redirectUri: 'https://other.example/cb' },
    ['reviewer', 'second'],
    ['waiting', 'done'],
  ],
  ['words alone', ['delete'], { description: 'Other words' }, ['reviewer'], ['done']],
  [
    'another of the same risk is added',
    ['delete'],
    { scopes: ['delete', 'protect'] },
    ['reviewer', 'second'],
    ['waiting', 'done'],
  ],
  [
    'a harmless one is added',
    ['delete'],
    { scopes: ['delete', 'editpage'] },
    ['reviewer', 'second'],
    ['waiting', 'done'],
  ],
];
for (const [name, has, values, who, got] of added) {
  test(`two reviewers: ${name}`, async () => {
    const { revise, decide, reviewer, second, owner, now, made, store } = await desk(two, {
      scopes: has,
    });
    await revise(values);
    const people: Record<string, Actor> = {
      reviewer,
      second,
      ownReview: as(owner, RIGHTS.review),
      operator: OPERATOR,
    };
    const answers: string[] = [];
    for (const one of who) {
      const answer = await decide('approve', people[one]);
      answers.push(
        answer.ok ? (answer.value.awaitsSecondApproval ? 'waiting' : 'done') : answer.refusal.kind,
      );
    }
    assert.deepEqual(answers, got);
    const told = ({ name: called, description, redirectUri, scopes }: Client) =>
      JSON.stringify([called, description, redirectUri, scopes]);
    assert.equal(told(await now()) === told(made.client), !answers.includes('done'));
    await store.close();
  });
}

test('two reviewers: a first yes to one revision is none to the next', async () => {
  const { revise, decide, second, now, store } = await desk(two);
  await revise({ scopes: ['editpage', 'delete'] });
  assert.equal((await decide('approve')).ok, true);
  await revise({ scopes: ['editpage', 'delete'], redirectUri: 'https://evil.example/cb' });
  const answer = await decide('approve', second);
  assert.equal(answer.ok && answer.value.awaitsSecondApproval, true);
  assert.equal((await now()).redirectUri, 'https://reader.example/cb');
  await store.close();
});

// Revisions that no reviewer need see.

/** An account of today weighs 2; a new name 1; another host 4. */
const byRule: readonly (readonly [
  name: string,
  autoApprove: RegistrySettings['autoApprove'],
  values: object,
  approved: boolean,
])[] = [
  ['no condition', [], { name: 'Writer' }, false],
  ['risk at the limit', [{ riskAtMost: 3 }], { name: 'Writer' }, true],
  ['risk above the limit', [{ riskAtMost: 2 }], { name: 'Writer' }, false],
  ['the host changes', [{ riskAtMost: 5 }], { redirectUri: 'https://other.example/cb' }, false],
  [
    'the host changes and that is allowed',
    [{ riskAtMost: 6 }],
    { redirectUri: 'https://other.example/cb' },
    true,
  ],
  [
    'a scope that was there before is not listed',
    [{ scopes: ['basic', 'editpage'] }],
    { name: 'Writer' },
    false,
  ],
  [
    'every scope listed',
    [{ scopes: ['basic', 'editpage', 'sendemail'] }],
    { name: 'Writer' },
    true,
  ],
  [
    'an added scope is not listed',
    [{ scopes: ['basic', 'editpage', 'sendemail'] }],
    { scopes: ['sendemail', 'delete'] },
    false,
  ],
];
for (const [name, autoApprove, values, approved] of byRule) {
  test(`approval of a revision by rule: ${name}`, async () => {
    const { revise, now, open, line, made, store } = await desk({ autoApprove });
    assert.equal(await kindOf(revise(values)), 'accepted');
    assert.equal((await line())?.action, approved ? 'revise-autoapproved' : 'revise');
    assert.equal((await open()) === undefined, approved);
    const changed =
      (await now()).name !== made.client.name ||
      (await now()).redirectUri !== made.client.redirectUri;
    assert.equal(changed, approved);
    await store.close();
  });
}

test('approval of a revision by rule: never to any port', async () => {
  const classic = {
    protocol: 'oauth1',
    redirectUri: 'http://localhost:81/cb',
    redirectIsPrefix: true,
  } as const;
  const { revise, open, store } = await desk({ autoApprove: [{}] }, classic);
  await revise({ redirectUri: 'http://localhost:1/cb' });
  assert.equal((await open())?.fields.redirectUri, 'http://localhost:1/cb');
  await store.close();
});

// What people and tokens see of it.

test('the live app works on; what is approved works from then on; a person is asked for what is new', async () => {
  const world = new TestServer();
  const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  const made = await world.createClient(ada, {
    name: 'web',
    scopes: ['editpage', 'sendemail'],
    pkceOptional: true,
  });
  const { id } = made.client;
  const cookie = await world.sessionCookie(ben);
  const { registry: room } = world.server.services;
  const act = (actor: Actor, action: string, values: object) =>
    kindOf(room.submit(actor, action, { clientId: id, reason: '', ...values }));
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
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
  /** Asks as the app, says yes, and answers what the page said and the scopes bought. */
  async function allow(redirect: string, wanted: string) {
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: id,
      redirect_uri: redirect,
      scope: wanted,
      ...pkce,
    });
    const asked = await world.app.inject({
      url: `/oauth2/authorize?${query}`,
      headers: { cookie },
    });
    const to = String(asked.headers.location ?? '');
    if (!to.startsWith('/authorize/'))
      return {
        page: '',
        answer: { error: to || String(asked.statusCode) } as Record<string, string>,
      };
    const page = (await world.app.inject({ url: to, headers: { cookie } })).body;
    const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const form = { 'content-type': 'application/x-www-form-urlencoded', cookie };
    const yes = await world.app.inject({
      method: 'POST',
      url: to,
      payload: `accept=1&csrf=${csrf}`,
      headers: form,
    });
    const code = new URL(String(yes.headers.location)).searchParams.get('code');
    const bought = `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(redirect)}&code_verifier=${'v'.repeat(43)}`;
    const section = /<section[\s\S]*<\/section>/.exec(page)?.[0] ?? '';
    return {
      page: section,
      answer: (await post('/oauth2/token', bought)).json() as Record<string, string>,
    };
  }
  const scopeOf = async (token: string | undefined) =>
    (await post('/oauth2/introspect', `token=${token}`)).json().scope as string;
  const [old, moved] = ['https://app.example/cb', 'https://moved.example/cb'];

  const before = await allow(old, 'basic editpage sendemail');
  assert.equal(before.answer.scope, 'basic editpage sendemail');
  assert.ok(!before.page.includes('You allowed before'));
  const consent = async () => (await world.consents.list(ben))[0]?.scopes;

  assert.equal(
    await act(OPERATOR, 'revise', {
      redirectUri: moved,
      scopes: ['editpage', 'sendemail', 'delete'],
    }),
    'accepted',
  );
  assert.equal(await scopeOf(before.answer.access_token), 'basic editpage sendemail');
  assert.equal((await allow(old, 'basic editpage')).answer.scope, 'basic editpage');
  assert.equal((await allow(moved, 'basic editpage')).answer.error, '400');
  assert.match((await allow(old, 'basic delete')).answer.error ?? '', /error=invalid_scope/);
  await allow(old, 'basic editpage sendemail');
  const revision = await world.server.store.openRevision(id);
  assert.equal(await act(OPERATOR, 'approve-revision', { revisionId: revision?.id }), 'accepted');

  assert.equal(
    await scopeOf(before.answer.access_token),
    'basic editpage sendemail',
    'a token is not widened',
  );
  assert.equal(
    (
      await post(
        '/oauth2/token',
        `grant_type=refresh_token&refresh_token=${before.answer.refresh_token}`,
      )
    ).json().scope,
    'basic editpage sendemail',
  );
  assert.deepEqual(await consent(), ['basic', 'editpage', 'sendemail'], 'nor a consent');
  assert.equal((await allow(old, 'basic editpage')).answer.error, '400');
  const client = (await world.server.store.findClient(id)) as Client;
  assert.deepEqual(
    acceptedScopes(client.scopes, client, world.server.services.scopes).filter(
      (scope) => !before.answer.scope?.split(' ').includes(scope),
    ),
    ['delete'],
  );
  const after = await allow(moved, 'basic editpage sendemail delete');
  const [fresh, known] = after.page.split('You allowed before');
  assert.match(fresh ?? '', /New: it will also be able to[\s\S]*Delete pages/);
  assert.doesNotMatch(fresh ?? '', /Edit existing pages|Send e-mail/);
  assert.match(known ?? '', /Edit existing pages/);
  assert.doesNotMatch(known ?? '', /Delete pages/);
  assert.equal(after.answer.scope, 'basic editpage sendemail delete');

  assert.equal(await act(OPERATOR, 'revise', { scopes: ['editpage'] }), 'accepted');
  assert.equal(
    await scopeOf(after.answer.access_token),
    'basic editpage',
    'taken away from tokens that are out',
  );
  await world.close();
});

test('OAuth 1: a consent of before does not act with what was added, nor with what was taken away', async () => {
  const world = new TestServer();
  const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  const made = await world.createClient(ada, {
    name: 'classic',
    protocol: 'oauth1',
    scopes: ['editpage', 'sendemail'],
  });
  const { id } = made.client;
  const { registry: room } = world.server.services;
  const consent = await world.consents.accept(made.client, ben, []);
  const credentials = await world.server.store.findTokenCredentialsByConsent(consent.id);
  assert.ok(credentials);
  assert.deepEqual(consent.scopes, ['basic', 'editpage', 'sendemail']);
  await room.submit(OPERATOR, 'revise', {
    clientId: id,
    reason: '',
    scopes: ['editpage', 'delete'],
  });
  const revisionId = (await world.server.store.openRevision(id))?.id;
  assert.equal(
    await kindOf(
      room.submit(OPERATOR, 'approve-revision', { clientId: id, reason: '', revisionId }),
    ),
    'accepted',
  );
  const [kept] = await world.consents.list(ben);
  assert.deepEqual(kept, consent);
  const live = (await world.server.store.findClient(id)) as Client;
  const again = await world.consents.accept(live, ben, []);
  assert.deepEqual([again.id, again.scopes], [consent.id, ['basic', 'editpage', 'delete']]);
  assert.equal(
    (await world.server.store.findTokenCredentialsByConsent(consent.id))?.token,
    credentials.token,
    'the pair is kept',
  );
  await world.close();
});

test('what is accepted is what is asked for and the app may have, the irrevocable first', () => {
  assert.deepEqual(
    acceptedScopes(
      ['delete', 'editpage', 'import'],
      { scopes: ['basic', 'editpage', 'delete'] },
      scopes,
    ),
    ['basic', 'delete', 'editpage'],
  );
});
