import type { Config } from '#config/config.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import type { Log } from '#platform/log.ts';
import type { Server } from './compose.ts';
import { makePartitionMaintenance } from './partition-maintenance.ts';
import { purgeExpiredRows } from './reaper.ts';

/** That a store does not answer is reported by whoever needs its answer. */
export function ignoreUnavailable(fault: unknown): void {
  if (!isUnavailable(fault)) throw fault;
}

/** What is done again and again, `everyMs` milliseconds apart. */
interface Job {
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<unknown>;
}

/**
 * Runs each job again and again, one run of it at a time. Answers how to stop: no new run, and an
 * end to those under way.
 */
function scheduleJobs(log: Log, jobs: readonly Job[]): () => Promise<void> {
  const running = new Map<Job, Promise<void>>();
  let stopped = false;
  const timers = jobs.map((job) => {
    const timer = setInterval(() => {
      if (running.has(job)) return;
      const run = job
        .run()
        .catch((fault: Error) => {
          // The store may be gone by then; whoever serves next does the job again.
          if (!stopped) log.error(`${job.name} failed`, { message: fault.message });
        })
        .then(() => void running.delete(job));
      running.set(job, run);
    }, job.everyMs);
    return timer.unref();
  });
  return async () => {
    stopped = true;
    for (const timer of timers) clearInterval(timer);
    // What still runs is bounded by itself; nobody waits long for it, and nothing is lost by
    // leaving it.
    await Promise.race([
      Promise.all(running.values()),
      new Promise((resolve) => setTimeout(resolve, 3000).unref()),
    ]);
  };
}

/** Starts what a server does beside answering requests. Answers how to stop it. */
export const startJobs = (config: Config, server: Server): (() => Promise<void>) =>
  scheduleJobs(server.services.log, [...storeJobs(config, server), ...keyAndUsageJobs(server)]);

/**
 * Runs a job while this node's clock agrees with the store's, and leaves it to others otherwise.
 */
const whileClockAgrees =
  ({ clockMonitor }: Server, job: () => Promise<unknown>) =>
  async (): Promise<void> =>
    void (clockMonitor.status().state === 'synchronized' && (await job()));

const storeJobs = (config: Config, server: Server): readonly Job[] => {
  const { services, store, clockMonitor, delivery } = server;
  return [
    {
      name: 'clock check',
      everyMs: 2_000,
      run: () => clockMonitor.check().catch(ignoreUnavailable),
    },
    // What is over for all is judged by a clock that agrees with the store's, and by none that is
    // known to be wrong (ADR 14).
    {
      name: 'purge',
      everyMs: 60_000,
      run: () => purgeExpiredRows(store, clockMonitor, config.refreshGraceSeconds),
    },
    {
      name: 'partition maintenance',
      everyMs: 60_000,
      run: whileClockAgrees(server, makePartitionMaintenance(store, services.clock, services.log)),
    },
    {
      name: 'expiry of idle proposals',
      everyMs: 60_000,
      run: whileClockAgrees(server, () => services.registry.expireIdle()),
    },
    {
      name: 'notification delivery',
      everyMs: 5_000,
      run: whileClockAgrees(server, () => delivery.run()),
    },
  ];
};

const keyAndUsageJobs = (server: Server): readonly Job[] => [
  // A key that was withdrawn after a leak must not be believed for longer than a second: two small
  // looks at the disk.
  { name: 'key reload', everyMs: 500, run: async () => server.keyMaintenance.reloadChangedKeys() },
  {
    name: 'signing key rotation',
    everyMs: 60_000,
    run: whileClockAgrees(server, () => server.keyMaintenance.rotateSigningKeysIfDue()),
  },
  { name: 're-encryption', everyMs: 2_000, run: () => server.keyMaintenance.reencryptBatch() },
  { name: 'usage', everyMs: 10_000, run: () => server.flushUsage() },
  // A developer looks for a refused request as soon as it was refused, perhaps at another worker.
  { name: 'refused requests', everyMs: 1_000, run: () => server.flushFailures() },
];
