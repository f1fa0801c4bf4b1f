import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';

describe('refreshing an access token (RFC 6749 §6)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  test('a refresh may narrow the scopes and never widens them (RFC 6749 §6)', async () => {
    const tokens = await scene.issueTokens();
    assert.equal(
      (
        await scene.requestToken({
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token,
          scope: 'editpage delete',
        })
      ).body.error,
      'invalid_scope',
    );
    assert.equal(
      (
        await scene.requestToken({
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token,
          scope: 'editpage',
        })
      ).body.scope,
      'editpage',
    );
  });
});
