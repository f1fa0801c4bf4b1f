import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Instant } from '#kernel/time.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { KEY_FILES, readKeyFiles } from '#keys/key-files.ts';
import type { MasterKey } from '#keys/keyring.ts';
import type { Entropy } from '#platform/random.ts';
import { uniqueName } from '#platform/unique-name.ts';
import { checkDatabase, copyDatabase, SchemaMismatch } from '#store/sqlite/snapshot.ts';
import { CorruptArchiveError, readTar, type TarEntry, writeTar } from './archive.ts';
import {
  decryptBackup,
  ENCRYPTION_HEADER_BYTES,
  encryptBackup,
  hasEncryptionHeader,
} from './backup-encryption.ts';
import {
  createProof,
  DATABASE_FILE,
  type Manifest,
  type RestoredBackup,
  type RestoreOptions,
  readManifest,
  UNVERIFIED_MARKER_FILE,
  verifyManifest,
} from './backup-proof.ts';

/** The first file of a backup. */
const MANIFEST_FILE = 'backup.json';
const allowedNames: readonly string[] = [DATABASE_FILE, ...KEY_FILES.map((name) => `keys/${name}`)];
const FORMAT = 1;
const MAX_MANIFEST_BYTES = 65_536;

/** Why there is no backup, or nothing was restored; the text names the remedy. */
export type BackupRefusal = { readonly problem: string };

const refuseBackup = (problem: string) => refuse({ problem });

async function sha256Of(content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
  const sum = createHash('sha256');
  for await (const piece of content) sum.update(piece);
  return sum.digest('hex');
}

function syncToDisk(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const haveSameFiles = (one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>) =>
  one.size === other.size && [...one].every(([name, bytes]) => other.get(name)?.equals(bytes));

/**
 * Copies a database and its keys into one file: a gzipped tar, mode 600, with a manifest of SHA-256
 * sums in front (ADR 11). Others may go on writing; what was committed before the call is in it.
 * Refuses a file that is there, and a database that is damaged.
 */
export async function makeBackup(options: {
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
  readonly entropy: Entropy;
}): Promise<Result<Manifest & { readonly sha256: string }, BackupRefusal>> {
  const { database, keys, to, now } = options;
  if (existsSync(to))
    return refuseBackup(`${to} is there already: choose another name, or remove it`);
  if (!existsSync(database)) return refuseBackup(`there is no database ${database}: check --data`);
  const copy = `${to}.${uniqueName()}.db`;
  const draft = `${to}.${uniqueName()}.part`;
  try {
    // A key that came or went while the database was copied: one of the two would not fit the
    // other.
    let keyFiles: ReadonlyMap<string, Buffer> = new Map();
    for (let turn = 1; ; turn++) {
      const before = keys === null ? keyFiles : readKeyFiles(keys);
      rmSync(copy, { force: true });
      copyDatabase(database, copy);
      keyFiles = keys === null ? keyFiles : readKeyFiles(keys);
      if (haveSameFiles(before, keyFiles)) break;
      if (turn === 5) return refuseBackup('the keys changed all the time: try again');
    }
    const checked = checkDatabase(copy);
    if (checked.problem !== null)
      return refuseBackup(`the database is damaged: ${checked.problem}`);
    const entries = [
      {
        name: DATABASE_FILE,
        bytes: statSync(copy).size,
        content: () => createReadStream(copy) as AsyncIterable<Buffer>,
      },
      ...[...keyFiles].map(([name, bytes]) => ({
        name: `keys/${name}`,
        bytes: bytes.length,
        content: () => [bytes],
      })),
    ];
    const files: Manifest['files'][number][] = [];
    for (const { name, bytes, content } of entries)
      files.push({ name, bytes, sha256: await sha256Of(content()) });
    const manifestFields = {
      format: FORMAT,
      program: options.program,
      made_at: new Date(now * 1000).toISOString(),
      schema: checked.schema,
      files,
      audit_head: checked.auditHead,
    };
    const manifest: Manifest = {
      ...manifestFields,
      proof:
        options.masterKey === undefined ? null : createProof(manifestFields, options.masterKey),
    };
    const manifestBytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
    const all: readonly TarEntry[] = [
      { name: MANIFEST_FILE, size: manifestBytes.length, content: [manifestBytes] },
      ...entries.map(({ name, bytes, content }) => ({ name, size: bytes, content: content() })),
    ];
    const archive = writeTar(all, now);
    const target = () => createWriteStream(draft, { flags: 'wx', mode: 0o600 });
    if (options.passphrase === null) await pipeline(archive, createGzip(), target());
    else {
      const { passphrase, entropy } = options;
      await pipeline(
        archive,
        createGzip(),
        (packed: AsyncIterable<Buffer>) => encryptBackup(packed, passphrase, entropy),
        target(),
      );
    }
    syncToDisk(draft);
    const sha256 = await sha256Of(createReadStream(draft) as AsyncIterable<Buffer>);
    if (existsSync(to))
      return refuseBackup(`${to} is there already: choose another name, or remove it`);
    renameSync(draft, to);
    syncToDisk(dirname(to));
    return accept({ ...manifest, sha256 });
  } catch (fault) {
    return refuseBackup(describeFileError(fault, to));
  } finally {
    for (const path of [copy, draft]) rmSync(path, { force: true });
  }
}

function isEncryptedFile(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const beginning = Buffer.alloc(ENCRYPTION_HEADER_BYTES);
    return hasEncryptionHeader(beginning.subarray(0, readSync(file, beginning)));
  } finally {
    closeSync(file);
  }
}

