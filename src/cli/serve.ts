import { settingNames } from '#config/config.ts';
import type { Command, ExitCode, OptionRule } from './command.ts';
import { serveHead } from './summaries.ts';

/**
 * `gatehouse serve`: every setting is a flag, except secrets. `run` answers when the server has
 * stopped.
 */
export const serveCommand = (
  run: (flags: Readonly<Record<string, string | undefined>>) => Promise<ExitCode>,
): Command => ({
  ...serveHead,
  positionals: [],
  options: Object.fromEntries(
    settingNames
      .filter(({ flag }) => flag !== null)
      .map(({ flag, env, fallback, remedy }): [string, OptionRule] => [
        flag as string,
        {
          type: 'string',
          value: 'VALUE',
          help: `${remedy} (${env}${fallback === '' ? '' : `, ${fallback}`})`,
        },
      ]),
  ),
  run: (given) => run(given.flags),
});
