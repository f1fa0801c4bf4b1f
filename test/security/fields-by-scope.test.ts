import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { personActor } from '#harness/consents.ts';
import { apiRoutes } from '#http/api/api.ts';
import {
  canUseRoute,
  type FieldScopes,
  filterFieldsByScope,
  routeScopes,
} from '#http/api/field-scopes.ts';
import { toSnakeCase } from '#http/api/problems.ts';
import { apiScopes } from '#http/api/route.ts';
import { makeAuditEntrySerializer } from '#http/api/serializers.ts';
import type { ClientId } from '#kernel/ids.ts';
import { MANAGING_SCOPES, RIGHTS } from '#registry/actor.ts';
import { audienceScopes, fieldAudiences } from '#registry/visibility.ts';
import { Desk, type Ids, inBrowser } from '../transcripts/api/desk.ts';
import { bodyOf, type Row, rows as routeRows } from '../transcripts/api/rows.ts';

describe('fields by scope', () => {
  // A token of any kind is a stranger unless its scopes say otherwise (ADR 17): Ada owns the app
  // and Rita reviews, and what each token of theirs sees is what the table of its scope says.

  const { clients, review, consents, audit } = apiScopes;
  const scopes = [
    'editpage',
    'highvolume',
    clients,
    review,
    consents,
    audit,
    'oauthmanageownclient',
  ] as const;
  const all = [...scopes];

  /**
   * The scopes with which each reading route answers; an app's own view by its owner, a reviewer's
   * by a reviewer.
   */
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
  const reviewing = [
    'listRevisions',
    'getTeam',
    'auditOfClient',
    'impactOfClient',
    'listReviews',
    'riskOfClient',
  ];

  let desk: Desk;
  let ids: Ids;
  before(async () => {
    desk = await Desk.open();
    ids = await desk.app({ name: 'Reader' });
  });
  after(() => desk.close());

  const query = (id: string) =>
    id === 'listClients' ? '?owner=Ada' : id === 'listAudit' ? '?actor=me' : '';

  describe('every reading route, by the owner', () => {
    test('has a row, and every route that writes names one scope', () => {
      const reading = apiRoutes.filter(({ method }) => method === 'GET').map(({ id }) => id);
      assert.deepEqual(Object.keys(opens).sort(), reading.sort());
      for (const { id, method, scope } of apiRoutes)
        if (method !== 'GET')
          assert.ok(Object.values<unknown>(apiScopes).includes(scope), `${id} names no scope`);
    });
    for (const [id, open] of Object.entries(opens))
      for (const scope of scopes)
        test(`${id} with ${scope} is ${open.includes(scope) ? 'answered' : 'refused'}`, async () => {
          const answer = await desk.call(id, ids, {
            by: 'token',
            scopes: [scope],
            query: query(id),
          });
          assert.equal(answer.statusCode, open.includes(scope) ? 200 : 403, answer.body);
        });
  });

  /**
   * The fields of an answer, as its schema has them: lists and what may be null are what they hold.
   */
  function schemaFields(
    schema: unknown,
    defs: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>> | null {
    const node = schema as {
      $ref?: string;
      properties?: Record<string, unknown>;
      items?: unknown;
      anyOf?: readonly unknown[];
    };
    if (node.$ref !== undefined) return schemaFields(defs[node.$ref.split('/').at(-1) ?? ''], defs);
    if (node.items !== undefined) return schemaFields(node.items, defs);
    const [inner] = (node.anyOf ?? [])
      .map((one) => schemaFields(one, defs))
      .filter((one) => one !== null);
    return node.properties ?? inner ?? null;
  }

  describe('the table', () => {
    /**
     * Every field of the schema has a row and the other way round; rows of an object are looked
     * into, others hold for all that is in the field.
     */
    function same(
      at: string,
      schema: unknown,
      rows: FieldScopes,
      defs: Readonly<Record<string, unknown>>,
    ): void {
      const fields = schemaFields(schema, defs) ?? {};
      assert.deepEqual(Object.keys(rows).sort(), Object.keys(fields).sort(), at);
      for (const [field, rule] of Object.entries(rows))
        if (rule !== 'route' && !Array.isArray(rule))
          same(`${at}.${field}`, fields[field], rule as FieldScopes, defs);
    }
    for (const route of apiRoutes)
      test(`${route.id}: a row for the route, and one for every field of its answer`, () => {
        const { requiredScopes: opening, fields } = routeScopes[route.id] ?? {};
        if (route.scope === 'public') assert.equal(opening, 'anyone');
        else if (route.scope !== null) assert.deepEqual(opening, [route.scope]);
        else assert.ok(opening !== undefined && opening !== 'anyone');
        if (route.answer.schema === undefined) return assert.equal(fields, null);
        const schema = z.toJSONSchema(route.answer.schema, {
          io: 'output',
          unrepresentable: 'any',
        }) as { $defs?: Record<string, unknown> };
        same(route.id, schema, fields as FieldScopes, schema.$defs ?? {});
      });
    test('no row is left over', () =>
      assert.deepEqual(Object.keys(routeScopes).sort(), apiRoutes.map(({ id }) => id).sort()));
    test('names scopes of this server alone', () => {
      const named = new Set<string>();
      const walk = (rule: unknown): void => {
        if (Array.isArray(rule)) for (const scope of rule) named.add(scope);
        else if (typeof rule === 'object' && rule !== null)
          for (const inner of Object.values(rule)) walk(inner);
      };
      walk(routeScopes);
      for (const scope of named) assert.ok(desk.world.server.services.scopes.has(scope), scope);
    });
  });

  describe('what is sent', () => {
    const rows = { email: ['a'], name: 'route', inner: { address: ['b'], at: 'route' } } as const;
    test('a closed field of an app is named in "hidden", elsewhere it is null, and one without a row is left out', () => {
      const value = {
        email: 'x',
        name: 'y',
        hidden: ['z'],
        more: 1,
        inner: [{ address: 'p', at: 2 }],
      };
      assert.deepEqual(filterFieldsByScope(value, { ...rows, hidden: 'route' }, []), {
        ...{ name: 'y', hidden: ['z', 'email'], inner: [{ address: null, at: 2 }] },
      });
      assert.deepEqual(filterFieldsByScope(value, { ...rows, hidden: 'route' }, ['a', 'b']), {
        ...{ email: 'x', name: 'y', hidden: ['z'], inner: [{ address: 'p', at: 2 }] },
      });
      assert.deepEqual(
        filterFieldsByScope(JSON.parse('{"__proto__":1,"constructor":2}'), {}, ['a']),
        {},
      );
    });
    test('a route without a row is closed', () =>
      assert.equal(canUseRoute('somethingNew', scopes), false));
  });

  describe('every route, by a token of each scope', () => {
    /** Fails when a field that the rows close for these scopes has a value. */
    function judge(at: string, value: unknown, rule: FieldScopes, held: readonly string[]): void {
      if (Array.isArray(value)) for (const item of value) judge(at, item, rule, held);
      else if (typeof value === 'object' && value !== null)
        for (const [field, inner] of Object.entries(value)) {
          const row = rule[field];
          assert.ok(row !== undefined, `${at}.${field} has no row`);
          if (Array.isArray(row))
            assert.ok(
              inner === null || row.some((scope) => held.includes(scope)),
              `${at}.${field} with ${held}`,
            );
          else if (row !== 'route') judge(`${at}.${field}`, inner, row as FieldScopes, held);
        }
    }
    for (const { id } of apiRoutes.filter((route) => !inBrowser.has(route.id)))
      test(id, async () => {
        const row = routeRows[id] as Row;
        for (const scope of scopes) {
          const said = { ...row, by: 'token', scopes: [scope], body: bodyOf(row, desk) } as const;
          await desk.vouch(id, said);
          const answer = await desk.call(id, (await row.ready?.(desk)) ?? {}, said);
          if (!canUseRoute(id, [scope]))
            assert.equal(
              answer.json().code,
              'insufficient_scope',
              `${id} with ${scope}: ${answer.body}`,
            );
          else if (answer.statusCode < 300 && answer.body !== '')
            judge(id, answer.json(), routeScopes[id]?.fields ?? {}, ['basic', scope]);
        }
      });
  });

  describe('every field of an app', () => {
    const schema = Object.keys(fieldAudiences).filter(
      (field) => !['id', 'ownerId', 'secrets', 'edition'].includes(field),
    );
    for (const scope of scopes)
      for (const id of ['getClient', 'listClients'] as const)
        test(`${id} with ${scope}`, async () => {
          const body = (
            await desk.call(id, ids, { by: 'token', scopes: [scope], query: query(id) })
          ).json();
          const shown = id === 'getClient' ? body : body.items[0];
          for (const field of schema) {
            if (!(toSnakeCase(field) in shown) && !shown.hidden.includes(toSnakeCase(field)))
              continue;
            const opening = audienceScopes[fieldAudiences[field as keyof typeof fieldAudiences]];
            // The owner is no reviewer: their token of that scope opens nothing of theirs.
            const may =
              opening === null || (opening.includes(scope) && MANAGING_SCOPES.includes(scope));
            assert.equal(toSnakeCase(field) in shown, may, `${field} with ${scope}`);
          }
        });
    test('a reviewer’s token shows the contact with the scope for reviewing alone', async () => {
      for (const scope of scopes) {
        const shown = (
          await desk.call('getClient', ids, { as: 'rex', by: 'token', scopes: [scope] })
        ).json();
        assert.equal('email' in shown, scope === review, scope);
        for (const id of reviewing) {
          const { statusCode } = await desk.call(id, ids, {
            as: 'rex',
            by: 'token',
            scopes: [scope],
          });
          assert.equal(statusCode, scope === review ? 200 : 403, `${id} ${scope}`);
        }
      }
    });
    test('the description of the API says which scopes open a field', async () => {
      const { components } = (await desk.world.app.inject({ url: '/api/v1/openapi.json' })).json();
      assert.deepEqual(
        components.schemas.Client.properties.email['x-scopes'],
        audienceScopes.contact,
      );
      assert.equal(components.schemas.Client.properties.name['x-scopes'], undefined);
    });
  });

  test('“mine” is a stranger’s list for a token that was not lent it, and hidden apps are not in it', async () => {
    const gone = await desk.app({ name: 'Gone' });
    await desk.act('operator', 'disable', gone, { suppress: true });
    const list = async (asked: string, scope: string) =>
      (await desk.call('listClients', {}, { by: 'token', scopes: [scope], query: asked })).json()
        .items as {
        client_id: string;
        email?: string;
      }[];
    for (const item of await list('?owner=me', 'editpage')) assert.equal(item.email, undefined);
    assert.ok(
      !(await list('?owner=me', 'editpage')).some(({ client_id: id }) => id === gone.client_id),
    );
    assert.ok(
      (await list('?owner=me', clients)).some(({ client_id: id }) => id === gone.client_id),
    );
    assert.deepEqual(await list('?keeper=me', 'editpage'), []);
    assert.notDeepEqual(await list('?keeper=me', clients), []);
    assert.equal(
      (await desk.call('getClient', gone, { by: 'token', scopes: ['editpage'] })).statusCode,
      404,
    );
  });

  test('the dialect’s list: the contact address is for tokens that manage apps', async () => {
    for (const [scope, sees] of [
      ['editpage', false],
      ['oauthmanageownclient', true],
      [clients, true],
    ] as const) {
      const answer = await desk.world.app.inject({
        url: '/w/rest.php/oauth2/client?limit=500',
        headers: { authorization: `Bearer ${await desk.token('ada', [scope])}` },
      });
      const { clients: items } = answer.json() as { clients: { name: string; email?: string }[] };
      assert.ok(items.some(({ name }) => name === 'Reader'));
      for (const { name, email } of items)
        if (name === 'Reader') assert.equal(email !== undefined, sees, scope);
      assert.equal(
        items.some(({ name }) => name === 'Gone'),
        false,
        'names of hidden apps',
      );
    }
  });

  test('where requests came from is for tokens of the audit trail, one’s own too', async () => {
    const made = await desk.app();
    await desk.call('updateClient', made, {
      by: 'session',
      body: { restrictions: { addresses: ['192.0.2.0/24'] } },
    });
    const [entry] = (
      await desk.call('auditOfClient', made, { by: 'token', scopes: [clients] })
    ).json().items;
    assert.deepEqual([entry.action, entry.address], ['update', null]);
    const [own] = (
      await desk.call(
        'listAudit',
        {},
        { by: 'token', scopes: [audit], query: '?actor=me&action=update&limit=1' },
      )
    ).json().items;
    assert.equal(own.address, '127.0.0.1');
  });

  test('a reason in the trail may be what an app says of itself: it is hidden with it, in every form of the trail', async () => {
    const words = 'what this app is for, in words that were hidden';
    const made = await desk.app({ name: 'Hushed', description: words });
    const said = async (part: 'ada' | 'rex', url: string, accept = 'application/json') => {
      const headers = { accept, cookie: await desk.world.sessionCookie(desk.people[part]) };
      const answer = await desk.world.app.inject({ url, headers });
      assert.equal(answer.statusCode, 200, answer.body);
      return answer.body.includes(words);
    };
    const trails = [
      ['/api/v1/audit?actor=me', 'application/json'],
      ['/api/v1/audit?actor=me', 'application/jsonl'],
      [`/api/v1/clients/${made.client_id}/audit`, 'application/json'],
    ] as const;
    const all = `/api/v1/audit?client_id=${made.client_id}`;
    await desk.act('ada', 'revise', made, { scopes: ['editpage', 'delete'], reason: words });
    for (const [url, accept] of trails) assert.equal(await said('ada', url, accept), true, url);
    await desk.act('operator', 'disable', made, { suppress: true });
    for (const [url, accept] of trails) assert.equal(await said('ada', url, accept), false, url);
    assert.equal(await said('rex', all), true, 'whoever may see hidden apps');
    assert.equal(await said('rex', all, 'application/jsonl'), true);
    const { services: world } = desk.world.server;
    const reviewer = personActor(desk.people.rex, new Set([RIGHTS.review]));
    const query = world.registry.query(reviewer);
    const view = makeAuditEntrySerializer(query.personLookup());
    const log = await query.auditLog({ clientId: made.client_id as ClientId, limit: 10 });
    assert.ok(log.ok && log.value.items.length > 0);
    for (const entry of log.value.items)
      assert.ok(
        !JSON.stringify(await view(entry)).includes(words),
        'a reviewer without that right',
      );
  });
});
