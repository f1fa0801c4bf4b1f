import assert from 'node:assert/strict';
import type { PendingRequestRecords } from '#accounts/kept-requests.ts';
import type { RateCounters, Sessions } from '#accounts/records.ts';
import type { ConsentId, Digest, UserId } from '#kernel/ids.ts';
import { instant } from '#kernel/time.ts';
import type { TemporaryCredentialRecords } from '#oauth1/records.ts';
import type {
  AuthorizationRequest,
  AuthorizationRequests,
} from '#registry/model/authorization-request.ts';
import {
  at,
  clientId,
  decision,
  digest,
  NOW,
  nonce,
  request,
  session,
  tally,
  temporary,
  text,
} from './things.ts';

/** The ports of what expires, whoever answers them. */
export type ShortLived = Sessions &
  RateCounters &
  PendingRequestRecords &
  AuthorizationRequests &
  TemporaryCredentialRecords;
export type EphemeralCase = readonly [name: string, run: (store: ShortLived) => Promise<void>];

let people = 0;
/** Somebody with no sessions yet; across processes too. */
export const somebody = (): UserId => {
  people += 1;
  return (process.pid * 10_000 + people) as UserId;
};

const browser = { agent: 'Mozilla/5.0 ("quoted", ☃)', address: '2001:db8::7' };
const yes = (verifierDigest: Digest = digest()) => ({
  userId: somebody(),
  consentId: 7 as ConsentId,
  verifierDigest,
});
const times = <T>(count: number, ask: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => ask(index)));

const asked: AuthorizationRequest['asked'] = {
  protocol: 'oauth2',
  redirectUri: 'https://app.example/cb?a=1&b=“2”',
  redirectUriSent: true,
  state: 'x'.repeat(2048),
  codeChallenge: 'c'.repeat(43),
  codeChallengeMethod: 'S256',
};

