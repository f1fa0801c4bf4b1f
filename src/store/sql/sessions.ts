import type { Sessions } from '#accounts/records.ts';
import type { Driver } from '../driver.ts';
import { toSession } from './rows.ts';
import type { Row } from './schema.ts';
import { execute, fetchAll, fetchOne, sql } from './statement.ts';

const insertSession = sql(`
  INSERT INTO sessions (digest, user_id, created_at, active_at, expires_at, ends_at, agent,
    address, proven_at, proven_by)
  VALUES (:digest, :user_id, :created_at, :active_at, :expires_at, :ends_at, :agent, :address,
    :proven_at, :proven_by)`);

const findSession = sql<Row<'sessions'>>(
  'SELECT * FROM sessions WHERE digest = :digest AND expires_at > :now',
);

const sessionsOf = sql<Row<'sessions'>>(`
  SELECT * FROM sessions WHERE user_id = :user AND expires_at > :now
  ORDER BY created_at DESC, digest DESC`);

const updateSessionProof = sql(
  'UPDATE sessions SET proven_at = :at, proven_by = :method WHERE digest = :digest',
);

const updateActivity = sql(`
  UPDATE sessions SET active_at = :at, expires_at = :end WHERE digest = :digest AND coalesce(active_at, created_at) < :at`);

const deleteSession = sql('DELETE FROM sessions WHERE digest = :digest');

const deleteSessionsOf = sql('DELETE FROM sessions WHERE user_id = :user');

const toSessionRow = (session: Parameters<Sessions['saveSession']>[0]) => ({
  digest: session.digest,
  user_id: session.userId,
  created_at: session.createdAt,
  active_at: session.activeAt ?? session.createdAt,
  expires_at: session.expiresAt,
  ends_at: session.endsAt ?? session.expiresAt,
  agent: session.agent,
  address: session.address,
  proven_at: session.proof?.at ?? null,
  proven_by: session.proof?.method ?? null,
});

/** Answers the browser sessions of people. */
export function makeSessionStore(driver: Driver): Sessions {
  return {
    saveSession: async (session) =>
      void (await driver.write(() => execute(insertSession, toSessionRow(session)), 'autocommit')),
    recordActivity: async ({ digest }, at, end) =>
      void (await driver.write(() => execute(updateActivity, { digest, at, end }), 'autocommit')),
    async findSession(digest, now) {
      const row = await driver.read(fetchOne(findSession, { digest, now }));
      return row && toSession(row);
    },
    listSessions: async (user, now) =>
      (await driver.read(fetchAll(sessionsOf, { user, now }))).map(toSession),
    recordProof: async (digest, { at, method }) =>
      (await driver.write(
        () => execute(updateSessionProof, { digest, at, method }),
        'autocommit',
      )) > 0
        ? 'recorded'
        : 'unknown',
    endSession: async (digest) =>
      void (await driver.write(() => execute(deleteSession, { digest }), 'autocommit')),
    endSessionsOf: async (user) =>
      void (await driver.write(() => execute(deleteSessionsOf, { user }), 'autocommit')),
  };
}
