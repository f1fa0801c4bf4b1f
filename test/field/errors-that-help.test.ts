import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import {
  type ParameterPair,
  protocolParameters,
  toAuthorizationHeader,
} from '#harness/own-signer.ts';
import type { CredentialPair as Key } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ClientId, SiteId } from '#kernel/ids.ts';
import { OPERATOR } from '#registry/actor.ts';

describe('errors that help', () => {
  // A refusal says which parameter, which value and what to do, in the body and in the header, at
  // every face alike.

  const origin = 'https://gate.example';
  const form = 'application/x-www-form-urlencoded';
  const here = 'main' as SiteId;
  const verifier = 'v'.repeat(43);
  const challenge = createHash('sha256').update(verifier).digest('base64url');

  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let classic: Key;
  let own: Key;
  let ownToken: Key;
  let web: Awaited<ReturnType<TestServer['createClient']>>;
  let worker: Awaited<ReturnType<TestServer['createClient']>>;

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada', ['developer']);
    ben = await world.createPerson('Ben');
    const first = await world.createClient(ada, { name: 'Classic', protocol: 'oauth1' });
    classic = { key: first.client.id, secret: first.secret };
    const second = await world.createClient(ada, {
      name: 'Own',
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: [],
    });
    own = { key: second.client.id, secret: second.secret };
    ownToken = { key: second.credentials?.token ?? '', secret: second.credentials?.secret ?? '' };
    web = await world.createClient(ada, {
      name: 'Web',
      pkceOptional: true,
      scopes: ['editpage', 'basic'],
    });
    worker = await world.createClient(ada, { name: 'Worker', grantTypes: ['client_credentials'] });
  });
  after(() => world.close());

  type Over = Readonly<Record<string, string | undefined>>;
  type Pairs = readonly ParameterPair[];

  describe('OAuth 1: the kind, the parameter, the time, the methods', () => {
    interface Mistake {
      readonly name: string;
      readonly over?: () => Over;
      /** What happens to the parameters after signing. */
      readonly spoil?: (pairs: Pairs) => Pairs;
      readonly query?: string;
      readonly kind: string;
      readonly says: RegExp;
      readonly fact?: readonly [name: string, value: () => string];
      /** What the dialect says; null: it takes it. */
      readonly dialect: RegExp | null;
    }
    const absent = (name: string, dialect: RegExp): Mistake => ({
      name: `no ${name}`,
      over: () => ({ [name]: undefined }),
      kind: 'parameter_absent',
      says: new RegExp(`^${name} is missing`),
      fact: ['oauth_parameters_absent', () => name],
      dialect,
    });
    const time = (name: string, value: () => string, says: RegExp): Mistake => ({
      name,
      over: () => ({ oauth_timestamp: value() }),
      kind: 'timestamp_refused',
      says,
      fact: ['oauth_acceptable_timestamps', () => `${world.now - 300}-${world.now + 300}`],
      dialect: /Expired timestamp, yours \d+, ours \d+/,
    });
    const mistakes: readonly Mistake[] = [
      absent('oauth_consumer_key', /Invalid consumer key/),
      absent('oauth_nonce', /Missing nonce parameter/),
      absent('oauth_timestamp', /Missing timestamp parameter/),
      absent('oauth_signature_method', /No signature method parameter/),
      {
        ...absent('oauth_signature', /Invalid signature/),
        over: () => ({}),
        spoil: (pairs) => pairs.filter(([name]) => name !== 'oauth_signature'),
      },
      {
        ...absent('oauth_nonce', /Missing nonce parameter/),
        name: 'an empty nonce',
        over: () => ({ oauth_nonce: '' }),
      },
      {
        name: 'a nonce twice',
        spoil: (pairs) => [...pairs, ['oauth_nonce', 'again']],
        kind: 'parameter_rejected',
        says: /oauth_nonce|Authorization/,
        dialect: /Invalid signature/,
      },
      {
        name: 'a lone % in the query (postmanlabs/postman-app-support#291)',
        query: '&q=100%',
        kind: 'parameter_rejected',
        says: /^q, in the query, .*%25/,
        fact: ['oauth_parameters_rejected', () => 'q'],
        // Read there as it stands, and not signed here.
        dialect: /Invalid signature/,
      },
      {
        name: 'Latin-1 in the query',
        query: '&q=s%E4n',
        kind: 'parameter_rejected',
        says: /^q, in the query, .*UTF-8/,
        fact: ['oauth_parameters_rejected', () => 'q'],
        dialect: /Invalid signature/,
      },
      {
        name: 'version 1.0a (ciaranj/node-oauth)',
        over: () => ({ oauth_version: '1.0a' }),
        kind: 'version_rejected',
        says: /1\.0a is not served: it is 1\.0/,
        fact: ['oauth_acceptable_versions', () => '1.0-1.0'],
        dialect: /OAuth version '1\.0a' not supported/,
      },
      {
        name: 'HMAC-SHA512 (request/request#2627)',
        over: () => ({ oauth_signature_method: 'HMAC-SHA512' }),
        kind: 'signature_method_rejected',
        says: /HMAC-SHA512 is not served: use HMAC-SHA1, HMAC-SHA256/,
        fact: [
          'oauth_acceptable_signature_methods',
          () => 'HMAC-SHA1 HMAC-SHA256 RSA-SHA1 RSA-SHA256',
        ],
        dialect: /try one of the following: HMAC-SHA1/,
      },
      {
        name: 'hmac-sha1 in small letters',
        over: () => ({ oauth_signature_method: 'hmac-sha1' }),
        kind: 'signature_method_rejected',
        says: /hmac-sha1 is not served: use HMAC-SHA1/,
        dialect: /try one of the following: HMAC-SHA1/,
      },
      time(
        'a clock five minutes and a second late',
        () => String(world.now - 301),
        /oauth_timestamp is \d+, and here it is 1800\d+: set the clock/,
      ),
      time(
        'a clock five minutes and a second early',
        () => String(world.now + 301),
        /here it is 1800\d+/,
      ),
      time('milliseconds', () => String(world.now * 1000), /milliseconds: send seconds/),
      {
        name: 'an unknown consumer',
        over: () => ({ oauth_consumer_key: '0'.repeat(32) }),
        kind: 'consumer_key_unknown',
        says: /names no app/,
        dialect: /Invalid consumer/,
      },
      {
        name: 'a wrong signature',
        spoil: (pairs) =>
          pairs.map(([name, value]) => [name, name === 'oauth_signature' ? 'AAAA' : value]),
        kind: 'signature_invalid',
        says: /\/my\/help on this server shows/,
        dialect: /Invalid signature: .*\/my\/help/,
      },
      {
        name: 'a wrong oauth_body_hash',
        over: () => ({ oauth_body_hash: 'AAAA' }),
        kind: 'body_hash_invalid',
        says: /base64 of the hash of the body/,
        dialect: /oauth_body_hash/,
      },
    ];

    const headerFor = (
      method: string,
      path: string,
      query: string,
      { over = () => ({}), spoil = (all) => all }: Mistake,
      more: Over = {},
    ) => {
      const [client, token] =
        path === '/oauth1/initiate' || path.startsWith('/wiki') ? [classic, null] : [own, ownToken];
      const signed = query
        .split('&')
        .filter((piece) => piece !== '' && !piece.startsWith('q='))
        .map((piece): ParameterPair => [piece.split('=')[0] ?? '', piece.split('=')[1] ?? '']);
      return toAuthorizationHeader(
        spoil(
          protocolParameters({
            method,
            uri: origin + path,
            signed,
            client,
            token,
            now: world.now,
            overrides: { ...more, ...over() },
          }),
        ),
      );
    };
    const factIn = (mistake: Mistake, given: (name: string) => unknown) => {
      if (mistake.fact) assert.equal(given(mistake.fact[0]), mistake.fact[1]());
    };
    const inChallenge = (mistake: Mistake, value: unknown) => {
      assert.match(
        String(value),
        new RegExp(`OAuth realm="gatehouse", oauth_problem="${mistake.kind}"`),
      );
      if (mistake.fact)
        assert.ok(
          String(value).includes(`${mistake.fact[0]}="${mistake.fact[1]()}"`),
          String(value),
        );
      assert.match(
        /oauth_problem_advice="((?:[^"\\]|\\.)*)"/.exec(String(value))?.[1] ?? '',
        mistake.says,
      );
    };

    for (const mistake of mistakes) {
      const query = mistake.query ?? '';
      test(`${mistake.name}: at /oauth1/initiate, in the JSON API and in the guard`, async () => {
        const url = `/oauth1/initiate${query && `?${query.slice(1)}`}`;
        const authorization = headerFor('POST', '/oauth1/initiate', '', mistake, {
          oauth_callback: 'oob',
        });
        const core = await world.app.inject({ method: 'POST', url, headers: { authorization } });
        const said = new URLSearchParams(core.body);
        assert.ok(core.statusCode === 400 || core.statusCode === 401, String(core.statusCode));
        assert.equal(said.get('oauth_problem'), mistake.kind);
        assert.match(said.get('oauth_problem_advice') ?? '', mistake.says);
        factIn(mistake, (name) => said.get(name));
        assert.equal(core.headers.link, '</my/help>; rel="help"');
        if (core.statusCode === 401) inChallenge(mistake, core.headers['www-authenticate']);

        const target = `/api/v1/me${query && `?${query.slice(1)}`}`;
        const api = await world.app.inject({
          url: target,
          headers: { authorization: headerFor('GET', '/api/v1/me', '', mistake) },
        });
        assert.equal(api.statusCode, core.statusCode);
        assert.deepEqual(
          [api.json().code, api.json().problem, api.json().oauth_problem],
          ['invalid_token', mistake.kind, mistake.kind],
        );
        assert.match(api.json().detail, mistake.says);
        factIn(mistake, (name) => api.json()[name]);
        inChallenge(mistake, api.headers['www-authenticate']);

        const headers = { authorization: headerFor('GET', '/notes', '', mistake) };
        const asked = {
          method: 'GET',
          target: `/notes${query && `?${query.slice(1)}`}`,
          headers,
          body: undefined,
          address: '192.0.2.1',
          secure: true,
        };
        const permit = await world.server.guard.permit(asked, here);
        assert.ok(!permit.ok);
        assert.deepEqual(
          [permit.refusal.status, permit.refusal.body.error],
          [core.statusCode, mistake.kind],
        );
        assert.match(permit.refusal.body.error_description, mistake.says);
        factIn(mistake, (name) => permit.refusal.body[name]);
        inChallenge(mistake, permit.refusal.wwwAuthenticate);
      });
      test(`${mistake.name}: in the dialect`, async () => {
        if (mistake.dialect === null) return;
        const wiki = '/wiki/Special:OAuth/initiate';
        const authorization = headerFor('GET', wiki, '&format=json', mistake, {
          oauth_callback: 'oob',
        });
        const shake = await world.app.inject({
          url: `${wiki}?format=json${query}`,
          headers: { authorization },
        });
        assert.match(shake.body, mistake.dialect);
        const asked = '&action=query&meta=userinfo';
        const api = await world.app.inject({
          url: `/w/api.php?${asked.slice(1)}${query}`,
          headers: { authorization: headerFor('GET', '/w/api.php', asked, mistake) },
        });
        assert.match(api.json().error.info, mistake.dialect);
        assert.equal(api.headers['mediawiki-api-error'], 'mwoauth-invalid-authorization');
      });
    }

    for (const [name, over, kind, says] of [
      [
        'no callback',
        { oauth_callback: undefined },
        'parameter_absent',
        /oauth_callback is missing: "oob"/,
      ],
      [
        'a callback that is not registered',
        { oauth_callback: 'https://evil.example/' },
        'callback_rejected',
        /"oob", or the registered/,
      ],
      [
        'a nonce of 600 characters',
        { oauth_nonce: 'n'.repeat(600) },
        'parameter_rejected',
        /600|too long/,
      ],
    ] as const)
      test(`/oauth1/initiate with ${name} says what is taken`, async () => {
        const pairs = protocolParameters({
          ...{
            method: 'POST',
            uri: `${origin}/oauth1/initiate`,
            client: classic,
            token: null,
            now: world.now,
          },
          overrides: { oauth_callback: 'oob', ...over },
        });
        const answer = await world.app.inject({
          method: 'POST',
          url: '/oauth1/initiate',
          headers: { authorization: toAuthorizationHeader(pairs) },
        });
        const said = new URLSearchParams(answer.body);
        assert.equal(said.get('oauth_problem'), kind);
        assert.match(said.get('oauth_problem_advice') ?? '', says);
      });

    test('the dialect tells E010 and E011 before it asks for a signature (protocols 1.12), and of no hidden app', async () => {
      const made = await world.createClient(ada, { name: 'Bare', protocol: 'oauth1' });
      const bare = { key: made.client.id, secret: made.secret };
      const say = async (step: 'initiate' | 'token', client: Key) => {
        const uri = `${origin}/wiki/Special:OAuth/${step}`;
        const over = step === 'initiate' ? { oauth_callback: 'oob' } : { oauth_verifier: 'v' };
        const token = step === 'initiate' ? null : { key: '0'.repeat(32), secret: 'x' };
        const signed: Pairs = [['format', 'json']];
        const authorization = toAuthorizationHeader(
          protocolParameters({
            method: 'GET',
            uri,
            signed,
            client,
            token,
            now: world.now,
            overrides: over,
          }),
        );
        return (
          await world.app.inject({
            url: `/wiki/Special:OAuth/${step}?format=json`,
            headers: { authorization },
          })
        ).json();
      };
      assert.equal((await say('initiate', bare)).oauth_callback_confirmed, 'true');
      assert.equal((await say('token', bare)).error, 'mwoauthdatastore-request-token-not-found');
      const { submit } = world.server.services.registry;
      const [first] = (await world.server.store.findClient(made.client.id))?.secrets ?? [];
      const about = { clientId: bare.key, reason: '' };
      assert.ok(
        (
          await submit(OPERATOR, 'add-secret', {
            ...about,
            label: 'short',
            expiresAt: world.now + 60,
          })
        ).ok,
      );
      assert.ok((await submit(OPERATOR, 'retire-secret', { ...about, secretId: first?.id })).ok);
      world.advanceClock(61);
      for (const step of ['initiate', 'token'] as const) {
        const [theirs, none] = [await say(step, own), await say(step, bare)];
        assert.equal(theirs.error, 'mwoauthserver-consumer-owner-only');
        assert.match(theirs.message, new RegExp(`/my/apps/${own.key} .*E010`));
        assert.equal(none.error, 'mwoauthserver-consumer-no-secret');
        assert.match(none.message, /neither a secret that is valid nor an RSA key.*E011/);
      }
      // The core says it to nobody who did not sign.
      const core = protocolParameters({
        ...{
          method: 'POST',
          uri: `${origin}/oauth1/initiate`,
          client: bare,
          token: null,
          now: world.now,
          overrides: { oauth_callback: 'oob' },
        },
      });
      const answer = await world.app.inject({
        method: 'POST',
        url: '/oauth1/initiate',
        headers: { authorization: toAuthorizationHeader(core) },
      });
      assert.equal(new URLSearchParams(answer.body).get('oauth_problem'), 'signature_invalid');
      assert.ok((await world.clients.disable(bare.key as ClientId, { suppress: true })).ok);
      assert.match((await say('initiate', bare)).message, /Invalid signature/);
    });
  });

  describe('OAuth 2: what to send instead', () => {
    interface Row {
      readonly name: string;
      readonly url?: string;
      readonly query?: string;
      readonly body: () => string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly status: number;
      readonly error: string;
      readonly says: RegExp;
      /** At the dialect's token address. */
      readonly dialect?: readonly [status: number, says: RegExp];
    }
    const credentials = () => ({ client_id: worker.client.id, client_secret: worker.secret });
    const grant = (more: Readonly<Record<string, string>> = {}) =>
      new URLSearchParams({
        grant_type: 'client_credentials',
        ...credentials(),
        ...more,
      }).toString();
    const invalid = { status: 400, error: 'invalid_request' } as const;
    const scope = (
      name: string,
      value: string,
      says: RegExp,
      dialect: readonly [number, RegExp],
    ): Row => ({
      ...{
        name,
        body: () => grant({ scope: value }),
        status: 400,
        error: 'invalid_scope',
        says,
        dialect,
      },
    });
    const sendForm = /form: Content-Type: application\/x-www-form-urlencoded/;
    const typed = (type: string): Row => ({
      ...{
        name: `a body of ${type}`,
        body: () => JSON.stringify({ grant_type: 'client_credentials' }),
        ...invalid,
        says: sendForm,
      },
      headers: { 'content-type': type },
      dialect: [415, sendForm],
    });
    const rows: readonly Row[] = [
      ...[
        'application/json',
        'text/plain',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencodedx',
      ].map(typed),
      {
        name: 'grant_type in the query',
        query: '?grant_type=client_credentials',
        body: () => 'x=1',
        ...invalid,
        says: /^grant_type was sent in the query/,
        dialect: [400, /`grant_type` parameter: it came in the query/],
      },
      {
        name: 'everything in the query',
        query: '?grant_type=client_credentials&client_id=x&client_secret=y',
        body: () => 'grant_type=client_credentials',
        status: 401,
        error: 'invalid_client',
        says: /in the query.*in logs: change it/,
        dialect: [400, /`client_id` parameter: it came in the query/],
      },
      {
        name: 'a code in the query',
        query: '?code=abc',
        body: () =>
          new URLSearchParams({
            grant_type: 'authorization_code',
            client_id: web.client.id,
            client_secret: web.secret,
          }).toString(),
        ...invalid,
        says: /^code was sent in the query/,
        dialect: [400, /`code` parameter: it came in the query/],
      },
      {
        name: 'no grant_type',
        body: () => 'x=1',
        ...invalid,
        says: /^grant_type is missing: authorization_code, refresh_token or client_credentials/,
        dialect: [400, /grant_type is missing: authorization_code/],
      },
      {
        name: 'the grant type password',
        body: () => 'grant_type=password&username=a&password=b',
        status: 400,
        error: 'unsupported_grant_type',
        says: /use authorization_code, refresh_token, client_credentials/,
        dialect: [400, /grant_type is not served: use authorization_code/],
      },
      {
        name: 'the grant type of devices',
        body: () => 'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code',
        status: 400,
        error: 'unsupported_grant_type',
        says: /use authorization_code/,
        dialect: [400, /grant_type/],
      },
      {
        name: 'a parameter twice',
        body: () => `${grant()}&grant_type=client_credentials`,
        ...invalid,
        says: /^grant_type is repeated: send it once/,
        dialect: [400, /grant_type is repeated: send it once/],
      },
      {
        name: 'a broken escape',
        body: () => 'grant_type=%zz',
        ...invalid,
        says: /body cannot be read.*%25/,
        dialect: [400, /body cannot be read.*%25/],
      },
      {
        name: 'no credentials',
        body: () => 'grant_type=client_credentials',
        status: 401,
        error: 'invalid_client',
        says: /missing: send Basic, or client_id/,
        dialect: [400, /authentication is missing: send Basic, or client_id/],
      },
      {
        name: 'another scheme',
        body: () => 'grant_type=client_credentials',
        headers: { authorization: 'Digest x' },
        status: 401,
        error: 'invalid_client',
        says: /use Basic, or leave it out/,
        dialect: [400, /client_id/],
      },
      {
        name: 'Basic that is no base64',
        body: () => 'grant_type=client_credentials',
        headers: { authorization: 'Basic a:b' },
        status: 401,
        error: 'invalid_client',
        says: /base64 of client_id:client_secret/,
        dialect: [400, /client_id/],
      },
      {
        name: 'a form of 70,000 bytes',
        body: () => `grant_type=${'x'.repeat(70_000)}`,
        status: 413,
        error: 'invalid_request',
        says: /at most 65536 bytes/,
        dialect: [413, /at most 65536 bytes/],
      },
      {
        name: 'a compressed form',
        body: () => grant(),
        headers: { 'content-encoding': 'gzip' },
        status: 415,
        error: 'invalid_request',
        says: /without Content-Encoding/,
        dialect: [415, /without Content-Encoding/],
      },
      {
        name: 'a body above a mebibyte',
        body: () => 'x'.repeat(1_100_000),
        status: 413,
        error: 'invalid_request',
        says: /at most 65536 bytes/,
        dialect: [413, /at most 65536 bytes/],
      },
      {
        name: 'a Content-Type that is none',
        body: () => grant(),
        headers: { 'content-type': 'form' },
        status: 415,
        error: 'invalid_request',
        says: /send application\/x-www-form-urlencoded/,
        dialect: [415, /application\/x-www-form-urlencoded/],
      },
      scope(
        'openid, which is not served (mastodon/mastodon#8210)',
        'openid editpage',
        /^The scope openid is unknown/,
        [400, /openid is unknown/],
      ),
      scope('scopes with a comma', 'editpage,basic', /^The scope editpage,basic is unknown/, [
        400,
        /editpage,basic is unknown/,
      ]),
      scope('a quote in a scope', 'edit"page', /^The scope edit\?page is malformed/, [
        400,
        /malformed/,
      ]),
      scope(
        '4,097 characters of good scopes',
        'basic '.repeat(683).slice(0, 4097),
        /^scope is longer than 4096 characters/,
        [400, /scope is longer than 4096 characters/],
      ),
      scope('4,096 characters of one name', 'a'.repeat(4096), /^The scope a{64} is unknown/, [
        400,
        /a{64} is unknown/,
      ]),
      {
        name: 'a grant type that the app is not registered for',
        body: () =>
          new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: web.client.id,
            client_secret: web.secret,
          }).toString(),
        status: 400,
        error: 'unauthorized_client',
        says: /not registered for this grant type/,
        dialect: [
          401,
          /Client authentication failed: The client is not registered for this grant type/,
        ],
      },
      {
        name: 'a refresh token that never was',
        body: () =>
          new URLSearchParams({
            grant_type: 'refresh_token',
            refresh_token: 'x',
            client_id: web.client.id,
            client_secret: web.secret,
          }).toString(),
        status: 400,
        error: 'invalid_grant',
        says: /code or token is not known/,
        dialect: [400, /another client: The code or token is not known/],
      },
      scope('a scope of letters beyond ASCII', 'éditpage', /malformed/, [400, /malformed/]),
      {
        ...scope(
          'a scope that exists',
          'sendemail',
          /^The scope sendemail is not allowed: the client is not registered for it/,
          [200, /access_token/],
        ),
      },
      {
        name: 'no token to introspect',
        url: '/oauth2/introspect',
        body: () => new URLSearchParams(credentials()).toString(),
        ...invalid,
        says: /^token is missing/,
      },
      {
        name: 'a token to introspect in the query',
        url: '/oauth2/introspect',
        query: '?token=abc',
        body: () => new URLSearchParams(credentials()).toString(),
        ...invalid,
        says: /^token was sent in the query/,
      },
      {
        name: 'a token to revoke in the query',
        url: '/oauth2/revoke',
        query: '?token=abc',
        body: () => new URLSearchParams(credentials()).toString(),
        ...invalid,
        says: /^token was sent in the query/,
      },
      {
        name: 'JSON to introspect',
        url: '/oauth2/introspect',
        body: () => '{"token":"x"}',
        headers: { 'content-type': 'application/json' },
        ...invalid,
        says: sendForm,
      },
      {
        name: 'JSON to revoke',
        url: '/oauth2/revoke',
        body: () => '{"token":"x"}',
        headers: { 'content-type': 'application/json' },
        ...invalid,
        says: sendForm,
      },
    ];
    for (const {
      name,
      url = '/oauth2/token',
      query = '',
      body,
      headers = {},
      status,
      error,
      says,
      dialect,
    } of rows)
      test(`${name} (${url})`, async () => {
        const send = (to: string) =>
          world.app.inject({
            method: 'POST',
            url: to + query,
            payload: body(),
            headers: { 'content-type': form, ...headers },
          });
        const answer = await send(url);
        assert.deepEqual([answer.statusCode, answer.json().error], [status, error], answer.body);
        assert.match(answer.json().error_description, says);
        assert.match(
          answer.json().error_description,
          /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/,
          'RFC 6749 §5.2',
        );
        if (dialect === undefined) return;
        const other = await send('/w/rest.php/oauth2/access_token');
        assert.equal(other.statusCode, dialect[0], other.body);
        assert.match(other.body, dialect[1]);
      });

    test('a refresh that asks for more than was granted names the scope', async () => {
      const code = await world.issueCode(web, ben);
      const client = { client_id: web.client.id, client_secret: web.secret };
      const send = (fields: Readonly<Record<string, string>>) =>
        world.app.inject({
          method: 'POST',
          url: '/oauth2/token',
          headers: { 'content-type': form },
          payload: new URLSearchParams({ ...client, ...fields }).toString(),
        });
      const bought = await send({
        grant_type: 'authorization_code',
        code,
        redirect_uri: web.client.redirectUri,
      });
      const refused = await send({
        grant_type: 'refresh_token',
        refresh_token: bought.json().refresh_token,
        scope: 'editpage sendemail',
      });
      assert.equal(refused.json().error, 'invalid_scope');
      assert.match(refused.json().error_description, /^The scope sendemail is not allowed/);
      const long = await send({
        grant_type: 'refresh_token',
        refresh_token: bought.json().refresh_token,
        scope: 'basic '.repeat(700),
      });
      assert.match(long.json().error_description, /^scope is longer than 4096 characters/);
    });

    for (const [asked, error, says] of [
      ['scope=openid', 'invalid_scope', /openid is unknown/],
      [
        'scope=editpage%20sendemail',
        'invalid_scope',
        /sendemail is not allowed: the client is not registered/,
      ],
      ['scope=edit%22page', 'invalid_scope', /malformed/],
      [`scope=${'basic+'.repeat(700)}`, 'invalid_scope', /scope is longer than 4096 characters/],
      ['response_type=token', 'unsupported_response_type', /response_type=code/],
      ['response_type=id_token', 'unsupported_response_type', /response_type=code/],
      [
        'code_challenge=short&code_challenge_method=S256',
        'invalid_request',
        /code_challenge is malformed: 43 to 128/,
      ],
      ['code_challenge=x&code_challenge=y', 'invalid_request', /code_challenge is repeated/],
      ['prompt=none%20login', 'invalid_request', /prompt .*none stands alone/],
    ] as const)
      test(`/oauth2/authorize?${asked.slice(0, 60)} tells the app ${error}`, async () => {
        const type = asked.startsWith('response_type') ? '' : '&response_type=code';
        const pkce = asked.startsWith('code_challenge')
          ? ''
          : `&code_challenge=${challenge}&code_challenge_method=S256`;
        const answer = await world.app.inject({
          url: `/oauth2/authorize?client_id=${web.client.id}${type}${pkce}&${asked}`,
          headers: { cookie: await world.sessionCookie(ben) },
        });
        const { searchParams } = new URL(String(answer.headers.location));
        assert.equal(searchParams.get('error'), error);
        assert.match(searchParams.get('error_description') ?? '', says);
      });

    test('an app that may not do what it asks for is told why', async () => {
      const pocket = await world.createClient(ada, { name: 'Pocket', confidential: false });
      const send = async (url: string, fields: Readonly<Record<string, string>>) => {
        const payload = new URLSearchParams(fields).toString();
        return (
          await world.app.inject({
            method: 'POST',
            url,
            headers: { 'content-type': form },
            payload,
          })
        ).json();
      };
      const named = { client_id: pocket.client.id };
      const asked = await send('/oauth2/introspect', { ...named, token: 'x' });
      assert.deepEqual(
        [asked.error, asked.error_description],
        ['unauthorized_client', 'Only a client that keeps a secret may do this.'],
      );
      const bought = await send('/oauth2/token', { ...named, grant_type: 'client_credentials' });
      assert.deepEqual(
        [bought.error, bought.error_description],
        ['unauthorized_client', 'The client is not registered for this grant type.'],
      );
      const own = {
        client_id: worker.client.id,
        client_secret: worker.secret,
        grant_type: 'client_credentials',
      };
      assert.ok((await world.clients.disable(worker.client.id)).ok);
      const stopped = await send('/oauth2/token', own);
      assert.match(stopped.error_description, /may not be used: it is not approved, was stopped/);
      assert.ok((await world.clients.reenable(worker.client.id)).ok);
    });

    for (const [what, payload, headers, status, says] of [
      [
        'JSON',
        '{}',
        { 'content-type': 'application/json' },
        400,
        /application\/x-www-form-urlencoded/,
      ],
      ['70,000 bytes', 'x'.repeat(70_000), { 'content-type': form }, 413, /too large/],
      ['a broken escape', 'a=%zz', { 'content-type': form }, 400, /encoding/],
    ] as const)
      test(`a posted authorization request of ${what} is told on a page`, async () => {
        const answer = await world.app.inject({
          method: 'POST',
          url: '/oauth2/authorize',
          payload,
          headers: { ...headers, accept: 'text/html' },
        });
        assert.equal(answer.statusCode, status);
        assert.match(answer.body, says);
      });
  });

  describe('bearer tokens: why one does not hold', () => {
    const rows: readonly (readonly [
      name: string,
      headers: () => Readonly<Record<string, string>>,
      query: string,
      status: number,
      problem: string,
      says: RegExp,
    ])[] = [
      ['no credentials', () => ({}), '', 401, '', /Authorization: Bearer.*Authorization: OAuth/],
      [
        'a token in the query (RFC 9700 §4.3.2)',
        () => ({}),
        '?access_token=abc',
        401,
        '',
        /access_token was sent in the query/,
      ],
      [
        'Basic',
        () => ({ authorization: basicHeader('a', 'b') }),
        '',
        401,
        'no_credentials',
        /scheme that is not read here/,
      ],
      [
        'a token without its scheme',
        () => ({ authorization: 'eyJhbGciOiJub25lIn0' }),
        '',
        401,
        'no_credentials',
        /"Bearer" and a token/,
      ],
      [
        'an unknown token',
        () => ({ authorization: 'Bearer abc' }),
        '',
        401,
        'invalid_token',
        /not known here/,
      ],
      [
        'a token with a blank',
        () => ({ authorization: 'Bearer a b' }),
        '',
        400,
        'invalid_request',
        /malformed: Authorization is "Bearer", a space/,
      ],
      ['no token', () => ({ authorization: 'Bearer' }), '', 400, 'invalid_request', /malformed/],
      [
        'a token and a signature',
        () => ({ authorization: 'Bearer abc' }),
        '?oauth_signature=x',
        400,
        'invalid_request',
        /send one of them/,
      ],
    ];
    for (const [name, headers, query, status, problem, says] of rows)
      test(`${name}: in the JSON API and the guard`, async () => {
        const api = await world.app.inject({ url: `/api/v1/consents${query}`, headers: headers() });
        assert.equal(api.statusCode, status, api.body);
        assert.match(api.json().detail, says);
        assert.equal(api.json().problem ?? '', problem);
        if (problem === '') assert.equal(api.json().scope, 'gatehouse:consents');
        const asked = {
          method: 'GET',
          target: `/notes${query}`,
          headers: headers(),
          body: undefined,
          address: '192.0.2.1',
          secure: true,
        };
        const permit = await world.server.guard.permit(asked, here);
        assert.ok(!permit.ok && permit.refusal.status === status);
        assert.match(permit.refusal.body.error_description, says);
        if (problem.startsWith('invalid')) {
          assert.match(
            permit.refusal.wwwAuthenticate,
            new RegExp(`Bearer .*error="${problem}", error_description="`),
          );
          assert.equal(api.headers['www-authenticate'], permit.refusal.wwwAuthenticate);
        }
      });
  });
});
