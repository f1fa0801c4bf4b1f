import { settingDescriptions } from '#config/config.ts';
import type { Command, ExitCode, OptionDefinition } from './command.ts';
import { serveSummary } from './summaries.ts';

/**
 * `gatehouse serve`: every setting is a flag, except secrets. `run` answers when the server has
 * stopped.
 */
export const serveCommand = (
  run: (flags: Readonly<Record<string, string | undefined>>) => Promise<ExitCode>,
): Command => ({
  ...serveSummary,
  positionals: [],
  options: Object.fromEntries(
    settingDescriptions
      .filter(({ flag }) => flag !== null)
      .map(({ flag, env, fallback, remedy }): [string, OptionDefinition] => [
        flag as string,
        {
          type: 'string',
          value: 'VALUE',
          help: `${remedy} (${env}${fallback === '' ? '' : `, ${fallback}`})`,
        },
      ]),
  ),
  run: (args) => run(args.settings),
});
