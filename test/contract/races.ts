import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import type { EncryptedSecret, SiteId } from '#kernel/ids.ts';
import type { ApprovalConditions } from '#registry/records.ts';
import { openStore } from '#store/open.ts';
import type { Store } from '#store/store.ts';
import {
  access,
  at,
  audit,
  change,
  code,
  consented,
  decision,
  digest,
  NOW,
  nonce,
  notice,
  person,
  refresh,
  registered,
  request,
  tally,
  temporary,
  text,
} from './things.ts';
import type { Order } from './worker.ts';

const NODES = 3;
const EACH = 20;
const ALL = NODES * EACH;

/** Answers as one word each. */
const wordOf = (answer: unknown): string =>
  typeof answer === 'string'
    ? answer
    : answer === null
      ? 'nothing'
      : String((answer as { outcome?: unknown }).outcome ?? 'something');

/**
 * Several processes over one database, all after the same one-time thing. `create` answers where an
 * empty one is.
 */
export function raceContract(name: string, create: () => Promise<string>): void {
  describe(name, { timeout: 120_000 }, () => {
    let nodes: readonly ChildProcess[] = [];
    let store: Store;

    before(async () => {
      const location = await create();
      // All start at once on an empty database: one migrates, the others wait for it.
      nodes = Array.from({ length: NODES }, () =>
        fork(new URL('worker.ts', import.meta.url), [location]),
      );
      const started = await Promise.all(
        nodes.map((node) => Promise.race([once(node, 'message'), once(node, 'exit')])),
      );
      assert.deepEqual(
        started.flat(),
        Array(NODES)
          .fill('ready')
          .flatMap((word) => [word, undefined]),
      );
      store = await openStore(location);
    });
    after(async () => {
      await store?.close();
      const gone = nodes.filter(({ connected }) => connected).map((node) => once(node, 'exit'));
      for (const node of nodes) if (node.connected) node.disconnect();
      await Promise.all(gone);
    });

    /**
     * Every node makes each of its calls at once; answers all that came back, in the order of the
     * calls.
     */
    async function everywhere(
      verb: Order['verb'],
      call: (index: number) => readonly unknown[],
    ): Promise<readonly unknown[]> {
      const answers = nodes.map(async (node, which) => {
        const heard = once(node, 'message');
        node.send({
          verb,
          calls: Array.from({ length: EACH }, (_, index) => call(which * EACH + index)),
        } satisfies Order);
        return (await heard)[0] as readonly unknown[];
      });
      return (await Promise.all(answers)).flat();
    }
    const words = async (...asked: Parameters<typeof everywhere>) =>
      tally((await everywhere(...asked)).map(wordOf));

    test('several nodes start on an empty database: one migrates, and all agree', async () => {
      const { from, to } = await store.planMigration();
      assert.equal(from, to);
    });

    test('a nonce', async () => {
      const claim = nonce();
      assert.deepEqual(await words('claimNonce', () => [claim]), { first: 1, seen: ALL - 1 });
    });

    test('a code', async () => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const tokens = Array.from({ length: ALL }, () => access(world, { familyId: one.familyId }));
      const answers = await everywhere('redeemCode', (index) => [
        one.digest,
        NOW,
        { access: tokens[index], refresh: null },
      ]);
      assert.deepEqual(tally(answers.map(wordOf)), { redeemed: 1, replayed: ALL - 1 });
      const stored = await Promise.all(tokens.map(({ id }) => store.findAccessToken(id)));
      assert.deepEqual(
        stored.map((each) => each !== undefined),
        answers.map((each) => each === 'redeemed'),
      );
      assert.equal((await store.findCode(one.digest))?.familyRevoked, true);
    });

    test('a refresh token', async () => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const first = refresh(world, { familyId: one.familyId });
      await store.redeemCode(one.digest, NOW, {
        access: access(world, { familyId: one.familyId }),
        refresh: first,
      });
      const next = Array.from({ length: ALL }, () => ({
        access: access(world),
        refresh: refresh(world, { familyId: one.familyId }),
      }));
      const answers = await everywhere('rotateRefreshToken', (index) => [
        first.digest,
        NOW,
        `answer ${index}`,
        next[index],
        false,
      ]);
      assert.deepEqual(tally(answers.map(wordOf)), { rotated: 1, 'already-used': ALL - 1 });
      const winner = `answer ${answers.map(wordOf).indexOf('rotated')}`;
      for (const answer of answers as { outcome: string; encryptedResponse?: string }[])
        if (answer.outcome === 'already-used') assert.equal(answer.encryptedResponse, winner);
      const stored = await Promise.all(
        next.map(({ refresh: { digest: each } }) => store.findRefreshToken(each)),
      );
      assert.equal(stored.filter((each) => each !== undefined).length, 1);
    });

    test('the successor of a refresh token: once it was redeemed, every node sees it', async () => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const [first, second] = [
        refresh(world, { familyId: one.familyId }),
        refresh(world, { familyId: one.familyId }),
      ];
      await store.redeemCode(one.digest, NOW, {
        access: access(world, { familyId: one.familyId }),
        refresh: first,
      });
      await store.rotateRefreshToken(
        first.digest,
        NOW,
        'answer' as EncryptedSecret,
        { access: access(world), refresh: second },
        false,
      );
      const used = async () =>
        (
          (await everywhere('findRefreshToken', () => [second.digest])) as {
            token: { usedAt: number | null };
          }[]
        ).map(({ token }) => token.usedAt);
      assert.deepEqual(await used(), Array(ALL).fill(null));
      const third = { access: access(world), refresh: refresh(world, { familyId: one.familyId }) };
      await store.rotateRefreshToken(
        second.digest,
        at(5),
        'answer' as EncryptedSecret,
        third,
        false,
      );
      assert.deepEqual(await used(), Array(ALL).fill(at(5)));
    });

    test('temporary credentials: authorized once, redeemed once', async () => {
      const pair = temporary();
      await store.saveTemporaryCredentials(nonce(), pair);
      const { user, consent } = await consented(store);
      const verifierDigest = digest();
      const yes = { userId: user, consentId: consent.id, verifierDigest };
      const said = await words('authorizeTemporaryCredentials', () => [
        pair.token,
        yes,
        NOW,
        at(900),
      ]);
      assert.deepEqual(said, { authorized: 1, 'already-authorized': ALL - 1 });
      const spent = await words('redeemTemporaryCredentials', () => [
        nonce(),
        pair.token,
        verifierDigest,
        NOW,
        at(950),
      ]);
      assert.deepEqual(spent, { redeemed: 1, 'already-used': ALL - 1 });
    });

    test('a request that waits for a decision', async () => {
      const one = request();
      await store.saveRequest(one);
      const said = await words('replaceRequest', () => [one, { ...one, decision: decision() }]);
      assert.deepEqual(said, { replaced: 1, changed: ALL - 1 });
    });

    test('a limit', async () => {
      const key = text('limit');
      const counts = (await everywhere('increment', () => [key, NOW, at(10)])) as number[];
      assert.equal(new Set(counts).size, ALL);
      assert.equal(await store.count(key, NOW), ALL);
    });

    test('a record version of a client', async () => {
      const app = await registered(store, await person(store));
      const answers = await words('applyChange', (index) => [
        change(app.id, 0, [
          { kind: 'save-client', client: { ...app, description: `by ${index}` } },
        ]),
      ]);
      assert.deepEqual(answers, { applied: 1, stale: ALL - 1 });
      assert.equal(
        (await store.listAudit({ clientId: app.id, afterRecordVersion: 0, limit: ALL })).length,
        1,
      );
    });

    test('a consent with its permanent pair', async () => {
      const user = await person(store);
      const app = await registered(store, await person(store));
      const wish = {
        userId: user,
        clientId: app.id,
        site: '*' as SiteId,
        scopes: ['basic'],
        acceptedAt: NOW,
      };
      const line = audit(app.id, { action: 'accept', actorId: user });
      const saved = (await everywhere('saveConsent', () => [
        wish,
        { token: text('token'), encryptedSecret: 's' as EncryptedSecret },
        line,
      ])) as {
        id: number;
      }[];
      assert.equal(new Set(saved.map(({ id }) => id)).size, 1);
      assert.equal((await store.listConsents(user)).length, 1);
      assert.equal(
        (await store.listAudit({ clientId: app.id, about: 'consents', limit: ALL })).length,
        1,
      );
    });

    test('approvals of different scopes: all of them are in the consent', async () => {
      const user = await person(store);
      const app = await registered(store, await person(store));
      const conditions: ApprovalConditions = {
        recordVersion: app.recordVersion,
        existingConsentOnly: false,
        allowedScopes: ['basic', ...Array.from({ length: ALL }, (_, index) => `s${index}`)],
        withdrawnScopes: [],
      };
      const line = audit(app.id, { action: 'accept', actorId: user });
      await everywhere('acceptConsent', (index) => [
        {
          userId: user,
          clientId: app.id,
          site: '*' as SiteId,
          scopes: ['basic', `s${index}`],
          acceptedAt: NOW,
        },
        { token: text('token'), encryptedSecret: 's' as EncryptedSecret },
        line,
        conditions,
      ]);
      const [consent, ...others] = await store.listConsents(user);
      assert.equal(others.length, 0);
      assert.equal(consent?.scopes[0], 'basic');
      assert.equal(new Set(consent?.scopes).size, ALL + 1);
    });

    test('the audit trail\u2019s numbers are in the order of the commits', async () => {
      const owner = await person(store);
      const apps = await Promise.all(Array.from({ length: ALL }, () => registered(store, owner)));
      const [last] = await store.listAudit({ limit: 1 });
      const read: number[] = [];
      let over = false;
      const reader = (async () => {
        for (let done = false; !done; ) {
          done = over;
          const lines = await store.listAudit({
            after: read.at(-1) ?? last?.id ?? 0,
            order: 'oldest-first',
            limit: 7,
          });
          read.push(...lines.map(({ id }) => id));
          if (lines.length > 0) done = false;
          // A store that answers at once would leave the other processes no turn.
          await new Promise(setImmediate);
        }
      })();
      const answers = await words('applyChange', (index) => [
        change(apps[index]?.id ?? ('' as never), 0, [{ kind: 'clear-approvals' }]),
      ]);
      over = true;
      await reader;
      assert.deepEqual(answers, { applied: ALL });
      assert.equal(read.length, ALL, 'who reads along misses no line');
    });

    test('notices are claimed by one node each', async () => {
      const app = await registered(store, await person(store));
      const long = at(-1_000_000_000);
      const notes = Array.from({ length: ALL }, () => {
        const plain = notice(app.id);
        return { ...plain, facts: { ...plain.facts, at: long } };
      });
      await store.applyChange(change(app.id, 0, [], { notifications: notes }));
      const claims = (await everywhere('claimNotifications', () => [
        long,
        at(-999_999_000),
        2,
      ])) as {
        key: string;
      }[][];
      const keys = claims.flat().map(({ key }) => key);
      assert.equal(new Set(keys).size, keys.length);
    });
  });
}
