import { type Actor, mayDo, personOf, RIGHTS } from './actor.ts';
import type { Client } from './client.ts';

/** Why a field is not shown. */
export type Unseen = 'suppressed' | 'private';

/** Fields that everybody may see, of a suppressed client too (registry 6.4): what it is made of, not what it says. */
const open = new Set<keyof Client>([
  'id',
  'number',
  'protocol',
  'ownerOnly',
  'site',
  'scopes',
  'optionalScopes',
  'registeredAt',
  'stage',
  'stageAt',
  'suppressed',
  'halted',
  'managed',
  'skipConsent',
  'confidential',
  'grantTypes',
  'pkceOptional',
  'introspector',
  'tokenAlgorithm',
  'edition',
]);

/** True when the actor may see clients that were hidden. */
export const maySeeHidden = (actor: Actor): boolean => mayDo(actor, RIGHTS.viewSuppressed);

/**
 * Whether the actor may see a field of a client; undefined: yes (registry 6.4). Contact and restrictions are the owner's and, unless the app
 * is its owner's alone, the reviewers'; labels of secrets are for those who look after the app; secrets themselves are nobody's.
 */
export function unseen(field: keyof Client, client: Client, actor: Actor, keeper: boolean): Unseen | undefined {
  if (open.has(field)) return undefined;
  if (field === 'email' || field === 'restrictions') {
    const owner = actor.kind === 'operator' || personOf(actor)?.id === client.ownerId;
    if (!owner && !(keeper && field === 'restrictions') && (client.ownerOnly || !mayDo(actor, RIGHTS.review))) return 'private';
  }
  if (field === 'secrets' && !keeper) return 'private';
  return client.suppressed && !maySeeHidden(actor) ? 'suppressed' : undefined;
}

/** True when every field may be seen. Nobody is ever shown half of an answer by mistake (registry Q2). */
export const seesAll = (fields: readonly (keyof Client)[], client: Client, actor: Actor, keeper: boolean): boolean =>
  fields.every((field) => unseen(field, client, actor, keeper) === undefined);
