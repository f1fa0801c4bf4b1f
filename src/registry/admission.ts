import { type Actor, hasRight, RIGHTS } from './actor.ts';
import type { RegistryRefusal } from './refusals.ts';

/**
 * What somebody needs to come at all. `registry`: signed in, not blocked. `consents`: signed in,
 * with the right to manage their own consents (registry 3.1, 6.1).
 */
export type AdmissionBase = 'registry' | 'consents';

/**
 * Why the actor may not come at all; undefined: they may (registry 3.1, 6.1). The operator may;
 * read-only mode holds for everybody. `readOnly`: why nothing may be written, null: it may.
 */
export function baseProblem(
  actor: Actor,
  base: AdmissionBase,
  readOnly: string | null,
): RegistryRefusal | undefined {
  if (actor.kind === 'person') {
    if (actor.account === null) return { kind: 'not_logged_in' };
    // Whoever is blocked may still revoke a consent (registry 6.1); what they may consent to is the
    // action's business.
    if (actor.account.blocked && base === 'registry') return { kind: 'user_blocked' };
    if (base === 'consents' && !hasRight(actor, RIGHTS.manageConsents))
      return { kind: 'permission_denied', right: RIGHTS.manageConsents };
  }
  return readOnly === null ? undefined : { kind: 'readonly', reason: readOnly };
}
