import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { chainAllEntries } from '../sql/audit-chain.ts';
import { NO_MAINTENANCE } from '../sql/maintenance.ts';
import { migrateSqlite, planSqlite, requireUpToDate } from '../sql/migrate.ts';
import { makeStorePorts, type Store } from '../store.ts';
import { SqliteDriver } from './driver.ts';
import { toSqliteFault } from './errors.ts';

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
  if (options.migrate ?? true) migrateSqlite(driver.database);
  const ports = makeStorePorts(driver);
  return {
    ...ports,
    async purgeExpired(now, limit, options) {
      const gone = await ports.purgeExpired(now, limit, options);
      if (gone < limit) driver.checkpoint();
      return gone;
    },
    walBytes: () => driver.walBytes(),
    // The file is read where it is asked: nothing would be gained.
    cached: null,
    async prepareSchema({ migrate: allowed = true } = {}) {
      if (allowed) {
        migrateSqlite(driver.database);
        await chainAllEntries(ports);
      } else requireUpToDate(planSqlite(driver.database));
    },
    planMigration: async () => planSqlite(driver.database),
    maintainPartitions: async () => NO_MAINTENANCE,
    serverTime: async () => null,
    async ping() {
      try {
        driver.database.prepare('SELECT 1').get();
      } catch (fault) {
        throw toSqliteFault(fault);
      }
    },
    close: () => driver.close(),
  };
}
