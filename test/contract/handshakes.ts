import assert from 'node:assert/strict';
import type { Digest, EncryptedSecret, SiteId } from '#kernel/ids.ts';
import type { Case } from './store.ts';
import {
  at,
  audit,
  consented,
  decision,
  digest,
  NOW,
  nonce,
  noSuch,
  person,
  registered,
  request,
  tally,
  temporary,
  text,
} from './things.ts';

/** Nonces, temporary credentials, token credentials and requests that wait for a decision. */
export const handshakeCases: readonly Case[] = [
  [
    'a nonce is first once, of 50 at once too',
    async (store) => {
      const one = nonce();
      assert.equal(await store.claimNonce(one), 'first');
      assert.equal(await store.claimNonce({ ...one, expiresAt: at(9) }), 'seen');
      const other = nonce();
      const claims = await Promise.all(Array.from({ length: 50 }, () => store.claimNonce(other)));
      assert.deepEqual(tally(claims), { first: 1, seen: 49 });
    },
  ],
  [
    'temporary credentials are saved with their nonce or not at all, and last until the very second',
    async (store) => {
      const [pair, spent] = [temporary(), nonce()];
      assert.equal(await store.saveTemporaryCredentials(spent, pair), 'saved');
      assert.deepEqual(await store.findTemporaryCredentials(pair.token, at(599)), pair);
      assert.equal(await store.findTemporaryCredentials(pair.token, at(600)), undefined);
      const late = temporary();
      assert.equal(await store.saveTemporaryCredentials(spent, late), 'nonce-seen');
      assert.equal(await store.findTemporaryCredentials(late.token, NOW), undefined);
      const again = nonce();
      await assert.rejects(store.saveTemporaryCredentials(again, pair));
      assert.equal(await store.claimNonce(again), 'first', 'what faulted spent nothing');
    },
  ],
  [
    'a pair is authorized once: authorized, already-authorized, gone',
    async (store) => {
      const pair = temporary();
      await store.saveTemporaryCredentials(nonce(), pair);
      const { user, consent } = await consented(store);
      const yes = { userId: user, consentId: consent.id, verifierDigest: digest() };
      assert.equal(await store.authorizeTemporaryCredentials('unknown', yes, NOW, at(900)), 'gone');
      assert.equal(
        await store.authorizeTemporaryCredentials(pair.token, yes, at(600), at(900)),
        'gone',
      );
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          store.authorizeTemporaryCredentials(
            pair.token,
            { ...yes, verifierDigest: digest() },
            at(599),
            at(900),
          ),
        ),
      );
      assert.deepEqual(tally(answers), { authorized: 1, 'already-authorized': 49 });
      const found = await store.findTemporaryCredentials(pair.token, at(899));
      assert.equal(found?.authorized?.userId, user);
      assert.equal(found?.expiresAt, at(900));
    },
  ],
  [
    'a pair is redeemed once, with every refusal on the way, and each attempt spends its nonce',
    async (store) => {
      const pair = temporary();
      await store.saveTemporaryCredentials(nonce(), pair);
      const { user, consent } = await consented(store);
      const verifierDigest = digest();
      const redeem = (one: Digest, now = NOW, claim = nonce(), token = pair.token) =>
        store.redeemTemporaryCredentials(claim, token, one, now, at(950));
      assert.equal(await redeem(verifierDigest), 'not-authorized');
      await store.authorizeTemporaryCredentials(
        pair.token,
        { userId: user, consentId: consent.id, verifierDigest },
        NOW,
        at(900),
      );
      const wrong = nonce();
      assert.equal(await redeem(digest(), NOW, wrong), 'wrong-verifier');
      assert.equal(await redeem(verifierDigest, NOW, wrong), 'nonce-seen');
      assert.equal(await redeem(verifierDigest, at(900)), 'gone');
      assert.equal(await redeem(verifierDigest, NOW, nonce(), 'unknown'), 'gone');
      const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(verifierDigest)));
      assert.deepEqual(tally(answers), { redeemed: 1, 'already-used': 49 });
      assert.equal((await store.findTemporaryCredentials(pair.token, at(949)))?.used, true);
      assert.equal(await redeem(verifierDigest, at(950)), 'gone');
      assert.equal(
        await store.authorizeTemporaryCredentials(
          pair.token,
          { userId: user, consentId: consent.id, verifierDigest },
          NOW,
          at(990),
        ),
        'gone',
      );
    },
  ],
  [
    'one redemption with one nonce, 50 at once: one is redeemed, the others see the nonce',
    async (store) => {
      const pair = temporary();
      await store.saveTemporaryCredentials(nonce(), pair);
      const { user, consent } = await consented(store);
      const verifierDigest = digest();
      await store.authorizeTemporaryCredentials(
        pair.token,
        { userId: user, consentId: consent.id, verifierDigest },
        NOW,
        at(900),
      );
      const claim = nonce();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          store.redeemTemporaryCredentials(claim, pair.token, verifierDigest, NOW, at(950)),
        ),
      );
      assert.deepEqual(tally(answers), { redeemed: 1, 'nonce-seen': 49 });
    },
  ],
  [
    'token credentials belong to a consent, one pair for each, and die with it',
    async (store) => {
      const user = await person(store);
      const app = await registered(store, await person(store), { protocol: 'oauth1' });
      const pair = (token: string) => ({ token, encryptedSecret: 'v1.m1.s.t' as EncryptedSecret });
      const wish = {
        userId: user,
        clientId: app.id,
        site: 'here' as SiteId,
        scopes: ['basic'],
        acceptedAt: NOW,
      };
      const [first, second] = [text('token'), text('token')];
      const consent = await store.saveConsent(wish, pair(first), audit(app.id));
      assert.equal((await store.saveConsent(wish, pair(second), audit(app.id))).id, consent.id);
      assert.equal(await store.tokenOfConsent(consent.id), first);
      assert.deepEqual(await store.findTokenCredentials(first), {
        credentials: { ...pair(first), consentId: consent.id },
        consent,
      });
      assert.deepEqual(await store.findTokenCredentialsByConsent(consent.id), {
        ...pair(first),
        consentId: consent.id,
      });
      assert.equal(await store.findTokenCredentials(second), undefined);
      assert.equal(await store.findTokenCredentialsByConsent(noSuch.consent), undefined);
      assert.equal(await store.tokenOfConsent(noSuch.consent), undefined);
      assert.equal(await store.revokeConsent(consent.id, user, audit(app.id)), 'revoked');
      assert.equal(await store.findTokenCredentials(first), undefined);
      assert.equal(await store.tokenOfConsent(consent.id), undefined);
    },
  ],
  [
    'a request that waits for a decision lasts until the very second, and of 50 decisions at once it has one',
    async (store) => {
      const one = request();
      await store.saveRequest(one);
      assert.deepEqual(await store.findRequest(one.digest, at(599)), one);
      assert.equal(await store.findRequest(one.digest, at(600)), undefined);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          store.replaceRequest(one, { ...one, decision: decision() }),
        ),
      );
      assert.deepEqual(tally(answers), { replaced: 1, changed: 49 });
      assert.equal((await store.findRequest(one.digest, NOW))?.decision?.kind, 'allowed');
      assert.equal(await store.replaceRequest(request(), one), 'changed');
    },
  ],
];
