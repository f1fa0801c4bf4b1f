import type { ClientId } from '#kernel/ids.ts';
import { canManageClient } from '../access.ts';
import { type Actor, accountOf, hasRight, managerOf, RIGHTS } from '../actor.ts';
import type { Client } from '../model/client.ts';
import type { Revision } from '../model/revision.ts';
import type { Team } from '../model/team.ts';
import type { ClientQueries } from './clients.ts';
import type { QueryContext } from './query-context.ts';

/** Somebody was asked to help with an app, or to take it over. */
export interface Invitation {
  readonly clientId: ClientId;
  readonly kind: 'maintain' | 'own';
}

/** Who looks after apps, and what they propose to change. */
export interface TeamQueries {
  /**
   * Who looks after the app, for those who manage or review it, are invited, or are offered it;
   * undefined for others.
   */
  teamOf(client: Client): Promise<Team | undefined>;
  /** Unanswered invitations of the actor, and offers to them. */
  listInvitations(): Promise<readonly Invitation[]>;
  /** Whether the actor lets others invite them, or offer them apps. */
  declinesInvitations(): Promise<boolean>;

  /** The change that waits for a review, for those who manage or review the app. */
  openRevision(client: Client): Promise<Revision | undefined>;
  /** Newest first; undefined for those who neither manage nor review the app. */
  listRevisions(client: Client): Promise<readonly Revision[] | undefined>;
}

/** Makes the queries about teams and revisions for one actor. */
export function makeTeamQueries(
  { records }: Pick<QueryContext, 'records'>,
  actor: Actor,
  { canManageOrReview }: Pick<ClientQueries, 'canManageOrReview'>,
): TeamQueries {
  return {
    async teamOf(client) {
      const team = await records.teamOf(client.id);
      const own = managerOf(actor)?.id;
      const isInvited =
        own !== undefined &&
        (team.offer?.toId === own || team.maintainers.some(({ userId }) => userId === own));
      const isVisible =
        isInvited || hasRight(actor, RIGHTS.review) || canManageClient(actor, client, team);
      return isVisible ? team : undefined;
    },
    async listInvitations() {
      const user = accountOf(actor);
      return user === null ? [] : records.invitationsOf(user.id);
    },
    async declinesInvitations() {
      const user = accountOf(actor);
      return user !== null && records.declinesInvitations(user.id);
    },
    async openRevision(client) {
      return (await canManageOrReview(client)) ? records.openRevision(client.id) : undefined;
    },
    async listRevisions(client) {
      return (await canManageOrReview(client)) ? records.listRevisions(client.id) : undefined;
    },
  };
}
