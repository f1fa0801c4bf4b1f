import type { Config } from '#config/config.ts';
import { generateSigningKeysAside } from '#keys/signing.ts';
import { type Generation, isDue, withNext } from '#keys/signing-key-sets.ts';
import type { Outside } from './compose.ts';

/** What has to be done about keys now and then. */
export interface KeyCare {
  /** Hears of keys that other processes made. */
  look(): void;
  /** Makes the next signing keys when it is time; of several processes one does. */
  renewSigning(): Promise<void>;
  /** Seals a part of the secrets again that are not under the current key. */
  reseal(): Promise<number>;
}

interface CareParts {
  readonly config: Config;
  readonly outside: Outside;
  readonly resealing: { run(): Promise<number> };
}

/** Looks after the keys of a running server. */
export function makeKeyCare({ config, outside, resealing }: CareParts): KeyCare {
  const { clock, log } = outside;
  return {
    look() {
      outside.masterKeys.look();
      outside.signingKeys.look();
    },
    async renewSigning() {
      const due = (generations: readonly Generation[]) =>
        isDue(generations, config.signingKeyFor, clock.now());
      if (!due(outside.signingKeys.generations())) return;
      const made = await generateSigningKeysAside();
      const changed = outside.signingKeys.change((kept) =>
        due(kept) ? withNext(kept, made.keys, clock.now()) : undefined,
      );
      if (changed === 'changed') log.info('new signing keys are published, and sign in a day');
    },
    // Nothing is written while the registry is read-only.
    reseal: async () => (config.readOnly === null ? resealing.run() : 0),
  };
}
