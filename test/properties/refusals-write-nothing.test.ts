import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Account } from '#accounts/account.ts';
import type { BrowserResponse, OpenConsentPage, ProfileName, TestApp } from '#harness/approvals.ts';
import { InspectableTestServer } from '#harness/state.ts';
import type { Client } from '#registry/model/client.ts';

// Whatever is asked, at whatever door and in whatever order: a request that is refused changes no
// consent, credential, scope, row of the registry or pending request (ADR 26). Two exceptions can
// be seen here: what comes again ends its family, and a denial is an answer.

const apps = ['web', 'open', 'classic'] as const;
const people = ['ben', 'cleo'] as const;
const scopes = ['editpage', 'delete', 'sendemail', 'nonsense'] as const;
const from = <const T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const door = from<ProfileName>('core', 'mediawiki');
const nth = fc.nat(5);
/** One thing to ask or to do; numbers name what came before, the latest first. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: from('ask'),
      app: from(...apps),
      who: from(...people),
      door,
      scope: fc.subarray([...scopes]),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      ...{
        kind: from('press'),
        page: nth,
        button: from('accept', 'accept', 'cancel'),
        by: from('own', 'own', 'own', 'other', 'none'),
      },
      ...{ proof: from(true, true, true, false), unticked: fc.subarray([...scopes]) },
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: from('redeem'),
      code: nth,
      door,
      app: from(...apps),
      own: from(true, true, true, false),
      right: from(true, true, true, false),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: from('refresh'),
      token: nth,
      door,
      app: from(...apps),
      own: from(true, true, true, false),
      scope: fc.subarray([...scopes]),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: from('exchange'), pair: nth, right: from(true, true, false) }),
  },
  // A second page for the same request of an app: one tab was left open, or the link was passed on.
  {
    weight: 4,
    arbitrary: fc.record({ kind: from('again'), page: nth, who: from('same', 'same', 'other') }),
  },
  { weight: 2, arbitrary: fc.record({ kind: from('revoke'), token: nth, app: from(...apps) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: from('end'), who: from(...people), app: from(...apps) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: from('force'),
      app: from(...apps),
      to: from<Partial<Client>>(
        ...([
          { stage: 'approved' },
          { stage: 'disabled' },
          { suspension: 'none' },
          { suspension: 'new-consents' },
          { suspension: 'all' },
        ] as const),
        ...([
          { suppressed: true },
          { suppressed: false },
          { optionalScopes: ['delete', 'sendemail'] },
          { redirectUri: 'https://app.example/2' },
        ] as const),
        { redirectUri: 'https://app.example/cb' },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: from('wait'), seconds: from(1, 61, 301, 601) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: from('block'), who: from(...people), blocked: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{
        kind: from('act'),
        who: from(...people, 'ada'),
        app: from(...apps),
        reason: from('', 'x'),
      },
      action: from(
        'approve',
        'disable',
        'halt',
        'accept',
        'renounce',
        'add-secret',
        'revise',
        'invite',
        'join',
        'offer',
        'nonsense',
      ),
    }),
  },
);
const asks = (
  app: (typeof apps)[number],
  who: (typeof people)[number],
  door: ProfileName,
  ...scope: Scope[]
): Step => ({
  ...{ kind: 'ask', app, who, door, scope },
});
const presses: Step = {
  kind: 'press',
  page: 0,
  button: 'accept',
  by: 'own',
  proof: true,
  unticked: [],
};
const redeems = (app: (typeof apps)[number], at: ProfileName): Step => ({
  kind: 'redeem',
  code: 0,
  door: at,
  app,
  own: true,
  right: true,
});
const refreshes = (...scope: Scope[]): Step => ({
  kind: 'refresh',
  token: 0,
  door: 'core',
  app: 'web',
  own: true,
  scope,
});
const exchanges: Step = { kind: 'exchange', pair: 0, right: true };
const ends = (who: (typeof people)[number], app: (typeof apps)[number]): Step => ({
  kind: 'end',
  who,
  app,
});
const forces = (app: (typeof apps)[number], to: Partial<Client>): Step =>
  ({ kind: 'force', app, to }) as Step;
const blocks = (who: (typeof people)[number], blocked: boolean): Step => ({
  kind: 'block',
  who,
  blocked,
});
/**
 * Histories that end in a refusal which comes late: by then much is judged already, and what is
 * written too early shows. A run goes through some of them, in any order, before it goes anywhere.
 */
