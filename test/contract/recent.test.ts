import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { basicAuthorization, createTestData, openNode } from '#harness/inhabitants.ts';
import { findPostgres, type Postgres } from '#harness/postgres.ts';
import { Wire } from '#harness/wire.ts';
import type { SiteId } from '#kernel/ids.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { makeAdminCommands } from '#registry/admin-commands.ts';
import { composeHttpServer } from '#server/http-server.ts';
import { openPostgres, type PostgresOptions } from '#store/postgres/open.ts';
import { openSqlite } from '#store/sqlite/open.ts';
import type { Store } from '#store/store.ts';
import {
  access,
  at,
  audit,
  change,
  consented,
  NOW,
  person,
  registered,
  secret,
  text,
} from './things.ts';

const data = mkdtempSync(join(tmpdir(), 'gatehouse-recent-'));
after(() => rmSync(data, { recursive: true, force: true }));
const postgres = await findPostgres({ own: true });
if (typeof postgres === 'string')
  test('what a process remembers of PostgreSQL', { skip: postgres });
else memories(postgres);

test('a SQLite file is read where it is asked: nothing is remembered', async () => {
  const store = openSqlite(':memory:');
  assert.equal(store.cached, null);
  await store.close();
});

/** The questions that may be answered from memory. */
function recently(store: Store) {
  if (store.cached === null) throw new Error('nothing is remembered');
  return store.cached;
}

