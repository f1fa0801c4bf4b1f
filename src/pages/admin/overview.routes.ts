import type { PageRouter } from '../page.ts';
import { administrators } from './administrators.ts';
import { overviewPage } from './overview.template.ts';
import { makeOverviewView, type OverviewDependencies } from './overview.view.ts';

/** How the server is. */
export function overviewRoutes({ getPage }: PageRouter, dependencies: OverviewDependencies): void {
  getPage(
    '/admin',
    async (call) => overviewPage(call.frame, await makeOverviewView(dependencies, call)),
    administrators,
  );
}
