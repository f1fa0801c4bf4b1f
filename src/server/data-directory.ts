import { existsSync, lstatSync } from 'node:fs';

/** A link whose target is not there: nothing can be made through it. */
export const isDanglingLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && !existsSync(path);
