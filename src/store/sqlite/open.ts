import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { NO_UPKEEP } from '../postgres/partitions/manager.ts';
import { chainAll } from '../sql/audit-chain.ts';
import { migrate, planSqlite, refuseBehind } from '../sql/migrate.ts';
import { portsOver, type Store } from '../store.ts';
import { SqliteDriver } from './driver.ts';
import { sqliteFault } from './errors.ts';

export type { Store } from '../store.ts';

/**
 * Opens (and makes) the database; `:memory:` for tests. The file is readable by its owner alone.
 * The schema is brought up to date at once, unless that is left to `ready`. Throws SchemaMismatch
 * when it is newer than the program.
 */
export function openSqlite(path: string, options: { readonly migrate?: boolean } = {}): Store {
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
  }
  const driver = new SqliteDriver(path);
  if (options.migrate ?? true) migrate(driver.database);
  const ports = portsOver(driver);
  return {
    ...ports,
    async purgeExpired(now, limit, options) {
      const gone = await ports.purgeExpired(now, limit, options);
      if (gone < limit) driver.checkpoint();
      return gone;
    },
    logBytes: () => driver.walBytes(),
    // The file is read where it is asked: nothing would be gained.
    recent: null,
    async ready({ migrate: allowed = true } = {}) {
      if (allowed) {
        migrate(driver.database);
        await chainAll(ports);
      } else refuseBehind(planSqlite(driver.database));
    },
    plan: async () => planSqlite(driver.database),
    keepPartitions: async () => NO_UPKEEP,
    serverTime: async () => null,
    async ping() {
      try {
        driver.database.prepare('SELECT 1').get();
      } catch (fault) {
        throw sqliteFault(fault);
      }
    },
    close: () => driver.close(),
  };
}
