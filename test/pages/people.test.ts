import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BrowserWindow } from '#harness/browser.ts';
import { BrowserTestServer, password } from '#harness/place.ts';
import { walks } from './walks.ts';

const linkIn = (text: string): string =>
  /http:\/\/localhost\S+/.exec(text)?.[0] ?? assert.fail(`no link in: ${text}`);

walks(
  'set-up: a new server gets its first administrator, who signs out and in again',
  async ({ browser, look, n }) => {
    const place = await BrowserTestServer.open();
    const walk = await BrowserWindow.start(browser, place, look);
    try {
      await walk.open(
        linkIn(place.startupOutput.slice(place.startupOutput.indexOf('There are no accounts'))),
      );
      await walk.fill({ name: `First ${n}`, email: 'first@example.org', password });
      await walk.follow(walk.button(walk.say('setup.button')));
      await walk.heading(walk.say('home.hello', { name: `First ${n}` })).waitFor();
      await walk.follow(walk.link(walk.say('frame.admin')));
      await walk.follow(walk.button(walk.say('frame.sign-out')));
      await walk.waitForText(walk.say('done.signed-out'));
      await walk.open(
        linkIn(place.startupOutput.slice(place.startupOutput.indexOf('There are no accounts'))),
      );
      await walk.fill({ name: 'Second', email: 'second@example.org', password });
      await walk.follow(walk.button(walk.say('setup.button')), 400);
      assert.equal(await walk.field('name').inputValue(), 'Second', 'the draft is kept');
      await walk.follow(
        walk.page.locator('header').getByRole('link', { name: walk.say('frame.sign-in') }),
      );
      await walk.signIn(`First ${n}`);
      await walk.heading(walk.say('home.hello', { name: `First ${n}` })).waitFor();
    } finally {
      await walk.close();
      await place.close();
    }
  },
);

walks('register: by a letter, and the name that is taken', async ({ place, n, start }) => {
  await place.createPerson(`Taken ${n}`);
  const walk = await start();
  await walk.open('/');
  await walk.follow(walk.link(walk.say('home.sign-in')));
  await walk.follow(walk.link(walk.say('sign-in.register')));
  await walk.fill({ email: `new-${n}@example.org` });
  await walk.follow(walk.button(walk.say('register.button')));
  await walk.heading(walk.say('note.register-sent.title')).waitFor();
  await walk.open(linkIn((await place.emailTo(`new-${n}@example.org`)).text));
  await walk.fill({ name: `Taken ${n}`, 'real-name': 'New Person', 'new-password': password });
  await walk.follow(walk.button(walk.say('register.finish-button')), 400);
  await walk.waitForText(walk.say('account-problem.name-taken'));
  assert.equal(await walk.field('real-name').inputValue(), 'New Person', 'the draft is kept');
  await walk.fill({ name: `New ${n}`, 'new-password': password });
  await walk.follow(walk.button(walk.say('register.finish-button')));
  await walk.waitForText(walk.say('done.registered'));
});

walks(
  'sign in: the same words for a wrong password and for nobody, then back to where one wanted to go',
  async ({ place, n, start }) => {
    await place.createPerson(`Known ${n}`);
    const walk = await start();
    await walk.open('/consents');
    assert.match(walk.path, /^\/sign-in\?returnto=/);
    const said: string[] = [];
    for (const name of [`Known ${n}`, `Nobody ${n}`]) {
      await walk.fill({ name, password: 'wrong password' });
      await walk.follow(walk.button(walk.say('sign-in.button')), 403);
      said.push(await walk.page.getByRole('alert').first().innerText());
      assert.equal(await walk.field('name').inputValue(), name);
    }
    assert.equal(said[0], said[1]);
    await walk.signIn(`Known ${n}`);
    assert.equal(walk.path, '/consents');
  },
);

