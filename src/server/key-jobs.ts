import type { Config } from '#config/config.ts';
import { generateSigningKeysAsync } from '#keys/signing.ts';
import { addUpcomingKeySet, isRotationDue, type SigningKeySet } from '#keys/signing-key-sets.ts';
import type { Platform } from './platform.ts';

/** What has to be done about keys now and then. */
export interface KeyMaintenance {
  /** Hears of keys that other processes made. */
  reloadChangedKeys(): void;
  /** Makes the next signing keys when it is time; of several processes one does. */
  rotateSigningKeysIfDue(): Promise<void>;
  /** Seals a part of the secrets again that are not under the current key. */
  reencryptBatch(): Promise<number>;
}

interface KeyMaintenanceParts {
  readonly config: Config;
  readonly platform: Platform;
  readonly reencryption: { run(): Promise<number> };
}

/** Looks after the keys of a running server. */
export function makeKeyMaintenance({
  config,
  platform,
  reencryption,
}: KeyMaintenanceParts): KeyMaintenance {
  const { clock, log } = platform;
  return {
    reloadChangedKeys() {
      platform.masterKeys.reloadIfChanged();
      platform.signingKeys.reloadIfChanged();
    },
    async rotateSigningKeysIfDue() {
      const isRotationDueFor = (keySets: readonly SigningKeySet[]) =>
        isRotationDue(keySets, config.signingKeyRotationSeconds, clock.now());
      if (!isRotationDueFor(platform.signingKeys.keySets())) return;
      const made = await generateSigningKeysAsync();
      const changed = platform.signingKeys.update((stored) =>
        isRotationDueFor(stored) ? addUpcomingKeySet(stored, made.keys, clock.now()) : undefined,
      );
      if (changed === 'changed') log.info('new signing keys are published, and sign in a day');
    },
    // Nothing is written while the registry is read-only.
    reencryptBatch: async () => (config.readOnly === null ? reencryption.run() : 0),
  };
}
