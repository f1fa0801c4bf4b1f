import type { Accounts } from '#accounts/accounts.ts';
import type { RightsTable } from '#accounts/rights.ts';
import type { PageRouter } from '../page.ts';
import { administrators } from './administrators.ts';
import { groupsPage } from './groups.template.ts';

export interface GroupsDependencies {
  readonly rights: RightsTable;
  readonly accounts: Pick<Accounts, 'countAccounts'>;
}

/** Groups and their rights, as the operator configured them. */
export function groupsRoutes(
  { getPage }: PageRouter,
  { rights, accounts }: GroupsDependencies,
): void {
  const countMembers = (group: string) =>
    accounts.countAccounts({ text: null, blocked: null, group });
  getPage(
    '/admin/groups',
    async ({ frame }) => {
      const groups = rights.allGroups().map(async (group) => ({
        ...group,
        people: group.implicit ? null : await countMembers(group.name),
      }));
      return groupsPage(frame, await Promise.all(groups));
    },
    administrators,
  );
}
