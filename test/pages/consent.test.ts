import assert from 'node:assert/strict';
import { appHost } from '#harness/place.ts';
import { walks } from './walks.ts';

walks(
  'consent: a stranger signs in, leaves a box out, says yes; later sees only what is new, and says no',
  async ({ place, n, start }) => {
    const [owner, user] = [
      await place.createPerson(`Maker ${n}`),
      await place.createPerson(`Ben ${n}`),
    ];
    const { client } = await place.createApp(owner, {
      name: `Reader ${n}`,
      site: '*',
      scopes: ['editpage', 'sendemail', 'highvolume'],
      optionalScopes: ['sendemail'],
    });
    const walk = await start();
    await walk.open(place.authorizeUrl(client, ['editpage', 'sendemail']));
    await walk.signIn(user.name);
    await walk.heading(walk.say('consent.title', { app: client.name })).waitFor();
    for (const who of [client.name, owner.name, user.name]) await walk.waitForText(who);
    await walk.field('scope.sendemail').uncheck();
    const yes = await walk.followToApp(walk.button(walk.say('consent.allow')));
    assert.equal(yes.origin, appHost);
    assert.equal(yes.searchParams.get('state'), 'xyz');
    assert.ok(yes.searchParams.get('code'));
    assert.deepEqual((await place.consents.list(user))[0]?.scopes, ['basic', 'editpage']);

    const again = await start(user);
    await again.open(place.authorizeUrl(client, ['editpage', 'highvolume']));
    await again.heading(again.say('consent.new')).waitFor();
    await again.heading(again.say('consent.before')).waitFor();
    const no = await again.followToApp(again.button(again.say('consent.deny')));
    assert.equal(no.searchParams.get('error'), 'access_denied');
    assert.deepEqual(
      (await place.consents.list(user))[0]?.scopes,
      ['basic', 'editpage'],
      'a no takes nothing back',
    );
  },
);

walks(
  'consent in a popup has no navigation; the owner tries an app that waits for a review',
  async ({ place, n, start }) => {
    const owner = await place.createPerson(`Maker ${n}`);
    const { client } = await place.createApp(owner, { name: `Waiting ${n}` }, false);
    const walk = await start(owner);
    await walk.open(place.authorizeUrl(client, ['editpage'], { display: 'popup' }));
    assert.equal(await walk.page.locator('header').count(), 0);
    await walk.waitForText(walk.say('consent.proposed'));
    assert.ok(
      (await walk.followToApp(walk.button(walk.say('consent.allow')))).searchParams.get('code'),
    );
    const other = await start(await place.createPerson(`Other ${n}`));
    const away = other.page.waitForRequest((request) => request.url().startsWith(appHost));
    away.catch(() => undefined);
    await other.page.goto(place.authorizeUrl(client, ['editpage'])).catch(() => undefined);
    const told = await Promise.race([
      away.then((request) => new URL(request.url()).searchParams.get('error')),
      other.page.locator('main h1').innerText(),
    ]);
    assert.ok(told, 'somebody else is refused, and told');
  },
);

walks(
  'out of band: the code is shown for the person to carry; denied; answered twice',
  async ({ place, n, start }) => {
    const [owner, user] = [
      await place.createPerson(`Maker ${n}`),
      await place.createPerson(`Ben ${n}`),
    ];
    const app = await place.createApp(owner, {
      name: `Signer ${n}`,
      protocol: 'oauth1',
      redirectUri: `${appHost}/signed`,
    });
    const walk = await start(user);
    const url = await place.oauth1AuthorizeUrl(app);
    await walk.open(url);
    const page = walk.page.url();
    await walk.follow(walk.button(walk.say('consent.allow')));
    assert.match(await walk.page.locator('code.big').innerText(), /^\w{20,}$/);
    // Who comes back to the form is told what they said, and what to do now.
    await walk.open(page);
    await walk.heading(walk.say('note.request-allowed.title')).waitFor();
    await walk.open(await place.oauth1AuthorizeUrl(app));
    await walk.follow(walk.button(walk.say('consent.deny')));
    await walk.heading(walk.say('note.not-allowed.title')).waitFor();
  },
);

walks(
  'error pages: nothing there, an unknown app, and our own fault with a reference number',
  async ({ place, n, start }) => {
    const user = await place.createPerson(`Unlucky ${n}`);
    const walk = await start(user);
    await walk.open('/nothing/here', 404);
    await walk.heading(walk.say('note.not-found.title')).waitFor();
    await walk.open('/oauth2/authorize?client_id=nobody&response_type=code', 400);
    await walk.heading(walk.say('note.app-unknown.title')).waitFor();
    const { store } = place.server;
    const [list, write] = [store.listConsents, process.stderr.write];
    Object.assign(store, {
      listConsents: async (id: number) =>
        id === user.id
          ? Promise.reject(new Error('the disk is gone'))
          : list.call(store, id as never),
    });
    // The fault is logged, as it should be; here it is expected.
    process.stderr.write = (() => true) as typeof write;
    try {
      await walk.open('/consents', 500);
    } finally {
      process.stderr.write = write;
      Object.assign(store, { listConsents: list });
    }
    await walk.heading(walk.say('note.fault.title')).waitFor();
    assert.match(await walk.page.locator('main code').innerText(), /^[0-9a-f]{12}$/);
    assert.doesNotMatch(await walk.page.content(), /disk/);
  },
);
