import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Consent } from '#registry/model/consent.ts';
import { makeRowCache } from '#store/cache/cache.ts';

/** A consent of which only the number of its state matters. */
const state = (number: number) => ({ id: number }) as unknown as Consent;

const at = (run: number, wall = run) => ({ monotonicMs: run, wallMs: wall });

function memoryAt(
  options: { leaseMs?: number; maxAgeMs?: number; maxEntriesPerKind?: number } = {},
) {
  const time: { now: number; wall?: number } = { now: 0 };
  const memory = makeRowCache({
    leaseMs: 700,
    maxAgeMs: 5000,
    ...options,
    now: () => time.now,
    wallClock: () => time.wall ?? time.now,
  });
  return { time, memory };
}

test('nothing is believed that nobody vouches for, and nothing for longer than a lease', () => {
  const { time, memory } = memoryAt();
  memory.beginRead()('consent', 1, state(1));
  assert.equal(memory.lookup('consent', 1), undefined);
  memory.extendLease(at(0));
  assert.deepEqual(memory.lookup('consent', 1), state(1));
  assert.ok(memory.isLeaseValid());
  time.now = 699;
  assert.deepEqual(memory.lookup('consent', 1), state(1));
  time.now = 700;
  assert.equal(memory.lookup('consent', 1), undefined);
  assert.ok(!memory.isLeaseValid());
  memory.extendLease(at(650));
  assert.deepEqual(memory.lookup('consent', 1), state(1));
  memory.extendLease(at(100));
  assert.deepEqual(
    memory.lookup('consent', 1),
    state(1),
    'a late proof of an earlier moment takes nothing back',
  );
});

test('a machine that was suspended believes nothing from before', () => {
  const { time, memory } = memoryAt();
  memory.beginRead()('consent', 1, state(1));
  memory.extendLease(at(0));
  time.now = 10;
  time.wall = 60_000;
  assert.equal(memory.lookup('consent', 1), undefined);
  memory.extendLease(memory.readClocks());
  assert.deepEqual(memory.lookup('consent', 1), state(1));
});

test('a thing is asked again after a while, whatever was heard', () => {
  const { time, memory } = memoryAt();
  memory.beginRead()('client', 'a', { id: 'a' } as never);
  for (time.now = 0; time.now < 5000; time.now += 100) {
    memory.extendLease(at(time.now));
    assert.ok(memory.lookup('client', 'a'));
  }
  memory.extendLease(at(time.now));
  assert.equal(memory.lookup('client', 'a'), undefined);
});

test('an answer that was under way while something changed is not kept', () => {
  const { memory } = memoryAt();
  memory.extendLease(at(0));
  const learn = memory.beginRead();
  memory.invalidate({ kind: 'consent', key: 1 });
  learn('consent', 1, state(1));
  assert.equal(memory.lookup('consent', 1), undefined);
  const other = memory.beginRead();
  memory.invalidateAll();
  other('consent', 2, state(2));
  assert.equal(memory.lookup('consent', 2), undefined);
});

test('it holds so many of each kind, the latest', () => {
  const { memory } = memoryAt({ maxEntriesPerKind: 3 });
  memory.extendLease(at(0));
  for (const key of [1, 2, 3, 2, 4]) memory.beginRead()('consent', key, state(key));
  assert.deepEqual(
    [1, 2, 3, 4].map((key) => memory.lookup('consent', key)?.id),
    [undefined, 2, 3, 4],
  );
  memory.beginRead()('account', 1, { id: 1 } as never);
  assert.equal(memory.lookup('consent', 2)?.id, 2, 'kinds do not displace each other');
});

/**
 * The truth changes in numbered states, each told after some delay and in order; pulses travel the
 * same way. Whatever is interleaved with questions that take their time, nobody is given a state
 * that ended longer ago than a lease.
 */
test('whatever the order of events, no answer is older than a lease', () => {
  const event = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ what: fc.constant('change' as const), local: fc.boolean() }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        what: fc.constantFrom('tell' as const, 'pulse' as const, 'ask' as const, 'answer' as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constantFrom('break' as const, 'listen' as const) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constant('wait' as const),
        ms: fc.integer({ min: 1, max: 300 }),
      }),
    },
  );
  fc.assert(
    fc.property(fc.array(event, { minLength: 50, maxLength: 300, size: 'max' }), (events) => {
      const { time, memory } = memoryAt();
      const endedAt: number[] = [];
      let current = 0;
      let line: (() => void)[] = [];
      let deaf = false;
      const underWay: (() => void)[] = [];
      for (const one of events) {
        if (one.what === 'wait') time.now += one.ms;
        if (one.what === 'change') {
          endedAt[current] = time.now;
          current += 1;
          if (!deaf) line.push(() => memory.invalidate({ kind: 'consent', key: 1 }));
          if (one.local) memory.invalidate({ kind: 'consent', key: 1 });
        }
        if (one.what === 'pulse' && !deaf) {
          const sent = time.now;
          line.push(() => memory.extendLease(at(sent)));
        }
        if (one.what === 'tell') for (const told of line.splice(0, 3)) told();
        if (one.what === 'break') {
          line = [];
          deaf = true;
          memory.invalidateAll();
        }
        if (one.what === 'listen' && deaf) {
          deaf = false;
          memory.invalidateAll();
        }
        if (one.what === 'ask') {
          const known = memory.lookup('consent', 1) as unknown as { id: number } | undefined;
          if (known)
            assert.ok(
              known.id === current || time.now - (endedAt[known.id] ?? 0) < 700,
              `a state that ended ${time.now} ago`,
            );
          const learn = memory.beginRead();
          const seen = current;
          underWay.push(() => learn('consent', 1, state(seen)));
        }
        if (one.what === 'answer') underWay.shift()?.();
      }
    }),
    { numRuns: 1000 },
  );
});
