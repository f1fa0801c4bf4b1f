import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createWebServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { instant, seconds } from '#kernel/time.ts';
import { renderNotificationEmail } from '#pages/email-templates.ts';
import { makeHttpClient } from '#platform/http-client.ts';
import { makeSmtpTransport } from '#platform/smtp.ts';
import { type DeliveryParts, makeDelivery } from '#registry/notifications/delivery.ts';
import type {
  Notification,
  NotificationTarget,
  Outbox,
} from '#registry/notifications/notification.ts';
import { Browser } from '../../examples/demo/browser.ts';
import { Server } from './server.ts';

const raw = Buffer.alloc(32, 9);
const mailLimits = {
  connectTimeoutMs: 500,
  greetingTimeoutMs: 500,
  idleTimeoutMs: 500,
  totalTimeoutMs: 1500,
};
const log = {
  info() {},
  warn() {},
  error: (event: string, fields?: object) => assert.fail(`${event} ${JSON.stringify(fields)}`),
};

/** The outbox in memory, over a clock that is moved by hand. */
class TestOutbox implements Outbox {
  now = 1_790_000_000;
  readonly notices: Notification[] = [];
  put(key: string, target: NotificationTarget): void {
    const client = { id: 'c'.repeat(32) as ClientId, name: 'Größe\r\n.\r\nQUIT', version: '1.0' };
    const facts = {
      event: 'approve',
      client,
      actor: 'Rita',
      owner: 'Olga',
      reason: '',
      at: instant(this.now),
    };
    const at = instant(this.now);
    this.notices.push({
      id: this.notices.length,
      key,
      target,
      facts,
      state: 'waiting',
      createdAt: at,
      attempts: 0,
      dueAt: at,
      problem: null,
    });
  }
  #change(id: number, to: Partial<Notification>): void {
    this.notices[id] = { ...(this.notices[id] as Notification), ...to };
  }
  async claimNotifications(
    ...[now, claimedUntil, limit]: Parameters<Outbox['claimNotifications']>
  ) {
    const due = this.notices
      .filter(({ state, dueAt }) => state === 'waiting' && dueAt <= now)
      .slice(0, limit);
    for (const { id, attempts } of due)
      this.#change(id, { dueAt: claimedUntil, attempts: attempts + 1 });
    return due.map(({ id }) => this.notices[id] as Notification);
  }
  async closeNotification(...[id, state, problem]: Parameters<Outbox['closeNotification']>) {
    this.#change(id, { state, problem });
  }
  async retryNotification(...[id, dueAt, problem]: Parameters<Outbox['retryNotification']>) {
    this.#change(id, { dueAt, problem });
  }
  async listNotifications({ state, limit }: Parameters<Outbox['listNotifications']>[0]) {
    return this.notices
      .filter((notice) => state === undefined || notice.state === state)
      .slice(0, limit);
  }
}

const worker = (outbox: TestOutbox, changes: Partial<DeliveryParts>) =>
  makeDelivery({
    outbox,
    mail: null,
    web: makeHttpClient(),
    clock: { now: () => instant(outbox.now), millis: () => outbox.now * 1000 },
    log,
    findReceiver: async (user) => ({ to: `person${user}@example.org`, language: null }),
    renderNotification: (facts, language) =>
      renderNotificationEmail(
        facts,
        { issuer: 'https://gate.example', siteName: 'Gate' },
        language,
      ),
    renderAccountEmail: () => assert.fail('no account email'),
    endpoints: [],
    issuer: 'https://gate.example',
    concurrency: 3,
    limits: { batch: 20, claimSeconds: seconds(120), attemptMs: 2000 },
    ...changes,
  });

/** Two workers at one outbox, until nothing waits. */
async function drain(outbox: TestOutbox, changes: Partial<DeliveryParts>): Promise<void> {
  const two = [worker(outbox, changes), worker(outbox, changes)];
  for (let round = 0; outbox.notices.some(({ state }) => state === 'waiting'); round++) {
    assert.ok(round < 14, 'it ends');
    await Promise.all(two.map((one) => one.run()));
    outbox.now += 43_200;
  }
}

type Mood =
  | 'works'
  | 'drops'
  | 'hangs'
  | 'busy'
  | 'drops after the letter'
  | 'hangs after the letter'
  | 'takes it and hangs up';

/**
 * A mail server that is in another mood at each connection, then works. No mailbox of person9;
 * nobody may send with a password.
 */
