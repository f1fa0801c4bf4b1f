import {
  type ExitCode,
  type Io,
  type OptionDefinition,
  type ParsedArguments,
  printRefusal,
  printResult,
} from './command.ts';

// Commands that take something away say first what, on request or to whoever sits at a terminal.
// Scripts are never asked.

export const dryRunOption = {
  'dry-run': { type: 'boolean', help: 'say what would happen, and change nothing' },
} as const satisfies Record<string, OptionDefinition>;

export const confirmationOptions = {
  ...dryRunOption,
  yes: { type: 'boolean', help: 'do not ask, even at a terminal' },
} as const satisfies Record<string, OptionDefinition>;

/** What a command is about to do. */
export interface ChangePreview {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

/** Answers what was asked for with `--dry-run`: one JSON document with `dry_run`, or sentences. */
export function printDryRun(io: Io, args: ParsedArguments, { facts, lines }: ChangePreview): 0 {
  printResult(io, args, { dry_run: true, ...facts }, [
    'This would happen; nothing was changed.',
    ...lines,
  ]);
  return 0;
}

/**
 * Whether to go on; otherwise the exit code, and why is said. `look` is called only when somebody
 * reads the answer.
 */
export async function confirmChange(
  args: ParsedArguments,
  io: Io,
  loadPreview: () => Promise<ChangePreview>,
): Promise<ExitCode | 'proceed'> {
  if (args.isSet('dry-run')) return printDryRun(io, args, await loadPreview());
  if (args.isSet('yes') || !io.isInteractive) return 'proceed';
  const { lines } = await loadPreview();
  const confirmed = await io.confirm(`${lines.join('\n')}\nDo it? [y/N] `);
  return confirmed
    ? 'proceed'
    : printRefusal(io, args, 'nothing was changed: the answer was not yes.');
}