const histories: readonly (readonly Step[])[] = [
  // Two pages for one pair: the second approval comes after the person ended the app, or from
  // somebody who never allowed it.
  [
    asks('classic', 'ben', 'core'),
    { kind: 'again', page: 0, who: 'same' },
    presses,
    ends('ben', 'classic'),
    { ...presses, page: 1 },
  ],
  [
    asks('classic', 'cleo', 'mediawiki'),
    { kind: 'again', page: 0, who: 'other' },
    { ...presses, page: 1 },
    presses,
  ],
  // Where the app sends people changed, or it was stopped, while the page was open.
  [
    asks('web', 'ben', 'core', 'editpage'),
    forces('web', { redirectUri: 'https://app.example/2' }),
    presses,
    forces('web', home()),
  ],
  [
    asks('open', 'cleo', 'mediawiki', 'delete'),
    forces('open', { redirectUri: 'https://app.example/2' }),
    presses,
    forces('open', home()),
  ],
  [
    asks('classic', 'cleo', 'core'),
    forces('classic', { redirectUri: 'https://app.example/2' }),
    presses,
    forces('classic', home()),
  ],
  [
    asks('web', 'cleo', 'core', 'delete'),
    forces('web', { suspension: 'new-consents' }),
    presses,
    forces('web', { suspension: 'none' }),
  ],
  [
    asks('classic', 'ben', 'core'),
    forces('classic', { suppressed: true }),
    presses,
    forces('classic', { suppressed: false }),
  ],
  // Between the approval and what it is exchanged for, the person ends the app or is blocked, or
  // the app is stopped.
  [
    asks('classic', 'ben', 'mediawiki'),
    presses,
    blocks('ben', true),
    exchanges,
    blocks('ben', false),
    exchanges,
  ],
  [asks('classic', 'cleo', 'core'), presses, ends('cleo', 'classic'), exchanges],
  [
    asks('web', 'ben', 'core', 'editpage', 'delete'),
    presses,
    ends('ben', 'web'),
    redeems('web', 'core'),
  ],
  [
    asks('web', 'ben', 'core', 'editpage'),
    presses,
    blocks('ben', true),
    redeems('web', 'core'),
    blocks('ben', false),
    redeems('web', 'core'),
  ],
  [
    asks('web', 'cleo', 'core', 'editpage'),
    presses,
    forces('web', { suspension: 'all' }),
    redeems('web', 'core'),
    forces('web', { suspension: 'none' }),
  ],
  [asks('open', 'cleo', 'core', 'sendemail'), presses, redeems('open', 'mediawiki')],
  // A refresh that asks for more, or whose person or app may not.
  [
    asks('web', 'ben', 'core', 'editpage'),
    presses,
    redeems('web', 'core'),
    refreshes('sendemail'),
    refreshes(),
    blocks('ben', true),
    refreshes(),
    blocks('ben', false),
  ],
  [
    asks('web', 'cleo', 'core', 'delete'),
    presses,
    redeems('web', 'core'),
    forces('web', { stage: 'disabled' }),
    refreshes(),
    forces('web', { stage: 'approved' }),
    refreshes(),
  ],
  [
    asks('web', 'cleo', 'core', 'delete'),
    presses,
    redeems('web', 'core'),
    ends('cleo', 'web'),
    refreshes(),
  ],
];
type Scope = (typeof scopes)[number];
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
function home(): Partial<Client> {
  return { redirectUri: 'https://app.example/cb' };
}

/** A code or a refresh token, and where it was bought. */
interface Held {
  readonly text: string;
  readonly app: (typeof apps)[number];
  readonly door: ProfileName;
}

async function street() {
  const world = new InspectableTestServer();
  const [ada, ben, cleo] = [
    await world.createPerson('Ada'),
    await world.createPerson('Ben'),
    await world.createPerson('Cleo'),
  ];
  const wanted = {
    scopes: ['editpage', 'delete', 'sendemail'],
    optionalScopes: ['delete', 'sendemail'],
  };
  return {
    world,
    accounts: { ada, ben, cleo } as Readonly<Record<string, Account>>,
    cookies: {
      ben: await world.sessionCookie(ben),
      cleo: await world.sessionCookie(cleo),
    } as Readonly<Record<string, string>>,
    apps: {
      web: await world.createClient(ada, { name: 'web', ...wanted }),
      open: await world.createClient(ada, { name: 'open', confidential: false, ...wanted }),
      classic: await world.createClient(ada, {
        name: 'classic',
        protocol: 'oauth1',
        redirectUri: 'https://app.example/cb',
        ...wanted,
      }),
    } as Readonly<Record<string, TestApp>>,
    pages: [] as OpenConsentPage[],
    codes: [] as Held[],
    refreshes: [] as Held[],
    pairs: [] as {
      exchange: (
        verifier: string,
      ) => Promise<{ status: number; body: string; form: URLSearchParams }>;
      verifier: string;
    }[],
    askedBy: new Map<string, Omit<Held, 'text'>>(),
    waiting: new Map<string, Awaited<ReturnType<InspectableTestServer['oauth1Handshake']>>>(),
  };
}
type Street = Awaited<ReturnType<typeof street>>;

