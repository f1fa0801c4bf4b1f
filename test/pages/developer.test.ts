import assert from 'node:assert/strict';
import { appHost, password } from '#harness/place.ts';
import { walks } from './walks.ts';

const description = 'Keeps what you cut out of pages, and shows it again when you want it.';

walks(
  'my apps: register by a question, mend what is wrong, keep the credentials, try it as the owner',
  async ({ place, n, look, start }) => {
    const owner = await place.createPerson(`Dev ${n}`, ['developer']);
    const walk = await start(owner);
    await walk.open('/');
    await walk.follow(walk.link(walk.say('frame.my-apps')));
    await walk.waitForText(walk.say('mine.none'));
    await walk.follow(walk.link(walk.say('mine.new')));
    await walk.follow(walk.link(walk.say('new.kind.server')));
    await walk.fill({
      name: `Clipper ${n}`,
      description,
      redirectUri: 'ftp://clipper.example.net/cb',
    });
    await walk.field('scope.sendemail').check();
    await walk.field('optional.sendemail').check();
    await walk.field('terms').check();
    await walk.follow(walk.button(walk.say('new.register')), 400);
    assert.match(
      await walk.page.locator('#redirectUri-problem').innerText(),
      /ftp/,
      'the problem is at the field',
    );
    assert.equal(await walk.field('description').inputValue(), description, 'the draft is kept');
    assert.equal(await walk.field('optional.sendemail').isChecked(), true);
    await walk.fill({ redirectUri: appHost });
    await walk.follow(walk.button(walk.say('new.register')), 400);
    await walk.field('ignore_warnings').check();
    await walk.follow(walk.button(walk.say('new.register')));
    await walk.waitForText(walk.say('issued.once'));
    const secret = await walk.page.locator('.card pre').nth(1).innerText();
    for (const program of ['curl', 'JavaScript (Node.js)', 'Python'])
      await walk.heading(program).first().waitFor();
    assert.equal(
      await walk.button(walk.say('frame.copy')).first().isVisible(),
      look.script !== false,
    );
    await walk.follow(walk.link(walk.say('issued.kept')));
    await walk.heading(`Clipper ${n}`).waitFor();
    assert.ok(!(await walk.page.content()).includes(secret), 'the secret is shown once');

    await walk.follow(walk.link(walk.say('apps.test')));
    await walk.follow(walk.link(walk.say('test.link')));
    await walk.waitForText(walk.say('consent.proposed'));
    const back = await walk.followToApp(walk.button(walk.say('consent.allow')));
    assert.ok(back.searchParams.get('code'));
  },
);

walks(
  'my apps: a change is looked at, sent, replaced and withdrawn; less is in force at once',
  async ({ place, n, start }) => {
    const owner = await place.createPerson(`Dev ${n}`, ['developer']);
    const { client } = await place.createApp(owner, {
      name: `Reader ${n}`,
      scopes: ['editpage', 'sendemail'],
    });
    const walk = await start(owner);
    await walk.open('/my/apps');
    await walk.follow(walk.page.getByRole('link', { name: client.name }));
    await walk.follow(walk.link(walk.say('manage.revise')));
    await walk.follow(walk.button(walk.say('revise.look')), 409);
    await walk.fill({ description: 'Reads, and files away.', reason: 'Users asked for it.' });
    await walk.field('scope.highvolume').check();
    await walk.follow(walk.button(walk.say('revise.look')));
    await walk.waitForText('Reads, and files away.');
    await walk.follow(walk.button(walk.say('revise.edit')));
    assert.equal(
      await walk.field('reason').inputValue(),
      'Users asked for it.',
      'the draft is kept',
    );
    await walk.follow(walk.button(walk.say('revise.look')));
    await walk.follow(walk.button(walk.say('revise.send')));
    await walk.waitForText(walk.say('done.revision-sent'));
    await walk.follow(walk.button(walk.say('manage.withdraw')));
    await walk.waitForText(walk.say('done.withdrawn'));
    await walk.follow(walk.link(walk.say('manage.revise')));
    await walk.field('scope.sendemail').uncheck();
    await walk.follow(walk.button(walk.say('revise.look')));
    await walk.waitForText(walk.say('revise.at-once'));
    await walk.follow(walk.button(walk.say('revise.apply')));
    await walk.waitForText(walk.say('done.changed'));
    assert.deepEqual((await place.server.store.findClient(client.id))?.scopes, [
      'basic',
      'editpage',
    ]);
    await walk.follow(walk.link(walk.say('manage.history-all')));
    await walk.waitForText('Users asked for it.');
  },
);

