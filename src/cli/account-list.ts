import { type Command, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { withServices } from './with-services.ts';

const iso = (at: number | null) => (at === null ? null : new Date(at * 1000).toISOString());

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
          email_confirmed_at: iso(emailConfirmedAt),
          groups,
          blocked,
          created_at: iso(createdAt),
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
