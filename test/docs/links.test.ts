import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { anchorOf, decisions } from './blocks.ts';

const markdown = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...markdown('docs')];

describe('the documentation', () => {
  test('no link of ours is dead', () => {
    for (const page of pages) {
      const text = readFileSync(page, 'utf8').replaceAll(/```[\s\S]*?```/g, '');
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        assert.ok(existsSync(file), `${page}: ${target}`);
        if (anchor === undefined || !file.endsWith('.md')) continue;
        const anchors = [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
          anchorOf(heading as string),
        );
        assert.ok(anchors.includes(anchor), `${page}: ${target}`);
      }
    }
  });

  test('each decision has a number of its own, which is that of its title', () => {
    for (const [index, name] of decisions.entries()) {
      assert.equal(Number(name.slice(0, 4)), index + 1, name);
      assert.ok(readFileSync(`docs/adr/${name}`, 'utf8').startsWith(`# ${index + 1}. `), name);
    }
  });

  test('each decision that the source names exists', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    for (const file of files)
      for (const [, number] of readFileSync(`src/${file}`, 'utf8').matchAll(/\bADR (\d+)\b/g))
        assert.ok(Number(number) <= decisions.length, `src/${file}: ADR ${number}`);
  });

  test('each test file that docs/security.md names exists', () => {
    const named = [
      ...readFileSync('docs/security.md', 'utf8').matchAll(/`((?:test\/)?[\w/-]+\.test\.ts)`/g),
    ].map(([, path]) => path as string);
    assert.ok(named.length > 20);
    for (const path of named)
      assert.ok(existsSync(path.startsWith('test/') ? path : `test/${path}`), path);
  });
});
