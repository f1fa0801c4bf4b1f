import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '#kernel/time.ts';
import { makePartitionMaintenance } from '#server/partition-maintenance.ts';
import { keyRangesToPurge, parsePartitionBound } from '#store/postgres/partitions/bounds.ts';
import {
  missingPeriods,
  type PartitionInterval,
  periodContaining,
} from '#store/postgres/partitions/periods.ts';
import { firstKeyAt, timeOfKey } from '#store/sql/key-range.ts';

const time = (text: string) => instant(Date.parse(`${text}Z`) / 1000);
const text = (at: number) => new Date(at * 1000).toISOString().slice(0, 16);

test('days, weeks from Monday, and months of the calendar in UTC', () => {
  for (const [every, at, from, to] of [
    ['day', '2028-02-28T23:59:59', '2028-02-28T00:00', '2028-02-29T00:00'],
    ['day', '2028-02-29T00:00:00', '2028-02-29T00:00', '2028-03-01T00:00'],
    ['week', '2026-12-31T12:00:00', '2026-12-28T00:00', '2027-01-04T00:00'],
    ['week', '2027-01-04T00:00:00', '2027-01-04T00:00', '2027-01-11T00:00'],
    ['month', '2027-12-31T23:59:59', '2027-12-01T00:00', '2028-01-01T00:00'],
    ['month', '2028-02-01T00:00:00', '2028-02-01T00:00', '2028-03-01T00:00'],
  ] as const) {
    const period = periodContaining(every satisfies PartitionInterval, time(at));
    assert.deepEqual([text(period.from), text(period.to)], [from, to], `${every} ${at}`);
  }
});

test('what is missing: nothing, the coming ones, and one for all that was missed', () => {
  const missing = (every: PartitionInterval, last: string, now: string) =>
    missingPeriods(every, time(last), time(now)).map(({ from, to }) => `${text(from)} ${text(to)}`);
  assert.deepEqual(missing('month', '2027-04-01T00:00', '2027-01-31T00:00'), []);
  assert.deepEqual(missing('month', '2027-04-01T00:00', '2027-02-01T00:00'), [
    '2027-04-01T00:00 2027-05-01T00:00',
  ]);
  assert.deepEqual(missing('month', '2026-04-01T00:00', '2027-02-01T00:00'), [
    '2026-04-01T00:00 2027-03-01T00:00',
    '2027-03-01T00:00 2027-04-01T00:00',
    '2027-04-01T00:00 2027-05-01T00:00',
  ]);
  assert.equal(missing('day', '2027-02-01T00:00', '2027-02-01T05:00').length, 8);
  // The length was changed: the first is the rest of a period.
  assert.equal(missing('week', '2027-03-01T00:00', '2027-02-03T00:00').length, 0);
  assert.equal(
    missing('month', '2027-02-08T00:00', '2027-02-03T00:00')[0],
    '2027-02-08T00:00 2027-03-01T00:00',
  );
});

test('bounds as PostgreSQL writes them', () => {
  assert.deepEqual(parsePartitionBound('a', "FOR VALUES FROM (MINVALUE) TO ('01a3')"), {
    name: 'a',
    from: null,
    to: '01a3',
  });
  assert.deepEqual(parsePartitionBound('a', "FOR VALUES FROM ('17') TO (MAXVALUE)"), {
    name: 'a',
    from: '17',
    to: null,
  });
  assert.equal(parsePartitionBound('a', 'DEFAULT'), undefined);
  assert.equal(timeOfKey(`${firstKeyAt(time('2027-02-01T00:00'))}ff`), time('2027-02-01T00:00'));
});

test('the reaper works in the past, in gaps, after the end, and where a partition is overdue', () => {
  const [a, b, c, d] = [0, 10, 20, 30].map((days) =>
    firstKeyAt(instant(1_800_000_000 + days * 86_400)),
  );
  assert.ok(a && b && c && d);
  const now = instant(1_800_000_000);
  const last = '\u{10ffff}';
  const past = { name: 'past', from: null, to: a };
  assert.deepEqual(keyRangesToPurge([], now), [['', last]]);
  assert.deepEqual(keyRangesToPurge([past, { name: 'x', from: a, to: b }], now), [
    ['', a],
    [b, last],
  ]);
  assert.deepEqual(
    keyRangesToPurge(
      [
        { name: 'y', from: c, to: d },
        { name: 'x', from: a, to: b },
      ],
      now,
    ),
    [
      ['', a],
      [b, c],
      [d, last],
    ],
  );
  const later = instant(now + 55 * 86_400);
  assert.deepEqual(
    keyRangesToPurge([past, { name: 'x', from: a, to: b }, { name: 'y', from: b, to: c }], later),
    [
      ['', b],
      [c, last],
    ],
  );
});

test('a node says once of each table that it may not make what it lacks', async () => {
  const said: unknown[] = [];
  const say = (level: string) => (event: string, fields?: Readonly<Record<string, unknown>>) =>
    void said.push([level, event, fields]);
  const log = { info: say('info'), warn: say('warn'), error: say('error') };
  const answers = [['audit'], ['audit'], ['audit', 'access_tokens'], []];
  const store = {
    maintainPartitions: async () => ({ steps: [], tablesWithoutPartition: answers.shift() ?? [] }),
  };
  const watch = makePartitionMaintenance(store, { now: () => instant(0), millis: () => 0 }, log);
  for (let run = 0; run < 4; run += 1) await watch();
  assert.deepEqual(
    said.map((line) =>
      (line as [string, string, { table: string }]).flatMap((part) =>
        typeof part === 'string' ? [] : part.table,
      ),
    ),
    [['audit'], ['access_tokens']],
  );
});
