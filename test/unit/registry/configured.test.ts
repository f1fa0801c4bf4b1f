import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { personActor } from '#harness/consents.ts';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ClientId, SiteId, UserId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { makeSecretBox } from '#keys/secret-box.ts';
import { OPERATOR, RIGHTS } from '#registry/actor.ts';
import { readConfiguredClients } from '#registry/configured-clients.ts';
import { ANYWHERE } from '#registry/model/client.ts';
import { actions } from '#registry/registry.ts';
import { rules } from './world.ts';

const A = 'a'.repeat(32) as ClientId;
const B = 'b'.repeat(32) as ClientId;
const secret = 's'.repeat(40);
const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();

type Entry = Readonly<Record<string, unknown>>;
const common = {
  client_id: A,
  name: 'Editor',
  version: '1.0',
  description: 'Edits',
  owner: 'Olga',
  scopes: ['editpage'],
} as const;
const oauth2 = {
  ...common,
  ...{
    protocol: 'oauth2',
    confidential: true,
    grant_types: ['authorization_code', 'refresh_token'],
  },
  ...{ redirect_uri: 'https://editor.example/cb', client_secret: secret },
} as const;
const oauth1 = {
  ...common,
  protocol: 'oauth1',
  redirect_uri: 'https://editor.example/cb',
  client_secret: secret,
} as const;
const without = (entry: Entry, ...keys: readonly string[]): Entry =>
  Object.fromEntries(Object.entries(entry).filter(([key]) => !keys.includes(key)));
const owned2 = { ...without(oauth2, 'redirect_uri', 'grant_types'), owner_only: true };
const owned1 = { ...without(oauth1, 'redirect_uri'), owner_only: true };

const files: Readonly<Record<string, string>> = {
  good: `${'f'.repeat(32)}\n`,
  empty: '\n',
  short: 'f'.repeat(31),
  long: 'f'.repeat(256),
};
const read = (...entries: readonly unknown[]) =>
  readConfiguredClients(entries, {
    rules,
    ownerOf: (name) => (name === 'Olga' ? (7 as UserId) : undefined),
    readSecret: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`no such file ${path}`);
      return text;
    },
    encryptSecret: (plain) => `sealed ${plain}` as never,
    email: 'no-reply@gate.example',
    now: instant(1000),
  });
function one(entry: Entry) {
  const answer = read(entry);
  assert.ok(answer.ok, JSON.stringify(answer));
  return { client: answer.value.clients[0], secret: answer.value.secrets.get(A) };
}

// Entries and what they become.

test('an entry is an approved app that nobody changes here; what is not said is ordinary', () => {
  assert.deepEqual(one(oauth2).client, {
    ...{
      id: A,
      name: 'Editor',
      version: '1.0',
      description: 'Edits',
      ownerId: 7,
      email: 'no-reply@gate.example',
    },
    ...{
      protocol: 'oauth2',
      ownerOnly: false,
      confidential: true,
      redirectUri: 'https://editor.example/cb',
      redirectIsPrefix: false,
    },
    ...{
      grantTypes: ['authorization_code', 'refresh_token'],
      pkceOptional: false,
      plainPkceUntil: null,
      introspector: false,
      tokenAlgorithm: 'ES256',
    },
    ...{
      site: '*',
      scopes: ['basic', 'editpage'],
      optionalScopes: [],
      rsaPublicKey: null,
      restrictions: ANYWHERE,
    },
    ...{
      stage: 'approved',
      stageAt: 1000,
      suppressed: false,
      suspension: 'none',
      registeredAt: 1000,
      managed: true,
      skipConsent: false,
    },
  });
});

