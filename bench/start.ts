// `npm run bench:start [RUNS]`: what a start costs. Starts the built server (`npm run build` first)
// and the one from source on an empty data directory that is there already, asks until the first
// answer, and prints the median of processor time (user and system) and of the time to that answer.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../', import.meta.url).pathname;
const runs = Number(process.argv[2] ?? 7);
/** Ticks of the kernel's clock in a second, as /proc counts them. */
const TICKS_PER_SECOND = 100;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

/** Processor time of a process until now, in milliseconds; null where there is no /proc. */
function processorTime(pid: number): number | null {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return null;
  const fields = readFileSync(path, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/readyz' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });

interface Start {
  readonly millis: number;
  readonly cpuMillis: number | null;
}

/** One start, from the process's beginning to its first answer. */
async function start(program: string, data: string): Promise<Start> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [program, 'serve', '--port', String(port), '--data', data, '--log-level', 'error'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${program} ended before it answered`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const result = {
    millis: performance.now() - began,
    cpuMillis: processorTime(child.pid as number),
  };
  child.kill('SIGTERM');
  await ended;
  return result;
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;

const programs = { installed: join(root, 'dist/main.js'), source: join(root, 'src/main.ts') };
for (const [name, program] of Object.entries(programs)) {
  if (!existsSync(program)) {
    console.log(`${name}: ${program} is missing: run "npm run build" first`);
    continue;
  }
  const data = mkdtempSync(join(tmpdir(), 'gatehouse-start-'));
  try {
    // The first makes keys, schema and compile cache.
    await start(program, data);
    const starts: Start[] = [];
    for (let run = 0; run < runs; run++) starts.push(await start(program, data));
    const cpu = starts.flatMap(({ cpuMillis }) => cpuMillis ?? []);
    console.log(
      `${name.padEnd(10)} ${median(cpu).toFixed(0)} ms processor time, ${median(starts.map(({ millis }) => millis)).toFixed(0)} ms to the first answer (median of ${runs})`,
    );
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}
