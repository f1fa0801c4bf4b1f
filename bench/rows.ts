// What many rows change: two databases of the same kind side by side, one of them with so many
// access tokens more, asked in turns. What else the machine does falls on both alike. The tokens
// that are asked about lie anywhere among the others, in time and on the disk.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import {
  basicAuthorization,
  createTestData,
  openNode,
  type SharedInstallation,
  type TestData,
} from '#harness/inhabitants.ts';
import { instant } from '#kernel/time.ts';
import type { Server } from '#server/compose.ts';
import { composeHttpServer } from '#server/http-server.ts';
import { Node } from '../test/chaos/nodes.ts';
import { Grounds, quantile, type StoreName } from './grounds.ts';
import { agent, expect, send } from './operations.ts';

const BATCHES = 50;
/** Tokens in each part of the time that are asked about. */
const KNOWN = 160;
const DAY_MS = 86_400_000;
/**
 * Tokens last for thirty days; the rows are of the coming twenty, for a key signs nothing before it
 * was made.
 */
const SPREAD_MS = 20 * DAY_MS;
const LASTS = 'P30D';
const SLICE_MS = Number(process.env.BENCH_SECONDS ?? '0.5') * 1000;
const SLICES = 12;
const PLACES = 2;

/**
 * Writes rows to the table as it is, without the program, whose time between two instants is spread
 * evenly.
 */
interface Filler {
  fill(clientId: string, rows: number, fromMs: number, untilMs: number): Promise<void>;
  settle(): Promise<void>;
}

function fillerOf(home: SharedInstallation): Filler {
  const { GATEHOUSE_DATABASE: url } = home.environment;
  if (url === undefined) {
    const path = join(home.data, 'gatehouse.db');
    const insert = `
      WITH RECURSIVE row (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM row WHERE number + 1 < :rows)
      INSERT INTO access_tokens (id, client_id, user_id, consent_id, family_id, scopes, grant_type, issued_at, expires_at, revoked)
      SELECT printf('%012x', :from + number * :step) || lower(hex(randomblob(34))), :client, NULL, NULL, NULL, '[]', 'client_credentials',
        (:from + number * :step) / 1000, (:from + number * :step) / 1000 + 2592000, 0 FROM row`;
    return {
      async fill(client, rows, from, until) {
        const db = new DatabaseSync(path);
        db.exec('PRAGMA synchronous = OFF; PRAGMA busy_timeout = 60000;');
        db.prepare(insert).run({ client, rows, from, step: Math.floor((until - from) / rows) });
        db.close();
      },
      async settle() {
        const db = new DatabaseSync(path);
        db.exec('PRAGMA busy_timeout = 60000; PRAGMA wal_checkpoint(TRUNCATE);');
        db.close();
      },
    };
  }
  const asked = async (text: string, values: readonly unknown[] = []) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('SET synchronous_commit = off');
    await client.query(text, [...values]);
    await client.end();
  };
  const insert = `
    INSERT INTO access_tokens (id, client_id, user_id, consent_id, family_id, scopes, grant_type, issued_at, expires_at, revoked)
    SELECT lpad(to_hex(at), 12, '0') || md5(random()::text) || md5(random()::text) || left(md5(random()::text), 4), $1, NULL, NULL, NULL, '[]',
      'client_credentials', at / 1000, at / 1000 + 2592000, 0
    FROM (SELECT $2::bigint + number * $3::bigint AS at FROM generate_series(0, $4::bigint - 1) AS number) AS rows`;
  return {
    fill: (client, rows, from, until) =>
      asked(insert, [client, from, Math.floor((until - from) / rows), rows]),
    settle: () => asked('VACUUM (ANALYZE) access_tokens'),
  };
}

interface Side {
  readonly node: Node;
  readonly own: Server;
  readonly there: TestData;
  /** Tokens to look up, and others to revoke, once each. */
  readonly known: readonly string[];
  readonly revocable: string[];
}

/** One database, with so many rows. */
async function side(home: SharedInstallation, rows: number): Promise<Side> {
  let shift = 0;
  const own = await openNode(home, () => Date.now() + shift);
  const there = await createTestData(own);
  const app = composeHttpServer(own.services);
  const filler = fillerOf(home);
  const tokens: string[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const [from, until] = [(batch * SPREAD_MS) / BATCHES, ((batch + 1) * SPREAD_MS) / BATCHES];
    const began = Date.now();
    if (rows > 0)
      await filler.fill(
        there.oauth2App.key,
        Math.ceil(rows / BATCHES),
        began + from,
        began + until,
      );
    for (let count = 0; count < KNOWN; count++) {
      shift = from + Math.random() * (until - from);
      const answer = await app.inject({
        ...{ method: 'POST', url: '/oauth2/token', payload: 'grant_type=client_credentials' },
        headers: {
          ...basicAuthorization(there.oauth2App),
          'content-type': 'application/x-www-form-urlencoded',
        },
      });
      tokens.push(answer.json().access_token as string);
    }
    shift = 0;
  }
  await filler.settle();
  const node = await Node.start(home);
  return {
    ...{ node, own, there },
    known: tokens.filter((_, index) => index % 2 === 0),
    revocable: tokens.filter((_, index) => index % 2 === 1).sort(() => Math.random() - 0.5),
  };
}

