import cluster, { type Worker } from 'node:cluster';

/** How the primary process keeps its workers. */
export interface WorkerPool {
  /** Resolves when the first worker listens; rejects when none could, with its exit code. */
  readonly ready: Promise<void>;
  /** Asks every worker to stop, and waits for them. */
  stop(): Promise<void>;
}

const MAX_EARLY_EXITS = 5;
const EARLY_EXIT_MS = 5000;

/**
 * Starts this program `count` times on one port. The workers bind it themselves and the kernel
 * shares connections out (SO_REUSEPORT): what is on its way to a worker that dies is reset at once
 * and can be tried again, where a primary in between would hold it. A worker that dies is replaced;
 * when several die at once right after their start, something is wrong that another start will not
 * mend, and `failed` is called.
 */
export function startWorkers(count: number, failed: (code: number) => void): WorkerPool {
  let stopping = false;
  let earlyExits = 0;
  const began = new Map<number, number>();
  const live = new Set<Worker>();
  const firstReady = Promise.withResolvers<void>();

  function startWorker(): void {
    const worker = cluster.fork();
    live.add(worker);
    began.set(worker.id, performance.now());
    worker.once('message', () => firstReady.resolve());
    worker.once('exit', (code) => {
      live.delete(worker);
      if (stopping) return;
      const exitedEarly = performance.now() - (began.get(worker.id) ?? 0) < EARLY_EXIT_MS;
      began.delete(worker.id);
      earlyExits = exitedEarly ? earlyExits + 1 : 0;
      if (earlyExits < MAX_EARLY_EXITS) return startWorker();
      firstReady.reject(new Error('the workers do not start'));
      failed(code);
    });
  }
  for (let started = 0; started < count; started++) startWorker();

  return {
    ready: firstReady.promise,
    async stop() {
      stopping = true;
      const gone = [...live].map(
        (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
      );
      // To the process itself: `worker.kill` would wait for every connection first.
      for (const worker of live) worker.process.kill('SIGTERM');
      await Promise.all(gone);
    },
  };
}

/** How a worker binds its port. Where the kernel cannot share it, the primary does. */
export const sharedPortOptions = (): { readonly exclusive?: true; readonly reusePort?: true } =>
  cluster.isWorker && process.platform === 'linux' ? { exclusive: true, reusePort: true } : {};

/** Tells the primary that this worker serves. */
export const notifyReady = (): void => void process.send?.('serving');

/** True in a process that a primary started. */
export const isWorkerProcess = (): boolean => cluster.isWorker;

/** Lets go of the primary, so that a worker that is done ends by itself. */
export const disconnectFromPrimary = (): void => {
  if (cluster.isWorker && process.connected) process.disconnect?.();
};
