import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { transcriptTest } from '#harness/transcript.ts';
import { basicHeader, TestServer } from '#harness/world.ts';
import type { ActionOutcome as CreatedClient } from '#registry/actions/context.ts';

let world: TestServer;
let ben: Account;
let web: CreatedClient & { secret: string };
let spa: CreatedClient & { secret: string };
let service: CreatedClient & { secret: string };
const verifier = 'a'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');
const redirect = encodeURIComponent('https://app.example/cb');

before(async () => {
  world = new TestServer();
  const ada = await world.createPerson('Ada');
  ben = await world.createPerson('Ben');
  web = await world.createClient(ada, { name: 'web' });
  spa = await world.createClient(ada, { name: 'spa', confidential: false });
  service = await world.createClient(ada, { name: 'service', grantTypes: ['client_credentials'] });
});
after(() => world.close());

const names = async () => ({
  web: basicHeader(web.client.id, web.secret),
  wrong: basicHeader(web.client.id, 'wrong'),
  service: basicHeader(service.client.id, service.secret),
  webId: web.client.id,
  webSecret: web.secret,
  spaId: spa.client.id,
  code: await world.issueCode(web, ben, challenge),
  spaCode: await world.issueCode(spa, ben, challenge),
  plainCode: await world.issueCode(web, ben),
  verifier,
  redirect,
});

transcriptTest(
  'a code buys one token, and a second use takes it back (RFC 6749 §4.1.2)',
  () => world,
  names,
  `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier={verifier}
  < 200
  < Cache-Control: no-store
  <
  < {"access_token":"{token}","token_type":"Bearer","expires_in":3600,"refresh_token":"{refresh}","scope":"basic editpage"}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={token}
  < 200
  <
  < {"active":true,…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier={verifier}
  < 400
  <
  < {"error":"invalid_grant",…}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={token}
  < 200
  <
  < {"active":false}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=refresh_token&refresh_token={refresh}
  < 400
  <
  < {"error":"invalid_grant",…}`,
);

transcriptTest(
  'the verifier must fit, and a wrong one does not burn the code (RFC 7636 §4.6)',
  () => world,
  names,
  `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier=${'b'.repeat(43)}
  < 400
  <
  < {"error":"invalid_grant",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}
  < 400
  <
  < {"error":"invalid_request",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={plainCode}&redirect_uri={redirect}&code_verifier={verifier}
  < 400
  <
  < {"error":"invalid_grant",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier={verifier}
  < 200`,
);

transcriptTest(
  'a public client names itself; another client gets nothing for its code (RFC 6749 §4.1.3)',
  () => world,
  names,
  `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=authorization_code&code={spaCode}&redirect_uri={redirect}&code_verifier={verifier}
  < 400
  <
  < {"error":"invalid_grant",…}

  > POST /oauth2/token
  >
  > grant_type=authorization_code&client_id={spaId}&code={spaCode}&redirect_uri=https%3A%2F%2Fevil.example&code_verifier={verifier}
  < 400
  <
  < {"error":"invalid_grant",…}

  > POST /oauth2/token
  >
  > grant_type=authorization_code&client_id={spaId}&code={spaCode}&redirect_uri={redirect}&code_verifier={verifier}
  < 200`,
);

transcriptTest(
  'client authentication (RFC 6749 §2.3, §5.2)',
  () => world,
  names,
  `
  > POST /oauth2/token
  > Authorization: {wrong}
  >
  > grant_type=refresh_token&refresh_token=x
  < 401
  < WWW-Authenticate: Basic realm="gatehouse", charset="UTF-8"
  <
  < {"error":"invalid_client",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=refresh_token&refresh_token=x&client_secret={webSecret}
  < 401
  <
  < {"error":"invalid_client",…}

  > POST /oauth2/token
  >
  > grant_type=refresh_token&refresh_token=x&client_id={webId}
  < 401

  > POST /oauth2/token
  >
  > grant_type=refresh_token&refresh_token=x&client_id={webId}&client_secret={webSecret}
  < 400
  <
  < {"error":"invalid_grant",…}`,
);

transcriptTest(
  'grant types and scopes (RFC 6749 §5.2)',
  () => world,
  names,
  `
  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=password&username=a&password=b
  < 400
  <
  < {"error":"unsupported_grant_type",…}

  > POST /oauth2/token
  > Authorization: {web}
  >
  > grant_type=client_credentials
  < 400
  <
  < {"error":"unauthorized_client",…}

  > POST /oauth2/token
  > Authorization: {service}
  >
  > grant_type=client_credentials&scope=delete
  < 400
  <
  < {"error":"invalid_scope",…}

  > POST /oauth2/token
  > Authorization: {service}
  >
  > grant_type=client_credentials&scope=editpage
  < 200
  <
  < {"access_token":"{token}","token_type":"Bearer","expires_in":3600,"scope":"editpage"}

  > POST /oauth2/revoke
  > Authorization: {web}
  >
  > token={token}
  < 400
  <
  < {"error":"invalid_request"}

  > POST /oauth2/introspect
  > Authorization: {web}
  >
  > token={token}
  < 200
  <
  < {"active":false}

  > POST /oauth2/introspect
  > Authorization: {service}
  >
  > token={token}
  < 200
  <
  < {"active":true,…}

  > POST /oauth2/revoke
  > Authorization: {service}
  >
  > token={token}
  < 200

  > POST /oauth2/introspect
  > Authorization: {service}
  >
  > token={token}
  < 200
  <
  < {"active":false}

  > POST /oauth2/introspect
  >
  > token={token}&client_id={spaId}
  < 400
  <
  < {"error":"unauthorized_client",…}

  > POST /oauth2/introspect
  >
  > token={token}
  < 401`,
);

