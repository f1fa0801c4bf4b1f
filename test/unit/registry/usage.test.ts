import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ClientId, SiteId, TokenId } from '#kernel/ids.ts';
import { type Instant, instant } from '#kernel/time.ts';
import { OPERATOR } from '#registry/actor.ts';
import { DAY, makeUsage, type UsageBatch } from '#registry/usage.ts';
import { registry } from './world.ts';

const [A, B] = ['a'.repeat(32), 'b'.repeat(32)] as unknown as [ClientId, ClientId];
/** Midnight. */
const START = 20_000 * DAY;

function desk() {
  let now = START;
  let fault: Error | null = null;
  const batches: UsageBatch[] = [];
  const usage = makeUsage(
    { now: () => instant(now), millis: () => now * 1000 },
    {
      saveUsage: async (batch) => {
        if (fault) throw fault;
        batches.push(batch);
      },
    },
  );
  return {
    usage,
    batches,
    at: (time: number) => {
      now = time;
    },
    fail: (with_: Error | null) => {
      fault = with_;
    },
    /** What was handed over the last time, as text. */
    marks: () => batches.at(-1)?.marks.map(({ kind, id, day }) => `${kind} ${id} ${day - 20_000}`),
    calls: () =>
      batches
        .at(-1)
        ?.calls.map(
          ({ clientId, hour, calls }) => `${clientId.slice(0, 1)} ${hour - 480_000} ${calls}`,
        ),
  };
}

test('each thing is marked once a day, however often it is used', async () => {
  const { usage, marks, batches } = desk();
  for (let use = 0; use < 5; use++)
    usage.recordUse({ clientId: A, consentId: 1, secretId: 2, token: 't' });
  usage.recordUse({ clientId: A, consentId: 3, secretId: null, token: null });
  usage.recordUse({ clientId: B });
  await usage.flush();
  assert.deepEqual(marks(), [
    `client ${A} 0`,
    'consent 1 0',
    'secret 2 0',
    'token t 0',
    'consent 3 0',
    `client ${B} 0`,
  ]);
  usage.recordUse({ clientId: A, consentId: 1, secretId: 2, token: 't' });
  await usage.flush();
  assert.equal(batches.length, 1, 'nothing new is nothing to write');
});

test('the same number is another thing for another kind', async () => {
  const { usage, marks } = desk();
  usage.recordUse({ clientId: A, consentId: 1, secretId: 1, token: '1' });
  await usage.flush();
  assert.equal(marks()?.length, 4);
});

test('a day ends at midnight UTC', async () => {
  const { usage, marks, at } = desk();
  at(START + DAY - 1);
  usage.recordUse({ clientId: A });
  at(START + DAY);
  usage.recordUse({ clientId: A });
  usage.recordUse({ clientId: A });
  await usage.flush();
  assert.deepEqual(marks(), [`client ${A} 0`, `client ${A} 1`]);
});

test('calls are added up by client and hour; what is no call is not', async () => {
  const { usage, calls, at } = desk();
  usage.recordUse({ clientId: A }, true);
  usage.recordUse({ clientId: A }, true);
  usage.recordUse({ clientId: A });
  usage.recordUse({ clientId: B }, true);
  at(START + 3599);
  usage.recordUse({ clientId: A }, true);
  at(START + 3600);
  usage.recordUse({ clientId: A }, true);
  await usage.flush();
  assert.deepEqual(calls(), ['a 0 3', 'a 1 1', 'b 0 1']);
  usage.recordUse({ clientId: A }, true);
  await usage.flush();
  assert.deepEqual(calls(), ['a 1 1'], 'the second batch has what came after the first');
});

test('nothing used, nothing written', async () => {
  const { usage, batches } = desk();
  await usage.flush();
  assert.deepEqual(batches, []);
});

