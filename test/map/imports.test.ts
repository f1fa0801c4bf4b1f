import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const base = ['kernel', 'ports', 'wire', 'keys'];
/** Who may import whom; docs: CONTRIBUTING.md, "The rooms". `T` in front: types only. */
const allowed: Record<string, readonly string[]> = {
  kernel: [],
  ports: ['kernel'],
  wire: ['kernel'],
  config: ['wire', 'kernel'],
  keys: ['wire', 'kernel', 'ports'],
  accounts: base,
  registry: ['accounts', ...base],
  oauth1: ['registry', 'accounts', ...base],
  oauth2: ['registry', 'accounts', ...base],
  oidc: ['oauth2', 'registry', 'accounts', ...base],
  guard: ['oauth1', 'oauth2', 'registry', ...base, 'Taccounts'],
  mediawiki: ['guard', 'oidc', 'oauth1', 'oauth2', 'registry', 'accounts', ...base],
  store: ['kernel', 'Tports', 'Taccounts', 'Tregistry', 'Toauth1', 'Toauth2'],
  pages: ['kernel', 'Taccounts', 'Tregistry'],
  http: [
    'mediawiki',
    'pages',
    'guard',
    'oidc',
    'oauth1',
    'oauth2',
    'registry',
    'accounts',
    ...base,
  ],
  // The sentences of `explain` are those of the page.
  cli: ['config', 'registry', 'accounts', 'oauth1', 'pages', ...base],
};

for (const [room, may] of Object.entries(allowed)) {
  test(`src/${room} imports only what it may`, () => {
    // A room on the plan that nobody has moved into yet.
    if (!existsSync(`src/${room}`)) return;
    const files = readdirSync(`src/${room}`, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    for (const file of files) {
      const text = readFileSync(`src/${room}/${file}`, 'utf8');
      for (const [, typed, target] of text.matchAll(
        /^(?:import|export)( type)? [^;]*?from '#(\w+)\//gm,
      )) {
        const fine =
          target === room ||
          may.includes(target as string) ||
          (typed !== undefined && may.includes(`T${target}`));
        assert.ok(fine, `src/${room}/${file} imports ${typed ?? ''} #${target}`);
      }
      for (const [, path] of text.matchAll(/from '(\.\.?\/[^']*)'/g)) {
        const depth = file.split('/').length - 1;
        assert.ok(
          (path as string).split('../').length - 1 <= depth,
          `src/${room}/${file} leaves its room by ${path}`,
        );
      }
      if (!room.startsWith('ports')) {
        assert.doesNotMatch(
          text,
          /\bDate\.now\(|\brandomBytes\(|process\.env\b/,
          `src/${room}/${file}: time, chance and environment are handed in`,
        );
      }
    }
  });
}

test('every folder of src is a room of the map', () => {
  const rooms = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of rooms) assert.ok(name in allowed, `src/${name} is not on the map`);
});
