import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConfig } from '#config/read-config.ts';
import { digestOf } from '#keys/digest.ts';
import type { MailTransport, OutgoingEmail } from '#platform/smtp.ts';
import { makeDelivery } from '#registry/notifications/delivery.ts';
import { password, TestServer } from '../harness/world.ts';

// Connections have an end, sessions that idle have one, and stopping loses no notice.

const settings = { 'headers-timeout': '1', 'request-timeout': '2', 'keep-alive-timeout': '1' };

/** A connection that sends this, and what came back until the other side ended it. */
async function sent(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (piece) => {
    answer += piece;
  });
  socket.on('error', () => undefined);
  if (text !== '') socket.write(text);
  await once(socket, 'close');
  return answer;
}

describe('connections', { timeout: 60_000 }, () => {
  test('half a header, half a body, nothing at all, and a connection that waits: each ends', async () => {
    const world = new TestServer(settings);
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = world.app.server.address() as AddressInfo;
    const answers = await Promise.all([
      sent(port, 'GET / HTTP/1.1\r\nHost: gate.example\r\nX-'),
      sent(port, ''),
      sent(
        port,
        'POST /oauth2/token HTTP/1.1\r\nHost: gate.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant',
      ),
      sent(port, 'GET /healthz HTTP/1.1\r\nHost: gate.example\r\n\r\n'),
    ]);
    const statuses = answers.map((answer) => answer.slice(9, 12));
    assert.deepEqual(statuses, ['408', '408', '408', '200']);
    await world.close();
  });

  test('past the bound a connection is closed, and there is room again when one ends', async () => {
    const world = new TestServer({ 'max-connections': '3' });
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = world.app.server.address() as AddressInfo;
    const open = () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      return socket;
    };
    const held = [open(), open(), open()];
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    const dropped = once(world.app.server, 'drop');
    const fourth = open();
    await Promise.all([dropped, once(fourth, 'close')]);
    for (const socket of held) socket.destroy();
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
      if (answer?.status === 200) break;
    }
    await world.close();
  });

  test('the bounds of the settings', () => {
    const read = (flag: string, text: string) => readConfig({ [flag]: text }, {}, () => '').ok;
    for (const [flag, right, wrong] of [
      ['max-connections', ['1', '4096', '1000000'], ['0', '-1', 'many', '1000001']],
      ['headers-timeout', ['1', 'PT10S', '30'], ['0', '301', '31', 'soon']],
      ['request-timeout', ['10', '3600'], ['0', '9', '3601']],
      ['keep-alive-timeout', ['1', 'PT75S', '3600'], ['0', '3601']],
      ['session-idle-timeout', ['0', '900', 'P3D', 'P14D'], ['899', 'P15D', '-1', 'never']],
    ] as const) {
      for (const text of right) assert.ok(read(flag, text), `${flag} ${text}`);
      for (const text of wrong) assert.ok(!read(flag, text), `${flag} ${text}`);
    }
  });
});

describe('sessions that idle', () => {
  async function opened(flags: Readonly<Record<string, string>> = {}) {
    const world = new TestServer(flags);
    const { accounts } = world.server.services;
    const account = await accounts.createAccount({
      name: 'Ada',
      email: 'ada@example.org',
      emailConfirmed: true,
      realName: '',
      groups: [],
      password,
    });
    assert.ok(account.ok);
    const signed = await accounts.signIn('Ada', password, { address: '192.0.2.1', agent: '' });
    assert.ok(signed.ok);
    const here = async () => (await accounts.sessionOf(signed.value.sessionSecret)) !== undefined;
    return { world, here, signed: signed.value, account: account.value };
  }

  test('end after the time of the setting without a request, and are not listed any more', async () => {
    for (const wait of [3599, 3600]) {
      const { world, here, account } = await opened({ 'session-idle-timeout': 'PT1H' });
      world.advanceClock(wait);
      assert.equal(
        (await world.server.services.accounts.sessionsOf(account)).length,
        wait < 3600 ? 1 : 0,
      );
      assert.equal(await here(), wait < 3600);
      await world.close();
    }
  });

  test('live on while they are used, until their own end and no longer', async () => {
    const { world, here, signed } = await opened({ 'session-idle-timeout': 'P3D' });
    assert.equal(
      signed.expiresAt - world.now,
      14 * 86_400,
      'the cookie lasts as long as the session can',
    );
    for (let day = 1; day < 14; day++) {
      world.advanceClock(86_400);
      assert.ok(await here(), `day ${day}`);
    }
    world.advanceClock(86_399);
    assert.ok(await here());
    world.advanceClock(1);
    assert.ok(!(await here()));
    await world.close();
  });

  test('are written to once in five minutes, however much they are used', async () => {
    const { world, here, signed } = await opened({ 'session-idle-timeout': 'PT1H' });
    const activeAt = async () =>
      (await world.server.store.findSession(digestOf(signed.sessionSecret), world.now))?.activeAt;
    const began = world.now;
    world.advanceClock(299);
    await here();
    assert.equal(await activeAt(), began);
    world.advanceClock(1);
    await here();
    assert.equal(await activeAt(), began + 300);
    world.advanceClock(3599);
    assert.ok(await here());
    await world.close();
  });

  test('never end for that when the setting says so', async () => {
    const { world, here } = await opened({ 'session-idle-timeout': '0' });
    world.advanceClock(14 * 86_400 - 1);
    assert.ok(await here());
    world.advanceClock(1);
    assert.ok(!(await here()));
    await world.close();
  });

  test('a session that ended is not brought back by its use', async () => {
    const { world, here, signed } = await opened({ 'session-idle-timeout': 'PT1H' });
    world.advanceClock(600);
    await world.server.services.accounts.signOut(signed.sessionSecret);
    assert.ok(!(await here()));
    await world.server.store.recordActivity(
      { digest: digestOf(signed.sessionSecret), userId: signed.account.id },
      world.now,
      world.now,
    );
    assert.ok(!(await here()));
    await world.close();
  });
});

