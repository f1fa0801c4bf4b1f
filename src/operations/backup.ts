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
import { checkDatabase, SchemaMismatch, snapshot } from '#store/sqlite/snapshot.ts';
import { BrokenArchive, readTar, type TarEntry, writeTar } from './archive.ts';
import { isSealed, SEALED_HEAD, sealed, unsealed } from './backup-encryption.ts';
import {
  DATABASE,
  judgedBy,
  type Manifest,
  prove,
  type RestoreBy,
  type Restored,
  readManifest,
  UNPROVEN,
} from './backup-proof.ts';

/** The first file of a backup. */
const MANIFEST = 'backup.json';
const names: readonly string[] = [DATABASE, ...KEY_FILES.map((name) => `keys/${name}`)];
const FORMAT = 1;
const MOST_MANIFEST = 65_536;

/** Why there is no backup, or nothing was restored; the text names the remedy. */
export type BackupRefusal = { readonly problem: string };

const no = (problem: string) => refuse({ problem });

async function sumOf(content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
  const sum = createHash('sha256');
  for await (const piece of content) sum.update(piece);
  return sum.digest('hex');
}

function toDisk(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const same = (one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>) =>
  one.size === other.size && [...one].every(([name, bytes]) => other.get(name)?.equals(bytes));

/**
 * Copies a database and its keys into one file: a gzipped tar, mode 600, with a manifest of SHA-256
 * sums in front (ADR 11). Others may go on writing; what was committed before the call is in it.
 * Refuses a file that is there, and a database that is damaged.
 */
export async function makeBackup(wanted: {
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
  const { database, keys, to, now } = wanted;
  if (existsSync(to)) return no(`${to} is there already: choose another name, or remove it`);
  if (!existsSync(database)) return no(`there is no database ${database}: check --data`);
  const copy = `${to}.${uniqueName()}.db`;
  const draft = `${to}.${uniqueName()}.part`;
  try {
    // A key that came or went while the database was copied: one of the two would not fit the
    // other.
    let kept: ReadonlyMap<string, Buffer> = new Map();
    for (let turn = 1; ; turn++) {
      const before = keys === null ? kept : readKeyFiles(keys);
      rmSync(copy, { force: true });
      snapshot(database, copy);
      kept = keys === null ? kept : readKeyFiles(keys);
      if (same(before, kept)) break;
      if (turn === 5) return no('the keys changed all the time: try again');
    }
    const checked = checkDatabase(copy);
    if (checked.problem !== null) return no(`the database is damaged: ${checked.problem}`);
    const entries = [
      {
        name: DATABASE,
        bytes: statSync(copy).size,
        content: () => createReadStream(copy) as AsyncIterable<Buffer>,
      },
      ...[...kept].map(([name, bytes]) => ({
        name: `keys/${name}`,
        bytes: bytes.length,
        content: () => [bytes],
      })),
    ];
    const files: Manifest['files'][number][] = [];
    for (const { name, bytes, content } of entries)
      files.push({ name, bytes, sha256: await sumOf(content()) });
    const said = {
      format: FORMAT,
      program: wanted.program,
      made_at: new Date(now * 1000).toISOString(),
      schema: checked.schema,
      files,
      audit_head: checked.auditHead,
    };
    const manifest: Manifest = {
      ...said,
      proof: wanted.masterKey === undefined ? null : prove(said, wanted.masterKey),
    };
    const told = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
    const all: readonly TarEntry[] = [
      { name: MANIFEST, size: told.length, content: [told] },
      ...entries.map(({ name, bytes, content }) => ({ name, size: bytes, content: content() })),
    ];
    const archive = writeTar(all, now);
    const target = () => createWriteStream(draft, { flags: 'wx', mode: 0o600 });
    if (wanted.passphrase === null) await pipeline(archive, createGzip(), target());
    else {
      const { passphrase, entropy } = wanted;
      await pipeline(
        archive,
        createGzip(),
        (packed: AsyncIterable<Buffer>) => sealed(packed, passphrase, entropy),
        target(),
      );
    }
    toDisk(draft);
    const sha256 = await sumOf(createReadStream(draft) as AsyncIterable<Buffer>);
    if (existsSync(to)) return no(`${to} is there already: choose another name, or remove it`);
    renameSync(draft, to);
    toDisk(dirname(to));
    return accept({ ...manifest, sha256 });
  } catch (fault) {
    return no(reasonOf(fault, to));
  } finally {
    for (const path of [copy, draft]) rmSync(path, { force: true });
  }
}

function beginningOf(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const beginning = Buffer.alloc(SEALED_HEAD);
    return isSealed(beginning.subarray(0, readSync(file, beginning)));
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
  const closed = beginningOf(from);
  if (closed && passphrase === null)
    return no(
      `${from} is sealed: give its passphrase by GATEHOUSE_BACKUP_PASSPHRASE_FILE or --passphrase-stdin`,
    );
  if (!closed && passphrase !== null)
    return no(
      `${from} is not sealed, and a passphrase was given: somebody may have put another file in its place`,
    );
  const file = createReadStream(from);
  const source = closed
    ? Readable.from(unsealed(file as AsyncIterable<Buffer>, passphrase ?? ''))
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
      if (name !== MANIFEST || size > MOST_MANIFEST) return no(`${from} is no backup of Gatehouse`);
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      manifest = readManifest(Buffer.concat(pieces).toString('utf8'));
      if (manifest === undefined) return no(`${from} is no backup of Gatehouse`);
      if (manifest.format > FORMAT)
        return no(
          `${from} was made by a newer Gatehouse (${manifest.program}): restore it with that one`,
        );
      for (const file of manifest.files) missing.set(file.name, file);
      continue;
    }
    const promised = missing.get(name);
    // Only names that we know: an archive of somebody else's making must not choose where to write.
    if (promised === undefined || !names.includes(name) || promised.bytes !== size)
      return no(`${from} does not hold what it says: ${name}`);
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
    toDisk(path);
    if (sum.digest('hex') !== promised.sha256)
      return no(`${from} is damaged: the sum of ${name} is another`);
    missing.delete(name);
  }
  if (manifest === undefined || missing.size > 0)
    return no(`${from} is not whole: ${[...missing.keys()].join(', ') || MANIFEST} is missing`);
  return manifest.files.some(({ name }) => name === DATABASE)
    ? accept(manifest)
    : no(`${from} holds no database`);
}

