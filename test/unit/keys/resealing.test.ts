import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { findPostgres } from '#harness/postgres.ts';
import { TestServer } from '#harness/world.ts';
import type { ConsentId, EncryptedSecret } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { type Keyring, type MasterKey, makeFixedKeyring } from '#keys/keyring.ts';
import { makeSecretBox, masterKeyIdOf } from '#keys/secret-box.ts';
import {
  countEncrypted,
  type EncryptedKind,
  type EncryptedRecords,
  type EncryptedValue,
  makeReencryption,
} from '#registry/reencryption.ts';

const entropy = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };
const clock = { at: 1_800_000_000, now: () => instant(clock.at), millis: () => clock.at * 1000 };
const [one, two]: readonly MasterKey[] = [
  { id: 'm1', key: new Uint8Array(32).fill(1) },
  { id: 'm2', key: new Uint8Array(32).fill(2) },
];
const old = makeSecretBox([one as MasterKey], entropy);
const purposes = {
  'client secrets': 'client secret',
  'token secrets': 'token secret',
  'account emails': 'account email',
};

/** A store in memory that counts what it is asked. */
function memory(counts: Readonly<Partial<Record<EncryptedKind, number>>>, sealer = old) {
  const kept = Object.fromEntries(
    Object.entries({ 'account emails': 0, ...counts }).map(([kind, count]) => [
      kind,
      new Map(
        Array.from({ length: count }, (_, key) => [
          key + 1,
          sealer.encrypt(`secret ${key}`, purposes[kind as EncryptedKind]),
        ]),
      ),
    ]),
  ) as Record<EncryptedKind, Map<number, EncryptedSecret>>;
  const asked = { lists: 0, most: 0 };
  const records: EncryptedRecords = {
    async listEncrypted(kind, after, limit) {
      asked.lists += 1;
      const page = [...kept[kind]].filter(([key]) => key > Number(after ?? 0)).slice(0, limit);
      asked.most = Math.max(asked.most, page.length);
      return page.map(([key, sealed]): EncryptedValue => ({ key, encrypted: sealed }));
    },
    async replaceEncrypted(kind, changes) {
      const fits = changes.filter(({ key, from }) => kept[kind].get(key as number) === from);
      for (const { key, to } of fits) kept[kind].set(key as number, to);
      return fits.length;
    },
  };
  return { kept, asked, records };
}

const errors: unknown[] = [];
const log = { info() {}, warn() {}, error: (...said: unknown[]) => void errors.push(said) };
const job = (records: EncryptedRecords, keys: Keyring) =>
  makeReencryption({ records, secretBox: makeSecretBox(keys, entropy), keyring: keys, clock, log });
const under = (kept: Map<unknown, EncryptedSecret>, id: string) =>
  [...kept.values()].filter((sealed) => masterKeyIdOf(sealed) === id).length;
const both = makeFixedKeyring([two as MasterKey, one as MasterKey]);

test('with one key, the store is asked nothing', async () => {
  const { asked, records } = memory({ 'client secrets': 3, 'token secrets': 3 });
  assert.equal(await job(records, makeFixedKeyring([one as MasterKey])).run(), 0);
  assert.equal(asked.lists, 0);
});

test('everything is sealed again, a bounded part at a time, and opens as what it was', async () => {
  const { kept, asked, records } = memory({ 'client secrets': 350, 'token secrets': 12_000 });
  const resealing = job(records, both);
  const runs: number[] = [];
  while (under(kept['client secrets'], 'm1') + under(kept['token secrets'], 'm1') > 0)
    runs.push(await resealing.run());
  assert.equal(runs.length, 3);
  assert.ok(runs.every((count) => count <= 5000) && asked.most <= 200);
  const sealer = makeSecretBox(both, entropy);
  for (const [key, sealed] of kept['token secrets'])
    assert.equal(sealer.decrypt(sealed, 'token secret'), `secret ${key - 1}`);
  for (const [key, sealed] of kept['client secrets'])
    assert.equal(sealer.decrypt(sealed, 'client secret'), `secret ${key - 1}`);
});

test('what a process sealed that had not heard yet is found in the next pass; then the job rests', async () => {
  const { kept, asked, records } = memory({ 'client secrets': 1, 'token secrets': 1 });
  const resealing = job(records, both);
  assert.equal(await resealing.run(), 2);
  kept['token secrets'].set(2, old.encrypt('late', 'token secret'));
  assert.equal(await resealing.run(), 0);
  clock.at += 30;
  assert.equal(await resealing.run(), 1);
  clock.at += 30;
  assert.equal(await resealing.run(), 0);
  const { lists } = asked;
  clock.at += 3599;
  assert.equal(await resealing.run(), 0);
  assert.equal(asked.lists, lists);
  clock.at += 1;
  await resealing.run();
  assert.ok(asked.lists > lists);
});

