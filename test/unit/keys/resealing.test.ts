import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { TestWorld } from '#harness/world.ts';
import type { ConsentId, Sealed } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { fixedRing, type KeyRing, type MasterKey } from '#keys/keyring.ts';
import { keyIdOf, makeSealer } from '#keys/secret-box.ts';
import {
  countSealed,
  makeResealing,
  type SealedKind,
  type SealedRecords,
  type SealedValue,
} from '#registry/reencryption.ts';
import { findPostgres } from '../../contract/postgres-server.ts';

const entropy = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };
const clock = { at: 1_800_000_000, now: () => instant(clock.at), millis: () => clock.at * 1000 };
const [one, two]: readonly MasterKey[] = [
  { id: 'm1', key: new Uint8Array(32).fill(1) },
  { id: 'm2', key: new Uint8Array(32).fill(2) },
];
const old = makeSealer([one as MasterKey], entropy);
const purposes = { 'client secrets': 'client secret', 'token secrets': 'token secret' };

/** A store in memory that counts what it is asked. */
function memory(counts: Readonly<Record<SealedKind, number>>, sealer = old) {
  const kept = Object.fromEntries(
    Object.entries(counts).map(([kind, count]) => [
      kind,
      new Map(
        Array.from({ length: count }, (_, key) => [
          key + 1,
          sealer.seal(`secret ${key}`, purposes[kind as SealedKind]),
        ]),
      ),
    ]),
  ) as Record<SealedKind, Map<number, Sealed>>;
  const asked = { lists: 0, most: 0 };
  const records: SealedRecords = {
    async listSealed(kind, after, limit) {
      asked.lists += 1;
      const page = [...kept[kind]].filter(([key]) => key > Number(after ?? 0)).slice(0, limit);
      asked.most = Math.max(asked.most, page.length);
      return page.map(([key, sealed]): SealedValue => ({ key, sealed }));
    },
    async replaceSealed(kind, changes) {
      const fits = changes.filter(({ key, from }) => kept[kind].get(key as number) === from);
      for (const { key, to } of fits) kept[kind].set(key as number, to);
      return fits.length;
    },
  };
  return { kept, asked, records };
}

const errors: unknown[] = [];
const log = { info() {}, warn() {}, error: (...said: unknown[]) => void errors.push(said) };
const job = (records: SealedRecords, keys: KeyRing) =>
  makeResealing({ records, sealer: makeSealer(keys, entropy), keys, clock, log });
const under = (kept: Map<unknown, Sealed>, id: string) =>
  [...kept.values()].filter((sealed) => keyIdOf(sealed) === id).length;
const both = fixedRing([two as MasterKey, one as MasterKey]);

test('with one key, the store is asked nothing', async () => {
  const { asked, records } = memory({ 'client secrets': 3, 'token secrets': 3 });
  assert.equal(await job(records, fixedRing([one as MasterKey])).run(), 0);
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
  const sealer = makeSealer(both, entropy);
  for (const [key, sealed] of kept['token secrets'])
    assert.equal(sealer.open(sealed, 'token secret'), `secret ${key - 1}`);
  for (const [key, sealed] of kept['client secrets'])
    assert.equal(sealer.open(sealed, 'client secret'), `secret ${key - 1}`);
});

test('what a process sealed that had not heard yet is found in the next pass; then the job rests', async () => {
  const { kept, asked, records } = memory({ 'client secrets': 1, 'token secrets': 1 });
  const resealing = job(records, both);
  assert.equal(await resealing.run(), 2);
  kept['token secrets'].set(2, old.seal('late', 'token secret'));
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
  const newer = makeSealer(both, entropy).seal('newer', 'token secret');
  const sneaking: SealedRecords = {
    ...records,
    replaceSealed(kind, changes) {
      kept['token secrets'].set(2, newer);
      return records.replaceSealed(kind, changes);
    },
  };
  assert.equal(await job(sneaking, both).run(), 2);
  assert.equal(kept['token secrets'].get(2), newer);
});

test('a text that no key opens stops nobody, stays as it is and is told', async () => {
  const { kept, records } = memory({ 'client secrets': 0, 'token secrets': 3 });
  const foreign = makeSealer([{ id: 'm9', key: new Uint8Array(32).fill(9) }], entropy).seal(
    'x',
    'token secret',
  );
  kept['token secrets'].set(2, foreign);
  errors.length = 0;
  assert.equal(await job(records, both).run(), 2);
  assert.equal(kept['token secrets'].get(2), foreign);
  assert.deepEqual(errors, [['sealed secrets that no key opens', { count: 1 }]]);
});

test('a store that faults: the page is done again', async () => {
  const { kept, records } = memory({ 'client secrets': 0, 'token secrets': 500 });
  let faults = 1;
  const failing: SealedRecords = {
    ...records,
    async replaceSealed(kind, changes) {
      if (faults-- > 0) throw new Error('down');
      return records.replaceSealed(kind, changes);
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
    const keys: KeyRing = {
      current: () => fixedRing(ring.keys).current(),
      find: (id) => fixedRing(ring.keys).find(id),
      oldest: () => one as MasterKey,
      size: () => ring.keys.length,
      look() {},
    };
    const world = new TestWorld({}, '', {
      masterKeys: keys,
      ...(location ? { database: await location() } : {}),
    });
    await world.built.settle();
    try {
      const { store } = world.built;
      const ada = await world.person('Ada');
      const owned = await world.client(ada, {
        name: 'Bot',
        protocol: 'oauth1',
        ownerOnly: true,
        redirectUri: '',
      });
      await world.client(ada, { name: 'App', protocol: 'oauth1' });
      await world.client(ada, { name: 'None', protocol: 'oauth2' });
      assert.deepEqual(await countSealed(store), new Map([['m1', 3]]));
      assert.equal(await world.built.keys.reseal(), 0);
      ring.keys = [two as MasterKey, one as MasterKey];
      const token = owned.credentials?.token ?? '';
      const found = await store.findTokenCredentials(token);
      assert.equal(await world.built.keys.reseal(), 3);
      assert.deepEqual(await countSealed(store), new Map([['m2', 3]]));
      const after = await store.findTokenCredentialsOf(found?.consent.id as ConsentId);
      assert.equal(
        makeSealer(keys, entropy).open(after?.secretSealed as Sealed, 'token secret'),
        owned.credentials?.secret,
      );
      const stale = {
        key: token,
        from: found?.credentials.secretSealed as Sealed,
        to: 'v1.m1.x.y' as Sealed,
      };
      assert.equal(await store.replaceSealed('token secrets', [stale]), 0);
      const values = await store.listSealed('client secrets', null, 1);
      assert.equal(values.length, 1);
      assert.equal(
        (await store.listSealed('client secrets', values[0]?.key ?? null, 10)).length,
        1,
      );
    } finally {
      await world.close();
    }
  });

test('nothing is sealed again while the registry is read-only', async () => {
  const world = new TestWorld({ 'read-only': 'maintenance' }, '', { masterKeys: both });
  assert.equal(await world.built.keys.reseal(), 0);
  await world.close();
});
