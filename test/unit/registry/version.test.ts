import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, isVersion } from '#registry/model/app-version.ts';

// Registry 4.2.
const good = [
  '1',
  '1.0',
  'v1.0',
  'V1',
  '1.2.3.4',
  '12345.0',
  '1.0-beta',
  '1.0b2',
  '1.0.RC1',
  '1.0_alpha',
  '1.0-pl3',
  '1.0-p1',
  '1.0-dev',
]
  .concat([
    '1.0-beta2-dev',
    '1.0@stable',
    '1.0@dev',
    '1.0+build.5',
    '1.0 as 2.0',
    ' 1.0 ',
    '2026-11-21',
    '20261121',
    '2026.11.21',
    '2026-11',
  ])
  .concat([
    'dev-main',
    'dev-feature/x',
    'master',
    'trunk',
    'default',
    '1.x-dev',
    '1.*-dev',
    `${'1.'.repeat(3)}1`,
  ]);
const bad = [
  '',
  ' ',
  'foo',
  'not-valid-semver!!',
  '.1',
  '1..0',
  '1.2.3.4.5',
  '1.0-gamma',
  'dev-',
  'Master ',
  'main',
  '1.x',
  '1'.repeat(33),
  'é'.repeat(17),
];

for (const text of good)
  test(`version ${JSON.stringify(text)}`, () => assert.equal(isVersion(text), true));
for (const text of bad)
  test(`no version ${JSON.stringify(text)}`, () => assert.equal(isVersion(text), false));

// Registry 3.3: the earlier one, the later one.
const ordered = [
  ['1.0', '1.1'],
  ['1.9', '1.10'],
  ['1.0', '1.0.0'],
  ['1.0-rc1', '1.0'],
  ['1.0', '1.0pl1'],
  ['1.0-dev', '1.0-alpha'],
  ['1.0-alpha', '1.0-beta'],
  ['1.0-beta', '1.0-RC1'],
  ['1.0-RC1', '1.0-RC2'],
  ['1.0-zzz', '1.0-dev'],
  ['1.0-RC', '1.0.1'],
  ['1.0.1', '1.0-pl'],
  ['0.9', '1'],
] as const;
for (const [earlier, later] of ordered) {
  test(`${earlier} < ${later}`, () => {
    assert.ok(compareVersions(earlier, later) < 0);
    assert.ok(compareVersions(later, earlier) > 0);
  });
}

for (const [one, other] of [
  ['1.0', '1.0'],
  ['1-0', '1.0'],
  ['1.0a', '1.0-alpha'],
  ['1.0b', '1.0-beta'],
  ['1.0rc1', '1.0-RC1'],
  ['1.00', '1.0'],
] as const) {
  test(`${one} is as late as ${other}`, () => assert.equal(compareVersions(one, other), 0));
}
