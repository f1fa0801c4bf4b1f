import type { Accounts } from '#accounts/accounts.ts';
import type { Registry } from '#registry/registry.ts';
import type { PageRouter } from '../page.ts';
import { homePage } from './home.template.ts';

export interface HomeDependencies {
  readonly accounts: Pick<Accounts, 'selfService' | 'countAccounts'>;
  readonly registry: Pick<Registry, 'query'>;
}

/** The first page: what is this place, what can I do here. */
export function homeRoutes(
  { getPage }: PageRouter,
  { accounts, registry }: HomeDependencies,
): void {
  getPage('/', async ({ frame, actor }) =>
    homePage(frame, {
      pendingReviews: frame.user?.mayReview
        ? await registry.query(actor).countClients({ stage: 'proposed' })
        : null,
      registrationOpen: accounts.selfService.registration && accounts.selfService.email,
      firstSteps:
        frame.user?.mayAdminister === true &&
        (await accounts.countAccounts({ text: null, group: null, blocked: null })) === 1,
    }),
  );
}
