import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import nodeOauth from 'oauth';
import OAuth1a from 'oauth-1.0a';
import { Browser } from '../../examples/demo/browser.ts';
import { answerOf, decide, Server } from './server.ts';

describe('oauth1', () => {
  let server: Server;
  let hmacClient: { client_id: string; client_secret: string };
  let rsaClient: { client_id: string; client_secret: string };
  let exactClient: { client_id: string; client_secret: string };
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  before(async () => {
    server = await Server.start();
    server.person('Ada', '--group', 'developer');
    server.person('Ben');
    const pem = join(server.data, 'key.pem');
    writeFileSync(pem, publicKey.export({ type: 'spki', format: 'pem' }));
    const common = [
      '--protocol',
      'oauth1',
      '--redirect-uri',
      'http://127.0.0.1:9/cb',
      '--scope',
      'editpage',
    ];
    hmacClient = server.client('--name', 'HMAC', ...common, '--prefix');
    rsaClient = server.client('--name', 'RSA', ...common, '--prefix', '--rsa-public-key', pem);
    exactClient = server.client('--name', 'Exact', ...common);
  });
  after(() => server.stop());

  // biome-ignore lint/suspicious/noExplicitAny: the library has no types
  type NodeOAuth = any;
  const call = <T>(
    start: (done: (fault: unknown, ...values: string[]) => void) => void,
  ): Promise<T> =>
    new Promise((resolve, reject) =>
      start((fault, ...values) =>
        fault ? reject(new Error(JSON.stringify(fault))) : resolve(values as T),
      ),
    );

  const shapes = {
    canonical: {
      initiate: '/oauth1/initiate',
      authorize: '/oauth1/authorize',
      token: '/oauth1/token',
    },
    dialect: {
      initiate: '/w/index.php?title=Special:OAuth/initiate',
      authorize: '/wiki/Special:OAuth/authorize',
      token: '/w/index.php?title=Special:OAuth/token',
    },
  } as const;

  for (const [shape, paths] of Object.entries(shapes)) {
    for (const method of ['HMAC-SHA1', 'RSA-SHA1'] as const) {
      test(`npm oauth, three legs, ${shape}, ${method}`, async () => {
        const client = method === 'RSA-SHA1' ? rsaClient : hmacClient;
        const secret = method === 'RSA-SHA1' ? privatePem : client.client_secret;
        const { OAuth } = nodeOauth as NodeOAuth;
        const consumer = new OAuth(
          server.issuer + paths.initiate,
          server.issuer + paths.token,
          client.client_id,
          secret,
          '1.0',
          'http://127.0.0.1:9/cb?x=1',
          method,
        );
        const [token, tokenSecret] = await call<[string, string]>((done) =>
          consumer.getOAuthRequestToken(done),
        );
        const answer = answerOf(
          await decide(new Browser(), `${server.issuer}${paths.authorize}?oauth_token=${token}`),
        );
        assert.equal(answer.get('oauth_token'), token);
        assert.equal(answer.get('x'), '1');
        const [access, accessSecret] = await call<[string, string]>((done) =>
          consumer.getOAuthAccessToken(token, tokenSecret, answer.get('oauth_verifier'), done),
        );
        const [body] = await call<[string]>((done) =>
          consumer.get(
            `${server.issuer}/w/api.php?action=query&meta=userinfo&format=json`,
            access,
            accessSecret,
            done,
          ),
        );
        assert.equal(JSON.parse(body).query.userinfo.name, 'Ben');
        // A second exchange is refused.
        await assert.rejects(
          call((done) =>
            consumer.getOAuthAccessToken(
              token,
              tokenSecret,
              answer.get('oauth_verifier'),
              (fault: unknown, key: string) => done(fault ?? (key ? null : 'no token')),
            ),
          ),
        );
      });
    }
  }

  test('npm oauth-1.0a signs with HMAC-SHA256 and RSA-SHA256 on the canonical endpoints', async () => {
    for (const [client, method, sign] of [
      [
        hmacClient,
        'HMAC-SHA256',
        (text: string, key: string) => createHmac('sha256', key).update(text).digest('base64'),
      ],
      [
        rsaClient,
        'RSA-SHA256',
        (text: string) => createSign('sha256').update(text).sign(privatePem, 'base64'),
      ],
    ] as const) {
      const oauth = new OAuth1a({
        consumer: { key: client.client_id, secret: client.client_secret },
        signature_method: method,
        hash_function: sign,
      });
      const send = (
        url: string,
        data: Record<string, string>,
        token?: { key: string; secret: string },
      ) =>
        fetch(url, {
          method: 'POST',
          headers: { ...oauth.toHeader(oauth.authorize({ url, method: 'POST', data }, token)) },
        });
      const temporary = new URLSearchParams(
        await (await send(`${server.issuer}/oauth1/initiate`, { oauth_callback: 'oob' })).text(),
      );
      assert.equal(temporary.get('oauth_callback_confirmed'), 'true');
      const pair = {
        key: temporary.get('oauth_token') ?? '',
        secret: temporary.get('oauth_token_secret') ?? '',
      };
      const shown = await decide(
        new Browser(),
        `${server.issuer}/oauth1/authorize?oauth_token=${pair.key}`,
      );
      const verifier = /<code class="big">([0-9a-f]+)<\/code>/.exec(shown.text)?.[1] ?? '';
      const bought = new URLSearchParams(
        await (
          await send(`${server.issuer}/oauth1/token`, { oauth_verifier: verifier }, pair)
        ).text(),
      );
      assert.match(bought.get('oauth_token') ?? '', /^[0-9a-f]{32}$/);
    }
  });

  test('in the dialect, oob goes to the registered URL, and a second handshake gives the same credentials', async () => {
    const oauth = new OAuth1a({
      consumer: { key: exactClient.client_id, secret: exactClient.client_secret },
      signature_method: 'HMAC-SHA1',
      hash_function: (text: string, key: string) =>
        createHmac('sha1', key).update(text).digest('base64'),
    });
    const send = async (
      url: string,
      data: Record<string, string>,
      token?: { key: string; secret: string },
    ) =>
      (
        await fetch(url, {
          method: 'POST',
          headers: { ...oauth.toHeader(oauth.authorize({ url, method: 'POST', data }, token)) },
        })
      ).json() as Promise<Record<string, string>>;
    const handshake = async () => {
      const pair = await send(
        `${server.issuer}/w/index.php?title=Special%3AOAuth%2Finitiate&format=json`,
        { oauth_callback: 'oob' },
      );
      assert.equal(pair.oauth_callback_confirmed, 'true');
      const temporary = { key: pair.key ?? '', secret: pair.secret ?? '' };
      const page = await decide(
        new Browser(),
        `${server.issuer}/w/index.php?title=Special:Oauth/authenticate&oauth_token=${pair.key}`,
      );
      assert.ok(
        page.location?.startsWith('http://127.0.0.1:9/cb?oauth_verifier='),
        String(page.location),
      );
      const wrong = await send(
        `${server.issuer}/wiki/Special:OAuth/token?format=json`,
        { oauth_verifier: 'no' },
        temporary,
      );
      assert.equal(wrong.error, 'mwoauthdatastore-bad-verifier');
      return send(
        `${server.issuer}/wiki/Special:OAuth/token?format=json`,
        { oauth_verifier: answerOf(page).get('oauth_verifier') ?? '' },
        temporary,
      );
    };
    const [first, second] = [await handshake(), await handshake()];
    assert.match(first.key ?? '', /^[0-9a-f]{32}$/);
    assert.deepEqual(second, first);
  });
});