async function mailSink(moods: Mood[]) {
  const letters: { to: string; text: string; mood: Mood }[] = [];
  const open = new Set<Socket>();
  const hung = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}).on('close', () => open.delete(socket)));
    const mood = moods.shift() ?? 'works';
    if (mood === 'drops') return socket.destroy();
    if (mood === 'hangs') return;
    if (mood === 'busy') return socket.end('421 4.3.2 not now\r\n');
    let [heard, to, inLetter] = ['', '', false];
    const say = (words: string) => socket.write(`${words}\r\n`);
    say('220 sink');
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      for (;;) {
        const end = heard.indexOf(inLetter ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const said = heard.slice(0, end);
        heard = heard.slice(end + (inLetter ? 5 : 2));
        if (inLetter) {
          inLetter = false;
          if (mood === 'hangs after the letter') return void hung.resolve();
          if (mood === 'drops after the letter') return void socket.destroy();
          letters.push({ to, text: said, mood });
          if (mood === 'takes it and hangs up') return void socket.destroy();
          say('250 2.0.0 kept');
        } else if (/^RCPT/i.test(said)) {
          to = /<(.*)>/.exec(said)?.[1] ?? '';
          say(to.startsWith('person9') ? `550 5.1.1 <${to}> is nobody` : '250 ok');
        } else if (/^DATA/i.test(said)) {
          inLetter = true;
          say('354 go on');
        } else if (/^EHLO/i.test(said)) say('250-sink\r\n250 AUTH PLAIN');
        else if (/^AUTH/i.test(said)) say('535 5.7.8 wrong password');
        else say('250 ok');
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.close();
    for (const socket of open) socket.destroy();
    if (server.listening) await once(server, 'close');
  };
  return { url: `smtp://127.0.0.1:${port}`, letters, hung: hung.promise, stop };
}

const header = (text: string, name: string) =>
  new RegExp(`^${name}: (.*)$`, 'mi').exec(text)?.[1]?.trim();
const person = (id: number): NotificationTarget => ({ kind: 'mail', userId: id as UserId });
const mailAt = (url: string) =>
  makeSmtpTransport({ url, from: 'Gate <gate@example.org>', limits: mailLimits });

test('a mail server that is away, refuses, hangs and drops loses no letter', async () => {
  const away = await mailSink([]);
  await away.stop();
  const outbox = new TestOutbox();
  for (let id = 1; id <= 9; id++) outbox.put(`m${id}`, person(id));
  await worker(outbox, { mail: mailAt(away.url) }).run();
  assert.ok(
    outbox.notices.every(({ state, problem }) => state === 'waiting' && problem === 'ECONNREFUSED'),
  );
  outbox.now += 43_200;

  const moods: Mood[] = [
    'busy',
    'hangs',
    'drops',
    'drops after the letter',
    'hangs after the letter',
    'takes it and hangs up',
  ];
  const sink = await mailSink(moods);
  try {
    await drain(outbox, { mail: mailAt(sink.url) });
    const kept = sink.letters.filter(({ mood }) => mood === 'works');
    assert.deepEqual(
      kept.map(({ to }) => to).sort(),
      [1, 2, 3, 4, 5, 6, 7, 8].map((id) => `person${id}@example.org`),
    );
    // The receipt of one was lost: it came again, under the name it had before.
    const [lost, ...others] = sink.letters.filter(({ mood }) => mood === 'takes it and hangs up');
    assert.equal(others.length, 0);
    const again = kept.find(({ to }) => to === lost?.to);
    assert.equal(header(again?.text ?? '', 'Message-ID'), header(lost?.text ?? '-', 'Message-ID'));
    assert.equal(new Set(kept.map(({ text }) => header(text, 'Message-ID'))).size, 8);
    assert.ok(
      kept.every(
        ({ text }) =>
          header(text, 'Auto-Submitted') === 'auto-generated' && !/^Bcc|^QUIT/m.test(text),
      ),
    );

    const refused = outbox.notices.filter(({ state }) => state === 'given-up');
    assert.deepEqual(
      refused.map(({ key, problem }) => [key, problem]),
      [['m9', 'refused: 550 5.1.1']],
    );
    const count = sink.letters.length;
    await worker(outbox, { mail: mailAt(sink.url) }).run();
    assert.equal(sink.letters.length, count);
  } finally {
    await sink.stop();
  }
});

