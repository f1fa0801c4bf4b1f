import type { Account } from '#accounts/account.ts';
import type { BrowserWindow } from './browser.ts';
import { appHost, BrowserTestServer, password } from './place.ts';

const day = 86_400;
type CreatedApp = Awaited<ReturnType<BrowserTestServer['createApp']>>;

/**
 * Texts of strangers that shall do no harm: as long as they may be, without a place to break,
 * turning the direction, and markup.
 */
export const hostileTexts = {
  unbroken: 'W'.repeat(128),
  markup: `<script>alert(1)</script>"'><img src=x onerror=alert(2)>{user}\u2066${'&amp;'.repeat(13)}`,
  turned: `Photo\u202Eexe.moc.\u2067 ‏سلام‏ ${'\u{1F469}\u200D\u{1F692}'.repeat(8)}`,
  marked: `Z${'\u0301'.repeat(63)}`,
  text: `${'x'.repeat(300)} <b>bold</b>\n\n\u202Eturned\u2066 ${'https://example.org/very/long/'.repeat(10)}`,
} as const;

/** The same, harmless, for pictures. */
export const harmlessTexts: Record<keyof typeof hostileTexts, string> = {
  unbroken: 'Weather Watch',
  markup: 'Kim',
  turned: 'Photo Frames',
  marked: 'Marginalia',
  text: 'Puts a frame around each photograph you choose.',
};

const manyScopes = [
  'editpage',
  'createeditmovepage',
  'highvolume',
  'protect',
  'viewdeleted',
  'sendemail',
] as const;

/**
 * A place with people of every kind and apps in every stage; nobody’s hand is needed to see each
 * page.
 */
export interface PageFixtures {
  readonly testServer: BrowserTestServer;
  /**
   * A person, a developer, a reviewer, an administrator; one who has nothing yet, and one whose
   * every text is hostile.
   */
  readonly people: Readonly<Record<'ben' | 'ada' | 'rex' | 'olga' | 'nina' | 'mal', Account>>;
  readonly apps: Readonly<
    Record<
      | 'reader'
      | 'signer'
      | 'mover'
      | 'bot'
      | 'rejected'
      | 'hidden'
      | 'disabled'
      | 'device'
      | 'evil'
      | 'evil1'
      | 'stale',
      CreatedApp
    >
  >;
}

