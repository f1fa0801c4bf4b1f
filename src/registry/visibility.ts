import { type Actor, hasRight, MANAGING_SCOPES, managerOf, REVIEW_SCOPE, RIGHTS } from './actor.ts';
import type { Client } from './model/client.ts';

/** Why a field is not shown. */
export type HiddenReason = 'suppressed' | 'private';

/** Who may see a field of a client (registry 6.4). */
export type FieldAudience =
  /** Everybody, of a hidden client too: what it is made of, not what it says. */
  | 'always'
  /** Everybody, unless the client is hidden from them. */
  | 'shown'
  /** Its owner, and reviewers unless the app is its owner's alone. */
  | 'contact'
  /** The same, and maintainers. */
  | 'restrictions'
  /** Those who look after the app. */
  | 'team';

/** Every field of a client. A new one without a row does not compile. */
export const fieldAudiences: Readonly<Record<keyof Client, FieldAudience>> = {
  id: 'always',
  number: 'always',
  name: 'shown',
  version: 'shown',
  description: 'shown',
  ownerId: 'shown',
  email: 'contact',
  protocol: 'always',
  ownerOnly: 'always',
  confidential: 'always',
  redirectUri: 'shown',
  redirectIsPrefix: 'shown',
  grantTypes: 'always',
  pkceOptional: 'always',
  plainPkceUntil: 'always',
  tokenAlgorithm: 'always',
  site: 'always',
  scopes: 'always',
  optionalScopes: 'always',
  secrets: 'team',
  rsaPublicKey: 'shown',
  restrictions: 'restrictions',
  stage: 'always',
  stageAt: 'always',
  suppressed: 'always',
  suspension: 'always',
  registeredAt: 'always',
  managed: 'always',
  skipConsent: 'always',
  recordVersion: 'always',
  introspector: 'always',
};

/**
 * The scopes that open such a field to an app, for whoever its person is; null: none is needed (ADR
 * 17).
 */
export const audienceScopes: Readonly<Record<FieldAudience, readonly string[] | null>> = {
  always: null,
  shown: null,
  contact: [...MANAGING_SCOPES, REVIEW_SCOPE],
  restrictions: [...MANAGING_SCOPES, REVIEW_SCOPE],
  team: MANAGING_SCOPES,
};

/** True when the actor may see clients that were hidden. */
export const maySeeHidden = (actor: Actor): boolean => hasRight(actor, RIGHTS.viewSuppressed);

/**
 * Whether the actor may see a field of a client; undefined: yes (registry 6.4). Contact and
 * restrictions are the owner's and, unless the app is its owner's alone, the reviewers'; labels of
 * secrets are for those who look after the app; secrets themselves are nobody's.
 */
export function hiddenReason(
  field: keyof Client,
  client: Client,
  actor: Actor,
  canManage: boolean,
): HiddenReason | undefined {
  const audience = fieldAudiences[field] as FieldAudience | undefined;
  if (audience === 'always') return undefined;
  const owner = actor.kind === 'operator' || managerOf(actor)?.id === client.ownerId;
  const reviewer = !client.ownerOnly && hasRight(actor, RIGHTS.review);
  if (audience === 'contact' && !owner && !reviewer) return 'private';
  if (audience === 'restrictions' && !owner && !canManage && !reviewer) return 'private';
  if (audience === 'team' && !canManage) return 'private';
  return client.suppressed && !maySeeHidden(actor) ? 'suppressed' : undefined;
}

/**
 * True when every field may be seen. Nobody is ever shown half of an answer by mistake (registry
 * 6.4).
 */
export const canSeeAll = (
  fields: readonly (keyof Client)[],
  client: Client,
  actor: Actor,
  canManage: boolean,
): boolean => fields.every((field) => hiddenReason(field, client, actor, canManage) === undefined);
