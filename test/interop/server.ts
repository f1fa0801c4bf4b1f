import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser, type Page } from '../../examples/demo/browser.ts';

export const password = 'correct horse battery';
const main = new URL('../../src/main.ts', import.meta.url).pathname;

/** A port nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

/** Another process of the real program, on a data directory of its own unless one is given. */
export class Server {
  readonly issuer: string;
  readonly data: string;
  readonly #port: number;
  readonly #owned: boolean;
  #child: ChildProcess | undefined;

  private constructor(port: number, data: string | undefined, issuer: string | undefined) {
    this.#port = port;
    this.issuer = issuer ?? `http://localhost:${port}`;
    this.#owned = data === undefined;
    this.data = data ?? mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  }

  static async start(
    options: {
      readonly data?: string;
      readonly issuer?: string;
      readonly flags?: readonly string[];
    } = {},
  ): Promise<Server> {
    const server = new Server(await freePort(), options.data, options.issuer);
    await server.run(options.flags);
    return server;
  }

  /** Where this process listens, whatever it is known as. */
  get url(): string {
    return `http://localhost:${this.#port}`;
  }

  async run(flags: readonly string[] = []): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        main,
        'serve',
        '--port',
        String(this.#port),
        '--data',
        this.data,
        '--issuer',
        this.issuer,
        ...flags,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#child = child;
    let exited = false;
    child.on('exit', () => {
      exited = true;
    });
    for (;;) {
      if (exited) throw new Error('the server ended before it was ready');
      const ready = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (ready?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Number of the process, to look for those it started. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Ends the process: cleanly, or as a power failure would. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    if (this.#owned) rmSync(this.data, { recursive: true, force: true });
  }

  /**
   * Runs one command of the program and reads its JSON. Throws what it wrote to standard error when
   * it fails.
   */
  // biome-ignore lint/suspicious/noExplicitAny: what a command prints is the thing under test
  command(...args: readonly string[]): any {
    const input = args[0] === 'account' ? `${password}\n` : '';
    const ran = spawnSync(
      process.execPath,
      [main, ...args, '--json', '--data', this.data, '--issuer', this.issuer],
      {
        input,
        encoding: 'utf8',
      },
    );
    if (ran.status !== 0) throw new Error(`gatehouse ${args.join(' ')}: ${ran.stderr}`);
    return JSON.parse(ran.stdout);
  }

  person(name: string, ...more: readonly string[]): { readonly id: number } {
    return this.command(
      'account',
      'create',
      '--name',
      name,
      '--email',
      `${name.toLowerCase()}@example.org`,
      '--email-confirmed',
      '--password-stdin',
      ...more,
    );
  }

  client(...options: readonly string[]): {
    readonly client_id: string;
    readonly client_secret: string;
    readonly access_token: string;
    readonly access_token_secret: string;
  } {
    return this.command('client', 'create', '--owner', 'Ada', '--approve', ...options);
  }
}

/**
 * Goes to a page as that person, signing in where asked, and presses the button; answers where the
 * browser would go next.
 */
export async function decide(
  browser: Browser,
  url: string,
  button: 'accept' | 'cancel' = 'accept',
  name = 'Ben',
): Promise<Page> {
  const first = await browser.follow(url);
  const asked = first.text.includes('name="password"')
    ? await browser.press(first, 'sign-in', { name, password })
    : first;
  return asked.location === null ? browser.press(asked, button) : asked;
}

/** The query of the address a page redirects to. */
export const answerOf = (page: Page): URLSearchParams => {
  if (page.location === null)
    throw new Error(`no redirect, but ${page.status}: ${page.text.slice(0, 400)}`);
  return new URL(page.location).searchParams;
};

/** A code for the app of that identifier, as Ben's browser brings it back after his yes. */
export async function codeFor(
  issuer: string,
  clientId: string,
  redirectUri: string,
  verifier: string,
): Promise<string> {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return (
    answerOf(await decide(new Browser(), `${issuer}/oauth2/authorize?${query}`)).get('code') ?? ''
  );
}
