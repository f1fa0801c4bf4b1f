import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { readConfig } from '#config/read-config.ts';
import type { ClientId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { makeDelivery } from '#registry/notifications/delivery.ts';
import type { Notification } from '#registry/notifications/notification.ts';
import type { WebhookEndpoint } from '#registry/notifications/webhooks.ts';

// A webhook's secret is exchanged without an outage: while two live, a notice is signed under both,
// and a receiver takes either.

const NOW = 1_800_000_000;
const [old, fresh, foreign] = [1, 2, 3].map(
  (byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`,
) as [string, string, string];

/** What goes out for one notice. */
async function sent(endpoint: Partial<WebhookEndpoint>) {
  const posts: { readonly headers: Readonly<Record<string, string>>; readonly body: string }[] = [];
  const notice: Notification = {
    ...{
      id: 1,
      key: 'n1',
      state: 'waiting',
      createdAt: instant(NOW),
      attempts: 1,
      dueAt: instant(NOW),
      problem: null,
    },
    target: { kind: 'webhook', endpoint: 'ops' },
    facts: {
      ...{ event: 'approve', actor: 'Rita', owner: 'Olga', reason: '', at: instant(NOW) },
      client: { id: 'c'.repeat(32) as ClientId, name: 'Reader', version: '1.0' },
    },
  };
  await makeDelivery({
    outbox: {
      claimNotifications: async () => [notice],
      closeNotification: async () => {},
      retryNotification: async () => {},
    },
    mail: null,
    web: {
      post: async (_url, headers, body) => {
        posts.push({ headers, body });
        return 204;
      },
    },
    clock: { now: () => instant(NOW), millis: () => NOW * 1000 },
    log: { info() {}, warn() {}, error() {} },
    findReceiver: async () => null,
    renderNotification: () => assert.fail('no email'),
    renderAccountEmail: () => assert.fail('no email'),
    endpoints: [{ name: 'ops', url: 'https://hooks.example/x', secret: fresh, ...endpoint }],
    issuer: 'https://gate.example',
    concurrency: 1,
  }).run();
  assert.equal(posts.length, 1);
  return posts[0] as (typeof posts)[number];
}

/** A receiver as Standard Webhooks describes it: it knows one secret and looks through the list. */
function takes(secret: string, { headers, body }: Awaited<ReturnType<typeof sent>>): boolean {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const wanted = `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
    .update(signed)
    .digest('base64')}`;
  return (headers['webhook-signature'] ?? '').split(' ').includes(wanted);
}

test('one secret: one signature', async () => {
  const request = await sent({});
  assert.match(request.headers['webhook-signature'] ?? '', /^v1,[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(
    [fresh, old, foreign].map((secret) => takes(secret, request)),
    [true, false, false],
  );
});

test('two secrets: a receiver that knows either takes the notice, the present one is signed first', async () => {
  const request = await sent({ previousSecret: old });
  assert.match(
    request.headers['webhook-signature'] ?? '',
    /^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/,
  );
  assert.deepEqual(
    [fresh, old, foreign].map((secret) => takes(secret, request)),
    [true, true, false],
  );
  const alone = await sent({});
  assert.equal(
    request.headers['webhook-signature']?.split(' ')[0],
    alone.headers['webhook-signature'],
  );
});

test('after the exchange the old one is good for nothing', async () =>
  assert.equal(takes(old, await sent({ secret: fresh })), false));

test('a previous secret that is none ends the start, and is not in the message', async () => {
  await assert.rejects(sent({ previousSecret: 'whsec_' }), (fault: Error) =>
    /ops/.test(fault.message),
  );
  await assert.rejects(
    sent({ previousSecret: 'sec' }),
    (fault: Error) => !fault.message.includes('sec ') && /ops/.test(fault.message),
  );
});

const configured = (
  more: string,
  files: Readonly<Record<string, string>> = {},
  url = 'https://hooks.example/x',
) => {
  const yaml = `notices: { webhooks: [{ name: ops, url: "${url}", ${more} }] }`;
  return readConfig({ config: 'file.yaml' }, {}, (path) => {
    const text = path === 'file.yaml' ? yaml : files[path];
    if (text === undefined) throw new Error('no such file');
    return text;
  });
};
const kept = { name: 'ops', url: 'https://hooks.example/x', secret: fresh, previousSecret: old };

test('the configuration names both, in itself or in files', () => {
  for (const [more, files] of [
    [`secret: "${fresh}", previous_secret: "${old}"`, {}],
    ['secret_file: a, previous_secret_file: b', { a: `${fresh}\n`, b: ` ${old}\n` }],
    [`secret: "${fresh}", previous_secret_file: b`, { b: old }],
  ] as const) {
    const read = configured(more, files);
    assert.deepEqual(read.ok && read.value.webhooks, [kept], more);
  }
});

for (const [what, more, files] of [
  ['a previous secret alone', `previous_secret: "${old}"`, {}],
  ['a previous secret that is none', `secret: "${fresh}", previous_secret: "whsec_short"`, {}],
  ['the same secret twice', `secret: "${fresh}", previous_secret: "${fresh}"`, {}],
  ['a file that is not there', `secret: "${fresh}", previous_secret_file: gone`, {}],
  ['an empty file', `secret: "${fresh}", previous_secret_file: b`, { b: '\n' }],
  [
    'a file with two secrets',
    `secret: "${fresh}", previous_secret_file: b`,
    { b: `${old}\n${foreign}` },
  ],
  [
    'a third secret',
    `secret: "${fresh}", previous_secret: "${old}", other_secret: "${foreign}"`,
    {},
  ],
] as const)
  test(`the configuration is refused: ${what}; no secret is in the message`, () => {
    const read = configured(more, files);
    assert.ok(!read.ok);
    for (const secret of [old, fresh, foreign])
      assert.doesNotMatch(JSON.stringify(read.refusal), new RegExp(secret.slice(6, 30)));
  });

for (const [url, fine] of [
  ['https://hooks.example/x', true],
  ['https://hooks.example', true],
  ['http://localhost:9000/x', true],
  ['http://127.0.0.1/x', true],
  ['http://[::1]:9000/x', true],
  ['http://hooks.example/x', false],
  ['http://169.254.169.254/latest', false],
  ['http://127.0.0.1.evil.example/x', false],
  ['http://localhost.evil.example/x', false],
  ['http://0x7f.1/x', false],
  ['http://127.1/x', false],
  ['http://10.0.0.1/x', false],
  ['https://user:pass@hooks.example/x', false],
  ['ws://hooks.example/x', false],
  ['file:///etc/passwd', false],
] as const)
  test(`a webhook at ${url} is ${fine ? 'taken' : 'refused'}`, () =>
    assert.equal(configured(`secret: "${fresh}"`, {}, url).ok, fine));
