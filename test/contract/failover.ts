import assert from 'node:assert/strict';
import { eventually, type RedisServer } from '#harness/redis.ts';
import type { ConsentId, Digest, UserId } from '#kernel/ids.ts';
import { type Instant, instant, seconds } from '#kernel/time.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { NonceClaim } from '#oauth1/records.ts';
import { type EphemeralStore, openRedis } from '#store/redis/open.ts';
import { everyVerb, somebody } from './ephemeral.ts';
import { digest, nonce, session, temporary } from './things.ts';

// Other machines keep time of their own, so what is asked here is about the time there is.
export const now = (): Instant => instant(Math.floor(Date.now() / 1000));
export const soon = (): Instant => instant(now() + 600);
const clock = { now, millis: () => Date.now() };
export const open = (urls: string | readonly string[]) =>
  openRedis(urls, { clock, nonceTtlSeconds: seconds(301), timeoutMs: 500 });
export const signedNow = () => nonce(instant(now() + 301));
const many = <T>(count: number, make: () => T): readonly T[] => Array.from({ length: count }, make);
/** A nonce of that second cannot be told from one of before the change. */
export const nextSecond = (from = now()) => eventually(async () => assert.ok(now() > from));

/** Nonces as clients use them, and how often each was the first. */
export class Claims {
  readonly firsts = new Map<NonceClaim, number>();
  readonly counts = { first: 0, seen: 0, unavailable: 0 };

  async claim(store: EphemeralStore, one: NonceClaim): Promise<'first' | 'seen' | 'unavailable'> {
    const answer = await store.claimNonce(one).catch((fault: unknown) => {
      if (isUnavailable(fault)) return 'unavailable' as const;
      throw fault;
    });
    this.counts[answer] += 1;
    if (answer === 'first') this.firsts.set(one, (this.firsts.get(one) ?? 0) + 1);
    return answer;
  }

  /** New ones, each of them once. */
  async fresh(store: EphemeralStore, count = 50): Promise<readonly NonceClaim[]> {
    const nonces = many(count, signedNow);
    for (const one of nonces) assert.equal(await this.claim(store, one), 'first');
    return nonces;
  }

  /** None was new twice, and none that was is new again. */
  async check(...stores: readonly EphemeralStore[]): Promise<void> {
    for (const [which, one] of [...this.firsts.keys()].entries())
      assert.equal(await this.claim(stores[which % stores.length] as EphemeralStore, one), 'seen');
    assert.deepEqual(
      [...this.firsts.values()].filter((times) => times !== 1),
      [],
      'a nonce was new twice',
    );
  }
}

/** The same new nonce by way of each store at once, again and again, until it is told to stop. */
export function load(claims: Claims, stores: readonly EphemeralStore[]): () => Promise<void> {
  let over = false;
  const running = (async () => {
    const old: NonceClaim[] = [];
    for (let turn = 0; !over; turn++) {
      const one =
        turn % 3 === 2 ? (old[Math.floor(Math.random() * old.length)] as NonceClaim) : signedNow();
      old.push(one);
      const before = claims.counts.unavailable;
      await Promise.all(stores.map((store) => claims.claim(store, one)));
      if (claims.counts.unavailable > before)
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return () => {
    over = true;
    return running;
  };
}

/** Every verb is answered by way of each, without anything having been started anew. */
export const allWork = (...stores: readonly EphemeralStore[]) =>
  Promise.all(
    stores.map((store) =>
      eventually(async () => {
        await store.ping();
        await Promise.all(Object.values(everyVerb(store)).map((ask) => ask()));
        // In the very second of a change it is not.
        assert.equal(await store.claimNonce(signedNow()), 'first');
      }),
    ),
  );

/** Waits until the one who follows has all that was written. */
export const received = (master: RedisServer, replica: RedisServer) =>
  eventually(async () => {
    const [written, had] = await Promise.all(
      [master, replica].map(
        async (server) =>
          /master_repl_offset:(\d+)/.exec(await server.ask('INFO replication'))?.[1],
      ),
    );
    assert.equal(had, written);
  });

/** What those who follow have not received. From then on the master's writes are its own. */
export async function cut(master: RedisServer, replica: RedisServer): Promise<void> {
  replica.signal('SIGSTOP');
  assert.match(await master.ask('CLIENT KILL TYPE replica'), /^:1/);
}

const yes = () => ({ userId: somebody(), consentId: 7 as ConsentId, verifierDigest: digest() });
const browser = { agent: '', address: '' };
export const own = (userId: UserId) =>
  session(userId, { ...browser, createdAt: now(), expiresAt: soon() });

export async function authorizedPair(
  store: EphemeralStore,
): Promise<{ readonly token: string; readonly verifier: Digest }> {
  const [{ token, ...rest }, decision] = [temporary(), yes()];
  assert.equal(
    await store.saveTemporaryCredentials(signedNow(), { token, ...rest, expiresAt: soon() }),
    'saved',
  );
  assert.equal(
    await store.authorizeTemporaryCredentials(token, decision, now(), soon()),
    'authorized',
  );
  return { token, verifier: decision.verifierDigest };
}
export const redeem = (
  store: EphemeralStore,
  { token, verifier }: { readonly token: string; readonly verifier: Digest },
) => store.redeemTemporaryCredentials(signedNow(), token, verifier, now(), soon());
