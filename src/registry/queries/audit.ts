import type { ClientId } from '#kernel/ids.ts';
import { cutPage, type Page } from '#kernel/paging.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { type Actor, AUDIT_SCOPE, accountOf, hasAnyScope, hasRight, RIGHTS } from '../actor.ts';
import type { AuditFilter, ReadableAuditEntry } from '../audit.ts';
import { recordVersionOf } from '../etag.ts';
import type { Client } from '../model/client.ts';
import type { RegistryRefusal } from '../refusals.ts';
import { hiddenReason } from '../visibility.ts';
import type { ClientQueries } from './clients.ts';
import type { QueryContext } from './query-context.ts';

/** An entry of the audit log as the actor may read it. */
export type VisibleAuditEntry = ReadableAuditEntry & {
  /**
   * Null: the name is hidden from the actor, the app is gone, or the entry is about an account. The
   * reason is empty then.
   */
  readonly clientName: string | null;
};

/** What happened. */
export interface AuditQueries {
  /**
   * What happened to one app, newest first; `next` is for `after`. For those who manage it, and
   * reviewers: others get `permission_denied`.
   */
  auditOf(
    client: Client,
    filter: Pick<AuditFilter, 'after' | 'limit'>,
  ): Promise<Result<Page<VisibleAuditEntry>, RegistryRefusal>>;
  /**
   * What happened to all apps. Reviewers read what was done with apps, whoever may see private
   * things reads about people's consents and accounts as well, and everybody reads what they did
   * themselves (`actorId`). Refuses others with `not_logged_in` or `permission_denied`.
   */
  auditLog(filter: AuditFilter): Promise<Result<Page<VisibleAuditEntry>, RegistryRefusal>>;
  /**
   * What happened to the app after the actor saw the version that their ETag names, oldest first;
   * null: nothing, they saw it as it is. Empty: the ETag is none of ours.
   */
  changesSince(client: Client, etag: string): Promise<readonly VisibleAuditEntry[] | null>;
  /** The entry as the actor may read it. */
  visibleEntry(entry: ReadableAuditEntry): Promise<VisibleAuditEntry>;
  /**
   * A refusal as the actor may read it: nothing of an app they may not know of, and no values of
   * fields they may not see.
   */
  visibleRefusal(clientId: string, refusal: RegistryRefusal): Promise<RegistryRefusal>;
}

/** Refusals that say nothing about any app. */
const callerRefusalKinds: ReadonlySet<RegistryRefusal['kind']> = new Set([
  'not_logged_in',
  'user_blocked',
  'readonly',
]);
const MAX_CHANGES = 20;

/** What of an app's entries is shown to the actor. */
interface EntryVisibility {
  readonly clientName: string | null;
  readonly showsField: (field: string) => boolean;
}

type ClientLookups = Pick<ClientQueries, 'findClient' | 'canManageOrReview' | 'fieldVisibility'>;

/** Makes what takes out of entries whatever the actor may not read. */
function makeEntryFilter(
  { records }: Pick<QueryContext, 'records'>,
  actor: Actor,
  clients: Pick<ClientLookups, 'fieldVisibility'>,
): (entries: readonly ReadableAuditEntry[]) => Promise<readonly VisibleAuditEntry[]> {
  const ownId = accountOf(actor)?.id;

  async function entryVisibility(id: ClientId | null): Promise<EntryVisibility> {
    // Whoever may read entries about accounts at all sees everything of them.
    if (id === null) return { clientName: null, showsField: () => true };
    const client = await records.findClient(id);
    if (actor.kind === 'operator')
      return { clientName: client?.name ?? null, showsField: () => true };
    if (client === undefined) return { clientName: null, showsField: () => false };
    const reasonHidden = await clients.fieldVisibility(client);
    return {
      // Of an app that is hidden, those who manage it do not see the name either.
      clientName: hiddenReason('name', client, actor, false) === undefined ? client.name : null,
      showsField: (field) => reasonHidden(field as keyof Client) === undefined,
    };
  }

  /** Where a request came from is for those who may see private things, and whoever sent it. */
  const showsAddress = ({ actorId }: ReadableAuditEntry): boolean =>
    hasRight(actor, RIGHTS.viewPrivate) ||
    (ownId !== undefined && ownId === actorId && hasAnyScope(actor, [AUDIT_SCOPE]));

  return async (entries) => {
    // Each app is looked up once.
    const ids = [...new Set(entries.map(({ clientId }) => clientId))];
    const visibilities = new Map(
      await Promise.all(ids.map(async (id) => [id, await entryVisibility(id)] as const)),
    );
    return entries.map((entry) => {
      const { clientName, showsField } = visibilities.get(entry.clientId) as EntryVisibility;
      return {
        ...entry,
        address: showsAddress(entry) ? entry.address : null,
        clientName,
        // A reason may be the description of an app: it is hidden with it.
        reason: clientName === null && actor.kind === 'person' ? '' : entry.reason,
        changes: entry.changes.map((change) =>
          showsField(change.field) ? change : { field: change.field },
        ),
      };
    });
  };
}

