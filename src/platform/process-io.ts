import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** The ways of a run of the program in and out: streams, environment, files and terminal. */
export interface ProcessIo {
  out(text: string): void;
  err(text: string): void;
  /** Standard input, in pieces. */
  readonly input: AsyncIterable<string>;
  /** The variables of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file. Throws as the system does. */
  readFile(path: string): string;
  /**
   * Whether somebody sits there to be asked: standard input and error are a terminal, not a pipe, a
   * file or closed.
   */
  readonly isInteractive: boolean;
  /** Asks whoever sits at the terminal; the end of the input is a no. */
  confirm(question: string): Promise<boolean>;
  /** The account of the operating system that runs it, or its number when it has no name. */
  userName(): string;
}

/** Those of the process itself. */
export const processIo: ProcessIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  get input() {
    return process.stdin.setEncoding('utf8');
  },
  env: process.env,
  readFile: (path) => readFileSync(path, 'utf8'),
  get isInteractive() {
    return process.stdin.isTTY === true && process.stderr.isTTY === true;
  },
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
  userName: () => {
    try {
      return userInfo().username;
    } catch {
      // A container may have an account without a name.
      return String(process.getuid?.() ?? 'unknown');
    }
  },
};