walks(
  'my apps: secrets, addresses, maintainers, and another owner',
  async ({ place, n, start }) => {
    const [owner, mia] = [
      await place.createPerson(`Dev ${n}`, ['developer']),
      await place.createPerson(`Mia ${n}`, ['developer']),
    ];
    const { client } = await place.createApp(owner, { name: `Reader ${n}` });
    const walk = await start(owner);
    await walk.open(`/my/apps/${client.id}`);
    await walk.page.getByText(walk.say('manage.add-secret'), { exact: true }).first().click();
    await walk.fill({ label: 'autumn', expires: '2020-01-01' });
    await walk.follow(walk.button(walk.say('manage.add-secret')), 400);
    assert.equal(await walk.field('label').inputValue(), 'autumn', 'the draft is kept');
    await walk.fill({ expires: '' });
    await walk.follow(walk.button(walk.say('manage.add-secret')));
    await walk.heading(walk.say('issued.secret-of', { app: client.name })).waitFor();
    await walk.follow(walk.link(walk.say('issued.kept')));
    await walk.follow(walk.button(walk.say('manage.retire', { label: 'first' })));
    await walk.waitForText(walk.say('done.retired'));
    await walk.page.getByText(walk.say('manage.reset'), { exact: true }).first().click();
    await walk.field('sure').check();
    await walk.follow(walk.button(walk.say('manage.reset')));
    await walk.heading(walk.say('issued.reset', { app: client.name })).waitFor();
    await walk.follow(walk.link(walk.say('issued.kept')));
    await walk.fill({ addresses: '192.0.2.0/24\nnowhere' });
    await walk.follow(walk.button(walk.say('manage.save')), 400);
    assert.equal(
      await walk.field('addresses').inputValue(),
      '192.0.2.0/24\nnowhere',
      'the draft is kept',
    );
    await walk.fill({ addresses: '192.0.2.0/24' });
    await walk.follow(walk.button(walk.say('manage.save')));
    await walk.waitForText(walk.say('done.saved'));
    await walk.fill({ invite: `Nobody ${n}` });
    await walk.follow(walk.button(walk.say('manage.invite')), 404);
    await walk.fill({ invite: mia.name });
    await walk.follow(walk.button(walk.say('manage.invite')));
    await walk.waitForText(walk.say('done.invited'));

    const other = await start(mia);
    await other.open('/my/apps');
    await other.follow(other.button(other.say('mine.accept')));
    await other.waitForText(other.say('done.joined'));
    await walk.fill({ offer: mia.name });
    await walk.follow(walk.button(walk.say('manage.offer')), 409);
    await walk.fill({ offer: mia.name });
    await walk.follow(walk.button(walk.say('manage.offer')));
    await walk.waitForText(walk.say('done.offered'));
    await other.open('/my/apps');
    await other.follow(other.button(other.say('mine.accept')));
    await other.waitForText(other.say('done.taken-over'));
    assert.equal((await place.server.store.findClient(client.id))?.ownerId, mia.id);
  },
);

walks(
  'my apps: a rejected app is copied as a new version; a script of one’s own works at once',
  async ({ place, n, start }) => {
    const owner = await place.createPerson(`Dev ${n}`, ['developer']);
    const { client } = await place.createApp(owner, { name: `Everything ${n}` }, false);
    await place.clients.reject(client.id, { reason: 'Please ask for less.' });
    const walk = await start(owner);
    await walk.open(`/my/apps/${client.id}`);
    await walk.waitForText('Please ask for less.');
    await walk.follow(walk.link(walk.say('manage.copy')));
    assert.equal(await walk.field('version').inputValue(), '1.1');
    await walk.field('terms').check();
    await walk.follow(walk.button(walk.say('new.register')));
    await walk.waitForText(walk.say('issued.next-proposed'));
    for (const kind of ['own', 'own-oauth1'] as const) {
      await walk.open('/my/apps/new');
      await walk.follow(walk.link(walk.say(`new.kind.${kind}`)));
      await walk.fill({ name: `Night Bot ${kind} ${n}`, description });
      await walk.field('scope.editpage').check();
      await walk.field('terms').check();
      await walk.follow(walk.button(walk.say('new.register-own')));
      await walk.waitForText(walk.say('issued.next-own'));
      await walk.waitForText(walk.say('issued.token'));
    }
  },
);

walks(
  'signature help: a recent refused request, a pasted one, and a refused token request',
  async ({ place, n, start }) => {
    const owner = await place.createPerson(`Dev ${n}`, ['developer']);
    const app = await place.createApp(owner, {
      name: `Signer ${n}`,
      protocol: 'oauth1',
      redirectUri: `${appHost}/s`,
    });
    const { client } = await place.createApp(owner, { name: `Reader ${n}` });
    const { headers } = await place.postSigned(
      '/oauth1/initiate',
      { client: app.client, secret: 'not the secret' },
      { oauth_callback: 'oob' },
    );
    await fetch(`${place.origin}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'nonsense',
        client_id: client.id,
        client_secret: password,
      }),
    });
    await place.server.flushUsage();
    const walk = await start(owner);
    await walk.open('/my/apps');
    await walk.follow(walk.link(walk.say('help.title')).first());
    await walk.follow(walk.link(app.client.name));
    await walk.follow(walk.page.locator('table a').first());
    await walk.heading(walk.say('help.base')).waitFor();
    assert.match(
      await walk.page.locator('.copyable code').first().innerText(),
      /^POST&http%3A%2F%2Flocalhost/,
    );
    const authorization = headers.Authorization ?? '';
    await walk.fill({ request: 'this is no request' });
    await walk.follow(walk.button(walk.say('help.explain')), 400);
    await walk.waitForText(
      walk.say('help.unreadable', {
        why: walk.say('unreadable.first-line', { piece: 'this is no request' }),
      }),
    );
    assert.equal(
      await walk.field('request').inputValue(),
      'this is no request',
      'the draft is kept',
    );
    await walk.fill({
      request: `POST ${place.origin}/oauth1/initiate\nAuthorization: ${authorization}\n`,
      theirs: `GET&http%3A%2F%2Flocalhost%2Foauth1%2Finitiate&oauth_consumer_key%3D${app.client.id}`,
    });
    await walk.follow(walk.button(walk.say('help.explain')));
    await walk.page.getByRole('table', { name: walk.say('help.differences') }).waitFor();
    assert.ok(!(await walk.page.content()).includes(app.secret), 'no secret is shown');
    await walk.follow(walk.link(client.name));
    await walk.waitForText('grant_type=authorization_code');
    assert.ok(
      !(await walk.page.content()).includes(password),
      'what was sent as a secret is not shown',
    );
  },
);
