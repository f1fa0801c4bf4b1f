import type { Account } from '#accounts/account.ts';
import { addressInRanges } from '#encoding/address.ts';
import { EVERY_SITE, type SiteId } from '#kernel/ids.ts';
import { type Actor, managerOf } from './actor.ts';
import type { Client, Stage, Suspension } from './model/client.ts';
import { isMaintainer, type Team } from './model/team.ts';

/** Why a client may not act. */
export type ClientAccessDenial =
  | { readonly kind: 'client-suppressed' }
  | { readonly kind: 'client-not-usable'; readonly stage: Stage; readonly ownerOnly: boolean }
  | { readonly kind: 'client-suspended'; readonly suspension: Suspension }
  | { readonly kind: 'user-blocked' }
  | { readonly kind: 'wrong-site'; readonly site: SiteId }
  | { readonly kind: 'address-not-allowed' };

/** True when the person is the client's owner. Nobody is never an owner. */
export const isOwnedBy = (client: Client, user: Pick<Account, 'id'> | null): boolean =>
  user !== null && user.id === client.ownerId;

/**
 * Whether the stage lets this person use the client: approved ones everybody, proposed and
 * owner-only ones their owner (registry 7.1). An owner-only one is proposed only where two people
 * must approve what it may do as its owner (ADR 15): until then nobody uses it.
 */
export function isUsableBy(client: Client, user: Account | null): boolean {
  if (client.stage === 'approved') return !client.ownerOnly || isOwnedBy(client, user);
  return client.stage === 'proposed' && !client.ownerOnly && isOwnedBy(client, user);
}

/**
 * The one place that decides whether a client may act for a person (null: for itself) on a site,
 * from an address. Every grant, page and API check asks here; undefined means nothing stands in the
 * way.
 */
export function clientAccessDenial(
  client: Client,
  user: Account | null,
  where: {
    readonly site?: SiteId;
    readonly address?: string /** Somebody is asked for a new consent. */;
    readonly newConsent?: boolean;
  } = {},
): ClientAccessDenial | undefined {
  if (client.suppressed) return { kind: 'client-suppressed' };
  if (!isUsableBy(client, user))
    return { kind: 'client-not-usable', stage: client.stage, ownerOnly: client.ownerOnly };
  if (client.suspension === 'all' || (client.suspension === 'new-consents' && where.newConsent))
    return { kind: 'client-suspended', suspension: client.suspension };
  if (user?.blocked) return { kind: 'user-blocked' };
  if (where.site !== undefined && !coversSite(client.site, where.site))
    return { kind: 'wrong-site', site: client.site };
  if (where.address !== undefined && !addressInRanges(where.address, client.restrictions.addresses))
    return { kind: 'address-not-allowed' };
  return undefined;
}

/** True when a client's or consent's site covers the place. */
export const coversSite = (covering: SiteId, place: SiteId): boolean =>
  covering === EVERY_SITE || covering === place;

/** The narrower of two sites of which one covers the other: where both reach. */
export const narrowerSite = (one: SiteId, other: SiteId): SiteId =>
  one === EVERY_SITE ? other : one;

/** True when the actor is the operator or the owner. */
export const isOwner = (actor: Actor, client: Client): boolean =>
  actor.kind === 'operator' || managerOf(actor)?.id === client.ownerId;

/** True when the actor is the operator, the owner, or a maintainer who accepted. */
export const canManageClient = (actor: Actor, client: Client, team: Team): boolean => {
  if (isOwner(actor, client)) return true;
  const user = managerOf(actor);
  return user !== null && isMaintainer(team, user.id);
};
