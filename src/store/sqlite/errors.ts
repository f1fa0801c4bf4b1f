import { Unavailable } from '#kernel/unavailable.ts';

/** Primary result codes of SQLite that pass: BUSY, LOCKED, IOERR, FULL and CANTOPEN. */
const transientCodes = new Map([
  [5, 'busy'],
  [6, 'locked'],
  [10, 'the disk does not answer'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened'],
]);

/** What a fault of SQLite is to the program. */
export function toSqliteFault(fault: unknown): unknown {
  const code = (fault as { readonly errcode?: unknown } | null)?.errcode;
  const why = typeof code === 'number' ? transientCodes.get(code & 0xff) : undefined;
  return why === undefined
    ? fault
    : new Unavailable(`the database file is not available: ${why}`, 1, { cause: fault });
}
