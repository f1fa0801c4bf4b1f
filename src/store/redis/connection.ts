import { setTimeout as pause } from 'node:timers/promises';
import { Unavailable } from '#kernel/unavailable.ts';
import { type Connection, connectCluster, connectServer } from './clients.ts';
import type { LuaScript } from './lua.ts';

/**
 * What is asked of Redis. Each call is one command, and rejects with Unavailable when its answer
 * did not come.
 */
export interface RedisConnection {
  sendCommand(name: string, key: string, ...rest: readonly string[]): Promise<unknown>;
  runScript(
    script: LuaScript,
    keys: readonly [string, ...string[]],
    ...values: readonly (string | number)[]
  ): Promise<unknown>;
  /** Waits for the answers under way, no longer than the time a command has. */
  close(): Promise<void>;
}

/**
 * Error replies that say the command itself is wrong: a fault of ours. Any other one is a state of
 * the server (LOADING, READONLY, OOM, NOAUTH …).
 */
const commandFault = /^(?:ERR|WRONGTYPE|CROSSSLOT)\b/;

/**
 * What is said of a failure: the kind of it, such as ECONNREFUSED or WRONGPASS. The library's text
 * may name an address.
 */
const faultKind = (fault: unknown): string | undefined => {
  const { code, message } = (fault ?? {}) as NodeJS.ErrnoException;
  return code ?? /^[A-Z]{4,16}\b/.exec(message ?? '')?.[0];
};

/** One command that is under way: its time, and how to give it up. */
interface Deadline {
  readonly signal: AbortSignal;
  /** Rejects when the time is over. */
  readonly passed: Promise<never>;
  clear(): void;
}

function startDeadline(timeoutMs: number, onPassed: () => void): Deadline {
  const stop = new AbortController();
  const { promise: passed, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    stop.abort();
    onPassed();
    reject(new Unavailable(`Redis gave no answer in ${timeoutMs} ms`));
  }, timeoutMs);
  return { signal: stop.signal, passed, clear: () => clearTimeout(timer) };
}

/** Sends commands over a connection that it replaces when nothing comes back on it. */
class RenewingConnection implements RedisConnection {
  readonly #urls: readonly string[];
  readonly #timeoutMs: number;
  #current: Promise<Connection> | undefined;
  #closed = false;
  #renewedAt = 0;

  constructor(urls: readonly string[], timeoutMs: number) {
    this.#urls = urls;
    this.#timeoutMs = timeoutMs;
  }

  sendCommand(name: string, key: string, ...rest: readonly string[]): Promise<unknown> {
    return this.#send(key, [name, key, ...rest]);
  }

  async runScript(
    { text, sha }: LuaScript,
    keys: readonly [string, ...string[]],
    ...values: readonly (string | number)[]
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...values.map(String)];
    try {
      return await this.#send(keys[0], ['EVALSHA', sha, ...rest]);
    } catch (fault) {
      // A server that restarted has forgotten it. Nothing ran.
      const { cause } = fault as Error;
      if (!(cause instanceof Error && /^NOSCRIPT\b/.test(cause.message))) throw fault;
      return this.#send(keys[0], ['EVAL', text, ...rest]);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = await this.#current;
    if (connection === undefined) return;
    await Promise.race([
      connection.close().catch(() => {}),
      pause(this.#timeoutMs, undefined, { ref: false }),
    ]);
    connection.destroy();
  }

  async #connect(): Promise<Connection> {
    const library = await import('@redis/client');
    return this.#urls.length > 1
      ? connectCluster(library, this.#urls, this.#timeoutMs)
      : connectServer(library, this.#urls[0] as string, this.#timeoutMs);
  }

  /** The connection that a command goes over; the first command makes it. */
  #use(): Promise<Connection> {
    if (this.#closed) throw new Unavailable('the connection to Redis is closed');
    if (this.#current === undefined) {
      this.#renewedAt = performance.now();
      this.#current = this.#connect();
    }
    return this.#current;
  }

  /**
   * A connection on which nothing comes back may be dead without anybody having said so: the next
   * command gets another.
   */
  #replace(hung: Promise<Connection>): void {
    const timeoutMs = this.#timeoutMs;
    const renewedLately = performance.now() - this.#renewedAt < timeoutMs * 3;
    if (hung !== this.#current || this.#closed || renewedLately) return;
    this.#renewedAt = performance.now();
    this.#current = this.#connect();
    // What others still wait for on the old one has its time.
    void Promise.all([hung, pause(timeoutMs, undefined, { ref: false })]).then(
      ([connection]) => connection.destroy(),
      () => {},
    );
  }

  async #send(key: string, command: readonly string[]): Promise<unknown> {
    const used = this.#use();
    const deadline = startDeadline(this.#timeoutMs, () => this.#replace(used));
    const answer = used.then(async (connection) => {
      await connection.firstAttempt;
      // Whoever asked has been told that it failed: nothing is begun after that.
      deadline.signal.throwIfAborted();
      return connection.send(key, command, deadline.signal);
    });
    try {
      return await Promise.race([answer, deadline.passed]);
    } catch (fault) {
      // The server we are with is no longer the one that is written to: its name may lead to
      // another by now.
      if (/^READONLY\b/.test((fault as Error).message)) this.#replace(used);
      if (fault instanceof Unavailable || commandFault.test((fault as Error).message)) throw fault;
      const lastProblem = await used.then((connection) => connection.lastProblem()).catch(() => {});
      const why = faultKind(fault) ?? faultKind(lastProblem) ?? 'no connection';
      throw new Unavailable(`Redis is not available: ${why}`, 1, { cause: fault });
    } finally {
      deadline.clear();
    }
  }
}

/**
 * Opens the way to one server (one URL) or to a Cluster (several of its nodes). Connects at the
 * first command, and again by itself. A command that has no answer after `timeoutMs` is given up,
 * and the connection it hung on is replaced.
 */
export const openRedisConnection = (urls: readonly string[], timeoutMs: number): RedisConnection =>
  new RenewingConnection(urls, timeoutMs);
