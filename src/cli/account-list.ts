import { toIsoTime } from '#kernel/time.ts';
import { type Command, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { withServices } from './with-services.ts';

/** `gatehouse account list`. */
export const accountList: Command = {
  ...describe('account list'),
  positionals: [],
  options: { ...storeOptions },
  async run(args, io) {
    return withServices(args, io, async (services) => {
      const accounts = await services.accounts.listAccounts();
      printResult(
        io,
        args,
        accounts.map(({ id, name, email, emailConfirmedAt, groups, blocked, createdAt }) => ({
          id,
          name,
          email,
          email_confirmed_at: emailConfirmedAt && toIsoTime(emailConfirmedAt),
          groups,
          blocked,
          created_at: toIsoTime(createdAt),
        })),
        accounts.length === 0
          ? ['No accounts yet.']
          : accounts.map(({ id, name, email, groups, blocked }) =>
              [id, name, email ?? '-', groups.join(',') || '-', blocked ? 'blocked' : '']
                .join('\t')
                .trimEnd(),
            ),
      );
      return 0;
    });
  },
};
