import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { StartupError, UnreachableError } from '#config/startup-error.ts';
import { version } from '#config/version.ts';
import { UnfitFile } from '#platform/plain-file.ts';
import { operatorBy } from '#registry/actor.ts';
import {
  accountBlocking,
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
import { type Command, type ExitCode, helpOf, type Io, readArguments } from './command.ts';
import { keyCommands } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { partitionCommand } from './partition.ts';
import { clientDecisions } from './review.ts';
import { closest } from './suggestions.ts';
import { explainHead, serveHead } from './summaries.ts';

// What opens a store is loaded by the command that needs it: help costs no more than its text.
const operating = () => import('#operations/operations.ts');

const MOST_STDIN = 1_048_576;

async function stdin(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) {
    text += piece;
    if (text.length > MOST_STDIN) throw new StartupError('standard input is larger than 1 MiB.');
  }
  return text;
}

/**
 * Who uses the command line: the name they gave, or their account on this machine. A container may
 * have an account without a name.
 */
function whoActs(given: string | undefined): string {
  if (given !== undefined) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,64}$/u.test(given) || given.trim() !== given)
      throw new StartupError(
        '--as takes a name of 1 to 64 visible characters and blanks between them.',
      );
    return `as:${given}`;
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
  stdin,
  readFile: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      throw new StartupError(`the file ${path} cannot be read.`);
    }
  },
  terminal: process.stdin.isTTY === true && process.stderr.isTTY === true,
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
    const { openVerbs, readSettings } = await operating();
    return openVerbs(readSettings(flags), operatorBy(whoActs(flags.as)));
  },
};

/** A command as the overview needs it; the rest is loaded when it is called. */
interface Entry extends Pick<Command, 'words' | 'summary'> {
  load(): Promise<Command>;
}

const ready = (command: Command): Entry => ({
  words: command.words,
  summary: command.summary,
  load: async () => command,
});

const serveEntry: Entry = {
  ...serveHead,
  async load() {
    const { serveCommand } = await import('./serve.ts');
    return serveCommand(async (flags) => {
      const [{ serve }, { readSettings }] = await Promise.all([
        import('#server/serve.ts'),
        operating(),
      ]);
      return serve(readSettings(flags), io);
    });
  },
};

const explainEntry: Entry = {
  ...explainHead,
  load: async () => (await import('./explain.ts')).explainOAuth1,
};

const commands: readonly Entry[] = [
  serveEntry,
  ...[
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
    migrateCommand(async (flags, dryRun) => {
      const { migrateStore, readSettings } = await operating();
      return migrateStore(readSettings(flags), dryRun);
    }),
    partitionCommand(async (flags, wish, tell) => {
      const { partitionTables, readSettings } = await operating();
      return partitionTables(readSettings(flags), wish, tell);
    }),
    ...keyCommands(async (flags) => {
      const { openKeyDesk, readSettings } = await operating();
      return openKeyDesk(readSettings(flags));
    }),
    backupCommand(async (flags, file, withKeys, passphrase) => {
      const { backUp, readSettings } = await operating();
      return backUp(readSettings(flags), file, withKeys, passphrase);
    }),
    restoreCommand(async (flags, file, sha256, passphrase) => {
      const { readSettings, restore } = await operating();
      return restore(readSettings(flags), file, sha256, passphrase);
    }),
  ].map(ready),
  explainEntry,
];

const listOf = (some: readonly Entry[]) =>
  some.map(({ words, summary }) => `  ${words.padEnd(26)}${summary.split('\n')[0]}`).join('\n');

const overview = () =>
  `Gatehouse, an authorization server.\n\nUsage: gatehouse <command> [options]\n\n${listOf(commands)}\n\n"gatehouse <command> --help" describes the options of a command; "gatehouse --version" prints the version.\n`;

/** The commands that begin with this word, such as `client`. */
const groupOf = (word: string | undefined): readonly Entry[] =>
  word === undefined ? [] : commands.filter(({ words }) => words.startsWith(`${word} `));

const groupOverview = (word: string, group: readonly Entry[]) =>
  `Usage: gatehouse ${word} <command> [options]\n\n${listOf(group)}\n\n"gatehouse ${word} <command> --help" describes the options of a command.\n`;

/** The error for words that are no command, naming the closest ones. */
function unknownCommand(argv: readonly string[]): StartupError {
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
  return new StartupError(`there is no command "${asked}".${hint} See "${help}".`);
}

/**
 * Prints an error on standard error: a sentence, or one JSON document when the command was asked
 * for JSON.
 */
function report(fault: StartupError, argv: readonly string[]): void {
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
function usageOf(fault: unknown): StartupError | undefined {
  if (fault instanceof StartupError) return fault;
  if (fault instanceof UnfitFile) return new StartupError(`${fault.message}.`, { cause: fault });
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
  const group = groupOf(argv[0]);
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