test('a change in between is not overwritten', async () => {
  const { kept, records } = memory({ 'client secrets': 0, 'token secrets': 3 });
  const newer = makeSecretBox(both, entropy).encrypt('newer', 'token secret');
  const sneaking: EncryptedRecords = {
    ...records,
    replaceEncrypted(kind, changes) {
      kept['token secrets'].set(2, newer);
      return records.replaceEncrypted(kind, changes);
    },
  };
  assert.equal(await job(sneaking, both).run(), 2);
  assert.equal(kept['token secrets'].get(2), newer);
});

test('a text that no key opens stops nobody, stays as it is and is told', async () => {
  const { kept, records } = memory({ 'client secrets': 0, 'token secrets': 3 });
  const foreign = makeSecretBox([{ id: 'm9', key: new Uint8Array(32).fill(9) }], entropy).encrypt(
    'x',
    'token secret',
  );
  kept['token secrets'].set(2, foreign);
  errors.length = 0;
  assert.equal(await job(records, both).run(), 2);
  assert.equal(kept['token secrets'].get(2), foreign);
  assert.deepEqual(errors, [['encrypted secrets that no key decrypts', { count: 1 }]]);
});

test('a store that faults: the page is done again', async () => {
  const { kept, records } = memory({ 'client secrets': 0, 'token secrets': 500 });
  let faults = 1;
  const failing: EncryptedRecords = {
    ...records,
    async replaceEncrypted(kind, changes) {
      if (faults-- > 0) throw new Error('down');
      return records.replaceEncrypted(kind, changes);
    },
  };
  const resealing = job(failing, both);
  await assert.rejects(resealing.run());
  assert.equal(await resealing.run(), 500);
  assert.equal(under(kept['token secrets'], 'm1'), 0);
});

const postgres = await findPostgres();
if (typeof postgres !== 'string') after(() => postgres.close());
const stores: readonly (readonly [name: string, location: (() => Promise<string>) | null])[] = [
  ['SQLite', async () => ':memory:'],
  ['PostgreSQL', typeof postgres === 'string' ? null : () => postgres.database()],
];
for (const [name, location] of stores)
  test(`over ${name}: client secrets and token secrets; a count tells what is left under each key`, {
    skip: location === null,
  }, async () => {
    const ring = { keys: [one as MasterKey] };
    const keys: Keyring = {
      current: () => makeFixedKeyring(ring.keys).current(),
      findKey: (id) => makeFixedKeyring(ring.keys).findKey(id),
      oldestKey: () => one as MasterKey,
      keyCount: () => ring.keys.length,
      reloadIfChanged() {},
    };
    const world = new TestServer({}, '', {
      masterKeys: keys,
      ...(location ? { database: await location() } : {}),
    });
    await world.server.prepare();
    try {
      const { store } = world.server;
      const ada = await world.createPerson('Ada');
      const owned = await world.createClient(ada, {
        name: 'Bot',
        protocol: 'oauth1',
        ownerOnly: true,
        redirectUri: '',
      });
      await world.createClient(ada, { name: 'App', protocol: 'oauth1' });
      await world.createClient(ada, { name: 'None', protocol: 'oauth2' });
      assert.deepEqual(await countEncrypted(store), new Map([['m1', 3]]));
      assert.equal(await world.server.keyMaintenance.reencryptBatch(), 0);
      ring.keys = [two as MasterKey, one as MasterKey];
      const token = owned.credentials?.token ?? '';
      const found = await store.findTokenCredentials(token);
      assert.equal(await world.server.keyMaintenance.reencryptBatch(), 3);
      assert.deepEqual(await countEncrypted(store), new Map([['m2', 3]]));
      const after = await store.findTokenCredentialsByConsent(found?.consent.id as ConsentId);
      assert.equal(
        makeSecretBox(keys, entropy).decrypt(
          after?.encryptedSecret as EncryptedSecret,
          'token secret',
        ),
        owned.credentials?.secret,
      );
      const stale = {
        key: token,
        from: found?.credentials.encryptedSecret as EncryptedSecret,
        to: 'v1.m1.x.y' as EncryptedSecret,
      };
      assert.equal(await store.replaceEncrypted('token secrets', [stale]), 0);
      const values = await store.listEncrypted('client secrets', null, 1);
      assert.equal(values.length, 1);
      assert.equal(
        (await store.listEncrypted('client secrets', values[0]?.key ?? null, 10)).length,
        1,
      );
    } finally {
      await world.close();
    }
  });

test('nothing is sealed again while the registry is read-only', async () => {
  const world = new TestServer({ 'read-only': 'maintenance' }, '', { masterKeys: both });
  assert.equal(await world.server.keyMaintenance.reencryptBatch(), 0);
  await world.close();
});
