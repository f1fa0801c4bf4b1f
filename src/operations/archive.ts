/** A file of an archive, with the pieces of its content. */
export interface TarEntry {
  readonly name: string;
  readonly size: number;
  readonly content: AsyncIterable<Buffer> | Iterable<Buffer>;
}

const BLOCK = 512;
const MAX_OCTAL_SIZE = 8 ** 11;
const padding = (size: number) => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
const headerChecksum = (header: Buffer) => {
  const blank = Buffer.from(header);
  blank.fill(' ', 148, 156);
  return blank.reduce((sum, byte) => sum + byte, 0);
};

/**
 * The header of one file (POSIX.1-1988 ustar; a size of 8 GiB and more in base 256, as GNU tar
 * writes it). Mode 600, owned by nobody in particular.
 */
function makeHeader(name: string, size: number, at: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const writeOctal = (value: number, offset: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
  if (Buffer.byteLength(name) > 100) throw new Error('a name is too long for the archive');
  header.write(name, 0);
  writeOctal(0o600, 100, 8);
  writeOctal(0, 108, 8);
  writeOctal(0, 116, 8);
  if (size < MAX_OCTAL_SIZE) writeOctal(size, 124, 12);
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  writeOctal(at, 136, 12);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(`${headerChecksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** Writes an archive that every tar reads. */
export async function* writeTar(entries: Iterable<TarEntry>, at: number): AsyncGenerator<Buffer> {
  for (const { name, size, content } of entries) {
    yield makeHeader(name, size, at);
    let written = 0;
    for await (const piece of content) {
      written += piece.length;
      yield piece;
    }
    if (written !== size) throw new Error(`${name} changed while it was written`);
    yield padding(size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** The archive ends before it should, or is none. */
export class CorruptArchiveError extends Error {}

/** Pieces of a stream, in the sizes asked for. */
class ChunkReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At most so many bytes, and at least one. */
  async readUpTo(maxBytes: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done) throw new CorruptArchiveError('it ends too early');
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, maxBytes);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async readExactly(count: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const piece = await this.readUpTo(left);
      chunks.push(piece);
      left -= piece.length;
    }
    return Buffer.concat(chunks);
  }

  /** To the end, so that the source checks its own sum. */
  async drain(): Promise<void> {
    while (!(await this.#source.next()).done);
  }
}

async function* readContent(reader: ChunkReader, size: number): AsyncGenerator<Buffer> {
  for (let left = size; left > 0; ) {
    const piece = await reader.readUpTo(left);
    left -= piece.length;
    yield piece;
  }
}

/**
 * Reads an archive. The content of each file must be read before the next file is asked for. Throws
 * BrokenArchive when it is cut, is no archive, or holds anything but files.
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const reader = new ChunkReader(source);
  for (;;) {
    const header = await reader.readExactly(BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (Number.parseInt(header.toString('latin1', 148, 156), 8) !== headerChecksum(header))
      throw new CorruptArchiveError('it is no archive of ours');
    const size =
      header[124] === 0x80
        ? Number(header.readBigUInt64BE(128))
        : Number.parseInt(header.toString('latin1', 124, 136), 8);
    const name = header.toString('utf8', 0, 100).split('\0', 1)[0] ?? '';
    if (header.toString('latin1', 156, 157) !== '0' || !Number.isSafeInteger(size))
      throw new CorruptArchiveError('it holds more than files');
    yield { name, size, content: readContent(reader, size) };
    await reader.readExactly((BLOCK - (size % BLOCK)) % BLOCK);
  }
  await reader.readExactly(BLOCK);
  await reader.drain();
}
