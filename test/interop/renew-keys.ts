// Another process of the program whose clock is a hundred days ahead: says that it is ready, waits
// for a line, and renews the signing keys.

import { loadConfig } from '#config/load.ts';
import { instant } from '#kernel/time.ts';
import { composeServer } from '#server/compose.ts';
import { createPlatform } from '#server/platform.ts';

const AHEAD = 100 * 86_400;
const config = await loadConfig({ data: process.argv[2], 'log-level': 'silent' }, process.env);
const outside = await createPlatform(config);
const clock = {
  now: () => instant(Date.now() / 1000 + AHEAD),
  millis: () => Date.now() + AHEAD * 1000,
};
const { keyMaintenance: keys, store } = composeServer(config, { ...outside, clock });
process.stdout.write('ready\n');
process.stdin.once('data', async () => {
  await keys.rotateSigningKeysIfDue();
  await store.close();
  process.exit(0);
});
