import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import {
  type ParameterPair,
  protocolParameters,
  rfc5849Encode,
  signatureBaseString,
  toAuthorizationHeader,
} from '#harness/own-signer.ts';
import { TestServer } from '#harness/world.ts';
import { fromStoredRequest, toStoredRequest } from '#http/oauth/refused-request.ts';
import type { ClientId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { Unavailable } from '#kernel/unavailable.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import { MAX_FAILURES, makeFailures, type NewFailure } from '#registry/refused-requests.ts';

describe('refusals are shown', () => {
  // A developer whose request was refused looks at the page at once: it is there, also when nobody
  // could read it, and no secret is with it.

  let world: TestServer;
  let ada: Account;
  let made: ActionOutcome & { readonly secret: string };
  let count = 0;
  before(async () => {
    world = new TestServer({ mediawiki: 'on', oauth1Plaintext: 'on' });
    ada = await world.createPerson('Ada', ['developer']);
  });
  after(() => world.close());

  const app = async () => {
    made = await world.createClient(ada, { name: `Classic ${++count}`, protocol: 'oauth1' });
    return { key: made.client.id, secret: made.secret };
  };

  async function page(query: string) {
    const answer = await world.app.inject({
      url: `/my/help?${query}`,
      headers: { cookie: await world.sessionCookie(ada) },
    });
    return answer.body;
  }
  const links = (body: string) =>
    [...body.matchAll(/href="\/my\/help\?(app=[^"]+failure=\d+)"/g)].map(([, link]) =>
      (link as string).replaceAll('&amp;', '&'),
    );

  interface Sent {
    readonly method?: 'GET' | 'POST';
    readonly url?: string;
    readonly headers?: Readonly<Record<string, string | string[]>>;
    readonly payload?: string;
  }
  const form = 'application/x-www-form-urlencoded';
  const doors = {
    core: '/oauth1/initiate',
    dialect: '/w/index.php?title=Special:OAuth/initiate',
  } as const;

  async function refusedThen(sent: Sent) {
    const answer = await world.app.inject({ method: 'POST', url: doors.core, ...sent } as never);
    const body = await page(`app=${made.client.id}`);
    const kept = await world.server.store.listFailures(made.client.id, 20);
    return {
      answer,
      body,
      kept: JSON.stringify(kept.map(({ facts }) => facts)),
      links: links(body),
    };
  }

  const pairs = (
    key: { key: string; secret: string },
    over: Readonly<Record<string, string | undefined>> = {},
  ) =>
    protocolParameters({
      method: 'POST',
      uri: 'https://gate.example/other',
      client: key,
      token: null,
      now: world.now,
      overrides: over,
    });

  for (const [door, url] of Object.entries(doors))
    test(`a refused request is listed at the next look, and can be explained (${door})`, async () => {
      const key = await app();
      const seen = await refusedThen({
        url,
        headers: {
          authorization: toAuthorizationHeader(pairs(key, { oauth_callback: 'oob' })),
          host: 'inner:3000',
        },
      });
      assert.match(seen.body, /The signature is wrong/);
      assert.equal(seen.links.length, 1);
      const explained = await page(seen.links[0] as string);
      assert.match(explained, /What the server signs over/);
      // Read as the door reads, and with the host it was sent to.
      assert.match(
        seen.kept,
        new RegExp(`"reading":"${door === 'core' ? 'rfc5849' : 'mediawiki'}"`),
      );
      assert.match(seen.kept, /"host":\["inner:3000"\]/);
    });

  describe('a request that nobody can read', () => {
    const key = () => ({ key: made.client.id, secret: made.secret });
    const header = (over = {}) => toAuthorizationHeader(pairs(key(), over));
    const rows: Readonly<Record<string, () => Sent>> = {
      'a lone % in the query': () => ({
        url: '/oauth1/initiate?q=100%',
        headers: { authorization: header() },
      }),
      'bytes that are no text in the query': () => ({
        url: '/oauth1/initiate?q=s%E3n',
        headers: { authorization: header() },
      }),
      'a lone % in the form': () => ({
        headers: { authorization: header(), 'content-type': form },
        payload: 'q=100%',
      }),
      'a header without quotation marks at the end': () => ({
        headers: { authorization: `${header()}, x="1` },
      }),
      'a parameter twice': () => ({
        url: '/oauth1/initiate?oauth_nonce=2',
        headers: { authorization: header() },
      }),
      'two Authorization fields': () => ({ headers: { authorization: [header(), header()] } }),
      'a comma behind the scheme': () => ({
        headers: { authorization: header().replace('OAuth ', 'OAuth, ') },
      }),
      'a broken escape in the header': () => ({
        headers: { authorization: header().replace('oauth_nonce="', 'oauth_nonce="%') },
      }),
      'parameters in the query': () => ({
        url: `/oauth1/initiate?${pairs(key())
          .map(([n, v]) => `${n}=${rfc5849Encode(v)}`)
          .join('&')}&q=%`,
      }),
      'parameters in the form': () => ({
        headers: { 'content-type': form },
        payload: `${pairs(key())
          .map(([n, v]) => `${n}=${rfc5849Encode(v)}`)
          .join('&')}&q=%`,
      }),
    };
    for (const [what, sent] of Object.entries(rows))
      test(`${what}: listed for the app it names`, async () => {
        await app();
        const { answer, body } = await refusedThen(sent());
        assert.ok(answer.statusCode >= 400, answer.body);
        assert.match(body, /cannot be read|was sent more than once|A parameter is missing/);
      });

    for (const url of ['/w/api.php?action=query&meta=userinfo', '/api/v1/me'])
      test(`a comma behind the scheme, at ${url}`, async () => {
        await app();
        const { body } = await refusedThen({
          method: 'GET',
          url,
          headers: { authorization: header().replace('OAuth ', 'OAuth, ') },
        });
        assert.match(body, /cannot be read|A parameter is missing/);
      });

    test('milliseconds are not a wrong clock', async () => {
      await app();
      const { body } = await refusedThen({
        headers: { authorization: header({ oauth_timestamp: '1800000000123' }) },
      });
      assert.match(body, /oauth_timestamp was in milliseconds or finer \(1800000000123\)/);
      assert.doesNotMatch(body, /clock of your machine/);
    });

    const jsonType = 'application/json';
    const tokens: Readonly<Record<string, (id: string) => Sent>> = {
      'a JSON body': (id) => ({
        headers: { 'content-type': jsonType },
        payload: `{"client_id": "${id}", "client_secret": "S3cr3t"}`,
      }),
      'Basic and a JSON body': (id) => ({
        headers: {
          'content-type': jsonType,
          authorization: `Basic ${Buffer.from(`${id}:S3cr3t`).toString('base64')}`,
        },
        payload: '{"code":"S3cr3t"}',
      }),
      'a lone %': (id) => ({
        headers: { 'content-type': form },
        payload: `client_id=${id}&code=S3cr3t%`,
      }),
    };
    for (const [what, sent] of Object.entries(tokens))
      for (const url of ['/oauth2/token', '/w/rest.php/oauth2/access_token'])
        test(`a token request with ${what}, at ${url}: listed, without what it held`, async () => {
          made = await world.createClient(ada, { name: `Modern ${++count}` });
          const { body, kept } = await refusedThen({ url, ...sent(made.client.id) });
          assert.match(body, /A parameter is missing or cannot be read: body/);
          assert.doesNotMatch(kept, /S3cr3t/);
        });

    test('of an app that is not there: nothing is written', async () => {
      await app();
      const authorization = toAuthorizationHeader(pairs({ key: 'e'.repeat(32), secret: 'x' }));
      await refusedThen({ url: '/oauth1/initiate?q=%', headers: { authorization } });
      assert.deepEqual(await world.server.store.listFailures('e'.repeat(32) as never, 9), []);
    });
  });

  describe('no secret is kept', () => {
    const rows: Readonly<Record<string, (key: { key: string; secret: string }) => Sent>> = {
      'a PLAINTEXT signature': (key) => ({
        headers: {
          authorization: toAuthorizationHeader([
            ...pairs(key, { oauth_signature_method: 'PLAINTEXT' }).slice(0, -1),
            ['oauth_signature', `S3cr3t&`],
          ]),
        },
      }),
      'a PLAINTEXT signature without a method': (key) => ({
        headers: {
          authorization: toAuthorizationHeader([
            ...pairs(key, { oauth_signature_method: undefined }).slice(0, -1),
            ['oauth_signature', 'S3cr3t&'],
          ]),
        },
      }),
      'one whose method is misspelt, escaped twice': (key) => ({
        headers: {
          authorization: toAuthorizationHeader([
            ...pairs(key, { oauth_signature_method: 'PLAIN' }).slice(0, -1),
            ['oauth_signature', 'S3cr3t%26'],
          ]),
        },
      }),
      'one that nobody can read, with the name of its method escaped': (key) => ({
        url: `/oauth1/initiate?oauth_consumer_key=${key.key}&oauth_signature_method=%50LAINTEXT&oauth_signature=S3cr3t%26&q=%`,
      }),
      'one in a form': (key) => ({
        headers: { 'content-type': form },
        payload: `oauth_consumer_key=${key.key}&oauth_signature=S3cr3t%26&q=%`,
      }),
      'a PLAINTEXT signature behind quoted-pairs and blanks': (key) => ({
        headers: {
          authorization: toAuthorizationHeader([
            ...pairs(key, { oauth_signature_method: 'PLAINTEXT', oauth_nonce: undefined }).slice(
              0,
              -1,
            ),
            ['oauth_signature', 'S3cr3t&'],
          ])
            .replace('PLAINTEXT', '\\P\\L\\A\\I\\N\\T\\E\\X\\T')
            .replace('%26', '\\%26')
            .replaceAll('=', ' = '),
        },
      }),
      'a verifier': (key) => ({
        url: '/oauth1/token',
        headers: {
          authorization: toAuthorizationHeader(
            pairs(key, { oauth_token: 'x', oauth_verifier: 'S3cr3t' }),
          ),
        },
      }),
      'a verifier whose name is escaped, in what nobody can read': (key) => ({
        url: `/oauth1/token?oauth_consumer_key=${key.key}&oauth%5Fverifier=S3cr3t&q=%`,
      }),
      'a password in the query': (key) => ({
        url: '/oauth1/initiate?password=S3cr3t',
        headers: { authorization: toAuthorizationHeader(pairs(key)) },
      }),
      'a client secret in a JSON body': (key) => ({
        headers: {
          authorization: toAuthorizationHeader(pairs(key)),
          'content-type': 'application/json',
        },
        payload: '{"client_secret":"S3cr3t"}',
      }),
      'a bearer token beside it': (key) => ({
        headers: { authorization: [toAuthorizationHeader(pairs(key)), 'Bearer S3cr3t'] },
      }),
    };
    for (const [what, sent] of Object.entries(rows))
      test(what, async () => {
        const { kept, body } = await refusedThen(sent(await app()));
        assert.match(kept, /"refusal"/, 'it is listed all the same');
        assert.doesNotMatch(kept + body, /S3cr3t/);
      });
  });

  test('what is kept is bounded, and read back as it was sent', () => {
    const sent = (over = {}) => ({
      method: 'POST',
      target: '/a?b=c',
      headers: { host: 'h', cookie: 'c=1' },
      body: Buffer.from('x=1'),
      address: '',
      secure: true,
      ...over,
    });
    const kept = toStoredRequest(
      sent({ headers: { host: 'h', cookie: 'c=1', 'content-type': form } }),
    );
    const back = fromStoredRequest({
      reading: 'rfc5849',
      request: JSON.parse(JSON.stringify(kept)),
    });
    assert.deepEqual(
      [back?.rawRequest.method, back?.rawRequest.target, back?.rawRequest.headers],
      ['POST', '/a?b=c', { host: 'h', 'content-type': form }],
    );
    assert.equal(Buffer.from(back?.rawRequest.body ?? []).toString(), 'x=1');
    const long = Buffer.from('x='.padEnd(3000, 'y'));
    assert.equal(
      toStoredRequest(sent({ headers: { 'content-type': form }, body: long })),
      undefined,
    );
    assert.equal(toStoredRequest(sent({ body: long }))?.body, null);
    assert.equal(toStoredRequest(sent({ target: `/${'a'.repeat(3000)}` })), undefined);
    assert.equal(
      toStoredRequest(sent({ headers: { 'content-type': form }, body: undefined })),
      undefined,
    );
    for (const facts of [
      {},
      { reading: 'other' },
      { reading: 'rfc5849' },
      { reading: 'rfc5849', request: { method: 1 } },
    ])
      assert.equal(fromStoredRequest(facts), undefined);
  });

  test('what the store does not take is kept for the next time; two looks at once find it both', async () => {
    const saved: NewFailure[] = [];
    const clientId = 'a'.repeat(32) as ClientId;
    let away = true;
    const failures = makeFailures(
      { now: () => instant(1), millis: () => 1000 },
      {
        saveFailures: async (batch) => {
          if (away) throw new Unavailable('away');
          await new Promise((resolve) => setImmediate(resolve));
          saved.push(...batch);
        },
        findClient: async (id) => ({ id }) as Client,
        listFailures: async () => saved.map((failure, id) => ({ ...failure, id })),
      },
    );
    for (let turn = 0; turn < 30; turn++)
      await failures.recordFailure(clientId, 'oauth1', { turn });
    await assert.rejects(failures.flush(), Unavailable);
    assert.deepEqual(await failures.listFailures(clientId, 99), []);
    await failures.recordFailure(clientId, 'oauth1', { turn: 30 });
    away = false;
    const looks = await Promise.all([
      failures.listFailures(clientId, 99),
      failures.listFailures(clientId, 99),
    ]);
    for (const list of looks)
      assert.deepEqual([list.length, list.at(-1)?.facts.turn], [MAX_FAILURES, 30]);
  });

  test('the signer of these tests signs as the standard says', () => {
    const some: readonly ParameterPair[] = [['a', 'b c']];
    assert.equal(
      signatureBaseString('GET', 'https://a/b', some),
      'GET&https%3A%2F%2Fa%2Fb&a%3Db%2520c',
    );
  });
});
