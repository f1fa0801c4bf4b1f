import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ClientId, SiteId } from '#kernel/ids.ts';
import { digestOf } from '#keys/digest.ts';
import type { ActionResult, IssuedSecrets } from '#registry/actions/context.ts';
import { MAX_SECRETS } from '#registry/actions/update.ts';
import { type Actor, OPERATOR, RIGHTS } from '#registry/actor.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import { ANYWHERE, type Client, liveSecrets } from '#registry/model/client.ts';
import { app, registry } from './world.ts';

const as = (account: Account | null, ...rights: readonly string[]) =>
  personActor(account, new Set(rights));
const kindOf = async (ran: ActionResult) => {
  const answer = await ran;
  return answer.ok ? 'accepted' : answer.refusal.kind;
};

/** An approved app and its owner. */
async function desk(proposal: Partial<ClientProposal> = {}, approve = true) {
  const world = await registry({ webhookEndpoints: ['ops'] });
  const made = await world.clients.create(app(proposal), world.owner, { approve });
  assert.ok(made.ok, JSON.stringify(made));
  const { id } = made.value.client;
  const hers = as(world.owner, RIGHTS.updateOwn);
  const submit = (action: string, values: object = {}, actor: Actor = hers) =>
    world.registry.submit(actor, action, { clientId: id, reason: '', ...values });
  const now = async () => (await world.store.findClient(id)) as Client;
  return {
    ...world,
    ...{ id, made: made.value, hers, submit, now },
    add: (label = 'next', values: object = {}, actor: Actor = hers) =>
      submit('add-secret', { label, ...values }, actor),
    retire: (secretId: number | undefined) => submit('retire-secret', { secretId }),
    labels: async () => (await now()).secrets.map(({ label }) => label),
    line: async () => (await world.store.listAudit({ clientId: id, limit: 1 }))[0],
  };
}

const classic = { protocol: 'oauth1', grantTypes: [] } as const;
const publicKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();

test('a secret is added beside those that live: 40 hexadecimal digits, shown once, kept as a digest', async () => {
  const { add, now, made, line, store, pass, clock } = await desk();
  pass(60);
  const answer = await add('laptop', { expiresAt: clock.now() + 1, reason: 'rotation' });
  assert.ok(answer.ok);
  const { secret, credentials, accessToken } = answer.value;
  assert.match(secret ?? '', /^[0-9a-f]{40}$/);
  assert.notEqual(secret, made.secret);
  assert.deepEqual([credentials, accessToken], [null, null]);
  const client = await now();
  const [first, second] = client.secrets;
  assert.deepEqual(first, made.client.secrets[0]);
  assert.deepEqual(
    { ...second, id: 0 },
    {
      id: 0,
      label: 'laptop',
      digest: digestOf(secret ?? ''),
      encrypted: null,
      createdAt: clock.now(),
      expiresAt: clock.now() + 1,
    },
  );
  const { action, changes, reason } = (await line()) ?? {};
  assert.deepEqual([action, reason], ['add-secret', 'rotation']);
  assert.deepEqual(changes, [{ field: 'secrets', before: ['first'], after: ['first', 'laptop'] }]);
  assert.deepEqual(
    { ...client, secrets: [], recordVersion: 0 },
    { ...made.client, secrets: [], recordVersion: 0 },
  );
  await store.close();
});

test(`${MAX_SECRETS} live secrets at most; expired ones do not count, retired ones are gone`, async () => {
  const { add, retire, now, clock, pass, store } = await desk();
  const most = { ok: false, refusal: { kind: 'too_many', what: 'secrets', most: 5 } };
  for (const label of ['b', 'c', 'd']) assert.equal(await kindOf(add(label)), 'accepted');
  assert.equal(await kindOf(add('e', { expiresAt: clock.now() + 100 })), 'accepted');
  assert.deepEqual(await add('f'), most);
  pass(99);
  assert.deepEqual(await add('f'), most);
  pass(1);
  assert.equal(await kindOf(add('f')), 'accepted');
  assert.deepEqual(await add('g'), most);
  const [first] = (await now()).secrets;
  assert.equal(await kindOf(retire(first?.id)), 'accepted');
  assert.equal(await kindOf(add('g')), 'accepted');
  assert.deepEqual(
    liveSecrets(await now(), clock.now()).map(({ label }) => label),
    ['b', 'c', 'd', 'f', 'g'],
  );
  await store.close();
});

