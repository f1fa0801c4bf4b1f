import { openStore } from '#store/open.ts';
import type { Store } from '#store/store.ts';

/** Another node: opens the store it is told, and asks it what its parent says, all at once. */
const store = openStore(process.argv[2] ?? '', { connections: 8 });
await store.ready();

/** One verb of the store, and what each call of it is given. */
export interface Order {
  readonly verb: keyof Store;
  readonly calls: readonly (readonly unknown[])[];
}

process.on('message', async ({ verb, calls }: Order) => {
  const ask = store[verb] as (...given: readonly unknown[]) => Promise<unknown>;
  const answers = await Promise.all(calls.map((given) => ask(...given).catch((fault: Error) => `fault: ${fault.message}`)));
  process.send?.(answers.map((answer) => answer ?? null));
});
process.on('disconnect', () => void store.close());
process.send?.('ready');
