import assert from 'node:assert/strict';
import type { BrowserWindow } from '#harness/browser.ts';
import { appHost } from '#harness/place.ts';
import { walks } from './walks.ts';

const focused = `(() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  // A box inside a label is drawn as large as the label lets it be; what counts is the ring.
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const seen = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return { visible: seen && outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2, html: one.outerHTML.slice(0, 200), matches: (selector) => one.matches(selector) };
})()`;

/**
 * Presses Tab until what is meant has the focus; everything on the way must show that it has it.
 */
async function tabTo({ page }: BrowserWindow, selector: string): Promise<void> {
  for (let steps = 0; steps < 200; steps += 1) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate<{ visible: boolean; html: string; there: boolean } | null>(
      `(() => { const at = ${focused}; return at && { visible: at.visible, html: at.html, there: at.matches(${JSON.stringify(selector)}) }; })()`,
    );
    if (here === null) continue;
    assert.ok(here.visible, `the focus can be seen on ${here.html}`);
    if (here.there) return;
  }
  assert.fail(`Tab never came to ${selector}`);
}

const withScript = ({ script }: { readonly script?: boolean }) => script !== false;

walks(
  'keyboard alone: sign in, leave a permission out, allow',
  async ({ place, n, start }) => {
    const [owner, user] = [
      await place.createPerson(`Maker ${n}`),
      await place.createPerson(`Ben ${n}`),
    ];
    const { client } = await place.createApp(owner, {
      name: `Reader ${n}`,
      scopes: ['editpage', 'sendemail'],
      optionalScopes: ['sendemail'],
    });
    const walk = await start();
    const { keyboard } = walk.page;
    await walk.open(place.authorizeUrl(client, ['editpage', 'sendemail']));
    await walk.page.keyboard.press('Tab');
    await walk.pressKey('Enter').catch(() => undefined);
    await tabTo(walk, '[name=name]');
    await keyboard.type(user.name);
    await tabTo(walk, '[name=password]');
    await keyboard.type('correct horse battery');
    await walk.pressKey('Enter');
    await tabTo(walk, '[name="scope.sendemail"]');
    await keyboard.press('Space');
    await tabTo(walk, '[name=accept]');
    const asked = walk.page.waitForRequest((request) => request.url().startsWith(appHost));
    await keyboard.press('Enter');
    assert.ok(new URL((await asked).url()).searchParams.get('code'));
    assert.deepEqual((await place.consents.list(user))[0]?.scopes, ['basic', 'editpage']);
  },
  withScript,
);

walks(
  'keyboard alone: the review desk, from the queue to a decision with its reason',
  async ({ place, n, start }) => {
    const [owner, rex] = [
      await place.createPerson(`Dev ${n}`, ['developer']),
      await place.createPerson(`Rex ${n}`, ['reviewer']),
    ];
    const { client } = await place.createApp(owner, { name: `Mover ${n}` }, false);
    const walk = await start(rex);
    const { keyboard } = walk.page;
    await walk.open('/');
    await tabTo(walk, 'a[href="/review"]');
    await walk.pressKey('Enter');
    await tabTo(walk, `a[href="/review/${client.id}"]`);
    await walk.pressKey('Enter');
    await tabTo(walk, 'button[name=claim]');
    await walk.pressKey('Enter');
    await tabTo(walk, 'a[href="#decision"]');
    await keyboard.press('Enter');
    await tabTo(walk, '[name=decision]');
    await keyboard.press('ArrowDown');
    await keyboard.press('Space');
    const chosen = await walk.page.locator('[name=decision]:checked').getAttribute('value');
    assert.equal(chosen, 'reject');
    await tabTo(walk, '[name=canned]');
    await keyboard.type(walk.say('review.canned.scopes').slice(0, 12));
    await tabTo(walk, '[name=reason]');
    await keyboard.type('Two are too many.');
    await tabTo(walk, '[name=decide]');
    await walk.pressKey('Enter');
    await walk.waitForText(walk.say('done.review-rejected'));
    assert.equal((await place.server.store.findClient(client.id))?.stage, 'rejected');
  },
  withScript,
);
