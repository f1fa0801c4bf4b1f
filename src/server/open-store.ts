import type { Config } from '#config/config.ts';
import { StartupError, UnreachableError } from '#config/startup-error.ts';
import { seconds } from '#kernel/time.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import { openStore } from '#store/open.ts';
import { openRedis, withEphemeralStore } from '#store/redis/open.ts';
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

/** What expires may be kept in Redis; the rest stays in the database. */
export function withConfiguredEphemeralStore(config: Config, clock: Clock, store: Store): Store {
  if (config.ephemeral === null) return store;
  // Both faces of OAuth 1 accept timestamps 300 seconds around now, and keep a nonce for a second
  // longer.
  return withEphemeralStore(
    store,
    openRedis(config.ephemeral, { clock, nonceTtlSeconds: seconds(301) }),
  );
}

/** Opens the database of a location. Throws StartupError with the remedy when it cannot be. */
export function openConfiguredStore(
  config: Config,
  location: string,
  { log, clock }: { readonly log?: Log; readonly clock?: Clock } = {},
): Store {
  try {
    return openStore(location, {
      migrate: config.migrate,
      connections: config.databaseConnections,
      replica: config.databaseReplica,
      cacheRows: config.databaseCache,
      ...(log ? { log } : {}),
      ...(clock ? { clock } : {}),
    });
  } catch (fault) {
    throw toUsageError(fault);
  }
}
