import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiRoutes } from '#http/routes/api/api.ts';
import { snake } from '#http/routes/api/problems.ts';
import { apiScopes } from '#http/routes/api/route.ts';
import { MANAGING_SCOPES } from '#registry/actor.ts';
import { fieldReaders, openingScopes } from '#registry/visibility.ts';
import { Desk, type Ids } from '../transcripts/api/desk.ts';

// A token of any kind is a stranger unless its scopes say otherwise (ADR 17): Ada owns the app and Rita reviews, and what each token of theirs sees is
// what the table of its scope says.

const { clients, review, consents, audit } = apiScopes;
const scopes = ['editpage', 'highvolume', clients, review, consents, audit, 'oauthmanageownclient'] as const;
const all = [...scopes];

/** The scopes with which each reading route answers; an app's own view by its owner, a reviewer's by a reviewer. */
const opens: Readonly<Record<string, readonly string[]>> = {
  listClients: all,
  getClient: all,
  listSecrets: [clients],
  listRevisions: [clients, 'oauthmanageownclient'],
  getTeam: [clients, 'oauthmanageownclient'],
  auditOfClient: [clients, 'oauthmanageownclient'],
  impactOfClient: [clients, 'oauthmanageownclient'],
  listInvitations: [clients],
  listReviews: [],
  riskOfClient: [],
  listConsents: [consents],
  listAudit: [audit],
  whoAmI: all,
  listScopes: all,
  listSites: all,
};
/** What a reviewer's token opens besides. */
const reviewing = ['listRevisions', 'getTeam', 'auditOfClient', 'impactOfClient', 'listReviews', 'riskOfClient'];

let desk: Desk;
let ids: Ids;
before(async () => {
  desk = await Desk.open();
  ids = await desk.app({ name: 'Reader' });
});
after(() => desk.close());

const query = (id: string) => (id === 'listClients' ? '?owner=Ada' : id === 'listAudit' ? '?actor=me' : '');

describe('every reading route, by the owner', () => {
  test('has a row, and every route that writes names one scope', () => {
    const reading = apiRoutes.filter(({ method }) => method === 'GET').map(({ id }) => id);
    assert.deepEqual(Object.keys(opens).sort(), reading.sort());
    for (const { id, method, scope } of apiRoutes)
      if (method !== 'GET') assert.ok(Object.values<unknown>(apiScopes).includes(scope), `${id} names no scope`);
  });
  for (const [id, open] of Object.entries(opens))
    for (const scope of scopes)
      test(`${id} with ${scope} is ${open.includes(scope) ? 'answered' : 'refused'}`, async () => {
        const answer = await desk.call(id, ids, { by: 'token', scopes: [scope], query: query(id) });
        assert.equal(answer.statusCode, open.includes(scope) ? 200 : 403, answer.body);
      });
});

describe('every field of an app', () => {
  const schema = Object.keys(fieldReaders).filter((field) => !['id', 'ownerId', 'secrets', 'edition'].includes(field));
  for (const scope of scopes)
    for (const id of ['getClient', 'listClients'] as const)
      test(`${id} with ${scope}`, async () => {
        const body = (await desk.call(id, ids, { by: 'token', scopes: [scope], query: query(id) })).json();
        const shown = id === 'getClient' ? body : body.items[0];
        for (const field of schema) {
          if (!(snake(field) in shown) && !shown.hidden.includes(snake(field))) continue;
          const opening = openingScopes[fieldReaders[field as keyof typeof fieldReaders]];
          // The owner is no reviewer: their token of that scope opens nothing of theirs.
          const may = opening === null || (opening.includes(scope) && MANAGING_SCOPES.includes(scope));
          assert.equal(snake(field) in shown, may, `${field} with ${scope}`);
        }
      });
  test('a reviewer’s token shows the contact with the scope for reviewing alone', async () => {
    for (const scope of scopes) {
      const shown = (await desk.call('getClient', ids, { as: 'rex', by: 'token', scopes: [scope] })).json();
      assert.equal('email' in shown, scope === review, scope);
      for (const id of reviewing) {
        const { statusCode } = await desk.call(id, ids, { as: 'rex', by: 'token', scopes: [scope] });
        assert.equal(statusCode, scope === review ? 200 : 403, `${id} ${scope}`);
      }
    }
  });
  test('the description of the API says which scopes open a field', async () => {
    const { components } = (await desk.world.app.inject({ url: '/api/v1/openapi.json' })).json();
    assert.deepEqual(components.schemas.Client.properties.email['x-scopes'], openingScopes.contact);
    assert.equal(components.schemas.Client.properties.name['x-scopes'], undefined);
  });
});

test('“mine” is a stranger’s list for a token that was not lent it, and hidden apps are not in it', async () => {
  const gone = await desk.app({ name: 'Gone' });
  await desk.act('operator', 'disable', gone, { suppress: true });
  const list = async (asked: string, scope: string) =>
    (await desk.call('listClients', {}, { by: 'token', scopes: [scope], query: asked })).json().items as {
      client_id: string;
      email?: string;
    }[];
  for (const item of await list('?owner=me', 'editpage')) assert.equal(item.email, undefined);
  assert.ok(!(await list('?owner=me', 'editpage')).some(({ client_id: id }) => id === gone.client_id));
  assert.ok((await list('?owner=me', clients)).some(({ client_id: id }) => id === gone.client_id));
  assert.deepEqual(await list('?keeper=me', 'editpage'), []);
  assert.notDeepEqual(await list('?keeper=me', clients), []);
  assert.equal((await desk.call('getClient', gone, { by: 'token', scopes: ['editpage'] })).statusCode, 404);
});

test('the dialect’s list: the contact address is for tokens that manage apps', async () => {
  for (const [scope, sees] of [
    ['editpage', false],
    ['oauthmanageownclient', true],
    [clients, true],
  ] as const) {
    const answer = await desk.world.app.inject({
      url: '/w/rest.php/oauth2/client',
      headers: { authorization: `Bearer ${await desk.token('ada', [scope])}` },
    });
    const { clients: items } = answer.json() as { clients: { name: string; email?: string }[] };
    assert.ok(items.some(({ name }) => name === 'Reader'));
    for (const { name, email } of items) if (name === 'Reader') assert.equal(email !== undefined, sees, scope);
    assert.equal(
      items.some(({ name }) => name === 'Gone'),
      false,
      'names of hidden apps',
    );
  }
});
