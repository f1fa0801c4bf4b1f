import type { Actor } from '../actor.ts';
import { type AuditQueries, makeAuditQueries } from './audit.ts';
import { type ClientQueries, makeClientQueries } from './clients.ts';
import { type ConsentQueries, makeConsentQueries } from './consents.ts';
import { makePersonQueries, type PersonQueries } from './people.ts';
import type { QueryContext } from './query-context.ts';
import { makeReviewQueries, type ReviewQueries } from './reviews.ts';
import { makeTeamQueries, type TeamQueries } from './teams.ts';

/**
 * The one way to read the registry. Everything that pages, API, dialect and command line read of
 * the registry, for one actor: hidden apps, hidden texts and private fields of others do not come
 * out of it. Nothing is kept between two questions, so that an answer is never older than the
 * question.
 */
export interface RegistryQueries
  extends ClientQueries,
    TeamQueries,
    AuditQueries,
    ReviewQueries,
    ConsentQueries,
    PersonQueries {}

/** Makes the queries of an actor. */
export function makeRegistryQueries(context: QueryContext, actor: Actor): RegistryQueries {
  const clients = makeClientQueries(context, actor);
  return {
    ...clients,
    ...makeTeamQueries(context, actor, clients),
    ...makeAuditQueries(context, actor, clients),
    ...makeReviewQueries(context, actor),
    ...makeConsentQueries(context, actor),
    ...makePersonQueries(context),
  };
}
