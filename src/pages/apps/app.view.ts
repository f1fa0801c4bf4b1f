import { describeDestination } from '#encoding/browser-uri.ts';
import type { UserId } from '#kernel/ids.ts';
import type { Actor } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import type { Scope, ScopeCatalogue } from '#registry/model/scopes.ts';
import type { Sites } from '#registry/model/sites.ts';
import type { RegistryQueries } from '#registry/queries/registry-queries.ts';
import { DAY } from '#registry/usage.ts';
import { hiddenReason } from '#registry/visibility.ts';
import type { Frame } from '../frame.ts';
import { scopeWords } from '../scopes.ts';
import type { Words } from '../words.ts';
import { type AppView, kindOf, type PermissionGroup } from './app.template.ts';

// What pages show of apps, made of what the registry knows.

/** Visible scopes in plain words, by group, in display order. */
export function permissionGroups(
  catalogue: ScopeCatalogue,
  words: Words,
  isIncluded: (scope: Scope) => boolean,
  optional: readonly string[],
): readonly PermissionGroup[] {
  const scopeTexts = scopeWords(words, catalogue);
  const groups = new Map<string, PermissionGroup['scopes'][number][]>();
  for (const scope of catalogue.allScopes()) {
    const { name, group, risk } = scope;
    if (group === 'hidden' || !isIncluded(scope)) continue;
    const groupScopes = groups.get(group) ?? [];
    groupScopes.push({
      name,
      description: scopeTexts.description(name),
      risk: risk === 'low' ? null : scopeTexts.risk(risk),
      optional: optional.includes(name),
    });
    groups.set(group, groupScopes);
  }
  return [...groups].map(([group, scopes]) => ({ label: scopeTexts.group(group), scopes }));
}

/** Says of each of these when it was last used: the day, as Unix seconds; null: not yet. */
export async function loadLastUsed(
  queries: Pick<RegistryQueries, 'lastUsed'>,
  kind: 'client' | 'secret',
  ids: readonly string[],
): Promise<(id: string) => number | null> {
  const days = await queries.lastUsed(kind, ids);
  return (id) => {
    const day = days.get(id);
    return day === undefined ? null : day * DAY;
  };
}

/** Names of people, each looked up once; null: the account is gone. */
export function makeNameLookup(
  queries: Pick<RegistryQueries, 'personLookup'>,
): (id: UserId) => Promise<string | null> {
  const lookUpPerson = queries.personLookup();
  return async (id) => (await lookUpPerson(id)).name;
}

/** What an app is described with. */
export interface AppViewDependencies {
  readonly scopes: ScopeCatalogue;
  readonly sites: Pick<Sites, 'nameOf'>;
}

/** An app as this viewer may see it. */
export async function makeAppView(
  { scopes: catalogue, sites }: AppViewDependencies,
  { actor, frame: { words } }: { readonly actor: Actor; readonly frame: Pick<Frame, 'words'> },
  client: Client,
  {
    viewerCanManage,
    lastUsedAt,
    lookUpName,
  }: {
    readonly viewerCanManage: boolean;
    readonly lastUsedAt: number | null;
    readonly lookUpName: (id: UserId) => Promise<string | null>;
  },
): Promise<AppView> {
  const isVisible = hiddenReason('name', client, actor, viewerCanManage) === undefined;
  const identity = client.scopes.find((scope) => catalogue.identityOnly.includes(scope));
  return {
    id: client.id,
    name: isVisible ? client.name : null,
    version: isVisible ? client.version : '',
    description: isVisible ? client.description : '',
    ownerName: isVisible ? await lookUpName(client.ownerId) : null,
    kind: kindOf(client),
    site: sites.nameOf(client.site) ?? null,
    destination: isVisible ? describeDestination(client.redirectUri) : null,
    redirectIsPrefix: isVisible && client.redirectIsPrefix,
    groups: permissionGroups(
      catalogue,
      words,
      ({ name, identityOnly }) => !identityOnly && client.scopes.includes(name),
      client.optionalScopes,
    ),
    identityDescription:
      identity === undefined ? null : scopeWords(words, catalogue).description(identity),
    introspector: client.introspector,
    stage: client.stage,
    stageAt: client.stageAt,
    suppressed: client.suppressed,
    suspension: client.suspension,
    managed: client.managed,
    registeredAt: client.registeredAt,
    lastUsedAt,
  };
}
