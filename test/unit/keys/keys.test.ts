import assert from 'node:assert/strict';
import { createHash, createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { EncryptedSecret } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import { digestOf, equalDigests, equalSecrets } from '#keys/digest.ts';
import { makeIdGenerator } from '#keys/id-generator.ts';
import { hashPassword, PasswordsBusy, verifyPassword } from '#keys/passwords.ts';
import { rsaKeyLength, verifyRsaSignature } from '#keys/rsa.ts';
import { decryptWithSecret, encryptWithSecret, makeSecretBox } from '#keys/secret-box.ts';
import { generateSigningKeys, makeFixedSigningKeys, signHs256 } from '#keys/signing.ts';
import { computeJwkThumbprint } from '#keys/thumbprint.ts';

let count = 0;
const shake = (seed: string, outputLength: number) =>
  createHash('shake256', { outputLength }).update(seed).digest();

/** Counted chance: no two draws are alike. */
const entropy = { bytes: (length: number) => new Uint8Array(shake(String(count++), length)) };
let millis = 1_700_000_000_000;
const clock = { now: () => Math.trunc(millis / 1000) as Instant, millis: () => millis };
const master = (id: string, fill: number) => ({ id, key: new Uint8Array(32).fill(fill) });

test('what was sealed opens, and only as what it was', () => {
  const sealer = makeSecretBox([master('a', 1)], entropy);
  const sealed = sealer.encrypt('sécret', 'client');
  assert.equal(sealer.decrypt(sealed, 'client'), 'sécret');
  assert.throws(() => sealer.decrypt(sealed, 'token'));
  for (let place = sealed.lastIndexOf('.') + 1; place < sealed.length - 1; place++) {
    const changed = (sealed.slice(0, place) +
      (sealed[place] === 'A' ? 'B' : 'A') +
      sealed.slice(place + 1)) as EncryptedSecret;
    assert.throws(() => sealer.decrypt(changed, 'client'));
  }
  for (const broken of [
    '',
    'v1',
    'v1.a',
    'v1.a.b.c',
    sealed.replace('v1', 'v2'),
    sealed.slice(0, -8),
    `${sealed}.x`.replace('v1.a', 'v1.z'),
  ])
    assert.throws(() => sealer.decrypt(broken as EncryptedSecret, 'client'));
});

test('a new master key seals, the old one still opens, a removed one does not', () => {
  const old = makeSecretBox([master('a', 1)], entropy).encrypt('x', 'p');
  const both = makeSecretBox([master('b', 2), master('a', 1)], entropy);
  assert.equal(both.decrypt(old, 'p'), 'x');
  assert.ok(both.encrypt('x', 'p').startsWith('v1.b.'));
  assert.throws(() => makeSecretBox([master('b', 2)], entropy).decrypt(old, 'p'));
  assert.throws(() => makeSecretBox([{ id: 'a', key: new Uint8Array(16) }], entropy));
});

test('what is sealed with a secret opens with that secret', () => {
  const sealed = encryptWithSecret('refresh', 'answer', entropy);
  assert.equal(decryptWithSecret('refresh', sealed), 'answer');
  assert.throws(() => decryptWithSecret('other', sealed));
});

test('minted values have their form, differ, and sort as time does', () => {
  const mint = makeIdGenerator(clock, entropy);
  for (const [make, form] of [
    [mint.secret, /^[\w-]{51}$/],
    [mint.hex32, /^[0-9a-f]{32}$/],
    [mint.id, /^[\w-]{30}$/],
    [mint.tokenId, /^[0-9a-f]{80}$/],
  ] as const) {
    const made = [1, 63, 64, 4096, 1e6, 1e10].map((step) => {
      millis += step;
      return make();
    });
    for (const one of made) assert.match(one, form);
    assert.deepEqual(made.toSorted(), made);
    assert.equal(new Set(Array.from({ length: 500 }, make)).size, 500);
  }
  assert.match(mint.randomHex(20), /^[0-9a-f]{40}$/);
  assert.equal(mint.randomHex(5000).length, 10_000);
});

test('no random byte is handed out twice, across refills too', () => {
  let next = 0;
  const counted = {
    bytes: (length: number) =>
      new Uint8Array(new Uint32Array(Math.ceil(length / 4)).map(() => next++).buffer, 0, length),
  };
  const mint = makeIdGenerator(clock, counted);
  const words = Array.from({ length: 5000 }, () => mint.randomHex(4));
  assert.equal(new Set(words).size, words.length);
});

test('the image of a minted secret keeps its time and nothing else of it', () => {
  const secret = makeIdGenerator(clock, entropy).secret();
  const digest = digestOf(secret);
  assert.equal(digest.slice(0, 8), secret.slice(0, 8));
  assert.equal(digest.length, 51);
  assert.ok(!digest.includes(secret.slice(8, 16)));
  assert.equal(digestOf('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  assert.ok(equalDigests(digest, digestOf(secret)));
  assert.ok(!equalDigests(digest, digestOf('abc')));
  assert.ok(equalSecrets('a', 'a') && !equalSecrets('a', 'ab'));
});

test('passwords', async () => {
  const hashed = await hashPassword('caf\u00e9', entropy);
  assert.match(hashed, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await verifyPassword('cafe\u0301', hashed), true);
  assert.equal(await verifyPassword('cafe', hashed), false);
  assert.equal(await verifyPassword('x', null), false);
  assert.equal(await verifyPassword('x', 'no hash'), false);
  const crowd = await Promise.allSettled(
    Array.from({ length: 70 }, () => verifyPassword('x', null)),
  );
  const busy = crowd.filter((one) => one.status === 'rejected');
  assert.equal(busy.length, 4);
  assert.ok(busy.every((one) => one.reason instanceof PasswordsBusy));
  assert.equal(await verifyPassword('caf\u00e9', hashed), true);
});

const stored = generateSigningKeys();
const signing = makeFixedSigningKeys(stored);
for (const algorithm of ['ES256', 'RS256'] as const) {
  test(`${algorithm}: own tokens verify, here and after a restart; changed ones do not`, () => {
    const jwt = signing.sign(algorithm, 'at+jwt', { sub: '1' });
    for (const keys of [signing, makeFixedSigningKeys(structuredClone(stored))]) {
      const read = keys.verify(jwt);
      assert.deepEqual(read?.claims, { sub: '1' });
      assert.equal(read?.header.typ, 'at+jwt');
      assert.deepEqual(keys.verify(jwt)?.claims, { sub: '1' });
      const [head = '', body = '', sign = ''] = jwt.split('.');
      const other = Buffer.from('{"sub":"2"}').toString('base64url');
      assert.equal(keys.verify(`${head}.${other}.${sign}`), undefined);
      const flipped = (sign[0] === 'A' ? 'B' : 'A') + sign.slice(1);
      assert.equal(keys.verify(`${head}.${body}.${flipped}`), undefined);
      for (const header of [
        { alg: 'none' },
        { alg: 'HS256' },
        { alg: algorithm === 'ES256' ? 'RS256' : 'ES256' },
        { crit: ['x'] },
        { kid: 'x' },
      ]) {
        const forged = Buffer.from(JSON.stringify({ ...read?.header, ...header })).toString(
          'base64url',
        );
        assert.equal(keys.verify(`${forged}.${body}.${sign}`), undefined);
      }
      for (const junk of ['', '..', 'a.b.c', `${jwt}.x`, `${head}.${body}.`])
        assert.equal(keys.verify(junk), undefined);
    }
    assert.equal(makeFixedSigningKeys(generateSigningKeys()).verify(jwt), undefined);
  });
}

test('published keys are public halves, named by thumbprint', () => {
  for (const key of signing.jwks().keys) {
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.ok(!(secret in key));
    const print = computeJwkThumbprint(key as Record<string, unknown>);
    assert.equal(print.ok && print.value.thumbprint, key.kid);
  }
});

test('HS256', () => {
  const [head, body, sign] = signHs256({ a: 1 }, 'k').split('.');
  assert.equal(sign, createHmac('sha256', 'k').update(`${head}.${body}`).digest('base64url'));
});

test('RSA keys are read in SPKI and PKCS#1 form; other keys and texts never verify', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
  for (const algorithm of ['sha1', 'sha256'] as const) {
    const signature = createSign(algorithm).update('text').sign(privateKey, 'base64');
    for (const type of ['spki', 'pkcs1'] as const) {
      const pem = publicKey.export({ type, format: 'pem' }).toString();
      assert.equal(rsaKeyLength(pem), 2048);
      assert.equal(verifyRsaSignature(algorithm, pem, 'text', signature), true);
      assert.equal(verifyRsaSignature(algorithm, pem, 'other', signature), false);
      assert.equal(verifyRsaSignature(algorithm, pem, 'text', 'junk'), false);
    }
    for (const pem of [ec, '', 'junk'])
      assert.equal(verifyRsaSignature(algorithm, pem, 'text', signature), false);
  }
});

test('a private key is not taken for a public one', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  assert.equal(rsaKeyLength(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()), 0);
});

test('a token has one spelling (RFC 7515 §2)', () => {
  const keys = makeFixedSigningKeys(generateSigningKeys());
  const jwt = keys.sign('ES256', 'JWT', { jti: 'x' });
  assert.ok(keys.verify(jwt));
  for (const other of [`${jwt}=`, `${jwt}!!`, ` ${jwt}`, `${jwt}.`])
    assert.equal(keys.verify(other), undefined);
});
