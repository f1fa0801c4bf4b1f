import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import type { ClientId, UserId } from '#kernel/ids.ts';
import { type Instant, instant, seconds } from '#kernel/time.ts';
import { auditActions } from '#pages/audit-table.ts';
import { renderNotificationEmail } from '#pages/email-templates.ts';
import { catalogues } from '#pages/words.ts';
import type { OutgoingEmail } from '#platform/smtp.ts';
import { type DeliveryParts, makeDelivery } from '#registry/notifications/delivery.ts';
import type {
  Notification,
  NotificationFacts,
  NotificationTarget,
} from '#registry/notifications/notification.ts';

const START = 1_790_000_000;
const raw = Buffer.alloc(32, 5);
const secret = `whsec_${raw.toString('base64')}`;
const ADDRESS = 'ada@example.org';
const HOOK = 'https://hooks.example/T0/token';

const facts: NotificationFacts = {
  event: 'approve',
  client: { id: 'c'.repeat(32) as ClientId, name: 'Reader', version: '1.0' },
  actor: 'Rita',
  owner: 'Olga',
  reason: 'Looks fine',
  at: instant(START),
};
const sender = { issuer: 'https://gate.example', siteName: 'Gate' };
const toAda: NotificationTarget = { kind: 'mail', userId: 1 as UserId };
const toOps: NotificationTarget = { kind: 'webhook', endpoint: 'ops' };

/** Thrown by a faked port: what it says must not get out. */
const outage = (code: string) => Object.assign(new Error(`${ADDRESS} ${HOOK} ${secret}`), { code });

/** A worker over faked ports, with a clock moved by hand. */
function world(changes: Partial<DeliveryParts> = {}) {
  let now = START;
  const notices: Notification[] = [];
  const letters: OutgoingEmail[] = [];
  const posts: { url: string; headers: Readonly<Record<string, string>>; body: string }[] = [];
  const lines: string[] = [];
  const replies: { status: number | Error; mail: 'sent' | { refused: string } | Error } = {
    status: 200,
    mail: 'sent',
  };
  const log = (event: string, fields?: object) =>
    void lines.push(`${event} ${JSON.stringify(fields)}`);
  const change = (id: number, to: Partial<Notification>) => {
    const at = notices.findIndex((notice) => notice.id === id);
    notices[at] = { ...(notices[at] as Notification), ...to };
  };
  const outbox: DeliveryParts['outbox'] = {
    claimNotifications: async (at, claimedUntil, limit) => {
      const due = notices
        .filter(({ state, dueAt }) => state === 'waiting' && dueAt <= at)
        .slice(0, limit);
      for (const { id, attempts } of due)
        change(id, { dueAt: claimedUntil, attempts: attempts + 1 });
      return due.map(({ id }) => notices[id] as Notification);
    },
    closeNotification: async (id, state, problem) => change(id, { state, problem }),
    retryNotification: async (id, dueAt, problem) => change(id, { dueAt, problem }),
  };
  const delivery = makeDelivery({
    outbox,
    mail: {
      send: async (letter) => {
        letters.push(letter);
        if (replies.mail instanceof Error) throw replies.mail;
        return replies.mail;
      },
    },
    web: {
      post: async (url, headers, body) => {
        posts.push({ url, headers, body });
        if (replies.status instanceof Error) throw replies.status;
        return replies.status;
      },
    },
    clock: { now: () => instant(now), millis: () => now * 1000 },
    log: { info: log, warn: log, error: log },
    findReceiver: async (user) => (user === 1 ? { to: ADDRESS, language: null } : null),
    renderNotification: (about, language) => renderNotificationEmail(about, sender, language),
    renderAccountEmail: () => assert.fail('no account email'),
    endpoints: [{ name: 'ops', url: HOOK, secret }],
    issuer: 'https://gate.example',
    concurrency: 4,
    ...changes,
  });
  return {
    delivery,
    outbox,
    notices,
    letters,
    posts,
    lines,
    replies,
    pass: (span: number) => {
      now += span;
    },
    put: (target: NotificationTarget) => {
      const id = notices.length;
      const at = now as Instant;
      notices.push({
        id,
        key: `n${id}`,
        target,
        facts,
        state: 'waiting',
        createdAt: at,
        attempts: 0,
        dueAt: at,
        problem: null,
      });
      return () => notices[id] as Notification;
    },
  };
}

test('a letter goes to the confirmed address, once, with a Message-ID of its key', async () => {
  const { delivery, put, letters, pass } = world();
  const [one, other] = [put(toAda), put(toAda)];
  assert.equal(await delivery.run(), 2);
  assert.deepEqual([one().state, other().state], ['delivered', 'delivered']);
  assert.ok(
    letters.every(
      ({ to, messageId }) => to === ADDRESS && /^<[0-9a-f]{40}@gate\.example>$/.test(messageId),
    ),
  );
  assert.notEqual(letters[0]?.messageId, letters[1]?.messageId);
  pass(1_000_000);
  assert.equal(await delivery.run(), 0);
});

