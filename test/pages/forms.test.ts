import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { walks } from './walks.ts';

walks(
  'a form of ours names our origin and is taken; the same form on a page of another site is refused',
  async ({ place, n, start }) => {
    const person = await place.createPerson(`Ada ${n}`);
    const walk = await start(person);
    await walk.open('/account');
    const sent = walk.page.waitForRequest((request) => request.method() === 'POST');
    await walk.page.locator('[name="real-name"]').fill('Ada Lovelace');
    await walk.page
      .locator('form', { has: walk.page.locator('[name="real-name"]') })
      .locator('button')
      .click();
    const { origin } = await (await sent).allHeaders();
    assert.equal(origin, place.origin, 'the browser names our own origin');
    await walk.page.waitForURL(/\/account\?done=saved/);

    // Another site that even knows the token, where a browser sends cookies along (it is the same
    // site to the browser, for both are on this machine).
    const token = await walk.page.locator('[name="csrf"]').first().inputValue();
    const evil = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end(`<!doctype html>
<form method="post" action="${place.origin}/account/profile">
<input type="hidden" name="csrf" value="${token}"><input type="hidden" name="real-name" value="Mallory">
<button>Win a prize</button></form>`),
    );
    await new Promise<void>((resolve) => evil.listen(0, 'localhost', resolve));
    try {
      const tab = await walk.page.context().newPage();
      await tab.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`);
      const answer = tab.waitForResponse((response) => response.request().method() === 'POST');
      await tab.getByRole('button').click();
      assert.equal((await answer).status(), 403);
      await tab.close();
      await walk.open('/account');
      assert.equal(await walk.page.locator('[name="real-name"]').inputValue(), 'Ada Lovelace');
    } finally {
      evil.closeAllConnections();
      await new Promise((resolve) => evil.close(resolve));
    }
  },
);
