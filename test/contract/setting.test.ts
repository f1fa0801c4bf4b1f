import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { readConfig } from '#config/read-config.ts';
import { migrations } from '#store/sql/migrate.ts';

const secret = 'hunter2';
const none = () => '';
const main = new URL('../../src/main.ts', import.meta.url).pathname;

for (const url of [
  `postgres://gatehouse:${secret}@db.example/gatehouse`,
  `postgresql://gatehouse@db.example/gatehouse?sslmode=require&password=${secret}`,
  `postgres://:${secret}@db.example/gatehouse`,
]) {
  test(`a password is taken from the environment or a file, not from a flag or the configuration: ${url.replace(secret, '…')}`, () => {
    const environment = readConfig({}, { GATEHOUSE_DATABASE: url }, none);
    assert.ok(environment.ok);
    assert.equal(environment.value.database, url);
    const file = readConfig(
      {},
      { GATEHOUSE_DATABASE_FILE: '/run/secrets/database' },
      () => `${url}\n`,
    );
    assert.ok(file.ok);
    assert.equal(file.value.database, url);
    const refused = [
      readConfig({ database: url }, {}, none),
      readConfig({ config: 'file.yaml' }, {}, () => `database: "${url}"\n`),
    ];
    for (const answer of refused) {
      assert.ok(!answer.ok);
      assert.deepEqual(
        answer.refusal.map(({ setting }) => setting),
        ['database'],
      );
      assert.ok(!JSON.stringify(answer.refusal).includes(secret));
    }
  });
}

test('where the database is: the data directory, a path, or a server without a password', () => {
  const database = (given: Record<string, string>) => {
    const config = readConfig(given, {}, none);
    return config.ok ? config.value.database : 'refused';
  };
  assert.equal(database({ data: '/var/lib/gatehouse' }), 'sqlite:/var/lib/gatehouse/gatehouse.db');
  assert.equal(database({ database: 'sqlite:/srv/x.db' }), 'sqlite:/srv/x.db');
  assert.equal(
    database({ database: 'postgres://gatehouse@db.example:5433/gatehouse' }),
    'postgres://gatehouse@db.example:5433/gatehouse',
  );
  for (const wrong of ['mysql://db/x', 'sqlite:', 'postgres://', '/srv/x.db', 'postgres://db/x y'])
    assert.equal(database({ database: wrong }), 'refused', wrong);
});

test('gatehouse migrate: says what it would do, does it once, and refuses what is newer', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-migrate-'));
  const path = join(directory, 'own.db');
  const run = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [main, ...args, '--data', directory, '--database', `sqlite:${path}`],
      {
        encoding: 'utf8',
      },
    );
    return { status, stdout, stderr };
  };
  const to = migrations.length;
  assert.deepEqual(JSON.parse(run('migrate', '--dry-run', '--json').stdout), {
    from: 0,
    to,
    dry_run: true,
  });
  assert.match(run('account', 'list', '--json').stdout, /\[\]/);
  assert.deepEqual(JSON.parse(run('migrate', '--json').stdout), { from: to, to, dry_run: false });
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA user_version = ${to + 1}`);
  db.close();
  const newer = run('migrate');
  assert.equal(newer.status, 1);
  assert.match(newer.stderr, /run a newer Gatehouse/);
  assert.equal(run('account', 'list').status, 2);
  rmSync(directory, { recursive: true, force: true });
});
