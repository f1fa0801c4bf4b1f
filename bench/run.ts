// npm run bench: the hot operations of this server beside npm `oidc-provider` with its tokens in
// memory, in one run, interleaved. Operations for each second of processor time of the server.
// Bounded: about a minute. Ratios hold from day to day, absolute figures do not. npm run bench --
// --store sqlite|postgres|postgres+redis [--workers N]: the same operations of the program on each
// store (stores.ts). npm run bench -- --rows N --store …: what so many access tokens change
// (rows.ts).
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readStores } from './grounds.ts';
import { agent, IN_FLIGHT, ours, shared } from './operations.ts';
import type { Ready } from './ready.ts';

const cpuOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => {
    child.once('message', (message) => resolve((message as { cpu: number }).cpu));
    child.send('cpu');
  });

const SECONDS = Number(process.env.BENCH_SECONDS ?? '3');
const ROUNDS = 2;

/**
 * Runs `once` from 32 places at a time for a while; answers operations for each second of the
 * server's processor time, so that the load generator's own speed does not matter. A wrong answer
 * ends the run.
 */
async function rate(child: ChildProcess, once: () => Promise<void>): Promise<number> {
  const until = Date.now() + SECONDS * 1000;
  let done = 0;
  const before = await cpuOf(child);
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (Date.now() < until) {
        await once();
        done += 1;
      }
    }),
  );
  return done / (((await cpuOf(child)) - before) / 1e6);
}

const started: ChildProcess[] = [];
const boot = (file: string, data: string): Promise<Ready> =>
  new Promise((resolve, reject) => {
    const child = fork(new URL(file, import.meta.url), [data], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    started.push(child);
    child.once('message', (message) => resolve(message as Ready));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });

async function besideThePeer(): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  try {
    const [gatehouse, peer] = [
      await boot('./gatehouse.ts', data),
      await boot('./oidc-provider.ts', data),
    ];
    const [mine, theirs] = [{ ...shared(gatehouse), ...ours(gatehouse) }, shared(peer)];
    const best = (figures: readonly number[]) => Math.max(...figures);
    console.log(
      `${'operation'.padEnd(44)}${'gatehouse/s'.padStart(12)}${'peer/s'.padStart(10)}${'ratio'.padStart(8)}`,
    );
    for (const [name, once] of Object.entries(mine)) {
      const peerOnce = theirs[name];
      const figures: { own: number[]; peer: number[] } = { own: [], peer: [] };
      for (let round = 0; round < ROUNDS; round++) {
        figures.own.push(await rate(started[0] as ChildProcess, once));
        if (peerOnce) figures.peer.push(await rate(started[1] as ChildProcess, peerOnce));
      }
      const [own, other] = [
        best(figures.own),
        figures.peer.length > 0 ? best(figures.peer) : undefined,
      ];
      console.log(
        `${name.padEnd(44)}${own.toFixed(0).padStart(12)}${(other?.toFixed(0) ?? '–').padStart(10)}${(other ? (own / other).toFixed(2) : '–').padStart(8)}`,
      );
    }
  } finally {
    for (const child of started) child.kill();
    agent.destroy();
    rmSync(data, { recursive: true, force: true });
  }
}

const { values: asked } = parseArgs({
  options: {
    store: { type: 'string', multiple: true },
    workers: { type: 'string', multiple: true },
    rows: { type: 'string' },
  },
});
if (asked.rows !== undefined)
  await (await import('./rows.ts')).manyRows(readStores(asked.store), Number(asked.rows));
else if (asked.store !== undefined || asked.workers !== undefined)
  await (await import('./stores.ts')).onEachStore(
    readStores(asked.store),
    (asked.workers ?? ['1', '2']).map(Number),
  );
else await besideThePeer();
