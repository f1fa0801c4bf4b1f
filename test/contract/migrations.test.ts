import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import pg from 'pg';
import { findPostgres } from '#harness/postgres.ts';
import type { ClientId, Digest, SiteId, TokenId, UserId } from '#kernel/ids.ts';
import { addSeconds, instant, seconds } from '#kernel/time.ts';
import { openStore } from '#store/open.ts';
import { migrations, SchemaMismatch } from '#store/sql/migrate.ts';
import { NOW, person, registered } from './things.ts';

/** A database as one of its makers sees it: by statements alone. */
interface Kind {
  readonly name: 'sqlite' | 'postgres';
  create(): Promise<string>;
  run(location: string, statements: string): Promise<void>;
  /** The revoked families, in order. */
  families(location: string): Promise<readonly string[]>;
  /** Says which schema the database has, whatever it really has. */
  mark(version: number): string;
}

const ID = 'a'.repeat(32) as ClientId;

/**
 * What was in a database of schema 1: a person, an app with a secret, a consent with its pair, a
 * code, a token and a revoked family.
 */
const schemaOne = `
INSERT INTO accounts (name, name_key, email, email_confirmed_at, real_name, groups, password_hash, blocked, created_at)
  VALUES ('Ada', 'ada', 'ada@example.org', ${NOW}, 'Ada', '["reviewer"]', 'hash', 0, ${NOW});
INSERT INTO clients (id, name, version, description, owner_id, email, protocol, owner_only, confidential, redirect_uri, redirect_is_prefix,
  grant_types, pkce_optional, token_algorithm, site, scopes, secret_digest, secret_sealed, rsa_public_key, restrictions, stage, stage_at,
  suppressed, registered_at, changes) VALUES ('${ID}', 'App', '1.0', '', 1, 'ada@example.org', 'oauth1', 0, 1, 'https://app.example/cb', 0,
  '[]', 0, 'ES256', '*', '["basic"]', 'digest', 'sealed', NULL, '{"addresses":["::/0"],"pages":[]}', 'approved', ${NOW}, 0, ${NOW}, 3);
INSERT INTO consents (user_id, client_id, site, scopes, accepted_at) VALUES (1, '${ID}', '*', '["basic"]', ${NOW});
INSERT INTO token_credentials (token, consent_id, secret_sealed) VALUES ('token', 1, 'sealed');
INSERT INTO sessions (digest, user_id, created_at, expires_at) VALUES ('session', 1, ${NOW}, ${NOW + 60});
INSERT INTO access_tokens (id, client_id, user_id, consent_id, family_id, scopes, grant_type, issued_at, expires_at)
  VALUES ('jti', '${ID}', 1, 1, 'family', '["basic"]', 'authorization_code', ${NOW}, ${NOW + 60});
INSERT INTO revoked_families (id) VALUES ('family');
`;

/** What each later schema could hold besides, by the number of the schema. */
const added: Readonly<Record<number, string>> = {
  2: `
INSERT INTO client_secrets (client_id, label, digest, sealed, created_at) VALUES ('${ID}', 'second', 'digest2', NULL, ${NOW});
UPDATE clients SET halted = 'consents';
INSERT INTO maintainers (client_id, user_id, invited_by, invited_at, accepted_at) VALUES ('${ID}', 1, 1, ${NOW}, ${NOW});
INSERT INTO revisions (client_id, stage, fields, proposed_by, proposed_at) VALUES ('${ID}', 'proposed', '{"description":"Better"}', 1, ${NOW});
INSERT INTO audit (at, action, actor_id, via, client_id, edition, reason, changes) VALUES (${NOW}, 'propose', 1, 'page', '${ID}', 3, 'why', '[]');
`,
  3: `
UPDATE clients SET optional_scopes = '["basic"]';
UPDATE accounts SET language = 'ar';
INSERT INTO passkeys (id, user_id, public_key, counter, transports, label, created_at) VALUES ('key', 1, 'public', 4, '[]', 'Phone', ${NOW});
INSERT INTO failures (client_id, kind, at, facts) VALUES ('${ID}', 'token', ${NOW}, '{}');
`,
};

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-migrations-'));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const sqlite: Kind = {
  name: 'sqlite',
  create: async () => `sqlite:${join(directory, `${++files}.db`)}`,
  async run(location, statements) {
    const db = new DatabaseSync(location.slice('sqlite:'.length));
    db.exec(statements);
    db.close();
  },
  async families(location) {
    const db = new DatabaseSync(location.slice('sqlite:'.length));
    const rows = db.prepare('SELECT id FROM revoked_families ORDER BY id').all();
    db.close();
    return rows.map(({ id }) => String(id));
  },
  mark: (version) => `PRAGMA user_version = ${version}`,
};

const postgres = await findPostgres();
if (typeof postgres === 'string') test('migrations on PostgreSQL', { skip: postgres });
else {
  after(() => postgres.close());
  migrate({
    name: 'postgres',
    create: () => postgres.database(),
    async run(location, statements) {
      const client = new pg.Client({ connectionString: location });
      await client.connect();
      try {
        await client.query(statements);
      } finally {
        await client.end();
      }
    },
    async families(location) {
      const client = new pg.Client({ connectionString: location });
      await client.connect();
      const { rows } = await client.query<{ id: string }>(
        'SELECT id FROM revoked_families ORDER BY id',
      );
      await client.end();
      return rows.map(({ id }) => id);
    },
    mark: (version) =>
      `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY); INSERT INTO schema_version VALUES (${version})`,
  });
}
migrate(sqlite);

