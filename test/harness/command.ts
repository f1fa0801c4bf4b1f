import { readFileSync } from 'node:fs';
import { main } from '#cli/main.ts';
import type { ScryptCost } from '#operations/backup-encryption.ts';

/** What a command answered. */
export interface CommandResult {
  readonly status: 0 | 1 | 2 | 3;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs one command line of the program in this process: nothing is read from, or written to, what
 * the process shares. A fault that would end the program with a stack is thrown.
 */
export async function runCommand(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly input?: string;
    /** What deriving a key from a passphrase costs. */
    readonly passphraseCost?: ScryptCost;
  } = {},
): Promise<CommandResult> {
  const { env = {}, input = '', passphraseCost } = options;
  const written = { out: '', err: '' };
  const status = await main(
    args,
    {
      out: (text) => {
        written.out += text;
      },
      err: (text) => {
        written.err += text;
      },
      input: (async function* () {
        yield input;
      })(),
      env,
      readFile: (path) => readFileSync(path, 'utf8'),
      isInteractive: false,
      confirm: async () => {
        throw new Error('nobody is there to be asked');
      },
      userName: () => 'tester',
    },
    { passphraseCost },
  );
  return { status, ...written };
}
