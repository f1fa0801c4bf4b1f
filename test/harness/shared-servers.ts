import { PostgresServer } from './postgres.ts';
import { RedisServer } from './redis.ts';

/** Servers that all test files of a run share: a database each (findPostgres, findRedis). */
export interface SharedServers {
  /** What the processes of the test files find them by. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Starts what this machine has, unless the environment names a running server already. */
export async function startSharedServers(): Promise<SharedServers> {
  const { GATEHOUSE_TEST_POSTGRES, GATEHOUSE_TEST_REDIS } = process.env;
  const [postgres, redis] = await Promise.all([
    GATEHOUSE_TEST_POSTGRES ? undefined : PostgresServer.start(),
    GATEHOUSE_TEST_REDIS || !RedisServer.here ? undefined : RedisServer.start(),
  ]);
  return {
    environment: {
      ...(postgres ? { GATEHOUSE_TEST_POSTGRES: postgres.urlOf('postgres') } : {}),
      ...(redis ? { GATEHOUSE_TEST_REDIS: redis.url } : {}),
    },
    close: async () => void (await Promise.all([postgres?.remove(), redis?.remove()])),
  };
}
