import {
  createReadStream,
  createWriteStream,
  existsSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { accept, type Result } from '#kernel/result.ts';
import { type Instant, toIsoTime } from '#kernel/time.ts';
import { readKeyFiles } from '#keys/key-files.ts';
import type { MasterKey } from '#keys/keyring.ts';
import type { Entropy } from '#platform/random.ts';
import { uniqueName } from '#platform/unique-name.ts';
import { createProof, DATABASE_FILE, type Manifest } from '#server/backup-manifest.ts';
import { checkDatabase, copyDatabase } from '#store/sqlite/snapshot.ts';
import { type TarEntry, writeTar } from './archive.ts';
import { encryptBackup, type ScryptCost } from './backup-encryption.ts';
import {
  BACKUP_FORMAT,
  type BackupRefusal,
  describeFileError,
  MANIFEST_FILE,
  refuseBackup,
  sha256Of,
  syncToDisk,
} from './backup-files.ts';

/** What a backup is made of, and where it goes. */
export interface BackupOptions {
  readonly database: string;
  /** Directory of the keys; null: the backup holds none. */
  readonly keys: string | null;
  readonly to: string;
  readonly program: string;
  readonly now: Instant;
  /** The key that shows later who made it. */
  readonly masterKey: MasterKey | undefined;
  /** What it is encrypted with; null: it is not. */
  readonly passphrase: string | null;
  readonly passphraseCost: ScryptCost;
  readonly entropy: Entropy;
}

/** One file that goes into a backup. */
interface BackupEntry {
  readonly name: string;
  readonly bytes: number;
  content(): AsyncIterable<Buffer> | Iterable<Buffer>;
}

const haveSameFiles = (one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>) =>
  one.size === other.size && [...one].every(([name, bytes]) => other.get(name)?.equals(bytes));

const MAX_COPY_ATTEMPTS = 5;

/**
 * Copies the database, and reads the keys that go with it. A key that came or went while the
 * database was copied would not fit it: both are taken again. Undefined: the keys changed each
 * time.
 */
function copyDatabaseWithKeys(
  { database, keys }: BackupOptions,
  copy: string,
): ReadonlyMap<string, Buffer> | undefined {
  const readKeys = () => (keys === null ? new Map<string, Buffer>() : readKeyFiles(keys));
  for (let attempt = 1; attempt <= MAX_COPY_ATTEMPTS; attempt++) {
    const before = readKeys();
    rmSync(copy, { force: true });
    copyDatabase(database, copy);
    const after = readKeys();
    if (haveSameFiles(before, after)) return after;
  }
  return undefined;
}

/** What the backup says of itself, with the sum of each file and the proof of who made it. */
async function describeBackup(
  { program, now, masterKey }: BackupOptions,
  { schema, auditHead }: ReturnType<typeof checkDatabase>,
  entries: readonly BackupEntry[],
): Promise<Manifest> {
  const files: Manifest['files'][number][] = [];
  for (const { name, bytes, content } of entries)
    files.push({ name, bytes, sha256: await sha256Of(content()) });
  const fields = {
    format: BACKUP_FORMAT,
    program,
    made_at: toIsoTime(now),
    schema,
    files,
    audit_head: auditHead,
  };
  return { ...fields, proof: masterKey === undefined ? null : createProof(fields, masterKey) };
}

/** Writes manifest and files as a gzipped tar, encrypted when there is a passphrase. */
async function writeArchive(
  { now, passphrase, passphraseCost, entropy }: BackupOptions,
  manifest: Manifest,
  entries: readonly BackupEntry[],
  draft: string,
): Promise<void> {
  const manifestBytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const all: readonly TarEntry[] = [
    { name: MANIFEST_FILE, size: manifestBytes.length, content: [manifestBytes] },
    ...entries.map(({ name, bytes, content }) => ({ name, size: bytes, content: content() })),
  ];
  const archive = writeTar(all, now);
  const target = createWriteStream(draft, { flags: 'wx', mode: 0o600 });
  if (passphrase === null) await pipeline(archive, createGzip(), target);
  else
    await pipeline(
      archive,
      createGzip(),
      (packed: AsyncIterable<Buffer>) =>
        encryptBackup(packed, passphrase, { entropy, cost: passphraseCost }),
      target,
    );
  syncToDisk(draft);
}

/**
 * Copies a database and its keys into one file: a gzipped tar, mode 600, with a manifest of SHA-256
 * sums in front (ADR 11). Others may go on writing; what was committed before the call is in it.
 * Refuses a file that is there, and a database that is damaged.
 */
export async function makeBackup(
  options: BackupOptions,
): Promise<Result<Manifest & { readonly sha256: string }, BackupRefusal>> {
  const { database, to } = options;
  const refuseExisting = () =>
    refuseBackup(`${to} is there already: choose another name, or remove it`);
  if (existsSync(to)) return refuseExisting();
  if (!existsSync(database)) return refuseBackup(`there is no database ${database}: check --data`);
  const copy = `${to}.${uniqueName()}.db`;
  const draft = `${to}.${uniqueName()}.part`;
  try {
    const keyFiles = copyDatabaseWithKeys(options, copy);
    if (keyFiles === undefined) return refuseBackup('the keys changed all the time: try again');
    const checked = checkDatabase(copy);
    if (checked.problem !== null)
      return refuseBackup(`the database is damaged: ${checked.problem}`);
    const entries: readonly BackupEntry[] = [
      { name: DATABASE_FILE, bytes: statSync(copy).size, content: () => createReadStream(copy) },
      ...[...keyFiles].map(([name, bytes]) => ({
        name: `keys/${name}`,
        bytes: bytes.length,
        content: () => [bytes],
      })),
    ];
    const manifest = await describeBackup(options, checked, entries);
    await writeArchive(options, manifest, entries, draft);
    const sha256 = await sha256Of(createReadStream(draft));
    if (existsSync(to)) return refuseExisting();
    renameSync(draft, to);
    syncToDisk(dirname(to));
    return accept({ ...manifest, sha256 });
  } catch (fault) {
    return refuseBackup(describeFileError(fault, to));
  } finally {
    for (const path of [copy, draft]) rmSync(path, { force: true });
  }
}
