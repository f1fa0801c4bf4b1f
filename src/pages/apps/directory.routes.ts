import type { FastifyInstance } from 'fastify';
import { namesOf } from '#http/account-names.ts';
import { findVisible, looksAfter, signedIn } from '#http/app-access.ts';
import type { World } from '#http/world.ts';
import type { SiteId } from '#kernel/ids.ts';
import { mayDo, RIGHTS } from '#registry/actor.ts';
import { currentConsent } from '#registry/consent-policy.ts';
import { stages } from '#registry/model/client.ts';
import type { ClientFilter } from '#registry/records.ts';
import { maySeeHidden } from '#registry/visibility.ts';
import { type PageCall, showPage } from '../page.ts';
import { allScopesPage, scopeWords } from '../scopes.ts';
import { appView, cut, lastUses, placeOf, scopeGroups } from './app.view.ts';
import { type DirectoryQuery, directoryPage, publicAppPage } from './directory.template.ts';

const LIMIT = 25;

const queryOf = ({ query }: PageCall): DirectoryQuery => ({
  q: (query.get('q') ?? '').trim().slice(0, 128),
  owner: (query.get('owner') ?? '').trim().slice(0, 255),
  stage: [...stages, 'any' as const].find((stage) => stage === query.get('stage')) ?? 'approved',
  scope: query.get('scope') ?? '',
  site: query.get('site') ?? '',
  own: query.get('own') !== undefined,
});

/** What the directory asks the store; undefined: nothing can fit. */
async function filterOf(
  { world, actor }: PageCall,
  query: DirectoryQuery,
): Promise<ClientFilter | undefined> {
  const owner = query.owner === '' ? undefined : await world.records.findAccountByName(query.owner);
  if (query.owner !== '' && owner === undefined) return undefined;
  if (query.scope !== '' && !world.scopes.has(query.scope)) return undefined;
  const site = query.site === '' ? undefined : world.sites.resolve(query.site);
  if (query.site !== '' && site === undefined) return undefined;
  return {
    ...(query.q === '' ? {} : { nameHas: query.q }),
    ...(owner === undefined ? {} : { ownerId: owner.id }),
    ...(query.stage === 'any'
      ? {}
      : query.stage === 'approved'
        ? { live: true }
        : { stage: query.stage }),
    ...(query.scope === '' ? {} : { scope: query.scope }),
    ...(site === undefined ? {} : { actsOn: site as SiteId }),
    ...(query.own ? {} : { ownerOnly: false }),
    ...(maySeeHidden(actor) ? {} : { suppressed: false }),
  };
}

const addressOf = (query: DirectoryQuery, after: number | null): string => {
  const { own, stage, ...texts } = query;
  const given = Object.entries(texts).filter(([, value]) => value !== '');
  const all = new URLSearchParams(given);
  if (stage !== 'approved') all.set('stage', stage);
  if (own) all.set('own', '1');
  if (after !== null) all.set('after', String(after));
  return all.size === 0 ? '/apps' : `/apps?${all}`;
};

/** The directory, the page of each app, and what apps can ask for: for everybody. */
export function appsRoutes(app: FastifyInstance, world: World): void {
  showPage(app, world, '/apps', async (call) => {
    const query = queryOf(call);
    const after = placeOf(call.query.get('after'));
    const filter = await filterOf(call, query);
    const found =
      filter === undefined
        ? []
        : await world.records.listClients({
            ...filter,
            mayBeOld: true,
            ...(after === undefined ? {} : { below: after }),
            limit: LIMIT + 1,
          });
    const { rows, next } = cut(found, LIMIT, ({ number }) => number);
    const names = namesOf(world);
    return directoryPage(call.frame, {
      query,
      // The row of an app whose entry in the configuration is gone says nothing.
      apps: await Promise.all(
        rows
          .filter(({ stage }) => stage !== 'configured')
          .map((client) => appView(call, client, { keeper: false, lastUsed: null, names })),
      ),
      scopes: world.scopes
        .all()
        .filter(({ group }) => group !== 'hidden')
        .map(
          ({ name }) =>
            [name, scopeWords(call.frame.words, world.scopes).description(name)] as const,
        ),
      sites: world.sites.all.map(({ id, name }) => [id, name] as const),
      first: after === undefined ? null : addressOf(query, null),
      next: next === null ? null : addressOf(query, next),
    });
  });

  showPage(app, world, '/scopes', async ({ frame }) =>
    allScopesPage(frame, scopeGroups(world, frame.words)),
  );

  showPage(app, world, '/apps/:id', async (call) => {
    const { actor, user, params } = call;
    const client = await findVisible(call, params.id ?? '');
    if (client === undefined) return { status: 404, note: 'not-found' };
    const keeper =
      signedIn(actor) !== undefined &&
      looksAfter(actor, client, await world.records.teamOf(client.id));
    return publicAppPage(call.frame, {
      app: await appView(call, client, {
        keeper,
        lastUsed: (await lastUses(world, 'client', [client.id]))(client.id),
      }),
      allowed:
        user !== null &&
        (await currentConsent(world.records, client, user, world.site)) !== undefined,
      keeper,
      reviewer: mayDo(actor, RIGHTS.review),
    });
  });
}
