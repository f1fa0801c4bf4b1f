import { join } from 'node:path';
import type { BackupAnswer } from '#cli/backup.ts';
import type { Verbs } from '#cli/command.ts';
import type { KeyDesk } from '#cli/keys.ts';
import type { MigrationAnswer } from '#cli/migrate.ts';
import type { PartitionAnswer, PartitionLine, PartitionWish } from '#cli/partition.ts';
import { type Config, readConfig } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { version } from '#config/version.ts';
import { readRing } from '#keys/key-files.ts';
import type { MasterKey } from '#keys/keyring.ts';
import { systemClock } from '#platform/clock.ts';
import { MOST_SECRET, readPlainFile } from '#platform/plain-file.ts';
import { systemEntropy } from '#platform/random.ts';
import type { Actor } from '#registry/actor.ts';
import { operatorDesk } from '#registry/admin-commands.ts';
import { isDanglingLink, makeWorld, realOutside } from '#server/compose.ts';
import { opened, reached } from '#server/open-store.ts';
import { isPostgres, openStore } from '#store/open.ts';
import { SchemaMismatch } from '#store/sql/migrate.ts';
import type { Store } from '#store/store.ts';
import { makeBackup, restoreBackup } from './backup.ts';
import { makeKeyDesk } from './key-commands.ts';
import { partitionStore } from './partition.ts';

/**
 * The configuration of a command line and the environment. Throws StartupError that names every
 * problem.
 */
export function readSettings(flags: Readonly<Record<string, string | undefined>>): Config {
  const config = readConfig(flags, process.env, (path, most) =>
    readPlainFile(path, most).toString('utf8'),
  );
  if (config.ok) return config.value;
  throw new StartupError(
    `the settings do not fit:\n${config.refusal.map(({ setting, source, remedy }) => `  ${setting} (from ${source}): use ${remedy}`).join('\n')}`,
  );
}

/** `gatehouse migrate`: brings the schema up to date, or only looks. */
export async function migrateStore(config: Config, dryRun: boolean): Promise<MigrationAnswer> {
  const store = openStore(config.database, { migrate: false });
  try {
    const plan = await reached(() => store.plan());
    if (!dryRun) await reached(() => store.ready());
    return plan;
  } catch (fault) {
    if (fault instanceof StartupError && fault.cause instanceof SchemaMismatch)
      return { refused: fault.cause.message };
    throw fault;
  } finally {
    await store.close();
  }
}

/** `gatehouse partition`. */
export const partitionTables = (
  config: Config,
  wish: PartitionWish,
  tell: (line: PartitionLine) => void,
): Promise<PartitionAnswer> => partitionStore(config, systemClock, wish, tell);

/**
 * Half a minute, as for a node: what a command writes, or takes for old enough, is so for
 * everybody.
 */
const MOST_APART_MS = 30_000;

/**
 * A command that judges by a wrong clock would do so for everybody. Throws StartupError with the
 * seconds.
 */
async function refuseWrongClock(store: Pick<Store, 'serverTime'>): Promise<void> {
  const theirs = await reached(() => store.serverTime());
  const apart = theirs === null ? 0 : systemClock.millis() - theirs;
  if (Math.abs(apart) > MOST_APART_MS)
    throw new StartupError(
      `the clock of this machine is ${Math.round(apart / 1000)} seconds from the database's: set it by NTP, then try again.`,
    );
}

/** `gatehouse keys …`: the keys, and the store when it has to be asked. */
export const openKeyDesk = (config: Config): KeyDesk =>
  makeKeyDesk({
    config,
    clock: systemClock,
    entropy: systemEntropy,
    async withRecords(ask) {
      const store = opened({ ...config, migrate: false }, config.database);
      try {
        await reached(() => store.ready({ migrate: false }));
        await refuseWrongClock(store);
        return await reached(() => ask(store));
      } finally {
        await store.close();
      }
    },
  });

/** The master keys that are at hand, the current one first. */
function masterKeysOf(config: Config): readonly MasterKey[] | undefined {
  if (config.masterKeys)
    return config.masterKeys.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') }));
  const ring = readRing(join(config.data, 'keys'));
  return ring?.keys.toSorted(
    (one, other) => Number(other.id === ring.current) - Number(one.id === ring.current),
  );
}

const LEAST_PASSPHRASE = 12;
const MOST_PASSPHRASE = 4096;

/**
 * From standard input, a variable, or the file that one names: never a flag, which others on the
 * machine can read.
 */
function passphraseOf(given: string | null): string | null {
  const { GATEHOUSE_BACKUP_PASSPHRASE: own, GATEHOUSE_BACKUP_PASSPHRASE_FILE: file } = process.env;
  let text = given ?? own ?? null;
  if (text === null && file) {
    try {
      text = readPlainFile(file, MOST_SECRET).toString('utf8');
    } catch (fault) {
      throw new StartupError(
        `GATEHOUSE_BACKUP_PASSPHRASE_FILE cannot be read: ${(fault as Error).message}.`,
      );
    }
  }
  const line = text?.split(/\r?\n/, 1)[0] ?? null;
  if (line === '' || (line !== null && line.length > MOST_PASSPHRASE))
    throw new StartupError('the passphrase is empty or too long.');
  return line;
}

/** `gatehouse backup`. */
export async function backUp(
  config: Config,
  to: string,
  withKeys: boolean,
  given: string | null,
): Promise<BackupAnswer> {
  const passphrase = passphraseOf(given);
  if (passphrase !== null && passphrase.length < LEAST_PASSPHRASE)
    return { refused: `the passphrase has fewer than ${LEAST_PASSPHRASE} characters` };
  if (isPostgres(config.database))
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
    entropy: systemEntropy,
  });
  return made.ok
    ? { made: made.value, withoutKeys: withKeys ? config.masterKeysFrom : 'asked' }
    : { refused: made.refusal.problem };
}

/** `gatehouse restore`. */
export async function restore(
  config: Config,
  from: string,
  sha256: string | null,
  given: string | null,
): Promise<BackupAnswer> {
  if (config.database !== `sqlite:${join(config.data, 'gatehouse.db')}`)
    return {
      refused:
        'a backup goes into a data directory, and the settings name a database elsewhere: leave GATEHOUSE_DATABASE out',
    };
  if (isDanglingLink(config.data))
    return { refused: `${config.data} is a link to nothing: make the directory, or name another` };
  const atHand = config.masterKeys ? (masterKeysOf(config) ?? null) : null;
  const restored = await restoreBackup(from, config.data, {
    passphrase: passphraseOf(given),
    sha256,
    keys: atHand,
  });
  return restored.ok
    ? { made: restored.value, withoutKeys: null }
    : { refused: restored.refusal.problem };
}

/** Opens the store and the keys for one command. `operator`: who uses it, for the trail. */
export async function openVerbs(config: Config, operator: Actor): Promise<Verbs> {
  const { world, store, settle } = makeWorld(config, realOutside(config));
  try {
    await settle();
    await refuseWrongClock(store);
  } catch (fault) {
    await store.close();
    throw fault;
  }
  const { accounts, registry, records } = world;
  return {
    accounts,
    registry,
    operator,
    clients: operatorDesk(registry, operator),
    records,
    trail: store,
    close: () => store.close(),
  };
}
