import type { FastifyInstance } from 'fastify';
import type { ExitCode, Io } from '#cli/command.ts';
import type { Config } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { buildHttp } from '#http/server.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { partitionWatch } from '#operations/partition.ts';
import type { Log } from '#platform/log.ts';
import { lacksPkceExemption } from '#registry/actions/pkce-exemption.ts';
import { isWorker, leave, runWorkers, sharedPort, tellServing } from './cluster.ts';
import { type Built, makeWorld, realOutside } from './compose.ts';
import { purgeDue } from './reaper.ts';
import { warningText } from './setting-warnings.ts';

/** A server that listens; `stop` answers what is on its way, then closes. */
export interface Running {
  readonly app: FastifyInstance;
  readonly address: string;
  stop(): Promise<void>;
}

/** How long letters and notices under way are waited for at the end. */
const PATIENCE_MS = 8000;

/** A store that does not answer is told of by whoever needs its answer. */
function unlessUnavailable(fault: unknown): void {
  if (!isUnavailable(fault)) throw fault;
}

interface Job {
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<unknown>;
}

/**
 * Runs each job again and again, one run of it at a time. Answers how to stop: no new run, and an
 * end to those under way.
 */
function repeat(log: Log, jobs: readonly Job[]): () => Promise<void> {
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

const MOST_NAMED = 50;

/**
 * After an upgrade, once: which apps could leave PKCE out at the dialect, and no longer can (ADR
 * 20).
 */
export async function tellOfPkce(
  { mediawiki }: Pick<Config, 'mediawiki'>,
  { world }: Pick<Built, 'world'>,
): Promise<void> {
  if (!mediawiki || !(await world.records.takePkceNotice())) return;
  const apps = (await world.records.listClients({ protocol: 'oauth2' })).filter(lacksPkceExemption);
  if (apps.length === 0) return;
  world.log.warn('apps have to use PKCE at the MediaWiki addresses now, too', {
    apps: apps.length,
    client_ids: apps.slice(0, MOST_NAMED).map(({ id }) => id),
    remedy:
      'see "gatehouse client list --without-pkce-exemption"; exempt one by "gatehouse client pkce CLIENT_ID --rule optional"',
  });
}

/** Listens. The first start without any account prints a one-time set-up link through `say`. */
export async function start(
  config: Config,
  built: Built,
  say: (line: string) => void,
): Promise<Running> {
  const { world, store, delivery } = built;
  await built.settle();
  const { clocks } = built;
  await clocks.look();
  const agreed = (job: () => Promise<unknown>) => async () =>
    void (clocks.standing().state === 'agrees' && (await job()));
  const app = buildHttp(world);
  const address = await app.listen({ port: config.port, host: config.host, ...sharedPort() });
  const stopJobs = repeat(world.log, [
    {
      name: 'look at the clocks',
      everyMs: 2_000,
      run: () => clocks.look().catch(unlessUnavailable),
    },
    // What is over for all is judged by a clock that agrees with the store's, and by none that is
    // known to be wrong (ADR 14).
    { name: 'purge', everyMs: 60_000, run: () => purgeDue(store, clocks, config.refreshGraceFor) },
    {
      name: 'partitions',
      everyMs: 60_000,
      run: agreed(partitionWatch(store, world.clock, world.log)),
    },
    {
      name: 'expiry of idle proposals',
      everyMs: 60_000,
      run: agreed(() => world.registry.expireIdle()),
    },
    { name: 'delivery of notices', everyMs: 5_000, run: agreed(() => delivery.run()) },
    // A key that was withdrawn after a leak must not be believed for longer than a second: two
    // small looks at the disk.
    { name: 'watch of the keys', everyMs: 500, run: async () => built.keys.look() },
    {
      name: 'renewal of the signing keys',
      everyMs: 60_000,
      run: agreed(() => built.keys.renewSigning()),
    },
    { name: 'sealing again', everyMs: 2_000, run: () => built.keys.reseal() },
    { name: 'usage', everyMs: 10_000, run: () => built.flushUsage() },
    // A developer looks for a refused request as soon as it was refused, perhaps at another worker.
    { name: 'refused requests', everyMs: 1_000, run: () => built.flushFailures() },
  ]);
  await tellOfPkce(config, built).catch(unlessUnavailable);
  if (isWorker()) tellServing();
  else await welcome(config, built, address, say);
  return {
    app,
    address,
    async stop() {
      await app.close();
      const patience = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
      await Promise.all([delivery.stop(PATIENCE_MS), lettersOut(built, patience)]);
      await stopJobs();
      await built.flushUsage();
      await store.close();
    },
  };
}

/**
 * Waits for letters that are under way. Their links are short-lived and kept nowhere, so what does
 * not leave in time is only told, by number.
 */
export async function lettersOut(
  { world }: Pick<Built, 'world'>,
  patience: Promise<void>,
): Promise<void> {
  await Promise.race([world.accounts.lettersSettled(), patience]);
  const letters = world.accounts.lettersWaiting();
  if (letters > 0)
    world.log.warn('letters not sent', {
      letters,
      problem: 'the server stopped before the mail server took them',
    });
}

/**
 * Says where people go; while there is no account, a link that makes the first one. It goes to
 * standard output alone, never to the log: it ends after an hour, with the first account, or with
 * the next link.
 */
async function welcome(
  config: Config,
  { world }: Built,
  address: string,
  say: (line: string) => void,
): Promise<void> {
  for (const warning of world.warnings())
    world.log.warn(warningText(warning), { about: warning.about });
  say(`Gatehouse listens on ${address}, and is known as ${config.issuer}.`);
  const link = await world.accounts.issueSetupLink();
  if (!link.ok) return say(`Sign in at ${config.issuer}/sign-in`);
  say(
    `There are no accounts yet. Open this link once, within an hour, to create the first administrator:\n\n  ${link.value}\n\n"gatehouse setup-link" makes another.\n`,
  );
}

/** Serves from several processes: this one looks after them. */
async function serveFromWorkers(config: Config, io: Io): Promise<ExitCode> {
  // Schema, keys and the apps of the configuration are made sure of once, before anybody serves.
  const built = makeWorld(config, realOutside(config));
  await built.settle();
  const stop = Promise.withResolvers<ExitCode>();
  const workers = runWorkers(config.workers, () => stop.resolve(1));
  await workers.ready.catch(() =>
    io.err('gatehouse: the workers do not start; the lines above say why.\n'),
  );
  await welcome(config, built, `http://${config.host}:${config.port}`, (line) =>
    io.out(`${line}\n`),
  );
  await built.store.close();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.resolve(0));
  const code = await stop.promise;
  io.out('Stopping.\n');
  await workers.stop();
  return code;
}

/** `gatehouse serve`: runs until it is told to stop. */
export async function serve(config: Config, io: Io): Promise<ExitCode> {
  if (config.workers > 1 && !isWorker()) return serveFromWorkers(config, io);
  let running: Running;
  try {
    running = await start(config, makeWorld(config, realOutside(config)), (line) =>
      io.out(`${line}\n`),
    );
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new StartupError(
        `port ${config.port} on ${config.host} is in use: stop the other program, or choose another with --port.`,
      );
    if (code === 'EACCES')
      throw new StartupError(`${message}: choose another --port or --data, or allow it.`);
    throw fault;
  }
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  if (!isWorker()) io.out('Stopping.\n');
  await running.stop();
  leave();
  return 0;
}
