import { StartupError, UnreachableError } from '#config/startup-error.ts';
import { version } from '#config/version.ts';
import { UnsuitableFileError } from '#platform/plain-file.ts';
import type { ProcessIo } from '#platform/process-io.ts';
import { type ExitCode, helpText, type Io, parseArguments } from './command.ts';
import { makeCommandIo } from './command-io.ts';
import { type CommandEntry, commands } from './commands.ts';
import { closestMatch } from './suggestions.ts';

const formatCommandList = (some: readonly CommandEntry[]) =>
  some.map(({ words, summary }) => `  ${words.padEnd(26)}${summary.split('\n')[0]}`).join('\n');

const overview = () =>
  `Gatehouse, an authorization server.\n\nUsage: gatehouse <command> [options]\n\n${formatCommandList(commands)}\n\n"gatehouse <command> --help" describes the options of a command; "gatehouse --version" prints the version.\n`;

/** The commands that begin with this word, such as `client`. */
const commandsInGroup = (word: string | undefined): readonly CommandEntry[] =>
  word === undefined ? [] : commands.filter(({ words }) => words.startsWith(`${word} `));

const groupOverview = (word: string, group: readonly CommandEntry[]) =>
  `Usage: gatehouse ${word} <command> [options]\n\n${formatCommandList(group)}\n\n"gatehouse ${word} <command> --help" describes the options of a command.\n`;

/** The error for words that are no command, naming the closest ones. */
function unknownCommand(argv: readonly string[]): StartupError {
  const words = argv.filter((word) => !word.startsWith('-'));
  const requested = words.slice(0, 2).join(' ').slice(0, 64);
  const group = commandsInGroup(argv[0]);
  const closestCommand =
    closestMatch(
      requested,
      commands.map(({ words }) => words),
    ) ??
    closestMatch(
      argv[0] ?? '',
      commands.map(({ words }) => words),
    );
  const hint = closestCommand === undefined ? '' : ` Did you mean "gatehouse ${closestCommand}"?`;
  const help = group.length > 0 ? `gatehouse ${argv[0]} --help` : 'gatehouse --help';
  return new StartupError(`there is no command "${requested}".${hint} See "${help}".`);
}

/**
 * Prints an error on standard error: a sentence, or one JSON document when the command was asked
 * for JSON.
 */
function printError(io: ProcessIo, fault: StartupError, argv: readonly string[]): void {
  const code = fault instanceof UnreachableError ? 'unreachable' : 'usage';
  io.err(
    argv.includes('--json')
      ? `${JSON.stringify({ error: { code, message: fault.message } }, null, 2)}\n`
      : `gatehouse: ${fault.message}\n`,
  );
}

/**
 * What went wrong as one line with its remedy; undefined: a fault of ours, with its stack. What the
 * system refuses is the operator's to change.
 */
function toUsageError(fault: unknown): StartupError | undefined {
  if (fault instanceof StartupError) return fault;
  if (fault instanceof UnsuitableFileError)
    return new StartupError(`${fault.message}.`, { cause: fault });
  const { syscall, path, message } = Object(fault) as NodeJS.ErrnoException;
  return syscall !== undefined && path !== undefined
    ? new StartupError(`${message}: check that the path is right, and may be read and written.`, {
        cause: fault,
      })
    : undefined;
}

/**
 * Runs one command line. Answers the exit code (`ExitCode`); errors are on standard error with the
 * remedy. `io`: every way in and out. `options.passphraseCost`: for tests of other things than the
 * encryption of backups.
 */
export async function main(
  argv: readonly string[],
  io: ProcessIo,
  options: Pick<Io, 'passphraseCost'> = {},
): Promise<ExitCode> {
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === 'help') {
    io.out(overview());
    return argv.length === 0 ? 2 : 0;
  }
  if (argv[0] === '--version' || argv[0] === 'version') {
    io.out(`${version}\n`);
    return 0;
  }
  const group = commandsInGroup(argv[0]);
  if (group.length > 0 && (argv[1] === undefined || argv[1] === '--help')) {
    io.out(groupOverview(argv[0] as string, group));
    return argv[1] === undefined ? 2 : 0;
  }
  const entry = commands.find(({ words }) =>
    words.split(' ').every((word, index) => argv[index] === word),
  );
  try {
    if (entry === undefined) throw unknownCommand(argv);
    const command = await entry.load();
    const rest = argv.slice(command.words.split(' ').length);
    if (rest.includes('--help')) {
      io.out(helpText(command));
      return 0;
    }
    return await command.run(parseArguments(command, rest), makeCommandIo(io, options));
  } catch (fault) {
    const usageError = toUsageError(fault);
    if (usageError === undefined) throw fault;
    printError(io, usageError, argv);
    return usageError.exitCode;
  }
}
