import { describeDestination } from '#encoding/browser-uri.ts';
import { makeNameLookup } from '#http/account-names.ts';
import type { Viewer } from '#http/app-access.ts';
import type { Services } from '#http/world.ts';
import type { UserId } from '#kernel/ids.ts';
import { coversSite } from '#registry/access.ts';
import type { ActionOutcome } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import { type RevisedFields, revisedFields } from '#registry/model/revision.ts';
import type { Scope } from '#registry/model/scopes.ts';
import { DAY } from '#registry/usage.ts';
import { hiddenReason } from '#registry/visibility.ts';
import type { makeFieldFormatter } from '../audit-entries.ts';
import type { DisplayChange } from '../audit-table.ts';
import type { Frame } from '../frame.ts';
import { scopeWords } from '../scopes.ts';
import type { Words } from '../words.ts';
import { type AppView, kindOf, type PermissionGroup } from './app.template.ts';
import type { SampleFacts } from './samples.ts';

// What pages show of apps, made of what the registry knows.

/** Visible scopes in plain words, by group, in display order. */
export function permissionGroups(
  services: Services,
  words: Words,
  isIncluded: (scope: Scope) => boolean,
  optional: readonly string[],
): readonly PermissionGroup[] {
  const scopeTexts = scopeWords(words, services.scopes);
  const groups = new Map<string, PermissionGroup['scopes'][number][]>();
  for (const scope of services.scopes.allScopes()) {
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

/** Days of the last use, as Unix seconds. */
export async function loadLastUsed(
  services: Services,
  kind: 'client' | 'secret',
  ids: readonly string[],
): Promise<(id: string) => number | null> {
  const days =
    ids.length === 0 ? new Map<string, number>() : await services.records.lastUsed(kind, ids);
  return (id) => {
    const day = days.get(id);
    return day === undefined ? null : day * DAY;
  };
}

/** An app as this viewer may see it. */
export async function appView(
  { services, actor, frame }: Viewer & { readonly frame: Pick<Frame, 'words'> },
  client: Client,
  options: {
    readonly viewerCanManage: boolean;
    readonly lastUsedAt: number | null;
    readonly lookUpName?: (id: UserId) => Promise<string | null>;
  },
): Promise<AppView> {
  const isVisible = hiddenReason('name', client, actor, options.viewerCanManage) === undefined;
  const identity = client.scopes.find((scope) => services.scopes.identityOnly.includes(scope));
  return {
    id: client.id,
    name: isVisible ? client.name : null,
    version: isVisible ? client.version : '',
    description: isVisible ? client.description : '',
    ownerName: isVisible
      ? await (options.lookUpName ?? makeNameLookup(services))(client.ownerId)
      : null,
    kind: kindOf(client),
    site: services.sites.nameOf(client.site) ?? null,
    destination: isVisible ? describeDestination(client.redirectUri) : null,
    redirectIsPrefix: isVisible && client.redirectIsPrefix,
    groups: permissionGroups(
      services,
      frame.words,
      ({ name, identityOnly }) => !identityOnly && client.scopes.includes(name),
      client.optionalScopes,
    ),
    identityDescription:
      identity === undefined
        ? null
        : scopeWords(frame.words, services.scopes).description(identity),
    introspector: client.introspector,
    stage: client.stage,
    stageAt: client.stageAt,
    suppressed: client.suppressed,
    suspension: client.suspension,
    managed: client.managed,
    registeredAt: client.registeredAt,
    lastUsedAt: options.lastUsedAt,
  };
}

/** What a revision would change, ready for people. */
export const describeRevisionChanges = (
  client: Client,
  next: RevisedFields,
  formatField: ReturnType<typeof makeFieldFormatter>,
): Promise<readonly DisplayChange[]> =>
  Promise.all(
    changedFields(client, next).map(async (field) => ({
      field,
      before: await formatField(field, client[field]),
      after: await formatField(field, next[field]),
    })),
  );

/** The fields of a revision that differ from the app as it is. */
export const changedFields = (client: Client, next: RevisedFields) =>
  revisedFields.filter((field) => JSON.stringify(client[field]) !== JSON.stringify(next[field]));

/** What code samples of an app are made of; what was issued just now is filled in. */
export function codeSampleValues(
  services: Services,
  client: Client,
  issued?: Pick<ActionOutcome, 'secret' | 'credentials' | 'accessToken'>,
): SampleFacts {
  const issuer = services.issuer.replace(/\/$/, '');
  const isThisSite = coversSite(client.site, services.site);
  const siteOrigin = services.sites.all.find(({ id }) => id === client.site)?.origin;
  return {
    kind: kindOf(client),
    issuer,
    clientId: client.id,
    secret: issued?.secret ?? null,
    token: issued?.credentials?.token ?? issued?.accessToken ?? null,
    tokenSecret: issued?.credentials?.secret ?? null,
    redirectUri: client.redirectUri,
    scopes: client.scopes,
    actsForItself: !client.ownerOnly && client.grantTypes.includes('client_credentials'),
    probeUrl: isThisSite ? `${issuer}/api/v1/me` : `${siteOrigin ?? 'https://api.example'}/`,
  };
}
