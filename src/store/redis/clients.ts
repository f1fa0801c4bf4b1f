import { setTimeout as pause } from 'node:timers/promises';

/** One client of the library, of either kind. */
export interface Connection {
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

export function connectServer(library: Library, url: string, timeoutMs: number): Connection {
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

export function connectCluster(
  library: Library,
  urls: readonly string[],
  timeoutMs: number,
): Connection {
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
