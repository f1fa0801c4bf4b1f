import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiRoutes } from '#http/api/api.ts';
import { Desk, problemIn, refused, routeOf } from './desk.ts';
import { approved, bodyOf, plain, type Row, rows } from './rows.ts';

describe('bodies', () => {
  // What cannot be read is said to be so, before anything is done.

  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  const withBody = apiRoutes.filter(({ body }) => body !== undefined);
  const json = { 'content-type': 'application/json' };
  const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`;

  for (const { id, method, path } of withBody) {
    test(`${method} ${path} reads JSON and its own fields alone, and does nothing otherwise`, async () => {
      const row = rows[id] as Row;
      await desk.vouch(id, row);
      const ids = (await row.ready?.(desk)) ?? {};
      const body = bodyOf(row, desk) ?? {};
      const said = { as: row.as, scopes: row.scopes };
      const text = JSON.stringify(body);
      const before = await desk.world.server.store.listAudit({ limit: 1 });
      const cases: readonly (readonly [
        body: string,
        headers: Record<string, string>,
        status: number,
        code: string,
        facts?: object,
      ])[] = [
        ['{', json, 400, 'invalid_request'],
        [`${text}x`, json, 400, 'invalid_request'],
        ['[]', json, 400, 'invalid_request'],
        ['null', json, 400, 'invalid_request'],
        ['"text"', json, 400, 'invalid_request'],
        [deep, json, 400, 'invalid_request'],
        [
          'reason=x',
          { 'content-type': 'application/x-www-form-urlencoded' },
          415,
          'invalid_request',
        ],
        [text, { 'content-type': 'text/plain' }, 415, 'invalid_request'],
        [text, { 'content-type': 'application/jsonx' }, 415, 'invalid_request'],
        [JSON.stringify({ ...body, reason: 'x'.repeat(100_000) }), json, 413, 'invalid_request'],
        [JSON.stringify({ ...body, reason: 'x'.repeat(1_100_000) }), json, 413, 'invalid_request'],
        [JSON.stringify({ ...body, color: 'red' }), json, 400, 'invalid_field', { field: 'color' }],
        [
          JSON.stringify({ ...body, clientId: 'x' }),
          json,
          400,
          'invalid_field',
          { field: 'clientId' },
        ],
        [
          `${text.slice(0, -1)}${text === '{}' ? '' : ','}"__proto__":{"a":1}}`,
          json,
          400,
          'invalid_field',
          { field: '__proto__' },
        ],
        ...(id === 'proposeClient'
          ? []
          : [
              [
                JSON.stringify({ ...body, reason: 7 }),
                json,
                400,
                'invalid_field',
                { field: 'reason' },
              ] as const,
            ]),
      ];
      for (const [sent, headers, status, code, facts] of cases) {
        const answer = await desk.call(id, ids, { ...said, body: sent, headers });
        refused(answer, status, code, facts as Record<string, unknown>);
      }
      assert.deepEqual(
        await desk.world.server.store.listAudit({ limit: 1 }),
        before,
        'nothing was written',
      );
      const answer = await desk.call(id, ids, {
        ...said,
        body: `\ufeff${text}`,
        headers: { 'content-type': 'Application/JSON; charset=utf-8' },
      });
      assert.ok(answer.statusCode < 300, answer.body);
    });
  }

  test('bytes that are not UTF-8 are no JSON', async () => {
    const route = routeOf('proposeClient');
    const answer = await desk.world.app.inject({
      method: 'POST',
      url: '/api/v1/clients',
      headers: {
        ...json,
        authorization: `Bearer ${await desk.token('ada', ['gatehouse:clients'])}`,
      },
      payload: Buffer.from('{"name":"\xff"}', 'latin1'),
    });
    desk.judge(route, answer);
    refused(answer, 400, 'invalid_request');
  });

  test('no body is an empty one where nothing has to be said', async () => {
    const answer = await desk.call('resetSecret', await approved(desk));
    assert.equal(answer.statusCode, 200);
  });

  test('every field that does not fit is listed, the first one named', async () => {
    const body = {
      ...plain(desk),
      name: 7,
      owner_only: 'yes',
      restrictions: { addresses: 'all', colour: 'red' },
    };
    const answer = await desk.call('proposeClient', {}, { body });
    refused(answer, 400, 'invalid_field', { field: 'name' });
    assert.deepEqual(
      Array.from(answer.json().errors, ({ field }: { field: string }) => field),
      [...['name', 'owner_only', 'restrictions.addresses', 'restrictions.colour']],
    );
  });

  test('a missing list inside a field is missing', async () => {
    const answer = await desk.call(
      'proposeClient',
      {},
      { body: { ...plain(desk), restrictions: {} } },
    );
    refused(answer, 400, 'missing_field', { field: 'restrictions.addresses' });
  });

  // Addresses.

  for (const [what, method, url, status, code] of [
    ['nothing there', 'GET', '/api/v1/nothing', 404, 'not_found'],
    ['the root', 'GET', '/api/v1', 404, 'not_found'],
    ['another version', 'GET', '/api/v2/clients', 404, 'not_found'],
    ['an escape that is none', 'GET', '/api/v1/clients/%zz', 400, 'invalid_request'],
    ['a client of 65 letters', 'GET', `/api/v1/clients/${'a'.repeat(65)}`, 404, 'not_found'],
    ['a client with a slash', 'GET', '/api/v1/clients/a%2Fb', 404, 'invalid_consumer_key'],
    ['another method', 'PUT', '/api/v1/clients', 405, 'method_not_allowed'],
    [
      'another method of an app',
      'DELETE',
      `/api/v1/clients/${'0'.repeat(32)}`,
      405,
      'method_not_allowed',
    ],
    ['a query that cannot be read', 'GET', '/api/v1/clients?name=%zz', 400, 'invalid_request'],
  ] as const) {
    test(`${method} ${what} is ${code}`, async () => {
      const answer = await desk.world.app.inject({ method, url });
      assert.equal(answer.statusCode, status, answer.body);
      assert.equal(problemIn(answer), code);
      if (status === 405) assert.match(String(answer.headers.allow), /GET/);
    });
  }

  test('HEAD answers like GET, without the body', async () => {
    const ids = await approved(desk);
    const answer = await desk.world.app.inject({
      method: 'HEAD',
      url: `/api/v1/clients/${ids.client_id}`,
    });
    assert.deepEqual([answer.statusCode, answer.body], [200, '']);
    assert.match(String(answer.headers.etag), /^"[0-9a-f]{40}"$/);
  });

  test('a problem is explained at the address of its type', async () => {
    const known = await desk.world.app.inject({ url: '/problems/last_secret' });
    assert.deepEqual([known.statusCode, known.body], [200, 'last_secret: Last secret.\n']);
    for (const code of ['nothing', 'toString', '__proto__'])
      assert.equal((await desk.world.app.inject({ url: `/problems/${code}` })).statusCode, 404);
  });

  test('a fault is a problem too: fixed words and a reference, nothing of what happened', async () => {
    const errors: unknown[] = [];
    const broken = await Desk.open();
    broken.world.server.services.records.listClients = () =>
      Promise.reject(new Error('the disk said: secret'));
    Object.assign(broken.world.server.services.log, {
      error: (...line: unknown[]) => errors.push(line),
    });
    const answer = await broken.world.app.inject({ url: '/api/v1/clients?owner=Ada' });
    assert.equal(problemIn(answer), 'server_error');
    assert.match(answer.json().reference, /^[0-9a-f]{12}$/);
    assert.doesNotMatch(answer.body, /disk/);
    assert.match(JSON.stringify(errors), new RegExp(answer.json().reference));
    await broken.close();
  });
});
