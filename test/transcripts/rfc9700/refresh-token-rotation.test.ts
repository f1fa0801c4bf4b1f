import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeTokenScene, type TokenScene } from '#harness/token-scene.ts';

describe('refresh token rotation (RFC 9700 §4.14.2)', () => {
  let scene: TokenScene;
  before(async () => {
    scene = await makeTokenScene();
  });
  after(() => scene.world.close());

  test('a refresh token has one successor: the same answer within the grace window, the end of the family after it (RFC 9700 §4.14.2)', async () => {
    const first = await scene.issueTokens();
    const next = await scene.requestToken({
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token,
    });
    assert.equal(next.status, 200);
    scene.world.advanceClock(59);
    assert.deepEqual(
      (
        await scene.requestToken({
          grant_type: 'refresh_token',
          refresh_token: first.refresh_token,
        })
      ).body,
      next.body,
    );
    scene.world.advanceClock(1);
    assert.equal(
      (
        await scene.requestToken({
          grant_type: 'refresh_token',
          refresh_token: first.refresh_token,
        })
      ).body.error,
      'invalid_grant',
    );
    assert.equal(
      (
        await scene.requestToken({
          grant_type: 'refresh_token',
          refresh_token: next.body.refresh_token,
        })
      ).body.error,
      'invalid_grant',
    );
    assert.equal(await scene.isActive(next.body.access_token), false);
  });
});
