import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import OAuth1a from 'oauth-1.0a';
import { readTar, writeTar } from '#operations/archive.ts';
import { basicHeader } from '../harness/world.ts';
import { Server } from './server.ts';

describe('backup', () => {
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-backup-'));
  const file = join(root, 'gatehouse.backup');
  let server: Server;
  let machine: { client_id: string; client_secret: string };
  let bot: {
    client_id: string;
    client_secret: string;
    access_token: string;
    access_token_secret: string;
  };

  before(async () => {
    server = await Server.start();
    server.person('Ada');
    machine = server.client(
      '--name',
      'machine',
      '--protocol',
      'oauth2',
      '--redirect-uri',
      'http://127.0.0.1:9/cb',
      '--grant-type',
      'client_credentials',
    );
    bot = server.client('--name', 'bot', '--protocol', 'owner-only', '--oauth-version', '1');
  });
  after(async () => {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const command = (
    ...args: readonly string[]
  ): Promise<{ readonly status: number | null; readonly said: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (piece) => {
          said += piece;
        });
      child.once('exit', (status) => resolve({ status, said }));
    });

  const post = async (at: Server, path: string, form: Record<string, string>) => {
    const headers = { authorization: basicHeader(machine.client_id, machine.client_secret) };
    const answer = await fetch(at.url + path, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
    });
    return (await answer.json()) as Record<string, unknown>;
  };

  async function signedBy(at: Server): Promise<string | undefined> {
    const oauth = new OAuth1a({
      consumer: { key: bot.client_id, secret: bot.client_secret },
      signature_method: 'HMAC-SHA1',
      hash_function: (text: string, key: string) =>
        createHmac('sha1', key).update(text).digest('base64'),
    });
    const path = '/w/api.php?action=query&meta=userinfo&format=json';
    const signed = oauth.authorize(
      { url: at.issuer + path, method: 'GET' },
      { key: bot.access_token, secret: bot.access_token_secret },
    );
    const answer = (await (
      await fetch(at.url + path, { headers: { ...oauth.toHeader(signed) } })
    ).json()) as {
      query?: { userinfo?: { name?: string } };
    };
    return answer.query?.userinfo?.name;
  }

  test('a backup under load, restored elsewhere: every token that was answered before it works', async () => {
    const issued: string[] = [];
    let over = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!over) {
        const { access_token: token } = await post(server, '/oauth2/token', {
          grant_type: 'client_credentials',
        });
        issued.push(token as string);
      }
    });
    while (issued.length < 300) await new Promise((resolve) => setTimeout(resolve, 5));
    const answered = [...issued];
    const made = await command('backup', file, '--json', '--data', server.data);
    const during = issued.length - answered.length;
    over = true;
    await Promise.all(load);
    assert.equal(made.status, 0, made.said);
    assert.ok(during > 0, 'the server went on');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(root), ['gatehouse.backup']);
    const told = JSON.parse(made.said);
    assert.equal(told.sha256, createHash('sha256').update(readFileSync(file)).digest('hex'));
    assert.deepEqual(
      told.files.map(({ name }: { name: string }) => name),
      ['gatehouse.db', 'keys/master.json', 'keys/signing.json'],
    );

    const data = join(root, 'restored');
    const restored = await command('restore', file, '--data', data);
    assert.equal(restored.status, 0, restored.said);
    assert.deepEqual(readdirSync(data).toSorted(), ['gatehouse.db', 'keys']);
    for (const path of ['gatehouse.db', 'keys/master.json', 'keys/signing.json'])
      assert.equal(statSync(join(data, path)).mode & 0o777, 0o600);
    const second = await Server.start({ data, issuer: server.issuer });
    try {
      for (const token of answered)
        assert.equal((await post(second, '/oauth2/introspect', { token })).active, true);
      assert.equal(await signedBy(second), 'Ada');
      assert.ok(
        (await post(second, '/oauth2/token', { grant_type: 'client_credentials' })).access_token,
      );
    } finally {
      await second.stop();
    }
    const again = await command('restore', file, '--data', data);
    assert.equal(again.status, 1);
    assert.match(again.said, /not empty/);
  });

  test('a backup overwrites nothing, and says so when there is nothing to save', async () => {
    const before = readFileSync(file);
    const again = await command('backup', file, '--data', server.data);
    assert.equal(again.status, 1);
    assert.match(again.said, /is there already/);
    assert.deepEqual(readFileSync(file), before);
    const nowhere = await command(
      'backup',
      join(root, 'no', 'such', 'directory'),
      '--data',
      server.data,
    );
    assert.equal(nowhere.status, 1);
    assert.match(nowhere.said, /^gatehouse: no backup was made: .*ENOENT|unable to open/);
    const empty = await command('backup', join(root, 'x'), '--data', join(root, 'nowhere'));
    assert.equal(empty.status, 1);
    assert.match(empty.said, /no database/);
    assert.ok(!existsSync(join(root, 'nowhere')) && !existsSync(join(root, 'x')));
  });

  /** Tries to restore these bytes; answers what was said, after a look that nothing is left. */
  async function refused(bytes: Uint8Array, into = join(root, 'refused')): Promise<string> {
    const bad = join(root, 'bad.backup');
    writeFileSync(bad, bytes);
    const answer = await command('restore', bad, '--data', into);
    assert.equal(answer.status, 1, answer.said);
    assert.match(answer.said, /^gatehouse: nothing was restored: /);
    assert.ok(!existsSync(into) || readdirSync(into).length === 0);
    return answer.said;
  }

  test('a cut file is refused, wherever it is cut, and so is a changed one', async () => {
    const whole = readFileSync(file);
    const cuts = [
      0,
      1,
      9,
      10,
      100,
      600,
      whole.length >> 2,
      whole.length >> 1,
      whole.length - 600,
      whole.length - 8,
      whole.length - 1,
    ];
    for (const length of cuts)
      assert.match(
        await refused(whole.subarray(0, length)),
        /damaged or cut|no backup|not whole/,
        `${length}`,
      );
    for (const place of [20, whole.length >> 1, whole.length - 4]) {
      const changed = Buffer.from(whole);
      changed[place] = (changed[place] ?? 0) ^ 0x10;
      await refused(changed);
    }
    assert.match(await refused(Buffer.from('just a text')), /damaged or cut/);
  });

  test('an archive of right form and wrong content is refused, also into a directory that was there', async () => {
    const tar = gunzipSync(readFileSync(file));
    const place = tar.indexOf(bot.client_id);
    assert.ok(place > 0);
    tar.write('0000', place);
    const into = join(root, 'there');
    mkdirSync(into);
    assert.match(await refused(gzipSync(tar), into), /sum of gatehouse\.db/);
    assert.ok(existsSync(into));
  });

  type Files = { name: string; bytes: Buffer }[];
  async function unpacked(): Promise<Files> {
    const files: Files = [];
    for await (const { name, content } of readTar(
      (async function* () {
        yield gunzipSync(readFileSync(file));
      })(),
    )) {
      const pieces: Buffer[] = [];
      for await (const piece of content) pieces.push(piece);
      files.push({ name, bytes: Buffer.concat(pieces) });
    }
    return files;
  }

  /** Packs files as a backup whose sums are right. */
  async function packed(files: Files, more: object = {}): Promise<Buffer> {
    const told = files.map(({ name, bytes }) => ({
      name,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }));
    const manifest = Buffer.from(
      JSON.stringify({ format: 1, program: 'x', made_at: '', schema: 1, files: told, ...more }),
    );
    const entries = [{ name: 'backup.json', bytes: manifest }, ...files].map(({ name, bytes }) => ({
      name,
      size: bytes.length,
      content: [bytes],
    }));
    const pieces: Buffer[] = [];
    for await (const piece of writeTar(entries, 0)) pieces.push(piece);
    return gzipSync(Buffer.concat(pieces));
  }

  test('a newer schema, a newer format, a damaged database and names of other places are refused', async () => {
    const [, database, ...keys] = await unpacked();
    assert.ok(database);
    const newer = join(root, 'newer.db');
    writeFileSync(newer, database.bytes);
    const db = new DatabaseSync(newer);
    db.exec('PRAGMA user_version = 9999');
    db.close();
    assert.match(
      await refused(await packed([{ name: 'gatehouse.db', bytes: readFileSync(newer) }, ...keys])),
      /schema 9999 and this program knows/,
    );
    assert.match(await refused(await packed([database], { format: 2 })), /newer Gatehouse/);
    const broken = Buffer.from(database.bytes);
    broken.fill(0xff, 4096, 12_288);
    assert.match(await refused(await packed([{ name: 'gatehouse.db', bytes: broken }])), /damaged/);
    for (const name of ['../evil', '/tmp/evil', 'keys/../../evil', 'gatehouse.db-wal', 'keys/lock'])
      assert.match(
        await refused(await packed([{ name, bytes: Buffer.from('x') }, database])),
        /does not hold what it says/,
      );
    assert.match(await refused(await packed(keys)), /no database/);
  });

  test('without keys: they are not in it, and with them put beside it all is there', async () => {
    const bare = join(root, 'bare.backup');
    const made = await command('backup', bare, '--without-keys', '--json', '--data', server.data);
    assert.deepEqual(
      JSON.parse(made.said).files.map(({ name }: { name: string }) => name),
      ['gatehouse.db'],
    );
    const data = join(root, 'bare');
    const restored = await command('restore', bare, '--data', data);
    assert.match(restored.said, /There are no keys in it/);
    mkdirSync(join(data, 'keys'));
    for (const { name, bytes } of (await unpacked()).slice(2))
      writeFileSync(join(data, name), bytes, { mode: 0o600 });
    const second = await Server.start({ data, issuer: server.issuer });
    assert.equal(await signedBy(second), 'Ada');
    await second.stop();
  });

  test('any tar reads it', async () => {
    const child = spawn('tar', ['-tzf', file]);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (piece) => {
      said += piece;
    });
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
    assert.equal(said, 'backup.json\ngatehouse.db\nkeys/master.json\nkeys/signing.json\n');
  });

  test('a database elsewhere, and PostgreSQL, are refused with the remedy', async () => {
    const postgres = await command(
      'backup',
      join(root, 'pg'),
      '--database',
      'postgres://localhost/x',
      '--data',
      join(root, 'pg-data'),
    );
    assert.equal(postgres.status, 1);
    assert.match(postgres.said, /pg_dump/);
    const elsewhere = await command(
      'restore',
      file,
      '--database',
      `sqlite:${join(root, 'e.db')}`,
      '--data',
      join(root, 'e'),
    );
    assert.equal(elsewhere.status, 1);
    assert.match(elsewhere.said, /GATEHOUSE_DATABASE/);
  });
});
