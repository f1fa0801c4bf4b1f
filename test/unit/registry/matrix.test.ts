import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import type { ConsentId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import type { ActionResult } from '#registry/actions/context.ts';
import { type Actor, OPERATOR, RIGHTS } from '#registry/actor.ts';
import { type Client, type Stage, stages } from '#registry/model/client.ts';
import { type RevisedFields, revisedFields } from '#registry/model/revision.ts';
import { type ActionName, actions } from '#registry/registry.ts';
import { app, registry } from './world.ts';

// Who may do what, to an app that is shown and to one that is hidden, and in which stages it can be
// done at all (registry 1.2, 3, 6).

const { propose, updateOwn, review, suppress, manageConsents } = RIGHTS;
const developer = [propose, updateOwn, manageConsents];
const everything = [...developer, review, suppress];

/**
 * The roles, in the order of the columns, and the rights they come with. Whoever has no account or
 * is blocked holds every right in vain.
 */
const roles = {
  stranger: everything,
  blocked: everything,
  ordinary: [manageConsents],
  proposer: [propose],
  owner: developer,
  /** Owns the app, and has lost every right. */
  bareOwner: [],
  maintainer: developer,
  /** To maintain, and the app is offered to them. */
  invited: developer,
  reviewer: [manageConsents, review],
  hider: [manageConsents, review, suppress],
  operator: [],
  /** Owns the app, and reviews. */
  owningReviewer: [...developer, review],
  /** Owns the app, and sees what is hidden. */
  owningHider: [...developer, suppress],
} as const;
type Role = keyof typeof roles;
const roleNames = Object.keys(roles) as readonly Role[];
const owners: readonly Role[] = ['owner', 'bareOwner', 'owningReviewer', 'owningHider'];

/**
 * `no`: it is not theirs to do, or not now. `-x`: the right x is missing. Others: the kind of the
 * refusal, shortened.
 */
const rightNames: Readonly<Record<string, string>> = {
  [propose]: 'propose',
  [updateOwn]: 'update',
  [review]: 'review',
  [suppress]: 'suppress',
  [manageConsents]: 'consents',
};
async function word(ran: ActionResult): Promise<string> {
  const answer = await ran;
  if (answer.ok) return 'yes';
  const { refusal } = answer;
  if (refusal.kind === 'permission_denied')
    return refusal.right === null ? 'no' : `-${rightNames[refusal.right] ?? refusal.right}`;
  if (refusal.kind === 'not_found') return `no-${refusal.what}`;
  const short: Readonly<Record<string, string>> = {
    not_logged_in: 'login',
    user_blocked: 'blocked',
    managed_by_configuration: 'managed',
    invalid_access_token: 'unknown',
    nothing_to_do: 'done',
  };
  return short[refusal.kind] ?? refusal.kind;
}

interface Row {
  /** Answers to the roles, for an app that is shown. */
  readonly shown: string;
  /** The same, when it is hidden. */
  readonly hidden: string;
  /**
   * Answers by stage to somebody who may: proposed, approved, rejected, expired, disabled,
   * configured.
   */
  readonly stages: string;
}

// biome-ignore format: a table
const table: Readonly<Record<ActionName, Row>> = {
  // stranger blocked ordinary proposer owner bare maintain invited reviewer hider operator
  // own+review own+hide
  propose: {
    shown:  'login   blocked -propose  yes       yes       -propose  yes       yes       -propose  -propose  yes       yes        yes',
    hidden: 'login   blocked -propose  yes       yes       -propose  yes       yes       -propose  -propose  yes       yes        yes',
    stages: 'yes yes yes yes yes yes' },
  update: {
    shown:  'login   blocked -update   -update   yes       -update   yes       no        -update   -update   yes       yes        yes',
    hidden: 'login   blocked -update   -update   -suppress -update   -suppress no        -update   -update   yes       -suppress  yes',
    stages: 'yes yes no no no managed' },
  approve: {
    shown:  'login   blocked -review   -review   -review   -review   -review   -review   yes       yes       yes       needs_another_reviewer -review',
    hidden: 'login   blocked -review   -review   -review   -review   -review   -review   -suppress yes       yes       -suppress  -review',
    stages: 'yes not_proposed yes yes not_proposed managed' },
  reject: {
    shown:  'login   blocked -review   -review   -review   -review   -review   -review   yes       yes       yes       yes        -review',
    hidden: 'login   blocked -review   -review   -review   -review   -review   -review   -suppress yes       yes       -suppress  -review',
    stages: 'yes not_proposed not_proposed not_proposed not_proposed managed' },
  disable: {
    shown:  'login   blocked -review   -review   -review   -review   -review   -review   yes       yes       yes       yes        -review',
    hidden: 'login   blocked -review   -review   -review   -review   -review   -review   -suppress yes       yes       -suppress  -review',
    stages: 'not_approved yes not_approved not_approved not_approved managed' },
  reenable: {
    shown:  'login   blocked -review   -review   -review   -review   -review   -review   yes       yes       yes       needs_another_reviewer -review',
    hidden: 'login   blocked -review   -review   -review   -review   -review   -review   -suppress yes       yes       -suppress  -review',
    stages: 'not_disabled not_disabled not_disabled not_disabled yes managed' },
  expire: {
    shown:  'login   blocked no        no        no        no        no        no        no        no        yes       no         no',
    hidden: 'login   blocked no        no        no        no        no        no        no        no        yes       no         no',
    stages: 'yes not_proposed not_proposed not_proposed not_proposed managed' },
  halt: {
    shown:  'login   blocked -review   -review   -review   -review   -review   -review   yes       yes       yes       yes        -review',
    hidden: 'login   blocked -review   -review   -review   -review   -review   -review   -suppress yes       yes       -suppress  -review',
    stages: 'not_approved yes not_approved not_approved not_approved managed' },
  'set-introspector': {
    shown:  'login   blocked no        no        no        no        no        no        no        no        yes       no         no',
    hidden: 'login   blocked no        no        no        no        no        no        no        no        yes       no         no',
    stages: 'not_approved yes not_approved not_approved not_approved managed' },
  'set-pkce-exemption': {
    shown:  'login   blocked -review   -review   -review   -review   -review   -review   yes       yes       yes       needs_another_reviewer -review',
    hidden: 'login   blocked -review   -review   -review   -review   -review   -review   -suppress yes       yes       -suppress  -review',
    stages: 'not_approved yes not_approved not_approved not_approved managed' },
  'add-secret': {
    shown:  'login   blocked -update   -update   yes       -update   yes       no        -update   -update   yes       yes        yes',
    hidden: 'login   blocked -update   -update   -suppress -update   -suppress no        -update   -update   yes       -suppress  yes',
    stages: 'yes yes no no no managed' },
  'retire-secret': {
    shown:  'login   blocked -update   -update   yes       -update   yes       no        -update   -update   yes       yes        yes',
    hidden: 'login   blocked -update   -update   -suppress -update   -suppress no        -update   -update   yes       -suppress  yes',
    stages: 'yes yes no no no managed' },
  revise: {
    shown:  'login   blocked -update   -update   yes       -update   yes       no        -update   -update   yes       yes        yes',
    hidden: 'login   blocked -update   -update   -suppress -update   -suppress no        -update   -update   yes       -suppress  yes',
    stages: 'not_approved yes no no no managed' },
  'approve-revision': {
    shown:  'login   blocked -review   -review   -review   -review   -review   -review   yes       yes       yes       needs_another_reviewer -review',
    hidden: 'login   blocked -review   -review   -review   -review   -review   -review   -suppress yes       yes       -suppress  -review',
    stages: 'not_approved yes not_approved not_approved not_approved managed' },
  'reject-revision': {
    shown:  'login   blocked -review   -review   -review   -review   -review   -review   yes       yes       yes       yes        -review',
    hidden: 'login   blocked -review   -review   -review   -review   -review   -review   -suppress yes       yes       -suppress  -review',
    stages: 'yes yes yes yes yes managed' },
  'withdraw-revision': {
    shown:  'login   blocked -update   -update   yes       -update   yes       no        -update   -update   yes       yes        yes',
    hidden: 'login   blocked -update   -update   -suppress -update   -suppress no        -update   -update   yes       -suppress  yes',
    stages: 'no yes no no yes managed' },
  invite: {
    shown:  'login   blocked -update   -update   yes       -update   no        no        -update   -update   yes       yes        yes',
    hidden: 'login   blocked -update   -update   no        -update   no        no        -update   -update   no        no         no',
    stages: 'yes yes no no no managed' },
  join: {
    shown:  'login   blocked no-offer  no-offer  no-offer  no-offer  done      yes       no-offer  no-offer  no-offer  no-offer   no-offer',
    hidden: 'login   blocked no-offer  no-offer  no-offer  no-offer  done      yes       no-offer  no-offer  no-offer  no-offer   no-offer',
    stages: 'yes yes yes yes yes managed' },
  leave: {
    shown:  'login   blocked no        no        yes       no        yes       no        no        no        yes       yes        yes',
    hidden: 'login   blocked no        no        yes       no        yes       no        no        no        yes       yes        yes',
    stages: 'yes yes yes yes yes managed' },
  offer: {
    shown:  'login   blocked no        no        yes       no        no        no        no        no        yes       yes        yes',
    hidden: 'login   blocked no        no        no        no        no        no        no        no        no        no         no',
    stages: 'yes yes no no no managed' },
  'accept-offer': {
    shown:  'login   blocked -propose  no-offer  no-offer  -propose  no-offer  yes       -propose  -propose  no-offer  no-offer   no-offer',
    hidden: 'login   blocked -propose  no-offer  no-offer  -propose  no-offer  no        -propose  -propose  no-offer  no-offer   no-offer',
    stages: 'yes yes no no no managed' },
  'decline-offer': {
    shown:  'login   blocked no        no        yes       yes       no        yes       no        no        yes       yes        yes',
    hidden: 'login   blocked no        no        yes       yes       no        yes       no        no        yes       yes        yes',
    stages: 'yes yes yes yes yes managed' },
  accept: {
    shown:  'login   no      yes       -consents yes       -consents yes       yes       yes       yes       no        yes        yes',
    hidden: 'login   no      no        -consents no        -consents no        no        no        no        no        no         no',
    stages: 'no yes no no no no' },
  // Of the consent of the ordinary user.
  renounce: {
    shown:  'login   unknown yes       -consents unknown   -consents unknown   unknown   unknown   unknown   unknown   unknown    unknown',
    hidden: 'login   unknown yes       -consents unknown   -consents unknown   unknown   unknown   unknown   unknown   unknown    unknown',
    stages: 'yes yes yes yes yes yes' },
};

/** Who can do it, when the app stands right. */
const able: Partial<Readonly<Record<ActionName, Role>>> = {
  join: 'invited',
  'accept-offer': 'invited',
  accept: 'ordinary',
  renounce: 'ordinary',
};
/** Where the app must stand; approved unless said. */
const starts: Partial<Readonly<Record<ActionName, Stage>>> = {
  approve: 'proposed',
  reject: 'proposed',
  expire: 'proposed',
  reenable: 'disabled',
};

const DAY = 86_400;
const words = (text: string) => text.split(/\s+/);

/** The registry with everybody in it, and a way to make the same app again and again. */
async function stageSet(readOnly: string | null = null) {
  const world = await registry({ readOnly });
  const accounts = {} as Record<Role, Account>;
  for (const role of roleNames)
    if (role !== 'stranger' && role !== 'operator') accounts[role] = await world.person(role);
  await world.store.setBlocked(accounts.blocked.id, true);
  accounts.blocked = { ...accounts.blocked, blocked: true };
  const another = await world.person('Another');
  const actorOf = (role: Role): Actor =>
    role === 'operator' ? OPERATOR : personActor(accounts[role] ?? null, new Set(roles[role]));

  /**
   * An app with two secrets, a maintainer, an invitation, an offer, an open revision and a consent.
   */
  async function made(
    owner: Account,
    stage: Stage,
    suppressed = false,
  ): Promise<{ client: Client; revisionId: number; consentId: ConsentId }> {
    world.pass(1);
    const { store } = world;
    const name = `App ${world.clock.now()}`;
    const created = await world.clients.create(app({ name }), owner, { approve: true });
    assert.ok(created.ok);
    const { client } = created.value;
    const at = world.clock.now();
    const audit = {
      at,
      action: 'set',
      actorId: null,
      via: 'job',
      address: null,
      clientId: client.id,
      reason: '',
      changes: [],
    } as const;
    const consent = {
      userId: accounts.ordinary.id,
      clientId: client.id,
      site: client.site,
      scopes: ['basic'],
      acceptedAt: at,
    };
    const { id: consentId } = await store.saveConsent(consent, null, audit);
    const [maintainer, invited] = [accounts.maintainer.id, accounts.invited.id];
    const live = Object.fromEntries(
      revisedFields.map((field) => [field, client[field]]),
    ) as RevisedFields;
    const fields = { ...live, description: 'As it would be' };
    const applied = await store.applyChange({
      recordVersion: client.recordVersion,
      effects: [
        {
          kind: 'save-client',
          client: { ...client, stage, suppressed, stageAt: instant(at - 31 * DAY) },
        },
        {
          kind: 'add-secret',
          secret: {
            label: 'second',
            digest: 'none' as never,
            encrypted: null,
            createdAt: at,
            expiresAt: null,
          },
        },
        { kind: 'invite', userId: maintainer, by: null, at },
        { kind: 'join', userId: maintainer, at },
        { kind: 'invite', userId: invited, by: null, at },
        { kind: 'offer', toId: invited, by: null, at },
        {
          kind: 'open-revision',
          revision: { clientId: client.id, fields, proposedBy: null, proposedAt: at },
        },
      ],
      audit,
      notifications: [],
    });
    assert.ok(applied.outcome === 'applied');
    return {
      client: applied.client,
      revisionId: (await store.openRevision(client.id))?.id ?? 0,
      consentId,
    };
  }

  function ask(
    action: ActionName,
    role: Role,
    { client, revisionId, consentId }: Awaited<ReturnType<typeof made>>,
    more: object = {},
  ): Promise<string> {
    // Whom an action is about: the maintainer leaves, somebody else is chosen.
    const userId = action === 'leave' ? accounts.maintainer.id : another.id;
    const own = {
      ...app({ name: `New ${world.clock.now()}`, email: `${role.toLowerCase()}@example.org` }),
      termsAccepted: true,
      ownerId: another.id,
    };
    const given =
      action === 'propose'
        ? own
        : action === 'revise'
          ? { description: 'Other words' }
          : { scopes: ['editpage'] };
    const about = {
      clientId: client.id,
      reason: '',
      revisionId,
      consentId,
      userId,
      secretId: client.secrets[0]?.id,
    };
    const said = {
      suppress: false,
      suspension: 'all',
      resetSecret: true,
      introspector: true,
      pkceOptional: true,
      label: 'third',
    };
    return word(
      world.registry.submit(actorOf(role), action, { ...about, ...said, ...given, ...more }),
    );
  }
  const ownerFor = (role: Role): Account =>
    owners.includes(role) ? accounts[role] : accounts.owner;
  return { ...world, accounts, made, ask, ownerFor };
}

test('every action has its row, and every row its action', () => {
  assert.deepEqual(Object.keys(table), Object.keys(actions));
  for (const row of Object.values(table)) {
    assert.deepEqual(
      [words(row.shown).length, words(row.hidden).length],
      [roleNames.length, roleNames.length],
    );
    assert.equal(words(row.stages).length, stages.length);
  }
});

const byRole = (values: readonly string[]) =>
  Object.fromEntries(roleNames.map((role, index) => [role, values[index]]));

for (const action of Object.keys(table) as readonly ActionName[]) {
  for (const seen of ['shown', 'hidden'] as const) {
    test(`${action}, by whom, of an app that is ${seen}`, async () => {
      const { made, ask, ownerFor, store } = await stageSet();
      const got: string[] = [];
      for (const role of roleNames)
        got.push(
          await ask(
            action,
            role,
            await made(ownerFor(role), starts[action] ?? 'approved', seen === 'hidden'),
          ),
        );
      assert.deepEqual(byRole(got), byRole(words(table[action][seen])));
      await store.close();
    });
  }

  test(`${action}, in which stages`, async () => {
    const { made, ask, accounts, store } = await stageSet();
    const got: string[] = [];
    for (const stage of stages)
      got.push(await ask(action, able[action] ?? 'operator', await made(accounts.owner, stage)));
    assert.deepEqual(got, words(table[action].stages));
    await store.close();
  });
}

test('disable hides or shows an app of any stage, and does neither twice (registry 3.7)', async () => {
  const { made, ask, accounts, store } = await stageSet();
  const asked: readonly (readonly [ActionName, Stage, boolean, boolean, string])[] = [
    ['disable', 'disabled', false, true, 'yes'],
    ['disable', 'disabled', true, false, 'yes'],
    ['disable', 'disabled', true, true, 'not_approved'],
    ['disable', 'rejected', false, true, 'yes'],
    ['disable', 'proposed', false, true, 'yes'],
    ['disable', 'expired', true, false, 'yes'],
    ['reject', 'proposed', false, true, 'yes'],
    ['reject', 'rejected', false, true, 'not_proposed'],
  ];
  for (const [action, stage, hidden, hide, answer] of asked)
    assert.equal(
      await ask(action, 'hider', await made(accounts.owner, stage, hidden), { suppress: hide }),
      answer,
      `${action} ${stage} ${hidden} ${hide}`,
    );
  await store.close();
});

test('to hide takes the right to hide, whichever action does it', async () => {
  const { made, ask, ownerFor, store } = await stageSet();
  for (const [action, stage] of [
    ['reject', 'proposed'],
    ['disable', 'approved'],
  ] as const) {
    const got: string[] = [];
    for (const role of roleNames)
      got.push(await ask(action, role, await made(ownerFor(role), stage), { suppress: true }));
    const other = table[action].hidden;
    assert.deepEqual(byRole(got), byRole(words(other)), action);
  }
  await store.close();
});

test('an app whose owner is blocked is offered by reviewers as well', async () => {
  const { made, ask, accounts, store } = await stageSet();
  await store.setBlocked(accounts.owner.id, true);
  const got: string[] = [];
  for (const role of [
    'ordinary',
    'maintainer',
    'invited',
    'reviewer',
    'hider',
    'operator',
  ] as const)
    got.push(await ask('offer', role, await made(accounts.owner, 'approved')));
  assert.deepEqual(got, ['no', 'no', 'no', 'yes', 'yes', 'yes']);
  assert.equal(await ask('offer', 'reviewer', await made(accounts.owner, 'approved', true)), 'no');
  await store.close();
});

test('nothing can be done while the registry is read-only, and nothing is done to an app that is not there', async () => {
  const world = await stageSet();
  const there = await world.made(world.accounts.owner, 'approved');
  const absent = { ...there, client: { ...there.client, id: 'f'.repeat(32) as Client['id'] } };
  const closed = await stageSet('backup');
  for (const action of Object.keys(actions) as readonly ActionName[]) {
    for (const role of ['ordinary', 'operator', 'hider'] as const)
      assert.equal(await closed.ask(action, role, there), 'readonly', action);
    if (action !== 'propose' && action !== 'renounce' && action !== 'accept')
      assert.equal(await world.ask(action, 'operator', absent), 'invalid_consumer_key', action);
  }
  assert.equal(await world.ask('accept', 'ordinary', absent), 'invalid_consumer_key');
  assert.equal(await word(world.registry.submit(OPERATOR, 'toString', {})), 'invalid_field_action');
  assert.equal(
    await world.ask('renounce', 'ordinary', { ...there, consentId: 999 as ConsentId }),
    'unknown',
  );
  await world.store.close();
  await closed.store.close();
});
