import assert from 'node:assert/strict';
import type { Answer, Desk, Ids, Part } from './desk.ts';

/** How a route succeeds: who asks, what was there before, what is sent, and what it led to. */
export interface Row {
  readonly as: Part;
  /** Scopes of the token, where the route's own is not what lets the caller in. */
  readonly scopes?: readonly string[];
  readonly ready?: (desk: Desk) => Promise<Ids>;
  readonly query?: string;
  readonly body?: object | ((desk: Desk) => object);
  readonly check?: (answer: Answer, ids: Ids, desk: Desk) => void | Promise<void>;
}

export const bodyOf = ({ body }: Pick<Row, 'body'>, desk: Desk): object | undefined =>
  typeof body === 'function' ? body(desk) : body;

/** A proposal with nothing special about it. */
export const plain = (desk: Desk) => ({
  name: desk.fresh(),
  description: 'Reads.',
  protocol: 'oauth2',
  redirect_uri: 'https://reader.example/cb',
  scopes: ['editpage'],
  terms_accepted: true,
});

// Scenes: what was there before.

export const proposed = (desk: Desk) => desk.app({}, false);
export const approved = (desk: Desk) => desk.app();
export async function disabled(desk: Desk): Promise<Ids> {
  const ids = await desk.app();
  await desk.act('operator', 'disable', ids, { suppress: false });
  return ids;
}
export async function rejected(desk: Desk): Promise<Ids> {
  const ids = await proposed(desk);
  await desk.act('operator', 'reject', ids, { suppress: false });
  return ids;
}
export async function hidden(desk: Desk): Promise<Ids> {
  const ids = await desk.app();
  await desk.act('operator', 'disable', ids, { suppress: true });
  return ids;
}
export async function revised(
  desk: Desk,
  values: object = { description: 'Reads and writes.' },
): Promise<Ids> {
  const ids = await desk.app();
  await desk.act('ada', 'revise', ids, { ...values });
  const open = await desk.world.server.store.openRevision((await desk.client(ids)).id);
  assert.ok(open);
  return { ...ids, revision_id: open.id };
}
export async function withSecrets(desk: Desk): Promise<Ids> {
  const ids = await desk.app();
  await desk.act('ada', 'add-secret', ids, { label: 'second' });
  const [first] = (await desk.client(ids)).secrets;
  assert.ok(first);
  return { ...ids, secret_id: first.id };
}
export async function invited(desk: Desk): Promise<Ids> {
  const ids = await desk.app();
  await desk.act('ada', 'invite', ids, { userId: desk.people.mia.id });
  return { ...ids, user_id: desk.people.mia.id };
}
export async function maintained(desk: Desk): Promise<Ids> {
  const ids = await invited(desk);
  await desk.act('mia', 'join', ids);
  return ids;
}
export async function offered(desk: Desk): Promise<Ids> {
  const ids = await desk.app();
  await desk.act('ada', 'offer', ids, { userId: desk.people.dan.id });
  return ids;
}
export async function consented(desk: Desk): Promise<Ids> {
  const ids = await desk.app();
  const consent = await desk.world.consents.accept(await desk.client(ids), desk.people.ben, [
    'editpage',
  ]);
  return { ...ids, consent_id: consent.id };
}

/** The stage an answer shows. */
const stage = (wanted: string) => (answer: Answer) => assert.equal(answer.json().stage, wanted);
const first = (field: string) => (answer: Answer, ids: Ids) =>
  assert.equal(answer.json().items[0][field], ids[field]);

