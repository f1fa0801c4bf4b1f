import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AccountRecords, Limits, Sessions } from '#accounts/records.ts';
import type { Instant } from '#kernel/time.ts';
import type { Handshakes, TokenCredentialRecords } from '#oauth1/records.ts';
import type { OAuth2Records } from '#oauth2/records.ts';
import type { AuthorizationRequests } from '#registry/authorization-request.ts';
import type { RegistryRecords } from '#registry/records.ts';
import { accountStore } from './accounts.ts';
import { oauth1Store } from './oauth1.ts';
import { oauth2Store } from './oauth2.ts';
import { purgeExpired } from './purge.ts';
import { registryStore } from './registry.ts';
import { migrate } from './sql/migrate.ts';
import { SqliteDriver } from './sqlite-driver.ts';

/** Every port of the program, answered by one SQLite file. */
export interface Store
  extends AccountRecords,
    Sessions,
    Limits,
    RegistryRecords,
    AuthorizationRequests,
    Handshakes,
    TokenCredentialRecords,
    OAuth2Records {
  /** Rejects when the database cannot be reached. */
  ping(): Promise<void>;
  /** Deletes at most `limit` expired rows of each short-lived table; answers how many went. */
  purgeExpired(now: Instant, limit: number): Promise<number>;
  /** Commits what is queued and lets go of the file. */
  close(): Promise<void>;
}

/** Opens (and makes) the database; `:memory:` for tests. The file is readable by its owner alone. Throws when its schema is newer than the program. */
export function openSqlite(path: string): Store {
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
  }
  const driver = new SqliteDriver(path);
  migrate(driver.database);
  return {
    ...accountStore(driver),
    ...registryStore(driver),
    ...oauth1Store(driver),
    ...oauth2Store(driver),
    ping: async () => void driver.database.prepare('SELECT 1').get(),
    purgeExpired: (now, limit) => purgeExpired(driver, now, limit),
    close: () => driver.close(),
  };
}
