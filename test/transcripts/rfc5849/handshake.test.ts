import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { type CredentialPair, signedHeader } from '#harness/signed.ts';
import { TestServer } from '#harness/world.ts';
import type { Client } from '#registry/model/client.ts';

describe('handshake', () => {
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let client: Client;
  let pair: CredentialPair;

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    const made = await world.createClient(ada, {
      name: 'classic',
      protocol: 'oauth1',
      redirectUri: 'https://app.example/cb',
      redirectIsPrefix: true,
    });
    client = made.client;
    pair = { key: client.id, secret: made.secret };
  });
  after(() => world.close());

  type Over = Readonly<Record<string, string | undefined>>;
  const post = async (target: string, headers: Record<string, string>) => {
    const answer = await world.app.inject({ method: 'POST', url: target, headers });
    return {
      status: answer.statusCode,
      form: Object.fromEntries(new URLSearchParams(answer.body)),
      headers: answer.headers,
    };
  };
  const initiate = (over: Over = {}, signature?: string) =>
    post(
      '/oauth1/initiate',
      signedHeader(
        world,
        'POST',
        '/oauth1/initiate',
        pair,
        null,
        { oauth_callback: 'oob', ...over },
        signature === undefined ? {} : { signature },
      ),
    );
  const exchange = (token: CredentialPair, over: Over) =>
    post('/oauth1/token', signedHeader(world, 'POST', '/oauth1/token', pair, token, over));
  const temporary = async (): Promise<CredentialPair> => {
    const { status, form } = await initiate();
    assert.equal(status, 200);
    return { key: form.oauth_token ?? '', secret: form.oauth_token_secret ?? '' };
  };
  async function allow(token: CredentialPair): Promise<string> {
    const { services } = world.server;
    const consent = await world.consents.accept(client, ben, client.scopes);
    const done = await services.protocols.core.oauth1.authorizeUnderConsent(
      token.key,
      client,
      consent,
    );
    assert.ok(done.ok && done.value.kind === 'show-verifier');
    return done.value.verifier;
  }

  const refused: readonly (readonly [string, Over, number, string])[] = [
    ['no client identifier', { oauth_consumer_key: undefined }, 400, 'parameter_absent'],
    ['an unknown client', { oauth_consumer_key: 'f'.repeat(32) }, 401, 'consumer_key_unknown'],
    ['no timestamp', { oauth_timestamp: undefined }, 400, 'parameter_absent'],
    [
      'a timestamp 301 seconds old',
      { oauth_timestamp: String(1_800_000_000 - 301) },
      401,
      'timestamp_refused',
    ],
    ['a timestamp that is no number', { oauth_timestamp: 'soon' }, 400, 'parameter_rejected'],
    ['no nonce', { oauth_nonce: undefined }, 400, 'parameter_absent'],
    ['another version', { oauth_version: '2.0' }, 400, 'version_rejected'],
    [
      'a method that is off',
      { oauth_signature_method: 'PLAINTEXT' },
      400,
      'signature_method_rejected',
    ],
    [
      'a method in lower case',
      { oauth_signature_method: 'hmac-sha1' },
      400,
      'signature_method_rejected',
    ],
    ['no callback', { oauth_callback: undefined }, 400, 'parameter_absent'],
    [
      'a callback elsewhere',
      { oauth_callback: 'https://evil.example/cb' },
      400,
      'callback_rejected',
    ],
    [
      'a callback that climbs out',
      { oauth_callback: 'https://app.example/cb/../evil' },
      400,
      'callback_rejected',
    ],
    ['a nonce of 600 bytes', { oauth_nonce: 'x'.repeat(600) }, 400, 'parameter_rejected'],
  ];
  for (const [what, over, status, problem] of refused) {
    test(`initiate refuses ${what} (RFC 5849 §3.2)`, async () => {
      const answer = await initiate(over);
      assert.equal(answer.status, status);
      assert.equal(answer.form.oauth_problem, problem);
      assert.equal(answer.headers['cache-control'], 'no-store');
      if (status === 401) assert.match(String(answer.headers['www-authenticate']), /^OAuth realm=/);
    });
  }

  test('a wrong signature is refused, and does not spend the nonce (RFC 5849 §3.3)', async () => {
    const nonce = 'kept';
    assert.equal(
      (await initiate({ oauth_nonce: nonce }, 'AAAA')).form.oauth_problem,
      'signature_invalid',
    );
    assert.equal((await initiate({ oauth_nonce: nonce })).status, 200);
    assert.equal((await initiate({ oauth_nonce: nonce })).form.oauth_problem, 'nonce_used');
  });

  test('the window is 300 seconds, both ends included', async () => {
    for (const offset of [-300, 300])
      assert.equal((await initiate({ oauth_timestamp: String(world.now + offset) })).status, 200);
  });

  test('the exchange needs the yes and its verifier, and works once (RFC 5849 §2.3)', async () => {
    const token = await temporary();
    assert.equal(
      (await exchange(token, { oauth_verifier: 'x' })).form.oauth_problem,
      'permission_unknown',
    );
    const verifier = await allow(token);
    assert.equal((await exchange(token, {})).form.oauth_problem, 'parameter_absent');
    assert.equal(
      (await exchange(token, { oauth_verifier: 'wrong' })).form.oauth_problem,
      'verifier_invalid',
    );
    const bought = await exchange(token, { oauth_verifier: verifier });
    assert.equal(bought.status, 200);
    assert.equal(
      (await exchange(token, { oauth_verifier: verifier })).form.oauth_problem,
      'token_used',
    );
    // One permanent pair for each (user, client, site): the next handshake gives the same.
    const next = await temporary();
    const again = await exchange(next, { oauth_verifier: await allow(next) });
    assert.deepEqual(again.form, bought.form);
  });

  test('a temporary pair lives 600 seconds, and the yes restarts its life', async () => {
    const token = await temporary();
    world.advanceClock(599);
    const verifier = await allow(token);
    world.advanceClock(599);
    assert.equal((await exchange(token, { oauth_verifier: verifier })).status, 200);
    const late = await temporary();
    world.advanceClock(600);
    assert.equal(
      (await exchange(late, { oauth_verifier: 'x' })).form.oauth_problem,
      'token_rejected',
    );
  });

  test('of two decisions on one pair, one counts', async () => {
    const token = await temporary();
    const { services } = world.server;
    const consent = await world.consents.accept(client, ben, client.scopes);
    const both = await Promise.all(
      [1, 2].map(() =>
        services.protocols.core.oauth1.authorizeUnderConsent(token.key, client, consent),
      ),
    );
    assert.deepEqual(both.map(({ ok }) => ok).sort(), [false, true]);
  });

  test('an owner-only client is refused in the handshake and accepted at the API', async () => {
    const made = await world.createClient(ada, {
      name: 'script',
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
    });
    const own = { key: made.client.id, secret: made.secret };
    const answer = await post(
      '/oauth1/initiate',
      signedHeader(world, 'POST', '/oauth1/initiate', own, null, { oauth_callback: 'oob' }),
    );
    assert.deepEqual([answer.status, answer.form.oauth_problem], [403, 'owner_only']);
    const token = { key: made.credentials?.token ?? '', secret: made.credentials?.secret ?? '' };
    const sent = {
      method: 'GET',
      target: '/thing?a=1',
      headers: signedHeader(world, 'GET', '/thing?a=1', own, token),
      body: undefined,
      address: '192.0.2.1',
      secure: true,
    };
    const permit = await world.server.guard.permit(sent, world.server.services.site);
    assert.ok(permit.ok);
    assert.equal(permit.value.user?.name, 'Ada');
    assert.ok(permit.value.rights.has('edit'));
    const replay = await world.server.guard.permit(sent, world.server.services.site);
    assert.ok(!replay.ok);
    assert.equal(replay.refusal.status, 401);
    await world.clients.resetSecret(made.client.id);
    const after = { ...sent, headers: signedHeader(world, 'GET', '/thing?a=1', own, token) };
    assert.equal((await world.server.guard.permit(after, world.server.services.site)).ok, false);
  });

  test('disabled and suppressed clients get no temporary pair, and their tokens stop', async () => {
    await world.clients.disable(client.id, { suppress: true });
    assert.equal((await initiate()).form.oauth_problem, 'consumer_key_refused');
    await world.clients.reenable(client.id);
    assert.equal((await initiate()).status, 200);
  });
});
