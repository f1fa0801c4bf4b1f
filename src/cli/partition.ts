import type { PartitionRequest, PartitionStepReport } from '#operations/partition.ts';
import {
  type Command,
  type OptionDefinition,
  printRefusal,
  printResult,
  storeOptions,
  UsageError,
} from './command.ts';
import { describe } from './command-list.ts';

/** How long a partition may be. */
const periodLengths = [
  'month',
  'week',
  'day',
] as const satisfies readonly PartitionRequest['every'][];

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

/** `gatehouse partition`: divides what is only added to by time, and looks after it. */
export const partitionCommand: Command = {
  ...describe('partition'),
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
    const [{ partitionDatabase }, { systemClock }] = await Promise.all([
      import('#operations/partition.ts'),
      import('#platform/clock.ts'),
    ]);
    const config = await io.loadConfig(args.settings);
    const answer = await partitionDatabase(config, systemClock, { dryRun, every }, reportStep);
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
};
