import { parseArgs } from 'node:util';
import type { CommandLineFlags, Config, Environment } from '#config/config.ts';
import { renamedFlag } from '#config/renamed-settings.ts';
import { StartupError } from '#config/startup-error.ts';
import type { ScryptCost } from '#operations/backup-encryption.ts';
import type { CommandServices } from '#operations/command-services.ts';
import type { KeyCommands } from '#operations/key-commands.ts';

/** What a command may use of the world around it. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** All of standard input, at most 1 MiB. */
  stdin(): Promise<string>;
  readFile(path: string): string;
  /**
   * Whether somebody sits there to be asked: standard input and error are a terminal, not a pipe, a
   * file or closed.
   */
  readonly isInteractive: boolean;
  /** Asks whoever sits at the terminal; the end of the input is a no. */
  confirm(question: string): Promise<boolean>;
  /** The variables of the environment. */
  readonly env: Environment;
  /** What deriving a key from a passphrase costs; undefined: what backups ask for. */
  readonly passphraseCost?: ScryptCost | undefined;
  /** The settings among the options. Throws StartupError when they are wrong. */
  loadConfig(flags: CommandLineFlags): Promise<Config>;
  /**
   * Opens the store and the keys under the settings among the options. Throws StartupError when
   * the settings are wrong.
   */
  open(flags: CommandLineFlags): Promise<CommandServices>;
  /** The keys under the settings among the options, and the store when it has to be asked. */
  openKeys(flags: CommandLineFlags): Promise<KeyCommands>;
}

/**
 * Exit codes, stable: 0 done, 1 refused by a rule, 2 wrong use of the command or its settings, 3 a
 * server it needs cannot be reached.
 */
export type ExitCode = 0 | 1 | 2 | 3;

export interface OptionDefinition {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly required?: boolean;
  /** Word shown for the value in `--help`. */
  readonly value?: string;
  readonly help: string;
}

export interface Command {
  /** Words that call it, such as `client create`. */
  readonly words: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionDefinition>>;
  /** Names of positional arguments, all required. */
  readonly positionals: readonly string[];
  run(args: ParsedArguments, io: Io): Promise<ExitCode>;
}

/** Parsed arguments of one call. */
export interface ParsedArguments {
  value(name: string): string | undefined;
  values(name: string): readonly string[];
  isSet(name: string): boolean;
  positional(index: number): string;
  /** The settings among the options (`--data` and so on). */
  readonly settings: Readonly<Record<string, string | undefined>>;
}

/** Wrong use of the command line; the message names the remedy. */
export class UsageError extends StartupError {}

/** For commands whose effect stands in the audit log. */
export const actorOption = {
  as: {
    type: 'string',
    value: 'NAME',
    help: 'who does it, for the audit log (the operating-system account)',
  },
} as const satisfies Record<string, OptionDefinition>;

/** Options every command that opens the store takes. */
export const storeOptions = {
  config: { type: 'string', value: 'FILE', help: 'configuration file (GATEHOUSE_CONFIG)' },
  data: { type: 'string', value: 'DIR', help: 'data directory (GATEHOUSE_DATA, ./data)' },
  database: {
    type: 'string',
    value: 'WHERE',
    help: 'sqlite:PATH or postgres://… without a password (GATEHOUSE_DATABASE)',
  },
  issuer: {
    type: 'string',
    value: 'URL',
    help: 'public URL of the server (GATEHOUSE_ISSUER, http://localhost:4400)',
  },
} as const satisfies Record<string, OptionDefinition>;

/** Why an option is not known that was renamed; undefined: none of them was. */
function describeUnknownOption(argv: readonly string[]): string | undefined {
  for (const word of argv) {
    const [, flag = ''] = /^--([a-z-]+)(?:=|$)/.exec(word) ?? [];
    const now = renamedFlag(flag);
    if (now !== undefined) return `--${flag} is called --${now} now`;
  }
  return undefined;
}

/**
 * Reads the arguments after the command's words. Throws UsageError naming the option and the
 * remedy.
 */
export function parseArguments(command: Command, argv: readonly string[]): ParsedArguments {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: boolean }> = {
    help: { type: 'boolean', multiple: false },
    json: { type: 'boolean', multiple: false },
  };
  for (const [name, rule] of Object.entries(command.options))
    options[name] = { type: rule.type, multiple: rule.multiple ?? false };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (fault) {
    throw new UsageError(
      `${describeUnknownOption(argv) ?? (fault as Error).message.split('.')[0]}. See "gatehouse ${command.words} --help".`,
    );
  }
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
  if (values.help !== true) {
    for (const [name, rule] of Object.entries(command.options)) {
      if (rule.required && values[name] === undefined)
        throw new UsageError(
          `--${name} is missing: ${rule.help}. See "gatehouse ${command.words} --help".`,
        );
    }
    if (parsed.positionals.length !== command.positionals.length) {
      const expected =
        command.positionals.map((name) => `<${name}>`).join(' ') || 'no further words';
      throw new UsageError(
        `"gatehouse ${command.words}" takes ${expected}. See "gatehouse ${command.words} --help".`,
      );
    }
  }
  const text = (name: string) =>
    typeof values[name] === 'string' ? (values[name] as string) : undefined;
  return {
    value: text,
    values: (name) => (Array.isArray(values[name]) ? (values[name] as string[]) : []),
    isSet: (name) => values[name] === true,
    positional: (index) => parsed.positionals[index] ?? '',
    settings: Object.fromEntries(Object.keys(command.options).map((name) => [name, text(name)])),
  };
}

/** The text of `--help`. */
export function helpText(command: Command): string {
  const usage = [
    'gatehouse',
    command.words,
    ...command.positionals.map((name) => `<${name}>`),
    '[options]',
  ].join(' ');
  const rows = Object.entries({
    ...command.options,
    json: { type: 'boolean', help: 'print JSON' } as OptionDefinition,
  }).map(([name, rule]) => {
    const left = `  --${name}${rule.type === 'string' ? ` ${rule.value ?? 'TEXT'}` : ''}${rule.multiple ? ' …' : ''}`;
    return `${left.padEnd(34)}${rule.help}${rule.required ? ' (required)' : ''}`;
  });
  return `${command.summary}\n\nUsage: ${usage}\n\n${rows.join('\n')}\n`;
}

/** Prints `value` as one JSON document, or the lines for people. */
export function printResult(
  io: Io,
  args: ParsedArguments,
  value: unknown,
  lines: readonly string[],
): void {
  io.out(args.isSet('json') ? `${JSON.stringify(value, null, 2)}\n` : `${lines.join('\n')}\n`);
}

/** The value of an option that takes one of a few words. Throws UsageError that lists them. */
export function choiceOption<const T extends string>(
  args: ParsedArguments,
  option: string,
  values: readonly T[],
): T | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const found = values.find((value) => value === text);
  if (found === undefined)
    throw new UsageError(`--${option} ${text} is not known: use ${values.join(', ')}.`);
  return found;
}

/**
 * Says on standard error why a rule refused, as a sentence or with `--json` as one JSON document,
 * and answers the exit code for it.
 */
export function printRefusal(io: Io, args: ParsedArguments, message: string): 1 {
  const json = `${JSON.stringify({ error: { code: 'refused', message } }, null, 2)}\n`;
  io.err(args.isSet('json') ? json : `gatehouse: ${message}\n`);
  return 1;
}
