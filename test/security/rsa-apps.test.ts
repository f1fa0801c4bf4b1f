import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { percentEncode } from '#encoding/percent.ts';
import { signedHeader } from '#harness/signed.ts';
import { TestServer } from '#harness/world.ts';
import { OPERATOR } from '#registry/actor.ts';

describe('rsa apps', () => {
  // RSA keys of apps: 2048 bits for new ones, and an app that signs with its key alone has no
  // secret that somebody could sign with.

  const spki = { type: 'spki', format: 'pem' } as const;
  const pair = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits });
  const pemOf = (bits: number) => pair(bits).publicKey.export(spki).toString();
  const withExponent = (e: string) => {
    const jwk = pair(2048).publicKey.export({ format: 'jwk' });
    return createPublicKey({ key: { ...jwk, e }, format: 'jwk' })
      .export(spki)
      .toString();
  };
  const short = pemOf(1024);
  /** A self-signed certificate over a key of 2048 bits; the private key was thrown away. */
  const certificate = `-----BEGIN CERTIFICATE-----
MIIDDzCCAfegAwIBAgIULn0IVYe4QnkptSw/xiawv22xe0AwDQYJKoZIhvcNAQEL
BQAwFjEUMBIGA1UEAwwLYXBwLmV4YW1wbGUwIBcNMjYxMTI4MTAyNjIyWhgPMjEy
NjExMDQxMDI2MjJaMBYxFDASBgNVBAMMC2FwcC5leGFtcGxlMIIBIjANBgkqhkiG
9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxbHqgizd46NCPlIEHxiAf52cBhQb4HSklfmD
79CFhiFF9d2vWbaBjSgmKNSbb592PXYaZ7/4919zLsvserr8UE8YMUuQtUxfGEEk
AcPbUkX+Vvc8YF91T0Ru6dLBW15VT0Zz48BUDzJDfweFHgrfcQrQ0y8Gea+6QYXr
bAb6VheZ6bDBS6BsObs/caSTZ1UzM6hf79hj7Z1RUNMkjyPsTvyoSYeo5td4mw/U
K3l2vN/dXrEQcz6VXBTWPdW5fwvgRPoDzCDhw6VO7/kZNgmtuJaC8QZTucxtojmc
i9VXfw9D14anTfATG9/iKXs+hSszwO8KMLJHNh3Fk2l2j4H0nQIDAQABo1MwUTAd
BgNVHQ4EFgQURu0YWNaMNJ5MoBNVkHZLLmSmDkIwHwYDVR0jBBgwFoAURu0YWNaM
NJ5MoBNVkHZLLmSmDkIwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOC
AQEAZzF8slkDTHgTJvJ3jQ9OcSEw6T5cqyeaRWC6Bp88YaW60ZUQGaF+dCfhZKFd
Tsjm33JWFeqObVa1clnsz8/11VU0OlgQOVq4Q0sRwIQNii9UOibdsjYfA9rSYoOb
corCMt7RDqnlFkI9iFy7GilXXTQsIYCUW9O35JwrpsNt08Oq6W3A8EhsApkAchP5
w2WKNNlJ5oI5E3CSPzrYY07YyAw2gh2ovgyxakjWtWkb1qZKOT3Shg/uuw+Dyega
8XYjp52gHMD9dyoCA6cJZdDhCFGaqT7J+J6MUS42zomWjPEiTr7ymQt7O8BsKsdU
fNHHPjejFxRFsbEe08IP68WYhw==
-----END CERTIFICATE-----`;

  let world: TestServer;
  let ada: Account;
  let count = 0;
  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada');
  });
  after(() => world.close());

  const oauth1 = { protocol: 'oauth1', grantTypes: [], redirectIsPrefix: true } as const;
  const propose = (rsaPublicKey: string) =>
    world.clients.create(
      {
        name: `app ${count++}`,
        redirectUri: 'https://app.example/cb',
        scopes: ['editpage'],
        ...oauth1,
        rsaPublicKey,
      },
      ada,
      { approve: true },
    );
  const update = (clientId: string, values: object) =>
    world.server.services.registry.submit(OPERATOR, 'update', {
      clientId,
      reason: '',
      resetSecret: false,
      ...values,
    });

  /** An app with a key from before the rules. */
  async function old() {
    const made = await world.createClient(ada, { name: `old ${count++}`, ...oauth1 });
    const client = await world.server.store.findClient(made.client.id);
    assert.ok(client);
    const audit = {
      at: world.now,
      action: 'force',
      actorId: null,
      via: 'cli',
      address: null,
      clientId: client.id,
      reason: '',
      changes: [],
    } as const;
    const effects = [{ kind: 'save-client', client: { ...client, rsaPublicKey: short } }] as const;
    assert.equal(
      (
        await world.server.store.applyChange({
          recordVersion: client.recordVersion,
          effects,
          audit,
          notifications: [],
        })
      ).outcome,
      'applied',
    );
    return made;
  }

  describe('keys that are registered', () => {
    for (const [name, pem, problem] of [
      ['512 bits', pemOf(512), 'key-too-short'],
      ['1024 bits', short, 'key-too-short'],
      ['2047 bits', pemOf(2040), 'key-too-short'],
      ['an exponent of 1', withExponent('AQ'), 'not-a-key'],
      ['an even exponent', withExponent('AQAA'), 'not-a-key'],
    ] as const)
      test(`${name}: refused, for a new app and for one that is there`, async () => {
        const made = await world.createClient(ada, { name: `there ${count++}`, ...oauth1 });
        for (const answer of [
          await propose(pem),
          await update(made.client.id, { rsaPublicKey: pem }),
        ]) {
          assert.ok(!answer.ok && answer.refusal.kind === 'invalid_field');
          assert.deepEqual(
            [answer.refusal.field, answer.refusal.problem.kind],
            ['rsaPublicKey', problem],
          );
        }
      });

    for (const [name, pem] of [
      ['2048 bits', pemOf(2048)],
      ['3072 bits', pemOf(3072)],
      ['an exponent of 3', withExponent('Aw')],
    ] as const)
      test(`${name}: taken`, async () => assert.ok((await propose(pem)).ok));

    test('a shorter key that is there stays when the app is changed, and cannot be chosen again once it is gone', async () => {
      const { client } = await old();
      const addresses = (first: string) => ({
        restrictions: { addresses: [first, '0.0.0.0/0', '::/0'] },
      });
      assert.ok(
        (await update(client.id, { ...addresses('192.0.2.1'), rsaPublicKey: short.trim() })).ok,
      );
      assert.ok((await update(client.id, addresses('192.0.2.2'))).ok);
      assert.equal((await world.server.store.findClient(client.id))?.rsaPublicKey, short);
      assert.ok((await update(client.id, { rsaPublicKey: pemOf(2048) })).ok);
      assert.equal((await update(client.id, { rsaPublicKey: short })).ok, false);
    });
  });

  test('an app that dropped its last secret signs with its key, and HMAC is refused', async () => {
    const { publicKey, privateKey } = pair(2048);
    const made = await propose(publicKey.export(spki).toString());
    assert.ok(made.ok);
    const { client, secret } = made.value;
    const hmac = async () =>
      world.app.inject({
        method: 'POST',
        url: '/oauth1/initiate',
        headers: signedHeader(
          world,
          'POST',
          '/oauth1/initiate',
          { key: client.id, secret: secret ?? '' },
          null,
          { oauth_callback: 'oob' },
        ),
      });
    const rsa = async () => {
      const oauth = [
        ['oauth_callback', 'oob'],
        ['oauth_consumer_key', client.id],
        ['oauth_nonce', `rsa${count++}`],
        ['oauth_signature_method', 'RSA-SHA256'],
        ['oauth_timestamp', String(world.now)],
      ] as const;
      const params = oauth.map(([name, value]) => `${name}=${percentEncode(value)}`).join('&');
      const base = ['POST', 'https://gate.example/oauth1/initiate', params]
        .map(percentEncode)
        .join('&');
      const signature = sign('sha256', Buffer.from(base), privateKey).toString('base64');
      const header = [...oauth, ['oauth_signature', signature] as const]
        .map(([name, value]) => `${name}="${percentEncode(value)}"`)
        .join(', ');
      return world.app.inject({
        method: 'POST',
        url: '/oauth1/initiate',
        headers: { authorization: `OAuth ${header}` },
      });
    };
    assert.deepEqual([(await hmac()).statusCode, (await rsa()).statusCode], [200, 200]);
    const now = await world.server.store.findClient(client.id);
    const secretId = now?.secrets[0]?.id;
    assert.ok(
      (
        await world.server.services.registry.submit(OPERATOR, 'retire-secret', {
          clientId: client.id,
          reason: '',
          secretId,
        })
      ).ok,
    );
    const refused = await hmac();
    assert.deepEqual(
      [refused.statusCode, new URLSearchParams(refused.body).get('oauth_problem')],
      [401, 'signature_invalid'],
    );
    assert.equal((await rsa()).statusCode, 200);
    // With neither key nor secret nobody could sign.
    const without = await update(client.id, { rsaPublicKey: '' });
    assert.ok(!without.ok && without.refusal.kind === 'last_secret');
  });

  /** An app with a key, a token pair of it, and what signs with either. */
  async function signer() {
    const { publicKey, privateKey } = pair(2048);
    const made = await propose(publicKey.export(spki).toString());
    assert.ok(made.ok);
    const { client, secret } = made.value;
    const app = { key: client.id, secret: secret ?? '' };
    const answer = (text: string) => ({
      key: new URLSearchParams(text).get('oauth_token') ?? '',
      secret: new URLSearchParams(text).get('oauth_token_secret') ?? '',
    });
    const post = async (target: string, headers: Record<string, string>) =>
      world.app.inject({ method: 'POST', url: target, headers });
    const asked = signedHeader(world, 'POST', '/oauth1/initiate', app, null, {
      oauth_callback: 'https://app.example/cb',
    });
    const temporary = answer((await post('/oauth1/initiate', asked)).body);
    const consent = await world.consents.accept(client, ada, client.scopes);
    const back = await world.server.services.protocols.core.oauth1.authorizeUnderConsent(
      temporary.key,
      client,
      consent,
    );
    assert.ok(back.ok && back.value.kind === 'redirect');
    const oauth_verifier = new URL(back.value.uri).searchParams.get('oauth_verifier') ?? '';
    const token = answer(
      (
        await post(
          '/oauth1/token',
          signedHeader(world, 'POST', '/oauth1/token', app, temporary, { oauth_verifier }),
        )
      ).body,
    );
    const rsa = (target: string): Record<string, string> => {
      const [path = '', query = ''] = target.split('?');
      const oauth = [
        ['oauth_consumer_key', client.id],
        ['oauth_nonce', `rsa${count++}`],
        ['oauth_signature_method', 'RSA-SHA1'],
        ['oauth_timestamp', String(world.now)],
        ['oauth_token', token.key],
      ] as const;
      const params = [...oauth, ...new URLSearchParams(query)]
        .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
        .toSorted()
        .join('&');
      const base = ['POST', `https://gate.example${path}`, params].map(percentEncode).join('&');
      const signature = sign('sha1', Buffer.from(base), privateKey).toString('base64');
      const pairs = [...oauth, ['oauth_signature', signature] as const];
      return {
        authorization: `OAuth ${pairs.map(([name, value]) => `${name}="${percentEncode(value)}"`).join(', ')}`,
      };
    };
    const retire = async () => {
      const secretId = (await world.server.store.findClient(client.id))?.secrets[0]?.id;
      assert.ok(
        (
          await world.server.services.registry.submit(OPERATOR, 'retire-secret', {
            clientId: client.id,
            reason: '',
            secretId,
          })
        ).ok,
      );
    };
    return { client, app, token, rsa, post, retire };
  }

  describe('identify of an app that signs with its key', () => {
    const addresses = [
      '/w/index.php?title=Special:OAuth/identify',
      '/wiki/Special:OAuth/identify',
      '/w/index.php?title=Special:OAuth/identify&format=raw',
    ];
    test('the statement is under its secret; without one it is refused and says what to do, at every address', async () => {
      const { app, client, token, rsa, post, retire } = await signer();
      for (const target of addresses) {
        const [head, body, signature] = (await post(target, rsa(target))).body.split('.');
        assert.equal(
          signature,
          createHmac('sha256', app.secret).update(`${head}.${body}`).digest('base64url'),
          target,
        );
      }
      await retire();
      for (const target of addresses) {
        const refused = await post(target, rsa(target));
        assert.deepEqual(
          [refused.statusCode, refused.json().error],
          [200, 'mwoauthserver-consumer-no-secret'],
          target,
        );
        assert.match(refused.json().message, /add a secret.*E011/);
        assert.doesNotMatch(refused.body, /eyJ/);
      }
      const signed = signedHeader(
        world,
        'POST',
        addresses[0] ?? '',
        app,
        token,
        {},
        { profile: 'mediawiki' },
      );
      assert.match(
        (await post(addresses[0] ?? '', signed)).body,
        /Invalid signature/,
        'the old secret signs no more',
      );
      // The API needs no secret, and still knows whose request it is.
      const target = '/w/api.php?action=query&meta=userinfo&format=json';
      assert.equal((await post(target, rsa(target))).json().query.userinfo.name, 'Ada');
      // With a new secret there is a statement again, and it is under that one.
      const added = await world.server.services.registry.submit(OPERATOR, 'add-secret', {
        clientId: client.id,
        reason: '',
        label: 'new',
      });
      assert.ok(added.ok, JSON.stringify(added));
      const [head, body, signature] = (
        await post(addresses[1] ?? '', rsa(addresses[1] ?? ''))
      ).body.split('.');
      assert.equal(
        signature,
        createHmac('sha256', added.value.secret ?? '')
          .update(`${head}.${body}`)
          .digest('base64url'),
      );
    });
  });

  test('a key may come as an X.509 certificate', async () => {
    const made = await propose(certificate);
    assert.ok(made.ok, JSON.stringify(made));
    assert.match(made.value.client.rsaPublicKey ?? '', /BEGIN (?:PUBLIC KEY|CERTIFICATE)/);
  });
});
