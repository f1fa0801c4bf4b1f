import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentEncode as encode } from '#encoding/percent.ts';
import { compareBaseStrings } from '#oauth1/diagnosis/differences.ts';

const origin = 'https://gate.example';
const pairs = [
  ['b b', 'x y'],
  ['a', '1'],
  ['oauth_nonce', 'n'],
] as [string, string][];
const sorted = (code: (text: string) => string, from = pairs) =>
  from
    .map(([name, value]) => `${code(name)}=${code(value)}`)
    .sort()
    .join('&');
const text = (method = 'POST', uri = `${origin}/api`, params = sorted(encode)) =>
  [method, uri, params].map(encode).join('&');

test('where two base strings part', () => {
  assert.deepEqual(compareBaseStrings(text(), text()), []);
  assert.deepEqual(compareBaseStrings(text(), text('GET')), [
    { part: 'method', ours: 'POST', theirs: 'GET' },
  ]);
  assert.deepEqual(compareBaseStrings(text(), text('POST', 'http://gate.example/api')), [
    { part: 'uri', ours: `${origin}/api`, theirs: 'http://gate.example/api' },
  ]);
  const other = compareBaseStrings(
    text(),
    text('POST', undefined, sorted(encode, [...pairs.slice(1), ['c', '2']])),
  );
  assert.deepEqual(other, [
    { part: 'parameters', ours: 'b%20b=x%20y', theirs: '' },
    { part: 'parameters', ours: '', theirs: 'c=2' },
  ]);
  for (const garbage of ['', '&', '%', '&&&&', '%E0%A4%A'])
    assert.ok(compareBaseStrings(text(), garbage).length > 0);
});
