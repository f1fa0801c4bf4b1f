import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { TestServer } from '#harness/world.ts';
import { type ClientId, EVERY_SITE } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { type Actor, OPERATOR } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import { type ActionName, actions } from '#registry/registry.ts';

// No run of the registry's actions gives an app a credential, or widens one, beyond the scopes the
// app holds (ADR 17), whatever its person and the operator do in between, and for as long as the
// credential lives.

const scopes = [
  'basic',
  'editpage',
  'delete',
  'gatehouse:clients',
  'gatehouse:review',
  'gatehouse:consents',
  'oauthmanageownclient',
] as const;
const pems = [0, 1].map(() =>
  generateKeyPairSync('rsa', { modulusLength: 2048 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString(),
);

interface Step {
  readonly action: ActionName;
  readonly how: 'app' | 'fresh' | 'stale' | 'operator';
  readonly held: readonly string[];
  readonly asked: readonly string[];
  readonly app: number;
  readonly flag: boolean;
  readonly variant: number;
}

interface Scene {
  readonly world: TestServer;
  readonly ada: Account;
  readonly bob: Account;
  readonly apps: ClientId[];
}

/** What each action is asked with. A new action without a row fails. */
const values: Readonly<
  Record<ActionName, (scene: Scene, step: Step, client: Client) => Promise<object> | object>
> = {
  propose: ({ ada }, { asked, flag, variant }) => ({
    ...{
      name: `made ${variant}`,
      version: `1.${variant}`,
      description: '',
      email: ada.email,
      ownerOnly: flag,
      ownerId: ada.id,
    },
    ...{
      protocol: variant % 2 ? 'oauth1' : 'oauth2',
      redirectUri: flag ? '' : 'https://app.example/cb',
      site: '*',
      termsAccepted: true,
    },
    ...{
      grantTypes: flag ? ['client_credentials'] : ['authorization_code', 'client_credentials'],
      scopes: asked,
    },
    ...(variant % 4 === 1 ? { rsaPublicKey: pems[0] } : {}),
  }),
  update: (_scene, { flag, variant }) => ({
    resetSecret: flag,
    ...(variant % 3 === 0 ? { rsaPublicKey: pems[variant % 2] } : {}),
    ...(variant % 5 === 0
      ? { restrictions: { addresses: [`192.0.2.${variant}`], pages: [] } }
      : {}),
  }),
  'add-secret': (_scene, { variant }) => ({ label: `secret ${variant}` }),
  'retire-secret': (_scene, _step, { secrets }) => ({ secretId: secrets[0]?.id ?? 1 }),
  'set-introspector': (_scene, { flag }) => ({ introspector: flag }),
  'set-pkce-exemption': (_scene, { flag }) => ({ pkceOptional: flag }),
  approve: () => ({}),
  reject: () => ({ suppress: false }),
  disable: () => ({ suppress: false }),
  reenable: () => ({}),
  expire: () => ({}),
  halt: () => ({ suspension: 'none' }),
  revise: (_scene, { asked }) => ({ scopes: asked }),
  'approve-revision': async ({ world }, _step, { id }) => ({
    revisionId: (await world.server.store.openRevision(id))?.id ?? 1,
  }),
  'reject-revision': async ({ world }, _step, { id }) => ({
    revisionId: (await world.server.store.openRevision(id))?.id ?? 1,
  }),
  'withdraw-revision': async ({ world }, _step, { id }) => ({
    revisionId: (await world.server.store.openRevision(id))?.id ?? 1,
  }),
  invite: ({ bob }) => ({ userId: bob.id }),
  join: () => ({}),
  leave: ({ bob }) => ({ userId: bob.id }),
  offer: ({ bob }) => ({ userId: bob.id }),
  'accept-offer': () => ({}),
  'decline-offer': () => ({}),
  accept: (_scene, { asked }) => ({ scopes: asked }),
  renounce: async ({ world, ada }) => ({
    consentId: (await world.server.store.listConsents(ada.id))[0]?.id ?? 1,
  }),
};

test('every action has a row', () =>
  assert.deepEqual(Object.keys(values).sort(), Object.keys(actions).sort()));

const step: fc.Arbitrary<Step> = fc.record({
  // Those that give credentials come often.
  action: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom<ActionName>('propose', 'update', 'add-secret', 'revise'),
    },
    { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(values) as ActionName[])) },
  ),
  how: fc.constantFrom('app', 'app', 'fresh', 'stale', 'operator'),
  held: fc.subarray([...scopes], { minLength: 1 }),
  asked: fc.subarray([...scopes], { minLength: 1 }),
  app: fc.nat(20),
  flag: fc.boolean(),
  variant: fc.nat(40),
});

function actorOf({ world, ada }: Scene, { how, held }: Step): Actor {
  if (how === 'operator') return OPERATOR;
  const own = world.server.services.rights.rightsOf(ada);
  if (how !== 'app')
    return personActor(ada, own, 'api', () => instant(world.now - (how === 'fresh' ? 0 : 601)));
  const lent = world.server.services.scopes.rightsOf(held);
  const rights = new Set([...own].filter((right) => lent.has(right)));
  const person = personActor(ada, rights) as Extract<Actor, { kind: 'person' }>;
  return {
    ...person,
    authentication: {
      kind: 'app',
      clientId: 'a'.repeat(32) as ClientId,
      scopes: held,
      site: EVERY_SITE,
    },
  };
}

