import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { ClientId, SiteId } from '#kernel/ids.ts';
import { digestOf } from '#keys/digest.ts';
import { CLIENT_SECRET, TOKEN_SECRET } from '#registry/actions/context.ts';
import { OPERATOR } from '#registry/actor.ts';
import type { ClientProposal } from '#registry/admin-commands.ts';
import type { GrantType } from '#registry/model/client.ts';
import { app, registry } from './world.ts';

type World = Awaited<ReturnType<typeof registry>>;

async function created(world: World, changes: Partial<ClientProposal> = {}, approve = false) {
  const answer = await world.clients.create(app(changes), world.owner, { approve });
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.value;
}

const pem = (type: 'rsa' | 'ec', bits = 2048) =>
  type === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: bits })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString()
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString();

const oauth1 = { protocol: 'oauth1', grantTypes: [] } as const;
const owned = { ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] } as const;
const open = { confidential: false } as const;

const refused: readonly (readonly [
  name: string,
  changes: Partial<ClientProposal>,
  field: string,
])[] = [
  ['no name', { name: '  ' }, 'name'],
  ['a name of 129 bytes', { name: `${'é'.repeat(64)}x` }, 'name'],
  ['a name with a control character', { name: 'a\nb' }, 'name'],
  ['a name that turns the direction of text', { name: 'bank \u202ekcah' }, 'name'],
  ['no version', { version: '' }, 'version'],
  ['a version that is none', { version: 'foo' }, 'version'],
  ['a version with a control character', { version: 'dev-a\nb' }, 'version'],
  ['no redirect URI', { redirectUri: '' }, 'redirectUri'],
  [
    'a redirect URI that runs script',
    { ...open, redirectUri: 'javascript:alert(1)' },
    'redirectUri',
  ],
  ['a description of 65535 bytes', { description: 'x'.repeat(65_535) }, 'description'],
  ['an address that is none', { email: 'not-an-email' }, 'email'],
  ['a site that is none', { site: 'no/site' }, 'site'],
  ['an unknown scope', { scopes: ['editpage', 'nonexistent'] }, 'scopes'],
  ['an identity scope with another', { scopes: ['mwoauth-authonly', 'editpage'] }, 'scopes'],
  ['two identity scopes', { scopes: ['mwoauth-authonly', 'mwoauth-authonlyprivate'] }, 'scopes'],
  ['a key that is none', { ...oauth1, rsaPublicKey: 'this is not a valid key' }, 'rsaPublicKey'],
  ['a key that is not RSA', { ...oauth1, rsaPublicKey: pem('ec') }, 'rsaPublicKey'],
  ['an RSA key of 512 bits', { ...oauth1, rsaPublicKey: pem('rsa', 512) }, 'rsaPublicKey'],
  ['an RSA key for OAuth 2', { rsaPublicKey: pem('rsa', 2048) }, 'rsaPublicKey'],
  ['a public OAuth 1 app', { ...oauth1, ...open }, 'confidential'],
  ['OAuth 1 without PKCE', { ...oauth1, pkceOptional: true }, 'pkceOptional'],
  ['a prefix for OAuth 2', { redirectIsPrefix: true }, 'redirectIsPrefix'],
  ['no grant type', { grantTypes: [] }, 'grantTypes'],
  ['an unknown grant type', { grantTypes: ['password' as GrantType] }, 'grantTypes'],
  ['an owner-only app with codes', { ...owned, grantTypes: ['authorization_code'] }, 'grantTypes'],
  [
    'an owner-only app that keeps no secret',
    { ...owned, ...open, grantTypes: ['client_credentials'] },
    'grantTypes',
  ],
  ['a public app acting for itself', { ...open, grantTypes: ['client_credentials'] }, 'grantTypes'],
  ['a public app without PKCE', { ...open, pkceOptional: true }, 'pkceOptional'],
];
for (const [name, changes, field] of refused) {
  test(`refused: ${name}`, async () => {
    const world = await registry();
    const answer = await world.clients.create(app(changes), world.owner, { approve: true });
    assert.equal(answer.ok, false);
    assert.equal(
      !answer.ok && answer.refusal.kind === 'invalid_field' ? answer.refusal.field : answer,
      field,
    );
    assert.deepEqual(await world.store.listClients({}), [], 'nothing was stored');
    await world.store.close();
  });
}

