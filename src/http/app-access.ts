import type { ClientId, UserId } from '#kernel/ids.ts';
import { canManageClient } from '#registry/access.ts';
import type { Actor } from '#registry/actor.ts';
import type { FieldChange, ReadableAuditEntry } from '#registry/audit.ts';
import type { Client } from '#registry/model/client.ts';
import type { Team } from '#registry/model/team.ts';
import type { RegistryRefusal } from '#registry/refusals.ts';
import { hiddenReason } from '#registry/visibility.ts';
import type { Services } from './world.ts';

// Who may know what of an app: the same for pages and for the API.

/** Somebody who looks. */
export interface Viewer {
  readonly services: Services;
  readonly actor: Actor;
}

export const noSuchApp: RegistryRefusal = { kind: 'invalid_consumer_key' };

/**
 * A number that no account has: whoever names nobody is refused where the ladder looks for the
 * person.
 */
export const NO_USER_ID = Number.MAX_SAFE_INTEGER as UserId;

/** The account a caller names, by number or by name. */
export async function resolveUserId(
  services: Services,
  idOrName: number | string,
): Promise<UserId | undefined> {
  if (typeof idOrName === 'number') return idOrName as UserId;
  return (await services.records.findAccountByName(idOrName))?.id;
}

/** Somebody signed in; a token of an app that acts for itself has nobody behind it. */
export const signedInUserId = (actor: Actor): UserId | undefined =>
  actor.kind === 'person' ? actor.account?.id : undefined;

/** True for the owner and for maintainers who said yes. */
export const canManage = (actor: Actor, client: Client, team: Team): boolean =>
  canManageClient(actor, client, team);

/**
 * The app of an address, if this viewer may know of it: a hidden one is for its keepers and those
 * who may see hidden ones.
 */
export async function findVisibleClient(
  { services, actor }: Viewer,
  id: string,
): Promise<Client | undefined> {
  return services.registry.query(actor).findClient(id);
}

/** Keepers and reviewers: those whose business an app is. */
export async function canManageOrReview(
  { services, actor }: Viewer,
  client: Client,
): Promise<boolean> {
  return services.registry.query(actor).canManageOrReview(client);
}

/**
 * Whether what an app says, its name and description, is hidden from this viewer. Apps are looked
 * up once.
 */
export function makeHiddenTextCheck(
  services: Services,
  actor: Actor,
): (id: ClientId) => Promise<boolean> {
  const hiddenByClient = new Map<ClientId, Promise<boolean>>();
  async function loadIsHidden(id: ClientId): Promise<boolean> {
    const client = await services.records.findClient(id);
    return client === undefined || hiddenReason('name', client, actor, false) !== undefined;
  }
  return (id) => {
    const isHidden = hiddenByClient.get(id) ?? loadIsHidden(id);
    hiddenByClient.set(id, isHidden);
    return isHidden;
  };
}

/**
 * The changes of a line as this viewer may read them: values of fields they may not see are left
 * out. Apps are looked up once.
 */
export function makeChangeRedactor(
  services: Services,
  actor: Actor,
): (entry: ReadableAuditEntry) => Promise<readonly FieldChange[]> {
  const fieldChecks = new Map<ClientId, Promise<(field: string) => boolean>>();
  async function loadFieldCheck(id: ClientId): Promise<(field: string) => boolean> {
    const client = await services.records.findClient(id);
    if (client === undefined) return () => false;
    const viewerCanManage = canManageClient(actor, client, await services.records.teamOf(id));
    return (field) =>
      hiddenReason(field as keyof Client, client, actor, viewerCanManage) === undefined;
  }
  return async ({ clientId, changes }) => {
    if (clientId === null) return changes as readonly FieldChange[];
    const fieldCheck = fieldChecks.get(clientId) ?? loadFieldCheck(clientId);
    fieldChecks.set(clientId, fieldCheck);
    const isFieldVisible = await fieldCheck;
    return changes.map(
      (change) => (isFieldVisible(change.field) ? change : { field: change.field }) as FieldChange,
    );
  };
}

/** Refusals that say nothing about any app. */
const callerRefusalKinds = new Set<RegistryRefusal['kind']>([
  'not_logged_in',
  'user_blocked',
  'readonly',
]);

/**
 * A refusal as this viewer may read it: nothing of an app they may not know of, and no values of
 * fields they may not see.
 */
export async function redactRefusal(
  viewer: Viewer,
  id: string,
  refusal: RegistryRefusal,
): Promise<RegistryRefusal> {
  if (callerRefusalKinds.has(refusal.kind)) return refusal;
  const client = await findVisibleClient(viewer, id);
  if (client === undefined) return noSuchApp;
  if (refusal.kind !== 'change_conflict') return refusal;
  const redactChanges = makeChangeRedactor(viewer.services, viewer.actor);
  return {
    ...refusal,
    since: await Promise.all(
      refusal.since.map(async (entry) => ({ ...entry, changes: await redactChanges(entry) })),
    ),
  };
}