describe('notices under way at the end', () => {
  const notice = (id: number) =>
    ({
      id,
      key: `key-${id}`,
      target: { kind: 'webhook', endpoint: 'desk' },
      attempts: 1,
      problem: null,
      facts: {
        event: 'proposed',
        at: 1,
        client: { id: 'a', name: 'A' },
        actor: null,
        owner: null,
        reason: '',
      },
    }) as never;
  function carrier(answer: () => Promise<number>) {
    const [done, lines]: [string[], string[]] = [[], []];
    const log = {
      info() {},
      warn: (event: string) => void lines.push(event),
      error: (event: string) => void lines.push(event),
    };
    const delivery = makeDelivery({
      outbox: {
        claimNotifications: async () => [1, 2, 3].map(notice),
        closeNotification: async (id, state) => void done.push(`${id} ${state}`),
        retryNotification: async (id, dueAt) => void done.push(`${id} again at ${dueAt}`),
      },
      mail: null,
      web: { post: answer } as never,
      clock: { now: () => 1000, millis: () => 1_000_000 } as never,
      log,
      findReceiver: async () => null,
      renderNotification: () => assert.fail('no email'),
      renderAccountEmail: () => assert.fail('no email'),
      endpoints: [
        {
          name: 'desk',
          url: 'https://desk.example',
          secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
        },
      ],
      concurrency: 1,
      issuer: 'https://gate.example',
    });
    return { delivery, done, lines };
  }

  test('what was not begun is given back at once, what is under way is waited for and noted down', async () => {
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()];
    const { delivery, done, lines } = carrier(() => {
      asked.resolve();
      return answered.promise;
    });
    const run = delivery.run();
    await asked.promise;
    const stopped = delivery.stop(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(done, ['2 again at 1000', '3 again at 1000']);
    answered.resolve(204);
    await Promise.all([run, stopped]);
    assert.deepEqual(done.slice(2), ['1 delivered']);
    assert.deepEqual(lines, []);
    assert.equal(await delivery.run(), 0, 'nothing is begun any more');
  });

  test('an email that the mail server does not take before the stop is kept, and sent after the next start', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-outbox-'));
    const database = join(directory, 'gatehouse.db');
    const sent: OutgoingEmail[] = [];
    const open = (send: MailTransport['send']) =>
      new TestServer({ registration: 'open' }, '', { database, mailTransport: { send } });
    const asked = Promise.withResolvers<void>();
    const before = open(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    await before.server.prepare();
    const { accounts } = before.server.services;
    const here = { address: '192.0.2.7', agent: '' };
    assert.ok((await accounts.requestRegistration('ada@example.org', 'de', here)).ok);
    await asked.promise;
    await before.server.delivery.stop(1);
    await before.close();

    const after = open(async (email) => {
      sent.push(email);
      return 'sent';
    });
    await after.server.prepare();
    // The claim of the one before has run out.
    after.advanceClock(121);
    assert.equal(await after.server.delivery.run(), 1);
    assert.equal(await after.server.delivery.run(), 0);
    assert.deepEqual(
      sent.map(({ to, subject }) => [to, subject]),
      [['ada@example.org', '[Gatehouse] Lege dein Konto an']],
    );
    const secret = /token=([\w-]+)/.exec(sent[0]?.text ?? '')?.[1] ?? '';
    const address = await after.server.services.accounts.registrationEmail(secret);
    assert.equal(address, 'ada@example.org');
    await after.close();
    rmSync(directory, { recursive: true });
  });

  test('what does not end in time is left to its claim: nothing is written or logged', async () => {
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()];
    const { delivery, done, lines } = carrier(() => {
      asked.resolve();
      return answered.promise;
    });
    const run = delivery.run();
    await asked.promise;
    await delivery.stop(1);
    answered.resolve(204);
    await run;
    assert.deepEqual(done, ['2 again at 1000', '3 again at 1000']);
    assert.deepEqual(lines, []);
  });
});
