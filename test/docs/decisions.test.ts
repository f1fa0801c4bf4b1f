import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const headings = ['Context', 'Decision', 'Alternatives', 'Consequences'];
const records = readdirSync('docs/adr').sort();

test('decisions are numbered without a gap, and a number is one decision', () => {
  assert.deepEqual(
    records.map((name) => Number.parseInt(name, 10)),
    records.map((_, index) => index + 1),
  );
});

for (const name of records)
  test(`docs/adr/${name} says why, what, what else there was, and what follows`, () => {
    const text = readFileSync(`docs/adr/${name}`, 'utf8');
    const found = [...text.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
    for (const heading of headings) assert.ok(found.includes(heading), `${heading} is missing`);
    assert.match(text, new RegExp(`^# ${Number.parseInt(name, 10)}\\. `));
  });
