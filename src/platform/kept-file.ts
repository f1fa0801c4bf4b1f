import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MAX_SECRET_FILE_BYTES, readRegularFile } from './plain-file.ts';

/**
 * Reads a file that must exist from the first start on: made once with `make`, readable by its
 * owner alone (mode 600). Of several processes that start at once one makes it and all read the
 * same: the text is written whole under another name, then linked, and linking fails when the file
 * is there. `unique` names this process's draft.
 */
export function readOrCreateFile(
  path: string,
  draftSuffix: string,
  createText: () => string,
): string {
  try {
    return readRegularFile(path, MAX_SECRET_FILE_BYTES).toString('utf8');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${draftSuffix}`;
  writeFileSync(draft, createText(), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault;
  } finally {
    rmSync(draft, { force: true });
  }
  return readRegularFile(path, MAX_SECRET_FILE_BYTES).toString('utf8');
}