test('the most holds when many are added at once', async () => {
  const { add, now, store } = await desk();
  for (let round = 0; round < 4; round++) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => kindOf(add(`${round}-${index}`))),
    );
    assert.ok(answers.every((kind) => ['accepted', 'change_conflict', 'too_many'].includes(kind)));
  }
  assert.equal((await now()).secrets.length, MAX_SECRETS);
  await store.close();
});

for (const [name, values, field] of [
  ['no label', { label: ' ' }, 'label'],
  ['a label of 65 bytes', { label: `${'é'.repeat(32)}x` }, 'label'],
  ['a label that turns the direction of text', { label: 'a\u202eb' }, 'label'],
  ['an expiry now', { expiresAt: 1_790_000_000 }, 'expiresAt'],
  ['an expiry long ago', { expiresAt: 1 }, 'expiresAt'],
  ['an expiry that is no whole number', { expiresAt: 1_790_000_100.5 }, 'expiresAt'],
  ['an expiry in words', { expiresAt: 'tomorrow' }, 'expiresAt'],
] as const) {
  test(`no secret: ${name}`, async () => {
    const { add, labels, store } = await desk();
    const answer = await add('fine', values);
    assert.equal(
      !answer.ok && answer.refusal.kind === 'invalid_field' && answer.refusal.field,
      field,
    );
    assert.deepEqual(await labels(), ['first']);
    await store.close();
  });
}

test('an app that cannot keep a secret gets none, by no way', async () => {
  const { add, submit, retire, now, line, store } = await desk({ confidential: false });
  const answer = await add();
  assert.equal(
    !answer.ok && answer.refusal.kind === 'invalid_field' && answer.refusal.problem.kind,
    'not-for-this-kind-of-app',
  );
  const { recordVersion } = await now();
  const reset = await submit('update', { resetSecret: true });
  assert.ok(reset.ok && reset.value.secret === null);
  assert.equal(await kindOf(retire(1)), 'not_found');
  assert.deepEqual(
    [(await now()).secrets, (await now()).recordVersion, (await line())?.action],
    [[], recordVersion, 'approve'],
  );
  await store.close();
});

// The last one.

test('the last live secret stays; one that expired does not help', async () => {
  const { add, retire, now, labels, clock, pass, store } = await desk();
  const last = { ok: false, refusal: { kind: 'last_secret' } };
  const [first] = (await now()).secrets;
  assert.deepEqual(await retire(first?.id), last);
  await add('short', { expiresAt: clock.now() + 10 });
  pass(10);
  assert.deepEqual(await retire(first?.id), last);
  const [, short] = (await now()).secrets;
  assert.equal(await kindOf(retire(short?.id)), 'accepted');
  assert.deepEqual(await labels(), ['first']);
  await store.close();
});

test('an app with an RSA key may go without a secret, and keeps one of the two', async () => {
  const { retire, submit, add, now, made, store } = await desk({
    ...classic,
    rsaPublicKey: publicKey,
  });
  assert.equal(await kindOf(retire(made.client.secrets[0]?.id)), 'accepted');
  assert.deepEqual((await now()).secrets, []);
  assert.equal(
    await kindOf(submit('update', { resetSecret: false, rsaPublicKey: '' })),
    'last_secret',
  );
  assert.equal((await now()).rsaPublicKey, publicKey.trim());
  assert.equal(await kindOf(add('again')), 'accepted');
  assert.equal(
    await kindOf(submit('update', { resetSecret: false, rsaPublicKey: null })),
    'accepted',
  );
  assert.equal((await now()).rsaPublicKey, null);
  await store.close();
});

