import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { signedHeader } from '#harness/signed.ts';
import { TestServer } from '#harness/world.ts';
import type { Client, Stage, Suspension } from '#registry/model/client.ts';

describe('no redirect for unapproved apps', () => {
  // RFC 9700 §4.11.2: the server is no open redirector. A person is sent to an app only when
  // somebody approved it; its owner tries it before.

  const issuer = 'https://gate.example';
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
  const nowhere = 'f'.repeat(32);
  const stages = [
    'proposed',
    'approved',
    'rejected',
    'expired',
    'disabled',
  ] as const satisfies readonly Stage[];
  const suspensionValues = ['none', 'new-consents', 'all'] as const satisfies readonly Suspension[];
  type Visitor = 'nobody' | 'other' | 'owner' | 'reviewer';
  const visitors: readonly Visitor[] = ['nobody', 'other', 'owner', 'reviewer'];

  /** How an app stands. */
  interface Standing {
    readonly stage: Stage;
    readonly suppressed: boolean;
    readonly suspension: Suspension;
  }
  const standings: readonly Standing[] = stages.flatMap((stage) =>
    [false, true].flatMap((suppressed) =>
      suspensionValues.map((suspension) => ({ stage, suppressed, suspension })),
    ),
  );
  const called = ({ stage, suppressed, suspension }: Standing) =>
    [
      stage,
      ...(suppressed ? ['hidden'] : []),
      ...(suspension === 'none' ? [] : [`${suspension} suspended`]),
    ].join(', ');

  let world: TestServer;
  let people: Record<Visitor, { readonly account: Account | null; readonly cookie: string }>;
  let count = 0;

  before(async () => {
    world = new TestServer();
    const signedIn = async (name: string, groups: readonly string[] = []) => {
      const account = await world.createPerson(name, groups);
      return { account, cookie: await world.sessionCookie(account) };
    };
    people = {
      nobody: { account: null, cookie: '' },
      other: await signedIn('Ben'),
      owner: await signedIn('Ada'),
      reviewer: await signedIn('Rex', ['reviewer', 'suppress', 'oversight', 'sysop']),
    };
  });
  after(() => world.close());

  const owner = (): Account => people.owner.account as Account;
  const visit = (url: string, visitor: Visitor) =>
    world.app.inject({ url, headers: { cookie: people[visitor].cookie } });
  const send = (url: string, visitor: Visitor, form: string) =>
    world.app.inject({
      method: 'POST',
      url,
      payload: form,
      headers: {
        cookie: people[visitor].cookie,
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
  type Answer = Awaited<ReturnType<typeof visit>>;

  /** Puts an app where no action of the registry would take it in one step. */
  async function put(client: Client, change: Partial<Client>): Promise<void> {
    const { store } = world.server;
    const now = (await store.findClient(client.id)) ?? client;
    const applied = await store.applyChange({
      recordVersion: now.recordVersion,
      effects: [{ kind: 'save-client', client: { ...now, ...change } }],
      audit: {
        at: world.now,
        action: 'update',
        actorId: null,
        via: 'cli',
        address: null,
        clientId: now.id,
        reason: '',
        changes: [],
      },
      notifications: [],
    });
    assert.equal(applied.outcome, 'applied');
  }

  const web = async (more: Partial<Parameters<TestServer['createClient']>[1]> = {}) =>
    (
      await world.createClient(owner(), {
        name: `web ${++count}`,
        scopes: ['editpage', 'sendemail'],
        ...more,
      })
    ).client;

  /** The host that an answer leads to; null: it stays here. */
  function leavesFor(answer: Answer): string | null {
    const { location } = answer.headers;
    if (location === undefined) return null;
    const { origin, host } = new URL(String(location), issuer);
    return origin === issuer ? null : host;
  }
  const isPage = (answer: Answer) =>
    assert.deepEqual(
      [answer.statusCode >= 400 && answer.statusCode < 500, answer.headers.location],
      [true, undefined],
      answer.body,
    );

  type Query = Record<string, string | undefined>;
  const pairsOf = (query: Query) =>
    new URLSearchParams(
      Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined),
    ).toString();
  const sound = (id: string): Query => ({
    response_type: 'code',
    client_id: id,
    redirect_uri: 'https://app.example/cb',
    scope: 'editpage',
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });

  /** Requests with something wrong in them, and the error the client of an approved app is told. */
  const wrong: readonly (readonly [string, (good: Query) => string, string])[] = [
    [
      'an unknown response type',
      (good) => pairsOf({ ...good, response_type: 'token' }),
      'unsupported_response_type',
    ],
    [
      'no response type',
      (good) => pairsOf({ ...good, response_type: undefined }),
      'invalid_request',
    ],
    ['an unknown scope', (good) => pairsOf({ ...good, scope: 'nonsense' }), 'invalid_scope'],
    [
      'a scope beyond its registration',
      (good) => pairsOf({ ...good, scope: 'delete' }),
      'invalid_scope',
    ],
    [
      'no code_challenge',
      (good) => pairsOf({ ...good, code_challenge: undefined, code_challenge_method: undefined }),
      'invalid_request',
    ],
    [
      'a plain challenge',
      (good) => pairsOf({ ...good, code_challenge_method: 'plain' }),
      'invalid_request',
    ],
    [
      'a short challenge',
      (good) => pairsOf({ ...good, code_challenge: 'short' }),
      'invalid_request',
    ],
    ['a repeated scope', (good) => `${pairsOf(good)}&scope=editpage`, 'invalid_request'],
    ['a repeated state', (good) => `${pairsOf(good)}&state=t`, 'invalid_request'],
    [
      'a state that is too long',
      (good) => pairsOf({ ...good, state: 's'.repeat(3000) }),
      'invalid_request',
    ],
    [
      'two prompts of which one is none',
      (good) => pairsOf({ ...good, prompt: 'none login' }),
      'invalid_request',
    ],
  ];
  const untrusted: readonly (readonly [string, (good: Query) => string])[] = [
    [
      'another redirect_uri',
      (good) => pairsOf({ ...good, redirect_uri: 'https://evil.example/cb' }),
    ],
    [
      'a repeated redirect_uri',
      (good) => `${pairsOf(good)}&redirect_uri=${encodeURIComponent('https://app.example/cb')}`,
    ],
    ['a repeated client_id', (good) => `${pairsOf(good)}&client_id=${good.client_id}`],
  ];

  /** Whether anybody but the owner may be sent to an app with an error. */
  const open = ({ stage, suppressed, suspension }: Standing) =>
    stage === 'approved' && !suppressed && suspension === 'none';

  const doors = {
    core: (query: string, visitor: Visitor) => visit(`/oauth2/authorize?${query}`, visitor),
    'core, as a form': (query: string, visitor: Visitor) =>
      send('/oauth2/authorize', visitor, query),
    mediawiki: (query: string, visitor: Visitor) =>
      visit(`/w/rest.php/oauth2/authorize?${query}`, visitor),
  } as const;

  for (const standing of standings)
    describe(`an OAuth 2 app that is ${called(standing)}`, () => {
      let client: Client;
      before(async () => {
        client = await web();
        await put(client, standing);
      });

      for (const door of ['core', 'core, as a form'] as const)
        for (const visitor of visitors)
          test(`${door}: ${visitor} with every error`, async () => {
            for (const [what, ask, error] of wrong) {
              const answer = await doors[door](ask(sound(client.id)), visitor);
              if (visitor !== 'owner' && !open(standing)) isPage(answer);
              else if (visitor === 'nobody' && what !== 'two prompts of which one is none')
                assert.match(
                  String(answer.headers.location),
                  /^\/sign-in\?returnto=%2F(?:oauth2%2Fauthorize%3F|continue%2F)/,
                  what,
                );
              else {
                const { origin, searchParams } = new URL(String(answer.headers.location), issuer);
                const state = what === 'a state that is too long' ? null : 's';
                assert.deepEqual(
                  [
                    answer.statusCode,
                    origin,
                    searchParams.get('error'),
                    searchParams.get('state'),
                    searchParams.get('iss'),
                  ],
                  [303, 'https://app.example', error, state, issuer],
                  what,
                );
              }
            }
            for (const [, ask] of untrusted)
              isPage(await doors[door](ask(sound(client.id)), visitor));
          });

      test('core: a request in which nothing is wrong', async () => {
        for (const visitor of visitors) {
          const answer = await doors.core(pairsOf(sound(client.id)), visitor);
          const usable = !standing.suppressed && standing.suspension !== 'all';
          if (
            visitor === 'owner' &&
            !(usable && ['approved', 'proposed'].includes(standing.stage))
          ) {
            assert.equal(
              new URL(String(answer.headers.location)).searchParams.get('error'),
              'access_denied',
            );
          } else if (usable && (standing.stage === 'approved' || visitor === 'owner')) {
            assert.match(
              String(answer.headers.location),
              visitor === 'nobody' ? /^\/sign-in\?/ : /^\/authorize\//,
            );
          } else isPage(answer);
        }
      });

      test('core: prompt=none is answered at once, and by a page unless the app is approved', async () => {
        for (const visitor of visitors) {
          const answer = await doors.core(
            pairsOf({ ...sound(client.id), prompt: 'none' }),
            visitor,
          );
          if (visitor !== 'owner' && !open(standing)) isPage(answer);
          else {
            const { searchParams } = new URL(String(answer.headers.location));
            const owners =
              visitor === 'owner' &&
              (standing.suppressed ||
                standing.suspension === 'all' ||
                !['approved', 'proposed'].includes(standing.stage));
            const error = owners
              ? 'access_denied'
              : visitor === 'nobody'
                ? 'login_required'
                : 'consent_required';
            assert.deepEqual(
              [searchParams.get('error'), searchParams.get('state'), searchParams.get('iss')],
              [error, 's', issuer],
            );
          }
        }
      });

      test('mediawiki: only an unknown scope is told to the app, and only where anybody may be sent there', async () => {
        for (const visitor of visitors)
          for (const [what, ask] of [...wrong, ...untrusted]) {
            const answer = await doors.mediawiki(ask(sound(client.id)), visitor);
            const told =
              what === 'an unknown scope' &&
              visitor !== 'nobody' &&
              (visitor === 'owner' || open(standing));
            assert.equal(leavesFor(answer), told ? 'app.example' : null, `${visitor}: ${what}`);
            if (told)
              assert.equal(
                new URL(String(answer.headers.location)).searchParams.get('iss'),
                issuer,
              );
          }
      });

      test('mediawiki: prompt=none', async () => {
        for (const visitor of visitors) {
          const answer = await doors.mediawiki(
            pairsOf({ ...sound(client.id), scope: 'nonsense', prompt: 'none' }),
            visitor,
          );
          assert.equal(
            leavesFor(answer),
            visitor === 'owner' || open(standing) ? 'app.example' : null,
            visitor,
          );
        }
      });

      if (standing.suppressed)
        test('whoever it is hidden from gets the answer of an app that never was', async () => {
          for (const visitor of ['nobody', 'other', 'reviewer'] as const)
            for (const door of Object.keys(doors) as (keyof typeof doors)[])
              for (const ask of [pairsOf, ...[...wrong, ...untrusted].map(([, one]) => one)]) {
                const [hidden, unknown] = [client.id, nowhere].map((id) =>
                  doors[door](ask(sound(id)), visitor),
                );
                const facts = async (answer: typeof hidden, id: string) => {
                  const { statusCode, headers, body } = (await answer) as Answer;
                  return [statusCode, headers.location, body].map((one) =>
                    String(one)
                      .replaceAll(id, 'ID')
                      .replace(/name="csrf" value="[^"]*"/g, '')
                      .replace(/%2Fcontinue%2F[\w-]{51}$/, '%2Fcontinue%2FHANDLE'),
                  );
                };
                assert.deepEqual(await facts(hidden, client.id), await facts(unknown, nowhere));
              }
        });
    });

  /** The handle of a request that waits for a decision, and the proof its form carries. */
  async function waiting(client: Client, visitor: Visitor, door: 'core' | 'mediawiki' = 'core') {
    const url = String((await doors[door](pairsOf(sound(client.id)), visitor)).headers.location);
    const page = await visit(url, visitor);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    assert.notEqual(csrf, '', page.body);
    return {
      url,
      decide: (button: 'accept' | 'cancel') => send(url, visitor, `${button}=1&csrf=${csrf}`),
    };
  }

  for (const door of ['core', 'mediawiki'] as const)
    describe(`a decision at the page of ${door}, after the app changed while it was open`, () => {
      for (const standing of standings.filter((one) => !open(one)))
        test(called(standing), async () => {
          const client = await web();
          const [yes, no] = [
            await waiting(client, 'other', door),
            await waiting(client, 'other', door),
          ];
          await put(client, standing);
          isPage(await visit(yes.url, 'other'));
          for (const answer of [await yes.decide('accept'), await no.decide('cancel')]) {
            isPage(answer);
            if (standing.suppressed) assert.match(answer.body, /not known here/);
          }
          assert.equal(
            (await world.server.store.listConsents((people.other.account as Account).id)).some(
              ({ clientId }) => clientId === client.id,
            ),
            false,
          );
        });

      test('another redirect URI', async () => {
        const client = await web();
        const [yes, no] = [
          await waiting(client, 'other', door),
          await waiting(client, 'other', door),
        ];
        await put(client, { redirectUri: 'https://elsewhere.example/cb' });
        for (const answer of [await yes.decide('accept'), await no.decide('cancel')])
          isPage(answer);
      });

      test('its owner tries a proposed app, yes and no', async () => {
        const client = await web();
        await put(client, { stage: 'proposed' });
        const [yes, no] = [
          await waiting(client, 'owner', door),
          await waiting(client, 'owner', door),
        ];
        assert.ok(
          new URL(String((await yes.decide('accept')).headers.location)).searchParams.get('code'),
        );
        assert.equal(leavesFor(await no.decide('cancel')), 'app.example');
      });

      test('an approved app is told yes and no, with iss', async () => {
        const client = await web();
        const [yes, no] = [
          await waiting(client, 'other', door),
          await waiting(client, 'other', door),
        ];
        for (const answer of [await yes.decide('accept'), await no.decide('cancel')]) {
          const { origin, searchParams } = new URL(String(answer.headers.location));
          assert.deepEqual([origin, searchParams.get('iss')], ['https://app.example', issuer]);
        }
      });
    });

  test('an app that takes no new consents still gets a code for who allowed it before, and no error', async () => {
    const client = await web();
    await world.consents.accept(client, people.other.account as Account, ['editpage', 'sendemail']);
    await put(client, { suspension: 'new-consents' });
    const again = await waiting(client, 'other');
    assert.ok(
      new URL(String((await again.decide('accept')).headers.location)).searchParams.get('code'),
    );
    isPage(await doors.core(pairsOf({ ...sound(client.id), scope: 'nonsense' }), 'other'));
  });

  test('who need not be asked is sent on with a code at once, also where pages are forbidden; not when the app was switched off', async () => {
    const client = await web({ scopes: ['mwoauth-authonly'] });
    await world.consents.accept(client, people.other.account as Account, client.scopes);
    const ask = () =>
      doors.core(
        pairsOf({ ...sound(client.id), scope: 'mwoauth-authonly', prompt: 'none' }),
        'other',
      );
    assert.ok(new URL(String((await ask()).headers.location)).searchParams.get('code'));
    for (const standing of standings.filter(
      (one) => one.stage !== 'approved' || one.suppressed || one.suspension === 'all',
    )) {
      await put(client, standing);
      isPage(await ask());
    }
  });

  test('an owner-only app was approved by nobody: nobody but its owner is sent to it', async () => {
    const client = await web();
    await put(client, { ownerOnly: true });
    for (const visitor of ['nobody', 'other', 'reviewer'] as const)
      for (const ask of [pairsOf, ...wrong.map(([, one]) => one)])
        isPage(await doors.core(ask(sound(client.id)), visitor));
    assert.equal(leavesFor(await doors.core(pairsOf(sound(client.id)), 'owner')), 'app.example');
  });

  test('sign-in leads a stranger back to the request, and then the app is told its error', async () => {
    const client = await web();
    const asked = await doors.core(
      pairsOf({ ...sound(client.id), response_type: 'token' }),
      'nobody',
    );
    const back = new URL(String(asked.headers.location), issuer).searchParams.get('returnto') ?? '';
    const { searchParams } = new URL(String((await visit(back, 'other')).headers.location));
    assert.deepEqual(
      [searchParams.get('error'), searchParams.get('state')],
      ['unsupported_response_type', 's'],
    );
  });

  /** Temporary credentials of an OAuth 1 app (RFC 5849 §2.1). */
  async function temporary(
    made: { readonly client: Client; readonly secret: string },
    door: 'core' | 'mediawiki',
    callback: string,
  ): Promise<string> {
    const key = { key: made.client.id, secret: made.secret };
    const target =
      door === 'core'
        ? '/oauth1/initiate'
        : '/w/index.php?title=Special:OAuth/initiate&format=json';
    const headers = signedHeader(
      world,
      'POST',
      target,
      key,
      null,
      { oauth_callback: callback },
      door === 'core' ? {} : { profile: 'mediawiki' },
    );
    const answer = await world.app.inject({ method: 'POST', url: target, headers });
    assert.equal(answer.statusCode, 200, answer.body);
    return door === 'core'
      ? (new URLSearchParams(answer.body).get('oauth_token') ?? '')
      : (answer.json() as { key: string }).key;
  }

  const classic = () =>
    world.createClient(owner(), {
      name: `classic ${++count}`,
      protocol: 'oauth1',
      redirectUri: 'https://app.example/cb',
      redirectIsPrefix: true,
      scopes: ['editpage'],
    });

  const oauth1Doors = {
    core: (sub: string, query: string) => `/oauth1/${sub}?${query}`,
    mediawiki: (sub: string, query: string) => `/wiki/Special:OAuth/${sub}?${query}`,
  } as const;

  for (const door of ['core', 'mediawiki'] as const)
    for (const callback of ['oob', 'https://app.example/cb/more'])
      describe(`OAuth 1 at ${door}, callback ${callback}`, () => {
        for (const standing of standings.filter(
          (one) => one.stage !== 'approved' || one.suppressed || one.suspension === 'all',
        ))
          test(`an app that is ${called(standing)}: nobody is asked, and no open page leads to it`, async () => {
            const made = await classic();
            const pages = await Promise.all(
              ['accept', 'cancel'].map(async () => {
                const token = await temporary(made, door, callback);
                const url = String(
                  (await visit(oauth1Doors[door]('authorize', `oauth_token=${token}`), 'other'))
                    .headers.location,
                );
                return {
                  url,
                  csrf:
                    /name="csrf" value="([^"]+)"/.exec((await visit(url, 'other')).body)?.[1] ?? '',
                };
              }),
            );
            const token = await temporary(made, door, callback);
            await put(made.client, standing);
            for (const visitor of visitors)
              for (const sub of ['authorize', 'authenticate'])
                for (const query of [
                  `oauth_token=${token}`,
                  `oauth_token=${token}&oauth_consumer_key=${made.client.id}`,
                ])
                  assert.equal(
                    leavesFor(await visit(oauth1Doors[door](sub, query), visitor)),
                    null,
                  );
            const [yes, no] = pages;
            const answers = [
              await send(yes?.url ?? '', 'other', `accept=1&csrf=${yes?.csrf}`),
              await send(no?.url ?? '', 'other', `cancel=1&csrf=${no?.csrf}`),
            ];
            for (const answer of answers) {
              assert.equal(answer.headers.location, undefined);
              assert.doesNotMatch(answer.body, /class="big"/, 'no verifier is shown');
              if (standing.suppressed) assert.ok(!answer.body.includes(made.client.name));
            }
          });

        test('an approved app: a yes leads to the callback, or shows the verifier', async () => {
          const made = await classic();
          const token = await temporary(made, door, callback);
          const url = String(
            (await visit(oauth1Doors[door]('authorize', `oauth_token=${token}`), 'other')).headers
              .location,
          );
          const csrf =
            /name="csrf" value="([^"]+)"/.exec((await visit(url, 'other')).body)?.[1] ?? '';
          const answer = await send(url, 'other', `accept=1&csrf=${csrf}`);
          if (door === 'core' && callback === 'oob') assert.match(answer.body, /class="big"/);
          else assert.equal(leavesFor(answer), 'app.example');
        });

        test('a hidden app looks like one that never was', async () => {
          const made = await classic();
          const token = await temporary(made, door, callback);
          await put(made.client, { suppressed: true });
          const body = async (query: string) => {
            const answer = await visit(oauth1Doors[door]('authorize', query), 'other');
            return [
              answer.statusCode,
              answer.body
                .replaceAll(made.client.id, nowhere)
                .replaceAll(token, nowhere)
                .replace(/name="csrf" value="[^"]*"/g, ''),
            ];
          };
          assert.deepEqual(
            await body(`oauth_token=${token}`),
            await body(`oauth_token=${nowhere}`),
          );
          assert.deepEqual(
            await body(`oauth_token=${token}&oauth_consumer_key=${made.client.id}`),
            await body(`oauth_token=${nowhere}&oauth_consumer_key=${nowhere}`),
          );
        });
      });

  test('OAuth 1: a callback that no longer fits the registration when the person says yes is not followed', async () => {
    const made = await classic();
    const token = await temporary(made, 'core', 'https://app.example/cb/more');
    const url = String(
      (await visit(oauth1Doors.core('authorize', `oauth_token=${token}`), 'other')).headers
        .location,
    );
    const csrf = /name="csrf" value="([^"]+)"/.exec((await visit(url, 'other')).body)?.[1] ?? '';
    await put(made.client, { redirectUri: 'https://elsewhere.example/' });
    isPage(await send(url, 'other', `accept=1&csrf=${csrf}`));
  });

  test('the list of apps a person allowed does not show the name of one that was hidden', async () => {
    const made = await world.createClient(owner(), { name: 'Words nobody should read' });
    await world.consents.accept(made.client, people.other.account as Account, made.client.scopes);
    const list = async () => (await visit('/consents', 'other')).body;
    assert.match(await list(), /Words nobody should read/);
    await put(made.client, { suppressed: true });
    assert.doesNotMatch(await list(), /Words nobody should read/);
    assert.match(await list(), /An app that was hidden/);
    assert.doesNotMatch(
      (await visit('/consents/export.json', 'other')).body,
      /Words nobody should read/,
    );
  });

  test('the routes set a Location in one file, and make a proven redirect in one', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const having = (pattern: RegExp) =>
      files.filter((file) => pattern.test(readFileSync(`src/${file}`, 'utf8'))).sort();
    assert.deepEqual(having(/header\(\s*['"]location['"]|\.redirect\(/i), ['http/redirects.ts']);
    assert.deepEqual(having(/as ProvenRedirect/), ['registry/model/proven-redirect.ts']);
  });

  test('a redirect within the server that names another place is a fault', async () => {
    const { redirectLocally: seeOther } = await import('#http/redirects.ts');
    for (const place of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '',
      'evil',
      '/a\nb',
    ])
      assert.throws(() => seeOther({} as never, place), /names a path/);
  });
});
