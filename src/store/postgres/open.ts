import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import { type Memory, makeMemory } from '../cache/cache.ts';
import { recentStore } from '../cache/cached-store.ts';
import { chainAll } from '../sql/audit-chain.ts';
import { forgetParsed } from '../sql/clients.ts';
import { refuseBehind } from '../sql/migrate.ts';
import { purgeExpired } from '../sql/purge.ts';
import { one, written } from '../sql/statement.ts';
import { portsOver, type Store } from '../store.ts';
import { openEar } from './change-listener.ts';
import { CONNECT_MS, type PostgresOptions as DriverOptions, PostgresDriver } from './driver.ts';
import { migratePostgres, planPostgres } from './migrate.ts';
import { reapedSpans } from './partitions/bounds.ts';
import { keepPartitions } from './partitions/manager.ts';

export interface PostgresOptions extends Omit<DriverOptions, 'altered'> {
  /**
   * Whether this process may remember rows that are asked for with every request; true unless it is
   * said otherwise.
   */
  readonly remember?: boolean;
  /** Where it is said that changes cannot be heard. */
  readonly log?: Log;
  /** By which it is noticed that the machine was suspended. */
  readonly clock?: Clock;
}

const nothing = written('SELECT 1');
/** Not `now()`: that is when the transaction began. SQLite is never asked. */
const serverTime = written<{ millis: number }>({
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
  { remember = true, log, clock, ...options }: PostgresOptions = {},
): Store {
  const rows = makeMemory(clock ? { wall: () => clock.millis() } : {});
  const memory: Memory = {
    ...rows,
    forget(change) {
      rows.forget(change);
      if (change.kind === 'client') forgetParsed(driver, String(change.key));
    },
    forgetAll() {
      rows.forgetAll();
      forgetParsed(driver, null);
    },
  };
  const driver = new PostgresDriver(url, { ...options, altered: memory.forget });
  const ear = openEar(url, memory, {
    connectMs: options.connectMs ?? CONNECT_MS,
    log: log ?? null,
  });
  const ports = portsOver(driver);
  return {
    ...ports,
    recent: remember ? recentStore(driver, memory, ear.wanted) : null,
    purgeExpired: async (now, limit, options) =>
      purgeExpired(driver, now, limit, { ...options, spans: await reapedSpans(driver, now) }),
    keepPartitions: (now, mostApart) =>
      driver.connected((client) => keepPartitions(client, now, mostApart)),
    logBytes: () => null,
    async ready({ migrate = true } = {}) {
      if (migrate) {
        await driver.connected(migratePostgres);
        await chainAll(ports);
      } else refuseBehind(await driver.connected(planPostgres));
    },
    plan: () => driver.connected(planPostgres),
    serverTime: async () => (await driver.read(one(serverTime)))?.millis ?? null,
    ping: async () => void (await driver.read(one(nothing))),
    async close() {
      ear.close();
      await driver.close();
    },
  };
}
