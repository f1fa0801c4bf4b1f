import assert from 'node:assert/strict';
import type { Store } from '#store/store.ts';
import type { Case } from './store.ts';
import { at, consented, digest, nonce, session, temporary, text } from './things.ts';

// Long before anything else, and after what other cases purge.
const then = (offset: number) => at(-1_300_000_000 + offset);
const shift = async (store: Store, ...expiries: readonly number[]) => {
  for (const each of expiries) await store.claimNonce(nonce(then(each)));
};

/** What a wrong clock must not undo (ADR 14). */
export const clockCases: readonly Case[] = [
  [
    'a nonce that was purged too early is seen by every verb that spends one, and a later one is first',
    async (store) => {
      const { user, consent } = await consented(store);
      const spent = nonce(then(10));
      assert.equal(await store.claimNonce(spent), 'first');
      await shift(store, 20, 30);
      assert.equal(await store.purgeExpired(then(25), 100), 2);
      assert.equal(await store.claimNonce(spent), 'seen');
      const pair = temporary({ expiresAt: then(600) });
      assert.equal(await store.saveTemporaryCredentials(spent, pair), 'nonce-seen');
      assert.equal(await store.findTemporaryCredentials(pair.token, then(0)), undefined);
      assert.equal(await store.saveTemporaryCredentials(nonce(then(300)), pair), 'saved');
      const yes = { userId: user, consentId: consent.id, verifierDigest: digest() };
      assert.equal(
        await store.authorizeTemporaryCredentials(pair.token, yes, then(0), then(900)),
        'authorized',
      );
      assert.equal(
        await store.redeemTemporaryCredentials(
          spent,
          pair.token,
          yes.verifierDigest,
          then(1),
          then(900),
        ),
        'nonce-seen',
      );
      assert.equal(
        await store.redeemTemporaryCredentials(
          nonce(then(20)),
          pair.token,
          yes.verifierDigest,
          then(1),
          then(900),
        ),
        'nonce-seen',
      );
      assert.equal(
        await store.redeemTemporaryCredentials(
          nonce(then(21)),
          pair.token,
          yes.verifierDigest,
          then(1),
          then(900),
        ),
        'redeemed',
      );
    },
  ],
  [
    'a purge by a clock that is years ahead refuses what it may have deleted, and nothing later',
    async (store) => {
      await shift(store, 1000, 1001);
      await store.purgeExpired(then(100_000_000), 1000);
      assert.equal(await store.claimNonce(nonce(then(1001))), 'seen');
      assert.equal(await store.claimNonce(nonce(then(1002))), 'first');
      await store.purgeExpired(then(-5000), 1000);
      assert.equal(
        await store.claimNonce(nonce(then(900))),
        'seen',
        'a clock that went back forgets nothing',
      );
    },
  ],
  [
    'purging in small batches, by several at once, never lets one in again',
    async (store) => {
      const spent = Array.from({ length: 60 }, (_, index) => nonce(then(2000 + index)));
      for (const each of spent) assert.equal(await store.claimNonce(each), 'first');
      const tries = await Promise.all(
        spent.flatMap((each) => [
          store.purgeExpired(then(2050), 7).then(() => 'purged'),
          store.claimNonce(each),
        ]),
      );
      assert.ok(!tries.includes('first'));
      for (const each of spent) assert.equal(await store.claimNonce(each), 'seen');
    },
  ],
  [
    'what ended by one clock and lives by another is still there for whoever asks later by the right one',
    async (store) => {
      const { user } = await consented(store);
      const made = session(user, { expiresAt: then(5000) });
      await store.saveSession(made);
      assert.equal(await store.findSession(made.digest, then(6000)), undefined);
      assert.equal(
        (await store.findSession(made.digest, then(4000)))?.digest,
        made.digest,
        'asking takes nothing away',
      );
      const token = {
        digest: digest(),
        kind: 'reset-password' as const,
        userId: user,
        data: '',
        expiresAt: then(5000),
      };
      await store.saveAccountToken(token);
      assert.equal(
        await store.consumeAccountToken(token.digest, token.kind, then(5000)),
        undefined,
      );
      assert.notEqual(
        await store.consumeAccountToken(token.digest, token.kind, then(4999)),
        undefined,
      );
      assert.equal(
        await store.consumeAccountToken(token.digest, token.kind, then(4999)),
        undefined,
      );
    },
  ],
];

/** How time is kept; a store of its own, as there is one time in each. */
export const timeCases: readonly Case[] = [
  [
    'by servers alone: small steps fit, a jump forward or back and a long silence begin anew',
    async (store) => {
      const base = then(0) * 1000;
      const by = async (offset: number) => {
        const moment = { millis: base + offset * 1000, run: null, boot: null, believed: false };
        return (await store.recordTime(moment)).steadySince - then(0);
      };
      assert.deepEqual(
        [
          await by(0),
          await by(10),
          await by(610),
          await by(609),
          await by(1300),
          await by(1310),
          await by(100),
          await by(110),
        ],
        [0, 0, 0, 0, 1300, 1300, 100, 100],
      );
    },
  ],
  [
    'by the machine: what does not fit is told and changes nothing, until it is believed and nobody goes on from before',
    async (store) => {
      const base = then(10_000) * 1000;
      const boot = text('boot');
      const by = (millis: number, run: number, believed = false, of = boot) =>
        store.recordTime({ millis: base + millis, run, boot: of, believed });
      await by(0, 5000);
      assert.equal((await by(10_400, 15_000)).apartMs, 0);
      assert.equal((await by(3_600_000, 20_000)).apartMs, 3_584_600);
      assert.equal((await by(-3_600_000, 20_000)).apartMs, -3_615_400);
      assert.equal(
        (await by(3_600_000, 40_000, true)).apartMs,
        3_564_600,
        'another process went on a moment ago',
      );
      assert.equal((await by(20_400, 25_000)).apartMs, 0);
      const believed = await by(3_600_000, 56_000, true);
      assert.deepEqual(believed, { apartMs: 0, steadySince: then(13_600) });
      assert.equal((await by(3_610_000, 66_000)).apartMs, 0);
      assert.equal((await by(65_000, 66_000)).apartMs, -3_545_000);
      const other = await by(3_700_000, 100, false, text('boot'));
      assert.deepEqual(
        other,
        { apartMs: 0, steadySince: then(13_600) },
        'after a start of the machine a short gap fits',
      );
    },
  ],
];
