import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Unavailable } from '#kernel/unavailable.ts';

/** A Lua script with the digest Redis keeps it under. */
export interface LuaScript {
  readonly text: string;
  readonly sha: string;
}

/**
 * Prepares a script. Every key it touches is handed in, and all of them share a hash tag, so that
 * it runs in a Cluster too.
 */
export const defineScript = (text: string): LuaScript => ({
  text,
  sha: createHash('sha1').update(text).digest('hex'),
});

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

/** One client of the library, of either kind. */
interface Connection {
  /**
   * Settled when the first attempt to connect ended, well or not. From then on a command without a
   * server fails at once.
   */
  readonly firstAttempt: Promise<unknown>;
  /** What went wrong last with the connection itself. */
  lastProblem(): unknown;
  send(key: string, command: readonly string[], stop: AbortSignal): Promise<unknown>;
  close(): Promise<unknown>;
  destroy(): void;
}

type Library = typeof import('@redis/client');

/** Commands that may wait at once: a server that hangs costs a bounded amount of memory. */
const MAX_QUEUED_COMMANDS = 10_000;
const retryDelayMs = (attempt: number) => Math.min(25 * 2 ** attempt, 1000);
/**
 * A server may hang after it took the connection; then nothing comes for this many command times,
 * although a ping is sent for each five.
 */
const SILENCE_FACTOR = 15;

/**
 * Sent again by nobody: what was written when a connection broke is rejected, for it may have been
 * done.
 */
function clientOptions(timeoutMs: number) {
  return {
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_QUEUED_COMMANDS,
    maintNotifications: 'disabled' as const,
    disableClientInfo: true,
    pingInterval: timeoutMs * 5,
    socket: {
      connectTimeout: timeoutMs,
      socketTimeout: timeoutMs * SILENCE_FACTOR,
      reconnectStrategy: retryDelayMs,
    },
  };
}

function connectServer(library: Library, url: string, timeoutMs: number): Connection {
  const client = library.createClient({ url, ...clientOptions(timeoutMs) });
  let problem: unknown;
  const tried = new Promise<void>((resolve) => {
    client.once('ready', () => resolve());
    client.on('error', (fault) => {
      problem = fault;
      resolve();
    });
  });
  client.connect().catch(() => {});
  return {
    firstAttempt: tried,
    lastProblem: () => problem,
    send: (_key, command, abortSignal) => client.sendCommand([...command], { abortSignal }),
    close: async () => client.close(),
    destroy: () => client.destroy(),
  };
}

function connectCluster(library: Library, urls: readonly string[], timeoutMs: number): Connection {
  const { username, password, protocol } = new URL(urls[0] as string);
  const { socket, ...rest } = clientOptions(timeoutMs);
  const cluster = library.createCluster({
    rootNodes: urls.map((url) => ({ url })),
    // Each node is connected to when it is needed: one that is down does not keep the others from
    // being used.
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: timeoutMs,
    defaults: {
      ...rest,
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
      socket: { ...socket, ...(protocol === 'rediss:' ? { tls: true as const } : {}) },
    },
  });
  let closed = false;
  let problem: unknown;
  for (const event of ['error', 'node-error'] as const)
    cluster.on(event, (fault) => {
      problem = fault;
    });
  async function connect(attempt: number): Promise<void> {
    try {
      await cluster.connect();
    } catch {
      void pause(retryDelayMs(attempt), undefined, { ref: false }).then(() =>
        closed ? undefined : connect(attempt + 1),
      );
    }
  }
  return {
    firstAttempt: connect(0),
    lastProblem: () => problem,
    send: (key, command, abortSignal) =>
      cluster.sendCommand(key, false, [...command], { abortSignal }),
    close: async () => {
      closed = true;
      await cluster.close();
    },
    destroy: () => {
      closed = true;
      cluster.destroy();
    },
  };
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

/**
 * Opens the way to one server (one URL) or to a Cluster (several of its nodes). Connects at the
 * first command, and again by itself. A command that has no answer after `timeoutMs` is given up,
 * and the connection it hung on is replaced.
 */
export function openRedisConnection(urls: readonly string[], timeoutMs: number): RedisConnection {
  let current: Promise<Connection> | undefined;
  let closed = false;
  let renewedAt = 0;

  const connect = async () => {
    const library = await import('@redis/client');
    return urls.length > 1
      ? connectCluster(library, urls, timeoutMs)
      : connectServer(library, urls[0] as string, timeoutMs);
  };

  /**
   * A connection on which nothing comes back may be dead without anybody having said so: the next
   * command gets another.
   */
  function replaceConnection(hung: Promise<Connection>): void {
    if (hung !== current || closed || performance.now() - renewedAt < timeoutMs * 3) return;
    renewedAt = performance.now();
    current = connect();
    // What others still wait for on the old one has its time.
    void Promise.all([hung, pause(timeoutMs, undefined, { ref: false })]).then(
      ([connection]) => connection.destroy(),
      () => {},
    );
  }

  async function send(key: string, command: readonly string[]): Promise<unknown> {
    if (closed) throw new Unavailable('the connection to Redis is closed');
    if (current === undefined) renewedAt = performance.now();
    current ??= connect();
    const used = current;
    const stop = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        stop.abort();
        replaceConnection(used);
        reject(new Unavailable(`Redis gave no answer in ${timeoutMs} ms`));
      }, timeoutMs);
    });
    const answer = used.then(async (connection) => {
      await connection.firstAttempt;
      // Whoever asked has been told that it failed: nothing is begun after that.
      stop.signal.throwIfAborted();
      return connection.send(key, command, stop.signal);
    });
    try {
      return await Promise.race([answer, timeout]);
    } catch (fault) {
      // The server we are with is no longer the one that is written to: its name may lead to
      // another by now.
      if (/^READONLY\b/.test((fault as Error).message)) replaceConnection(used);
      if (fault instanceof Unavailable || commandFault.test((fault as Error).message)) throw fault;
      const why =
        faultKind(fault) ??
        faultKind(
          await used.then(({ lastProblem: problem }) => problem()).catch(() => undefined),
        ) ??
        'no connection';
      throw new Unavailable(`Redis is not available: ${why}`, 1, { cause: fault });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    sendCommand: (name, key, ...rest) => send(key, [name, key, ...rest]),
    async runScript({ text, sha }, keys, ...values) {
      const rest = [String(keys.length), ...keys, ...values.map(String)];
      try {
        return await send(keys[0], ['EVALSHA', sha, ...rest]);
      } catch (fault) {
        // A server that restarted has forgotten it. Nothing ran.
        if (
          !(
            (fault as Error).cause instanceof Error &&
            /^NOSCRIPT\b/.test(((fault as Error).cause as Error).message)
          )
        )
          throw fault;
        return send(keys[0], ['EVAL', text, ...rest]);
      }
    },
    async close() {
      closed = true;
      const connection = await current;
      if (connection === undefined) return;
      await Promise.race([
        connection.close().catch(() => {}),
        pause(timeoutMs, undefined, { ref: false }),
      ]);
      connection.destroy();
    },
  };
}
