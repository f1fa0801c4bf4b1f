import type { AccountEmailOutbox, NewAccountEmail } from '#accounts/records.ts';
import type { EncryptedSecret } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type {
  ClaimedEntry,
  NewNotification,
  Notification,
  Outbox,
  OutboxEntry,
  QueuedAccountEmail,
} from '#registry/notifications/notification.ts';
import type { Driver } from '../driver.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, forUpdate, sql, type Transaction } from './statement.ts';

const insertNotification = sql(`
  INSERT INTO notices (key, target, facts, state, created_at, due_at)
  VALUES (:key, :target, :facts, 'waiting', :at, :at)
  ON CONFLICT (key) DO NOTHING`);
const insertAccountEmail = sql(`
  INSERT INTO notices (key, target, facts, state, created_at, due_at, encrypted_email, expires_at)
  VALUES (:key, :target, '{}', 'waiting', :at, :at, :encrypted, :expiresAt)`);
const selectDueForUpdate = forUpdate(
  sql<Row<'notices'>>(`
  SELECT * FROM notices WHERE state = 'waiting' AND due_at <= :now
  ORDER BY due_at, id LIMIT :limit`),
  'skip',
);
const leaseNotification = sql(
  'UPDATE notices SET due_at = :until, attempts = attempts + 1 WHERE id = :id',
);
const closeNotification = sql(`
  UPDATE notices SET state = :state, problem = :problem, encrypted_email = NULL
  WHERE id = :id AND state = 'waiting'`);
const postponeNotification = sql(
  `UPDATE notices SET due_at = :due, problem = :problem WHERE id = :id AND state = 'waiting'`,
);
const selectNotifications = sql<Row<'notices'>>(`
  SELECT * FROM notices WHERE (CAST(:state AS TEXT) IS NULL OR state = :state)
  ORDER BY id DESC LIMIT :limit`);

/** How the target of an account email is written; every other is a notification's. */
interface AccountEmailTarget {
  readonly kind: 'account-email';
  readonly email: QueuedAccountEmail['email'];
}

function toOutboxEntry(row: Row<'notices'>): OutboxEntry {
  const status = {
    id: row.id,
    key: row.key,
    state: row.state as OutboxEntry['state'],
    createdAt: row.created_at as Instant,
    attempts: row.attempts,
    dueAt: row.due_at as Instant,
    problem: row.problem,
  };
  const target = JSON.parse(row.target) as Notification['target'] | AccountEmailTarget;
  return target.kind === 'account-email'
    ? { ...status, email: target.email, expiresAt: row.expires_at as Instant | null }
    : { ...status, target, facts: JSON.parse(row.facts) as Notification['facts'] };
}

function toClaimedEntry(row: Row<'notices'>): ClaimedEntry {
  const entry = toOutboxEntry(row);
  return 'facts' in entry
    ? entry
    : { ...entry, encrypted: row.encrypted_email as EncryptedSecret | null };
}

/** Puts a notification into the outbox; one that is there already stays as it is. */
export function* addNotification({ key, target, facts }: NewNotification): Transaction<void> {
  yield* execute(insertNotification, {
    key,
    target: JSON.stringify(target),
    facts: JSON.stringify(facts),
    at: facts.at,
  });
}

/** Puts an email about an account into the outbox; null: there is none to be sent. */
export function* addAccountEmail(email: NewAccountEmail | null | undefined): Transaction<void> {
  if (email == null) return;
  const target: AccountEmailTarget = { kind: 'account-email', email: email.kind };
  yield* execute(insertAccountEmail, {
    key: email.key,
    target: JSON.stringify(target),
    at: email.createdAt,
    encrypted: email.encrypted,
    expiresAt: email.expiresAt,
  });
}

function* claimDueEntries(
  now: Instant,
  until: Instant,
  limit: number,
): Transaction<readonly ClaimedEntry[]> {
  const rows = yield* fetchAll(selectDueForUpdate, { now, limit });
  for (const { id } of rows) yield* execute(leaseNotification, { id, until });
  return rows.map((row) => toClaimedEntry({ ...row, attempts: row.attempts + 1, due_at: until }));
}

/** Answers the questions about the outbox. */
export function makeOutboxStore(driver: Driver): Outbox & AccountEmailOutbox {
  return {
    enqueueAccountEmail: (email) => driver.write(() => addAccountEmail(email), 'autocommit'),
    claimNotifications: (now, until, limit) =>
      driver.write(() => claimDueEntries(now, until, limit), 'read-committed'),
    closeNotification: async (id, state, problem) =>
      void (await driver.write(
        () => execute(closeNotification, { id, state, problem }),
        'autocommit',
      )),
    retryNotification: async (id, dueAt, problem) =>
      void (await driver.write(
        () => execute(postponeNotification, { id, due: dueAt, problem }),
        'autocommit',
      )),
    listNotifications: async ({ state, limit }) =>
      (
        await driver.readReplica(() =>
          fetchAll(selectNotifications, { state: state ?? null, limit }),
        )
      ).map(toOutboxEntry),
  };
}
