import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountProposal } from '#accounts/account-creation.ts';
import { makeAccounts } from '#accounts/accounts.ts';
import { loadRights, type RightsTable } from '#accounts/rights.ts';
import { makeIdGenerator } from '#keys/id-generator.ts';
import { makeSecretBox } from '#keys/secret-box.ts';
import { openSqlite } from '#store/sqlite/open.ts';
import { bundled, outside } from '../registry/world.ts';

const bundledRights = loadRights(bundled('accounts/data/groups.json'));

const ada: AccountProposal = {
  name: 'Ada',
  email: 'ada@example.org',
  emailConfirmed: true,
  realName: '',
  groups: [],
  password: 'correct horse',
};

function people(rights: RightsTable = bundledRights) {
  const { clock, pass, entropy } = outside();
  const store = openSqlite(':memory:');
  const accounts = makeAccounts({
    ...{
      records: store,
      sessions: store,
      limits: store,
      rights,
      idGenerator: makeIdGenerator(clock, entropy),
      clock,
      entropy,
    },
    ...{
      log: { info() {}, warn() {}, error() {} },
      reviewRights: [],
      emailEnabled: false,
      deliverEmails: async () => {},
      secretBox: makeSecretBox([{ id: 'm1', key: new Uint8Array(32) }], entropy),
    },
    settings: {
      issuer: 'https://gate.example',
      origin: 'https://gate.example',
      siteName: 'Gate',
      registration: 'closed',
      sharedAddresses: false,
    },
  });
  return { accounts, store, clock, pass };
}
/** The secret of a new set-up link. */
const setupSecret = async ({
  issueSetupLink,
}: ReturnType<typeof makeAccounts>): Promise<string> => {
  const link = await issueSetupLink();
  assert.ok(link.ok);
  return new URL(link.value).searchParams.get('token') ?? '';
};
const kindOf = (answer: { ok: true } | { ok: false; refusal: { kind: string } }) =>
  answer.ok ? 'ok' : answer.refusal.kind;
const at = (address: string) => ({ address, agent: 'Test/1.0' });
const HERE = at('192.0.2.1');

for (const [name, changes, field] of [
  ['no name', { name: '' }, 'name'],
  ['only blanks', { name: ' \t ' }, 'name'],
  ['256 bytes', { name: 'é'.repeat(128) }, 'name'],
  ['a control character', { name: 'A\u0007da' }, 'name'],
  ['a character that turns the direction', { name: 'A\u202eda' }, 'name'],
  ['a zero-width space', { name: 'A\u200bda' }, 'name'],
  ['half a surrogate pair', { name: 'A\ud800' }, 'name'],
  ['no address', { email: 'ada' }, 'email'],
  ['two addresses', { email: 'a@b.example,c@d.example' }, 'email'],
  ['a header in the address', { email: 'a@b.example\nBcc: c@d.example' }, 'email'],
  ['a password of 7 characters', { password: '1234567' }, 'password'],
  ['a password of 513 bytes', { password: 'x'.repeat(513) }, 'password'],
  ['an unknown group', { groups: ['nowhere'] }, 'group'],
  ['an implicit group', { groups: ['user'] }, 'group'],
  ['a real name that turns the direction', { realName: '\u202e' }, 'real-name'],
] as const) {
  test(`an account with ${name} is refused`, async () => {
    const { accounts, store } = people();
    const answer = await accounts.createAccount({ ...ada, ...changes });
    assert.equal(
      !answer.ok && answer.refusal.kind === 'invalid-field' ? answer.refusal.field : answer,
      field,
    );
    assert.deepEqual(await store.listAccounts(), []);
    await store.close();
  });
}

test('a name is trimmed, composed, and unique without regard to case', async () => {
  const { accounts, store } = people();
  const made = await accounts.createAccount({ ...ada, name: ' Ame\u0301lie ' });
  assert.equal(made.ok && made.value.name, 'Amélie');
  assert.equal(
    kindOf(await accounts.createAccount({ ...ada, name: 'AMÉLIE', email: 'other@example.org' })),
    'name-taken',
  );
  for (const typed of ['Amélie', 'ame\u0301lie', ' AMÉLIE '])
    assert.equal(kindOf(await accounts.signIn(typed, ada.password, HERE)), 'ok');
  await store.close();
});

test('a session lasts 14 days and ends at sign-out; its secret is not stored', async () => {
  const { accounts, store, clock, pass } = people();
  await accounts.createAccount(ada);
  const one = await accounts.signIn('Ada', ada.password, HERE);
  const other = await accounts.signIn('Ada', ada.password, HERE);
  assert.ok(one.ok && other.ok);
  assert.notEqual(one.value.sessionSecret, other.value.sessionSecret);
  assert.equal(one.value.expiresAt - clock.now(), 14 * 86_400);
  const opened = await accounts.sessionOf(one.value.sessionSecret);
  assert.equal(opened?.account.name, 'Ada');
  assert.deepEqual(opened?.proof, { at: clock.now(), method: 'password' });
  await accounts.signOut(one.value.sessionSecret);
  assert.equal(await accounts.sessionOf(one.value.sessionSecret), undefined);
  pass(14 * 86_400 - 1);
  assert.equal((await accounts.sessionOf(other.value.sessionSecret))?.account.name, 'Ada');
  pass(1);
  assert.equal(await accounts.sessionOf(other.value.sessionSecret), undefined);
  assert.equal(await accounts.sessionOf('x'.repeat(10_000)), undefined);
  await store.close();
});

