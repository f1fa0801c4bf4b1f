import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '#accounts/account.ts';
import { EVERY_SITE } from '#kernel/ids.ts';
import { type Actor, OPERATOR, RIGHTS, UNAUTHENTICATED } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import { app, registry } from './world.ts';

const everyRight = new Set<string>(Object.values(RIGHTS));

/** Somebody in a browser who has just signed in. */
const person = (account: Account | null, rights: readonly string[] = [], at = 0): Actor => ({
  kind: 'person',
  account,
  rights: new Set(rights),
  address: '192.0.2.1',
  via: 'page',
  authentication:
    account === null
      ? UNAUTHENTICATED
      : { kind: 'session', proof: { at: at as never, method: 'password' } },
});

async function scene() {
  const world = await registry();
  const created = await world.clients.create(app(), world.owner, { approve: true });
  assert.ok(created.ok);
  const other = await world.clients.create(app({ name: 'Other' }), world.owner, { approve: false });
  assert.ok(other.ok);
  const hidden = await world.clients.disable(created.value.client.id, {
    reason: 'what its name says',
    suppress: true,
  });
  assert.ok(hidden.ok);
  const reviewer = await world.person('Rita');
  return {
    ...world,
    hidden: hidden.value.client as Client,
    waiting: other.value.client as Client,
    reviewer,
    owns: person(world.owner, [RIGHTS.manageConsents]),
    stranger: person(null),
    guest: person(world.user),
    reviews: person(reviewer, [RIGHTS.review], world.clock.now()),
    sees: person(reviewer, [...everyRight], world.clock.now()),
  };
}

test('a hidden app is found by those who manage it and those who may see hidden apps', async () => {
  const { registry: it, hidden, owns, stranger, guest, reviews, sees } = await scene();
  for (const [actor, finds] of [
    [owns, true],
    [sees, true],
    [OPERATOR, true],
    [stranger, false],
    [guest, false],
    [reviews, false],
  ] as const) {
    assert.equal((await it.query(actor).findClient(hidden.id)) !== undefined, finds);
    const { items } = await it.query(actor).listClients({ ownerId: hidden.ownerId });
    assert.equal(
      items.some(({ id }) => id === hidden.id),
      finds,
    );
    assert.equal(await it.query(actor).countClients({ ownerId: hidden.ownerId }), finds ? 2 : 1);
  }
  const listed = await it
    .query(owns)
    .listClients({ ownerId: hidden.ownerId, includeOwnHidden: false });
  assert.deepEqual(
    listed.items.map(({ name }) => name),
    ['Other'],
  );
});

test('an identifier that is none finds nothing', async () => {
  const { registry: it } = await scene();
  assert.equal(await it.query(OPERATOR).findClient("' or 1=1"), undefined);
  assert.equal(await it.query(OPERATOR).isRegistered('x'), false);
});

test('a list is read in parts, and the last part says so', async () => {
  const { registry: it, waiting } = await scene();
  const first = await it.query(OPERATOR).listClients({ limit: 1 });
  assert.deepEqual([first.items.length, first.next], [1, waiting.number]);
  const last = await it.query(OPERATOR).listClients({ limit: 1, below: first.next as number });
  assert.deepEqual([last.items.length, last.next], [1, null]);
});

test('the log of an app is for those who manage it and reviewers', async () => {
  const { registry: it, waiting, owns, guest, reviews } = await scene();
  assert.ok((await it.query(owns).auditOf(waiting, { limit: 5 })).ok);
  assert.ok((await it.query(reviews).auditOf(waiting, { limit: 5 })).ok);
  const refused = await it.query(guest).auditOf(waiting, { limit: 5 });
  assert.deepEqual(refused, { ok: false, refusal: { kind: 'permission_denied', right: null } });
});

test('entries about a hidden app name neither it nor the reason, and keep values back', async () => {
  const { registry: it, hidden, reviews } = await scene();
  const log = await it.query(reviews).auditLog({ clientId: hidden.id, limit: 9 });
  assert.ok(log.ok);
  const proposed = log.value.items.at(-1);
  assert.equal(proposed?.clientName, null);
  assert.equal(log.value.items[0]?.reason, '');
  const name = proposed?.changes.find(({ field }) => field === 'name');
  assert.ok(name && !('after' in name));
  const stage = proposed?.changes.find(({ field }) => field === 'stage');
  assert.ok(stage && 'after' in stage);
});

