import type { Account } from '#accounts/account.ts';
import type { Walk } from './browser.ts';
import { appHost, Place, password } from './place.ts';

const day = 86_400;
type Made = Awaited<ReturnType<Place['app']>>;

/**
 * Texts of strangers that shall do no harm: as long as they may be, without a place to break,
 * turning the direction, and markup.
 */
export const hostile = {
  unbroken: 'W'.repeat(128),
  markup: `<script>alert(1)</script>"'><img src=x onerror=alert(2)>{user}\u2066${'&amp;'.repeat(13)}`,
  turned: `Photo\u202Eexe.moc.\u2067 ‏سلام‏ ${'\u{1F469}\u200D\u{1F692}'.repeat(8)}`,
  marked: `Z${'\u0301'.repeat(63)}`,
  text: `${'x'.repeat(300)} <b>bold</b>\n\n\u202Eturned\u2066 ${'https://example.org/very/long/'.repeat(10)}`,
} as const;

/** The same, harmless, for pictures. */
export const harmless: Record<keyof typeof hostile, string> = {
  unbroken: 'Weather Watch',
  markup: 'Kim',
  turned: 'Photo Frames',
  marked: 'Marginalia',
  text: 'Puts a frame around each photograph you choose.',
};

const wide = [
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
export interface Scene {
  readonly place: Place;
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
      Made
    >
  >;
}

export async function makeScene(
  settings: Readonly<Record<string, string>> = {},
  texts: typeof harmless = hostile,
): Promise<Scene> {
  const place = await Place.open(
    { 'site-name': 'Gatehouse', ...settings },
    `sites:
  - { id: commons, name: Commons, origin: 'https://commons.example.org' }
  - { id: wiki, name: Example Wiki, origin: 'https://wiki.example.org' }
review:
  two_person_risks: [security]
`,
  );
  const ada = await place.person('Ada', ['developer'], { realName: 'Ada L.' });
  const ben = await place.person('Ben');
  const rex = await place.person('Rex', ['reviewer']);
  const olga = await place.person('Olga', ['administrator', 'reviewer', 'developer']);
  await place.person('Mia', ['developer']);
  const blocked = await place.person('Vandal');
  await place.built.store.setBlocked(blocked.id, true);
  const mal = await place.person(texts.markup, ['developer', 'reviewer', 'administrator'], {
    email: `${'m'.repeat(60)}@${'long-'.repeat(10)}example.org`,
    realName: texts.turned,
  });
  const catalogue = place.built.world.scopes;
  const known = wide.filter((name) => catalogue.get(name) !== undefined);

  const reader = await place.app(ada, {
    name: 'Reader',
    scopes: ['editpage', 'createeditmovepage', 'sendemail'],
    optionalScopes: ['sendemail'],
  });
  const device = await place.app(ada, {
    name: 'Pocket Reader',
    confidential: false,
    description: 'Reads articles on the train.',
  });
  const signer = await place.app(ada, {
    name: 'Signer',
    protocol: 'oauth1',
    redirectIsPrefix: true,
    redirectUri: `${appHost}/signed`,
    description: 'Signs your name under what you wrote, with the date.',
  });
  const bot = await place.app(ada, {
    name: 'Night Bot',
    ownerOnly: true,
    description: 'Tidies up while everybody sleeps.',
  });
  const rejected = await place.app(
    ada,
    { name: 'Everything App', scopes: known, description: 'Does everything.' },
    false,
  );
  const hidden = await place.app(ada, {
    name: 'Gone from sight',
    description: 'What it said is hidden.',
  });
  const disabled = await place.app(ada, {
    name: 'Old Uploader',
    description: 'Uploaded photographs until last year.',
  });
  const stale = await place.app(ada, { name: 'Forgotten', version: '0.1' }, false);
  for (const app of [reader, signer, disabled, hidden])
    await place.consents.save(app.client, ben, app.client.scopes);
  await place.clients.reject(rejected.client.id, {
    reason: 'Please ask for less: it says it reads, and asks to protect pages.',
  });
  place.wait(31 * day);
  await place.built.world.registry.expireIdle();
  await place.clients.disable(disabled.client.id, { reason: 'The owner asked us to.' });
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
    const made = await place.app(mal, options, name !== 'Sketchbook');
    if (name !== 'Sketchbook') await place.consents.save(made.client, mal, known);
    await place.overwrite(made.client, { description: texts.text });
  }
  const evil = await place.app(mal, { name: 'Turned', description: allowed, scopes: known });
  const evil1 = await place.app(mal, {
    name: 'Marked',
    protocol: 'oauth1',
    redirectIsPrefix: true,
    redirectUri: `${appHost}/m`,
  });
  for (const [app, name] of [
    [evil, texts.turned],
    [evil1, texts.marked],
  ] as const) {
    await place.consents.save(app.client, mal, app.client.scopes);
    await place.overwrite(app.client, {
      name,
      ...(app === evil ? { description: texts.text } : {}),
    });
  }
  await place.consents.save(reader.client, mal, ['editpage']);
  await place.clients.disable(hidden.client.id, {
    reason: 'It pretended to be somebody else.',
    suppress: true,
  });
  place.wait(12 * day);
  const mover = await place.app(
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
  await place.act(ada, 'revise', {
    clientId: reader.client.id,
    description: 'Shows the pages you watch, and files away what you have read.',
    scopes: ['editpage', 'createeditmovepage', 'sendemail', 'highvolume'],
    reason: 'Archive, as users asked for.',
    redirectUri: 'https://reader.example.net/cb',
  });
  await place.act(mal, 'revise', {
    clientId: evil.client.id,
    name: texts.unbroken,
    description: `${allowed} changed`,
    reason: 'w'.repeat(255),
  });
  await place.act(ada, 'add-secret', { clientId: reader.client.id, label: 'autumn', reason: '' });
  await place.act(ada, 'invite', { clientId: reader.client.id, userId: olga.id, reason: '' });
  await place.act(ada, 'invite', { clientId: reader.client.id, userId: mal.id, reason: '' });
  await place.built.store.claim(mover.client.id, olga.id, { now: place.now, endedAt: place.now });
  for (const app of [signer, evil1]) {
    await place.signed(
      '/oauth1/initiate',
      { client: app.client, secret: 'not the secret' },
      { oauth_callback: 'oob' },
    );
    await place.signed('/oauth1/token', app, {}, { key: 'f'.repeat(32), secret: 'g'.repeat(32) });
  }
  const wrong = new URLSearchParams({
    grant_type: 'authorization_code',
    code: 'nonsense',
    client_id: reader.client.id,
    redirect_uri: `${appHost}/elsewhere`,
  });
  await fetch(`${place.origin}/oauth2/token`, { method: 'POST', body: wrong });
  place.wait(day);
  await place.built.flushUsage();
  const nina = await place.person('Nina', ['developer', 'reviewer']);
  return {
    place,
    people: { ben, ada, rex, olga, nina, mal },
    apps: { reader, signer, mover, bot, rejected, hidden, disabled, device, evil, evil1, stale },
  };
}

/** A page of the place, as one person sees it. */
export interface Sheet {
  /** Name of its picture. */
  readonly name: string;
  readonly as: keyof Scene['people'] | null;
  /** Comes to the page: by its address, then by what is pressed. */
  go(walk: Walk, scene: Scene): Promise<void>;
}

const at =
  (path: string | ((scene: Scene) => string), status = 200): Sheet['go'] =>
  (walk, scene) =>
    walk.open(typeof path === 'string' ? path : path(scene), status);

const sheet = (name: string, as: Sheet['as'], go: Sheet['go'] | string): Sheet => ({
  name,
  as,
  go: typeof go === 'string' ? at(go) : go,
});
const of = (app: keyof Scene['apps'], path: (id: string) => string): Sheet['go'] =>
  at(({ apps }) => path(apps[app].client.id));
const asking = (
  app: keyof Scene['apps'],
  more: Readonly<Record<string, string>> = {},
): Sheet['go'] =>
  at(({ place, apps }) => place.authorizeUrl(apps[app].client, apps[app].client.scopes, more));
const oauth1 =
  (app: 'signer' | 'evil1'): Sheet['go'] =>
  async (walk, { place, apps }) =>
    walk.open(await place.askUrl(apps[app]));

const newApp = {
  name: 'Clipper',
  version: '1.0',
  description: 'Keeps what you cut out.',
  redirectUri: `${appHost}/cb`,
};

/** Every page, ordinary, empty, refused and with hostile texts. */
export const sheets: readonly Sheet[] = [
  sheet('home-stranger', null, '/'),
  sheet('home-user', 'ben', '/'),
  sheet('home-everything', 'olga', '/'),
  sheet('home-hostile', 'mal', '/'),
  sheet('sign-in', null, '/sign-in'),
  sheet('sign-in-refused', null, async (walk) => {
    await walk.open('/sign-in');
    await walk.fill({ name: 'Ben', password: 'no' });
    await walk.press(walk.button(walk.say('sign-in.button')), 403);
  }),
  sheet('sign-in-for-app', null, asking('reader')),
  sheet('sign-in-other-account', 'nina', '/sign-in?switch=1&returnto=%2Fapps'),
  sheet('setup', null, '/setup?token=abc'),
  sheet('setup-used', null, async (walk) => {
    await walk.open('/setup?token=abc');
    await walk.fill({ name: 'Zoe', email: 'zoe@example.org', password });
    await walk.press(walk.button(walk.say('setup.button')), 400);
  }),
  sheet('register', null, '/register'),
  sheet('register-sent', null, '/register/sent'),
  sheet('register-finish', null, async (walk, { place }) => {
    const link =
      /http\S+/.exec((await registered(walk, place, 'sheet@example.org')).text)?.[0] ?? '';
    await walk.open(link);
  }),
  sheet('password-forgotten', null, '/password/forgotten'),
  sheet('password-new', null, async (walk, { place }) => {
    await walk.open('/password/forgotten');
    await walk.fill({ name: 'Mia' });
    await walk.press(walk.button(walk.say('password.send')));
    await walk.open(/http\S+/.exec((await place.letterTo('mia@example.org')).text)?.[0] ?? '');
  }),
  sheet('account', 'ada', '/account'),
  sheet('account-refused', 'ben', async (walk) => {
    await walk.open('/account');
    await walk.fill({ 'current-password': 'wrong', 'new-password': 'another good one' });
    await walk.press(walk.button(walk.say('account.password-change')), 403);
  }),
  sheet('account-hostile', 'mal', '/account'),
  sheet('passkeys', 'ada', '/account/passkeys'),
  sheet('prove', 'ada', '/account/prove?returnto=%2Fmy%2Fapps'),
  sheet('consent', 'nina', asking('reader')),
  sheet('consent-popup', 'nina', asking('reader', { display: 'popup' })),
  sheet('consent-new-scopes', 'mal', asking('reader')),
  sheet('consent-proposed', 'ada', asking('mover')),
  sheet('consent-oauth1', 'nina', oauth1('signer')),
  sheet('consent-hostile', 'nina', asking('evil')),
  sheet(
    'consent-unknown-app',
    'nina',
    at('/oauth2/authorize?client_id=nobody&response_type=code', 400),
  ),
  sheet('verifier', 'nina', async (walk, scene) => {
    await oauth1('signer')(walk, scene);
    await walk.press(walk.button(walk.say('consent.allow')));
  }),
  sheet('verifier-hostile', 'nina', async (walk, scene) => {
    await oauth1('evil1')(walk, scene);
    await walk.press(walk.button(walk.say('consent.allow')));
  }),
  sheet('request-gone', 'nina', at('/authorize/nothing', 404)),
  sheet('not-found', null, at('/nowhere', 404)),
  sheet('consents', 'ben', '/consents'),
  sheet('consents-empty', 'rex', '/consents'),
  sheet('consents-hostile', 'mal', '/consents'),
  sheet('directory', null, '/apps'),
  sheet('directory-filtered', null, '/apps?stage=any&own=1'),
  sheet('scopes', null, '/scopes'),
  sheet('directory-empty', null, '/apps?q=nothing-like-it'),
  sheet(
    'app',
    null,
    of('reader', (id) => `/apps/${id}`),
  ),
  sheet(
    'app-keeper',
    'ada',
    of('mover', (id) => `/apps/${id}`),
  ),
  sheet(
    'app-hostile',
    null,
    of('evil', (id) => `/apps/${id}`),
  ),
  sheet('my-apps', 'ada', '/my/apps'),
  sheet('my-apps-empty', 'nina', '/my/apps'),
  sheet('my-apps-hostile', 'mal', '/my/apps'),
  sheet('new-app-question', 'ada', '/my/apps/new'),
  sheet('new-app', 'ada', '/my/apps/new?kind=server'),
  sheet('new-app-oauth1', 'ada', '/my/apps/new?kind=oauth1'),
  sheet('new-app-refused', 'ada', async (walk) => {
    await walk.open('/my/apps/new?kind=server');
    await walk.fill({ ...newApp, redirectUri: 'ftp://app.example' });
    await walk.field('terms').check();
    await walk.press(walk.button(walk.say('new.register')), 400);
  }),
  sheet('new-app-advice', 'ada', async (walk) => {
    await walk.open('/my/apps/new?kind=server');
    await walk.fill({ ...newApp, redirectUri: 'http://app.example/cb' });
    await walk.field('terms').check();
    await walk.press(walk.button(walk.say('new.register')), 400);
  }),
  sheet('issued', 'mal', async (walk) => {
    await walk.open('/my/apps/new?kind=oauth1');
    await walk.fill({ ...newApp, version: `1.0.${sheetNumber++}` });
    await walk.field('terms').check();
    await walk.press(walk.button(walk.say('new.register')));
  }),
  sheet(
    'manage-app',
    'ada',
    of('reader', (id) => `/my/apps/${id}`),
  ),
  sheet(
    'manage-app-rejected',
    'ada',
    of('rejected', (id) => `/my/apps/${id}`),
  ),
  sheet(
    'manage-app-own',
    'ada',
    of('bot', (id) => `/my/apps/${id}`),
  ),
  sheet(
    'manage-app-hostile',
    'mal',
    of('evil', (id) => `/my/apps/${id}`),
  ),
  sheet(
    'app-history',
    'ada',
    of('reader', (id) => `/my/apps/${id}/history`),
  ),
  sheet(
    'revise',
    'ada',
    of('reader', (id) => `/my/apps/${id}/revise`),
  ),
  sheet('revise-difference', 'ada', async (walk, { apps }) => {
    await walk.open(`/my/apps/${apps.device.client.id}/revise`);
    await walk.fill({
      description: 'Reads articles on the train, and aloud.',
      name: 'Pocket Reader Pro',
    });
    await walk.press(walk.button(walk.say('revise.look')));
  }),
  sheet(
    'revise-hostile',
    'mal',
    of('evil', (id) => `/my/apps/${id}/revise`),
  ),
  sheet(
    'test-app',
    'ada',
    of('mover', (id) => `/my/apps/${id}/test`),
  ),
  sheet(
    'help',
    'ada',
    of('signer', (id) => `/my/help?app=${id}`),
  ),
  sheet('help-explained', 'ada', async (walk, { apps }) => {
    await walk.open(`/my/help?app=${apps.signer.client.id}`);
    await walk.press(walk.page.locator('table a').last());
  }),
  sheet(
    'help-tokens',
    'ada',
    of('reader', (id) => `/my/help?app=${id}`),
  ),
  sheet('help-empty', 'nina', '/my/help'),
  sheet(
    'help-hostile',
    'mal',
    of('evil1', (id) => `/my/help?app=${id}`),
  ),
  sheet('review', 'rex', '/review'),
  sheet('review-empty', 'rex', '/review?show=orphaned'),
  sheet('review-approved', 'rex', '/review?show=approved'),
  sheet(
    'review-desk',
    'rex',
    of('mover', (id) => `/review/${id}`),
  ),
  sheet(
    'review-difference',
    'rex',
    of('reader', (id) => `/review/${id}`),
  ),
  sheet('review-refused', 'rex', async (walk, { apps }) => {
    await walk.open(`/review/${apps.mover.client.id}`);
    await walk.page.locator('[name=decision][value=reject]').check();
    await walk.fill({ reason: 'turned \u202E around' });
    await walk.press(walk.button(walk.say('review.decide-button')), 400);
  }),
  sheet('review-stale', 'rex', async (walk, { place, people }) => {
    const { client } = await place.app(
      people.ada,
      { name: 'Note Taker', version: `1.${sheetNumber++}` },
      false,
    );
    await walk.open(`/review/${client.id}`);
    await place.act(people.nina, 'approve', { clientId: client.id, reason: 'Fine.' });
    await place.act(people.nina, 'disable', {
      clientId: client.id,
      reason: 'It was not fine.',
      suppress: false,
    });
    await walk.page.locator('[name=decision][value=approve]').check();
    await walk.press(walk.button(walk.say('review.decide-button')), 409);
  }),
  sheet(
    'review-hidden',
    'rex',
    of('hidden', (id) => `/review/${id}`),
  ),
  sheet(
    'review-hostile',
    'rex',
    of('evil', (id) => `/review/${id}`),
  ),
  sheet('admin', 'olga', '/admin'),
  sheet('admin-people', 'olga', '/admin/people'),
  sheet(
    'admin-person',
    'olga',
    at(({ people }) => `/admin/people/${people.ada.id}`),
  ),
  sheet(
    'admin-person-hostile',
    'olga',
    at(({ people }) => `/admin/people/${people.mal.id}`),
  ),
  sheet('admin-groups', 'olga', '/admin/groups'),
  sheet('admin-scopes', 'olga', '/admin/scopes'),
  sheet('admin-audit', 'olga', '/admin/audit'),
  sheet('admin-audit-empty', 'olga', '/admin/audit?actor=Nina'),
];

let sheetNumber = 1;

/** Asks for a link to register with, and answers the letter. */
export async function registered(walk: Walk, place: Place, address: string) {
  await walk.open('/register');
  await walk.fill({ email: address });
  await walk.press(walk.button(walk.say('register.button')));
  return place.letterTo(address);
}
