import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto';
import type { Entropy } from '#platform/random.ts';
import { CorruptArchiveError } from './archive.ts';

/** The first line of an encrypted backup. */
const MAGIC = Buffer.from('gatehouse-sealed-backup-1\n');
const CHUNK = 65_536;
const TAG = 16;
const SALT = 16;
/** Before the number of the chunk and the mark of the last one. */
const PREFIX = 7;
/** What deriving a key from a passphrase costs (RFC 7914 §2). */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  /** Bytes it may take at most. */
  readonly maxmem: number;
}

/**
 * 128 MiB and some tenths of a second for each guess. Written into no file: whoever changes a file
 * must not choose what it costs.
 */
export const DEFAULT_PASSPHRASE_COST: ScryptCost = {
  N: 131_072,
  r: 8,
  p: 1,
  maxmem: 256 * 1024 * 1024,
};

const deriveKey = (passphrase: string, salt: Uint8Array, cost: ScryptCost): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(passphrase.normalize('NFC'), salt, 32, cost, (fault, key) =>
      fault ? reject(fault) : resolve(key),
    ),
  );

/**
 * Each chunk has its place and whether it is the last in its nonce: none can be moved, left out, or
 * be the last before its time.
 */
function chunkNonce(prefix: Uint8Array, number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.set(prefix);
  nonce.writeUInt32BE(number, PREFIX);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Chunks of one size, and a last one that may be smaller. */
async function* splitIntoChunks(
  source: AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<{ readonly bytes: Buffer; readonly last: boolean }> {
  let rest = Buffer.alloc(0);
  for await (const piece of source) {
    rest = Buffer.concat([rest, piece]);
    // One is kept back: only the end tells which is the last.
    for (; rest.length > size; rest = rest.subarray(size))
      yield { bytes: rest.subarray(0, size), last: false };
  }
  yield { bytes: rest, last: true };
}

/** Encrypts with AES-256-GCM under a key that scrypt makes of a passphrase, chunk by chunk. */
export async function* encryptBackup(
  source: AsyncIterable<Buffer>,
  passphrase: string,
  { entropy, cost }: { readonly entropy: Entropy; readonly cost: ScryptCost },
): AsyncGenerator<Buffer> {
  const [salt, prefix] = [entropy.bytes(SALT), entropy.bytes(PREFIX)];
  const head = Buffer.concat([MAGIC, salt, prefix]);
  const key = await deriveKey(passphrase, salt, cost);
  yield head;
  let number = 0;
  for await (const { bytes, last } of splitIntoChunks(source, CHUNK)) {
    const cipher = createCipheriv('aes-256-gcm', key, chunkNonce(prefix, number, last)).setAAD(
      head,
    );
    yield Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    number += 1;
  }
}

/** Is this the beginning of an encrypted backup? */
export const hasEncryptionHeader = (beginning: Buffer): boolean =>
  beginning.subarray(0, MAGIC.length).equals(MAGIC);
export const ENCRYPTION_HEADER_BYTES = MAGIC.length;

/**
 * Decrypts. Nothing of a chunk is handed on before it is known to be unchanged. Throws
 * CorruptArchiveError.
 */
export async function* decryptBackup(
  source: AsyncIterable<Buffer>,
  passphrase: string,
  cost: ScryptCost,
): AsyncGenerator<Buffer> {
  const length = MAGIC.length + SALT + PREFIX;
  const pieces = source[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < length) {
    const next = await pieces.next();
    if (next.done) throw new CorruptArchiveError('it ends too early');
    start = Buffer.concat([start, next.value]);
  }
  const head = start.subarray(0, length);
  const prefix = head.subarray(MAGIC.length + SALT);
  const key = await deriveKey(passphrase, head.subarray(MAGIC.length, MAGIC.length + SALT), cost);
  const rest = async function* () {
    yield start.subarray(length);
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
  };
  let number = 0;
  for await (const { bytes, last } of splitIntoChunks(rest(), CHUNK + TAG)) {
    if (bytes.length < TAG) throw new CorruptArchiveError('it ends too early');
    const decipher = createDecipheriv('aes-256-gcm', key, chunkNonce(prefix, number, last)).setAAD(
      head,
    );
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
    const plain = decipher.update(bytes.subarray(0, bytes.length - TAG));
    try {
      decipher.final();
    } catch {
      throw new CorruptArchiveError(
        number === 0 ? 'the passphrase is another, or it was changed' : 'it was changed or cut',
      );
    }
    yield plain;
    number += 1;
  }
}
