import { pageLinks, parsePageCursor } from '#http/paging.ts';
import { stages } from '#registry/model/client.ts';
import type { Sites } from '#registry/model/sites.ts';
import type { VisibleClientFilter } from '#registry/queries/clients.ts';
import type { Registry } from '#registry/registry.ts';
import type { PageCall } from '../page.ts';
import { scopeWords } from '../scopes.ts';
import { type AppViewDependencies, makeAppView, makeNameLookup } from './app.view.ts';
import type { DirectoryQuery, DirectoryView } from './directory.template.ts';

const PAGE_SIZE = 25;

export interface DirectoryViewDependencies extends AppViewDependencies {
  readonly registry: Pick<Registry, 'query'>;
  readonly sites: Pick<Sites, 'all' | 'resolve' | 'nameOf'>;
}

const parseDirectoryQuery = ({ query }: PageCall): DirectoryQuery => ({
  q: (query.get('q') ?? '').trim().slice(0, 128),
  owner: (query.get('owner') ?? '').trim().slice(0, 255),
  stage: [...stages, 'any' as const].find((stage) => stage === query.get('stage')) ?? 'approved',
  scope: query.get('scope') ?? '',
  site: query.get('site') ?? '',
  own: query.get('own') !== undefined,
});

function stageFilter(stage: DirectoryQuery['stage']): VisibleClientFilter {
  if (stage === 'any') return {};
  return stage === 'approved' ? { live: true } : { stage };
}

/** Which apps are wanted; undefined: nothing can fit. */
async function directoryFilter(
  { registry, scopes, sites }: DirectoryViewDependencies,
  { actor }: PageCall,
  query: DirectoryQuery,
): Promise<VisibleClientFilter | undefined> {
  const ownerId =
    query.owner === '' ? undefined : await registry.query(actor).userIdOf(query.owner);
  if (query.owner !== '' && ownerId === undefined) return undefined;
  if (query.scope !== '' && !scopes.has(query.scope)) return undefined;
  const site = query.site === '' ? undefined : sites.resolve(query.site);
  if (query.site !== '' && site === undefined) return undefined;
  return {
    ...stageFilter(query.stage),
    ...(query.q === '' ? {} : { nameContains: query.q }),
    ...(ownerId === undefined ? {} : { ownerId }),
    ...(query.scope === '' ? {} : { scope: query.scope }),
    ...(site === undefined ? {} : { actsOnSite: site }),
    ...(query.own ? {} : { ownerOnly: false }),
    includeOwnHidden: false,
  };
}

/** What the links of a list repeat of the query; what was left as it is stays out. */
const linkedQuery = ({
  own,
  stage,
  ...texts
}: DirectoryQuery): Readonly<Record<string, string>> => ({
  ...texts,
  stage: stage === 'approved' ? '' : stage,
  own: own ? '1' : '',
});

async function loadApps(
  dependencies: DirectoryViewDependencies,
  call: PageCall,
  query: DirectoryQuery,
  after: number | undefined,
): Promise<{ readonly apps: DirectoryView['apps']; readonly next: number | null }> {
  const queries = dependencies.registry.query(call.actor);
  const filter = await directoryFilter(dependencies, call, query);
  if (filter === undefined) return { apps: [], next: null };
  const { items, next } = await queries.listClients({
    ...filter,
    allowStale: true,
    ...(after === undefined ? {} : { below: after }),
    limit: PAGE_SIZE,
  });
  const lookUpName = makeNameLookup(queries);
  // The row of an app whose entry in the configuration is gone says nothing.
  const listed = items.filter(({ stage }) => stage !== 'configured');
  const options = { viewerCanManage: false, lastUsedAt: null, lookUpName };
  return {
    apps: await Promise.all(
      listed.map((client) => makeAppView(dependencies, call, client, options)),
    ),
    next,
  };
}

/** The apps that were looked for, newest first. */
export async function makeDirectoryView(
  dependencies: DirectoryViewDependencies,
  call: PageCall,
): Promise<DirectoryView> {
  const { scopes: catalogue, sites } = dependencies;
  const query = parseDirectoryQuery(call);
  const after = parsePageCursor(call.query.get('after'));
  const { apps, next } = await loadApps(dependencies, call, query, after);
  const scopeTexts = scopeWords(call.frame.words, catalogue);
  return {
    query,
    apps,
    scopes: catalogue
      .allScopes()
      .filter(({ group }) => group !== 'hidden')
      .map(({ name }) => [name, scopeTexts.description(name)] as const),
    sites: sites.all.map(({ id, name }) => [id, name] as const),
    ...pageLinks('/apps', linkedQuery(query), { isFirst: after === undefined, next }),
  };
}
