import type { AccountFilter, AccountTokens, Passkeys, PeopleRecords } from '#accounts/records.ts';
import { toNormalForm } from '#kernel/normal-form.ts';
import type { Driver } from '../driver.ts';
import { createAccount, NameTakenError } from './accounts.ts';
import { inEachDialect } from './dialect.ts';
import { addAccountEmail } from './outbox.ts';
import { toAccount, toAccountToken, toPasskey } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

/**
 * Conditions on accounts; a value of '' or -1 leaves its condition out, so that no parameter is
 * without a type.
 */
const filterConditions = (positionIn: string) => `
  (:text = '' OR ${positionIn}(name_key, :text) > 0
    OR ${positionIn}(lower(coalesce(email, '')), :text) > 0)
  AND (:group = '' OR ${positionIn}(groups, :group) > 0)
  AND (:blocked = -1 OR blocked = :blocked)`;
const searchByFilter = sql<Row<'accounts'>>(
  inEachDialect(
    ({ positionIn }) => `
  SELECT * FROM accounts WHERE id > :after AND ${filterConditions(positionIn)}
  ORDER BY id LIMIT :limit`,
  ),
);
const countByFilter = sql<{ found: number }>(
  inEachDialect(
    ({ positionIn }) =>
      `SELECT count(*) AS found FROM accounts WHERE ${filterConditions(positionIn)}`,
  ),
);
const selectByEmail = sql<Row<'accounts'>>(`
  SELECT * FROM accounts WHERE lower(email) = :email AND email_confirmed_at IS NOT NULL AND blocked = 0 ORDER BY id LIMIT :limit`);
const findOtherByEmail = sql<{ id: number }>(`
  SELECT id FROM accounts WHERE lower(email) = :email AND email_confirmed_at IS NOT NULL AND id <> :but LIMIT 1`);
const consumeLinksTo = sql<Row<'account_tokens'>>(
  `DELETE FROM account_tokens WHERE kind IN ('register', 'confirm-email') AND lower(data) = :email RETURNING *`,
);
const updateGroups = sql('UPDATE accounts SET groups = :groups WHERE id = :id', ['account', 'id']);
const updateProfile = sql(
  'UPDATE accounts SET real_name = :realName, language = :language WHERE id = :id',
  ['account', 'id'],
);
const updatePassword = sql(
  `UPDATE accounts SET password_hash = :hash WHERE id = :id AND coalesce(password_hash, '') = :before`,
  ['account', 'id'],
);
const resetPassword = sql<Row<'accounts'>>(
  `UPDATE accounts SET password_hash = :hash WHERE id = :id AND blocked = 0 RETURNING *`,
  ['account', 'id'],
);
const findEmail = sql<{ email: string | null }>('SELECT email FROM accounts WHERE id = :id');
const updateEmail = sql(
  'UPDATE accounts SET email = :email, email_confirmed_at = :now WHERE id = :id',
  ['account', 'id'],
);

const insertToken = sql(`
  INSERT INTO account_tokens (digest, kind, user_id, data, expires_at)
  VALUES (:digest, :kind, :user_id, :data, :expires_at)`);
const findToken = sql<Row<'account_tokens'>>(
  'SELECT * FROM account_tokens WHERE digest = :digest AND kind = :kind AND expires_at > :now',
);
const consumeToken = sql<Row<'account_tokens'>>(
  'DELETE FROM account_tokens WHERE digest = :digest AND kind = :kind AND expires_at > :now RETURNING *',
);
const deleteTokens = sql('DELETE FROM account_tokens WHERE user_id = :user AND kind = :kind');

const selectPasskeys = sql<Row<'passkeys'>>(
  'SELECT * FROM passkeys WHERE user_id = :user ORDER BY created_at, id',
);
const findPasskeyById = sql<Row<'passkeys'>>('SELECT * FROM passkeys WHERE id = :id');
const insertPasskey = sql(`
  INSERT INTO passkeys (id, user_id, public_key, counter, transports, label, created_at,
    last_used_at)
  VALUES (:id, :user_id, :public_key, :counter, :transports, :label, :created_at, NULL)
  ON CONFLICT (id) DO NOTHING`);
