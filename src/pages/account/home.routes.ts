import type { Accounts } from '#accounts/accounts.ts';
import type { AccountRecords, PeopleRecords } from '#accounts/records.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { PageRouter } from '../page.ts';
import { homePage } from './home.template.ts';

export interface HomeDependencies {
  readonly accounts: Pick<Accounts, 'selfService'>;
  readonly records: Pick<
    AccountRecords & PeopleRecords & RegistryRecords,
    'countAccounts' | 'countClients'
  >;
}

/** The first page: what is this place, what can I do here. */
export function homeRoutes(
  { getPage }: PageRouter,
  { accounts: { selfService }, records }: HomeDependencies,
): void {
  getPage('/', async ({ frame }) =>
    homePage(frame, {
      pendingReviews: frame.user?.mayReview
        ? await records.countClients({ stage: 'proposed', suppressed: false })
        : null,
      registrationOpen: selfService.registration && selfService.email,
      firstSteps:
        frame.user?.mayAdminister === true &&
        (await records.countAccounts({ text: null, group: null, blocked: null })) === 1,
    }),
  );
}