test('with a reset the key may go, as a secret comes', async () => {
  const { retire, submit, labels, now, made, store } = await desk({
    ...classic,
    rsaPublicKey: publicKey,
  });
  await retire(made.client.secrets[0]?.id);
  assert.equal(await kindOf(submit('update', { resetSecret: true, rsaPublicKey: '' })), 'accepted');
  assert.deepEqual([await labels(), (await now()).rsaPublicKey], [['reset'], null]);
  await store.close();
});

test("another app's secret is none here", async () => {
  const { retire, clients, owner, id, store, add } = await desk();
  await add();
  const other = await clients.create(app({ name: 'Other' }), owner, { approve: true });
  assert.ok(other.ok);
  for (const secretId of [other.value.client.secrets[0]?.id, 999])
    assert.deepEqual(await retire(secretId), {
      ok: false,
      refusal: { kind: 'not_found', what: 'secret' },
    });
  assert.equal((await store.findClient(other.value.client.id))?.secrets.length, 1);
  assert.equal((await store.findClient(id))?.secrets.length, 2);
  await store.close();
});

// A reset takes every one.

test('a reset replaces all secrets, expired ones too, and keeps what is not about them', async () => {
  const restrictions = { addresses: ['192.0.2.0/24'], pages: ['Sandbox'] };
  const { add, submit, now, line, made, clock, pass, store } = await desk({
    ...classic,
    rsaPublicKey: publicKey,
  });
  assert.equal(await kindOf(submit('update', { resetSecret: false, restrictions })), 'accepted');
  await add('second');
  await add('short', { expiresAt: clock.now() + 1 });
  pass(1);
  const answer = await submit('update', { resetSecret: true });
  assert.ok(answer.ok);
  const { secrets, ...rest } = await now();
  assert.deepEqual(
    secrets.map(({ label, digest, expiresAt }) => [label, digest, expiresAt]),
    [['reset', digestOf(answer.value.secret ?? ''), null]],
  );
  assert.deepEqual(
    [rest.restrictions, rest.rsaPublicKey, rest.stage, rest.stageAt],
    [restrictions, publicKey.trim(), 'approved', made.client.stageAt],
  );
  const { action, changes } = (await line()) ?? {};
  assert.deepEqual(
    [action, changes],
    ['update', [{ field: 'secrets', before: ['first', 'second'], after: ['reset'] }]],
  );
  await store.close();
});

test('an update that changes nothing writes nothing', async () => {
  const { submit, now, store } = await desk();
  const before = await now();
  for (const values of [
    {},
    { restrictions: ANYWHERE },
    { rsaPublicKey: null },
    { rsaPublicKey: '' },
  ])
    assert.equal(await kindOf(submit('update', { resetSecret: false, ...values })), 'accepted');
  assert.deepEqual(await now(), before);
  for (const resetSecret of ['true', 1, undefined])
    assert.notEqual(await kindOf(submit('update', { resetSecret })), 'accepted');
  await store.close();
});

// Who may.

for (const [name, actor, prepare, refusal] of [
  ['nobody', 'nobody', null, { kind: 'not_logged_in' }],
  ['somebody else', 'strange', null, { kind: 'permission_denied', right: null }],
  [
    'an owner without the right',
    'powerless',
    null,
    { kind: 'permission_denied', right: RIGHTS.updateOwn },
  ],
  ['a reviewer', 'reviewer', null, { kind: 'permission_denied', right: RIGHTS.updateOwn }],
  ['a disabled app', 'hers', 'disable', { kind: 'permission_denied', right: null }],
  ['a rejected app', 'hers', 'reject', { kind: 'permission_denied', right: null }],
] as const) {
  test(`secrets are not changed by or of ${name}`, async () => {
    const { submit, add, hers, user, owner, now, store } = await desk({}, prepare !== 'reject');
    if (prepare)
      assert.equal(await kindOf(submit(prepare, { suppress: false }, OPERATOR)), 'accepted');
    const people = {
      hers,
      strange: as(user, ...Object.values(RIGHTS)),
      powerless: as(owner, RIGHTS.propose),
      reviewer: as(user, RIGHTS.review, RIGHTS.suppress),
      nobody: as(null, RIGHTS.updateOwn),
    };
    const before = await now();
    assert.deepEqual(await add('x', {}, people[actor]), { ok: false, refusal });
    assert.deepEqual(
      await submit('retire-secret', { secretId: before.secrets[0]?.id }, people[actor]),
      { ok: false, refusal },
    );
    assert.deepEqual(await submit('update', { resetSecret: true }, people[actor]), {
      ok: false,
      refusal,
    });
    assert.deepEqual(await now(), before);
    await store.close();
  });
}

