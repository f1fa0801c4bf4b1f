import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Browser } from '../../examples/demo/browser.ts';
import { freePort, password } from './server.ts';

// What an operator installs: the packed tarball, in an empty folder, without this repository.

const root = new URL('../../', import.meta.url).pathname;

const EMBEDDED = `
import('gatehouse').then(async ({ startGatehouse }) => {
  const server = await startGatehouse({ settings: { port: '0', data: './embedded' } });
  console.log((await fetch(server.address + '/readyz')).status);
  await server.stop();
});`;

describe('the packed tarball, installed in an empty folder', { timeout: 180_000 }, () => {
  // A blank in the path, as people have it.
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse installed '));
  const packed = join(folder, 'packed');
  const home = join(folder, 'home');
  let files: readonly string[] = [];
  let serving: ChildProcess | undefined;

  const npm = (cwd: string, ...args: readonly string[]) =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const gatehouse = (args: readonly string[], input = '') =>
    execFileSync(process.execPath, [join(home, 'node_modules/.bin/gatehouse'), ...args], {
      cwd: home,
      encoding: 'utf8',
      input,
    });

  before(() => {
    for (const directory of [packed, home]) mkdirSync(directory);
    npm(root, 'pack', '--pack-destination', packed);
    const [tarball = ''] = readdirSync(packed);
    npm(home, 'install', '--offline', '--no-audit', '--no-fund', join(packed, tarball));
    const installed = join(home, 'node_modules/gatehouse');
    files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  });
  after(() => {
    serving?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('it brings no other package, no test, no source and no picture', () => {
    const installed = readdirSync(join(home, 'node_modules')).filter(
      (name) => !name.startsWith('.'),
    );
    assert.deepEqual(installed, ['gatehouse']);
    assert.deepEqual(
      files.filter(
        (file) =>
          /(^|\/)(test|examples|bench|scripts)\/|\.(webp|png)$/.test(file) ||
          (file.endsWith('.ts') && !file.endsWith('.d.ts')),
      ),
      [],
    );
  });
  test('it carries the licence of everything that was bundled', () => {
    const licences = readFileSync(
      join(home, 'node_modules/gatehouse/dist/THIRD-PARTY-LICENSES.txt'),
      'utf8',
    );
    for (const name of [
      'fastify',
      'zod',
      'pg',
      'nodemailer',
      '@redis/client',
      '@simplewebauthn/browser',
      'intl-messageformat',
    ])
      assert.match(licences, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\S* \\(`, 'm'));
  });
  test('a program in TypeScript compiles against its declarations, and none of its names lead nowhere', () => {
    writeFileSync(
      join(home, 'consumer.mts'),
      `import { type Gatehouse, type StartOptions, StartupError, startGatehouse } from 'gatehouse';
const options: StartOptions = { settings: { port: '0', data: './embedded' } };
const server: Gatehouse = await startGatehouse(options);
const address: string = server.address;
await server.stop();
export const failed = (fault: unknown): 2 | 3 | string =>
  fault instanceof StartupError ? fault.exitCode : address;
// @ts-expect-error a number is no setting
await startGatehouse({ settings: { port: 4400 } });
`,
    );
    const flags = ['--ignoreConfig', '--strict', '--skipLibCheck', 'false', '--types', ''];
    const compiler = spawnSync(
      join(root, 'node_modules/.bin/tsc'),
      [...flags, '--module', 'nodenext', '--target', 'es2024', 'consumer.mts'],
      { cwd: home, encoding: 'utf8' },
    );
    assert.equal(compiler.status, 0, compiler.stdout + compiler.stderr);
    const fault = spawnSync(
      process.execPath,
      [
        '-e',
        "import('gatehouse').then(({ startGatehouse }) => startGatehouse({ settings: { port: 'x' } }))",
      ],
      { cwd: home, encoding: 'utf8' },
    );
    assert.match(fault.stderr, /the settings do not fit:[\s\S]*port/);
    // What was compiled runs, on a database of its own.
    const ran = spawnSync(process.execPath, ['-e', EMBEDDED], { cwd: home, encoding: 'utf8' });
    assert.equal(ran.stdout, '200\n', ran.stderr);
  });
  test('every command answers, as in the repository', () => {
    assert.match(gatehouse(['--version']), /^\d+\.\d+\.\d+\n$/);
    assert.match(gatehouse(['--help']), /serve +Starts the server/);
    assert.match(gatehouse(['client', 'create', '--help']), /Usage: gatehouse client create/);
    gatehouse(
      [
        'account',
        'create',
        '--name',
        'Ada',
        '--email',
        'ada@example.org',
        '--email-confirmed',
        '--password-stdin',
      ],
      `${password}\n`,
    );
    const create = [
      'client',
      'create',
      '--owner',
      'Ada',
      '--name',
      'Reader',
      '--protocol',
      'oauth2',
    ];
    const made = JSON.parse(
      gatehouse([
        ...create,
        '--redirect-uri',
        'http://127.0.0.1:8080/cb',
        '--scope',
        'editpage',
        '--approve',
        '--json',
      ]),
    );
    assert.ok(made);
  });
  test('it serves pages, scripts and metadata; a person signs in; Ctrl-C ends it cleanly', async () => {
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const child = spawn(
      process.execPath,
      [join(home, 'node_modules/.bin/gatehouse'), 'serve', '--port', String(port)],
      {
        cwd: home,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    serving = child;
    const ended = new Promise<number | null>((done) => child.once('exit', done));
    while ((await fetch(`${url}/readyz`).catch(() => undefined))?.status !== 200) {
      assert.equal(child.exitCode, null, 'the server ended before it was ready');
      await new Promise((done) => setTimeout(done, 50));
    }
    const metadata = await (await fetch(`${url}/.well-known/oauth-authorization-server`)).json();
    assert.equal((metadata as { readonly issuer: string }).issuer, url);
    const script = await (await fetch(`${url}/assets/passkeys.js`)).text();
    assert.match(script, /startRegistration/);
    const browser = new Browser();
    await browser.press(await browser.follow(`${url}/sign-in`), 'password', {
      name: 'Ada',
      password,
    });
    assert.match((await browser.follow(`${url}/my/apps`)).text, /Reader/);
    child.kill('SIGINT');
    assert.equal(await ended, 0);
  });
});
