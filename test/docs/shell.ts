import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

/**
 * A shell in which the commands of one page are run one after the other: variables and files stay
 * from block to block.
 */
export class DocumentShell {
  /** Stands for `/`: `/var/lib/gatehouse` of a page is a directory below it. */
  readonly root = mkdtempSync(join(tmpdir(), 'gatehouse-docs-'));
  readonly #environment: Record<string, string>;
  readonly #replacements: (readonly [string, string])[] = [];

  constructor(environment: Readonly<Record<string, string>> = {}) {
    for (const name of [
      'backups',
      'var/lib/gatehouse',
      'run/secrets',
      'etc/gatehouse',
      'bin',
      'work',
    ])
      mkdirSync(join(this.root, name), { recursive: true, mode: 0o700 });
    // The pages write `gatehouse`, as it is called where it is installed.
    const command = join(this.root, 'bin', 'gatehouse');
    writeFileSync(
      command,
      `#!/bin/sh\nexec "${process.execPath}" "${resolve('bin/gatehouse.js')}" "$@"\n`,
    );
    chmodSync(command, 0o755);
    this.#environment = {
      ...(process.env as Record<string, string>),
      PATH: `${join(this.root, 'bin')}:${process.env.PATH}`,
      GATEHOUSE_DATA: this.path('/var/lib/gatehouse'),
      ...environment,
    };
    for (const path of ['/backups', '/var/lib/gatehouse', '/run/secrets', '/etc/gatehouse'])
      this.replace(path, this.path(path));
  }

  path(path: string): string {
    return join(this.root, path);
  }

  /**
   * From now on `text` stands for `other` in what is run, for what a reader puts in from their own
   * place.
   */
  replace(text: string, other: string): void {
    this.#replacements.push([text, other]);
  }

  get(name: string): string {
    return this.#environment[name] ?? '';
  }

  set(name: string, value: string): void {
    this.#environment[name] = value;
  }

  /**
   * Runs a block as bash does with `set -e`, in the checkout or in `directory`. With `until` the
   * block stays in the foreground: once its output matches, it gets Ctrl-C.
   */
  async run(
    text: string,
    { until, directory = '.' }: { readonly until?: RegExp; readonly directory?: string } = {},
  ): Promise<Ran> {
    const state = join(this.root, 'state');
    const script = this.#replacements.reduce(
      (script, [one, other]) => script.replaceAll(one, other),
      text,
    );
    writeFileSync(state, '', { flag: 'a' });
    const child = spawn(
      'bash',
      [
        '-c',
        `set -eo pipefail; set -a; . "${state}"; set +a; ${script}\ndeclare -p TOKEN GATEHOUSE_DATABASE_FILE 2>/dev/null > "${state}" || true`,
      ],
      {
        cwd: directory,
        env: this.#environment,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    );
    let output = '';
    let told = false;
    const hear = (piece: string) => {
      output += piece;
      if (until?.test(output) && !told) {
        told = true;
        process.kill(-(child.pid as number), 'SIGINT');
      }
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
    const status = await new Promise<number | null>((done) =>
      child.once('close', (code) => done(code)),
    );
    return { status: until !== undefined && told ? 0 : status, output };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
