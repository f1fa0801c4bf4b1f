import type { Selectable } from 'kysely';
import type { Instant } from '#kernel/time.ts';
import type { AuditEntry, AuditFilter, NewAuditEntry } from '#registry/audit.ts';
import type { NewNotice, Notice, Outbox } from '#registry/notifications/notification.ts';
import type { UsageRecords } from '#registry/usage.ts';
import type { Driver } from '../driver.ts';
import { chainedTo } from './audit-chain.ts';
import { toAuditEntry, toNotice } from './rows.ts';
import type { Schema } from './schema.ts';
import { all, held, one, params, sql, statement, type Unit, write, written } from './statement.ts';

const insertAudit = statement(
  sql
    .insertInto('audit')
    .values(
      params(
        'at',
        'action',
        'actor_id',
        'via',
        'address',
        'client_id',
        'edition',
        'reason',
        'changes',
      ),
    )
    .returning('id'),
);
const matching = `
  (CAST(:client AS TEXT) IS NULL OR client_id = :client) AND (CAST(:actor AS BIGINT) IS NULL OR actor_id = :actor)
  AND (CAST(:action AS TEXT) IS NULL OR action = :action)
  AND (CAST(:from AS BIGINT) IS NULL OR at >= :from) AND (CAST(:until AS BIGINT) IS NULL OR at < :until)
  AND (CAST(:consents AS BIGINT) IS NULL OR :consents = CASE WHEN action IN ('accept', 'renounce') THEN 1 ELSE 0 END)
  AND (CAST(:edition AS BIGINT) IS NULL OR edition > :edition)`;
const newest = written<Selectable<Schema['audit']>>(
  `SELECT * FROM audit WHERE ${matching} AND (CAST(:after AS BIGINT) IS NULL OR id < :after) ORDER BY id DESC LIMIT :limit`,
);
const oldest = written<Selectable<Schema['audit']>>(
  `SELECT * FROM audit WHERE ${matching} AND (CAST(:after AS BIGINT) IS NULL OR id > :after) ORDER BY id LIMIT :limit`,
);

const insertNotice = written(`
  INSERT INTO notices (key, target, facts, state, created_at, due_at) VALUES (:key, :target, :facts, 'waiting', :at, :at)
  ON CONFLICT (key) DO NOTHING`);
const due = held(
  written<Selectable<Schema['notices']>>(
    `SELECT * FROM notices WHERE state = 'waiting' AND due_at <= :now ORDER BY due_at, id LIMIT :limit`,
  ),
  'skip',
);
const claim = written(`UPDATE notices SET due_at = :until, attempts = attempts + 1 WHERE id = :id`);
const close = written(
  `UPDATE notices SET state = :state, problem = :problem WHERE id = :id AND state = 'waiting'`,
);
const retry = written(
  `UPDATE notices SET due_at = :due, problem = :problem WHERE id = :id AND state = 'waiting'`,
);
const notices = written<Selectable<Schema['notices']>>(
  `SELECT * FROM notices WHERE (CAST(:state AS TEXT) IS NULL OR state = :state) ORDER BY id DESC LIMIT :limit`,
);

const mark = written(`
  INSERT INTO last_used (kind, id, day) VALUES (:kind, :id, :day) ON CONFLICT (kind, id) DO UPDATE SET day = :day
  WHERE last_used.day < :day`);
const count = written(`
  INSERT INTO usage (client_id, hour, calls) VALUES (:client, :hour, :calls)
  ON CONFLICT (client_id, hour) DO UPDATE SET calls = usage.calls + :calls`);
const used = written<{ day: number }>(`SELECT day FROM last_used WHERE kind = :kind AND id = :id`);

function* insertEntry(entry: NewAuditEntry, edition: number): Unit<number> {
  const added = yield* one(insertAudit, {
    at: entry.at,
    action: entry.action,
    actor_id: entry.actorId,
    via: entry.via,
    address: entry.address,
    client_id: entry.clientId,
    edition,
    reason: entry.reason,
    changes: JSON.stringify(entry.changes),
  });
  if (added === undefined) throw new Error('an audit entry did not come back');
  return added.id;
}

/** Adds a line to the audit trail, and chains it to the one before. */
export function* addAudit(entry: NewAuditEntry, edition: number): Unit<void> {
  yield* chainedTo(insertEntry(entry, edition));
}

/** Puts a notice into the outbox; one that is there already stays as it is. */
export function* addNotice({ key, target, facts }: NewNotice): Unit<void> {
  yield* write(insertNotice, {
    key,
    target: JSON.stringify(target),
    facts: JSON.stringify(facts),
    at: facts.at,
  });
}

function* claimDue(now: Instant, until: Instant, limit: number): Unit<readonly Notice[]> {
  const rows = yield* all(due, { now, limit });
  for (const { id } of rows) yield* write(claim, { id, until });
  return rows.map((row) => toNotice({ ...row, attempts: row.attempts + 1, due_at: until }));
}

const sorted = <T>(values: readonly T[], key: (value: T) => string): readonly T[] =>
  values.toSorted((one, other) => (key(one) < key(other) ? -1 : 1));

/** Answers the questions about the audit trail, the outbox and use. */
export function trailStore(
  driver: Driver,
): Outbox & UsageRecords & { listAudit(filter: AuditFilter): Promise<readonly AuditEntry[]> } {
  return {
    async listAudit(filter) {
      const values = {
        client: filter.clientId ?? null,
        actor: filter.actorId ?? null,
        action: filter.action ?? null,
        from: filter.from ?? null,
        until: filter.until ?? null,
        consents: filter.about === undefined ? null : Number(filter.about === 'consents'),
        edition: filter.afterEdition ?? null,
        after: filter.after ?? null,
        limit: filter.limit,
      };
      const asked = () => all(filter.order === 'oldest-first' ? oldest : newest, values);
      return (await (filter.mayBeOld ? driver.glance(asked) : driver.read(asked()))).map(
        toAuditEntry,
      );
    },
    claimNotices: (now, until, limit) => driver.write(() => claimDue(now, until, limit), 'rows'),
    closeNotice: async (id, state, problem) =>
      void (await driver.write(() => write(close, { id, state, problem }), 'once')),
    retryNotice: async (id, dueAt, problem) =>
      void (await driver.write(() => write(retry, { id, due: dueAt, problem }), 'once')),
    listNotices: async ({ state, limit }) =>
      (await driver.glance(() => all(notices, { state: state ?? null, limit }))).map(toNotice),
    saveUsage: ({ marks, calls }) =>
      driver.write(function* () {
        // In one order on every node, so that no two wait for each other.
        for (const { kind, id, day } of sorted(marks, ({ kind, id }) => `${kind} ${id}`))
          yield* write(mark, { kind, id, day });
        for (const { clientId, hour, calls: added } of sorted(
          calls,
          ({ clientId, hour }) => `${clientId} ${hour}`,
        ))
          yield* write(count, { client: clientId, hour, calls: added });
      }, 'rows'),
    lastUsed: (kind, ids) =>
      driver.read(
        (function* () {
          const days = new Map<string, number>();
          for (const id of ids) {
            const row = yield* one(used, { kind, id });
            if (row) days.set(id, row.day);
          }
          return days;
        })(),
      ),
  };
}
