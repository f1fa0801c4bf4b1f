import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes of a file with a key or a secret at most. */
export const MAX_SECRET_FILE_BYTES = 65_536;
/** Bytes of a configuration file at most. */
export const MAX_CONFIG_FILE_BYTES = 16_777_216;

/** A file that is there, and is not of the kind that is read; the message names path and remedy. */
export class UnsuitableFileError extends Error {
  override readonly name = 'UnsuitableFileError';
}

/**
 * The bytes of a regular file. Throws UnfitFile, without waiting, for what is none (a pipe nobody
 * writes to would hold the program for ever, a device might never end) and for more than `most`
 * bytes; throws as the system does when it cannot be opened.
 */
export function readRegularFile(path: string, maxBytes: number): Buffer {
  // Opening a pipe would wait for somebody who writes.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const facts = fstatSync(file);
    if (!facts.isFile())
      throw new UnsuitableFileError(`${path} is no regular file: put the text into one`);
    const bytes = Buffer.alloc(Math.min(facts.size, maxBytes) + 1);
    let read = 0;
    for (;;) {
      const more = readSync(file, bytes, read, bytes.length - read, null);
      read += more;
      if (more === 0 || read === bytes.length) break;
    }
    if (read > maxBytes || facts.size > maxBytes)
      throw new UnsuitableFileError(
        `${path} is larger than ${maxBytes} bytes: is it the right file?`,
      );
    return bytes.subarray(0, read);
  } finally {
    closeSync(file);
  }
}
