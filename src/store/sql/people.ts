import type { AccountFilter, PeopleRecords } from '#accounts/records.ts';
import { toNormalForm } from '#kernel/normal-form.ts';
import type { Driver } from '../driver.ts';
import { deleteLinks, findOtherByEmail } from './account-tokens.ts';
import { endApprovalsBy } from './approvals.ts';
import { addAccountAuditEntry } from './audit.ts';
import { inEachDialect } from './dialect.ts';
import { addAccountEmail } from './outbox.ts';
import { toAccount } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql } from './statement.ts';

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

const updateGroups = sql('UPDATE accounts SET groups = :groups WHERE id = :id', ['account', 'id']);

const updateProfile = sql(
  'UPDATE accounts SET real_name = :realName, language = :language WHERE id = :id',
  ['account', 'id'],
);

const updatePassword = sql(
  `UPDATE accounts SET password_hash = :hash WHERE id = :id AND coalesce(password_hash, '') = :before`,
  ['account', 'id'],
);

const toFilterValues = ({ text, group, blocked }: AccountFilter) => ({
  text: toNormalForm(text ?? '', 'NFC').toLowerCase(),
  // As it stands in the JSON of a list.
  group: group === null ? '' : JSON.stringify(group),
  blocked: blocked === null ? -1 : Number(blocked),
});

/** Answers what the administration of accounts asks. */
export function makePeopleStore(driver: Driver): PeopleRecords {
  return {
    searchAccounts: async ({ after, limit, ...wanted }) =>
      (
        await driver.read(
          fetchAll(searchByFilter, { ...toFilterValues(wanted), after: after ?? -1, limit }),
        )
      ).map(toAccount),
    countAccounts: async (wanted) =>
      (await driver.read(fetchOne(countByFilter, toFilterValues(wanted))))?.found ?? 0,
    setGroups: (id, groups, also) =>
      driver.write(function* () {
        if ((yield* execute(updateGroups, { id, groups: JSON.stringify(groups) })) === 0)
          return 'unknown' as const;
        if (also?.endApprovals) yield* endApprovalsBy(id);
        if (also !== undefined) yield* addAccountAuditEntry(id, also.audit);
        return 'set' as const;
      }, 'serialized-queue'),
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
  };
}
