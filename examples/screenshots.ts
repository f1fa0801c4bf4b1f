import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { BrowserWindow, openBrowser } from '#harness/browser.ts';
import { createPageFixtures, harmlessTexts, pageCases } from '#harness/scene.ts';

// Pictures of every page, into docs/screenshots: `npm run screenshots`. With names, those alone:
// `npm run screenshots -- consent review`.

const folder = new URL('../docs/screenshots/', import.meta.url).pathname;
const wanted = process.argv.slice(2);
/** Below that, more of the same; pictures are small, as they are kept with the code. */
const TALLEST = 1080;
/** Looked at by the tests; a few of them are pictures as well. */
const left =
  /-(?:hostile|empty|used|hidden|tokens|approved|groups|oauth1|refused|filtered|advice|finish|own|rejected|everything)$|^(?:register-sent|request-gone|password-new)/;
const kept = /^(?:review-empty|new-app-refused|sign-in-refused|my-apps-empty)$/;
/** By night, and in Arabic: a page of each kind. */
const dark = /^(?:consent|sign-in|directory|manage-app|review-desk|admin|consents)$/;
const arabic = /^(?:consent|home-user|new-app|review-difference|account|directory)$/;

mkdirSync(folder, { recursive: true });
if (wanted.length === 0)
  for (const name of readdirSync(folder)) if (name.endsWith('.webp')) rmSync(folder + name);
const scene = await createPageFixtures(
  { port: '4400', issuer: 'http://localhost:4400' },
  harmlessTexts,
);
const browser = await openBrowser();
const pictured = pageCases.filter(({ name }) =>
  wanted.length > 0 ? wanted.includes(name) : !left.test(name) || kept.test(name),
);
const looks = [
  { width: 1000, suffix: '', scale: 0.75, of: /./ },
  { width: 360, suffix: '-phone', scale: 1, of: /./ },
  { width: 1000, suffix: '-dark', scale: 0.75, dark: true, of: dark },
  { width: 360, suffix: '-arabic-phone', scale: 1, language: 'ar', of: arabic },
] as const;
let total = 0;
for (const { suffix, scale, of, ...look } of looks) {
  for (const { name, viewer: as, open: go } of pictured.filter((sheet) => of.test(sheet.name))) {
    const walk = await BrowserWindow.start(
      browser,
      scene.testServer,
      look,
      as === null ? undefined : scene.people[as],
    );
    await go(walk, scene);
    const height = Math.min(
      await walk.page.evaluate<number>('document.documentElement.scrollHeight'),
      TALLEST,
    );
    const devices = await walk.page.context().newCDPSession(walk.page);
    const { data } = await devices.send('Page.captureScreenshot', {
      format: 'webp',
      quality: 40,
      captureBeyondViewport: true,
      clip: { x: 0, y: 0, width: look.width, height, scale },
    });
    const file = `${folder}${name}${suffix}.webp`;
    writeFileSync(file, Buffer.from(data, 'base64'));
    total += statSync(file).size;
    await walk.close();
  }
}
process.stdout.write(
  `${readdirSync(folder).length} pictures in docs/screenshots, ${Math.round(total / 1000)} kB written.\n`,
);
await browser.close();
await scene.testServer.close();
