import {
  type Command,
  type OptionRule,
  print,
  refused,
  storeOptions,
  UsageError,
} from './command.ts';

type Flags = Readonly<Record<string, string | undefined>>;

const lengths = ['month', 'week', 'day'] as const;

/** What an operator asks for. `every` null: as before, or months. */
export interface PartitionWish {
  readonly dryRun: boolean;
  readonly every: (typeof lengths)[number] | null;
}

/** One thing that was done to a table, or would be. */
export interface PartitionLine {
  readonly table: string;
  readonly what: 'set-aside' | 'proved' | 'divided' | 'made' | 'dropped';
  readonly partition: string;
  readonly moved: number;
}

export type PartitionAnswer =
  | { readonly steps: readonly PartitionLine[] }
  | { readonly refused: string };

const words: Readonly<Record<PartitionLine['what'], (line: PartitionLine) => string>> = {
  'set-aside': ({ table, partition }) =>
    `new rows of ${table} go into a table of their own; ${partition} holds those of before`,
  proved: ({ partition }) => `${partition} is read, to prove that it is of the past`,
  divided: ({ table, partition }) => `${table} has partitions; the current one is ${partition}`,
  made: ({ partition }) => `${partition} is made`,
  dropped: ({ partition }) => `${partition} is dropped`,
};
const lineOf = (line: PartitionLine) =>
  `${words[line.what](line)}${line.moved > 0 ? ` (${line.moved} ${line.moved === 1 ? 'row' : 'rows'} moved)` : ''}.`;

/**
 * `gatehouse partition`: divides what is only added to by time, and looks after it. `run` tells
 * each step when it is done.
 */
export const partitionCommand = (
  run: (
    flags: Flags,
    wish: PartitionWish,
    tell: (line: PartitionLine) => void,
  ) => Promise<PartitionAnswer>,
): Command => ({
  words: 'partition',
  summary:
    'Divides access tokens and audit trail by time on PostgreSQL, while nodes serve; run again, makes and drops what is due.',
  positionals: [],
  options: {
    'dry-run': { type: 'boolean', help: 'only say what would be done' } satisfies OptionRule,
    every: {
      type: 'string',
      value: lengths.join('|'),
      help: 'length of the partitions to be made (as before, or month)',
    } satisfies OptionRule,
    ...storeOptions,
  },
  async run(given, io) {
    const asked = given.text('every');
    const every = lengths.find((length) => length === asked) ?? null;
    if (asked !== undefined && every === null)
      throw new UsageError(`--every is one of ${lengths.join(', ')}.`);
    const dryRun = given.is('dry-run');
    // What is done stays done, whatever comes after: it is said at once.
    const tell = (line: PartitionLine) => {
      if (!given.is('json')) io.out(`${lineOf(line)}\n`);
    };
    const answer = await run(given.flags, { dryRun, every }, tell);
    if ('refused' in answer) {
      return refused(io, given, `${answer.refused}.`);
    }
    const { steps } = answer;
    const shown = dryRun ? steps.map((step) => `Would be done: ${lineOf(step)}`) : [];
    if (given.is('json') || dryRun || steps.length === 0)
      print(
        io,
        given,
        { dry_run: dryRun, steps },
        steps.length === 0 ? ['There is nothing to do.'] : shown,
      );
    return 0;
  },
});
