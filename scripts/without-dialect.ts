import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// `npm run test:without-dialect` (`--types`: without running tests): the dialect is one folder and
// one line. On a copy without them and without the dialect's own tests the types hold, and what
// only computes passes every other test.

const root = fileURLToPath(new URL('../', import.meta.url));
const LINE = /^export \{ mediawikiDialect \} from '#mediawiki\/dialect\.ts';\n/m;
const FOLDERS = ['src/mediawiki/', 'test/transcripts/mediawiki/', 'test/mediawiki/'];
/** Tests of the dialect beside other things, each with the reason why it is here as a whole. */
const MIXED_TESTS: Readonly<Record<string, string>> = {
  'test/field/dialect-forms.test.ts': 'forms at api.php; loads its error format',
  'test/security/no-text-holds-the-server.test.ts':
    'every reader at once, the dialect’s among them',
};
const TESTED = ['map', 'unit', 'vectors', 'transcripts'];

const copy = mkdtempSync(join(tmpdir(), 'gatehouse-without-dialect-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));

const listed = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  {
    cwd: root,
    encoding: 'utf8',
  },
);
for (const file of new Set(listed.split('\0'))) {
  if (file === '' || FOLDERS.some((folder) => file.startsWith(folder)) || file in MIXED_TESTS)
    continue;
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  cpSync(join(root, file), join(copy, file));
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

const dialects = join(copy, 'src/server/dialects.ts');
const text = readFileSync(dialects, 'utf8');
if (!LINE.test(text))
  throw new Error('src/server/dialects.ts has no line that takes the dialect in');
writeFileSync(dialects, text.replace(LINE, ''));

/** Runs a program of Node in the copy; ends this process with its code if it fails. */
function run(...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, args, {
    cwd: copy,
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled') },
  });
  if (status !== 0) process.exit(status ?? 1);
}

run('node_modules/typescript/bin/tsc', '--noEmit');
if (process.argv.includes('--types')) process.exit();
const tests = TESTED.flatMap((folder) =>
  globSync(`test/${folder}/**/*.test.ts`, { cwd: copy }),
).sort();
run('--test', `--test-concurrency=${availableParallelism() + 1}`, '--test-reporter=dot', ...tests);