/** Writes the files of a backup into a directory and checks each against the manifest. */
async function unpack(
  from: string,
  into: string,
  passphrase: string | null,
): Promise<Result<Manifest, BackupRefusal>> {
  const encrypted = isEncryptedFile(from);
  if (encrypted && passphrase === null)
    return refuseBackup(
      `${from} is sealed: give its passphrase by GATEHOUSE_BACKUP_PASSPHRASE_FILE or --passphrase-stdin`,
    );
  if (!encrypted && passphrase !== null)
    return refuseBackup(
      `${from} is not sealed, and a passphrase was given: somebody may have put another file in its place`,
    );
  const file = createReadStream(from);
  const source = encrypted
    ? Readable.from(decryptBackup(file as AsyncIterable<Buffer>, passphrase ?? ''))
    : file;
  const unzipped = source.pipe(createGunzip());
  source.on('error', (fault) => unzipped.destroy(fault));
  try {
    return await unpackFiles(from, unzipped as AsyncIterable<Buffer>, into);
  } finally {
    source.destroy();
    file.destroy();
    unzipped.destroy();
  }
}

async function unpackFiles(
  from: string,
  archive: AsyncIterable<Buffer>,
  into: string,
): Promise<Result<Manifest, BackupRefusal>> {
  let manifest: Manifest | undefined;
  const missing = new Map<string, Manifest['files'][number]>();
  for await (const { name, size, content } of readTar(archive)) {
    if (manifest === undefined) {
      if (name !== MANIFEST_FILE || size > MAX_MANIFEST_BYTES)
        return refuseBackup(`${from} is no backup of Gatehouse`);
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      manifest = readManifest(Buffer.concat(pieces).toString('utf8'));
      if (manifest === undefined) return refuseBackup(`${from} is no backup of Gatehouse`);
      if (manifest.format > FORMAT)
        return refuseBackup(
          `${from} was made by a newer Gatehouse (${manifest.program}): restore it with that one`,
        );
      for (const file of manifest.files) missing.set(file.name, file);
      continue;
    }
    const promised = missing.get(name);
    // Only names that we know: an archive of somebody else's making must not choose where to write.
    if (promised === undefined || !allowedNames.includes(name) || promised.bytes !== size)
      return refuseBackup(`${from} does not hold what it says: ${name}`);
    const path = join(into, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const sum = createHash('sha256');
    await pipeline(
      content,
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          sum.update(piece);
          yield piece;
        }
      },
      createWriteStream(path, { flags: 'wx', mode: 0o600 }),
    );
    syncToDisk(path);
    if (sum.digest('hex') !== promised.sha256)
      return refuseBackup(`${from} is damaged: the sum of ${name} is another`);
    missing.delete(name);
  }
  if (manifest === undefined || missing.size > 0)
    return refuseBackup(
      `${from} is not whole: ${[...missing.keys()].join(', ') || MANIFEST_FILE} is missing`,
    );
  return manifest.files.some(({ name }) => name === DATABASE_FILE)
    ? accept(manifest)
    : refuseBackup(`${from} holds no database`);
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
  if (
    options.sha256 !== null &&
    (await sha256Of(createReadStream(from) as AsyncIterable<Buffer>)) !== options.sha256
  )
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
  let answer: Result<Manifest, BackupRefusal>;
  let verifiedBy: RestoredBackup['verifiedBy'] = 'included-keys';
  try {
    answer = await unpack(from, draft, options.passphrase);
    if (answer.ok) {
      const { problem } = checkDatabase(join(draft, DATABASE_FILE));
      if (problem !== null) answer = refuseBackup(`the database in ${from} is damaged: ${problem}`);
    }
    if (answer.ok) {
      const judged = verifyManifest(answer.value, join(draft, 'keys'), options);
      if (judged === null)
        answer = refuseBackup(
          `${from} was changed, or was not made with these keys; if you know where it comes from, give its SHA-256 with --sha256`,
        );
      else verifiedBy = judged;
    }
    if (answer.ok) {
      // The database last: a directory without one is no server's.
      if (existsSync(join(draft, 'keys'))) renameSync(join(draft, 'keys'), join(data, 'keys'));
      if (verifiedBy === 'pending')
        writeFileSync(join(data, UNVERIFIED_MARKER_FILE), JSON.stringify(answer.value), {
          mode: 0o600,
        });
      renameSync(join(draft, DATABASE_FILE), join(data, DATABASE_FILE));
      chmodSync(data, 0o700);
      syncToDisk(data);
    }
  } catch (fault) {
    answer = refuseBackup(describeFileError(fault, from));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  if (!answer.ok && made !== undefined) rmdirSync(data);
  return answer.ok ? accept({ ...answer.value, verifiedBy }) : answer;
}

/** Why a backup could not be written or read. Throws what has another cause than the files. */
function describeFileError(fault: unknown, file: string): string {
  if (fault instanceof SchemaMismatch || isUnavailable(fault)) return fault.message;
  const { code, message, syscall } = fault as NodeJS.ErrnoException;
  if (fault instanceof CorruptArchiveError || code?.startsWith('Z_'))
    return `${file} is damaged or cut: ${message}`;
  if (syscall !== undefined) return message;
  throw fault;
}
