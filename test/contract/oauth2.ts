import assert from 'node:assert/strict';
import type { EncryptedSecret } from '#kernel/ids.ts';
import type { Case } from './store.ts';
import {
  access,
  at,
  audit,
  change,
  code,
  consented,
  digest,
  familyId,
  NOW,
  noSuch,
  person,
  refresh,
  registered,
  tally,
  tokenId,
} from './things.ts';

const answer = 'v1.m1.answer.x' as EncryptedSecret;

/** Codes, access tokens, refresh tokens and families. */
export const oauth2Cases: readonly Case[] = [
  [
    'a code comes back as it was, with who and what stands behind it',
    async (store) => {
      const world = await consented(store);
      const one = code(world, {
        redirectUri: 'https://app.example/cb?a=1',
        codeChallenge: 'c',
        codeChallengeMethod: 'S256',
      });
      await store.saveCode(one);
      const found = await store.findCode(one.digest);
      assert.deepEqual(found?.code, one);
      assert.equal(found?.familyRevoked, false);
      assert.equal(found?.user?.id, world.user);
      assert.deepEqual(found?.consent, world.consent);
      assert.equal(await store.findCode(noSuch.digest), undefined);
      await assert.rejects(store.saveCode(one));
    },
  ],
  [
    'codes and refresh tokens say at which addresses they were bought, and a client until when it may send plain challenges',
    async (store) => {
      const world = await consented(store);
      for (const profile of ['core', 'mediawiki'] as const) {
        const one = code(world, { profile });
        await store.saveCode(one);
        assert.equal((await store.findCode(one.digest))?.code.profile, profile);
        const token = access(world, { familyId: one.familyId });
        const bought = refresh(world, { familyId: one.familyId, accessTokenId: token.id, profile });
        await store.redeemCode(one.digest, NOW, { access: token, refresh: bought });
        assert.equal((await store.findRefreshToken(bought.digest))?.token.profile, profile);
      }
      const owner = await person(store);
      for (const plainPkceUntil of [null, at(900)]) {
        const made = await registered(store, owner, { plainPkceUntil });
        assert.equal((await store.findClient(made.id))?.plainPkceUntil, plainPkceUntil);
      }
    },
  ],
  [
    'a code is redeemed once: unknown, redeemed, replayed; a replay revokes what the first bought',
    async (store) => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const bought = () => {
        const token = access(world, { familyId: one.familyId });
        return {
          access: token,
          refresh: refresh(world, { familyId: one.familyId, accessTokenId: token.id }),
        };
      };
      const first = bought();
      assert.equal(await store.redeemCode(noSuch.digest, NOW, bought()), 'unknown');
      assert.equal(await store.redeemCode(one.digest, NOW, first), 'redeemed');
      assert.deepEqual((await store.findAccessToken(first.access.id))?.token, first.access);
      assert.deepEqual((await store.findRefreshToken(first.refresh.digest))?.token, first.refresh);
      assert.equal((await store.findAccessToken(first.access.id))?.familyRevoked, false);
      assert.equal((await store.findCode(one.digest))?.code.used, true);
      const late = bought();
      assert.equal(await store.redeemCode(one.digest, NOW, late), 'replayed');
      assert.equal(await store.findAccessToken(late.access.id), undefined);
      assert.equal((await store.findAccessToken(first.access.id))?.familyRevoked, true);
      assert.equal((await store.findRefreshToken(first.refresh.digest))?.familyRevoked, true);
      assert.equal((await store.findCode(one.digest))?.familyRevoked, true);
    },
  ],
  [
    '50 redemptions of one code at once: one is redeemed, and no other token is stored',
    async (store) => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const tokens = Array.from({ length: 50 }, () => access(world, { familyId: one.familyId }));
      const answers = await Promise.all(
        tokens.map((token) => store.redeemCode(one.digest, NOW, { access: token, refresh: null })),
      );
      assert.deepEqual(tally(answers), { redeemed: 1, replayed: 49 });
      const found = await Promise.all(tokens.map(({ id }) => store.findAccessToken(id)));
      assert.deepEqual(
        found.map((each) => each !== undefined),
        answers.map((each) => each === 'redeemed'),
      );
      assert.equal(found.find((each) => each !== undefined)?.familyRevoked, true);
    },
  ],
  [
    'what faults in the middle of a redemption leaves the code unspent',
    async (store) => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const twice = access(world);
      await store.saveAccessToken(twice);
      await assert.rejects(store.redeemCode(one.digest, NOW, { access: twice, refresh: null }));
      assert.equal((await store.findCode(one.digest))?.code.used, false);
      assert.equal(
        await store.redeemCode(one.digest, NOW, { access: access(world), refresh: null }),
        'redeemed',
      );
    },
  ],
  [
    'an access token that was judged on an edition of its client is saved if that is the edition',
    async (store) => {
      const world = await consented(store);
      const [right, late] = [access(world, { userId: null, consentId: null }), access(world)];
      assert.equal(await store.saveAccessToken(right, world.app.recordVersion), 'saved');
      assert.deepEqual((await store.findAccessToken(right.id))?.token, right);
      const retired = world.app.secrets.map(({ id }) => id);
      await store.applyChange(
        change(world.app.id, world.app.recordVersion, [{ kind: 'remove-secrets', ids: retired }]),
      );
      assert.equal(await store.saveAccessToken(late, world.app.recordVersion), 'changed');
      assert.equal(await store.findAccessToken(late.id), undefined);
      assert.equal(await store.saveAccessToken(late, world.app.recordVersion + 1), 'saved');
      assert.equal(
        await store.saveAccessToken(
          access({ ...world, app: { ...world.app, id: noSuch.client } }),
          0,
        ),
        'changed',
      );
    },
  ],
  [
    'an access token: saved, found with what it stands on, revoked; unknown ones are no error',
    async (store) => {
      const world = await consented(store);
      const one = access(world);
      await store.saveAccessToken(one);
      const found = await store.findAccessToken(one.id);
      assert.deepEqual(found?.token, one);
      assert.deepEqual(found?.client, world.app);
      assert.deepEqual(found?.consent, world.consent);
      assert.equal(found?.user?.id, world.user);
      await store.revokeAccessToken(one.id);
      await store.revokeAccessToken(one.id);
      await store.revokeAccessToken(tokenId());
      assert.equal((await store.findAccessToken(one.id))?.token.revoked, true);
      assert.equal(await store.findAccessToken(tokenId()), undefined);
      const own = access(world, { userId: null, consentId: null, grantType: 'client_credentials' });
      await store.saveAccessToken(own);
      assert.deepEqual(await store.findAccessToken(own.id), {
        token: own,
        familyRevoked: false,
        client: world.app,
        user: undefined,
        consent: undefined,
      });
    },
  ],
  [
    'asked for the tokens of one client, those of another are not found',
    async (store) => {
      const [world, elsewhere] = [await consented(store), await consented(store)];
      const one = code(world);
      await store.saveCode(one);
      const bought = access(world, { familyId: one.familyId });
      const next = refresh(world, { familyId: one.familyId, accessTokenId: bought.id });
      await store.redeemCode(one.digest, NOW, { access: bought, refresh: next });
      for (const [of, found] of [
        [world.app.id, true],
        [elsewhere.app.id, false],
        [noSuch.client, false],
        [undefined, true],
      ] as const) {
        assert.equal((await store.findAccessToken(bought.id, of)) !== undefined, found);
        assert.equal((await store.findRefreshToken(next.digest, of)) !== undefined, found);
      }
      assert.deepEqual(
        await store.findAccessToken(bought.id, world.app.id),
        await store.findAccessToken(bought.id),
      );
    },
  ],
  [
    'a token whose consent was renounced has none, whatever consents come later',
    async (store) => {
      const world = await consented(store);
      const one = access(world);
      await store.saveAccessToken(one);
      await store.revokeConsent(world.consent.id, world.user, audit(world.app.id));
      assert.equal((await store.findAccessToken(one.id))?.consent, undefined);
      const { id: _id, ...wish } = world.consent;
      const again = await store.saveConsent(wish, null, audit(world.app.id));
      assert.notEqual(again.id, world.consent.id);
      assert.equal((await store.findAccessToken(one.id))?.consent, undefined);
    },
  ],
  [
    'a refresh token rotates once: unknown, family-revoked, rotated, already-used with the winner\u2019s answer',
    async (store) => {
      const world = await consented(store);
      const old = access(world);
      await store.saveAccessToken(old);
      const one = code(world);
      await store.saveCode(one);
      const first = refresh(world, { familyId: one.familyId, accessTokenId: old.id });
      await store.redeemCode(one.digest, NOW, {
        access: access(world, { familyId: one.familyId }),
        refresh: first,
      });
      const next = () => {
        const token = access(world, { familyId: one.familyId });
        return {
          access: token,
          refresh: refresh(world, { familyId: one.familyId, accessTokenId: token.id }),
        };
      };
      assert.deepEqual(await store.rotateRefreshToken(noSuch.digest, NOW, answer, next(), false), {
        outcome: 'unknown',
      });
      const won = next();
      assert.deepEqual(await store.rotateRefreshToken(first.digest, at(5), answer, won, true), {
        outcome: 'rotated',
      });
      assert.equal((await store.findAccessToken(old.id))?.token.revoked, true);
      assert.deepEqual((await store.findRefreshToken(won.refresh.digest))?.token, won.refresh);
      const used = { outcome: 'already-used', usedAt: at(5), encryptedResponse: answer };
      assert.deepEqual(
        await store.rotateRefreshToken(
          first.digest,
          at(6),
          'other' as EncryptedSecret,
          next(),
          true,
        ),
        used,
      );
      assert.deepEqual((await store.findRefreshToken(first.digest))?.token, {
        ...first,
        usedAt: at(5),
        encryptedResponse: answer,
      });
      await store.revokeFamily(one.familyId, NOW);
      await store.revokeFamily(one.familyId, NOW);
      await store.revokeFamily(familyId(), NOW);
      const late = next();
      assert.deepEqual(
        await store.rotateRefreshToken(won.refresh.digest, NOW, answer, late, true),
        { outcome: 'family-revoked' },
      );
      assert.equal(await store.findAccessToken(late.access.id), undefined);
      assert.equal(await store.findRefreshToken(noSuch.digest), undefined);
    },
  ],
  [
    'a successor that was redeemed is seen as redeemed by every question that begins afterwards, and only then',
    async (store) => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const first = refresh(world, { familyId: one.familyId });
      await store.redeemCode(one.digest, NOW, {
        access: access(world, { familyId: one.familyId }),
        refresh: first,
      });
      let newest = first;
      for (let turn = 0; turn < 20; turn++) {
        const successor = refresh(world, { familyId: one.familyId });
        const next = { access: access(world, { familyId: one.familyId }), refresh: successor };
        assert.deepEqual(
          await store.rotateRefreshToken(newest.digest, at(turn), answer, next, false),
          { outcome: 'rotated' },
        );
        const [used, unused] = await Promise.all([
          store.findRefreshToken(newest.digest),
          store.findRefreshToken(successor.digest),
        ]);
        assert.deepEqual([used?.token.usedAt, unused?.token.usedAt], [at(turn), null]);
        newest = successor;
      }
    },
  ],
  [
    '50 rotations of one refresh token at once: one rotates, all others are told the same answer',
    async (store) => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const first = refresh(world, { familyId: one.familyId });
      await store.redeemCode(one.digest, NOW, {
        access: access(world, { familyId: one.familyId }),
        refresh: first,
      });
      const tries = Array.from({ length: 50 }, (_, index) => ({
        sealed: `answer ${index}` as EncryptedSecret,
        next: {
          access: access(world, { familyId: one.familyId }),
          refresh: refresh(world, { familyId: one.familyId, digest: digest() }),
        },
      }));
      const answers = await Promise.all(
        tries.map(({ sealed, next }) =>
          store.rotateRefreshToken(first.digest, NOW, sealed, next, false),
        ),
      );
      assert.deepEqual(tally(answers.map(({ outcome }) => outcome)), {
        rotated: 1,
        'already-used': 49,
      });
      const winner = tries[answers.findIndex(({ outcome }) => outcome === 'rotated')]?.sealed;
      for (const each of answers)
        if (each.outcome === 'already-used') assert.equal(each.encryptedResponse, winner);
      const stored = await Promise.all(
        tries.map(({ next }) => store.findRefreshToken(next.refresh.digest)),
      );
      assert.equal(stored.filter((each) => each !== undefined).length, 1);
    },
  ],
];
