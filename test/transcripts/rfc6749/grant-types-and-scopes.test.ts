import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';
import { basicHeader } from '#harness/world.ts';

describe('grant types and scopes (RFC 6749 §3.3, §5.2)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'grant types and scopes (RFC 6749 §5.2)',
    () => scene.world,
    () => scene.values(),
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

  test('what an owner took back is not in the token of an owner-only client, and what a user took back is not refreshed', async () => {
    const { store } = scene.world.server;
    const ada = await store.findAccountByName('Ada');
    assert.ok(ada);
    const bot = await scene.world.createClient(ada, {
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
        acceptedAt: scene.world.now,
      },
      null,
      {
        at: scene.world.now,
        action: 'accept',
        actorId: ada.id,
        via: 'page',
        address: null,
        clientId: bot.client.id,
        reason: '',
        changes: [],
      },
    );
    const answer = await scene.world.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: {
        authorization: basicHeader(bot.client.id, bot.secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: 'grant_type=client_credentials',
    });
    assert.equal(answer.json().scope, 'basic');
    const tokens = await scene.issueTokens();
    const consent = await scene.world.consents.current(
      scene.web.client,
      scene.user,
      scene.world.server.services.site,
    );
    assert.ok(consent);
    await store.saveConsent({ ...consent, scopes: ['basic'] }, null, {
      ...{
        at: scene.world.now,
        action: 'accept',
        actorId: scene.user.id,
        via: 'page',
        address: null,
        clientId: scene.web.client.id,
        reason: '',
        changes: [],
      },
    });
    const refused = await scene.requestToken({
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
      scope: 'editpage',
    });
    assert.equal(refused.body.error, 'invalid_scope');
  });
});