export async function createPageFixtures(
  settings: Readonly<Record<string, string>> = {},
  texts: typeof harmlessTexts = hostileTexts,
): Promise<PageFixtures> {
  const testServer = await BrowserTestServer.open(
    { 'site-name': 'Gatehouse', ...settings },
    `sites:
  - { id: commons, name: Commons, origin: 'https://commons.example.org' }
  - { id: wiki, name: Example Wiki, origin: 'https://wiki.example.org' }
review:
  two_person_risks: [security]
`,
  );
  const ada = await testServer.createPerson('Ada', ['developer'], { realName: 'Ada L.' });
  const ben = await testServer.createPerson('Ben');
  const rex = await testServer.createPerson('Rex', ['reviewer']);
  const olga = await testServer.createPerson('Olga', ['administrator', 'reviewer', 'developer']);
  await testServer.createPerson('Mia', ['developer']);
  const blocked = await testServer.createPerson('Vandal');
  await testServer.server.store.setBlocked(blocked.id, true);
  const mal = await testServer.createPerson(
    texts.markup,
    ['developer', 'reviewer', 'administrator'],
    {
      email: `${'m'.repeat(60)}@${'long-'.repeat(10)}example.org`,
      realName: texts.turned,
    },
  );
  const catalogue = testServer.server.services.scopes;
  const known = manyScopes.filter((name) => catalogue.get(name) !== undefined);

  const reader = await testServer.createApp(ada, {
    name: 'Reader',
    scopes: ['editpage', 'createeditmovepage', 'sendemail'],
    optionalScopes: ['sendemail'],
  });
  const device = await testServer.createApp(ada, {
    name: 'Pocket Reader',
    confidential: false,
    description: 'Reads articles on the train.',
  });
  const signer = await testServer.createApp(ada, {
    name: 'Signer',
    protocol: 'oauth1',
    redirectIsPrefix: true,
    redirectUri: `${appHost}/signed`,
    description: 'Signs your name under what you wrote, with the date.',
  });
  const bot = await testServer.createApp(ada, {
    name: 'Night Bot',
    ownerOnly: true,
    description: 'Tidies up while everybody sleeps.',
  });
  const rejected = await testServer.createApp(
    ada,
    { name: 'Everything App', scopes: known, description: 'Does everything.' },
    false,
  );
  const hidden = await testServer.createApp(ada, {
    name: 'Gone from sight',
    description: 'What it said is hidden.',
  });
  const disabled = await testServer.createApp(ada, {
    name: 'Old Uploader',
    description: 'Uploaded photographs until last year.',
  });
  const stale = await testServer.createApp(ada, { name: 'Forgotten', version: '0.1' }, false);
  for (const app of [reader, signer, disabled, hidden])
    await testServer.consents.accept(app.client, ben, app.client.scopes);
  await testServer.clients.reject(rejected.client.id, {
    reason: 'Please ask for less: it says it reads, and asks to protect pages.',
  });
  testServer.advanceClock(31 * day);
  await testServer.server.services.registry.expireIdle();
  await testServer.clients.disable(disabled.client.id, { reason: 'The owner asked us to.' });
  // What a form takes of it; the whole of it is written over, as rows of older editions may have
  // it.
  const allowed = texts.text.replaceAll(/\p{Cf}/gu, '');
  for (const name of [texts.unbroken, 'Sketchbook']) {
    const options = {
      name,
      description: allowed,
      scopes: known,
      redirectUri: `${appHost}/${'long-path-'.repeat(20)}`,
    };
    const made = await testServer.createApp(mal, options, name !== 'Sketchbook');
    if (name !== 'Sketchbook') await testServer.consents.accept(made.client, mal, known);
    await testServer.overwriteClient(made.client, { description: texts.text });
  }
  const evil = await testServer.createApp(mal, {
    name: 'Turned',
    description: allowed,
    scopes: known,
  });
  const evil1 = await testServer.createApp(mal, {
    name: 'Marked',
    protocol: 'oauth1',
    redirectIsPrefix: true,
    redirectUri: `${appHost}/m`,
  });
  for (const [app, name] of [
    [evil, texts.turned],
    [evil1, texts.marked],
  ] as const) {
    await testServer.consents.accept(app.client, mal, app.client.scopes);
    await testServer.overwriteClient(app.client, {
      name,
      ...(app === evil ? { description: texts.text } : {}),
    });
  }
  await testServer.consents.accept(reader.client, mal, ['editpage']);
  await testServer.clients.disable(hidden.client.id, {
    reason: 'It pretended to be somebody else.',
    suppress: true,
  });
  testServer.advanceClock(12 * day);
  const mover = await testServer.createApp(
    ada,
    {
      name: 'Photo Mover',
      version: '2.0',
      site: 'commons',
      scopes: known,
      redirectUri: 'https://photo-mover.example.net/callback',
      description: 'Moves photographs to Commons, with their history.',
    },
    false,
  );
  await testServer.submitAs(ada, 'revise', {
    clientId: reader.client.id,
    description: 'Shows the pages you watch, and files away what you have read.',
    scopes: ['editpage', 'createeditmovepage', 'sendemail', 'highvolume'],
    reason: 'Archive, as users asked for.',
    redirectUri: 'https://reader.example.net/cb',
  });
  await testServer.submitAs(mal, 'revise', {
    clientId: evil.client.id,
    name: texts.unbroken,
    description: `${allowed} changed`,
    reason: 'w'.repeat(255),
  });
  await testServer.submitAs(ada, 'add-secret', {
    clientId: reader.client.id,
    label: 'autumn',
    reason: '',
  });
  await testServer.submitAs(ada, 'invite', {
    clientId: reader.client.id,
    userId: olga.id,
    reason: '',
  });
  await testServer.submitAs(ada, 'invite', {
    clientId: reader.client.id,
    userId: mal.id,
    reason: '',
  });
  await testServer.server.store.assign(mover.client.id, olga.id, {
    now: testServer.now,
    endedAt: testServer.now,
  });
  for (const app of [signer, evil1]) {
    await testServer.postSigned(
      '/oauth1/initiate',
      { client: app.client, secret: 'not the secret' },
      { oauth_callback: 'oob' },
    );
    await testServer.postSigned(
      '/oauth1/token',
      app,
      {},
      { key: 'f'.repeat(32), secret: 'g'.repeat(32) },
    );
  }
  const wrong = new URLSearchParams({
    grant_type: 'authorization_code',
    code: 'nonsense',
    client_id: reader.client.id,
    redirect_uri: `${appHost}/elsewhere`,
  });
  await fetch(`${testServer.origin}/oauth2/token`, { method: 'POST', body: wrong });
  testServer.advanceClock(day);
  await testServer.server.flushUsage();
  const nina = await testServer.createPerson('Nina', ['developer', 'reviewer']);
  return {
    testServer,
    people: { ben, ada, rex, olga, nina, mal },
    apps: { reader, signer, mover, bot, rejected, hidden, disabled, device, evil, evil1, stale },
  };
}