/**
 * At the dialect an app without a prefix says `oob`, and people are sent to its registered URL all
 * the same.
 */
const callbacks: Readonly<Record<ProfileName, string>> = {
  core: 'https://app.example/cb',
  mediawiki: 'oob',
};
const late = <T>(list: readonly T[], index: number): T | undefined =>
  list[list.length - 1 - (index % (list.length || 1))];
const refusedPage = ({ status, location: to }: BrowserResponse) =>
  status >= 400 ||
  (to !== null && /^https:.*[?&]error=/.test(to)) ||
  (to ?? '').startsWith('/sign-in');

/** Sends what a step asks; answers whether it was refused, or undefined when it is no request. */
async function send(here: Street, one: Step): Promise<boolean | undefined> {
  const { world } = here;
  switch (one.kind) {
    case 'ask': {
      const made = here.apps[one.app] as TestApp;
      const cookie = here.cookies[one.who] as string;
      // The app begins the handshake: that is no request of the person.
      const shake =
        made.client.protocol === 'oauth1'
          ? await world.oauth1Handshake(made, one.door, callbacks[one.door]).catch(() => null)
          : undefined;
      // The app is stopped.
      if (shake === null) return undefined;
      const before = world.protectedRows();
      const asked = await world.browse(
        shake?.authorizeUrl ?? world.authorizeUrl(made.client, one.scope.join(' '), one.door),
        cookie,
      );
      if (!asked.location?.startsWith('/authorize/')) {
        if (refusedPage(asked)) assert.deepEqual(world.protectedRows(), before);
        return undefined;
      }
      const page = await world.browse(asked.location, cookie);
      here.askedBy.set(asked.location, { app: one.app, door: one.door });
      here.pages.push({
        ...page,
        url: asked.location,
        cookie,
        csrf: /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '',
      });
      if (shake) here.waiting.set(asked.location, shake);
      return page.status >= 400;
    }
    case 'again': {
      const first = late(here.pages, one.page);
      const shake = first && here.waiting.get(first.url);
      if (first === undefined || shake === undefined) return undefined;
      const other = first.cookie === here.cookies.ben ? here.cookies.cleo : here.cookies.ben;
      const cookie = one.who === 'other' ? (other as string) : first.cookie;
      const asked = await world.browse(shake.authorizeUrl, cookie);
      if (!asked.location?.startsWith('/authorize/')) return true;
      const page = await world.browse(asked.location, cookie);
      here.pages.push({
        ...page,
        url: asked.location,
        cookie,
        csrf: /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '',
      });
      here.waiting.set(asked.location, shake);
      return undefined;
    }
    case 'press': {
      const page = late(here.pages, one.page);
      if (page === undefined) return undefined;
      const other = page.cookie === here.cookies.ben ? here.cookies.cleo : here.cookies.ben;
      const cookie = one.by === 'own' ? page.cookie : one.by === 'other' ? other : '';
      const boxes = world.formFields(page, one.unticked);
      const seen = await world.submitDecision(
        one.proof ? page : { ...page, csrf: 'x' },
        one.button as 'accept',
        boxes,
        cookie,
      );
      const query = new URL(seen.location ?? 'none:', 'https://gate.example').searchParams;
      const [code, verifier, shake] = [
        query.get('code'),
        query.get('oauth_verifier'),
        here.waiting.get(page.url),
      ];
      const by = here.askedBy.get(page.url);
      if (code && by) here.codes.push({ text: code, ...by });
      if (verifier && shake) here.pairs.push({ exchange: shake.exchange, verifier });
      // A denial is an answer, also where the app cannot be told it.
      return one.button === 'cancel' && one.by === 'own' && one.proof
        ? undefined
        : refusedPage(seen);
    }
    case 'redeem': {
      const held = late(here.codes, one.code);
      if (held === undefined) return undefined;
      const by = one.own ? held : one;
      const { status, body } = await world.exchangeCode(
        one.right ? held.text : `${held.text}x`,
        here.apps[by.app] as TestApp,
        by.door,
      );
      if (status === 200 && body.refresh_token)
        here.refreshes.push({ text: body.refresh_token, app: by.app, door: by.door });
      return status !== 200;
    }
    case 'refresh': {
      const held = late(here.refreshes, one.token);
      if (held === undefined) return undefined;
      const by = one.own ? held : one;
      const more: Readonly<Record<string, string>> =
        one.scope.length === 0 ? {} : { scope: one.scope.join(' ') };
      const { status, body } = await world.refreshTokens(
        held.text,
        here.apps[by.app] as TestApp,
        by.door,
        more,
      );
      if (status === 200) here.refreshes.push({ ...held, text: body.refresh_token });
      return status !== 200;
    }
    case 'exchange': {
      const pair = late(here.pairs, one.pair);
      if (pair === undefined) return undefined;
      return !(await pair.exchange(one.right ? pair.verifier : 'wrong')).form.has('oauth_token');
    }
    case 'revoke':
      return (
        (
          await world.post(
            '/oauth2/revoke',
            { token: late(here.refreshes, one.token)?.text ?? 'x' },
            here.apps[one.app] as TestApp,
          )
        ).status !== 200
      );
    case 'end': {
      const cookie = here.cookies[one.who] as string;
      const consents = await world.server.store.listConsents(
        (here.accounts[one.who] as Account).id,
      );
      const consent =
        consents.find(({ clientId }) => clientId === here.apps[one.app]?.client.id)?.id ?? 9999;
      const csrf =
        /name="csrf" value="([^"]+)"/.exec((await world.browse('/consents', cookie)).body)?.[1] ??
        '';
      return (
        (await world.browse(`/consents/${consent}/end`, cookie, { csrf, end: '1' })).status >= 400
      );
    }
    case 'act': {
      const { personActor } = await import('#harness/consents.ts');
      const { rights, registry } = world.server.services;
      const account =
        (await world.server.store.findAccount((here.accounts[one.who] as Account).id)) ?? null;
      const values = {
        ...{
          clientId: here.apps[one.app]?.client.id,
          reason: one.reason,
          consentId: 1,
          scopes: ['editpage', 'delete'],
          suspension: 'new-consents',
        },
        ...{ userId: here.accounts.cleo?.id, name: 'other', suppress: false },
      };
      return !(
        await registry.submit(personActor(account, rights.rightsOf(account)), one.action, values)
      ).ok;
    }
    case 'force': {
      const { store } = world.server;
      const now = await store.findClient((here.apps[one.app] as TestApp).client.id);
      assert.ok(now);
      const about = {
        at: world.now,
        action: 'x',
        actorId: null,
        via: 'job',
        address: null,
        clientId: now.id,
        reason: '',
        changes: [],
      } as const;
      await store.applyChange({
        recordVersion: now.recordVersion,
        effects: [{ kind: 'save-client', client: { ...now, ...one.to } }],
        audit: about,
        notifications: [],
      });
      return undefined;
    }
    case 'wait':
      world.advanceClock(one.seconds);
      return undefined;
    case 'block':
      await world.server.store.setBlocked((here.accounts[one.who] as Account).id, one.blocked);
      return undefined;
    default:
      return undefined;
  }
}

