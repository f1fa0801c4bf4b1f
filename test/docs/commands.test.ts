import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { PostgresServer } from '#harness/postgres.ts';
import { freePort, Server } from '../interop/server.ts';
import { type ShellBlock, shellBlocks } from './blocks.ts';
import { DocumentShell } from './shell.ts';

const required = process.env.GATEHOUSE_REQUIRE_ALL === '1';

/** How one block is run. */
interface Row {
  /** The block begins with these words. */
  readonly begins: string;
  /** It stays in the foreground: Ctrl-C once this is printed. */
  readonly until?: RegExp;
  /** What it must print, `until` aside. */
  readonly prints?: RegExp;
  /** The last command refuses, for this reason, in a place that was made a moment ago. */
  readonly refuses?: RegExp;
  /** What the reader did between the blocks. */
  readonly before?: (shell: DocumentShell) => void;
  /** Runs elsewhere than in the checkout. */
  readonly directory?: (shell: DocumentShell) => string;
}

/** A page: what must be there before its commands are typed, and its blocks in order. */
interface Page {
  readonly name: string;
  /** Why the page cannot be run on this machine; where everything is required that is a failure. */
  readonly missing?: string | undefined;
  prepare(shell: DocumentShell): Promise<() => Promise<void>> | Promise<void>;
  readonly rows: readonly Row[];
}

const debianPostgres = existsSync('/usr/lib/postgresql')
  ? readdirSync('/usr/lib/postgresql')
      .map((version) => `/usr/lib/postgresql/${version}/bin`)
      .findLast((bin) => existsSync(join(bin, 'pg_dump')) && existsSync(join(bin, 'initdb')))
  : undefined;
const noPostgres =
  debianPostgres === undefined
    ? 'pg_dump and a PostgreSQL server of the same version are not here'
    : undefined;

/**
 * Makes a data directory as the first start does, with an account Ada who develops and reviews
 * apps.
 */
async function started(shell: DocumentShell): Promise<Server> {
  const server = await Server.start({ data: shell.path('/var/lib/gatehouse') });
  server.person('Ada', '--group', 'developer', '--group', 'reviewer', '--group', 'administrator');
  shell.set('GATEHOUSE_ISSUER', server.issuer);
  shell.replace('http://localhost:4400', server.issuer);
  return server;
}

/** A PostgreSQL of its own, whose programs come first in PATH. */
async function withPostgres(shell: DocumentShell): Promise<() => Promise<void>> {
  const server = await PostgresServer.start(debianPostgres);
  assert.ok(server !== undefined);
  const url = new URL(server.urlOf('postgres'));
  for (const [name, value] of [
    ['PATH', `${shell.path('bin')}:${debianPostgres}:${process.env.PATH}`],
    ['PGHOST', url.hostname],
    ['PGPORT', url.port],
    ['PGUSER', url.username],
    ['PGPASSWORD', url.password],
    ['GATEHOUSE_DATABASE', url.href],
    ['POSTGRES_URL', url.href],
  ] as const)
    shell.set(name, value);
  return () => server.remove();
}

