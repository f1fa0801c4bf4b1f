import { type Command, printRefusal, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { withAccount } from './with-services.ts';

/**
 * `gatehouse account reset-password`: what the operator hands to somebody who cannot be reached by
 * mail.
 */
export const accountResetPassword: Command = {
  ...describe('account reset-password'),
  positionals: ['name'],
  options: { ...storeOptions },
  run: (args, io) =>
    withAccount(args, io, async (services, account) => {
      if (account.blocked) {
        return printRefusal(
          io,
          args,
          `the account ${account.name} is blocked: gatehouse account unblock lets it come back.`,
        );
      }
      const link = await services.accounts.issuePasswordLink(account);
      printResult(io, args, { name: account.name, link }, [
        `Open this link once, within an hour, to set another password for ${account.name}:`,
        '',
        `  ${link}`,
      ]);
      return 0;
    }),
};