test('what could not be written goes with the next batch, added to what came since', async () => {
  const { usage, marks, calls, batches, fail } = desk();
  usage.recordUse({ clientId: A, token: 't' }, true);
  fail(new Error('busy'));
  await assert.rejects(usage.flush(), /busy/);
  usage.recordUse({ clientId: A, consentId: 1 }, true);
  usage.recordUse({ clientId: B }, true);
  await assert.rejects(usage.flush(), /busy/);
  fail(null);
  await usage.flush();
  assert.deepEqual(marks(), [`client ${A} 0`, 'token t 0', 'consent 1 0', `client ${B} 0`]);
  assert.deepEqual(calls(), ['a 0 2', 'b 0 1']);
  await usage.flush();
  assert.equal(batches.length, 1);
});

test('what is used while a batch is written is in the next', async () => {
  const { usage, batches, marks } = desk();
  usage.recordUse({ clientId: A }, true);
  const writing = usage.flush();
  usage.recordUse({ clientId: B }, true);
  await writing;
  assert.deepEqual(marks(), [`client ${A} 0`]);
  await usage.flush();
  assert.deepEqual([batches.length, marks()], [2, [`client ${B} 0`]]);
});

test('more things than are remembered of a day: none is lost, and calls are counted all the same', async () => {
  const { usage, batches } = desk();
  for (let token = 0; token < 100_050; token++)
    usage.recordUse({ clientId: A, token: `t${token}` }, true);
  await usage.flush();
  const marked = new Set(batches[0]?.marks.map(({ kind, id }) => `${kind} ${id}`));
  assert.deepEqual(
    [marked.size, batches[0]?.calls],
    [100_051, [{ clientId: A, hour: START / 3600, calls: 100_050 }]],
  );
});

// In the store.

test('the store keeps the latest day of each thing, and adds calls up', async () => {
  const { store, clock } = await registry();
  const day = (at: number) => ({ kind: 'client', id: A, day: at }) as const;
  const hour = Math.floor(clock.now() / 3600);
  await store.saveUsage({
    marks: [day(5), { kind: 'token', id: A, day: 9 }],
    calls: [{ clientId: A, hour, calls: 2 }],
  });
  await store.saveUsage({ marks: [day(7)], calls: [{ clientId: A, hour, calls: 3 }] });
  await store.saveUsage({ marks: [day(6)], calls: [{ clientId: A, hour: hour - 23, calls: 10 }] });
  await store.saveUsage({
    marks: [],
    calls: [
      { clientId: A, hour: hour - 24, calls: 100 },
      { clientId: B, hour, calls: 1000 },
    ],
  });
  assert.deepEqual(await store.lastUsed('client', [A, B]), new Map([[A, 7]]));
  assert.deepEqual(await store.lastUsed('token', [A]), new Map([[A, 9]]));
  assert.deepEqual(await store.lastUsed('secret', [A]), new Map());
  assert.deepEqual(await store.lastUsed('client', []), new Map());
  assert.equal((await store.impactOf(A, clock.now(), clock.now())).calls, 15);
  await store.close();
});

test('calls of past days go after two weeks', async () => {
  const { store, clock } = await registry();
  const now = clock.now();
  const hour = Math.floor(now / 3600);
  await store.saveUsage({
    marks: [],
    calls: [
      { clientId: A, hour: hour - 14 * 24 - 1, calls: 1 },
      { clientId: A, hour, calls: 2 },
    ],
  });
  assert.equal(await store.purgeExpired(now, 100), 1);
  assert.equal(await store.purgeExpired(now, 100), 0);
  assert.equal((await store.impactOf(A, now, now)).calls, 2);
  assert.equal(
    (await store.impactOf(A, (now - 14 * DAY) as Instant, now)).calls,
    2,
    'the old one is gone',
  );
  await store.close();
});

// Over requests.

