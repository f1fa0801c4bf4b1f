import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const base = ['kernel', 'encoding', 'platform', 'keys'];
/** Which room may import which; docs: CONTRIBUTING.md, "The rooms". `T` in front: types only. */
const allowed: Record<string, readonly string[]> = {
  kernel: [],
  encoding: ['kernel'],
  platform: ['kernel'],
  config: ['encoding', 'kernel', 'platform'],
  keys: ['encoding', 'kernel', 'platform'],
  accounts: base,
  registry: ['accounts', ...base],
  oauth1: ['registry', 'accounts', ...base],
  oauth2: ['registry', 'accounts', ...base],
  oidc: ['oauth2', 'registry', 'accounts', ...base],
  guard: ['oauth1', 'oauth2', 'registry', ...base, 'Taccounts'],
  store: ['kernel', 'Tplatform', 'Taccounts', 'Tregistry', 'Toauth1', 'Toauth2'],
  http: ['guard', 'oidc', 'oauth1', 'oauth2', 'registry', 'accounts', ...base],
  pages: ['http', 'oauth1', 'oauth2', 'registry', 'accounts', ...base],
  mediawiki: [
    'http',
    'pages',
    'guard',
    'oidc',
    'oauth1',
    'oauth2',
    'registry',
    'accounts',
    ...base,
  ],
  server: [
    'store',
    'config',
    ...['http', 'pages', 'mediawiki', 'guard', 'oidc', 'oauth1', 'oauth2', 'registry', 'accounts'],
    ...base,
  ],
  operations: ['server', 'store', 'config', 'registry', 'Taccounts', ...base],
  cli: ['operations', 'server', 'config', 'registry', 'accounts', 'oauth1', 'pages', ...base],
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('src', name))
  .sort();

interface Import {
  readonly path: string;
  readonly typeOnly: boolean;
}

/** The files of this project that a file names, types and loading when used included. */
function importsOf(file: string): readonly Import[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(/^(?:import|export)( type)?[^;']*? from '([#.][^']+)';/gm);
  const dynamic = text.matchAll(/\b(import)\('([#.][^']+)'\)/g);
  return [...statements, ...dynamic].flatMap(([, typed, specifier = '']) =>
    specifier === '#manifest'
      ? []
      : [
          {
            path: specifier.startsWith('#')
              ? join('src', specifier.slice(1))
              : join(dirname(file), specifier),
            typeOnly: typed === ' type',
          },
        ],
  );
}

const roomOf = (path: string): string => relative('src', path).split('/')[0] as string;

for (const [room, may] of Object.entries(allowed))
  test(`src/${room} imports only what it may`, () => {
    for (const file of files.filter((path) => path.startsWith(`src/${room}/`))) {
      for (const { path, typeOnly } of importsOf(file)) {
        const target = roomOf(path);
        const fine =
          target === room || may.includes(target) || (typeOnly && may.includes(`T${target}`));
        assert.ok(fine, `${file} imports ${path}`);
      }
      if (room !== 'platform')
        assert.doesNotMatch(
          readFileSync(file, 'utf8'),
          /\bDate\.now\(|\brandomBytes\(|process\.env\b/,
          `${file}: time, chance and environment are handed in`,
        );
    }
  });

test('every file belongs to a room of the map; beside the rooms stands main.ts alone', () => {
  for (const file of files)
    assert.ok(file === 'src/main.ts' || roomOf(file) in allowed, `${file} is not on the map`);
});

test('the dialect is taken in by one line', () => {
  const takers = files.filter(
    (file) =>
      !file.startsWith('src/mediawiki/') &&
      importsOf(file).some(({ path }) => roomOf(path) === 'mediawiki'),
  );
  const dialects = readFileSync('src/server/dialects.ts', 'utf8').match(/^export .*$/gm) ?? [];
  assert.deepEqual(takers, dialects.length === 0 ? [] : ['src/server/dialects.ts']);
  assert.ok(dialects.length <= 1);
});

/** Circles that wait to be opened; the list may only become shorter. */
const knownCircles: readonly string[] = [];

test('no file imports itself by way of others, types included', () => {
  const graph = new Map(files.map((file) => [file, importsOf(file).map(({ path }) => path)]));
  const circles = stronglyConnected(graph).filter((circle) => circle.length > 1);
  assert.deepEqual(
    circles
      .map((circle) => circle.sort().join(' '))
      .filter((circle) => !knownCircles.includes(circle)),
    [],
  );
});

/** Tarjan's algorithm: groups of files that reach each other. */
function stronglyConnected(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const groups: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    low.set(node, order.size - 1);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next))
        low.set(node, Math.min(low.get(node) as number, low.get(next) as number));
    }
    if (low.get(node) !== order.get(node)) return;
    groups.push(stack.splice(stack.indexOf(node)));
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return groups;
}