const exchange = async (form: Record<string, string>) => {
  const answer = await world.app.inject({
    method: 'POST',
    url: '/oauth2/token',
    headers: {
      authorization: basicHeader(web.client.id, web.secret),
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: new URLSearchParams(form).toString(),
  });
  return { status: answer.statusCode, body: answer.json() };
};
const bought = async () =>
  (
    await exchange({
      grant_type: 'authorization_code',
      code: await world.issueCode(web, ben, challenge),
      redirect_uri: 'https://app.example/cb',
      code_verifier: verifier,
    })
  ).body;
const alive = async (token: string) =>
  (await world.server.services.protocols.core.oauth2.authenticateToken(token, {})).ok;

test('a refresh token has one successor: the same answer within the grace window, the end of the family after it (RFC 9700 §4.14.2)', async () => {
  const first = await bought();
  const next = await exchange({ grant_type: 'refresh_token', refresh_token: first.refresh_token });
  assert.equal(next.status, 200);
  world.advanceClock(59);
  assert.deepEqual(
    (await exchange({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).body,
    next.body,
  );
  world.advanceClock(1);
  assert.equal(
    (await exchange({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).body
      .error,
    'invalid_grant',
  );
  assert.equal(
    (await exchange({ grant_type: 'refresh_token', refresh_token: next.body.refresh_token })).body
      .error,
    'invalid_grant',
  );
  assert.equal(await alive(next.body.access_token), false);
});

test('a code and a token expire exactly when they say', async () => {
  const code = await world.issueCode(web, ben, challenge);
  world.advanceClock(600);
  const late = await exchange({
    grant_type: 'authorization_code',
    code,
    redirect_uri: 'https://app.example/cb',
    code_verifier: verifier,
  });
  assert.equal(late.body.error, 'invalid_grant');
  const { access_token: token } = await bought();
  world.advanceClock(3599);
  assert.equal(await alive(token), true);
  world.advanceClock(1);
  assert.equal(await alive(token), false);
});

test('tokens end with the consent, the client and the person (one policy point)', async () => {
  const { store, services } = world.server;
  const tokens = await bought();
  assert.equal(await alive(tokens.access_token), true);
  await world.clients.disable(web.client.id);
  assert.equal(await alive(tokens.access_token), false);
  await world.clients.reenable(web.client.id);
  assert.equal(await alive(tokens.access_token), true);
  await store.setBlocked(ben.id, true);
  assert.equal(await alive(tokens.access_token), false);
  await store.setBlocked(ben.id, false);
  const consent = await world.consents.current(web.client, ben, services.site);
  assert.ok(consent);
  await world.consents.revoke(consent.id, ben);
  assert.equal(await alive(tokens.access_token), false);
  assert.equal(
    (await exchange({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).body
      .error,
    'invalid_grant',
  );
});

test('a refresh may narrow the scopes and never widens them (RFC 6749 §6)', async () => {
  const tokens = await bought();
  assert.equal(
    (
      await exchange({
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token,
        scope: 'editpage delete',
      })
    ).body.error,
    'invalid_scope',
  );
  assert.equal(
    (
      await exchange({
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token,
        scope: 'editpage',
      })
    ).body.scope,
    'editpage',
  );
});

test('what an owner took back is not in the token of an owner-only client, and what a user took back is not refreshed', async () => {
  const { store } = world.server;
  const ada = await store.findAccountByName('Ada');
  assert.ok(ada);
  const bot = await world.createClient(ada, {
    name: 'narrowed',
    ownerOnly: true,
    redirectUri: '',
    grantTypes: ['client_credentials'],
  });
  await store.saveConsent(
    {
      userId: ada.id,
      clientId: bot.client.id,
      site: bot.client.site,
      scopes: ['basic'],
      acceptedAt: world.now,
    },
    null,
    {
      at: world.now,
      action: 'accept',
      actorId: ada.id,
      via: 'page',
      address: null,
      clientId: bot.client.id,
      reason: '',
      changes: [],
    },
  );
  const answer = await world.app.inject({
    method: 'POST',
    url: '/oauth2/token',
    headers: {
      authorization: basicHeader(bot.client.id, bot.secret),
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: 'grant_type=client_credentials',
  });
  assert.equal(answer.json().scope, 'basic');
  const tokens = await bought();
  const consent = await world.consents.current(web.client, ben, world.server.services.site);
  assert.ok(consent);
  await store.saveConsent({ ...consent, scopes: ['basic'] }, null, {
    ...{
      at: world.now,
      action: 'accept',
      actorId: ben.id,
      via: 'page',
      address: null,
      clientId: web.client.id,
      reason: '',
      changes: [],
    },
  });
  const refused = await exchange({
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token,
    scope: 'editpage',
  });
  assert.equal(refused.body.error, 'invalid_scope');
});

test('known and unknown clients without a secret are told the same', async () => {
  const ask = async (id: string) =>
    (
      await world.app.inject({
        method: 'POST',
        url: '/oauth2/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: `grant_type=refresh_token&refresh_token=x&client_id=${id}`,
      })
    ).body;
  assert.equal(await ask(web.client.id), await ask('f'.repeat(32)));
});
