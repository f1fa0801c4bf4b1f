import type { AccountTokens } from '#accounts/records.ts';
import type { Driver } from '../driver.ts';
import { createAccount, NameTakenError } from './accounts.ts';
import { addAccountEmail } from './outbox.ts';
import { toAccount, toAccountToken } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

export const findOtherByEmail = sql<{ id: number }>(`
  SELECT id FROM accounts WHERE lower(email) = :email AND email_confirmed_at IS NOT NULL AND id <> :but LIMIT 1`);

const consumeLinksTo = sql<Row<'account_tokens'>>(
  `DELETE FROM account_tokens WHERE kind IN ('register', 'confirm-email') AND lower(data) = :email RETURNING *`,
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
export function* deleteLinks(user: number, ...kinds: readonly string[]): Transaction<void> {
  for (const kind of kinds) yield* execute(deleteTokens, { user, kind });
}

/** Takes over the address that a link proves to be the user's. */
function* confirmEmail(
  ...[digest, user, now, shared = false, email = null]: Parameters<
    AccountTokens['consumeEmailToken']
  >
): Transaction<Awaited<ReturnType<AccountTokens['consumeEmailToken']>>> {
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
}

/** Answers the links that people get by e-mail: each is consumed once. */
export function makeAccountTokenStore(driver: Driver): AccountTokens {
  return {
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
    consumeEmailToken: (...link) => driver.write(() => confirmEmail(...link), 'serializable'),
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
  };
}