for (const [name, asked, got] of [
  ['hidden ones are added', ['editpage'], ['basic', 'editpage']],
  ['none asked', [], ['basic']],
  ['each once', ['basic', 'editpage', 'editpage'], ['basic', 'editpage']],
  ['an identity scope alone', ['mwoauth-authonly'], ['mwoauth-authonly']],
  [
    'an identity scope drops the hidden one',
    ['basic', 'mwoauth-authonlyprivate'],
    ['mwoauth-authonlyprivate'],
  ],
] as const) {
  test(`scopes of a new app: ${name}`, async () => {
    const world = await registry();
    assert.deepEqual((await created(world, { scopes: asked })).client.scopes, got);
    await world.store.close();
  });
}

test('an OAuth 2 app: 40 hexadecimal digits of secret, kept as a digest alone', async () => {
  const world = await registry();
  const { client, secret, credentials, accessToken } = await created(world);
  assert.match(client.id, /^[0-9a-f]{32}$/);
  assert.match(secret ?? '', /^[0-9a-f]{40}$/);
  const [kept] = client.secrets;
  assert.equal(kept?.digest, digestOf(secret ?? ''));
  assert.deepEqual(
    [kept.encrypted, credentials, accessToken, client.stage],
    [null, null, null, 'proposed'],
  );
  assert.deepEqual(await world.store.findClient(client.id), client);
  await world.store.close();
});

test('an OAuth 1 app: the secret can be read back to check signatures', async () => {
  const world = await registry();
  const { client, secret } = await created(
    world,
    { ...oauth1, rsaPublicKey: pem('rsa', 2048) },
    true,
  );
  const sealed = client.secrets[0]?.encrypted;
  assert.ok(sealed);
  assert.equal(world.sealer.decrypt(sealed, CLIENT_SECRET), secret);
  assert.throws(() => world.sealer.decrypt(sealed, TOKEN_SECRET));
  assert.deepEqual([client.stage, client.grantTypes], ['approved', []]);
  await world.store.close();
});

test('a public app has no secret', async () => {
  const world = await registry();
  const { client, secret } = await created(world, open);
  assert.deepEqual([secret, client.secrets], [null, []]);
  await world.store.close();
});

test('an owner-only OAuth 2 app is approved and gets a consent and a token at once', async () => {
  const world = await registry();
  const { client, accessToken, credentials } = await created(world, {
    ...owned,
    redirectUri: 'anything',
  });
  assert.deepEqual([client.stage, client.redirectUri, credentials], ['approved', '', null]);
  assert.match(accessToken ?? '', /^jwt [0-9a-f]{80}$/);
  const [consent] = await world.store.listConsents(world.owner.id);
  assert.deepEqual([consent?.clientId, consent?.scopes], [client.id, ['basic', 'editpage']]);
  await world.store.close();
});

test('an owner-only OAuth 1 app gets token credentials; a reset keeps the identifier and replaces both secrets', async () => {
  const world = await registry();
  const { client, secret, credentials } = await created(world, {
    ...oauth1,
    ownerOnly: true,
    redirectUri: '',
  });
  assert.ok(credentials);
  const kept = await world.store.findTokenCredentials(credentials.token);
  assert.equal(
    kept && world.sealer.decrypt(kept.credentials.encryptedSecret, TOKEN_SECRET),
    credentials.secret,
  );

  const reset = await world.clients.resetSecret(client.id);
  assert.ok(reset.ok && reset.value.credentials);
  assert.equal(reset.value.credentials.token, credentials.token);
  assert.notEqual(reset.value.credentials.secret, credentials.secret);
  assert.notEqual(reset.value.secret, secret);
  const fresh = await world.store.findTokenCredentials(reset.value.credentials.token);
  assert.equal(
    fresh && world.sealer.decrypt(fresh.credentials.encryptedSecret, TOKEN_SECRET),
    reset.value.credentials.secret,
  );
  await world.store.close();
});

