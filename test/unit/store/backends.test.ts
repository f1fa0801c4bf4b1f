import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** Which libraries a process of its own loads that imports `modules` and opens a store. */
function librariesOf(location: string, modules: readonly string[]): readonly string[] {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ load(url, context, next) {
      loaded.add(/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
      return next(url, context);
    } });
    for (const name of ${JSON.stringify(modules)}) await import(name);
    const { openStore } = await import('#store/open.ts');
    const store = await openStore(${JSON.stringify(location)});
    await store.close();
    console.log(JSON.stringify([...loaded].filter(Boolean)));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  );
  assert.ok(stdout, stderr);
  return JSON.parse(stdout) as readonly string[];
}

test('a process over SQLite loads the client of no other database', () => {
  const loaded = librariesOf(':memory:', ['#server/serve.ts']);
  assert.ok(loaded.includes('fastify'));
  assert.deepEqual(
    loaded.filter((name) => name === 'pg' || name === '@redis/client'),
    [],
  );
});

test('one over PostgreSQL loads its client', () => {
  assert.ok(librariesOf('postgres://nobody@localhost:1/none', []).includes('pg'));
});
