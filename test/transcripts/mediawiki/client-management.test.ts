import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LightMyRequestResponse } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ClientId } from '#kernel/ids.ts';
import { OPERATOR } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';

describe('client management', () => {
  // Management of apps over REST (protocols 3; registry 12).

  const root = '/w/rest.php/oauth2/client';
  const resetOf = (key: string) => `${root}/${key}/reset_secret`;
  const portal = 'ab'.repeat(16);
  const file = `
clients:
  - { client_id: ${portal}, name: Portal, version: '1.0', description: The portal, owner: Con, protocol: oauth2, confidential: true,
      grant_types: [authorization_code], redirect_uri: 'https://portal.example/cb', scopes: [editpage], client_secret: ${'s'.repeat(32)} }
`;

  let world: TestServer;
  /** Registers apps. */
  let ada: Account;
  /** May not. */
  let ben: Account;
  let count = 0;
  before(async () => {
    world = new TestServer({}, file);
    ada = await world.createPerson('Ada', ['developer']);
    ben = await world.createPerson('Ben');
    await world.createPerson('Con', ['developer']);
    await world.server.prepare();
  });
  after(() => world.close());

  type Answer = LightMyRequestResponse;
  type Values = Readonly<Record<string, unknown>>;
  type Way = 'bearer' | 'signature' | 'cookie' | 'nothing';
  interface Said {
    readonly as?: Account;
    readonly by?: Way;
    readonly scopes?: readonly string[];
    readonly json?: unknown;
    readonly form?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }

  const ownerOnly = { ownerOnly: true, redirectUri: '' } as const;
  const bearers = new Map<string, string>();
  /** A token of the person's own. */
  async function bearer(person: Account, scopes: readonly string[], at = world): Promise<string> {
    const key = `${person.id} ${scopes}`;
    const made =
      bearers.get(key) ??
      (
        await at.createClient(person, {
          ...ownerOnly,
          name: `own ${++count}`,
          grantTypes: ['client_credentials'],
          scopes,
        })
      ).accessToken;
    bearers.set(key, made ?? '');
    return made ?? '';
  }
  async function pair(
    person: Account,
    scopes: readonly string[],
  ): Promise<readonly [CredentialPair, CredentialPair]> {
    const made = await world.createClient(person, {
      ...ownerOnly,
      name: `own ${++count}`,
      protocol: 'oauth1',
      grantTypes: [],
      scopes,
    });
    return [
      { key: made.client.id, secret: made.secret },
      { key: made.credentials?.token ?? '', secret: made.credentials?.secret ?? '' },
    ];
  }

  async function call(
    method: 'GET' | 'POST' | 'PUT',
    url: string,
    said: Said = {},
    at = world,
  ): Promise<Answer> {
    const {
      as = ada,
      by = 'bearer',
      scopes = ['oauthmanageownclient'],
      json,
      form,
      headers = {},
    } = said;
    const payload =
      form ??
      (json === undefined ? undefined : typeof json === 'string' ? json : JSON.stringify(json));
    const type: Record<string, string> =
      payload === undefined
        ? {}
        : {
            'content-type':
              form === undefined ? 'application/json' : 'application/x-www-form-urlencoded',
          };
    const credentials: Record<string, string> =
      by === 'bearer'
        ? { authorization: `Bearer ${await bearer(as, scopes)}` }
        : by === 'signature'
          ? signedHeader(
              world,
              method,
              url,
              ...(await pair(as, scopes)),
              {},
              { profile: 'mediawiki', ...(form === undefined ? {} : { body: form }) },
            )
          : by === 'cookie'
            ? await at.sessionHeaders(as)
            : {};
    const sent = Object.entries({ ...credentials, ...type, ...headers }).filter(
      ([, value]) => value !== '',
    );
    return at.app.inject({
      method,
      url,
      headers: Object.fromEntries(sent),
      ...(payload === undefined ? {} : { payload }),
    });
  }

  const reasons: Readonly<Record<number, string>> = {
    ...{
      400: 'Bad Request',
      401: 'Unauthorized',
      403: 'Forbidden',
      404: 'Not Found',
      405: 'Method Not Allowed',
    },
    ...{ 411: 'Length Required', 415: 'Unsupported Media Type' },
  };
  const isJson = (answer: Answer) =>
    assert.match(String(answer.headers['content-type']), /^application\/json(?:;|$)/);

  /** A localised error, in exactly its shape (3.1). */
  function localised(answer: Answer, status: number, key: string, more: Values = {}): void {
    isJson(answer);
    const { messageTranslations, ...rest } = answer.json();
    assert.deepEqual(
      [answer.statusCode, rest],
      [status, { ...more, errorKey: key, httpCode: status, httpReason: reasons[status] }],
      answer.body,
    );
    assert.deepEqual(Object.keys(answer.json()), [
      ...Object.keys(more),
      'errorKey',
      'messageTranslations',
      'httpCode',
      'httpReason',
    ]);
    assert.deepEqual(Object.keys(messageTranslations), ['en']);
    assert.match(messageTranslations.en, /\S/);
  }
  /** A parameter that does not fit, in exactly its shape (3.1). */
  function parameter(
    answer: Answer,
    name: string,
    failureCode: string,
    key = 'rest-body-validation-error',
    failureData: unknown = failureCode === 'badvalue' ? [] : null,
  ): void {
    isJson(answer);
    const { value: _value, messageTranslations, ...rest } = answer.json();
    const shape = {
      error: 'parameter-validation-failed',
      name,
      failureCode,
      failureData,
      errorKey: key,
      httpCode: 400,
      httpReason: 'Bad Request',
    };
    assert.deepEqual([answer.statusCode, rest], [400, shape], answer.body);
    assert.deepEqual(Object.keys(answer.json()), [
      ...[
        'error',
        'name',
        'value',
        'failureCode',
        'failureData',
        'errorKey',
        'messageTranslations',
        'httpCode',
        'httpReason',
      ],
    ]);
    assert.match(messageTranslations.en, /\S/);
  }
  const heard = new Set<string>();
  /** A failure of the submission, in exactly its shape (3.1). */
  function failure(answer: Answer, message: string): void {
    isJson(answer);
    assert.deepEqual(
      [answer.statusCode, answer.json()],
      [400, { message, httpCode: 400, httpReason: 'Bad Request' }],
      answer.body,
    );
    assert.deepEqual(Object.keys(answer.json()), ['message', 'httpCode', 'httpReason']);
    heard.add(message);
  }

  /** A registration with nothing special about it. */
  const app = (over: Values = {}): Record<string, unknown> => ({
    ...{
      name: `tool ${++count}`,
      description: 'A tool.',
      email: 'ada@example.org',
      is_confidential: true,
    },
    ...{
      grant_types: ['authorization_code', 'refresh_token'],
      scopes: ['editpage'],
      callback_url: 'https://tool.example/cb',
    },
    ...over,
  });
  const without = (name: string): Values =>
    Object.fromEntries(Object.entries(app()).filter(([field]) => field !== name));
  const formOf = (values: Values): string =>
    new URLSearchParams(
      Object.entries(values).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join('|') : String(value),
      ]),
    ).toString();
  const found = async (key: string): Promise<Client> => {
    const client = await world.server.store.findClient(key as ClientId);
    assert.ok(client);
    return client;
  };
  const rows = () => world.server.store.countClients({});

  // Registration.

  for (const by of ['bearer', 'signature', 'cookie'] as const) {
    for (const kind of by === 'cookie' ? (['json'] as const) : (['json', 'form'] as const)) {
      test(`an app is registered by ${by} with a body of ${kind}`, async () => {
        const asked = app();
        const answer = await call('POST', root, {
          by,
          ...(kind === 'json' ? { json: asked } : { form: formOf(asked) }),
        });
        isJson(answer);
        assert.equal(answer.statusCode, 200, answer.body);
        assert.deepEqual(Object.keys(answer.json()), ['name', 'client_key', 'secret']);
        const { name, client_key: key, secret } = answer.json();
        assert.equal(name, asked.name);
        assert.match(key, /^[0-9a-f]{32}$/);
        assert.match(secret, /^[0-9a-f]{32,}$/);
        const {
          ownerId,
          version,
          stage,
          protocol,
          site,
          scopes,
          grantTypes,
          redirectUri,
          confidential,
          rsaPublicKey,
          restrictions,
        } = await found(key);
        assert.deepEqual(
          [ownerId, version, stage, protocol, site, confidential],
          [ada.id, '1.0', 'proposed', 'oauth2', '*', true],
        );
        assert.deepEqual(
          [scopes, grantTypes, redirectUri],
          [['basic', 'editpage'], asked.grant_types, asked.callback_url],
        );
        assert.deepEqual(
          [rsaPublicKey, restrictions],
          [null, { addresses: ['0.0.0.0/0', '::/0'], pages: [] }],
        );
      });
    }
  }

  const becomes: readonly (readonly [what: string, over: Values, wanted: Values])[] = [
    ['version 2.0', { version: '2.0' }, { version: '2.0' }],
    ['a site by its identifier', { wiki: 'main' }, { site: 'main' }],
    ['a site by its name', { wiki: 'Gatehouse' }, { site: 'main' }],
    ['a public app', { is_confidential: false }, { confidential: false, pkceOptional: false }],
    [
      'an app without PKCE, if it keeps a secret',
      {},
      { confidential: true, pkceOptional: true, tokenAlgorithm: 'RS256' },
    ],
    [
      'a prefix, which means nothing to OAuth 2',
      { callback_is_prefix: true },
      { redirectIsPrefix: false },
    ],
    ['no scopes but the hidden one', { scopes: [] }, { scopes: ['basic'] }],
    [
      'a scope twice',
      { scopes: ['editpage', 'editpage', 'basic'] },
      { scopes: ['basic', 'editpage'] },
    ],
    [
      'identity alone, which drops the rest',
      { scopes: ['editpage', 'mwoauth-authonly'] },
      { scopes: ['mwoauth-authonly'] },
    ],
    [
      'private identity, which wins',
      { scopes: ['mwoauth-authonly', 'editpage', 'mwoauth-authonlyprivate'] },
      { scopes: ['mwoauth-authonlyprivate'] },
    ],
    [
      'a description of 65534 bytes',
      { description: 'x'.repeat(65_534) },
      { description: 'x'.repeat(65_534) },
    ],
    ['texts without blanks around them', { description: '  A tool. ' }, { description: 'A tool.' }],
    [
      'localhost by http',
      { callback_url: 'http://localhost:8080/cb' },
      { redirectUri: 'http://localhost:8080/cb' },
    ],
    [
      'an own scheme with a dot',
      { callback_url: 'org.tool:/cb', is_confidential: false },
      { redirectUri: 'org.tool:/cb' },
    ],
  ];
  for (const [what, over, wanted] of becomes) {
    test(`registered as asked: ${what}`, async () => {
      for (const form of [false, true]) {
        const asked = app(over);
        const answer = await call('POST', root, form ? { form: formOf(asked) } : { json: asked });
        assert.equal(answer.statusCode, 200, answer.body);
        const client = await found(answer.json().client_key);
        for (const [field, value] of Object.entries(wanted))
          assert.deepEqual(client[field as keyof Client], value);
      }
    });
  }

  for (const name of ['name', 'description', 'email', 'is_confidential', 'grant_types', 'scopes']) {
    test(`${name} is required`, async () => {
      parameter(await call('POST', root, { json: without(name) }), name, 'missingparam');
      parameter(await call('POST', root, { form: formOf(without(name)) }), name, 'missingparam');
      parameter(await call('POST', root, { json: app({ [name]: null }) }), name, 'missingparam');
    });
  }

  const illTyped: readonly (readonly [name: string, value: unknown, failureCode: string])[] = [
    ['name', 7, 'needstring'],
    ['name', ['a'], 'needstring'],
    ['description', true, 'needstring'],
    ['email', {}, 'needstring'],
    ['callback_url', 1, 'needstring'],
    ['wiki', ['*'], 'needstring'],
    ['version', '3.0', 'badvalue'],
    ['version', 1, 'badvalue'],
    ['is_confidential', 'true', 'badbool-type'],
    ['is_confidential', 1, 'badbool-type'],
    ['owner_only', 'no', 'badbool-type'],
    ['callback_is_prefix', 0, 'badbool-type'],
    ['grant_types', 'authorization_code|refresh_token', 'multivalue-must-be-array'],
    ['grant_types', [1], 'needstring'],
    ['scopes', 'editpage', 'multivalue-must-be-array'],
    ['scopes', [['editpage']], 'badvalue'],
    ['scopes', { 0: 'editpage' }, 'multivalue-must-be-array'],
  ];
  for (const [name, value, code] of illTyped)
    test(`JSON needs proper types: ${name} ${JSON.stringify(value)} is ${code}`, async () =>
      parameter(await call('POST', root, { json: app({ [name]: value }) }), name, code));

  for (const [words, wanted] of [
    [['true', 't', 'yes', 'y', 'on', '1', 'TRUE', 'On'], true],
    [['false', 'f', 'no', 'n', 'off', '0', '', 'FALSE'], false],
  ] as const) {
    for (const word of words)
      test(`a form says ${wanted} by ${JSON.stringify(word)}`, async () => {
        const answer = await call('POST', root, { form: formOf(app({ is_confidential: word })) });
        assert.equal((await found(answer.json().client_key)).confidential, wanted);
      });
  }
  for (const [name, value, code, shown] of [
    ['is_confidential', 'maybe', 'badbool', 'maybe'],
    ['owner_only', '2', 'badbool', '2'],
    ['version', '1', 'badvalue', '1'],
    ['scopes', 'editpage|fly', 'badvalue', 'fly'],
    ['scopes', 'editpage,sendemail', 'badvalue', 'editpage,sendemail'],
  ] as const) {
    test(`a form with ${name}=${value} is ${code}`, async () => {
      const answer = await call('POST', root, { form: formOf(app({ [name]: value })) });
      parameter(answer, name, code);
      assert.equal(answer.json().value, shown);
    });
  }

  test('a list in a form is separated by |, and empty when nothing stands there', async () => {
    const answer = await call('POST', root, {
      form: formOf(app({ scopes: 'editpage|sendemail' })),
    });
    assert.deepEqual((await found(answer.json().client_key)).scopes, [
      'basic',
      'editpage',
      'sendemail',
    ]);
    failure(await call('POST', root, { form: formOf(app({ grant_types: '' })) }), 'invalid_field');
  });

  test('fields that are not listed are refused by name', async () => {
    for (const said of [
      { json: app({ colour: 'red', agreement: true }) },
      { form: `${formOf(app())}&colour=red&agreement=1` },
    ]) {
      const answer = await call('POST', root, said);
      parameter(answer, '*', 'extraneous-body-fields', 'rest-extraneous-body-fields', {
        bodyParameters: ['colour', 'agreement'],
      });
    }
    const text = `${JSON.stringify(app()).slice(0, -1)},"__proto__":{"a":1}}`;
    parameter(
      await call('POST', root, { json: text }),
      '*',
      'extraneous-body-fields',
      'rest-extraneous-body-fields',
      {
        bodyParameters: ['__proto__'],
      },
    );
  });

  for (const url of [root, resetOf('0'.repeat(32))]) {
    for (const by of ['bearer', 'signature', 'cookie', 'nothing'] as const) {
      test(`POST ${url} by ${by}: no body is 411, another type 415, what cannot be read 400`, async () => {
        localised(await call('POST', url, { by }), 411, 'rest-request-body-expected');
        localised(
          await call('POST', url, {
            by,
            json: '',
            headers: { 'content-type': 'application/json' },
          }),
          411,
          'rest-request-body-expected',
        );
        for (const type of [
          'text/plain',
          'multipart/form-data; boundary=x',
          'application/jsonx',
          '',
        ])
          localised(
            await call('POST', url, { by, json: '{}', headers: { 'content-type': type } }),
            415,
            'rest-unsupported-content-type',
          );
        for (const json of ['{', 'null', '[]', '"a"', '1'])
          localised(await call('POST', url, { by, json }), 400, 'rest-json-body-parse-error');
      });
    }
    test(`PUT ${url} is 405, and the methods are named`, async () => {
      const answer = await call('PUT', url, { json: {} });
      localised(answer, 405, 'rest-wrong-method');
      assert.equal(answer.headers.allow, url === root ? 'GET, POST' : 'POST');
    });
  }

  test('an app for others without a callback is refused, if it says that it is one', async () => {
    for (const said of [
      { json: app({ owner_only: false, callback_url: '' }) },
      { form: formOf(app({ owner_only: 'no', callback_url: '' })) },
    ])
      localised(
        await call('POST', root, said),
        400,
        'mwoauth-error-missing-callback-url-non-owner',
      );
    localised(
      await call('POST', root, {
        by: 'nothing',
        json: app({ owner_only: false, callback_url: '' }),
      }),
      400,
      'mwoauth-error-missing-callback-url-non-owner',
    );
    failure(await call('POST', root, { json: app({ callback_url: '' }) }), 'invalid_field');
  });

  const messages: readonly (readonly [what: string, over: Values, message: string])[] = [
    ['an empty name', { name: '' }, 'invalid_field'],
    ['a name of 129 bytes', { name: 'é'.repeat(65) }, 'invalid_field'],
    ['a callback that is none', { callback_url: 'tool.example/cb' }, 'invalid_field'],
    [
      'a callback of 2001 bytes',
      { callback_url: `https://tool.example/${'a'.repeat(1980)}` },
      'invalid_field',
    ],
    ['a description of 65535 bytes', { description: 'x'.repeat(65_535) }, 'invalid_field'],
    ['an address that is none', { email: 'ada' }, 'invalid_field'],
    ['a site that is none', { wiki: 'nowhere' }, 'invalid_field'],
    ['no grant types', { grant_types: [] }, 'invalid_field'],
    ['a grant type that is not offered', { grant_types: ['password'] }, 'invalid_field'],
    ['an own scheme and a secret', { callback_url: 'org.tool:/cb' }, 'invalid_callback_url'],
    [
      'an own scheme without a dot',
      { callback_url: 'tool:/cb', is_confidential: false },
      'invalid_callback_url',
    ],
    [
      'a scheme that runs script',
      { callback_url: 'javascript:1', is_confidential: false },
      'invalid_callback_url',
    ],
    ['plain http', { callback_url: 'http://tool.example/cb' }, 'invalid_callback_url'],
    [
      'a callback of this very site',
      { callback_url: 'https://gate.example/wiki/X' },
      'invalid_callback_url',
    ],
    ['a bare domain', { callback_url: 'https://tool.example/' }, 'invalid_callback_url'],
    ['the word for all scopes', { scopes: ['#default'] }, 'invalid_grants'],
    ['another address than the account’s', { email: 'eve@example.org' }, 'email_mismatched'],
    [
      'owner-only with codes',
      { owner_only: true, callback_url: '' },
      'unable_to_retrieve_access_token',
    ],
    [
      'owner-only with another grant type beside',
      { owner_only: true, grant_types: ['client_credentials', 'refresh_token'] },
      'unable_to_retrieve_access_token',
    ],
  ];
  for (const [what, over, message] of messages) {
    test(`${what} is ${message}, and nothing is stored`, async () => {
      await bearer(ada, ['oauthmanageownclient']);
      const before = await rows();
      const trail = await world.server.store.listAudit({ limit: 1 });
      failure(await call('POST', root, { json: app(over) }), message);
      failure(await call('POST', root, { form: formOf(app(over)) }), message);
      assert.deepEqual(
        [await rows(), await world.server.store.listAudit({ limit: 1 })],
        [before, trail],
      );
    });
  }

  test('name before version before callback before address before site before scopes before grant types: the first is told', async () => {
    const wrong = {
      name: '',
      callback_url: 'http://tool.example/cb',
      email: 'ada',
      wiki: 'nowhere',
      scopes: ['#default'],
      grant_types: [],
    };
    failure(await call('POST', root, { json: app(wrong) }), 'invalid_field');
    failure(
      await call('POST', root, { json: app({ ...wrong, name: 'a' }) }),
      'invalid_callback_url',
    );
    failure(
      await call('POST', root, { json: app({ scopes: ['#default'], grant_types: [] }) }),
      'invalid_grants',
    );
    failure(
      await call('POST', root, { as: ben, json: app({ scopes: ['#default'] }) }),
      'invalid_grants',
    );
  });

  test('the same version, or an earlier one, exists', async () => {
    const asked = app({ version: '2.0' });
    assert.equal((await call('POST', root, { json: asked })).statusCode, 200);
    failure(await call('POST', root, { json: asked }), 'consumer_exists');
    failure(await call('POST', root, { json: { ...asked, version: '1.0' } }), 'consumer_exists');
  });

  test('rights are the person’s and the token’s', async () => {
    failure(
      await call('POST', root, { as: ben, json: app({ email: 'ben@example.org' }) }),
      'permission_denied',
    );
    failure(
      await call('POST', root, { as: ben, by: 'cookie', json: app({ email: 'ben@example.org' }) }),
      'permission_denied',
    );
    for (const by of ['bearer', 'signature'] as const)
      failure(
        await call('POST', root, { by, scopes: ['editpage'], json: app() }),
        'permission_denied',
      );
  });

  test('an address that was not confirmed is told before another one', async () => {
    const made = await world.server.store.createAccount({
      ...ada,
      name: 'Nora',
      email: 'nora@example.org',
      emailConfirmedAt: null,
      passwordHash: null,
    });
    assert.ok(made.outcome === 'created');
    failure(
      await call('POST', root, { as: made.account, by: 'cookie', json: app() }),
      'email_not_confirmed',
    );
  });

  // Who calls.

  test('nobody is told to sign in: a stranger, an ended session, a client that acts for itself', async () => {
    failure(await call('POST', root, { by: 'nothing', json: app() }), 'not_logged_in');
    failure(await call('POST', root, { by: 'nothing', form: formOf(app()) }), 'not_logged_in');
    failure(
      await call('POST', root, {
        by: 'nothing',
        json: app(),
        headers: { cookie: '__Host-gatehouse=ended' },
      }),
      'not_logged_in',
    );
    const { client, secret } = await world.createClient(ada, {
      name: 'machine',
      grantTypes: ['client_credentials'],
      scopes: ['oauthmanageownclient'],
    });
    const bought = await world.app.inject({
      method: 'POST',
      url: '/w/rest.php/oauth2/access_token',
      headers: {
        authorization: basicHeader(client.id, secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: 'grant_type=client_credentials',
    });
    const headers = { authorization: `Bearer ${bought.json().access_token}` };
    failure(await call('POST', root, { by: 'nothing', json: app(), headers }), 'not_logged_in');
    localised(await call('GET', root, { by: 'nothing', headers }), 404, 'rest-nonexistent-user');
    localised(await call('GET', root, { by: 'nothing' }), 404, 'rest-nonexistent-user');
  });

  test('a session sends JSON from a page of this server: never a form, never from another origin', async () => {
    const before = await rows();
    localised(
      await call('POST', root, { by: 'cookie', form: formOf(app()) }),
      403,
      'rest-badtoken',
    );
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'x-csrf-token': 'of another session' },
    ])
      localised(
        await call('POST', root, {
          by: 'cookie',
          json: app(),
          headers: headers as Record<string, string>,
        }),
        403,
        'rest-badtoken',
      );
    assert.equal(await rows(), before);
    const ours = { origin: 'https://gate.example', 'sec-fetch-site': 'same-origin' };
    assert.equal(
      (await call('POST', root, { by: 'cookie', json: app(), headers: ours })).statusCode,
      200,
    );
    const form = await call('POST', root, {
      form: formOf(app()),
      headers: { cookie: await world.sessionCookie(ada) },
    });
    assert.equal(form.statusCode, 200, 'a token vouches for the form, whatever cookie comes along');
  });

  const badHeaders: readonly (readonly [
    what: string,
    header: () => Promise<string>,
    key: string,
  ])[] = [
    ['a token that is none', async () => 'Bearer nonsense', 'mwoauth-invalid-authorization'],
    ['no token', async () => 'Bearer', 'mwoauth-invalid-authorization'],
    [
      'a token with a changed signature',
      async () => `Bearer ${(await bearer(ada, ['editpage'])).slice(0, -3)}abc`,
      'mwoauth-invalid-authorization',
    ],
    [
      'a signature without its parts',
      async () => 'OAuth realm="x"',
      'mwoauth-invalid-authorization',
    ],
    [
      'a wrong signature',
      async () => {
        const [client, token] = await pair(ada, ['oauthmanageownclient']);
        return (
          signedHeader(
            world,
            'GET',
            root,
            client,
            token,
            {},
            { profile: 'mediawiki', signature: 'AAAA' },
          ).authorization ?? ''
        );
      },
      'mwoauth-invalid-authorization',
    ],
    [
      'an app that was switched off',
      async () => {
        const { client, accessToken } = await world.createClient(ada, {
          ...ownerOnly,
          name: `off ${++count}`,
          grantTypes: ['client_credentials'],
        });
        await world.clients.disable(client.id);
        return `Bearer ${accessToken}`;
      },
      'mwoauth-invalid-authorization-not-approved',
    ],
    [
      'an app of another address',
      async () => {
        const { client, accessToken } = await world.createClient(ada, {
          ...ownerOnly,
          name: `far ${++count}`,
          grantTypes: ['client_credentials'],
        });
        await world.server.services.registry.submit(OPERATOR, 'update', {
          ...{
            clientId: client.id,
            reason: '',
            resetSecret: false,
            restrictions: { addresses: ['192.0.2.1'] },
          },
        });
        return `Bearer ${accessToken}`;
      },
      'mwoauthdatastore-bad-source-ip',
    ],
    [
      'a person who was blocked',
      async () => {
        const eve = await world.createPerson(`Eve${++count}`);
        const token = await bearer(eve, ['editpage']);
        await world.server.store.setBlocked(eve.id, true);
        return `Bearer ${token}`;
      },
      'mwoauth-invalid-authorization-blocked-user',
    ],
  ];
  for (const [what, header, key] of badHeaders) {
    test(`a header that does not hold is never ignored, beside a session either: ${what}`, async () => {
      const headers = { authorization: await header(), cookie: await world.sessionCookie(ada) };
      localised(await call('GET', root, { by: 'nothing', headers }), 403, key);
      localised(await call('POST', root, { by: 'nothing', json: app(), headers }), 403, key);
      localised(
        await call('POST', resetOf(portal), { by: 'nothing', json: {}, headers }),
        403,
        key,
      );
    });
  }

  test('only a header with the scheme is OAuth, in capitals or not: not another scheme, not parameters elsewhere', async () => {
    const token = await bearer(ada, ['oauthmanageownclient']);
    localised(
      await call('GET', root, { by: 'nothing', headers: { authorization: basicHeader('a', 'b') } }),
      404,
      'rest-nonexistent-user',
    );
    assert.equal(
      (await call('GET', root, { by: 'nothing', headers: { authorization: `bearer ${token}` } }))
        .statusCode,
      200,
    );
    localised(
      await call('GET', `${root}?oauth_token=x&oauth_signature=y&access_token=${token}`, {
        by: 'nothing',
      }),
      404,
      'rest-nonexistent-user',
    );
  });

  test('who may read nothing is told so first', async () => {
    for (const by of ['bearer', 'signature'] as const) {
      const said = { by, scopes: ['mwoauth-authonly'] };
      localised(await call('GET', root, said), 403, 'rest-read-denied', {
        error: 'rest-read-denied',
      });
      localised(await call('POST', root, { ...said, json: {} }), 403, 'rest-read-denied', {
        error: 'rest-read-denied',
      });
      localised(
        await call('POST', resetOf(portal), { ...said, json: {} }),
        403,
        'rest-read-denied',
        {
          error: 'rest-read-denied',
        },
      );
    }
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-groups-'));
    writeFileSync(
      join(folder, 'groups.json'),
      JSON.stringify({
        groups: {
          '*': [],
          user: ['read'],
          administrator: [
            'userrights',
            'mwoauthproposeconsumer',
            'mwoauthmanageconsumer',
            'mwoauthmanagemygrants',
          ],
        },
      }),
    );
    const closed = new TestServer({ groups: join(folder, 'groups.json') });
    localised(await call('GET', root, { by: 'nothing' }, closed), 403, 'rest-read-denied', {
      error: 'rest-read-denied',
    });
    assert.equal(
      (await call('GET', root, { as: await closed.createPerson('Ada'), by: 'cookie' }, closed))
        .statusCode,
      200,
    );
    await closed.close();
    rmSync(folder, { recursive: true });
  });

  // Owner-only apps.

  test('an owner-only app is approved at once, and its token works', async () => {
    const asked = app({
      owner_only: true,
      callback_url: '',
      grant_types: ['client_credentials'],
      scopes: ['oauthmanageownclient'],
    });
    for (const said of [
      { json: asked },
      { form: formOf({ ...asked, name: `${asked.name} again` }) },
    ]) {
      const answer = await call('POST', root, said);
      assert.deepEqual(
        Object.keys(answer.json()),
        ['name', 'client_key', 'secret', 'access_token'],
        answer.body,
      );
      const { client_key: key, access_token: token } = answer.json();
      const { stage, ownerOnly: own, redirectUri } = await found(key);
      assert.deepEqual([stage, own, redirectUri], ['approved', true, '']);
      const headers = { authorization: `Bearer ${token}` };
      assert.equal(
        (await call('POST', root, { by: 'nothing', json: app(), headers })).statusCode,
        200,
      );
      const profile = await world.app.inject({
        url: '/w/rest.php/oauth2/resource/profile',
        headers,
      });
      assert.equal(profile.json().username, 'Ada');
    }
  });

  // The list.

  const listOf = async (
    person: Account,
    query = '',
    by: Way = 'cookie',
    scopes = ['oauthmanageownclient'],
  ) => {
    const answer = await call('GET', `${root}${query}`, { as: person, by, scopes });
    isJson(answer);
    assert.equal(answer.statusCode, 200, answer.body);
    assert.deepEqual(Object.keys(answer.json()), ['clients', 'total']);
    return answer.json() as {
      readonly clients: readonly Record<string, unknown>[];
      readonly total: number;
    };
  };
  const fields = [
    ...[
      'email',
      'name',
      'version',
      'callback_url',
      'description',
      'client_key',
      'owner_only',
      'stage',
      'oauth_version',
    ],
    ...['registration_formatted', 'allowed_grants', 'scopes'],
  ];

  test('the list has one’s own apps, newest first, each field in its place, and no secret', async () => {
    const lia = await world.createPerson('Lia', ['developer']);
    const first = await world.createClient(lia, { name: 'first', description: 'One.' });
    world.advanceClock(60);
    const second = await world.createClient(
      lia,
      { name: 'second', scopes: ['editpage', 'sendemail'] },
      false,
    );
    const classic = await world.createClient(lia, {
      name: 'classic',
      protocol: 'oauth1',
      grantTypes: [],
    });
    const { clients, total } = await listOf(lia);
    assert.deepEqual([clients.map(({ name }) => name), total], [['second', 'first'], 2]);
    for (const client of clients) assert.deepEqual(Object.keys(client), fields);
    assert.deepEqual(clients[1], {
      ...{
        email: 'lia@example.org',
        name: 'first',
        version: '1.0',
        callback_url: 'https://app.example/cb',
        description: 'One.',
      },
      ...{ client_key: first.client.id, owner_only: false, stage: 1, oauth_version: 2 },
      ...{
        registration_formatted: '08:00, 15 January 2027',
        allowed_grants: ['authorization_code', 'refresh_token'],
        scopes: ['basic', 'editpage'],
      },
    });
    assert.equal(clients[0]?.registration_formatted, '08:01, 15 January 2027');
    const old = await listOf(lia, '?oauth_version=1');
    assert.deepEqual(
      Object.keys(old.clients[0] ?? {}),
      fields.filter((field) => field !== 'allowed_grants'),
    );
    assert.deepEqual(
      [old.clients[0]?.client_key, old.clients[0]?.oauth_version, old.total],
      [classic.client.id, 1, 1],
    );
    assert.deepEqual(await listOf(lia, '?oauth_version=2'), { clients, total });
    for (const { secret } of [first, second, classic])
      assert.ok(!JSON.stringify([clients, old]).includes(secret));
    assert.deepEqual(
      (await listOf(lia, '?oauth_version=1', 'bearer', ['editpage'])).clients,
      old.clients.map(({ email: _private, ...rest }) => rest),
      'to read needs no right but to read; the contact address needs the scope for managing apps (ADR 17)',
    );
  });

  test('limit and offset cut the list, total does not', async () => {
    const max = await world.createPerson('Max', ['developer']);
    for (let made = 1; made <= 27; made++)
      await world.createClient(max, { name: `app ${made}` }, false);
    const numbers = async (query: string) => {
      const { clients, total } = await listOf(max, query);
      assert.equal(total, 27);
      return clients.map(({ name }) => Number(String(name).slice(4)));
    };
    const down = (from: number, to: number) =>
      Array.from({ length: Math.max(0, from - to + 1) }, (_one, index) => from - index);
    for (const [query, wanted] of [
      ['', down(27, 3)],
      ['?limit=2', [27, 26]],
      ['?limit=2&offset=2', [25, 24]],
      ['?limit=100', down(27, 1)],
      ['?limit=100000&offset=25', [2, 1]],
      ['?limit=0', []],
      ['?offset=27', []],
      ['?offset=26&limit=5', [1]],
    ] as const)
      assert.deepEqual(await numbers(query), wanted, query);
  });

  for (const [query, name, code] of [
    ['limit=x', 'limit', 'badinteger'],
    ['limit=', 'limit', 'badinteger'],
    ['limit=1.5', 'limit', 'badinteger'],
    ['offset=a', 'offset', 'badinteger'],
    ['oauth_version=3', 'oauth_version', 'badvalue'],
    ['oauth_version=2.0', 'oauth_version', 'badvalue'],
  ] as const) {
    test(`the list with ${query} is ${code}`, async () => {
      const answer = await call('GET', `${root}?${query}`);
      parameter(answer, name, code, 'rest-parameter-validation-error');
      assert.equal(answer.json().value, query.split('=')[1]);
    });
  }

  test('stages are numbers', async () => {
    const sam = await world.createPerson('Sam', ['developer']);
    const made = async (name: string, approve: boolean) =>
      (await world.createClient(sam, { name }, approve)).client.id;
    await made('waits', false);
    await made('approved', true);
    await world.clients.reject(await made('rejected', false));
    const idle = await made('expired', false);
    await world.clients.disable(await made('disabled', true));
    const { clients } = await listOf(sam);
    assert.deepEqual(Object.fromEntries(clients.map(({ name, stage }) => [name, stage])), {
      waits: 0,
      approved: 1,
      rejected: 2,
      expired: 0,
      disabled: 4,
    });
    world.advanceClock(31 * 86_400);
    await world.server.services.registry.expireIdle();
    assert.equal((await listOf(sam)).clients.find(({ client_key: key }) => key === idle)?.stage, 3);
  });

  test('an app of the configuration says so', async () => {
    const con = (await world.server.store.findAccountByName('Con')) as Account;
    const { clients } = await listOf(con);
    assert.deepEqual(
      [clients[0]?.configuration_based, clients[0]?.stage, Object.keys(clients[0] ?? {})],
      [true, 1, [...fields, 'configuration_based']],
    );
  });

  test('of a hidden app the words are left out, unless its owner may see hidden ones', async () => {
    const hal = await world.createPerson('Hal', ['developer']);
    const sue = await world.createPerson('Sue', ['developer', 'reviewer']);
    for (const owner of [hal, sue]) {
      const { client } = await world.createClient(owner, { name: 'hidden' });
      await world.clients.disable(client.id, { suppress: true });
    }
    const seen = async (person: Account) => Object.keys((await listOf(person)).clients[0] ?? {});
    assert.deepEqual(
      await seen(hal),
      fields.filter(
        (field) => !['email', 'name', 'version', 'callback_url', 'description'].includes(field),
      ),
    );
    assert.deepEqual(await seen(sue), fields);
    assert.equal((await listOf(hal)).total, 1);
  });

  // The reset.

  const uses = async (client: Client, secret: string) => {
    const answer = await world.app.inject({
      method: 'POST',
      url: '/oauth2/introspect',
      headers: {
        authorization: basicHeader(client.id, secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: 'token=x',
    });
    return answer.statusCode === 200;
  };

  for (const by of ['bearer', 'signature', 'cookie'] as const) {
    test(`by ${by} ${by === 'cookie' ? 'a new secret replaces the old one at once; what was issued stays' : 'the secret of an app that other people use stays'}`, async () => {
      const { client, secret } = await world.createClient(ada, { name: `reset ${++count}` });
      const answer = await call('POST', resetOf(client.id), { by, json: {} });
      if (by !== 'cookie') {
        // The secret of an app that other people use is worth more than the token that asks for it
        // (ADR 17).
        failure(answer, 'permission_denied');
        return assert.equal(await uses(client, secret), true);
      }
      assert.equal(answer.statusCode, 200, answer.body);
      assert.deepEqual(Object.keys(answer.json()), ['name', 'client_key', 'secret']);
      assert.deepEqual([answer.json().name, answer.json().client_key], [client.name, client.id]);
      assert.deepEqual(
        [await uses(client, secret), await uses(client, answer.json().secret)],
        [false, true],
      );
    });
  }

  test('people’s tokens outlive the secret', async () => {
    const made = await world.createClient(ada, { name: `many ${++count}`, pkceOptional: true });
    const code = await world.issueCode(made, ben);
    const bought = await world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: basicHeader(made.client.id, made.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: made.client.redirectUri,
      }).toString(),
    });
    assert.equal(
      (await call('POST', resetOf(made.client.id), { by: 'cookie', json: {} })).statusCode,
      200,
    );
    const profile = await world.app.inject({
      url: '/w/rest.php/oauth2/resource/profile',
      headers: { authorization: `Bearer ${bought.json().access_token}` },
    });
    assert.equal(profile.json().username, 'Ben');
  });

  test('restrictions and the RSA key are kept (protocols 3.4)', async () => {
    const rsaPublicKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString()
      .trim();
    const { client } = await world.createClient(ada, {
      name: `kept ${++count}`,
      protocol: 'oauth1',
      grantTypes: [],
      rsaPublicKey,
    });
    const restrictions = { addresses: ['192.0.2.0/24'], pages: ['Main'] };
    await world.server.services.registry.submit(OPERATOR, 'update', {
      clientId: client.id,
      reason: '',
      resetSecret: false,
      restrictions,
    });
    assert.equal(
      (await call('POST', resetOf(client.id), { by: 'cookie', json: {} })).statusCode,
      200,
    );
    const after = await found(client.id);
    assert.deepEqual([after.restrictions, after.rsaPublicKey], [restrictions, rsaPublicKey]);
  });

  test('an owner-only app gets a new token, and the old one stops', async () => {
    const { client, accessToken } = await world.createClient(ada, {
      ...ownerOnly,
      name: `own ${++count}`,
      grantTypes: ['client_credentials'],
    });
    const answer = await call('POST', resetOf(client.id), { json: { reason: 'lost' } });
    assert.deepEqual(Object.keys(answer.json()), ['name', 'client_key', 'secret', 'access_token']);
    const status = async (token: unknown) =>
      (await call('GET', root, { by: 'nothing', headers: { authorization: `Bearer ${token}` } }))
        .statusCode;
    assert.deepEqual(
      [await status(accessToken), await status(answer.json().access_token)],
      [403, 200],
    );
    const claims = JSON.parse(
      Buffer.from(answer.json().access_token.split('.')[1], 'base64url').toString(),
    );
    assert.ok(claims.exp - claims.iat > 999 * 365 * 86_400);
    const [line] = await world.server.store.listAudit({ clientId: client.id, limit: 1 });
    assert.deepEqual([line?.action, line?.reason, line?.actorId], ['update', 'lost', ada.id]);
  });

  test('an owner-only app of OAuth 1 keeps its token and gets a new secret for it, which the answer has', async () => {
    const made = await world.createClient(ada, {
      ...ownerOnly,
      name: `own ${++count}`,
      protocol: 'oauth1',
      grantTypes: [],
      scopes: ['editpage'],
    });
    const answer = await call('POST', resetOf(made.client.id), { json: {} });
    assert.deepEqual(Object.keys(answer.json()), [
      'name',
      'client_key',
      'secret',
      'access_token',
      'access_token_secret',
    ]);
    const { secret, access_token: token, access_token_secret: tokenSecret } = answer.json();
    const key = made.credentials?.token ?? '';
    assert.equal(token, key);
    const status = async (client: CredentialPair, token: CredentialPair) =>
      (
        await call('GET', root, {
          by: 'nothing',
          headers: signedHeader(world, 'GET', root, client, token, {}, { profile: 'mediawiki' }),
        })
      ).statusCode;
    const id: string = made.client.id;
    const [fresh, old] = [
      { key: id, secret },
      { key: id, secret: made.secret },
    ];
    const [freshToken, oldToken] = [
      { key, secret: tokenSecret },
      { key, secret: made.credentials?.secret ?? '' },
    ];
    assert.deepEqual(
      [
        await status(fresh, freshToken),
        await status(old, freshToken),
        await status(fresh, oldToken),
        await status(old, oldToken),
      ],
      [200, 403, 403, 403],
    );
  });

  test('an app that waits is reset too; a public one has no secret to reset, and gets a text that is none', async () => {
    const waiting = await world.createClient(ada, { name: `waits ${++count}` }, false);
    assert.equal((await call('POST', resetOf(waiting.client.id), { json: {} })).statusCode, 200);
    const open = await world.createClient(ada, { name: `open ${++count}`, confidential: false });
    assert.match(
      (await call('POST', resetOf(open.client.id), { json: {} })).json().secret,
      /^[0-9a-f]{40}$/,
    );
    assert.equal((await found(open.client.id)).secrets.length, 0);
  });

  test('the reset names what stands in its way, in this order: no app, hidden, not theirs', async () => {
    const mine = (await world.createClient(ada, { name: `mine ${++count}` })).client.id;
    const theirs = (
      await world.createClient(await world.createPerson('Tom', ['developer']), { name: 'theirs' })
    ).client.id;
    const gone = (await world.createClient(ada, { name: `gone ${++count}` })).client.id;
    await world.clients.disable(gone, { suppress: true });
    for (const by of ['bearer', 'cookie', 'nothing'] as const) {
      for (const key of ['0'.repeat(32), 'nothing', portal.toUpperCase()])
        localised(
          await call('POST', resetOf(key), { by, json: {} }),
          400,
          'mwoauth-invalid-consumer-key',
        );
      localised(
        await call('POST', resetOf(gone), { by, json: {} }),
        401,
        'mwoauth-consumer-deleted-error',
      );
      localised(
        await call('POST', resetOf(theirs), { by, json: {} }),
        400,
        'mwoauth-consumer-user-mismatch',
      );
    }
    localised(
      await call('POST', resetOf(mine), { by: 'nothing', json: {} }),
      400,
      'mwoauth-consumer-user-mismatch',
    );
  });

  test('a maintainer is not the owner', async () => {
    const { client } = await world.createClient(ada, { name: `team ${++count}` });
    const mia = await world.createPerson('Mia', ['developer']);
    await world.server.services.registry.submit(OPERATOR, 'invite', {
      clientId: client.id,
      reason: '',
      userId: mia.id,
    });
    localised(
      await call('POST', resetOf(client.id), { as: mia, by: 'cookie', json: {} }),
      400,
      'mwoauth-consumer-user-mismatch',
    );
  });

  test('the reset is refused in other stages, without the right, and for an app of the configuration', async () => {
    const { client } = await world.createClient(ada, { name: `late ${++count}` });
    failure(
      await call('POST', resetOf(client.id), { scopes: ['editpage'], json: {} }),
      'permission_denied',
    );
    await world.clients.disable(client.id);
    failure(await call('POST', resetOf(client.id), { json: {} }), 'permission_denied');
    const con = (await world.server.store.findAccountByName('Con')) as Account;
    failure(
      await call('POST', resetOf(portal), { as: con, by: 'cookie', json: {} }),
      'permission_denied',
    );
  });

  test('a reason is one line of 255 characters', async () => {
    const { client, secret } = await world.createClient(ada, { name: `why ${++count}` });
    for (const reason of ['x'.repeat(256), 'a\nb'])
      failure(await call('POST', resetOf(client.id), { json: { reason } }), 'invalid_field_reason');
    parameter(
      await call('POST', resetOf(client.id), { json: { reason: 1 } }),
      'reason',
      'needstring',
    );
    parameter(
      await call('POST', resetOf(client.id), { json: { rsa_key: '' } }),
      '*',
      'extraneous-body-fields',
      'rest-extraneous-body-fields',
      {
        bodyParameters: ['rsa_key'],
      },
    );
    assert.equal(await uses(client, secret), true);
    assert.equal(
      (await call('POST', resetOf(client.id), { by: 'cookie', json: { reason: 'é'.repeat(255) } }))
        .statusCode,
      200,
    );
    localised(
      await call('POST', resetOf(client.id), { by: 'cookie', form: 'reason=x' }),
      403,
      'rest-badtoken',
    );
  });

  // Read-only, and switched off.

  test('read-only: nothing is registered or reset, lists go on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-dialect-'));
    const database = join(folder, 'gatehouse.db');
    const writing = new TestServer({}, '', { database });
    const owner = await writing.createPerson('Ada', ['developer']);
    const { client, secret } = await writing.createClient(owner, { name: 'tool' });
    const token = (
      await writing.createClient(owner, {
        ...ownerOnly,
        name: 'own',
        grantTypes: ['client_credentials'],
        scopes: ['oauthmanageownclient'],
      })
    ).accessToken;
    const reading = new TestServer({ 'read-only': 'moving house' }, '', { database });
    const headers = { authorization: `Bearer ${token}` };
    failure(await call('POST', root, { by: 'nothing', json: app(), headers }, reading), 'readonly');
    failure(
      await call('POST', root, { by: 'nothing', json: app({ name: '' }), headers }, reading),
      'readonly',
    );
    failure(
      await call('POST', resetOf(client.id), { by: 'nothing', json: {}, headers }, reading),
      'readonly',
    );
    assert.equal((await call('GET', root, { by: 'nothing', headers }, reading)).json().total, 2);
    const introspected = await reading.app.inject({
      ...{ method: 'POST', url: '/oauth2/introspect', payload: 'token=x' },
      headers: {
        authorization: basicHeader(client.id, secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    assert.equal(introspected.statusCode, 200);
    await reading.close();
    await writing.close();
    rmSync(folder, { recursive: true });
  });

  test('switched off, nothing answers here', async () => {
    const plain = new TestServer({ mediawiki: 'off' });
    for (const [method, url] of [
      ['GET', root],
      ['POST', root],
      ['POST', resetOf(portal)],
    ] as const)
      assert.equal((await plain.app.inject({ method, url })).statusCode, 404);
    await plain.close();
  });

  // A person who was blocked has no session, and their token does not hold: `user_blocked` is told
  // by neither. Every field that is required is asked for by the layer itself, so no
  // `missing_field_…` is left.
  test('every message was heard', () => {
    assert.deepEqual([...heard].sort(), [
      ...[
        'consumer_exists',
        'email_mismatched',
        'email_not_confirmed',
        'invalid_callback_url',
        'invalid_field',
        'invalid_field_reason',
      ],
      ...[
        'invalid_grants',
        'not_logged_in',
        'permission_denied',
        'readonly',
        'unable_to_retrieve_access_token',
      ],
    ]);
  });
});
