import type { AccountRecords, Limits, NewAccount, Sessions } from '#accounts/records.ts';
import type { Digest, UserId } from '#kernel/ids.ts';
import { normalForm } from '#kernel/normal-form.ts';
import type { Instant } from '#kernel/time.ts';
import type { Driver } from '../driver.ts';
import { toAccount, toSession } from './rows.ts';
import {
  all,
  held,
  one,
  param,
  params,
  sql,
  statement,
  type Unit,
  write,
  written,
} from './statement.ts';

const byId = statement(
  sql.selectFrom('accounts').selectAll().where('id', '=', param<number>('id')),
);
const byName = statement(
  sql.selectFrom('accounts').selectAll().where('name_key', '=', param<string>('nameKey')),
);
const everyone = statement(sql.selectFrom('accounts').selectAll().orderBy('id'));
const insert = statement(
  sql
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
const block = statement(
  sql
    .updateTable('accounts')
    .set({ blocked: param<number>('blocked') })
    .where('id', '=', param<number>('id')),
  ['account', 'id'],
);
const saveSetting = statement(
  sql
    .insertInto('settings')
    .values(params('name', 'value'))
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({ value: param<string>('value') }),
    ),
);
const endSetting = statement(sql.deleteFrom('settings').where('name', '=', param<string>('name')));
const findSetting = statement(
  sql.selectFrom('settings').selectAll().where('name', '=', param<string>('name')),
);
const holdSetting = held(findSetting);
const anybody = statement(sql.selectFrom('accounts').select('id').limit(1));

const insertSession = statement(
  sql
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
  sql
    .selectFrom('sessions')
    .selectAll()
    .where('digest', '=', param<string>('digest'))
    .where('expires_at', '>', param<number>('now')),
);
const sessionsOf = statement(
  sql
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', param<number>('user'))
    .where('expires_at', '>', param<number>('now'))
    .orderBy('created_at', 'desc')
    .orderBy('digest', 'desc'),
);
const proveSession = statement(
  sql
    .updateTable('sessions')
    .set({ proven_at: param<number>('at'), proven_by: param<string>('method') })
    .where('digest', '=', param<string>('digest')),
);
const noteActivity = written(`
  UPDATE sessions SET active_at = :at, expires_at = :end WHERE digest = :digest AND coalesce(active_at, created_at) < :at`);
const deleteSession = statement(
  sql.deleteFrom('sessions').where('digest', '=', param<string>('digest')),
);
const deleteSessionsOf = statement(
  sql.deleteFrom('sessions').where('user_id', '=', param<number>('user')),
);

const findLimit = statement(
  sql.selectFrom('limits').selectAll().where('key', '=', param<string>('key')),
);
const hit = written<{ hits: number }>(`
  INSERT INTO limits (key, hits, expires_at) VALUES (:key, 1, :end) ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN limits.expires_at > :now THEN limits.hits + 1 ELSE 1 END,
    expires_at = CASE WHEN limits.expires_at > :now THEN limits.expires_at ELSE :end END
  RETURNING hits`);
const deleteLimit = statement(sql.deleteFrom('limits').where('key', '=', param<string>('key')));

/** A person by number, for units of work that need the whole picture. */
export function* accountById(id: UserId): Unit<ReturnType<typeof toAccount> | undefined> {
  const row = yield* one(byId, { id });
  return row && toAccount(row);
}

/** Names are compared without regard to case. */
export const nameKey = (name: string) => normalForm(name, 'NFC').toLowerCase();

/**
 * The one row of the set-up link: digest and end. Every door to an account contends for it, on all
 * nodes.
 */
const SETUP = 'setup-secret-digest';
const setupText = (digest: Digest, expiresAt: Instant) => `${digest} ${expiresAt}`;

/** True while the row is of this secret, has not expired, and there is no account. */
function* setupHolds(
  row: { readonly value: string } | undefined,
  digest: Digest,
  now: Instant,
): Unit<boolean> {
  const [kept, end = ''] = row?.value.split(' ') ?? [];
  if (kept !== digest || !/^\d+$/.test(end) || Number(end) <= now) return false;
  return (yield* one(anybody)) === undefined;
}

