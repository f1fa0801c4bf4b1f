import { join } from 'node:path';
import type { Config, Environment } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { version } from '#config/version.ts';
import { readKeyring } from '#keys/key-files.ts';
import type { MasterKey } from '#keys/keyring.ts';
import { systemClock } from '#platform/clock.ts';
import { MAX_SECRET_FILE_BYTES, readRegularFile } from '#platform/plain-file.ts';
import { systemEntropy } from '#platform/random.ts';
import { isDanglingLink } from '#server/data-directory.ts';
import { isPostgresLocation } from '#store/open.ts';
import { DEFAULT_PASSPHRASE_COST, type ScryptCost } from './backup-encryption.ts';
import { makeBackup } from './make-backup.ts';
import { type RestoredBackup, restoreBackup } from './restore-backup.ts';

/** What a backup holds, or why there is none. */
export type BackupResult =
  | {
      readonly made: {
        readonly made_at: string;
        readonly schema: number;
        readonly files: readonly { readonly name: string; readonly bytes: number }[];
        readonly sha256?: string;
        readonly verifiedBy?: RestoredBackup['verifiedBy'];
      };
      /** Why the keys are not in it, when they are not. */
      readonly withoutKeys: 'requested' | 'GATEHOUSE_MASTER_KEYS' | 'GATEHOUSE_MASTER_KEY' | null;
    }
  | { readonly refused: string };

/** Where a passphrase comes from, and what deriving a key from it costs. */
export interface PassphraseSource {
  /** What was piped in; null: nothing was asked for. */
  readonly stdin: string | null;
  readonly environment: Environment;
  /**
   * Left out: what the format of backups asks for. Files written at another cost open at it alone.
   */
  readonly cost?: ScryptCost | undefined;
}

const MIN_PASSPHRASE_LENGTH = 12;
const MAX_PASSPHRASE_LENGTH = 4096;

/** The master keys that are at hand, the current one first. */
function masterKeysOf(config: Config): readonly MasterKey[] | undefined {
  if (config.masterKeys)
    return config.masterKeys.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') }));
  const keyring = readKeyring(join(config.data, 'keys'));
  return keyring?.keys.toSorted(
    (one, other) => Number(other.id === keyring.current) - Number(one.id === keyring.current),
  );
}

/**
 * From standard input, a variable, or the file that one names: never a flag, which others on the
 * machine can read. Null: there is none.
 */
function readPassphrase({ stdin, environment }: PassphraseSource): string | null {
  const file = environment.GATEHOUSE_BACKUP_PASSPHRASE_FILE;
  let text = stdin ?? environment.GATEHOUSE_BACKUP_PASSPHRASE ?? null;
  if (text === null && file) {
    try {
      text = readRegularFile(file, MAX_SECRET_FILE_BYTES).toString('utf8');
    } catch (fault) {
      throw new StartupError(
        `GATEHOUSE_BACKUP_PASSPHRASE_FILE cannot be read: ${(fault as Error).message}.`,
      );
    }
  }
  const line = text?.split(/\r?\n/, 1)[0] ?? null;
  if (line === '' || (line !== null && line.length > MAX_PASSPHRASE_LENGTH))
    throw new StartupError('the passphrase is empty or too long.');
  return line;
}

/** Copies database and keys of a data directory into the file `to`. */
export async function createBackup(
  config: Config,
  to: string,
  withKeys: boolean,
  source: PassphraseSource,
): Promise<BackupResult> {
  const passphrase = readPassphrase(source);
  if (passphrase !== null && passphrase.length < MIN_PASSPHRASE_LENGTH)
    return { refused: `the passphrase has fewer than ${MIN_PASSPHRASE_LENGTH} characters` };
  if (isPostgresLocation(config.database))
    return {
      refused:
        'the database is PostgreSQL: use pg_dump, and copy the keys (docs/operations/backup.md)',
    };
  const made = await makeBackup({
    database: config.database.replace(/^sqlite:/, ''),
    keys: withKeys ? join(config.data, 'keys') : null,
    to,
    program: version,
    now: systemClock.now(),
    masterKey: masterKeysOf(config)?.at(0),
    passphrase,
    passphraseCost: source.cost ?? DEFAULT_PASSPHRASE_COST,
    entropy: systemEntropy,
  });
  return made.ok
    ? { made: made.value, withoutKeys: withKeys ? config.masterKeysVariable : 'requested' }
    : { refused: made.refusal.problem };
}

/** Puts the backup `from` into an empty data directory. `sha256`: the only file to be believed. */
export async function restoreDataDirectory(
  config: Config,
  from: string,
  sha256: string | null,
  source: PassphraseSource,
): Promise<BackupResult> {
  if (config.database !== `sqlite:${join(config.data, 'gatehouse.db')}`)
    return {
      refused:
        'a backup goes into a data directory, and the settings name a database elsewhere: leave GATEHOUSE_DATABASE out',
    };
  if (isDanglingLink(config.data))
    return { refused: `${config.data} is a link to nothing: make the directory, or name another` };
  const restored = await restoreBackup(from, config.data, {
    passphrase: readPassphrase(source),
    passphraseCost: source.cost ?? DEFAULT_PASSPHRASE_COST,
    sha256,
    availableKeys: config.masterKeys ? (masterKeysOf(config) ?? null) : null,
  });
  return restored.ok
    ? { made: restored.value, withoutKeys: null }
    : { refused: restored.refusal.problem };
}