const pages: readonly Page[] = [
  {
    name: 'README.md',
    async prepare(shell) {
      shell.set('GATEHOUSE_PORT', String(await freePort()));
    },
    rows: [
      {
        begins: 'npm ci',
        until: /setup\?token=/,
        // A copy of what git knows, so that the checkout's own modules are left alone.
        directory(shell) {
          const copy = shell.path('work/checkout');
          const made = spawnSync('sh', [
            '-c',
            `mkdir -p "${copy}" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar -c | tar -x -C "${copy}"`,
          ]);
          assert.equal(made.status, 0, String(made.stderr));
          return copy;
        },
      },
      {
        begins: 'npm pack',
        until: /Sign in at|setup\?token=/,
        directory: (shell) => shell.path('work/checkout'),
      },
      { begins: 'npm run demo', until: /Ctrl-C ends the demo/ },
      { begins: "echo 'a long pass phrase'", prints: /"client_secret"/ },
      { begins: `echo "curl 'http://localhost`, prints: /What the server signs over/ },
    ],
  },
  {
    name: 'docs/api.md',
    async prepare(shell) {
      const server = await started(shell);
      return () => server.stop();
    },
    rows: [
      {
        begins: 'TOKEN=$(npx gatehouse client create',
        prints: /"name":"Ada"[\s\S]*"stage":"proposed"/,
      },
      {
        begins: 'curl -H "Authorization: Bearer $TOKEN" -H \'Accept: application/jsonl\'',
        prints: /"action":"propose"/,
      },
    ],
  },
  {
    name: 'docs/cli.md',
    async prepare() {},
    rows: [
      {
        begins: 'GATEHOUSE_EXPLAIN_CLIENT_SECRET=secret gatehouse explain',
        prints: /Another host was signed: http:\/\/127\.0\.0\.1:4400/,
      },
    ],
  },
  {
    name: 'docs/operations/backup.md',
    missing: noPostgres,
    async prepare(shell) {
      const server = await started(shell);
      const close = await withPostgres(shell);
      shell.set('GATEHOUSE_DATABASE', ''); // the first half of the page is about SQLite
      shell.set('GATEHOUSE_PORT', String(await freePort()));
      shell.replace('gatehouse-2026-11-21', `gatehouse-${new Date().toISOString().slice(0, 10)}`);
      return async () => {
        await server.stop();
        await close();
      };
    },
    rows: [
      { begins: 'gatehouse backup', prints: /gatehouse-/ },
      { begins: 'gatehouse restore', until: /Sign in at/ },
      { begins: '(umask 077', prints: /gatehouse\.sealed/ },
      {
        begins: 'pg_dump',
        before: (shell) => shell.set('GATEHOUSE_DATABASE', shell.get('POSTGRES_URL')),
      },
      { begins: 'createdb', before: (shell) => shell.set('GATEHOUSE_DATABASE', ''), prints: /m1/ },
    ],
  },
  {
    name: 'docs/operations/keys.md',
    async prepare(shell) {
      const server = await started(shell);
      return () => server.stop();
    },
    rows: [
      { begins: 'gatehouse keys rotate  ', refuses: /can be retired from/ },
      { begins: 'gatehouse keys rotate --signing', prints: /sign from now on/ },
    ],
  },
  {
    name: 'docs/operations/scaling.md',
    missing: noPostgres,
    async prepare(shell) {
      const close = await withPostgres(shell);
      shell.set('GATEHOUSE_PORT', String(await freePort()));
      return close;
    },
    rows: [
      { begins: 'export GATEHOUSE_DATABASE_FILE', until: /setup\?token=|Sign in at/ },
      { begins: 'gatehouse partition', prints: /./ },
      { begins: 'pg_dump --table=audit_past' },
    ],
  },
];

const blocks = shellBlocks();
const blocksOf = (name: string): readonly ShellBlock[] =>
  blocks.filter(({ page }) => page === name);

describe('the commands of README and docs', () => {
  test('every page with commands is run, and every row is about a block', () => {
    assert.deepEqual(
      [...new Set(blocks.map(({ page }) => page))].toSorted(),
      pages.map(({ name }) => name).toSorted(),
    );
    for (const { name, rows } of pages) {
      const found = blocksOf(name);
      assert.equal(
        found.length,
        rows.length,
        `${name}: ${found.map(({ line }) => line).join(', ')}`,
      );
      for (const [index, { begins }] of rows.entries())
        assert.ok(
          found[index]?.text.startsWith(begins),
          `${name}:${found[index]?.line} begins ${found[index]?.text.slice(0, 60)}`,
        );
    }
  });

  for (const page of pages) {
    describe(page.name, {
      skip: page.missing !== undefined && !required ? page.missing : false,
    }, () => {
      const shell = new DocumentShell();
      let close: (() => Promise<void>) | void;
      after(async () => {
        await close?.();
        shell.remove();
      });
      test('what its reader has', async () => {
        assert.equal(page.missing, undefined);
        close = await page.prepare(shell);
      });
      for (const [index, row] of page.rows.entries()) {
        const block = blocksOf(page.name)[index];
        // The registry of packages is asked here; a machine without a network runs the rest.
        const skip =
          ['npm ci', 'npm pack'].includes(row.begins) && !required
            ? `${row.begins} is run where everything is required`
            : false;
        test(`${row.begins.slice(0, 50)} (line ${block?.line})`, { skip }, async () => {
          row.before?.(shell);
          // Pages for operators are read where Gatehouse is installed, not in a checkout: what
          // their commands write stays out of it.
          const place = page.name.startsWith('docs/operations/') ? shell.path('work') : '.';
          const options = {
            ...(row.until ? { until: row.until } : {}),
            directory: row.directory?.(shell) ?? place,
          };
          const { status, output } = await shell.run(block?.text ?? '', options);
          assert.equal(status, row.refuses === undefined ? 0 : 1, output);
          for (const wanted of [row.until, row.prints, row.refuses])
            if (wanted) assert.match(output, wanted);
        });
      }
    });
  }
});