/** A world in which apps are used; `used` answers the days since the start on which things were. */
function asking() {
  const world = new TestServer();
  const first = Math.floor(world.now / DAY);
  const { store, guard, services: rooms } = world.server;
  return {
    world,
    store,
    post: (client: string, secret: string, path: string, payload: string) =>
      world.app.inject({
        method: 'POST',
        url: path,
        payload,
        headers: {
          authorization: basicHeader(client, secret),
          'content-type': 'application/x-www-form-urlencoded',
        },
      }),
    call: async (headers: Record<string, string>) =>
      (
        await guard.permit(
          {
            method: 'GET',
            target: '/api',
            headers,
            body: undefined,
            address: '192.0.2.1',
            secure: true,
          },
          'main' as SiteId,
        )
      ).ok,
    used: async (
      kind: 'client' | 'consent' | 'secret' | 'token',
      ...ids: readonly (string | number | undefined)[]
    ) => {
      await world.server.flushUsage();
      const days = await store.lastUsed(kind, ids.map(String));
      return ids.map((id) => (days.has(String(id)) ? (days.get(String(id)) ?? 0) - first : null));
    },
    calls: async (id: ClientId) => {
      await world.server.flushUsage();
      return (await rooms.registry.impact(id)).calls;
    },
  };
}
const jti = (jwt: string) =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).jti as TokenId;

test('OAuth 2: client and secret at the token endpoint; consent and token as well; a call each time an API asks', async () => {
  const { world, store, post, call, used, calls } = asking();
  const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  const made = await world.createClient(ada, { name: 'web' });
  const { id } = made.client;
  const added = await world.server.services.registry.submit(OPERATOR, 'add-secret', {
    clientId: id,
    reason: '',
    label: 'second',
  });
  assert.ok(added.ok);
  const [first, second] = added.value.client.secrets.map((secret) => secret.id);
  assert.deepEqual(await used('client', id), [null], 'to be registered is not to be used');

  const code = await world.issueCode(made, ben);
  assert.deepEqual(await used('client', id), [null]);
  const redirect = encodeURIComponent(made.client.redirectUri);
  const bought = (
    await post(
      id,
      made.secret,
      '/oauth2/token',
      `grant_type=authorization_code&code=${code}&redirect_uri=${redirect}`,
    )
  ).json();
  const row = (await store.findAccessToken(jti(bought.access_token)))?.token;
  assert.deepEqual(await used('client', id), [0]);
  assert.deepEqual(await used('secret', first, second), [0, null]);
  assert.deepEqual(await used('consent', row?.consentId ?? 0), [0]);
  assert.deepEqual(await used('token', row?.familyId ?? ''), [0]);
  assert.equal(await calls(id), 0, 'to get a token is no call');

  world.advanceClock(DAY);
  const again = (
    await post(
      id,
      added.value.secret ?? '',
      '/oauth2/token',
      `grant_type=refresh_token&refresh_token=${bought.refresh_token}`,
    )
  ).json();
  assert.deepEqual(await used('secret', first, second), [0, 1]);
  assert.deepEqual(await used('token', row?.familyId ?? ''), [1]);

  world.advanceClock(DAY);
  assert.equal(await call({ authorization: `Bearer ${bought.access_token}` }), false);
  assert.deepEqual(
    [await used('client', id), await calls(id)],
    [[1], 0],
    'a token that ran out is not used',
  );
  world.advanceClock(-DAY + 60);
  for (let times = 0; times < 3; times++)
    assert.equal(await call({ authorization: `Bearer ${again.access_token}` }), true);
  assert.equal(await calls(id), 3);
  world.advanceClock(60);
  assert.equal(
    (await post(id, made.secret, '/oauth2/introspect', `token=${again.access_token}`)).json()
      .active,
    true,
  );
  assert.equal(await calls(id), 4, 'a resource server asked for one');
  await world.close();
});