const said: readonly (readonly [name: string, entry: Entry, wanted: Entry])[] = [
  ['a site by its name', { ...oauth2, site: 'There' }, { site: 'there' }],
  [
    'restrictions',
    { ...oauth2, restrictions: { addresses: ['192.0.2.1'] } },
    { restrictions: { addresses: ['192.0.2.1'], pages: [] } },
  ],
  ['an API that asks about tokens', { ...oauth2, introspector: true }, { introspector: true }],
  ['first-party', { ...oauth2, skip_consent: true }, { skipConsent: true }],
  [
    'another algorithm, and no PKCE',
    { ...oauth2, token_algorithm: 'RS256', pkce_optional: true },
    { tokenAlgorithm: 'RS256', pkceOptional: true },
  ],
  [
    'for machines: no redirect URI',
    { ...without(oauth2, 'redirect_uri'), grant_types: ['client_credentials'] },
    { redirectUri: '' },
  ],
  [
    'public: no secret',
    { ...without(oauth2, 'client_secret'), confidential: false },
    { confidential: false },
  ],
  [
    'owner-only OAuth 2',
    owned2,
    { ownerOnly: true, grantTypes: ['client_credentials'], redirectUri: '', stage: 'approved' },
  ],
  [
    'OAuth 1',
    { ...oauth1, redirect_is_prefix: true },
    { protocol: 'oauth1', confidential: true, redirectIsPrefix: true, grantTypes: [] },
  ],
  [
    'OAuth 1 with a key alone',
    { ...without(oauth1, 'client_secret'), rsa_public_key: pem },
    { rsaPublicKey: pem },
  ],
  ['owner-only OAuth 1', owned1, { ownerOnly: true, redirectUri: '' }],
  [
    'an identity scope alone',
    { ...oauth2, scopes: ['mwoauth-authonly'] },
    { scopes: ['mwoauth-authonly'] },
  ],
  [
    'advice is for forms',
    { ...oauth2, redirect_uri: 'https://here.example' },
    { redirectUri: 'https://here.example' },
  ],
];
for (const [name, entry, wanted] of said) {
  test(`entry: ${name}`, () => {
    const { client } = one(entry);
    for (const [key, value] of Object.entries(wanted))
      assert.deepEqual((client as Record<string, unknown> | undefined)?.[key], value);
  });
}

test('a secret is kept as a digest, and readable for OAuth 1 alone; from a file without the blanks around', () => {
  const kept = { label: 'configuration', createdAt: 1000, expiresAt: null };
  assert.deepEqual(one(oauth2).secret, { ...kept, digest: digestOf(secret), encrypted: null });
  assert.deepEqual(one(oauth1).secret, {
    ...kept,
    digest: digestOf(secret),
    encrypted: `sealed ${secret}`,
  });
  const filed = { ...without(oauth2, 'client_secret'), client_secret_file: 'good' };
  assert.equal(one(filed).secret?.digest, digestOf('f'.repeat(32)));
  assert.equal(one({ ...without(oauth2, 'client_secret'), confidential: false }).secret, undefined);
  assert.equal(one({ ...without(oauth1, 'client_secret'), rsa_public_key: pem }).secret, undefined);
});

test('no entries, no apps', () =>
  assert.deepEqual(read(), { ok: true, value: { clients: [], secrets: new Map() } }));

// What is wrong with them.

