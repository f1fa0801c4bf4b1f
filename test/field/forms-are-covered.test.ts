import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import type { RawRequest } from '#encoding/raw-request.ts';
import { permitFromNode } from '#guard/node.ts';
import type { GuardRefusal } from '#guard/refusals.ts';
import {
  type ParameterPair,
  protocolParameters,
  toAuthorizationHeader,
  toFormBody,
} from '#harness/own-signer.ts';
import type { CredentialPair as Key } from '#harness/signed.ts';
import { TestServer } from '#harness/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { notesApi } from '../../examples/demo/api.ts';

describe('forms are covered', () => {
  // A form is signed (RFC 5849 §3.4.1.3.1). Whoever asks the guard without the bytes of a form
  // cannot know what was signed, so nothing passes.

  const origin = 'https://gate.example';
  const here = 'main' as SiteId;
  const form = 'application/x-www-form-urlencoded';
  let world: TestServer;
  let client: Key;
  let token: Key;

  before(async () => {
    world = new TestServer();
    ({ client, token } = await world.ownerOnlySigner(
      await world.createPerson('Ada', ['developer']),
    ));
  });
  after(() => world.close());

  const pairsFor = (
    method: string,
    path: string,
    signed: readonly ParameterPair[] = [],
    over: Readonly<Record<string, string | undefined>> = {},
  ) =>
    protocolParameters({
      method,
      uri: `${origin}${path}`,
      signed,
      client,
      token,
      now: world.now,
      overrides: over,
    });
  const headerFor = (...asked: Parameters<typeof pairsFor>) =>
    toAuthorizationHeader(pairsFor(...asked));

  const ask = (over: Partial<RawRequest> & Pick<RawRequest, 'headers'>) =>
    world.server.guard.permit(
      {
        method: 'POST',
        target: '/notes',
        body: undefined,
        address: '192.0.2.1',
        secure: true,
        ...over,
      },
      here,
    );
  const text: readonly ParameterPair[] = [['text', 'hi']];
  const bytes = Buffer.from('text=hi');
  const kindOf = (refusal: GuardRefusal) =>
    refusal.why.kind === 'oauth1' ? refusal.why.refusal.kind : refusal.why.kind;

  interface Case {
    readonly name: string;
    readonly method?: string;
    /** What the client signed beside the protocol parameters. */
    readonly signed: readonly ParameterPair[];
    readonly headers?: RawRequest['headers'];
    readonly body?: Uint8Array | undefined;
    readonly answer: 'permit' | 'body_unavailable' | 'signature_invalid' | 'parameter_rejected';
  }

  const cases: readonly Case[] = [
    { name: 'the bytes, signed', signed: text, body: bytes, answer: 'permit' },
    { name: 'the bytes, not signed', signed: [], body: bytes, answer: 'signature_invalid' },
    { name: 'no bytes, signed', signed: text, answer: 'body_unavailable' },
    { name: 'no bytes, not signed', signed: [], answer: 'body_unavailable' },
    {
      name: 'no bytes, a length',
      signed: [],
      headers: { 'content-length': '7' },
      answer: 'body_unavailable',
    },
    {
      name: 'no bytes, in pieces',
      signed: [],
      headers: { 'transfer-encoding': 'chunked' },
      answer: 'body_unavailable',
    },
    {
      name: 'no bytes by GET, a length',
      method: 'GET',
      signed: [],
      headers: { 'content-length': '7' },
      answer: 'body_unavailable',
    },
    {
      name: 'an empty body where seven bytes came',
      signed: [],
      headers: { 'content-length': '7' },
      body: Buffer.alloc(0),
      answer: 'body_unavailable',
    },
    {
      name: 'two lengths, one of them none',
      signed: [],
      headers: { 'content-length': ['0', '7'] },
      answer: 'body_unavailable',
    },
    { name: 'a length of none', signed: [], headers: { 'content-length': '0' }, answer: 'permit' },
    { name: 'an empty body', signed: [], body: Buffer.alloc(0), answer: 'permit' },
    {
      name: 'GET with the type of a form and nothing else',
      method: 'GET',
      signed: [],
      answer: 'permit',
    },
    {
      name: 'another type',
      signed: [],
      headers: { 'content-type': 'application/json', 'content-length': '2' },
      answer: 'permit',
    },
    {
      name: 'no type',
      signed: [],
      headers: { 'content-type': undefined, 'content-length': '2' },
      answer: 'permit',
    },
    {
      name: 'a charset',
      signed: [],
      headers: { 'content-type': `${form};charset=UTF-8` },
      answer: 'body_unavailable',
    },
    {
      name: 'capital letters, a blank',
      signed: [],
      headers: { 'content-type': 'Application/X-WWW-Form-Urlencoded ; a=b' },
      answer: 'body_unavailable',
    },
    {
      name: 'two types, the second a form',
      signed: [],
      headers: { 'content-type': ['text/plain', form] },
      body: bytes,
      answer: 'parameter_rejected',
    },
    {
      name: 'two types, the first a form',
      signed: [],
      headers: { 'content-type': [form, 'text/plain'] },
      body: bytes,
      answer: 'parameter_rejected',
    },
    ...['PUT', 'PATCH', 'DELETE', 'QUERY'].flatMap((method): Case[] => [
      { name: `${method}, the bytes, signed`, method, signed: text, body: bytes, answer: 'permit' },
      { name: `${method}, no bytes`, method, signed: [], answer: 'body_unavailable' },
    ]),
  ];

  describe('the guard', () => {
    for (const { name, method = 'POST', signed, headers = {}, body, answer } of cases)
      test(`${name}: ${answer}`, async () => {
        const authorization = headerFor(method, '/notes', signed);
        const given = await ask({
          method,
          headers: { 'content-type': form, ...headers, authorization },
          body,
        });
        assert.equal(given.ok ? 'permit' : kindOf(given.refusal), answer);
      });

    test('the reason stands in the answer', async () => {
      const given = await ask({
        headers: { 'content-type': form, authorization: headerFor('POST', '/notes') },
      });
      assert.ok(!given.ok);
      assert.equal(given.refusal.status, 401);
      assert.match(
        given.refusal.wwwAuthenticate,
        /oauth_problem="body_unavailable", oauth_problem_advice="[^"]*did not hand its bytes/,
      );
    });

    test('a bearer token covers no body, and needs none', async () => {
      const given = await ask({ headers: { 'content-type': form, authorization: 'Bearer abc' } });
      assert.ok(!given.ok);
      assert.equal(given.refusal.why.kind, 'bearer');
    });
  });

  /** Sends a request as it stands, and answers status and body. */
  const sendTo = (
    server: Server,
    method: string,
    path: string,
    headers: Record<string, string>,
    body = '',
  ) =>
    new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const sent = send(
        {
          host: '127.0.0.1',
          port,
          method,
          path,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        },
        (answer) => {
          let said = '';
          answer.setEncoding('utf8').on('data', (piece) => {
            said += piece;
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: said }));
        },
      );
      sent.on('error', reject).end(body);
    });
  const listening = (server: Server) =>
    new Promise<Server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));

  describe('the API of the examples', () => {
    let api: Server;
    before(async () => {
      api = await listening(notesApi(world.server.guard, here));
    });
    after(() => api.close());
    const post = (authorization: string, body: string, type = form) =>
      sendTo(api, 'POST', '/notes', { authorization, 'content-type': type }, body);

    test('the form that was signed is taken', async () => {
      const answer = await post(headerFor('POST', '/notes', text), 'text=hi');
      assert.equal(answer.status, 200, answer.body);
      assert.match(answer.body, /"may_edit":true/);
    });
    test('an unsigned form, and one that was changed on the way, are refused', async () => {
      assert.equal((await post(headerFor('POST', '/notes'), 'text=hi')).status, 401);
      assert.equal((await post(headerFor('POST', '/notes', text), 'text=ho')).status, 401);
    });
    test('a request without a body, and one with JSON', async () => {
      assert.equal(
        (await sendTo(api, 'GET', '/notes', { authorization: headerFor('GET', '/notes') })).status,
        200,
      );
      assert.equal(
        (await post(headerFor('POST', '/notes'), '{"text":"hi"}', 'application/json')).status,
        200,
      );
    });
    test('a body that is too large is refused before it is read to the end', async () => {
      const { port } = api.address() as AddressInfo;
      const status = await new Promise((resolve, reject) => {
        const sent = send({ host: '127.0.0.1', port, method: 'POST', path: '/notes' }, (answer) =>
          resolve(answer.resume().statusCode),
        );
        sent.on('error', reject).end(Buffer.alloc(200_000));
      });
      assert.equal(status, 413);
    });
  });

  describe('Express', () => {
    let server: Server;
    before(async () => {
      const app = express();
      // biome-ignore lint/suspicious/noExplicitAny: Express carries no types here
      type Untyped = any;
      const guarded =
        (bodyOf: (request: Untyped) => Uint8Array | undefined) =>
        async (request: Untyped, response: Untyped) => {
          const permit = await permitFromNode(world.server.guard, request, bodyOf(request), here);
          response
            .status(permit.ok ? 200 : permit.refusal.status)
            .json({ kind: permit.ok ? 'permit' : kindOf(permit.refusal) });
        };
      const router = express.Router();
      router.all(
        '/raw/*rest',
        express.raw({ type: () => true }),
        guarded(({ body }) => (Buffer.isBuffer(body) ? body : undefined)),
      );
      router.all(
        '/none',
        guarded(() => undefined),
      );
      // The parser has eaten the stream: what is left to read is nothing.
      router.all(
        '/eaten',
        express.urlencoded({ extended: false }),
        async (request: AsyncIterable<Buffer>, response: unknown) => {
          const pieces: Buffer[] = [];
          for await (const piece of request) pieces.push(piece);
          return guarded(() => Buffer.concat(pieces))(request, response);
        },
      );
      // What the parser made is no bytes.
      router.all(
        '/parsed',
        express.urlencoded({ extended: false }),
        guarded(({ body }) => body),
      );
      const kept = (request: { rawBody?: Buffer }, _response: unknown, buffer: Buffer) => {
        request.rawBody = buffer;
      };
      router.all(
        '/kept',
        express.urlencoded({ extended: false, verify: kept }),
        guarded(({ rawBody }) => rawBody),
      );
      const inner = express.Router();
      inner.use('/deep', router);
      app.use('/api/v2', router);
      app.use('/outer', inner);
      app.use(router);
      server = await listening(createServer(app));
    });
    after(() => server.close());

    const rows: readonly (readonly [string, string, readonly ParameterPair[], string, string])[] = [
      ['below a mount path', '/api/v2/raw/notes', text, 'text=hi', 'permit'],
      ['below two mount paths', '/outer/deep/raw/notes', text, 'text=hi', 'permit'],
      ['without a mount path', '/raw/notes', text, 'text=hi', 'permit'],
      [
        'below a mount path, an unsigned form',
        '/api/v2/raw/notes',
        [],
        'text=hi',
        'signature_invalid',
      ],
      ['below a mount path, no body', '/api/v2/none', [], '', 'permit'],
      ['nothing was read', '/api/v2/none', text, 'text=hi', 'body_unavailable'],
      ['a parser has eaten the stream', '/api/v2/eaten', [], 'text=hi', 'body_unavailable'],
      ['the value of a parser, no bytes', '/api/v2/parsed', [], 'text=hi', 'body_unavailable'],
      ['the bytes that a parser kept', '/api/v2/kept', text, 'text=hi', 'permit'],
      [
        'the bytes that a parser kept, unsigned',
        '/api/v2/kept',
        [],
        'text=hi',
        'signature_invalid',
      ],
    ];
    for (const [name, path, signed, body, answer] of rows)
      test(`${name}: ${answer}`, async () => {
        const said = await sendTo(
          server,
          'POST',
          path,
          { authorization: headerFor('POST', path, signed), 'content-type': form },
          body,
        );
        assert.equal(JSON.parse(said.body).kind, answer);
      });

    test('a query below a mount path', async () => {
      const authorization = headerFor('GET', '/api/v2/raw/a%2Fb', [['q', 'a b']]);
      assert.equal(
        JSON.parse((await sendTo(server, 'GET', '/api/v2/raw/a%2Fb?q=a+b', { authorization })).body)
          .kind,
        'permit',
      );
    });
    test('a signature over the path that the router sees is refused', async () => {
      const authorization = headerFor('GET', '/raw/notes');
      assert.equal(
        JSON.parse((await sendTo(server, 'GET', '/api/v2/raw/notes', { authorization })).body).kind,
        'signature_invalid',
      );
    });
  });

  describe('oauth_body_hash', () => {
    const json = Buffer.from('{"a":1}');
    const hashOf = (body: Uint8Array, name = 'sha1') =>
      createHash(name).update(body).digest('base64');
    const rows: readonly (readonly [string, string, Uint8Array | undefined, string, string])[] = [
      ['right', hashOf(json), json, 'HMAC-SHA1', 'permit'],
      ['of another body', hashOf(Buffer.from('{}')), json, 'HMAC-SHA1', 'body_hash_invalid'],
      ['empty', '', json, 'HMAC-SHA1', 'body_hash_invalid'],
      [
        'in hexadecimal digits',
        createHash('sha1').update(json).digest('hex'),
        json,
        'HMAC-SHA1',
        'body_hash_invalid',
      ],
      ['by SHA-256 with HMAC-SHA1', hashOf(json, 'sha256'), json, 'HMAC-SHA1', 'body_hash_invalid'],
      [
        'of nothing, and nothing came',
        hashOf(Buffer.alloc(0)),
        Buffer.alloc(0),
        'HMAC-SHA1',
        'permit',
      ],
      [
        'of nothing, and something came',
        hashOf(Buffer.alloc(0)),
        json,
        'HMAC-SHA1',
        'body_hash_invalid',
      ],
      ['wrong, and the bytes are not at hand', 'x', undefined, 'HMAC-SHA1', 'permit'],
    ];
    for (const [name, value, body, method, answer] of rows)
      test(`at the guard, ${name}: ${answer}`, async () => {
        const authorization = headerFor('POST', '/notes', [], {
          oauth_body_hash: value,
          oauth_signature_method: method,
        });
        const headers = {
          'content-type': 'application/json',
          authorization,
          'content-length': String(body?.length ?? 7),
        };
        const given = await ask({ headers, body });
        assert.equal(given.ok ? 'permit' : kindOf(given.refusal), answer);
      });

    test('of a form', async () => {
      for (const [value, answer] of [
        [hashOf(bytes), 'permit'],
        [hashOf(json), 'body_hash_invalid'],
      ] as const) {
        const authorization = headerFor('POST', '/notes', text, { oauth_body_hash: value });
        const given = await ask({ headers: { 'content-type': form, authorization }, body: bytes });
        assert.equal(given.ok ? 'permit' : kindOf(given.refusal), answer);
      }
    });

    test('a wrong one is refused everywhere, and the right one taken', async () => {
      const asks = [
        {
          url: '/oauth1/token',
          says: /oauth_problem=body_hash_invalid&oauth_problem_advice=/,
          over: { oauth_verifier: 'v' },
        },
        {
          url: '/w/index.php?title=Special:OAuth/identify',
          says: /Invalid signature: oauth_body_hash/,
          over: {},
        },
        {
          url: '/w/api.php?action=query&meta=userinfo&format=json',
          says: /Invalid signature: oauth_body_hash/,
          over: {},
        },
      ] as const;
      for (const { url, says, over } of asks) {
        const [path = '', query = ''] = url.split('?', 2);
        const signed = [...new URLSearchParams(query)] as ParameterPair[];
        const go = (value: string) =>
          world.app.inject({
            method: 'POST',
            url,
            headers: {
              authorization: headerFor('POST', path, signed, { ...over, oauth_body_hash: value }),
              'content-type': 'application/json',
            },
            payload: json,
          });
        const [wrong, right] = [await go(hashOf(Buffer.from('{}'))), await go(hashOf(json))];
        // Token credentials are no temporary ones: that is judged first there.
        if (path !== '/oauth1/token') assert.match(wrong.body, says, url);
        assert.doesNotMatch(right.body, /body_hash/, url);
      }
      const initiate = (value: string) => {
        const pairs = protocolParameters({
          method: 'POST',
          uri: `${origin}/oauth1/initiate`,
          client,
          token: null,
          now: world.now,
          overrides: { oauth_callback: 'oob', oauth_body_hash: value },
        });
        return world.app.inject({
          method: 'POST',
          url: '/oauth1/initiate',
          headers: {
            authorization: toAuthorizationHeader(pairs),
            'content-type': 'application/json',
          },
          payload: json,
        });
      };
      const wrong = await initiate('x');
      assert.deepEqual(
        [
          wrong.statusCode,
          /^oauth_problem=body_hash_invalid&oauth_problem_advice=/.test(wrong.body),
        ],
        [401, true],
      );
      assert.doesNotMatch((await initiate(hashOf(json))).body, /body_hash/);
    });
  });

  describe('credentials in the query or the form (RFC 5849 §3.5.2, §3.5.3)', () => {
    const queried = (path: string, signed: readonly ParameterPair[] = []) =>
      `${path}?${toFormBody([...signed, ...pairsFor('GET', path, signed)])}`;

    test('the guard takes them', async () => {
      const byQuery = await ask({
        method: 'GET',
        target: queried('/notes', [['q', 'ä b']]),
        headers: {},
      });
      assert.ok(byQuery.ok);
      assert.deepEqual([byQuery.value.scheme, byQuery.value.user?.name], ['oauth1', 'Ada']);
      const byForm = await ask({
        headers: { 'content-type': form },
        body: Buffer.from(toFormBody([...text, ...pairsFor('POST', '/notes', text)])),
      });
      assert.ok(byForm.ok);
    });
    test('a form beside a signature in the query is covered, too', async () => {
      const target = `/notes?${toFormBody(pairsFor('POST', '/notes'))}`;
      for (const body of [bytes, undefined]) {
        const given = await ask({ target, headers: { 'content-type': form }, body });
        assert.equal(
          given.ok ? 'permit' : kindOf(given.refusal),
          body === undefined ? 'body_unavailable' : 'signature_invalid',
        );
      }
    });
    test('the API takes them, with its own parameters, and needs no proof of a browser then', async () => {
      const answer = await world.app.inject({ url: queried('/api/v1/me') });
      assert.notEqual(answer.statusCode, 400, answer.body);
      assert.notEqual(answer.statusCode, 401, answer.body);
      const wrong = await world.app.inject({ url: `${queried('/api/v1/me')}x` });
      assert.equal(wrong.statusCode, 401);
      assert.match(
        String(wrong.headers['www-authenticate']),
        /OAuth.*oauth_problem="signature_invalid"/,
      );
    });
    test('beside a bearer token, or in the header as well, they are two', async () => {
      const target = queried('/notes');
      const bearer = await ask({ method: 'GET', target, headers: { authorization: 'Bearer abc' } });
      assert.equal(bearer.ok ? 'permit' : kindOf(bearer.refusal), 'two-credentials');
      // Whatever the scheme: what a proxy or another server would read is not for us to guess.
      for (const authorization of ['Basic YTpi', 'Negotiate abc', 'Token abc', 'Bearer', 'Basic'])
        for (const sent of [
          { method: 'GET', target, headers: { authorization } },
          {
            target: '/notes',
            headers: { authorization, 'content-type': form },
            body: Buffer.from(toFormBody(pairsFor('POST', '/notes'))),
          },
        ]) {
          const two = await ask(sent);
          assert.ok(!two.ok);
          assert.deepEqual(
            [two.refusal.status, kindOf(two.refusal)],
            [400, 'two-credentials'],
            authorization,
          );
          assert.match(two.refusal.wwwAuthenticate, /error="invalid_request".*send one of them/);
        }
      const alone = await ask({
        method: 'GET',
        target: '/notes',
        headers: { authorization: 'Basic YTpi' },
      });
      assert.equal(alone.ok ? 'permit' : kindOf(alone.refusal), 'no-credentials');
      const both = await ask({
        method: 'GET',
        target,
        headers: { authorization: headerFor('GET', '/notes') },
      });
      assert.equal(both.ok ? 'permit' : kindOf(both.refusal), 'parameter_rejected');
    });
    test('at api.php the header alone counts, as there', async () => {
      const signed: readonly ParameterPair[] = [
        ['action', 'query'],
        ['meta', 'userinfo'],
      ];
      const answer = await world.app.inject({ url: queried('/w/api.php', signed) });
      assert.equal(answer.json().query.userinfo.anon, '');
    });
  });

  describe('the dialect reads no form that it does not sign', () => {
    const go = (
      method: 'POST' | 'PUT',
      type: string,
      body: string,
      signed: readonly ParameterPair[],
    ) =>
      world.app.inject({
        method,
        url: '/w/index.php?format=json',
        headers: {
          authorization: headerFor(method, '/w/index.php', [['format', 'json'], ...signed]),
          'content-type': type,
        },
        payload: body,
      });
    const title = 'title=Special%3AOAuth%2Fidentify';
    test('POST, whatever the case of the type', async () => {
      for (const type of [form, 'Application/X-WWW-Form-Urlencoded']) {
        assert.match((await go('POST', type, title, [])).body, /Invalid signature/);
        assert.match(
          (await go('POST', type, title, [['title', 'Special:OAuth/identify']])).body,
          /^[\w-]+\.[\w-]+\.[\w-]+$/,
        );
      }
    });
    test('PUT: the title in the form is not seen', async () => {
      assert.doesNotMatch(
        (await go('PUT', form, title, [])).body,
        /^[\w-]+\.[\w-]+\.[\w-]+$|Invalid signature/,
      );
    });
  });
});
