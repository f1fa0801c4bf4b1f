import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiRoutes } from '#http/api/api.ts';
import { Desk, inBrowser, refused, type Way } from './desk.ts';
import { bodyOf, rows } from './rows.ts';

describe('success', () => {
  // Every route succeeds, whoever vouches for the caller. The shape of each answer is judged by the
  // desk.

  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  for (const { id, method, path, scope } of apiRoutes) {
    for (const by of [
      'token',
      'signature',
      'session',
      ...(scope === 'public' ? (['nothing'] as const) : []),
    ] satisfies Way[]) {
      test(`${method} ${path} (${id}) by ${by}`, async () => {
        const row = rows[id];
        assert.ok(row, `${id} has no transcript of its success: add a row`);
        await desk.vouch(id, { ...row, by });
        const ids = (await row.ready?.(desk)) ?? {};
        const answer = await desk.call(id, ids, { ...row, body: bodyOf(row, desk), by });
        if (inBrowser.has(id) && by !== 'session')
          return refused(answer, 403, 'browser_session_required');
        assert.ok(answer.statusCode < 300, answer.body);
        if (by !== 'nothing' || id === 'getClient') await row.check?.(answer, ids, desk);
      });
    }
  }

  test('no row is left over, and every route was heard to succeed', () => {
    assert.deepEqual(Object.keys(rows).sort(), apiRoutes.map(({ id }) => id).sort());
    for (const { id } of apiRoutes) assert.ok(desk.heard.get(id)?.has('ok'), id);
  });

  test('no secret is in the trail or in a notice', () => desk.nothingLeaked());
});
