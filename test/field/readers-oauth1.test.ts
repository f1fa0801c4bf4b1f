import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { RawRequest } from '#encoding/raw-request.ts';
import {
  hmacSignature,
  type ParameterPair,
  protocolParameters,
  rfc5849Encode,
  signatureBaseString,
  toAuthorizationHeader,
  toFormBody,
} from '#harness/own-signer.ts';
import type { CredentialPair as Key } from '#harness/signed.ts';
import { TestServer } from '#harness/world.ts';
import type { SiteId } from '#kernel/ids.ts';

describe('readers oauth1', () => {
  // What is read of a signed request: by RFC 5849 and RFC 9110 at the core, the guard and the JSON
  // API; at the addresses of the MediaWiki dialect never less than the reference reads. What is
  // refused says which parameter, and why.

  const origin = 'https://gate.example';
  const here = 'main' as SiteId;
  const form = 'application/x-www-form-urlencoded';
  let world: TestServer;
  let client: Key;
  let token: Key;
  /** An app for everybody, whose callback is a prefix. */
  let shared: Key;

  before(async () => {
    world = new TestServer();
    const ada = await world.createPerson('Ada', ['developer']);
    ({ client, token } = await world.ownerOnlySigner(ada));
    const uri = { redirectUri: 'https://app.example/cb', redirectIsPrefix: true };
    const other = await world.createClient(ada, {
      name: 'shared',
      protocol: 'oauth1',
      grantTypes: [],
      ...uri,
    });
    shared = { key: other.client.id, secret: other.secret };
  });
  after(() => world.close());

  type Over = Readonly<Record<string, string | undefined>>;
  const pairsFor = (
    method: string,
    path: string,
    signed: readonly ParameterPair[] = [],
    over: Over = {},
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
  const who: readonly ParameterPair[] = [
    ['action', 'query'],
    ['meta', 'userinfo'],
  ];
  const asked = '/w/api.php?action=query&meta=userinfo';

  /**
   * What each reader answers: the guard's refusal or null, and the user of api.php or what it says.
   */
  async function atGuard(
    method: string,
    target: string,
    headers: RawRequest['headers'],
    body?: Uint8Array,
  ) {
    const answer = await world.server.guard.permit(
      { method, target, headers, body, address: '192.0.2.1', secure: true },
      here,
    );
    if (answer.ok) return null;
    const { status, wwwAuthenticate, why } = answer.refusal;
    const refusal = why.kind === 'oauth1' ? why.refusal : null;
    return {
      status,
      wwwAuthenticate,
      kind: refusal?.kind ?? why.kind,
      ...(refusal?.kind === 'parameter_rejected' ? refusal : { parameter: null, advice: '' }),
    };
  }
  async function atApi(
    url: string,
    headers: Record<string, string>,
    method: 'GET' | 'POST' | 'HEAD' = 'GET',
    payload?: string | Buffer,
  ) {
    const answer = await world.app.inject({
      method,
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    const { query, error } = answer.json() as {
      query?: { userinfo: { name: string } };
      error?: { info: string };
    };
    return query?.userinfo.name ?? error?.info ?? answer.body;
  }

  const written =
    (write: (pair: ParameterPair) => string, joint = ', ', scheme = 'OAuth ') =>
    (pairs: readonly ParameterPair[]) =>
      scheme + pairs.map(write).join(joint);
  const quoted = ([name, value]: ParameterPair) => `${name}="${rfc5849Encode(value)}"`;
  const bare = ([name, value]: ParameterPair) => `${name}=${rfc5849Encode(value)}`;
  const escaped = (text: string) => text.replace(/[\s\S]/g, '\\$&');

  interface Spelling {
    readonly name: string;
    readonly write: (pairs: readonly ParameterPair[]) => string;
    /** Who takes it; usually both. */
    readonly taken?: 'core' | 'dialect' | 'nobody';
    /** What the core says when it does not: which parameter, and why. */
    readonly core?: readonly [string, RegExp];
    readonly dialect?: RegExp;
  }

  const beforeFirst = (text: string) => (pairs: readonly ParameterPair[]) =>
    `OAuth ${text}${pairs.map(quoted).join(', ')}`;
  const spellings: readonly Spelling[] = [
    { name: 'as everybody writes it', write: written(quoted) },
    // RFC 9110 §5.6.4
    {
      name: 'every character of a value as a quoted-pair',
      write: written(([name, value]) => `${name}="${escaped(rfc5849Encode(value))}"`),
    },
    {
      name: 'one quoted-pair',
      write: written(([name, value]) => `${name}="${rfc5849Encode(value).replace(/^./, '\\$&')}"`),
    },
    { name: 'a realm with an escaped quotation mark', write: beforeFirst('realm="a \\"b\\" c", ') },
    { name: 'a realm with an escaped backslash at its end', write: beforeFirst('realm="a\\\\", ') },
    // RFC 9110 §5.6.3, §11.2
    {
      name: 'blanks around =',
      write: written(([name, value]) => `${name} = "${rfc5849Encode(value)}"`),
    },
    {
      name: 'tabs around =',
      write: written(([name, value]) => `${name}\t=\t"${rfc5849Encode(value)}"`),
    },
    {
      name: 'a blank before = alone',
      write: written(([name, value]) => `${name} ="${rfc5849Encode(value)}"`),
    },
    {
      name: 'a blank behind = alone',
      write: written(([name, value]) => `${name}=  "${rfc5849Encode(value)}"`),
    },
    {
      name: 'blanks around = without quotation marks',
      write: written(([name, value]) => `${name} = ${rfc5849Encode(value)}`),
    },
    // RFC 9110 §5.6.1.2
    { name: 'empty elements in front', write: beforeFirst(',, , ') },
    { name: 'empty elements between', write: written(quoted, ', ,,\t, ') },
    { name: 'empty elements at the end', write: (pairs) => `${written(quoted)(pairs)},, ,` },
    { name: 'an empty element behind the space after the scheme', write: beforeFirst(',') },
    { name: 'tabs between', write: written(quoted, '\t,\t') },
    { name: 'blanks before commas', write: written(quoted, '  ,  ') },
    { name: 'nothing but commas between', write: written(quoted, ',') },
    // RFC 9110 §11.2: a value is a token or a quoted string.
    { name: 'values without quotation marks', write: written(bare) },
    {
      name: 'some values without quotation marks',
      write: written((pair) => (pair[0].length % 2 === 0 ? bare(pair) : quoted(pair))),
    },
    { name: 'values without quotation marks, and nothing but commas', write: written(bare, ',') },
    // RFC 9110 §11.1
    ...['oauth', 'OAUTH', 'oAuTh'].map((scheme) => ({
      name: `the scheme ${scheme}`,
      write: written(quoted, ', ', `${scheme} `),
    })),
    { name: 'many spaces after the scheme', write: written(quoted, ', ', 'OAuth     ') },
    { name: 'a tab after the scheme', write: written(quoted, ', ', 'OAuth\t') },
    { name: 'the signature first', write: (pairs) => written(quoted)(pairs.toReversed()) },
    { name: 'a realm at the end', write: (pairs) => `${written(quoted)(pairs)}, realm="x"` },
    { name: 'a realm in capitals', write: beforeFirst('REALM="x", ') },
    { name: 'an empty realm', write: beforeFirst('realm="", ') },
    {
      name: 'a realm beyond ASCII',
      write: beforeFirst(`realm="${Buffer.from('Straße').toString('latin1')}", `),
    },
    { name: 'a realm with a lone percent sign', write: beforeFirst('realm="100%", ') },
    {
      name: 'a realm that looks like a parameter',
      write: beforeFirst('realm="oauth_token=evil", '),
    },
    {
      name: 'a realm at the end that looks like one',
      write: (pairs) => `${written(quoted)(pairs)}, realm="x, oauth_token=evil"`,
    },
    {
      name: 'a realm that would end early',
      write: (pairs) => `${written(quoted)(pairs)}, realm="x\\", oauth_token=\\"evil"`,
    },
    {
      name: 'small hexadecimal digits',
      write: written(
        ([name, value]) =>
          `${name}="${rfc5849Encode(value).replace(/%../g, (one) => one.toLowerCase())}"`,
      ),
    },
    {
      name: 'characters encoded that need not be',
      write: written(
        ([name, value]) =>
          `${name}="${rfc5849Encode(value).replace(/[0-9]/g, value.includes('=') ? '$&' : '%3$&')}"`,
      ),
    },

    // Only by the RFC: the reference looks for names as they stand.
    {
      name: 'a name percent-encoded',
      write: written(([name, value]) => `${name.replace('_', '%5F')}="${rfc5849Encode(value)}"`),
      taken: 'core',
    },

    // Only as the reference reads it.
    {
      name: 'blanks instead of commas',
      write: written(quoted, ' '),
      taken: 'dialect',
      core: [
        'Authorization',
        /^Authorization cannot be read: a comma is missing after the value of oauth_consumer_key\.$/,
      ],
    },
    {
      name: 'semicolons instead of commas',
      write: written(quoted, '; '),
      taken: 'dialect',
      core: ['Authorization', /a comma is missing/],
    },
    {
      name: 'nothing between',
      write: written(quoted, ''),
      taken: 'dialect',
      core: ['Authorization', /a comma is missing/],
    },
    {
      name: 'line-like blanks between',
      write: written(quoted, ' \t '),
      taken: 'dialect',
      core: ['Authorization', /a comma is missing/],
    },
    {
      name: 'a colon before the quotation mark',
      write: written(([name, value]) => `${name}=:"${rfc5849Encode(value)}"`),
      taken: 'dialect',
      core: ['Authorization', /quotation mark inside/],
    },
    {
      name: 'a name without a value',
      write: beforeFirst('garbage, '),
      taken: 'dialect',
      core: ['Authorization', /"=" is missing after garbage/],
    },
    {
      name: 'a lone text',
      write: beforeFirst('"x" '),
      taken: 'dialect',
      core: [
        'Authorization',
        /after the scheme a parameter name is expected, and """ stands there/,
      ],
    },
    {
      name: 'a name in brackets',
      write: (pairs) => written(quoted)(pairs).replace('oauth_nonce', '(oauth_nonce'),
      taken: 'dialect',
      core: [
        'Authorization',
        /after oauth_consumer_key a parameter name is expected, and "\(" stands/,
      ],
    },
    { name: 'a parameter that is not signed', write: beforeFirst('x="1", '), taken: 'dialect' },
    { name: 'a parameter with capitals', write: beforeFirst('oauth_X="1", '), taken: 'dialect' },
    {
      name: 'two of a name, the last one right',
      write: beforeFirst('oauth_nonce="other", '),
      taken: 'dialect',
      core: ['oauth_nonce', /stands twice/],
    },
    {
      name: 'the same one twice',
      write: (pairs) => written(quoted)([...pairs, pairs[0] as ParameterPair]),
      taken: 'dialect',
      core: ['oauth_consumer_key', /stands twice/],
    },
    {
      name: 'a parameter that is not signed, with a lone percent sign',
      write: beforeFirst('x="100%", '),
      taken: 'dialect',
      core: ['x', /write a percent sign as %25/],
    },

    // Nobody.
    {
      name: 'two of a name, the last one wrong',
      write: (pairs) => `${written(quoted)(pairs)}, oauth_nonce="other"`,
      taken: 'nobody',
      core: ['oauth_nonce', /twice/],
      dialect: /Invalid signature/,
    },
    {
      name: 'two realms',
      write: beforeFirst('realm="a", realm="b", '),
      taken: 'dialect',
      core: ['realm', /twice/],
    },
    {
      name: 'an open quotation mark',
      write: (pairs) => written(quoted)(pairs).slice(0, -1),
      taken: 'nobody',
      core: ['Authorization', /end of the value of oauth_signature is missing/],
    },
    {
      name: 'a quotation mark in a bare value',
      write: written(([name, value]) => `${name}=${rfc5849Encode(value)}"`),
      taken: 'nobody',
      core: ['Authorization', /quotation mark inside/],
    },
    {
      name: 'bare values with blanks between',
      write: written(bare, ' '),
      taken: 'nobody',
      core: ['Authorization', /comma is missing/],
    },
    {
      name: 'a nonce that is not UTF-8',
      write: (pairs) => written(quoted)(pairs).replace(/oauth_nonce="/, '$&%E9'),
      taken: 'nobody',
      core: ['oauth_nonce', /not UTF-8/],
    },
    {
      name: 'a nonce with raw bytes',
      write: (pairs) => written(quoted)(pairs).replace(/oauth_nonce="/, '$&\xe9'),
      taken: 'nobody',
      core: ['oauth_nonce', /beyond ASCII/],
    },
    {
      name: 'an escape cut off',
      write: (pairs) => written(quoted)(pairs).replace(/oauth_nonce="/, '$&%4'),
      taken: 'nobody',
      core: ['oauth_nonce', /%25/],
    },
    ...[',', ':', ';', '=', '"', '/'].map(
      (char): Spelling => ({
        name: `${char} after the scheme`,
        write: written(quoted, ', ', `OAuth${char} `),
        taken: 'nobody',
        core: [
          'Authorization',
          /^Authorization cannot be read: after the scheme OAuth a space is expected, and "/,
        ],
        dialect: /Invalid parameter Authorization: .*after the scheme OAuth a space is expected/,
      }),
    ),
    {
      name: 'a comma after a scheme in small letters',
      write: written(quoted, ', ', 'oauth,'),
      taken: 'nobody',
      core: ['Authorization', /space is expected, and "," stands/],
      dialect: /space is expected/,
    },
    {
      name: 'nothing after the scheme',
      write: written(quoted, ', ', 'OAuth'),
      taken: 'nobody',
      core: ['Authorization', /space is expected, and "o" stands/],
      dialect: /space is expected/,
    },
    {
      name: 'a no-break space after the scheme',
      write: written(quoted, ', ', 'OAuth\xa0'),
      taken: 'nobody',
      core: ['Authorization', /a character beyond ASCII stands/],
      dialect: /space is expected/,
    },
    {
      name: 'no scheme',
      write: written(quoted, ', ', ''),
      taken: 'nobody',
      core: [
        'Authorization',
        /^Authorization cannot be read: the scheme OAuth and a space are missing/,
      ],
      dialect: /Invalid parameter Authorization: .*the scheme OAuth and a space are missing/,
    },
    {
      name: 'no parameters',
      write: () => 'OAuth',
      taken: 'nobody',
      core: ['Authorization', /no parameters after the scheme/],
    },
    {
      name: 'no parameters but commas',
      write: () => 'OAuth ,,',
      taken: 'nobody',
      core: ['Authorization', /no parameters after the scheme/],
    },
    {
      name: 'too much',
      write: (pairs) => `${written(quoted)(pairs)}${' '.repeat(17_000)},`,
      taken: 'nobody',
      core: ['Authorization', /has \d+ characters after the scheme, and at most 16384/],
      dialect: /at most 16384/,
    },
  ];

  describe('the Authorization header', () => {
    for (const { name, write, taken, core, dialect } of spellings) {
      test(`at the guard: ${name}`, async () => {
        const said = await atGuard('GET', '/notes', {
          authorization: write(pairsFor('GET', '/notes')),
        });
        if (taken === undefined || taken === 'core')
          return assert.equal(said, null, JSON.stringify(said));
        assert.ok(said);
        if (core === undefined) return assert.equal(said.kind, 'signature_invalid');
        assert.deepEqual(
          [said.status, said.kind, said.parameter],
          [400, 'parameter_rejected', core[0]],
        );
        assert.match(said.advice, core[1]);
        assert.ok(
          said.wwwAuthenticate.includes(
            `oauth_parameters_rejected="${core[0]}", oauth_problem_advice="`,
          ),
          said.wwwAuthenticate,
        );
        assert.ok(!/[^\x20-\x7e]/.test(said.wwwAuthenticate));
      });
      // A header of 16 kB does not come through the server's own door.
      if (name !== 'too much')
        test(`temporary credentials: ${name}`, async () => {
          const pairs = protocolParameters({
            method: 'POST',
            uri: `${origin}/oauth1/initiate`,
            client: shared,
            token: null,
            now: world.now,
            overrides: { oauth_callback: 'oob' },
          });
          const answer = await world.app.inject({
            method: 'POST',
            url: '/oauth1/initiate',
            headers: { authorization: write(pairs) },
          });
          if (taken === undefined || taken === 'core')
            return assert.equal(answer.statusCode, 200, answer.body);
          if (core === undefined) return assert.equal(answer.statusCode, 401, answer.body);
          const said = new URLSearchParams(answer.body);
          assert.deepEqual(
            [answer.statusCode, said.get('oauth_parameters_rejected')],
            [400, core[0]],
            answer.body,
          );
          assert.match(said.get('oauth_problem_advice') ?? '', core[1]);
        });
      test(`at api.php: ${name}`, async () => {
        const said = await atApi(asked, {
          authorization: write(pairsFor('GET', '/w/api.php', who)),
        });
        if (taken === undefined || taken === 'dialect') assert.equal(said, 'Ada');
        else
          assert.match(
            said,
            dialect ?? /^The authorization headers in your request are not valid: /,
          );
      });
    }

    test('the JSON API says it in the challenge', async () => {
      const authorization = written(quoted, ', ', 'OAuth, ')(pairsFor('GET', '/api/v1/me'));
      const answer = await world.app.inject({ url: '/api/v1/me', headers: { authorization } });
      assert.equal(answer.statusCode, 400);
      assert.match(
        String(answer.headers['www-authenticate']),
        /oauth_problem="parameter_rejected".*a space is expected, and \\",\\" stands there/,
      );
    });

    test('other schemes stay other schemes', async () => {
      for (const authorization of ['OAuth2 abc', 'OAuth-X a="b"', 'Basic YTpi', 'Digest a="b"']) {
        assert.equal(
          (await atGuard('GET', '/notes', { authorization }))?.kind,
          'no-credentials',
          authorization,
        );
        assert.equal(await atApi(asked, { authorization }), '127.0.0.1', authorization);
      }
    });

    test('at api.php nothing that begins as credentials of ours is a stranger', async () => {
      for (const authorization of [
        'OAuth',
        'OAuth x',
        'oauth x',
        'OAuth,',
        'OAuth\t',
        'bearer x',
        'BEARER x',
      ])
        assert.match(
          await atApi(asked, { authorization }),
          /^The authorization headers/,
          authorization,
        );
      for (const [authorization, says] of [
        ['Bearer', /Invalid access token\. The token is malformed/],
        ['Bearer, x', /Invalid access token\. The token is malformed/],
        ['Bearer realm="x"', /Invalid access token\. The token is malformed/],
        ['Bearer\tx', /Invalid access token\. The token is malformed/],
        ['Bearerx', /Invalid access token\. Authorization has a scheme that is not read here/],
      ] as const)
        assert.match(await atApi(asked, { authorization }), says, authorization);
      const twice = await world.app.inject({
        url: asked,
        headers: { authorization: ['Basic YTpi', 'OAuth a="b"'] as never },
      });
      assert.match(twice.json().error.info, /Authorization was sent more than once/);
    });

    test('an unreadable header beside a signature in the query is refused, too', async () => {
      const target = `/notes?${toFormBody(pairsFor('GET', '/notes'))}`;
      assert.equal(
        (await atGuard('GET', target, { authorization: 'OAuth, a="b"' }))?.kind,
        'parameter_rejected',
      );
    });

    test('an unreadable query or form with a signature in it is refused with the reason', async () => {
      const signed = toFormBody(pairsFor('POST', '/notes'));
      for (const said of [
        await atGuard('POST', `/notes?q=100%&${signed}`, { 'content-length': '0' }),
        await atGuard('POST', '/notes', { 'content-type': form }, Buffer.from(`q=100%&${signed}`)),
      ])
        assert.deepEqual(
          [said?.status, said?.kind, said?.parameter],
          [400, 'parameter_rejected', 'q'],
        );
      assert.equal(
        (await atGuard('GET', '/notes?q=100%&x=oauth_signature', {}))?.kind,
        'no-credentials',
      );
    });

    test('no value of a header is shown', async () => {
      for (const authorization of [
        `OAuth oauth_token="${token.secret}`,
        `OAuth oauth_token="${token.secret}%", a`,
        `OAuth, oauth_token="${token.secret}"`,
      ]) {
        const said = await atGuard('GET', '/notes', { authorization });
        assert.ok(said && !JSON.stringify(said).includes(token.secret));
        assert.ok(!(await atApi(asked, { authorization })).includes(token.secret));
      }
    });
  });

  /**
   * A request to api.php signed over parts that are encoded already, as a client that works on
   * bytes does.
   */
  function bytesHeader(
    encoded: readonly ParameterPair[],
    method = 'GET',
    path = '/w/api.php',
  ): string {
    const oauth = pairsFor(method, path).slice(0, -1);
    const all = [
      ...oauth.map(([name, value]): ParameterPair => [rfc5849Encode(name), rfc5849Encode(value)]),
      ...encoded,
    ];
    const joined = all
      .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
      .map((pair) => pair.join('='))
      .join('&');
    const text = [method, `${origin}${path}`, joined].map(rfc5849Encode).join('&');
    return toAuthorizationHeader([
      ...oauth,
      ['oauth_signature', hmacSignature(text, client.secret, token.secret)],
    ]);
  }

  describe('parameters of query and form', () => {
    /**
     * As sent, as signed, and what the core says of it: which parameter, and why; null: it takes
     * it.
     */
    const rows: readonly (readonly [
      sent: string,
      signed: readonly ParameterPair[],
      core: readonly [string, RegExp] | null,
    ])[] = [
      ['q=100%', [['q', '100%25']], ['q', /^q, in the query, .*%25/]],
      ['q=%', [['q', '%25']], ['q', /%25/]],
      ['q=%2', [['q', '%252']], ['q', /%25/]],
      ['q=%zz', [['q', '%25zz']], ['q', /%25/]],
      ['q=%%41', [['q', '%25A']], ['q', /%25/]],
      ['q=%E9', [['q', '%E9']], ['q', /^q, in the query, .*not UTF-8/]],
      ['q=%e9t%E9', [['q', '%E9t%E9']], ['q', /not UTF-8/]],
      ['q=%FF%FE', [['q', '%FF%FE']], ['q', /not UTF-8/]],
      ['q=%C3', [['q', '%C3']], ['q', /not UTF-8/]],
      ['q=%C3%A9%C3', [['q', '%C3%A9%C3']], ['q', /not UTF-8/]],
      ['q=%C0%AF', [['q', '%C0%AF']], ['q', /not UTF-8/]],
      ['q=%ED%A0%80', [['q', '%ED%A0%80']], ['q', /not UTF-8/]],
      ['q=%F4%90%80%80', [['q', '%F4%90%80%80']], ['q', /not UTF-8/]],
      ['q=%E2%82', [['q', '%E2%82']], ['q', /not UTF-8/]],
      ['q=a%00b', [['q', 'a%00b']], ['q', /NUL/]],
      ['%E9=1', [['%E9', '1']], ['query', / cannot be read: a name, in the query, .*not UTF-8/]],
      ['%=1', [['%25', '1']], ['query', / cannot be read: a name, in the query, .*%25/]],
      ['q=%C3%A9', [['q', '%C3%A9']], null],
      ['q=%F0%9F%98%80', [['q', '%F0%9F%98%80']], null],
      ['q=%EF%BB%BFa', [['q', '%EF%BB%BFa']], null],
      ['q=%EF%BF%BD', [['q', '%EF%BF%BD']], null],
      ['q=a+b', [['q', 'a%20b']], null],
      ['q=a%2Bb', [['q', 'a%2Bb']], null],
      ["q=a'(b)*!~", [['q', 'a%27%28b%29%2A%21~']], null],
      ['q', [['q', '']], null],
      ['=v', [['', 'v']], null],
      ['q=a=b', [['q', 'a%3Db']], null],
      [
        'q=1&&r=2&',
        [
          ['q', '1'],
          ['r', '2'],
        ],
        null,
      ],
      [
        'q=1&q=2',
        [
          ['q', '1'],
          ['q', '2'],
        ],
        null,
      ],
      [
        'a%5B%5D=1&a%5B%5D=2',
        [
          ['a%5B%5D', '1'],
          ['a%5B%5D', '2'],
        ],
        null,
      ],
      ['a.b=1', [['a.b', '1']], null],
      ['5=x', [['5', 'x']], null],
    ];
    const sentWho = 'action=query&meta=userinfo';
    for (const [sent, signed, core] of rows) {
      test(`api.php, query: ${sent}`, async () => {
        assert.equal(
          await atApi(`/w/api.php?${sentWho}&${sent}`, {
            authorization: bytesHeader([...who, ...signed]),
          }),
          'Ada',
        );
      });
      test(`api.php, form: ${sent}`, async () => {
        const authorization = bytesHeader([...who, ...signed], 'POST');
        assert.equal(
          await atApi(
            '/w/api.php',
            { authorization, 'content-type': form },
            'POST',
            `${sentWho}&${sent}`,
          ),
          'Ada',
        );
      });
      test(`the guard, query and form: ${sent}`, async () => {
        for (const place of ['query', 'form'] as const) {
          const authorization = bytesHeader(signed, 'POST', '/notes');
          const said =
            place === 'query'
              ? await atGuard('POST', `/notes?${sent}`, { authorization, 'content-length': '0' })
              : await atGuard(
                  'POST',
                  '/notes',
                  { authorization, 'content-type': form },
                  Buffer.from(sent),
                );
          if (core === null) assert.equal(said, null, JSON.stringify(said));
          else {
            const parameter = core[0] === 'query' && place === 'form' ? 'body' : core[0];
            assert.deepEqual(
              [said?.status, said?.kind, said?.parameter],
              [400, 'parameter_rejected', parameter],
            );
            assert.match(
              said?.advice ?? '',
              new RegExp(core[1].source.replace('the query', `the ${place}`)),
            );
          }
        }
      });
    }

    test('raw bytes of a form that are not UTF-8 are signed as they are', async () => {
      const authorization = bytesHeader([...who, ['q', '%E9%FF']], 'POST');
      const body = Buffer.concat([Buffer.from(`${sentWho}&q=`), Buffer.from([0xe9, 0xff])]);
      assert.equal(
        await atApi('/w/api.php', { authorization, 'content-type': form }, 'POST', body),
        'Ada',
      );
      assert.deepEqual(
        await atGuard('POST', '/notes', { authorization, 'content-type': form }, body).then(
          (said) => [said?.parameter, said?.status],
        ),
        ['body', 400],
      );
    });

    test('what was signed as one byte is not taken as another, nor as what stands for bytes that cannot be read', async () => {
      for (const [sent, signed] of [
        ['q=%E9', '%EF%BF%BD'],
        ['q=%E9', '%E8'],
        ['q=%EF%BF%BD', '%E9'],
        ['q=%E9', '%C3%A9'],
        ['q=%ED%B3%A9', '%E9'],
        ['q=100%', '100'],
      ] as const)
        assert.match(
          await atApi(`/w/api.php?${sentWho}&${sent}`, {
            authorization: bytesHeader([...who, ['q', signed]]),
          }),
          /Invalid signature/,
          sent,
        );
    });

    /** As the reference signs it, which is not RFC 5849's way. */
    const asThere: readonly (readonly [string, readonly ParameterPair[]])[] = [
      ['x=1&x=2', [['x', '2']]],
      [
        'q=1&&r=2',
        [
          ['', ''],
          ['q', '1'],
          ['r', '2'],
        ],
      ],
      [
        'q=1&',
        [
          ['', ''],
          ['q', '1'],
        ],
      ],
      [
        '&q=1&&',
        [
          ['', ''],
          ['', ''],
          ['', ''],
          ['q', '1'],
        ],
      ],
      [
        'a%5B%5D=1&a%5B%5D=2',
        [
          ['a', '1'],
          ['a', '2'],
          ['a%5B%5D', '1'],
          ['a%5B%5D', '2'],
        ],
      ],
      [
        'a%5Bk%5D=1',
        [
          ['a', '1'],
          ['a%5Bk%5D', '1'],
        ],
      ],
      [
        'a.b=1',
        [
          ['a.b', '1'],
          ['a_b', '1'],
        ],
      ],
      [
        'a+b=1',
        [
          ['a%20b', '1'],
          ['a_b', '1'],
        ],
      ],
    ];
    for (const [sent, signed] of asThere)
      test(`api.php takes what the reference signs: ${sent}`, async () => {
        assert.equal(
          await atApi(`/w/api.php?${sentWho}&${sent}`, {
            authorization: bytesHeader([...who, ...signed]),
          }),
          'Ada',
        );
      });
    test('but nothing of it that would leave what is read unsigned', async () => {
      // The reference reads `assertuser` from `assertuser`, and so do we: a name that PHP would
      // overwrite stays what was sent.
      const url = `/w/api.php?${sentWho}&assert_x=evil&assert.x=1`;
      assert.match(
        await atApi(url, {
          authorization: bytesHeader([...who, ['assert.x', '1'], ['assert_x', '1']]),
        }),
        /Invalid signature/,
      );
      assert.match(
        await atApi(`/w/api.php?${sentWho}&x=1&&x=2`, {
          authorization: bytesHeader([...who, ['x', '1'], ['', '']]),
        }),
        /Invalid signature/,
      );
    });

    test('a value with a backslash has one reading, so that its nonce is spent once', async () => {
      const send = (nonce: string, sent: string) =>
        atApi(asked, {
          authorization: toAuthorizationHeader(
            pairsFor('GET', '/w/api.php', who, { oauth_nonce: nonce }),
          ).replace(rfc5849Encode(nonce), sent),
        });
      assert.equal(await send('one-b', 'one\\-b'), 'Ada');
      assert.match(await send('one-b', 'one-b'), /Nonce already used/);
      assert.equal(await send('one\\b', 'one\\\\b'), 'Ada');
      assert.match(await send('one\\b', 'one\\b'), /Invalid signature/);
    });

    test('a signature over two nonces is taken for none of them', async () => {
      // The order of two values is not signed: whoever swaps them would choose which one is spent.
      const two: readonly ParameterPair[] = [
        ['oauth_nonce', 'first'],
        ['oauth_nonce', 'second'],
      ];
      const pairs = pairsFor('GET', '/wiki/Special:OAuth/identify', two, {
        oauth_nonce: undefined,
      });
      const query = (nonces: readonly ParameterPair[]) => toFormBody([...nonces, ...pairs]);
      const ask = async (nonces: readonly ParameterPair[], method: 'GET' | 'POST') => {
        const url = '/wiki/Special:OAuth/identify';
        const sent =
          method === 'GET'
            ? { url: `${url}?${query(nonces)}` }
            : { url, headers: { 'content-type': form }, payload: query(nonces) };
        return (await world.app.inject({ method, ...sent })).body;
      };
      for (const nonces of [two, two.toReversed()]) {
        assert.match(await ask(nonces, 'GET'), /Invalid signature/);
        assert.match(
          await ask(nonces, 'POST'),
          /Invalid parameter oauth_nonce: oauth_nonce stands twice in the form/,
        );
      }
      const last = pairsFor('GET', '/wiki/Special:OAuth/identify', [], { oauth_nonce: 'last' });
      const url = (first: string) =>
        `/wiki/Special:OAuth/identify?oauth_nonce=${first}&${toFormBody(last)}`;
      assert.match((await world.app.inject({ url: url('x') })).body, /^[\w-]+\.[\w-]+\.[\w-]+$/);
      assert.match((await world.app.inject({ url: url('y') })).body, /Nonce already used/);
    });

    test('what is read is what was signed, also beside bytes that are no text', async () => {
      const signed: readonly ParameterPair[] = [
        ['action', 'query'],
        ['assertuser', 'Ada'],
        ['meta', 'userinfo'],
        ['q', '%E9'],
      ];
      const authorization = () => bytesHeader(signed);
      assert.equal(
        await atApi(`/w/api.php?q=%E9&${sentWho}&assertuser=Ada`, {
          authorization: authorization(),
        }),
        'Ada',
      );
      assert.match(
        await atApi(`/w/api.php?q=%E9&${sentWho}&assertuser=Ada&assertuser=%E9`, {
          authorization: authorization(),
        }),
        /Invalid signature/,
      );
    });
  });

  describe('timestamps', () => {
    const rows: readonly (readonly [
      string,
      (now: number) => string,
      dialect: boolean,
      core: 'taken' | 'malformed' | 'refused',
    ])[] = [
      ['a whole number', (now) => `${now}`, true, 'taken'],
      ['zeros in front', (now) => `00${now}`, true, 'taken'],
      ['a fraction', (now) => `${now}.5`, true, 'malformed'],
      ['nine digits of it', (now) => `${now}.123456789`, true, 'malformed'],
      ['a dot at the end', (now) => `${now}.`, true, 'malformed'],
      ['an exponent', (now) => `${now / 1e9}e9`, true, 'malformed'],
      ['a sign', (now) => `+${now}`, true, 'malformed'],
      ['a blank in front', (now) => ` ${now}`, true, 'malformed'],
      ['a blank behind', (now) => `${now} `, true, 'malformed'],
      ['the oldest that counts', (now) => `${now - 300}`, true, 'taken'],
      ['a little older', (now) => `${now - 300}.000`, true, 'malformed'],
      ['too old by a fraction', (now) => `${now - 301}.9`, false, 'malformed'],
      ['too new by a fraction', (now) => `${now + 300}.1`, false, 'malformed'],
      ['milliseconds', (now) => `${now}000`, false, 'refused'],
      ['negative', (now) => `-${now}`, false, 'malformed'],
      ['letters', () => 'now', false, 'malformed'],
      ['letters behind', (now) => `${now}x`, false, 'malformed'],
      ['hexadecimal', (now) => `0x${now.toString(16)}`, false, 'malformed'],
      ['infinity', () => 'Infinity', false, 'malformed'],
      ['more digits than a number has', (now) => `${now}${'0'.repeat(400)}`, false, 'refused'],
      ['two dots', (now) => `${now}.5.5`, false, 'malformed'],
      [
        'digits of another alphabet',
        (now) => `${now}`.replaceAll('1', '\u0661'),
        false,
        'malformed',
      ],
    ];
    for (const [name, at, dialect, core] of rows)
      test(`${name}: ${dialect ? 'taken' : 'refused'} in the dialect, ${core} in the core`, async () => {
        const over = { oauth_timestamp: at(world.now) };
        const there = await atApi(asked, {
          authorization: toAuthorizationHeader(pairsFor('GET', '/w/api.php', who, over)),
        });
        if (dialect) assert.equal(there, 'Ada');
        else assert.match(there, /Expired timestamp, yours /);
        const said = await atGuard('GET', '/notes', {
          authorization: toAuthorizationHeader(pairsFor('GET', '/notes', [], over)),
        });
        if (core === 'taken') return assert.equal(said, null);
        assert.equal(said?.kind, core === 'refused' ? 'timestamp_refused' : 'parameter_rejected');
        if (core === 'malformed')
          assert.match(
            `${said?.parameter}: ${said?.advice}`,
            /^oauth_timestamp: oauth_timestamp is .*digits alone/,
          );
      });

    test('a nonce is kept for as long as a fractional timestamp is taken', async () => {
      const authorization = toAuthorizationHeader(
        pairsFor('GET', '/w/api.php', who, { oauth_timestamp: `${world.now + 299}.9` }),
      );
      assert.equal(await atApi(asked, { authorization }), 'Ada');
      assert.match(await atApi(asked, { authorization }), /Nonce already used/);
      world.advanceClock(599);
      await world.server.store.purgeExpired(world.now, 2000);
      assert.match(await atApi(asked, { authorization }), /Nonce already used/);
    });
  });

  describe('callbacks', () => {
    const initiate = (url: string, callback: string) => {
      const [path = '', query = ''] = url.split('?', 2);
      const signed = [...new URLSearchParams(query)] as ParameterPair[];
      const asking = {
        method: 'POST',
        uri: `${origin}${path}`,
        signed,
        client: shared,
        token: null,
        now: world.now,
        overrides: { oauth_callback: callback },
      };
      return world.app.inject({
        method: 'POST',
        url,
        headers: { authorization: toAuthorizationHeader(protocolParameters(asking)) },
      });
    };
    const dialect = '/w/index.php?title=Special:OAuth/initiate';
    /** The callback; where people are sent; null: it is refused. */
    const rows: readonly (readonly [string, string | null])[] = [
      ['https://app.example/cb?x=1 2', 'https://app.example/cb?x=1%202'],
      ['https://app.example/cb?x=ä', 'https://app.example/cb?x=%C3%A4'],
      ['https://app.example/cb/straße', 'https://app.example/cb/stra%C3%9Fe'],
      [
        'https://app.example/cb/😀 b?q=日本',
        'https://app.example/cb/%F0%9F%98%80%20b?q=%E6%97%A5%E6%9C%AC',
      ],
      ['https://app.example/cb?x=100%', 'https://app.example/cb?x=100%'],
      ['https://app.example/cb?x=%20ä%C3%A4', 'https://app.example/cb?x=%20%C3%A4%C3%A4'],
      ['https://app.example/cb#ä', 'https://app.example/cb#%C3%A4'],
      ['https://app.example/cb ', 'https://app.example/cb%20'],
      ['https://app.example/cb?a=\u00a0\u202e', 'https://app.example/cb?a=%C2%A0%E2%80%AE'],
      ['https://app.example/cb?a="<>`{|}^', 'https://app.example/cb?a="<>`{|}^'],
      ['https://app.example /cb', null],
      [' https://app.example/cb', null],
      ['https://äpp.example/cb', null],
      ['https://app.example@evil.example/cb', null],
      ['https://app.example/cb\r\nX: y', null],
      ['https://app.example/cb\ty', null],
      ['https://app.example/cb\\evil', null],
      ['https://app.example/cb/../ä', null],
      ['https://app.example／cb', null],
      ['//app.example/cb ä', null],
      ['OOB', null],
      ['oob ', null],
    ];
    for (const [callback, location] of rows)
      test(`${JSON.stringify(callback)} leads to ${location}`, async () => {
        const answer = await initiate(dialect, callback);
        if (location === null)
          return assert.match(
            answer.body,
            /oauth_callback must be &#34;oob&#34;, or begin|leads to another host/,
          );
        const pair = new URLSearchParams(answer.body);
        assert.equal(pair.get('oauth_callback_confirmed'), 'true', answer.body);
        const ada = await world.server.store.findAccountByName('Ada');
        const made = await world.server.store.findClient(shared.key as never);
        assert.ok(ada && made && world.server.services.protocols.dialect);
        const prepared = await world.server.services.protocols.dialect.oauth1.prepareAuthorization(
          pair.get('oauth_token') ?? '',
          made,
          ada,
        );
        assert.ok(
          prepared.ok && prepared.value.approvalOutcome.kind === 'redirect',
          JSON.stringify(prepared),
        );
        const [start = '', fragment] = location.split('#');
        assert.ok(
          prepared.value.approvalOutcome.uri.startsWith(start),
          prepared.value.approvalOutcome.uri,
        );
        assert.match(prepared.value.approvalOutcome.uri, /^[\x21-\x7e]+$/);
        if (fragment !== undefined)
          assert.ok(prepared.value.approvalOutcome.uri.endsWith(`#${fragment}`));
      });
    test('the core names the parameter and what to do', async () => {
      for (const callback of [
        'https://app.example/cb?x=1 2',
        'https://app.example/cb?x=ä',
        'https://app.example/cb/\u00e9',
      ]) {
        const answer = await initiate('/oauth1/initiate', callback);
        assert.equal(answer.statusCode, 400);
        assert.match(
          answer.body,
          /oauth_parameters_rejected=oauth_callback&oauth_problem_advice=oauth_callback%20is%20a%20URI%3A%20percent-encode%20blanks/,
        );
      }
      assert.equal(
        (await initiate('/oauth1/initiate', 'https://app.example/cb?x=%20%C3%A4')).statusCode,
        200,
      );
    });
    test('a callback above the bound names it', async () => {
      const answer = await initiate(
        '/oauth1/initiate',
        `https://app.example/cb?${'x'.repeat(2048)}`,
      );
      assert.match(
        new URLSearchParams(answer.body).get('oauth_problem_advice') ?? '',
        /^oauth_callback has 2071 characters, and at most 2048 are read\.$/,
      );
      assert.match(
        (await initiate(dialect, `https://app.example/cb?${'x'.repeat(2048)}`)).body,
        /Invalid parameter oauth_callback: oauth_callback has 2071/,
      );
    });
  });

  /** A request with its request line as it is written here; answers status, fields and body. */
  async function raw(
    port: number,
    method: string,
    target: string,
    headers: Readonly<Record<string, string>> = {},
    body = '',
  ) {
    const socket = connect(port, '127.0.0.1');
    const lines = [
      `${method} ${target} HTTP/1.1`,
      'Host: gate.example',
      'Connection: close',
      ...Object.entries(headers).map((pair) => pair.join(': ')),
    ];
    socket.write(
      `${[...lines, ...(body === '' && method !== 'POST' ? [] : [`Content-Length: ${body.length}`])].join('\r\n')}\r\n\r\n${body}`,
    );
    let text = '';
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    await once(socket, 'close');
    const [head = '', rest = ''] = text.split('\r\n\r\n', 2);
    return {
      status: Number(head.slice(9, 12)),
      location: /^location: (.*)$/im.exec(head)?.[1] ?? null,
      head,
      body: rest,
    };
  }

  describe('slashes in front of a path', () => {
    let port = 0;
    before(async () => {
      await world.app.listen({ port: 0, host: '127.0.0.1' });
      port = (world.app.server.address() as AddressInfo).port;
    });

    const initiating = (path: string) => {
      const over = { oauth_callback: 'oob' };
      return toAuthorizationHeader(
        protocolParameters({
          method: 'POST',
          uri: `${origin}${path}`,
          client: shared,
          token: null,
          now: world.now,
          overrides: over,
        }),
      );
    };
    test('the core checks the path as it was sent', async () => {
      for (const [sent, signed, status] of [
        ['//oauth1/initiate', '//oauth1/initiate', 200],
        ['//oauth1/initiate', '/oauth1/initiate', 401],
        ['///oauth1/initiate', '///oauth1/initiate', 200],
        ['///oauth1/initiate', '//oauth1/initiate', 401],
        ['/oauth1/initiate', '/oauth1/initiate', 200],
        ['/oauth1/initiate', '//oauth1/initiate', 401],
      ] as const) {
        const answer = await raw(port, 'POST', sent, { Authorization: initiating(signed) });
        assert.equal(answer.status, status, `${sent} signed as ${signed}: ${answer.body}`);
      }
    });
    test('so do the guard and the JSON API', async () => {
      for (const [sent, signed, taken] of [
        ['//notes', '//notes', true],
        ['//notes', '/notes', false],
        ['/notes', '//notes', false],
        ['/a//b', '/a//b', true],
        ['/a//b', '/a/b', false],
        ['//host/notes', '//host/notes', true],
        ['//host/notes', '/notes', false],
      ] as const)
        assert.equal(
          (await atGuard('GET', sent, {
            authorization: toAuthorizationHeader(pairsFor('GET', signed)),
          })) === null,
          taken,
          `${sent} as ${signed}`,
        );
      const answer = await raw(port, 'GET', '//api/v1/me', {
        Authorization: toAuthorizationHeader(pairsFor('GET', '//api/v1/me')),
      });
      assert.ok(![400, 401, 404].includes(answer.status), String(answer.status));
      assert.equal(
        (
          await raw(port, 'GET', '//api/v1/me', {
            Authorization: toAuthorizationHeader(pairsFor('GET', '/api/v1/me')),
          })
        ).status,
        401,
      );
    });
    test('the dialect takes both spellings', async () => {
      for (const [sent, signed, taken] of [
        ['//w/api.php', '//w/api.php', true],
        ['//w/api.php', '/w/api.php', true],
        ['////w/api.php', '/w/api.php', true],
        ['/w/api.php', '/w/api.php', true],
        ['/w/api.php', '//w/api.php', false],
        ['//w/api.php', '///w/api.php', false],
      ] as const) {
        const answer = await raw(port, 'GET', `${sent}?action=query&meta=userinfo`, {
          Authorization: toAuthorizationHeader(pairsFor('GET', signed, who)),
        });
        assert.equal(
          answer.body.includes('"name":"Ada"'),
          taken,
          `${sent} signed as ${signed}: ${answer.body}`,
        );
      }
      for (const path of [
        '//wiki/Special:OAuth/identify',
        '//w/index.php/Special:OAuth/identify',
      ]) {
        const answer = await raw(port, 'GET', path, {
          Authorization: toAuthorizationHeader(pairsFor('GET', path)),
        });
        assert.match(answer.body, /^[\w-]+\.[\w-]+\.[\w-]+$/, path);
      }
    });
    test('a target in absolute form is served, and its host does not count', async () => {
      for (const host of ['gate.example', 'evil.example', 'gate.example:8080']) {
        const answer = await raw(port, 'POST', `http://${host}/oauth1/initiate`, {
          Authorization: initiating('/oauth1/initiate'),
        });
        assert.equal(answer.status, 200, answer.body);
      }
    });
    test('nobody is led to another host', async () => {
      for (const target of [
        '//oauth1/authorize?oauth_token=x',
        '//w/index.php?title=Special:OAuth/authorize&oauth_token=x',
        '//wiki/Special:OAuth/authorize?oauth_token=x',
        '//oauth2/authorize?client_id=a&response_type=code',
        '//w/rest.php/oauth2/authorize?client_id=a&response_type=code',
        '//evil.example/oauth1/authorize?oauth_token=x',
        '//evil.example//oauth1/authorize',
        '//evil.example/%2e%2e/oauth1/authorize',
        '//consents',
        '//my/apps',
        '//account',
        '///evil.example/account',
        '/\\evil.example/account',
        'http://evil.example/account',
        'http://evil.example//account',
        'http://evil.example/oauth1/authorize?oauth_token=x',
      ]) {
        const answer = await raw(port, 'GET', target, { Accept: 'text/html' });
        assert.ok(answer.status < 500, target);
        assert.doesNotMatch(
          answer.body,
          /(?:href|action|src)="(?:\/\/|[a-z]+:\/\/(?!gate\.example))/,
          target,
        );
        if (answer.location === null) continue;
        const to = new URL(answer.location, origin);
        assert.equal(to.origin, origin, `${target} leads to ${answer.location}`);
        const back = to.searchParams.get('returnto');
        if (back !== null)
          assert.equal(new URL(back, origin).origin, origin, `${target} comes back to ${back}`);
      }
    });
    test('the route is found, and what is not there is not', async () => {
      assert.deepEqual(
        await Promise.all(
          ['//healthz', '//readyz', '//nothing', '//'].map(
            async (path) => (await raw(port, 'GET', path)).status,
          ),
        ),
        [200, 200, 404, 200],
      );
    });
  });

  describe('HEAD', () => {
    test('is signed as HEAD at the guard, the JSON API, api.php and identify', async () => {
      for (const [signed, taken] of [
        ['HEAD', true],
        ['GET', false],
      ] as const) {
        assert.equal(
          (await atGuard('HEAD', '/notes?q=1', {
            authorization: toAuthorizationHeader(pairsFor(signed, '/notes', [['q', '1']])),
          })) === null,
          taken,
        );
        const me = await world.app.inject({
          method: 'HEAD',
          url: '/api/v1/me',
          headers: { authorization: toAuthorizationHeader(pairsFor(signed, '/api/v1/me')) },
        });
        assert.equal(me.statusCode !== 401, taken);
        const api = await world.app.inject({
          method: 'HEAD',
          url: asked,
          headers: { authorization: toAuthorizationHeader(pairsFor(signed, '/w/api.php', who)) },
        });
        assert.deepEqual(
          [api.statusCode, api.body, api.headers['mediawiki-api-error']],
          [200, '', taken ? undefined : 'mwoauth-invalid-authorization'],
        );
        const url = '/wiki/Special:OAuth/identify';
        const [got, headed] = [
          await world.app.inject({
            url,
            headers: { authorization: toAuthorizationHeader(pairsFor('GET', url)) },
          }),
          await world.app.inject({
            method: 'HEAD',
            url,
            headers: { authorization: toAuthorizationHeader(pairsFor(signed, url)) },
          }),
        ];
        assert.equal(headed.body, '');
        assert.equal(headed.headers['content-length'] === got.headers['content-length'], taken);
      }
    });
    test('GET signed is not taken for HEAD, nor the other way', async () => {
      assert.equal(
        (
          await atGuard('GET', '/notes', {
            authorization: toAuthorizationHeader(pairsFor('HEAD', '/notes')),
          })
        )?.kind,
        'signature_invalid',
      );
      assert.equal(
        (
          await atGuard('HEAD', '/notes', {
            authorization: toAuthorizationHeader(pairsFor('GET', '/notes')),
          })
        )?.kind,
        'signature_invalid',
      );
    });
  });

  describe('long forms', () => {
    const long = (bytes: number): ParameterPair => ['text', 'ä'.repeat(Math.ceil(bytes / 12))];
    test('72 KB signed are taken at the guard and at api.php', async () => {
      for (const bytes of [72_000, 300_000]) {
        const pair = long(bytes);
        const authorization = toAuthorizationHeader(pairsFor('POST', '/notes', [pair]));
        assert.equal(
          await atGuard(
            'POST',
            '/notes',
            { authorization, 'content-type': form },
            Buffer.from(toFormBody([pair])),
          ),
          null,
        );
        const at = {
          authorization: toAuthorizationHeader(pairsFor('POST', '/w/api.php', [...who, pair])),
          'content-type': form,
        };
        assert.equal(await atApi('/w/api.php', at, 'POST', toFormBody([...who, pair])), 'Ada');
      }
    });
    test('beside a query in the ways of PHP, too', async () => {
      const pair = long(300_000);
      for (const signed of [[['x', '1'] as const, ['x', '2'] as const], [['x', '2'] as const]]) {
        const at = {
          authorization: toAuthorizationHeader(
            pairsFor('POST', '/w/api.php', [...who, ...signed, pair]),
          ),
          'content-type': form,
        };
        assert.equal(
          await atApi('/w/api.php?x=1&x=2', at, 'POST', toFormBody([...who, pair])),
          'Ada',
        );
      }
    });
    test('a byte above the bound is refused with 413, the size and the bound, before anything is read', async () => {
      const authorization = toAuthorizationHeader(pairsFor('POST', '/notes'));
      for (const [size, kind] of [
        [1_048_576, 'signature_invalid'],
        [1_048_577, 'parameter_rejected'],
      ] as const) {
        const said = await atGuard(
          'POST',
          '/notes',
          { authorization, 'content-type': form },
          Buffer.alloc(size, 'a'),
        );
        assert.deepEqual(
          [said?.kind, said?.status],
          [kind, kind === 'parameter_rejected' ? 413 : 401],
        );
        if (kind === 'parameter_rejected')
          assert.equal(said?.advice, 'body has 1048577 bytes, and at most 1048576 are read.');
      }
      const unsigned = await atGuard(
        'POST',
        '/notes',
        { 'content-type': form },
        Buffer.from(`oauth_signature=x&${'a'.repeat(1_048_576)}`),
      );
      assert.equal(unsigned?.status, 413);
      assert.equal(
        (await atGuard('POST', '/notes', { 'content-type': form }, Buffer.alloc(1_048_577, 'a')))
          ?.kind,
        'no-credentials',
      );
    });
    test('what is no form has no bound', async () => {
      const authorization = toAuthorizationHeader(pairsFor('POST', '/notes'));
      assert.equal(
        await atGuard(
          'POST',
          '/notes',
          { authorization, 'content-type': 'application/json' },
          Buffer.alloc(2_000_000, 'a'),
        ),
        null,
      );
    });
    test('more parameters than the bound are refused, with both numbers', async () => {
      const authorization = toAuthorizationHeader(pairsFor('POST', '/notes'));
      const said = await atGuard(
        'POST',
        '/notes',
        { authorization, 'content-type': form },
        Buffer.from('a&'.repeat(10_000)),
      );
      assert.equal(said?.advice, 'body has 10001 parameters, and at most 10000 are read.');
      const query = await atGuard('GET', `/notes?${'a&'.repeat(10_000)}`, {
        authorization: toAuthorizationHeader(pairsFor('GET', '/notes')),
      });
      assert.deepEqual([query?.status, query?.parameter], [400, 'query']);
      assert.match(
        await atApi(
          '/w/api.php',
          { authorization, 'content-type': form },
          'POST',
          'a&'.repeat(10_000),
        ),
        /Invalid parameter body: body has 10001/,
      );
    });
  });

  test('the signer of this file is one: its base string is that of RFC 5849 §3.4.1.1', () => {
    assert.equal(
      signatureBaseString('POST', 'http://example.com/request', [
        ['b5', '=%3D'],
        ['a3', 'a'],
        ['c@', ''],
        ['a2', 'r b'],
        ['c2', ''],
        ['a3', '2 q'],
      ]),
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D',
    );
  });
});