test('a blocked person cannot sign in, and an open session stops', async () => {
  const { accounts, store } = people();
  const made = await accounts.createAccount(ada);
  const signed = await accounts.signIn('Ada', ada.password, HERE);
  assert.ok(made.ok && signed.ok);
  await store.setBlocked(made.value.id, true);
  assert.equal(await accounts.sessionOf(signed.value.sessionSecret), undefined);
  assert.equal(kindOf(await accounts.signIn('Ada', ada.password, HERE)), 'blocked');
  assert.equal(kindOf(await accounts.signIn('Ada', 'wrong', HERE)), 'wrong-name-or-password');
  await store.close();
});

for (const [whose, name] of [
  ['a known name', 'Ada'],
  ['an unknown name', 'Nobody'],
] as const) {
  test(`five failures for ${whose} from one network, then one try in half a minute; elsewhere it stays open`, async () => {
    const { accounts, store, pass } = people();
    await accounts.createAccount(ada);
    const tries: string[] = [];
    for (let count = 0; count < 6; count++)
      tries.push(kindOf(await accounts.signIn(name, 'wrong', HERE)));
    assert.deepEqual(tries, [...Array(5).fill('wrong-name-or-password'), 'throttled']);
    assert.equal(
      kindOf(await accounts.signIn(name.toUpperCase(), ada.password, HERE)),
      'throttled',
    );
    assert.equal(
      kindOf(await accounts.signIn(name, 'wrong', at('198.51.100.1'))),
      'wrong-name-or-password',
    );
    pass(29);
    assert.equal(kindOf(await accounts.signIn(name, ada.password, HERE)), 'throttled');
    pass(1);
    assert.equal(
      kindOf(await accounts.signIn(name, ada.password, HERE)),
      name === 'Ada' ? 'ok' : 'wrong-name-or-password',
    );
    await store.close();
  });
}

test('tries at once do not slip through together', async () => {
  const { accounts, store } = people();
  await accounts.createAccount(ada);
  const tries = await Promise.all(
    Array.from({ length: 12 }, () => accounts.signIn('Ada', 'wrong', HERE)),
  );
  assert.equal(tries.filter((answer) => kindOf(answer) === 'wrong-name-or-password').length, 5);
  assert.equal(tries.filter((answer) => kindOf(answer) === 'throttled').length, 7);
  await store.close();
});

test('a success forgets the failures of the name', async () => {
  const { accounts, store } = people();
  await accounts.createAccount(ada);
  for (let round = 0; round < 3; round++) {
    for (let count = 0; count < 4; count++)
      assert.equal(kindOf(await accounts.signIn('Ada', 'wrong', HERE)), 'wrong-name-or-password');
    assert.equal(kindOf(await accounts.signIn('Ada', ada.password, HERE)), 'ok');
  }
  await store.close();
});

test('fifty failures close an address; successes do not count, and other addresses stay open', async () => {
  const { accounts, store, clock } = people();
  await accounts.createAccount(ada);
  for (let count = 0; count < 49; count++)
    await store.increment(
      `sign-in address ${HERE.address}`,
      clock.now(),
      (clock.now() + 900) as never,
    );
  assert.equal(kindOf(await accounts.signIn('Ada', ada.password, HERE)), 'ok');
  assert.equal(kindOf(await accounts.signIn('Ada', ada.password, HERE)), 'ok');
  assert.equal(kindOf(await accounts.signIn('Ada', 'wrong', HERE)), 'wrong-name-or-password');
  assert.equal(kindOf(await accounts.signIn('Ada', ada.password, HERE)), 'throttled');
  assert.equal(kindOf(await accounts.signIn('Ada', ada.password, at('192.0.2.2'))), 'ok');
  await store.close();
});

test('the set-up secret makes one administrator, once; a newer one replaces it', async () => {
  const { accounts, store } = people();
  const old = await setupSecret(accounts);
  const secret = await setupSecret(accounts);
  assert.equal(kindOf(await accounts.setUp(old, ada, HERE)), 'link-used');
  assert.equal(
    kindOf(await accounts.setUp(secret, { ...ada, password: 'short' }, HERE)),
    'invalid-field',
  );
  const first = await accounts.setUp(secret, ada, HERE);
  assert.ok(first.ok);
  assert.ok(first.value.account.groups.includes('administrator'));
  assert.equal(
    (await accounts.sessionOf(first.value.sessionSecret))?.account.id,
    first.value.account.id,
  );
  assert.equal(kindOf(await accounts.setUp(secret, { ...ada, name: 'Eve' }, HERE)), 'link-used');
  assert.equal((await store.listAccounts()).length, 1);
  await store.close();
});

test("set-up works with an operator's own groups file", async () => {
  const { accounts, store } = people(
    loadRights({ groups: { administrator: ['userrights'] }, implicit: [] }),
  );
  const made = await accounts.setUp(await setupSecret(accounts), ada, HERE);
  assert.deepEqual(made.ok && made.value.account.groups, ['administrator']);
  await store.close();
});
