import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Account } from '#accounts/account.ts';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { isLowS, toLowS } from '#keys/p256.ts';
import { generateSigningKeys, makeFixedSigningKeys } from '#keys/signing.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import { forged, type Trick } from './forged-tokens.ts';

describe('one spelling', () => {
  // One token has one spelling (RFC 7515 §2, RFC 4648 §3.5), and nothing that was made of it
  // without our key is taken for one.

  const tricks = JSON.parse(
    readFileSync(new URL('data/jwt-tricks.json', import.meta.url), 'utf8'),
  ) as readonly Trick[];
  type Made = ActionOutcome & { readonly secret: string };
  const redirect_uri = 'https://app.example/cb';

  let world: TestServer;
  let ben: Account;
  let app: Made;
  let signer: Made;
  const tokens: Record<string, { readonly access_token: string; readonly refresh_token: string }> =
    {};

  const send = (
    method: 'GET' | 'POST',
    url: string,
    headers: Readonly<Record<string, string>>,
    payload?: string,
  ) =>
    world.app.inject({
      method,
      url,
      headers: {
        ...headers,
        ...(payload === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(payload === undefined ? {} : { payload }),
    });
  const form = (url: string, fields: Readonly<Record<string, string>>) =>
    send(
      'POST',
      url,
      { authorization: basicHeader(app.client.id, app.secret) },
      new URLSearchParams(fields).toString(),
    );
  const tokenPath = {
    core: '/oauth2/token',
    mediawiki: '/w/rest.php/oauth2/access_token',
  } as const;
  const byCode = async (door: keyof typeof tokenPath) =>
    (
      await form(tokenPath[door], {
        grant_type: 'authorization_code',
        code: await world.issueCode(app, ben, null, door),
        redirect_uri,
      })
    ).json();

  before(async () => {
    world = new TestServer();
    const ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    app = await world.createClient(ada, { name: 'app', scopes: ['editpage'], pkceOptional: true });
    signer = await world.createClient(ada, { name: 'signer', protocol: 'oauth1', grantTypes: [] });
    tokens.ES256 = await byCode('core');
    tokens.RS256 = await byCode('mediawiki');
  });
  after(() => world.close());

  /** Every place that takes an access token of ours; each answers whether it took this one. */
  const doors: readonly {
    readonly name: string;
    readonly inForm?: true;
    readonly takes: (token: string) => Promise<boolean>;
  }[] = [
    {
      name: 'introspection',
      inForm: true,
      takes: async (token) => {
        const answer = await form('/oauth2/introspect', { token });
        assert.ok([200, 400].includes(answer.statusCode), String(answer.statusCode));
        return answer.json().active === true;
      },
    },
    {
      name: 'the JSON API',
      takes: async (token) => {
        const { statusCode } = await send('GET', '/api/v1/me', {
          authorization: `Bearer ${token}`,
        });
        assert.ok([200, 400, 401].includes(statusCode), String(statusCode));
        return statusCode === 200;
      },
    },
    {
      name: 'the guard',
      takes: async (token) => {
        const sent = {
          method: 'GET',
          target: '/',
          body: undefined,
          address: '192.0.2.1',
          secure: true,
        };
        return (
          await world.server.guard.permit(
            { ...sent, headers: { authorization: `Bearer ${token}` } },
            'main' as SiteId,
          )
        ).ok;
      },
    },
    {
      name: 'the profile of the dialect',
      takes: async (token) => {
        const { statusCode } = await send('GET', '/w/rest.php/oauth2/resource/profile', {
          authorization: `Bearer ${token}`,
        });
        assert.ok([200, 401, 403].includes(statusCode), String(statusCode));
        return statusCode === 200;
      },
    },
    {
      name: 'api.php',
      takes: async (token) => {
        const answer = await send('GET', '/w/api.php?action=query&meta=userinfo', {
          authorization: `Bearer ${token}`,
        });
        assert.equal(answer.statusCode, 200);
        return answer.json().query?.userinfo?.name === 'Ben';
      },
    },
    {
      name: 'revocation',
      inForm: true,
      takes: async (token) => {
        assert.ok([200, 400].includes((await form('/oauth2/revoke', { token })).statusCode));
        const live = Object.values(tokens).map(({ access_token }) =>
          world.server.services.protocols.core.oauth2.authenticateToken(access_token, {}),
        );
        return (await Promise.all(live)).some(({ ok }) => !ok);
      },
    },
  ];

  test('the corpus has its size, and no name twice', () => {
    assert.ok(tricks.length >= 60, String(tricks.length));
    assert.equal(new Set(tricks.map(({ name }) => name)).size, tricks.length);
  });

  for (const algorithm of ['ES256', 'RS256'])
    describe(`what is made of a token of ${algorithm}`, () => {
      test('the token itself is taken everywhere', async () => {
        for (const { name, takes } of doors)
          if (name !== 'revocation')
            assert.equal(await takes(tokens[algorithm]?.access_token ?? ''), true, name);
      });

      let made = 0;
      for (const trick of tricks)
        test(trick.name, async () => {
          const { keys } = world.server.services.signingKeys.jwks();
          const token = forged(trick, tokens[algorithm]?.access_token ?? '', keys);
          if (token === undefined) return;
          made += 1;
          for (const { name, inForm, takes } of doors)
            if (!trick.form || inForm) assert.equal(await takes(token), false, name);
        });

      test('nearly every trick made something', () =>
        assert.ok(made >= tricks.length - 8, `${made} of ${tricks.length}`));

      test('the token itself is still taken', async () => {
        for (const { name, takes } of doors)
          if (name !== 'revocation')
            assert.equal(await takes(tokens[algorithm]?.access_token ?? ''), true, name);
      });
    });

  const spellings: readonly (readonly [string, (text: string) => string])[] = [
    ['a blank behind', (text) => `${text} `],
    ['a blank before', (text) => ` ${text}`],
    ['a newline behind', (text) => `${text}\n`],
    ['padding', (text) => `${text}=`],
    ['a character more', (text) => `${text}A`],
    ['a character less', (text) => text.slice(0, -1)],
    ['capitals', (text) => text.toUpperCase()],
    ['small letters', (text) => text.toLowerCase()],
    ['the standard alphabet', (text) => text.replaceAll('-', '+').replaceAll('_', '/')],
    ['escaped', (text) => `%${text.charCodeAt(0).toString(16)}${text.slice(1)}`],
    ['the last character changed', (text) => text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')],
    ['a byte order mark', (text) => `\ufeff${text}`],
    ['a zero-width space', (text) => `${text}\u200b`],
    [
      'full-width letters',
      (text) =>
        text.replace(/[A-Za-z0-9]/, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0)),
    ],
    ['far too long', (text) => text + 'A'.repeat(12_000)],
  ];

  for (const door of ['core', 'mediawiki'] as const)
    describe(`other spellings at the token endpoint, ${door}`, () => {
      for (const [name, spell] of spellings) {
        test(`of a code: ${name}`, async () => {
          const code = await world.issueCode(app, ben, null, door);
          const other = spell(code);
          if (other === code) return;
          const refused = await form(tokenPath[door], {
            grant_type: 'authorization_code',
            code: other,
            redirect_uri,
          });
          assert.deepEqual([refused.statusCode, refused.json().error], [400, 'invalid_grant']);
          const taken = await form(tokenPath[door], {
            grant_type: 'authorization_code',
            code,
            redirect_uri,
          });
          assert.equal(taken.statusCode, 200);
        });
        test(`of a refresh token: ${name}`, async () => {
          const { refresh_token } = await byCode(door);
          const other = spell(refresh_token);
          if (other === refresh_token) return;
          const refused = await form(tokenPath[door], {
            grant_type: 'refresh_token',
            refresh_token: other,
          });
          assert.deepEqual([refused.statusCode, refused.json().error], [400, 'invalid_grant']);
          assert.equal((await form('/oauth2/introspect', { token: other })).json().active, false);
          assert.equal(
            (await form(tokenPath[door], { grant_type: 'refresh_token', refresh_token }))
              .statusCode,
            200,
          );
        });
      }
    });

  describe('other spellings of what signs an OAuth 1 request', () => {
    for (const [name, spell] of spellings) {
      const signs = async (key: string, url: string, reading: 'rfc5849' | 'mediawiki') => {
        const headers = signedHeader(
          world,
          'POST',
          url,
          { key, secret: signer.secret },
          null,
          { oauth_callback: 'oob' },
          { profile: reading },
        );
        return (await send('POST', url, headers)).body;
      };
      test(`of the key of an app: ${name}`, async () => {
        const { id } = signer.client;
        if (spell(id) === id) return;
        assert.match(await signs(spell(id), '/oauth1/initiate', 'rfc5849'), /^oauth_problem=/);
        assert.match(
          await signs(spell(id), '/w/index.php?title=Special:OAuth/initiate', 'mediawiki'),
          /^Error: /,
        );
        assert.match(await signs(id, '/oauth1/initiate', 'rfc5849'), /^oauth_token=/);
      });
      test(`of a token: ${name}`, async () => {
        const client = { key: signer.client.id, secret: signer.secret };
        const initiated = await send(
          'POST',
          '/oauth1/initiate',
          signedHeader(world, 'POST', '/oauth1/initiate', client, null, { oauth_callback: 'oob' }),
        );
        const pair = new URLSearchParams(initiated.body);
        const [key, secret] = [pair.get('oauth_token') ?? '', pair.get('oauth_token_secret') ?? ''];
        if (spell(key) === key) return;
        const over = { oauth_verifier: 'x' };
        const other = await send(
          'POST',
          '/oauth1/token',
          signedHeader(world, 'POST', '/oauth1/token', client, { key: spell(key), secret }, over),
        );
        assert.match(other.body, /^oauth_problem=(?:token_rejected|parameter_rejected)/);
        const own = await send(
          'POST',
          '/oauth1/token',
          signedHeader(world, 'POST', '/oauth1/token', client, { key, secret }, over),
        );
        assert.match(own.body, /^oauth_problem=permission_unknown/);
      });
    }
  });

  test('the server signs with the smaller of the two forms of an ES256 signature, and takes that alone', () => {
    const signing = makeFixedSigningKeys(generateSigningKeys());
    for (let made = 0; made < 60; made++) {
      const jwt = signing.sign('ES256', 'at+jwt', { made });
      assert.ok(isLowS(Buffer.from(jwt.split('.')[2] ?? '', 'base64url')));
      assert.ok(signing.verify(jwt));
    }
  });

  test('of a signature and its negative, exactly one is the accepted form', () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const bytes = (s: bigint) =>
      Buffer.concat([Buffer.alloc(32, 7), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: order - 1n }), (s) => {
        const [one, other] = [bytes(s), bytes(order - s)];
        assert.notEqual(isLowS(one), isLowS(other));
        assert.deepEqual(toLowS(one), toLowS(other));
        assert.ok(isLowS(toLowS(one)));
      }),
    );
  });
});
