import { isClientId, type UserId } from '#kernel/ids.ts';
import { cutPage, type Page } from '#kernel/paging.ts';
import { canManageClient, isOwner } from '../access.ts';
import { type Actor, accountOf, hasRight, managerOf, RIGHTS } from '../actor.ts';
import type { Client } from '../model/client.ts';
import { looksUnknown } from '../model/proven-redirect.ts';
import type { ClientFilter } from '../records.ts';
import type { UsedKind } from '../usage.ts';
import { type HiddenReason, hiddenReason, maySeeHidden } from '../visibility.ts';
import type { QueryContext } from './query-context.ts';

/** Which apps are wanted. What the actor may not see is left out without being asked. */
export interface VisibleClientFilter extends Omit<ClientFilter, 'suppressed' | 'limit'> {
  /** Left out: all of them. */
  readonly limit?: number;
  /**
   * False: the actor's own hidden apps are left out like anybody's. Otherwise a list of the apps
   * that the actor owns or maintains has them.
   */
  readonly includeOwnHidden?: false;
}

/** Apps, and who may see what of them. */
export interface ClientQueries {
  /**
   * The app of an identifier as it came in, if the actor may know of it: a hidden one is for those
   * who manage it, and those who may see hidden ones.
   */
  findClient(id: string): Promise<Client | undefined>;
  /** Newest first; `next` is for `below`. Apps without an owner are listed for reviewers alone. */
  listClients(filter: VisibleClientFilter): Promise<Page<Client>>;
  countClients(filter: Omit<VisibleClientFilter, 'below' | 'limit'>): Promise<number>;
  /**
   * The app that asks the actor for a consent, at whatever stage: undefined where it must look as
   * if it did not exist, since it is hidden and not the actor's own.
   */
  findRequestingClient(id: string): Promise<Client | undefined>;
  /** True when an app has this identifier, whoever may know of it. */
  isRegistered(id: string): Promise<boolean>;

  /** True for the owner, for maintainers who accepted, and for the operator. */
  canManage(client: Client): Promise<boolean>;
  /** True for those who manage the app, and for reviewers. */
  canManageOrReview(client: Client): Promise<boolean>;
  /** Says of each field of the app why the actor may not see it; undefined: they may. */
  fieldVisibility(client: Client): Promise<(field: keyof Client) => HiddenReason | undefined>;

  /**
   * Days since 1970 on which things were last used; what was never used is not in it. The
   * identifiers are those of things that the actor was shown.
   */
  lastUsed(kind: UsedKind, ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

const isOwnList = (actor: Actor, { ownerId, managerId, includeOwnHidden }: VisibleClientFilter) => {
  const own: UserId | undefined = managerOf(actor)?.id;
  return includeOwnHidden !== false && own !== undefined && [ownerId, managerId].includes(own);
};

/** True when a list may hold hidden apps, and what is left of apps the configuration described. */
const showsHidden = (actor: Actor, filter: VisibleClientFilter): boolean =>
  maySeeHidden(actor) || isOwnList(actor, filter);

const isNeverListed = (actor: Actor, { orphaned }: VisibleClientFilter): boolean =>
  orphaned !== undefined && !hasRight(actor, RIGHTS.review);

/** The filter of the store for what this actor may see. */
function storeFilter(
  actor: Actor,
  filter: VisibleClientFilter,
): Omit<ClientFilter, 'below' | 'limit'> {
  const { includeOwnHidden: _own, limit: _limit, ...rest } = filter;
  return showsHidden(actor, filter) ? rest : { ...rest, suppressed: false };
}

/** Makes the queries about apps for one actor. */
export function makeClientQueries(context: QueryContext, actor: Actor): ClientQueries {
  const { records } = context;
  const lookUp = async (id: string) => (isClientId(id) ? records.findClient(id) : undefined);

  async function canManage(client: Client): Promise<boolean> {
    if (isOwner(actor, client)) return true;
    return (
      managerOf(actor) !== null && canManageClient(actor, client, await records.teamOf(client.id))
    );
  }
  const canManageOrReview = async (client: Client): Promise<boolean> =>
    hasRight(actor, RIGHTS.review) || (await canManage(client));

  return {
    canManage,
    canManageOrReview,
    async findClient(id) {
      const client = await lookUp(id);
      if (client === undefined) return undefined;
      const isHidden = client.suppressed || client.stage === 'configured';
      return !isHidden || maySeeHidden(actor) || (await canManage(client)) ? client : undefined;
    },
    async listClients(filter) {
      if (isNeverListed(actor, filter)) return { items: [], next: null };
      const { limit } = filter;
      const rows = await records.listClients({
        ...storeFilter(actor, filter),
        ...(limit === undefined ? {} : { limit: limit + 1 }),
      });
      const page = cutPage(rows, limit ?? rows.length, ({ number }) => number);
      if (showsHidden(actor, filter)) return page;
      return { ...page, items: page.items.filter(({ stage }) => stage !== 'configured') };
    },
    async countClients(filter) {
      return isNeverListed(actor, filter) ? 0 : records.countClients(storeFilter(actor, filter));
    },
    async findRequestingClient(id) {
      const client = await lookUp(id);
      return client === undefined || looksUnknown(client, accountOf(actor)) ? undefined : client;
    },
    isRegistered: async (id) => (await lookUp(id)) !== undefined,
    async fieldVisibility(client) {
      const isManager = await canManage(client);
      return (field) => hiddenReason(field, client, actor, isManager);
    },
    lastUsed: async (kind, ids) => (ids.length === 0 ? new Map() : records.lastUsed(kind, ids)),
  };
}
