import type { Account } from '#accounts/account.ts';
import type { CommandServices } from '#operations/command-services.ts';
import { type ExitCode, type Io, type ParsedArguments, printRefusal } from './command.ts';

/** Opens the store and the keys for one command, and closes them whatever happens. */
export async function withServices(
  args: ParsedArguments,
  io: Io,
  action: (services: CommandServices) => Promise<ExitCode>,
): Promise<ExitCode> {
  const services = await io.open(args.settings);
  try {
    return await action(services);
  } finally {
    await services.close();
  }
}

/** Runs a verb on somebody by name, or prints a line that says there is nobody. */
export async function withAccount(
  args: ParsedArguments,
  io: Io,
  action: (services: CommandServices, account: Account) => Promise<ExitCode>,
): Promise<ExitCode> {
  const services = await io.open(args.settings);
  try {
    const name = args.positional(0);
    const account = await services.accounts.findAccountByName(name);
    if (account !== undefined) return await action(services, account);
    return printRefusal(
      io,
      args,
      `there is no account ${JSON.stringify(name)}. See "gatehouse account list".`,
    );
  } finally {
    await services.close();
  }
}
