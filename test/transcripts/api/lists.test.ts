import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiRoutes } from '#http/api/api.ts';
import { Desk, refused, routeOf, type Said, urlOf } from './desk.ts';

describe('lists', () => {
  // Lists by cursor: to the end, each row once, whatever is added meanwhile.

  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  interface List {
    readonly id: string;
    readonly said: Said;
    /** What tells its rows apart. */
    readonly key: string;
    /** Makes one more row; answers its key. */
    more(): Promise<unknown>;
  }
  const query = (said: Said, added: string): string =>
    `${said.query === undefined ? '?' : `${said.query}&`}${added}`;
  let fixed: { readonly client_id: string };
  let trail = 0;
  const lastLine = async () => (await desk.world.server.store.listAudit({ limit: 1 }))[0]?.id;

  const lists: readonly List[] = [
    {
      id: 'listClients',
      said: { by: 'nothing', query: '?owner=Ada' },
      key: 'client_id',
      more: async () => (await desk.app()).client_id,
    },
    {
      id: 'listClients',
      said: { as: 'ada', query: '?keeper=me&stage=proposed' },
      key: 'client_id',
      more: async () => (await desk.app({}, false)).client_id,
    },
    {
      id: 'listReviews',
      said: { as: 'rex' },
      key: 'client.client_id',
      more: async () => (await desk.app({}, false)).client_id,
    },
    {
      id: 'listReviews',
      said: { as: 'rex', query: '?kind=revisions' },
      key: 'client.client_id',
      async more() {
        const ids = await desk.app();
        await desk.act('ada', 'revise', ids, { name: desk.fresh('renamed') });
        return ids.client_id;
      },
    },
    {
      id: 'auditOfClient',
      said: { as: 'ada' },
      key: 'id',
      async more() {
        await desk.act('ada', 'update', fixed, { resetSecret: true, reason: `${++trail}` });
        return lastLine();
      },
    },
    {
      id: 'listAudit',
      said: { as: 'rex', query: '?action=reject' },
      key: 'id',
      async more() {
        const ids = await desk.app({}, false);
        await desk.act('operator', 'reject', ids, { suppress: false });
        return lastLine();
      },
    },
    {
      id: 'listConsents',
      said: { as: 'ben' },
      key: 'consent_id',
      more: async () =>
        (await desk.world.consents.accept(await desk.client(await desk.app()), desk.people.ben, []))
          .id,
    },
  ];

  const keyOf = (item: Record<string, never>, path: string): unknown =>
    path
      .split('.')
      .reduce((inner: unknown, name) => (inner as Record<string, unknown>)[name], item);

  for (const { id, said, key, more } of lists) {
    test(`${id}${said.query ?? ''}: pages of any size reach the end, each row once, newest first, while rows are added`, async () => {
      await desk.vouch(id, said);
      fixed = await desk.app();
      const made: unknown[] = [];
      for (let row = 0; row < 7; row++) made.unshift(await more());
      for (const limit of [1, 2, 3, 7, 100]) {
        const seen: unknown[] = [];
        const added: unknown[] = [];
        let next: string | null = null;
        do {
          const at: string = query(said, `limit=${limit}${next === null ? '' : `&cursor=${next}`}`);
          const answer = await desk.call(id, fixed, { ...said, query: at });
          const { items, next: after } = answer.json();
          assert.ok(items.length <= limit);
          for (const item of items) seen.push(keyOf(item, key));
          const link = /^<(\?[^>]*)>; rel="next"$/.exec(String(answer.headers.link));
          assert.equal(
            answer.headers.link === undefined,
            after === null,
            'a Link where there is more, and only there',
          );
          if (link) {
            const [linked, asked] = [
              new URLSearchParams(link[1]),
              new URLSearchParams(query(said, `limit=${limit}&cursor=${after}`)),
            ];
            for (const [name, value] of asked) assert.equal(linked.get(name), value);
          }
          next = after;
          if (next !== null && added.length < 9) added.unshift(await more());
        } while (next !== null);
        assert.equal(new Set(seen).size, seen.length, 'no row came twice');
        assert.deepEqual(
          seen.slice(0, made.length),
          made,
          'newest first, without those that were added',
        );
        made.unshift(...added);
      }
    });

    test(`${id}${said.query ?? ''}: a cursor, a limit or a parameter that does not fit is named`, async () => {
      for (const [asked, field] of [
        ['cursor=', 'cursor'],
        ['cursor=garbage', 'cursor'],
        [`cursor=${Buffer.from('c-1').toString('base64url')}`, 'cursor'],
        [`cursor=${Buffer.from('c1 OR 1').toString('base64url')}`, 'cursor'],
        [`cursor=${'A'.repeat(65)}`, 'cursor'],
        ['cursor=%00', 'cursor'],
        ['limit=0', 'limit'],
        ['limit=-1', 'limit'],
        ['limit=1.5', 'limit'],
        ['limit=x', 'limit'],
        ['limit=10001', 'limit'],
        ['limit=1&limit=2', 'limit'],
        ['colour=red', 'colour'],
        ['__proto__=x', '__proto__'],
      ] as const) {
        const answer = await desk.call(id, fixed, { ...said, query: query(said, asked) });
        if (asked === 'cursor=%00') refused(answer, 400, 'invalid_request');
        else refused(answer, 400, 'invalid_field', { field });
      }
      const past = Buffer.from('c1').toString('base64url');
      const end = await desk.call(id, fixed, { ...said, query: query(said, `cursor=${past}`) });
      assert.deepEqual(end.json(), { items: [], next: null });
    });
  }

  test('every route with a cursor is in the table', () => {
    const paged = apiRoutes
      .filter((route) => route.query?.safeParse({ cursor: 'YzE' }).success)
      .map(({ id }) => id);
    assert.deepEqual([...new Set(lists.map(({ id }) => id))].sort(), paged.sort());
  });

  test('a page is 25 rows unless somebody says otherwise', async () => {
    for (let row = 0; row < 26; row++) await desk.app();
    const { items, next } = (await desk.call('listClients', {}, { by: 'nothing' })).json();
    assert.deepEqual([items.length, next !== null], [25, true]);
  });

  test('apps are found by owner, keeper, stage, protocol and name; by nobody there are none', async () => {
    const name = desk.fresh('only');
    const ids = await desk.app({ name, protocol: 'oauth1', grantTypes: [] });
    await desk.act('ada', 'invite', ids, { userId: desk.people.mia.id });
    const found = async (asked: string, as: Said['as'] = 'mia') =>
      Array.from(
        (
          await desk.call(
            'listClients',
            {},
            { as, query: `?limit=100&name=${encodeURIComponent(name)}${asked}` },
          )
        ).json().items,
      ).length;
    for (const [asked, count] of [
      ['', 1],
      ['&owner=Ada', 1],
      ['&owner=ada', 1],
      ['&owner=Dan', 0],
      ['&owner=Nobody', 0],
      ['&owner=me', 0],
      ['&keeper=me', 0],
      ['&stage=approved', 1],
      ['&stage=rejected', 0],
      ['&protocol=oauth1', 1],
      ['&protocol=oauth2', 0],
    ] as const)
      assert.equal(await found(asked), count, asked);
    await desk.act('mia', 'join', ids);
    assert.equal(await found('&keeper=me'), 1);
    assert.equal(await found('&owner=me', 'ada'), 1);
    for (const asked of ['?owner=me', '?keeper=me'])
      assert.deepEqual(
        (await desk.call('listClients', {}, { by: 'nothing', query: asked })).json(),
        {
          items: [],
          next: null,
        },
      );
  });

  test('reviewers find apps whose owner is gone, and offer them to somebody', async () => {
    const eve = await desk.world.createPerson('Eve', ['developer']);
    const made = await desk.world.createClient(eve, { name: desk.fresh('orphan') });
    const ids = { client_id: made.client.id };
    const orphans = async () =>
      Array.from(
        (
          await desk.call('listClients', {}, { as: 'rex', by: 'session', query: '?orphaned=true' })
        ).json().items,
      ).length;
    assert.equal(await orphans(), 0);
    await desk.world.server.store.setBlocked(eve.id, true);
    assert.equal(await orphans(), 1);
    assert.equal(
      (await desk.call('offerClient', ids, { as: 'rex', by: 'session', body: { user: 'Dan' } }))
        .statusCode,
      201,
    );
    assert.equal(
      (await desk.call('acceptOffer', ids, { as: 'dan', body: {} })).json().owner.name,
      'Dan',
    );
    assert.equal(await orphans(), 0);
  });

  test('an address in absolute form is read like any other', async () => {
    const answer = await desk.world.app.inject({
      url: `https://gate.example${urlOf(routeOf('listScopes'), {})}`,
    });
    assert.equal(answer.statusCode, 200);
  });
});