async function ask(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** A change that the database tells nobody of. */
const silently = (url: string, table: string, statement: string) =>
  ask(
    url,
    `BEGIN; ALTER TABLE ${table} DISABLE TRIGGER USER; ${statement}; ALTER TABLE ${table} ENABLE TRIGGER USER; COMMIT`,
  );

/** Asks until answers come from memory. */
async function vouched(store: Store): Promise<void> {
  const recent = recently(store);
  while (!recent.isLeaseValid()) {
    await recent.findAccount(1 as never);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const LONGEST_MS = 700;

/**
 * Looks until the change shows. An old answer that was asked for more than a lease after the change
 * is a lie.
 */
async function shows(what: string, isOld: () => Promise<boolean>): Promise<void> {
  const since = performance.now();
  for (;;) {
    const asked = performance.now();
    if (!(await isOld())) return;
    assert.ok(
      asked - since < LONGEST_MS,
      `${what}: still the old answer after ${asked - since} ms`,
    );
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function memories(running: Postgres): void {
  describe('what a process remembers of PostgreSQL', { timeout: 60_000 }, () => {
    let url: string;
    let here: Store;
    let there: Store;
    before(async () => {
      url = await running.database();
      here = openPostgres(url);
      await here.prepareSchema();
      there = openPostgres(url);
    });
    after(async () => {
      await here.close();
      await there.close();
      await running.close();
    });

    /**
     * Somebody with a consent, token credentials and an access token, all of which both processes
     * know by heart.
     */
    async function known() {
      const world = await consented(here);
      const pair = {
        token: text('pair').replace(/\W/g, ''),
        encryptedSecret: 'v1.m1.x.y' as never,
      };
      const { userId, clientId, site } = world.consent;
      await here.saveConsent(
        { userId, clientId, site, scopes: ['basic'], acceptedAt: NOW },
        pair,
        audit(clientId),
      );
      const token = access(world);
      await here.saveAccessToken(token);
      const look = async (store: Store) => {
        await vouched(store);
        const recent = recently(store);
        return {
          client: await recent.findClient(world.app.id),
          user: await recent.findAccount(world.user),
          facts: await recent.findAccessToken(token.id),
          pair: await recent.findTokenCredentials(pair.token),
        };
      };
      for (const store of [here, there, here, there]) await look(store);
      return { ...world, pair, token, look };
    }

    test('answers come from memory, and for a change that nobody tells of no longer than five seconds', async () => {
      const { app, user, consent, token, look } = await known();
      await silently(
        url,
        'clients',
        `UPDATE clients SET name = 'renamed', changes = changes + 1 WHERE id = '${app.id}'`,
      );
      await silently(
        url,
        'accounts',
        `UPDATE accounts SET real_name = 'renamed' WHERE id = ${user}`,
      );
      await silently(url, 'consents', `UPDATE consents SET scopes = '[]' WHERE id = ${consent.id}`);
      const seen = await look(here);
      assert.equal(seen.client?.name, app.name);
      assert.equal(seen.user?.realName, 'Somebody');
      assert.deepEqual(seen.facts?.consent?.scopes, ['basic']);
      assert.equal(seen.facts?.client?.name, app.name);
      assert.deepEqual(seen.pair?.consent.scopes, ['basic']);
      assert.equal(
        (await here.findClient(app.id))?.name,
        'renamed',
        'who asks the store is told what is in it',
      );
      assert.equal((await here.findAccount(user))?.realName, 'renamed');
      assert.deepEqual((await here.findAccessToken(token.id))?.consent?.scopes, []);
      const end = performance.now() + 20_000;
      while ((await look(here)).client?.name !== 'renamed') {
        assert.ok(performance.now() < end, 'it is asked again');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });

    test('what is not found is asked again each time, and found as soon as it is there', async () => {
      await vouched(there);
      const owner = await person(here);
      const id = 'ab'.repeat(16) as never;
      assert.equal(await recently(there).findClient(id), undefined);
      await registered(here, owner, { id });
      assert.equal((await recently(there).findClient(id))?.ownerId, owner);
    });

    test('a token that is revoked is so with the next question, everywhere', async () => {
      const { token } = await known();
      await here.revokeAccessToken(token.id);
      for (const store of [here, there])
        assert.equal((await recently(store).findAccessToken(token.id))?.token.revoked, true);
    });

    type Known = Awaited<ReturnType<typeof known>>;
    type Seen = Awaited<ReturnType<Known['look']>>;
    /**
     * Every way in which something that is remembered changes: how, and whether an answer is from
     * before.
     */
    const changes: Readonly<
      Record<string, readonly [(known: Known) => Promise<unknown>, (seen: Seen) => boolean]>
    > = {
      'an account is blocked': [
        ({ user }) => here.setBlocked(user, true),
        ({ user }) => user?.blocked === false,
      ],
      'somebody is put into other groups': [
        ({ user }) => here.setGroups(user, ['sysop']),
        ({ user }) => user?.groups.length === 0,
      ],
      'somebody gets another name': [
        ({ user }) => here.setProfile(user, { realName: 'Else', language: 'de' }),
        ({ user }) => user?.realName === 'Somebody',
      ],
      'a client is disabled': [
        ({ app }) =>
          here.applyChange(
            change(app.id, app.recordVersion, [
              { kind: 'save-client', client: { ...app, stage: 'rejected', stageAt: at(1) } },
            ]),
          ),
        ({ client, facts }) => client?.stage === 'approved' || facts?.client?.stage === 'approved',
      ],
      'a secret is added': [
        ({ app }) =>
          here.applyChange(
            change(app.id, app.recordVersion, [
              { kind: 'add-secret', secret: secret({ label: 'second' }) },
            ]),
          ),
        ({ client }) => client?.secrets.length === 1,
      ],
      'a secret is retired': [
        ({ app }) =>
          here.applyChange(
            change(app.id, app.recordVersion, [
              { kind: 'remove-secrets', ids: app.secrets.map(({ id }) => id) },
            ]),
          ),
        ({ client }) => client?.secrets.length === 1,
      ],
      'a person takes a yes back': [
        ({ consent, user, app }) =>
          here.revokeConsent(consent.id, user, audit(app.id, { action: 'renounce' })),
        ({ facts, pair }) => facts?.consent !== undefined || pair !== undefined,
      ],
      'a person says yes to more': [
        ({ consent, app }) =>
          here.saveConsent(
            { ...consent, site: '*' as SiteId, scopes: ['basic', 'editpage'] },
            null,
            audit(app.id, { action: 'accept' }),
          ),
        ({ facts, pair }) =>
          facts?.consent?.scopes.length === 1 || pair?.consent.scopes.length === 1,
      ],
      'all consents of a person for a client end': [
        ({ user, app }) =>
          here.applyChange(
            change(app.id, app.recordVersion, [{ kind: 'end-consents-of', userId: user }]),
          ),
        ({ facts, pair }) => facts?.consent !== undefined || pair !== undefined,
      ],
      'an owner is granted anew': [
        ({ user, app, consent }) =>
          here.applyChange(
            change(app.id, app.recordVersion, [
              {
                kind: 'regrant',
                grant: {
                  consent: {
                    userId: user,
                    clientId: app.id,
                    site: consent.site,
                    scopes: ['basic'],
                    acceptedAt: NOW,
                  },
                  credentials: null,
                  token: null,
                },
              },
            ]),
          ),
        ({ facts }) => facts?.consent !== undefined,
      ],
    };
    for (const [what, [alter, isOld]] of Object.entries(changes))
      test(`${what}: at once where it was done, and within a lease elsewhere`, async () => {
        const all = await known();
        assert.ok(isOld(await all.look(here)) && isOld(await all.look(there)));
        await alter(all);
        assert.ok(!isOld(await all.look(here)), 'the process that did it knows');
        await shows(what, async () => isOld(await all.look(there)));
      });

    test('somebody changes rows by hand, or empties a table: it is heard', async () => {
      const { app, user, look } = await known();
      await ask(url, `UPDATE accounts SET blocked = 1 WHERE id = ${user}`);
      await shows('blocked by hand', async () => (await look(here)).user?.blocked !== true);
      await ask(url, `DELETE FROM client_secrets WHERE client_id = '${app.id}'`);
      await shows(
        'secrets deleted by hand',
        async () => (await look(here)).client?.secrets.length !== 0,
      );
      await ask(url, `UPDATE clients SET suppressed = 1 WHERE id = '${app.id}'`);
      await shows('hidden by hand', async () => (await look(here)).client?.suppressed !== true);
      assert.equal(
        (await here.findClient(app.id))?.suppressed,
        true,
        'and the store reads it again',
      );
      await ask(url, 'TRUNCATE consents CASCADE');
      await shows('all consents gone', async () => (await look(here)).pair !== undefined);
    });

    test('with the memory off every question is asked', async () => {
      const store = openPostgres(url, { cacheRows: false });
      assert.equal(store.cached, null);
      await store.close();
    });

    describe('on a bad line', () => {
      let wire: Wire;
      const logged: string[] = [];
      const log = {
        info: (event: string) => void logged.push(event),
        warn: (event: string, fields: unknown) =>
          void logged.push(`${event} ${JSON.stringify(fields)}`),
        error: () => {},
      };
      const through = async (options: PostgresOptions = {}) => {
        const store = openPostgres(wire.through(url), { connectMs: 1000, log, ...options });
        await store.prepareSchema();
        return store;
      };
      before(async () => {
        wire = await Wire.to(Number(new URL(url).port || 5432));
      });
      after(() => wire.close());

      test('when nothing is heard any more, nothing is answered from memory after the lease, and later it is again', async () => {
        const store = await through();
        const { app, user, look } = await known();
        await look(store);
        wire.silence('LISTEN gatehouse');
        await here.setBlocked(user, true);
        // The same question, without waiting for anybody to vouch: from memory for as long as that
        // may be, then from the store.
        await shows(
          'nobody tells',
          async () => (await recently(store).findAccount(user))?.blocked !== true,
        );
        assert.equal((await recently(store).findClient(app.id))?.id, app.id);
        wire.cut();
        await vouched(store).catch(() => vouched(store));
        assert.equal((await look(store)).user?.blocked, true);
        await here.setBlocked(user, false);
        await shows(
          'heard again',
          async () => (await recently(store).findAccount(user))?.blocked !== false,
        );
        await store.close();
      });

      test('a write whose commit is answered by nobody is forgotten as well', async () => {
        const store = await through();
        const { consent, user, app, look } = await known();
        await look(store);
        wire.fate = { cutAt: 'COMMIT\0', arrives: true };
        await assert.rejects(
          store.revokeConsent(consent.id, user, audit(app.id, { action: 'renounce' })),
          isUnavailable,
        );
        wire.fate = 'pass';
        // It did happen, a moment later; the memory holds nothing that could say otherwise.
        while ((await here.findConsentById(consent.id)) !== undefined)
          await new Promise((resolve) => setTimeout(resolve, 5));
        assert.equal((await look(store)).pair, undefined);
        await store.close();
      });

      test('through a pooler nothing is remembered, and it is said once why', async () => {
        logged.length = 0;
        // A pooler makes up the number by which a session is cancelled: message K, 12 bytes, then
        // the number.
        wire.rewrite = (answer) => {
          const found = answer.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
          if (found < 0) return answer;
          const other = Buffer.from(answer);
          other.writeInt32BE(other.readInt32BE(found + 5) + 1, found + 5);
          return other;
        };
        const store = await through();
        const { app, user } = await known();
        while (logged.length === 0) {
          assert.equal((await recently(store).findClient(app.id))?.id, app.id);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        assert.ok(!recently(store).isLeaseValid());
        await here.setBlocked(user, true);
        assert.equal((await recently(store).findAccount(user))?.blocked, true);
        await new Promise((resolve) => setTimeout(resolve, 600));
        assert.equal((await recently(store).findAccount(user))?.blocked, true);
        assert.equal(logged.length, 1);
        assert.match(logged[0] ?? '', /not heard.*something stands between/);
        wire.rewrite = (answer) => answer;
        await store.close();
      });

      test('a secret that was reset elsewhere buys no token, also where nobody heard of it', async () => {
        const home = (database: string) => ({
          data,
          issuer: 'http://gate.localhost',
          environment: { GATEHOUSE_DATABASE: database },
        });
        const [near, far] = [await openNode(home(url)), await openNode(home(wire.through(url)))];
        const { oauth2App: web } = await createTestData(near);
        const app = composeHttpServer(far.services);
        const token = () =>
          app.inject({
            ...{ method: 'POST', url: '/oauth2/token', payload: 'grant_type=client_credentials' },
            headers: {
              ...basicAuthorization(web),
              'content-type': 'application/x-www-form-urlencoded',
            },
          });
        assert.equal((await token()).statusCode, 200);
        await vouched(far.store);
        assert.equal((await token()).statusCode, 200);
        wire.silence('LISTEN gatehouse');
        const client = await near.store.findClient(web.key as never);
        assert.ok(
          (
            await makeAdminCommands(near.services.registry).resetSecret(web.key as never, {
              reason: 'leaked',
            })
          ).ok,
        );
        // Remembered as it was, unless this machine was so busy that the lease is over.
        const seen = await recently(far.store).findClient(web.key as never);
        assert.ok(
          seen?.recordVersion === client?.recordVersion || !recently(far.store).isLeaseValid(),
        );
        assert.equal((await token()).statusCode, 401);
        await app.close();
        await near.store.close();
        await far.store.close();
      });

      test('without the triggers nothing is remembered', async () => {
        logged.length = 0;
        await ask(url, 'ALTER TABLE consents DISABLE TRIGGER consents_tell');
        const store = await through();
        const { app, user, consent } = await known();
        while (logged.length === 0) {
          assert.equal((await recently(store).findClient(app.id))?.id, app.id);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        assert.match(logged[0] ?? '', /not heard.*triggers/);
        assert.ok(!recently(store).isLeaseValid());
        await here.revokeConsent(consent.id, user, audit(app.id, { action: 'renounce' }));
        assert.equal((await recently(store).findClient(app.id))?.id, app.id);
        await store.close();
        await ask(url, 'ALTER TABLE consents ENABLE TRIGGER consents_tell');
      });

      const { server } = running;
      test('the server restarts: what was changed meanwhile is known', {
        skip: server ? false : 'the server is not ours to stop',
      }, async () => {
        const store = await through();
        const { user, look } = await known();
        await look(store);
        await server?.stop();
        await assert.rejects(store.findAccount(user), isUnavailable);
        await server?.run();
        await ask(url, `UPDATE accounts SET blocked = 1 WHERE id = ${user}`);
        for (;;) {
          try {
            assert.equal((await look(store)).user?.blocked, true);
            break;
          } catch (fault) {
            if (!isUnavailable(fault)) throw fault;
          }
        }
        await store.close();
      });
    });
  });
}
