import {
  type Command,
  type OptionDefinition,
  printRefusal,
  printResult,
  storeOptions,
} from './command.ts';
import { describe } from './command-list.ts';

/** `gatehouse migrate`: brings the schema of the database up to date. */
export const migrateCommand: Command = {
  ...describe('migrate'),
  positionals: [],
  options: {
    'dry-run': { type: 'boolean', help: 'only say what would be done' } satisfies OptionDefinition,
    ...storeOptions,
  },
  async run(args, io) {
    const { migrateStore } = await import('#operations/migrate.ts');
    const dryRun = args.isSet('dry-run');
    const answer = await migrateStore(await io.loadConfig(args.settings), dryRun);
    if ('refused' in answer) return printRefusal(io, args, `${answer.refused}.`);
    const { from, to } = answer;
    const line =
      from === to
        ? `The database has schema ${to} already: there is nothing to do.`
        : `The database ${dryRun ? 'would be' : 'was'} brought from schema ${from} to ${to}.`;
    printResult(io, args, { from, to, dry_run: dryRun }, [line]);
    return 0;
  },
};