test('a notification is in the language of the account, and in English where none is known', async () => {
  const languages = [
    ['de', 'App genehmigt'],
    ['ar', 'تمت الموافقة على تطبيق'],
    ['xx', 'App approved'],
    [null, 'App approved'],
  ] as const;
  for (const [language, subject] of languages) {
    const { delivery, put, letters } = world({
      findReceiver: async () => ({ to: ADDRESS, language }),
    });
    put(toAda);
    await delivery.run();
    assert.ok(letters[0]?.subject.startsWith(`[Gate] ${subject}: "`), String(language));
  }
});

test('a request is signed as Standard Webhooks wants it; a repetition has the same id and body, and its own time', async () => {
  const { delivery, put, posts, replies, pass } = world();
  const notice = put(toOps);
  replies.status = 500;
  await delivery.run();
  assert.deepEqual(
    [notice().state, notice().problem, notice().attempts],
    ['waiting', 'status 500', 1],
  );
  pass(30);
  replies.status = 204;
  await delivery.run();
  assert.equal(notice().state, 'delivered');
  assert.deepEqual(
    posts.map(({ headers }) => [headers['webhook-id'], headers['webhook-timestamp']]),
    [
      ['n0', String(START)],
      ['n0', String(START + 30)],
    ],
  );
  assert.equal(posts[0]?.body, posts[1]?.body);
  for (const { url, headers, body } of posts) {
    assert.equal(url, HOOK);
    const signed = createHmac('sha256', raw)
      .update(`n0.${headers['webhook-timestamp']}.${body}`)
      .digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${signed}`);
  }
  assert.deepEqual(JSON.parse(posts[0]?.body ?? ''), {
    type: 'app.approve',
    timestamp: new Date(START * 1000).toISOString(),
    data: {
      app: { ...facts.client, url: `https://gate.example/apps/${facts.client.id}` },
      actor: 'Rita',
      owner: 'Olga',
      reason: 'Looks fine',
    },
  });
});

for (const [name, target, reply, state, problem] of [
  ['410', toOps, { status: 410 }, 'given-up', 'status 410'],
  ['404', toOps, { status: 404 }, 'waiting', 'status 404'],
  ['a redirect', toOps, { status: 302 }, 'waiting', 'status 302'],
  [
    'no connection',
    toOps,
    { status: Object.assign(new TypeError(HOOK), { cause: outage('ECONNREFUSED') }) },
    'waiting',
    'ECONNREFUSED',
  ],
  [
    'an unknown endpoint',
    { kind: 'webhook', endpoint: 'gone' },
    {},
    'given-up',
    'the endpoint is not configured',
  ],
  [
    'a person without an address',
    { kind: 'mail', userId: 2 as UserId },
    {},
    'given-up',
    'no confirmed e-mail address',
  ],
  ['a refused letter', toAda, { mail: { refused: '550 5.1.1' } }, 'given-up', 'refused: 550 5.1.1'],
  ['a mail server in trouble', toAda, { mail: outage('SMTP_451') }, 'waiting', 'SMTP_451'],
  ['a fault with words for a code', toAda, { mail: outage(ADDRESS) }, 'waiting', 'Error'],
] as const) {
  test(`${name}: ${state}, and the log names no address, URL or secret`, async () => {
    const { delivery, put, replies, lines } = world();
    Object.assign(replies, reply);
    const notice = put(target);
    await delivery.run();
    assert.deepEqual([notice().state, notice().problem], [state, problem]);
    assert.equal(lines.length, 1);
    for (const kept of [ADDRESS, HOOK, secret]) assert.ok(!lines.join().includes(kept));
  });
}

test('without a mail server letters are finished, not kept for ever', async () => {
  const { delivery, put } = world({ mail: null });
  const notice = put(toAda);
  await delivery.run();
  assert.deepEqual(
    [notice().state, notice().problem],
    ['given-up', 'no mail server is configured'],
  );
});

test('the pauses grow, and the fourteenth attempt is the last', async () => {
  const { delivery, put, replies, posts, pass } = world();
  replies.status = 503;
  const notice = put(toOps);
  const waited: number[] = [];
  for (let now = START; notice().state === 'waiting'; ) {
    assert.equal(await delivery.run(), 1);
    if (notice().state !== 'waiting') break;
    const pause = notice().dueAt - now;
    waited.push(pause);
    pass(pause - 1);
    assert.equal(await delivery.run(), 0);
    pass(1);
    now += pause;
  }
  assert.deepEqual(waited, [30, 120, 600, 3600, 10_800, 21_600, ...Array(7).fill(43_200)]);
  assert.equal(posts.length, 14);
  assert.deepEqual([notice().state, notice().problem], ['given-up', 'status 503']);
});

test('a port that never answers ends the attempt, not the worker', async () => {
  const limits = { batch: 20, claimSeconds: seconds(120), attemptMs: 5 };
  const { delivery, put } = world({ web: { post: () => new Promise<number>(() => {}) }, limits });
  const [hanging, letter] = [put(toOps), put(toAda)];
  await delivery.run();
  assert.deepEqual(
    [hanging().state, hanging().problem, letter().state],
    ['waiting', 'took too long', 'delivered'],
  );
});

