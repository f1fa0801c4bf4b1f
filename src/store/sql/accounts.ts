import type { AccountRecords, NewAccount, RateCounters, Sessions } from '#accounts/records.ts';
import type { Digest, UserId } from '#kernel/ids.ts';
import { toNormalForm } from '#kernel/normal-form.ts';
import type { Instant } from '#kernel/time.ts';
import type { Driver } from '../driver.ts';
import { toAccount, toSession } from './rows.ts';
import {
  execute,
  fetchAll,
  fetchOne,
  forUpdate,
  param,
  params,
  queryBuilder,
  sql,
  statement,
  type Transaction,
} from './statement.ts';

const findById = statement(
  queryBuilder.selectFrom('accounts').selectAll().where('id', '=', param<number>('id')),
);
const findByName = statement(
  queryBuilder.selectFrom('accounts').selectAll().where('name_key', '=', param<string>('nameKey')),
);
const selectAccounts = statement(queryBuilder.selectFrom('accounts').selectAll().orderBy('id'));
const insertAccount = statement(
  queryBuilder
    .insertInto('accounts')
    .values({
      ...params(
        'name',
        'name_key',
        'email',
        'email_confirmed_at',
        'real_name',
        'groups',
        'password_hash',
        'created_at',
      ),
      blocked: 0,
    })
    .onConflict((conflict) => conflict.column('name_key').doNothing())
    .returningAll(),
);
const updateBlocked = statement(
  queryBuilder
    .updateTable('accounts')
    .set({ blocked: param<number>('blocked') })
    .where('id', '=', param<number>('id')),
  ['account', 'id'],
);
const saveSetting = statement(
  queryBuilder
    .insertInto('settings')
    .values(params('name', 'value'))
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ value: param<string>('value') }),
    ),
);
const deleteSetting = statement(
  queryBuilder.deleteFrom('settings').where('name', '=', param<string>('name')),
);
const findSetting = statement(
  queryBuilder.selectFrom('settings').selectAll().where('name', '=', param<string>('name')),
);
const findSettingForUpdate = forUpdate(findSetting);
const findAnyAccount = statement(queryBuilder.selectFrom('accounts').select('id').limit(1));

const insertSession = statement(
  queryBuilder
    .insertInto('sessions')
    .values(
      params(
        'digest',
        'user_id',
        'created_at',
        'active_at',
        'expires_at',
        'ends_at',
        'agent',
        'address',
        'proven_at',
        'proven_by',
      ),
    ),
);
const findSession = statement(
  queryBuilder
    .selectFrom('sessions')
    .selectAll()
    .where('digest', '=', param<string>('digest'))
    .where('expires_at', '>', param<number>('now')),
);
const sessionsOf = statement(
  queryBuilder
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', param<number>('user'))
    .where('expires_at', '>', param<number>('now'))
    .orderBy('created_at', 'desc')
    .orderBy('digest', 'desc'),
);
const updateSessionProof = statement(
  queryBuilder
    .updateTable('sessions')
    .set({ proven_at: param<number>('at'), proven_by: param<string>('method') })
    .where('digest', '=', param<string>('digest')),
);
const updateActivity = sql(`
  UPDATE sessions SET active_at = :at, expires_at = :end WHERE digest = :digest AND coalesce(active_at, created_at) < :at`);
const deleteSession = statement(
  queryBuilder.deleteFrom('sessions').where('digest', '=', param<string>('digest')),
);
const deleteSessionsOf = statement(
  queryBuilder.deleteFrom('sessions').where('user_id', '=', param<number>('user')),
);

const findLimit = statement(
  queryBuilder.selectFrom('limits').selectAll().where('key', '=', param<string>('key')),
);
const incrementCounter = sql<{ hits: number }>(`
  INSERT INTO limits (key, hits, expires_at) VALUES (:key, 1, :end) ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN limits.expires_at > :now THEN limits.hits + 1 ELSE 1 END,
    expires_at = CASE WHEN limits.expires_at > :now THEN limits.expires_at ELSE :end END
  RETURNING hits`);
const deleteLimit = statement(
  queryBuilder.deleteFrom('limits').where('key', '=', param<string>('key')),
);

/** A person by number, for units of work that need the whole picture. */
export function* fetchAccountById(
  id: UserId,
): Transaction<ReturnType<typeof toAccount> | undefined> {
  const row = yield* fetchOne(findById, { id });
  return row && toAccount(row);
}

/** Names are compared without regard to case. */
export const normalizeAccountName = (name: string) => toNormalForm(name, 'NFC').toLowerCase();

/**
 * The one row of the set-up link: digest and end. Every door to an account contends for it, on all
 * nodes.
 */
const SETUP = 'setup-secret-digest';
const formatSetupSecret = (digest: Digest, expiresAt: Instant) => `${digest} ${expiresAt}`;

/** True while the row is of this secret, has not expired, and there is no account. */
function* isSetupSecretValid(
  row: { readonly value: string } | undefined,
  digest: Digest,
  now: Instant,
): Transaction<boolean> {
  const [storedDigest, end = ''] = row?.value.split(' ') ?? [];
  if (storedDigest !== digest || !/^\d+$/.test(end) || Number(end) <= now) return false;
  return (yield* fetchOne(findAnyAccount)) === undefined;
}