/**
 * What could be done by who holds the app's credentials: for its owner, or with other people's
 * trust.
 */
async function reach({ world, ada }: Scene, id: ClientId): Promise<readonly string[]> {
  const client = await world.server.store.findClient(id);
  if (client?.stage !== 'approved') return [];
  if (!client.ownerOnly) return client.scopes;
  const consent = await world.server.store.findConsent(ada.id, id, client.site);
  return (consent?.scopes ?? []).filter((scope) => client.scopes.includes(scope));
}
const beyond = (got: readonly string[], held: readonly string[]) =>
  got.filter((scope) => !held.includes(scope));

/** A credential that an app was given, and what it held then. */
interface Held {
  readonly bound: readonly string[];
  readonly jwt: string | null;
  /** Identifier of an OAuth 1 token: a key registered by the app signs with it alone. */
  readonly pair: string | null;
}

async function liveOf({ world }: Scene, { jwt, pair }: Held): Promise<readonly string[]> {
  if (jwt !== null) {
    const live = await world.server.services.protocols.core.oauth2.authenticateToken(jwt, {});
    return live.ok ? live.value.scopes : [];
  }
  const found = pair === null ? undefined : await world.server.store.findTokenCredentials(pair);
  const client = found && (await world.server.store.findClient(found.consent.clientId));
  return (found?.consent.scopes ?? []).filter((scope) => client?.scopes.includes(scope));
}

async function play(steps: readonly Step[]): Promise<void> {
  const world = new TestServer();
  const ada = await world.createPerson('Ada', ['developer', 'reviewer', 'administrator']);
  const bob = await world.createPerson('Bob', ['developer']);
  const own = {
    ownerOnly: true,
    redirectUri: '',
    scopes: ['editpage', 'delete', 'gatehouse:review'],
  } as const;
  const scene: Scene = { world, ada, bob, apps: [] };
  for (const over of [
    { ...own, name: 'own', grantTypes: ['client_credentials'] },
    { ...own, name: 'own signed', protocol: 'oauth1', grantTypes: [] },
    { name: 'shared', scopes: ['editpage'] },
    { name: 'waiting', scopes: ['delete'] },
  ] as const)
    scene.apps.push(
      (await world.createClient(ada, over as never, over.name !== 'waiting')).client.id,
    );
  const given: Held[] = [];
  for (const one of steps) {
    const id = scene.apps[one.app % scene.apps.length] as ClientId;
    const client = (await world.server.store.findClient(id)) as Client;
    const before = new Map(
      await Promise.all(scene.apps.map(async (app) => [app, await reach(scene, app)] as const)),
    );
    const team = JSON.stringify([await world.server.store.teamOf(id), client.ownerId]);
    const asked = await values[one.action](scene, one, client);
    const answer = await world.server.services.registry.submit(actorOf(scene, one), one.action, {
      clientId: id,
      reason: '',
      ...asked,
    });
    if (answer.ok && one.action === 'propose') scene.apps.push(answer.value.client.id);
    if (one.how === 'app' && answer.ok) {
      const { client: after, secret, accessToken, credentials } = answer.value;
      const held: Held = { bound: one.held, jwt: accessToken, pair: credentials?.token ?? null };
      assert.deepEqual(
        beyond(await liveOf(scene, held), one.held),
        [],
        `${one.action} gave a credential`,
      );
      if (accessToken !== null || credentials !== null) given.push(held);
      if (secret !== null && (after.ownerOnly || after.stage === 'approved'))
        assert.deepEqual(
          beyond(await reach(scene, after.id), one.held),
          [],
          `${one.action} gave a secret`,
        );
      // A reviewer's decision is about what others asked for; everything else widens nothing.
      if (!/^(?:approve|reenable|halt|reject|disable)/.test(one.action))
        for (const app of scene.apps)
          assert.deepEqual(
            beyond(await reach(scene, app), [...(before.get(app) ?? []), ...one.held]),
            [],
            `${one.action} widened an app`,
          );
      if (!['join', 'leave', 'decline-offer'].includes(one.action))
        assert.equal(
          JSON.stringify([
            await world.server.store.teamOf(id),
            after.id === id ? after.ownerId : client.ownerId,
          ]),
          team,
        );
    }
    if (one.how === 'stale' && answer.ok) {
      const { accessToken, credentials } = answer.value;
      assert.deepEqual(
        [accessToken, credentials],
        [null, null],
        `${one.action} gave a credential without a recent proof`,
      );
      if (one.action !== 'propose')
        assert.equal(
          answer.value.secret,
          null,
          `${one.action} gave a secret without a recent proof`,
        );
    }
    for (const held of given)
      assert.deepEqual(beyond(await liveOf(scene, held), held.bound), [], 'what was given grew');
  }
  await world.close();
}

test('no run gives an app more than it holds, now or later', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), play), {
    numRuns: 120,
  });
});
