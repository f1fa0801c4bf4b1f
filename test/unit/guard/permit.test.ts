import assert from 'node:assert/strict';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { permitFromNode } from '#guard/node.ts';
import type { Permit } from '#guard/permit.ts';
import type { GuardRefusal } from '#guard/refusals.ts';
import { signedHeader } from '#harness/signed.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import type { Result } from '#kernel/result.ts';
import type { ActionOutcome as CreatedClient } from '#registry/actions/context.ts';

describe('permit', () => {
  let world: TestServer;
  let ada: Account;
  let ben: Account;
  let web: CreatedClient & { readonly secret: string };
  const here = 'main' as SiteId;

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    web = await world.createClient(ada, {
      name: 'web',
      grantTypes: ['authorization_code', 'client_credentials'],
    });
  });
  after(() => world.close());

  const permit = (
    authorization: string | readonly string[] | undefined,
    over: { target?: string; method?: string; address?: string } = {},
  ) =>
    world.server.guard.permit(
      {
        method: 'GET',
        target: '/api/notes',
        headers: { authorization },
        body: undefined,
        address: '192.0.2.1',
        secure: true,
        ...over,
      },
      here,
    );

  async function token(form: string): Promise<string> {
    const answer = await world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      payload: form,
      headers: {
        authorization: basicHeader(web.client.id, web.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    return answer.json().access_token;
  }

  /** A token that acts for the person. */
  async function userToken(user: Account): Promise<string> {
    const code = await world.issueCode(web, user);
    return token(
      `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(web.client.redirectUri)}`,
    );
  }

  const no = (answer: Result<Permit, GuardRefusal>): GuardRefusal => {
    assert.ok(!answer.ok);
    return answer.refusal;
  };

  const refused: readonly (readonly [
    string,
    string | readonly string[] | undefined,
    number,
    RegExp,
  ])[] = [
    ['no credentials', undefined, 401, /^Bearer realm="gatehouse", OAuth realm="gatehouse"$/],
    ['another scheme', 'Basic YTpi', 401, /^Bearer realm="gatehouse", OAuth realm="gatehouse"$/],
    ['two fields', ['Bearer a', 'OAuth oauth_token="b"'], 400, /error="invalid_request"/],
    ['a malformed token', 'Bearer a b', 400, /error="invalid_request"/],
    ['two tokens in one field', 'Bearer a, Bearer b', 400, /error="invalid_request"/],
    ['an unknown token', 'Bearer abc', 401, /error="invalid_token"/],
    ['an incomplete signature', 'OAuth oauth_token="b"', 400, /oauth_problem="parameter_absent"/],
  ];
  for (const [what, authorization, status, challenge] of refused) {
    test(`${what}: ${status} (RFC 6750 §3)`, async () => {
      const refusal = no(await permit(authorization));
      assert.equal(refusal.status, status);
      assert.match(refusal.wwwAuthenticate, challenge);
    });
  }

  test('a token in the query or the form is no credential (RFC 9700 §4.3.2)', async () => {
    assert.equal(
      no(await permit(undefined, { target: `/api/notes?access_token=${await userToken(ben)}` })).why
        .kind,
      'no-credentials',
    );
  });

  test('a refusal has one status at the guard and at the endpoint: PLAINTEXT without https is 400 (RFC 5849 §3.2)', async () => {
    const plain = new TestServer({ issuer: 'http://localhost:4400', 'oauth1-plaintext': 'on' });
    const authorization =
      'OAuth oauth_consumer_key="k", oauth_token="t", oauth_signature_method="PLAINTEXT", oauth_signature="a%26b", oauth_timestamp="1", oauth_nonce="n"';
    const atGuard = no(
      await plain.server.guard.permit(
        {
          method: 'GET',
          target: '/api/notes',
          headers: { authorization },
          body: undefined,
          address: '192.0.2.1',
          secure: false,
        },
        here,
      ),
    );
    const atEndpoint = await plain.app.inject({
      method: 'POST',
      url: '/oauth1/token',
      headers: {
        authorization: `${authorization}, oauth_verifier="v"`,
      },
    });
    assert.match(atEndpoint.body, /oauth_problem=insecure_transport/);
    assert.deepEqual(
      [atGuard.body.error, atGuard.status, atEndpoint.statusCode],
      ['insecure_transport', 400, 400],
    );
    await plain.close();
  });

  test('a bearer token: the rights of the person that the scopes also give', async () => {
    const answer = await permit(`bearer ${await userToken(ben)}`);
    assert.ok(answer.ok);
    const { user, client, scopes, rights, scheme, site } = answer.value;
    assert.deepEqual([user?.name, client.id, scheme, site], ['Ben', web.client.id, 'bearer', here]);
    const [own, lent] = [
      world.server.services.rights.rightsOf(ben),
      world.server.services.scopes.rightsOf(scopes),
    ];
    assert.deepEqual(
      [...rights],
      [...own].filter((right) => lent.has(right)),
    );
    assert.ok(rights.has('edit') && !rights.has('sendemail'));
  });

  test('a client that acts for itself: nobody, with the rights of strangers that the scopes also give', async () => {
    const answer = await permit(`Bearer ${await token('grant_type=client_credentials')}`);
    assert.ok(answer.ok);
    assert.equal(answer.value.user, null);
    const strangers = world.server.services.rights.rightsOf(null);
    assert.ok([...answer.value.rights].every((right) => strangers.has(right)));
    assert.ok(answer.value.rights.size > 0);
  });

  test('a token is as good as its client', async () => {
    const bearer = `Bearer ${await userToken(ben)}`;
    assert.ok((await permit(bearer)).ok);
    assert.ok((await world.clients.disable(web.client.id)).ok);
    assert.equal(no(await permit(bearer)).status, 401);
    assert.ok((await world.clients.reenable(web.client.id)).ok);
    assert.ok((await permit(bearer)).ok);
  });

  test('a signed request, as node:http received it; a second one with its nonce, or over another target, is refused', async () => {
    const made = await world.createClient(ada, {
      name: 'own',
      protocol: 'oauth1',
      ownerOnly: true,
      redirectUri: '',
      scopes: ['editpage'],
    });
    assert.ok(made.credentials);
    const pair = { key: made.client.id, secret: made.secret };
    const bytes = 'title=A%20B&x=';
    const headers = signedHeader(
      world,
      'POST',
      '/api/./notes?b=%3a',
      pair,
      { key: made.credentials.token, secret: made.credentials.secret },
      {},
      { body: bytes },
    );
    const answers: Result<Permit, GuardRefusal>[] = [];
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      answers.push(await permitFromNode(world.server.guard, request, Buffer.concat(chunks), here));
      response.end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    for (const path of ['/api/./notes?b=%3a', '/api/./notes?b=%3a', '/api/notes?b=%3a']) {
      await new Promise((resolve) =>
        send(
          {
            port,
            host: '127.0.0.1',
            path,
            method: 'POST',
            headers: { ...headers, 'content-length': bytes.length },
          },
          (answer) => {
            answer.resume().once('end', resolve);
          },
        ).end(bytes),
      );
    }
    server.close();
    const [first, replayed, moved] = answers;
    assert.ok(first?.ok);
    assert.deepEqual([first.value.user?.name, first.value.scheme], ['Ada', 'oauth1']);
    assert.ok(replayed && /oauth_problem="nonce_used"/.test(no(replayed).wwwAuthenticate));
    assert.ok(moved && /oauth_problem="signature_invalid"/.test(no(moved).wwwAuthenticate));
  });
});
