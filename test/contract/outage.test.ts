import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { findPostgres, type Postgres } from '#harness/postgres.ts';
import { Wire } from '#harness/wire.ts';
import { isUnavailable } from '#kernel/unavailable.ts';
import { openPostgres } from '#store/postgres/open.ts';
import type { Store } from '#store/store.ts';
import { basicHeader, TestServer } from '../harness/world.ts';
import {
  access,
  at,
  audit,
  code,
  consented,
  digest,
  NOW,
  nonce,
  person,
  registered,
  session,
  text,
  tokenId,
} from './things.ts';

const postgres = await findPostgres({ own: true });
const unavailable = (what: Promise<unknown>, why?: string) =>
  assert.rejects(what, isUnavailable, why);

/** Asks until it is answered: recovery takes no restart, but it may take a moment. */
async function recovered(store: Store): Promise<void> {
  for (;;) {
    try {
      return await store.ping();
    } catch (fault) {
      assert.ok(isUnavailable(fault));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function ask(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('SET default_transaction_read_only = off');
  await client.query(statement);
  await client.end();
}

if (typeof postgres === 'string')
  test('when PostgreSQL refuses, hangs or dies', { skip: postgres });
else outages(postgres);

function outages(running: Postgres): void {
  let url: string;
  let wire: Wire;
  let store: Store;
  const limits = { connectMs: 1000, statementMs: 500, connections: 6 };

  before(async () => {
    url = await running.database();
    const direct = new URL(url);
    wire = await Wire.to(Number(direct.port || 5432));
    store = openPostgres(wire.through(url), limits);
    await store.prepareSchema();
  });
  beforeEach(() => {
    wire.fate = 'pass';
  });
  after(async () => {
    await store.close();
    wire.close();
    await running.close();
  });

  describe('when PostgreSQL refuses, hangs or dies', { timeout: 60_000 }, () => {
    test('a connection that is cut while nobody uses it is replaced', async () => {
      await Promise.all(Array.from({ length: 6 }, () => store.ping()));
      wire.cut();
      await recovered(store);
      assert.equal(await store.claimNonce(nonce()), 'first');
    });

    test('a commit that does not arrive is not answered, and not stored', async () => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const bought = { access: access(world, { familyId: one.familyId }), refresh: null };
      wire.fate = { cutAt: 'COMMIT\0', arrives: false };
      await unavailable(store.redeemCode(one.digest, NOW, bought));
      assert.equal((await store.findCode(one.digest))?.code.used, false);
      assert.equal(await store.redeemCode(one.digest, NOW, bought), 'redeemed');
    });

    test('a commit whose answer is lost is not answered either, and what was spent stays spent', async () => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const bought = { access: access(world, { familyId: one.familyId }), refresh: null };
      wire.fate = { cutAt: 'COMMIT\0', arrives: true };
      await unavailable(store.redeemCode(one.digest, NOW, bought));
      while (!(await store.findCode(one.digest))?.code.used)
        await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(
        await store.redeemCode(one.digest, NOW, { access: access(world), refresh: null }),
        'replayed',
      );
      assert.equal((await store.findAccessToken(bought.access.id))?.familyRevoked, true);
    });

    test('a single statement whose answer is lost: rejected, and the nonce is spent', async () => {
      await store.claimNonce(nonce());
      const claim = nonce();
      wire.fate = { cutAt: claim.key, arrives: true };
      await unavailable(store.claimNonce(claim));
      assert.equal(await store.claimNonce(claim), 'seen');
    });

    test('a server that does not answer: every verb rejects, and later works again', async () => {
      const user = await person(store);
      const app = await registered(store, user);
      wire.fate = 'lose';
      await Promise.all([
        unavailable(store.ping()),
        unavailable(store.findAccount(user)),
        unavailable(store.claimNonce(nonce())),
        unavailable(store.saveSession(session(user))),
        unavailable(store.findAccessToken(tokenId())),
        unavailable(store.revokeAccessToken(tokenId())),
        unavailable(store.increment(text('limit'), NOW, at(9))),
        unavailable(store.revokeConsent(1 as never, user, audit(app.id))),
        unavailable(store.consumeSetupSecret(digest(), NOW, {} as never)),
        unavailable(store.purgeExpired(at(-1_500_000_000), 1)),
      ]);
      wire.fate = 'pass';
      await recovered(store);
      assert.equal((await store.findAccount(user))?.id, user);
    });

    test('a row that somebody else holds for too long is a rejection, not a wait without end', async () => {
      const world = await consented(store);
      const one = code(world);
      await store.saveCode(one);
      const holder = new pg.Client({ connectionString: url });
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT * FROM codes WHERE digest = $1 FOR UPDATE', [one.digest]);
      const bought = { access: access(world, { familyId: one.familyId }), refresh: null };
      await unavailable(store.redeemCode(one.digest, NOW, bought));
      await holder.query('ROLLBACK');
      await holder.end();
      assert.equal(await store.redeemCode(one.digest, NOW, bought), 'redeemed');
    });

    test('a server that takes no more writes: writes reject, reads go on, and later writes work again', async () => {
      const user = await person(store);
      const database = new URL(url).pathname.slice(1);
      await ask(url, `ALTER DATABASE ${database} SET default_transaction_read_only = on`);
      wire.cut();
      await recovered(store);
      assert.equal((await store.findAccount(user))?.id, user);
      await unavailable(store.claimNonce(nonce()));
      await unavailable(store.revokeConsent(1 as never, user, audit(tokenId() as never)));
      await ask(url, `ALTER DATABASE ${database} SET default_transaction_read_only = off`);
      wire.cut();
      await recovered(store);
      assert.equal(await store.claimNonce(nonce()), 'first');
    });

    test('a newer node adds a column: who was there before goes on', async () => {
      const user = await person(store);
      const app = await registered(store, user);
      const made = session(user);
      await store.saveSession(made);
      await Promise.all(Array.from({ length: 12 }, () => store.findSession(made.digest, NOW)));
      await ask(
        url,
        `ALTER TABLE sessions ADD COLUMN later TEXT; ALTER TABLE clients ADD COLUMN later TEXT; ALTER TABLE codes ADD COLUMN later TEXT`,
      );
      const found = await Promise.all(
        Array.from({ length: 12 }, () => store.findSession(made.digest, NOW)),
      );
      assert.ok(found.every((each) => each !== undefined));
      assert.equal((await store.listClients({ ownerId: user }))[0]?.id, app.id);
      await registered(store, user);
    });

    test('over HTTP: 503 with Retry-After while it is away, the same answer as before when it is back', async () => {
      const errors: string[] = [];
      const world = new TestServer({}, '', {
        database: wire.through(url),
        log: {
          info() {},
          warn() {},
          error: (event, fields) => void errors.push(JSON.stringify([event, fields])),
        },
      });
      await world.server.prepare();
      const owner = await world.createPerson(`Owner${process.pid}`);
      const app = await world.createClient(owner, {
        name: text('App'),
        grantTypes: ['client_credentials'],
      });
      const post = (path: string, payload: string) =>
        world.app.inject({
          method: 'POST',
          url: path,
          headers: {
            authorization: basicHeader(app.client.id, app.secret),
            'content-type': 'application/x-www-form-urlencoded',
          },
          payload,
        });
      const issued = await post('/oauth2/token', 'grant_type=client_credentials');
      assert.equal(issued.statusCode, 200);
      const token = issued.json().access_token as string;
      const requests = [
        ['/oauth2/introspect', `token=${token}`],
        ['/oauth2/token', 'grant_type=client_credentials'],
        ['/oauth2/revoke', `token=${token}`],
      ] as const;
      wire.fate = 'refuse';
      wire.cut();
      for (const [path, form] of requests) {
        const answer = await post(path, form);
        assert.equal(answer.statusCode, 503, path);
        assert.match(String(answer.headers['retry-after']), /^\d+$/);
      }
      assert.equal((await world.app.inject('/readyz')).statusCode, 503);
      assert.equal((await world.app.inject('/healthz')).statusCode, 200);
      wire.fate = 'pass';
      await recovered(world.server.store);
      for (const [path, form] of requests)
        assert.equal((await post(path, form)).statusCode, 200, path);
      assert.equal((await post('/oauth2/introspect', `token=${token}`)).json().active, false);
      assert.equal((await world.app.inject('/readyz')).statusCode, 200);
      assert.ok(errors.length > 0);
      const password = new URL(url).password;
      assert.ok(errors.every((line) => !line.includes(password)));
      await world.close();
    });
  });

  const { server } = running;
  test('a server that stops and starts', {
    skip: server === undefined && 'the server of GATEHOUSE_TEST_POSTGRES is not ours to stop',
    timeout: 120_000,
  }, async () => {
    if (server === undefined) return;
    const own = openPostgres(url, limits);
    const world = await consented(own);
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
      const answered: ReturnType<typeof tokenId>[] = [];
      let over = false;
      const worker = async () => {
        while (!over) {
          const token = access(world);
          try {
            await own.saveAccessToken(token);
            answered.push(token.id);
          } catch (fault) {
            assert.ok(isUnavailable(fault), String(fault));
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        }
      };
      const workers = Array.from({ length: 8 }, worker);
      while (answered.length < 50) await new Promise((resolve) => setTimeout(resolve, 2));
      await server.stop(signal);
      await unavailable(own.ping());
      await unavailable(own.claimNonce(nonce()));
      await unavailable(own.findAccessToken(tokenId()));
      const before = answered.length;
      await server.run();
      while (answered.length < before + 50) await new Promise((resolve) => setTimeout(resolve, 2));
      over = true;
      await Promise.all(workers);
      const kept = await Promise.all(answered.map((id) => own.findAccessToken(id)));
      assert.ok(
        kept.every((each) => each !== undefined),
        'what was answered is there',
      );
    }
    await own.close();
  });
}
