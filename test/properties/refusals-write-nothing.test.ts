import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Account } from '#accounts/account.ts';
import type { App, Door, OpenPage, Seen } from '#harness/approvals.ts';
import { OpenWorld } from '#harness/state.ts';
import type { Client } from '#registry/client.ts';

// Whatever is asked, at whatever door and in whatever order: a request that is refused changes no consent, credential, scope, row of the
// registry or pending request (ADR 26). Two exceptions can be seen here: what comes again ends its family, and a denial is an answer.

const apps = ['web', 'open', 'classic'] as const;
const people = ['ben', 'cleo'] as const;
const scopes = ['editpage', 'delete', 'sendemail', 'nonsense'] as const;
const from = <const T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const door = from<Door>('core', 'mediawiki');
const nth = fc.nat(5);
/** One thing to ask or to do; numbers name what came before, the latest first. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: from('ask'), app: from(...apps), who: from(...people), door, scope: fc.subarray([...scopes]) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      ...{ kind: from('press'), page: nth, button: from('accept', 'accept', 'cancel'), by: from('own', 'own', 'own', 'other', 'none') },
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
  { weight: 3, arbitrary: fc.record({ kind: from('exchange'), pair: nth, right: from(true, true, false) }) },
  // A second page for the same request of an app: one tab was left open.
  { weight: 4, arbitrary: fc.record({ kind: from('again'), page: nth }) },
  { weight: 2, arbitrary: fc.record({ kind: from('revoke'), token: nth, app: from(...apps) }) },
  { weight: 2, arbitrary: fc.record({ kind: from('end'), who: from(...people), consent: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: from('force'),
      app: from(...apps),
      to: from<Partial<Client>>(
        ...([{ stage: 'approved' }, { stage: 'disabled' }, { halted: 'nothing' }, { halted: 'consents' }, { halted: 'tokens' }] as const),
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
  { weight: 1, arbitrary: fc.record({ kind: from('block'), who: from(...people), blocked: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ kind: from('act'), who: from(...people, 'ada'), app: from(...apps), reason: from('', 'x') },
      action: from('approve', 'disable', 'halt', 'accept', 'renounce', 'add-secret', 'revise', 'invite', 'join', 'offer', 'nonsense'),
    }),
  },
);
/** How a run may begin, so that there is something to redeem, to exchange and to refresh. */
const asks = (app: (typeof apps)[number], who: (typeof people)[number], door: Door, ...scope: Scope[]): Step => ({
  ...{ kind: 'ask', app, who, door, scope },
});
const presses: Step = { kind: 'press', page: 0, button: 'accept', by: 'own', proof: true, unticked: [] };
const beginning: readonly Step[] = [
  asks('web', 'ben', 'core', 'editpage', 'delete'),
  presses,
  { kind: 'redeem', code: 0, door: 'core', app: 'web', own: true, right: true },
  asks('classic', 'ben', 'mediawiki'),
  presses,
  asks('open', 'cleo', 'core', 'sendemail'),
  presses,
  asks('classic', 'cleo', 'core'),
  { kind: 'again', page: 0 },
  presses,
  { kind: 'end', who: 'cleo', consent: 4 },
  { ...presses, page: 1 },
  { kind: 'exchange', pair: 0, right: true },
  { kind: 'refresh', token: 0, door: 'core', app: 'web', own: true, scope: [] },
];
type Scope = (typeof scopes)[number];
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A code or a refresh token, and where it was bought. */
interface Held {
  readonly text: string;
  readonly app: (typeof apps)[number];
  readonly door: Door;
}

