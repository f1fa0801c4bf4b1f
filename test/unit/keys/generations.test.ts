import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { hasDialect } from '#harness/profiles.ts';
import { TestServer } from '#harness/world.ts';
import { type Instant, instant, seconds } from '#kernel/time.ts';
import { openSigningKeys } from '#keys/key-files.ts';
import { generateSigningKeys, makeSigningKeys } from '#keys/signing.ts';
import {
  addImmediateKeySet,
  addUpcomingKeySet,
  formatSigningKeySets,
  inMemorySigningKeys,
  isRotationDue,
  keySetStates,
  makeInitialKeySet,
  parseSigningKeySets,
  type SigningKeySet,
} from '#keys/signing-key-sets.ts';

describe('generations', () => {
  const DAY = 86_400;
  const START = 1_800_000_000;
  const sets = [generateSigningKeys(), generateSigningKeys(), generateSigningKeys()];
  const keysOf = (index: number) => sets[index]?.keys ?? [];
  const clock = { at: START, now: () => instant(clock.at), millis: () => clock.at * 1000 };
  const first = makeInitialKeySet(keysOf(0), START as Instant);

  const path = mkdtempSync(join(tmpdir(), 'gatehouse-signing-'));
  after(() => rmSync(path, { recursive: true, force: true }));
  const directory = { path, clock, entropy: { bytes: (count: number) => new Uint8Array(count) } };

  const grownAt = (generations: readonly SigningKeySet[], index: number, day: number) =>
    addUpcomingKeySet(generations, keysOf(index), instant(START + day * DAY));
  const lifetimes: readonly (readonly [day: number, states: readonly string[]])[] = [
    [89, ['upcoming', 'signing']],
    [89.99, ['upcoming', 'signing']],
    [90, ['signing', 'published']],
    [90 + 30.99, ['signing', 'published']],
    [90 + 31, ['signing', 'retired']],
  ];
  for (const [day, states] of lifetimes)
    test(`day ${day}: ${states.join(', ')}`, () => {
      assert.deepEqual(keySetStates(grownAt([first], 1, 89), instant(START + day * DAY)), states);
    });

  test('a generation is due a day before it has to sign, once, and never when nobody wants one', () => {
    const quarter = seconds(90 * DAY);
    const at = (day: number) => instant(START + day * DAY);
    assert.equal(isRotationDue([first], quarter, instant(at(89) - 1)), false);
    assert.equal(isRotationDue([first], quarter, at(89)), true);
    assert.equal(isRotationDue(grownAt([first], 1, 89), quarter, at(89)), false);
    assert.equal(isRotationDue(grownAt([first], 1, 89), quarter, at(179)), true);
    assert.equal(isRotationDue([first], null, at(10_000)), false);
  });

  test('a clock that was set back: the first keys sign', () =>
    assert.deepEqual(keySetStates(grownAt([first], 1, 89), instant(START - DAY)), [
      'upcoming',
      'signing',
    ]));

  test('at once: the new keys sign, and all others are withdrawn for good', () => {
    const leaked = grownAt([first], 1, 10);
    const now = instant(START + 10 * DAY + 5);
    const next = addImmediateKeySet(leaked, keysOf(2), now);
    assert.deepEqual(keySetStates(next, now), ['signing', 'withdrawn', 'withdrawn']);
    assert.deepEqual(keySetStates(next, instant(now + 300 * DAY)), [
      'signing',
      'withdrawn',
      'withdrawn',
    ]);
    assert.deepEqual(parseSigningKeySets(formatSigningKeySets(next), now), next);
  });

  for (const algorithm of ['ES256', 'RS256'] as const)
    test(`${algorithm}: the JWKS overlaps, every key has its kid, and what was ever signed verifies`, () => {
      const source = inMemorySigningKeys([first]);
      const signing = makeSigningKeys(source, clock);
      const kids = () => signing.jwks().keys.map(({ kid }) => kid);
      clock.at = START;
      const old = signing.sign(algorithm, 'at+jwt', { jti: 'old' });
      const kidOf = (jwt: string) => signing.verify(jwt)?.header.kid as string;
      assert.equal(kids().length, 2);
      clock.at = START + 89 * DAY;
      source.update((kept) => addUpcomingKeySet(kept, keysOf(1), clock.now()));
      assert.equal(kids().length, 4);
      assert.ok(kids().indexOf(kidOf(old)) < 2, 'those that sign come first');
      assert.equal(
        kidOf(signing.sign(algorithm, 'at+jwt', {})),
        kidOf(old),
        'the new ones are only published',
      );
      const published = kids();
      clock.at += DAY;
      const young = signing.sign(algorithm, 'at+jwt', { jti: 'young' });
      assert.notEqual(kidOf(young), kidOf(old));
      assert.ok(published.includes(kidOf(young)), 'a verifier that asked a day ago knows the key');
      assert.ok(kids().includes(kidOf(old)));
      clock.at += 31 * DAY;
      assert.equal(kids().length, 2);
      assert.ok(!kids().includes(kidOf(old)));
      assert.equal(signing.verify(old)?.claims.jti, 'old');
      assert.equal(
        makeSigningKeys(source, clock).verify(old)?.claims.jti,
        'old',
        'nor is it a matter of memory',
      );
    });

  test('files: made once with mode 600, dated; one of before is as old as its file', () => {
    clock.at = START;
    const one = openSigningKeys(directory);
    assert.deepEqual(openSigningKeys(directory).keySets(), one.keySets());
    assert.equal(one.keySets()[0]?.madeAt, START);
    const file = join(path, 'signing.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const before = generateSigningKeys();
    writeFileSync(file, JSON.stringify(before));
    utimesSync(file, START - 500, START - 500);
    one.reloadIfChanged();
    assert.deepEqual(one.keySets(), [makeInitialKeySet(before.keys, instant(START - 500))]);
  });

  test('a key of another process is found when a token names it, and strangers cannot make us read all day', () => {
    const [one, two] = [openSigningKeys(directory), openSigningKeys(directory)];
    const reader = makeSigningKeys(two, clock);
    reader.verify('eyJraWQiOiJ4In0.e30.AA');
    clock.at += 1;
    one.update((kept) => addImmediateKeySet(kept, keysOf(2), clock.now()));
    const token = makeSigningKeys(one, clock).sign('ES256', 'JWT', { jti: 'x' });
    assert.equal(reader.verify(token)?.claims.jti, 'x');
    let looks = 0;
    const look = () => {
      looks += 1;
    };
    const counted = makeSigningKeys({ ...two, reloadIfChanged: look }, clock);
    for (let time = 0; time < 100; time++)
      counted.verify(`eyJraWQiOiJ4In0.e30.${Buffer.from([time]).toString('base64url')}`);
    assert.equal(looks, 1);
  });

  for (const text of [
    '',
    '{',
    '{}',
    '{"keys":[]}',
    '{"generations":[]}',
    '{"generations":[{}]}',
    '[]',
    'null',
  ])
    test(`no signing keys: ${text}`, () =>
      assert.throws(() => parseSigningKeySets(text, instant(0)), /signing keys/));

  test('a change of one that faults leaves the file; one process decides on what the other wrote', () => {
    const [one, two] = [openSigningKeys(directory), openSigningKeys(directory)];
    const count = one.keySets().length;
    const due = (kept: readonly SigningKeySet[]) =>
      kept.length === count ? addUpcomingKeySet(kept, keysOf(1), clock.now()) : undefined;
    assert.equal(one.update(due), 'changed');
    assert.equal(two.update(due), 'unchanged');
    assert.equal(two.keySets().length, count + 1);
    const text = readFileSync(join(path, 'signing.json'), 'utf8');
    assert.throws(() =>
      two.update(() => {
        throw new Error('no');
      }),
    );
    assert.equal(readFileSync(join(path, 'signing.json'), 'utf8'), text);
  });

  test('a server renews its keys on its schedule, and /oauth2/jwks tells it without a restart', async () => {
    const world = new TestServer({}, '', {
      signingKeys: inMemorySigningKeys([makeInitialKeySet(keysOf(0), instant(START))]),
    });
    try {
      const kids = async () =>
        (
          (await world.app.inject('/oauth2/jwks')).json() as {
            keys: { kid: string; alg: string }[];
          }
        ).keys.map(({ kid }) => kid);
      const ada = await world.createPerson('Ada');
      const { client, secret } = await world.createClient(ada, {
        name: 'App',
        grantTypes: ['client_credentials'],
      });
      const token = async (path: string) =>
        (
          await world.app.inject({
            method: 'POST',
            url: path,
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            payload: `grant_type=client_credentials&client_id=${client.id}&client_secret=${secret}`,
          })
        ).json().access_token as string;
      const active = async (jwt: string) =>
        (
          await world.app.inject({
            method: 'POST',
            url: '/oauth2/introspect',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            payload: `token=${jwt}&client_id=${client.id}&client_secret=${secret}`,
          })
        ).json().active as boolean;
      await world.server.keyMaintenance.rotateSigningKeysIfDue();
      const before = await kids();
      assert.equal(before.length, 2);
      world.advanceClock(89 * DAY);
      await world.server.keyMaintenance.rotateSigningKeysIfDue();
      await world.server.keyMaintenance.rotateSigningKeysIfDue();
      const during = await kids();
      assert.equal(during.length, 4);
      world.advanceClock(DAY);
      const young = await token('/oauth2/token');
      const dialect = hasDialect ? [await token('/w/rest.php/oauth2/access_token')] : [];
      for (const jwt of [young, ...dialect]) {
        const { kid } = JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString());
        assert.ok(during.includes(kid) && !before.includes(kid));
        assert.equal(await active(jwt), true);
      }
    } finally {
      await world.close();
    }
  });
});
