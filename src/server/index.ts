import { loadConfig } from '#config/load.ts';
import { StartupError } from '#config/startup-error.ts';
import { composeServer } from './compose.ts';
import { createPlatform } from './platform.ts';
import { startServer } from './serve.ts';

// The public interface of the package `gatehouse`: a server inside another program. What is not
// exported here may change with any version.

/** What a server is started with. */
export interface StartOptions {
  /**
   * Settings by the names of their flags, without dashes in front: `{ port: '4400', data: './data'
   * }` (docs/configuration.md). They win over the environment.
   */
  readonly settings?: Readonly<Record<string, string | undefined>>;
  /**
   * Variables such as `GATEHOUSE_DATABASE`, and the only place for secrets. Left out: none; those
   * of the process are read when they are handed in.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /**
   * Hears what `gatehouse serve` prints: the address, and while there is no account the set-up link
   * for the first administrator, which is a secret.
   */
  readonly print?: (line: string) => void;
  /** Hears the log, one line of JSON each. Left out: standard error. */
  readonly writeLog?: (line: string) => void;
}

/** A server that listens. */
export interface Gatehouse {
  /** Where it listens, such as `http://127.0.0.1:4400`. */
  readonly address: string;
  /** The public URL it is known as. */
  readonly issuer: string;
  /** Answers what is on its way, then closes every connection, file and timer. */
  stop(): Promise<void>;
}

/**
 * Starts a server in this process: opens the store and the keys under the settings, brings the
 * schema up to date, and listens. Several may run in one process, each on its own data. Throws
 * StartupError when a setting is wrong, or the database cannot be reached.
 */
export async function startGatehouse(options: StartOptions = {}): Promise<Gatehouse> {
  const { settings = {}, environment = {}, print = () => {}, writeLog } = options;
  const config = await loadConfig(settings, environment);
  if (config.workers > 1)
    throw new StartupError('workers: several processes are served by "gatehouse serve" alone.');
  const server = composeServer(config, await createPlatform(config, writeLog));
  try {
    const { address, stop } = await startServer(config, server, print);
    return { address, issuer: config.issuer, stop };
  } catch (fault) {
    await server.store.close();
    throw fault;
  }
}

export { StartupError };
