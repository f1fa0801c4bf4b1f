import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  challenge,
  makeTokenScene,
  redirectUri,
  type TokenScene,
  verifier,
} from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';

describe('authorization code grant (RFC 6749 §4.1)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'a code buys one token, and a second use takes it back (RFC 6749 §4.1.2)',
    () => scene.world,
    () => scene.values(),
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
    'a public client names itself; another client gets nothing for its code (RFC 6749 §4.1.3)',
    () => scene.world,
    () => scene.values(),
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

  test('a code and a token expire exactly when they say', async () => {
    const code = await scene.world.issueCode(scene.web, scene.user, challenge);
    scene.world.advanceClock(600);
    const late = await scene.requestToken({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    assert.equal(late.body.error, 'invalid_grant');
    const { access_token: token } = await scene.issueTokens();
    scene.world.advanceClock(3599);
    assert.equal(await scene.isActive(token), true);
    scene.world.advanceClock(1);
    assert.equal(await scene.isActive(token), false);
  });

  test('tokens end with the consent, the client and the person (one policy point)', async () => {
    const { store, services } = scene.world.server;
    const tokens = await scene.issueTokens();
    assert.equal(await scene.isActive(tokens.access_token), true);
    await scene.world.clients.disable(scene.web.client.id);
    assert.equal(await scene.isActive(tokens.access_token), false);
    await scene.world.clients.reenable(scene.web.client.id);
    assert.equal(await scene.isActive(tokens.access_token), true);
    await store.setBlocked(scene.user.id, true);
    assert.equal(await scene.isActive(tokens.access_token), false);
    await store.setBlocked(scene.user.id, false);
    const consent = await scene.world.consents.current(scene.web.client, scene.user, services.site);
    assert.ok(consent);
    await scene.world.consents.revoke(consent.id, scene.user);
    assert.equal(await scene.isActive(tokens.access_token), false);
    assert.equal(
      (
        await scene.requestToken({
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token,
        })
      ).body.error,
      'invalid_grant',
    );
  });
});
