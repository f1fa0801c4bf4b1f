import { instant, seconds } from '#kernel/time.ts';
import { openRedis } from '#store/redis/open.ts';
import { openSqlite } from '#store/sqlite/open.ts';
import { type Race, run } from './ephemeral.ts';
import { NOW } from './things.ts';

// A process of its own in a race: opens the store, says that it is ready, runs when it is told to,
// and says what it got.

const [location = ''] = process.argv.slice(2);
const clock = { now: () => instant(NOW), millis: () => NOW * 1000 };
const store = location.startsWith('redis:')
  ? openRedis(location.split(','), { clock, nonceTtlSeconds: seconds(301), timeoutMs: 20_000 })
  : openSqlite(location);
await store.ping();

process.on('message', async (race: Race) => {
  const got = await run(store, race);
  await store.close();
  process.send?.({ got }, () => process.disconnect?.());
});
process.send?.('ready');
