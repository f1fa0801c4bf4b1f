import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readConfig } from '#config/read-config.ts';
import { type Instant, instant } from '#kernel/time.ts';
import { openKeyring, readKeyring, updateKeyring } from '#keys/key-files.ts';
import {
  addKey,
  formatKeyring,
  makeFixedKeyring,
  makeSingleKeyKeyring,
  parseKeyring,
  removeKey,
  type StoredKeyring,
} from '#keys/keyring.ts';
import { makeSecretBox } from '#keys/secret-box.ts';

describe('ring', () => {
  let draws = 1;
  const entropy = { bytes: (count: number) => new Uint8Array(count).fill(draws++) };
  const clock = { at: 1_800_000_000, now: () => instant(clock.at), millis: () => clock.at * 1000 };
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-ring-'));
  after(() => rmSync(root, { recursive: true, force: true }));

  let count = 0;
  function place(): {
    readonly path: string;
    readonly clock: typeof clock;
    readonly entropy: typeof entropy;
  } {
    const path = join(root, String(count++));
    mkdirSync(path);
    return { path, clock, entropy };
  }
  const add = (path: string) =>
    updateKeyring(path, (ring) => addKey(ring, entropy.bytes(32), clock.now()));

  test('a ring is what was written; ids count upwards', () => {
    let ring = makeSingleKeyKeyring(entropy.bytes(32), instant(1));
    ring = addKey(addKey(ring, entropy.bytes(32), instant(2)), entropy.bytes(32), instant(3));
    assert.deepEqual([ring.current, ring.keys.map(({ id }) => id)], ['m3', ['m1', 'm2', 'm3']]);
    const read = parseKeyring(formatKeyring(ring));
    assert.deepEqual(formatKeyring(read), formatKeyring(ring));
    assert.equal(
      addKey({ ...ring, keys: ring.keys.slice(2) }, entropy.bytes(32), instant(4)).current,
      'm4',
    );
  });

  const key = Buffer.alloc(32, 1).toString('base64');
  for (const [name, text, says] of [
    ['no JSON', '{', /not JSON/],
    ['null', 'null', /current/],
    ['no keys', '{"current":"m1"}', /current/],
    [
      'current is not there',
      JSON.stringify({ current: 'm2', keys: [{ id: 'm1', key, createdAt: 1 }] }),
      /current/,
    ],
    [
      'a short key',
      JSON.stringify({ current: 'm1', keys: [{ id: 'm1', key: 'AAAA', createdAt: 1 }] }),
      /32 bytes/,
    ],
    [
      'an id with a dot',
      JSON.stringify({ current: 'm.1', keys: [{ id: 'm.1', key, createdAt: 1 }] }),
      /needs id/,
    ],
    ['no date', JSON.stringify({ current: 'm1', keys: [{ id: 'm1', key }] }), /createdAt/],
    [
      'one id twice',
      JSON.stringify({
        current: 'm1',
        keys: [1, 2].map((createdAt) => ({ id: 'm1', key, createdAt })),
      }),
      /one id/,
    ],
  ] as const)
    test(`no ring: ${name}; the message holds no key`, () => {
      assert.throws(
        () => parseKeyring(text),
        (fault: Error) => says.test(fault.message) && !fault.message.includes(key),
      );
    });

  const hour = 3600;
  const two: StoredKeyring = addKey(
    makeSingleKeyKeyring(entropy.bytes(32), instant(1000)),
    entropy.bytes(32),
    instant(2000),
  );
  const retirements: readonly (readonly [
    id: string,
    sealed: number,
    now: number,
    answer: string,
  ])[] = [
    ['m1', 0, 2000 + hour, 'gone'],
    ['m1', 0, 2000 + hour - 1, 'too-early'],
    ['m1', 1, 2000 + hour, 'in-use'],
    ['m1', 1, 2000, 'in-use'],
    ['m2', 0, 2000 + hour, 'current'],
    ['m9', 0, 2000 + hour, 'unknown'],
  ];
  for (const [id, sealed, now, answer] of retirements)
    test(`${id} with ${sealed} sealed, ${now - 2000} s after it stopped sealing: ${answer}`, () => {
      const got = removeKey(two, id, sealed, now as Instant);
      assert.equal(got.ok ? 'gone' : got.refusal.kind, answer);
      if (got.ok)
        assert.deepEqual(
          [got.value.current, got.value.keys.map((kept) => kept.id)],
          ['m2', ['m2']],
        );
    });

  test('the first start makes a ring of mode 600, and a second start finds it', () => {
    const directory = place();
    const sealed = makeSecretBox(openKeyring(directory), entropy).encrypt('x', 'p');
    assert.ok(sealed.startsWith('v1.m1.'));
    assert.equal(statSync(join(directory.path, 'master.json')).mode & 0o777, 0o600);
    assert.equal(makeSecretBox(openKeyring(directory), entropy).decrypt(sealed, 'p'), 'x');
  });

  test('the single key of before is m1; the first rotation takes it into the ring', () => {
    const directory = place();
    const single = Buffer.alloc(32, 9);
    const old = makeSecretBox([{ id: 'm1', key: single }], entropy).encrypt('x', 'p');
    writeFileSync(join(directory.path, 'master.key'), single.toString('base64'), { mode: 0o600 });
    assert.equal(makeSecretBox(openKeyring(directory), entropy).decrypt(old, 'p'), 'x');
    assert.deepEqual(readdirSync(directory.path), ['master.key']);
    assert.equal(add(directory.path), 'changed');
    assert.deepEqual(readdirSync(directory.path).toSorted(), ['lock', 'master.json']);
    for (const file of readdirSync(directory.path))
      assert.equal(statSync(join(directory.path, file)).mode & 0o777, 0o600);
    const ring = openKeyring(directory);
    assert.deepEqual([ring.current().id, ring.oldestKey().id, ring.keyCount()], ['m2', 'm1', 2]);
    assert.equal(makeSecretBox(ring, entropy).decrypt(old, 'p'), 'x');
  });

  test('a process hears of a new key when it looks, or when it meets something sealed under it', () => {
    const directory = place();
    const [writer, reader] = [openKeyring(directory), openKeyring(directory)];
    add(directory.path);
    const sealer = makeSecretBox(reader, entropy);
    assert.ok(sealer.encrypt('x', 'p').startsWith('v1.m1.'), 'it has not heard yet');
    writer.reloadIfChanged();
    const sealed = makeSecretBox(writer, entropy).encrypt('x', 'p');
    assert.ok(sealed.startsWith('v1.m2.'));
    assert.equal(sealer.decrypt(sealed, 'p'), 'x');
    assert.ok(sealer.encrypt('x', 'p').startsWith('v1.m2.'));
  });

  test('a retired key opens on where it was known, and nowhere else', () => {
    const directory = place();
    const running = openKeyring(directory);
    const old = makeSecretBox(running, entropy).encrypt('x', 'p');
    add(directory.path);
    clock.at += hour;
    updateKeyring(directory.path, (ring) => {
      const without = removeKey(ring, 'm1', 0, clock.now());
      return without.ok ? without.value : undefined;
    });
    running.reloadIfChanged();
    assert.equal(running.keyCount(), 1);
    assert.equal(makeSecretBox(running, entropy).decrypt(old, 'p'), 'x');
    assert.throws(() => makeSecretBox(openKeyring(directory), entropy).decrypt(old, 'p'));
  });

  test('a change that is refused, and one that faults, leave the file as it is and no lock behind', () => {
    const directory = place();
    openKeyring(directory);
    const before = readFileSync(join(directory.path, 'master.json'), 'utf8');
    assert.equal(
      updateKeyring(directory.path, () => undefined),
      'unchanged',
    );
    assert.throws(() =>
      updateKeyring(directory.path, () => {
        throw new Error('no');
      }),
    );
    assert.equal(readFileSync(join(directory.path, 'master.json'), 'utf8'), before);
    assert.equal(add(directory.path), 'changed');
  });

  test('a file that is broken or gone while the server runs: it goes on with what it knows', () => {
    const directory = place();
    const ring = openKeyring(directory);
    const path = join(directory.path, 'master.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, '{');
    assert.throws(() => ring.reloadIfChanged(), /master\.json/);
    assert.equal(ring.current().id, 'm1');
    rmSync(path);
    ring.reloadIfChanged();
    assert.equal(ring.current().id, 'm1');
    assert.equal(readKeyring(directory.path), undefined, 'no other key is made in its place');
    writeFileSync(path, text);
    add(directory.path);
    ring.reloadIfChanged();
    assert.equal(ring.current().id, 'm2');
  });

  test('rings of variables: the first key seals, all open', () => {
    const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map((bytes) =>
      bytes.toString('base64'),
    );
    const read = (environment: Record<string, string>, files: Record<string, string> = {}) =>
      readConfig({}, environment, (path) => {
        if (files[path] === undefined) throw new Error('no file');
        return files[path];
      });
    const lines = `b:${other}\nm1:${one}\n`;
    for (const config of [
      read({ GATEHOUSE_MASTER_KEYS: lines }),
      read({ GATEHOUSE_MASTER_KEYS: lines.replaceAll('\n', ' , ') }),
      read({ GATEHOUSE_MASTER_KEYS_FILE: '/run/keys' }, { '/run/keys': lines }),
    ]) {
      assert.ok(config.ok);
      assert.deepEqual(config.value.masterKeys, [
        { id: 'b', key: other },
        { id: 'm1', key: one },
      ]);
      assert.equal(config.value.masterKeysVariable, 'GATEHOUSE_MASTER_KEYS');
      const ring = makeFixedKeyring(
        config.value.masterKeys?.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') })) ??
          [],
      );
      assert.deepEqual([ring.current().id, ring.oldestKey().id, ring.keyCount()], ['b', 'm1', 2]);
    }
    const single = read({ GATEHOUSE_MASTER_KEY: one as string });
    assert.ok(single.ok);
    assert.deepEqual(single.value.masterKeys, [{ id: 'm1', key: one }]);
    for (const bad of [
      one,
      `m1:${one}x`,
      `m.1:${one}`,
      `m1:${one}\nm1:${other}`,
      `m1:${one}\nand more`,
    ]) {
      const config = read({ GATEHOUSE_MASTER_KEYS: bad as string });
      assert.ok(!config.ok);
      assert.deepEqual(
        config.refusal.map(({ setting }) => setting),
        ['GATEHOUSE_MASTER_KEYS'],
      );
      assert.ok(!JSON.stringify(config.refusal).includes(one as string));
    }
    const both = read({ GATEHOUSE_MASTER_KEYS: lines, GATEHOUSE_MASTER_KEY: one as string });
    assert.ok(!both.ok && both.refusal[0]?.setting === 'GATEHOUSE_MASTER_KEY');
  });
});
