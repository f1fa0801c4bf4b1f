import type { ClientId, UserId } from '#kernel/ids.ts';
import { isKeeper } from '#registry/actions/action.ts';
import { type Actor, mayDo, RIGHTS } from '#registry/actor.ts';
import type { AuditEntry, FieldChange } from '#registry/audit.ts';
import type { Client } from '#registry/model/client.ts';
import type { Team } from '#registry/model/team.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { maySeeHidden, unseen } from '#registry/visibility.ts';
import type { World } from './world.ts';

// Who may know what of an app: the same for pages and for the API.

/** Somebody who looks. */
export interface Viewer {
  readonly world: World;
  readonly actor: Actor;
}

export const noSuchApp: RegistryRefusal = { kind: 'invalid_consumer_key' };

/**
 * A number that no account has: whoever names nobody is refused where the ladder looks for the
 * person.
 */
export const NOBODY = Number.MAX_SAFE_INTEGER as UserId;

/** The account a caller names, by number or by name. */
export async function personNamed(
  world: World,
  asked: number | string,
): Promise<UserId | undefined> {
  if (typeof asked === 'number') return asked as UserId;
  return (await world.records.findAccountByName(asked))?.id;
}

/** Somebody signed in; a token of an app that acts for itself has nobody behind it. */
export const signedIn = (actor: Actor): UserId | undefined =>
  actor.kind === 'person' ? actor.account?.id : undefined;

/** True for the owner and for maintainers who said yes. */
export const looksAfter = (actor: Actor, client: Client, team: Team): boolean =>
  isKeeper(actor, client, team);

/**
 * The app of an address, if this viewer may know of it: a hidden one is for its keepers and those
 * who may see hidden ones.
 */
export async function findVisible(
  { world, actor }: Viewer,
  id: string,
): Promise<Client | undefined> {
  const client = /^[0-9a-f]{32}$/.test(id)
    ? await world.records.findClient(id as ClientId)
    : undefined;
  if (
    client === undefined ||
    (!client.suppressed && client.stage !== 'configured') ||
    maySeeHidden(actor)
  )
    return client;
  return looksAfter(actor, client, await world.records.teamOf(client.id)) ? client : undefined;
}

/** Keepers and reviewers: those whose business an app is. */
export async function isInsider({ world, actor }: Viewer, client: Client): Promise<boolean> {
  return (
    mayDo(actor, RIGHTS.review) || looksAfter(actor, client, await world.records.teamOf(client.id))
  );
}

/**
 * Whether what an app says, its name and description, is hidden from this viewer. Apps are looked
 * up once.
 */
export function makeTextsHidden(world: World, actor: Actor): (id: ClientId) => Promise<boolean> {
  const known = new Map<ClientId, Promise<boolean>>();
  async function look(id: ClientId): Promise<boolean> {
    const client = await world.records.findClient(id);
    return client === undefined || unseen('name', client, actor, false) !== undefined;
  }
  return (id) => {
    const looked = known.get(id) ?? look(id);
    known.set(id, looked);
    return looked;
  };
}

/**
 * The changes of a line as this viewer may read them: values of fields they may not see are left
 * out. Apps are looked up once.
 */
export function makeChangeView(
  world: World,
  actor: Actor,
): (entry: AuditEntry) => Promise<readonly FieldChange[]> {
  const known = new Map<ClientId, Promise<(field: string) => boolean>>();
  async function look(id: ClientId): Promise<(field: string) => boolean> {
    const client = await world.records.findClient(id);
    if (client === undefined) return () => false;
    const keeper = isKeeper(actor, client, await world.records.teamOf(id));
    return (field) => unseen(field as keyof Client, client, actor, keeper) === undefined;
  }
  return async ({ clientId, changes }) => {
    const looked = known.get(clientId) ?? look(clientId);
    known.set(clientId, looked);
    const sees = await looked;
    return changes.map((one) => (sees(one.field) ? one : ({ field: one.field } as FieldChange)));
  };
}

/** Refusals that say nothing about any app. */
const aboutCaller = new Set<RegistryRefusal['kind']>(['not_logged_in', 'user_blocked', 'readonly']);

/**
 * A refusal as this viewer may read it: nothing of an app they may not know of, and no values of
 * fields they may not see.
 */
export async function readable(
  viewer: Viewer,
  id: string,
  refusal: RegistryRefusal,
): Promise<RegistryRefusal> {
  if (aboutCaller.has(refusal.kind)) return refusal;
  const client = await findVisible(viewer, id);
  if (client === undefined) return noSuchApp;
  if (refusal.kind !== 'change_conflict') return refusal;
  const view = makeChangeView(viewer.world, viewer.actor);
  return {
    ...refusal,
    since: await Promise.all(
      refusal.since.map(async (entry) => ({ ...entry, changes: await view(entry) })),
    ),
  };
}