async function street() {
  const world = new OpenWorld();
  const [ada, ben, cleo] = [await world.person('Ada'), await world.person('Ben'), await world.person('Cleo')];
  const wanted = { scopes: ['editpage', 'delete', 'sendemail'], optionalScopes: ['delete', 'sendemail'] };
  return {
    world,
    accounts: { ada, ben, cleo } as Readonly<Record<string, Account>>,
    cookies: { ben: await world.cookie(ben), cleo: await world.cookie(cleo) } as Readonly<Record<string, string>>,
    apps: {
      web: await world.client(ada, { name: 'web', ...wanted }),
      open: await world.client(ada, { name: 'open', confidential: false, ...wanted }),
      classic: await world.client(ada, { name: 'classic', protocol: 'oauth1', redirectUri: 'https://app.example/cb', ...wanted }),
    } as Readonly<Record<string, App>>,
    pages: [] as OpenPage[],
    codes: [] as Held[],
    refreshes: [] as Held[],
    pairs: [] as { exchange: (verifier: string) => Promise<{ status: number; body: string; form: URLSearchParams }>; verifier: string }[],
    askedBy: new Map<string, Omit<Held, 'text'>>(),
    waiting: new Map<string, Awaited<ReturnType<OpenWorld['handshake']>>>(),
  };
}
type Street = Awaited<ReturnType<typeof street>>;

const late = <T>(list: readonly T[], index: number): T | undefined => list[list.length - 1 - (index % (list.length || 1))];
const refusedPage = ({ status, to }: Seen) =>
  status >= 400 || (to !== null && /^https:.*[?&]error=/.test(to)) || (to ?? '').startsWith('/sign-in');

/** Sends what a step asks; answers whether it was refused, or undefined when it is no request. */
async function send(here: Street, one: Step): Promise<boolean | undefined> {
  const { world } = here;
  switch (one.kind) {
    case 'ask': {
      const made = here.apps[one.app] as App;
      const cookie = here.cookies[one.who] as string;
      // The app begins the handshake: that is no request of the person.
      const shake =
        made.client.protocol === 'oauth1' ? await world.handshake(made, one.door, 'https://app.example/cb').catch(() => null) : undefined;
      if (shake === null) return undefined;
      const before = world.state();
      const asked = await world.browse(shake?.asking ?? world.authorizeUrl(made.client, one.scope.join(' '), one.door), cookie);
      if (!asked.to?.startsWith('/authorize/')) {
        if (refusedPage(asked)) assert.deepEqual(world.state(), before);
        return undefined;
      }
      const page = await world.browse(asked.to, cookie);
      here.askedBy.set(asked.to, { app: one.app, door: one.door });
      here.pages.push({ ...page, url: asked.to, cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '' });
      if (shake) here.waiting.set(asked.to, shake);
      return page.status >= 400;
    }
    case 'again': {
      const first = late(here.pages, one.page);
      const shake = first && here.waiting.get(first.url);
      if (first === undefined || shake === undefined) return undefined;
      const asked = await world.browse(shake.asking, first.cookie);
      if (!asked.to?.startsWith('/authorize/')) return true;
      const page = await world.browse(asked.to, first.cookie);
      here.pages.push({ ...page, url: asked.to, cookie: first.cookie, csrf: first.csrf });
      here.waiting.set(asked.to, shake);
      return undefined;
    }
    case 'press': {
      const page = late(here.pages, one.page);
      if (page === undefined) return undefined;
      const other = page.cookie === here.cookies.ben ? here.cookies.cleo : here.cookies.ben;
      const cookie = one.by === 'own' ? page.cookie : one.by === 'other' ? other : '';
      const boxes = world.boxesOf(page, one.unticked);
      const seen = await world.press(one.proof ? page : { ...page, csrf: 'x' }, one.button as 'accept', boxes, cookie);
      const query = new URL(seen.to ?? 'none:', 'https://gate.example').searchParams;
      const [code, verifier, shake] = [query.get('code'), query.get('oauth_verifier'), here.waiting.get(page.url)];
      const by = here.askedBy.get(page.url);
      if (code && by) here.codes.push({ text: code, ...by });
      if (verifier && shake) here.pairs.push({ exchange: shake.exchange, verifier });
      // A denial is an answer, also where the app cannot be told it.
      return one.button === 'cancel' && one.by === 'own' && one.proof ? undefined : refusedPage(seen);
    }
    case 'redeem': {
      const held = late(here.codes, one.code);
      if (held === undefined) return undefined;
      const by = one.own ? held : one;
      const { status, body } = await world.redeem(one.right ? held.text : `${held.text}x`, here.apps[by.app] as App, by.door);
      if (status === 200 && body.refresh_token) here.refreshes.push({ text: body.refresh_token, app: by.app, door: by.door });
      return status !== 200;
    }
    case 'refresh': {
      const held = late(here.refreshes, one.token);
      if (held === undefined) return undefined;
      const by = one.own ? held : one;
      const more: Readonly<Record<string, string>> = one.scope.length === 0 ? {} : { scope: one.scope.join(' ') };
      const { status, body } = await world.refresh(held.text, here.apps[by.app] as App, by.door, more);
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
        (await world.post('/oauth2/revoke', { token: late(here.refreshes, one.token)?.text ?? 'x' }, here.apps[one.app] as App)).status !==
        200
      );
    case 'end': {
      const cookie = here.cookies[one.who] as string;
      const csrf = /name="csrf" value="([^"]+)"/.exec((await world.browse('/consents', cookie)).body)?.[1] ?? '';
      return (await world.browse(`/consents/${one.consent}/end`, cookie, { csrf, end: '1' })).status >= 400;
    }
    case 'act': {
      const { personActor } = await import('#harness/consents.ts');
      const { rights, registry } = world.built.world;
      const account = (await world.built.store.findAccount((here.accounts[one.who] as Account).id)) ?? null;
      const values = {
        ...{
          clientId: here.apps[one.app]?.client.id,
          reason: one.reason,
          consentId: 1,
          scopes: ['editpage', 'delete'],
          halted: 'consents',
        },
        ...{ userId: here.accounts.cleo?.id, name: 'other', suppress: false },
      };
      return !(await registry.submit(personActor(account, rights.rightsOf(account)), one.action, values)).ok;
    }
    case 'force': {
      const { store } = world.built;
      const now = await store.findClient((here.apps[one.app] as App).client.id);
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
      await store.apply({
        edition: now.edition,
        effects: [{ kind: 'save-client', client: { ...now, ...one.to } }],
        audit: about,
        notices: [],
      });
      return undefined;
    }
    case 'wait':
      world.wait(one.seconds);
      return undefined;
    case 'block':
      await world.built.store.setBlocked((here.accounts[one.who] as Account).id, one.blocked);
      return undefined;
    default:
      return undefined;
  }
}

