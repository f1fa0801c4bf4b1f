import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { TestServer } from '#harness/world.ts';

describe('errors that help unserved', () => {
  // What no handler answers says what to do, too, in the shape of whoever asks: addresses, methods,
  // sizes, types, and what is no HTTP at all.

  const form = 'application/x-www-form-urlencoded';
  let world: TestServer;
  let ada: Account;
  let port = 0;

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada', ['developer']);
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    port = (world.app.server.address() as AddressInfo).port;
  });
  after(() => world.close());

  type Shape = 'oauth1' | 'oauth2' | 'api' | 'rest' | 'action' | 'text' | 'page';
  /** What an answer says, read in its shape. */
  function saidIn(shape: Shape, type: string, body: string): string {
    switch (shape) {
      case 'oauth1': {
        assert.match(type, /^application\/x-www-form-urlencoded/);
        const pairs = new URLSearchParams(body);
        assert.equal(pairs.get('oauth_problem'), 'invalid_request');
        return pairs.get('oauth_problem_advice') ?? '';
      }
      case 'oauth2': {
        assert.match(type, /^application\/json/);
        const { error, error_description } = JSON.parse(body);
        assert.equal(error, 'invalid_request');
        return error_description;
      }
      case 'api': {
        assert.match(type, /^application\/problem\+json/);
        return JSON.parse(body).detail;
      }
      case 'rest':
        return JSON.parse(body).messageTranslations.en;
      case 'action':
        return JSON.parse(body).error.info;
      case 'text':
        assert.match(type, /^text\/plain/);
        return body;
      case 'page':
        assert.match(type, /^text\/html/);
        return body;
    }
  }

  interface Row {
    readonly asked: `${string} ${string}`;
    readonly headers?: Readonly<Record<string, string>>;
    readonly payload?: string;
    readonly status: number;
    readonly shape: Shape;
    readonly says: RegExp;
    readonly allow?: string;
  }
  const post = { 'content-type': form };
  const page = { accept: 'text/html' };
  const rows: readonly Row[] = [
    // mitsuhiko/flask-oauth#59 and its brothers.
    {
      asked: 'GET /oauth1/initiate',
      status: 405,
      shape: 'oauth1',
      says: /^GET is not served here: use POST, and sign/,
      allow: 'POST',
    },
    {
      asked: 'GET /oauth1/token',
      status: 405,
      shape: 'oauth1',
      says: /use POST, and sign/,
      allow: 'POST',
    },
    {
      asked: 'OPTIONS /oauth1/token',
      status: 405,
      shape: 'oauth1',
      says: /^OPTIONS is not served here: use POST/,
      allow: 'POST',
    },
    {
      asked: 'PUT /oauth1/initiate',
      status: 405,
      shape: 'oauth1',
      says: /^PUT is not served here: use POST/,
      allow: 'POST',
    },
    {
      asked: 'POST /oauth1/authorize',
      headers: post,
      status: 405,
      shape: 'oauth1',
      says: /use GET/,
      allow: 'GET, HEAD',
    },
    {
      asked: 'POST /oauth1/authenticate',
      headers: { ...post, ...page },
      status: 405,
      shape: 'page',
      says: /takes GET/,
      allow: 'GET, HEAD',
    },
    {
      asked: 'POST /oauth1/initiate/',
      status: 404,
      shape: 'oauth1',
      says: /use \/oauth1\/initiate, spelled so/,
    },
    {
      asked: 'POST /oauth1/request_token',
      status: 404,
      shape: 'oauth1',
      says: /use \/oauth1\/initiate/,
    },
    {
      asked: 'POST /oauth1/access_token',
      status: 404,
      shape: 'oauth1',
      says: /use \/oauth1\/token/,
    },
    {
      asked: 'POST /oauth1/nowhere',
      status: 404,
      shape: 'oauth1',
      says: /\/oauth1\/initiate, \/oauth1\/authorize, \/oauth1\/authenticate/,
    },
    {
      asked: `POST /oauth1/initiate`,
      payload: 'x'.repeat(1_100_000),
      headers: post,
      status: 413,
      shape: 'oauth1',
      says: /at most 1048576 bytes/,
    },
    {
      asked: 'POST /oauth1/%zz',
      status: 400,
      shape: 'oauth1',
      says: /address cannot be read.*%25/,
    },
    {
      asked: 'GET /oauth2/token',
      status: 405,
      shape: 'oauth2',
      says: /^GET is not served here: use POST, with the parameters in the body, as a form/,
      allow: 'POST',
    },
    {
      asked: 'GET /oauth2/token?client_secret=x',
      headers: page,
      status: 405,
      shape: 'oauth2',
      says: /in logs: change it/,
      allow: 'POST',
    },
    {
      asked: 'PUT /oauth2/introspect',
      status: 405,
      shape: 'oauth2',
      says: /use POST/,
      allow: 'POST',
    },
    { asked: 'GET /oauth2/revoke', status: 405, shape: 'oauth2', says: /use POST/, allow: 'POST' },
    {
      asked: 'OPTIONS /oauth2/token',
      status: 405,
      shape: 'oauth2',
      says: /use POST/,
      allow: 'POST',
    },
    {
      asked: 'PUT /oauth2/authorize',
      status: 405,
      shape: 'oauth2',
      says: /use GET or POST/,
      allow: 'GET, HEAD, POST',
    },
    {
      asked: 'DELETE /oauth2/authorize',
      headers: page,
      status: 405,
      shape: 'page',
      says: /takes GET and POST/,
      allow: 'GET, HEAD, POST',
    },
    {
      asked: 'POST /oauth2/jwks',
      headers: post,
      status: 405,
      shape: 'oauth2',
      says: /use GET/,
      allow: 'GET, HEAD',
    },
    {
      asked: 'POST /oauth2/token/',
      status: 404,
      shape: 'oauth2',
      says: /use \/oauth2\/token, spelled so/,
    },
    { asked: 'POST /OAuth2/Token', status: 404, shape: 'oauth2', says: /use \/oauth2\/token/ },
    { asked: 'POST //oauth2//token', status: 404, shape: 'oauth2', says: /use \/oauth2\/token/ },
    {
      asked: 'POST /oauth2/access_token',
      status: 404,
      shape: 'oauth2',
      says: /use \/oauth2\/token/,
    },
    { asked: 'POST /oauth/token', status: 404, shape: 'oauth2', says: /use \/oauth2\/token/ },
    {
      asked: 'POST /login/oauth/access_token',
      status: 404,
      shape: 'oauth2',
      says: /use \/oauth2\/token/,
    },
    {
      asked: 'GET /oauth/authorize',
      status: 404,
      shape: 'oauth2',
      says: /use \/oauth2\/authorize/,
    },
    {
      asked: 'POST /oauth2/revocation',
      status: 404,
      shape: 'oauth2',
      says: /use \/oauth2\/revoke/,
    },
    {
      asked: 'POST /oauth2/nowhere',
      headers: page,
      status: 404,
      shape: 'oauth2',
      says: /\.well-known\/oauth-authorization-server names them all/,
    },
    {
      asked: 'GET /.well-known/openid-configuration',
      status: 404,
      shape: 'oauth2',
      says: /use \/\.well-known\/oauth-authorization-server/,
    },
    {
      asked: 'GET /.well-known/jwks.json',
      status: 404,
      shape: 'oauth2',
      says: /use \/oauth2\/jwks/,
    },
    {
      asked: 'POST /oauth2/token',
      payload: 'x'.repeat(1_100_000),
      headers: post,
      status: 413,
      shape: 'oauth2',
      says: /at most 65536 bytes/,
    },
    {
      asked: 'POST /oauth2/token',
      payload: 'a=b',
      headers: { 'content-type': 'form' },
      status: 415,
      shape: 'oauth2',
      says: /send application\/x-www-form-urlencoded/,
    },
    { asked: 'GET /oauth2/%ff', status: 400, shape: 'oauth2', says: /UTF-8/ },
    {
      asked: 'DELETE /api/v1/me',
      status: 405,
      shape: 'api',
      says: /^DELETE is not served here: use GET/,
      allow: 'GET, HEAD',
    },
    {
      asked: 'GET /api/v1/nowhere',
      headers: page,
      status: 404,
      shape: 'api',
      says: /GET \/api\/v1\/openapi\.json/,
    },
    { asked: 'GET /api/v2/me', status: 404, shape: 'api', says: /openapi\.json/ },
    {
      asked: 'POST /api/v1/clients',
      payload: 'x'.repeat(1_100_000),
      headers: { 'content-type': 'application/json' },
      status: 413,
      shape: 'api',
      says: /at most 100000 bytes/,
    },
    {
      asked: 'POST /api/v1/clients',
      payload: '{}',
      headers: { 'content-type': 'json' },
      status: 415,
      shape: 'api',
      says: /send application\/json/,
    },
    { asked: 'GET /api/v1/clients/%zz', status: 400, shape: 'api', says: /address cannot be read/ },
    {
      asked: 'POST /w/rest.php/oauth2/token',
      status: 404,
      shape: 'rest',
      says: /use \/w\/rest\.php\/oauth2\/access_token/,
    },
    {
      asked: 'GET /w/rest.php/oauth2/access_token',
      status: 405,
      shape: 'rest',
      says: /POST/,
      allow: 'POST',
    },
    {
      asked: 'OPTIONS /w/rest.php/oauth2/access_token',
      status: 405,
      shape: 'rest',
      says: /POST/,
      allow: 'POST',
    },
    {
      asked: 'OPTIONS /w/rest.php/oauth2/authorize',
      status: 405,
      shape: 'rest',
      says: /GET/,
      allow: 'GET',
    },
    {
      asked: 'OPTIONS /w/rest.php/oauth2/client',
      status: 405,
      shape: 'rest',
      says: /GET or POST/,
      allow: 'GET, POST',
    },
    {
      asked: 'OPTIONS /w/rest.php/oauth2/nowhere',
      status: 404,
      shape: 'rest',
      says: /nothing at this address/,
    },
    {
      asked: 'POST /w/rest.php/oauth2/access_token',
      payload: 'x'.repeat(1_100_000),
      headers: post,
      status: 413,
      shape: 'rest',
      says: /65536/,
    },
    {
      asked: 'POST /w/rest.php/oauth2/access_token',
      status: 411,
      shape: 'rest',
      says: /in the body, as a form/,
    },
    { asked: 'DELETE /w/api.php', status: 405, shape: 'action', says: /use GET or POST/ },
    {
      asked: 'POST /w/api.php',
      payload: 'x'.repeat(1_100_000),
      headers: post,
      status: 413,
      shape: 'action',
      says: /at most 1048576 bytes/,
    },
    {
      asked: 'DELETE /w/index.php',
      status: 405,
      shape: 'text',
      says: /^Error: DELETE is not served here/,
    },
    { asked: 'GET /nowhere', status: 404, shape: 'oauth2', says: /nothing at this address/ },
    { asked: 'GET /nowhere', headers: page, status: 404, shape: 'page', says: /Not found/ },
    {
      asked: 'DELETE /sign-in',
      headers: page,
      status: 405,
      shape: 'page',
      says: /This address takes GET and POST\./,
      allow: 'GET, HEAD, POST',
    },
    {
      asked: 'DELETE /sign-in',
      headers: { ...page, 'accept-language': 'de' },
      status: 405,
      shape: 'page',
      says: /Diese Adresse nimmt GET und POST an\./,
    },
  ];

  describe('by address, method, size and type', () => {
    for (const { asked, headers = {}, payload, status, shape, says, allow } of rows)
      test(`${asked.slice(0, 60)}${payload === undefined ? '' : ' with a body'}: ${status}`, async () => {
        const [method = '', url = ''] = asked.split(' ');
        const answer = await world.app.inject({
          method: method as 'GET',
          url,
          headers,
          ...(payload === undefined ? {} : { payload }),
        });
        assert.equal(answer.statusCode, status, answer.body);
        assert.match(saidIn(shape, String(answer.headers['content-type']), answer.body), says);
        if (allow !== undefined) assert.equal(answer.headers.allow, allow);
        assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      });

    test('HEAD has the status and the methods, and no body', async () => {
      const answer = await world.app.inject({ method: 'HEAD', url: '/oauth1/initiate' });
      assert.deepEqual([answer.statusCode, answer.headers.allow, answer.body], [405, 'POST', '']);
    });

    test('a page that is not there keeps the menu of whoever is signed in', async () => {
      const headers = { ...page, cookie: await world.sessionCookie(ada) };
      for (const method of ['GET', 'DELETE'] as const) {
        const answer = await world.app.inject({
          method,
          url: method === 'GET' ? '/nowhere' : '/sign-in',
          headers,
        });
        assert.match(answer.body, /Ada/);
        assert.match(answer.body, /\/sign-out/);
      }
    });
  });

  describe('a JSON body', () => {
    for (const [what, payload, headers, status, says] of [
      ['that breaks off', '{', {}, 400, /not JSON: (?:it ends too early|see line 1, column 2)/],
      ['with a comma too many', '{\n "name": "x",\n}', {}, 400, /not JSON: see line 3, column 1/],
      ['that is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), {}, 400, /not UTF-8/],
      ['as a form', 'name=x', { 'content-type': form }, 415, /Content-Type: application\/json/],
      ['that is compressed', '{}', { 'content-encoding': 'gzip' }, 415, /without Content-Encoding/],
      ['of 100,001 bytes', `{"name":"${'x'.repeat(100_000)}"}`, {}, 413, /at most 100000 bytes/],
    ] as const)
      test(`${what}: ${status}, with what to do`, async () => {
        const { csrfToken } = await import('#http/csrf.ts');
        const cookie = await world.sessionCookie(ada);
        const proof = { cookie, 'x-csrf-token': csrfToken(cookie.split('=')[1] ?? '') };
        const answer = await world.app.inject({
          ...{ method: 'POST', url: '/api/v1/clients', payload },
          headers: { 'content-type': 'application/json', ...proof, ...headers },
        });
        assert.deepEqual(
          [answer.statusCode, answer.json().code],
          [status, 'invalid_request'],
          answer.body,
        );
        assert.match(answer.json().detail, says);
      });
  });

  describe('a body of the dialect’s own registration', () => {
    for (const [what, payload, type, says] of [
      ['JSON that breaks off', '{"name":', 'application/json', /not JSON/],
      ['a list', '[]', 'application/json', /an object with the fields by name/],
      ['a broken escape', 'name=%zz', form, /body cannot be read.*%25/],
      ['another type', 'name=x', 'text/plain', /Use application\/json or/],
    ] as const)
      test(`${what} is told what is wrong`, async () => {
        const made = await world.createClient(ada, {
          ...{
            name: `Own ${what}`,
            ownerOnly: true,
            redirectUri: '',
            grantTypes: ['client_credentials'],
            scopes: ['oauthmanageownclient'],
          },
        });
        const answer = await world.app.inject({
          ...{ method: 'POST', url: '/w/rest.php/oauth2/client', payload },
          headers: { 'content-type': type, authorization: `Bearer ${made.accessToken}` },
        });
        assert.ok(answer.statusCode === 400 || answer.statusCode === 415);
        assert.match(saidIn('rest', '', answer.body), says);
      });
  });

  describe('what Node refuses', () => {
    /** An answer to bytes on a connection. */
    async function sent(text: string) {
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.setEncoding('latin1').on('data', (piece) => {
        answer += piece;
      });
      socket.on('error', () => undefined);
      socket.write(Buffer.from(text, 'latin1'));
      await once(socket, 'close');
      const [head = '', ...body] = answer.split('\r\n\r\n');
      const field = (name: string) =>
        new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
      return { status: Number(head.slice(9, 12)), field, body: body.join('\r\n\r\n') };
    }
    const get = (path: string, fields = 'Host: gate.example\r\n') =>
      `GET ${path} HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`;
    for (const [what, text, status, shape, says] of [
      [
        'letters beyond ASCII in an address',
        get('/oauth1/initiate?x=s\xe4n'),
        400,
        'oauth1',
        /percent-encoded/,
      ],
      [
        'the same at the token endpoint',
        get('/oauth2/token?x=s\xe4n'),
        400,
        'oauth2',
        /percent-encoded/,
      ],
      ['the same at the API', get('/api/v1/me?x=s\xe4n'), 400, 'api', /percent-encoded/],
      ['the same at the dialect', get('/w/api.php?x=s\xe4n'), 400, 'action', /percent-encoded/],
      [
        'a blank in an address',
        get('/oauth2/token?x=a b'),
        400,
        'oauth2',
        /blanks are percent-encoded/,
      ],
      ['no HTTP', 'HELLO\r\n\r\n', 400, 'oauth2', /no HTTP/],
      [
        'an unknown method',
        'BREW /oauth2/token HTTP/1.1\r\nHost: gate.example\r\n\r\n',
        400,
        'oauth2',
        /no HTTP/,
      ],
      [
        'two lengths',
        'POST /oauth2/token HTTP/1.1\r\nHost: gate.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na',
        400,
        'oauth2',
        /cannot be read/,
      ],
      [
        'a length and pieces',
        'POST /oauth1/token HTTP/1.1\r\nHost: gate.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na',
        400,
        'oauth1',
        /cannot be read/,
      ],
      [
        'an expectation that nobody knows',
        'POST /oauth1/token HTTP/1.1\r\nHost: gate.example\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n',
        417,
        'oauth1',
        /100-continue/,
      ],
      ['no Host', get('/oauth2/token', ''), 400, 'oauth2', /Host is missing/],
      ['no Host at the API', get('/api/v1/me', ''), 400, 'api', /Host is missing/],
      [
        'header fields of 20,000 bytes',
        get('/oauth1/token', `Host: gate.example\r\nX-A: ${'a'.repeat(20_000)}\r\n`),
        431,
        'oauth1',
        /header fields are too large: at most \d+ bytes/,
      ],
      [
        'an address of 20,000 bytes',
        get(`/oauth2/authorize?state=${'a'.repeat(20_000)}`),
        414,
        'oauth2',
        /address is too long: at most \d+ bytes/,
      ],
    ] as const)
      test(`${what}: ${status} in our shape`, async () => {
        const answer = await sent(text);
        assert.equal(answer.status, status, answer.body);
        assert.match(saidIn(shape, answer.field('content-type'), answer.body), says);
        assert.equal(answer.field('x-content-type-options'), 'nosniff');
        assert.match(answer.field('connection'), /close/i);
      });
    test('a request that never ends is told so (408)', async () => {
      const slow = new TestServer({ 'headers-timeout': '1' });
      await slow.app.listen({ port: 0, host: '127.0.0.1' });
      const before = port;
      port = (slow.app.server.address() as AddressInfo).port;
      const answer = await sent('POST /oauth1/token HTTP/1.1\r\nHost: gate.example\r\nX-');
      port = before;
      await slow.close();
      assert.equal(answer.status, 408);
      assert.match(answer.body, /did%20not%20arrive%20in%20time|did not arrive in time/);
    });
  });

  describe('the pages of the dialect', () => {
    const help = 'https://www.mediawiki.org/wiki/Special:MyLanguage/Help:OAuth/Errors#';
    for (const [url, code] of [
      ['/wiki/Special:OAuth/verified', 'E001'],
      ['/wiki/Special:OAuth/nowhere', 'E002'],
      ['/w/index.php?title=Special:OAuth/nowhere&format=html', 'E002'],
      ['/wiki/Special:OAuth/authorize?oauth_token=x', 'E004'],
      [`/wiki/Special:OAuth/authorize?oauth_token=x&oauth_consumer_key=${'0'.repeat(32)}`, 'E006'],
    ] as const)
      test(`${url} leads to the help about ${code}`, async () => {
        const { body } = await world.app.inject({
          url,
          headers: { ...page, cookie: await world.sessionCookie(ada) },
        });
        assert.ok(body.includes(`<a href="${help}${code}">${code}</a>`), body);
        assert.doesNotMatch(body, /\[https:/);
      });
    test('a name that looks like a link is none', async () => {
      const { withHelpLinks } = await import('#pages/components.ts');
      for (const [text, shown] of [
        ['[https://evil.example/ E001]', '[https://evil.example/ E001]'],
        [
          '[https://www.mediawiki.org.evil.example/wiki/x E001]',
          '[https://www.mediawiki.org.evil.example/wiki/x E001]',
        ],
        [
          '[https://www.mediawiki.org/wiki/x" E001]',
          '[https://www.mediawiki.org/wiki/x&quot; E001]',
        ],
        [
          '<b>a</b> [https://www.mediawiki.org/wiki/x E001].',
          '&lt;b&gt;a&lt;/b&gt; <a href="https://www.mediawiki.org/wiki/x">E001</a>.',
        ],
      ] as const)
        assert.equal(String(await withHelpLinks(text)), shown);
    });
  });
});
