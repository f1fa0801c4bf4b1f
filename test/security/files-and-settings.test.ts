import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readConfig } from '#config/read-config.ts';
import {
  MAX_SECRET_FILE_BYTES,
  readRegularFile,
  UnsuitableFileError,
} from '#platform/plain-file.ts';
import { TestServer } from '../harness/world.ts';

describe('files and settings', () => {
  // Files and settings that would be taken silently, block, or end in a stack trace.

  const home = mkdtempSync(join(tmpdir(), 'gatehouse-files-'));
  after(() => rmSync(home, { recursive: true, force: true }));
  const program = new URL('../../src/main.ts', import.meta.url).pathname;
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(process.execPath, [program, ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
      timeout: 60_000,
    });
  const path = (name: string) => join(home, name);
  const pipe = path('pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);

  test('issuers that no client could compare are refused, with setting, source and remedy (RFC 8414 §2)', () => {
    const read = (issuer: string) => readConfig({ issuer }, {}, () => '');
    for (const [given, kept] of [
      ['https://auth.example.org', 'https://auth.example.org'],
      ['https://auth.example.org/', 'https://auth.example.org'],
      ['https://example.org/auth/v1', 'https://example.org/auth/v1'],
      ['https://example.org/auth/', 'https://example.org/auth'],
      ['http://localhost:4400', 'http://localhost:4400'],
      ['http://[::1]:4400', 'http://[::1]:4400'],
      ['https://xn--bcher-kva.example', 'https://xn--bcher-kva.example'],
    ] as const) {
      const config = read(given);
      assert.equal(config.ok && config.value.issuer, kept);
    }
    for (const wrong of [
      ...[
        'https://auth.example.org?',
        'https://auth.example.org#',
        'https://auth.example.org/?',
        'https://auth.example.org/#',
        'https://auth.example.org?#',
      ],
      ...[
        'https://auth.example.org?a=b',
        'https://auth.example.org/#a',
        ' https://auth.example.org',
        'https://auth.example.org ',
        'https://auth.exa\tmple.org',
      ],
      ...[
        'https://auth.example.org\n',
        'https://auth.example.org/a b',
        'https://user@auth.example.org',
        'https://user:pass@auth.example.org',
        'https://@auth.example.org',
      ],
      ...[
        'https://auth.example.org//',
        'https://auth.example.org/a//',
        'https://auth.example.org//a',
        'https://auth.example.org/a/../b',
        'https://auth.example.org/./',
      ],
      ...[
        'https://AUTH.example.org',
        'HTTPS://auth.example.org',
        'https://auth.example.org:443',
        'http://auth.example.org:80',
        'https://bücher.example',
      ],
      ...[
        'https:auth.example.org',
        'https:/auth.example.org',
        'https:\\\\auth.example.org',
        'https://auth.example.org\\a',
        'https://0x7f.1',
        'https://127.1',
      ],
      ...[
        'ftp://auth.example.org',
        'file:///etc',
        'javascript:alert(1)',
        'auth.example.org',
        '//auth.example.org',
        'https://',
        'nonsense',
        `https://a.example/${'x'.repeat(600)}`,
      ],
    ]) {
      const config = read(wrong);
      assert.ok(!config.ok, JSON.stringify(wrong));
      const [problem] = config.refusal;
      assert.deepEqual([problem?.setting, problem?.source], ['issuer', '--issuer']);
      assert.match(problem?.remedy ?? '', /https:\/\/auth\.example\.org.*RFC 8414/);
    }
    const fromVariable = readConfig(
      {},
      { GATEHOUSE_ISSUER: 'https://auth.example.org?' },
      () => '',
    );
    assert.equal(!fromVariable.ok && fromVariable.refusal[0]?.source, 'GATEHOUSE_ISSUER');
  });

  test('deep YAML is refused in words, whatever it is deep in', () => {
    for (const text of [
      `clients: ${'['.repeat(5000)}${']'.repeat(5000)}`,
      `clients: ${'{a: '.repeat(5000)}${'}'.repeat(5000)}`,
      Array.from({ length: 3000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
      '- '.repeat(20_000),
      '? '.repeat(20_000),
      `clients: ${'['.repeat(5000)}`,
    ]) {
      const config = readConfig({ config: 'file.yaml' }, {}, () => text);
      assert.ok(!config.ok);
      assert.doesNotMatch(JSON.stringify(config.refusal), /call stack/i);
      assert.match(JSON.stringify(config.refusal), /not so deep/);
    }
  });

  test('only regular files of a sensible size are read, and nothing waits', () => {
    writeFileSync(path('right'), 'x'.repeat(MAX_SECRET_FILE_BYTES));
    writeFileSync(path('large'), 'x'.repeat(MAX_SECRET_FILE_BYTES + 1));
    symlinkSync(path('right'), path('link'));
    symlinkSync(pipe, path('link-to-pipe'));
    assert.equal(
      readRegularFile(path('right'), MAX_SECRET_FILE_BYTES).length,
      MAX_SECRET_FILE_BYTES,
    );
    assert.equal(
      readRegularFile(path('link'), MAX_SECRET_FILE_BYTES).length,
      MAX_SECRET_FILE_BYTES,
    );
    for (const unfit of [path('large'), pipe, path('link-to-pipe'), '/dev/zero', '/dev/null', home])
      assert.throws(
        () => readRegularFile(unfit, MAX_SECRET_FILE_BYTES),
        UnsuitableFileError,
        unfit,
      );
    assert.throws(() => readRegularFile(path('absent'), MAX_SECRET_FILE_BYTES), { code: 'ENOENT' });
  });

  for (const [what, args, env] of [
    [
      'the file of a master key',
      ['account', 'list', '--data', path('a')],
      { GATEHOUSE_MASTER_KEY_FILE: pipe },
    ],
    [
      'an endless device as the file of the mail server',
      ['account', 'list', '--data', path('b')],
      { GATEHOUSE_SMTP_URL_FILE: '/dev/zero' },
    ],
    ['the configuration file', ['account', 'list', '--data', path('c'), '--config', pipe], {}],
  ] as const) {
    test(`${what}: refused at once, with setting and remedy`, () => {
      const { status, stderr } = run(args, env);
      assert.equal(status, 2, stderr);
      assert.match(stderr, /use a regular file of a sensible size \(.* is no regular file/);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  test('a kept key file that is a pipe is refused at once', () => {
    mkdirSync(path('keyed/keys'), { recursive: true, mode: 0o700 });
    assert.equal(spawnSync('mkfifo', [path('keyed/keys/master.json')]).status, 0);
    const { status, stderr } = run(['account', 'list', '--data', path('keyed')]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /master\.json is no regular file/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  test('a link to nothing as the data directory: no stack trace', () => {
    symlinkSync(path('nothing'), path('dangling'));
    writeFileSync(path('backup.tar.gz'), 'x');
    for (const [args, status] of [
      [['restore', path('backup.tar.gz'), '--data', path('dangling')], 1],
      [['account', 'list', '--data', path('dangling')], 2],
    ] as const) {
      const ran = run(args);
      assert.equal(ran.status, status, ran.stderr);
      assert.match(ran.stderr, /is a link to nothing/);
      assert.doesNotMatch(ran.stderr, /\n\s+at /);
    }
  });

  test('what other users of the machine may read or change is a warning, in the world and on the page', async () => {
    const data = path('open');
    mkdirSync(join(data, 'keys'), { recursive: true });
    for (const name of [
      'gatehouse.db',
      'gatehouse.db-wal',
      'keys/master.json',
      'keys/signing.json',
    ])
      writeFileSync(join(data, name), '{}');
    const modes = (directories: number, files: number) => {
      for (const each of ['', 'keys']) chmodSync(join(data, each), directories);
      for (const each of [
        'gatehouse.db',
        'gatehouse.db-wal',
        'keys/master.json',
        'keys/signing.json',
      ])
        chmodSync(join(data, each), files);
    };
    modes(0o700, 0o600);
    const world = new TestServer({ data, issuer: 'http://localhost:4400' });
    const about = () =>
      world.server.services
        .setupWarnings()
        .map(({ kind, about: what }) => `${kind} ${what.slice(data.length)}`);
    assert.deepEqual(about(), []);
    modes(0o750, 0o640);
    assert.deepEqual(about(), [], 'a group is the operator’s own');
    modes(0o777, 0o644);
    assert.deepEqual(
      about(),
      [
        '',
        '/keys',
        '/keys/master.json',
        '/keys/signing.json',
        '/gatehouse.db',
        '/gatehouse.db-wal',
      ].map((each) => `open-to-others ${each}`),
    );
    modes(0o701, 0o602);
    assert.equal(about().length, 6);
    const root = await world.createPerson('Root', ['administrator']);
    const cookie = (await world.sessionCookie(root)).replace('__Host-', '');
    const page = await world.app.inject({ url: '/admin', headers: { cookie } });
    assert.equal(page.statusCode, 200);
    assert.ok(page.body.includes(join(data, 'keys/master.json')));
    assert.match(page.body, /Other users of the machine may read or change it/);
    await world.close();
  });
});
