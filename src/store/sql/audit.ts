import type { AccountAuditEntry } from '#accounts/records.ts';
import type { UserId } from '#kernel/ids.ts';
import type { AuditEntry, AuditFilter, NewAuditEntry } from '#registry/audit.ts';
import type { UsageRecords } from '#registry/usage.ts';
import type { Driver } from '../driver.ts';
import { insertAndChain } from './audit-chain.ts';
import { toAuditEntry } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql, type Transaction } from './statement.ts';

/** Stands for the app in an entry about an account. */
export const NO_CLIENT = '';

const insertAudit = sql<{ id: number }>(`
  INSERT INTO audit (at, action, actor_id, via, address, client_id, edition, reason, changes)
  VALUES (:at, :action, :actor_id, :via, :address, :client_id, :edition, :reason, :changes)
  RETURNING id`);
const filterConditions = `
  (CAST(:client AS TEXT) IS NULL OR client_id = :client) AND (CAST(:actor AS BIGINT) IS NULL OR actor_id = :actor)
  AND (CAST(:action AS TEXT) IS NULL OR action = :action)
  AND (CAST(:from AS BIGINT) IS NULL OR at >= :from) AND (CAST(:until AS BIGINT) IS NULL OR at < :until)
  AND (CAST(:about AS TEXT) IS NULL OR :about = CASE
    WHEN action IN ('accept', 'renounce') THEN 'consents' WHEN client_id = '' THEN 'accounts' ELSE 'clients' END)
  AND (CAST(:edition AS BIGINT) IS NULL OR edition > :edition)`;
const selectNewestFirst = sql<Row<'audit'>>(
  `SELECT * FROM audit WHERE ${filterConditions} AND (CAST(:after AS BIGINT) IS NULL OR id < :after) ORDER BY id DESC LIMIT :limit`,
);
const selectOldestFirst = sql<Row<'audit'>>(
  `SELECT * FROM audit WHERE ${filterConditions} AND (CAST(:after AS BIGINT) IS NULL OR id > :after) ORDER BY id LIMIT :limit`,
);

const upsertLastUsed = sql(`
  INSERT INTO last_used (kind, id, day) VALUES (:kind, :id, :day) ON CONFLICT (kind, id) DO UPDATE SET day = :day
  WHERE last_used.day < :day`);
const addUsage = sql(`
  INSERT INTO usage (client_id, hour, calls) VALUES (:client, :hour, :calls)
  ON CONFLICT (client_id, hour) DO UPDATE SET calls = usage.calls + :calls`);
const findLastUsed = sql<{ day: number }>(
  `SELECT day FROM last_used WHERE kind = :kind AND id = :id`,
);

function* insertEntry(
  entry: Omit<AuditEntry, 'id' | 'recordVersion'>,
  recordVersion: number,
): Transaction<number> {
  const added = yield* fetchOne(insertAudit, {
    at: entry.at,
    action: entry.action,
    actor_id: entry.actorId,
    via: entry.via,
    address: entry.address,
    client_id: entry.clientId ?? NO_CLIENT,
    edition: recordVersion,
    reason: entry.reason,
    changes: JSON.stringify(entry.changes),
  });
  if (added === undefined) throw new Error('an audit entry did not come back');
  return added.id;
}

/** Adds an entry to the audit log, and chains it to the one before. */
export function* addAuditEntry(entry: NewAuditEntry, recordVersion: number): Transaction<void> {
  yield* insertAndChain(insertEntry(entry, recordVersion));
}

/** Adds an entry about an account to the audit log. */
export function* addAccountAuditEntry(
  account: UserId,
  { field, before, after, ...entry }: AccountAuditEntry,
): Transaction<void> {
  const changes = [
    { field: 'account', before: null, after: account },
    { field, before, after },
  ];
  yield* insertAndChain(insertEntry({ ...entry, clientId: null, reason: '', changes }, 0));
}

const sortedBy = <T>(values: readonly T[], key: (value: T) => string): readonly T[] =>
  values.toSorted((one, other) => (key(one) < key(other) ? -1 : 1));

/** Answers the questions about the audit log. */
export function makeAuditLogStore(driver: Driver): {
  listAudit(filter: AuditFilter): Promise<readonly AuditEntry[]>;
} {
  return {
    async listAudit(filter) {
      const values = {
        client: filter.clientId ?? null,
        actor: filter.actorId ?? null,
        action: filter.action ?? null,
        from: filter.from ?? null,
        until: filter.until ?? null,
        about: filter.about ?? null,
        edition: filter.afterRecordVersion ?? null,
        after: filter.after ?? null,
        limit: filter.limit,
      };
      const selectEntries = () =>
        fetchAll(filter.order === 'oldest-first' ? selectOldestFirst : selectNewestFirst, values);
      return (
        await (filter.allowStale ? driver.readReplica(selectEntries) : driver.read(selectEntries()))
      ).map(toAuditEntry);
    },
  };
}

/** Answers what was used when, and how often. */
export function makeUsageStore(driver: Driver): UsageRecords {
  return {
    saveUsage: ({ marks, calls }) =>
      driver.write(function* () {
        // In one order on every node, so that no two wait for each other.
        for (const { kind, id, day } of sortedBy(marks, ({ kind, id }) => `${kind} ${id}`))
          yield* execute(upsertLastUsed, { kind, id, day });
        for (const { clientId, hour, calls: addedCalls } of sortedBy(
          calls,
          ({ clientId, hour }) => `${clientId} ${hour}`,
        ))
          yield* execute(addUsage, { client: clientId, hour, calls: addedCalls });
      }, 'read-committed'),
    lastUsed: (kind, ids) =>
      driver.read(
        (function* () {
          const days = new Map<string, number>();
          for (const id of ids) {
            const row = yield* fetchOne(findLastUsed, { kind, id });
            if (row) days.set(id, row.day);
          }
          return days;
        })(),
      ),
  };
}
