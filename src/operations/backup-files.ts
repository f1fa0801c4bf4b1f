import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { refuse } from '#kernel/result.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { KEY_FILES } from '#keys/key-files.ts';
import { DATABASE_FILE } from '#server/backup-manifest.ts';
import { SchemaMismatch } from '#store/sqlite/snapshot.ts';
import { CorruptArchiveError } from './archive.ts';

/** The first file of a backup. */
export const MANIFEST_FILE = 'backup.json';
/** The version of the format; a newer program may write a newer one. */
export const BACKUP_FORMAT = 1;
/** The files a backup may hold beside its manifest. */
export const allowedFileNames: readonly string[] = [
  DATABASE_FILE,
  ...KEY_FILES.map((name) => `keys/${name}`),
];

/** Why there is no backup, or nothing was restored; the text names the remedy. */
export type BackupRefusal = { readonly problem: string };

export const refuseBackup = (problem: string) => refuse({ problem });

/** SHA-256 in hexadecimal digits. */
export async function sha256Of(content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
  const sum = createHash('sha256');
  for await (const piece of content) sum.update(piece);
  return sum.digest('hex');
}

/** Waits until a file, or the names in a directory, are on the disk. */
export function syncToDisk(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Why a backup could not be written or read. Throws what has another cause than the files. */
export function describeFileError(fault: unknown, file: string): string {
  if (fault instanceof SchemaMismatch || isUnavailable(fault)) return fault.message;
  const { code, message, syscall } = fault as NodeJS.ErrnoException;
  if (fault instanceof CorruptArchiveError || code?.startsWith('Z_'))
    return `${file} is damaged or cut: ${message}`;
  if (syscall !== undefined) return message;
  throw fault;
}
