import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import type { UserId } from '#kernel/ids.ts';
import type { RegistrySettings } from '#registry/actions/context.ts';
import { OPERATOR, RIGHTS } from '#registry/actor.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import type { Client } from '#registry/model/client.ts';
import { isNotification } from '#registry/notifications/notification.ts';
import { app, registry } from '../unit/registry/world.ts';

// Who is independent of a decision (ADR 15): told as histories. Everybody here is a reviewer who
// may hide apps, and every app is Olga's.

const everything = new Set<string>(Object.values(RIGHTS));
const DAY = 86_400;

/**
 * `name action argument`, and what comes of it: `ok`, `waiting`, or the refusal, with its reason
 * where it has one.
 */
type Line = readonly [said: string, comes: string];

const people = ['olga', 'mate', 'rita', 'ron', 'sven'] as const;
type Who = (typeof people)[number];

async function world(settings: Partial<RegistrySettings>, proposal: Partial<ClientProposal>) {
  const made = await registry({ twoPersonRisks: ['security'], ...settings });
  const cast = { olga: made.owner } as Record<Who, Account>;
  for (const who of people.slice(1)) cast[who] = await made.person(who);
  const given = {
    ...app({ scopes: ['import'], ...proposal }),
    email: made.owner.email,
    termsAccepted: true,
  };
  const answer = await made.registry.submit(personActor(made.owner, everything), 'propose', given);
  assert.ok(answer.ok, JSON.stringify(answer));
  const { id } = answer.value.client;
  const now = async () => (await made.store.findClient(id)) as Client;
  const values = async (action: string, argument: string): Promise<object> => {
    switch (action) {
      case 'revise':
        return JSON.parse(argument);
      case 'update':
        return { resetSecret: false, ...JSON.parse(argument) };
      case 'approve-revision':
      case 'reject-revision':
        return { revisionId: (await made.store.openRevision(id))?.id ?? 999_999 };
      case 'invite':
      case 'offer':
      case 'leave':
        return { userId: cast[argument as Who].id };
      case 'disable':
      case 'reject':
        return { suppress: argument === 'hidden' };
      case 'halt':
        return { suspension: argument };
      default:
        return {};
    }
  };
  return {
    ...made,
    id,
    cast,
    now,
    issued: answer.value,
    async say(line: string): Promise<string> {
      const [who = '', action = '', ...rest] = line.split(' ');
      const argument = rest.join(' ');
      const other = who === 'wait' ? who : action;
      if (other === 'wait') made.pass(Number(action) * DAY);
      if (other === 'demoted') made.demoted.add(cast[who as Who].id);
      if (other === 'blocked') await made.store.setBlocked(cast[who as Who].id, argument !== 'no');
      if (['wait', 'demoted', 'blocked'].includes(other)) return 'ok';
      const account =
        who === 'operator' ? null : ((await made.store.findAccount(cast[who as Who].id)) ?? null);
      const actor = account === null ? OPERATOR : personActor(account, everything);
      const told = await made.registry.submit(actor, action, {
        clientId: id,
        reason: '',
        ...(await values(action, argument)),
      });
      if (told.ok) return told.value.awaitsSecondApproval ? 'waiting' : 'ok';
      return told.refusal.kind === 'needs_another_reviewer'
        ? `not: ${told.refusal.why}`
        : told.refusal.kind;
    },
  };
}

interface History {
  readonly name: string;
  readonly lines: readonly Line[];
  /** Stage at the end, and the redirect URI's host unless it is the old one. */
  readonly ends: string;
  readonly settings?: Partial<RegistrySettings>;
  readonly proposal?: Partial<ClientProposal>;
}

const approved: readonly Line[] = [
  ['rita approve', 'waiting'],
  ['ron approve', 'ok'],
];
const redirect = 'revise {"redirectUri":"https://elsewhere.example/cb"}';
const ordinary = { scopes: ['editpage'] };
const ordinaryApproved: readonly Line[] = [['rita approve', 'ok']];
const single = { allowOwnApps: true };

const key = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'pem',
  });
const newKey = `update ${JSON.stringify({ rsaPublicKey: key() })}`;

