import { clientSummary, printNoSuchClient } from './client-summary.ts';
import { type Command, printResult, storeOptions } from './command.ts';
import { describe } from './command-list.ts';
import { withServices } from './with-services.ts';

const formatValue = (value: unknown) =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

/** `gatehouse client show`. */
export const clientShow: Command = {
  ...describe('client show'),
  positionals: ['client_id'],
  options: { ...storeOptions },
  run: (args, io) =>
    withServices(args, io, async (services) => {
      const client = await services.query.findClient(args.positional(0));
      if (client === undefined) return printNoSuchClient(args, io);
      const facts = clientSummary(client);
      printResult(
        io,
        args,
        facts,
        Object.entries(facts).map(
          ([name, value]) =>
            `${name.padEnd(20)}${Array.isArray(value) ? value.map(formatValue).join(' ') : value}`,
        ),
      );
      return 0;
    }),
};