const runs = fc
  .tuple(
    fc.shuffledSubarray([...histories], { minLength: 6, maxLength: 8 }),
    fc.array(step, { minLength: 8, maxLength: 16, size: 'max' }),
  )
  .map(([first, rest]) => [...first.flat(), ...rest]);

test('a refused request changes nothing that is kept, whatever came before', async () => {
  const refusals = new Map<string, number>();
  const granted = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(runs, async (steps) => {
      const here = await street();
      try {
        for (const one of steps) {
          const before = here.world.protectedRows();
          const refused = await send(here, one);
          if (refused === false) granted.set(one.kind, (granted.get(one.kind) ?? 0) + 1);
          if (!refused || one.kind === 'ask') continue;
          refusals.set(one.kind, (refusals.get(one.kind) ?? 0) + 1);
          const after = here.world.protectedRows();
          // A code or a refresh token that comes again ends its family.
          const again = one.kind === 'redeem' || one.kind === 'refresh';
          assert.deepEqual(
            again ? { ...after, revoked_families: before.revoked_families } : after,
            before,
            JSON.stringify(one),
          );
        }
      } finally {
        await here.world.close();
      }
    }),
    { numRuns: 16, seed: 20261128, endOnFailure: true },
  );
  for (const kind of ['press', 'redeem', 'refresh', 'exchange', 'end', 'act'])
    assert.ok((refusals.get(kind) ?? 0) > 0, `${kind} was refused`);
  for (const kind of ['press', 'redeem', 'refresh', 'exchange', 'end', 'act'])
    assert.ok((granted.get(kind) ?? 0) > 0, `${kind} was granted, too: ${granted.get(kind)}`);
});
