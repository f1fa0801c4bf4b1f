import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { auditEntrySchema } from '#http/api/shapes.ts';
import { Desk, refused, type Said } from './desk.ts';

describe('audit', () => {
  // The audit trail over the API: who may read which lines, by what they are found, and as a file.

  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
    for (const [as, scope] of [
      ['rex', 'audit'],
      ['root', 'audit'],
      ['ada', 'audit'],
      ['ben', 'audit'],
      ['ada', 'clients'],
      ['rex', 'review'],
    ] as const)
      await desk.token(as, [`gatehouse:${scope}`]);
  });
  after(() => desk.close());

  interface Line {
    readonly id: number;
    readonly action: string;
    readonly actor: { readonly name: string } | null;
    readonly address: string | null;
    readonly changes: readonly { readonly field: string }[];
  }
  const lines = async (said: Said): Promise<readonly Line[]> =>
    (await desk.call('listAudit', {}, said)).json().items;
  const actions = async (said: Said) => Array.from(await lines(said), ({ action }) => action);

  test('a line says who, what, on which app, from where, by which way, why, and what changed', async () => {
    const { client_id: id } = (
      await desk.call(
        'proposeClient',
        {},
        {
          body: {
            ...{
              name: 'Reader',
              description: 'Reads.',
              protocol: 'oauth2',
              redirect_uri: 'https://reader.example/cb',
            },
            ...{ scopes: ['editpage'], terms_accepted: true },
          },
        },
      )
    ).json();
    await desk.call('approveClient', { client_id: id }, { as: 'rex', body: { reason: 'fine' } });
    const [line] = await lines({ as: 'root', query: `?client_id=${id}&limit=1` });
    const { rex } = desk.people;
    assert.deepEqual(
      { ...line, id: 0 },
      {
        ...{
          id: 0,
          at: '2027-01-15T08:00:00Z',
          action: 'approve',
          actor: { id: rex.id, name: 'Rex' },
          via: 'api',
          address: '127.0.0.1',
        },
        ...{
          client_id: id,
          reason: 'fine',
          changes: [{ field: 'stage', before: 'proposed', after: 'approved' }],
        },
      },
    );
  });

  test('reviewers read lines about apps, the right to private things shows consents and addresses, and everybody reads their own', async () => {
    const ids = await desk.app();
    const consent = await desk.world.consents.accept(await desk.client(ids), desk.people.ben, [
      'editpage',
    ]);
    await desk.call('renounceConsent', { consent_id: consent.id }, { as: 'ben' });
    await desk.act('ada', 'update', ids, { resetSecret: true, reason: 'again' });
    const of = `?client_id=${ids.client_id}`;
    assert.deepEqual(await actions({ as: 'rex', query: of }), ['update', 'approve', 'propose']);
    assert.deepEqual(await actions({ as: 'root', query: of }), [
      'update',
      'renounce',
      'accept',
      'approve',
      'propose',
    ]);
    assert.deepEqual(await actions({ as: 'ada', query: `${of}&actor=me` }), ['update']);
    assert.deepEqual(await actions({ as: 'ben', query: `${of}&actor=me` }), ['renounce', 'accept']);
    assert.deepEqual(await actions({ as: 'ben', query: `${of}&actor=Ben` }), [
      'renounce',
      'accept',
    ]);
    for (const query of [of, '', '?actor=Ada', '?actor=Nobody'])
      refused(await desk.call('listAudit', {}, { as: 'ben', query }), 403, 'permission_denied', {
        right: 'mwoauthmanageconsumer',
      });
    const addresses = async (as: 'rex' | 'root' | 'ada') =>
      Array.from(
        await lines({ as, query: `${of}&action=update${as === 'ada' ? '&actor=me' : ''}` }),
        ({ address }) => address,
      );
    assert.deepEqual(await addresses('rex'), [null]);
    assert.deepEqual(await addresses('root'), ['192.0.2.7']);
    assert.deepEqual(await addresses('ada'), ['192.0.2.7'], 'their own');
    const [operator] = await lines({ as: 'root', query: `${of}&action=approve` });
    assert.deepEqual([operator?.actor, operator?.address], [null, null]);
  });

  test('lines are found by app, person, action and time; what fits nothing is an empty list', async () => {
    const ids = await desk.app({}, false);
    desk.world.advanceClock(10);
    await desk.act('rex', 'reject', ids, { suppress: false });
    const of = `?client_id=${ids.client_id}`;
    const now = new Date(desk.world.now * 1000).toISOString();
    for (const [query, found] of [
      [of, ['reject', 'propose']],
      [`${of}&action=reject`, ['reject']],
      [`${of}&action=nothing`, []],
      [`${of}&actor=Rex`, ['reject']],
      [`${of}&actor=Nobody`, []],
      [`${of}&from=${now}`, ['reject']],
      [`${of}&until=${now}`, ['propose']],
      [`${of}&from=${now}&until=${now}`, []],
      ['?client_id=nothing', []],
    ] as const)
      assert.deepEqual(await actions({ as: 'rex', query }), found, query);
    for (const [query, field] of [
      ['?from=yesterday', 'from'],
      ['?until=2026-01-01', 'until'],
      ['?from=2026-01-01T00:00:00%2B02:00', 'from'],
      [`?action=${'x'.repeat(65)}`, 'action'],
    ] as const)
      refused(await desk.call('listAudit', {}, { as: 'rex', query }), 400, 'invalid_field', {
        field,
      });
  });

  test('JSON lines: one line each in the same shape, up to 10000 at once, with a Link to the rest', async () => {
    const accept = { headers: { accept: 'application/jsonl' } };
    const all = await lines({ as: 'rex', query: '?limit=100' });
    for (const asked of [
      'application/jsonl',
      'application/x-ndjson',
      'text/plain, application/jsonl;q=0.9',
    ]) {
      const answer = await desk.call(
        'listAudit',
        {},
        { as: 'rex', query: '?limit=10000', headers: { accept: asked } },
      );
      assert.match(String(answer.headers['content-type']), /^application\/jsonl(?:;|$)/);
      assert.match(answer.body, /\}\n$/);
      const written = answer.body.trimEnd().split('\n');
      assert.deepEqual(
        written.map((line) => auditEntrySchema.parse(JSON.parse(line))),
        all,
      );
      assert.equal(answer.headers.link, undefined);
    }
    const collected: string[] = [];
    let query: string | undefined = '?limit=2';
    while (query !== undefined) {
      const page = await desk.call('listAudit', {}, { as: 'rex', query, ...accept });
      collected.push(...page.body.split('\n').filter(Boolean));
      query = /^<([^>]*)>/.exec(String(page.headers.link ?? ''))?.[1];
    }
    assert.deepEqual(
      collected.map((line) => JSON.parse(line)),
      all,
    );
    const none = await desk.call('listAudit', {}, { as: 'rex', query: '?actor=Nobody', ...accept });
    assert.deepEqual(
      [String(none.headers['content-type']).slice(0, 17), none.body],
      ['application/jsonl', ''],
    );
    refused(await desk.call('listAudit', {}, { as: 'ben', ...accept }), 403, 'permission_denied');
  });

  test('more than a hundred lines come as lines alone', async () => {
    const ids = await desk.app();
    for (let line = 0; line < 101; line++)
      await desk.act('ada', 'update', ids, { resetSecret: true });
    const query = `?client_id=${ids.client_id}&limit=1000`;
    const json = (await desk.call('listAudit', {}, { as: 'rex', query })).json();
    assert.deepEqual([json.items.length, json.next !== null], [100, true]);
    const answer = await desk.call(
      'listAudit',
      {},
      { as: 'rex', query, headers: { accept: 'application/jsonl' } },
    );
    assert.equal(answer.body.trimEnd().split('\n').length, 103);
  });

  test('a line from before suspensions had their words is told in those of today, and stays as it was written', async () => {
    const ids = await desk.app();
    const { id, recordVersion } = await desk.client(ids);
    const { store } = desk.world.server;
    const written = await store.applyChange({
      recordVersion,
      effects: [],
      audit: {
        ...{ at: desk.world.now, action: 'halt', actorId: null, via: 'cli', address: null },
        ...{ clientId: id, reason: '' },
        changes: [
          { field: 'halted', before: 'nothing', after: 'consents' },
          { field: 'halted', before: 'consents', after: 'tokens' },
        ],
      },
      notifications: [],
    });
    assert.equal(written.outcome, 'applied');
    const [line] = await lines({ as: 'rex', query: `?client_id=${id}&limit=1` });
    assert.deepEqual(line?.changes, [
      { field: 'suspension', before: 'none', after: 'new-consents' },
      { field: 'suspension', before: 'new-consents', after: 'all' },
    ]);
    while ((await store.chainAudit()) > 0);
    assert.deepEqual((await store.verifyAudit()).breaks, []);
  });

  test('secrets are in the one answer that made them: not in the trail, not in a list, not in a notice', async () => {
    const rich = { ownerOnly: true, redirectUri: '' } as const;
    const made = [
      await desk.app(),
      await desk.app({ ...rich, grantTypes: ['client_credentials'] }),
      await desk.app({ ...rich, protocol: 'oauth1', grantTypes: [] }),
    ];
    const shown: string[] = [];
    for (const ids of made) {
      const first = (await desk.call('resetSecret', ids, { body: {} })).json();
      const again = (await desk.call('resetSecret', ids, { body: {} })).json();
      for (const name of ['client_secret', 'access_token_secret']) {
        if (first[name] === undefined) continue;
        assert.notEqual(first[name], again[name]);
        shown.push(first[name], again[name]);
      }
      assert.equal(first.access_token === undefined, ids === made[0]);
      for (const id of [
        'getClient',
        'listSecrets',
        'auditOfClient',
        'listRevisions',
        'getTeam',
      ] as const)
        await desk.call(id, ids);
    }
    assert.equal(shown.length, 8);
    await desk.call('listClients', {}, { query: '?owner=me&limit=100' });
    await desk.call(
      'listAudit',
      {},
      { as: 'root', query: '?limit=10000', headers: { accept: 'application/jsonl' } },
    );
    await desk.nothingLeaked();
  });
});
