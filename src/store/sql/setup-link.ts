import type { AccountRecords } from '#accounts/records.ts';
import type { Digest } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Driver } from '../driver.ts';
import { createAccount, SETUP, type SetupVerbs } from './accounts.ts';
import type { Row } from './schema.ts';
import { execute, fetchOne, forUpdate, sql, type Transaction } from './statement.ts';

const saveSetting = sql(`
  INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE
  SET value = :value`);

const findSetting = sql<Row<'settings'>>('SELECT * FROM settings WHERE name = :name');

const findSettingForUpdate = forUpdate(findSetting);

const findAnyAccount = sql<{ id: number }>('SELECT id FROM accounts LIMIT 1');

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

/** Answers the set-up link, by which the first account is made. */
export function makeSetupStore(driver: Driver): Pick<AccountRecords, SetupVerbs> {
  return {
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
  };
}
