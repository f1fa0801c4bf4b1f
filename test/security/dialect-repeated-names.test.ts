import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { percentEncode } from '#encoding/percent.ts';
import { TestServer } from '#harness/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';

describe('dialect repeated names', () => {
  // A repeated name in a query: the dialect takes every value signed (RFC 5849 §3.4.1.3) or the
  // last (as PHP reads it), and reads the last.

  type Pair = readonly [string, string];
  interface Credentials {
    readonly client: { readonly key: string; readonly secret: string };
    readonly token: { readonly key: string; readonly secret: string };
  }

  let world: TestServer;
  let ben: Account;
  let made: ActionOutcome & { readonly secret: string };
  let own: Credentials;
  let count = 0;

  before(async () => {
    world = new TestServer();
    ben = await world.createPerson('Ben');
    const options = {
      name: 'bot',
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      grantTypes: [],
      scopes: ['basic', 'editpage'],
    } as const;
    made = await world.createClient(ben, options);
    const { credentials } = made;
    assert.ok(credentials);
    own = {
      client: { key: made.client.id, secret: made.secret },
      token: { key: credentials.token, secret: credentials.secret },
    };
  });
  after(() => world.close());

  /** A header signed here, by hand, over exactly these parameters beside those of the protocol. */
  function header(method: string, path: string, signed: readonly Pair[]): string {
    const oauth: readonly Pair[] = [
      ['oauth_consumer_key', own.client.key],
      ['oauth_nonce', `nonce${count++}`],
      ['oauth_signature_method', 'HMAC-SHA1'],
      ['oauth_timestamp', String(world.now)],
      ['oauth_token', own.token.key],
      ['oauth_version', '1.0'],
    ];
    const encoded = [...oauth, ...signed].map(
      ([name, value]) => [percentEncode(name), percentEncode(value)] as const,
    );
    const sorted = encoded
      .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
      .map((pair) => pair.join('='));
    const base = [method, `https://gate.example${path}`, sorted.join('&')]
      .map(percentEncode)
      .join('&');
    const key = `${percentEncode(own.client.secret)}&${percentEncode(own.token.secret)}`;
    const signature = createHmac('sha1', key).update(base).digest('base64');
    return `OAuth ${[...oauth, ['oauth_signature', signature] as const].map(([name, value]) => `${name}="${percentEncode(value)}"`).join(', ')}`;
  }

  const pairsOf = (query: string): readonly Pair[] => [...new URLSearchParams(query)];
  const lastOf = (query: string): readonly Pair[] => {
    const pairs = pairsOf(query);
    return pairs.filter(
      ([name], at) =>
        name.includes('[]') || pairs.findLastIndex(([other]) => other === name) === at,
    );
  };
  const firstOf = (query: string): readonly Pair[] =>
    pairsOf(query).filter(([name], at, all) => all.findIndex(([other]) => other === name) === at);

  async function api(
    query: string,
    signed: readonly Pair[],
    method: 'GET' | 'POST' = 'GET',
    body?: string,
  ) {
    const answer = await world.app.inject({
      method,
      url: `/w/api.php?${query}`,
      headers: {
        authorization: header(method, '/w/api.php', signed),
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(body === undefined ? {} : { payload: body }),
    });
    return answer.json() as {
      readonly query?: { readonly userinfo?: { readonly name: string } };
      readonly error?: { readonly code: string };
    };
  }
  const who = 'action=query&meta=userinfo';
  const queries = [
    `${who}&x=1&x=2`,
    `${who}&x=2&x=1`,
    `${who}&x=1&x=1`,
    `${who}&x=&x=2`,
    `${who}&x=2&x=`,
    `${who}&x=1&y=1&x=2&y=2&x=3`,
    `action=nothing&action=query&meta=userinfo`,
    `action=query&meta=siteinfo&meta=userinfo`,
    `${who}&a%5B%5D=1&a%5B%5D=2`,
    `${who}&a%5B%5D=1&a%5B%5D=2&x=1&x=2`,
    `${who}&a%5Bk%5D=1&a%5Bk%5D=2`,
    `${who}&a%5Bk%5D=1&a%5Bl%5D=2`,
    `${who}&titles=A%7CB&titles=C%20D`,
    `${who}&x=%C3%A9&x=%F0%9F%98%80`,
    `${who}&x&x=1`,
  ];

  describe('api.php', () => {
    for (const query of queries) {
      test(`every value signed: ${query}`, async () =>
        assert.equal((await api(query, pairsOf(query))).query?.userinfo?.name, 'Ben'));
      test(`the last value signed: ${query}`, async () =>
        assert.equal((await api(query, lastOf(query))).query?.userinfo?.name, 'Ben'));
    }

    for (const query of queries.filter(
      (one) =>
        JSON.stringify(firstOf(one)) !== JSON.stringify(lastOf(one)) && !one.includes('%5B%5D'),
    ))
      test(`the first value signed: ${query}`, async () => {
        // Of two equal values the first is the last.
        if (JSON.stringify(firstOf(query).toSorted()) === JSON.stringify(lastOf(query).toSorted()))
          return;
        assert.equal(
          (await api(query, firstOf(query))).error?.code,
          'mwoauth-invalid-authorization',
        );
      });

    test('what is read is what was signed: a value put before is ignored, one put behind is refused', async () => {
      const signed = pairsOf(`${who}&assertuser=Ben`);
      assert.equal(
        (await api(`assertuser=Mallory&${who}&assertuser=Ben`, signed)).query?.userinfo?.name,
        'Ben',
      );
      assert.equal(
        (await api(`action=nothing&${who}&assertuser=Ben`, signed)).query?.userinfo?.name,
        'Ben',
      );
      assert.equal(
        (await api(`${who}&assertuser=Ben&assertuser=Mallory`, signed)).error?.code,
        'mwoauth-invalid-authorization',
      );
      assert.equal(
        (await api(`${who}&assertuser=Ben&action=nothing`, signed)).error?.code,
        'mwoauth-invalid-authorization',
      );
    });

    test('with every value signed the last is read as well', async () => {
      const query = `${who}&assertuser=Mallory&assertuser=Ben`;
      assert.equal((await api(query, pairsOf(query))).query?.userinfo?.name, 'Ben');
      const other = `${who}&assertuser=Ben&assertuser=Mallory`;
      assert.equal((await api(other, pairsOf(other))).error?.code, 'assertnameduserfailed');
    });

    test('a form repeats a name: every value is signed, the last is read', async () => {
      const body = 'action=nothing&action=query&meta=userinfo';
      assert.equal((await api('', pairsOf(body), 'POST', body)).query?.userinfo?.name, 'Ben');
      assert.equal(
        (await api('', lastOf(body), 'POST', body)).error?.code,
        'mwoauth-invalid-authorization',
      );
    });

    test('a request that is accepted is spent, whichever way it was signed', async () => {
      const query = `${who}&x=1&x=2`;
      for (const signed of [pairsOf(query), lastOf(query)]) {
        const authorization = header('GET', '/w/api.php', signed);
        const ask = async () =>
          (
            await world.app.inject({ url: `/w/api.php?${query}`, headers: { authorization } })
          ).json();
        assert.equal((await ask()).query.userinfo.name, 'Ben');
        assert.match((await ask()).error.info, /Nonce already used/);
      }
    });
  });

  test('Special:OAuth: the title that is served is the one that was signed', async () => {
    const path = '/w/index.php';
    const ask = async (query: string, signed: readonly Pair[]) =>
      (
        await world.app.inject({
          url: `${path}?${query}`,
          headers: { authorization: header('GET', path, signed) },
        })
      ).body;
    const query = 'title=Special:OAuth/initiate&title=Special:OAuth/identify';
    const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;
    assert.match(await ask(query, pairsOf(query)), jwt);
    assert.match(await ask(query, lastOf(query)), jwt);
    assert.doesNotMatch(await ask(query, firstOf(query)), jwt);
  });

  describe('RFC 5849 alone', () => {
    const sent = (target: string, authorization: string) => ({
      method: 'GET',
      target,
      headers: { authorization },
      body: undefined,
      address: '192.0.2.1',
      secure: true,
    });
    for (const query of ['x=1&x=2', 'x=2&x=1', 'a%5Bk%5D=1&a%5Bk%5D=2', 'x=&x=2'])
      test(`the guard and the JSON API take every value signed, and nothing else: ${query}`, async () => {
        const guarded = async (signed: readonly Pair[]) =>
          (
            await world.server.guard.permit(
              sent(`/notes?${query}`, header('GET', '/notes', signed)),
              'main' as SiteId,
            )
          ).ok;
        assert.deepEqual(
          [
            await guarded(pairsOf(query)),
            await guarded(lastOf(query)),
            await guarded(firstOf(query)),
          ],
          [true, false, false],
        );
        const served = async (signed: readonly Pair[]) =>
          (
            await world.app.inject({
              url: `/api/v1/me?${query}`,
              headers: { authorization: header('GET', '/api/v1/me', signed) },
            })
          ).statusCode;
        assert.notEqual(await served(pairsOf(query)), 401);
        assert.deepEqual([await served(lastOf(query)), await served(firstOf(query))], [401, 401]);
      });
  });
});
