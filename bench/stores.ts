// The hot operations of the real program on each store, with one and several workers, in one run,
// interleaved: what else the machine does falls on all of them alike, so that the ratios hold where
// the figures do not.
import {
  codeScope,
  createTestData,
  openNode,
  redirectUri,
  type SharedInstallation,
} from '#harness/inhabitants.ts';
import { Node } from '../test/chaos/nodes.ts';
import { cpuOf, Grounds, othersThan, quantile, type StoreName } from './grounds.ts';
import { agent, IN_FLIGHT, type Operations, ours, shared } from './operations.ts';
import type { Ready } from './ready.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? '2');
const ROUNDS = 2;

interface Runner {
  readonly name: string;
  readonly node: Node;
  readonly operations: Operations;
}

/** What one round of one operation came to. */
interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Operations for each second of processor time of the nodes, and of the servers behind them. */
  readonly perNodeCpu: number;
  readonly perServerCpu: number;
}

/** Runs `once` from 32 places at a time for a while. A wrong answer ends the run. */
async function round(
  { node }: Runner,
  once: () => Promise<void>,
  nodes: readonly number[],
): Promise<Figures> {
  const servers = othersThan(nodes);
  const [nodeCpu, serverCpu] = [cpuOf([node.pid]), cpuOf(servers)];
  const began = performance.now();
  const until = began + SECONDS * 1000;
  const took: number[] = [];
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (let now = performance.now(); now < until; ) {
        await once();
        const then = performance.now();
        took.push(then - now);
        now = then;
      }
    }),
  );
  return {
    perSecond: took.length / ((performance.now() - began) / 1000),
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    perNodeCpu: took.length / (cpuOf([node.pid]) - nodeCpu),
    perServerCpu: took.length / (cpuOf(servers) - serverCpu),
  };
}

async function readyAt(home: SharedInstallation, node: Node): Promise<Ready> {
  const own = await openNode(home);
  const {
    oauth2App: web,
    oauth1App: classic,
    ownerOnlyApp: signer,
    cookie,
  } = await createTestData(own);
  await own.store.close();
  return {
    ...{
      port: node.port,
      clientId: web.key,
      clientSecret: web.secret,
      redirectUri,
      codeScope,
      apiScope: null,
      resource: null,
      cookie,
    },
    ...{ codes: [], opaque: [] },
    paths: {
      token: '/oauth2/token',
      introspect: '/oauth2/introspect',
      authorize: '/oauth2/authorize',
    },
    oauth1: {
      ...classic,
      origin: home.issuer,
      api: {
        path: '/api/v1/me',
        ...signer.client,
        token: signer.token.key,
        tokenSecret: signer.token.secret,
      },
    },
  };
}

/**
 * Prints operations for each second, latencies as the load generator sees them, and each as a ratio
 * to the first line.
 */
export async function onEachStore(
  names: readonly StoreName[],
  workers: readonly number[],
): Promise<void> {
  const grounds = new Grounds();
  const runners: Runner[] = [];
  try {
    for (const name of names) {
      for (const count of workers) {
        const home = await grounds.home(name);
        const node = await Node.start(home, '--workers', String(count));
        const ready = await readyAt(home, node);
        runners.push({
          name: `${name}, ${count} worker${count === 1 ? '' : 's'}`,
          node,
          operations: { ...shared(ready), ...ours(ready) },
        });
      }
    }
    const nodes = runners.map(({ node }) => node.pid);
    for (const operation of Object.keys(runners[0]?.operations ?? {})) {
      const figures = runners.map((): Figures[] => []);
      for (let turn = 0; turn < ROUNDS; turn++)
        for (const [index, runner] of runners.entries()) {
          const once = runner.operations[operation];
          if (once) figures[index]?.push(await round(runner, once, nodes));
        }
      console.log(
        `\n${operation.padEnd(42)}${'/s'.padStart(8)}${'ratio'.padStart(7)}${'p50 ms'.padStart(8)}${'p99 ms'.padStart(8)}${'per node CPU s'.padStart(16)}${'per server CPU s'.padStart(18)}`,
      );
      const best = figures.map(
        (each) => each.toSorted((one, other) => other.perSecond - one.perSecond)[0] as Figures,
      );
      for (const [index, { name }] of runners.entries()) {
        const { perSecond, p50, p99, perNodeCpu, perServerCpu } = best[index] as Figures;
        const ratio = perSecond / (best[0] as Figures).perSecond;
        console.log(
          `${name.padEnd(42)}${perSecond.toFixed(0).padStart(8)}${ratio.toFixed(2).padStart(7)}${p50.toFixed(1).padStart(8)}${p99.toFixed(1).padStart(8)}${perNodeCpu.toFixed(0).padStart(16)}${(name.startsWith('sqlite') ? '–' : perServerCpu.toFixed(0)).padStart(18)}`,
        );
      }
    }
  } finally {
    for (const { node } of runners) await node.end('SIGTERM');
    agent.destroy();
    await grounds.remove();
  }
}
