import type { UserId } from '#kernel/ids.ts';
import type { Clock } from '#platform/clock.ts';
import type { Actor } from '#registry/actor.ts';
import type { Client } from '#registry/model/client.ts';
import type { RegistryQueries } from '#registry/queries/registry-queries.ts';
import type { Registry } from '#registry/registry.ts';
import type { HiddenReason } from '#registry/visibility.ts';
import {
  type AuditEntryDependencies,
  makeAuditEntryFormatter,
  makeFieldFormatter,
} from '../audit-entries.ts';
import type { SignedInCall } from '../page.ts';
import type { Words } from '../words.ts';

/** What the review page of an app is made with. */
export interface ReviewViewDependencies extends AuditEntryDependencies {
  readonly registry: Pick<
    Registry,
    'query' | 'etagFor' | 'redirectWarnings' | 'risk' | 'impact' | 'approvalStatus'
  >;
  readonly clock: Clock;
}

/** One reviewer before one app: what every part of the page asks with. */
export interface ReviewScene {
  readonly registry: ReviewViewDependencies['registry'];
  readonly clock: Clock;
  readonly queries: RegistryQueries;
  readonly actor: Actor;
  readonly words: Words;
  readonly client: Client;
  /** Why the reviewer may not see a field; undefined: they may. */
  fieldHiddenReason(field: keyof Client): HiddenReason | undefined;
  isVisible(field: keyof Client): boolean;
  readonly formatField: ReturnType<typeof makeFieldFormatter>;
  readonly formatEntry: ReturnType<typeof makeAuditEntryFormatter>;
  /** A name to show; of an account that is gone, that nobody has it. */
  lookUpName(id: UserId): Promise<string>;
}

export async function makeReviewScene(
  dependencies: ReviewViewDependencies,
  { actor, frame: { words } }: SignedInCall,
  client: Client,
): Promise<ReviewScene> {
  const { registry, clock } = dependencies;
  const queries = registry.query(actor);
  const lookUpPerson = queries.personLookup();
  const fieldHiddenReason = await queries.fieldVisibility(client);
  return {
    registry,
    clock,
    queries,
    actor,
    words,
    client,
    fieldHiddenReason,
    isVisible: (field) => fieldHiddenReason(field) === undefined,
    formatField: makeFieldFormatter(dependencies, words, lookUpPerson),
    formatEntry: makeAuditEntryFormatter(dependencies, actor, words),
    lookUpName: async (id) => (await lookUpPerson(id)).name ?? words.say('frame.nobody'),
  };
}
