import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import { makeRowCache, type RowCache } from '../cache/cache.ts';
import { makeCachedReads } from '../cache/cached-store.ts';
import { chainAllEntries } from '../sql/audit-chain.ts';
import { evictParsedClients } from '../sql/client-cache.ts';
import { requireUpToDate } from '../sql/migrate.ts';
import { purgeExpired } from '../sql/purge.ts';
import { fetchOne, sql } from '../sql/statement.ts';
import { makeStorePorts, type Store } from '../store.ts';
import { openChangeListener } from './change-listener.ts';
import { CONNECT_MS, type PostgresOptions as DriverOptions, PostgresDriver } from './driver.ts';
import { migratePostgres, planPostgres } from './migrate.ts';
import { readPurgeRanges } from './partitions/bounds.ts';
import { maintainPartitions } from './partitions/manager.ts';

export interface PostgresOptions extends Omit<DriverOptions, 'onRowChange'> {
  /**
   * Whether this process may remember rows that are asked for with every request; true unless it is
   * said otherwise.
   */
  readonly cacheRows?: boolean;
  /** Where it is said that changes cannot be heard. */
  readonly log?: Log;
  /** By which it is noticed that the machine was suspended. */
  readonly clock?: Clock;
}

const pingStatement = sql('SELECT 1');
/** Not `now()`: that is when the transaction began. SQLite is never asked. */
const serverTime = sql<{ millis: number }>({
  sqlite: 'SELECT 0 AS millis',
  postgres: 'SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS millis',
});

/**
 * Every port of the program over a PostgreSQL database (`postgres://user:password@host/database`).
 * No connection is made yet; `ready` brings the schema up to date, and must have been awaited
 * before anything else is asked.
 */
export function openPostgres(
  url: string,
  { cacheRows = true, log, clock, ...options }: PostgresOptions = {},
): Store {
  const rowCache = makeRowCache(clock ? { wallClock: () => clock.millis() } : {});
  const cache: RowCache = {
    ...rowCache,
    invalidate(change) {
      rowCache.invalidate(change);
      if (change.kind === 'client') evictParsedClients(driver, String(change.key));
    },
    invalidateAll() {
      rowCache.invalidateAll();
      evictParsedClients(driver, null);
    },
  };
  const driver = new PostgresDriver(url, { ...options, onRowChange: cache.invalidate });
  const changeListener = openChangeListener(url, cache, {
    connectMs: options.connectMs ?? CONNECT_MS,
    log: log ?? null,
  });
  const ports = makeStorePorts(driver);
  return {
    ...ports,
    cached: cacheRows ? makeCachedReads(driver, cache, () => changeListener.keepListening()) : null,
    purgeExpired: async (now, limit, options) =>
      purgeExpired(driver, now, limit, { ...options, spans: await readPurgeRanges(driver, now) }),
    maintainPartitions: (now, maxClockDriftSeconds) =>
      driver.withConnection((client) => maintainPartitions(client, now, maxClockDriftSeconds)),
    walBytes: () => null,
    async prepareSchema({ migrate = true } = {}) {
      if (migrate) {
        await driver.withConnection(migratePostgres);
        await chainAllEntries(ports);
      } else requireUpToDate(await driver.withConnection(planPostgres));
    },
    planMigration: () => driver.withConnection(planPostgres),
    serverTime: async () => (await driver.read(fetchOne(serverTime)))?.millis ?? null,
    ping: async () => void (await driver.read(fetchOne(pingStatement))),
    async close() {
      changeListener.close();
      await driver.close();
    },
  };
}
