import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
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
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { runCommand } from '#harness/command.ts';
import { readTar, writeTar } from '#operations/archive.ts';

describe('backups are authenticated', () => {
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-sealed-'));
  const data = join(root, 'data');
  const [plain, closed, bare] = [join(root, 'plain'), join(root, 'closed'), join(root, 'bare')];
  const passphrase = 'correct horse battery staple';
  let printed: { sha256: string; audit_head: unknown };

  /** Cheap: how hard guessing is has a test of its own. */
  const passphraseCost = { N: 1024, r: 8, p: 1, maxmem: 4 * 1024 * 1024 };

  async function command(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    input = '',
  ) {
    const { status, out, err } = await runCommand(args, { env, input, passphraseCost });
    return { status, said: out + err };
  }

  /** The same as a process of its own, at the cost that every operator pays. */
  function commandProcess(args: readonly string[], input: string) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
      input,
      encoding: 'utf8',
    });
    return { status, said: stdout + stderr };
  }
  const secret = { GATEHOUSE_BACKUP_PASSPHRASE: passphrase };

  before(async () => {
    const made = await command(
      [
        'account',
        'create',
        '--name',
        'Ada',
        '--email',
        'ada@example.org',
        '--password-stdin',
        '--data',
        data,
      ],
      {},
      'a long password of Ada\n',
    );
    assert.equal(made.status, 0, made.said);
    const kept = await command(['backup', plain, '--json', '--data', data]);
    assert.equal(kept.status, 0, kept.said);
    printed = JSON.parse(kept.said);
    for (const [file, more, environment] of [
      [closed, [], secret],
      [bare, ['--without-keys'], {}],
    ] as const) {
      const answer = await command(['backup', file, ...more, '--data', data], environment);
      assert.equal(answer.status, 0, answer.said);
    }
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  let tries = 0;
  /** Restores; answers what was said, and whether anything is there. */
  async function restored(
    file: string,
    args: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
    input = '',
  ) {
    const into = join(root, `into-${++tries}`);
    const answer = await command(['restore', file, ...args, '--data', into], environment, input);
    return { ...answer, into, left: existsSync(into) ? readdirSync(into) : [] };
  }
  async function refused(...asked: Parameters<typeof restored>): Promise<string> {
    const { status, said, left } = await restored(...asked);
    assert.notEqual(status, 0, said);
    assert.deepEqual(left, []);
    return said;
  }

  type Files = Map<string, Buffer>;
  async function filesOf(file: string): Promise<Files> {
    const files: Files = new Map();
    const tar = (async function* () {
      yield gunzipSync(readFileSync(file));
    })();
    for await (const { name, content } of readTar(tar)) {
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      files.set(name, Buffer.concat(pieces));
    }
    return files;
  }

  /** What somebody makes of a backup who has it: other content, with sums that are right. */
  async function forged(
    change: (files: Files, manifest: Record<string, unknown>) => void,
    of = plain,
  ): Promise<string> {
    const files = await filesOf(of);
    const manifest = JSON.parse(String(files.get('backup.json'))) as Record<string, unknown>;
    files.delete('backup.json');
    change(files, manifest);
    manifest.files = [...files].map(([name, bytes]) => ({
      name,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }));
    const entries = [['backup.json', Buffer.from(JSON.stringify(manifest))] as const, ...files];
    const pieces: Buffer[] = [];
    for await (const piece of writeTar(
      entries.map(([name, bytes]) => ({ name, size: bytes.length, content: [bytes] })),
      0,
    ))
      pieces.push(piece);
    const path = join(root, `forged-${++tries}`);
    writeFileSync(path, gzipSync(Buffer.concat(pieces)));
    return path;
  }

  const withStatements = (statements: string) => (files: Files) => {
    const path = join(root, `forged-${++tries}.db`);
    writeFileSync(path, files.get('gatehouse.db') ?? '');
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA journal_mode = DELETE; ${statements}`);
    db.close();
    files.set('gatehouse.db', readFileSync(path));
  };
  const administrator = withStatements(`UPDATE accounts SET groups = '["administrator"]'`);

  test('as it was made it is restored, and what is said of it is no more than what was shown', async () => {
    const inside = await restored(plain);
    assert.equal(inside.status, 0, inside.said);
    assert.match(inside.said, /could have changed it/);
    assert.match(
      (await restored(plain, ['--sha256', printed.sha256])).said,
      /whose SHA-256 was given/,
    );
    const keys = JSON.parse(readFileSync(join(data, 'keys', 'master.json'), 'utf8')) as {
      keys: { id: string; key: string }[];
    };
    const atHand = {
      GATEHOUSE_MASTER_KEYS: keys.keys.map(({ id, key }) => `${id}:${key}`).join(','),
    };
    const known = await restored(plain, [], atHand);
    assert.equal(known.status, 0, known.said);
    assert.match(known.said, /master keys show/);
    assert.ok('audit_head' in printed);
  });

  test('rows that somebody changed, with all sums put right, are refused', async () => {
    assert.match(
      await refused(await forged(administrator)),
      /was changed, or was not made with these keys/,
    );
    assert.match(
      await refused(await forged(administrator), ['--sha256', printed.sha256]),
      /another SHA-256/,
    );
  });

  test('so is a manifest that says something else, or has no proof, or that of another', async () => {
    for (const change of [
      (_: Files, manifest: Record<string, unknown>) =>
        void Object.assign(manifest, { made_at: '2001-01-01T00:00:00.000Z' }),
      (_: Files, manifest: Record<string, unknown>) =>
        void Reflect.deleteProperty(manifest, 'proof'),
      (_: Files, manifest: Record<string, unknown>) =>
        void Object.assign(manifest, { proof: null }),
      (_: Files, manifest: Record<string, unknown>) =>
        void Object.assign(manifest, { proof: { key: 'm1', hmac: '' } }),
      (_: Files, manifest: Record<string, unknown>) =>
        void Object.assign(manifest, { proof: { key: 'm1', hmac: '00'.repeat(32) } }),
      (_: Files, manifest: Record<string, unknown>) =>
        void Object.assign(manifest, { proof: { key: ['m1'], hmac: {} } }),
      (files: Files) => void files.delete('keys/signing.json'),
    ])
      assert.match(await refused(await forged(change)), /was changed/);
  });

  test('with keys at hand those inside are not asked: a backup that fits its own keys alone is refused', async () => {
    assert.match(
      await refused(plain, [], {
        GATEHOUSE_MASTER_KEYS: `m1:${Buffer.alloc(32, 1).toString('base64')}`,
      }),
      /not made with these keys/,
    );
  });

  test('objects that no migration made are refused, also where the proof is not asked', async () => {
    for (const [statements, words] of [
      [
        'CREATE TRIGGER mine AFTER INSERT ON accounts BEGIN UPDATE accounts SET blocked = 0; END',
        /trigger mine/,
      ],
      ['CREATE VIEW mine AS SELECT 1', /view mine/],
      ['CREATE TABLE mine (a)', /table mine/],
      ['CREATE INDEX mine ON accounts (email)', /index mine/],
      ['DROP TRIGGER audit_is_not_erased', /audit_is_not_erased of Gatehouse is missing/],
      [
        `DROP TRIGGER audit_is_not_erased; CREATE TRIGGER audit_is_not_erased BEFORE DELETE ON audit BEGIN SELECT 1; END`,
        /trigger audit_is_not_erased in it was not made/,
      ],
    ] as const) {
      const path = await forged(withStatements(statements));
      const sum = createHash('sha256').update(readFileSync(path)).digest('hex');
      assert.match(await refused(path, ['--sha256', sum]), words);
    }
  });

  test('a sealed backup opens by its passphrase alone: from a variable, a file, or standard input', async () => {
    const file = join(root, 'passphrase');
    writeFileSync(file, `${passphrase}\n`, { mode: 0o600 });
    for (const [args, environment, input] of [
      [[], secret, ''],
      [[], { GATEHOUSE_BACKUP_PASSPHRASE_FILE: file }, ''],
      [['--passphrase-stdin'], {}, `${passphrase}\n`],
    ] as const) {
      const answer = await restored(closed, args, environment, input);
      assert.equal(answer.status, 0, answer.said);
      assert.deepEqual(answer.left.toSorted(), ['gatehouse.db', 'keys']);
    }
    assert.match(await refused(closed), /is sealed/);
    assert.match(
      await refused(closed, [], { GATEHOUSE_BACKUP_PASSPHRASE: `${passphrase}!` }),
      /passphrase is another/,
    );
    assert.match(
      await refused(plain, [], secret),
      /not sealed/,
      'nobody puts an open one in its place',
    );
    assert.equal(statSync(closed).mode & 0o777, 0o600);
    const bytes = readFileSync(closed);
    for (const word of ['Ada', 'ada@example.org', 'gatehouse.db', 'master.json', passphrase])
      assert.ok(!bytes.includes(word), word);
  });

  test('a process seals with a passphrase and opens again, at a cost that cheap guesses do not have', async () => {
    const [file, into] = [join(root, 'full-price'), join(root, 'full-price-data')];
    const made = commandProcess(
      ['backup', file, '--passphrase-stdin', '--data', data],
      `${passphrase}\n`,
    );
    assert.equal(made.status, 0, made.said);
    assert.match(await refused(file, [], secret), /passphrase is another/);
    const opened = commandProcess(
      ['restore', file, '--passphrase-stdin', '--data', into],
      `${passphrase}\n`,
    );
    assert.equal(opened.status, 0, opened.said);
  });

  test('a sealed backup that is cut, changed, or whose pieces were moved is refused', async () => {
    const whole = readFileSync(closed);
    const path = join(root, 'bad');
    const head = 26 + 16 + 7;
    const chunk = 65_536 + 16;
    const changes: Buffer[] = [0, 10, 26, head - 1, head, head + 100, whole.length - 1].map(
      (place) => {
        const changed = Buffer.from(whole);
        changed[place] = (changed[place] ?? 0) ^ 1;
        return changed;
      },
    );
    const cuts = [26, head, head + 15, whole.length >> 1, whole.length - 17, whole.length - 1].map(
      (length) => whole.subarray(0, length),
    );
    const moved =
      whole.length > head + 2 * chunk
        ? [
            Buffer.concat([whole.subarray(0, head), whole.subarray(head + chunk)]),
            Buffer.concat([
              whole.subarray(0, head),
              whole.subarray(head + chunk, head + 2 * chunk),
              whole.subarray(head, head + chunk),
              whole.subarray(head + 2 * chunk),
            ]),
            whole.subarray(0, head + chunk),
          ]
        : [];
    for (const bytes of [
      ...changes,
      ...cuts,
      ...moved,
      Buffer.concat([whole, Buffer.from('x')]),
      Buffer.concat([whole, whole]),
    ]) {
      writeFileSync(path, bytes);
      await refused(path, [], secret);
    }
  });

  test('a passphrase is no flag, and a short or empty one seals nothing', async () => {
    assert.equal(
      (await command(['backup', join(root, 'x'), '--passphrase', passphrase, '--data', data]))
        .status,
      2,
    );
    assert.match(
      (
        await command(['backup', join(root, 'x'), '--data', data], {
          GATEHOUSE_BACKUP_PASSPHRASE: 'short',
        })
      ).said,
      /fewer than 12/,
    );
    assert.equal(
      (await command(['backup', join(root, 'x'), '--passphrase-stdin', '--data', data], {}, '\n'))
        .status,
      2,
    );
    assert.ok(!existsSync(join(root, 'x')));
  });

  test('without keys inside or at hand it is checked at the first start, by the keys that were put beside it', async () => {
    const list = (into: string) => command(['account', 'list', '--data', into]);
    const good = await restored(bare);
    assert.match(good.said, /checked by its keys at the first start/);
    assert.match((await list(good.into)).said, /put its keys in place/);
    cpSync(join(data, 'keys'), join(good.into, 'keys'), { recursive: true });
    const first = await list(good.into);
    assert.equal(first.status, 0, first.said);
    assert.ok(!existsSync(join(good.into, 'restored.json')));
    const bad = await restored(await forged(administrator, bare));
    mkdirSync(join(bad.into, 'keys'), { recursive: true });
    cpSync(join(data, 'keys'), join(bad.into, 'keys'), { recursive: true });
    const second = await list(bad.into);
    assert.equal(second.status, 2);
    assert.match(second.said, /was changed, or was not made with the keys/);
  });
});
