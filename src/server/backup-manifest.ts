import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MasterKey } from '#keys/keyring.ts';

/** In a data directory whose database nobody could check yet. */
export const UNVERIFIED_MARKER_FILE = 'restored.json';

/** The database, in a backup and in a data directory. */
export const DATABASE_FILE = 'gatehouse.db';

/**
 * Shows who made a backup: an HMAC over everything its manifest says, under a key that comes from a
 * master key.
 */
export interface BackupProof {
  /** Which master key. */
  readonly key: string;
  /** HMAC-SHA-256, in hexadecimal digits. */
  readonly hmac: string;
}

const manifestHmac = (manifest: object, { key }: MasterKey): Buffer =>
  createHmac('sha256', Buffer.from(hkdfSync('sha256', key, '', 'gatehouse backup', 32)))
    .update(JSON.stringify(manifest))
    .digest();

/** The proof of a manifest. */
export const createProof = (manifest: object, key: MasterKey): BackupProof => ({
  key: key.id,
  hmac: manifestHmac(manifest, key).toString('hex'),
});

/** Does one of these keys show that a manifest is as it was made? */
export function isProofValid(
  { proof, ...manifest }: { readonly proof?: BackupProof | null },
  keys: readonly MasterKey[],
): boolean {
  if (typeof proof?.key !== 'string' || typeof proof.hmac !== 'string') return false;
  const key = keys.find(({ id }) => id === proof.key);
  const given = Buffer.from(proof.hmac, 'hex');
  return (
    key !== undefined && given.length === 32 && timingSafeEqual(given, manifestHmac(manifest, key))
  );
}

/** What a backup says of itself. */
export interface Manifest {
  readonly format: number;
  readonly program: string;
  readonly made_at: string;
  readonly schema: number;
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  /** Where the chain of the audit log ended. */
  readonly audit_head: { readonly id: number; readonly hash: string } | null;
  /** Null: there was no master key. */
  readonly proof: BackupProof | null;
}

/** Undefined: it is none. */
export function readManifest(text: string): Manifest | undefined {
  try {
    const { format, files, schema } = JSON.parse(text) as Partial<Manifest>;
    const fine =
      typeof format === 'number' &&
      typeof schema === 'number' &&
      Array.isArray(files) &&
      files.every(
        ({ name, bytes, sha256 }) =>
          typeof name === 'string' && typeof bytes === 'number' && typeof sha256 === 'string',
      );
    return fine ? (JSON.parse(text) as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The first start on a restored database whose backup held no keys: now that they are there, they
 * show whether it is what was made. Throws an Error with the remedy. `keys`: undefined when there
 * are none.
 */
export function verifyRestoredBackup(data: string, keys: readonly MasterKey[] | undefined): void {
  const note = join(data, UNVERIFIED_MARKER_FILE);
  if (!existsSync(note)) return;
  if (keys === undefined)
    throw new Error(
      `the backup in ${data} was restored without keys: put its keys in place, then start again`,
    );
  const manifest = readManifest(readFileSync(note, 'utf8'));
  const promised = manifest?.files.find(({ name }) => name === DATABASE_FILE);
  if (
    manifest === undefined ||
    promised === undefined ||
    !isProofValid(manifest, keys) ||
    sha256OfFile(join(data, DATABASE_FILE)) !== promised.sha256
  )
    throw new Error(
      `the backup in ${data} was changed, or was not made with the keys that are there: restore another, or give its SHA-256 to restore`,
    );
  rmSync(note);
}

function sha256OfFile(path: string): string {
  const sum = createHash('sha256');
  const piece = Buffer.alloc(1_048_576);
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece))
      sum.update(piece.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return sum.digest('hex');
}
