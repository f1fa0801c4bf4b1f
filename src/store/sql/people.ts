import type { Selectable } from 'kysely';
import type { AccountFilter, AccountTokens, Passkeys, PeopleRecords } from '#accounts/records.ts';
import { normalForm } from '#kernel/normal-form.ts';
import type { Driver } from '../driver.ts';
import { createAccount, NameTaken } from './accounts.ts';
import { toAccount, toAccountToken, toPasskey } from './rows.ts';
import type { Schema } from './schema.ts';
import { all, one, param, params, sql, statement, type Unit, write, written } from './statement.ts';

type Row<T extends keyof Schema> = Selectable<Schema[T]>;

/**
 * Conditions on accounts; a value of '' or -1 leaves its condition out, so that no parameter is
 * without a type.
 */
const wantedIs = (find: string) => `
  (:text = '' OR ${find}(name_key, :text) > 0 OR ${find}(lower(coalesce(email, '')), :text) > 0)
  AND (:group = '' OR ${find}(groups, :group) > 0) AND (:blocked = -1 OR blocked = :blocked)`;
const both = (text: (find: string) => string) => ({
  sqlite: text('instr'),
  postgres: text('strpos'),
});
const search = written<Row<'accounts'>>(
  both(
    (find) =>
      `SELECT * FROM accounts WHERE id > :after AND ${wantedIs(find)} ORDER BY id LIMIT :limit`,
  ),
);
const count = written<{ found: number }>(
  both((find) => `SELECT count(*) AS found FROM accounts WHERE ${wantedIs(find)}`),
);
const byEmail = written<Row<'accounts'>>(`
  SELECT * FROM accounts WHERE lower(email) = :email AND email_confirmed_at IS NOT NULL AND blocked = 0 ORDER BY id LIMIT :limit`);
const owning = written<{ id: number }>(`
  SELECT id FROM accounts WHERE lower(email) = :email AND email_confirmed_at IS NOT NULL AND id <> :but LIMIT 1`);
const takeLinksTo = written<Row<'account_tokens'>>(
  `DELETE FROM account_tokens WHERE kind IN ('register', 'confirm-email') AND lower(data) = :email RETURNING *`,
);
const regroup = statement(
  sql
    .updateTable('accounts')
    .set({ groups: param<string>('groups') })
    .where('id', '=', param<number>('id')),
  ['account', 'id'],
);
const describe = statement(
  sql
    .updateTable('accounts')
    .set({ real_name: param<string>('realName'), language: param<string | null>('language') })
    .where('id', '=', param<number>('id')),
  ['account', 'id'],
);
const changePassword = written(
  `UPDATE accounts SET password_hash = :hash WHERE id = :id AND coalesce(password_hash, '') = :before`,
  ['account', 'id'],
);
const resetPassword = written<Row<'accounts'>>(
  `UPDATE accounts SET password_hash = :hash WHERE id = :id AND blocked = 0 RETURNING *`,
  ['account', 'id'],
);
const emailOf = written<{ email: string | null }>('SELECT email FROM accounts WHERE id = :id');
const setEmail = written(
  'UPDATE accounts SET email = :email, email_confirmed_at = :now WHERE id = :id',
  ['account', 'id'],
);

const insertToken = statement(
  sql
    .insertInto('account_tokens')
    .values(params('digest', 'kind', 'user_id', 'data', 'expires_at')),
);
const findToken = written<Row<'account_tokens'>>(
  'SELECT * FROM account_tokens WHERE digest = :digest AND kind = :kind AND expires_at > :now',
);
const takeToken = written<Row<'account_tokens'>>(
  'DELETE FROM account_tokens WHERE digest = :digest AND kind = :kind AND expires_at > :now RETURNING *',
);
const endTokens = written('DELETE FROM account_tokens WHERE user_id = :user AND kind = :kind');

const passkeysOf = statement(
  sql
    .selectFrom('passkeys')
    .selectAll()
    .where('user_id', '=', param<number>('user'))
    .orderBy('created_at')
    .orderBy('id'),
);
const passkeyById = statement(
  sql.selectFrom('passkeys').selectAll().where('id', '=', param<string>('id')),
);
const insertPasskey = statement(
  sql
    .insertInto('passkeys')
    .values({
      ...params('id', 'user_id', 'public_key', 'counter', 'transports', 'label', 'created_at'),
      last_used_at: null,
    })
    .onConflict((conflict) => conflict.column('id').doNothing()),
);
const usePasskey = written(`
  UPDATE passkeys SET counter = :counter, last_used_at = :at WHERE id = :id AND (counter < :counter OR counter + :counter = 0)`);
const rename = written('UPDATE passkeys SET label = :label WHERE id = :id AND user_id = :user');
const remove = written('DELETE FROM passkeys WHERE id = :id AND user_id = :user');

const asWanted = ({ text, group, blocked }: AccountFilter) => ({
  text: normalForm(text ?? '', 'NFC').toLowerCase(),
  // As it stands in the JSON of a list.
  group: group === null ? '' : JSON.stringify(group),
  blocked: blocked === null ? -1 : Number(blocked),
});

/**
 * Spends a link to an address. Unless the address is `shared`, every other link to it ends with it,
 * in one statement: of two links that are opened at once each would otherwise hold its own and wait
 * for the other's.
 */
function* takeLink(
  found: Row<'account_tokens'>,
  now: number,
  shared: boolean,
): Unit<Row<'account_tokens'> | undefined> {
  const { digest, kind, data } = found;
  if (shared) return yield* one(takeToken, { digest, kind, now });
  const taken = yield* all(takeLinksTo, { email: data.toLowerCase() });
  return taken.find((token) => token.digest === digest);
}

