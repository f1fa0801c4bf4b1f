import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Locator,
  type Page,
  type Response,
} from 'playwright-core';
import type { Account } from '#accounts/account.ts';
import { type Language, type MessageKey, wordsOf } from '#pages/words.ts';
import { appHost, type BrowserTestServer, password } from './place.ts';

/** A browser of this machine; undefined: there is none. */
export function findBrowser(): string | undefined {
  const known = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'].map(
    (name) => `/usr/bin/${name}`,
  );
  return [process.env.CHROMIUM_PATH, ...known].find((path) => {
    if (!path) return false;
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const required = process.env.GATEHOUSE_REQUIRE_ALL === '1';
/**
 * Why the browser tests are left out; false: they are not. With GATEHOUSE_REQUIRE_ALL=1 they run
 * and fail instead.
 */
export const skipReason: string | false =
  findBrowser() === undefined &&
  !required &&
  'left out: no Chromium is on this machine (install Debian’s chromium, or name one with CHROMIUM_PATH)';

export async function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser();
  assert.ok(
    executablePath,
    'a browser is required and none is on this machine: install Debian’s chromium, or set CHROMIUM_PATH',
  );
  // No name but our own is ever resolved: apps of these tests are nowhere.
  const nowhere = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost';
  return chromium.launch({
    executablePath,
    args: ['--disable-gpu', nowhere, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
}

/** How somebody looks at the pages. */
export interface BrowserView {
  readonly width?: number;
  readonly script?: boolean;
  readonly dark?: boolean;
  readonly language?: Language;
}

/** Every way a person may come: on a desk and on a phone, with scripts and without. */
export const browserViews: readonly (BrowserView & { readonly label: string })[] = [
  { label: '1280 px', width: 1280 },
  { label: '360 px', width: 360 },
  { label: '1280 px, no JavaScript', width: 1280, script: false },
  { label: '360 px, no JavaScript', width: 360, script: false },
];

/** Bytes that one page may cost. */
export const MAX_PAGE_BYTES = 30_000;
/** What pages cost, by path, for whoever wants to know. */
export const pageBytesByPath = new Map<string, number>();

const narrowestWidth = 320;
/** Bytes of each stylesheet and script. */
const assets = new Map<string, number>();

/**
 * One browser window. Every page it comes to is looked at: no wider than the window, no error in
 * the console, no failed request, no request to another host, no more bytes than allowed. An answer
 * of 400 and above has to be expected.
 */
export class BrowserWindow {
  readonly page: Page;
  readonly testServer: BrowserTestServer;
  readonly #context: BrowserContext;
  readonly #look: BrowserView;
  readonly #problems: string[] = [];
  #arrived: Response | undefined;

  private constructor(
    testServer: BrowserTestServer,
    context: BrowserContext,
    page: Page,
    view: BrowserView,
  ) {
    this.testServer = testServer;
    this.page = page;
    this.#context = context;
    this.#look = view;
    page.on('pageerror', (fault) => this.#problems.push(`script: ${fault.message}`));
    page.on('console', (message) => {
      // The browser says of every 4xx that it could not be loaded; what was expected is asked
      // below.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.#problems.push(`console: ${message.text()}`);
    });
    page.on('requestfailed', (request) => {
      // A download ends the navigation that asked for it.
      if (request.failure()?.errorText !== 'net::ERR_ABORTED' && !request.url().startsWith(appHost))
        this.#problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`);
    });
    page.on('request', (request) => {
      const { origin } = new URL(request.url());
      if (origin === testServer.origin || (origin === appHost && request.isNavigationRequest()))
        return;
      this.#problems.push(`asked another host: ${request.url()}`);
    });
    page.on('response', (response) => {
      const request = response.request();
      if (request.isNavigationRequest()) this.#arrived = response;
      else if (response.status() >= 400)
        this.#problems.push(`${response.status()} ${response.url()}`);
    });
    page.on('dialog', (dialog) => void dialog.accept());
  }

  static async start(
    browser: Browser,
    testServer: BrowserTestServer,
    view: BrowserView = {},
    person?: Account,
  ): Promise<BrowserWindow> {
    const { width = 1280, script = true, dark = false, language = 'en' } = view;
    const context = await browser.newContext({
      viewport: { width, height: 800 },
      javaScriptEnabled: script,
      colorScheme: dark ? 'dark' : 'light',
      locale: language,
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(8000);
    if (person) await context.addCookies([await testServer.sessionCookie(person)]);
    const window = new BrowserWindow(testServer, context, await context.newPage(), view);
    return window;
  }

  /** A text of the pages in the language of this window. */
  say(key: MessageKey, values?: Readonly<Record<string, string | number>>): string {
    return wordsOf(this.#look.language ?? 'en').say(key, values);
  }

  get path(): string {
    const { pathname, search } = new URL(this.page.url());
    return pathname + search;
  }

  /** Opens an address, as from a bookmark or a link elsewhere. */
  async open(target: string, status = 200): Promise<void> {
    await this.page.goto(new URL(target, this.testServer.origin).href);
    await this.#check(status);
  }

  /** Presses something that leads to another page. */
  async follow(what: Locator, status = 200): Promise<void> {
    const arrived = this.page.waitForEvent('load');
    arrived.catch(() => undefined);
    await what.click();
    await arrived;
    await this.#check(status);
  }

  /**
   * Presses something that leads to the app, which is nowhere; answers the address the browser
   * asked for.
   */
  async followToApp(what: Locator): Promise<URL> {
    const asked = this.page.waitForRequest((request) => request.url().startsWith(appHost));
    asked.catch(() => undefined);
    await what.click({ noWaitAfter: true });
    return new URL((await asked).url());
  }

  /** Presses a key that leads to another page. */
  async pressKey(key: string, status = 200): Promise<void> {
    const arrived = this.page.waitForEvent('load');
    arrived.catch(() => undefined);
    await this.page.keyboard.press(key);
    await arrived;
    await this.#check(status);
  }

  button = (name: string): Locator => this.page.getByRole('button', { name, exact: true });
  link = (name: string): Locator => this.page.getByRole('link', { name, exact: true });
  heading = (name: string): Locator => this.page.getByRole('heading', { name, exact: true });
  field = (name: string): Locator => this.page.locator(`[name="${name}"]`);

  /** Types into fields, by their names. */
  async fill(values: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(values)) await this.field(name).fill(value);
  }

  /** Signs in by the form that is open. */
  async signIn(name: string): Promise<void> {
    await this.fill({ name, password });
    await this.follow(this.button(this.say('sign-in.button')));
  }

  /** True once the page shows this text. */
  async waitForText(text: string | RegExp): Promise<void> {
    await this.page.locator('main').getByText(text).first().waitFor();
  }

  async #check(status: number): Promise<void> {
    const { page, testServer } = this;
    const response = this.#arrived;
    const path = `${this.path} as ${this.#look.width ?? 1280} px`;
    assert.equal(
      response?.status(),
      status,
      `${path}: ${await page
        .locator('main')
        .innerText()
        .catch(() => '')}`,
    );
    const bytes = (await response.body()).length + (await this.#assetBytes());
    const shape = this.path
      .replace(/[0-9a-f]{32}/g, ':id')
      .replace(/\?.*/, '')
      .replace(/\/[\w-]{40,}/, '/:handle');
    pageBytesByPath.set(shape, Math.max(pageBytesByPath.get(shape) ?? 0, bytes));
    if (bytes > MAX_PAGE_BYTES) this.#problems.push(`${bytes} bytes`);
    await this.#notWide();
    const width = this.#look.width ?? 1280;
    if (width < 500 && this.#look.script !== false) {
      await page.setViewportSize({ width: narrowestWidth, height: 800 });
      await this.#notWide();
      await page.setViewportSize({ width, height: 800 });
    }
    assert.equal(await page.locator('h1').count(), 1, `${path}: one h1`);
    assert.deepEqual(this.#problems.splice(0), [], `${path} at ${testServer.origin}`);
  }

  /**
   * What the page’s stylesheet and script weigh: a browser that has them already does not ask, but
   * a new one does.
   */
  async #assetBytes(): Promise<number> {
    const urls = await this.page.evaluate<string[]>(
      `[...document.querySelectorAll('link[rel=stylesheet], script[src], img[src]')].map((one) => one.href || one.src)`,
    );
    let sum = 0;
    for (const url of urls) {
      const known =
        assets.get(url) ??
        Number(
          (await fetch(url, { headers: { 'accept-encoding': 'gzip' } })).headers.get(
            'content-length',
          ),
        );
      assets.set(url, known);
      sum += known;
    }
    return sum;
  }

  async #notWide(): Promise<void> {
    const [wide, window, who] = await this.page.evaluate<[number, number, string]>(`(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      const out = (one) => { const box = one.getBoundingClientRect(); return box.right > clientWidth + 1 || box.left < -1; };
      const first = scrollWidth > clientWidth ? [...document.querySelectorAll('main *, header *, footer *')].find(out) : undefined;
      return [scrollWidth, Math.min(clientWidth, innerWidth), first ? first.outerHTML.slice(0, 200) : ''];
    })()`);
    if (wide > window) this.#problems.push(`${wide} px wide in a window of ${window}: ${who}`);
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/**
 * What axe-core finds wrong with the page as it is; `only` names the rules, otherwise all of them.
 * Evaluated, so that the page’s CSP stays as it is.
 */
export async function axeViolations(
  page: Page,
  only?: readonly string[],
): Promise<readonly string[]> {
  await page.evaluate(`${axeSource}; undefined`);
  const options = only
    ? { runOnly: { type: 'rule', values: only } }
    : { rules: { 'target-size': { enabled: true } } };
  const found = await page.evaluate<readonly Violation[]>(
    `axe.run(document, ${JSON.stringify({ ...options, resultTypes: ['violations'] })}).then(({ violations }) => violations)`,
  );
  return found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} (${failureSummary})`).join('\n  ')}`,
  );
}