test('OAuth 1: client, consent, secret and token of a signed request', async () => {
  const { world, store, call, used, calls } = asking();
  const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  const made = await world.createClient(ada, { name: 'classic', protocol: 'oauth1' });
  const { id } = made.client;
  const key = { key: id, secret: made.secret };
  const [secret] = made.client.secrets;
  const post = async (target: string, headers: Record<string, string>) =>
    new URLSearchParams((await world.app.inject({ method: 'POST', url: target, headers })).body);
  const pairOf = (form: URLSearchParams) => ({
    key: form.get('oauth_token') ?? '',
    secret: form.get('oauth_token_secret') ?? '',
  });
  const temporary = pairOf(
    await post(
      '/oauth1/initiate',
      signedHeader(world, 'POST', '/oauth1/initiate', key, null, { oauth_callback: 'oob' }),
    ),
  );
  assert.deepEqual([await used('client', id), await used('secret', secret?.id)], [[0], [0]]);
  const consent = await world.consents.accept(made.client, ben, []);
  const done = await world.server.services.protocols.core.oauth1.authorizeUnderConsent(
    temporary.key,
    made.client,
    consent,
  );
  assert.ok(done.ok && done.value.kind === 'show-verifier');
  const over = { oauth_verifier: done.value.verifier };
  const token = pairOf(
    await post('/oauth1/token', signedHeader(world, 'POST', '/oauth1/token', key, temporary, over)),
  );
  assert.deepEqual(
    [await used('consent', consent.id), await used('token', token.key)],
    [[null], [null]],
  );
  world.advanceClock(DAY);
  assert.equal(
    await call(signedHeader(world, 'GET', '/api', { ...key, secret: 'wrong' }, token)),
    false,
  );
  assert.deepEqual([await used('client', id), await calls(id)], [[0], 0]);
  assert.equal(await call(signedHeader(world, 'GET', '/api', key, token)), true);
  assert.equal(await call(signedHeader(world, 'GET', '/api', key, token)), true);
  assert.deepEqual(await used('client', id), [1]);
  assert.deepEqual(
    [
      await used('consent', consent.id),
      await used('secret', secret?.id),
      await used('token', token.key),
    ],
    [[1], [1], [1]],
  );
  assert.equal(await calls(id), 2);
  assert.equal(
    (await store.findClient(id))?.recordVersion,
    made.client.recordVersion,
    'use is no change',
  );
  await world.close();
});

test('an owner-only token is marked by itself; one for the app itself by the app alone', async () => {
  const { world, post, call, used, calls } = asking();
  const ada = await world.createPerson('Ada');
  const mine = await world.createClient(ada, {
    name: 'mine',
    ownerOnly: true,
    redirectUri: '',
    grantTypes: ['client_credentials'],
  });
  const machine = await world.createClient(ada, {
    name: 'machine',
    grantTypes: ['client_credentials'],
  });
  const [consent] = await world.consents.list(ada);
  assert.equal(await call({ authorization: `Bearer ${mine.accessToken}` }), true);
  assert.deepEqual(await used('token', jti(mine.accessToken ?? '')), [0]);
  assert.deepEqual(
    [await used('client', mine.client.id, machine.client.id), await used('consent', consent?.id)],
    [[0, null], [0]],
  );
  const { access_token: token } = (
    await post(machine.client.id, machine.secret, '/oauth2/token', 'grant_type=client_credentials')
  ).json();
  assert.equal(await call({ authorization: `Bearer ${token}` }), true);
  assert.deepEqual(
    [await used('token', jti(token)), await used('client', machine.client.id)],
    [[null], [0]],
  );
  assert.deepEqual([await calls(mine.client.id), await calls(machine.client.id)], [1, 1]);
  await world.close();
});

test('a request that is refused uses nothing', async () => {
  const { world, post, call, used, calls } = asking();
  const ada = await world.createPerson('Ada');
  const made = await world.createClient(ada, { name: 'web', grantTypes: ['client_credentials'] });
  const { id } = made.client;
  assert.equal(
    (await post(id, 'wrong', '/oauth2/token', 'grant_type=client_credentials')).statusCode,
    401,
  );
  assert.equal(await call({ authorization: 'Bearer nonsense' }), false);
  assert.deepEqual(
    [await used('client', id), await used('secret', made.client.secrets[0]?.id), await calls(id)],
    [[null], [null], 0],
  );
  const { access_token: token } = (
    await post(id, made.secret, '/oauth2/token', 'grant_type=client_credentials')
  ).json();
  await world.clients.suspend(id, 'all');
  assert.equal(await call({ authorization: `Bearer ${token}` }), false);
  assert.equal(await calls(id), 0);
  await world.close();
});