/** A page of the place, as one person sees it. */
export interface PageCase {
  /** Name of its picture. */
  readonly name: string;
  readonly viewer: keyof PageFixtures['people'] | null;
  /** Comes to the page: by its address, then by what is pressed. */
  open(window: BrowserWindow, scene: PageFixtures): Promise<void>;
}

const openPath =
  (path: string | ((scene: PageFixtures) => string), status = 200): PageCase['open'] =>
  (window, scene) =>
    window.open(typeof path === 'string' ? path : path(scene), status);

const pageCase = (
  name: string,
  viewer: PageCase['viewer'],
  open: PageCase['open'] | string,
): PageCase => ({
  name,
  viewer,
  open: typeof open === 'string' ? openPath(open) : open,
});
const openForApp = (
  app: keyof PageFixtures['apps'],
  path: (id: string) => string,
): PageCase['open'] => openPath(({ apps }) => path(apps[app].client.id));
const openAuthorize = (
  app: keyof PageFixtures['apps'],
  more: Readonly<Record<string, string>> = {},
): PageCase['open'] =>
  openPath(({ testServer: place, apps }) =>
    place.authorizeUrl(apps[app].client, apps[app].client.scopes, more),
  );
const openOAuth1Authorize =
  (app: 'signer' | 'evil1'): PageCase['open'] =>
  async (walk, { testServer: place, apps }) =>
    walk.open(await place.oauth1AuthorizeUrl(apps[app]));

const newApp = {
  name: 'Clipper',
  version: '1.0',
  description: 'Keeps what you cut out.',
  redirectUri: `${appHost}/cb`,
};

