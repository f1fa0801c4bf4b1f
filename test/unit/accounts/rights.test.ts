import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { loadRights } from '#accounts/rights.ts';
import type { UserId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { bundled } from '../registry/world.ts';

const person = (...groups: string[]): Account => ({
  id: 1 as UserId,
  name: 'Ada',
  email: null,
  emailConfirmedAt: null,
  realName: '',
  groups,
  blocked: false,
  createdAt: instant(0),
  language: null,
});
const rights = loadRights(bundled('accounts/data/groups.json'));

test('a stranger is in * alone; a person in the implicit groups and their own', () => {
  assert.deepEqual(rights.groupsOf(null), ['*']);
  assert.deepEqual(rights.groupsOf(person('sysop', 'user')), [
    '*',
    'user',
    'autoconfirmed',
    'sysop',
  ]);
});

for (const [who, account, right, has] of [
  ['a stranger', null, 'read', true],
  ['a stranger', null, 'mwoauthmanagemygrants', false],
  ['a person', person(), 'mwoauthmanagemygrants', true],
  ['a person', person(), 'autoconfirmed', true],
  ['a person', person(), 'mwoauthmanageconsumer', false],
  ['a sysop', person('sysop'), 'delete', true],
  ['a sysop', person('sysop'), 'mwoauthmanageconsumer', false],
  ['an administrator', person('administrator'), 'mwoauthmanageconsumer', true],
  ['an administrator', person('administrator'), 'mwoauthviewprivate', true],
  ['a member of an unknown group', person('nowhere'), 'delete', false],
] as const) {
  test(`${who} ${has ? 'has' : 'lacks'} ${right}`, () =>
    assert.equal(rights.rightsOf(account).has(right), has));
}

test('names that every object has are no groups', () => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    assert.equal(rights.hasGroup(name), false);
    assert.deepEqual(rights.rightsOf(person(name)), rights.rightsOf(person()));
  }
});

test('nobody is put into an implicit group', () => {
  assert.equal(rights.hasGroup('user'), false);
  assert.equal(rights.hasGroup('sysop'), true);
});

test('group names with blanks do not pass for two groups', () => {
  const table = loadRights({ groups: { 'a b': ['one'], a: ['two'], b: ['three'] }, implicit: [] });
  assert.deepEqual([...table.rightsOf(person('a b'))], ['one']);
  assert.deepEqual([...table.rightsOf(person('a', 'b'))], ['two', 'three']);
});

test('every problem of a groups file is told at once', () => {
  assert.throws(
    () => loadRights({ groups: { a: 'all', b: [''] }, more: 1 }),
    ({ message }: Error) =>
      ['groups.a', 'groups.b', 'more'].every((part) => message.includes(part)),
  );
});