test('a reset after the owner ended the consent makes it again, with a pair that is known', async () => {
  const world = await registry();
  const { client, credentials } = await created(world, {
    ...oauth1,
    ownerOnly: true,
    redirectUri: '',
  });
  const [consent] = await world.store.listConsents(world.owner.id);
  assert.ok(consent && credentials);
  await world.consents.revoke(consent.id, world.owner);
  assert.equal(await world.store.findTokenCredentials(credentials.token), undefined);
  const reset = await world.clients.resetSecret(client.id);
  assert.ok(reset.ok && reset.value.credentials);
  assert.ok(await world.store.findTokenCredentials(reset.value.credentials.token));
  await world.store.close();
});

test('a reset of an owner-only OAuth 2 app ends the old token; a reset of an app for all leaves consents alone', async () => {
  const world = await registry();
  const mine = await created(world, { ...owned });
  const reset = await world.clients.resetSecret(mine.client.id);
  assert.ok(reset.ok);
  assert.notEqual(reset.value.accessToken, mine.accessToken);
  assert.equal((await world.store.listConsents(world.owner.id)).length, 1);

  const { client } = await created(world, { name: 'For all' }, true);
  const consent = await world.consents.accept(client, world.user, ['basic']);
  assert.ok((await world.clients.resetSecret(client.id)).ok);
  assert.deepEqual(await world.consents.current(client, world.user, 'here' as SiteId), consent);
  assert.deepEqual(await world.clients.resetSecret('0'.repeat(32) as ClientId), {
    ok: false,
    refusal: { kind: 'invalid_consumer_key' },
  });
  await world.store.close();
});

test('the same name and version is an app that exists; blanks around do not make another', async () => {
  const world = await registry();
  await created(world);
  await created(world, { version: '2.0' });
  for (const changes of [{}, { version: '2.0' }, { name: ' Reader ', version: ' 2.0 ' }]) {
    assert.deepEqual(await world.clients.create(app(changes), world.owner, { approve: false }), {
      ok: false,
      refusal: { kind: 'consumer_exists', version: null },
    });
  }
  assert.deepEqual(
    await world.clients.create(app({ version: '1.5' }), world.owner, { approve: false }),
    {
      ok: false,
      refusal: { kind: 'consumer_exists', version: '2.0' },
    },
  );
  assert.ok(
    (await world.clients.create(app(), world.user, { approve: false })).ok,
    'another owner may use the name',
  );
  await world.store.close();
});

test('of many registrations of one app at once, one wins', async () => {
  const world = await registry();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => world.clients.create(app(), world.owner, { approve: false })),
  );
  assert.equal(answers.filter(({ ok }) => ok).length, 1);
  assert.equal((await world.store.listClients({})).length, 1);
  await world.store.close();
});

