import type { FastifyInstance } from 'fastify';
import type { Config } from '#config/config.ts';
import { StartupError } from '#config/startup-error.ts';
import { lacksPkceExemption } from '#registry/actions/pkce-exemption.ts';
import {
  disconnectFromPrimary,
  isWorkerProcess,
  notifyReady,
  sharedPortOptions,
  startWorkers,
} from './cluster.ts';
import { composeServer, type Server } from './compose.ts';
import { composeHttpServer } from './http-server.ts';
import { ignoreUnavailable, startJobs } from './jobs.ts';
import { createPlatform } from './platform.ts';
import { formatWarning } from './setting-warnings.ts';

/** Where a running server writes: what people read, and what went wrong. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** A server that listens; `stop` answers what is on its way, then closes. */
export interface RunningServer {
  readonly app: FastifyInstance;
  readonly address: string;
  stop(): Promise<void>;
}

/** How long deliveries under way are waited for at the end. */
const SHUTDOWN_TIMEOUT_MS = 8000;

const MOST_NAMED = 50;

/**
 * After an upgrade, once: which apps could leave PKCE out at the dialect, and no longer can (ADR
 * 20).
 */
export async function warnAboutRequiredPkce(
  { mediawiki }: Pick<Config, 'mediawiki'>,
  { services }: Pick<Server, 'services'>,
): Promise<void> {
  if (!mediawiki || !(await services.records.consumePkceNotice())) return;
  const apps = (await services.records.listClients({ protocol: 'oauth2' })).filter(
    lacksPkceExemption,
  );
  if (apps.length === 0) return;
  services.log.warn('apps have to use PKCE at the addresses of the dialect now, too', {
    apps: apps.length,
    client_ids: apps.slice(0, MOST_NAMED).map(({ id }) => id),
    remedy:
      'see "gatehouse client list --without-pkce-exemption"; exempt one by "gatehouse client pkce CLIENT_ID --rule optional"',
  });
}

/** Listens. The first start without any account prints a one-time set-up link through `say`. */
export async function startServer(
  config: Config,
  server: Server,
  print: (line: string) => void,
): Promise<RunningServer> {
  const { services, store, delivery } = server;
  await server.prepare();
  const { clockMonitor } = server;
  await clockMonitor.check();
  const app = composeHttpServer(services);
  const address = await app.listen({
    port: config.port,
    host: config.host,
    ...sharedPortOptions(),
  });
  const stopJobs = startJobs(config, server);
  await warnAboutRequiredPkce(config, server).catch(ignoreUnavailable);
  if (isWorkerProcess()) notifyReady();
  else await printWelcome(config, server, address, print);
  return {
    app,
    address,
    async stop() {
      await app.close();
      const timeout = new Promise<void>((resolve) =>
        setTimeout(resolve, SHUTDOWN_TIMEOUT_MS).unref(),
      );
      // What is not delivered by then stays in the outbox; who was asked about is found out first.
      await delivery.stop(SHUTDOWN_TIMEOUT_MS);
      await Promise.race([services.accounts.whenEmailsSent(), timeout]);
      await stopJobs();
      await server.flushUsage();
      await store.close();
    },
  };
}

/**
 * Says where people go; while there is no account, a link that makes the first one. It goes to
 * standard output alone, never to the log: it ends after an hour, with the first account, or with
 * the next link.
 */
async function printWelcome(
  config: Config,
  { services }: Server,
  address: string,
  print: (line: string) => void,
): Promise<void> {
  for (const warning of services.setupWarnings())
    services.log.warn(formatWarning(warning), { about: warning.about });
  print(`Gatehouse listens on ${address}, and is known as ${config.issuer}.`);
  const link = await services.accounts.issueSetupLink();
  if (!link.ok) return print(`Sign in at ${config.issuer}/sign-in`);
  print(
    `There are no accounts yet. Open this link once, within an hour, to create the first administrator:\n\n  ${link.value}\n\n"gatehouse setup-link" makes another.\n`,
  );
}

/** Serves from several processes: this one looks after them. */
async function serveFromWorkers(config: Config, output: Output): Promise<0 | 1> {
  // Schema, keys and the apps of the configuration are made sure of once, before anybody serves.
  const server = composeServer(config, await createPlatform(config, (line) => output.err(line)));
  await server.prepare();
  const stop = Promise.withResolvers<0 | 1>();
  const workers = startWorkers(config.workers, () => stop.resolve(1));
  await workers.ready.catch(() =>
    output.err('gatehouse: the workers do not start; the lines above say why.\n'),
  );
  await printWelcome(config, server, `http://${config.host}:${config.port}`, (line) =>
    output.out(`${line}\n`),
  );
  await server.store.close();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.resolve(0));
  const code = await stop.promise;
  output.out('Stopping.\n');
  await workers.stop();
  return code;
}

/** `gatehouse serve`: runs until it is told to stop. */
export async function serve(config: Config, output: Output): Promise<0 | 1> {
  if (config.workers > 1 && !isWorkerProcess()) return serveFromWorkers(config, output);
  let running: RunningServer;
  try {
    running = await startServer(
      config,
      composeServer(config, await createPlatform(config, (line) => output.err(line))),
      (line) => output.out(`${line}\n`),
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
  if (!isWorkerProcess()) output.out('Stopping.\n');
  await running.stop();
  disconnectFromPrimary();
  return 0;
}