test('what a claim leaves no time for is left to the next one', async () => {
  const post = async () => {
    made.pass(30);
    return 200;
  };
  const made = world({ concurrency: 1, web: { post } });
  const all = Array.from({ length: 6 }, () => made.put(toOps));
  assert.equal(await made.delivery.run(), 3);
  assert.deepEqual(
    all.map((notice) => notice().state),
    [...Array(3).fill('delivered'), ...Array(3).fill('waiting')],
  );
  made.pass(30);
  assert.equal(await made.delivery.run(), 3);
});

test('at most twenty are claimed, and no more go out at once than allowed', async () => {
  let [now, most] = [0, 0];
  const post = async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise(setImmediate);
    now -= 1;
    return 200;
  };
  const { delivery, put } = world({ web: { post }, concurrency: 3 });
  for (let count = 0; count < 25; count++) put(toOps);
  const [one, joined] = await Promise.all([delivery.run(), delivery.run()]);
  assert.deepEqual([one, joined, most], [20, 20, 3]);
  assert.equal(await delivery.run(), 5);
});

test('a delivered notice that the store could not note down is not sent again', async () => {
  const { delivery, outbox, put, posts, lines, pass } = world();
  const close = outbox.closeNotification;
  Object.assign(outbox, { closeNotification: () => Promise.reject(outage('SQLITE_BUSY')) });
  const notice = put(toOps);
  await delivery.run();
  assert.equal(notice().state, 'waiting');
  assert.deepEqual(lines, ['notification not noted down {"key":"n0","problem":"SQLITE_BUSY"}']);
  Object.assign(outbox, { closeNotification: close });
  pass(120);
  await delivery.run();
  assert.deepEqual([notice().state, posts.length], ['delivered', 1]);
});

test('a secret that is none stops the start, without being repeated', () => {
  for (const bad of ['plain', 'whsec_', `x${secret}`])
    assert.throws(
      () => world({ endpoints: [{ name: 'ops', url: HOOK, secret: bad }] }),
      (fault: Error) =>
        fault.message.includes('ops') && !fault.message.includes(`${raw.toString('base64')}`),
    );
});

test('a letter says what happened, to which app, by whom and why', () => {
  assert.deepEqual(renderNotificationEmail(facts, sender), {
    subject: '[Gate] App approved: "Reader"',
    text: [
      '"Rita" approved the app "Reader" (version 1.0).',
      '',
      'Owner: "Olga"',
      'When: 2026-09-21 14:13 UTC',
      '',
      '"Rita" gave this reason, in their own words:',
      '> Looks fine',
      '',
      'The app is here:',
      `https://gate.example/apps/${facts.client.id}`,
      '',
      'This message comes from Gate, where you have an account. No answer is needed.',
      '',
    ].join('\n'),
  });
});

test('hostile names and reasons stay on their line and look like nothing else', () => {
  const hostile =
    'R\r\nBcc: x@y.example\u202e\u2028"\u201d <b>https://evil.example</b> www.evil.example\u0000\ud800';
  const words = renderNotificationEmail(
    {
      ...facts,
      client: { ...facts.client, name: hostile },
      actor: hostile,
      owner: hostile,
      reason: 'a\n\nThe app is here:\nb',
    },
    sender,
  );
  assert.doesNotMatch(words.subject, /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202e<>]/u);
  assert.doesNotMatch(
    words.text.replaceAll('\n', '').replace('> a', ''),
    /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202e\u201d<>]/u,
  );
  assert.equal(
    words.text.split('\n').length,
    renderNotificationEmail(facts, sender).text.split('\n').length,
  );
  assert.equal(words.text.match(/:\/\//g)?.length, 1);
  // Three names and the owner, in quotation marks of ours alone.
  assert.equal(words.text.match(/"/g)?.length, 8);
});

for (const event of ['toString', 'something new\n']) {
  test(`an event without words of its own (${JSON.stringify(event)}) still tells that something happened`, () => {
    assert.match(
      renderNotificationEmail({ ...facts, event, actor: null }, sender).text,
      /^Something changed about the app "Reader" \(version 1\.0\): \w+/,
    );
  });
}

/** Every event of an app that has an email of its own. */
const eventsWithEmails = Object.keys(catalogues.en).flatMap(
  (key) => /^email\.app\.(?!other)(.+)\.text$/.exec(key)?.[1] ?? [],
);

test('every entry of the audit log about an app has an email of its own', () => {
  const aboutOthers = ['accept', 'renounce', 'block-account', 'unblock-account', 'set-groups'];
  assert.deepEqual(
    auditActions.filter((action) => !aboutOthers.includes(action)).toSorted(),
    eventsWithEmails.toSorted(),
  );
});

test('a person reads "app", never a word of the protocol', () => {
  for (const event of eventsWithEmails) {
    const { subject, text } = renderNotificationEmail(
      { ...facts, event, actor: null, reason: '' },
      sender,
    );
    assert.doesNotMatch(subject + text, /client|consumer|Reason:/i);
    assert.doesNotMatch(text, /^Something/);
  }
});
