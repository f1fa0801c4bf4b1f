import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { startSharedServers } from './harness/shared-servers.ts';

// `npm run unit` (quick), `npm run test:all` (all): the test files by group. What only computes
// runs as wide as the machine; what starts databases, browsers and nodes, and waits for them, runs
// a few at a time, over one PostgreSQL and one Redis. The slowest files are named at the end.

const root = fileURLToPath(new URL('../', import.meta.url));
const cores = availableParallelism();

interface Group {
  readonly patterns: readonly string[];
  readonly atOnce: number;
  /**
   * `shared`: PostgreSQL and Redis run for the whole group. `sqlite`: no other store is looked for.
   */
  readonly stores: 'shared' | 'sqlite' | 'own';
}

const inFolders = (...folders: readonly string[]) =>
  folders.map((folder) => `test/${folder}/**/*.test.ts`);

const groups: Readonly<Record<string, Group>> = {
  quick: {
    patterns: [
      ...inFolders('map', 'unit', 'vectors', 'transcripts', 'properties'),
      'test/contract/{store,statements}.test.ts',
    ],
    atOnce: cores + 1,
    stores: 'sqlite',
  },
  attacks: { patterns: inFolders('security', 'field'), atOnce: cores + 1, stores: 'shared' },
  servers: {
    patterns: inFolders('contract', 'chaos', 'interop', 'pages', 'docs'),
    atOnce: Math.max(2, cores - 1),
    stores: 'shared',
  },
};

const requested = process.argv[2] ?? 'all';
if (requested !== 'all' && !(requested in groups))
  throw new Error(
    `no group of tests is called ${requested}; there are: all, ${Object.keys(groups).join(', ')}`,
  );

// Each file is a process of its own; the compiled modules are kept for the next.
process.env.NODE_COMPILE_CACHE ??= `${root}node_modules/.cache/compiled`;

const durations: { readonly file: string; readonly seconds: number }[] = [];

async function runFiles(files: readonly string[], atOnce: number): Promise<void> {
  const tests = run({ files, cwd: root, concurrency: atOnce, timeout: 15 * 60_000 });
  tests.on('test:summary', ({ file, duration_ms, success }) => {
    if (file !== undefined)
      durations.push({ file: file.slice(root.length), seconds: duration_ms / 1000 });
    else if (!success) process.exitCode = 1;
  });
  tests.on('test:fail', () => {
    process.exitCode = 1;
  });
  await new Promise<void>((done, failed) =>
    tests.compose(spec).on('error', failed).on('end', done).pipe(process.stdout, { end: false }),
  );
}

for (const [name, { patterns, atOnce, stores }] of Object.entries(groups)) {
  if (requested !== 'all' && requested !== name) continue;
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
  if (files.length === 0) throw new Error(`the group ${name} has no files`);
  const servers = stores === 'shared' ? await startSharedServers() : undefined;
  const environment =
    stores === 'sqlite' ? { GATEHOUSE_TEST_STORE: 'sqlite' } : servers?.environment;
  Object.assign(process.env, environment);
  try {
    await runFiles(files, atOnce);
  } finally {
    for (const variable of Object.keys(environment ?? {})) delete process.env[variable];
    await servers?.close();
  }
}

durations.sort((one, other) => other.seconds - one.seconds);
process.stdout.write('\nthe slowest files, in seconds:\n');
for (const { file, seconds } of durations.slice(0, 25))
  process.stdout.write(`${seconds.toFixed(1).padStart(7)} ${file}\n`);
