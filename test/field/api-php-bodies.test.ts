import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type ParameterPair,
  protocolParameters,
  toAuthorizationHeader,
} from '#harness/own-signer.ts';
import type { CredentialPair as Key } from '#harness/signed.ts';
import { TestServer } from '#harness/world.ts';

describe('api php bodies', () => {
  // Bots send api.php long texts and files: forms of several parts and long ones are read, and what
  // is not read is refused by size and name.

  let world: TestServer;
  let client: Key;
  let token: Key;
  before(async () => {
    world = new TestServer();
    const ada = await world.createPerson('Ada', ['developer']);
    const made = await world.createClient(ada, {
      name: 'Bot',
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: [],
    });
    client = { key: made.client.id, secret: made.secret };
    token = { key: made.credentials?.token ?? '', secret: made.credentials?.secret ?? '' };
  });
  after(() => world.close());

  const form = 'application/x-www-form-urlencoded';
  const header = (signed: readonly ParameterPair[] = []) =>
    toAuthorizationHeader(
      protocolParameters({
        method: 'POST',
        uri: 'https://gate.example/w/api.php',
        signed,
        client,
        token,
        now: world.now,
      }),
    );
  const post = (type: string, payload: string | Buffer, authorization = header(), query = '') =>
    world.app.inject({
      method: 'POST',
      url: `/w/api.php${query}`,
      payload,
      headers: { authorization, 'content-type': type },
    });
  const asked: readonly ParameterPair[] = [
    ['action', 'query'],
    ['meta', 'userinfo'],
    ['format', 'json'],
  ];
  const parts = (pairs: readonly ParameterPair[], file = '', boundary = 'xyz') =>
    `${pairs.map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}${file}--${boundary}--\r\n`;
  const file =
    '--xyz\r\nContent-Disposition: form-data; name="file"; filename="ä.bin"\r\nContent-Type: application/octet-stream\r\n\r\n\x00\x01\r\n';

  for (const [what, payload, type, name] of [
    ['texts', parts(asked), 'multipart/form-data; boundary=xyz', 'Ada'],
    ['texts and a file', parts(asked, file), 'multipart/form-data; boundary=xyz', 'Ada'],
    ['a quoted boundary, in capitals', parts(asked), 'Multipart/Form-Data; boundary="xyz"', 'Ada'],
    [
      'the last of two of a name',
      parts([['meta', 'tokens'], ...asked]),
      'multipart/form-data; boundary=xyz',
      'Ada',
    ],
    [
      'letters beyond ASCII',
      parts([...asked, ['text', 'ä😀']]),
      'multipart/form-data; boundary=xyz',
      'Ada',
    ],
    [
      '900,000 bytes of text',
      parts([...asked, ['text', 'x'.repeat(900_000)]]),
      'multipart/form-data; boundary=xyz',
      'Ada',
    ],
  ] as const)
    test(`a form of several parts is read, unsigned: ${what}`, async () => {
      const answer = await post(type, payload);
      assert.equal(answer.json().query?.userinfo.name, name, answer.body);
    });

  test('the texts win over the query, and a file is no text', async () => {
    const query = '?action=query&meta=tokens&format=json';
    const signed = header([
      ['action', 'query'],
      ['meta', 'tokens'],
      ['format', 'json'],
    ]);
    const answer = await post(
      'multipart/form-data; boundary=xyz',
      parts([['meta', 'userinfo']]),
      signed,
      query,
    );
    assert.equal(answer.json().query.userinfo.name, 'Ada');
    const named = file.replace('name="file"', 'name="action"');
    assert.equal(
      (await post('multipart/form-data; boundary=xyz', parts([], named))).json().error.code,
      'missingparam',
    );
  });

  for (const [what, payload, type] of [
    ['no boundary in the type', parts(asked), 'multipart/form-data; charset=utf-8'],
    ['another boundary', parts(asked), 'multipart/form-data; boundary=abc'],
    ['an end that is missing', parts(asked).slice(0, -12), 'multipart/form-data; boundary=xyz'],
    [
      'lines of one character',
      parts(asked).replaceAll('\r\n', '\n'),
      'multipart/form-data; boundary=xyz',
    ],
    ['no parts at all', 'hello', 'multipart/form-data; boundary=xyz'],
  ] as const)
    test(`one that cannot be read is refused in the shape of the API: ${what}`, async () => {
      const answer = await post(type, payload);
      assert.equal(answer.statusCode, 400, answer.body);
      assert.match(answer.json().error.info, /multipart\/form-data has the boundary/);
      assert.equal(answer.headers['mediawiki-api-error'], answer.json().error.code);
    });

  test('a signed form of 72,000 bytes is read', async () => {
    const signed: readonly ParameterPair[] = [...asked, ['text', 'x'.repeat(72_000)]];
    const answer = await post(
      form,
      new URLSearchParams(signed.map(([name, value]) => [name, value])).toString(),
      header(signed),
    );
    assert.equal(answer.json().query?.userinfo.name, 'Ada', answer.body.slice(0, 200));
  });

  for (const type of [form, 'multipart/form-data; boundary=xyz'])
    test(`above a mebibyte ${type} is refused by its size`, async () => {
      const answer = await post(type, 'x'.repeat(1_048_577));
      assert.equal(answer.statusCode, 413);
      assert.match(answer.json().error.info, /at most 1048576 bytes/);
    });

  for (const [type, payload] of [
    ['application/json', '{"action":"query","meta":"userinfo"}'],
    ['text/plain', 'action=query&meta=userinfo'],
    ['multipart/form-data', parts(asked)],
    ['application/octet-stream', 'action=query'],
  ] as const)
    test(`a body of ${type}, which is no form, is said not to be read`, async () => {
      const { code, info } = (await post(type, payload)).json().error;
      assert.equal(code, 'missingparam');
      assert.match(
        info,
        /^The "action" parameter must be set\. The body was not read: send the parameters as application\/x-www-form-urlencoded/,
      );
      const query = '?action=query&meta=userinfo&format=json';
      assert.equal(
        (await post(type, payload, header(asked), query)).json().query?.userinfo.name,
        'Ada',
        'what the query asks for is answered',
      );
    });

  test('where there is no body, or a form, nothing is said of one', async () => {
    const plain = 'The "action" parameter must be set.';
    assert.equal((await world.app.inject({ url: '/w/api.php' })).json().error.info, plain);
    assert.equal(
      (await post(form, 'meta=userinfo', header([['meta', 'userinfo']]))).json().error.info,
      plain,
    );
  });
});
