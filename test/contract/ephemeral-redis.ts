import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const binary = (what: string): string | undefined =>
  [`redis-${what}`, `valkey-${what}`].find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);

export const NO_REDIS =
  'Redis is not here: set GATEHOUSE_TEST_REDIS to redis://host/number (that database is emptied), or install redis-server or valkey-server';

/** A port nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

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

/** Tries until it works; the test's own time limit is the end of it. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
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

  private constructor(port: number, home: string, settings: readonly string[]) {
    this.port = port;
    this.home = home;
    this.#settings = settings;
  }

  static readonly here = binary('server') !== undefined;
  static readonly #started = new Set<RedisServer>();

  /** Takes away what a failed test left behind. */
  static async removeAll(): Promise<void> {
    for (const server of RedisServer.#started) await server.remove();
  }

  static async start(...settings: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'gatehouse-redis-')), settings);
    RedisServer.#started.add(server);
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async run(): Promise<void> {
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.home, '--save', '', ...this.#settings];
    const child = spawn(binary('server') as string, own, { stdio: 'ignore', cwd: this.home });
    this.#child = child;
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`redis ended with ${child.exitCode}`);
      // With a password it answers -NOAUTH, which is an answer; while it loads, it does not count.
      if (!/^(?:\+PONG|-NOAUTH)/.test(await ask(this.port, 'PING'))) throw new Error('not yet');
    });
  }

  ask(command: string): Promise<string> {
    return ask(this.port, command);
  }

  /** SIGSTOP: it hangs; SIGCONT: it goes on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Three servers that share the slots. */
export async function startCluster(): Promise<readonly RedisServer[]> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'];
  const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start(...settings)));
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const made = spawnSync(binary('cli') as string, ['--cluster', 'create', ...addresses, '--cluster-yes'], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`${made.stdout}\n${made.stderr}`);
  await eventually(async () => {
    for (const server of servers)
      if (!(await server.ask('CLUSTER INFO')).includes('cluster_state:ok')) throw new Error('the cluster is not settled');
  });
  return servers;
}

/** Stands between a client and a server; connections it has can be made to carry nothing, without being closed, or be cut. */
export class Wire {
  readonly #sockets = new Set<Socket>();
  #port = 0;
  readonly #server;

  private constructor(target: number) {
    this.#server = createServer((near) => {
      const far = dial(target, '127.0.0.1');
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