test('the whole log is for reviewers; everybody reads what they did themselves', async () => {
  const { registry: it, stranger, guest, user, sees, demoted } = await scene();
  demoted.add(user.id);
  assert.deepEqual(await it.query(stranger).auditLog({ limit: 5 }), {
    ok: false,
    refusal: { kind: 'not_logged_in' },
  });
  assert.deepEqual(await it.query(guest).auditLog({ limit: 5 }), {
    ok: false,
    refusal: { kind: 'permission_denied', right: RIGHTS.review },
  });
  assert.ok((await it.query(guest).auditLog({ actorId: user.id, limit: 5 })).ok);
  assert.ok((await it.query(sees).auditLog({ limit: 5 })).ok);
});

test('an ETag says what happened since, to whoever it was made for', async () => {
  const { registry: it, clients, waiting, owns, reviews } = await scene();
  const etag = it.etagFor(owns, waiting);
  assert.equal(await it.query(owns).changesSince(waiting, etag), null);
  const approved = await clients.approve(waiting.id);
  assert.ok(approved.ok);
  const since = await it.query(owns).changesSince(approved.value.client, etag);
  assert.deepEqual(
    since?.map(({ action }) => action),
    ['approve'],
  );
  assert.deepEqual(await it.query(reviews).changesSince(approved.value.client, etag), []);
  assert.deepEqual(await it.query(owns).changesSince(approved.value.client, 'x'), []);
});

test('reviews are assigned to reviewers, one after the other, until they are decided', async () => {
  const { registry: it, waiting, guest, reviews, sees, person: newPerson, clock } = await scene();
  assert.equal(await it.query(reviews).hasAvailableReview(), true);
  assert.deepEqual(await it.assignReview(guest, waiting.id), {
    ok: false,
    refusal: { kind: 'permission_denied', right: RIGHTS.review },
  });
  assert.deepEqual(await it.assignNextReview(reviews), { ok: true, value: waiting.id });
  assert.equal((await it.query(reviews).assignmentsOf([waiting.id])).size, 1);
  const second = person(await newPerson('Rolf'), [RIGHTS.review], clock.now());
  assert.deepEqual(await it.assignReview(second, waiting.id), { ok: true, value: 'taken' });
  assert.deepEqual(await it.assignReview(second, waiting.id, { takeOver: true }), {
    ok: true,
    value: 'assigned',
  });
  assert.equal((await it.query(guest).assignmentsOf([waiting.id])).size, 0);
  assert.equal((await it.query(second).assignmentsOf([waiting.id])).size, 1);
  const decided = await it.submit(sees, 'reject', {
    clientId: waiting.id,
    reason: 'no',
    suppress: false,
    etag: it.etagFor(sees, waiting),
  });
  assert.ok(decided.ok);
  assert.equal((await it.query(second).assignmentsOf([waiting.id])).size, 0);
});

test('nobody takes up a review while nothing may be written', async () => {
  const { registry: it, person: newPerson } = await registry({ readOnly: 'moving' });
  const reviewer = person(await newPerson('Rita'), [RIGHTS.review]);
  for (const answer of [
    await it.assignNextReview(reviewer),
    await it.assignReview(reviewer, 'a'.repeat(32) as Client['id']),
    await it.releaseReview(reviewer, 'a'.repeat(32) as Client['id']),
  ])
    assert.deepEqual(answer, { ok: false, refusal: { kind: 'readonly', reason: 'moving' } });
});

test('consents of others are for those who may see private things', async () => {
  const { registry: it, guest, user, owner, owns, sees, stranger } = await scene();
  assert.ok((await it.query(guest).consentsOf(user.id)).ok);
  assert.ok((await it.query(sees).consentsOf(user.id)).ok);
  assert.equal((await it.query(owns).consentsOf(user.id)).ok, false);
  assert.equal((await it.query(stranger).consentsOf(owner.id)).ok, false);
  assert.deepEqual(await it.query(stranger).listConsents(), []);
});

test('a returning person is not asked again for who they are, and for more they are', async () => {
  const { registry: it, clients, consents, owner, user } = await registry();
  const guest = person(user);
  const made = await clients.create(app({ name: 'Login', scopes: ['mwoauth-authonly'] }), owner, {
    approve: true,
  });
  assert.ok(made.ok);
  const { client } = made.value;
  const request = {
    scopes: ['mwoauth-authonly'],
    site: EVERY_SITE,
    redirectUri: client.redirectUri,
  };
  assert.deepEqual(await it.query(guest).consentNeed(client, request), { kind: 'ask' });
  await consents.accept(client, user, request.scopes);
  assert.equal((await it.query(guest).consentNeed(client, request))?.kind, 'standing');
  assert.deepEqual(
    await it.query(guest).consentNeed(client, { ...request, canSkipConsent: false }),
    { kind: 'ask' },
  );
  assert.equal(await it.query(person(null)).consentNeed(client, request), undefined);
});
