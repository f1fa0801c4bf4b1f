// npm run growth: what a day of 10,000 active people adds to each table, measured. A hundredth of
// them is let live through a day over HTTP, on SQLite in a file; the bytes of each table with its
// indexes are SQLite's own count (dbstat). Prints a table in Markdown.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Account } from '#accounts/account.ts';
import { signedHeader } from '#harness/signed.ts';
import { TestServer } from '#harness/world.ts';
import { seconds } from '#kernel/time.ts';
import { makeSecretBox } from '#keys/secret-box.ts';

const PEOPLE = 10_000;
const LIVED = 100;
const REFRESHES = 12;
const SIGNED = 20;

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-growth-'));
const path = join(folder, 'gatehouse.db');
const world = new TestServer({}, '', { database: path });
const { store } = world.server;
const ada = await world.createPerson('Ada');
const { client, secret } = await world.createClient(ada, { name: 'Reader', pkceOptional: true });
const classic = await world.createClient(ada, {
  name: 'Classic',
  protocol: 'oauth1',
  grantTypes: [],
  redirectIsPrefix: true,
});

const sealer = makeSecretBox([{ id: 'm1', key: Buffer.alloc(32, 7) }], {
  bytes: (count) => new Uint8Array(count),
});

/** Bytes and rows of each table, its indexes included. */
function sizes(): ReadonlyMap<string, { readonly bytes: number; readonly rows: number }> {
  const db = new DatabaseSync(path, { readOnly: true });
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .all() as { name: string }[];
  const found = new Map(
    tables.map(({ name }) => {
      const { bytes } = db
        .prepare(
          'SELECT coalesce(sum(payload), 0) AS bytes FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?)',
        )
        .get(name) as { bytes: number };
      const { rows } = db.prepare(`SELECT count(*) AS rows FROM "${name}"`).get() as {
        rows: number;
      };
      return [name, { bytes, rows }];
    }),
  );
  db.close();
  return found;
}

const form = async (url: string, fields: Record<string, string>) => {
  const answer = await world.app.inject({
    method: 'POST',
    url,
    headers: {
      authorization: `Basic ${Buffer.from(`${client.id}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: new URLSearchParams(fields).toString(),
  });
  if (answer.statusCode !== 200) throw new Error(answer.body);
  return answer.json() as Record<string, string>;
};

/**
 * One person's day: a session, a consent once in a while, one sign-in to an app with a refresh each
 * hour of use, some signed calls of a tool.
 */
async function live(index: number): Promise<void> {
  const person = people[index];
  if (person === undefined) throw new Error('nobody');
  await world.sessionCookie(person);
  const code = await world.issueCode({ client }, person);
  let bought = await form('/oauth2/token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirectUri,
  });
  for (let turn = 0; turn < REFRESHES; turn++) {
    await world.app.inject({
      url: '/api/v1/me',
      headers: { authorization: `Bearer ${bought.access_token}` },
    });
    bought = await form('/oauth2/token', {
      grant_type: 'refresh_token',
      refresh_token: bought.refresh_token as string,
    });
  }
  const consent = await world.consents.accept(classic.client, person, ['editpage']);
  const pair = await store.findTokenCredentialsByConsent(consent.id);
  if (pair === undefined) throw new Error('no token credentials');
  const token = { key: pair.token, secret: sealer.decrypt(pair.encryptedSecret, 'token secret') };
  for (let turn = 0; turn < SIGNED; turn++) {
    const headers = signedHeader(
      world,
      'GET',
      '/api/v1/me',
      { key: classic.client.id, secret: classic.secret },
      token,
    );
    const answer = await world.app.inject({ url: '/api/v1/me', headers });
    if (answer.statusCode !== 200) throw new Error(answer.body);
  }
}

const people: Account[] = [];
for (let index = 0; index < LIVED; index++)
  people.push(await world.createPerson(`Person ${index}`));
const before = sizes();
for (let index = 0; index < LIVED; index++) await live(index);
await world.server.flushUsage();
const full = sizes();
world.advanceClock(120);
while ((await store.purgeExpired(world.now, 2000, { answersTtlSeconds: seconds(60) })) >= 2000);
const after = sizes();

const perDay = (name: string, where: typeof full) =>
  (((where.get(name)?.bytes ?? 0) - (before.get(name)?.bytes ?? 0)) * PEOPLE) / LIVED;
const size = (bytes: number) =>
  bytes >= 1_048_576 ? `${(bytes / 1_048_576).toFixed(1)} MiB` : `${Math.round(bytes / 1024)} KiB`;
console.log(
  '| table | rows a day | bytes a day, as written | two minutes later |\n|---|---|---|---|',
);
for (const [name, { rows }] of full) {
  const added = ((rows - (before.get(name)?.rows ?? 0)) * PEOPLE) / LIVED;
  if (added > 0)
    console.log(
      `| \`${name}\` | ${added.toLocaleString('en')} | ${size(perDay(name, full))} | ${size(perDay(name, after))} |`,
    );
}
await world.close();
rmSync(folder, { recursive: true, force: true });
