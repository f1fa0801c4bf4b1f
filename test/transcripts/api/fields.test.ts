import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { personActor } from '#harness/consents.ts';
import { basicHeader } from '#harness/world.ts';
import { clientSchema } from '#http/api/shapes.ts';
import { Desk, type Ids, refused, type Said } from './desk.ts';
import { hidden, maintained } from './rows.ts';

describe('fields', () => {
  // Who sees which field of which app (registry 6.4, 6.5).

  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  const review = ['gatehouse:review'];
  const viewers: Readonly<Record<string, Said>> = {
    stranger: { by: 'nothing' },
    user: { as: 'ben' },
    owner: { as: 'ada' },
    maintainer: { as: 'mia' },
    invited: { as: 'dan' },
    reviewer: { as: 'rex', scopes: review },
    'reviewer without the scope': { as: 'rex', scopes: ['gatehouse:clients'] },
    administrator: { as: 'root', by: 'session' },
    auditor: { as: 'root', scopes: ['gatehouse:audit'] },
  };

  /** Maintained by Mia; Dan was invited and has not answered. */
  async function ordinary(): Promise<Ids> {
    const ids = await maintained(desk);
    await desk.act('ada', 'invite', ids, { userId: desk.people.dan.id });
    return ids;
  }
  async function suppressed(): Promise<Ids> {
    const ids = await ordinary();
    await desk.act('operator', 'disable', ids, { suppress: true });
    return ids;
  }
  const owned = () =>
    desk.app({ ownerOnly: true, redirectUri: '', grantTypes: ['client_credentials'] });

  const priv = ['email', 'restrictions'];
  const said = [
    ...[
      'name',
      'version',
      'description',
      'redirect_uri',
      'redirect_uri_unicode',
      'redirect_is_prefix',
      'rsa_public_key',
      'owner',
    ],
    ...priv,
  ];
  /** The fields this viewer does not see; null: nothing is known of the app. */
  const table: readonly (readonly [
    what: string,
    scene: () => Promise<Ids>,
    unseen: Readonly<Record<string, readonly string[] | null>>,
  ])[] = [
    [
      'an ordinary app',
      ordinary,
      {
        ...{
          stranger: priv,
          user: priv,
          owner: [],
          maintainer: ['email'],
          invited: priv,
          reviewer: [],
        },
        ...{ 'reviewer without the scope': priv, administrator: [], auditor: priv },
      },
    ],
    [
      'an owner-only app',
      owned,
      {
        ...{
          stranger: priv,
          user: priv,
          owner: [],
          maintainer: priv,
          invited: priv,
          reviewer: priv,
        },
        ...{ 'reviewer without the scope': priv, administrator: priv, auditor: priv },
      },
    ],
    [
      'a hidden app',
      suppressed,
      {
        ...{
          stranger: null,
          user: null,
          owner: said,
          maintainer: said,
          invited: null,
          reviewer: [],
        },
        ...{ 'reviewer without the scope': null, administrator: [], auditor: priv },
      },
    ],
  ];

  for (const [what, scene, unseen] of table) {
    for (const [viewer, fields] of Object.entries(unseen)) {
      test(`${what}: the ${viewer} ${fields === null ? 'knows nothing of it' : `does not see ${fields.join(', ') || 'nothing'}`}`, async () => {
        const ids = await scene();
        const answer = await desk.call('getClient', ids, viewers[viewer]);
        const listed = (
          await desk.call('listClients', {}, { ...viewers[viewer], query: '?limit=100' })
        )
          .json()
          .items.find(({ client_id: id }: { client_id: string }) => id === ids.client_id);
        if (fields === null) {
          refused(answer, 404, 'invalid_consumer_key');
          assert.equal(listed, undefined);
          return;
        }
        const shown = answer.json();
        assert.deepEqual([...shown.hidden].sort(), [...fields].sort());
        const all = Object.keys(clientSchema.shape);
        assert.deepEqual(
          all.filter((field) => !(field in shown)).sort(),
          [...fields].sort(),
          'each field is there, or named as hidden',
        );
        assert.ok(
          !JSON.stringify(shown).includes('digest') && !JSON.stringify(shown).includes('encrypted'),
        );
        if (listed !== undefined)
          assert.deepEqual(listed, shown, 'a list shows what the app itself does');
        const own = ['owner', 'maintainer'].includes(viewer);
        if (what === 'a hidden app')
          assert.equal(
            listed !== undefined,
            !own,
            'a hidden app is in its own keepers’ list alone',
          );
        if (what === 'a hidden app' && own) {
          const mine = (
            await desk.call(
              'listClients',
              {},
              { ...viewers[viewer], query: '?keeper=me&limit=100' },
            )
          ).json().items;
          assert.ok(mine.some(({ client_id: id }: { client_id: string }) => id === ids.client_id));
        }
      });
    }
  }

  test('a change token is good for the one it was shown to', async () => {
    const ids = await desk.app();
    const tokens = new Set<string>();
    for (const viewer of Object.values(viewers))
      tokens.add((await desk.call('getClient', ids, viewer)).json().change_token);
    assert.equal(tokens.size, 7, 'one for each person, and one for strangers');
  });

  const pages = [
    'getTeam',
    'listRevisions',
    'auditOfClient',
    'impactOfClient',
    'listSecrets',
    'riskOfClient',
  ] as const;
  const insiders: Readonly<Record<string, readonly (typeof pages)[number][]>> = {
    owner: ['getTeam', 'listRevisions', 'auditOfClient', 'impactOfClient', 'listSecrets'],
    maintainer: ['getTeam', 'listRevisions', 'auditOfClient', 'impactOfClient', 'listSecrets'],
    invited: ['getTeam'],
    user: [],
    reviewer: ['getTeam', 'listRevisions', 'auditOfClient', 'impactOfClient', 'riskOfClient'],
  };
  for (const [viewer, sees] of Object.entries(insiders)) {
    test(`the ${viewer} looks behind an app as far as ${sees.join(', ') || 'nowhere'}`, async () => {
      const ids = await ordinary();
      for (const id of pages) {
        const { scopes: _own, ...person } = viewers[viewer] ?? {};
        const scopes = viewer === 'reviewer' && id !== 'listSecrets' ? review : undefined;
        const answer = await desk.call(id, ids, { ...person, scopes });
        if (sees.includes(id)) assert.equal(answer.statusCode, 200, `${id} ${answer.body}`);
        else refused(answer, 403, 'permission_denied');
      }
    });
  }

  test('nobody but those who may is told what changed in a field they do not see', async () => {
    const ids = await owned();
    await desk.act('ada', 'update', ids, {
      restrictions: { addresses: ['192.0.2.1'] },
      resetSecret: true,
    });
    const changes = async (viewer: Said) =>
      (await desk.call('auditOfClient', ids, { ...viewer, query: '?limit=1' })).json().items[0]
        .changes;
    const anywhere = { addresses: ['0.0.0.0/0', '::/0'], pages: [] };
    assert.deepEqual(await changes({ as: 'ada' }), [
      { field: 'restrictions', before: anywhere, after: { addresses: ['192.0.2.1'], pages: [] } },
      { field: 'secrets', before: ['first'], after: ['reset'] },
    ]);
    const masked = [{ field: 'restrictions' }, { field: 'secrets' }];
    assert.deepEqual(await changes({ as: 'rex', scopes: review }), masked);
    const all = await desk.call(
      'listAudit',
      {},
      { as: 'rex', query: `?client_id=${ids.client_id}&limit=1` },
    );
    assert.deepEqual(all.json().items[0].changes, masked);
    const { recordVersion, id } = await desk.client(ids);
    const token = desk.world.server.services.registry.etagFor(
      personActor(desk.people.rex, new Set()),
      {
        ...(await desk.client(ids)),
        id,
        recordVersion: recordVersion - 1,
      },
    );
    const conflict = await desk.call('disableClient', ids, { as: 'rex', body: {}, seen: token });
    refused(conflict, 412, 'change_conflict');
    assert.deepEqual(conflict.json().since[0].changes, masked);
  });

  test('the trail of a hidden app keeps its words from its keepers, as the app does', async () => {
    const ids = await hidden(desk);
    const of = async (viewer: Said) => {
      const items = (await desk.call('auditOfClient', ids, viewer)).json().items;
      return items.at(-1).changes.find(({ field }: { field: string }) => field === 'name');
    };
    assert.deepEqual(await of({ as: 'ada' }), { field: 'name' });
    assert.match((await of({ as: 'rex', scopes: review })).after, /^app /);
  });

  test('labels of secrets, never secrets; last use by the day', async () => {
    const ids = await desk.app();
    const added = (await desk.call('addSecret', ids, { body: { label: 'next' } })).json();
    const { items } = (await desk.call('listSecrets', ids)).json();
    assert.deepEqual(Object.keys(items[1]).sort(), [
      'created_at',
      'expires_at',
      'label',
      'last_used_on',
      'secret_id',
    ]);
    await desk.world.app.inject({
      method: 'POST',
      url: '/oauth2/introspect',
      headers: {
        authorization: basicHeader(String(ids.client_id), added.client_secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: 'token=x',
    });
    await desk.world.server.flushUsage();
    const used = (await desk.call('listSecrets', ids)).json().items;
    assert.deepEqual([used[0].last_used_on, used[1].last_used_on], [null, '2027-01-15']);
    await desk.nothingLeaked();
  });

  test('an app of the configuration is shown as managed; once its entry is gone it is nobody’s but those who see hidden ones', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-api-'));
    const database = join(folder, 'gatehouse.db');
    const id = 'cd'.repeat(16);
    const file = `
clients:
  - { client_id: ${id}, name: Portal, version: '1.0', description: The portal, owner: Ada, protocol: oauth2, confidential: true,
      grant_types: [authorization_code], redirect_uri: 'https://portal.example/cb', scopes: [editpage], client_secret: ${'s'.repeat(32)} }
`;
    const first = await Desk.open({ file, database });
    const second = await Desk.open({ database }, first);
    t.after(async () => {
      await first.close();
      await second.close();
      rmSync(folder, { recursive: true });
    });
    const shown = (await first.call('getClient', { client_id: id }, { by: 'nothing' })).json();
    assert.deepEqual([shown.managed, shown.stage, shown.name], [true, 'approved', 'Portal']);
    assert.ok(!JSON.stringify(shown).includes('ssss'));
    await first.token('ada', ['gatehouse:clients']);
    await first.token('rex', review);
    refused(
      await second.call('getClient', { client_id: id }, { by: 'nothing' }),
      404,
      'invalid_consumer_key',
    );
    const all = (
      await second.call('listClients', {}, { by: 'nothing', query: '?stage=configured' })
    ).json();
    assert.deepEqual(all.items, []);
    for (const viewer of [{ as: 'ada' }, { as: 'rex', scopes: review }] as const)
      assert.equal(
        (await second.call('getClient', { client_id: id }, viewer)).json().stage,
        'configured',
      );
  });
});
