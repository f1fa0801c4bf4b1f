import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Browser } from '../../examples/demo/browser.ts';
import { runCommand } from '../harness/command.ts';
import { freePort, password } from './server.ts';

describe('cli', () => {
  const bin = new URL('../../bin/gatehouse.js', import.meta.url).pathname;
  const data = join(mkdtempSync(join(tmpdir(), 'gatehouse-cli-')), 'data');
  after(() => rmSync(join(data, '..'), { recursive: true, force: true }));

  /** One command in this process. */
  const run = (args: readonly string[], input = '', env: Readonly<Record<string, string>> = {}) =>
    runCommand(args, { input, env });
  /** One command as a person calls it. */
  const runProcess = (args: readonly string[], input = '') => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
      input,
      encoding: 'utf8',
    });
    return { status, out: stdout, err: stderr };
  };

  const commands = [
    'serve',
    'account create',
    'account list',
    'client create',
    'client list',
    'client show',
    'client approve',
    'client reject',
    'client disable',
    'client reenable',
    'client introspector',
    'client pkce',
    'explain oauth1',
    'keys list',
    'keys rotate',
    'keys retire',
    'backup',
    'restore',
    'migrate',
    'partition',
  ];
  test('every command has --help, and the overview names it', async () => {
    const overview = await run(['--help']);
    assert.equal(overview.status, 0);
    for (const command of commands) {
      assert.ok(overview.out.includes(command), command);
      const help = await run([...command.split(' '), '--help']);
      assert.equal(help.status, 0);
      assert.match(help.out, /Usage: gatehouse/);
    }
  });

  /** Starts the server as a person does, and gathers what it prints until it is ready. */
  async function serve(
    port: number,
  ): Promise<{ readonly child: ChildProcess; readonly printed: string }> {
    const child = spawn(process.execPath, [bin, 'serve', '--port', String(port), '--data', data], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (piece) => {
      printed += piece;
    });
    while (!/setup\?token=\S+|Sign in at/.test(printed))
      await new Promise((resolve) => setTimeout(resolve, 20));
    return { child, printed };
  }
  const stop = (child: ChildProcess, signal: 'SIGINT' | 'SIGTERM'): Promise<number | null> =>
    new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill(signal);
    });

  test('the first start prints a set-up link that works once; a second start finds everything again', async () => {
    const port = await freePort();
    const first = await serve(port);
    const link = /http:\S+\/setup\?token=\S+/.exec(first.printed)?.[0] ?? '';
    const browser = new Browser();
    const done = await browser.press(await browser.follow(link), 'set-up', {
      name: 'Root',
      email: 'root@example.org',
      password,
    });
    assert.match(done.text, /Hello, Root/);
    const other = new Browser();
    const again = await other.press(await other.follow(link), 'set-up', {
      name: 'Second',
      email: 'second@example.org',
      password,
    });
    assert.match(again.text, /used before/);
    assert.equal(await stop(first.child, 'SIGINT'), 0);

    const second = await serve(port);
    assert.ok(!second.printed.includes('setup?token'));
    assert.match((await browser.follow(`http://localhost:${port}/`)).text, /Hello, Root/);
    assert.equal(await stop(second.child, 'SIGTERM'), 0);
    assert.equal(statSync(join(data, 'gatehouse.db')).mode & 0o777, 0o600);
    for (const key of readdirSync(join(data, 'keys')))
      assert.equal(statSync(join(data, 'keys', key)).mode & 0o777, 0o600);
  });

  test('apps go through their stages; refusals exit 1 and name the remedy, wrong use exits 2', async () => {
    const made = await run([
      'client',
      'create',
      '--owner',
      'Root',
      '--name',
      'App',
      '--protocol',
      'oauth1',
      '--redirect-uri',
      'https://app.example/cb',
      '--scope',
      'editpage',
      '--json',
      '--data',
      data,
    ]);
    assert.equal(made.status, 0, made.err);
    const app = JSON.parse(made.out);
    assert.match(app.client_secret, /^[0-9a-f]{40}$/);
    assert.equal(app.stage, 'proposed');
    for (const [verb, stage] of [
      ['approve', 'approved'],
      ['disable', 'disabled'],
      ['reenable', 'approved'],
    ] as const) {
      assert.equal(
        JSON.parse((await run(['client', verb, app.client_id, '--json', '--data', data])).out)
          .stage,
        stage,
      );
    }
    // For OAuth 2 alone.
    const introspector = await run([
      'client',
      'introspector',
      app.client_id,
      '--tokens',
      'all',
      '--data',
      data,
    ]);
    assert.deepEqual(
      [introspector.status, /invalid_field/.test(introspector.err)],
      [1, true],
      introspector.err,
    );
    assert.equal(
      (await run(['client', 'introspector', app.client_id, '--tokens', 'some', '--data', data]))
        .status,
      2,
    );
    const refused = await run(['client', 'reject', app.client_id, '--data', data]);
    assert.equal(refused.status, 1);
    assert.match(refused.err, /the app is approved.*not_proposed.*client show/i);
    assert.ok(
      !(await run(['client', 'show', app.client_id, '--json', '--data', data])).out.includes(
        app.client_secret,
      ),
    );
    assert.equal(
      JSON.parse((await run(['client', 'list', '--json', '--data', data])).out).length,
      1,
    );
    assert.equal((await run(['client', 'show', 'nobody', '--data', data])).status, 1);
    for (const wrong of [
      ['nonsense'],
      ['client', 'create', '--data', data],
      ['serve', '--port', 'x'],
      ['client', 'show'],
      ['account', 'list', '--what'],
    ]) {
      const answer = await run(wrong);
      assert.equal(answer.status, 2, wrong.join(' '));
      assert.match(answer.err, /^gatehouse: /);
    }
  });

  test('secrets are not readable in the database', async () => {
    const made = JSON.parse(
      (
        await run([
          'client',
          'create',
          '--owner',
          'Root',
          '--name',
          'Bot',
          '--protocol',
          'owner-only',
          '--oauth-version',
          '1',
          '--json',
          '--data',
          data,
        ])
      ).out,
    );
    const files = readdirSync(data).filter((name) => name.startsWith('gatehouse.db'));
    const bytes = Buffer.concat(files.map((name) => readFileSync(join(data, name))));
    for (const secret of [made.client_secret, made.access_token_secret]) {
      assert.match(secret, /^[0-9a-f]{40}$/);
      assert.ok(!bytes.includes(secret));
    }
    assert.ok(bytes.includes(made.client_id));
  });

  test('explain oauth1 shows the base string (RFC 5849 §3.4.1.1)', async () => {
    const request = {
      method: 'POST',
      url: 'http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b',
      headers: {
        authorization:
          'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a"',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'c2&a3=2+q',
      clientSecret: 'a',
      tokenSecret: 'b',
      signatureMethod: 'HMAC-SHA1',
    };
    const answer = await run(['explain', 'oauth1', '--json'], JSON.stringify(request));
    assert.equal(answer.status, 0, answer.err);
    const shown = JSON.parse(answer.out);
    assert.equal(shown.baseStringUri, 'http://example.com/request');
    assert.match(shown.normalizedParams, /^a2=r%20b&a3=2%20q&a3=a&b5=/);
    assert.match(shown.baseString, /^POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b/);
    assert.equal(typeof shown.signature, 'string');
    const { signatureMethod: _method, headers: _headers, ...unsigned } = request;
    const without = await run(['explain', 'oauth1', '--json'], JSON.stringify(unsigned));
    assert.equal(without.status, 0, without.err);
    const bare = JSON.parse(without.out);
    assert.match(bare.baseString, /^POST&http%3A%2F%2Fexample.com%2Frequest&/);
    assert.deepEqual([bare.signature, bare.valid], [null, null]);
    const unknown = await run(
      ['explain', 'oauth1'],
      JSON.stringify({ ...unsigned, signatureMethod: 'HMAC-MD5' }),
    );
    assert.deepEqual([unknown.status, /signature_method_rejected/.test(unknown.err)], [1, true]);
    assert.equal((await run(['explain', 'oauth1'], 'not json')).status, 2);
  });

  const failing = [
    {
      asked: ['client', 'creat'],
      status: 2,
      says: /no command "client creat"\. Did you mean "gatehouse client create"\? See "gatehouse client --help"/,
    },
    { asked: ['clinet', 'create'], status: 2, says: /Did you mean "gatehouse client create"/ },
    { asked: ['bakup'], status: 2, says: /Did you mean "gatehouse backup"/ },
    {
      asked: ['frobnicate'],
      status: 2,
      says: /^gatehouse: there is no command "frobnicate"\. See "gatehouse --help"\.$/m,
    },
    { asked: ['account', 'create'], status: 2, says: /--name is missing/ },
    { asked: ['client', 'show', 'x', '--data', data], status: 1, says: /no app with client_id x/ },
    {
      asked: ['account', 'list', '--database', 'postgres://x@127.0.0.1:1/x'],
      status: 3,
      says: /database is not available/,
    },
  ] as const;
  /** One of them as a person calls it: streams and exit code of a process of its own. */
  test('a process says on standard error what is wrong, and exits with the same code', () => {
    const { status, out, err } = runProcess(['client', 'creat']);
    assert.deepEqual([status, out], [2, '']);
    assert.match(err, /^gatehouse: there is no command "client creat"/);
    const explained = runProcess(['explain', 'oauth1'], 'not json');
    assert.equal(explained.status, 2, explained.err);
  });
  for (const { asked, status, says } of failing) {
    test(`gatehouse ${asked.slice(0, 2).join(' ')} says what is wrong, as a sentence and as JSON, and exits with ${status}`, async () => {
      const plain = await run(asked);
      assert.equal(plain.status, status);
      assert.match(plain.err, says);
      assert.equal(plain.out, '');
      const json = await run([...asked, '--json']);
      assert.equal(json.status, status);
      const { error } = JSON.parse(json.err) as { error: { code: string; message: string } };
      assert.equal(error.code, { 1: 'refused', 2: 'usage', 3: 'unreachable' }[status]);
      assert.ok(plain.err.includes(error.message.split('\n')[0] as string));
    });
  }

  test('--version prints the version, and a group of commands lists itself', async () => {
    assert.match((await run(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
    const group = await run(['client', '--help']);
    assert.equal(group.status, 0);
    assert.match(group.out, /client create/);
    assert.ok(!group.out.includes('account create'));
    assert.equal((await run(['client'])).status, 2);
  });

  const files = [
    {
      flag: '--groups',
      text: '{"groups":{"*":["read"]}}',
      says: /--groups \(GATEHOUSE_GROUPS\).*no group gives the right userrights, so nobody could administer/s,
    },
    { flag: '--groups', text: '{', says: /--groups \(GATEHOUSE_GROUPS\).*cannot be read as JSON/ },
    {
      flag: '--scopes',
      text: '{"groups":{},"risks":{},"scopes":[{"name":"a b"}]}',
      says: /--scopes \(GATEHOUSE_SCOPES\).*docs\/configuration\.md/s,
    },
  ] as const;
  for (const { flag, text, says } of files) {
    test(`a file of ${flag} that does not fit (${text.slice(0, 24)}) is an error with the setting in it, not a stack trace`, async () => {
      const file = join(data, '..', 'table.json');
      writeFileSync(file, text);
      const answer = await run(['serve', '--data', join(data, '..', 'unused'), flag, file]);
      assert.equal(answer.status, 2);
      assert.match(answer.err, says);
      assert.doesNotMatch(answer.err, /\n\s+at /);
    });
  }

  test('the tables of docs/configuration.md are accepted as they stand', async () => {
    const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    const place = join(data, '..', 'tables');
    mkdirSync(place);
    for (const name of ['scopes', 'groups']) {
      const block = new RegExp(`\`\`\`json ${name}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '';
      writeFileSync(join(place, `${name}.json`), block);
    }
    const answer = await run(['account', 'list', '--data', join(place, 'data'), '--json'], '');
    assert.equal(answer.status, 0);
    const made = await run(['account', 'list', '--data', join(place, 'data'), '--json'], '', {
      GATEHOUSE_SCOPES: join(place, 'scopes.json'),
      GATEHOUSE_GROUPS: join(place, 'groups.json'),
    });
    assert.equal(made.status, 0, made.err);
  });
});
