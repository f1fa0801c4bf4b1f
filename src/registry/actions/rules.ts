import { accept, refuse } from '#kernel/result.ts';
import { canManageClient } from '../access.ts';
import { type Actor, hasRight, RIGHTS } from '../actor.ts';
import { type FieldChange, fieldChanges } from '../audit.ts';
import { type Client, type ClientSecret, liveSecrets } from '../model/client.ts';
import type { RegistryRefusal } from '../refusals.ts';
import type { DecisionResult } from './action.ts';
import { permissionDenied, type RegistryContext } from './context.ts';

// What several actions judge, and what they decide, in the same way.

/** The first right of the list that is missing, as a refusal. */
export function missingRight(
  actor: Actor,
  ...rights: readonly string[]
): RegistryRefusal | undefined {
  const right = rights.find((wanted) => !hasRight(actor, wanted));
  return right === undefined ? undefined : { kind: 'permission_denied', right };
}

/** A hidden app is changed only by whoever may hide (registry 3.7). */
export const hiddenProblem = (actor: Actor, client: Client): RegistryRefusal | undefined =>
  client.suppressed ? missingRight(actor, RIGHTS.suppress) : undefined;

/**
 * The decision that puts another description of the app in force, and tells its team; first yeses
 * that were waiting are void.
 */
export const saveDecision = (before: Client, after: Client): DecisionResult =>
  accept({
    effects: [{ kind: 'save-client', client: after }, { kind: 'clear-approvals' }],
    changes: fieldChanges(before, after),
    notify: 'team',
  });

/**
 * What everybody who looks after an app must pass: theirs, in use, and not hidden from them
 * (registry 3.4).
 */
export async function manageProblem(
  context: RegistryContext,
  actor: Actor,
  client: Client,
  stages: readonly string[],
): Promise<DecisionResult | undefined> {
  if (!canManageClient(actor, client, await context.records.teamOf(client.id)))
    return permissionDenied();
  if (!stages.includes(client.stage)) return permissionDenied();
  const hiddenRefusal = hiddenProblem(actor, client);
  return hiddenRefusal && refuse(hiddenRefusal);
}

/** How the labels of secrets change, never the secrets. */
export const secretChange = (
  client: Client,
  after: readonly Pick<ClientSecret, 'label'>[],
  context: RegistryContext,
): FieldChange => ({
  field: 'secrets',
  before: liveSecrets(client, context.clock.now()).map(({ label }) => label),
  after: after.map(({ label }) => label),
});
