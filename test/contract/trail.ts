import assert from 'node:assert/strict';
import type { Case } from './store.ts';
import {
  at,
  audit,
  change,
  client,
  clientId,
  creation,
  digest,
  NOW,
  nonce,
  notice,
  person,
  registered,
  request,
  secret,
  session,
  temporary,
  text,
} from './things.ts';

/** The audit trail, the outbox, use, and what is thrown away. */
export const trailCases: readonly Case[] = [
  [
    'the trail is read in both orders, by page and under every filter',
    async (store) => {
      const owner = await person(store);
      const app = await registered(store, owner);
      for (let edition = 0; edition < 4; edition += 1)
        await store.applyChange(
          change(app.id, edition, [{ kind: 'clear-approvals' }], {
            audit: audit(app.id, {
              at: at(edition),
              action: edition === 2 ? 'accept' : 'halt',
              actorId: edition === 3 ? owner : null,
              reason: 'a\nb',
            }),
          }),
        );
      const read = async (filter: Partial<Parameters<typeof store.listAudit>[0]>) =>
        (await store.listAudit({ clientId: app.id, limit: 99, ...filter })).map(
          ({ recordVersion: edition }) => edition,
        );
      assert.deepEqual(await read({}), [4, 3, 2, 1, 0]);
      assert.deepEqual(await read({ order: 'oldest-first' }), [0, 1, 2, 3, 4]);
      assert.deepEqual(await read({ limit: 2 }), [4, 3]);
      assert.deepEqual(await read({ from: at(1), until: at(3) }), [3, 2]);
      assert.deepEqual(await read({ action: 'accept' }), [3]);
      assert.deepEqual(await read({ about: 'consents' }), [3]);
      assert.deepEqual(await read({ about: 'clients' }), [4, 2, 1, 0]);
      assert.deepEqual(await read({ actorId: owner }), [4]);
      assert.deepEqual(await read({ afterRecordVersion: 2 }), [4, 3]);
      const lines = await store.listAudit({ clientId: app.id, limit: 99, order: 'oldest-first' });
      assert.deepEqual(await read({ after: lines[2]?.id ?? 0 }), [1, 0]);
      assert.deepEqual(await read({ after: lines[2]?.id ?? 0, order: 'oldest-first' }), [3, 4]);
      const { id: _id, recordVersion: _edition, ...line } = lines[4] ?? { id: 0, recordVersion: 0 };
      assert.deepEqual(
        line,
        audit(app.id, { at: at(3), action: 'halt', actorId: owner, reason: 'a\nb' }),
      );
    },
  ],
  [
    'the outbox: a notice written twice is one; claimed by one of many; tried again; closed for good',
    async (store) => {
      const owner = await person(store);
      const app = await registered(store, owner);
      const long = at(-1_000_000_000);
      const notes = Array.from({ length: 20 }, () => {
        const plain = notice(app.id);
        return { ...plain, facts: { ...plain.facts, at: long } };
      });
      await store.applyChange(change(app.id, 0, [], { notifications: [...notes, ...notes] }));
      const until = at(-999_999_000);
      const own = new Set(notes.map(({ key }) => key));
      assert.equal((await store.claimNotifications(at(-1_000_000_001), until, 99)).length, 0);
      const claims = (
        await Promise.all(
          Array.from({ length: 10 }, () => store.claimNotifications(long, until, 5)),
        )
      ).flat();
      const seen = claims.map(({ key }) => key).filter((key) => own.has(key));
      assert.equal(new Set(seen).size, seen.length, 'nobody is told twice');
      for (let rest = claims; rest.length > 0; ) {
        rest = [...(await store.claimNotifications(long, until, 5))];
        seen.push(...rest.map(({ key }) => key));
      }
      assert.deepEqual(seen.toSorted(), [...own].toSorted());
      const [first, second] = claims;
      assert.ok(first && second);
      assert.deepEqual(
        [first.attempts, first.state, first.dueAt, first.createdAt, first.problem],
        [1, 'waiting', until, long, null],
      );
      await store.closeNotification(first.id, 'delivered', null);
      await store.retryNotification(first.id, long, 'late');
      await store.retryNotification(second.id, long, 'busy');
      const again = await store.claimNotifications(long, until, 99);
      assert.deepEqual(
        again.map(({ id, attempts, problem }) => [id, attempts, problem]),
        [[second.id, 2, 'busy']],
      );
      await store.closeNotification(second.id, 'given-up', 'gone');
      const closed = await store.listNotifications({ state: 'given-up', limit: 1 });
      assert.deepEqual([closed[0]?.id, closed[0]?.problem], [second.id, 'gone']);
      assert.ok(
        (await store.listNotifications({ state: 'delivered', limit: 999 })).some(
          ({ id }) => id === first.id,
        ),
      );
    },
  ],
  [
    'use: the latest day stands, calls add up, also when many nodes write at once',
    async (store) => {
      const [one, two] = [text('token'), text('token')];
      const app = clientId();
      const hour = Math.floor(NOW / 3600);
      const marks = (day: number) => [
        { kind: 'token', id: one, day } as const,
        { kind: 'token', id: two, day } as const,
      ];
      await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          store.saveUsage({
            marks: index % 2 ? marks(index) : marks(index).toReversed(),
            calls: [{ clientId: app, hour, calls: 2 }],
          }),
        ),
      );
      assert.deepEqual(
        await store.lastUsed('token', [one, two, 'never']),
        new Map([
          [one, 29],
          [two, 29],
        ]),
      );
      assert.deepEqual(await store.lastUsed('client', [one]), new Map());
      assert.equal((await store.impactOf(app, NOW, NOW)).calls, 60);
    },
  ],
  [
    'what expired is thrown away from its very second on, in bounded batches; codes and refresh tokens a day later',
    async (store) => {
      const user = await person(store);
      // Long before anything else, and after what other cases left from before that, so that
      // nothing else goes.
      const then = (offset: number) => at(-1_500_000_000 + offset);
      while ((await store.purgeExpired(then(0), 1000)) > 0);
      const spent = [nonce(then(10)), nonce(then(11))];
      for (const each of spent) await store.claimNonce(each);
      const made = session(user, { expiresAt: then(10) });
      await store.saveSession(made);
      await store.saveTemporaryCredentials(nonce(then(10)), temporary({ expiresAt: then(10) }));
      // A person who comes late is told of which app it was: for a day.
      await store.saveRequest(request({ expiresAt: then(10 - 86_400) }));
      await store.savePendingRequest({ digest: digest(), path: '/', expiresAt: then(10) });
      await store.increment(text('limit'), then(0), then(10));
      assert.equal(await store.purgeExpired(then(9), 100), 0);
      assert.equal(await store.purgeExpired(then(10), 1), 6);
      assert.equal(await store.purgeExpired(then(10), 100), 1);
      assert.equal(await store.purgeExpired(then(10), 100), 0);
      const [one, two] = spent;
      assert.ok(one && two);
      // What was taken away may have been spent: it is not new again, whatever clock says that it
      // is early enough.
      assert.equal(await store.claimNonce(one), 'seen');
      assert.equal(await store.claimNonce(two), 'seen');
      assert.equal(await store.purgeExpired(then(20), 100), 1);
    },
  ],
  [
    'many reapers at once take each row once and hinder nobody',
    async (store) => {
      const then = at(-1_400_000_000);
      // What other cases left from before goes first.
      while ((await store.purgeExpired(at(-1_400_000_001), 1000)) > 0);
      await Promise.all(Array.from({ length: 60 }, () => store.claimNonce(nonce(then))));
      const gone = await Promise.all(Array.from({ length: 8 }, () => store.purgeExpired(then, 20)));
      const left = await store.purgeExpired(then, 100);
      assert.equal(
        gone.reduce((sum, count) => sum + count, left),
        60,
      );
    },
  ],
  [
    'texts of every kind come back as they were',
    async (store) => {
      const owner = await person(store);
      for (const description of [
        '',
        "'; DROP TABLE clients; --",
        '\\x00 \\ %_ $1 ?',
        '\u{1f600} \u202e \t',
        'x'.repeat(70_000),
      ]) {
        const made = await store.applyChange(creation(client(owner, { description }), secret()));
        assert.ok(made.outcome === 'applied');
        assert.equal((await store.findClient(made.client.id))?.description, description);
      }
    },
  ],
];
