import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { basicHeader } from '../harness/world.ts';
import { codeFor, Server } from './server.ts';

describe('races', () => {
  let one: Server;
  let two: Server;
  let client: { client_id: string; client_secret: string };
  const verifier = 'r'.repeat(43);
  const redirectUri = 'http://127.0.0.1:9/cb';

  before(async () => {
    one = await Server.start();
    two = await Server.start({ data: one.data, issuer: one.issuer });
    one.person('Ada');
    one.person('Ben');
    client = one.client(
      '--name',
      'racer',
      '--protocol',
      'oauth2',
      '--redirect-uri',
      redirectUri,
      '--grant-type',
      'authorization_code',
      '--grant-type',
      'refresh_token',
      '--grant-type',
      'client_credentials',
    );
  });
  after(async () => {
    await two.stop();
    await one.stop();
  });

  const post = async (server: Server, path: string, form: Record<string, string>) => {
    const headers = { authorization: basicHeader(client.client_id, client.client_secret) };
    const answer = await fetch(server.url + path, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, string>,
    };
  };

  const code = () => codeFor(one.issuer, client.client_id, redirectUri, verifier);

  const active = async (token: string | undefined) =>
    (await post(one, '/oauth2/introspect', { token: token ?? '' })).body
      .active as unknown as boolean;
  const everywhere = (count: number, path: string, form: Record<string, string>) =>
    Promise.all(
      Array.from({ length: count }, (_, index) => post(index % 2 === 0 ? one : two, path, form)),
    );

  test('50 redemptions of one code in two processes: one wins, and the replays take back what it bought', async () => {
    const form = {
      grant_type: 'authorization_code',
      code: await code(),
      redirect_uri: redirectUri,
      code_verifier: verifier,
    };
    const answers = await everywhere(50, '/oauth2/token', form);
    const won = answers.filter(({ status }) => status === 200);
    assert.equal(won.length, 1);
    assert.ok(
      answers.every(
        ({ status, body }) => status === 200 || (status === 400 && body.error === 'invalid_grant'),
      ),
    );
    assert.equal(await active(won[0]?.body.access_token), false);
  });

  test('50 uses of one refresh token in two processes: one successor, the same answer for all, and it works', async () => {
    const form = {
      grant_type: 'authorization_code',
      code: await code(),
      redirect_uri: redirectUri,
      code_verifier: verifier,
    };
    const first = (await post(one, '/oauth2/token', form)).body;
    const answers = await everywhere(50, '/oauth2/token', {
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token ?? '',
    });
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(
      new Set(answers.map(({ body }) => `${body.access_token} ${body.refresh_token}`)).size,
      1,
    );
    assert.equal(await active(answers[0]?.body.access_token), true);
    const next = await post(two, '/oauth2/token', {
      grant_type: 'refresh_token',
      refresh_token: answers[0]?.body.refresh_token ?? '',
    });
    assert.equal(next.status, 200);
  });

  test('a kill -9 in the middle of a load loses no token that was answered', async () => {
    const issued: string[] = [];
    let over = false;
    const worker = async () => {
      while (!over) {
        const answer = await post(two, '/oauth2/token', { grant_type: 'client_credentials' }).catch(
          () => undefined,
        );
        if (answer === undefined) return;
        if (answer.status === 200) issued.push(answer.body.access_token ?? '');
      }
    };
    const workers = Promise.all(Array.from({ length: 16 }, worker));
    while (issued.length < 300) await new Promise((resolve) => setTimeout(resolve, 5));
    await two.end('SIGKILL');
    over = true;
    await workers;
    assert.ok(issued.length >= 300);
    await two.run();
    for (const token of issued) assert.equal(await active(token), true);
  });
});
