import type { PageRouter } from '../page.ts';
import { type DirectoryDependencies, directoryRoutes } from './directory.routes.ts';
import { historyRoutes } from './history.routes.ts';
import { type ManageAppDependencies, manageAppRoutes } from './manage-app.routes.ts';
import { myAppsRoutes } from './my-apps.routes.ts';
import { type NewAppDependencies, newAppRoutes } from './new-app.routes.ts';
import { type PublicAppDependencies, publicAppRoutes } from './public-app.routes.ts';
import { type ReviseAppDependencies, reviseAppRoutes } from './revise-app.routes.ts';
import { type TestAppDependencies, testAppRoutes } from './test-app.routes.ts';

export type AppsDependencies = DirectoryDependencies &
  PublicAppDependencies &
  ManageAppDependencies &
  NewAppDependencies &
  ReviseAppDependencies &
  TestAppDependencies;

/** Apps: the directory for everybody, and the pages of those who register and manage them. */
export function appsRoutes(pages: PageRouter, dependencies: AppsDependencies): void {
  directoryRoutes(pages, dependencies);
  publicAppRoutes(pages, dependencies);
  myAppsRoutes(pages, dependencies);
  newAppRoutes(pages, dependencies);
  manageAppRoutes(pages, dependencies);
  reviseAppRoutes(pages, dependencies);
  historyRoutes(pages, dependencies);
  testAppRoutes(pages, dependencies);
}
