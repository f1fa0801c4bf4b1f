import { join } from 'node:path';
import type { BackupResult } from '#cli/backup.ts';
import type { CommandServices } from '#cli/command.ts';
import type { KeyCommands } from '#cli/keys.ts';
import type { MigrationResult } from '#cli/migrate.ts';
import type { PartitionRequest, PartitionResult, PartitionStepReport } from '#cli/partition.ts';
import { type Config, readConfig } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { version } from '#config/version.ts';
import { readKeyring } from '#keys/key-files.ts';
import type { MasterKey } from '#keys/keyring.ts';
import { systemClock } from '#platform/clock.ts';
import { MAX_SECRET_FILE_BYTES, readRegularFile } from '#platform/plain-file.ts';
import { systemEntropy } from '#platform/random.ts';
import type { Actor } from '#registry/actor.ts';
import { makeAdminCommands } from '#registry/admin-commands.ts';
import { composeServer, createPlatform, isDanglingLink } from '#server/compose.ts';
import { explainStoreErrors, loadConfiguredStore } from '#server/open-store.ts';
import { isPostgresLocation, openStore } from '#store/open.ts';
import { SchemaMismatch } from '#store/sql/migrate.ts';
import type { Store } from '#store/store.ts';
import { makeBackup, restoreBackup } from './backup.ts';
import { makeKeyCommands } from './key-commands.ts';
import { partitionDatabase } from './partition.ts';

/**
 * The configuration of a command line and the environment. Throws StartupError that names every
 * problem.
 */
export function loadConfig(flags: Readonly<Record<string, string | undefined>>): Config {
  const config = readConfig(flags, process.env, (path, most) =>
    readRegularFile(path, most).toString('utf8'),
  );
  if (config.ok) return config.value;
  throw new StartupError(
    `the settings do not fit:\n${config.refusal.map(({ setting, source, remedy }) => `  ${setting} (from ${source}): use ${remedy}`).join('\n')}`,
  );
}

/** `gatehouse migrate`: brings the schema up to date, or only looks. */
export async function migrateStore(config: Config, dryRun: boolean): Promise<MigrationResult> {
  const store = await openStore(config.database, { migrate: false });
  try {
    const plan = await explainStoreErrors(() => store.planMigration());
    if (!dryRun) await explainStoreErrors(() => store.prepareSchema());
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
  wish: PartitionRequest,
  report: (line: PartitionStepReport) => void,
): Promise<PartitionResult> => partitionDatabase(config, systemClock, wish, report);

/**
 * Half a minute, as for a node: what a command writes, or takes for old enough, is so for
 * everybody.
 */
const MAX_CLOCK_SKEW_MS = 30_000;

/**
 * A command that judges by a wrong clock would do so for everybody. Throws StartupError with the
 * seconds.
 */
async function requireAccurateClock(store: Pick<Store, 'serverTime'>): Promise<void> {
  const serverTime = await explainStoreErrors(() => store.serverTime());
  const skewMs = serverTime === null ? 0 : systemClock.millis() - serverTime;
  if (Math.abs(skewMs) > MAX_CLOCK_SKEW_MS)
    throw new StartupError(
      `the clock of this machine is ${Math.round(skewMs / 1000)} seconds from the database's: set it by NTP, then try again.`,
    );
}

/** `gatehouse keys …`: the keys, and the store when it has to be asked. */
export const openKeyCommands = (config: Config): KeyCommands =>
  makeKeyCommands({
    config,
    clock: systemClock,
    entropy: systemEntropy,
    async withRecords(ask) {
      const open = await loadConfiguredStore({ ...config, migrate: false, ephemeral: null });
      const store = open({});
      try {
        await explainStoreErrors(() => store.prepareSchema({ migrate: false }));
        await requireAccurateClock(store);
        return await explainStoreErrors(() => ask(store));
      } finally {
        await store.close();
      }
    },
  });

/** The master keys that are at hand, the current one first. */
function masterKeysOf(config: Config): readonly MasterKey[] | undefined {
  if (config.masterKeys)
    return config.masterKeys.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') }));
  const keyring = readKeyring(join(config.data, 'keys'));
  return keyring?.keys.toSorted(
    (one, other) => Number(other.id === keyring.current) - Number(one.id === keyring.current),
  );
}

const MIN_PASSPHRASE_LENGTH = 12;
const MAX_PASSPHRASE_LENGTH = 4096;

/**
 * From standard input, a variable, or the file that one names: never a flag, which others on the
 * machine can read.
 */
function resolvePassphrase(fromStdin: string | null): string | null {
  const { GATEHOUSE_BACKUP_PASSPHRASE: own, GATEHOUSE_BACKUP_PASSPHRASE_FILE: file } = process.env;
  let text = fromStdin ?? own ?? null;
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

/** `gatehouse backup`. */
export async function createBackup(
  config: Config,
  to: string,
  withKeys: boolean,
  stdinPassphrase: string | null,
): Promise<BackupResult> {
  const passphrase = resolvePassphrase(stdinPassphrase);
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
    entropy: systemEntropy,
  });
  return made.ok
    ? { made: made.value, withoutKeys: withKeys ? config.masterKeysVariable : 'requested' }
    : { refused: made.refusal.problem };
}

/** `gatehouse restore`. */
export async function restoreDataDirectory(
  config: Config,
  from: string,
  sha256: string | null,
  stdinPassphrase: string | null,
): Promise<BackupResult> {
  if (config.database !== `sqlite:${join(config.data, 'gatehouse.db')}`)
    return {
      refused:
        'a backup goes into a data directory, and the settings name a database elsewhere: leave GATEHOUSE_DATABASE out',
    };
  if (isDanglingLink(config.data))
    return { refused: `${config.data} is a link to nothing: make the directory, or name another` };
  const availableKeys = config.masterKeys ? (masterKeysOf(config) ?? null) : null;
  const restored = await restoreBackup(from, config.data, {
    passphrase: resolvePassphrase(stdinPassphrase),
    sha256,
    availableKeys: availableKeys,
  });
  return restored.ok
    ? { made: restored.value, withoutKeys: null }
    : { refused: restored.refusal.problem };
}

/** Opens the store and the keys for one command. `operator`: who uses it, for the trail. */
export async function openCommandServices(
  config: Config,
  operator: Actor,
): Promise<CommandServices> {
  const { services, store, prepare } = composeServer(config, await createPlatform(config));
  try {
    await prepare();
    await requireAccurateClock(store);
  } catch (fault) {
    await store.close();
    throw fault;
  }
  const { accounts, registry } = services;
  return {
    accounts,
    registry,
    operator,
    clients: makeAdminCommands(registry, operator),
    query: registry.query(operator),
    auditLog: store,
    close: () => store.close(),
  };
}