const pick = (things: readonly string[]) => things[Math.floor(Math.random() * things.length)] ?? '';

/** Each answers false when there is nothing left to do it with. */
const operations: Readonly<Record<string, (side: Side) => Promise<boolean>>> = {
  'token issue': async (asked) =>
    expect(await post(asked, '/oauth2/token', 'grant_type=client_credentials'), 200).status === 200,
  introspection: async (asked) => {
    const { text } = expect(
      await post(asked, '/oauth2/introspect', `token=${pick(asked.known)}`),
      200,
    );
    if (!text.includes('"active":true')) throw new Error(text);
    return true;
  },
  revocation: async (asked) => {
    const token = asked.revocable.pop();
    return (
      token !== undefined &&
      expect(await post(asked, '/oauth2/revoke', `token=${token}`), 200).status === 200
    );
  },
};

const post = ({ node, there }: Side, path: string, form: string) =>
  send(
    node.port,
    'POST',
    path,
    { ...basicAuthorization(there.oauth2App), 'content-type': 'application/x-www-form-urlencoded' },
    form,
  );

async function slice(
  asked: Side,
  once: (side: Side) => Promise<boolean>,
): Promise<readonly number[]> {
  const took: number[] = [];
  const until = performance.now() + SLICE_MS;
  await Promise.all(
    Array.from({ length: PLACES }, async () => {
      for (let now = performance.now(); now < until; ) {
        if (!(await once(asked))) return;
        const then = performance.now();
        took.push(then - now);
        now = then;
      }
    }),
  );
  return took;
}

/**
 * Prints p50 and p99 of each operation with few rows and with many, and their ratio; and how long
 * the reaper takes when nothing is due.
 */
export async function manyRows(names: readonly StoreName[], rows: number): Promise<void> {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new Error('--rows wants a whole number, such as 1000000');
  const grounds = new Grounds();
  const sides: Side[] = [];
  try {
    for (const name of names) {
      const settings = { GATEHOUSE_ACCESS_TOKEN_TTL: LASTS };
      const few = await side(await grounds.home(name, settings), 0);
      sides.push(few);
      const began = performance.now();
      const many = await side(await grounds.home(name, settings), rows);
      sides.push(many);
      console.log(
        `\n${name}: ${rows} rows more, written in ${((performance.now() - began) / 1000).toFixed(0)} s`,
      );
      console.log(
        `${''.padEnd(26)}${'p50 few'.padStart(10)}${'p50 many'.padStart(10)}${'ratio'.padStart(7)}${'p99 few'.padStart(10)}${'p99 many'.padStart(10)}`,
      );
      const line = (
        what: string,
        [one, other]: readonly [readonly number[], readonly number[]],
      ) => {
        const [before, after] = [quantile(one, 0.5), quantile(other, 0.5)];
        const figures = [
          before.toFixed(2).padStart(10),
          after.toFixed(2).padStart(10),
          (after / before).toFixed(2).padStart(7),
        ];
        const late = [one, other].map((took) => quantile(took, 0.99).toFixed(2).padStart(10));
        console.log(`${what.padEnd(26)}${figures.join('')}${late.join('')}`);
      };
      for (const [what, once] of Object.entries(operations)) {
        const took: [number[], number[]] = [[], []];
        // The first turn warms both up.
        for (let turn = 0; turn <= SLICES; turn++)
          for (const [index, asked] of [few, many].entries()) {
            const each = await slice(asked, once);
            if (turn > 0) took[index]?.push(...each);
          }
        line(what, took);
      }
      const reaped: [number[], number[]] = [[], []];
      for (let turn = 0; turn < 5; turn++)
        for (const [index, { own }] of [few, many].entries()) {
          const start = performance.now();
          await own.store.purgeExpired(instant(Date.now() / 1000), 2000);
          reaped[index]?.push(performance.now() - start);
        }
      line('reaper, nothing is due', reaped);
      for (const { node, own } of [few, many]) {
        await node.end('SIGTERM');
        await own.store.close();
      }
    }
  } finally {
    for (const { node } of sides) await node.end('SIGKILL');
    agent.destroy();
    await grounds.remove();
  }
}
