import { readFileSync } from 'node:fs';
import { accountBlocking, accountCreate, accountList, accountResetPassword } from '#cli/account.ts';
import { auditExport } from '#cli/audit.ts';
import { backupCommand, restoreCommand } from '#cli/backup.ts';
import { clientCreate, clientList, clientShow } from '#cli/client.ts';
import { type Command, type ExitCode, helpOf, type Io, readArguments, UsageError } from '#cli/command.ts';
import { explainOAuth1 } from '#cli/explain.ts';
import { keyCommands } from '#cli/keys.ts';
import { migrateCommand } from '#cli/migrate.ts';
import { partitionCommand } from '#cli/partition.ts';
import { clientDecisions } from '#cli/review.ts';
import { serveCommand } from '#cli/serve.ts';
import { backUp, migrateStore, openKeyDesk, openVerbs, partitionTables, readSettings, restore } from '#operating';
import { serve } from '#serving';

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
  accountCreate,
  accountList,
  accountResetPassword,
  ...accountBlocking,
  clientCreate,
  clientList,
  clientShow,
  ...clientDecisions,
  auditExport,
  migrateCommand((flags, dryRun) => migrateStore(readSettings(flags), dryRun)),
  partitionCommand((flags, wish, tell) => partitionTables(readSettings(flags), wish, tell)),
  ...keyCommands((flags) => openKeyDesk(readSettings(flags))),
  backupCommand((flags, file, withKeys) => backUp(readSettings(flags), file, withKeys)),
  restoreCommand((flags, file) => restore(readSettings(flags), file)),
  explainOAuth1,
];

const overview = () =>
  `Gatehouse, an authorization server.\n\nUsage: gatehouse <command> [options]\n\n${commands
    .map(({ words, summary }) => `  ${words.padEnd(26)}${summary.split('\n')[0]}`)
    .join('\n')}\n\n"gatehouse <command> --help" tells more.\n`;

/** Runs one command line. Answers the exit code: 0 done, 1 refused, 2 wrong use; errors are one line on standard error with the remedy. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === 'help') {
    io.out(overview());
    return argv.length === 0 ? 2 : 0;
  }
  const command = commands.find(({ words }) => words.split(' ').every((word, index) => argv[index] === word));
  try {
    if (command === undefined) throw new UsageError(`there is no command "${argv.slice(0, 2).join(' ')}". See "gatehouse --help".`);
    const rest = argv.slice(command.words.split(' ').length);
    if (rest.includes('--help')) {
      io.out(helpOf(command));
      return 0;
    }
    return await command.run(readArguments(command, rest), io);
  } catch (fault) {
    if (fault instanceof UsageError) {
      io.err(`gatehouse: ${fault.message}\n`);
      return 2;
    }
    throw fault;
  }
}