const runs = fc
  .tuple(fc.subarray([...beginning]), fc.array(step, { minLength: 15, maxLength: 30, size: 'max' }))
  .map(([first, rest]) => [...first, ...rest]);

test('a refused request changes nothing that is kept, whatever came before', async () => {
  const refusals = new Map<string, number>();
  let granted = 0;
  await fc.assert(
    fc.asyncProperty(runs, async (steps) => {
      const here = await street();
      try {
        for (const one of steps) {
          const before = here.world.state();
          const refused = await send(here, one);
          if (refused === false) granted += 1;
          if (!refused || one.kind === 'ask') continue;
          refusals.set(one.kind, (refusals.get(one.kind) ?? 0) + 1);
          const after = here.world.state();
          // A code or a refresh token that comes again ends its family.
          const again = one.kind === 'redeem' || one.kind === 'refresh';
          assert.deepEqual(again ? { ...after, revoked_families: before.revoked_families } : after, before, JSON.stringify(one));
        }
      } finally {
        await here.world.close();
      }
    }),
    { numRuns: 25, seed: 20261128 },
  );
  for (const kind of ['press', 'redeem', 'refresh', 'exchange', 'end', 'act'])
    assert.ok((refusals.get(kind) ?? 0) > 0, `${kind} was refused`);
  assert.ok(granted > 50, 'and much was granted');
});
