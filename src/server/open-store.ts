import type { Config } from '#config/config.ts';
import { StartupError, UnreachableError } from '#config/startup-error.ts';
import { seconds } from '#kernel/time.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { type Clock, systemClock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import { loadStore, type StoreOptions } from '#store/open.ts';
import { SchemaMismatch } from '#store/sql/migrate.ts';
import type { Store } from '#store/store.ts';

/**
 * Asks the database for the first time. Throws StartupError with the remedy when it cannot be
 * reached, or its schema does not fit.
 */
export async function explainStoreErrors<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (fault) {
    throw toUsageError(fault);
  }
}

function toUsageError(fault: unknown): unknown {
  if (fault instanceof SchemaMismatch)
    return new StartupError(`${fault.message}.`, { cause: fault });
  if (isUnavailable(fault))
    return new UnreachableError(
      `${fault.message}: check GATEHOUSE_DATABASE, and that the server runs and accepts connections from here.`,
    );
  return fault;
}

/** Opens the configured store, told where its problems are logged and by which clock it goes. */
export type OpenConfiguredStore = (context: Readonly<Partial<{ log: Log; clock: Clock }>>) => Store;

/** What a configuration needs of the store's room, loaded. */
export interface StoreBackends {
  readonly open: (options?: StoreOptions) => Store;
  /** Null: nothing is kept in Redis. */
  readonly redis: typeof import('#store/redis/open.ts') | null;
}

/**
 * How the store of a configuration is opened over its backends. That throws StartupError with the
 * remedy when it cannot be.
 */
export const makeOpenStore =
  (config: Config, { open, redis }: StoreBackends): OpenConfiguredStore =>
  (context) => {
    try {
      const store = open({
        migrate: config.migrate,
        connections: config.databaseConnections,
        replica: config.databaseReplica,
        cacheRows: config.databaseCache,
        ...context,
      });
      if (redis === null || config.ephemeral === null) return store;
      // Both profiles of OAuth 1 accept timestamps 300 seconds around now, and keep a nonce for a
      // second longer.
      const { clock = systemClock } = context;
      const ephemeral = redis.openRedis(config.ephemeral, { clock, nonceTtlSeconds: seconds(301) });
      return redis.withEphemeralStore(store, ephemeral);
    } catch (fault) {
      throw toUsageError(fault);
    }
  };

/** Loads the backends that a configuration names, and no others. */
export const loadConfiguredStore = async (config: Config): Promise<OpenConfiguredStore> =>
  makeOpenStore(config, {
    open: await loadStore(config.database),
    redis: config.ephemeral === null ? null : await import('#store/redis/open.ts'),
  });
