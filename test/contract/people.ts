import assert from 'node:assert/strict';
import type { Passkey } from '#accounts/passkey-records.ts';
import type { AccountToken, AccountTokenKind } from '#accounts/records.ts';
import type { UserId } from '#kernel/ids.ts';
import type { Case } from './store.ts';
import { account, at, digest, NOW, noSuch, person, tally, text } from './things.ts';

const token = (
  kind: AccountTokenKind,
  userId: UserId | null,
  changes: Partial<AccountToken> = {},
): AccountToken => ({
  ...{ digest: digest(), kind, userId, data: '', expiresAt: at(60) },
  ...changes,
});
const passkey = (userId: UserId, changes: Partial<Passkey> = {}): Passkey => ({
  id: digest(),
  userId,
  publicKey: 'key',
  counter: 0,
  transports: ['internal', 'usb'],
  label: 'My "phone"',
  createdAt: NOW,
  lastUsedAt: null,
  ...changes,
});
const anybody = { text: null, group: null, blocked: null } as const;

/** Looking after accounts, one-time secrets, and passkeys. */
export const peopleCases: readonly Case[] = [
  [
    'accounts are found by part of name or address, by group and by block, a page at a time, and counted',
    async (store) => {
      const mark = text('Zoë').replaceAll(' ', '-');
      const one = await person(store, { name: `${mark}-Ä`, groups: ['admin'] });
      const other = await person(store, {
        name: text('B'),
        email: `X.${mark}@Example.org`,
        groups: ['administrator', 'a"b'],
      });
      const third = await person(store, { name: `%_${mark}`, email: null });
      await store.setBlocked(third, true);
      const find = async (wanted: object) =>
        (
          await store.searchAccounts({
            ...anybody,
            text: mark.toUpperCase().replace('Ë', 'ë'),
            after: null,
            limit: 10,
            ...wanted,
          })
        ).map(({ id }) => id);
      assert.deepEqual(await find({}), [one, other, third]);
      assert.deepEqual(await find({ limit: 2 }), [one, other]);
      assert.deepEqual(await find({ after: one }), [other, third]);
      assert.deepEqual(await find({ group: 'admin' }), [one]);
      assert.deepEqual(await find({ group: 'a"b' }), [other]);
      assert.deepEqual(await find({ blocked: true }), [third]);
      assert.deepEqual(await find({ blocked: false }), [one, other]);
      assert.deepEqual(await find({ text: `%_${mark}` }), [third]);
      assert.deepEqual(await find({ text: `${mark}-ä` }), [one]);
      assert.equal(await store.countAccounts({ ...anybody, text: mark }), 3);
      assert.equal(await store.countAccounts({ text: mark, group: 'admin', blocked: true }), 0);
      assert.ok((await store.countAccounts(anybody)) >= 3);
    },
  ],
  [
    'groups and profile: set, unknown',
    async (store) => {
      const id = await person(store);
      assert.equal(await store.setGroups(id, ['b', 'a"b']), 'set');
      assert.equal(await store.setProfile(id, { realName: 'Ada "L"', language: 'de' }), 'set');
      const found = await store.findAccount(id);
      assert.deepEqual(
        [found?.groups, found?.realName, found?.language],
        [['b', 'a"b'], 'Ada "L"', 'de'],
      );
      assert.equal(await store.setProfile(id, { realName: '', language: null }), 'set');
      assert.equal((await store.findAccount(id))?.language, null);
      assert.equal(await store.setGroups(noSuch.user, []), 'unknown');
      assert.equal(
        await store.setProfile(noSuch.user, { realName: '', language: null }),
        'unknown',
      );
    },
  ],
  [
    'a password is replaced by whoever knows the one before, once, and ends the links',
    async (store) => {
      const name = text('Pat');
      const id = await person(store, { name, passwordHash: 'old' });
      const link = token('reset-password', id);
      await store.saveAccountToken(link);
      assert.equal(await store.setPassword(id, 'new', 'wrong'), 'changed');
      assert.notEqual(await store.findAccountToken(link.digest, 'reset-password', NOW), undefined);
      const answers = await Promise.all(
        ['one', 'two', 'three'].map((hash) => store.setPassword(id, hash, 'old')),
      );
      assert.deepEqual(tally(answers), { set: 1, changed: 2 });
      assert.equal(await store.findAccountToken(link.digest, 'reset-password', NOW), undefined);
      const bare = await person(store);
      assert.equal(await store.setPassword(bare, 'first', null), 'set');
      assert.equal(await store.setPassword(noSuch.user, 'x', null), 'changed');
    },
  ],
  [
    'people by confirmed address, without regard to case; not the blocked',
    async (store) => {
      const email = `${text('mail').replaceAll(' ', '.')}@Example.org`;
      const one = await person(store, { email });
      const other = await person(store, { email: email.toUpperCase() });
      await person(store, { email, emailConfirmedAt: null });
      await store.setBlocked(await person(store, { email }), true);
      const found = async (limit: number) =>
        (await store.findAccountsByEmail(email, limit)).map(({ id }) => id);
      assert.deepEqual([await found(9), await found(1)], [[one, other], [one]]);
    },
  ],
  [
    'a one-time secret: of its kind, until it expires, taken once of many at once',
    async (store) => {
      const own = token('use-passkey', null, { data: 'x"y' });
      await store.saveAccountToken(own);
      assert.deepEqual(await store.findAccountToken(own.digest, 'use-passkey', at(59)), own);
      assert.equal(await store.findAccountToken(own.digest, 'use-passkey', at(60)), undefined);
      assert.equal(await store.consumeAccountToken(own.digest, 'add-passkey', NOW), undefined);
      assert.equal(await store.consumeAccountToken(own.digest, 'use-passkey', at(60)), undefined);
      const taken = await Promise.all(
        Array.from({ length: 5 }, () => store.consumeAccountToken(own.digest, 'use-passkey', NOW)),
      );
      assert.equal(taken.filter((each) => each !== undefined).length, 1);
    },
  ],
  [
    'a newer link of a person ends the older of its kind, and no other',
    async (store) => {
      const [user, other] = [await person(store), await person(store)];
      const kept = [
        token('confirm-email', user),
        token('reset-password', other),
        token('add-passkey', user),
        token('add-passkey', user),
      ];
      const [old, young] = [token('reset-password', user), token('reset-password', user)];
      for (const each of [...kept, old, young]) await store.saveAccountToken(each);
      const there = async ({ digest: own, kind }: AccountToken) =>
        (await store.findAccountToken(own, kind, NOW)) !== undefined;
      assert.deepEqual(await Promise.all([...kept, young, old].map(there)), [
        true,
        true,
        true,
        true,
        true,
        false,
      ]);
    },
  ],
  [
    'a registration: a taken name keeps its link; one account of many at once',
    async (store) => {
      const email = 'new@example.org';
      const link = token('register', null, { data: email });
      await store.saveAccountToken(link);
      const { name: taken } = (await store.findAccount(await person(store))) ?? {};
      const { email: _email, emailConfirmedAt: _at, ...wanted } = account({ passwordHash: 'hash' });
      const redeem = (name: string, when = NOW) =>
        store.consumeRegistrationToken(link.digest, when, { ...wanted, name });
      assert.deepEqual(await redeem(taken ?? ''), { outcome: 'name-taken' });
      assert.deepEqual(await redeem(text('Late'), at(60)), { outcome: 'unknown' });
      const answers = await Promise.all(Array.from({ length: 4 }, () => redeem(text('New'))));
      assert.deepEqual(tally(answers.map(({ outcome }) => outcome)), { created: 1, unknown: 3 });
      const made = answers.find((answer) => answer.outcome === 'created');
      assert.ok(made?.outcome === 'created');
      assert.deepEqual([made.account.email, made.account.emailConfirmedAt], [email, NOW]);
    },
  ],
  [
    'an address of one account: of many links to it at once one counts, and the others end',
    async (store) => {
      const { email: _email, emailConfirmedAt: _at, ...wanted } = account({ passwordHash: 'hash' });
      const links = Array.from({ length: 5 }, (_each, index) =>
        token('register', null, { data: index % 2 ? 'One@example.org' : 'one@example.org' }),
      );
      const user = await person(store, { email: 'else@example.org' });
      const change = token('confirm-email', user, { data: 'ONE@example.org' });
      for (const link of [...links, change]) await store.saveAccountToken(link);
      const answers = await Promise.all([
        ...links.map(
          async ({ digest }) =>
            (await store.consumeRegistrationToken(digest, NOW, { ...wanted, name: text('One') }))
              .outcome,
        ),
        store.consumeEmailToken(change.digest, user, NOW).then(({ outcome }) => outcome),
      ]);
      const won = answers.filter((outcome) => outcome === 'created' || outcome === 'confirmed');
      assert.equal(won.length, 1, answers.join());
      assert.equal((await store.findAccountsByEmail('one@example.org', 10)).length, 1);
      for (const { digest, kind } of [...links, change])
        assert.equal(await store.findAccountToken(digest, kind, NOW), undefined);
      // Also for somebody who is blocked, and not where addresses are shared.
      const [owner] = await store.findAccountsByEmail('one@example.org', 1);
      await store.setBlocked(owner?.id as never, true);
      const [late, shared] = [
        token('register', null, { data: 'one@example.org' }),
        token('register', null, { data: 'one@example.org' }),
      ];
      await store.saveAccountToken(late);
      assert.equal(await store.hasConfirmedEmail('ONE@example.org'), true);
      assert.deepEqual(
        await store.consumeRegistrationToken(late.digest, NOW, { ...wanted, name: text('Late') }),
        { outcome: 'address-taken' },
      );
      await store.saveAccountToken(shared);
      assert.equal(
        (
          await store.consumeRegistrationToken(
            shared.digest,
            NOW,
            { ...wanted, name: text('Shared') },
            true,
          )
        ).outcome,
        'created',
      );
    },
  ],
  [
    'an address: confirmed by the link of its person alone, once, and other links end',
    async (store) => {
      const [user, other] = [
        await person(store, { email: 'before@example.org' }),
        await person(store),
      ];
      const [link, reset] = [
        token('confirm-email', user, { data: 'after@example.org' }),
        token('reset-password', user),
      ];
      await store.saveAccountToken(link);
      await store.saveAccountToken(reset);
      assert.deepEqual(await store.consumeEmailToken(link.digest, other, NOW), {
        outcome: 'unknown',
      });
      assert.deepEqual(await store.consumeEmailToken(link.digest, user, at(60)), {
        outcome: 'unknown',
      });
      assert.deepEqual(await store.consumeEmailToken(link.digest, user, at(59)), {
        outcome: 'confirmed',
        before: 'before@example.org',
      });
      assert.deepEqual(await store.consumeEmailToken(link.digest, user, at(59)), {
        outcome: 'unknown',
      });
      const found = await store.findAccount(user);
      assert.deepEqual([found?.email, found?.emailConfirmedAt], ['after@example.org', at(59)]);
      assert.equal(await store.findAccountToken(reset.digest, 'reset-password', NOW), undefined);
    },
  ],
  [
    'a reset sets one password of many at once, in time, and not for the blocked',
    async (store) => {
      const name = text('Rex');
      const user = await person(store, { name, passwordHash: 'old' });
      const link = token('reset-password', user);
      await store.saveAccountToken(link);
      assert.deepEqual(await store.consumeResetToken(link.digest, at(60), 'late'), {
        outcome: 'unknown',
      });
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => store.consumeResetToken(link.digest, NOW, 'new')),
      );
      assert.deepEqual(tally(answers.map(({ outcome }) => outcome)), { set: 1, unknown: 3 });
      assert.equal((await store.findPassword(name))?.passwordHash, 'new');
      const again = token('reset-password', user);
      await store.saveAccountToken(again);
      await store.setBlocked(user, true);
      assert.deepEqual(await store.consumeResetToken(again.digest, NOW, 'blocked'), {
        outcome: 'unknown',
      });
      assert.equal((await store.findPassword(name))?.passwordHash, 'new');
    },
  ],
  [
    'passkeys: added once, listed in order, named and removed by their person alone',
    async (store) => {
      const [user, other] = [await person(store), await person(store)];
      const [one, two] = [passkey(user), passkey(user, { createdAt: at(1), transports: [] })];
      assert.deepEqual(
        [await store.addPasskey(two), await store.addPasskey(one)],
        ['added', 'added'],
      );
      assert.equal(await store.addPasskey({ ...one, userId: other }), 'taken');
      assert.deepEqual(await store.listPasskeys(user), [one, two]);
      assert.deepEqual(await store.findPasskey(one.id), one);
      assert.equal(await store.findPasskey('nothing'), undefined);
      assert.equal(await store.renamePasskey(other, one.id, 'Mine'), 'unknown');
      assert.equal(await store.renamePasskey(user, one.id, 'Mine'), 'set');
      assert.equal((await store.findPasskey(one.id))?.label, 'Mine');
      assert.equal(await store.removePasskey(other, one.id), 'unknown');
      assert.equal(await store.removePasskey(user, one.id), 'removed');
      assert.deepEqual(await store.listPasskeys(user), [two]);
    },
  ],
  [
    'a use of a passkey: its counter rises, or it has none',
    async (store) => {
      const user = await person(store);
      const [plain, counting] = [passkey(user), passkey(user, { counter: 5 })];
      await store.addPasskey(plain);
      await store.addPasskey(counting);
      assert.deepEqual(
        [
          await store.recordPasskeyUse(plain.id, 0, at(1)),
          await store.recordPasskeyUse(plain.id, 0, at(2)),
        ],
        ['used', 'used'],
      );
      assert.equal((await store.findPasskey(plain.id))?.lastUsedAt, at(2));
      assert.deepEqual(
        [
          await store.recordPasskeyUse(counting.id, 5, NOW),
          await store.recordPasskeyUse(counting.id, 0, NOW),
        ],
        ['unknown', 'unknown'],
      );
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => store.recordPasskeyUse(counting.id, 6, NOW)),
      );
      assert.deepEqual(tally(answers), { used: 1, unknown: 3 });
      assert.equal(await store.recordPasskeyUse('nothing', 1, NOW), 'unknown');
    },
  ],
];
