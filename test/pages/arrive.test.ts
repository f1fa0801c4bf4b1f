import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { appHost, password } from '#harness/place.ts';
import { walks } from './walks.ts';

/** A browser far away: each request takes 600 ms more. */
async function farAway(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 600,
    downloadThroughput: -1,
    uploadThroughput: -1,
  });
}

walks(
  'two tabs, two apps: signed in at the first, the sign-in form of the second goes on to its app; far away too',
  async ({ place, n, start }) => {
    const [owner, user] = [
      await place.createPerson(`Maker ${n}`),
      await place.createPerson(`Ben ${n}`),
    ];
    const one = await place.createApp(owner, { name: `First ${n}` });
    const two = await place.createApp(owner, { name: `Second ${n}` });
    const walk = await start();
    await farAway(walk.page);
    const other = await walk.page.context().newPage();
    await farAway(other);
    await walk.open(place.authorizeUrl(one.client, ['editpage']));
    await walk.waitForText(one.client.name);
    await other.goto(place.authorizeUrl(two.client, ['editpage'], { state: 'second' }));
    await walk.signIn(user.name);
    await walk.heading(walk.say('consent.title', { app: one.client.name })).waitFor();
    await other.locator('[name=name]').fill(user.name);
    await other.locator('[name=password]').fill(password);
    await other.locator('[name=sign-in]').click();
    await other
      .getByRole('heading', { name: walk.say('consent.title', { app: two.client.name }) })
      .waitFor();
    const asked = other.waitForRequest((request) => request.url().startsWith(appHost));
    await other.locator('[name=accept]').click({ noWaitAfter: true });
    assert.equal(new URL((await asked).url()).searchParams.get('state'), 'second');
    assert.ok(
      (await walk.followToApp(walk.button(walk.say('consent.allow')))).searchParams.get('code'),
    );
  },
);

walks(
  'back to the sign-in form after signing in, and sent once more: on to the app',
  async ({ place, n, start }) => {
    const [owner, user] = [
      await place.createPerson(`Maker ${n}`),
      await place.createPerson(`Ben ${n}`),
    ];
    const { client } = await place.createApp(owner, { name: `Reader ${n}` });
    const walk = await start();
    await walk.open(place.authorizeUrl(client, ['editpage']));
    await walk.signIn(user.name);
    await walk.heading(walk.say('consent.title', { app: client.name })).waitFor();
    // The sign-in page is never kept, so the browser asks again, and is led on.
    await walk.page.goBack();
    await walk.heading(walk.say('consent.title', { app: client.name })).waitFor();
    assert.ok(
      (await walk.followToApp(walk.button(walk.say('consent.allow')))).searchParams.get('code'),
    );
  },
);

walks(
  'the cookie is gone: the form comes again with the name, and leads on; a long state survives',
  async ({ place, n, start }) => {
    const [owner, user] = [
      await place.createPerson(`Maker ${n}`),
      await place.createPerson(`Ben ${n}`),
    ];
    const { client } = await place.createApp(owner, { name: `Reader ${n}` });
    const state = '☃%'.repeat(150);
    const walk = await start();
    await walk.open(place.authorizeUrl(client, ['editpage'], { state }));
    assert.ok(walk.path.length < 200, walk.path);
    await walk.page.context().clearCookies();
    await walk.fill({ name: user.name, password });
    await walk.follow(walk.button(walk.say('sign-in.button')), 403);
    await walk.waitForText(walk.say('sign-in.no-cookie'));
    assert.equal(await walk.field('name').inputValue(), user.name);
    await walk.fill({ password });
    await walk.follow(walk.button(walk.say('sign-in.button')));
    assert.equal(
      (await walk.followToApp(walk.button(walk.say('consent.allow')))).searchParams.get('state'),
      state,
    );
  },
);

walks(
  'another account at the consent page: use another one, and go on as it',
  async ({ place, n, start }) => {
    const owner = await place.createPerson(`Maker ${n}`);
    const [ben, ann] = [await place.createPerson(`Ben ${n}`), await place.createPerson(`Ann ${n}`)];
    const { client } = await place.createApp(owner, { name: `Reader ${n}` });
    const walk = await start(ben);
    await walk.open(place.authorizeUrl(client, ['editpage']));
    await walk.follow(walk.link(walk.say('consent.switch')));
    await walk.waitForText(walk.say('sign-in.signed-in', { name: ben.name }));
    await walk.fill({ name: ann.name, password });
    await walk.follow(walk.button(walk.say('sign-in.button')), 403);
    await walk.follow(walk.button(walk.say('consent.continue-as', { user: ann.name })));
    await walk.followToApp(walk.button(walk.say('consent.allow')));
    assert.equal((await place.consents.list(ann)).length, 1);
    assert.equal((await place.consents.list(ben)).length, 0);
  },
);

walks(
  'Allow pressed twice at a server far away: one answer, and one code',
  async ({ place, n, look, start }) => {
    const [owner, user] = [
      await place.createPerson(`Maker ${n}`),
      await place.createPerson(`Ben ${n}`),
    ];
    const { client } = await place.createApp(owner, { name: `Reader ${n}` });
    const walk = await start(user);
    await walk.open(place.authorizeUrl(client, ['editpage']));
    await farAway(walk.page);
    const codes: (string | null)[] = [];
    walk.page.on('request', (request) => {
      const { origin, searchParams } = new URL(request.url());
      if (origin === appHost) codes.push(searchParams.get('code'));
    });
    const posted: string[] = [];
    walk.page.on(
      'request',
      (request) => void (request.method() === 'POST' && posted.push(request.url())),
    );
    const asked = walk.page.waitForRequest((request) => request.url().startsWith(appHost));
    const allow = walk.button(walk.say('consent.allow'));
    await allow.click({ noWaitAfter: true });
    // The second while the first is under way; a script forbids it, where there is one.
    await allow.click({ noWaitAfter: true, force: true, timeout: 2000 }).catch(() => undefined);
    const code = new URL((await asked).url()).searchParams.get('code');
    assert.ok(code);
    assert.deepEqual([...new Set(codes)], [code]);
    assert.ok(
      posted.length >= 1 && posted.length <= (look.script === false ? 2 : 1),
      `${posted.length} forms were sent`,
    );
    assert.equal((await place.consents.list(user)).length, 1);
  },
);