/** True when an account other than this one has the address. */
function* isTaken(email: string, but: number): Unit<boolean> {
  return (yield* one(owning, { email: email.toLowerCase(), but })) !== undefined;
}

/** Ends a person's links of these kinds. */
function* endLinks(user: number, ...kinds: readonly string[]): Unit<void> {
  for (const kind of kinds) yield* write(endTokens, { user, kind });
}

/** Answers what looking after accounts asks. */
export function peopleStore(driver: Driver): PeopleRecords & AccountTokens & Passkeys {
  return {
    searchAccounts: async ({ after, limit, ...wanted }) =>
      (await driver.read(all(search, { ...asWanted(wanted), after: after ?? -1, limit }))).map(
        toAccount,
      ),
    countAccounts: async (wanted) => (await driver.read(one(count, asWanted(wanted))))?.found ?? 0,
    setGroups: async (id, groups) =>
      (await driver.write(() => write(regroup, { id, groups: JSON.stringify(groups) }), 'once')) > 0
        ? 'set'
        : 'unknown',
    setProfile: async (id, { realName, language }) =>
      (await driver.write(() => write(describe, { id, realName, language }), 'once')) > 0
        ? 'set'
        : 'unknown',
    setPassword: (id, passwordHash, before) =>
      driver.write(function* () {
        if ((yield* write(changePassword, { id, hash: passwordHash, before: before ?? '' })) === 0)
          return 'changed' as const;
        yield* endLinks(id, 'reset-password', 'confirm-email');
        return 'set' as const;
      }, 'rows'),
    hasAddress: async (email) =>
      (await driver.read(one(owning, { email: email.toLowerCase(), but: -1 }))) !== undefined,
    findAccountsByEmail: async (email, limit) =>
      (await driver.read(all(byEmail, { email: email.toLowerCase(), limit }))).map(toAccount),

    saveAccountToken: ({ digest, kind, userId, data, expiresAt }) =>
      driver.write(function* () {
        if (userId !== null && !kind.endsWith('-passkey')) yield* endLinks(userId, kind);
        yield* write(insertToken, { digest, kind, user_id: userId, data, expires_at: expiresAt });
      }, 'rows'),
    async findAccountToken(digest, kind, now) {
      const row = await driver.read(one(findToken, { digest, kind, now }));
      return row && toAccountToken(row);
    },
    async takeAccountToken(digest, kind, now) {
      const row = await driver.write(() => one(takeToken, { digest, kind, now }), 'once');
      return row && toAccountToken(row);
    },
    async redeemRegistration(digest, now, account, shared = false) {
      try {
        return await driver.write(function* () {
          const found = yield* one(findToken, { digest, kind: 'register', now });
          const token = found && (yield* takeLink(found, now, shared));
          if (token === undefined) return { outcome: 'unknown' as const };
          if (!shared && (yield* isTaken(token.data, -1)))
            return { outcome: 'address-taken' as const };
          const created = yield* createAccount({
            ...account,
            email: token.data,
            emailConfirmedAt: now,
          });
          if (created === undefined) throw new NameTaken();
          return { outcome: 'created' as const, account: created };
        }, 'alone');
      } catch (fault) {
        if (fault instanceof NameTaken) return { outcome: 'name-taken' };
        throw fault;
      }
    },
    redeemEmail: (digest, user, now, shared = false) =>
      driver.write(function* () {
        const found = yield* one(findToken, { digest, kind: 'confirm-email', now });
        // Somebody else's link stays for them.
        if (found === undefined || found.user_id !== user) return { outcome: 'unknown' as const };
        const token = yield* takeLink(found, now, shared);
        if (token === undefined) return { outcome: 'unknown' as const };
        if (!shared && (yield* isTaken(token.data, user)))
          return { outcome: 'address-taken' as const };
        const before = yield* one(emailOf, { id: user });
        yield* write(setEmail, { id: user, email: token.data, now });
        yield* endLinks(user, 'confirm-email', 'reset-password');
        return { outcome: 'confirmed' as const, before: before?.email ?? null };
      }, 'alone'),
    redeemReset: (digest, now, passwordHash) =>
      driver.write(function* () {
        const token = yield* one(takeToken, { digest, kind: 'reset-password', now });
        const row =
          token?.user_id == null
            ? undefined
            : yield* one(resetPassword, { id: token.user_id, hash: passwordHash });
        if (row === undefined) return { outcome: 'unknown' as const };
        yield* endLinks(row.id, 'reset-password', 'confirm-email');
        return { outcome: 'set' as const, account: toAccount(row) };
      }, 'rows'),

    listPasskeys: async (user) => (await driver.read(all(passkeysOf, { user }))).map(toPasskey),
    async findPasskey(id) {
      const row = await driver.read(one(passkeyById, { id }));
      return row && toPasskey(row);
    },
    addPasskey: async ({ id, userId, publicKey, counter, transports, label, createdAt }) => {
      const values = {
        id,
        user_id: userId,
        public_key: publicKey,
        counter,
        label,
        created_at: createdAt,
      };
      return (await driver.write(
        () => write(insertPasskey, { ...values, transports: JSON.stringify(transports) }),
        'once',
      )) > 0
        ? 'added'
        : 'taken';
    },
    usePasskey: async (id, counter, at) =>
      (await driver.write(() => write(usePasskey, { id, counter, at }), 'once')) > 0
        ? 'used'
        : 'unknown',
    renamePasskey: async (user, id, label) =>
      (await driver.write(() => write(rename, { user, id, label }), 'once')) > 0
        ? 'set'
        : 'unknown',
    removePasskey: async (user, id) =>
      (await driver.write(() => write(remove, { user, id }), 'once')) > 0 ? 'removed' : 'unknown',
  };
}