test('a link that was being sent when the process was killed arrives once after the restart, and works', {
  timeout: 60_000,
}, async () => {
  // The first connection takes the email and says nothing; every later one takes it and says so.
  const sink = await mailSink(['hangs after the letter']);
  const flags = ['--mail-from', 'gate@example.org', '--registration', 'open'];
  process.env.GATEHOUSE_SMTP_URL = sink.url;
  let server: Server | undefined;
  try {
    server = await Server.start({ flags });
    const browser = new Browser();
    const form = await browser.follow(`${server.issuer}/register`);
    const csrf = /name="csrf" value="([^"]+)"/.exec(form.text)?.[1] ?? '';
    const asked = await browser.follow(`${server.issuer}/register`, {
      csrf,
      email: 'ada@example.org',
    });
    assert.equal(asked.status, 200);
    await sink.hung;
    await server.end('SIGKILL');
    assert.equal(sink.letters.length, 0);
    // As if the claim of the process that is gone had run out.
    const database = new DatabaseSync(join(server.data, 'gatehouse.db'));
    database.exec('UPDATE notices SET due_at = 0');
    database.close();
    await server.run(flags);
    for (let tries = 0; sink.letters.length === 0 && tries < 150; tries++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const [letter] = sink.letters;
    const text = (letter?.text ?? '').replaceAll(/=\r\n/g, '').replaceAll('=3D', '=');
    const link = /http:\S+\/register\/finish\?token=[\w-]+/.exec(text)?.[0] ?? '';
    assert.match((await new Browser().follow(link)).text, /ada@example\.org/);
    // Two turns of the job later there is no other.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    assert.deepEqual(
      sink.letters.map(({ to }) => to),
      ['ada@example.org'],
    );
  } finally {
    delete process.env.GATEHOUSE_SMTP_URL;
    await server?.stop();
    await sink.stop();
  }
});

test('a wrong password is our trouble: the letter waits until it is right', async () => {
  const sink = await mailSink([]);
  const outbox = new TestOutbox();
  outbox.put('m1', person(1));
  try {
    await worker(outbox, { mail: mailAt(sink.url.replace('//', '//gate:wrong@')) }).run();
    assert.deepEqual(
      [outbox.notices[0]?.state, outbox.notices[0]?.problem],
      ['waiting', 'SMTP_535'],
    );
    outbox.now += 43_200;
    await drain(outbox, { mail: mailAt(sink.url) });
    assert.equal(sink.letters.length, 1);
  } finally {
    await sink.stop();
  }
});

test('an endpoint that fails, hangs, drops and sends elsewhere hears everything, each key kept once', async () => {
  const moods = ['500', 'hangs', 'drops', 'drops after reading', 'elsewhere', 'endless'];
  const heard: { id: string; body: string; kept: boolean }[] = [];
  const wrong: string[] = [];
  const server = createWebServer(async (request, response) => {
    const mood = moods.shift();
    if (mood === 'drops') return void request.socket.destroy();
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const id = String(request.headers['webhook-id']);
    const signed = createHmac('sha256', raw)
      .update(`${id}.${request.headers['webhook-timestamp']}.`)
      .update(body)
      .digest('base64');
    if (request.url !== '/hook' || request.headers['webhook-signature'] !== `v1,${signed}`)
      wrong.push(`${request.url} ${id}`);
    heard.push({ id, body: body.toString(), kept: mood === undefined || mood === 'endless' });
    if (mood === 'hangs') return;
    if (mood === 'drops after reading') return void request.socket.destroy();
    response.writeHead(mood === '500' ? 500 : mood === 'elsewhere' ? 307 : 200, {
      location: '/elsewhere',
    });
    // The status counts: nobody waits for the end of this one.
    if (mood === 'endless') return void response.write('and so on');
    response.end('thanks');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const outbox = new TestOutbox();
  const keys = Array.from({ length: 8 }, (_, index) => `w${index}`);
  for (const key of keys) outbox.put(key, { kind: 'webhook', endpoint: 'ops' });
  const endpoints = [
    {
      name: 'ops',
      url: `http://127.0.0.1:${port}/hook`,
      secret: `whsec_${raw.toString('base64')}`,
    },
  ];
  try {
    await drain(outbox, {
      endpoints,
      limits: { batch: 20, claimSeconds: seconds(120), attemptMs: 800 },
    });
    assert.ok(outbox.notices.every(({ state }) => state === 'delivered'));
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      heard
        .filter(({ kept }) => kept)
        .map(({ id }) => id)
        .sort(),
      keys,
    );
    const failed = heard.filter(({ kept }) => !kept);
    assert.equal(failed.length, 4);
    for (const { id, body } of failed) {
      assert.deepEqual(
        heard.filter((other) => other.id === id && other.kept).map((other) => other.body),
        [body],
      );
    }
    const count = heard.length;
    await worker(outbox, { endpoints }).run();
    assert.equal(heard.length, count);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
