import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { findPostgres } from '#harness/postgres.ts';
import { openPostgres } from '#store/postgres/open.ts';
import { at, audit, consented, NOW, person, registered } from './things.ts';

/** The "replica" is another database that never hears of anything: whatever comes from it shows. */
const postgres = await findPostgres();
if (typeof postgres === 'string') test('a replica', { skip: postgres });
else {
  after(() => postgres.close());

  test('lists and reports may come from a replica; whether somebody may do something never does', async () => {
    const [url, replica] = [await postgres.database(), await postgres.database()];
    const behind = openPostgres(replica);
    await behind.prepareSchema();
    const store = openPostgres(url, { replica });
    await store.prepareSchema();
    const { app, user, consent } = await consented(store);
    await person(behind);
    await registered(behind, await person(behind), { name: 'From the replica' });

    assert.equal((await store.findClient(app.id))?.id, app.id);
    assert.equal((await store.findConsent(user, app.id, app.site))?.id, consent.id);
    assert.deepEqual(
      (await store.listClients({})).map(({ name }) => name),
      [app.name],
    );
    assert.deepEqual(
      (await store.listClients({ allowStale: true })).map(({ name }) => name),
      ['From the replica'],
    );
    assert.ok((await store.listAudit({ limit: 100 })).every(({ clientId }) => clientId === app.id));
    assert.ok(
      (await store.listAudit({ limit: 100, allowStale: true })).every(
        ({ clientId }) => clientId !== app.id,
      ),
    );
    assert.equal((await store.impactOf(app.id, NOW, at(-3600))).users, 0);
    await store.close();
    await behind.close();
  });

  test('a replica that is away, or has an older schema, is done without', async () => {
    const url = await postgres.database();
    const old = await postgres.database();
    for (const replica of [
      old,
      url.replace(/:\d+\//, ':1/'),
      url.replace(/\/[^/]*$/, '/no_such_database'),
    ]) {
      const store = openPostgres(url, { replica, connectMs: 500 });
      await store.prepareSchema();
      const { app } = await registered(store, await person(store)).then((made) => ({ app: made }));
      assert.ok((await store.listClients({ allowStale: true })).some(({ id }) => id === app.id));
      assert.ok(
        (await store.listAudit({ clientId: app.id, limit: 10, allowStale: true })).length > 0,
      );
      assert.equal(audit(app.id).clientId, app.id);
      await store.close();
    }
  });
}
