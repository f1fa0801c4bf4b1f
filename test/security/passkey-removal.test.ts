import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { password, TestServer } from '#harness/world.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';

// Whoever finds an open session must not lock its person out of their own keys: removing asks for
// the password and is told by mail.

let world: TestServer;
let ada: Account;
let cookie: string;

async function made(name: string, emailConfirmed = true): Promise<Account> {
  const account = await world.server.services.accounts.createAccount({
    ...{
      name,
      email: `${name.toLowerCase()}@example.org`,
      emailConfirmed,
      realName: '',
      groups: [],
      password,
    },
  });
  assert.ok(account.ok);
  return account.value;
}
const key = (user: Account, id: string) =>
  world.server.store.addPasskey({
    ...{
      id,
      userId: user.id,
      publicKey: 'public',
      counter: 0,
      transports: [],
      label: `of ${user.name}`,
      createdAt: world.now,
      lastUsedAt: null,
    },
  });
const keysOf = async (user: Account) =>
  (await world.server.store.listPasskeys(user.id)).map(({ id }) => id);
async function letters(): Promise<readonly OutgoingEmail[]> {
  await world.server.services.accounts.whenEmailsSent();
  return world.outbox as OutgoingEmail[];
}

async function remove(form: Readonly<Record<string, string>>, as = cookie) {
  const page = await world.app.inject({ url: '/account/passkeys', headers: { cookie: as } });
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  return world.app.inject({
    method: 'POST',
    url: '/account/passkeys/remove',
    headers: {
      cookie: as,
      origin: 'https://gate.example',
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: new URLSearchParams({ csrf, ...form }).toString(),
  });
}

describe('removing a passkey', () => {
  beforeEach(async () => {
    world = new TestServer();
    ada = await made('Ada');
    cookie = await world.sessionCookie(ada);
    await key(ada, 'phone');
  });

  for (const [what, form] of [
    ['without a password', { passkey: 'phone' }],
    ['with an empty password', { passkey: 'phone', password: '' }],
    ['with a wrong password', { passkey: 'phone', password: 'wrong' }],
    [
      'with a password that only begins like the right one',
      { passkey: 'phone', password: password.slice(0, -1) },
    ],
    [
      'with a password beyond what is read',
      { passkey: 'phone', password: password.padEnd(600, 'x') },
    ],
  ] as const)
    test(`${what}: refused, said at the form, and nobody is told`, async () => {
      const answer = await remove(form);
      assert.equal(answer.statusCode, 403, answer.body.slice(0, 300));
      assert.match(answer.body, /<details open><summary>Remove this passkey/);
      assert.deepEqual(await keysOf(ada), ['phone']);
      assert.deepEqual(await letters(), []);
    });

  test('with the password: removed, once, and its person is told', async () => {
    assert.equal(
      (await remove({ passkey: 'phone', password })).headers.location,
      '/account/passkeys?done=passkey-removed',
    );
    assert.deepEqual(await keysOf(ada), []);
    const [letter, ...more] = await letters();
    assert.deepEqual([letter?.to, more.length], ['ada@example.org', 0]);
    assert.match(letter?.text ?? '', /passkey was removed from your account Ada/);
    assert.equal((await remove({ passkey: 'phone', password })).statusCode, 404, 'it is gone');
    assert.equal((await letters()).length, 1);
  });

  test('an unknown one, nobody’s and somebody else’s, is said to be unknown', async () => {
    const eve = await made('Eve');
    await key(eve, 'eves');
    for (const passkey of ['none', '', 'eves'])
      assert.equal((await remove({ passkey, password })).statusCode, 404, passkey);
    assert.deepEqual(await keysOf(eve), ['eves']);
    assert.deepEqual(await letters(), []);
  });

  test('whether a key exists is not told to who does not know the password', async () => {
    assert.equal((await remove({ passkey: 'none', password: 'wrong' })).statusCode, 403);
  });

  test('guesses are counted, and the right password waits, too', async () => {
    for (let tried = 0; tried < 5; tried++)
      assert.equal(
        (await remove({ passkey: 'phone', password: `wrong ${tried}` })).statusCode,
        403,
      );
    assert.equal((await remove({ passkey: 'phone', password })).statusCode, 429);
    assert.deepEqual(await keysOf(ada), ['phone']);
  });

  test('nobody is told at an address that was never confirmed', async () => {
    const bob = await made('Bob', false);
    await key(bob, 'bobs');
    assert.equal(
      (await remove({ passkey: 'bobs', password }, await world.sessionCookie(bob))).statusCode,
      303,
    );
    assert.deepEqual(await letters(), []);
  });

  test('without the proof of the form, and signed out, nothing happens', async () => {
    assert.equal((await remove({ passkey: 'phone', password, csrf: 'x' })).statusCode, 403);
    assert.ok([303, 403].includes((await remove({ passkey: 'phone', password }, '')).statusCode));
    assert.deepEqual(await keysOf(ada), ['phone']);
  });
});
