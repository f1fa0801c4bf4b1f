import type { Config } from '#config/config.ts';
import { readKeyFiles } from '#keys/key-files.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { EncryptedRecords } from '#registry/reencryption.ts';

/** The keys of a data directory, or of variables, in an operator's hands. */
export interface KeyContext {
  readonly config: Pick<Config, 'masterKeys' | 'masterKeysVariable'>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Directory of the key files. */
  readonly directory: string;
  /** Opens the store for one question. */
  readonly withRecords: <T>(ask: (records: EncryptedRecords) => Promise<T>) => Promise<T>;
}

/** Whether the first start has made signing keys already. */
export const hasSigningKeys = ({ directory }: Pick<KeyContext, 'directory'>): boolean =>
  readKeyFiles(directory).has('signing.json');