function migrate({ name, create, run, families, mark }: Kind): void {
  describe(`migrations on ${name}`, { timeout: 60_000 }, () => {
    test('a plan does nothing; a start that must not migrate refuses and names the remedy', async () => {
      const location = await create();
      const store = await openStore(location, { migrate: false });
      const plan = { from: 0, to: migrations.length };
      assert.deepEqual(await store.planMigration(), plan);
      await assert.rejects(
        store.prepareSchema({ migrate: false }),
        (fault) => fault instanceof SchemaMismatch && /gatehouse migrate/.test(fault.message),
      );
      assert.deepEqual(await store.planMigration(), plan);
      await store.prepareSchema();
      assert.deepEqual(await store.planMigration(), {
        from: migrations.length,
        to: migrations.length,
      });
      await store.prepareSchema({ migrate: false });
      await store.close();
    });

    test('a schema that is newer than the program is refused, and left as it is', async () => {
      const location = await create();
      await run(location, mark(migrations.length + 1));
      const newer = (fault: unknown) =>
        fault instanceof SchemaMismatch && /run a newer Gatehouse/.test(fault.message);
      const store = await openStore(location, { migrate: false });
      await assert.rejects(store.planMigration(), newer);
      await assert.rejects(store.prepareSchema(), newer);
      await assert.rejects(store.prepareSchema({ migrate: false }), newer);
      await store.close();
    });

    test('many starts at once on an empty database: one migrates, the others find it done', async () => {
      const location = await create();
      const stores = await Promise.all(
        Array.from({ length: name === 'sqlite' ? 2 : 6 }, () =>
          openStore(location, { migrate: false }),
        ),
      );
      await Promise.all(stores.map((store) => store.prepareSchema()));
      for (const store of stores) {
        assert.equal((await store.planMigration()).from, migrations.length);
        await store.close();
      }
    });

    test('a step that fails leaves the schema as it was', async () => {
      const location = await create();
      await run(
        location,
        `${migrations[0]?.[name]}; ${mark(1)}; CREATE TABLE revisions (of_somebody_else BIGINT);`,
      );
      const store = await openStore(location, { migrate: false });
      await assert.rejects(store.prepareSchema());
      assert.equal((await store.planMigration()).from, 1);
      await run(location, 'DROP TABLE revisions');
      await store.prepareSchema();
      await store.close();
    });

    for (let from = 1; from < migrations.length; from++)
      test(`what a database of schema ${from} held is there after the migration`, async () => {
        const location = await create();
        for (let version = 1; version <= from; version++) {
          await run(location, `${migrations[version - 1]?.[name]}; ${mark(version)}`);
          await run(location, version === 1 ? schemaOne : (added[version] ?? ''));
        }
        const store = await openStore(location, { migrate: false });
        assert.equal((await store.planMigration()).from, from);
        await store.prepareSchema();
        const ada = await store.findAccountByName('Ada');
        assert.equal(ada?.id, 1);
        assert.equal(ada.language, from >= 3 ? 'ar' : null);
        const app = await store.findClient(ID);
        assert.equal(app?.recordVersion, 3);
        assert.equal(app.introspector, false);
        assert.equal(app.plainPkceUntil, null);
        assert.equal(app.suspension, from >= 2 ? 'new-consents' : 'none');
        assert.deepEqual(app.optionalScopes, from >= 3 ? ['basic'] : []);
        assert.deepEqual(
          app.secrets.map(({ label, digest, encrypted: sealed }) => [label, digest, sealed]),
          [['first', 'digest', 'sealed'], ...(from >= 2 ? [['second', 'digest2', null]] : [])],
        );
        const found = await store.findTokenCredentials('token');
        assert.deepEqual(found?.consent, await store.findConsent(1 as UserId, ID, '*' as SiteId));
        const session = await store.findSession('session' as Digest, NOW);
        assert.deepEqual(
          [session?.userId, session?.proof, session?.activeAt, session?.endsAt],
          [1, null, NOW, NOW + 60],
          'who is behind a session from before has to prove it when it matters',
        );
        assert.equal((await store.findAccessToken('jti' as TokenId))?.familyRevoked, true);
        if (from >= 2) {
          assert.equal((await store.openRevision(ID))?.fields.description, 'Better');
          assert.equal((await store.teamOf(ID)).maintainers.length, 1);
          // Whoever proposed the app is known for it from the trail.
          assert.deepEqual(await store.involvementsIn(ID), [
            { userId: 1, part: 'proposer', until: NOW },
          ]);
          assert.equal((await store.listAudit({ clientId: ID, limit: 9 }))[0]?.reason, 'why');
        }
        if (from >= 3) {
          assert.equal((await store.listPasskeys(1 as UserId))[0]?.label, 'Phone');
          assert.equal((await store.listFailures(ID, 9)).length, 1);
        }
        // A node of the version before goes on, and what it revokes stays revoked.
        await run(location, `INSERT INTO revoked_families (id) VALUES ('by an older node')`);
        await store.purgeExpired(
          addSeconds(instant(Date.now() / 1000), seconds(700 * 86_400)),
          100,
        );
        assert.deepEqual(await families(location), ['by an older node', 'family']);
        await store.purgeExpired(
          addSeconds(instant(Date.now() / 1000), seconds(800 * 86_400)),
          100,
        );
        assert.deepEqual(await families(location), ['by an older node']);
        await store.close();
      });

    test('the audit trail refuses to be changed by anybody', async () => {
      const location = await create();
      const store = await openStore(location);
      await store.prepareSchema();
      await registered(store, await person(store));
      const forbidden = [
        'UPDATE audit SET reason = NULL',
        'DELETE FROM audit',
        ...(name === 'postgres' ? ['TRUNCATE audit'] : []),
      ];
      for (const statement of forbidden)
        await assert.rejects(run(location, statement), /append-only/);
      assert.equal((await store.listAudit({ limit: 9 })).length, 1);
      await store.close();
    });
  });
}