/** One success of every route. A route without a row here fails the tests. */
export const rows: Readonly<Record<string, Row>> = {
  listClients: {
    as: 'ada',
    ready: approved,
    query: '?owner=me&protocol=oauth2&stage=approved&limit=1',
    check: first('client_id'),
  },
  proposeClient: {
    as: 'ada',
    body: plain,
    async check(answer, _ids, desk) {
      const { client_id: id, client_secret: secret, stage: now } = answer.json();
      assert.deepEqual([now, answer.headers.location], ['proposed', `/api/v1/clients/${id}`]);
      assert.match(secret, /^[0-9a-f]{40}$/);
      assert.equal(
        (await desk.call('getClient', { client_id: id }, { as: 'ada' })).json().email,
        'ada@example.org',
      );
    },
  },
  getClient: {
    as: 'ben',
    ready: approved,
    check: (answer, ids) => {
      const { client_id: id, hidden: unseen, change_token: token } = answer.json();
      assert.deepEqual(
        [id, unseen, answer.headers.etag],
        [ids.client_id, ['email', 'restrictions'], `"${token}"`],
      );
    },
  },
  updateClient: {
    as: 'ada',
    ready: approved,
    body: { restrictions: { addresses: ['192.0.2.0/24'] }, reason: 'one office' },
    check: (answer) =>
      assert.deepEqual(answer.json().restrictions, { addresses: ['192.0.2.0/24'], pages: [] }),
  },
  resetSecret: {
    as: 'ada',
    ready: approved,
    body: {},
    check: (answer) => assert.match(answer.json().client_secret, /^[0-9a-f]{40}$/),
  },
  listSecrets: {
    as: 'ada',
    ready: withSecrets,
    check: (answer) =>
      assert.deepEqual(
        Array.from(answer.json().items, ({ label }: { label: string }) => label),
        ['first', 'second'],
      ),
  },
  addSecret: {
    as: 'mia',
    ready: maintained,
    body: { label: 'next', expires_at: '2030-01-01T00:00:00Z' },
    async check(answer, ids, desk) {
      assert.match(answer.json().client_secret, /^[0-9a-f]{40}$/);
      const { items } = (await desk.call('listSecrets', ids, { as: 'mia' })).json();
      assert.deepEqual([items[1].label, items[1].expires_at], ['next', '2030-01-01T00:00:00Z']);
    },
  },
  retireSecret: {
    as: 'ada',
    ready: withSecrets,
    check: async (_answer, ids, desk) =>
      assert.deepEqual(
        (await desk.client(ids)).secrets.map(({ label }) => label),
        ['second'],
      ),
  },
  listRevisions: {
    as: 'ada',
    ready: revised,
    check: (answer) =>
      assert.deepEqual(answer.json().items[0].changes, [
        { field: 'description', before: '', after: 'Reads and writes.' },
      ]),
  },
  revise: {
    as: 'ada',
    ready: approved,
    body: { scopes: ['editpage', 'sendemail'], reason: 'letters' },
    check: async (answer, ids, desk) => {
      assert.deepEqual(answer.json().scopes, ['basic', 'editpage'], 'the live app stays as it is');
      assert.equal((await desk.call('listRevisions', ids)).json().items[0].stage, 'proposed');
    },
  },
  withdrawRevision: {
    as: 'ada',
    ready: revised,
    body: {},
    check: async (_answer, ids, desk) =>
      assert.equal((await desk.call('listRevisions', ids)).json().items[0].stage, 'withdrawn'),
  },
  getTeam: {
    as: 'ada',
    ready: maintained,
    check: (answer, _ids, { people: { ada, mia } }) =>
      assert.deepEqual(answer.json(), {
        owner: { id: ada.id, name: 'Ada' },
        maintainers: [{ id: mia.id, name: 'Mia', accepted: true }],
        offered_to: null,
      }),
  },
  inviteMaintainer: {
    as: 'ada',
    ready: approved,
    body: { user: 'Mia' },
    check: async (_answer, ids, desk) =>
      assert.deepEqual((await desk.call('getTeam', ids, { as: 'mia' })).json().maintainers, [
        { id: desk.people.mia.id, name: 'Mia', accepted: false },
      ]),
  },
  removeMaintainer: {
    as: 'mia',
    ready: maintained,
    check: async (_answer, ids, desk) =>
      assert.deepEqual((await desk.call('getTeam', ids)).json().maintainers, []),
  },
  join: {
    as: 'mia',
    ready: invited,
    body: {},
    check: async (_answer, ids, desk) =>
      assert.equal((await desk.call('getTeam', ids)).json().maintainers[0].accepted, true),
  },
  acceptOffer: {
    as: 'dan',
    ready: offered,
    body: {},
    check: (answer) => assert.equal(answer.json().owner.name, 'Dan'),
  },
  declineOffer: {
    as: 'dan',
    ready: offered,
    body: {},
    check: async (_answer, ids, desk) =>
      assert.equal((await desk.call('getTeam', ids)).json().offered_to, null),
  },
  offerClient: {
    as: 'ada',
    ready: approved,
    body: (desk) => ({ user: desk.people.dan.id }),
    check: async (_answer, ids, desk) =>
      assert.equal((await desk.call('getTeam', ids)).json().offered_to.name, 'Dan'),
  },
  declineInvitations: {
    as: 'ben',
    body: { declined: false },
    check: (answer) => assert.deepEqual(answer.json(), { declined: false }),
  },
  listInvitations: {
    as: 'dan',
    ready: offered,
    check: (answer, { client_id: id }) =>
      assert.deepEqual(
        answer.json().items.filter((one: { client_id: string }) => one.client_id === id),
        [{ client_id: id, kind: 'own' }],
      ),
  },
  auditOfClient: {
    as: 'ada',
    ready: approved,
    check: (answer) =>
      assert.deepEqual(
        Array.from(answer.json().items, ({ action }: { action: string }) => action),
        ['approve', 'propose'],
      ),
  },
  listReviews: {
    as: 'rex',
    ready: proposed,
    query: '?limit=1',
    check: (answer, ids) => {
      const [{ client, revision, risk }] = answer.json().items;
      assert.deepEqual(
        [client.client_id, client.email, revision],
        [ids.client_id, 'ada@example.org', null],
      );
      assert.ok(risk.findings.some(({ rule }: { rule: string }) => rule === 'young-owner'));
    },
  },
  riskOfClient: {
    as: 'rex',
    ready: (desk) => revised(desk, { scopes: ['editpage', 'sendemail'] }),
    check: (answer) =>
      assert.deepEqual(
        answer.json().findings[0],
        { rule: 'risky-scopes', weight: 6, evidence: 'security: sendemail' },
        answer.body,
      ),
  },
  impactOfClient: {
    as: 'rex',
    scopes: ['gatehouse:review'],
    ready: consented,
    check: (answer) => assert.deepEqual(answer.json(), { users: 1, tokens: 0, calls_last_day: 0 }),
  },
  approveClient: { as: 'rex', ready: proposed, body: { reason: 'fine' }, check: stage('approved') },
  rejectClient: {
    as: 'rex',
    ready: proposed,
    body: { reason: 'no', suppress: true },
    check: stage('rejected'),
  },
  disableClient: {
    as: 'rex',
    ready: approved,
    body: { suppress: false },
    check: stage('disabled'),
  },
  reenableClient: { as: 'rex', ready: disabled, body: {}, check: stage('approved') },
  haltClient: {
    as: 'rex',
    ready: approved,
    body: { suspension: 'all' },
    check: (answer) => assert.equal(answer.json().suspension, 'all'),
  },
  setPkceExemption: {
    as: 'rex',
    ready: approved,
    body: { pkce_optional: true },
    check: (answer) => assert.equal(answer.json().pkce_optional, true),
  },
  approveRevision: {
    as: 'rex',
    ready: revised,
    body: {},
    check: (answer) => assert.equal(answer.json().description, 'Reads and writes.'),
  },
  rejectRevision: {
    as: 'rex',
    ready: revised,
    body: {},
    check: (answer) => assert.equal(answer.json().description, ''),
  },
  listConsents: { as: 'ben', ready: consented, query: '?limit=1', check: first('consent_id') },
  renounceConsent: {
    as: 'ben',
    ready: consented,
    check: async (_answer, ids, desk) =>
      assert.equal(
        await desk.world.server.store.findConsentById(ids.consent_id as never),
        undefined,
      ),
  },
  listAudit: {
    as: 'rex',
    ready: proposed,
    query: '?action=propose&limit=1',
    check: first('client_id'),
  },
  whoAmI: {
    as: 'ben',
    check: (answer, _ids, { people }) => assert.equal(answer.json().id, people.ben.id),
  },
  listScopes: {
    as: 'ben',
    check: (answer) =>
      assert.ok(answer.json().items.some(({ name }: { name: string }) => name === 'editpage')),
  },
  listSites: {
    as: 'ben',
    check: (answer) => assert.equal(answer.json().items[0].origin, 'https://gate.example'),
  },
};
