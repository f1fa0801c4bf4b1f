import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { accept, type Result } from '#kernel/result.ts';
import { readKeyring } from '#keys/key-files.ts';
import type { MasterKey } from '#keys/keyring.ts';
import { uniqueName } from '#platform/unique-name.ts';
import {
  DATABASE_FILE,
  isProofValid,
  type Manifest,
  UNVERIFIED_MARKER_FILE,
} from '#server/backup-manifest.ts';
import { checkDatabase } from '#store/sqlite/snapshot.ts';
import {
  type BackupRefusal,
  describeFileError,
  refuseBackup,
  sha256Of,
  syncToDisk,
} from './backup-files.ts';
import { type Passphrase, unpackBackup } from './unpack-backup.ts';

/** What a restore may believe besides the file. */
export interface RestoreOptions extends Passphrase {
  /** Of the whole file, in hexadecimal digits, as the backup printed it. */
  readonly sha256: string | null;
  /** Master keys that are at hand; null: none but those that may be inside. */
  readonly availableKeys: readonly MasterKey[] | null;
}

/** What was restored, and what showed that nobody changed it. */
export interface RestoredBackup extends Manifest {
  /** `pending`: nothing yet; the first start checks it with the keys that are there by then. */
  readonly verifiedBy: 'passphrase' | 'sha256' | 'available-keys' | 'included-keys' | 'pending';
}

/**
 * What shows that a backup is as it was made; null: it is not. `keys`: directory of those inside.
 */
function verifyManifest(
  manifest: Manifest,
  keys: string,
  { passphrase, sha256, availableKeys }: RestoreOptions,
): RestoredBackup['verifiedBy'] | null {
  if (passphrase !== null) return 'passphrase';
  if (sha256 !== null) return 'sha256';
  if (availableKeys !== null)
    return isProofValid(manifest, availableKeys) ? 'available-keys' : null;
  const included = readKeyring(keys);
  if (included !== undefined) return isProofValid(manifest, included.keys) ? 'included-keys' : null;
  return manifest.proof == null ? null : 'pending';
}

/** Unpacks a backup into a draft directory and judges it there. */
async function unpackAndVerify(
  from: string,
  draft: string,
  options: RestoreOptions,
): Promise<Result<RestoredBackup, BackupRefusal>> {
  const unpacked = await unpackBackup(from, draft, options);
  if (!unpacked.ok) return unpacked;
  const { problem } = checkDatabase(join(draft, DATABASE_FILE));
  if (problem !== null) return refuseBackup(`the database in ${from} is damaged: ${problem}`);
  const verifiedBy = verifyManifest(unpacked.value, join(draft, 'keys'), options);
  return verifiedBy === null
    ? refuseBackup(
        `${from} was changed, or was not made with these keys; if you know where it comes from, give its SHA-256 with --sha256`,
      )
    : accept({ ...unpacked.value, verifiedBy });
}

/** Moves what was judged into the data directory. */
function moveIntoPlace(draft: string, data: string, { verifiedBy, ...manifest }: RestoredBackup) {
  if (existsSync(join(draft, 'keys'))) renameSync(join(draft, 'keys'), join(data, 'keys'));
  if (verifiedBy === 'pending')
    writeFileSync(join(data, UNVERIFIED_MARKER_FILE), JSON.stringify(manifest), { mode: 0o600 });
  // The database last: a directory without one is no server's.
  renameSync(join(draft, DATABASE_FILE), join(data, DATABASE_FILE));
  chmodSync(data, 0o700);
  syncToDisk(data);
}

/**
 * Puts a backup into an empty or new data directory. Refuses one with anything in it, a backup that
 * is cut or changed, and one of a newer program. Nothing is in the directory then.
 */
export async function restoreBackup(
  from: string,
  data: string,
  options: RestoreOptions,
): Promise<Result<RestoredBackup, BackupRefusal>> {
  if (!existsSync(from)) return refuseBackup(`there is no file ${from}`);
  if (options.sha256 !== null && (await sha256Of(createReadStream(from))) !== options.sha256)
    return refuseBackup(`${from} has another SHA-256 than the one that was given`);
  const made = mkdirSync(data, { recursive: true, mode: 0o700 });
  if (readdirSync(data).length > 0)
    return refuseBackup(
      `${data} is not empty: restore into a new directory, and move it when all is well`,
    );
  // Inside: the directory may be a mount of its own, into which nothing can be renamed from
  // outside.
  const draft = join(data, `.restore.${uniqueName()}`);
  mkdirSync(draft, { mode: 0o700 });
  let restored: Result<RestoredBackup, BackupRefusal>;
  try {
    restored = await unpackAndVerify(from, draft, options);
    if (restored.ok) moveIntoPlace(draft, data, restored.value);
  } catch (fault) {
    restored = refuseBackup(describeFileError(fault, from));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  if (!restored.ok && made !== undefined) rmdirSync(data);
  return restored;
}
