import type { UserId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import type { Clock } from '#platform/clock.ts';
import type { Log } from '#platform/log.ts';
import type { Account } from './account.ts';
import type { AccountAuditEntry, AccountRecords, PeopleRecords, Sessions } from './records.ts';
import { ADMINISTER_RIGHT, type RightsTable } from './rights.ts';

/** Refusals of the administration of accounts. */
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

/** Who administers accounts. */
export interface Administrator {
  /** Null: the operator, on the command line. */
  readonly account: Account | null;
  readonly via: 'page' | 'cli';
  /** Where the request came from, or who used the command line; null: not known. */
  readonly address: string | null;
}

/** What is done with other people's accounts. The caller checked that `by` may. */
export interface AccountAdministration {
  /**
   * Blocks a person, whose sessions and approvals that wait for a second one end, or lets them in
   * again. Written to the audit log.
   */
  setBlocked(by: Administrator, id: UserId, blocked: boolean): Answer;
  /**
   * Puts a person into groups, and out of all others; whoever loses a right to review loses the
   * approvals that wait for a second one. Written to the audit log. `expectedGroups`: those that
   * the decision was made on.
   */
  setGroups(
    by: Administrator,
    id: UserId,
    groups: readonly string[],
    expectedGroups: readonly string[],
  ): Answer;
}

/** Who did it, for the log of the server. */
const actorOf = ({ account, address }: Administrator) => ({ by: account?.id ?? address });

/** Makes the verbs. */
export function makeAccountAdministration({
  records,
  sessions,
  rights,
  reviewRights,
  clock,
  log,
}: {
  readonly records: Pick<AccountRecords, 'findAccount' | 'setBlocked'> &
    Pick<PeopleRecords, 'setGroups' | 'searchAccounts'>;
  readonly sessions: Pick<Sessions, 'endSessionsOf'>;
  readonly rights: RightsTable;
  /** Rights without which an approval does not count. */
  readonly reviewRights: readonly string[];
  readonly clock: Clock;
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

  const auditEntry = (
    { account, via, address }: Administrator,
    change: Pick<AccountAuditEntry, 'action' | 'field' | 'before' | 'after'>,
  ): AccountAuditEntry => ({
    at: clock.now(),
    actorId: account?.id ?? null,
    via,
    address,
    ...change,
  });

  return {
    async setBlocked(by, id, blocked) {
      if (by.account?.id === id) return refuse({ kind: 'yourself' });
      const audit = auditEntry(by, {
        action: blocked ? 'block-account' : 'unblock-account',
        field: 'blocked',
        before: !blocked,
        after: blocked,
      });
      if ((await records.setBlocked(id, blocked, audit)) === 'unknown')
        return refuse({ kind: 'unknown-person' });
      if (blocked) await sessions.endSessionsOf(id);
      const account = await records.findAccount(id);
      if (account === undefined) return refuse({ kind: 'unknown-person' });
      log.info(blocked ? 'account blocked' : 'account unblocked', { account: id, ...actorOf(by) });
      return accept(account);
    },
    async setGroups(by, id, groups, expectedGroups) {
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
      const [rightsBefore, rightsAfter] = [rights.rightsOf(account), rights.rightsOf(after)];
      const change = { before: account.groups, after: after.groups };
      const written = await records.setGroups(id, after.groups, {
        endApprovals: reviewRights.some(
          (right) => rightsBefore.has(right) && !rightsAfter.has(right),
        ),
        audit: auditEntry(by, { action: 'set-groups', field: 'groups', ...change }),
      });
      if (written === 'unknown') return refuse({ kind: 'unknown-person' });
      log.info('groups changed', { account: id, ...actorOf(by), ...change });
      return accept(after);
    },
  };
}
