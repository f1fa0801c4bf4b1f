import { type Actor, MANAGING_SCOPES, managerOf, mayDo, REVIEW_SCOPE, RIGHTS } from './actor.ts';
import type { Client } from './model/client.ts';

/** Why a field is not shown. */
export type Unseen = 'suppressed' | 'private';

/** Who may see a field of a client (registry 6.4). */
export type Readers =
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
export const fieldReaders: Readonly<Record<keyof Client, Readers>> = {
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
  halted: 'always',
  registeredAt: 'always',
  managed: 'always',
  skipConsent: 'always',
  edition: 'always',
  introspector: 'always',
};

/**
 * The scopes that open such a field to an app, for whoever its person is; null: none is needed (ADR
 * 17).
 */
export const openingScopes: Readonly<Record<Readers, readonly string[] | null>> = {
  always: null,
  shown: null,
  contact: [...MANAGING_SCOPES, REVIEW_SCOPE],
  restrictions: [...MANAGING_SCOPES, REVIEW_SCOPE],
  team: MANAGING_SCOPES,
};

/** True when the actor may see clients that were hidden. */
export const maySeeHidden = (actor: Actor): boolean => mayDo(actor, RIGHTS.viewSuppressed);

/**
 * Whether the actor may see a field of a client; undefined: yes (registry 6.4). Contact and
 * restrictions are the owner's and, unless the app is its owner's alone, the reviewers'; labels of
 * secrets are for those who look after the app; secrets themselves are nobody's.
 */
export function unseen(
  field: keyof Client,
  client: Client,
  actor: Actor,
  keeper: boolean,
): Unseen | undefined {
  const readers = fieldReaders[field] as Readers | undefined;
  if (readers === 'always') return undefined;
  const owner = actor.kind === 'operator' || managerOf(actor)?.id === client.ownerId;
  const reviewer = !client.ownerOnly && mayDo(actor, RIGHTS.review);
  if (readers === 'contact' && !owner && !reviewer) return 'private';
  if (readers === 'restrictions' && !owner && !keeper && !reviewer) return 'private';
  if (readers === 'team' && !keeper) return 'private';
  return client.suppressed && !maySeeHidden(actor) ? 'suppressed' : undefined;
}

/**
 * True when every field may be seen. Nobody is ever shown half of an answer by mistake (registry
 * 6.4).
 */
export const seesAll = (
  fields: readonly (keyof Client)[],
  client: Client,
  actor: Actor,
  keeper: boolean,
): boolean => fields.every((field) => unseen(field, client, actor, keeper) === undefined);
