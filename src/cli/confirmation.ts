import { type ExitCode, type Given, type Io, type OptionRule, print, refused } from './command.ts';

// Commands that take something away say first what, on request or to whoever sits at a terminal.
// Scripts are never asked.

export const dryRunOption = {
  'dry-run': { type: 'boolean', help: 'say what would happen, and change nothing' },
} as const satisfies Record<string, OptionRule>;

export const careOptions = {
  ...dryRunOption,
  yes: { type: 'boolean', help: 'do not ask, even at a terminal' },
} as const satisfies Record<string, OptionRule>;

/** What a command is about to do. */
export interface Foresight {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

/** Answers what was asked for with `--dry-run`: one JSON document with `dry_run`, or sentences. */
export function foretold(io: Io, given: Given, { facts, lines }: Foresight): 0 {
  print(io, given, { dry_run: true, ...facts }, [
    'This would happen; nothing was changed.',
    ...lines,
  ]);
  return 0;
}

/**
 * Whether to go on; otherwise the exit code, and why is said. `look` is called only when somebody
 * reads the answer.
 */
export async function carefully(
  given: Given,
  io: Io,
  look: () => Promise<Foresight>,
): Promise<ExitCode | 'go on'> {
  if (given.is('dry-run')) return foretold(io, given, await look());
  if (given.is('yes') || !io.terminal) return 'go on';
  const { lines } = await look();
  const yes = await io.confirm(`${lines.join('\n')}\nDo it? [y/N] `);
  return yes ? 'go on' : refused(io, given, 'nothing was changed: the answer was not yes.');
}
