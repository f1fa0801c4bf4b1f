import type { ClientId } from '#kernel/ids.ts';
import { type Actor, accountOf } from '../actor.ts';
import type { FieldChange, NewAuditEntry } from '../audit.ts';
import type { Client } from '../model/client.ts';
import type { AppliedChange, RegistryChange } from '../records.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { accessGivenBy, authorityProblem, type GovernedAction } from './authority.ts';
import type { RegistryContext } from './context.ts';

/** A entry of the audit log, by this actor, now. */
export const makeAuditEntry = (
  context: RegistryContext,
  actor: Actor,
  action: string,
  clientId: ClientId,
  why: string,
  changes: readonly FieldChange[],
): NewAuditEntry => ({
  at: context.clock.now(),
  action,
  actorId: accountOf(actor)?.id ?? null,
  via: actor.via,
  address: actor.kind === 'person' ? actor.address : (actor.by ?? null),
  clientId,
  reason: why,
  changes,
});

/**
 * Writes a decided change, if the actor may have it by the way they came (ADR 17): the one place
 * where actions on clients write. `client`: the one it is about, null when it is created here.
 */
export async function commitChange(
  context: RegistryContext,
  actor: Actor,
  action: GovernedAction,
  client: Client | null,
  change: RegistryChange,
): Promise<AppliedChange | { readonly outcome: 'refused'; readonly refusal: RegistryRefusal }> {
  const consent = client?.ownerOnly
    ? await context.records.findConsent(client.ownerId, client.id, client.site)
    : undefined;
  const involvements =
    client?.stage === 'proposed' ? await context.records.involvementsIn(client.id) : [];
  const holdings = { consent, handedOver: involvements.some(({ part }) => part === 'owner') };
  const refusal = authorityProblem(
    actor,
    action,
    accessGivenBy(change.effects, client, holdings),
    context.clock.now(),
  );
  return refusal === undefined
    ? context.records.applyChange(change)
    : { outcome: 'refused', refusal };
}