/**
 * Puts a backup into an empty or new data directory. Refuses one with anything in it, a backup that
 * is cut or changed, and one of a newer program. Nothing is in the directory then.
 */
export async function restoreBackup(
  from: string,
  data: string,
  by: RestoreBy,
): Promise<Result<Restored, BackupRefusal>> {
  if (!existsSync(from)) return no(`there is no file ${from}`);
  if (
    by.sha256 !== null &&
    (await sumOf(createReadStream(from) as AsyncIterable<Buffer>)) !== by.sha256
  )
    return no(`${from} has another SHA-256 than the one that was given`);
  const made = mkdirSync(data, { recursive: true, mode: 0o700 });
  if (readdirSync(data).length > 0)
    return no(`${data} is not empty: restore into a new directory, and move it when all is well`);
  // Inside: the directory may be a mount of its own, into which nothing can be renamed from
  // outside.
  const draft = join(data, `.restore.${uniqueName()}`);
  mkdirSync(draft, { mode: 0o700 });
  let answer: Result<Manifest, BackupRefusal>;
  let provenBy: Restored['provenBy'] = 'keys inside';
  try {
    answer = await unpack(from, draft, by.passphrase);
    if (answer.ok) {
      const { problem } = checkDatabase(join(draft, DATABASE));
      if (problem !== null) answer = no(`the database in ${from} is damaged: ${problem}`);
    }
    if (answer.ok) {
      const judged = judgedBy(answer.value, join(draft, 'keys'), by);
      if (judged === null)
        answer = no(
          `${from} was changed, or was not made with these keys; if you know where it comes from, give its SHA-256 with --sha256`,
        );
      else provenBy = judged;
    }
    if (answer.ok) {
      // The database last: a directory without one is no server's.
      if (existsSync(join(draft, 'keys'))) renameSync(join(draft, 'keys'), join(data, 'keys'));
      if (provenBy === 'at the start')
        writeFileSync(join(data, UNPROVEN), JSON.stringify(answer.value), { mode: 0o600 });
      renameSync(join(draft, DATABASE), join(data, DATABASE));
      chmodSync(data, 0o700);
      toDisk(data);
    }
  } catch (fault) {
    answer = no(reasonOf(fault, from));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  if (!answer.ok && made !== undefined) rmdirSync(data);
  return answer.ok ? accept({ ...answer.value, provenBy }) : answer;
}

/** Why a backup could not be written or read. Throws what has another cause than the files. */
function reasonOf(fault: unknown, file: string): string {
  if (fault instanceof SchemaMismatch || isUnavailable(fault)) return fault.message;
  const { code, message, syscall } = fault as NodeJS.ErrnoException;
  if (fault instanceof BrokenArchive || code?.startsWith('Z_'))
    return `${file} is damaged or cut: ${message}`;
  if (syscall !== undefined) return message;
  throw fault;
}