const updatePasskeyUse = sql(`
  UPDATE passkeys SET counter = :counter, last_used_at = :at WHERE id = :id AND (counter < :counter OR counter + :counter = 0)`);
const updatePasskeyLabel = sql(
  'UPDATE passkeys SET label = :label WHERE id = :id AND user_id = :user',
);
const deletePasskey = sql('DELETE FROM passkeys WHERE id = :id AND user_id = :user');

const toFilterValues = ({ text, group, blocked }: AccountFilter) => ({
  text: toNormalForm(text ?? '', 'NFC').toLowerCase(),
  // As it stands in the JSON of a list.
  group: group === null ? '' : JSON.stringify(group),
  blocked: blocked === null ? -1 : Number(blocked),
});

/**
 * Spends a link to an address. Unless the address is `shared`, every other link to it ends with it,
 * in one statement: of two links that are opened at once each would otherwise hold its own and wait
 * for the other's.
 */
function* consumeLink(
  found: Row<'account_tokens'>,
  now: number,
  shared: boolean,
): Transaction<Row<'account_tokens'> | undefined> {
  const { digest, kind, data } = found;
  if (shared) return yield* fetchOne(consumeToken, { digest, kind, now });
  const consumed = yield* fetchAll(consumeLinksTo, { email: data.toLowerCase() });
  return consumed.find((token) => token.digest === digest);
}

/** True when an account other than this one has the address. */
function* isEmailTaken(email: string, but: number): Transaction<boolean> {
  return (yield* fetchOne(findOtherByEmail, { email: email.toLowerCase(), but })) !== undefined;
}

/** Ends a person's links of these kinds. */
function* deleteLinks(user: number, ...kinds: readonly string[]): Transaction<void> {
  for (const kind of kinds) yield* execute(deleteTokens, { user, kind });
}