test('the owner of a proposal has its secrets in hand too', async () => {
  const { add, retire, submit, made, labels, store } = await desk({}, false);
  assert.equal(await kindOf(add()), 'accepted');
  assert.equal(await kindOf(retire(made.client.secrets[0]?.id)), 'accepted');
  assert.deepEqual(await labels(), ['next']);
  assert.equal(await kindOf(submit('update', { resetSecret: true })), 'accepted');
  await store.close();
});

test('a stale form adds and retires nothing', async () => {
  const { registry: room, add, submit, hers, now, labels, store } = await desk();
  const etag = room.etagFor(hers, await now());
  assert.equal(await kindOf(add('one', { etag })), 'accepted');
  assert.equal(await kindOf(add('two', { etag })), 'change_conflict');
  const [first] = (await now()).secrets;
  assert.equal(
    await kindOf(submit('retire-secret', { secretId: first?.id, etag })),
    'change_conflict',
  );
  assert.equal(await kindOf(submit('update', { resetSecret: true, etag })), 'change_conflict');
  assert.deepEqual(await labels(), ['first', 'one']);
  await store.close();
});

// Requests, while one is exchanged for another.

/** A world in which an app asks; `works` says whether a secret is accepted. */
async function asking(protocol: 'oauth1' | 'oauth2') {
  const world = new TestServer();
  const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  const kind =
    protocol === 'oauth1' ? { ...classic } : { grantTypes: ['client_credentials'] as const };
  const made = await world.createClient(ada, { name: 'app', protocol, ...kind });
  const { id } = made.client;
  let token: CredentialPair | null = null;
  if (protocol === 'oauth1') {
    const key = { key: id, secret: made.secret };
    const post = async (
      target: string,
      with_: CredentialPair | null,
      over: Record<string, string>,
    ) => {
      const headers = signedHeader(world, 'POST', target, key, with_, over);
      return new URLSearchParams(
        (await world.app.inject({ method: 'POST', url: target, headers })).body,
      );
    };
    const pairOf = (form: URLSearchParams) => ({
      key: form.get('oauth_token') ?? '',
      secret: form.get('oauth_token_secret') ?? '',
    });
    const temporary = pairOf(await post('/oauth1/initiate', null, { oauth_callback: 'oob' }));
    const consent = await world.consents.accept(made.client, ben, []);
    const done = await world.server.services.protocols.core.oauth1.authorizeUnderConsent(
      temporary.key,
      made.client,
      consent,
    );
    assert.ok(done.ok && done.value.kind === 'show-verifier');
    token = pairOf(await post('/oauth1/token', temporary, { oauth_verifier: done.value.verifier }));
  }
  const works = async (secret: string | null | undefined): Promise<boolean> => {
    if (protocol === 'oauth1') {
      const headers = signedHeader(world, 'GET', '/api', { key: id, secret: secret ?? '' }, token);
      const sent = {
        method: 'GET',
        target: '/api',
        headers,
        body: undefined,
        address: '192.0.2.1',
        secure: true,
      };
      return (await world.server.guard.permit(sent, 'main' as SiteId)).ok;
    }
    const headers = {
      authorization: basicHeader(id, secret ?? ''),
      'content-type': 'application/x-www-form-urlencoded',
    };
    const answer = await world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers,
      payload: 'grant_type=client_credentials',
    });
    assert.ok([200, 401].includes(answer.statusCode), answer.body);
    return answer.statusCode === 200;
  };
  const submit = async (
    action: string,
    values: object,
  ): Promise<IssuedSecrets & { readonly client: Client }> => {
    const answer = await world.server.services.registry.submit(OPERATOR, action, {
      clientId: id,
      reason: '',
      ...values,
    });
    assert.ok(answer.ok, JSON.stringify(answer));
    return answer.value;
  };
  return { world, made, id, works, submit };
}

