import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConfig } from '#config/read-config.ts';
import { isLocalAddress, networkOfAddress } from '#encoding/address.ts';
import {
  type ProxyWarning,
  resolveClientAddress,
  type TrustedProxies,
} from '#encoding/forwarded.ts';
import {
  CADDY,
  documentedConfig,
  missingProgramReason,
  NGINX,
  startNginx,
  stopProxy,
  waitForProxy,
} from '#harness/proxy.ts';
import type { ConnectionInfo } from '#http/client-address.ts';
import { csrfToken } from '#http/csrf.ts';
import { basicHeader, password, TestServer } from '../harness/world.ts';
import { freePort } from '../interop/server.ts';

// Proxies told wrong: an address that nobody knows for sure closes no door, opens none, and the
// server says so.

const ADA = '198.51.100.7';
const EVE = '203.0.113.66';
const PROXY = '10.0.0.1';

describe('whose address it is', () => {
  const public_ = { outside: true, encrypted: true };
  const cases: readonly (readonly [
    string,
    TrustedProxies,
    string,
    readonly string[],
    string,
    boolean,
    readonly ProxyWarning[],
  ])[] = [
    ['no proxy, nothing said', 0, ADA, [], ADA, true, []],
    [
      'a proxy nobody named',
      0,
      '127.0.0.1',
      [ADA],
      '127.0.0.1',
      false,
      ['untrusted-forwarding', 'local-peer'],
    ],
    ['a silent proxy nobody named', 0, PROXY, [], PROXY, false, ['local-peer']],
    ['a proxy on the internet nobody named', 0, EVE, [ADA], EVE, false, ['untrusted-forwarding']],
    ['one by number', 1, PROXY, [ADA], ADA, true, []],
    ['one by number, and a stranger’s header before', 1, PROXY, [`6.6.6.6, ${ADA}`], ADA, true, []],
    ['two by number', 2, PROXY, [`${ADA}, 10.0.0.2`], ADA, true, []],
    ['two by number, three fields', 2, PROXY, ['6.6.6.6', ADA, '10.0.0.2'], ADA, true, []],
    ['a number that is too high', 2, PROXY, [ADA], ADA, false, ['too-few-hops']],
    ['a number, and nothing said', 1, PROXY, [], PROXY, false, ['too-few-hops']],
    ['a number, and empty fields', 1, PROXY, ['', ' '], PROXY, false, ['unreadable-hop']],
    ['a number, and a stranger at the port', 1, EVE, [ADA], ADA, false, ['counted-outside']],
    ['one by address', [PROXY], PROXY, [ADA], ADA, true, []],
    ['two by range', ['10.0.0.0/8'], PROXY, [`6.6.6.6, ${ADA}, 10.9.9.9`], ADA, true, []],
    ['by address, and the proxy was silent', [PROXY], PROXY, [], PROXY, false, ['too-few-hops']],
    [
      'by address, and a stranger at the port',
      [PROXY],
      EVE,
      [ADA],
      EVE,
      false,
      ['untrusted-forwarding'],
    ],
    ['by address, and a stranger who sends nothing', [PROXY], EVE, [], EVE, true, []],
    [
      'by address, and another machine of the network',
      [PROXY],
      '10.0.0.9',
      [],
      '10.0.0.9',
      false,
      ['local-peer'],
    ],
    ['an address of IPv4 over IPv6', ['10.0.0.0/8'], `::ffff:${PROXY}`, [ADA], ADA, true, []],
    ['an address with a port', [PROXY], PROXY, [`${ADA}:51234`], ADA, true, []],
    ['IPv6 with a port', [PROXY], PROXY, ['[2001:db8::7]:443'], '2001:db8::7', true, []],
    [
      'a word in place of an address',
      [PROXY],
      PROXY,
      ['unknown'],
      PROXY,
      false,
      ['unreadable-hop'],
    ],
    ['a hidden name', [PROXY], PROXY, ['_gazonk'], PROXY, false, ['unreadable-hop']],
    ['a number for an address', [PROXY], PROXY, ['3405803842'], PROXY, false, ['unreadable-hop']],
    ['a range for an address', [PROXY], PROXY, ['0.0.0.0/0'], PROXY, false, ['unreadable-hop']],
    [
      'a text without end',
      [PROXY],
      PROXY,
      [`${'9'.repeat(100_000)}`],
      PROXY,
      false,
      ['unreadable-hop'],
    ],
    [
      'more hops than anybody has',
      ['10.0.0.0/8'],
      PROXY,
      [Array(5000).fill('10.0.0.5').join(',')],
      '10.0.0.5',
      true,
      [],
    ],
    ['a socket without an address', 0, '', [], '', false, ['local-peer']],
  ];
  for (const [name, trusted, peer, forwardedFor, address, known, signs] of cases)
    test(name, () => {
      const arrival = { peer, forwardedFor, forwarded: forwardedFor.length > 0 };
      assert.deepEqual(resolveClientAddress(arrival, trusted, public_), { address, known, signs });
    });

  test('on a network of one’s own, and without TLS, the connection tells', () => {
    const at = (peer: string, forwardedFor: readonly string[], outside: boolean) =>
      resolveClientAddress({ peer, forwardedFor, forwarded: forwardedFor.length > 0 }, 0, {
        outside,
        encrypted: false,
      });
    assert.deepEqual(at('127.0.0.1', [], false), { address: '127.0.0.1', known: true, signs: [] });
    assert.equal(at('127.0.0.1', [ADA], false).known, false);
    assert.deepEqual(
      at(EVE, [ADA], true),
      { address: EVE, known: true, signs: ['untrusted-forwarding'] },
      'a header hides nobody',
    );
  });
});

