import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { hasDialect } from '#harness/profiles.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import { activeScopes } from '#oauth2/token-status.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';
import { cases } from './cases.ts';

describe('oauth2', () => {
  let world: TestServer;
  let ben: Account;
  let ada: Account;
  let web: Client & { readonly secret: string };
  let spa: Client;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  before(async () => {
    world = new TestServer();
    ada = await world.createPerson('Ada');
    ben = await world.createPerson('Ben');
    const made = await world.createClient(ada, {
      name: 'client',
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      pkceOptional: true,
    });
    web = { ...made.client, secret: made.secret };
    spa = (await world.createClient(ada, { name: 'c', confidential: false })).client;
  });
  after(() => world.close());

  /** Names of the vectors become those of the test's clients. */
  const translate = (value: string) =>
    value === 'c' ? spa.id : value === 'client' ? web.id : value === 'secret' ? web.secret : value;
  function authorizationOf(value: string): string {
    const [id = '', secret = ''] = Buffer.from(value.replace('Basic ', ''), 'base64')
      .toString()
      .split(':');
    return basicHeader(translate(id), translate(secret));
  }

  /** Situations of grants this server does not have yet (DPoP, pushed requests, device). */
  const elsewhere = new Set(['invalid_dpop_proof', 'authorization_pending', 'slow_down']);

  for (const { name, input, expected } of cases('token-responses')) {
    const situation = input.situation ?? {};
    if (input.kind !== 'error' || situation.form === undefined || elsewhere.has(expected.error))
      continue;
    test(`token answer: ${name}`, async () => {
      const endpoint = situation.endpoint ?? 'token';
      const fields = Object.fromEntries(
        Object.entries(situation.form as Record<string, string>).map(([key, value]) => [
          key,
          key.startsWith('client_') ? translate(value) : value,
        ]),
      );
      const credentials = situation.authorization
        ? { authorization: authorizationOf(situation.authorization) }
        : endpoint === 'revoke'
          ? { authorization: basicHeader(web.id, web.secret) }
          : {};
      const answer = await world.app.inject({
        method: 'POST',
        url: `/oauth2/${endpoint}`,
        headers: { ...form, ...credentials },
        payload: new URLSearchParams(fields).toString(),
      });
      assert.ok(
        (expected.statusAnyOf ?? [expected.status]).includes(answer.statusCode),
        answer.body,
      );
      for (const [header, value] of Object.entries(expected.headers))
        assert.ok(String(answer.headers[header]).includes(String(value)));
      if (expected.error)
        assert.ok(
          (expected.errorAnyOf ?? [expected.error]).includes(answer.json().error),
          answer.body,
        );
      if (expected.wwwAuthenticateScheme && answer.statusCode === 401)
        assert.match(
          String(answer.headers['www-authenticate']),
          new RegExp(`^${expected.wwwAuthenticateScheme} `),
        );
    });
  }

  test('token answers have the members and types of RFC 6749 §5.1', async () => {
    const [{ expected }] = cases('token-responses').filter(
      ({ input }) => input.kind === 'success',
    ) as unknown as [
      { expected: { requiredMembers: string[]; memberTypes: Record<string, string> } },
    ];
    const payload = new URLSearchParams({
      grant_type: 'authorization_code',
      code: await world.issueCode({ client: web } as never, ben),
      redirect_uri: web.redirectUri,
    }).toString();
    const answer = (
      await world.app.inject({
        method: 'POST',
        url: '/oauth2/token',
        headers: { ...form, authorization: basicHeader(web.id, web.secret) },
        payload,
      })
    ).json();
    for (const member of expected.requiredMembers) assert.ok(member in answer);
    for (const [member, type] of Object.entries(expected.memberTypes))
      if (member in answer) assert.equal(typeof answer[member], type);
  });

  for (const { name, input, expected } of cases('introspection')) {
    test(`introspection: ${name}`, async () => {
      const issue = async () => {
        const payload = 'grant_type=client_credentials&scope=editpage';
        return (
          await world.app.inject({
            method: 'POST',
            url: '/oauth2/token',
            headers: { ...form, authorization: basicHeader(web.id, web.secret) },
            payload,
          })
        ).json().access_token as string;
      };
      const token = input.tokenState ? await issue() : 'an-unknown-token';
      const caller =
        input.caller === 'anonymous' ? {} : { authorization: basicHeader(web.id, web.secret) };
      if (input.tokenState?.revoked)
        await world.app.inject({
          method: 'POST',
          url: '/oauth2/revoke',
          headers: { ...form, ...caller },
          payload: `token=${token}`,
        });
      const hint = input.form?.token_type_hint
        ? `&token_type_hint=${input.form.token_type_hint}`
        : '';
      const answer = await world.app.inject({
        method: 'POST',
        url: '/oauth2/introspect',
        headers: { ...form, ...caller },
        payload: `token=${token}${hint}`,
      });
      assert.equal(answer.statusCode, expected.status);
      if (expected.bodyExactly) assert.deepEqual(answer.json(), expected.bodyExactly);
      // The values are this server's own; that it is active, for whom and until when must be said.
      else if (expected.body) {
        const body = answer.json();
        assert.deepEqual(
          [body.active, body.client_id, body.scope, typeof body.exp, typeof body.iat],
          [true, web.id, 'editpage', 'number', 'number'],
        );
      }
    });
  }

  for (const { name, input, expected } of cases('pkce').filter(
    ({ input }) => input.kind === 'authorize',
  )) {
    test(`pkce: ${name}`, async () => {
      const strict = (
        await world.createClient(ada, { name: `pkce ${name}`, confidential: !input.client.public })
      ).client;
      const sound = await world.server.services.protocols.core.oauth2.validateAuthorizationRequest(
        [
          ['client_id', strict.id],
          ['response_type', 'code'],
          ...(Object.entries(input.query) as [string, string][]),
        ],
        ada,
      );
      assert.equal(sound.ok, expected.accepted);
      if (!sound.ok) assert.equal(sound.refusal.problem.kind, expected.error);
    });
  }

  for (const { name, input, expected } of cases('scope-parsing').filter(
    ({ input }) => input.kind === 'grant',
  )) {
    test(`scope: ${name}`, () => {
      const client = { scopes: input.clientScopes } as Client;
      const requested = input.requested.includes('#default') ? input.clientScopes : input.requested;
      // A token without any consent left does not stand at all; its scopes are then none.
      const consent =
        input.grantType === 'client_credentials'
          ? undefined
          : ({ scopes: input.approvedScopes ?? [] } as unknown as Consent);
      assert.deepEqual(
        activeScopes(requested, { client, consent, user: undefined, familyRevoked: false }),
        expected.granted,
      );
    });
  }

  for (const { name, input, expected } of cases('scope-parsing').filter(
    ({ input }) => input.kind === 'known',
  )) {
    test(`scope: ${name}`, () =>
      assert.equal(world.server.services.scopes.has(input.scope), expected.known));
  }

  for (const { name, input, expected } of hasDialect
    ? cases('oauth2-endpoint-outcomes', 'mediawiki')
    : []) {
    // The client management routes come with the registry's API; `approval_pass` is replaced by a
    // stored decision.
    if (!['token', 'authorize'].includes(input.endpoint) || input.query?.approval_pass) continue;
    test(`endpoint: ${name}`, async () => {
      const ids = new Map<string, string>();
      for (const wanted of input.state.clients) {
        const made = await world.createClient(ada, {
          name: `outcome ${wanted.clientId}`,
          confidential: wanted.confidential,
          // What is registered at the dialect's own addresses has the exemption.
          pkceOptional: wanted.confidential,
          ignoreWarnings: true,
          redirectUri: wanted.redirectUri,
          grantTypes: wanted.grantTypes,
        });
        ids.set(wanted.clientId, made.client.id);
      }
      const fields = Object.entries({ ...input.form, ...input.query } as Record<
        string,
        string
      >).map(([key, value]): [string, string] => [key, ids.get(value) ?? value]);
      const text = new URLSearchParams(fields).toString();
      const path = `/w/rest.php/oauth2/${input.endpoint === 'token' ? 'access_token' : 'authorize'}`;
      const cookie: Record<string, string> = input.state.loggedIn
        ? { cookie: await world.sessionCookie(ben) }
        : {};
      const answer =
        input.method === 'POST'
          ? await world.app.inject({ method: 'POST', url: path, payload: text, headers: form })
          : await world.app.inject({ url: `${path}?${text}`, headers: cookie });
      if (expected.redirectsTo === 'consent')
        return assert.match(String(answer.headers.location), /^\/authorize\//);
      assert.equal(answer.statusCode, expected.status, answer.body);
      if (expected.redirectsTo === 'login')
        assert.match(String(answer.headers.location), /^\/sign-in\?returnto=/);
    });
  }
});
