import { reapedSpans } from './partitioned.ts';
import { PostgresDriver, type PostgresOptions } from './postgres-driver.ts';
import { migratePostgres, planPostgres } from './postgres-migrate.ts';
import { keepPartitions } from './postgres-partitions.ts';
import { purgeExpired } from './purge.ts';
import { refuseBehind } from './sql/migrate.ts';
import { one, written } from './sql/statement.ts';
import { portsOver, type Store } from './store.ts';

export type { PostgresOptions } from './postgres-driver.ts';

const nothing = written('SELECT 1');

/**
 * Every port of the program over a PostgreSQL database (`postgres://user:password@host/database`). No connection is made yet; `ready` brings
 * the schema up to date, and must have been awaited before anything else is asked.
 */
export function openPostgres(url: string, options: PostgresOptions = {}): Store {
  const driver = new PostgresDriver(url, options);
  return {
    ...portsOver(driver),
    purgeExpired: async (now, limit) => purgeExpired(driver, now, limit, await reapedSpans(driver, now)),
    keepPartitions: (now) => driver.connected((client) => keepPartitions(client, now)),
    async ready({ migrate = true } = {}) {
      if (migrate) await driver.connected(migratePostgres);
      else refuseBehind(await driver.connected(planPostgres));
    },
    plan: () => driver.connected(planPostgres),
    ping: async () => void (await driver.read(one(nothing))),
    close: () => driver.close(),
  };
}
