import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { formEncode, type NameValuePair, parseForm } from '#encoding/form.ts';
import { percentDecode, percentEncode } from '#encoding/percent.ts';
import { addQueryParameters, isRegisteredRedirectUri } from '#encoding/redirect-uri.ts';
import { grantedRights } from '#guard/permit.ts';
import { instant } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { makeIdGenerator } from '#keys/id-generator.ts';
import { decryptWithSecret, encryptWithSecret } from '#keys/secret-box.ts';
import { buildBaseString } from '#oauth1/base-string.ts';
import { isCallbackAllowed } from '#oauth1/callback.ts';
import { compareVersions } from '#registry/model/app-version.ts';
import { loadScopes } from '#registry/model/scopes.ts';

const text = fc
  .string({ unit: 'grapheme' })
  .filter((value) => value.isWellFormed() && !value.includes('\0'));
const pairs = fc.array(
  fc.tuple(
    text.filter((name) => name !== ''),
    text,
  ),
) as fc.Arbitrary<NameValuePair[]>;

test('percent-encoding comes back, and leaves only unreserved characters (RFC 3986 §2.3)', () => {
  fc.assert(
    fc.property(text, (value) => {
      assert.match(percentEncode(value), /^(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*$/);
      assert.equal(percentDecode(percentEncode(value)), value);
    }),
  );
});

test('a form comes back', () => {
  fc.assert(
    fc.property(pairs, (sent) => {
      const form = parseForm(formEncode(sent));
      assert.deepEqual(form.ok && form.value, sent);
    }),
  );
});

test('no form and no bytes make the reader throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      (bytes) => typeof parseForm(bytes).ok === 'boolean',
    ),
  );
});

test('the base string does not depend on the order of the parameters (RFC 5849 §3.4.1.3.2)', () => {
  const shuffled = pairs.chain((sent) =>
    fc.tuple(
      fc.constant(sent),
      fc.shuffledSubarray(sent, { minLength: sent.length, maxLength: sent.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([one, other]) => {
      const of = (params: readonly NameValuePair[]) =>
        buildBaseString({ method: 'POST', path: '/p', params }, 'https://gate.example');
      assert.equal(of(one), of(other as NameValuePair[]));
    }),
  );
});

test('a callback under a prefix never leaves its host', () => {
  const client = { redirectUri: 'https://app.example/cb', redirectIsPrefix: true };
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), fc.string(), (url, tail) => {
      for (const callback of [url, `https://app.example/cb${tail}`, `https://app.example${tail}`]) {
        if (isCallbackAllowed(callback, client)) {
          const { host, pathname } = new URL(callback);
          assert.equal(host, 'app.example');
          assert.ok(pathname.startsWith('/cb'), callback);
        }
      }
    }),
  );
});

test('a redirect URI matches itself, and an answer only adds to its query', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), text, (uri, state) => {
      assert.ok(isRegisteredRedirectUri([uri], uri));
      const sent = new URL(addQueryParameters(uri, [['state', state]]));
      assert.equal(sent.host, new URL(uri).host);
      assert.equal(sent.searchParams.getAll('state').at(-1), state);
    }),
  );
});

test('fewer scopes never give more rights, and never a right the person lacks', () => {
  const catalogue = loadScopes(
    JSON.parse(readFileSync('src/registry/model/data/scopes.json', 'utf8')),
  );
  const names = catalogue.allScopes().map(({ name }) => name);
  const rights = [...catalogue.rightsOf(names)];
  fc.assert(
    fc.property(fc.subarray(names), fc.subarray(rights), fc.nat(), (scopes, own, cut) => {
      const all = grantedRights(new Set(own), scopes, catalogue);
      const some = grantedRights(
        new Set(own),
        scopes.slice(0, cut % (scopes.length + 1)),
        catalogue,
      );
      for (const right of some) assert.ok(all.has(right) && own.includes(right));
    }),
  );
});

test('versions are ordered one way', () => {
  const version = fc.stringMatching(/^\d{1,2}(\.\d{1,2}){0,2}(-?(alpha|beta|rc|p)\d?)?$/);
  fc.assert(
    fc.property(
      version,
      version,
      (one, other) => compareVersions(one, other) === 0 - compareVersions(other, one),
    ),
  );
});

test('what is sealed under a secret opens with it alone', () => {
  const entropy = { bytes: (count: number) => new Uint8Array(count) };
  fc.assert(
    fc.property(
      text,
      fc.string({ minLength: 1 }),
      fc.string({ minLength: 1 }),
      (plain, secret, other) => {
        const sealed = encryptWithSecret(secret, plain, entropy);
        assert.equal(decryptWithSecret(secret, sealed), plain);
        if (other !== secret) assert.throws(() => decryptWithSecret(other, sealed));
      },
    ),
  );
});

test('secrets and their digests sort as they were made', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 2 ** 41 }), { minLength: 2, maxLength: 20 }),
      (times) => {
        let now = 0;
        const mint = makeIdGenerator(
          { now: () => instant(now / 1000), millis: () => now },
          { bytes: (count) => new Uint8Array(count).fill(now % 251) },
        );
        const made = [...new Set(times)]
          .sort((a, b) => a - b)
          .map((time) => {
            now = time;
            return digestOf(mint.secret());
          });
        assert.deepEqual(made.slice().sort(), made);
      },
    ),
  );
});