test('what one person has of addresses is a /64 of IPv6', () => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ] as const)
    assert.equal(networkOfAddress(address), network, address);
  for (const local of [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.1.1',
    '100.64.0.1',
    '::1',
    'fd00::1',
    'fe80::1%lo',
    '::ffff:10.0.0.1',
    '',
  ])
    assert.ok(isLocalAddress(local), local);
  for (const outside of [ADA, EVE, '172.32.0.1', '100.128.0.1', '2001:db8::1', '::ffff:8.8.8.8'])
    assert.ok(!isLocalAddress(outside), outside);
});

test('what --trust-proxy may say', () => {
  const read = (text: string) => {
    const config = readConfig({ 'trust-proxy': text }, {}, () => '');
    return config.ok
      ? config.value.trustProxy
      : config.refusal.map(({ setting, source }) => `${setting} ${source}`);
  };
  assert.equal(read('0'), 0);
  assert.equal(read('10'), 10);
  assert.deepEqual(read('10.0.0.0/8,::1'), ['10.0.0.0/8', '::1']);
  assert.deepEqual(read(' 127.0.0.1, fd00::/8 '), ['127.0.0.1', 'fd00::/8']);
  for (const wrong of [
    '11',
    '-1',
    '',
    ',',
    'true',
    'nginx',
    '10.0.0.0/33',
    '10.0.0.0/8;::1',
    '0.0.0.0/0',
    '::/0',
    '::/00',
    '2,10.0.0.0/8',
    '1.2.3',
  ])
    assert.deepEqual(read(wrong), ['trust-proxy --trust-proxy'], JSON.stringify(wrong));
});

