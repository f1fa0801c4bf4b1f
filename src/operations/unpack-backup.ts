import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  openSync,
  readSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { accept, type Result } from '#kernel/result.ts';
import { DATABASE_FILE, type Manifest, readManifest } from '#server/backup-manifest.ts';
import { readTar } from './archive.ts';
import {
  decryptBackup,
  ENCRYPTION_HEADER_BYTES,
  hasEncryptionHeader,
  type ScryptCost,
} from './backup-encryption.ts';
import {
  allowedFileNames,
  BACKUP_FORMAT,
  type BackupRefusal,
  MANIFEST_FILE,
  refuseBackup,
  syncToDisk,
} from './backup-files.ts';

const MAX_MANIFEST_BYTES = 65_536;

/** How an encrypted backup is opened; `passphrase` null: it is not encrypted. */
export interface Passphrase {
  readonly passphrase: string | null;
  readonly passphraseCost: ScryptCost;
}

type ArchivedFile = Manifest['files'][number];
type TarFile =
  ReturnType<typeof readTar> extends AsyncIterable<infer Entry, unknown, unknown> ? Entry : never;

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
export async function unpackBackup(
  from: string,
  into: string,
  { passphrase, passphraseCost }: Passphrase,
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
    ? Readable.from(decryptBackup(file, passphrase ?? '', passphraseCost))
    : file;
  const unzipped = source.pipe(createGunzip());
  source.on('error', (fault) => unzipped.destroy(fault));
  try {
    return await unpackFiles(from, unzipped, into);
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
  const missing = new Map<string, ArchivedFile>();
  for await (const entry of readTar(archive)) {
    if (manifest === undefined) {
      const read = await readManifestEntry(from, entry);
      if (!read.ok) return read;
      manifest = read.value;
      for (const file of manifest.files) missing.set(file.name, file);
      continue;
    }
    const problem = await unpackFile(entry, missing.get(entry.name), into);
    if (problem !== null) return refuseBackup(`${from} ${problem}`);
    missing.delete(entry.name);
  }
  if (manifest === undefined || missing.size > 0)
    return refuseBackup(
      `${from} is not whole: ${[...missing.keys()].join(', ') || MANIFEST_FILE} is missing`,
    );
  return manifest.files.some(({ name }) => name === DATABASE_FILE)
    ? accept(manifest)
    : refuseBackup(`${from} holds no database`);
}

/** The manifest, which is the first file of every backup. */
async function readManifestEntry(
  from: string,
  { name, size, content }: TarFile,
): Promise<Result<Manifest, BackupRefusal>> {
  if (name !== MANIFEST_FILE || size > MAX_MANIFEST_BYTES)
    return refuseBackup(`${from} is no backup of Gatehouse`);
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  const manifest = readManifest(Buffer.concat(pieces).toString('utf8'));
  if (manifest === undefined) return refuseBackup(`${from} is no backup of Gatehouse`);
  return manifest.format > BACKUP_FORMAT
    ? refuseBackup(
        `${from} was made by a newer Gatehouse (${manifest.program}): restore it with that one`,
      )
    : accept(manifest);
}

/** Writes one file as the manifest promised it. Answers what is wrong with it; null: nothing. */
async function unpackFile(
  { name, size, content }: TarFile,
  promised: ArchivedFile | undefined,
  into: string,
): Promise<string | null> {
  // Only names that we know: an archive of somebody else's making must not choose where to write.
  if (promised === undefined || !allowedFileNames.includes(name) || promised.bytes !== size)
    return `does not hold what it says: ${name}`;
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
  return sum.digest('hex') === promised.sha256 ? null : `is damaged: the sum of ${name} is another`;
}
