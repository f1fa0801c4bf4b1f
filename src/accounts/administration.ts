import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Log } from '#platform/log.ts';
import type { Account } from './account.ts';
import type { AccountRecords, PeopleRecords, Sessions } from './records.ts';
import { ADMINISTER_RIGHT, type RightsTable } from './rights.ts';

/** Ways looking after people says no. */
export type AdministrationRefusal =
  | { readonly kind: 'unknown-person' }
  | { readonly kind: 'unknown-group'; readonly group: string }
  /** Nobody blocks themself. */
  | { readonly kind: 'yourself' }
  /** Somebody must be left who can look after people. */
  | { readonly kind: 'last-administrator' }
  /** The groups are not those that were shown any more. */
  | { readonly kind: 'changed' };

type Answer = Promise<Result<Account, AdministrationRefusal>>;

export interface AccountAdministration {
  /**
   * Blocks a person and ends their sessions, or lets them in again. The caller checked that `by`
   * may.
   */
  setBlockedBy(by: Account, id: UserId, blocked: boolean): Answer;
  /**
   * Puts a person into groups, and out of all others. `shown`: the groups the decision was made on.
   */
  setGroupsBy(
    by: Account,
    id: UserId,
    groups: readonly string[],
    expectedGroups: readonly string[],
  ): Answer;
}

/** Blocks, and groups. */
export function makeAccountAdministration({
  records,
  sessions,
  rights,
  log,
}: {
  readonly records: Pick<AccountRecords, 'findAccount' | 'setBlocked'> &
    Pick<PeopleRecords, 'setGroups' | 'searchAccounts'>;
  readonly sessions: Pick<Sessions, 'endSessionsOf'>;
  readonly rights: RightsTable;
  readonly log: Log;
}): AccountAdministration {
  /** True when somebody else, who is not blocked, could still look after people. */
  async function hasOtherAdministrator(id: UserId): Promise<boolean> {
    const administeringGroups = rights
      .allGroups()
      .filter((group) => group.rights.includes(ADMINISTER_RIGHT));
    if (administeringGroups.some(({ implicit }) => implicit)) return true;
    for (const { name } of administeringGroups) {
      const found = await records.searchAccounts({
        text: null,
        group: name,
        blocked: false,
        after: null,
        limit: 2,
      });
      if (found.some((account) => account.id !== id)) return true;
    }
    return false;
  }

  return {
    async setBlockedBy(by, id, blocked) {
      if (by.id === id) return refuse({ kind: 'yourself' });
      if ((await records.setBlocked(id, blocked)) === 'unknown')
        return refuse({ kind: 'unknown-person' });
      if (blocked) await sessions.endSessionsOf(id);
      const account = await records.findAccount(id);
      if (account === undefined) return refuse({ kind: 'unknown-person' });
      log.info(blocked ? 'account blocked' : 'account unblocked', { account: id, by: by.id });
      return accept(account);
    },
    async setGroupsBy(by, id, groups, expectedGroups) {
      const account = await records.findAccount(id);
      if (account === undefined) return refuse({ kind: 'unknown-person' });
      if (JSON.stringify([...account.groups].sort()) !== JSON.stringify([...expectedGroups].sort()))
        return refuse({ kind: 'changed' });
      // A group that the operator took out of the table may stay, and come back with it.
      const unknown = groups.find(
        (group) => !rights.hasGroup(group) && !account.groups.includes(group),
      );
      if (unknown !== undefined) return refuse({ kind: 'unknown-group', group: unknown });
      const after = { ...account, groups: [...new Set(groups)] };
      const losesAdministration =
        rights.rightsOf(account).has(ADMINISTER_RIGHT) &&
        !rights.rightsOf(after).has(ADMINISTER_RIGHT);
      if (losesAdministration && !(await hasOtherAdministrator(id)))
        return refuse({ kind: 'last-administrator' });
      if ((await records.setGroups(id, after.groups)) === 'unknown')
        return refuse({ kind: 'unknown-person' });
      log.info('groups changed', {
        account: id,
        by: by.id,
        before: account.groups,
        after: after.groups,
      });
      return accept(after);
    },
  };
}
