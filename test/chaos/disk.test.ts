import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { createTestData, openNode } from '#harness/inhabitants.ts';
import { Load } from './load.ts';
import { type Ground, Node, onSqlite } from './nodes.ts';

const works = (command: string, ...given: readonly string[]) =>
  spawnSync(command, given, { stdio: 'ignore' }).status === 0;

const grounds: Ground[] = [];
after(async () => {
  for (const ground of grounds) await ground.remove();
});

/**
 * Two nodes under load whose file can suddenly grow no more, and later can again. `dies`: one is
 * also killed in the middle of it.
 */
async function fills(
  home: Ground['home'],
  fill: (nodes: readonly Node[]) => void,
  free: (nodes: readonly Node[]) => void,
  dies = false,
): Promise<string> {
  const own = await openNode(home);
  const there = await createTestData(own);
  const nodes = await Promise.all([Node.start(home), Node.start(home)]);
  const load = new Load(nodes, there, home.issuer);
  try {
    await load.begin();
    await load.progress();
    fill(nodes);
    await load.refusals(20);
    free(nodes);
    await load.progress();
    if (dies) await load.kill(nodes[0] as Node);
    await load.stop();
    await load.audit();
    for (const node of nodes) assert.equal((await node.ask('GET', '/readyz'))?.status, 200);
    const file = new DatabaseSync(join(home.data, 'gatehouse.db'));
    const found = file.prepare('PRAGMA integrity_check').all();
    file.close();
    assert.deepEqual(
      found.map((row) => row.integrity_check),
      ['ok'],
    );
    return load.tally;
  } finally {
    await load.stop();
    await Promise.all(nodes.map((node) => node.end('SIGKILL')));
    await own.store.close();
  }
}

test('two nodes on one SQLite file: its quota is used up and raised again, and one of them is killed', {
  timeout: 120_000,
  skip: works('prlimit', '--version')
    ? false
    : 'prlimit is not here, which limits how large a file of a running process may become',
}, async (context) => {
  const ground = await onSqlite();
  grounds.push(ground);
  const sizeOf = (name: string) => statSync(join(ground.home.data, name)).size;
  const limit = (nodes: readonly Node[], bytes: number | 'unlimited') => {
    for (const { pid } of nodes)
      assert.ok(works('prlimit', '--pid', String(pid), `--fsize=${bytes}:unlimited`));
  };
  const tally = await fills(
    ground.home,
    (nodes) => limit(nodes, Math.max(sizeOf('gatehouse.db'), sizeOf('gatehouse.db-wal')) + 100_000),
    (nodes) => limit(nodes, 'unlimited'),
    true,
  );
  context.diagnostic(tally);
});

/** A small file system of its own; undefined where we may not have one. */
async function small(megabytes: number): Promise<Ground | undefined> {
  const ground = await onSqlite();
  grounds.push(ground);
  const data = join(ground.home.data, 'small');
  mkdirSync(data);
  if (!works('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'gatehouse-test', data))
    return undefined;
  const { remove } = ground;
  const made = {
    ...ground,
    home: { ...ground.home, data },
    async remove() {
      works('umount', data);
      await remove();
    },
  };
  grounds[grounds.length - 1] = made;
  return made;
}

const ground = await small(16);
test('two nodes on one SQLite file: the disk is full, and has room again', {
  timeout: 120_000,
  skip:
    ground === undefined &&
    'only a user who may mount can have a disk to fill; the quota above is the same for anybody',
}, async (context) => {
  if (ground === undefined) return;
  const ballast = join(ground.home.data, 'ballast');
  const tally = await fills(
    ground.home,
    () => {
      try {
        writeFileSync(ballast, Buffer.alloc(32 * 1024 * 1024));
      } catch {
        // It is as large as the disk let it be.
      }
    },
    () => rmSync(ballast),
  );
  context.diagnostic(tally);
});
