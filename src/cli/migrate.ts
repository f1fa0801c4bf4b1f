import { type Command, type OptionRule, print, refused, storeOptions } from './command.ts';

type Flags = Readonly<Record<string, string | undefined>>;

/** What was done, or would be; or why nothing may be. */
export type MigrationAnswer =
  | { readonly from: number; readonly to: number }
  | { readonly refused: string };

/**
 * `gatehouse migrate`: brings the schema of the database up to date. `run` does it, or with
 * `dryRun` only looks.
 */
export const migrateCommand = (
  run: (flags: Flags, dryRun: boolean) => Promise<MigrationAnswer>,
): Command => ({
  words: 'migrate',
  summary:
    'Brings the schema of the database up to date. Nodes of the version before may go on meanwhile.',
  positionals: [],
  options: {
    'dry-run': { type: 'boolean', help: 'only say what would be done' } satisfies OptionRule,
    ...storeOptions,
  },
  async run(given, io) {
    const answer = await run(given.flags, given.is('dry-run'));
    if ('refused' in answer) {
      return refused(io, given, `${answer.refused}.`);
    }
    const { from, to } = answer;
    const line =
      from === to
        ? `The database has schema ${to} already: there is nothing to do.`
        : `The database ${given.is('dry-run') ? 'would be' : 'was'} brought from schema ${from} to ${to}.`;
    print(io, given, { from, to, dry_run: given.is('dry-run') }, [line]);
    return 0;
  },
});