/** Every verb with each of its outcomes, the clock's edge, and fifty at once. */
export const ephemeralCases: readonly EphemeralCase[] = [
  [
    'a session is found as it was saved, until the very second of its expiry',
    async (store) => {
      const own = session(somebody(), { ...browser, expiresAt: at(60) });
      await store.saveSession(own);
      assert.deepEqual({ ...(await store.findSession(own.digest, at(59))) }, own);
      assert.equal(await store.findSession(own.digest, at(60)), undefined);
      assert.deepEqual(
        { ...(await store.findSession(own.digest, NOW)) },
        own,
        'looking ends nothing',
      );
      assert.equal(await store.findSession(digest(), NOW), undefined);
    },
  ],
  [
    'a session that was over when it was saved is never found',
    async (store) => {
      const own = session(somebody(), { ...browser, expiresAt: NOW });
      await store.saveSession(own);
      assert.equal(await store.findSession(own.digest, NOW), undefined);
    },
  ],
  [
    'a session is saved once',
    async (store) => {
      const own = session(somebody(), browser);
      await store.saveSession(own);
      await assert.rejects(store.saveSession({ ...own, userId: somebody() }));
      assert.equal((await store.findSession(own.digest, NOW))?.userId, own.userId);
    },
  ],
  [
    'signing out ends one session; ending an unknown one is no error',
    async (store) => {
      const user = somebody();
      const [one, other] = [session(user, browser), session(user, browser)];
      await store.saveSession(one);
      await store.saveSession(other);
      await store.endSession(one.digest);
      await store.endSession(one.digest);
      assert.equal(await store.findSession(one.digest, NOW), undefined);
      assert.equal((await store.findSession(other.digest, NOW))?.userId, user);
    },
  ],
  [
    'a session remembers when its person last proved who they are; one that ended is not brought back',
    async (store) => {
      const own = session(somebody(), {
        ...browser,
        expiresAt: at(60),
        proof: { at: at(-30), method: 'password' },
      });
      const other = session(somebody(), browser);
      for (const each of [own, other]) await store.saveSession(each);
      assert.deepEqual((await store.findSession(own.digest, NOW))?.proof, {
        at: at(-30),
        method: 'password',
      });
      assert.equal(await store.recordProof(own.digest, { at: NOW, method: 'passkey' }), 'recorded');
      assert.deepEqual(
        { ...(await store.findSession(own.digest, NOW)) },
        { ...own, proof: { at: NOW, method: 'passkey' } },
      );
      assert.equal(
        await store.findSession(own.digest, at(60)),
        undefined,
        'it lives no longer for that',
      );
      assert.equal((await store.findSession(other.digest, NOW))?.proof, null);
      await store.endSession(own.digest);
      assert.equal(await store.recordProof(own.digest, { at: NOW, method: 'password' }), 'unknown');
      assert.equal(await store.findSession(own.digest, NOW), undefined);
      assert.equal(await store.recordProof(digest(), { at: NOW, method: 'password' }), 'unknown');
    },
  ],
  [
    'what is used lives longer, keeps what else is known of it, and is neither set back nor brought back',
    async (store) => {
      const user = somebody();
      const own = session(user, { ...browser, activeAt: NOW, expiresAt: at(60), endsAt: at(500) });
      await store.saveSession(own);
      assert.equal(await store.findSession(own.digest, at(60)), undefined);
      await store.recordProof(own.digest, { at: NOW, method: 'passkey' });
      await store.recordActivity(own, at(50), at(110));
      const used = {
        ...own,
        activeAt: at(50),
        expiresAt: at(110),
        proof: { at: NOW, method: 'passkey' },
      };
      assert.deepEqual({ ...(await store.findSession(own.digest, at(109))) }, used);
      assert.deepEqual(
        (await store.listSessions(user, at(109))).map((each) => ({ ...each })),
        [used],
      );
      assert.equal(await store.findSession(own.digest, at(110)), undefined);
      assert.deepEqual(await store.listSessions(user, at(110)), []);
      await store.recordActivity(own, at(40), at(400));
      assert.deepEqual(
        { ...(await store.findSession(own.digest, at(109))) },
        used,
        'a node that is behind changes nothing',
      );
      await store.endSession(own.digest);
      await store.recordActivity(own, at(70), at(130));
      assert.equal(await store.findSession(own.digest, NOW), undefined);
      await store.endSessionsOf(user);
    },
  ],
  [
    'a person’s sessions are listed newest first, without those that expired or ended',
    async (store) => {
      const user = somebody();
      const [old, young, short, ended] = [
        session(user, { ...browser, createdAt: at(-20) }),
        session(user, { ...browser, createdAt: at(-10) }),
        session(user, { ...browser, expiresAt: at(30) }),
        session(user, browser),
      ];
      for (const each of [young, old, short, ended, session(somebody(), browser)])
        await store.saveSession(each);
      await store.endSession(ended.digest);
      const listed = async (now = NOW) =>
        (await store.listSessions(user, now)).map((each) => ({ ...each }));
      assert.deepEqual(await listed(at(29)), [short, young, old]);
      assert.deepEqual(await listed(at(30)), [young, old]);
      assert.deepEqual(await listed(at(60)), []);
      assert.deepEqual(await store.listSessions(somebody(), NOW), []);
    },
  ],
  [
    'all sessions of a person end at once, however many, and nobody else’s',
    async (store) => {
      const [user, other] = [somebody(), somebody()];
      const own = Array.from({ length: 1203 }, () => session(user, browser));
      await Promise.all(own.map((each) => store.saveSession(each)));
      const spared = session(other, browser);
      await store.saveSession(spared);
      await store.endSessionsOf(user);
      for (const each of [own[0], own[499], own[500], own[1202]])
        assert.equal(await store.findSession(each?.digest as Digest, NOW), undefined);
      assert.deepEqual(await store.listSessions(user, NOW), []);
      assert.equal((await store.findSession(spared.digest, NOW))?.userId, other);
      const later = session(user, browser);
      await store.saveSession(later);
      assert.equal(
        (await store.findSession(later.digest, NOW))?.userId,
        user,
        'signing in again works',
      );
      await store.endSessionsOf(somebody());
    },
  ],
  [
    'sign-in and “end all” at once: a session survives only if it was saved afterwards',
    async (store) => {
      const user = somebody();
      const own = Array.from({ length: 20 }, () => session(user, browser));
      await Promise.all([...own.map((each) => store.saveSession(each)), store.endSessionsOf(user)]);
      await store.endSessionsOf(user);
      for (const each of own)
        assert.equal(
          await store.findSession(each.digest, NOW),
          undefined,
          'none escapes the next one',
        );
    },
  ],
  [
    'a counter counts in a window that starts at the first hit and ends at the very second',
    async (store) => {
      const key = text('limit');
      assert.equal(await store.count(key, NOW), 0);
      assert.equal(await store.increment(key, NOW, at(10)), 1);
      assert.equal(
        await store.increment(key, at(5), at(15)),
        2,
        'a later hit does not move the end',
      );
      assert.equal(await store.count(key, at(9)), 2);
      assert.equal(await store.count(key, at(10)), 0);
      assert.equal(await store.increment(key, at(10), at(20)), 1, 'a new window');
      assert.equal(await store.count(key, at(19)), 1);
      await store.clear(key);
      assert.equal(await store.count(key, at(11)), 0);
      await store.clear(key);
      assert.equal(await store.increment(key, at(11), at(21)), 1);
    },
  ],
  [
    'fifty hits at once are fifty; keys are told apart, whatever is in them',
    async (store) => {
      const key = `${text('limit')} {x} ☃ \r\n ${'long '.repeat(500)}`;
      const counts = await times(50, () => store.increment(key, NOW, at(10)));
      assert.deepEqual(
        counts.toSorted((one, other) => one - other),
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      assert.equal(await store.count(`${key}.`, NOW), 0);
    },
  ],
  [
    'a request is found as it was saved until the very second, and as of earlier afterwards; of fifty decisions at once it has one',
    async (store) => {
      const one = request({
        asked,
        scopes: ['basic', 'editpage'],
        display: 'popup',
        dialect: 'mediawiki',
        expiresAt: at(600),
      });
      await store.saveRequest(one);
      await assert.rejects(store.saveRequest(one), 'it is saved once');
      assert.deepEqual(await store.findRequest(one.digest, at(599)), one);
      assert.equal(await store.findRequest(one.digest, at(600)), undefined);
      const nexts = Array.from({ length: 50 }, () => ({ ...one, decision: decision() }));
      const answers = await times(50, (index) => store.replaceRequest(one, nexts[index] as never));
      assert.deepEqual(tally(answers), { replaced: 1, changed: 49 });
      const won = nexts[answers.indexOf('replaced')];
      assert.deepEqual(await store.findRequest(one.digest, at(599)), won);
      assert.equal(await store.replaceRequest(one, { ...one, decision: decision() }), 'changed');
      assert.equal(
        await store.replaceRequest(won as never, { ...one, decision: decision() }),
        'replaced',
        'a decision can be changed',
      );
      const unknown = request();
      assert.equal(await store.replaceRequest(unknown, unknown), 'changed');
      assert.equal(await store.findRequest(unknown.digest, NOW), undefined);
    },
  ],
  [
    'a pair is claimed for a yes before it has a consent, cannot be exchanged, and is bound by the same yes alone; ended, it is gone',
    async (store) => {
      const [pair, verifier] = [temporary({ expiresAt: at(600) }), digest()];
      await store.saveTemporaryCredentials(nonce(at(301)), pair);
      const claim = { ...yes(verifier), consentId: null };
      const answers = await times(20, () =>
        store.authorizeTemporaryCredentials(
          pair.token,
          { ...claim, verifierDigest: digest() },
          NOW,
          at(900),
        ),
      );
      assert.deepEqual(tally(answers), { authorized: 1, 'already-authorized': 19 });
      const won = (await store.findTemporaryCredentials(pair.token, NOW))?.authorized;
      assert.equal(won?.consentId, null);
      const mine = { ...claim, verifierDigest: won?.verifierDigest as Digest };
      const redeem = () =>
        store.redeemTemporaryCredentials(
          nonce(at(301)),
          pair.token,
          mine.verifierDigest,
          NOW,
          at(950),
        );
      assert.equal(await redeem(), 'not-authorized');
      assert.equal(
        await store.authorizeTemporaryCredentials(pair.token, mine, NOW, at(900)),
        'authorized',
        'the same yes again',
      );
      const bound = { ...yes(mine.verifierDigest), userId: claim.userId };
      assert.equal(
        await store.authorizeTemporaryCredentials(
          pair.token,
          { ...bound, verifierDigest: verifier },
          NOW,
          at(900),
        ),
        'already-authorized',
      );
      assert.equal(
        await store.authorizeTemporaryCredentials(
          pair.token,
          { ...bound, userId: 99_999 as UserId },
          NOW,
          at(900),
        ),
        'already-authorized',
      );
      assert.equal(
        await store.authorizeTemporaryCredentials(pair.token, bound, NOW, at(900)),
        'authorized',
      );
      assert.equal(
        await store.authorizeTemporaryCredentials(pair.token, bound, NOW, at(900)),
        'already-authorized',
      );
      assert.deepEqual((await store.findTemporaryCredentials(pair.token, NOW))?.authorized, bound);
      assert.equal(await redeem(), 'redeemed');
      await store.deleteTemporaryCredentials(pair.token);
      await store.deleteTemporaryCredentials(pair.token);
      assert.equal(await store.findTemporaryCredentials(pair.token, NOW), undefined);
      assert.equal(await redeem(), 'gone');
    },
  ],
  [
    'a kept request is found as often as it is asked for until the very second, and kept once',
    async (store) => {
      const one = {
        digest: digest(),
        path: `/oauth2/authorize?state=${'%E2%98%83'.repeat(1500)}`,
        expiresAt: at(600),
      };
      await store.savePendingRequest(one);
      await assert.rejects(store.savePendingRequest(one), 'it is kept once');
      for (const offset of [0, 1, 599])
        assert.equal(await store.findPendingRequest(one.digest, at(offset)), one.path);
      assert.equal(await store.findPendingRequest(one.digest, at(600)), undefined);
      assert.equal(await store.findPendingRequest(digest(), NOW), undefined);
    },
  ],
  [
    'a nonce is first once, of fifty at once too, until it expires',
    async (store) => {
      const one = nonce(at(301));
      assert.deepEqual(tally(await times(50, () => store.claimNonce(one))), { first: 1, seen: 49 });
      assert.equal(await store.claimNonce({ ...one, expiresAt: at(400) }), 'seen');
      assert.equal(await store.claimNonce(nonce(at(301))), 'first');
    },
  ],
  [
    'temporary credentials are saved with their nonce or not at all, and found until the very second',
    async (store) => {
      const [pair, claim] = [
        temporary({ callback: `https://app.example/${'ü'.repeat(900)}`, expiresAt: at(600) }),
        nonce(at(301)),
      ];
      assert.equal(await store.saveTemporaryCredentials(claim, pair), 'saved');
      assert.deepEqual(await store.findTemporaryCredentials(pair.token, at(599)), pair);
      assert.equal(await store.findTemporaryCredentials(pair.token, at(600)), undefined);
      assert.equal(await store.claimNonce(claim), 'seen');
      const late = temporary();
      assert.equal(await store.saveTemporaryCredentials(claim, late), 'nonce-seen');
      assert.equal(await store.findTemporaryCredentials(late.token, NOW), undefined);
      const spent = nonce(at(301));
      await store.claimNonce(spent);
      assert.equal(await store.saveTemporaryCredentials(spent, late), 'nonce-seen');
      const unspent = nonce(at(301));
      await assert.rejects(
        store.saveTemporaryCredentials(unspent, { ...pair, clientId: clientId() }),
        'a pair is saved once',
      );
      assert.equal(await store.claimNonce(unspent), 'first', 'what faulted spent nothing');
      assert.deepEqual(await store.findTemporaryCredentials(pair.token, NOW), pair);
      assert.equal(await store.findTemporaryCredentials('unknown', NOW), undefined);
    },
  ],
  [
    'a pair is authorized once, of fifty at once, not when it is gone, and lives on from then',
    async (store) => {
      const pair = temporary({ expiresAt: at(600) });
      await store.saveTemporaryCredentials(nonce(at(301)), pair);
      assert.equal(
        await store.authorizeTemporaryCredentials('unknown', yes(), NOW, at(900)),
        'gone',
      );
      assert.equal(
        await store.authorizeTemporaryCredentials(pair.token, yes(), at(600), at(900)),
        'gone',
      );
      const wishes = Array.from({ length: 50 }, () => yes());
      const answers = await times(50, (index) =>
        store.authorizeTemporaryCredentials(pair.token, wishes[index] as never, at(599), at(900)),
      );
      assert.deepEqual(tally(answers), { authorized: 1, 'already-authorized': 49 });
      const winner = wishes[answers.indexOf('authorized')] as ReturnType<typeof yes>;
      assert.deepEqual(await store.findTemporaryCredentials(pair.token, at(899)), {
        ...pair,
        expiresAt: at(900),
        authorized: winner,
      });
      assert.equal(await store.findTemporaryCredentials(pair.token, at(900)), undefined);
    },
  ],
  [
    'a pair is redeemed once, of fifty at once, with each refusal on the way; every try spends its nonce',
    async (store) => {
      const [pair, verifier] = [temporary({ expiresAt: at(600) }), digest()];
      await store.saveTemporaryCredentials(nonce(at(301)), pair);
      const redeem = (claim = nonce(at(301)), one = verifier, now = NOW, token = pair.token) =>
        store.redeemTemporaryCredentials(claim, token, one, now, at(950));
      assert.equal(await redeem(nonce(at(301)), verifier, NOW, 'unknown'), 'gone');
      assert.equal(await redeem(), 'not-authorized');
      assert.equal(await redeem(nonce(at(301)), verifier, at(600)), 'gone');
      await store.authorizeTemporaryCredentials(pair.token, yes(verifier), NOW, at(900));
      const spent = nonce(at(301));
      assert.equal(await redeem(spent, digest()), 'wrong-verifier');
      assert.equal(await redeem(spent), 'nonce-seen');
      assert.equal(await store.claimNonce(spent), 'seen');
      assert.equal(await redeem(nonce(at(301)), 'short' as Digest), 'wrong-verifier');
      assert.equal(await redeem(nonce(at(301)), verifier, at(900)), 'gone');
      assert.deepEqual(tally(await times(50, () => redeem())), { redeemed: 1, 'already-used': 49 });
      const used = await store.findTemporaryCredentials(pair.token, at(949));
      assert.equal(used?.used, true);
      assert.equal(used.expiresAt, at(950));
      assert.equal(used.authorized?.verifierDigest, verifier);
      assert.equal(await store.findTemporaryCredentials(pair.token, at(950)), undefined);
      assert.equal(await redeem(nonce(at(301)), verifier, at(950)), 'gone');
      assert.equal(
        await store.authorizeTemporaryCredentials(pair.token, yes(), NOW, at(990)),
        'gone',
      );
    },
  ],
  [
    'one nonce for fifty redemptions at once: one is redeemed, the others see the nonce',
    async (store) => {
      const [pair, verifier, claim] = [temporary(), digest(), nonce(at(301))];
      await store.saveTemporaryCredentials(nonce(at(301)), pair);
      await store.authorizeTemporaryCredentials(pair.token, yes(verifier), NOW, at(900));
      const answers = await times(50, () =>
        store.redeemTemporaryCredentials(claim, pair.token, verifier, NOW, at(950)),
      );
      assert.deepEqual(tally(answers), { redeemed: 1, 'nonce-seen': 49 });
    },
  ],
];

/** One question of each verb, for when nobody answers. */
export const everyVerb = (store: ShortLived): Readonly<Record<string, () => Promise<unknown>>> => ({
  saveSession: () => store.saveSession(session(somebody(), browser)),
  findSession: () => store.findSession(digest(), NOW),
  listSessions: () => store.listSessions(somebody(), NOW),
  noteActivity: () => store.recordActivity(session(somebody(), browser), NOW, at(10)),
  recordProof: () => store.recordProof(digest(), { at: NOW, method: 'password' }),
  endSession: () => store.endSession(digest()),
  endSessionsOf: () => store.endSessionsOf(somebody()),
  hit: () => store.increment(text('limit'), NOW, at(10)),
  count: () => store.count(text('limit'), NOW),
  clear: () => store.clear(text('limit')),
  saveRequest: () => store.saveRequest(request()),
  findRequest: () => store.findRequest(digest(), NOW),
  replaceRequest: () => store.replaceRequest(request(), request()),
  endTemporary: () => store.deleteTemporaryCredentials(temporary().token),
  keepRequest: () => store.savePendingRequest({ digest: digest(), path: '/', expiresAt: at(600) }),
  keptRequest: () => store.findPendingRequest(digest(), NOW),
  claimNonce: () => store.claimNonce(nonce(at(301))),
  saveTemporary: () => store.saveTemporaryCredentials(nonce(at(301)), temporary()),
  findTemporary: () => store.findTemporaryCredentials(temporary().token, NOW),
  authorizeTemporary: () =>
    store.authorizeTemporaryCredentials(temporary().token, yes(), NOW, at(900)),
  redeemTemporary: () =>
    store.redeemTemporaryCredentials(nonce(at(301)), temporary().token, digest(), NOW, at(900)),
});

/**
 * What several processes try to have at once, each thing to be had once. Prepared by one of them,
 * named in text.
 */
export interface Race {
  readonly nonces: readonly string[];
  readonly requests: readonly Digest[];
  readonly pairs: readonly { readonly token: string; readonly verifier: Digest }[];
  readonly limit: string;
}

export async function prepareRace(store: ShortLived): Promise<Race> {
  const race = {
    nonces: Array.from({ length: 20 }, () => nonce().key),
    requests: Array.from({ length: 20 }, () => digest()),
    pairs: Array.from({ length: 20 }, () => ({ token: temporary().token, verifier: digest() })),
    limit: text('limit'),
  };
  for (const one of race.requests) await store.saveRequest(request({ digest: one }));
  for (const { token, verifier } of race.pairs) {
    await store.saveTemporaryCredentials(nonce(at(301)), temporary({ token }));
    await store.authorizeTemporaryCredentials(token, yes(verifier), NOW, at(900));
  }
  return race;
}

/** One racer: what it got of each, in the order of the race. */
export async function run(
  store: ShortLived,
  race: Race,
): Promise<Record<'nonces' | 'requests' | 'pairs', readonly boolean[]>> {
  const [nonces, requests, pairs] = await Promise.all([
    Promise.all(
      race.nonces.map(
        async (key) => (await store.claimNonce({ key, expiresAt: instant(at(301)) })) === 'first',
      ),
    ),
    Promise.all(
      race.requests.map(async (digest) => {
        const found = await store.findRequest(digest, NOW);
        return (
          found?.decision === undefined &&
          (await store.replaceRequest(
            found as never,
            { ...found, decision: decision() } as never,
          )) === 'replaced'
        );
      }),
    ),
    Promise.all(
      race.pairs.map(
        async ({ token, verifier }) =>
          (await store.redeemTemporaryCredentials(
            nonce(at(301)),
            token,
            verifier,
            NOW,
            at(950),
          )) === 'redeemed',
      ),
    ),
    Promise.all(Array.from({ length: 20 }, () => store.increment(race.limit, NOW, at(10)))),
  ]);
  return { nonces, requests, pairs };
}