for (const protocol of ['oauth1', 'oauth2'] as const) {
  test(`${protocol}: while one secret is exchanged for another both hold; the retired one does not`, async () => {
    const { world, made, works, submit } = await asking(protocol);
    const { secret } = await submit('add-secret', { label: 'second' });
    assert.deepEqual(
      [await works(made.secret), await works(secret), await works('0'.repeat(40))],
      [true, true, false],
    );
    await submit('retire-secret', { secretId: made.client.secrets[0]?.id });
    assert.deepEqual([await works(made.secret), await works(secret)], [false, true]);
    const reset = await submit('update', { resetSecret: true });
    assert.deepEqual([await works(secret), await works(reset.secret)], [false, true]);
    await world.close();
  });

  test(`${protocol}: each of ${MAX_SECRETS} secrets holds`, async () => {
    const { world, made, works, submit } = await asking(protocol);
    const all = [made.secret];
    while (all.length < MAX_SECRETS)
      all.push((await submit('add-secret', { label: `n${all.length}` })).secret ?? '');
    assert.equal(new Set(all).size, MAX_SECRETS);
    for (const secret of all) assert.equal(await works(secret), true);
    await world.close();
  });

  test(`${protocol}: a secret holds to its last second, and is over on the very second it names`, async () => {
    const { world, made, works, submit } = await asking(protocol);
    const { secret } = await submit('add-secret', { label: 'short', expiresAt: world.now + 100 });
    world.advanceClock(99);
    assert.equal(await works(secret), true);
    world.advanceClock(1);
    assert.deepEqual([await works(secret), await works(made.secret)], [false, true]);
    await world.close();
  });
}

test('an OAuth 2 app whose last secret expired is refused; the empty secret opens nothing', async () => {
  const { world, made, works, submit } = await asking('oauth2');
  await submit('add-secret', { label: 'short', expiresAt: world.now + 10 });
  await submit('retire-secret', { secretId: made.client.secrets[0]?.id });
  world.advanceClock(10);
  assert.deepEqual([await works(made.secret), await works('')], [false, false]);
  await world.close();
});

// Words of the source that stand in for a secret nobody has. They must open nothing either.

const standIns = ['no client has this secret', 'nobody has this secret', 'no such token'];

test('OAuth 2: an app without a live secret is not opened by what stands in for one', async () => {
  const { world, made, works, submit } = await asking('oauth2');
  await submit('add-secret', { label: 'short', expiresAt: world.now + 10 });
  await submit('retire-secret', { secretId: made.client.secrets[0]?.id });
  world.advanceClock(10);
  for (const secret of standIns) assert.equal(await works(secret), false);
  await world.close();
});

test('OAuth 1: an app with an RSA key alone is not opened by what stands in for a secret', async () => {
  const { world, made, id, works, submit } = await asking('oauth1');
  await submit('update', { resetSecret: false, rsaPublicKey: publicKey });
  await submit('retire-secret', { secretId: made.client.secrets[0]?.id });
  for (const secret of ['', ...standIns]) {
    assert.equal(await works(secret), false);
    const headers = signedHeader(world, 'POST', '/oauth1/initiate', { key: id, secret }, null, {
      oauth_callback: 'oob',
    });
    assert.equal(
      (await world.app.inject({ method: 'POST', url: '/oauth1/initiate', headers })).statusCode,
      401,
      secret,
    );
  }
  await world.close();
});

