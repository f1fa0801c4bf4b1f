import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { StartupError, UnreachableError } from '#config/startup-error.ts';
import { version } from '#config/version.ts';
import { UnsuitableFileError } from '#platform/plain-file.ts';
import { operatorBy } from '#registry/actor.ts';
import {
  accountBlockCommands,
  accountCreate,
  accountList,
  accountResetPassword,
  setupLink,
} from './account.ts';
import { auditExport } from './audit.ts';
import { auditVerify } from './audit-verify.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { clientCreate, clientList, clientShow } from './client.ts';
import { clientRedirects } from './client-redirects.ts';
import { type Command, type ExitCode, helpText, type Io, parseArguments } from './command.ts';
import { keyCliCommands } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { partitionCommand } from './partition.ts';
import { clientDecisions } from './review.ts';
import { closestMatch } from './suggestions.ts';
import { explainSummary, serveSummary } from './summaries.ts';

// What opens a store is loaded by the command that needs it: help costs no more than its text.
const loadOperations = () => import('#operations/operations.ts');

const MAX_STDIN_LENGTH = 1_048_576;

async function readStdin(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) {
    text += piece;
    if (text.length > MAX_STDIN_LENGTH)
      throw new StartupError('standard input is larger than 1 MiB.');
  }
  return text;
}

/**
 * Who uses the command line: the name they gave, or their account on this machine. A container may
 * have an account without a name.
 */
function operatorName(asOption: string | undefined): string {
  if (asOption !== undefined) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,64}$/u.test(asOption) || asOption.trim() !== asOption)
      throw new StartupError(
        '--as takes a name of 1 to 64 visible characters and blanks between them.',
      );
    return `as:${asOption}`;
  }
  try {
    return `os:${userInfo().username.slice(0, 64)}`;
  } catch {
    return `os:${process.getuid?.() ?? 'unknown'}`;
  }
}

const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stdin: readStdin,
  readFile: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      throw new StartupError(`the file ${path} cannot be read.`);
    }
  },
  isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  confirm: async (question) => {
    const { createInterface } = await import('node:readline/promises');
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    // The end of the input, by Ctrl-D or Ctrl-C, is no yes.
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    try {
      return /^\s*y(?:es)?\s*$/i.test(await Promise.race([terminal.question(question), ended]));
    } finally {
      terminal.close();
    }
  },
  env: (name) => process.env[name],
  open: async (flags) => {
    const { openCommandServices: openVerbs, loadConfig: readSettings } = await loadOperations();
    return openVerbs(readSettings(flags), operatorBy(operatorName(flags.as)));
  },
};

/** A command as the overview needs it; the rest is loaded when it is called. */
interface CommandEntry extends Pick<Command, 'words' | 'summary'> {
  load(): Promise<Command>;
}

const preloaded = (command: Command): CommandEntry => ({
  words: command.words,
  summary: command.summary,
  load: async () => command,
});

const serveEntry: CommandEntry = {
  ...serveSummary,
  async load() {
    const { serveCommand } = await import('./serve.ts');
    return serveCommand(async (flags) => {
      const [{ serve }, { loadConfig: readSettings }] = await Promise.all([
        import('#server/serve.ts'),
        loadOperations(),
      ]);
      return serve(readSettings(flags), io);
    });
  },
};

const explainEntry: CommandEntry = {
  ...explainSummary,
  load: async () => (await import('./explain.ts')).explainOAuth1,
};

const commands: readonly CommandEntry[] = [
  serveEntry,
  ...[
    setupLink,
    accountCreate,
    accountList,
    accountResetPassword,
    ...accountBlockCommands,
    clientCreate,
    clientList,
    clientShow,
    clientRedirects,
    ...clientDecisions,
    auditExport,
    auditVerify,
    migrateCommand(async (flags, dryRun) => {
      const { migrateStore, loadConfig: readSettings } = await loadOperations();
      return migrateStore(readSettings(flags), dryRun);
    }),
    partitionCommand(async (flags, wish, tell) => {
      const { partitionTables, loadConfig: readSettings } = await loadOperations();
      return partitionTables(readSettings(flags), wish, tell);
    }),
    ...keyCliCommands(async (flags) => {
      const { openKeyCommands: openKeyDesk, loadConfig: readSettings } = await loadOperations();
      return openKeyDesk(readSettings(flags));
    }),
    backupCommand(async (flags, file, withKeys, passphrase) => {
      const { createBackup: backUp, loadConfig: readSettings } = await loadOperations();
      return backUp(readSettings(flags), file, withKeys, passphrase);
    }),
    restoreCommand(async (flags, file, sha256, passphrase) => {
      const { loadConfig: readSettings, restoreDataDirectory: restore } = await loadOperations();
      return restore(readSettings(flags), file, sha256, passphrase);
    }),
  ].map(preloaded),
  explainEntry,
];

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
function printError(fault: StartupError, argv: readonly string[]): void {
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
 * remedy.
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
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
    return await command.run(parseArguments(command, rest), io);
  } catch (fault) {
    const usageError = toUsageError(fault);
    if (usageError === undefined) throw fault;
    printError(usageError, argv);
    return usageError.exitCode;
  }
}
