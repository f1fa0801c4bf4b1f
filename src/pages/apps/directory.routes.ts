import type { FastifyInstance } from 'fastify';
import { makeNameLookup } from '#http/account-names.ts';
import { canManage, findVisibleClient, signedInUserId } from '#http/app-access.ts';
import { parsePageCursor } from '#http/paging.ts';
import type { Services } from '#http/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { cutPage } from '#kernel/paging.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import { currentConsent } from '#registry/consent-policy.ts';
import { stages } from '#registry/model/client.ts';
import type { ClientFilter } from '#registry/records.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import { getPage, type PageCall } from '../page.ts';
import { allScopesPage } from '../scopes.template.ts';
import { scopeGroups, scopeWords } from '../scopes.ts';
import { appView, loadLastUsed } from './app.view.ts';
import { type DirectoryQuery, directoryPage, publicAppPage } from './directory.template.ts';

const PAGE_SIZE = 25;

const parseDirectoryQuery = ({ query }: PageCall): DirectoryQuery => ({
  q: (query.get('q') ?? '').trim().slice(0, 128),
  owner: (query.get('owner') ?? '').trim().slice(0, 255),
  stage: [...stages, 'any' as const].find((stage) => stage === query.get('stage')) ?? 'approved',
  scope: query.get('scope') ?? '',
  site: query.get('site') ?? '',
  own: query.get('own') !== undefined,
});

/** What the directory asks the store; undefined: nothing can fit. */
async function directoryFilter(
  { services, actor }: PageCall,
  query: DirectoryQuery,
): Promise<ClientFilter | undefined> {
  const owner =
    query.owner === '' ? undefined : await services.records.findAccountByName(query.owner);
  if (query.owner !== '' && owner === undefined) return undefined;
  if (query.scope !== '' && !services.scopes.has(query.scope)) return undefined;
  const site = query.site === '' ? undefined : services.sites.resolve(query.site);
  if (query.site !== '' && site === undefined) return undefined;
  return {
    ...(query.q === '' ? {} : { nameContains: query.q }),
    ...(owner === undefined ? {} : { ownerId: owner.id }),
    ...(query.stage === 'any'
      ? {}
      : query.stage === 'approved'
        ? { live: true }
        : { stage: query.stage }),
    ...(query.scope === '' ? {} : { scope: query.scope }),
    ...(site === undefined ? {} : { actsOnSite: site as SiteId }),
    ...(query.own ? {} : { ownerOnly: false }),
    ...(maySeeHidden(actor) ? {} : { suppressed: false }),
  };
}

const directoryPath = (query: DirectoryQuery, after: number | null): string => {
  const { own, stage, ...texts } = query;
  const nonEmpty = Object.entries(texts).filter(([, value]) => value !== '');
  const all = new URLSearchParams(nonEmpty);
  if (stage !== 'approved') all.set('stage', stage);
  if (own) all.set('own', '1');
  if (after !== null) all.set('after', String(after));
  return all.size === 0 ? '/apps' : `/apps?${all}`;
};

/** The directory, the page of each app, and what apps can ask for: for everybody. */
export function appsRoutes(app: FastifyInstance, services: Services): void {
  getPage(app, services, '/apps', async (call) => {
    const query = parseDirectoryQuery(call);
    const after = parsePageCursor(call.query.get('after'));
    const filter = await directoryFilter(call, query);
    const found =
      filter === undefined
        ? []
        : await services.records.listClients({
            ...filter,
            allowStale: true,
            ...(after === undefined ? {} : { below: after }),
            limit: PAGE_SIZE + 1,
          });
    const { items: rows, next } = cutPage(found, PAGE_SIZE, ({ number }) => number);
    const lookUpName = makeNameLookup(services);
    return directoryPage(call.frame, {
      query,
      // The row of an app whose entry in the configuration is gone says nothing.
      apps: await Promise.all(
        rows
          .filter(({ stage }) => stage !== 'configured')
          .map((client) =>
            appView(call, client, { viewerCanManage: false, lastUsedAt: null, lookUpName }),
          ),
      ),
      scopes: services.scopes
        .allScopes()
        .filter(({ group }) => group !== 'hidden')
        .map(
          ({ name }) =>
            [name, scopeWords(call.frame.words, services.scopes).description(name)] as const,
        ),
      sites: services.sites.all.map(({ id, name }) => [id, name] as const),
      first: after === undefined ? null : directoryPath(query, null),
      next: next === null ? null : directoryPath(query, next),
    });
  });

  getPage(app, services, '/scopes', async ({ frame }) =>
    allScopesPage(frame, scopeGroups(frame.words, services.scopes)),
  );

  getPage(app, services, '/apps/:id', async (call) => {
    const { actor, user, params } = call;
    const client = await findVisibleClient(call, params.id ?? '');
    if (client === undefined) return { status: 404, note: 'not-found' };
    const viewerCanManage =
      signedInUserId(actor) !== undefined &&
      canManage(actor, client, await services.records.teamOf(client.id));
    return publicAppPage(call.frame, {
      app: await appView(call, client, {
        viewerCanManage,
        lastUsedAt: (await loadLastUsed(services, 'client', [client.id]))(client.id),
      }),
      isConnected:
        user !== null &&
        (await currentConsent(services.records, client, user, services.site)) !== undefined,
      canManage: viewerCanManage,
      canReview: hasRight(actor, RIGHTS.review),
    });
  });
}
