import {
  type Command,
  type OptionDefinition,
  printRefusal,
  printResult,
  storeOptions,
} from './command.ts';

type Flags = Readonly<Record<string, string | undefined>>;

/** What was done, or would be; or why nothing may be. */
export type MigrationResult =
  | { readonly from: number; readonly to: number }
  | { readonly refused: string };

/**
 * `gatehouse migrate`: brings the schema of the database up to date. `run` does it, or with
 * `dryRun` only looks.
 */
export const migrateCommand = (
  run: (flags: Flags, dryRun: boolean) => Promise<MigrationResult>,
): Command => ({
  words: 'migrate',
  summary:
    'Brings the schema of the database up to date. Nodes of the version before may go on meanwhile.',
  positionals: [],
  options: {
    'dry-run': { type: 'boolean', help: 'only say what would be done' } satisfies OptionDefinition,
    ...storeOptions,
  },
  async run(args, io) {
    const answer = await run(args.settings, args.isSet('dry-run'));
    if ('refused' in answer) {
      return printRefusal(io, args, `${answer.refused}.`);
    }
    const { from, to } = answer;
    const line =
      from === to
        ? `The database has schema ${to} already: there is nothing to do.`
        : `The database ${args.isSet('dry-run') ? 'would be' : 'was'} brought from schema ${from} to ${to}.`;
    printResult(io, args, { from, to, dry_run: args.isSet('dry-run') }, [line]);
    return 0;
  },
});