const wrong = {
  approve: 'not_proposed',
  reject: 'not_proposed',
  disable: 'not_approved',
  reenable: 'not_disabled',
} as const;
const actions = ['approve', 'reject', 'disable', 'reenable'] as const;
// Registry 1.2: what an action makes of a stage; an absent one is refused.
const moves = {
  proposed: { approve: 'approved', reject: 'rejected' },
  approved: { disable: 'disabled' },
  rejected: { approve: 'approved' },
  expired: { approve: 'approved' },
  disabled: { reenable: 'approved' },
} as const;
for (const [stage, ends] of Object.entries(moves)) {
  for (const action of actions) {
    const end = (ends as Record<string, string>)[action];
    test(`${action} of ${stage}: ${end ?? 'refused'}`, async () => {
      const world = await registry();
      const { client } = await created(world);
      const audit = {
        at: client.stageAt,
        action: 'test',
        actorId: null,
        via: 'job',
        address: null,
        clientId: client.id,
        reason: '',
        changes: [],
      } as const;
      if (stage !== 'proposed') {
        const moved = { ...client, stage: stage as typeof client.stage };
        await world.store.applyChange({
          recordVersion: client.recordVersion,
          effects: [{ kind: 'save-client', client: moved }],
          audit,
          notifications: [],
        });
      }
      world.pass(5);
      const answer = await world.clients[action](client.id);
      if (end === undefined)
        assert.deepEqual(answer, { ok: false, refusal: { kind: wrong[action], stage } });
      else
        assert.deepEqual(answer.ok && [answer.value.client.stage, answer.value.client.stageAt], [
          end,
          world.clock.now(),
        ]);
      const now = await world.store.findClient(client.id);
      assert.equal(now?.stage, end ?? stage);
      if (answer.ok) assert.deepEqual(now, answer.value.client);
      await world.store.close();
    });
  }
}

test('reject and disable may hide; disable hides from any stage; approval shows again (registry 1.2)', async () => {
  const world = await registry();
  const { client } = await created(world);
  const rejected = await world.clients.reject(client.id, { suppress: true });
  assert.deepEqual(rejected.ok && [rejected.value.client.stage, rejected.value.client.suppressed], [
    'rejected',
    true,
  ]);
  const approved = await world.clients.approve(client.id);
  assert.deepEqual(approved.ok && [approved.value.client.stage, approved.value.client.suppressed], [
    'approved',
    false,
  ]);
  const other = (await created(world, { name: 'Other' })).client;
  const hidden = await world.clients.disable(other.id, { suppress: true });
  assert.deepEqual(hidden.ok && [hidden.value.client.stage, hidden.value.client.suppressed], [
    'disabled',
    true,
  ]);
  assert.deepEqual(await world.clients.disable(other.id, { suppress: true }), {
    ok: false,
    refusal: { kind: 'not_approved', stage: 'disabled' },
  });
  await world.store.close();
});

test('of two decisions at once one is too late', async () => {
  const world = await registry();
  const { client } = await created(world);
  const etag = world.registry.etagFor(OPERATOR, client);
  const decide = (action: string) =>
    world.registry.submit(OPERATOR, action, {
      clientId: client.id,
      reason: 'so',
      suppress: false,
      etag,
    });
  const answers = await Promise.all([decide('approve'), decide('reject')]);
  const [won] = answers.filter(({ ok }) => ok);
  const [lost] = answers.filter(({ ok }) => !ok);
  assert.ok(won?.ok && lost?.ok === false && lost.refusal.kind === 'change_conflict');
  assert.deepEqual(
    lost.refusal.since.map(({ action, reason }) => [action, reason]),
    [[won.value.client.stage === 'approved' ? 'approve' : 'reject', 'so']],
  );
  // A decision that names no etag is made again on what is there now.
  if (won.value.client.stage === 'rejected') assert.ok((await world.clients.approve(client.id)).ok);
  const late = await Promise.all([
    world.clients.disable(client.id),
    world.clients.disable(client.id),
  ]);
  assert.deepEqual(late.map((answer) => (answer.ok ? 'moved' : answer.refusal.kind)).sort(), [
    'moved',
    'not_approved',
  ]);
  await world.store.close();
});

test('an unknown app', async () => {
  const world = await registry();
  for (const action of actions) {
    assert.deepEqual(await world.clients[action]('f'.repeat(32) as ClientId), {
      ok: false,
      refusal: { kind: 'invalid_consumer_key' },
    });
  }
  await world.store.close();
});
