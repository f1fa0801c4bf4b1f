import type { Command } from './command.ts';
import { type CommandName, commandNames, summaries } from './command-list.ts';

type Load = () => Promise<Command>;

/** Finds one command of a list that shares a file. */
const oneOf = (commands: readonly Command[], words: CommandName): Command => {
  const found = commands.find((command) => command.words === words);
  if (found === undefined) throw new Error(`the command "${words}" is missing from its file`);
  return found;
};

const decision =
  (words: CommandName): Load =>
  async () =>
    oneOf((await import('./client-decisions.ts')).clientDecisions, words);

/**
 * The file of each command, loaded when the command is called: an overview costs its text alone.
 */
const loaders: Readonly<Record<CommandName, Load>> = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  'setup-link': async () => (await import('./setup-link.ts')).setupLink,
  'account create': async () => (await import('./account-create.ts')).accountCreate,
  'account list': async () => (await import('./account-list.ts')).accountList,
  'account reset-password': async () =>
    (await import('./account-reset-password.ts')).accountResetPassword,
  'account block': async () => (await import('./account-block.ts')).accountBlock,
  'account unblock': async () => (await import('./account-block.ts')).accountUnblock,
  'client create': async () => (await import('./client-create.ts')).clientCreate,
  'client list': async () => (await import('./client-list.ts')).clientList,
  'client show': async () => (await import('./client-show.ts')).clientShow,
  'client redirects': async () => (await import('./client-redirects.ts')).clientRedirects,
  'client approve': decision('client approve'),
  'client reject': decision('client reject'),
  'client disable': decision('client disable'),
  'client reenable': decision('client reenable'),
  'client halt': decision('client halt'),
  'client introspector': decision('client introspector'),
  'client pkce': decision('client pkce'),
  'client reset-secret': decision('client reset-secret'),
  'client add-secret': decision('client add-secret'),
  'client retire-secret': decision('client retire-secret'),
  'client approve-revision': decision('client approve-revision'),
  'client reject-revision': decision('client reject-revision'),
  'audit export': async () => (await import('./audit-export.ts')).auditExport,
  'audit verify': async () => (await import('./audit-verify.ts')).auditVerify,
  migrate: async () => (await import('./migrate.ts')).migrateCommand,
  partition: async () => (await import('./partition.ts')).partitionCommand,
  'keys list': async () => (await import('./keys-list.ts')).keysList,
  'keys rotate': async () => (await import('./keys-rotate.ts')).keysRotate,
  'keys retire': async () => (await import('./keys-retire.ts')).keysRetire,
  backup: async () => (await import('./backup.ts')).backupCommand,
  restore: async () => (await import('./restore.ts')).restoreCommand,
  'explain oauth1': async () => (await import('./explain.ts')).explainOAuth1,
};

/** A command as the overview needs it; the rest is loaded when it is called. */
export interface CommandEntry {
  readonly words: CommandName;
  readonly summary: string;
  readonly load: Load;
}

/** Every command, in the order of the overview. */
export const commands: readonly CommandEntry[] = commandNames.map((words) => ({
  words,
  summary: summaries[words],
  load: loaders[words],
}));
