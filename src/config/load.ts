import { readRegularFile } from '#platform/plain-file.ts';
import type { CommandLineFlags, Config, Environment } from './config.ts';
import { readConfig } from './read-config.ts';
import { StartupError } from './startup-error.ts';

/**
 * The configuration of a command line, the environment and the files they name. Throws StartupError
 * that names every problem.
 */
export async function loadConfig(
  flags: CommandLineFlags,
  environment: Environment,
): Promise<Config> {
  const config = readConfig(flags, environment, (path, maxBytes) =>
    readRegularFile(path, maxBytes).toString('utf8'),
  );
  if (config.ok) return config.value;
  throw new StartupError(
    `the settings do not fit:\n${config.refusal.map(({ setting, source, remedy }) => `  ${setting} (from ${source}): use ${remedy}`).join('\n')}`,
  );
}
