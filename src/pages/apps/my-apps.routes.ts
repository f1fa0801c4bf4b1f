import type { PageRouter } from '../page.ts';
import { ownAppsPage } from './my-apps.template.ts';
import { makeOwnAppsView, type OwnAppsDependencies } from './my-apps.view.ts';

/** A developer's own apps, and what waits for their answer. */
export function myAppsRoutes({ getPage }: PageRouter, dependencies: OwnAppsDependencies): void {
  getPage(
    '/my/apps',
    async (call) => ownAppsPage(call.frame, await makeOwnAppsView(dependencies, call, null)),
    'signed-in',
  );
}
