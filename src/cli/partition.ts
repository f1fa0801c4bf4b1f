import {
  type Command,
  type OptionDefinition,
  printRefusal,
  printResult,
  storeOptions,
  UsageError,
} from './command.ts';

type Flags = Readonly<Record<string, string | undefined>>;

const periodLengths = ['month', 'week', 'day'] as const;

/** What an operator asks for. `every` null: as before, or months. */
export interface PartitionRequest {
  readonly dryRun: boolean;
  readonly every: (typeof periodLengths)[number] | null;
}

/** One thing that was done to a table, or would be. */
export interface PartitionStepReport {
  readonly table: string;
  readonly what: 'set-aside' | 'proved' | 'divided' | 'made' | 'dropped';
  readonly partition: string;
  readonly moved: number;
}

export type PartitionResult =
  | { readonly steps: readonly PartitionStepReport[] }
  | { readonly refused: string };

const stepTexts: Readonly<
  Record<PartitionStepReport['what'], (line: PartitionStepReport) => string>
> = {
  'set-aside': ({ table, partition }) =>
    `new rows of ${table} go into a table of their own; ${partition} holds those of before`,
  proved: ({ partition }) => `${partition} is read, to prove that it is of the past`,
  divided: ({ table, partition }) => `${table} has partitions; the current one is ${partition}`,
  made: ({ partition }) => `${partition} is made`,
  dropped: ({ partition }) => `${partition} is dropped`,
};
const stepText = (step: PartitionStepReport) =>
  `${stepTexts[step.what](step)}${step.moved > 0 ? ` (${step.moved} ${step.moved === 1 ? 'row' : 'rows'} moved)` : ''}.`;

/**
 * `gatehouse partition`: divides what is only added to by time, and looks after it. `run` tells
 * each step when it is done.
 */
export const partitionCommand = (
  run: (
    flags: Flags,
    request: PartitionRequest,
    reportStep: (line: PartitionStepReport) => void,
  ) => Promise<PartitionResult>,
): Command => ({
  words: 'partition',
  summary:
    'Divides access tokens and audit trail by time on PostgreSQL, while nodes serve; run again, makes and drops what is due.',
  positionals: [],
  options: {
    'dry-run': { type: 'boolean', help: 'only say what would be done' } satisfies OptionDefinition,
    every: {
      type: 'string',
      value: periodLengths.join('|'),
      help: 'length of the partitions to be made (as before, or month)',
    } satisfies OptionDefinition,
    ...storeOptions,
  },
  async run(args, io) {
    const requested = args.value('every');
    const every = periodLengths.find((length) => length === requested) ?? null;
    if (requested !== undefined && every === null)
      throw new UsageError(`--every is one of ${periodLengths.join(', ')}.`);
    const dryRun = args.isSet('dry-run');
    // What is done stays done, whatever comes after: it is said at once.
    const reportStep = (line: PartitionStepReport) => {
      if (!args.isSet('json')) io.out(`${stepText(line)}\n`);
    };
    const answer = await run(args.settings, { dryRun, every }, reportStep);
    if ('refused' in answer) {
      return printRefusal(io, args, `${answer.refused}.`);
    }
    const { steps } = answer;
    const planned = dryRun ? steps.map((step) => `Would be done: ${stepText(step)}`) : [];
    if (args.isSet('json') || dryRun || steps.length === 0)
      printResult(
        io,
        args,
        { dry_run: dryRun, steps },
        steps.length === 0 ? ['There is nothing to do.'] : planned,
      );
    return 0;
  },
});
