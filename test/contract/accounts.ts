import assert from 'node:assert/strict';
import type { Case } from './store.ts';
import { account, at, digest, NOW, noSuch, person, session, tally, text } from './things.ts';

/** Accounts, the set-up secret, sessions and limits. */
export const accountCases: readonly Case[] = [
  [
    'an account is created once by name, without regard to case, and found by number and name',
    async (store) => {
      const name = text('Élodie');
      const made = await store.createAccount(
        account({ name, groups: ['reviewer', 'a"b'], passwordHash: 'hash', realName: 'É. "X"' }),
      );
      assert.ok(made.outcome === 'created');
      assert.deepEqual(await store.createAccount(account({ name: name.toUpperCase() })), {
        outcome: 'name-taken',
      });
      assert.deepEqual(await store.findAccount(made.account.id), made.account);
      assert.deepEqual(await store.findAccountByName(name.toUpperCase()), made.account);
      assert.deepEqual(await store.findPassword(name), {
        account: made.account,
        passwordHash: 'hash',
      });
      assert.deepEqual(made.account.groups, ['reviewer', 'a"b']);
      assert.ok((await store.listAccounts()).some(({ id }) => id === made.account.id));
    },
  ],
  [
    'accounts that are not there are undefined',
    async (store) => {
      assert.equal(await store.findAccount(noSuch.user), undefined);
      assert.equal(await store.findAccountByName('nobody at all'), undefined);
      assert.equal(await store.findPassword('nobody at all'), undefined);
      assert.equal(await store.findAccountByName('no\0body \ud800'), undefined);
    },
  ],
  [
    'blocking: set, unknown',
    async (store) => {
      const id = await person(store);
      assert.equal(await store.setBlocked(id, true), 'set');
      assert.equal((await store.findAccount(id))?.blocked, true);
      assert.equal(await store.setBlocked(id, false), 'set');
      assert.equal((await store.findAccount(id))?.blocked, false);
      assert.equal(await store.setBlocked(noSuch.user, true), 'unknown');
    },
  ],
  [
    '50 accounts of one name at once: one is created',
    async (store) => {
      const name = text('Racer');
      const made = await Promise.all(
        Array.from({ length: 50 }, () => store.createAccount(account({ name }))),
      );
      assert.deepEqual(tally(made.map(({ outcome }) => outcome)), { created: 1, 'name-taken': 49 });
    },
  ],
  [
    'members of groups: those who are not blocked, by number, at most so many',
    async (store) => {
      const group = text('group "%');
      const ids = [
        await person(store, { groups: ['x', group] }),
        await person(store, { groups: [group] }),
        await person(store, { groups: [`${group}s`] }),
        await person(store, { groups: [group] }),
      ];
      await store.setBlocked(ids[1] ?? noSuch.user, true);
      const found = async (limit: number) =>
        (await store.listAccountsInGroups(['y', group], limit)).map(({ id }) => id);
      assert.deepEqual(await found(9), [ids[0], ids[3]]);
      assert.deepEqual(await found(1), [ids[0]]);
      assert.deepEqual(await store.listAccountsInGroups([], 9), []);
    },
  ],
  [
    'the set-up secret is neither kept nor spent where there is an account',
    async (store) => {
      const own = digest();
      await person(store);
      assert.equal(await store.saveSetupSecret(own, at(3600)), 'accounts-exist');
      assert.equal(await store.hasSetupSecret(own, NOW), false);
      assert.equal((await store.consumeSetupSecret(own, NOW, account())).outcome, 'unknown');
    },
  ],
  [
    'a session lasts until the very second it expires, and ends alone or with all of its person',
    async (store) => {
      const user = await person(store);
      const [one, two, other] = [session(user), session(user), session(await person(store))];
      for (const each of [one, two, other]) await store.saveSession(each);
      const found = await store.findSession(one.digest, at(59));
      for (const key of Object.keys(one) as (keyof typeof one)[])
        assert.deepEqual(found?.[key], one[key]);
      assert.equal(await store.findSession(one.digest, at(60)), undefined);
      await store.endSession(one.digest);
      await store.endSession(one.digest);
      assert.equal(await store.findSession(one.digest, NOW), undefined);
      await store.endSessionsOf(user);
      assert.equal(await store.findSession(two.digest, NOW), undefined);
      assert.notEqual(await store.findSession(other.digest, NOW), undefined);
      await assert.rejects(store.saveSession(other));
    },
  ],
  [
    'a limit counts in its window, which ends at its very second, and is cleared',
    async (store) => {
      const key = text('limit');
      assert.equal(await store.count(key, NOW), 0);
      assert.equal(await store.increment(key, NOW, at(10)), 1);
      assert.equal(await store.increment(key, at(5), at(15)), 2);
      assert.equal(await store.increment(key, at(9), at(19)), 3);
      assert.equal(await store.count(key, at(9)), 3);
      assert.equal(await store.count(key, at(10)), 0);
      assert.equal(await store.increment(key, at(10), at(20)), 1);
      assert.equal(await store.count(key, at(19)), 1);
      await store.clear(key);
      assert.equal(await store.count(key, at(11)), 0);
    },
  ],
  [
    '50 hits at once are 50 different counts',
    async (store) => {
      const key = text('limit');
      const counts = await Promise.all(
        Array.from({ length: 50 }, () => store.increment(key, NOW, at(10))),
      );
      assert.deepEqual(
        counts.toSorted((one, other) => one - other),
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
    },
  ],
];
