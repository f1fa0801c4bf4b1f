import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
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
  'Redis is not here: set GATEHOUSE_TEST_REDIS to redis://host/number (that database is emptied), or install redis-server or valkey-server ' +
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

/**
 * Stands between a client and a server; connections it has can be made to carry nothing, without
 * being closed, or be cut.
 */
export class Wire {
  readonly #sockets = new Set<Socket>();
  #port = 0;
  readonly #server;
  /** Where new connections lead. Those there are stay, as they do when a name leads elsewhere. */
  target: number;

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((near) => {
      const far = dial(this.target, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => this.#sockets.delete(one));
      }
    });
  }

  static async to(target: number): Promise<Wire> {
    const wire = new Wire(target);
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    wire.#port = (wire.#server.address() as AddressInfo).port;
    return wire;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** What is sent on the connections there are is taken and goes nowhere; new ones work. */
  freeze(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.resume();
    }
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
