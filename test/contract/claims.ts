import assert from 'node:assert/strict';
import type { UserId } from '#kernel/ids.ts';
import type { Client } from '#registry/model/client.ts';
import type { NewClient } from '#registry/records.ts';
import type { Store } from '#store/store.ts';
import type { Case } from './store.ts';
import { at, change, client, creation, NOW, noSuch, person } from './things.ts';

async function made(store: Store, owner: UserId, changes: Partial<NewClient>): Promise<Client> {
  const applied = await store.applyChange(creation(client(owner, changes)));
  assert.ok(applied.outcome === 'applied');
  return applied.client;
}

/** Long before everything else in the store: what waits longest comes first. */
const EARLY = 1_000_000_000;

/** What waits for a review, and who looks at it. */
export const claimCases: readonly Case[] = [
  [
    'a claim is one person’s until it runs out, is taken over, or is released',
    async (store) => {
      const [owner, rex, rita] = [await person(store), await person(store), await person(store)];
      const { id } = await made(store, owner, { stage: 'proposed' });
      const claim = (who: UserId, now: number, over = false) =>
        store.assign(id, who, { now: at(now), endedAt: at(now - 3600), takeOver: over });
      const holder = async (now: number) =>
        (await store.assignmentsOf([id, noSuch.client], at(now - 3600))).get(id);
      assert.equal(await holder(0), undefined);
      assert.equal(await claim(rex, 0), 'assigned');
      assert.deepEqual(await holder(3599), { clientId: id, reviewerId: rex, at: NOW });
      assert.equal(await holder(3600), undefined);
      assert.equal(await claim(rita, 3599), 'taken');
      assert.equal(await claim(rex, 10), 'assigned', 'again');
      assert.equal(await claim(rita, 3609), 'taken');
      assert.equal(await claim(rita, 3610), 'assigned');
      assert.equal(await claim(rex, 3611, true), 'assigned');
      await store.unassign(id, rita);
      assert.equal((await holder(3612))?.reviewerId, rex);
      await store.unassign(id, rex);
      assert.equal(await holder(3612), undefined);
      await claim(rita, 4000);
      await store.unassign(id, null);
      assert.equal(await holder(4001), undefined);
    },
  ],
  [
    'of many who claim at once, one gets it',
    async (store) => {
      const { id } = await made(store, await person(store), { stage: 'proposed' });
      const people = await Promise.all(Array.from({ length: 8 }, () => person(store)));
      const answers = await Promise.all(
        people.map((who) => store.assign(id, who, { now: NOW, endedAt: at(-3600) })),
      );
      assert.equal(answers.filter((answer) => answer === 'assigned').length, 1);
    },
  ],
  [
    'apps and changes wait together, the longest wait first; page by page; hidden ones apart; counted',
    async (store) => {
      const owner = await person(store);
      const when = (offset: number) => (EARLY + offset) as Client['stageAt'];
      const before = await store.countPendingReviews({});
      const seen = await store.countPendingReviews({ suppressed: false });
      const first = await made(store, owner, { stage: 'proposed', stageAt: when(1) });
      const live = await made(store, owner, { stageAt: when(0) });
      const third = await made(store, owner, { stage: 'proposed', stageAt: when(3) });
      const hidden = await made(store, owner, {
        stage: 'proposed',
        stageAt: when(4),
        suppressed: true,
      });
      const { name, description, redirectUri, redirectIsPrefix, site, scopes, optionalScopes } =
        live;
      const fields = {
        name,
        description,
        redirectUri,
        redirectIsPrefix,
        site,
        scopes,
        optionalScopes,
      };
      const revision = { clientId: live.id, fields, proposedBy: owner, proposedAt: when(2) };
      await store.applyChange(
        change(live.id, live.recordVersion, [{ kind: 'open-revision', revision }]),
      );
      const waiting = async (more: object = {}) => {
        const found = await store.listPendingReviews({
          after: { since: when(0), clientId: noSuch.client },
          limit: 4,
          ...more,
        });
        return found.filter(({ since }) => since <= when(4));
      };
      const all = await waiting();
      assert.deepEqual(
        all.map(({ clientId, since }) => [clientId, since]),
        [
          [first.id, when(1)],
          [live.id, when(2)],
          [third.id, when(3)],
          [hidden.id, when(4)],
        ],
      );
      assert.deepEqual(
        all.map(({ revisionId }) => typeof revisionId),
        ['object', 'number', 'object', 'object'],
      );
      assert.deepEqual(
        (await waiting({ suppressed: false })).map(({ clientId }) => clientId),
        [first.id, live.id, third.id],
      );
      const [, second] = all;
      assert.deepEqual(
        (await waiting({ after: second })).map(({ clientId }) => clientId),
        [third.id, hidden.id],
      );
      assert.equal(await store.countPendingReviews({}), before + 4);
      assert.equal(await store.countPendingReviews({ suppressed: false }), seen + 3);

      const [rex, rita] = [await person(store), await person(store)];
      const free = async (reviewerId: UserId) =>
        (await waiting({ availableTo: { reviewerId, endedAt: at(-3600) } })).map(
          ({ clientId }) => clientId,
        );
      assert.deepEqual(await free(owner), []);
      await store.assign(first.id, rex, { now: NOW, endedAt: at(-3600) });
      assert.deepEqual(await free(rex), [first.id, live.id, third.id, hidden.id]);
      assert.deepEqual(await free(rita), [live.id, third.id, hidden.id]);
      const yes = {
        kind: 'first-approval',
        reviewerId: rita,
        revisionId: second?.revisionId ?? 0,
        subject: 'it',
        at: NOW,
      } as const;
      await store.applyChange(change(live.id, live.recordVersion + 1, [yes]));
      await store.applyChange(
        change(third.id, third.recordVersion, [{ ...yes, revisionId: null }]),
      );
      assert.deepEqual(await free(rita), [hidden.id]);
    },
  ],
];
