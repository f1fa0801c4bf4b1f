import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { normalizeEmail } from '#accounts/fields.ts';
import { password, TestServer } from '#harness/world.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';

// One confirmed address is one account, by every way an address is confirmed.

const from = { address: '192.0.2.7', agent: '' };

class Place extends TestServer {
  get accounts() {
    return this.server.services.accounts;
  }
  async letters(): Promise<readonly OutgoingEmail[]> {
    await this.accounts.whenEmailsSent();
    return this.outbox as OutgoingEmail[];
  }
  /** The secret of the newest link. */
  async secret(): Promise<string> {
    return (
      /token=([\w-]+)/.exec((await this.letters()).at(-1)?.text ?? '')?.[1] ??
      assert.fail('no link was sent')
    );
  }
  async linkTo(email: string): Promise<string> {
    assert.ok((await this.accounts.requestRegistration(email, null, from)).ok);
    return this.secret();
  }
  register = (secret: string, name: string) =>
    this.accounts.register(secret, { name, realName: '', password }, from);
  async made(name: string, email: string, emailConfirmed = true): Promise<Account> {
    const account = await this.accounts.createAccount({
      name,
      email,
      emailConfirmed,
      realName: '',
      groups: [],
      password,
    });
    assert.ok(account.ok, JSON.stringify(account));
    return account.value;
  }
  having = async (email: string) =>
    (await this.server.store.findAccountsByEmail(email, 10)).map(({ name }) => name);
}
const opened = (settings: Record<string, string> = {}) =>
  new Place({ registration: 'open', ...settings });

describe('registration', () => {
  for (const [what, first, second] of [
    ['the same address', 'zoe@example.org', 'zoe@example.org'],
    ['capitals', 'zoe@example.org', 'ZOE@Example.ORG'],
    ['a host in both spellings', 'zoe@bücher.example', 'zoe@xn--bcher-kva.example'],
    ['a host in capitals and Unicode', 'zoe@BÜCHER.example', 'Zoe@bücher.example'],
    ['a name in Unicode', 'zoë@example.org', 'ZOË@example.org'],
    ['a name that is not composed', 'zoe\u0308@example.org', 'zoë@example.org'],
    ['blanks around it', 'zoe@example.org', ' zoe@example.org '],
  ] as const)
    test(`of two links one makes an account: ${what}`, async () => {
      const place = opened();
      const links = [await place.linkTo(first), await place.linkTo(second)] as const;
      assert.ok((await place.register(links[1], 'Zoe')).ok);
      const other = await place.register(links[0], 'Zoe Two');
      assert.ok(!other.ok && other.refusal.kind === 'link-gone');
      assert.equal(await place.accounts.registrationEmail(links[0]), undefined);
      assert.equal((await place.server.store.listAccounts()).length, 1);
    });

  test('a taken name ends no link', async () => {
    const place = opened();
    const links = [
      await place.linkTo('zoe@example.org'),
      await place.linkTo('zoe@example.org'),
    ] as const;
    await place.made('Zoe', 'other@example.org');
    const taken = await place.register(links[0], 'Zoe');
    assert.ok(!taken.ok && taken.refusal.kind === 'name-taken');
    assert.equal(await place.accounts.registrationEmail(links[1]), 'zoe@example.org');
    assert.ok((await place.register(links[0], 'Zoe Two')).ok);
  });

  test('a link to an address that somebody got meanwhile is gone, also when they were blocked', async () => {
    for (const blocked of [false, true]) {
      const place = opened();
      const link = await place.linkTo('zoe@example.org');
      const other = await place.made('Zoe', 'ZOE@example.org');
      if (blocked) await place.server.store.setBlocked(other.id, true);
      const answer = await place.register(link, 'Zoe Two');
      assert.ok(!answer.ok && answer.refusal.kind === 'link-gone');
    }
  });

  test('an address that was never confirmed keeps nobody out', async () => {
    const place = opened();
    await place.made('Squatter', 'zoe@example.org', false);
    assert.ok((await place.register(await place.linkTo('zoe@example.org'), 'Zoe')).ok);
    assert.deepEqual(await place.having('zoe@example.org'), ['Zoe']);
  });

  test('another address is another account', async () => {
    const place = opened();
    const links = [
      await place.linkTo('zoe@example.org'),
      await place.linkTo('zoe+1@example.org'),
    ] as const;
    assert.ok((await place.register(links[0], 'Zoe')).ok);
    assert.ok((await place.register(links[1], 'Zoe One')).ok);
  });
});

