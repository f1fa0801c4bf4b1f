import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { clientRedirects } from '#cli/client-redirects.ts';
import { type Io, parseArguments } from '#cli/command.ts';
import { parseConfigFile } from '#config/file.ts';
import { isMisleadingUri, toAsciiUri, toUnicodeUri } from '#encoding/browser-uri.ts';
import { isRegisteredRedirectUri, makeRedirectLocation } from '#encoding/redirect-uri.ts';
import { storeLegacyClient } from '#harness/accepted-earlier.ts';
import { signedHeader } from '#harness/signed.ts';
import { TestServer } from '#harness/world.ts';
import { csrfToken } from '#http/csrf.ts';
import type { EncryptedSecret, UserId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import { callbackDestination, isCallbackAllowed } from '#oauth1/callback.ts';
import type { CommandServices } from '#operations/command-services.ts';
import { OPERATOR } from '#registry/actor.ts';
import { readConfiguredClients } from '#registry/configured-clients.ts';
import type { Client } from '#registry/model/client.ts';
import { redirectProblem } from '#registry/model/redirect-rules.ts';
import { rules } from '../unit/registry/world.ts';
import type { HostileUri } from './data/make-hostile-redirect-uris.ts';

// A URI is registered only if a browser reads it as its reviewer does, and nobody is sent to one
// that leads elsewhere than it shows.

const read = <T>(name: string): readonly T[] =>
  JSON.parse(readFileSync(`test/security/data/${name}.json`, 'utf8')) as readonly T[];
const hostile = read<HostileUri>('hostile-redirect-uris');
const sound = read<{ readonly uri: string; readonly kinds: readonly (keyof typeof kinds)[] }>(
  'sound-redirect-uris',
);
const refused = hostile.filter(({ registration }) => registration === 'refused');

const kinds = {
  'OAuth 1': { protocol: 'oauth1', confidential: true, redirectIsPrefix: false },
  'OAuth 1 prefix': { protocol: 'oauth1', confidential: true, redirectIsPrefix: true },
  confidential: { protocol: 'oauth2', confidential: true, redirectIsPrefix: false },
  public: { protocol: 'oauth2', confidential: false, redirectIsPrefix: false },
} as const;

describe('the corpora', () => {
  test('are of the size that was promised', () => {
    assert.ok(hostile.length >= 1000 && refused.length >= 1000, String(refused.length));
    assert.ok(new Set(hostile.map(({ family }) => family)).size >= 15);
    assert.ok(sound.length >= 150, String(sound.length));
    assert.equal(new Set(hostile.map(({ uri }) => uri)).size, hostile.length);
  });
  test('the parser of this Node reads them as it did when they were written', () => {
    for (const { uri, reads } of hostile)
      assert.equal(URL.parse(uri)?.href ?? null, reads, JSON.stringify(uri));
  });
});

describe('registration', () => {
  for (const [kind, client] of Object.entries(kinds))
    test(`${kind}: every hostile URI is refused, and none by advice that can be waved through`, () => {
      for (const { uri, family } of refused) {
        const judged = redirectProblem(uri, client, rules);
        assert.ok(judged && !judged.ignorable, `${family}: ${JSON.stringify(uri)}`);
      }
    });
  test('the dialect refuses them too, but for schemes without a dot, which it advises against', () => {
    for (const { uri, family } of refused) {
      const judged = redirectProblem(uri, kinds.public, { ...rules, dialect: true });
      const advised =
        ['scheme without a dot', 'no URI'].includes(family) &&
        judged?.problem.kind === 'own-scheme-without-dot';
      assert.ok(
        judged && judged.ignorable === advised,
        `${family}: ${JSON.stringify(uri)} ${JSON.stringify(judged)}`,
      );
    }
  });
  test('no sound URI is refused', () => {
    for (const { uri, kinds: names } of sound)
      for (const name of names) {
        const judged = redirectProblem(uri, kinds[name], rules);
        assert.ok(
          judged === undefined || judged.ignorable,
          `${name}: ${uri} ${JSON.stringify(judged)}`,
        );
      }
  });
  test('what is accepted is what a browser makes of it, but for what may differ', () => {
    for (const { uri } of [
      ...sound,
      ...hostile.filter(({ registration }) => registration === 'sound'),
    ]) {
      const spelt = toAsciiUri(uri) ?? '';
      const href = URL.parse(spelt)?.href ?? '';
      const [, scheme = '', authority = '', rest = ''] =
        /^([^:]+:)(\/\/[^/?#]*)?(.*)$/s.exec(spelt) ?? [];
      const web = /^https?:$/i.test(scheme);
      const host = web
        ? authority.toLowerCase().replace(scheme.toLowerCase() === 'https:' ? /:443$/ : /:80$/, '')
        : authority;
      assert.equal(
        href,
        `${scheme.toLowerCase()}${host}${web && !rest.startsWith('/') ? '/' : ''}${rest}`,
        uri,
      );
    }
  });
});

describe('a host in Unicode', () => {
  const [shown, wire] = ['https://bücher.example/cb?a=b', 'https://xn--bcher-kva.example/cb?a=b'];
  test('has two spellings, each made of the other', () => {
    assert.equal(toAsciiUri(shown), wire);
    assert.equal(toUnicodeUri(wire), shown);
    assert.equal(toUnicodeUri('https://app.example/'), null);
    // Symbols that pass for a slash are not shown as if they were part of a host.
    assert.equal(toUnicodeUri('https://app.xn--examplecb-wn0e/cb'), null);
  });
  test('either is the registered one, and the header has ASCII', () => {
    assert.ok(
      isRegisteredRedirectUri([wire], shown) &&
        isRegisteredRedirectUri([shown], wire) &&
        isRegisteredRedirectUri([wire], wire),
    );
    assert.ok(!isRegisteredRedirectUri([wire], shown.replace('?a=b', '')));
    assert.equal(makeRedirectLocation(shown, [['code', 'x']]), `${wire}&code=x`);
  });
});

describe('authorization', () => {
  test('what reaches another host than it shows is found', () => {
    for (const { uri, elsewhere, family } of hostile)
      if (elsewhere) assert.ok(isMisleadingUri(uri), `${family}: ${JSON.stringify(uri)}`);
    for (const { uri } of sound) assert.ok(!isMisleadingUri(uri), uri);
    for (const { uri, registration } of hostile)
      if (registration === 'sound') assert.ok(!isMisleadingUri(uri), uri);
  });
  test('no Location is ever built for it', () => {
    for (const { uri, elsewhere } of hostile)
      if (elsewhere) assert.throws(() => makeRedirectLocation(uri, []), JSON.stringify(uri));
  });
  test('no hostile URI is the registered one', () => {
    for (const { uri } of hostile)
      assert.ok(!isRegisteredRedirectUri(['https://app.example/cb'], uri), JSON.stringify(uri));
    for (const { uri } of hostile)
      assert.ok(
        !isRegisteredRedirectUri(['http://127.0.0.1:8080/cb'], uri) ||
          /^http:\/\/127\.0\.0\.1(?::\d+)?\/cb$/.test(uri),
        JSON.stringify(uri),
      );
  });
});

const prefixes = [
  'https://app.example/cb',
  'https://app.example/cb/',
  'https://app.example/',
  'https://app.example/cb?x=',
  'http://app.example/cb',
];

describe('OAuth 1 callbacks', () => {
  for (const redirectUri of prefixes)
    test(`a prefix ${redirectUri} leads to its own host and path alone`, () => {
      for (const { uri } of hostile) {
        if (!isCallbackAllowed(uri, { redirectUri, redirectIsPrefix: true }) || uri === 'oob')
          continue;
        const [there, here] = [new URL(uri), new URL(redirectUri)];
        assert.equal(there.hostname, here.hostname, JSON.stringify(uri));
        assert.equal(there.port, here.port, JSON.stringify(uri));
        assert.ok(there.pathname.startsWith(here.pathname), JSON.stringify(uri));
        assert.ok(!isMisleadingUri(uri), JSON.stringify(uri));
      }
    });
  // By design a prefix is text (docs/registry.md): a slash at its end keeps neighbours out.
  const passes: readonly (readonly [prefix: string, callback: string, allowed: boolean])[] = [
    ['https://app.example/cb', 'https://app.example/cb', true],
    ['https://app.example/cb', 'https://app.example/cb.evil', true],
    ['https://app.example/cb', 'https://app.example/cb/..;/x', true],
    ['https://app.example/cb', 'https://app.example/cb?x=1', true],
    ['https://app.example/cb', 'https://app.example/cb#part', true],
    ['https://app.example/cb/', 'https://app.example/cb.evil', false],
    ['https://app.example/cb/', 'https://app.example/cb', false],
    ['https://app.example/cb/', 'https://app.example/cb/x', true],
    ['https://app.example/cb', 'https://app.example/cb/../x', false],
    ['https://app.example/cb', 'https://app.example/cb/%2e%2e/x', false],
    ['https://app.example/cb', 'https://app.example/cb\\..\\x', false],
    ['https://app.example/cb', 'https://app.example@evil.example/cb', false],
    ['https://app.example/cb', 'https://app.example%2f@evil.example/cb', false],
    ['https://app.example/cb', 'https://app.example:443/cb', false],
    ['https://app.example', 'https://app.example.evil.example/', false],
    ['https://app.example/cb?x=1', 'https://app.example/cb?x=12', true],
    ['https://app.example/cb?x=1', 'https://app.example/cb?y=1&x=1', false],
    ['https://xn--bcher-kva.example/cb', 'https://bücher.example/cb/1', true],
    ['https://2130706433/cb', 'https://2130706433/cb/x', false],
    ['https://evil.example\\app.example/', 'https://evil.example\\app.example/x', false],
  ];
  for (const [prefix, callback, allowed] of passes)
    test(`${prefix} as a prefix ${allowed ? 'covers' : 'does not cover'} ${callback}`, () =>
      assert.equal(
        isCallbackAllowed(callback, { redirectUri: prefix, redirectIsPrefix: true }),
        allowed,
      ));
  test('an exact callback that was accepted earlier leads nowhere when it misleads', () => {
    for (const { uri, elsewhere } of hostile) {
      if (!elsewhere) continue;
      assert.equal(
        callbackDestination('oob', { redirectUri: uri }, true),
        'misleads',
        JSON.stringify(uri),
      );
      assert.equal(
        callbackDestination(uri, { redirectUri: uri }, false),
        'misleads',
        JSON.stringify(uri),
      );
    }
    assert.equal(callbackDestination('oob', { redirectUri: 'https://2130706433/' }, false), null);
  });
});

describe('every way into the registry', () => {
  const world = new TestServer();
  let ada: Account;
  let cookie: string;
  const bad = 'https://evil.example\\app.example/cb';

  const stored = (client: Client, redirectUri: string) =>
    storeLegacyClient(world, client, { redirectUri });
  const authorize = (
    client: Pick<Client, 'id'>,
    redirectUri: string | null,
    path = '/oauth2/authorize',
  ) => {
    const query = new URLSearchParams({
      client_id: client.id,
      response_type: 'code',
      scope: 'editpage',
      state: 's',
    });
    query.set('code_challenge', 'a'.repeat(43));
    query.set('code_challenge_method', 'S256');
    if (redirectUri !== null) query.set('redirect_uri', redirectUri);
    return world.app.inject({ url: `${path}?${query}`, headers: { cookie } });
  };

  before(async () => {
    ada = await world.createPerson('Ada', ['developer']);
    cookie = await world.sessionCookie(ada);
  });

  test('the API', async () => {
    const token = await world.clients.create(
      {
        name: 'Tool',
        protocol: 'oauth2',
        ownerOnly: true,
        grantTypes: ['client_credentials'],
        scopes: ['gatehouse:clients'],
      },
      ada,
      { approve: true },
    );
    assert.ok(token.ok);
    const headers = { authorization: `Bearer ${token.value.accessToken}` };
    const propose = (redirect_uri: string, version: string) =>
      world.app.inject({
        method: 'POST',
        url: '/api/v1/clients',
        headers,
        payload: {
          name: 'Reader',
          version,
          description: 'd',
          protocol: 'oauth2',
          redirect_uri,
          scopes: ['basic'],
          email: 'ada@example.org',
          terms_accepted: true,
        },
      });
    for (const [uri, problem] of [
      [bad, 'backslash_in_uri'],
      ['https://app.example%2eevil.example/cb', 'host_in_uri'],
      ['http://0x7f.1/cb', 'host_in_uri'],
      ['https://app.example/cb ', 'not_a_uri'],
      ['https://app.example:0443/cb', 'port_in_uri'],
      ['https://app.example/a/%2e%2e/b', 'dot_segments_in_uri'],
      ['https://app.example/%0d%0a', 'encoding_in_uri'],
      ['https://a@app.example/', 'credentials_in_uri'],
      ['https://app.example/{x}', 'uri_rewritten'],
      ['intent://app.example/#Intent;end', 'scheme_not_allowed'],
      ['reader:/cb', 'own_scheme_confidential'],
    ] as const) {
      const answer = await propose(uri, '1.0');
      assert.deepEqual(
        [answer.statusCode, answer.json().problem, answer.json().ignorable],
        [400, problem, false],
        uri,
      );
    }
    const made = await propose('https://BÜCHER.example/cb', '1.0');
    assert.equal(made.statusCode, 201, made.body);
    assert.deepEqual(
      [made.json().redirect_uri, made.json().redirect_uri_unicode],
      ['https://xn--bcher-kva.example/cb', 'https://bücher.example/cb'],
    );
  });

  test('the page, and blanks that were copied along', async () => {
    const register = async (redirectUri: string) => {
      const page = await world.app.inject({ url: '/my/apps/new?kind=server', headers: { cookie } });
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
      const values = {
        kind: 'server',
        name: 'Clipper',
        version: '1.0',
        description: 'd',
        redirectUri,
        site: '*',
        access: 'scopes',
        terms: '1',
      };
      return world.app.inject({
        method: 'POST',
        url: '/my/apps/new',
        headers: {
          cookie,
          origin: 'https://gate.example',
          'content-type': 'application/x-www-form-urlencoded',
        },
        payload: new URLSearchParams({ ...values, 'scope.editpage': '1', csrf }).toString(),
      });
    };
    const refusal = await register(bad);
    assert.equal(refusal.statusCode, 400);
    assert.match(refusal.body, /must not have a backslash/);
    const taken = await register(' https://app.example/clipper\n');
    assert.equal(taken.statusCode, 200, taken.body.slice(0, 200));
    assert.equal(
      (await world.server.store.listClients({ name: 'Clipper' }))[0]?.redirectUri,
      'https://app.example/clipper',
    );
  });

  test("the dialect's REST address, with and without a dot", async () => {
    const register = (
      callback_url: string,
      is_confidential: boolean,
      version: '1.0' | '2.0' = '1.0',
    ) =>
      world.app.inject({
        method: 'POST',
        url: '/w/rest.php/oauth2/client',
        headers: {
          cookie,
          'x-csrf-token': csrfToken(cookie.slice(cookie.indexOf('=') + 1)),
          origin: 'https://gate.example',
          'content-type': 'application/json',
        },
        payload: {
          ...{
            name: `Dialect ${callback_url.length}`,
            version,
            description: 'd',
            email: 'ada@example.org',
            callback_url,
            is_confidential,
          },
          ...{ grant_types: ['authorization_code'], scopes: ['editpage'] },
        },
      });
    for (const uri of [
      bad,
      'https://2130706433/cb',
      'mailto:x',
      'https://app.example./cb',
      'chrome://settings',
    ]) {
      const answer = await register(uri, false);
      assert.deepEqual(
        [answer.statusCode, answer.json().message],
        [400, 'invalid_callback_url'],
        uri,
      );
    }
    assert.equal((await register('https://app.example/dialect ', true)).statusCode, 200);
  });

  test('the page that an address of the dialect leads to: a scheme without a dot is advised against, and refused everywhere else', async () => {
    const get = async (url: string) => world.app.inject({ url, headers: { cookie } });
    const links = (body: string) =>
      [...body.matchAll(/href="([^"]*)"/g)].map(([, link = '']) => link.replaceAll('&amp;', '&'));
    const question = await get(
      String((await get('/wiki/Special:OAuthConsumerRegistration/propose')).headers.location),
    );
    const link = links(question.body).find((to) => to.includes('kind=device')) ?? '';
    /**
     * Fills the form in as it is, hidden fields included, and sends it; `more` adds fields, or
     * (undefined) takes one away.
     */
    const send = async (
      url: string,
      redirectUri: string,
      version: string,
      more: Readonly<Record<string, string | undefined>> = {},
    ) => {
      const { body } = await get(url);
      const hidden = [...body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
        ([, name, value]) => [name, value],
      );
      const typed = {
        name: 'Device',
        version,
        description: 'd',
        redirectUri,
        site: '*',
        access: 'scopes',
        'scope.editpage': '1',
        terms: '1',
      };
      const fields = Object.entries<string | undefined>({
        ...Object.fromEntries(hidden),
        ...typed,
        ...more,
      }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
      return world.app.inject({
        method: 'POST',
        url: '/my/apps/new',
        headers: {
          cookie,
          origin: 'https://gate.example',
          'content-type': 'application/x-www-form-urlencoded',
        },
        payload: new URLSearchParams(fields).toString(),
      });
    };
    const waved = { ignore_warnings: '1' };
    const advised = await send(link, 'reader:/cb', '1.0');
    assert.equal(advised.statusCode, 400);
    assert.match(advised.body, /scheme without a dot[\s\S]*name="ignore_warnings"/);
    assert.match(
      advised.body,
      /name="from" value="mediawiki"/,
      'the form that comes back knows where it came from',
    );
    assert.match(
      advised.body,
      /href="\/my\/apps\/new\?from=mediawiki"/,
      'and so does another kind of app',
    );
    assert.equal((await send(link, 'reader:/cb', '1.0', waved)).statusCode, 200);
    const [made] = await world.server.store.listClients({ name: 'Device' });
    assert.deepEqual(
      [made?.redirectUri, made?.confidential, made?.pkceOptional],
      ['reader:/cb', false, false],
    );

    const refusedOnes: readonly (readonly [
      why: string,
      url: string,
      uri: string,
      more?: Readonly<Record<string, string | undefined>>,
    ])[] = [
      ['the page of the core', '/my/apps/new?kind=device', 'reader:/cb'],
      ['a form that lost where it came from', link, 'reader:/cb', { from: undefined }],
      ['another dialect', link, 'reader:/cb', { from: 'core' }],
      ['an app that keeps a secret', link, 'reader:/cb', { kind: 'server' }],
      ['a scheme of the browser', link, 'intent://app.example/#Intent;end'],
      ['a scheme of the machine', link, 'mailto:ada'],
      ['a URI that is read differently', link, bad],
    ];
    for (const [why, url, uri, more] of refusedOnes) {
      const answer = await send(url, uri, '2.0', { ...waved, ...more });
      assert.equal(answer.statusCode, 400, why);
      assert.doesNotMatch(answer.body, /name="ignore_warnings"/, why);
    }
    assert.equal((await world.server.store.listClients({ name: 'Device' })).length, 1);
  });

  test('without the dialect nobody comes from there', async () => {
    const bare = new TestServer({ mediawiki: 'off' });
    const as = { cookie: await bare.sessionCookie(await bare.createPerson('Ada', ['developer'])) };
    const page = await bare.app.inject({
      url: '/my/apps/new?kind=server&from=mediawiki',
      headers: as,
    });
    assert.equal(page.statusCode, 200);
    assert.doesNotMatch(page.body, /name="from"|name="pkceOptional"[^>]*checked/);
    await bare.close();
  });

  test("the operator's own: refused whatever is waved through", async () => {
    for (const redirectUri of [bad, 'reader:/cb', 'tel:1', 'https://app.example/../x']) {
      const answer = await world.clients.create(
        {
          name: 'Own',
          protocol: 'oauth2',
          confidential: false,
          redirectUri,
          scopes: ['editpage'],
          grantTypes: ['authorization_code'],
          ignoreWarnings: true,
        },
        ada,
        { approve: false },
      );
      assert.ok(
        !answer.ok && answer.refusal.kind === 'invalid_field' && !answer.refusal.ignorable,
        redirectUri,
      );
    }
  });

  test('a revision, which leaves an earlier URI alone', async () => {
    const { client } = await world.createClient(ada, { name: 'Older' });
    await stored(client, 'https://app.example/a/../cb');
    const submit = (values: Readonly<Record<string, unknown>>) =>
      world.server.services.registry.submit({ kind: 'operator', via: 'cli' }, 'revise', {
        clientId: client.id,
        reason: '',
        ...values,
      });
    const changed = await submit({
      description: 'Better',
      redirectUri: 'https://app.example/a/../cb',
    });
    assert.ok(changed.ok, JSON.stringify(changed));
    const other = await submit({ redirectUri: 'https://app.example/a/../cb2' });
    assert.ok(
      !other.ok &&
        other.refusal.kind === 'invalid_field' &&
        other.refusal.problem.kind === 'dot-segments-in-uri',
    );
  });

  test('an earlier URI keeps working where it shows its host, and is refused where it does not', async () => {
    const { client } = await world.createClient(ada, { name: 'Imported' });
    for (const [uri, works] of [
      ['https://app.example/a/../cb', true],
      ['https://app.example./cb', true],
      ['https://app.example:0443/cb', true],
      ['HTTPS://APP.example/cb', true],
      [bad, false],
      ['https://2130706433/cb', false],
      ['https://%61pp.example/cb', false],
      ['https://app.example@evil.example/cb', false],
      ['https:app.example/cb', false],
      ['https://\uff41pp.example/cb', false],
      ['intent://app.example/cb', false],
      ['jar:https://app.example/x!/', false],
    ] as const) {
      await stored(client, uri);
      for (const path of ['/oauth2/authorize', '/w/rest.php/oauth2/authorize'])
        for (const sent of [uri, null]) {
          const answer = await authorize(client, sent, path);
          const asks =
            answer.statusCode === 303 && String(answer.headers.location).startsWith('/authorize/');
          assert.equal(asks, works, `${path} ${uri} ${answer.statusCode}`);
          if (!works) assert.equal(answer.headers.location, undefined, uri);
        }
    }
  });

  test('all the hostile ones, stored and asked for: nobody leaves for another host', async () => {
    const { client } = await world.createClient(ada, { name: 'Corpus' });
    for (const { uri, elsewhere } of hostile.filter((one) => one.elsewhere)) {
      await stored(client, uri);
      const answer = await authorize(client, uri);
      assert.ok(elsewhere && [400, 403].includes(answer.statusCode), `${uri} ${answer.statusCode}`);
      assert.equal(answer.headers.location, undefined, uri);
    }
  });

  test('all the hostile ones, asked of an honest app: nobody is sent anywhere', async () => {
    const { client } = await world.createClient(ada, { name: 'Honest' });
    for (const { uri } of hostile) {
      // The empty text is a parameter that was left out (RFC 6749 §3.1).
      if (uri === '') continue;
      const answer = await authorize(client, uri);
      assert.equal(answer.statusCode, 400, uri);
      assert.equal(answer.headers.location, undefined, uri);
    }
  });

  test('OAuth 1: at the callback, and when an earlier one is carried out', async () => {
    const made = await world.createClient(ada, {
      name: 'Signer',
      protocol: 'oauth1',
      redirectUri: 'https://app.example/cb',
      redirectIsPrefix: true,
    });
    const initiate = (oauth_callback: string) => {
      const pair = { key: made.client.id, secret: made.secret };
      const headers = signedHeader(world, 'POST', '/oauth1/initiate', pair, null, {
        oauth_callback,
      });
      return world.app.inject({ method: 'POST', url: '/oauth1/initiate', headers });
    };
    assert.equal((await initiate('https://app.example/cb/x')).statusCode, 200);
    for (const callback of [
      'https://app.example\\@evil.example/cb',
      'https://app.example@evil.example/cb',
      'https://%61pp.example/cb',
    ])
      assert.equal((await initiate(callback)).statusCode, 400, callback);
    for (const uri of [bad, 'https://2130706433/cb', 'https://app.example@evil.example/cb']) {
      await stored(made.client, uri);
      const answer = await initiate(uri);
      assert.equal(answer.statusCode, 400, uri);
    }
  });

  test('earlier URIs are listed for review: on the desk, on their list, and for the operator', async () => {
    const { client } = await world.createClient(ada, { name: 'Listed' });
    await stored(client, 'https://app.example/a/../cb');
    const eve = await world.createPerson('Eve', ['reviewer', 'sysop', 'administrator']);
    const headers = { cookie: await world.sessionCookie(eve) };
    const list = await world.app.inject({ url: '/review?show=redirects', headers });
    assert.match(list.body, /Listed/);
    assert.match(list.body, /between slashes/);
    assert.doesNotMatch(list.body, /Honest/);
    const desk = await world.app.inject({ url: `/review/${client.id}`, headers });
    assert.match(desk.body, /read this address differently/);
    await stored(client, bad);
    assert.match(
      (await world.app.inject({ url: `/review/${client.id}`, headers })).body,
      /goes to another host than this address shows/,
    );

    const out: string[] = [];
    const io = {
      out: (text: string) => void out.push(text),
      err: (text: string) => void out.push(text),
      open: async () => verbs,
    } as unknown as Io;
    const verbs = {
      query: world.server.services.registry.query(OPERATOR),
      close: async () => {},
    } as unknown as CommandServices;
    assert.equal(await clientRedirects.run(parseArguments(clientRedirects, ['--json']), io), 0);
    const rows = JSON.parse(out.join('')) as readonly {
      name: string;
      problem: string;
      refused_at_authorization: boolean;
    }[];
    const row = rows.find(({ name }) => name === 'Listed');
    assert.deepEqual([row?.problem, row?.refused_at_authorization], ['backslash_in_uri', true]);
    assert.ok(!rows.some(({ name }) => name === 'Honest'));
  });
});

test('the configuration: a new app is judged, one that was accepted before starts as ever', () => {
  const uri = 'https://app.example/a/../cb';
  const entry = {
    ...{
      client_id: 'c'.repeat(32),
      name: 'Configured',
      version: '1.0',
      description: '',
      owner: 'Ada',
      protocol: 'oauth2',
    },
    ...{
      confidential: true,
      client_secret: 's'.repeat(32),
      grant_types: ['authorization_code'],
      scopes: ['editpage'],
      redirect_uri: uri,
    },
  };
  const context = {
    rules,
    ownerOf: () => 1 as UserId,
    readSecret: () => '',
    encryptSecret: () => '' as EncryptedSecret,
    email: 'gate@example.org',
    now: instant(1_800_000_000),
  };
  const fresh = readConfiguredClients([entry], context);
  assert.deepEqual(!fresh.ok && fresh.refusal.map(({ field, problem }) => [field, problem]), [
    ['redirect_uri', 'dot segments in uri'],
  ]);
  const kept = readConfiguredClients([entry], { ...context, acceptedUriOf: () => uri });
  assert.ok(kept.ok && kept.value.clients[0]?.redirectUri === uri);
  // Only what a later rule refuses is excused, and only for the URI it had.
  assert.ok(
    !readConfiguredClients([entry], { ...context, acceptedUriOf: () => 'https://app.example/cb' })
      .ok,
  );
  const plain = { ...entry, redirect_uri: 'http://app.example/cb' };
  assert.ok(
    !readConfiguredClients([plain], { ...context, acceptedUriOf: () => 'http://app.example/cb' })
      .ok,
  );
});

const elsewhere: readonly (readonly [what: string, yaml: string, fine: boolean])[] = [
  [
    'a webhook over https',
    'notices: { webhooks: [{ name: a, url: "https://hook.example/x", secret: SECRET }] }',
    true,
  ],
  [
    'a webhook on this machine',
    'notices: { webhooks: [{ name: a, url: "http://127.0.0.1:9000/x", secret: SECRET }] }',
    true,
  ],
  [
    'a webhook on this machine by IPv6',
    'notices: { webhooks: [{ name: a, url: "http://[::1]:9000/x", secret: SECRET }] }',
    true,
  ],
  [
    'a webhook on this machine by name',
    'notices: { webhooks: [{ name: a, url: "http://localhost/x", secret: SECRET }] }',
    true,
  ],
  [
    'a webhook in plain text',
    'notices: { webhooks: [{ name: a, url: "http://hook.example/x", secret: SECRET }] }',
    false,
  ],
  [
    'a webhook to link-local',
    'notices: { webhooks: [{ name: a, url: "http://169.254.169.254/x", secret: SECRET }] }',
    false,
  ],
  [
    'a webhook to another loopback spelling',
    'notices: { webhooks: [{ name: a, url: "http://2130706433/x", secret: SECRET }] }',
    false,
  ],
  [
    'a webhook with a name before its host',
    'notices: { webhooks: [{ name: a, url: "https://u:p@hook.example/x", secret: SECRET }] }',
    false,
  ],
  [
    'a webhook with a backslash',
    "notices: { webhooks: [{ name: a, url: 'https://hook.example\\x', secret: SECRET }] }",
    false,
  ],
  [
    'a webhook that is none',
    'notices: { webhooks: [{ name: a, url: "ftp://hook.example/x", secret: SECRET }] }',
    false,
  ],
  ['a site', 'sites: [{ id: a, name: A, origin: "https://wiki.example" }]', true],
  ['a site with a path', 'sites: [{ id: a, name: A, origin: "https://wiki.example/w" }]', false],
  ['a site in capitals', 'sites: [{ id: a, name: A, origin: "https://WIKI.example" }]', false],
  [
    'a site that is no web page',
    'sites: [{ id: a, name: A, origin: "ftp://wiki.example" }]',
    false,
  ],
  ['a site by a number', 'sites: [{ id: a, name: A, origin: "https://2130706433" }]', false],
];
for (const [what, yaml, fine] of elsewhere)
  test(`other URIs of the operator: ${what} is ${fine ? 'taken' : 'refused'}`, () => {
    const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
    assert.equal(parseConfigFile(yaml.replace('SECRET', secret), []).problems.length === 0, fine);
  });