/** A browser at an address, with its cookies, behind whatever proxy. */
function browser(
  world: TestServer,
  remoteAddress: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const cookies = new Map<string, string>();
  const cookie = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  async function send(
    method: 'GET' | 'POST',
    url: string,
    form?: Readonly<Record<string, string>>,
  ) {
    const answer = await world.app.inject({
      method,
      url,
      remoteAddress,
      headers: {
        ...headers,
        cookie: cookie(),
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(form ? { payload: new URLSearchParams(form).toString() } : {}),
    });
    for (const { name, value } of answer.cookies) {
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }
  const post = async (url: string, form: Readonly<Record<string, string>>) => {
    if (![...cookies.keys()].some((name) => /gatehouse(?:-form)?$/.test(name)))
      await send('GET', '/sign-in');
    const [, secret = ''] = [...cookies].find(([name]) => /gatehouse(?:-form)?$/.test(name)) ?? [];
    return send('POST', url, { csrf: csrfToken(secret), ...form });
  };
  return {
    cookies,
    get: (url: string) => send('GET', url),
    signIn: async (name: string, word: string) =>
      (await post('/sign-in', { name, password: word })).statusCode,
    retryAfter: async (name: string) =>
      (await post('/sign-in', { name, password })).headers['retry-after'],
    askPasskey: async () => (await post('/sign-in/passkey/options', {})).statusCode,
    signOut: () => post('/sign-out', {}),
  };
}
async function withPeople(
  settings: Readonly<Record<string, string>>,
  ...names: readonly string[]
): Promise<TestServer> {
  const world = new TestServer(settings);
  for (const name of names) {
    const made = await world.server.services.accounts.createAccount({
      ...{
        name,
        email: `${name}@example.org`,
        emailConfirmed: true,
        realName: '',
        groups: name === 'Root' ? ['administrator'] : [],
        password,
      },
    });
    assert.ok(made.ok);
  }
  return world;
}
/** Failures of a network, without the price of as many hashes. */
const fail = async ({ server: built, now }: TestServer, network: string, times: number) => {
  for (let count = 0; count < times; count++)
    await built.store.increment(`sign-in address ${network}`, now, (now + 900) as never);
};

describe('sign-in', () => {
  for (const [name, settings, peer, headers] of [
    [
      'a TLS proxy nobody named, that says whose address it is',
      {},
      '127.0.0.1',
      { 'x-forwarded-for': ADA },
    ],
    ['a TLS proxy nobody named, that says nothing', {}, '172.17.0.1', {}],
    ['a TLS proxy on another machine', {}, EVE, { 'x-forwarded-for': ADA, via: '1.1 front' }],
    ['a number that is too high', { 'trust-proxy': '2' }, PROXY, { 'x-forwarded-for': ADA }],
    ['a named proxy that says nothing', { 'trust-proxy': PROXY }, PROXY, {}],
  ] as const) {
    test(`${name}: a stranger closes it for nobody`, async () => {
      const world = await withPeople(settings, 'Ada');
      const stranger = browser(world, peer, headers);
      for (let count = 0; count < 3; count++)
        assert.equal(await stranger.signIn(`nobody ${count}`, 'wrong'), 403);
      // As many as close nothing even if they were counted; and none of the three was.
      assert.equal(
        await world.server.store.count(`sign-in address ${networkOfAddress(peer)}`, world.now),
        0,
      );
      await fail(world, networkOfAddress(peer), 60);
      for (let count = 0; count < 70; count++) assert.equal(await stranger.askPasskey(), 200);
      assert.equal(await browser(world, peer, headers).signIn('Ada', password), 303);
      await world.close();
    });
  }

  test('behind a named proxy each has their own address: a network that fails waits five seconds, others do not', async () => {
    const world = await withPeople({ 'trust-proxy': '10.0.0.0/8' }, 'Ada');
    const at = (address: string) => browser(world, PROXY, { 'x-forwarded-for': address });
    await fail(world, '2001:db8:0:1::/64', 49);
    assert.equal(await at('2001:db8:0:1::5').signIn('nobody', 'wrong'), 403);
    assert.equal(await at('2001:db8:0:1:ffff::9').retryAfter('Ada'), '5', 'the same /64');
    assert.equal(await at('2001:db8:0:2::5').signIn('Ada', password), 303, 'the next /64');
    world.advanceClock(5);
    assert.equal(
      await at('2001:db8:0:1::5').signIn('Ada', password),
      303,
      'slowed down, not closed',
    );
    await world.close();
  });

  test('wrong tries of a name keep neither its person’s browser nor other networks out', async () => {
    const world = await withPeople({}, 'Ada', 'Ben');
    const own = browser(world, ADA);
    assert.equal(await own.signIn('Ada', password), 303);
    await own.signOut();
    const [neighbour, eve] = [browser(world, ADA), browser(world, EVE)];
    for (const [from, last] of [
      [neighbour, 429],
      [eve, 429],
    ] as const) {
      for (let count = 0; count < 5; count++) assert.equal(await from.signIn('Ada', 'wrong'), 403);
      assert.equal(await from.signIn('Ada', password), last);
    }
    assert.equal(await browser(world, '192.0.2.3').signIn('Ada', password), 303, 'another network');
    await fail(world, ADA, 60);
    assert.equal(await own.signIn('Ada', password), 303, 'the browser is known');
    await own.signOut();
    await browser(world, ADA).signIn('Ben', 'wrong');
    assert.equal(await own.signIn('Ben', password), 429, 'to Ada, not to Ben');
    await world.close();
  });

  test('the cookie of a known browser tries ten passwords, is of its person alone, and ends after a year', async () => {
    const world = await withPeople({}, 'Ada', 'Eve');
    const own = browser(world, ADA);
    await own.signIn('Ada', password);
    await own.signOut();
    const [kept = ''] = [...own.cookies.keys()].filter(
      (name) => name === '__Host-gatehouse-device',
    );
    const cookie = own.cookies.get(kept) ?? '';
    assert.match(cookie, /^\d+\.\d+\.[\w-]{16}\.[\w-]{43}$/);
    const shut = async (value: string) => {
      const other = browser(world, EVE);
      other.cookies.set(kept, value);
      return other.signIn('Ada', password);
    };
    for (let count = 0; count < 5; count++) await browser(world, EVE).signIn('Ada', 'wrong');
    assert.equal(await shut(''), 429);
    const parts = cookie.split('.');
    for (const forged of [
      cookie.slice(0, -1),
      [Number(parts[0]) + 1, ...parts.slice(1)].join('.'),
      [parts[0], Number(parts[1]) + 1, ...parts.slice(2)].join('.'),
      `${cookie}~`.repeat(50),
      'x'.repeat(5000),
    ])
      assert.equal(await shut(forged), 429, forged.slice(0, 80));
    const eve = browser(world, EVE);
    assert.equal(await eve.signIn('Eve', password), 303);
    assert.equal(await shut(eve.cookies.get(kept) ?? ''), 429, 'that of somebody else');
    const stolen = browser(world, EVE);
    stolen.cookies.set(kept, cookie);
    for (let count = 0; count < 10; count++)
      assert.equal(await stolen.signIn('Ada', 'wrong'), 403, `try ${count}`);
    assert.equal(await stolen.signIn('Ada', password), 429, 'a stranger by now');
    world.advanceClock(366 * 86_400);
    for (let count = 0; count < 5; count++) await browser(world, EVE).signIn('Ada', 'wrong');
    assert.equal(await shut(cookie), 429, 'after a year');
    await world.close();
  });

  test('passkeys are slowed down for a network that asks all the time, and never for a known browser', async () => {
    const world = await withPeople({}, 'Ada');
    const own = browser(world, ADA);
    await own.signIn('Ada', password);
    await own.signOut();
    const other = browser(world, ADA);
    for (let count = 0; count < 60; count++) assert.equal(await other.askPasskey(), 200);
    assert.equal(await other.askPasskey(), 429);
    assert.equal(await own.askPasskey(), 200);
    world.advanceClock(2);
    assert.equal(await other.askPasskey(), 200);
    await world.close();
  });
});

describe('rules about addresses', () => {
  type Ask = readonly [string, Readonly<Record<string, string>>];
  const forwarded = (text: string) => ({ 'x-forwarded-for': text });
  const cases: readonly (readonly [
    string,
    Readonly<Record<string, string>>,
    readonly Ask[],
    number,
  ])[] = [
    ['known from the connection', {}, [[ADA, {}]], 200],
    ['another address', {}, [[EVE, {}]], 400],
    ['a proxy nobody named, with the right header', {}, [['127.0.0.1', forwarded(ADA)]], 400],
    ['a named proxy', { 'trust-proxy': PROXY }, [[PROXY, forwarded(ADA)]], 200],
    [
      'a named proxy, and a header of a stranger',
      { 'trust-proxy': PROXY },
      [[PROXY, forwarded(`${ADA}, ${EVE}`)]],
      400,
    ],
    ['a header of a stranger at the port', { 'trust-proxy': PROXY }, [[EVE, forwarded(ADA)]], 400],
    ['the right number', { 'trust-proxy': '1' }, [[PROXY, forwarded(ADA)]], 200],
    [
      'the right number, and a header of a stranger',
      { 'trust-proxy': '1' },
      [[PROXY, forwarded(`${ADA}, ${EVE}`)]],
      400,
    ],
    ['a number that is too high', { 'trust-proxy': '2' }, [[PROXY, forwarded(ADA)]], 400],
    [
      'a number that is too high, filled up after others came',
      { 'trust-proxy': '2' },
      [
        [PROXY, forwarded(EVE)],
        [PROXY, forwarded(`${ADA}, ${EVE}`)],
      ],
      400,
    ],
    [
      'a proxy that passes headers on',
      { 'trust-proxy': '1' },
      [
        [PROXY, {}],
        [PROXY, forwarded(ADA)],
      ],
      400,
    ],
    [
      'a named proxy that passes headers on',
      { 'trust-proxy': PROXY },
      [
        [PROXY, {}],
        [PROXY, forwarded(ADA)],
      ],
      400,
    ],
    ['a stranger at the port, and a number', { 'trust-proxy': '1' }, [[EVE, forwarded(ADA)]], 400],
    [
      'other fields of proxies',
      { 'trust-proxy': PROXY },
      [[PROXY, { 'x-real-ip': ADA, forwarded: `for=${ADA}`, ...forwarded(EVE) }]],
      400,
    ],
  ];
  for (const [name, settings, asks, last] of cases) {
    test(`${name}: ${last}`, async () => {
      const world = new TestServer(settings);
      const ada = await world.createPerson('Ada');
      const app = (restrictions: readonly string[] | undefined, title: string) =>
        world.createClient(ada, {
          name: title,
          grantTypes: ['client_credentials'],
          ...(restrictions ? { restrictions: { addresses: restrictions, pages: [] } } : {}),
        } as never);
      const [bound, free] = [
        await app([`${ADA}/32`, '127.0.0.1/32', PROXY], 'Bound'),
        await app(undefined, 'Free'),
      ];
      const ask = async ({ client, secret }: typeof bound, [remoteAddress, headers]: Ask) =>
        (
          await world.app.inject({
            method: 'POST',
            url: '/oauth2/token',
            remoteAddress,
            headers: {
              ...headers,
              authorization: basicHeader(client.id, secret),
              'content-type': 'application/x-www-form-urlencoded',
            },
            payload: 'grant_type=client_credentials',
          })
        ).statusCode;
      for (const before of asks.slice(0, -1)) await ask(free, before);
      assert.equal(await ask(bound, asks.at(-1) as Ask), last);
      assert.equal(await ask(free, asks.at(-1) as Ask), 200, 'an app without rules works on');
      await world.close();
    });
  }

  test('a proxy that was silent is believed again a day later; a balancer’s own questions do not count', async () => {
    const world = new TestServer({ 'trust-proxy': PROXY });
    const seen: ConnectionInfo[] = [];
    world.app.addHook('preHandler', async (asked) => void seen.push(asked.connectionInfo));
    const go = (url: string, headers = {}) =>
      world.app.inject({ url, remoteAddress: PROXY, headers });
    for (const probe of ['/healthz', '/readyz']) await go(probe);
    await go('/', forwarded(ADA));
    await go('/');
    await go('/', forwarded(ADA));
    world.advanceClock(86_400);
    await go('/', forwarded(ADA));
    assert.deepEqual(
      seen.slice(2).map(({ trustedAddress: sure }) => sure),
      [ADA, 'unknown', 'unknown', ADA],
    );
    await world.close();
  });
});

test('the scheme is the issuer’s, whatever a header says', async () => {
  for (const [issuer, secure] of [
    ['https://gate.example', true],
    ['http://gate.example', false],
  ] as const) {
    const world = new TestServer({ issuer, 'trust-proxy': '1' });
    const seen: boolean[] = [];
    world.app.addHook('preHandler', async (asked) => void seen.push(asked.connectionInfo.secure));
    for (const proto of ['https', 'http', 'https, http']) {
      await world.app.inject({
        url: '/',
        remoteAddress: PROXY,
        headers: { 'x-forwarded-proto': proto, 'x-forwarded-for': ADA },
      });
    }
    assert.deepEqual(seen, [secure, secure, secure]);
    await world.close();
  }
});

describe('what the server says', () => {
  test('each sign is in the log once an hour, with peer and remedy, and on the administrators’ page', async () => {
    const lines: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] =
      [];
    const log = {
      info() {},
      error() {},
      warn: (event: string, fields = {}) => void lines.push({ event, fields }),
    };
    const world = new TestServer({ 'trust-proxy': '2' }, '', { log });
    const go = (remoteAddress: string, headers = {}) =>
      world.app.inject({ url: '/', remoteAddress, headers });
    for (let count = 0; count < 30; count++) await go(PROXY, { 'x-forwarded-for': ADA });
    assert.deepEqual(
      lines.map(({ fields }) => [fields.sign, fields.peer]),
      [['too-few-hops', PROXY]],
    );
    assert.match(String(lines[0]?.fields.remedy), /X-Forwarded-For/);
    world.advanceClock(3600);
    await go(PROXY, { 'x-forwarded-for': ADA });
    await go(EVE, { 'x-forwarded-for': `${ADA}, x` });
    assert.deepEqual(
      lines.slice(1).map(({ fields }) => fields.sign),
      ['too-few-hops', 'counted-outside', 'unreadable-hop'],
    );
    const root = await world.createPerson('Root', ['administrator']);
    const page = await world.app.inject({
      url: '/admin',
      headers: { cookie: await world.sessionCookie(root) },
    });
    assert.equal(page.statusCode, 200);
    for (const said of [
      'names fewer addresses than it should',
      'seen 3',
      EVE,
      'Name its address',
      'no address',
    ])
      assert.ok(page.body.includes(said), said);
    world.advanceClock(2 * 86_400);
    const later = await world.app.inject({
      url: '/admin',
      remoteAddress: PROXY,
      headers: { 'x-forwarded-for': `${ADA}, 10.0.0.2`, cookie: await world.sessionCookie(root) },
    });
    assert.ok(!later.body.includes('names fewer addresses'), 'a day later it is gone');
    await world.close();
  });

  test('all requests of one address of the own network', async () => {
    for (const [peers, found] of [
      [[PROXY], true],
      [[PROXY, '10.0.0.2'], false],
      [[ADA], false],
    ] as const) {
      const world = new TestServer({ issuer: 'http://gate.example' }, '', {
        log: { info() {}, error() {}, warn() {} },
      });
      for (let count = 0; count < 100; count++)
        await world.app.inject({
          url: '/oauth2/jwks',
          remoteAddress: peers[count % peers.length] as string,
        });
      const signs = world.server.services.proxyMonitor.recentSightings().map(({ sign }) => sign);
      assert.equal(signs.includes('one-address'), found, peers.join());
      await world.close();
    }
  });

  test('what the settings alone tell', async () => {
    for (const [settings, kinds] of [
      [{ issuer: 'https://gate.example' }, ['https-without-proxy']],
      [{ issuer: 'https://gate.example', 'trust-proxy': '1' }, []],
      [
        { issuer: 'https://gate.example', 'trust-proxy': '1', host: '0.0.0.0' },
        ['counted-on-every-address'],
      ],
      [
        { issuer: 'https://gate.example', 'trust-proxy': '1', host: '::' },
        ['counted-on-every-address'],
      ],
      [
        { issuer: 'https://gate.example', 'trust-proxy': '1', host: EVE },
        ['counted-on-every-address'],
      ],
      [{ issuer: 'https://gate.example', 'trust-proxy': '1', host: '10.0.0.5' }, []],
      [{ issuer: 'https://gate.example', 'trust-proxy': PROXY, host: '0.0.0.0' }, []],
      [{ issuer: 'http://gate.example' }, ['plain-http']],
      [{ issuer: 'http://localhost:4400' }, []],
      [{ issuer: 'http://192.168.1.5:4400' }, []],
      [{ issuer: 'http://gate.internal' }, []],
      [{ issuer: 'http://8.8.8.8' }, ['plain-http']],
    ] as const) {
      const world = new TestServer({ data: '/nowhere', ...settings });
      assert.deepEqual(
        world.server.services.setupWarnings().map(({ kind }) => kind),
        kinds,
        JSON.stringify(settings),
      );
      await world.close();
    }
  });
});

/**
 * Asks through a proxy from an address of its own, and answers how the request arrived behind it.
 */
async function through(
  port: number,
  world: TestServer,
  headers: Readonly<Record<string, string>>,
): Promise<ConnectionInfo> {
  const seen = Promise.withResolvers<ConnectionInfo>();
  arrivals.set(world, seen.resolve);
  const asked = request({ host: '127.0.0.1', port, path: '/', localAddress: '127.0.0.2', headers });
  asked.on('response', (answer) => answer.resume()).on('error', seen.reject);
  asked.end();
  return seen.promise;
}
const arrivals = new Map<TestServer, (arrived: ConnectionInfo) => void>();
const kinds = [
  {
    program: NGINX,
    start(port: number, upstream: number, home: string) {
      const lines = documentedConfig('nginx', upstream);
      assert.match(lines, /X-Forwarded-For/);
      return startNginx(port, home, lines);
    },
  },
  {
    program: CADDY,
    start(port: number, upstream: number, home: string) {
      const site = documentedConfig('caddyfile', upstream).replace(
        'auth.example.org',
        `http://127.0.0.1:${port}`,
      );
      assert.match(site, /reverse_proxy/);
      writeFileSync(join(home, 'Caddyfile'), `{\n\tadmin off\n}\n${site}`);
      const env = { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home };
      return spawn(CADDY, ['run', '--config', join(home, 'Caddyfile'), '--adapter', 'caddyfile'], {
        stdio: 'ignore',
        env,
      });
    },
  },
];
for (const { program, start } of kinds) {
  test(`the documented lines for ${program}: what a stranger claims does not arrive`, {
    skip: missingProgramReason(program),
    timeout: 60_000,
  }, async () => {
    const home = mkdtempSync(join(tmpdir(), 'gatehouse-proxy-'));
    const world = new TestServer({ 'trust-proxy': '127.0.0.1' });
    world.app.addHook('preHandler', async (asked) => arrivals.get(world)?.(asked.connectionInfo));
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    const port = await freePort();
    const proxy = start(port, (world.app.server.address() as AddressInfo).port, home);
    try {
      await waitForProxy(proxy, port);
      const own = {
        address: '127.0.0.2',
        isAddressTrusted: true,
        trustedAddress: '127.0.0.2',
        secure: true,
      };
      assert.deepEqual(await through(port, world, {}), own);
      for (const claim of [ADA, `${ADA}, 127.0.0.1`, '127.0.0.1', 'nonsense'])
        assert.deepEqual(
          await through(port, world, {
            'x-forwarded-for': claim,
            forwarded: `for=${ADA}`,
            'x-real-ip': ADA,
            'x-forwarded-proto': 'http',
          }),
          own,
          claim,
        );
    } finally {
      await stopProxy(proxy);
      await world.close();
      rmSync(home, { recursive: true, force: true });
    }
  });
}
