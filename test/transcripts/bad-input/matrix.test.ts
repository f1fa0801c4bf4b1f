import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasDialect } from '#harness/profiles.ts';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';

describe('matrix', () => {
  let world: TestServer;
  let authorization: string;
  let clientId: string;
  let person: string;
  let bearer: string;
  let oauth1: { key: string; secret: string };

  before(async () => {
    world = new TestServer();
    const ada = await world.createPerson('Ada');
    const web = await world.createClient(ada, {
      name: 'web',
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
    authorization = basicHeader(web.client.id, web.secret);
    clientId = web.client.id;
    person = await world.sessionCookie(ada);
    const classic = await world.createClient(ada, { name: 'classic', protocol: 'oauth1' });
    oauth1 = { key: classic.client.id, secret: classic.secret };
    bearer = 'Bearer nothing';
  });
  after(() => world.close());

  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const long = 'x'.repeat(70_000);
  const posts = [
    '/oauth2/token',
    '/oauth2/revoke',
    '/oauth2/introspect',
    '/oauth1/initiate',
    '/oauth1/token',
    ...(hasDialect ? ['/w/rest.php/oauth2/access_token'] : []),
    '/sign-in',
    '/setup',
    '/sign-out',
    '/authorize/x',
    '/consents/1/end',
    '/oauth2/authorize',
  ];
  const gets = [
    '/oauth2/authorize',
    '/oauth1/authorize',
    '/oauth1/authenticate',
    ...(hasDialect ? ['/w/rest.php/oauth2/authorize'] : []),
    '/sign-in',
    '/setup',
    '/authorize/x',
    ...(hasDialect ? ['/wiki/Special:OAuth/authorize'] : []),
  ];
  const payloads: readonly (readonly [string, string | Buffer, Record<string, string>])[] = [
    [
      'repeated',
      'grant_type=a&grant_type=b&token=a&token=b&csrf=a&csrf=b&client_id=a&client_id=b',
      form,
    ],
    ['as an array', 'grant_type[]=client_credentials&token[0]=x&csrf[]=a&client_id[]=a', form],
    ['empty', 'grant_type=&token=&csrf=&client_id=', form],
    ['oversized', `grant_type=${long}&token=${long}&csrf=${long}&client_id=${long}`, form],
    ['not UTF-8', Buffer.from('grant_type=%ff%fe&token=%c0%af&csrf=%80', 'latin1'), form],
    ['raw bytes that are not UTF-8', Buffer.from([0x67, 0x3d, 0xff, 0xfe]), form],
    ['broken escapes', 'grant_type=%zz&token=%', form],
    ['NUL', 'grant_type=a%00b&token=%00', form],
    ['JSON', '{"grant_type":"client_credentials"}', { 'content-type': 'application/json' }],
    ['no content type', 'grant_type=client_credentials', {}],
    ['a huge body', Buffer.alloc(1_100_000, 97), form],
  ];

  for (const url of posts) {
    for (const [what, payload, headers] of payloads) {
      test(`POST ${url} with parameters ${what} is a 4xx in its own shape`, async () => {
        for (const credentials of [{}, { authorization }, { cookie: person }]) {
          const answer = await world.app.inject({
            method: 'POST',
            url,
            payload,
            headers: { ...headers, ...credentials } as Record<string, string>,
          });
          assert.ok(
            answer.statusCode >= 300 && answer.statusCode < 500,
            `${answer.statusCode} ${answer.body}`,
          );
          if (answer.statusCode < 400) assert.match(String(answer.headers.location), /^\/sign-in/);
          else if (/^\/oauth2\/(?!authorize)/.test(url))
            assert.equal(typeof answer.json().error, 'string');
          else if (url.startsWith('/oauth1/')) assert.match(answer.body, /^oauth_problem=/);
        }
      });
    }
  }

  for (const url of gets) {
    for (const query of [
      '?client_id=a&client_id=b',
      '?client_id[]=a',
      '?client_id=',
      `?client_id=${'x'.repeat(9000)}`,
      '?client_id=%ff%fe',
      '?client_id=%zz',
      '?oauth_token=a&oauth_token=b',
      '?oauth_token=%00',
      '?token=%ff',
      '?returnto=%ff',
    ]) {
      test(`GET ${url}${query.slice(0, 40)} is no fault`, async () => {
        for (const headers of [{}, { cookie: person }]) {
          const answer = await world.app.inject({ method: 'GET', url: url + query, headers });
          assert.ok(answer.statusCode < 500, `${answer.statusCode} ${answer.body}`);
          if (answer.statusCode >= 300 && answer.statusCode < 400)
            assert.match(String(answer.headers.location), /^\/(?:sign-in|$)/);
        }
      });
    }
  }

  test('a repeated Authorization field is refused, whatever it holds', async () => {
    const { port } = await listening();
    const { connect } = await import('node:net');
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          `POST /oauth2/token HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nAuthorization: ${authorization}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\nConnection: close\r\n\r\ngrant_type=client_credentials`,
        ),
      );
      let text = '';
      socket.on('data', (piece) => {
        text += piece;
      });
      socket.on('close', () => resolve(text));
    });
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /invalid_request/);
  });
  const listening = async () => {
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    return world.app.server.address() as { port: number };
  };

  test('OAuth 1 refuses a parameter that comes by two ways (RFC 5849 §3.1), the dialect signs it once', async () => {
    const target = '/oauth1/initiate?oauth_callback=oob';
    const { authorization: header = '' } = signedHeader(
      world,
      'POST',
      '/oauth1/initiate',
      oauth1,
      null,
      { oauth_callback: 'oob' },
    );
    const strict = await world.app.inject({
      method: 'POST',
      url: target,
      headers: { authorization: header },
    });
    assert.deepEqual(
      [strict.statusCode, new URLSearchParams(strict.body).get('oauth_problem')],
      [400, 'parameter_rejected'],
    );
    if (!hasDialect) return;
    const loose = '/wiki/Special:OAuth/initiate?oauth_callback=oob';
    const dialect = await world.app.inject({
      method: 'GET',
      url: loose,
      headers: signedHeader(
        world,
        'GET',
        loose,
        oauth1,
        null,
        { oauth_callback: 'oob' },
        { profile: 'mediawiki' },
      ),
    });
    assert.match(dialect.body, /^oauth_token=/);
  });

  test('an unknown address is a 404, a wrong method a 405 that names the right ones', async () => {
    assert.equal((await world.app.inject({ url: '/nowhere' })).statusCode, 404);
    const wrong = await world.app.inject({ method: 'DELETE', url: '/oauth2/token' });
    assert.deepEqual([wrong.statusCode, wrong.headers.allow], [405, 'POST']);
    assert.ok(bearer && clientId);
  });
});
