import type { Accounts } from '#accounts/accounts.ts';
import type { RightsTable } from '#accounts/rights.ts';
import { pageLinks, parsePageCursor } from '#http/paging.ts';
import type { UserId } from '#kernel/ids.ts';
import { cutPage } from '#kernel/paging.ts';
import { administrators } from '../admin/administrators.ts';
import type { PageRouter } from '../page.ts';
import { assignableGroups } from './assignable-groups.ts';
import { peoplePage } from './people.template.ts';

export interface PeopleDependencies {
  readonly accounts: Pick<Accounts, 'searchAccounts' | 'countAccounts'>;
  readonly rights: RightsTable;
}

const PAGE_SIZE = 25;

/** Everybody with an account, searched. */
export function peopleRoutes(
  { getPage }: PageRouter,
  { accounts, rights }: PeopleDependencies,
): void {
  getPage(
    '/admin/people',
    async ({ frame, query }) => {
      const typed = (name: string) => (query.get(name) ?? '').slice(0, 255).trim();
      const [text, group, state] = [typed('text'), typed('group'), typed('blocked')];
      const blocked = state === 'yes' || state === 'no' ? state : '';
      const filter = {
        text: text || null,
        group: group || null,
        blocked: blocked === '' ? null : blocked === 'yes',
      };
      const after = parsePageCursor(query.get('after'));
      const found = await accounts.searchAccounts({
        ...filter,
        after: after === undefined ? null : (after as UserId),
        limit: PAGE_SIZE + 1,
      });
      const { items: rows, next } = cutPage(found, PAGE_SIZE, ({ id }) => id);
      return peoplePage(frame, {
        searchText: text,
        group,
        blocked,
        groups: assignableGroups(rights),
        total: await accounts.countAccounts(filter),
        people: rows,
        ...pageLinks(
          '/admin/people',
          { text, group, blocked },
          { isFirst: after === undefined, next },
        ),
      });
    },
    administrators,
  );
}
