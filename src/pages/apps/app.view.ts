import { destinationOf } from '#encoding/browser-uri.ts';
import { namesOf } from '#http/account-names.ts';
import type { Viewer } from '#http/app-access.ts';
import type { World } from '#http/world.ts';
import type { UserId } from '#kernel/ids.ts';
import { coversSite } from '#registry/access.ts';
import type { Outcome } from '#registry/actions/context.ts';
import type { Client } from '#registry/model/client.ts';
import { type RevisedFields, revisedFields } from '#registry/model/revision.ts';
import type { Scope } from '#registry/model/scopes.ts';
import { DAY } from '#registry/usage.ts';
import { unseen } from '#registry/visibility.ts';
import type { makeShown } from '../audit-entries.ts';
import type { ShownChange } from '../audit-table.ts';
import type { Frame } from '../layout.ts';
import { type ScopeGroups, scopeWords } from '../scopes.ts';
import type { Words } from '../words.ts';
import { type AppView, kindOf, type PermissionGroup } from './app.template.ts';
import type { SampleFacts } from './samples.ts';

// What pages show of apps, made of what the registry knows.

/** Visible scopes in plain words, by group, in display order. */
export function permissionGroups(
  world: World,
  words: Words,
  wanted: (scope: Scope) => boolean,
  optional: readonly string[],
): readonly PermissionGroup[] {
  const said = scopeWords(words, world.scopes);
  const groups = new Map<string, PermissionGroup['scopes'][number][]>();
  for (const scope of world.scopes.all()) {
    const { name, group, risk } = scope;
    if (group === 'hidden' || !wanted(scope)) continue;
    const lines = groups.get(group) ?? [];
    lines.push({
      name,
      description: said.description(name),
      risk: risk === 'low' ? null : said.risk(risk),
      optional: optional.includes(name),
    });
    groups.set(group, lines);
  }
  return [...groups].map(([group, scopes]) => ({ label: said.group(group), scopes }));
}

/** Every scope of this server with its meaning, risk and rights, by group, in display order. */
export function scopeGroups(world: World, words: Words): ScopeGroups {
  const said = scopeWords(words, world.scopes);
  const all = world.scopes.all();
  return [...new Set(all.map(({ group }) => group))].map((group) => ({
    label: said.group(group),
    scopes: all
      .filter((scope) => scope.group === group)
      .map(({ name, risk, rights }) => ({
        name,
        description: said.description(name),
        risk: risk === 'low' ? null : said.risk(risk),
        rights,
      })),
  }));
}

/** Days of the last use, as Unix seconds. */
export async function lastUses(
  world: World,
  kind: 'client' | 'secret',
  ids: readonly string[],
): Promise<(id: string) => number | null> {
  const days =
    ids.length === 0 ? new Map<string, number>() : await world.records.lastUsed(kind, ids);
  return (id) => {
    const day = days.get(id);
    return day === undefined ? null : day * DAY;
  };
}

/** An app as this viewer may see it. */
export async function appView(
  { world, actor, frame }: Viewer & { readonly frame: Pick<Frame, 'words'> },
  client: Client,
  more: {
    readonly keeper: boolean;
    readonly lastUsed: number | null;
    readonly names?: (id: UserId) => Promise<string | null>;
  },
): Promise<AppView> {
  const shown = unseen('name', client, actor, more.keeper) === undefined;
  const identity = client.scopes.find((scope) => world.scopes.identityOnly.includes(scope));
  return {
    id: client.id,
    name: shown ? client.name : null,
    version: shown ? client.version : '',
    description: shown ? client.description : '',
    ownerName: shown ? await (more.names ?? namesOf(world))(client.ownerId) : null,
    kind: kindOf(client),
    site: world.sites.nameOf(client.site) ?? null,
    returnsTo: shown ? destinationOf(client.redirectUri) : null,
    redirectIsPrefix: shown && client.redirectIsPrefix,
    groups: permissionGroups(
      world,
      frame.words,
      ({ name, identityOnly }) => !identityOnly && client.scopes.includes(name),
      client.optionalScopes,
    ),
    identity:
      identity === undefined ? null : scopeWords(frame.words, world.scopes).description(identity),
    introspector: client.introspector,
    stage: client.stage,
    stageAt: client.stageAt,
    suppressed: client.suppressed,
    halted: client.halted,
    managed: client.managed,
    registeredAt: client.registeredAt,
    lastUsed: more.lastUsed,
  };
}

/** What a revision would change, ready for people. */
export const revisionChanges = (
  client: Client,
  next: RevisedFields,
  shown: ReturnType<typeof makeShown>,
): Promise<readonly ShownChange[]> =>
  Promise.all(
    changedFields(client, next).map(async (field) => ({
      field,
      before: await shown(field, client[field]),
      after: await shown(field, next[field]),
    })),
  );

/** The fields of a revision that differ from the app as it is. */
export const changedFields = (client: Client, next: RevisedFields) =>
  revisedFields.filter((field) => JSON.stringify(client[field]) !== JSON.stringify(next[field]));

/** What code samples of an app are made of; what was issued just now is filled in. */
export function sampleFacts(
  world: World,
  client: Client,
  issued?: Pick<Outcome, 'secret' | 'credentials' | 'accessToken'>,
): SampleFacts {
  const issuer = world.issuer.replace(/\/$/, '');
  const here = coversSite(client.site, world.site);
  const elsewhere = world.sites.all.find(({ id }) => id === client.site)?.origin;
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
    probe: here ? `${issuer}/api/v1/me` : `${elsewhere ?? 'https://api.example'}/`,
  };
}

/** Where a list continues; undefined: at its beginning. */
export const placeOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

/** Rows of a page, and where it goes on: one more than the limit was asked for. */
export function cut<T>(
  rows: readonly T[],
  limit: number,
  place: (row: T) => number,
): { readonly rows: readonly T[]; readonly next: number | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown, next: rows.length > limit && last !== undefined ? place(last) : null };
}
