import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

// `npm run unit` (quick), `npm run test:servers`, `npm run test:all`: the test files by folder.
// What only computes runs as wide as the machine; what starts databases, browsers and nodes, and
// waits for them, runs a few at a time. The slowest files are named at the end.

const root = fileURLToPath(new URL('../', import.meta.url));
const folders = {
  quick: ['map', 'unit', 'vectors', 'transcripts', 'properties', 'field', 'security'],
  servers: ['contract', 'chaos', 'interop', 'pages', 'docs'],
} as const;
type Group = keyof typeof folders;
const cores = availableParallelism();
const atOnce: Record<Group, number> = { quick: cores + 1, servers: Math.max(2, cores - 1) };

const asked = process.argv[2] ?? 'all';
const groups = (Object.keys(folders) as Group[]).filter(
  (group) => asked === 'all' || asked === group,
);
if (groups.length === 0)
  throw new Error(
    `no group of tests is called ${asked}; there are: all, ${Object.keys(folders).join(', ')}`,
  );

// Each file is a process of its own; the compiled modules are kept for the next.
process.env.NODE_COMPILE_CACHE ??= `${root}node_modules/.cache/compiled`;

const took: { readonly file: string; readonly seconds: number }[] = [];
for (const group of groups) {
  const files = folders[group]
    .flatMap((folder) => globSync(`test/${folder}/**/*.test.ts`, { cwd: root }))
    .sort();
  if (files.length === 0) throw new Error(`the group ${group} has no files`);
  const tests = run({ files, cwd: root, concurrency: atOnce[group], timeout: 15 * 60_000 });
  tests.on('test:summary', ({ file, duration_ms, success }) => {
    if (file !== undefined)
      took.push({ file: file.slice(root.length), seconds: duration_ms / 1000 });
    else if (!success) process.exitCode = 1;
  });
  tests.on('test:fail', () => {
    process.exitCode = 1;
  });
  await new Promise<void>((done, failed) =>
    tests.compose(spec).on('error', failed).on('end', done).pipe(process.stdout, { end: false }),
  );
}
took.sort((one, other) => other.seconds - one.seconds);
process.stdout.write('\nthe slowest files, in seconds:\n');
for (const { file, seconds } of took.slice(0, 25))
  process.stdout.write(`${seconds.toFixed(1).padStart(7)} ${file}\n`);