const bare = without(oauth2, 'client_secret');
const wrong: readonly (readonly [name: string, entry: unknown, ...fields: string[]])[] = [
  ['no map', 'editor', ''],
  ['a list', [oauth2], ''],
  ['nothing', null, ''],
  ['no protocol', without(oauth2, 'protocol'), 'protocol'],
  ['an unknown protocol', { ...oauth2, protocol: 'oauth3' }, 'protocol'],
  ...(
    [
      'client_id',
      'name',
      'version',
      'description',
      'owner',
      'scopes',
      'confidential',
      'grant_types',
      'redirect_uri',
    ] as const
  ).flatMap((key) => [
    [`no ${key}`, without(oauth2, key), key] as const,
    [`an empty ${key}`, { ...oauth2, [key]: null }, key] as const,
  ]),
  ['no redirect URI for OAuth 1', without(oauth1, 'redirect_uri'), 'redirect_uri'],
  ['an unknown key', { ...oauth2, colour: 'red' }, 'colour'],
  ['a key of every object', { ...oauth2, constructor: 'red' }, 'constructor'],
  ['a stage', { ...oauth2, stage: 'approved' }, 'stage'],
  ['an identifier that is none', { ...oauth2, client_id: 'A'.repeat(32) }, 'client_id'],
  ['a name that is none', { ...oauth2, name: 7 }, 'name'],
  ['a version that is a number', { ...oauth2, version: 1 }, 'version'],
  ['a version that is none', { ...oauth2, version: 'foo' }, 'version'],
  ['a name that turns the direction of text', { ...oauth2, name: 'a\u202eb' }, 'name'],
  ['an owner that is none', { ...oauth2, owner: 'Nobody' }, 'owner'],
  ['an unknown scope', { ...oauth2, scopes: ['fly'] }, 'scopes'],
  ['a scope that is no text', { ...oauth2, scopes: [7] }, 'scopes'],
  [
    'an identity scope beside another',
    { ...oauth2, scopes: ['mwoauth-authonly', 'editpage'] },
    'scopes',
  ],
  ['a site that is none', { ...oauth2, site: 'nowhere' }, 'site'],
  [
    'a redirect URI that runs script',
    { ...bare, confidential: false, redirect_uri: 'javascript:alert(1)' },
    'redirect_uri',
  ],
  [
    'a redirect URI over http',
    { ...oauth2, redirect_uri: 'http://editor.example/cb' },
    'redirect_uri',
  ],
  [
    'an own scheme of an app with a secret',
    { ...oauth2, redirect_uri: 'org.example:/cb' },
    'redirect_uri',
  ],
  [
    'a redirect URI for machines alone',
    { ...oauth2, grant_types: ['client_credentials'], redirect_uri: 7 },
    'redirect_uri',
  ],
  ['a prefix for OAuth 2', { ...oauth2, redirect_is_prefix: true }, 'redirect_is_prefix'],
  ['a key for OAuth 2', { ...oauth2, rsa_public_key: pem }, 'rsa_public_key'],
  ['a key that is none', { ...oauth1, rsa_public_key: 'key' }, 'rsa_public_key'],
  ['grant types for OAuth 1', { ...oauth1, grant_types: ['authorization_code'] }, 'grant_types'],
  ['confidential for OAuth 1', { ...oauth1, confidential: true }, 'confidential'],
  ['PKCE for OAuth 1', { ...oauth1, pkce_optional: true }, 'pkce_optional'],
  [
    'an unknown grant type',
    { ...oauth2, grant_types: ['authorization_code', 'password'] },
    'grant_types',
  ],
  ['no grant type', { ...without(oauth2, 'redirect_uri'), grant_types: [] }, 'grant_types'],
  [
    'grant types that are no list',
    { ...without(oauth2, 'redirect_uri'), grant_types: 5 },
    'grant_types',
  ],
  [
    'grant types of an owner-only app',
    { ...owned2, grant_types: ['client_credentials'] },
    'grant_types',
  ],
  [
    'a redirect URI of an owner-only app',
    { ...owned1, redirect_uri: 'https://a.example/cb' },
    'redirect_uri',
  ],
  [
    'machines without a secret',
    { ...without(bare, 'redirect_uri'), confidential: false, grant_types: ['client_credentials'] },
    'grant_types',
  ],
  [
    'no PKCE for a public app',
    { ...bare, confidential: false, pkce_optional: true },
    'pkce_optional',
  ],
  ['no secret', bare, 'client_secret'],
  ['neither secret nor key', without(oauth1, 'client_secret'), 'client_secret'],
  ['a secret of 31 characters', { ...bare, client_secret: 's'.repeat(31) }, 'client_secret'],
  ['a secret and a file', { ...oauth2, client_secret_file: 'good' }, 'client_secret_file'],
  ['a file that is not there', { ...bare, client_secret_file: 'gone' }, 'client_secret_file'],
  ['a file without a secret', { ...bare, client_secret_file: 'empty' }, 'client_secret_file'],
  ['a file with 31 characters', { ...bare, client_secret_file: 'short' }, 'client_secret_file'],
  ['a file with 256 characters', { ...bare, client_secret_file: 'long' }, 'client_secret_file'],
  [
    'a range that is none',
    { ...oauth2, restrictions: { addresses: ['192.0.2.0/33'] } },
    'restrictions',
  ],
  ['no address at all', { ...oauth2, restrictions: { addresses: [] } }, 'restrictions'],
  [
    'an unknown restriction',
    { ...oauth2, restrictions: { addresses: ['::/0'], hours: [9] } },
    'restrictions',
  ],
  ['an algorithm that is none', { ...oauth2, token_algorithm: 'none' }, 'token_algorithm'],
  ['a skip that is a text', { ...oauth2, skip_consent: 'yes' }, 'skip_consent'],
  [
    'many things at once, of shape and of sense',
    {
      ...bare,
      colour: 'red',
      name: 7,
      version: 'foo',
      owner: 'Nobody',
      scopes: ['fly'],
      site: 'nowhere',
      skip_consent: 1,
    },
    ...['client_secret', 'colour', 'name', 'owner', 'scopes', 'site', 'skip_consent', 'version'],
  ],
];
for (const [name, entry, ...fields] of wrong) {
  test(`entry refused: ${name}`, () => {
    const answer = read(entry);
    assert.ok(!answer.ok);
    assert.deepEqual(
      answer.refusal.map(({ field }) => field).sort(),
      [...fields].sort(),
      JSON.stringify(answer.refusal),
    );
    for (const { problem } of answer.refusal)
      assert.ok(problem !== '' && !problem.includes(secret));
  });
}

