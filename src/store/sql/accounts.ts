import type { AccountRecords, NewAccount, RateCounters, Sessions } from '#accounts/records.ts';
import type { Digest, UserId } from '#kernel/ids.ts';
import { toNormalForm } from '#kernel/normal-form.ts';
import type { Instant } from '#kernel/time.ts';
import type { Driver } from '../driver.ts';
import { toAccount, toSession } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, forUpdate, sql, type Transaction } from './statement.ts';

const findById = sql<Row<'accounts'>>('SELECT * FROM accounts WHERE id = :id');
const findByName = sql<Row<'accounts'>>('SELECT * FROM accounts WHERE name_key = :nameKey');
const selectAccounts = sql<Row<'accounts'>>('SELECT * FROM accounts ORDER BY id');
const insertAccount = sql<Row<'accounts'>>(`
  INSERT INTO accounts (name, name_key, email, email_confirmed_at, real_name, groups,
    password_hash, created_at, blocked)
  VALUES (:name, :name_key, :email, :email_confirmed_at, :real_name, :groups, :password_hash,
    :created_at, 0)
  ON CONFLICT (name_key) DO NOTHING RETURNING *`);
const updateBlocked = sql('UPDATE accounts SET blocked = :blocked WHERE id = :id', [
  'account',
  'id',
]);
const saveSetting = sql(`
  INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE
  SET value = :value`);
const deleteSetting = sql('DELETE FROM settings WHERE name = :name');
const findSetting = sql<Row<'settings'>>('SELECT * FROM settings WHERE name = :name');
const findSettingForUpdate = forUpdate(findSetting);
const findAnyAccount = sql<{ id: number }>('SELECT id FROM accounts LIMIT 1');

const insertSession = sql(`
  INSERT INTO sessions (digest, user_id, created_at, active_at, expires_at, ends_at, agent,
    address, proven_at, proven_by)
  VALUES (:digest, :user_id, :created_at, :active_at, :expires_at, :ends_at, :agent, :address,
    :proven_at, :proven_by)`);
const findSession = sql<Row<'sessions'>>(
  'SELECT * FROM sessions WHERE digest = :digest AND expires_at > :now',
);
const sessionsOf = sql<Row<'sessions'>>(`
  SELECT * FROM sessions WHERE user_id = :user AND expires_at > :now
  ORDER BY created_at DESC, digest DESC`);
const updateSessionProof = sql(
  'UPDATE sessions SET proven_at = :at, proven_by = :method WHERE digest = :digest',
);
const updateActivity = sql(`
  UPDATE sessions SET active_at = :at, expires_at = :end WHERE digest = :digest AND coalesce(active_at, created_at) < :at`);
const deleteSession = sql('DELETE FROM sessions WHERE digest = :digest');
const deleteSessionsOf = sql('DELETE FROM sessions WHERE user_id = :user');

const findLimit = sql<Row<'limits'>>('SELECT * FROM limits WHERE key = :key');
const incrementCounter = sql<{ hits: number }>(`
  INSERT INTO limits (key, hits, expires_at) VALUES (:key, 1, :end) ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN limits.expires_at > :now THEN limits.hits + 1 ELSE 1 END,
    expires_at = CASE WHEN limits.expires_at > :now THEN limits.expires_at ELSE :end END
  RETURNING hits`);
const deleteLimit = sql('DELETE FROM limits WHERE key = :key');

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