const histories: readonly History[] = [
  // What owners change without a review: like a secret, a key says who the app is, and not what it
  // may do.
  {
    name: 'a key of an app with such a scope is exchanged by its owner at once; a first yes to a change of the app is void',
    lines: [
      ...approved,
      [`olga ${redirect}`, 'ok'],
      ['rita approve-revision', 'waiting'],
      [`olga ${newKey}`, 'ok'],
      ['sven approve-revision', 'waiting'],
      ['rita approve-revision', 'ok'],
    ],
    proposal: { protocol: 'oauth1', grantTypes: [] },
    ends: 'approved elsewhere.example',
  },
  {
    name: 'a key and address restrictions are for those who look after the app, not for who reviews it',
    lines: [
      ...approved,
      [`rita ${newKey}`, 'permission_denied'],
      ['rita update {"restrictions":{"addresses":["192.0.2.1"]}}', 'permission_denied'],
      ['olga update {"restrictions":{"addresses":["192.0.2.1"]}}', 'ok'],
      ['olga update {"restrictions":{"addresses":["0.0.0.0/0","::/0"]}}', 'ok'],
      [`olga ${newKey}`, 'ok'],
      ['olga disable', 'ok'],
      [`olga ${newKey}`, 'permission_denied'],
    ],
    proposal: { protocol: 'oauth1', grantTypes: [] },
    ends: 'disabled',
  },
  {
    name: 'a new key between the yeses to a new app: both have to be said again',
    lines: [
      ['rita approve', 'waiting'],
      [`olga ${newKey}`, 'ok'],
      ['ron approve', 'waiting'],
      ['rita approve', 'ok'],
    ],
    proposal: { protocol: 'oauth1', grantTypes: [] },
    ends: 'approved',
  },
  // Changes of an app that holds such a scope.
  {
    name: 'a new redirect URI adds no scope, and its owner does not approve it',
    lines: [...approved, [`olga ${redirect}`, 'ok'], ['olga approve-revision', 'not: owner']],
    ends: 'approved',
  },
  {
    name: 'a new redirect URI takes two',
    lines: [
      ...approved,
      [`olga ${redirect}`, 'ok'],
      ['rita approve-revision', 'waiting'],
      ['rita approve-revision', 'not: approved-before'],
      ['sven approve-revision', 'ok'],
    ],
    ends: 'approved elsewhere.example',
  },
  {
    name: 'a maintainer proposes a change, leaves, says yes, and is invited again',
    lines: [
      ...approved,
      ['olga invite mate', 'ok'],
      ['mate join', 'ok'],
      [`mate ${redirect}`, 'ok'],
      ['mate approve-revision', 'not: maintainer'],
      ['mate leave mate', 'ok'],
      ['mate approve-revision', 'not: revision-proposer'],
      ['rita approve-revision', 'waiting'],
      ['mate approve-revision', 'not: revision-proposer'],
      ['olga invite mate', 'ok'],
      ['mate approve-revision', 'not: revision-proposer'],
    ],
    ends: 'approved',
  },
  {
    name: 'a maintainer who left before the owner proposed the change is not independent of it, until the term is over',
    lines: [
      ...approved,
      ['olga invite mate', 'ok'],
      ['mate join', 'ok'],
      ['olga leave mate', 'ok'],
      ['wait 89', 'ok'],
      [`olga ${redirect}`, 'ok'],
      ['mate approve-revision', 'not: former-maintainer'],
      ['wait 2', 'ok'],
      ['mate approve-revision', 'not: former-maintainer'],
      [`olga ${redirect.replace('cb', 'other')}`, 'ok'],
      ['mate approve-revision', 'waiting'],
    ],
    ends: 'approved',
  },
  {
    name: 'an invitation that nobody accepted ties nobody; one accepted between the two yeses takes the first away',
    lines: [
      ...approved,
      [`olga ${redirect}`, 'ok'],
      ['olga invite rita', 'ok'],
      ['rita approve-revision', 'waiting'],
      ['rita join', 'ok'],
      ['ron approve-revision', 'waiting'],
      ['rita leave rita', 'ok'],
      ['rita approve-revision', 'not: former-maintainer'],
      ['sven approve-revision', 'ok'],
    ],
    ends: 'approved elsewhere.example',
  },
  {
    name: 'a first yes to one change is none to the next, nor to the app as it became since',
    lines: [
      ...approved,
      [`olga ${redirect}`, 'ok'],
      ['rita approve-revision', 'waiting'],
      ['olga update {"restrictions":{"addresses":["192.0.2.1"]}}', 'ok'],
      ['sven approve-revision', 'waiting'],
      [`olga ${redirect.replace('cb', 'other')}`, 'ok'],
      ['ron approve-revision', 'waiting'],
    ],
    ends: 'approved',
  },
  {
    name: 'words alone take one; the name, the site and scopes take two',
    lines: [
      ...approved,
      ['olga revise {"description":"Said otherwise"}', 'ok'],
      ['rita approve-revision', 'ok'],
      ['olga revise {"name":"Another name"}', 'ok'],
      ['rita approve-revision', 'waiting'],
      ['olga revise {"scopes":["import","editpage"]}', 'ok'],
      ['rita approve-revision', 'waiting'],
      ['olga revise {"scopes":["import"],"optionalScopes":["import"]}', 'ok'],
      ['rita approve-revision', 'ok'],
      ['olga revise {"optionalScopes":[]}', 'ok'],
      ['rita approve-revision', 'waiting'],
      ['olga revise {"site":"here"}', 'ok'],
      ['rita approve-revision', 'ok'],
      ['olga revise {"site":"there"}', 'ok'],
      ['rita approve-revision', 'waiting'],
    ],
    ends: 'approved',
  },
  {
    name: 'no condition of auto-approval says yes to a change of such an app',
    settings: { autoApprove: [{}] },
    lines: [...approved, [`olga ${redirect}`, 'ok'], ['rita approve-revision', 'waiting']],
    ends: 'approved',
  },
  // Proposals.
  {
    name: 'the proposal is given to a second account, and its proposer says the first yes',
    lines: [
      ['olga offer mate', 'ok'],
      ['mate accept-offer', 'ok'],
      ['olga approve', 'not: proposer'],
      ['rita approve', 'waiting'],
      ['olga approve', 'not: proposer'],
      ['mate approve', 'not: owner'],
      ['wait 400', 'ok'],
      ['olga approve', 'not: proposer'],
    ],
    ends: 'proposed',
  },
  {
    name: 'an owner in between is not independent either',
    lines: [
      ['olga offer mate', 'ok'],
      ['mate accept-offer', 'ok'],
      ['mate offer rita', 'ok'],
      ['rita accept-offer', 'ok'],
      ['wait 400', 'ok'],
      ['mate approve', 'not: former-owner'],
      ['ron approve', 'waiting'],
      ['sven approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'a first yes to a proposal that was given away counts no more',
    lines: [
      ['rita approve', 'waiting'],
      ['olga offer mate', 'ok'],
      ['mate accept-offer', 'ok'],
      ['ron approve', 'waiting'],
      ['sven approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'a first yes of somebody blocked since does not count',
    lines: [
      ['rita approve', 'waiting'],
      ['rita blocked', 'ok'],
      ['ron approve', 'waiting'],
      ['rita approve', 'user_blocked'],
    ],
    ends: 'proposed',
  },
  {
    name: 'a first yes of somebody demoted since does not count',
    lines: [
      ['rita approve', 'waiting'],
      ['rita demoted', 'ok'],
      ['ron approve', 'waiting'],
      ['sven approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'two yeses of one person are one',
    lines: [
      ['rita approve', 'waiting'],
      ['rita approve', 'not: approved-before'],
    ],
    ends: 'proposed',
  },
  {
    name: 'a first approval of somebody who was blocked is void, and does not come back with them',
    lines: [
      ['rita approve', 'waiting'],
      ['rita blocked', 'ok'],
      ['rita blocked no', 'ok'],
      ['ron approve', 'waiting'],
      ['rita approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'a first yes is void when the proposal changed: another address may use it',
    lines: [
      ['rita approve', 'waiting'],
      ['olga update {"restrictions":{"addresses":["192.0.2.1"]}}', 'ok'],
      ['ron approve', 'waiting'],
      ['rita approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'one takes their first yes back by saying no',
    lines: [
      ['rita approve', 'waiting'],
      ['rita reject', 'ok'],
      ['ron approve', 'waiting'],
      ['ron approve', 'not: approved-before'],
      ['sven approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'a maintainer of the proposal has no say, nor has one who left',
    lines: [
      ['olga invite mate', 'ok'],
      ['mate join', 'ok'],
      ['mate approve', 'not: maintainer'],
      ['mate leave mate', 'ok'],
      ['wait 400', 'ok'],
      ['mate approve', 'not: former-maintainer'],
    ],
    ends: 'proposed',
  },
  {
    name: 'the operator decides alone, as owner of the data directory',
    lines: [
      ['operator approve', 'ok'],
      ['operator disable', 'ok'],
      ['operator reenable', 'ok'],
    ],
    ends: 'approved',
  },
  // Apps for their owners alone.
  {
    name: 'an owner-only app with such a scope waits for two',
    proposal: { ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] },
    lines: [
      ['olga approve', 'not: owner'],
      ['rita approve', 'waiting'],
      ['ron approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'an owner-only app does not take such a scope by a change in force at once',
    proposal: { ...ordinary, ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] },
    lines: [
      ['olga revise {"scopes":["import"]}', 'ok'],
      ['olga approve-revision', 'not: owner'],
      ['rita approve-revision', 'waiting'],
      ['olga revise {"scopes":["editpage","delete"]}', 'ok'],
      ['rita approve-revision', 'not_found'],
    ],
    ends: 'approved',
  },
  // Undoing a stop.
  {
    name: 'its owner does not enable a disabled app again; two others do',
    lines: [
      ...approved,
      ['ron disable', 'ok'],
      ['olga reenable', 'not: owner'],
      ['ron reenable', 'waiting'],
      ['olga reenable', 'not: owner'],
      ['rita reenable', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'who left after the stop does not undo it, however long ago',
    lines: [
      ...approved,
      ['olga invite mate', 'ok'],
      ['mate join', 'ok'],
      ['ron halt all', 'ok'],
      ['mate halt none', 'not: maintainer'],
      ['mate leave mate', 'ok'],
      ['wait 400', 'ok'],
      ['mate halt none', 'not: former-maintainer'],
      ['mate halt new-consents', 'not: former-maintainer'],
      ['ron halt new-consents', 'waiting'],
      ['rita halt none', 'waiting'],
      ['rita halt new-consents', 'ok'],
      ['mate halt none', 'not: former-maintainer'],
    ],
    ends: 'approved',
  },
  {
    name: 'anybody who reviews stops more, their own too',
    lines: [
      ...approved,
      ['olga halt new-consents', 'ok'],
      ['olga halt all', 'ok'],
      ['olga halt new-consents', 'not: owner'],
      ['olga disable', 'ok'],
      ['olga reenable', 'not: owner'],
    ],
    ends: 'disabled',
  },
  {
    name: 'a rejected app does not come back by hiding, showing and enabling it',
    lines: [
      ['rita reject', 'ok'],
      ['olga approve', 'not: owner'],
      ['olga disable hidden', 'not: owner'],
      ['ron disable hidden', 'ok'],
      ['olga disable', 'not: owner'],
      ['olga reenable', 'not: owner'],
      ['ron disable', 'waiting'],
      ['ron reenable', 'waiting'],
      ['sven disable', 'waiting'],
    ],
    ends: 'disabled',
  },
  {
    name: 'rejecting a hidden proposal does not show it by the way',
    lines: [
      ['rita reject hidden', 'ok'],
      ['olga approve', 'not: owner'],
      ['rita approve', 'waiting'],
      ['rita approve', 'not: approved-before'],
      ['sven approve', 'ok'],
    ],
    ends: 'approved',
  },
  // Own apps where one yes is enough.
  {
    name: 'own apps are for others to decide on, of every kind',
    proposal: ordinary,
    lines: [
      ['olga approve', 'not: owner'],
      ['rita reject', 'ok'],
      ['olga approve', 'not: owner'],
      ['rita approve', 'ok'],
      [`olga ${redirect}`, 'ok'],
      ['olga approve-revision', 'not: owner'],
      ['olga reject-revision', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'a proposal given away is still its proposer’s',
    proposal: ordinary,
    lines: [
      ['olga offer mate', 'ok'],
      ['mate accept-offer', 'ok'],
      ['olga approve', 'not: proposer'],
      ['rita approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'where the operator allows it, a single reviewer decides on their own apps, and undoes no stop of them',
    proposal: ordinary,
    settings: single,
    lines: [
      ['olga approve', 'ok'],
      [`olga ${redirect}`, 'ok'],
      ['olga approve-revision', 'ok'],
      ['rita halt all', 'ok'],
      ['olga halt none', 'not: owner'],
      ['rita halt none', 'ok'],
      ['rita disable', 'ok'],
      ['olga reenable', 'not: owner'],
    ],
    ends: 'disabled elsewhere.example',
  },
  {
    name: 'a single reviewer does not approve an app of theirs that another rejected',
    proposal: ordinary,
    settings: single,
    lines: [
      ['rita reject', 'ok'],
      ['olga approve', 'not: owner'],
      ['rita approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'nor one that another hid: to approve shows it again',
    proposal: ordinary,
    settings: single,
    lines: [
      ['rita reject hidden', 'ok'],
      ['olga approve', 'not: owner'],
      ['operator approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'two stay two where a single reviewer decides on their own apps',
    settings: single,
    lines: [
      ['olga approve', 'not: owner'],
      ['rita approve', 'waiting'],
      ['olga approve', 'not: owner'],
      ['ron approve', 'ok'],
    ],
    ends: 'approved',
  },
  // Another owner.
  {
    name: 'an app with such a scope waits for two again when another owns it',
    lines: [
      ...approved,
      [`olga ${redirect}`, 'ok'],
      ['olga offer mate', 'ok'],
      ['mate accept-offer', 'ok'],
      ['mate approve', 'not: owner'],
      ['olga approve', 'not: proposer'],
      ['rita approve', 'waiting'],
      ['sven approve-revision', 'not_found'],
      ['sven approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'an ordinary one goes on',
    proposal: ordinary,
    lines: [...ordinaryApproved, ['olga offer mate', 'ok'], ['mate accept-offer', 'ok']],
    ends: 'approved',
  },
  {
    name: 'whoever gives away an app without an owner does not take it, and does not decide on it',
    lines: [
      ...approved,
      ['olga blocked', 'ok'],
      ['rita offer rita', 'not: handed-over'],
      ['rita offer mate', 'ok'],
      ['mate accept-offer', 'ok'],
      ['rita approve', 'not: handed-over'],
      ['ron approve', 'waiting'],
      ['sven approve', 'ok'],
    ],
    ends: 'approved',
  },
  {
    name: 'a maintainer does not give away an app without an owner, being a reviewer',
    lines: [
      ...approved,
      ['olga invite mate', 'ok'],
      ['mate join', 'ok'],
      ['olga blocked', 'ok'],
      ['mate offer ron', 'not: maintainer'],
      ['mate leave mate', 'ok'],
      ['mate offer ron', 'not: former-maintainer'],
    ],
    ends: 'approved',
  },
];

for (const { name, lines, ends, settings = {}, proposal = {} } of histories) {
  test(name, async () => {
    const { say, now, store } = await world(settings, proposal);
    const came: Line[] = [];
    for (const [said] of lines) came.push([said, await say(said)]);
    assert.deepEqual(came, lines);
    const { stage, redirectUri } = await now();
    const host = URL.parse(redirectUri)?.host ?? '';
    assert.equal(
      [stage, ...(host === '' || host === 'reader.example' ? [] : [host])].join(' '),
      ends,
    );
    await store.close();
  });
}

test('an owner-only app that waits has no credential, and gets none by a reset; when it is approved, a reset gives it', async () => {
  for (const protocol of ['oauth1', 'oauth2'] as const) {
    const grantTypes = protocol === 'oauth2' ? (['client_credentials'] as const) : [];
    const {
      say,
      issued,
      registry: room,
      cast,
      id,
      store,
      now,
    } = await world({}, { protocol, ownerOnly: true, redirectUri: '', grantTypes });
    assert.deepEqual(
      [issued.client.stage, issued.accessToken, issued.credentials],
      ['proposed', null, null],
    );
    const reset = async () => {
      const answer = await room.submit(personActor(cast.olga, everything), 'update', {
        clientId: id,
        reason: '',
        resetSecret: true,
      });
      assert.ok(answer.ok);
      return answer.value.accessToken ?? answer.value.credentials?.token ?? null;
    };
    assert.equal(await reset(), null);
    assert.deepEqual(await store.listConsents(cast.olga.id), []);
    await say('rita approve');
    await say('ron approve');
    assert.equal((await now()).stage, 'approved');
    assert.notEqual(await reset(), null);
    assert.equal((await store.listConsents(cast.olga.id)).length, 1);
    await store.close();
  }
});

test('the operator’s owner-only app is approved at once, whatever it holds', async () => {
  const { clients, owner, store } = await registry({ twoPersonRisks: ['security'] });
  const made = await clients.create(
    app({
      ownerOnly: true,
      redirectUri: '',
      grantTypes: ['client_credentials'],
      scopes: ['import'],
    }),
    owner,
    {
      approve: false,
    },
  );
  assert.ok(made.ok);
  assert.deepEqual([made.value.client.stage, made.value.accessToken !== null], ['approved', true]);
  await store.close();
});

test('the secrets of an app end when another owns it: at once where two look again, otherwise after a grace', async () => {
  for (const [scopes, grace] of [
    [['import'], 0],
    [['editpage'], 7 * DAY],
  ] as const) {
    const { say, now, store, clock, registry: room, cast, id } = await world({}, { scopes });
    await room.submit(personActor(cast.olga, everything), 'add-secret', {
      clientId: id,
      reason: '',
      label: 'short',
      expiresAt: clock.now() + 60,
    });
    await say('rita approve');
    await say('ron approve');
    await say('olga offer mate');
    assert.equal(await say('mate accept-offer'), 'ok');
    const ends = (await now()).secrets.map(({ label, expiresAt }) => [
      label,
      (expiresAt ?? 0) - clock.now(),
    ]);
    assert.deepEqual(ends, [
      ['first', grace],
      ['short', Math.min(grace, 60)],
    ]);
    await store.close();
  }
});

test('the key of the owner before ends at the transfer', async () => {
  const {
    say,
    now,
    store,
    registry: room,
    cast,
    id,
  } = await world({}, { protocol: 'oauth1', scopes: ['editpage'] });
  const { generateKeyPairSync } = await import('node:crypto');
  const rsaPublicKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'pem',
  });
  await room.submit(personActor(cast.olga, everything), 'update', {
    clientId: id,
    reason: '',
    resetSecret: false,
    rsaPublicKey,
  });
  await say('rita approve');
  assert.notEqual((await now()).rsaPublicKey, null);
  await say('olga offer mate');
  await say('mate accept-offer');
  assert.equal((await now()).rsaPublicKey, null);
  await store.close();
});

test('reviewers hear of a new owner, and so do both owners and the maintainers, each once', async () => {
  const { say, store, cast } = await world({ notifyGroups: ['reviewer'] }, ordinary);
  for (const who of ['rita', 'ron', 'olga'] as const)
    await store.setGroups(cast[who].id, ['reviewer']);
  await say('rita approve');
  await say('olga invite ron');
  await say('ron join');
  await say('olga offer mate');
  await say('mate accept-offer');
  const told = (await store.listNotifications({ limit: 99 }))
    .filter(isNotification)
    .filter(({ facts }) => facts.event === 'accept-offer')
    .map(({ target }) => (target.kind === 'mail' ? target.userId : 0));
  assert.deepEqual(told.sort(), [cast.olga.id, cast.rita.id, cast.ron.id].sort());
  await store.close();
});

test('two at once are two, in every order; one at once is one', async () => {
  const { say, now, store } = await world({}, {});
  assert.deepEqual((await Promise.all([say('rita approve'), say('rita approve')])).sort(), [
    'not: approved-before',
    'waiting',
  ]);
  assert.equal((await now()).stage, 'proposed');
  assert.deepEqual((await Promise.all([say('ron approve'), say('sven approve')])).sort(), [
    'not_proposed',
    'ok',
  ]);
  await store.close();
});

test('a part somebody took is kept with the app, with its end', async () => {
  const { say, store, id, cast, clock, pass } = await world({}, {});
  const start = clock.now();
  pass(10);
  await say('olga invite mate');
  await say('mate join');
  pass(10);
  await say('mate leave mate');
  await say('olga offer rita');
  await say('rita accept-offer');
  const parts = (await store.involvementsIn(id)).map(
    ({ userId, part, until }): [UserId, string, number] => [userId, part, until - start],
  );
  assert.deepEqual(parts, [
    [cast.olga.id, 'proposer', 0],
    [cast.olga.id, 'owner', 20],
    [cast.mate.id, 'maintainer', 20],
  ]);
  await store.close();
});
