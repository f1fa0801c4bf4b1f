import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const runs = (name: string) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
/**
 * The program to run as a server: GATEHOUSE_TEST_REDIS_SERVER names it (`valkey-server`, or a path)
 * where there are several.
 */
const program = [process.env.GATEHOUSE_TEST_REDIS_SERVER ?? 'redis-server', 'valkey-server'].find(
  runs,
);
if (process.env.GATEHOUSE_TEST_REDIS_SERVER && program !== process.env.GATEHOUSE_TEST_REDIS_SERVER)
  throw new Error('GATEHOUSE_TEST_REDIS_SERVER names no program that runs');

export const NO_REDIS =
  'Redis is not here: set GATEHOUSE_TEST_REDIS to redis://host (its numbered databases from 1 on are emptied), or install redis-server or valkey-server ' +
  '(or name another with GATEHOUSE_TEST_REDIS_SERVER)';

/** A port nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

/**
 * Members of a Cluster talk to each other on the port ten thousand above their own, which has to be
 * one as well.
 */
async function memberPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port + 10_000 < 65_536) return port;
  }
}

/** Says one command in the inline form and answers what comes back first. */
const ask = (port: number, command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = dial(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => {
      resolve(String(data));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });

/** Tries until it works, for half a minute at most. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + 30_000; ; ) {
    try {
      return await attempt();
    } catch (fault) {
      if (performance.now() > end) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** A server of its own on a free port, that can be stopped, hung and started again. */
export class RedisServer {
  readonly port: number;
  readonly home: string;
  readonly #settings: readonly string[];
  #child: ChildProcess | undefined;
  isStopped = false;

  private constructor(port: number, home: string, settings: readonly string[]) {
    this.port = port;
    this.home = home;
    this.#settings = settings;
  }

  static readonly here = program !== undefined;
  static readonly #started = new Set<RedisServer>();

  /** Takes away what a failed test left behind. */
  static async removeAll(): Promise<void> {
    for (const server of RedisServer.#started) await server.remove();
  }

  static async start(...settings: readonly string[]): Promise<RedisServer> {
    const port = await (settings.includes('--cluster-enabled') ? memberPort() : freePort());
    const server = new RedisServer(port, mkdtempSync(join(tmpdir(), 'gatehouse-redis-')), settings);
    RedisServer.#started.add(server);
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async run(): Promise<void> {
    const own = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--dir',
      this.home,
      '--save',
      '',
      ...this.#settings,
    ];
    const child = spawn(program as string, own, { stdio: 'ignore', cwd: this.home });
    this.#child = child;
    this.isStopped = false;
    await eventually(async () => {
      if (child.exitCode !== null) return;
      // With a password it answers -NOAUTH, which is an answer; while it loads, it does not count.
      if (!/^(?:\+PONG|-NOAUTH)/.test(await ask(this.port, 'PING'))) throw new Error('not yet');
    });
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
  }

  ask(command: string): Promise<string> {
    return ask(this.port, command);
  }

  get isRunning(): boolean {
    return (
      this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
    );
  }

  /** SIGSTOP: it hangs; SIGCONT: it goes on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.isStopped = signal === 'SIGSTOP';
    this.#child?.kill(signal);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Where the keys of a test file are kept, and how the server is let go of. */
export interface Redis {
  /** An empty database of the server; nobody else uses it meanwhile. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Takes the next numbered database of a server that many files share, and empties it. Numbers come
 * round again: a run has fewer files at once than a server has databases.
 */
async function nextDatabase(given: string): Promise<string> {
  const { createClient } = await import('@redis/client');
  const client = await createClient({ url: given }).connect();
  try {
    const { databases = '16' } = await client.configGet('databases');
    const number = ((await client.incr('gatehouse-tests')) % (Number(databases) - 1)) + 1;
    await client.select(number);
    await client.flushDb();
    const own = new URL(given);
    own.pathname = `/${number}`;
    return own.href;
  } finally {
    await client.close();
  }
}

/**
 * A real server: a database of the one of GATEHOUSE_TEST_REDIS, else one of our own. Where there is
 * none, the reason why the tests are left out; under GATEHOUSE_REQUIRE_ALL that is a failure.
 */
export async function findRedis(): Promise<Redis | string> {
  const given = process.env.GATEHOUSE_TEST_REDIS;
  if (given) return { url: await nextDatabase(given), close: async () => {} };
  if (!RedisServer.here) {
    if (process.env.GATEHOUSE_REQUIRE_ALL === '1') throw new Error(NO_REDIS);
    return NO_REDIS;
  }
  const server = await RedisServer.start();
  return { url: server.url, close: () => server.remove() };
}
