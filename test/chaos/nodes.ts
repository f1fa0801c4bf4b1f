import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SharedInstallation } from '#harness/inhabitants.ts';
import { findPostgres, type Postgres } from '#harness/postgres.ts';
import { freePort, NO_REDIS, RedisServer } from '#harness/redis.ts';
import { RedisCluster } from '#harness/redis-cluster.ts';
import { instant, seconds } from '#kernel/time.ts';
import { openRedis } from '#store/redis/open.ts';

const main = new URL('../../src/main.ts', import.meta.url).pathname;

/** Looks again and again until it is so. Says what it waited for when it gives up. */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  mostMs = 30_000,
): Promise<void> {
  const end = performance.now() + mostMs;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What a node answered; `null` when the connection broke before it did. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One process of the real program. */
export class Node {
  readonly home: SharedInstallation;
  readonly port: number;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  /** What it wrote to standard error. */
  said = '';

  private constructor(home: SharedInstallation, port: number, flags: readonly string[]) {
    this.home = home;
    this.port = port;
    this.#flags = flags;
  }

  static async start(home: SharedInstallation, ...flags: readonly string[]): Promise<Node> {
    const node = new Node(home, await freePort(), flags);
    await node.run();
    return node;
  }

  /** A node that need not become ready. */
  static async begin(home: SharedInstallation, ...flags: readonly string[]): Promise<Node> {
    const node = new Node(home, await freePort(), flags);
    node.#spawn();
    return node;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async run(): Promise<void> {
    const child = this.#spawn();
    await until('the node is ready', async () => {
      if (child.exitCode !== null)
        throw new Error(`the node ended before it was ready: ${this.said}`);
      return (await this.ask('GET', '/readyz'))?.status === 200;
    });
  }

  #spawn(): ChildProcess {
    const { data, issuer, environment } = this.home;
    const settings = ['--port', String(this.port), '--data', data, '--issuer', issuer];
    const child = spawn(process.execPath, [main, 'serve', ...settings, ...this.#flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#child = child;
    child.stderr?.on('data', (text) => {
      this.said += text;
    });
    return child;
  }

  /** One request; null when the connection broke. */
  async ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<Answer | null> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, {
        method,
        headers,
        redirect: 'manual',
        ...(body === undefined ? {} : { body }),
      });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    } catch {
      return null;
    }
  }

  /** A form, as clients send it. */
  post(
    path: string,
    headers: Readonly<Record<string, string>>,
    form: Readonly<Record<string, string>>,
  ): Promise<Answer | null> {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.ask('POST', path, { ...headers, ...type }, new URLSearchParams(form).toString());
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}

/** What the nodes of a test share, and how it is taken away again. */
export interface Ground {
  readonly home: SharedInstallation;
  readonly postgres: Postgres | undefined;
  readonly redis: RedisServer | undefined;
  remove(): Promise<void>;
}

function directory(): { readonly data: string; readonly issuer: string; drop(): void } {
  const data = mkdtempSync(join(tmpdir(), 'gatehouse-chaos-'));
  return {
    data,
    issuer: 'http://gate.localhost',
    drop: () => rmSync(data, { recursive: true, force: true }),
  };
}

/** One SQLite file. */
export async function onSqlite(): Promise<Ground> {
  const { drop, ...home } = directory();
  return {
    home: { ...home, environment: {} },
    postgres: undefined,
    redis: undefined,
    remove: async () => drop(),
  };
}

/**
 * Opens the book of nonces. In the second in which that happens none of them is believed to be new
 * (ADR 9).
 */
async function begun(urls: readonly string[]): Promise<void> {
  const now = () => instant(Math.floor(Date.now() / 1000));
  const store = openRedis(urls, {
    clock: { now, millis: () => Date.now() },
    nonceTtlSeconds: seconds(301),
    // A machine that is busy with other tests answers late.
    timeoutMs: 20_000,
  });
  await store.ping();
  await store.close();
  const second = now();
  await until('the next second', () => now() > second);
}

/**
 * A PostgreSQL database and a Redis of its own; a text says which of them is missing. With
 * GATEHOUSE_REQUIRE_ALL=1 that is thrown. `own`: the PostgreSQL server is to be stopped.
 */
export const onServers = ({ own = false } = {}): Promise<Ground | string> =>
  grounded(own, async () => {
    const redis = await RedisServer.start('--appendonly', 'yes');
    return { redis, urls: [redis.url], end: () => redis.remove() };
  });

/** The same with a Cluster of three masters, each with a replica. */
export const onCluster = () =>
  grounded(false, async () => {
    const cluster = await RedisCluster.start(3, 1);
    return { redis: undefined, cluster, urls: cluster.urls, end: () => cluster.remove() };
  });

async function grounded<R extends Pick<Ground, 'redis'>>(
  own: boolean,
  start: () => Promise<R & { readonly urls: readonly string[]; end(): Promise<void> }>,
): Promise<(Ground & R) | string> {
  if (!RedisServer.here) {
    if (process.env.GATEHOUSE_REQUIRE_ALL === '1') throw new Error(NO_REDIS);
    return NO_REDIS;
  }
  const postgres = await findPostgres({ own });
  if (typeof postgres === 'string') return postgres;
  const started = await start();
  await begun(started.urls);
  const { drop, ...home } = directory();
  const environment = {
    GATEHOUSE_DATABASE: await postgres.database(),
    GATEHOUSE_EPHEMERAL: started.urls.join(','),
  };
  return {
    ...started,
    home: { ...home, environment },
    postgres,
    async remove() {
      await started.end();
      await postgres.close();
      drop();
    },
  };
}
