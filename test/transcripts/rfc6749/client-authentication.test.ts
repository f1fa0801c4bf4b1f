import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';
import { transcriptTest } from '#harness/transcript.ts';

describe('client authentication (RFC 6749 §2.3)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  transcriptTest(
    'client authentication (RFC 6749 §2.3, §5.2)',
    () => scene.world,
    () => scene.values(),
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

  test('known and unknown clients without a secret are told the same', async () => {
    const ask = async (id: string) =>
      (
        await scene.world.app.inject({
          method: 'POST',
          url: '/oauth2/token',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          payload: `grant_type=refresh_token&refresh_token=x&client_id=${id}`,
        })
      ).body;
    assert.equal(await ask(scene.web.client.id), await ask('f'.repeat(32)));
  });
});
