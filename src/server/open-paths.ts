import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '#config/config.ts';
import type { SetupWarning } from '#http/world.ts';
import { KEY_FILES } from '#keys/key-files.ts';

/** What everybody else on the machine may do with a path; 0 when it is not there. */
function worldPermissions(path: string): number {
  try {
    return statSync(path).mode & 0o007;
  } catch {
    return 0;
  }
}

/**
 * Directories, keys and database files that other users of the machine may read, change or look
 * into.
 */
export function findWorldAccessiblePaths({
  data,
  database,
}: Pick<Config, 'data' | 'database'>): readonly SetupWarning[] {
  // Windows keeps rights elsewhere, and shows the same bits for everybody.
  if (process.platform === 'win32') return [];
  const keys = join(data, 'keys');
  const file = database.startsWith('sqlite:') ? database.slice('sqlite:'.length) : null;
  const paths = [
    data,
    keys,
    ...KEY_FILES.map((name) => join(keys, name)),
    ...(file === null || file === ':memory:' ? [] : [file, `${file}-wal`, `${file}-shm`]),
  ];
  return paths
    .filter((path) => worldPermissions(path) !== 0)
    .map((about) => ({ kind: 'open-to-others', about }));
}