/**
 * Creates an account, whichever door it comes by, which ends the set-up link; undefined: the name
 * is taken.
 */
export function* createAccount(
  account: NewAccount,
): Unit<ReturnType<typeof toAccount> | undefined> {
  yield* write(endSetting, { name: SETUP });
  const row = yield* one(insert, {
    name: account.name,
    name_key: nameKey(account.name),
    email: account.email,
    email_confirmed_at: account.emailConfirmedAt,
    real_name: account.realName,
    groups: JSON.stringify(account.groups),
    password_hash: account.passwordHash,
    created_at: account.createdAt,
  });
  return row && toAccount(row);
}

const sessionRow = (session: Parameters<Sessions['saveSession']>[0]) => ({
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
export class NameTaken extends Error {}

/** Answers the ports of the accounts room. */
export function accountStore(driver: Driver): AccountRecords & Sessions & Limits {
  return {
    findAccount: (id) => driver.read(accountById(id)),
    async findAccountByName(name) {
      const row = await driver.read(one(byName, { nameKey: nameKey(name) }));
      return row && toAccount(row);
    },
    async findPassword(name) {
      const row = await driver.read(one(byName, { nameKey: nameKey(name) }));
      return row && { account: toAccount(row), passwordHash: row.password_hash };
    },
    listAccounts: async () => (await driver.read(all(everyone))).map(toAccount),
    async createAccount(account) {
      const created = await driver.write(() => createAccount(account), 'rows');
      return created ? { outcome: 'created', account: created } : { outcome: 'name-taken' };
    },
    setBlocked: async (id, blocked) =>
      (await driver.write(() => write(block, { id, blocked: Number(blocked) }), 'once')) > 0
        ? 'set'
        : 'unknown',
    saveSetupSecret: (digest, expiresAt) =>
      driver.write(function* () {
        if ((yield* one(anybody)) !== undefined) return 'accounts-exist' as const;
        yield* write(saveSetting, { name: SETUP, value: setupText(digest, expiresAt) });
        return 'saved' as const;
      }, 'rows'),
    hasSetupSecret: (digest, now) =>
      driver.read(
        (function* () {
          return yield* setupHolds(yield* one(findSetting, { name: SETUP }), digest, now);
        })(),
      ),
    redeemSetupSecret: (digest, now, account) =>
      driver.write(function* () {
        // Held until the end: whoever makes an account elsewhere meanwhile waits for this row, or
        // has taken it away.
        if (!(yield* setupHolds(yield* one(holdSetting, { name: SETUP }), digest, now)))
          return { outcome: 'unknown' as const };
        const created = yield* createAccount(account);
        if (created === undefined) return { outcome: 'unknown' as const };
        return { outcome: 'created' as const, account: created };
      }, 'rows'),

    saveSession: async (session) =>
      void (await driver.write(() => write(insertSession, sessionRow(session)), 'once')),
    noteActivity: async ({ digest }, at, end) =>
      void (await driver.write(() => write(noteActivity, { digest, at, end }), 'once')),
    async findSession(digest, now) {
      const row = await driver.read(one(findSession, { digest, now }));
      return row && toSession(row);
    },
    listSessions: async (user, now) =>
      (await driver.read(all(sessionsOf, { user, now }))).map(toSession),
    recordProof: async (digest, { at, method }) =>
      (await driver.write(() => write(proveSession, { digest, at, method }), 'once')) > 0
        ? 'recorded'
        : 'unknown',
    endSession: async (digest) =>
      void (await driver.write(() => write(deleteSession, { digest }), 'once')),
    endSessionsOf: async (user) =>
      void (await driver.write(() => write(deleteSessionsOf, { user }), 'once')),

    async hit(key, now, windowEndsAt) {
      const row = await driver.write(() => one(hit, { key, now, end: windowEndsAt }), 'once');
      if (row === undefined) throw new Error('a counter did not come back');
      return row.hits;
    },
    async count(key, now) {
      const row = await driver.read(one(findLimit, { key }));
      return row !== undefined && row.expires_at > now ? row.hits : 0;
    },
    clear: async (key) => void (await driver.write(() => write(deleteLimit, { key }), 'once')),
  };
}
