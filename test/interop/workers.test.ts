import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { basicHeader } from '../harness/world.ts';
import { codeFor, Server } from './server.ts';

describe('workers', () => {
  let server: Server;
  let client: { client_id: string; client_secret: string };
  const verifier = 'w'.repeat(43);
  const redirectUri = 'http://127.0.0.1:9/cb';

  before(async () => {
    server = await Server.start({ flags: ['--workers', '3'] });
    server.person('Ada');
    server.person('Ben');
    const types = ['authorization_code', 'refresh_token', 'client_credentials'].flatMap((type) => [
      '--grant-type',
      type,
    ]);
    client = server.client(
      '--name',
      'many',
      '--protocol',
      'oauth2',
      '--redirect-uri',
      redirectUri,
      ...types,
    );
  });
  after(() => server.stop());

  /** Processes that the server started, as the kernel knows them. */
  const children = (): readonly number[] =>
    readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')
      .split(' ')
      .filter((text) => text.trim() !== '')
      .map(Number);

  /** Each request on a connection of its own, so that the workers share them. */
  async function post(path: string, form: Readonly<Record<string, string>>) {
    const headers = {
      authorization: basicHeader(client.client_id, client.client_secret),
      connection: 'close',
    };
    const answer = await fetch(server.url + path, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    };
  }

  const code = () => codeFor(server.issuer, client.client_id, redirectUri, verifier);

  const linux = { skip: process.platform === 'linux' ? false : 'reads /proc' };

  test(
    'three processes serve on one port; of fifty redemptions of one code one wins',
    linux,
    async () => {
      assert.equal(children().length, 3);
      const form = {
        grant_type: 'authorization_code',
        code: await code(),
        redirect_uri: redirectUri,
        code_verifier: verifier,
      };
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => post('/oauth2/token', form)),
      );
      assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    },
  );

  test('a worker that is killed is replaced, and what was answered holds', linux, async () => {
    const before = children();
    const tokens: string[] = [];
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let turn = 0; turn < 15; turn++) {
          const answer = await post('/oauth2/token', { grant_type: 'client_credentials' }).catch(
            () => undefined,
          );
          if (answer?.status === 200) tokens.push(String(answer.body.access_token));
        }
      }),
    );
    process.kill(before[0] ?? 0, 'SIGKILL');
    await load;
    while (children().length < 3 || children().includes(before[0] ?? 0))
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(tokens.length > 0);
    for (const token of tokens) {
      let answer = await post('/oauth2/introspect', { token }).catch(() => undefined);
      while (answer === undefined)
        answer = await post('/oauth2/introspect', { token }).catch(() => undefined);
      assert.equal(answer.body.active, true);
    }
  });

  test('asked to stop, all of them end', linux, async () => {
    const workers = children();
    await server.end('SIGTERM');
    for (const pid of workers) assert.throws(() => process.kill(pid, 0), `${pid} is still there`);
  });
});
