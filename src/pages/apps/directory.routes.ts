import type { Registry } from '#registry/registry.ts';
import type { PageRouter } from '../page.ts';
import { allScopesPage } from '../scopes.template.ts';
import { scopeGroups } from '../scopes.ts';
import { directoryPage } from './directory.template.ts';
import { type DirectoryViewDependencies, makeDirectoryView } from './directory.view.ts';

export interface DirectoryDependencies extends DirectoryViewDependencies {
  readonly registry: Pick<Registry, 'query'>;
}

/** The directory of apps, and what apps can ask for: for everybody. */
export function directoryRoutes(
  { getPage }: PageRouter,
  dependencies: DirectoryDependencies,
): void {
  getPage('/apps', async (call) =>
    directoryPage(call.frame, await makeDirectoryView(dependencies, call)),
  );
  getPage('/scopes', async ({ frame }) =>
    allScopesPage(frame, scopeGroups(frame.words, dependencies.scopes)),
  );
}
