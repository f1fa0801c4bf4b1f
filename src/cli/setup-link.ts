import { type Command, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { withServices } from './with-services.ts';

/** `gatehouse setup-link`: the first administrator's way in, once more. */
export const setupLink: Command = {
  ...describe('setup-link'),
  positionals: [],
  options: { ...storeOptions },
  async run(args, io) {
    return withServices(args, io, async (services) => {
      const link = await services.accounts.issueSetupLink();
      if (!link.ok) {
        io.err(
          'gatehouse: there is no set-up link: accounts exist already. Use "gatehouse account create --group administrator", or "gatehouse account reset-password" for somebody who cannot sign in.\n',
        );
        return 1;
      }
      printResult(io, args, { link: link.value }, [
        'Open this link once, within an hour, to create the first administrator:',
        '',
        `  ${link.value}`,
      ]);
      return 0;
    });
  },
};
