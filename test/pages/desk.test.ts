import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { walks } from './walks.ts';

walks(
  'review desk: taken from the queue, looked at, decided with a prepared reason',
  async ({ place, n, start }) => {
    const [owner, rex] = [
      await place.createPerson(`Dev ${n}`, ['developer']),
      await place.createPerson(`Rex ${n}`, ['reviewer']),
    ];
    await place.createApp(owner, { name: `Earlier ${n}` });
    const { client } = await place.createApp(
      owner,
      { name: `Mover ${n}`, scopes: ['editpage', 'protect', 'sendemail'] },
      false,
    );
    const walk = await start(rex);
    await walk.open('/');
    await walk.follow(walk.link(walk.say('frame.review')));
    await walk.follow(walk.link(`Mover ${n}`));
    await walk.follow(walk.button(walk.say('review.claim-take')));
    await walk.waitForText(walk.say('done.review-claimed'));
    await walk.waitForText(`Earlier ${n}`);
    await walk.page.locator('#risk').getByText(walk.say('review.risk-about')).waitFor();
    await walk.page.getByRole('checkbox', { name: walk.say('review.check.scopes') }).check();
    await walk.page.locator('[name=decision][value=reject]').check();
    await walk.follow(walk.button(walk.say('review.decide-button')), 400);
    await walk.waitForText(walk.say('review.reason-missing'));
    assert.equal(
      await walk.page.locator('[name=decision][value=reject]').isChecked(),
      true,
      'the draft is kept',
    );
    await walk.field('canned').selectOption('scopes');
    await walk.fill({ reason: 'Why protect?' });
    await walk.follow(walk.button(walk.say('review.decide-button')));
    await walk.waitForText(walk.say('done.review-rejected'));
    await walk.waitForText(/Why protect\?/);
    await walk.follow(walk.link(walk.say('review.back')));
    await walk.follow(
      walk.page
        .getByRole('navigation', { name: walk.say('review.tabs') })
        .getByRole('link', { name: walk.say('review.tab.rejected') }),
    );
    await walk.follow(walk.link(client.name));
    await walk.page.locator('[name=decision][value=approve]').check();
    await walk.follow(walk.button(walk.say('review.decide-button')));
    await walk.waitForText(walk.say('done.review-approved'));
    assert.equal((await place.server.store.findClient(client.id))?.stage, 'approved');
  },
);

walks(
  'review desk: a change beside the live app; the slower of two is told what happened',
  async ({ place, n, start }) => {
    const owner = await place.createPerson(`Dev ${n}`, ['developer']);
    const [rex, roy] = [
      await place.createPerson(`Rex ${n}`, ['reviewer']),
      await place.createPerson(`Roy ${n}`, ['reviewer']),
    ];
    const { client } = await place.createApp(owner, { name: `Reader ${n}`, description: 'Reads.' });
    await place.submitAs(owner, 'revise', {
      clientId: client.id,
      description: 'Reads aloud.',
      reason: '',
    });
    const [walk, slower] = [await start(rex), await start(roy)];
    for (const one of [walk, slower]) {
      await one.open('/review');
      await one.follow(one.link(client.name));
      const table = one.page.getByRole('table', { name: one.say('review.difference') });
      await table.getByText('Reads aloud.').waitFor();
      await one.page.locator('[name=decision][value=approve-revision]').check();
      await one.fill({ reason: `As ${one === walk ? 'Rex' : 'Roy'} says.` });
    }
    await walk.follow(walk.button(walk.say('review.decide-button')));
    await walk.waitForText(walk.say('done.review-change-approved'));
    await slower.follow(slower.button(slower.say('review.decide-button')), 409);
    await slower.heading(slower.say('review.stale')).waitFor();
    await slower.page.getByRole('alert').getByText('As Rex says.').waitFor();
    assert.equal(await slower.field('reason').inputValue(), 'As Roy says.', 'the draft is kept');
  },
);

walks(
  'review desk: stopped by degrees, switched off and hidden, and shown again',
  async ({ place, n, start }) => {
    const [owner, rex] = [
      await place.createPerson(`Dev ${n}`, ['developer']),
      await place.createPerson(`Rex ${n}`, ['reviewer']),
    ];
    const { client } = await place.createApp(owner, { name: `Suspect ${n}` });
    const walk = await start(rex);
    await walk.open(`/review/${client.id}`);
    await walk.heading(walk.say('review.impact')).waitFor();
    const decide = async (decision: string, reason: string, hide = false) => {
      await walk.page.locator(`[name=decision][value=${decision}]`).check();
      if (hide) await walk.field('suppress').check();
      await walk.fill({ reason });
      await walk.follow(walk.button(walk.say('review.decide-button')));
    };
    await decide('suspend-new-consents', 'Looking into it.');
    await walk.waitForText(walk.say('done.review-suspended'));
    await decide('disable', 'It pretended to be somebody else.', true);
    const stranger = await start();
    await stranger.open(`/apps/${client.id}`, 404);
    await walk.waitForText(walk.say('review.suppressed'));
    await decide('reenable', 'It was a mistake.');
    await walk.waitForText(walk.say('done.review-reenabled'));
    await stranger.open(`/apps/${client.id}`);
  },
);

walks(
  'administration: people, groups and rights; permissions and sites; the audit trail; health',
  async ({ place, n, start }) => {
    const olga = await place.createPerson(`Olga ${n}`, ['administrator', 'reviewer']);
    const ben = await place.createPerson(`Ben ${n}`);
    const { client } = await place.createApp(ben, { name: `Reader ${n}` });
    const walk = await start(olga);
    await walk.open('/');
    await walk.follow(walk.link(walk.say('frame.admin')));
    await walk.waitForText(walk.say('admin.reachable'));
    const menu = walk.page.getByRole('navigation', { name: walk.say('admin.menu') });
    await walk.follow(menu.getByRole('link', { name: walk.say('admin.people') }));
    await walk.fill({ text: ben.name.toLowerCase() });
    await walk.follow(walk.button(walk.say('admin.find')));
    await walk.follow(walk.link(ben.name));
    await walk.field('group-developer').check();
    await walk.follow(walk.button(walk.say('admin.save-groups')));
    await walk.waitForText(walk.say('done.admin-groups'));
    assert.deepEqual((await place.server.store.findAccount(ben.id))?.groups, ['developer']);
    await walk.follow(walk.button(walk.say('admin.block')));
    await walk.waitForText(walk.say('done.admin-blocked'));
    const blocked = await start();
    await blocked.open('/sign-in');
    await blocked.fill({ name: ben.name, password: 'correct horse battery' });
    await blocked.follow(blocked.button(blocked.say('sign-in.button')), 403);
    await walk.follow(walk.button(walk.say('admin.unblock')));
    await walk.waitForText(walk.say('done.admin-unblocked'));
    await walk.follow(menu.getByRole('link', { name: walk.say('admin.groups') }));
    await walk.waitForText('mwoauthmanageconsumer');
    await walk.follow(menu.getByRole('link', { name: walk.say('admin.scopes') }));
    await walk.waitForText('https://commons.example.org');
    await walk.follow(menu.getByRole('link', { name: walk.say('admin.audit') }));
    await walk.fill({ app: client.id });
    await walk.field('action').selectOption('approve');
    await walk.follow(walk.button(walk.say('admin.find')));
    assert.equal(await walk.page.locator('tbody tr').count(), 1);
    const coming = walk.page.waitForEvent('download');
    await walk.link(walk.say('admin.download')).click();
    const lines = readFileSync(await (await coming).path(), 'utf8')
      .trim()
      .split('\n');
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /approve/);
  },
);
