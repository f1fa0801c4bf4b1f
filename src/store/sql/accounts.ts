import type { AccountRecords, NewAccount } from '#accounts/records.ts';
import type { UserId } from '#kernel/ids.ts';
import { toNormalForm } from '#kernel/normal-form.ts';
import type { Driver } from '../driver.ts';
import { endApprovalsBy } from './approvals.ts';
import { addAccountAuditEntry } from './audit.ts';
import { toAccount } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

const findById = sql<Row<'accounts'>>('SELECT * FROM accounts WHERE id = :id');

const findByName = sql<Row<'accounts'>>('SELECT * FROM accounts WHERE name_key = :nameKey');

const selectAccounts = sql<Row<'accounts'>>('SELECT * FROM accounts ORDER BY id');

const insertAccount = sql<Row<'accounts'>>(`
  INSERT INTO accounts (name, name_key, email, email_confirmed_at, real_name, groups,
    password_hash, created_at, blocked)
  VALUES (:name, :name_key, :email, :email_confirmed_at, :real_name, :groups, :password_hash,
    :created_at, 0)
  ON CONFLICT (name_key) DO NOTHING RETURNING *`);

const updateBlocked = sql(
  'UPDATE accounts SET blocked = :blocked WHERE id = :id AND blocked <> :blocked',
  ['account', 'id'],
);

const deleteSetting = sql('DELETE FROM settings WHERE name = :name');

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
export const SETUP = 'setup-secret-digest';

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

/** Thrown, so that the whole transaction is undone. */
export class NameTakenError extends Error {}

/** What the set-up link asks: see setup-link.ts. */
export type SetupVerbs = 'saveSetupSecret' | 'hasSetupSecret' | 'consumeSetupSecret';

/** Answers who there is. */
export function makeAccountStore(driver: Driver): Omit<AccountRecords, SetupVerbs> {
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
    setBlocked: (id, blocked, audit) =>
      driver.write(function* () {
        if ((yield* execute(updateBlocked, { id, blocked: Number(blocked) })) === 0)
          return (yield* fetchAccountById(id)) === undefined
            ? ('unknown' as const)
            : ('set' as const);
        if (blocked) yield* endApprovalsBy(id);
        if (audit !== undefined) yield* addAccountAuditEntry(id, audit);
        return 'set' as const;
      }, 'serialized-queue'),
  };
}
