import { seconds } from '#kernel/time.ts';
import { openStore } from '#store/open.ts';
import { openRedis, withEphemeralStore } from '#store/redis/open.ts';
import type { Store } from '#store/store.ts';
import { NOW } from './things.ts';

/** Another node: opens the stores it is told, and asks them what its parent says, all at once. */
const [location = '', ephemeral] = process.argv.slice(2);
// A machine that is busy with other tests makes nobody give up.
const durable = await openStore(location, {
  connections: 8,
  connectMs: 60_000,
  statementMs: 60_000,
});
const clock = { now: () => NOW, millis: () => NOW * 1000 };
const store =
  ephemeral === undefined
    ? durable
    : withEphemeralStore(
        durable,
        openRedis(ephemeral, { clock, nonceTtlSeconds: seconds(301), timeoutMs: 20_000 }),
      );
await store.prepareSchema();

/** One verb of the store, and what each call of it is given. */
export interface Order {
  readonly verb: keyof Store;
  readonly calls: readonly (readonly unknown[])[];
}

process.on('message', async ({ verb, calls }: Order) => {
  const ask = store[verb] as (...given: readonly unknown[]) => Promise<unknown>;
  const answers = await Promise.all(
    calls.map((given) => ask(...given).catch((fault: Error) => `fault: ${fault.message}`)),
  );
  process.send?.(answers.map((answer) => answer ?? null));
});
process.on('disconnect', () => void store.close());
process.send?.('ready');
