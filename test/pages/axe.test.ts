import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import {
  axeViolations,
  BrowserWindow,
  MAX_PAGE_BYTES,
  openBrowser,
  pageBytesByPath,
  skipReason,
} from '#harness/browser.ts';
import { createPageFixtures, type PageFixtures, pageCases } from '#harness/scene.ts';

describe('axe', () => {
  // Every page as it usually is, empty, refused and with hostile texts: everything axe-core knows,
  // once in English by day on a desk and once in Arabic by night on a phone.

  let [browser, scene]: [Browser?, PageFixtures?] = [];
  before(async () => {
    if (skipReason !== false) return;
    // Without a browser nothing else is opened, and nothing has to be closed.
    browser = await openBrowser();
    scene = await createPageFixtures();
  });
  after(async () => {
    await browser?.close();
    await scene?.testServer.close();
  });

  const folded = "for (const one of document.querySelectorAll('details')) one.open = true";

  for (const as of new Set(pageCases.map((sheet) => sheet.viewer))) {
    const called = as ?? 'a stranger';
    test(`axe-core finds nothing on the pages that ${called} sees`, {
      skip: skipReason,
      concurrency: 2,
      timeout: 240_000,
    }, async (t) => {
      assert.ok(browser && scene);
      const [on, here] = [browser, scene];
      const round = async (language: 'en' | 'ar') => {
        const dark = language === 'ar';
        const walk = await BrowserWindow.start(
          on,
          here.testServer,
          { language, dark, width: dark ? 360 : 1280 },
          as === null ? undefined : here.people[as],
        );
        for (const { name, open: go } of pageCases.filter((sheet) => sheet.viewer === as)) {
          await go(walk, here);
          assert.equal(
            await walk.page.locator('html').getAttribute('dir'),
            language === 'ar' ? 'rtl' : 'ltr',
          );
          await walk.page.evaluate(folded);
          assert.deepEqual(await axeViolations(walk.page), [], `${name} in ${language}`);
        }
        await walk.close();
      };
      await Promise.all([
        t.test('in English by day', () => round('en')),
        t.test('in Arabic by night', () => round('ar')),
      ]);
    });
  }

  test('no page costs more than it may', { skip: skipReason }, (t) => {
    const heaviest = [...pageBytesByPath].sort(([, one], [, other]) => other - one).slice(0, 5);
    t.diagnostic(
      `the heaviest pages, with all they load: ${heaviest.map(([path, bytes]) => `${path} ${bytes}`).join(', ')}`,
    );
    assert.ok(heaviest.length > 0 && heaviest.every(([, bytes]) => bytes <= MAX_PAGE_BYTES));
  });
});