/** Every page, ordinary, empty, refused and with hostile texts. */
export const pageCases: readonly PageCase[] = [
  pageCase('home-stranger', null, '/'),
  pageCase('home-user', 'ben', '/'),
  pageCase('home-everything', 'olga', '/'),
  pageCase('home-hostile', 'mal', '/'),
  pageCase('sign-in', null, '/sign-in'),
  pageCase('sign-in-refused', null, async (walk) => {
    await walk.open('/sign-in');
    await walk.fill({ name: 'Ben', password: 'no' });
    await walk.follow(walk.button(walk.say('sign-in.button')), 403);
  }),
  pageCase('sign-in-for-app', null, openAuthorize('reader')),
  pageCase('sign-in-other-account', 'nina', '/sign-in?switch=1&returnto=%2Fapps'),
  pageCase('setup', null, '/setup?token=abc'),
  pageCase('setup-used', null, async (walk) => {
    await walk.open('/setup?token=abc');
    await walk.fill({ name: 'Zoe', email: 'zoe@example.org', password });
    await walk.follow(walk.button(walk.say('setup.button')), 400);
  }),
  pageCase('register', null, '/register'),
  pageCase('register-sent', null, '/register/sent'),
  pageCase('register-finish', null, async (walk, { testServer: place }) => {
    const link =
      /http\S+/.exec(
        (await requestRegistrationEmail(walk, place, 'sheet@example.org')).text,
      )?.[0] ?? '';
    await walk.open(link);
  }),
  pageCase('password-forgotten', null, '/password/forgotten'),
  pageCase('password-new', null, async (walk, { testServer: place }) => {
    await walk.open('/password/forgotten');
    await walk.fill({ name: 'Mia' });
    await walk.follow(walk.button(walk.say('password.send')));
    await walk.open(/http\S+/.exec((await place.emailTo('mia@example.org')).text)?.[0] ?? '');
  }),
  pageCase('account', 'ada', '/account'),
  pageCase('account-refused', 'ben', async (walk) => {
    await walk.open('/account');
    await walk.fill({ 'current-password': 'wrong', 'new-password': 'another good one' });
    await walk.follow(walk.button(walk.say('account.password-change')), 403);
  }),
  pageCase('account-hostile', 'mal', '/account'),
  pageCase('passkeys', 'ada', '/account/passkeys'),
  pageCase('prove', 'ada', '/account/prove?returnto=%2Fmy%2Fapps'),
  pageCase('consent', 'nina', openAuthorize('reader')),
  pageCase('consent-popup', 'nina', openAuthorize('reader', { display: 'popup' })),
  pageCase('consent-new-scopes', 'mal', openAuthorize('reader')),
  pageCase('consent-proposed', 'ada', openAuthorize('mover')),
  pageCase('consent-oauth1', 'nina', openOAuth1Authorize('signer')),
  pageCase('consent-hostile', 'nina', openAuthorize('evil')),
  pageCase(
    'consent-unknown-app',
    'nina',
    openPath('/oauth2/authorize?client_id=nobody&response_type=code', 400),
  ),
  pageCase('verifier', 'nina', async (walk, scene) => {
    await openOAuth1Authorize('signer')(walk, scene);
    await walk.follow(walk.button(walk.say('consent.allow')));
  }),
  pageCase('verifier-hostile', 'nina', async (walk, scene) => {
    await openOAuth1Authorize('evil1')(walk, scene);
    await walk.follow(walk.button(walk.say('consent.allow')));
  }),
  pageCase('request-gone', 'nina', openPath('/authorize/nothing', 404)),
  pageCase('not-found', null, openPath('/nowhere', 404)),
  pageCase('consents', 'ben', '/consents'),
  pageCase('consents-empty', 'rex', '/consents'),
  pageCase('consents-hostile', 'mal', '/consents'),
  pageCase('directory', null, '/apps'),
  pageCase('directory-filtered', null, '/apps?stage=any&own=1'),
  pageCase('scopes', null, '/scopes'),
  pageCase('directory-empty', null, '/apps?q=nothing-like-it'),
  pageCase(
    'app',
    null,
    openForApp('reader', (id) => `/apps/${id}`),
  ),
  pageCase(
    'app-keeper',
    'ada',
    openForApp('mover', (id) => `/apps/${id}`),
  ),
  pageCase(
    'app-hostile',
    null,
    openForApp('evil', (id) => `/apps/${id}`),
  ),
  pageCase('my-apps', 'ada', '/my/apps'),
  pageCase('my-apps-empty', 'nina', '/my/apps'),
  pageCase('my-apps-hostile', 'mal', '/my/apps'),
  pageCase('new-app-question', 'ada', '/my/apps/new'),
  pageCase('new-app', 'ada', '/my/apps/new?kind=server'),
  pageCase('new-app-oauth1', 'ada', '/my/apps/new?kind=oauth1'),
  pageCase('new-app-refused', 'ada', async (walk) => {
    await walk.open('/my/apps/new?kind=server');
    await walk.fill({ ...newApp, redirectUri: 'ftp://app.example' });
    await walk.field('terms').check();
    await walk.follow(walk.button(walk.say('new.register')), 400);
  }),
  pageCase('new-app-advice', 'ada', async (walk) => {
    await walk.open('/my/apps/new?kind=server');
    await walk.fill({ ...newApp, redirectUri: 'http://app.example/cb' });
    await walk.field('terms').check();
    await walk.follow(walk.button(walk.say('new.register')), 400);
  }),
  pageCase('issued', 'mal', async (walk) => {
    await walk.open('/my/apps/new?kind=oauth1');
    await walk.fill({ ...newApp, version: `1.0.${versionCounter++}` });
    await walk.field('terms').check();
    await walk.follow(walk.button(walk.say('new.register')));
  }),
  pageCase(
    'manage-app',
    'ada',
    openForApp('reader', (id) => `/my/apps/${id}`),
  ),
  pageCase(
    'manage-app-rejected',
    'ada',
    openForApp('rejected', (id) => `/my/apps/${id}`),
  ),
  pageCase(
    'manage-app-own',
    'ada',
    openForApp('bot', (id) => `/my/apps/${id}`),
  ),
  pageCase(
    'manage-app-hostile',
    'mal',
    openForApp('evil', (id) => `/my/apps/${id}`),
  ),
  pageCase(
    'app-history',
    'ada',
    openForApp('reader', (id) => `/my/apps/${id}/history`),
  ),
  pageCase(
    'revise',
    'ada',
    openForApp('reader', (id) => `/my/apps/${id}/revise`),
  ),
  pageCase('revise-difference', 'ada', async (walk, { apps }) => {
    await walk.open(`/my/apps/${apps.device.client.id}/revise`);
    await walk.fill({
      description: 'Reads articles on the train, and aloud.',
      name: 'Pocket Reader Pro',
    });
    await walk.follow(walk.button(walk.say('revise.look')));
  }),
  pageCase(
    'revise-hostile',
    'mal',
    openForApp('evil', (id) => `/my/apps/${id}/revise`),
  ),
  pageCase(
    'test-app',
    'ada',
    openForApp('mover', (id) => `/my/apps/${id}/test`),
  ),
  pageCase(
    'help',
    'ada',
    openForApp('signer', (id) => `/my/help?app=${id}`),
  ),
  pageCase('help-explained', 'ada', async (walk, { apps }) => {
    await walk.open(`/my/help?app=${apps.signer.client.id}`);
    await walk.follow(walk.page.locator('table a').last());
  }),
  pageCase(
    'help-tokens',
    'ada',
    openForApp('reader', (id) => `/my/help?app=${id}`),
  ),
  pageCase('help-empty', 'nina', '/my/help'),
  pageCase(
    'help-hostile',
    'mal',
    openForApp('evil1', (id) => `/my/help?app=${id}`),
  ),
  pageCase('review', 'rex', '/review'),
  pageCase('review-empty', 'rex', '/review?show=orphaned'),
  pageCase('review-approved', 'rex', '/review?show=approved'),
  pageCase(
    'review-desk',
    'rex',
    openForApp('mover', (id) => `/review/${id}`),
  ),
  pageCase(
    'review-difference',
    'rex',
    openForApp('reader', (id) => `/review/${id}`),
  ),
  pageCase('review-refused', 'rex', async (walk, { apps }) => {
    await walk.open(`/review/${apps.mover.client.id}`);
    await walk.page.locator('[name=decision][value=reject]').check();
    await walk.fill({ reason: 'turned \u202E around' });
    await walk.follow(walk.button(walk.say('review.decide-button')), 400);
  }),
  pageCase('review-stale', 'rex', async (walk, { testServer: place, people }) => {
    const { client } = await place.createApp(
      people.ada,
      { name: 'Note Taker', version: `1.${versionCounter++}` },
      false,
    );
    await walk.open(`/review/${client.id}`);
    await place.submitAs(people.nina, 'approve', { clientId: client.id, reason: 'Fine.' });
    await place.submitAs(people.nina, 'disable', {
      clientId: client.id,
      reason: 'It was not fine.',
      suppress: false,
    });
    await walk.page.locator('[name=decision][value=approve]').check();
    await walk.follow(walk.button(walk.say('review.decide-button')), 409);
  }),
  pageCase(
    'review-hidden',
    'rex',
    openForApp('hidden', (id) => `/review/${id}`),
  ),
  pageCase(
    'review-hostile',
    'rex',
    openForApp('evil', (id) => `/review/${id}`),
  ),
  pageCase('admin', 'olga', '/admin'),
  pageCase('admin-people', 'olga', '/admin/people'),
  pageCase(
    'admin-person',
    'olga',
    openPath(({ people }) => `/admin/people/${people.ada.id}`),
  ),
  pageCase(
    'admin-person-hostile',
    'olga',
    openPath(({ people }) => `/admin/people/${people.mal.id}`),
  ),
  pageCase('admin-groups', 'olga', '/admin/groups'),
  pageCase('admin-scopes', 'olga', '/admin/scopes'),
  pageCase('admin-audit', 'olga', '/admin/audit'),
  pageCase('admin-audit-empty', 'olga', '/admin/audit?actor=Nina'),
];

let versionCounter = 1;

/** Asks for a link to register with, and answers the letter. */
export async function requestRegistrationEmail(
  walk: BrowserWindow,
  place: BrowserTestServer,
  address: string,
) {
  await walk.open('/register');
  await walk.fill({ email: address });
  await walk.follow(walk.button(walk.say('register.button')));
  return place.emailTo(address);
}
