import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, createPublicKey, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OAuth1a from 'oauth-1.0a';
import { basicHeader } from '../harness/world.ts';
import { Server } from './server.ts';

describe('keys', () => {
  const DAY = 86_400;
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  let one: Server;
  let two: Server;
  interface Made {
    readonly client_id: string;
    readonly client_secret: string;
    readonly access_token: string;
    readonly access_token_secret: string;
  }
  let machine: Made;

  const ownerOnly = (name: string): Made =>
    one.client('--name', name, '--protocol', 'owner-only', '--oauth-version', '1');

  before(async () => {
    one = await Server.start();
    two = await Server.start({ data: one.data, issuer: one.issuer });
    one.person('Ada');
    machine = one.client(
      '--name',
      'machine',
      '--protocol',
      'oauth2',
      '--redirect-uri',
      'http://127.0.0.1:9/cb',
      '--grant-type',
      'client_credentials',
    );
  });
  after(async () => {
    await two.stop();
    await one.stop();
  });

  /** Who a signed request acts for, as that process says. */
  async function signedBy(
    server: Server,
    { client_id, client_secret, access_token, access_token_secret }: Made,
  ): Promise<string> {
    const oauth = new OAuth1a({
      consumer: { key: client_id, secret: client_secret },
      signature_method: 'HMAC-SHA1',
      hash_function: (text: string, key: string) =>
        createHmac('sha1', key).update(text).digest('base64'),
    });
    const path = '/w/api.php?action=query&meta=userinfo&format=json';
    const signed = oauth.authorize(
      { url: one.issuer + path, method: 'GET' },
      { key: access_token, secret: access_token_secret },
    );
    const answer = await fetch(server.url + path, { headers: { ...oauth.toHeader(signed) } });
    const body = (await answer.json()) as { query?: { userinfo?: { name?: string } } };
    return body.query?.userinfo?.name ?? `${answer.status} ${JSON.stringify(body)}`;
  }

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if (await holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(`not in 30 s: ${what}`);
  }

  const secretsUnder = (id: string) =>
    (one.command('keys', 'list').master as { id: string; secrets: number }[]).find(
      (key) => key.id === id,
    )?.secrets;

  /** One command in a process of its own, beside what this process does. */
  const command = (
    ...args: readonly string[]
  ): Promise<{ readonly status: number | null; readonly said: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [main, ...args, '--data', one.data], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (piece) => {
          said += piece;
        });
      child.once('exit', (status) => resolve({ status, said }));
    });

  test('signatures verify in two processes before, while and after the master key is rotated, the secrets are sealed again, and the old key goes', async () => {
    const bot = ownerOnly('bot');
    const answers = new Map<string, number>();
    let over = false;
    const load = [one, two, one, two].map(async (server) => {
      while (!over) {
        const name = await signedBy(server, bot);
        answers.set(name, (answers.get(name) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    await until('signatures', () => (answers.get('Ada') ?? 0) > 20);
    assert.equal((await command('keys', 'retire', 'm1')).status, 1, 'it is the current one');
    assert.match((await command('keys', 'rotate')).said, /encrypted under m2/);
    // Sealed under a key that the servers may not have heard of yet.
    const young = ownerOnly('young');
    for (const server of [one, two]) assert.equal(await signedBy(server, young), 'Ada');
    await until('nothing is left under m1', () => secretsUnder('m1') === 0);
    const early = await command('keys', 'retire', 'm1');
    assert.equal(early.status, 1);
    assert.match(early.said, /m1 can be retired from/);

    const file = join(one.data, 'keys', 'master.json');
    const ring = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(
      file,
      JSON.stringify({
        ...ring,
        keys: ring.keys.map((key: { createdAt: number }) => ({
          ...key,
          createdAt: key.createdAt - 3600,
        })),
      }),
    );
    assert.equal((await command('keys', 'retire', 'm1')).status, 0);
    assert.deepEqual(
      one
        .command('keys', 'list')
        .master.map(({ id, state }: { id: string; state: string }) => [id, state]),
      [['m2', 'current']],
    );
    const reached = answers.get('Ada') ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 6000));
    assert.ok((answers.get('Ada') ?? 0) > reached);
    over = true;
    await Promise.all(load);
    assert.deepEqual([...answers.keys()], ['Ada']);

    await two.end('SIGTERM');
    await two.run();
    for (const made of [bot, young])
      assert.equal(await signedBy(two, made), 'Ada', 'what knows m2 alone opens everything');
  });

  interface Jwk {
    readonly kid: string;
    readonly alg: string;
  }
  const jwks = async (server: Server) =>
    ((await (await fetch(`${server.url}/oauth2/jwks`)).json()) as { keys: Jwk[] }).keys;
  const kids = async (server: Server) => (await jwks(server)).map(({ kid }) => kid);
  const kidOf = (jwt: string) =>
    JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()).kid as string;
  const post = async (server: Server, path: string, form: Record<string, string>) =>
    (await (
      await fetch(server.url + path, {
        method: 'POST',
        headers: { authorization: basicHeader(machine.client_id, machine.client_secret) },
        body: new URLSearchParams(form),
      })
    ).json()) as Record<string, unknown>;
  const token = async (server: Server, path = '/oauth2/token') =>
    (await post(server, path, { grant_type: 'client_credentials' })).access_token as string;
  const active = async (server: Server, jwt: string) =>
    (await post(server, '/oauth2/introspect', { token: jwt })).active;

  /** What a resource server does that has nothing but the JWKS. */
  async function verifiesLocally(server: Server, jwt: string): Promise<boolean> {
    const [head = '', body = '', signature = ''] = jwt.split('.');
    const key = (await jwks(server)).find(({ kid }) => kid === kidOf(jwt));
    if (key === undefined) return false;
    const publicKey = createPublicKey({ key: key as never, format: 'jwk' });
    const how =
      key.alg === 'ES256' ? ({ key: publicKey, dsaEncoding: 'ieee-p1363' } as const) : publicKey;
    return verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      how,
      Buffer.from(signature, 'base64url'),
    );
  }

  /** Moves everything in signing.json into the past, as if the clock had gone on. */
  function letPass(seconds: number): void {
    const file = join(one.data, 'keys', 'signing.json');
    const { generations } = JSON.parse(readFileSync(file, 'utf8')) as {
      generations: { madeAt: number; signsFrom: number }[];
    };
    const moved = generations.map((one) => ({
      ...one,
      madeAt: one.madeAt - seconds,
      signsFrom: one.signsFrom - seconds,
    }));
    writeFileSync(file, JSON.stringify({ generations: moved }));
  }

  test('signing keys: published a day ahead in every process, then signing, then published, then gone; tokens of theirs live on', async () => {
    const [first] = await kids(one);
    const script = one.client('--name', 'script', '--protocol', 'owner-only').access_token;
    // It asks about the credential of another app.
    one.command('client', 'introspector', machine.client_id, '--tokens', 'all');
    const old = [await token(one), await token(two, '/w/rest.php/oauth2/access_token')];
    const answers = await Promise.all([
      command('keys', 'rotate', '--signing'),
      command('keys', 'rotate', '--signing'),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted(),
      [0, 1],
      'two at once: one generation',
    );
    assert.match(answers.find(({ status }) => status === 1)?.said ?? '', /published already/);
    for (const server of [one, two])
      await until('four keys in the JWKS', async () => (await jwks(server)).length === 4);
    for (const server of [one, two])
      assert.equal((await kids(server))[0], first, 'the old ones sign');
    const published = await kids(one);
    assert.equal(kidOf(await token(two)), kidOf(old[0] ?? ''));

    letPass(DAY);
    const young: string[] = [];
    for (const server of [one, two]) {
      await until(
        'the new keys sign',
        async () => kidOf(await token(server)) !== kidOf(old[0] ?? ''),
      );
      young.push(await token(server), await token(server, '/w/rest.php/oauth2/access_token'));
    }
    for (const jwt of [...old, ...young]) {
      assert.ok(published.includes(kidOf(jwt)), 'in a JWKS that was fetched a day before');
      for (const server of [one, two]) {
        assert.equal(await active(server, jwt), true);
        assert.equal(await verifiesLocally(server, jwt), true);
      }
    }

    letPass(31 * DAY);
    for (const server of [one, two])
      await until('the old keys have left', async () => (await jwks(server)).length === 2);
    for (const jwt of [...old, script])
      for (const server of [one, two]) {
        assert.equal(await verifiesLocally(server, jwt), false);
        assert.equal(await active(server, jwt), true, 'known by its row');
      }
  });

  test('a leaked signing key: new ones sign at once, and no other is in the JWKS', async () => {
    const old = await kids(one);
    assert.equal((await command('keys', 'rotate', '--signing', '--at-once')).status, 0);
    for (const server of [one, two]) {
      await until('two other keys', async () =>
        (await kids(server)).every((kid) => !old.includes(kid)),
      );
      assert.equal(await verifiesLocally(server, await token(server)), true);
    }
  });

  test('four processes find the keys due at one moment: one generation is made', async () => {
    const file = join(one.data, 'keys', 'signing.json');
    const count = () =>
      (JSON.parse(readFileSync(file, 'utf8')) as { generations: unknown[] }).generations.length;
    const script = new URL('./renew-keys.ts', import.meta.url).pathname;
    const before = count();
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [script, one.data], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    await Promise.all(
      children.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))),
    );
    const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of children) child.stdin.write('now\n');
    assert.deepEqual(await Promise.all(ended), [0, 0, 0, 0]);
    assert.equal(count(), before + 1);
  });

  test('two master keys at once: as many are added as commands said so', async () => {
    const before = one.command('keys', 'list').master.length;
    const answers = await Promise.all([
      command('keys', 'rotate'),
      command('keys', 'rotate'),
      command('keys', 'rotate'),
    ]);
    const added = answers.filter(({ status }) => status === 0).length;
    assert.ok(added >= 1);
    assert.equal(one.command('keys', 'list').master.length, before + added);
  });

  test('wrong use, and keys of variables, are refused with the remedy', async () => {
    assert.match((await command('keys', 'retire', 'm77')).said, /no master key "m77".*keys list/);
    assert.match((await command('keys', 'rotate', '--at-once')).said, /--signing/);
    const environment = process.env.GATEHOUSE_MASTER_KEY;
    process.env.GATEHOUSE_MASTER_KEY = Buffer.alloc(32, 1).toString('base64');
    try {
      const answer = await command('keys', 'rotate');
      assert.equal(answer.status, 1);
      assert.match(
        answer.said,
        /come from GATEHOUSE_MASTER_KEY,.*GATEHOUSE_MASTER_KEYS.*first line/,
      );
      assert.ok(!answer.said.includes(process.env.GATEHOUSE_MASTER_KEY));
      assert.equal((await command('keys', 'retire', 'm1')).status, 1);
    } finally {
      if (environment === undefined) delete process.env.GATEHOUSE_MASTER_KEY;
      else process.env.GATEHOUSE_MASTER_KEY = environment;
    }
  });
});