walks(
  'forgotten password: a letter sets another, and every browser is signed out',
  async ({ place, n, start }) => {
    const person = await place.createPerson(`Forgetful ${n}`);
    const other = await start(person);
    await other.open('/account');
    const walk = await start();
    await walk.open('/sign-in');
    await walk.follow(walk.link(walk.say('sign-in.forgotten')));
    await walk.fill({ name: `Forgetful ${n}` });
    await walk.follow(walk.button(walk.say('password.send')));
    await walk.heading(walk.say('note.password-sent.title')).waitFor();
    const link = linkIn((await place.emailTo(person.email ?? '')).text);
    await walk.open(link);
    await walk.fill({ 'new-password': 'quite another phrase' });
    await walk.follow(walk.button(walk.say('password.set')));
    await walk.waitForText(walk.say('done.password-set'));
    await other.open('/account');
    await other.heading(other.say('sign-in.title')).waitFor();
    await other.open(link, 404);
    await other.heading(other.say('note.link-gone.title')).waitFor();
  },
);

walks('account: language, e-mail, password, sessions', async ({ place, n, start }) => {
  const person = await place.createPerson(`Owner ${n}`);
  const [walk, other, third] = [await start(person), await start(person), await start(person)];
  await walk.open('/');
  await walk.follow(walk.link(walk.say('frame.account', { name: person.name })));
  await walk.fill({ 'real-name': 'Somebody Else' });
  await walk.field('language').selectOption('de');
  await walk.follow(walk.button(walk.say('account.save')));
  assert.equal(await walk.page.locator('html').getAttribute('lang'), 'de');
  await walk.field('language').selectOption('');
  await walk.follow(walk.page.locator('[name=save]'));
  await walk.waitForText(walk.say('done.saved'));
  assert.equal(await walk.field('real-name').inputValue(), 'Somebody Else');

  await walk.fill({ email: `moved-${n}@example.org`, 'email-password': 'wrong' });
  await walk.follow(walk.button(walk.say('account.email-send')), 403);
  await walk.waitForText(walk.say('account-problem.wrong-password'));
  assert.equal(
    await walk.field('email').inputValue(),
    `moved-${n}@example.org`,
    'the draft is kept',
  );
  await walk.fill({ 'email-password': password });
  await walk.follow(walk.button(walk.say('account.email-send')));
  await walk.waitForText(walk.say('done.email-sent'));
  await walk.open(linkIn((await place.emailTo(`moved-${n}@example.org`)).text));
  await walk.follow(walk.button(walk.say('confirm.button')));
  await walk.waitForText(walk.say('done.email-confirmed'));
  await walk.waitForText(`moved-${n}@example.org`);

  await other.open('/account');
  await other.page.locator('section[aria-labelledby=sessions] tbody tr').nth(2).waitFor();
  await other.follow(other.page.locator('form[action="/account/sessions/end"] button').first());
  await other.waitForText(other.say('done.session-ended'));
  await walk.open('/account');
  if (walk.path.startsWith('/sign-in')) await walk.signIn(person.name);
  await walk.open('/account');
  await walk.fill({ 'current-password': password, 'new-password': 'quite another phrase' });
  await walk.follow(walk.button(walk.say('account.password-change')));
  await walk.waitForText(walk.say('done.saved'));
  await third.open('/account');
  await third.heading(third.say('sign-in.title')).waitFor();
  await walk.follow(walk.button(walk.say('account.everywhere')));
  await walk.waitForText(walk.say('done.everywhere'));
});

