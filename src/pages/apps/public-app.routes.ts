import type { SiteId } from '#kernel/ids.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import type { Registry } from '#registry/registry.ts';
import { notFound, type PageRouter } from '../page.ts';
import { type AppViewDependencies, loadLastUsed, makeAppView, makeNameLookup } from './app.view.ts';
import { publicAppPage } from './public-app.template.ts';

export interface PublicAppDependencies extends AppViewDependencies {
  readonly registry: Pick<Registry, 'query'>;
  /** The one people are on. */
  readonly site: SiteId;
}

/** The page of each app, for everybody. */
export function publicAppRoutes(
  { getPage }: PageRouter,
  dependencies: PublicAppDependencies,
): void {
  const { registry, site } = dependencies;
  getPage('/apps/:id', async (call) => {
    const { actor, frame, params } = call;
    const queries = registry.query(actor);
    const client = await queries.findClient(params.id ?? '');
    if (client === undefined) return notFound;
    const canManage = await queries.canManage(client);
    const lastUsedOf = await loadLastUsed(queries, 'client', [client.id]);
    return publicAppPage(frame, {
      app: await makeAppView(dependencies, call, client, {
        viewerCanManage: canManage,
        lastUsedAt: lastUsedOf(client.id),
        lookUpName: makeNameLookup(queries),
      }),
      isConnected: (await queries.currentConsent(client, site)) !== undefined,
      canManage,
      canReview: hasRight(actor, RIGHTS.review),
    });
  });
}