/** What of the whole log the actor may ask for. */
function visibleLog(
  { rightsOf }: Pick<QueryContext, 'rightsOf'>,
  actor: Actor,
  filter: AuditFilter,
): Result<AuditFilter, RegistryRefusal> {
  if (actor.kind === 'operator') return accept(filter);
  if (actor.account === null) return refuse({ kind: 'not_logged_in' });
  const isOwn = filter.actorId === actor.account.id;
  const mayViewPrivate = hasRight(actor, RIGHTS.viewPrivate);
  // An app was lent the log for just this: what its person may read here, the app may.
  const mayReview = rightsOf(actor.account).has(RIGHTS.review);
  if (!isOwn && !mayReview && !mayViewPrivate)
    return refuse({ kind: 'permission_denied', right: RIGHTS.review });
  return accept(isOwn || mayViewPrivate ? filter : { ...filter, about: 'clients' });
}

/** Makes the queries about the audit log for one actor. */
export function makeAuditQueries(
  context: QueryContext,
  actor: Actor,
  clients: ClientLookups,
): AuditQueries {
  const { records } = context;
  const visibleEntries = makeEntryFilter(context, actor, clients);

  async function visiblePage(filter: AuditFilter): Promise<Page<VisibleAuditEntry>> {
    const rows = await records.listAudit({ ...filter, limit: filter.limit + 1 });
    const { items, next } = cutPage(rows, filter.limit, ({ id }) => id);
    return { items: await visibleEntries(items), next };
  }

  const visibleEntry = async (entry: ReadableAuditEntry): Promise<VisibleAuditEntry> =>
    (await visibleEntries([entry]))[0] as VisibleAuditEntry;

  return {
    visibleEntry,
    async auditOf(client, filter) {
      if (!(await clients.canManageOrReview(client)))
        return refuse({ kind: 'permission_denied', right: null });
      return accept(await visiblePage({ ...filter, clientId: client.id, about: 'clients' }));
    },
    async auditLog(filter) {
      const allowed = visibleLog(context, actor, filter);
      return allowed.ok ? accept(await visiblePage(allowed.value)) : allowed;
    },
    async changesSince(client, etag) {
      const seenVersion = recordVersionOf(context, actor, client, etag);
      if (seenVersion === client.recordVersion) return null;
      if (seenVersion === null) return [];
      return visibleEntries(
        await records.listAudit({
          clientId: client.id,
          about: 'clients',
          afterRecordVersion: seenVersion,
          order: 'oldest-first',
          limit: MAX_CHANGES,
        }),
      );
    },
    async visibleRefusal(clientId, refusal) {
      if (callerRefusalKinds.has(refusal.kind)) return refusal;
      if ((await clients.findClient(clientId)) === undefined)
        return { kind: 'invalid_consumer_key' };
      if (refusal.kind !== 'change_conflict') return refusal;
      return { ...refusal, since: await visibleEntries(refusal.since) };
    },
  };
}