/**
 * Creates an account, whichever door it comes by, which ends the set-up link; undefined: the name
 * is taken.
 */
export function* createAccount(
  account: NewAccount,
): Transaction<ReturnType<typeof toAccount> | undefined> {
  yield* execute(deleteSetting, { name: SETUP });
  const row = yield* fetchOne(insertAccount, {
    name: account.name,
    name_key: normalizeAccountName(account.name),
    email: account.email,
    email_confirmed_at: account.emailConfirmedAt,
    real_name: account.realName,
    groups: JSON.stringify(account.groups),
    password_hash: account.passwordHash,
    created_at: account.createdAt,
  });
  return row && toAccount(row);
}

const toSessionRow = (session: Parameters<Sessions['saveSession']>[0]) => ({
  digest: session.digest,
  user_id: session.userId,
  created_at: session.createdAt,
  active_at: session.activeAt ?? session.createdAt,
  expires_at: session.expiresAt,
  ends_at: session.endsAt ?? session.expiresAt,
  agent: session.agent,
  address: session.address,
  proven_at: session.proof?.at ?? null,
  proven_by: session.proof?.method ?? null,
});

/** Thrown, so that the whole unit of work is undone. */
export class NameTakenError extends Error {}

/** Answers the ports of the accounts room. */
export function makeAccountStore(driver: Driver): AccountRecords & Sessions & RateCounters {
  return {
    findAccount: (id) => driver.read(fetchAccountById(id)),
    async findAccountByName(name) {
      const row = await driver.read(fetchOne(findByName, { nameKey: normalizeAccountName(name) }));
      return row && toAccount(row);
    },
    async findPassword(name) {
      const row = await driver.read(fetchOne(findByName, { nameKey: normalizeAccountName(name) }));
      return row && { account: toAccount(row), passwordHash: row.password_hash };
    },
    listAccounts: async () => (await driver.read(fetchAll(selectAccounts))).map(toAccount),
    async createAccount(account) {
      const created = await driver.write(() => createAccount(account), 'read-committed');
      return created ? { outcome: 'created', account: created } : { outcome: 'name-taken' };
    },
    setBlocked: async (id, blocked) =>
      (await driver.write(
        () => execute(updateBlocked, { id, blocked: Number(blocked) }),
        'autocommit',
      )) > 0
        ? 'set'
        : 'unknown',
    saveSetupSecret: (digest, expiresAt) =>
      driver.write(function* () {
        if ((yield* fetchOne(findAnyAccount)) !== undefined) return 'accounts-exist' as const;
        yield* execute(saveSetting, { name: SETUP, value: formatSetupSecret(digest, expiresAt) });
        return 'saved' as const;
      }, 'read-committed'),
    hasSetupSecret: (digest, now) =>
      driver.read(
        (function* () {
          return yield* isSetupSecretValid(
            yield* fetchOne(findSetting, { name: SETUP }),
            digest,
            now,
          );
        })(),
      ),
    consumeSetupSecret: (digest, now, account) =>
      driver.write(function* () {
        // Held until the end: whoever makes an account elsewhere meanwhile waits for this row, or
        // has taken it away.
        if (
          !(yield* isSetupSecretValid(
            yield* fetchOne(findSettingForUpdate, { name: SETUP }),
            digest,
            now,
          ))
        )
          return { outcome: 'unknown' as const };
        const created = yield* createAccount(account);
        if (created === undefined) return { outcome: 'unknown' as const };
        return { outcome: 'created' as const, account: created };
      }, 'read-committed'),

    saveSession: async (session) =>
      void (await driver.write(() => execute(insertSession, toSessionRow(session)), 'autocommit')),
    recordActivity: async ({ digest }, at, end) =>
      void (await driver.write(() => execute(updateActivity, { digest, at, end }), 'autocommit')),
    async findSession(digest, now) {
      const row = await driver.read(fetchOne(findSession, { digest, now }));
      return row && toSession(row);
    },
    listSessions: async (user, now) =>
      (await driver.read(fetchAll(sessionsOf, { user, now }))).map(toSession),
    recordProof: async (digest, { at, method }) =>
      (await driver.write(
        () => execute(updateSessionProof, { digest, at, method }),
        'autocommit',
      )) > 0
        ? 'recorded'
        : 'unknown',
    endSession: async (digest) =>
      void (await driver.write(() => execute(deleteSession, { digest }), 'autocommit')),
    endSessionsOf: async (user) =>
      void (await driver.write(() => execute(deleteSessionsOf, { user }), 'autocommit')),

    async increment(key, now, windowEndsAt) {
      const row = await driver.write(
        () => fetchOne(incrementCounter, { key, now, end: windowEndsAt }),
        'autocommit',
      );
      if (row === undefined) throw new Error('a counter did not come back');
      return row.hits;
    },
    async count(key, now) {
      const row = await driver.read(fetchOne(findLimit, { key }));
      return row !== undefined && row.expires_at > now ? row.hits : 0;
    },
    clear: async (key) =>
      void (await driver.write(() => execute(deleteLimit, { key }), 'autocommit')),
  };
}
