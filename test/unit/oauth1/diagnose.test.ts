import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hmac } from '#keys/hmac.ts';
import { type Cause, causes, diagnose, differences } from '#oauth1/diagnose.ts';
import { parseSignedRequest } from '#oauth1/parse.ts';
import { percentEncode as encode } from '#wire/percent.ts';

const origin = 'https://gate.example';
const [client, token] = ['cl&ient', 'to/ken'];
const oauth = {
  oauth_consumer_key: 'a'.repeat(32),
  oauth_nonce: 'n',
  oauth_signature_method: 'HMAC-SHA1',
  oauth_timestamp: '1800000000',
  oauth_token: 'b'.repeat(32),
};
const pairs = [['b b', 'x y'], ['a', '1'], ...Object.entries(oauth)] as [string, string][];
const sorted = (code: (text: string) => string, from = pairs) =>
  from
    .map(([name, value]) => `${code(name)}=${code(value)}`)
    .sort()
    .join('&');
const key = `${encode(client)}&${encode(token)}`;
const text = (method = 'POST', uri = `${origin}/api`, params = sorted(encode)) => [method, uri, params].map(encode).join('&');

/** How a library makes each mistake, written down independently of the code that finds it. */
const mistakes: Readonly<Record<Cause, () => string>> = {
  'token-secret-missing': () => hmac('sha1', `${encode(client)}&`, text()),
  'ampersand-missing': () => hmac('sha1', encode(client) + encode(token), text()),
  'secrets-swapped': () => hmac('sha1', `${encode(token)}&${encode(client)}`, text()),
  'secrets-not-encoded': () => hmac('sha1', `${client}&${token}`, text()),
  'other-scheme': () => hmac('sha1', key, text('POST', 'http://gate.example/api')),
  'with-port': () => hmac('sha1', key, text('POST', 'https://gate.example:443/api')),
  'with-query-in-uri': () => hmac('sha1', key, text('POST', `${origin}/api?${sorted(encode, pairs.slice(0, 2))}`)),
  'trailing-slash': () => hmac('sha1', key, text('POST', `${origin}/api/`)),
  'only-oauth-parameters': () => hmac('sha1', key, text('POST', undefined, sorted(encode, pairs.slice(2)))),
  'without-query': () => hmac('sha1', key, text('POST', undefined, sorted(encode, pairs.slice(1)))),
  'not-sorted': () =>
    hmac('sha1', key, text('POST', undefined, pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'))),
  'encoded-once-less': () =>
    hmac(
      'sha1',
      key,
      text(
        'POST',
        undefined,
        sorted((part) => part),
      ),
    ),
  'encoded-twice': () =>
    hmac(
      'sha1',
      key,
      text(
        'POST',
        undefined,
        sorted((part) => encode(encode(part))),
      ),
    ),
  'plus-for-space': () =>
    hmac(
      'sha1',
      key,
      text(
        'POST',
        undefined,
        sorted((part) => encode(part).replaceAll('%20', '+')),
      ),
    ),
  'lower-case-method': () => hmac('sha1', key, text('post')),
  'other-method': () => hmac('sha1', key, text('GET')),
  'other-hash': () => hmac('sha256', key, text()),
  hexadecimal: () => Buffer.from(hmac('sha1', key, text()), 'base64').toString('hex'),
};

function sent(signature: string | undefined) {
  const header = Object.entries({ ...oauth, ...(signature === undefined ? {} : { oauth_signature: signature }) })
    .map(([name, value]) => `${name}="${encode(value)}"`)
    .join(', ');
  const read = parseSignedRequest(
    {
      method: 'POST',
      target: '/api?b%20b=x%20y&a=1',
      headers: { authorization: `OAuth ${header}` },
      body: undefined,
      address: '',
      secure: true,
    },
    'rfc5849',
  );
  assert.ok(read.ok);
  return read.value;
}
const secrets = { clientSecrets: ['another', client], tokenSecret: token };

for (const cause of causes) {
  test(`recognised: ${cause}`, () => {
    const { verdict, cause: found } = diagnose(sent(mistakes[cause]()), origin, secrets);
    assert.deepEqual([verdict, found], ['wrong', cause]);
  });
}

test('a right signature, no signature, an unknown token, and a mistake that nobody knows', () => {
  assert.equal(diagnose(sent(hmac('sha1', key, text())), origin, secrets).verdict, 'right');
  assert.equal(diagnose(sent(undefined), origin, secrets).verdict, 'no-signature');
  assert.equal(diagnose(sent('x'), origin, null).verdict, 'not-checked');
  assert.deepEqual(diagnose(sent('x'), origin, secrets).cause, null);
});

test('what is shown is what is signed, and holds no secret', () => {
  const shown = diagnose(sent('x'), origin, secrets);
  assert.equal(shown.baseString, text());
  assert.equal(shown.baseStringUri, `${origin}/api`);
  assert.doesNotMatch(JSON.stringify(shown), /cl&ient|to\/ken|cl%26ient/);
});

test('where two base strings part', () => {
  assert.deepEqual(differences(text(), text()), []);
  assert.deepEqual(differences(text(), text('GET')), [{ part: 'method', ours: 'POST', theirs: 'GET' }]);
  assert.deepEqual(differences(text(), text('POST', 'http://gate.example/api')), [
    { part: 'uri', ours: `${origin}/api`, theirs: 'http://gate.example/api' },
  ]);
  const other = differences(text(), text('POST', undefined, sorted(encode, [...pairs.slice(1), ['c', '2']])));
  assert.deepEqual(other, [
    { part: 'parameters', ours: 'b%20b=x%20y', theirs: '' },
    { part: 'parameters', ours: '', theirs: 'c=2' },
  ]);
  for (const garbage of ['', '&', '%', '&&&&', '%E0%A4%A']) assert.ok(differences(text(), garbage).length > 0);
});
