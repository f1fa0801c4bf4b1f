import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressInRanges, isIpRange } from '#encoding/address.ts';
import { parseBasicCredentials, parseBearerToken } from '#encoding/authorization.ts';
import { formEncode, parseForm } from '#encoding/form.ts';
import { percentDecode, percentDecodeBytes, percentEncode } from '#encoding/percent.ts';
import { addQueryParameters, isRegisteredRedirectUri } from '#encoding/redirect-uri.ts';
import { formatScope, parseScope } from '#encoding/scope.ts';

const text = fc.string({ unit: 'binary' });
const noNul = text.filter((value) => !value.includes('\0'));
const pairs = fc.array(fc.tuple(noNul, noNul));

test('percent-encoding is undone by decoding, and leaves only unreserved characters (RFC 5849 §3.6)', () => {
  fc.assert(
    fc.property(text, (value) => {
      const encoded = percentEncode(value);
      assert.match(encoded, /^(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*$/);
      assert.equal(percentDecode(encoded), value);
    }),
  );
});

test('bytes come back as the bytes they were, whether they are text or not, and text is read as text', () => {
  const escapes = (bytes: Uint8Array) =>
    [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  const some = fc.array(
    fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.string({ unit: 'grapheme' }).map(Buffer.from)),
  );
  fc.assert(
    fc.property(some, (pieces) => {
      const bytes = Buffer.concat(pieces);
      for (const sent of [escapes(bytes), bytes.toString('latin1').replaceAll('%', '%25')]) {
        const read = percentDecodeBytes(sent);
        assert.equal(
          percentEncode(read).replace(/[^%]|%../g, (one) =>
            one.length > 1 ? one : escapes(Buffer.from(one)),
          ),
          escapes(bytes),
        );
        const strict = percentDecode(escapes(bytes));
        if (strict !== undefined) assert.equal(read, strict);
      }
    }),
  );
});

test('a form read back is the form written, as text and as bytes', () => {
  fc.assert(
    fc.property(pairs, (value) => {
      const written = formEncode(value);
      for (const form of [parseForm(written), parseForm(Buffer.from(written))])
        assert.deepEqual(form.ok && form.value, value);
    }),
  );
});

test('readers of what strangers send answer and never throw', () => {
  fc.assert(
    fc.property(text, fc.uint8Array(), (value, bytes) => {
      parseForm(value);
      parseForm(bytes);
      percentDecode(value);
      parseScope(value);
      parseBearerToken(`Bearer ${value}`);
      parseBasicCredentials(`Basic ${value}`);
      parseBasicCredentials(`Basic ${Buffer.from(bytes).toString('base64')}`);
      isRegisteredRedirectUri([value], `http://127.0.0.1:${value}`);
      isIpRange(value);
      addressInRanges(value, [value]);
    }),
  );
});

test('Basic credentials survive form encoding (RFC 6749 §2.3.1)', () => {
  const plain = fc.string({ unit: 'grapheme', minLength: 1 });
  fc.assert(
    fc.property(plain, plain, (id, secret) => {
      const value = `Basic ${Buffer.from(`${percentEncode(id)}:${percentEncode(secret)}`).toString('base64')}`;
      assert.deepEqual(parseBasicCredentials(value), { ok: true, value: { id, secret } });
    }),
  );
});

test('what is added to a query comes last and the rest stays byte for byte (RFC 6749 §4.1.2)', () => {
  fc.assert(
    fc.property(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      pairs,
      (uri, added) => {
        const [head = '', fragment] = uri.split('#');
        const [whole = '', after] = addQueryParameters(uri, added).split('#');
        assert.equal(after, fragment);
        assert.ok(whole.startsWith(head));
        const query = whole.slice(head.length).replace(/^[?&]/, '');
        const read = parseForm(query);
        assert.deepEqual(read.ok && read.value, added);
      },
    ),
  );
});

test('scope tokens survive writing and reading (RFC 6749 §3.3)', () => {
  const token = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
  fc.assert(
    fc.property(fc.uniqueArray(token, { minLength: 1 }), (tokens) =>
      assert.deepEqual(parseScope(formatScope(tokens)), tokens),
    ),
  );
});

test('an address is in its own range, and one that came over IPv6 is the same address', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, bits) => {
      assert.ok(addressInRanges(address, [`${address}/${bits}`]));
      assert.ok(addressInRanges(`::ffff:${address}`, [`${address}/${bits}`]));
    }),
  );
});
