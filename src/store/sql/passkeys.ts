import type { Passkeys } from '#accounts/passkey-records.ts';
import type { Driver } from '../driver.ts';
import { addAccountEmail } from './outbox.ts';
import { toPasskey } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql } from './statement.ts';

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

/** Answers the passkeys of accounts. */
export function makePasskeyStore(driver: Driver): Passkeys {
  return {
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
