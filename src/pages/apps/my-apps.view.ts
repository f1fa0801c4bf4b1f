import { pageLinks, parsePageCursor } from '#http/paging.ts';
import { hasRight, RIGHTS } from '#registry/actor.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import type { Registry } from '#registry/registry.ts';
import { hiddenReason } from '#registry/visibility.ts';
import { formLevelProblem } from '../form-problems.ts';
import type { SignedInCall } from '../page.ts';
import { refusalText } from '../refusal-texts.ts';
import { type AppViewDependencies, loadLastUsed, makeAppView, makeNameLookup } from './app.view.ts';
import type { Invitation, OwnAppsView } from './my-apps.template.ts';

const PAGE_SIZE = 25;

export interface OwnAppsDependencies extends AppViewDependencies {
  readonly registry: Pick<Registry, 'query' | 'etagFor'>;
}

/** Invitations and offers that wait for an answer; nothing is said of hidden apps. */
async function loadInvitations(
  { registry }: OwnAppsDependencies,
  { actor }: SignedInCall,
  lookUpName: ReturnType<typeof makeNameLookup>,
): Promise<readonly Invitation[]> {
  const queries = registry.query(actor);
  const invitations: Invitation[] = [];
  for (const { clientId, kind } of await queries.listInvitations()) {
    const client = await queries.findClient(clientId);
    if (client === undefined || hiddenReason('name', client, actor, false) !== undefined) continue;
    invitations.push({
      appId: client.id,
      appName: client.name,
      invitedBy: await lookUpName(client.ownerId),
      kind,
      etag: registry.etagFor(actor, client),
      ownerOnly: client.ownerOnly,
    });
  }
  return invitations;
}

/**
 * The apps somebody owns or maintains, and what waits for their answer. `refusal`: of the answer
 * they gave.
 */
export async function makeOwnAppsView(
  dependencies: OwnAppsDependencies,
  call: SignedInCall,
  refusal: RegistryRefusal | null,
): Promise<OwnAppsView> {
  const { actor, user, frame, query } = call;
  const queries = dependencies.registry.query(actor);
  const after = parsePageCursor(query.get('after'));
  const { items, next } = await queries.listClients({
    managerId: user.id,
    ...(after === undefined ? {} : { below: after }),
    limit: PAGE_SIZE,
  });
  const lookUpName = makeNameLookup(queries);
  const ids = items.map(({ id }) => id);
  const lastUsedOf = await loadLastUsed(queries, 'client', ids);
  return {
    apps: await Promise.all(
      items.map(async (client) => ({
        app: await makeAppView(dependencies, call, client, {
          viewerCanManage: true,
          lastUsedAt: lastUsedOf(client.id),
          lookUpName,
        }),
        role: client.ownerId === user.id ? ('owner' as const) : ('maintainer' as const),
        hasOpenRevision: (await queries.openRevision(client)) !== undefined,
      })),
    ),
    invitations: await loadInvitations(dependencies, call, lookUpName),
    mayRegister: hasRight(actor, RIGHTS.propose),
    ...pageLinks('/my/apps', {}, { isFirst: after === undefined, next }),
    problems: formLevelProblem(refusal === null ? null : refusalText(frame.words, refusal)),
  };
}