walks(
  'passkey: added, named, used to sign in, removed',
  async ({ place, n, start }) => {
    const person = await place.createPerson(`Keyholder ${n}`);
    const walk = await start(person);
    const devices = await walk.page.context().newCDPSession(walk.page);
    await devices.send('WebAuthn.enable');
    await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await walk.open('/account');
    await walk.follow(walk.link(walk.say('account.passkeys-see')));
    await walk.fill({ label: 'my phone', password });
    await walk.follow(walk.button(walk.say('passkeys.add')));
    await walk.waitForText(walk.say('done.passkey-added'));
    await walk.follow(walk.button(walk.say('frame.sign-out')));
    await walk.open('/sign-in?returnto=/account/passkeys');
    await walk.follow(walk.button(walk.say('sign-in.passkey')));
    assert.equal(walk.path, '/account/passkeys');
    await walk.page.locator('summary').first().click();
    await walk.page.locator('details [name=label]').fill('old phone');
    await walk.follow(walk.button(walk.say('passkeys.rename')));
    await walk.heading('old phone').waitFor();
    await walk.page.locator('summary').last().click();
    await walk.page.locator('details [name=password]').fill(password);
    await walk.follow(walk.button(walk.say('passkeys.remove', { label: 'old phone' })));
    await walk.waitForText(walk.say('passkeys.none'));
  },
  // Browsers have no other way to ask a passkey than a script; without one the page says so.
  ({ script }) => script !== false,
);

walks(
  'home and directory: a stranger sees what this place is, and finds an app',
  async ({ place, n, start }) => {
    const owner = await place.createPerson(`Maker ${n}`);
    const { client } = await place.createApp(owner, { name: `Weather ${n}`, site: 'commons' });
    await place.createApp(owner, { name: `Waiting ${n}` }, false);
    const walk = await start();
    await walk.open('/');
    await walk
      .heading(walk.say('home.welcome', { site: 'localhost' }))
      .or(walk.page.locator('h1'))
      .first()
      .waitFor();
    await walk.follow(walk.link(walk.say('home.directory')));
    await walk.fill({ q: `weather ${n}` });
    await walk.follow(walk.button(walk.say('apps.search')));
    await walk.follow(walk.page.getByRole('link', { name: `Weather ${n}` }));
    assert.equal(walk.path, `/apps/${client.id}`);
    await walk.waitForText(owner.name);
    await walk.follow(
      walk.page
        .locator('main')
        .getByRole('link', { name: walk.say('apps.directory'), exact: true }),
    );
    await walk.page.locator('summary').click();
    await walk.fill({ q: n, owner: owner.name });
    await walk.field('stage').selectOption('proposed');
    await walk.follow(walk.button(walk.say('apps.search')));
    assert.deepEqual(await walk.page.locator('li.card h2').allInnerTexts(), [`Waiting ${n} 1.0`]);
    await walk.field('stage').selectOption('any');
    await walk.field('site').selectOption('commons');
    await walk.follow(walk.button(walk.say('apps.search')));
    await walk.field('scope').selectOption('sendemail');
    await walk.follow(walk.button(walk.say('apps.search')));
    await walk.waitForText(walk.say('apps.none-found'));
  },
);

walks(
  'apps I allowed: found, looked through, ended, and the records saved',
  async ({ place, n, look, start }) => {
    const [owner, user] = [
      await place.createPerson(`Seller ${n}`),
      await place.createPerson(`User ${n}`),
    ];
    for (const name of ['One', 'Two', 'Three', 'Four', 'Five', 'Six']) {
      const { client } = await place.createApp(owner, { name: `${name} ${n}` });
      await place.consents.accept(client, user, client.scopes);
    }
    const walk = await start(user);
    await walk.open('/');
    await walk.follow(walk.link(walk.say('frame.consents')));
    const cards = walk.page.locator('section.card:visible');
    assert.equal(await cards.count(), 6);
    const filter = walk.page.locator('#filter');
    assert.equal(
      await filter.isVisible(),
      look.script !== false,
      'filtering as one types needs a script, and is not offered without',
    );
    if (look.script !== false) {
      await filter.fill('four');
      assert.equal(await cards.count(), 1);
      await filter.fill('');
    }
    const coming = walk.page.waitForEvent('download');
    await walk.page.getByRole('link', { name: walk.say('consents.export') }).click();
    const saved = JSON.parse(readFileSync(await (await coming).path(), 'utf8'));
    assert.equal(saved.account, user.name);
    assert.equal(saved.consents.length, 6);
    await walk.follow(walk.button(walk.say('consents.end', { app: `Two ${n}` })));
    await walk.waitForText(walk.say('done.ended'));
    assert.equal(await cards.count(), 5);
  },
);
