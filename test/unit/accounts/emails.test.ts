import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import type { OutgoingEmail } from '#platform/smtp.ts';
import { TestServer } from '../../harness/world.ts';

const here = { address: '192.0.2.7', agent: '' };
const secretOf = (email: OutgoingEmail | undefined) =>
  /token=([\w-]+)/.exec(email?.text ?? '')?.[1] ?? assert.fail('no link');

describe('emails about accounts in the outbox', () => {
  const worlds: TestServer[] = [];
  let world: TestServer;
  let sent: OutgoingEmail[];
  /** What the mail server answers; null: it is away. */
  let answer: 'sent' | { readonly refused: string } | null;
  after(async () => {
    for (const one of worlds) await one.close();
  });
  beforeEach(() => {
    sent = [];
    answer = null;
    world = new TestServer({ registration: 'open' }, '', {
      mailTransport: {
        send: async (email) => {
          if (answer === null) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
          sent.push(email);
          return answer;
        },
      },
    });
    worlds.push(world);
  });
  const { run, entries, stored } = {
    run: () => world.server.delivery.run(),
    entries: () => world.server.store.listNotifications({ limit: 9 }),
    /** What the store keeps of contents. */
    stored: async () =>
      (await world.server.store.listEncrypted('account emails', null, 9)).map(
        ({ encrypted }) => encrypted,
      ),
  };
  async function askForLink(): Promise<void> {
    const { accounts } = world.server.services;
    assert.ok((await accounts.requestRegistration('ada@example.org', 'ar', here)).ok);
    await accounts.whenEmailsSent();
  }

  test('one that the mail server did not take is tried again, and its link works', async () => {
    await askForLink();
    assert.equal(sent.length, 0);
    world.advanceClock(29);
    answer = 'sent';
    assert.equal(await run(), 0);
    world.advanceClock(1);
    assert.equal(await run(), 1);
    assert.deepEqual([sent.length, sent[0]?.to], [1, 'ada@example.org']);
    assert.match(sent[0]?.subject ?? '', /أنشئ حسابك/, 'in the language it was asked for in');
    assert.equal(
      await world.server.services.accounts.registrationEmail(secretOf(sent[0])),
      'ada@example.org',
    );
    world.advanceClock(3600);
    assert.equal(await run(), 0, 'it comes once');
  });

  test('contents are encrypted while it waits, blanked when it is sent, and no list has them', async () => {
    await askForLink();
    const [encrypted = ''] = await stored();
    assert.match(encrypted, /^v1\.m1\./);
    assert.doesNotMatch(encrypted, /ada|token=|example/);
    const [waiting] = await entries();
    assert.deepEqual(
      [waiting && 'email' in waiting && waiting.email, waiting?.state, waiting?.problem],
      ['register', 'waiting', 'ECONNREFUSED'],
    );
    answer = 'sent';
    world.advanceClock(30);
    await run();
    const secret = secretOf(sent[0]);
    const listed = JSON.stringify(await entries());
    for (const kept of [secret, 'ada@example.org', encrypted])
      assert.ok(!listed.includes(kept) && !JSON.stringify(waiting).includes(kept));
    assert.deepEqual(await stored(), []);
    assert.equal((await entries())[0]?.state, 'delivered');
  });

  test('one that is refused is given up, and blanked', async () => {
    answer = { refused: '550 5.1.1' };
    await askForLink();
    const [entry] = await entries();
    assert.deepEqual([entry?.state, entry?.problem], ['given-up', 'refused: 550 5.1.1']);
    assert.deepEqual(await stored(), []);
  });

  test('one whose link expired is dropped at that moment, not sent', async () => {
    const ada = await world.createPerson('Ada');
    const { accounts } = world.server.services;
    assert.ok((await accounts.requestPasswordReset('Ada', null, here)).ok);
    await accounts.whenEmailsSent();
    for (const pause of [30, 120, 600]) {
      world.advanceClock(pause);
      assert.equal(await run(), 1);
    }
    // The next attempt would be an hour later, after the end of the link.
    answer = 'sent';
    world.advanceClock(3600 - 750 - 1);
    assert.equal(await run(), 0);
    world.advanceClock(1);
    assert.equal(await run(), 1);
    const [entry] = await entries();
    assert.deepEqual([entry?.state, entry?.problem], ['given-up', 'its link expired']);
    assert.deepEqual([sent, await stored()], [[], []]);
    assert.equal(ada.name, 'Ada');
  });

  test('news about a password is written with it, or not at all', async () => {
    const ada = await world.createPerson('Ada');
    const { store } = world.server;
    const email = {
      key: 'account-1',
      kind: 'password-changed',
      encrypted: 'v1.m1.x.y' as never,
      createdAt: world.now,
      expiresAt: null,
    } as const;
    assert.equal(await store.setPassword(ada.id, 'new', 'not the one before', email), 'changed');
    assert.deepEqual(await entries(), []);
    assert.equal(await store.setPassword(ada.id, 'new', null, email), 'set');
    assert.deepEqual(
      (await entries()).map(({ key }) => key),
      ['account-1'],
    );
    // A text that no key decrypts ends the attempts, not the worker.
    await run();
    assert.equal((await entries())[0]?.problem, 'no key decrypts it');
  });
});
