import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import type { Administrator } from '#accounts/administration.ts';
import { personActor } from '#harness/consents.ts';
import { TestServer } from '#harness/world.ts';
import { OPERATOR } from '#registry/actor.ts';

describe('what administrators do with accounts', () => {
  let world: TestServer;
  let root: Account;
  let rita: Account;
  let ron: Account;
  let byRoot: Administrator;
  const operator: Administrator = { account: null, via: 'cli', address: 'os:olga' };
  const current = async (account: Account) =>
    (await world.server.store.findAccount(account.id)) as Account;
  const accountEntries = async () =>
    (await world.server.store.listAudit({ about: 'accounts', limit: 99 })).map(
      ({ action, actorId, via, address, clientId, changes }) => ({
        action,
        actorId,
        via,
        address,
        clientId,
        changes: changes.map(({ field, before, after }) => [field, before, after]),
      }),
    );

  before(async () => {
    world = new TestServer({}, 'review:\n  two_person_risks: [security]\n');
    root = await world.createPerson('Root', ['administrator']);
    rita = await world.createPerson('Rita', ['reviewer']);
    ron = await world.createPerson('Ron', ['reviewer']);
    byRoot = { account: root, via: 'page', address: '192.0.2.9' };
  });
  after(() => world.close());

  test('a block is in the audit log, with who did it and from where; one that changes nothing is not', async () => {
    const { accounts } = world.server.services;
    assert.ok((await accounts.setBlocked(byRoot, ron.id, true)).ok);
    assert.ok((await accounts.setBlocked(operator, ron.id, true)).ok);
    assert.ok((await accounts.setBlocked(operator, ron.id, false)).ok);
    assert.deepEqual(await accountEntries(), [
      {
        action: 'unblock-account',
        actorId: null,
        via: 'cli',
        address: 'os:olga',
        clientId: null,
        changes: [
          ['account', null, ron.id],
          ['blocked', true, false],
        ],
      },
      {
        action: 'block-account',
        actorId: root.id,
        via: 'page',
        address: '192.0.2.9',
        clientId: null,
        changes: [
          ['account', null, ron.id],
          ['blocked', false, true],
        ],
      },
    ]);
  });

  test('the audit log shows it to those who may view private data, and to no other reviewer', async () => {
    const { registry } = world.server.services;
    const shownTo = async (account: Account | null) => {
      const actor =
        account === null
          ? OPERATOR
          : personActor(account, world.server.services.rights.rightsOf(account));
      const log = await registry.query(actor).auditLog({ action: 'block-account', limit: 9 });
      return log.ok ? log.value.items.length : log.refusal.kind;
    };
    assert.equal(await shownTo(rita), 0);
    assert.equal(await shownTo(null), 1);
    assert.equal(await shownTo(root), 1);
    const cookie = await world.sessionCookie(root);
    const page = await world.app.inject({
      url: '/admin/audit?action=block-account',
      headers: { cookie },
    });
    assert.equal(page.statusCode, 200);
    assert.match(page.body, /account blocked/);
    assert.match(page.body, /Ron/);
  });

  const endings: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
    [
      'is blocked',
      () => world.server.services.accounts.setBlocked(byRoot, rita.id, true),
      () => world.server.services.accounts.setBlocked(byRoot, rita.id, false),
    ],
    [
      'loses the group',
      () => world.server.services.accounts.setGroups(byRoot, rita.id, [], ['reviewer']),
      () => world.server.services.accounts.setGroups(byRoot, rita.id, ['reviewer'], []),
    ],
  ];
  for (const [how, end, restore] of endings) {
    test(`an approval of somebody who ${how} is void, and does not come back with them`, async () => {
      const owner = await world.createPerson(`Owner-${how.slice(-7)}`.replace(' ', '-'), [
        'developer',
      ]);
      const { client } = await world.createClient(
        owner,
        { name: `App ${how}`, scopes: ['gatehouse:clients'] },
        false,
      );
      const approve = async (account: Account) => {
        const fresh = await current(account);
        const actor = personActor(fresh, world.server.services.rights.rightsOf(fresh));
        const answer = await world.server.services.registry.submit(actor, 'approve', {
          clientId: client.id,
          reason: '',
        });
        return answer.ok ? answer.value.awaitsSecondApproval : answer.refusal.kind;
      };
      assert.equal(await approve(rita), true);
      await end();
      await restore();
      assert.equal(await approve(ron), true, 'the first of two again');
      assert.equal(await approve(rita), false, 'the second');
      assert.equal((await world.server.store.findClient(client.id))?.stage, 'approved');
    });
  }
});