describe('a change of address', () => {
  const change = async (place: Place, user: Account, email: string) => {
    assert.ok((await place.accounts.requestEmailChange(user, email, password, null, from)).ok);
    return (await place.letters()).at(-1);
  };
  test('to one that somebody has: they are told, who asks learns nothing, and nothing changes', async () => {
    const place = opened();
    const [ada] = [
      await place.made('Ada', 'ada@example.org'),
      await place.made('Bob', 'bob@example.org'),
    ];
    const letter = await change(place, ada, 'BOB@example.org');
    assert.equal(letter?.to, 'bob@example.org');
    assert.match(letter?.subject ?? '', /have an account already/);
    assert.doesNotMatch(letter?.text ?? '', /email\/confirm/);
    assert.deepEqual(await place.having('bob@example.org'), ['Bob']);
  });
  test('to one that somebody got after the link was sent: the link is gone', async () => {
    const place = opened();
    const ada = await place.made('Ada', 'ada@example.org');
    await change(place, ada, 'new@example.org');
    const secret = await place.secret();
    await place.made('Bob', 'new@example.org');
    const answer = await place.accounts.confirmEmail(ada, secret);
    assert.ok(!answer.ok && answer.refusal.kind === 'link-gone');
    assert.deepEqual(await place.having('new@example.org'), ['Bob']);
  });
  test('ends links to register with it, and other people’s changes to it', async () => {
    const place = opened();
    const [ada, bob] = [
      await place.made('Ada', 'ada@example.org'),
      await place.made('Bob', 'bob@example.org'),
    ];
    const link = await place.linkTo('new@example.org');
    await change(place, bob, 'New@example.org');
    const bobs = await place.secret();
    await change(place, ada, 'new@example.org');
    assert.ok((await place.accounts.confirmEmail(ada, await place.secret())).ok);
    assert.equal(await place.accounts.registrationEmail(link), undefined);
    assert.ok(!(await place.accounts.confirmEmail(bob, bobs)).ok);
    assert.deepEqual(await place.having('new@example.org'), ['Ada']);
  });
  test('to one’s own, written otherwise, is no conflict', async () => {
    const place = opened();
    const ada = await place.made('Ada', 'ada@example.org');
    await change(place, ada, 'Ada@Example.org');
    assert.ok((await place.accounts.confirmEmail(ada, await place.secret())).ok);
  });
});

describe('the operator', () => {
  test('makes no second account with a confirmed address; an unconfirmed one proves nothing', async () => {
    const place = opened();
    await place.made('Ada', 'ada@example.org');
    const wanted = {
      name: 'Ada Two',
      email: 'ADA@example.org',
      emailConfirmed: true,
      realName: '',
      groups: [],
      password,
    };
    const second = await place.accounts.createAccount(wanted);
    assert.ok(!second.ok && second.refusal.kind === 'address-taken');
    assert.ok((await place.accounts.createAccount({ ...wanted, emailConfirmed: false })).ok);
  });
  test('may allow it', async () => {
    const place = opened({ 'shared-addresses': 'on' });
    const links = [
      await place.linkTo('zoe@example.org'),
      await place.linkTo('zoe@example.org'),
    ] as const;
    assert.ok((await place.register(links[0], 'Zoe')).ok);
    assert.ok((await place.register(links[1], 'Zoe Two')).ok);
    await place.made('Zoe Three', 'zoe@example.org');
    assert.deepEqual(await place.having('zoe@example.org'), ['Zoe', 'Zoe Two', 'Zoe Three']);
  });
});

for (const [typed, kept] of [
  [' Ada@Example.org ', 'Ada@Example.org'],
  ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ['ÄDA@BÜCHER.example', 'äda@xn--bcher-kva.example'],
  ['ada', 'ada'],
  ['', ''],
  ['ada@0x7f.1', 'ada@0x7f.1'],
] as const)
  test(`the address ${JSON.stringify(typed)} is kept as ${kept}`, () =>
    assert.equal(normalizeEmail(typed), kept));