test('the problems of every entry are told at once, and whose they are', () => {
  const answer = read(
    { ...oauth2, name: 7 },
    'editor',
    { ...oauth2, client_id: 'x', owner: 'Nobody' },
    { ...oauth1, client_id: B },
  );
  assert.ok(!answer.ok);
  assert.deepEqual(
    answer.refusal.map(({ app, field }) => [app, field]),
    [
      [`clients[0] (${A})`, 'name'],
      ['clients[1]', ''],
      ['clients[2] (x)', 'client_id'],
      ['clients[2] (x)', 'owner'],
    ],
  );
});

for (const [name, entries, field] of [
  ['an identifier twice', [oauth2, { ...oauth2, name: 'Other' }], 'client_id'],
  ['an app and version of an owner twice', [oauth2, { ...oauth1, client_id: B }], 'version'],
] as const) {
  test(`entries refused: ${name}`, () => {
    const answer = read(...entries);
    assert.deepEqual(!answer.ok && answer.refusal.map((problem) => [problem.app, problem.field]), [
      [`clients[1] (${entries[1].client_id})`, field],
    ]);
  });
}

test('another version of the same app is another app', () =>
  assert.ok(read(oauth2, { ...oauth2, client_id: B, version: '2.0' }).ok));

// In the program.

/** Worlds one after another over one database, as restarts with other configurations. */
function worlds() {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-configured-'));
  let waited = 0;
  return {
    directory,
    over(entries: readonly Entry[], settings: Readonly<Record<string, string>> = {}): TestServer {
      const world = new TestServer(settings, JSON.stringify({ clients: entries }), {
        database: join(directory, 'gatehouse.db'),
      });
      // Identifiers begin with the time, and chance begins again in each world.
      waited += 10;
      world.advanceClock(waited);
      return world;
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}
const inWorld = (entry: Entry, changes: Entry = {}): Entry => ({
  ...entry,
  owner: 'Ada',
  ...changes,
});
const tell = (world: TestServer) =>
  world.server.prepare().then(
    () => 'settled',
    (fault: Error) => `${fault.constructor.name} ${fault.message}`,
  );
const main = 'main' as SiteId;

const permitted = async (world: TestServer, headers: Record<string, string>) =>
  (
    await world.server.guard.permit(
      {
        method: 'GET',
        target: '/api',
        headers,
        body: undefined,
        address: '192.0.2.1',
        secure: true,
      },
      main,
    )
  ).ok;
const token = (world: TestServer, form: string, key = secret) =>
  world.app.inject({
    method: 'POST',
    url: '/oauth2/token',
    payload: form,
    headers: {
      authorization: basicHeader(A, key),
      'content-type': 'application/x-www-form-urlencoded',
    },
  });
const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
const ask = async (world: TestServer, user: Account, over: Record<string, string> = {}) => {
  const wanted = {
    response_type: 'code',
    client_id: A,
    redirect_uri: 'https://editor.example/cb',
    state: 's',
  };
  const query = new URLSearchParams({
    ...wanted,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...over,
  });
  const answer = await world.app.inject({
    url: `/oauth2/authorize?${query}`,
    headers: { cookie: await world.sessionCookie(user) },
  });
  return { status: answer.statusCode, to: String(answer.headers.location ?? '') };
};

test('until they are taken in, and after a refusal, none of them can be used; then they work', async () => {
  const bad = new TestServer(
    {},
    JSON.stringify({
      clients: [inWorld(oauth2), inWorld(oauth2, { client_id: B, name: 7, owner: 'Nobody' })],
    }),
  );
  await bad.createPerson('Ada');
  assert.match(
    await tell(bad),
    /^StartupError [\s\S]*clients\[1\] \(b+\) name: [\s\S]*clients\[1\] \(b+\) owner: .*account create/,
  );
  assert.equal(await bad.server.store.findClient(A), undefined);
  await bad.close();

  const world = new TestServer(
    {},
    JSON.stringify({
      clients: [inWorld(oauth2, { grant_types: ['authorization_code', 'client_credentials'] })],
    }),
  );
  await world.createPerson('Ada');
  assert.equal((await token(world, 'grant_type=client_credentials')).statusCode, 401);
  assert.equal(await tell(world), 'settled');
  assert.equal((await token(world, 'grant_type=client_credentials')).statusCode, 200);
  assert.equal(
    (await token(world, 'grant_type=client_credentials', 'x'.repeat(40))).statusCode,
    401,
  );
  assert.equal(await tell(world), 'settled', 'twice is no harm');
  await world.close();
});

test('an unknown owner stops the start', async () => {
  const world = new TestServer({}, JSON.stringify({ clients: [inWorld(oauth2)] }));
  assert.match(await tell(world), /^StartupError .*\n.*owner: there is no account named Ada/);
  await world.close();
});

test('a secret comes from a file', async () => {
  const { directory, over, remove } = worlds();
  writeFileSync(join(directory, 'secret'), `${'q'.repeat(40)}\n`);
  const filed = {
    client_secret_file: join(directory, 'secret'),
    grant_types: ['client_credentials'],
  };
  const world = over([inWorld(without(oauth2, 'client_secret', 'redirect_uri'), filed)]);
  await world.createPerson('Ada');
  assert.equal(await tell(world), 'settled');
  assert.equal(
    (await token(world, 'grant_type=client_credentials', 'q'.repeat(40))).statusCode,
    200,
  );
  assert.equal((await token(world, 'grant_type=client_credentials', '')).statusCode, 401);
  await world.close();
  remove();
});

test('an entry does not take the place of an app that was registered, nor do the entries beside it', async () => {
  const { over, remove } = worlds();
  const first = over([]);
  const ada = await first.createPerson('Ada');
  const { client } = await first.createClient(ada, { name: 'Editor' });
  await first.close();
  for (const [changes, taken] of [
    [{ client_id: client.id, name: 'Other' }, client.id],
    [{ client_id: A }, A],
  ] as const) {
    const world = over([
      inWorld(oauth2, { client_id: B, name: 'Beside' }),
      inWorld(oauth2, changes),
    ]);
    assert.match(
      await tell(world),
      new RegExp(`^StartupError [\\s\\S]*${taken}: .*was registered before`),
    );
    assert.equal(await world.server.store.findClient(B), undefined);
    assert.deepEqual(await world.server.store.findClient(client.id), client);
    await world.close();
  }
  const fine = over([inWorld(oauth2, { version: '2.0' })]);
  assert.equal(await tell(fine), 'settled');
  await fine.close();
  remove();
});

test('nor does anybody register what an entry has', async () => {
  const world = new TestServer(
    {},
    JSON.stringify({ clients: [inWorld(oauth2, { version: '2.0' })] }),
  );
  const ada = await world.createPerson('Ada');
  await world.server.prepare();
  const again = (version: string) =>
    world.clients.create(
      {
        name: 'Editor',
        version,
        protocol: 'oauth2',
        redirectUri: 'https://x.example/cb',
        email: 'a@x.example',
      },
      ada,
      {
        approve: false,
      },
    );
  assert.deepEqual(await again('2.0'), {
    ok: false,
    refusal: { kind: 'consumer_exists', version: null },
  });
  assert.deepEqual(await again('1.0'), {
    ok: false,
    refusal: { kind: 'consumer_exists', version: '2.0' },
  });
  assert.ok((await again('3.0')).ok);
  await world.close();
});

test('an entry that disappears takes its app along: tokens stop; it returns, and they work again', async () => {
  const { over, remove } = worlds();
  const entries = [
    inWorld(oauth2, { pkce_optional: true }),
    inWorld(oauth1, { client_id: B, name: 'Classic' }),
  ];
  const first = over(entries);
  const [, ben] = [await first.createPerson('Ada'), await first.createPerson('Ben')];
  await first.server.prepare();
  const { store } = first.server;
  const client = await store.findClient(A);
  const classic = await store.findClient(B);
  assert.ok(client && classic);
  const code = await first.issueCode({ client }, ben);
  const redirect = encodeURIComponent(client.redirectUri);
  const bought = await token(
    first,
    `grant_type=authorization_code&code=${code}&redirect_uri=${redirect}`,
  );
  const { access_token: access, refresh_token: refresh } = bought.json();
  const consent = await first.consents.accept(classic, ben, []);
  const credentials = await store.findTokenCredentialsByConsent(consent.id);
  assert.ok(credentials);
  // The secret of the pair is sealed: a signature is made with what the sealer of every world
  // opens.
  const plain = makeSecretBox([{ id: 'm1', key: Buffer.alloc(32, 7) }], {
    bytes: (count) => new Uint8Array(count),
  }).decrypt(credentials.encryptedSecret, 'token secret');
  const signed = (world: TestServer) =>
    signedHeader(
      world,
      'GET',
      '/api',
      { key: B, secret },
      { key: credentials.token, secret: plain },
    );
  const works = async (world: TestServer) => [
    await permitted(world, { authorization: `Bearer ${access}` }),
    await permitted(world, signed(world)),
  ];
  assert.deepEqual(await works(first), [true, true]);
  await first.close();

  const gone = over([]);
  assert.equal(await tell(gone), 'settled');
  assert.deepEqual(await works(gone), [false, false]);
  assert.equal(
    (await token(gone, `grant_type=refresh_token&refresh_token=${refresh}`)).statusCode,
    401,
  );
  // Nobody is sent on to an app that cannot be used (RFC 9700 §4.11.2): a page says so.
  const asked = await ask(gone, ben);
  assert.deepEqual([asked.to, asked.status >= 400], ['', true]);
  const shadow = await gone.server.store.findClient(A);
  assert.deepEqual(
    [shadow?.stage, shadow?.managed, shadow?.number, shadow?.secrets],
    ['configured', true, client.number, []],
  );
  assert.equal((await gone.consents.list(ben)).length, 2);
  for (const action of ['approve', 'disable', 'reenable', 'halt', 'revise', 'update'])
    assert.deepEqual(
      await gone.server.services.registry.submit(OPERATOR, action, {
        clientId: A,
        reason: '',
        suppress: false,
        suspension: 'all',
        resetSecret: true,
      }),
      { ok: false, refusal: { kind: 'managed_by_configuration' } },
    );
  await gone.close();

  const back = over(entries);
  assert.equal(await tell(back), 'settled');
  assert.deepEqual(await works(back), [true, true]);
  assert.equal(
    (await token(back, `grant_type=refresh_token&refresh_token=${refresh}`)).statusCode,
    200,
  );
  const again = await back.server.store.findClient(A);
  assert.deepEqual(
    [again?.number, again?.registeredAt, again?.stage],
    [client.number, client.registeredAt, 'approved'],
  );
  await back.close();
  remove();
});

test('another program over the same database, whose configuration has no such entry, lets nobody use it', async () => {
  const { over, remove } = worlds();
  const [one, other] = [
    over([inWorld(oauth2, { grant_types: ['authorization_code', 'client_credentials'] })]),
    over([]),
  ];
  await one.createPerson('Ada');
  await one.server.prepare();
  await other.server.prepare();
  const bought = (await token(one, 'grant_type=client_credentials')).json();
  const bearer = { authorization: `Bearer ${bought.access_token}` };
  assert.deepEqual([await permitted(one, bearer), await permitted(other, bearer)], [true, false]);
  assert.equal((await token(other, 'grant_type=client_credentials')).statusCode, 401);
  await one.close();
  await other.close();
  remove();
});

test('what an entry says now is what holds: other scopes, another secret', async () => {
  const { over, remove } = worlds();
  const entry = inWorld(oauth2, {
    scopes: ['editpage', 'delete'],
    grant_types: ['authorization_code', 'client_credentials'],
  });
  const first = over([entry]);
  await first.createPerson('Ada');
  await first.server.prepare();
  const bought = (await token(first, 'grant_type=client_credentials')).json();
  assert.equal(bought.scope, 'basic editpage delete');
  await first.close();
  const second = over([
    { ...entry, scopes: ['editpage'], client_secret: 'z'.repeat(40), name: 'Editor Pro' },
  ]);
  await second.server.prepare();
  assert.equal((await token(second, 'grant_type=client_credentials')).statusCode, 401);
  assert.equal(
    (await token(second, 'grant_type=client_credentials', 'z'.repeat(40))).json().scope,
    'basic editpage',
  );
  const sent = {
    method: 'GET',
    target: '/',
    headers: { authorization: `Bearer ${bought.access_token}` },
    body: undefined,
    address: '::1',
    secure: true,
  };
  const permit = await second.server.guard.permit(sent, main);
  assert.deepEqual(permit.ok && permit.value.scopes, ['basic', 'editpage']);
  assert.equal((await second.server.store.findClient(A))?.name, 'Editor Pro');
  await second.close();
  remove();
});

// Nobody changes them here.

const about = Object.keys(actions).filter(
  (action) => !['propose', 'accept', 'renounce'].includes(action),
);
for (const action of about) {
  test(`${action} is refused for an app of the configuration, to its owner and to the operator`, async () => {
    const world = new TestServer({}, JSON.stringify({ clients: [inWorld(oauth2)] }));
    const [ada, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
    await world.server.prepare();
    const { store, services: rooms } = world.server;
    const before = await store.findClient(A);
    const values = {
      ...{
        clientId: A,
        reason: '',
        suppress: false,
        suspension: 'all',
        resetSecret: true,
        label: 'x',
        secretId: 1,
        revisionId: 1,
      },
      ...{ userId: ben.id, name: 'Other', introspector: true, pkceOptional: true },
    };
    const every = personActor(ada, new Set(Object.values(RIGHTS)));
    const managed = { ok: false, refusal: { kind: 'managed_by_configuration' } };
    assert.deepEqual(await rooms.registry.submit(OPERATOR, action, values), managed);
    if (!['expire', 'set-introspector', 'set-pkce-exemption'].includes(action))
      assert.deepEqual(await rooms.registry.submit(every, action, values), managed);
    assert.deepEqual(await store.findClient(A), before);
    assert.deepEqual(await store.listAudit({ limit: 9 }), []);
    await world.close();
  });
}

test('people give and end their consents to it as to any other', async () => {
  const world = new TestServer({}, JSON.stringify({ clients: [inWorld(oauth2)] }));
  const [, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  await world.server.prepare();
  const client = await world.server.store.findClient(A);
  assert.ok(client);
  const consent = await world.consents.accept(client, ben, ['editpage']);
  assert.deepEqual(consent.scopes, ['basic', 'editpage']);
  assert.equal(await world.consents.revoke(consent.id, ben), 'renounced');
  await world.close();
});

// First-party apps (registry 7.6).

const skipping: readonly (readonly [
  name: string,
  changes: Entry,
  over: Record<string, string>,
  skips: boolean,
])[] = [
  ['over https', {}, {}, true],
  ['over https, with fewer scopes asked', {}, { scope: 'basic editpage' }, true],
  ['not first-party', { skip_consent: false }, {}, false],
  [
    'over http',
    { redirect_uri: 'http://localhost/cb' },
    { redirect_uri: 'http://localhost/cb' },
    false,
  ],
  [
    'by a scheme of its own',
    { redirect_uri: 'org.example.app:/cb', confidential: false, client_secret: undefined },
    { redirect_uri: 'org.example.app:/cb' },
    false,
  ],
];
for (const [name, changes, over, skips] of skipping) {
  test(`first-party ${name}: ${skips ? 'no page' : 'a page'}`, async () => {
    const entry = inWorld(oauth2, {
      skip_consent: true,
      scopes: ['editpage', 'delete'],
      ...changes,
    });
    const world = new TestServer({}, JSON.stringify({ clients: [entry] }));
    const [, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
    await world.server.prepare();
    for (let time = 0; time < 2; time++) {
      const { status, to } = await ask(world, ben, over);
      assert.equal(status, 303);
      if (!skips) {
        assert.match(to, /^\/authorize\//);
        continue;
      }
      const back = new URL(to);
      assert.deepEqual(
        [back.origin, back.searchParams.get('state')],
        ['https://editor.example', 's'],
      );
      const code = back.searchParams.get('code') ?? '';
      const redirect = encodeURIComponent('https://editor.example/cb');
      const bought = await token(
        world,
        `grant_type=authorization_code&code=${code}&redirect_uri=${redirect}&code_verifier=${'v'.repeat(43)}`,
      );
      assert.equal(bought.json().scope, over.scope ?? 'basic editpage delete');
    }
    const consents = (await world.consents.list(ben)).map(({ scopes }) => scopes);
    assert.deepEqual(consents, skips ? [['basic', 'editpage', 'delete']] : []);
    const lines = (await world.server.store.listAudit({ limit: 9 })).map(({ action, actorId }) => [
      action,
      actorId,
    ]);
    assert.deepEqual(lines, skips ? [['accept', ben.id]] : []);
    await world.close();
  });
}

test('first-party never skips for OAuth 1, nor for somebody who is not signed in, nor for somebody blocked', async () => {
  const entries = [
    inWorld(oauth2, { skip_consent: true }),
    inWorld(oauth1, { client_id: B, name: 'Classic', skip_consent: true }),
  ];
  const world = new TestServer({}, JSON.stringify({ clients: entries }));
  const [, ben] = [await world.createPerson('Ada'), await world.createPerson('Ben')];
  await world.server.prepare();
  const key = { key: B, secret };
  for (const path of ['authorize', 'authenticate']) {
    const headers = signedHeader(world, 'POST', '/oauth1/initiate', key, null, {
      oauth_callback: 'oob',
    });
    const form = new URLSearchParams(
      (await world.app.inject({ method: 'POST', url: '/oauth1/initiate', headers })).body,
    );
    const url = `/oauth1/${path}?oauth_token=${form.get('oauth_token')}`;
    const answer = await world.app.inject({
      url,
      headers: { cookie: await world.sessionCookie(ben) },
    });
    assert.match(String(answer.headers.location), /^\/authorize\//);
  }
  const stranger = await world.app.inject({
    url: `/oauth2/authorize?response_type=code&client_id=${A}&code_challenge=${challenge}&code_challenge_method=S256`,
  });
  assert.match(String(stranger.headers.location), /^\/sign-in\?/);
  await world.server.store.setBlocked(ben.id, true);
  assert.ok(!(await ask(world, ben)).to.includes('code='));
  assert.deepEqual(await world.consents.list(ben), []);
  await world.close();
});
