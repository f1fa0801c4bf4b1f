import { after, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Account } from '#accounts/account.ts';
import {
  type BrowserView,
  BrowserWindow,
  browserViews,
  openBrowser,
  skipReason,
} from '#harness/browser.ts';
import { BrowserTestServer } from '#harness/place.ts';

/** One browser and one place for the tests of a file, opened when the first of them runs. */
let opened: Promise<{ readonly browser: Browser; readonly place: BrowserTestServer }> | undefined;
const config = `sites:
  - { id: commons, name: Commons, origin: 'https://commons.example.org' }
  - { id: wiki, name: Example Wiki, origin: 'https://wiki.example.org' }
`;
export function open() {
  opened ??= (async () => ({
    browser: await openBrowser(),
    place: await BrowserTestServer.open({}, config),
  }))();
  return opened;
}
after(async () => {
  const both = await opened?.catch(() => undefined);
  await both?.browser.close();
  await both?.place.close();
});

/** One way through the pages. */
export interface Visit {
  readonly place: BrowserTestServer;
  readonly browser: Browser;
  readonly look: BrowserView;
  /** Told apart from the same walk in another look: part of every name. */
  readonly n: string;
  /** A window, of somebody who is signed in, or of a stranger. */
  start(person?: Account): Promise<BrowserWindow>;
}

const LONGEST = 60_000;
let rows = 0;

/**
 * A row of the table, walked on a desk and on a phone, with scripts and without. `only`: where the
 * row itself needs a script.
 */
export function walks(
  row: string,
  walk: (visit: Visit) => Promise<void>,
  only: (look: BrowserView) => boolean = () => true,
): void {
  const count = ++rows;
  test(row, { skip: skipReason, concurrency: 2, timeout: 4 * LONGEST }, async (t) => {
    const { browser, place } = await open();
    await Promise.all(
      browserViews.filter(only).map((look, index) =>
        t.test(look.label, { timeout: LONGEST }, async () => {
          const windows: BrowserWindow[] = [];
          const start = async (person?: Account) => {
            const one = await BrowserWindow.start(browser, place, look, person);
            windows.push(one);
            return one;
          };
          try {
            await walk({ place, browser, look, n: `${count}${'abcd'[index]}`, start });
          } finally {
            await Promise.all(windows.map((one) => one.close()));
          }
        }),
      ),
    );
  });
}