/** Answers what looking after accounts asks. */
export function makePeopleStore(driver: Driver): PeopleRecords & AccountTokens & Passkeys {
  return {
    searchAccounts: async ({ after, limit, ...wanted }) =>
      (
        await driver.read(
          fetchAll(searchByFilter, { ...toFilterValues(wanted), after: after ?? -1, limit }),
        )
      ).map(toAccount),
    countAccounts: async (wanted) =>
      (await driver.read(fetchOne(countByFilter, toFilterValues(wanted))))?.found ?? 0,
    setGroups: async (id, groups) =>
      (await driver.write(
        () => execute(updateGroups, { id, groups: JSON.stringify(groups) }),
        'autocommit',
      )) > 0
        ? 'set'
        : 'unknown',
    setProfile: async (id, { realName, language }) =>
      (await driver.write(() => execute(updateProfile, { id, realName, language }), 'autocommit')) >
      0
        ? 'set'
        : 'unknown',
    setPassword: (id, passwordHash, before, email) =>
      driver.write(function* () {
        if (
          (yield* execute(updatePassword, { id, hash: passwordHash, before: before ?? '' })) === 0
        )
          return 'changed' as const;
        yield* deleteLinks(id, 'reset-password', 'confirm-email');
        yield* addAccountEmail(email);
        return 'set' as const;
      }, 'read-committed'),
    hasConfirmedEmail: async (email) =>
      (await driver.read(fetchOne(findOtherByEmail, { email: email.toLowerCase(), but: -1 }))) !==
      undefined,
    findAccountsByEmail: async (email, limit) =>
      (await driver.read(fetchAll(selectByEmail, { email: email.toLowerCase(), limit }))).map(
        toAccount,
      ),

    saveAccountToken: ({ digest, kind, userId, data, expiresAt }, email) =>
      driver.write(function* () {
        if (userId !== null && !kind.endsWith('-passkey')) yield* deleteLinks(userId, kind);
        yield* execute(insertToken, { digest, kind, user_id: userId, data, expires_at: expiresAt });
        yield* addAccountEmail(email);
      }, 'read-committed'),
    async findAccountToken(digest, kind, now) {
      const row = await driver.read(fetchOne(findToken, { digest, kind, now }));
      return row && toAccountToken(row);
    },
    async consumeAccountToken(digest, kind, now) {
      const row = await driver.write(
        () => fetchOne(consumeToken, { digest, kind, now }),
        'autocommit',
      );
      return row && toAccountToken(row);
    },
    async consumeRegistrationToken(digest, now, account, shared = false) {
      try {
        return await driver.write(function* () {
          const found = yield* fetchOne(findToken, { digest, kind: 'register', now });
          const token = found && (yield* consumeLink(found, now, shared));
          if (token === undefined) return { outcome: 'unknown' as const };
          if (!shared && (yield* isEmailTaken(token.data, -1)))
            return { outcome: 'address-taken' as const };
          const created = yield* createAccount({
            ...account,
            email: token.data,
            emailConfirmedAt: now,
          });
          if (created === undefined) throw new NameTakenError();
          return { outcome: 'created' as const, account: created };
        }, 'serializable');
      } catch (fault) {
        if (fault instanceof NameTakenError) return { outcome: 'name-taken' };
        throw fault;
      }
    },
    consumeEmailToken: (digest, user, now, shared = false, email = null) =>
      driver.write(function* () {
        const found = yield* fetchOne(findToken, { digest, kind: 'confirm-email', now });
        // Somebody else's link stays for them.
        if (found === undefined || found.user_id !== user) return { outcome: 'unknown' as const };
        const token = yield* consumeLink(found, now, shared);
        if (token === undefined) return { outcome: 'unknown' as const };
        if (!shared && (yield* isEmailTaken(token.data, user)))
          return { outcome: 'address-taken' as const };
        const before = yield* fetchOne(findEmail, { id: user });
        yield* execute(updateEmail, { id: user, email: token.data, now });
        yield* deleteLinks(user, 'confirm-email', 'reset-password');
        yield* addAccountEmail(email);
        return { outcome: 'confirmed' as const, before: before?.email ?? null };
      }, 'serializable'),
    consumeResetToken: (digest, now, passwordHash, email) =>
      driver.write(function* () {
        const token = yield* fetchOne(consumeToken, { digest, kind: 'reset-password', now });
        const row =
          token?.user_id == null
            ? undefined
            : yield* fetchOne(resetPassword, { id: token.user_id, hash: passwordHash });
        if (row === undefined) return { outcome: 'unknown' as const };
        yield* deleteLinks(row.id, 'reset-password', 'confirm-email');
        yield* addAccountEmail(email);
        return { outcome: 'set' as const, account: toAccount(row) };
      }, 'read-committed'),

    listPasskeys: async (user) =>
      (await driver.read(fetchAll(selectPasskeys, { user }))).map(toPasskey),
    async findPasskey(id) {
      const row = await driver.read(fetchOne(findPasskeyById, { id }));
      return row && toPasskey(row);
    },
    addPasskey: ({ id, userId, publicKey, counter, transports, label, createdAt }, email) => {
      const values = {
        id,
        user_id: userId,
        public_key: publicKey,
        counter,
        label,
        created_at: createdAt,
        transports: JSON.stringify(transports),
      };
      return driver.write(function* () {
        if ((yield* execute(insertPasskey, values)) === 0) return 'taken' as const;
        yield* addAccountEmail(email);
        return 'added' as const;
      }, 'read-committed');
    },
    recordPasskeyUse: async (id, counter, at) =>
      (await driver.write(() => execute(updatePasskeyUse, { id, counter, at }), 'autocommit')) > 0
        ? 'used'
        : 'unknown',
    renamePasskey: async (user, id, label) =>
      (await driver.write(() => execute(updatePasskeyLabel, { user, id, label }), 'autocommit')) > 0
        ? 'set'
        : 'unknown',
    removePasskey: (user, id, email) =>
      driver.write(function* () {
        if ((yield* execute(deletePasskey, { user, id })) === 0) return 'unknown' as const;
        yield* addAccountEmail(email);
        return 'removed' as const;
      }, 'read-committed'),
  };
}