test('OAuth 1: a handshake begun with one secret ends with the other', async () => {
  const { world, made, id, submit } = await asking('oauth1');
  const cleo = await world.createPerson('Cleo');
  const old = { key: id, secret: made.secret };
  const next = { key: id, secret: (await submit('add-secret', { label: 'second' })).secret ?? '' };
  for (const [begins, ends] of [
    [old, next],
    [next, old],
  ] as const) {
    const headers = signedHeader(world, 'POST', '/oauth1/initiate', begins, null, {
      oauth_callback: 'oob',
    });
    const form = new URLSearchParams(
      (await world.app.inject({ method: 'POST', url: '/oauth1/initiate', headers })).body,
    );
    const temporary = {
      key: form.get('oauth_token') ?? '',
      secret: form.get('oauth_token_secret') ?? '',
    };
    const consent = await world.consents.accept(made.client, cleo, []);
    const done = await world.server.services.protocols.core.oauth1.authorizeUnderConsent(
      temporary.key,
      made.client,
      consent,
    );
    assert.ok(done.ok && done.value.kind === 'show-verifier');
    const signed = signedHeader(world, 'POST', '/oauth1/token', ends, temporary, {
      oauth_verifier: done.value.verifier,
    });
    assert.equal(
      (await world.app.inject({ method: 'POST', url: '/oauth1/token', headers: signed }))
        .statusCode,
      200,
    );
  }
  await world.close();
});

// Where secrets are not.

test('no secret is in the trail, in a notice, or readable anywhere in the database', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-secrets-'));
  const raw = Buffer.alloc(32, 5).toString('base64');
  const file = `notices:\n  webhooks:\n    - { name: ops, url: "https://hooks.example/x", secret: "whsec_${raw}" }\n`;
  const world = new TestServer({}, file, { database: join(directory, 'gatehouse.db') });
  const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  const issued: IssuedSecrets[] = [];
  const ids: ClientId[] = [];
  for (const [name, protocol, ownerOnly] of [
    ['a', 'oauth1', false],
    ['b', 'oauth2', false],
    ['c', 'oauth1', true],
    ['d', 'oauth2', true],
  ] as const) {
    const kind = {
      ownerOnly,
      grantTypes: ownerOnly ? (['client_credentials'] as const) : (['authorization_code'] as const),
    };
    const made = await world.createClient(ada, {
      name,
      protocol,
      redirectUri: ownerOnly ? '' : 'https://app.example/cb',
      ...kind,
    });
    issued.push(made);
    ids.push(made.client.id);
    const hers = as(ada, RIGHTS.updateOwn);
    for (const [action, values] of [
      ['add-secret', { label: 'second', reason: 'rotation' }],
      ['update', { resetSecret: true }],
    ] as const) {
      const answer = await world.server.services.registry.submit(hers, action, {
        clientId: made.client.id,
        reason: '',
        ...values,
      });
      assert.ok(answer.ok, JSON.stringify(answer));
      issued.push(answer.value);
    }
    if (!ownerOnly) await world.consents.accept(made.client, ben, []);
  }
  const secrets = issued.flatMap(({ secret, credentials, accessToken }) => [
    secret,
    credentials?.secret,
    accessToken,
  ]);
  const known = secrets.filter(
    (secret): secret is string => typeof secret === 'string' && secret !== '',
  );
  assert.equal(known.length, 12 + 2 + 2);
  const { store } = world.server;
  const clients = await Promise.all(ids.map((id) => store.findClient(id)));
  const hidden = clients.flatMap((client) =>
    (client?.secrets ?? []).flatMap(({ digest, encrypted }) => [digest, encrypted ?? digest]),
  );
  const rows = JSON.stringify([
    await store.listAudit({ limit: 999 }),
    await store.listNotifications({ limit: 999 }),
  ]);
  for (const text of [...known, ...hidden]) assert.ok(!rows.includes(text));
  assert.ok(rows.includes('"second"') && rows.includes('add-secret'));
  await world.close();
  const bytes = readdirSync(directory).map((name) => readFileSync(join(directory, name)));
  assert.ok(bytes.some((content) => content.includes('add-secret')));
  for (const secret of known) assert.ok(!bytes.some((content) => content.includes(secret)));
  rmSync(directory, { recursive: true });
});
