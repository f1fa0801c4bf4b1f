import { readFileSync } from 'node:fs';
import { accountBlocking, accountCreate, accountList, accountResetPassword, setupLink } from '#cli/account.ts';
import { auditExport } from '#cli/audit.ts';
import { auditVerify } from '#cli/audit-verify.ts';
import { backupCommand, restoreCommand } from '#cli/backup.ts';
import { clientCreate, clientList, clientShow } from '#cli/client.ts';
import { clientRedirects } from '#cli/client-redirects.ts';
import { closest } from '#cli/closest.ts';
import { type Command, type ExitCode, helpOf, type Io, readArguments, UnreachableError, UsageError } from '#cli/command.ts';
import { explainOAuth1 } from '#cli/explain.ts';
import { keyCommands } from '#cli/keys.ts';
import { migrateCommand } from '#cli/migrate.ts';
import { partitionCommand } from '#cli/partition.ts';
import { clientDecisions } from '#cli/review.ts';
import { serveCommand } from '#cli/serve.ts';
import { UnfitFile } from '#config/plain-file.ts';
import { backUp, migrateStore, openKeyDesk, openVerbs, partitionTables, readSettings, restore } from '#operating';
import { serve } from '#serving';
import { version } from './app.ts';

const MOST_STDIN = 1_048_576;

async function stdin(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) {
    text += piece;
    if (text.length > MOST_STDIN) throw new UsageError('standard input is larger than 1 MiB.');
  }
  return text;
}

const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stdin,
  readFile: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      throw new UsageError(`the file ${path} cannot be read.`);
    }
  },
  open: (flags) => openVerbs(readSettings(flags)),
};

const commands: readonly Command[] = [
  serveCommand((flags) => serve(readSettings(flags), io)),
  setupLink,
  accountCreate,
  accountList,
  accountResetPassword,
  ...accountBlocking,
  clientCreate,
  clientList,
  clientShow,
  clientRedirects,
  ...clientDecisions,
  auditExport,
  auditVerify,
  migrateCommand((flags, dryRun) => migrateStore(readSettings(flags), dryRun)),
  partitionCommand((flags, wish, tell) => partitionTables(readSettings(flags), wish, tell)),
  ...keyCommands((flags) => openKeyDesk(readSettings(flags))),
  backupCommand((flags, file, withKeys, passphrase) => backUp(readSettings(flags), file, withKeys, passphrase)),
  restoreCommand((flags, file, sha256, passphrase) => restore(readSettings(flags), file, sha256, passphrase)),
  explainOAuth1,
];

const listOf = (some: readonly Command[]) => some.map(({ words, summary }) => `  ${words.padEnd(26)}${summary.split('\n')[0]}`).join('\n');

const overview = () =>
  `Gatehouse, an authorization server.\n\nUsage: gatehouse <command> [options]\n\n${listOf(commands)}\n\n"gatehouse <command> --help" describes the options of a command; "gatehouse --version" prints the version.\n`;

/** The commands that begin with this word, such as `client`. */
const groupOf = (word: string | undefined): readonly Command[] =>
  word === undefined ? [] : commands.filter(({ words }) => words.startsWith(`${word} `));

const groupOverview = (word: string, group: readonly Command[]) =>
  `Usage: gatehouse ${word} <command> [options]\n\n${listOf(group)}\n\n"gatehouse ${word} <command> --help" describes the options of a command.\n`;

/** The error for words that are no command, naming the closest ones. */
function unknownCommand(argv: readonly string[]): UsageError {
  const words = argv.filter((word) => !word.startsWith('-'));
  const asked = words.slice(0, 2).join(' ').slice(0, 64);
  const group = groupOf(argv[0]);
  const near =
    closest(
      asked,
      commands.map(({ words }) => words),
    ) ??
    closest(
      argv[0] ?? '',
      commands.map(({ words }) => words),
    );
  const hint = near === undefined ? '' : ` Did you mean "gatehouse ${near}"?`;
  const help = group.length > 0 ? `gatehouse ${argv[0]} --help` : 'gatehouse --help';
  return new UsageError(`there is no command "${asked}".${hint} See "${help}".`);
}

/** Prints an error on standard error: a sentence, or one JSON document when the command was asked for JSON. */
function report(fault: UsageError, argv: readonly string[]): void {
  const code = fault instanceof UnreachableError ? 'unreachable' : 'usage';
  io.err(
    argv.includes('--json') ? `${JSON.stringify({ error: { code, message: fault.message } }, null, 2)}\n` : `gatehouse: ${fault.message}\n`,
  );
}

/** What went wrong as one line with its remedy; undefined: a fault of ours, with its stack. What the system refuses is the operator's to change. */
function usageOf(fault: unknown): UsageError | undefined {
  if (fault instanceof UsageError) return fault;
  if (fault instanceof UnfitFile) return new UsageError(`${fault.message}.`, { cause: fault });
  const { syscall, path, message } = Object(fault) as NodeJS.ErrnoException;
  return syscall !== undefined && path !== undefined
    ? new UsageError(`${message}: check that the path is right, and may be read and written.`, { cause: fault })
    : undefined;
}

/** Runs one command line. Answers the exit code (`ExitCode`); errors are on standard error with the remedy. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === 'help') {
    io.out(overview());
    return argv.length === 0 ? 2 : 0;
  }
  if (argv[0] === '--version' || argv[0] === 'version') {
    io.out(`${version()}\n`);
    return 0;
  }
  const group = groupOf(argv[0]);
  if (group.length > 0 && (argv[1] === undefined || argv[1] === '--help')) {
    io.out(groupOverview(argv[0] as string, group));
    return argv[1] === undefined ? 2 : 0;
  }
  const command = commands.find(({ words }) => words.split(' ').every((word, index) => argv[index] === word));
  try {
    if (command === undefined) throw unknownCommand(argv);
    const rest = argv.slice(command.words.split(' ').length);
    if (rest.includes('--help')) {
      io.out(helpOf(command));
      return 0;
    }
    return await command.run(readArguments(command, rest), io);
  } catch (fault) {
    const known = usageOf(fault);
    if (known === undefined) throw fault;
    report(known, argv);
    return known.exitCode;
  }
}
