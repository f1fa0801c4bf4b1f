import { settingDescriptions } from '#config/setting-names.ts';
import type { Command, OptionDefinition } from './command.ts';
import { describe } from './command-list.ts';

/**
 * `gatehouse serve`: every setting is a flag, except secrets. Answers when the server has stopped.
 */
export const serveCommand: Command = {
  ...describe('serve'),
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
  async run(args, io) {
    const config = await io.loadConfig(args.settings);
    const { serve } = await import('#server/serve.ts');
    return serve(config, io);
  },
};
