import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientId, SiteId } from '#kernel/ids.ts';
import { acceptedScopes } from '#registry/consent-policy.ts';
import type { Client } from '#registry/model/client.ts';
import { app, registry, scopes } from './world.ts';

const here = 'here' as SiteId;

async function made(
  world: Awaited<ReturnType<typeof registry>>,
  changes: Parameters<typeof app>[0] = {},
) {
  const answer = await world.clients.create(app(changes), world.owner, { approve: true });
  assert.ok(answer.ok);
  return answer.value.client;
}

for (const [name, site, stored, found] of [
  ['own site first', 'there', ['there', '*'], 'there'],
  ['own site, not the current one', 'there', ['here'], undefined],
  ['own site missing, every site stands in', 'there', ['here', '*'], '*'],
  ['app of every site: the current site first', '*', ['here', '*'], 'here'],
  ['app of every site: every site', '*', ['*', 'there'], '*'],
  ['app of every site: another site does not count', '*', ['there'], undefined],
  ['nothing stored', '*', [], undefined],
] as const) {
  test(`the consent in force (registry 7.2): ${name}`, async () => {
    const world = await registry();
    const client = await made(world, { site });
    for (const at of stored) {
      const consent = {
        userId: world.user.id,
        clientId: client.id,
        site: at as SiteId,
        scopes: ['basic'],
        acceptedAt: world.clock.now(),
      };
      await world.store.saveConsent(consent, null, {
        at: world.clock.now(),
        action: 'accept',
        actorId: world.user.id,
        via: 'page',
        address: null,
        clientId: client.id,
        reason: '',
        changes: [],
      });
    }
    assert.equal((await world.consents.current(client, world.user, here))?.site, found);
    assert.equal(await world.consents.current(client, world.owner, here), undefined);
    await world.store.close();
  });
}

for (const [name, may, asked, got] of [
  ['hidden ones cannot be left out', ['basic', 'editpage'], ['editpage'], ['basic', 'editpage']],
  ['nothing asked', ['basic', 'editpage'], [], ['basic']],
  [
    'not more than the app may',
    ['basic', 'editpage'],
    ['editpage', 'delete'],
    ['basic', 'editpage'],
  ],
  [
    'irrevocable ones first, then as asked',
    ['editpage', 'basic', 'delete'],
    ['delete', 'editpage', 'basic'],
    ['basic', 'delete', 'editpage'],
  ],
  ['each once', ['basic', 'editpage'], ['editpage', 'editpage', 'basic'], ['basic', 'editpage']],
  ['identity', ['mwoauth-authonly'], [], ['mwoauth-authonly']],
  [
    'identity app asking for more',
    ['mwoauth-authonly'],
    ['basic', 'editpage'],
    ['mwoauth-authonly'],
  ],
] as const) {
  test(`accepted scopes (registry 2.6): ${name}`, () =>
    assert.deepEqual(
      acceptedScopes(asked, { id: '' as ClientId, scopes: may } as unknown as Client, scopes),
      got,
    ));
}

test('OAuth 2: a second yes adds to the consent and takes nothing away (ADR 25)', async () => {
  const world = await registry();
  const client = await made(world, { scopes: ['editpage', 'delete'] });
  const first = await world.consents.accept(client, world.user, ['basic', 'editpage', 'delete']);
  const second = await world.consents.accept(client, world.user, ['basic']);
  assert.equal(second.id, first.id);
  assert.deepEqual((await world.consents.current(client, world.user, here))?.scopes, [
    'basic',
    'editpage',
    'delete',
  ]);
  assert.equal(await world.store.tokenOfConsent(first.id), undefined);
  await world.store.close();
});

test('OAuth 1: a second yes changes nothing; one permanent pair exists', async () => {
  const world = await registry();
  const client = await made(world, {
    protocol: 'oauth1',
    redirectUri: 'https://reader.example/cb',
  });
  const first = await world.consents.accept(client, world.user, client.scopes);
  const token = await world.store.tokenOfConsent(first.id);
  assert.match(token ?? '', /^[0-9a-f]{32}$/);
  world.pass(60);
  assert.deepEqual(await world.consents.accept(client, world.user, ['basic']), first);
  assert.equal(await world.store.tokenOfConsent(first.id), token);
  await world.store.close();
});

test('a consent holds what the app may, on the site of the app', async () => {
  const world = await registry();
  const client = await made(world, { site: 'there' });
  const consent = await world.consents.accept(client, world.user, ['editpage', 'delete']);
  assert.deepEqual([consent.site, consent.scopes], ['there', ['basic', 'editpage']]);
  await world.store.close();
});

test('only the person who consented can end a consent, once', async () => {
  const world = await registry();
  const client = await made(world);
  const { id } = await world.consents.accept(client, world.user, ['basic']);
  assert.equal(await world.consents.revoke(id, world.owner), 'unknown');
  assert.equal((await world.consents.list(world.user)).length, 1);
  assert.equal(await world.consents.revoke(id, world.user), 'renounced');
  assert.equal(await world.consents.revoke(id, world.user), 'unknown');
  assert.equal(await world.consents.current(client, world.user, here), undefined);
  await world.store.close();
});
