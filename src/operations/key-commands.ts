import { join } from 'node:path';
import type { Config } from '#config/config.ts';
import { systemClock } from '#platform/clock.ts';
import { systemEntropy } from '#platform/random.ts';
import { explainStoreErrors, loadConfiguredStore } from '#server/open-store.ts';
import { requireAccurateClock } from './clock-check.ts';
import type { KeyContext } from './key-context.ts';
import { type KeyOverview, keyOverview } from './key-overview.ts';
import {
  type RetireResult,
  type RotateResult,
  retireMasterKey,
  rotateMasterKey,
} from './master-keys.ts';
import { type RotateSigningResult, rotateSigningKeys } from './signing-keys.ts';

/** What an operator does with keys. */
export interface KeyCommands {
  overview(): Promise<KeyOverview | 'no-keys'>;
  /** Adds a master key and makes it current. */
  rotate(): Promise<RotateResult>;
  /** Makes signing keys: they sign in a day, or at once, and then no others are believed. */
  rotateSigning(immediately: boolean): Promise<RotateSigningResult>;
  retire(id: string): Promise<RetireResult>;
}

/** `gatehouse keys …`: the keys, and the store when it has to be asked. */
export function openKeyCommands(config: Config): KeyCommands {
  const context: KeyContext = {
    config,
    clock: systemClock,
    entropy: systemEntropy,
    directory: join(config.data, 'keys'),
    async withRecords(ask) {
      const open = await loadConfiguredStore({ ...config, migrate: false, ephemeral: null });
      const store = open({});
      try {
        await explainStoreErrors(() => store.prepareSchema({ migrate: false }));
        await requireAccurateClock(store, systemClock);
        return await explainStoreErrors(() => ask(store));
      } finally {
        await store.close();
      }
    },
  };
  return {
    overview: () => keyOverview(context),
    rotate: () => rotateMasterKey(context),
    rotateSigning: (immediately) => rotateSigningKeys(context, immediately),
    retire: (id) => retireMasterKey(context, id),
  };
}
