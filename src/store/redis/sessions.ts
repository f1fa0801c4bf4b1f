import type { Session, Sessions } from '#accounts/records.ts';
import type { UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { RedisConnection } from './connection.ts';
import * as scripts from './scripts.ts';
import { asList, assertInserted, checkSize, parseUnexpired, type RedisContext } from './values.ts';

/** Sessions of one person that one script ends. */
const SESSION_BATCH_SIZE = 500;

// All keys of one script share a hash tag, so that a Cluster keeps them on one server.
const sessionKey = (digest: string) => `gh:{session}:${digest}`;
const sessionIndexKey = (user: UserId) => `gh:{session}:of:${user}`;

function parseSession(text: unknown, now: Instant): Session | undefined {
  const session = parseUnexpired<Parameters<Sessions['saveSession']>[0]>(text, now);
  return (
    session && {
      ...session,
      activeAt: session.activeAt ?? session.createdAt,
      endsAt: session.endsAt ?? session.expiresAt,
    }
  );
}

/** The sessions of a person that have not ended, the latest first. */
async function listSessions(
  connection: RedisConnection,
  user: UserId,
  now: Instant,
): Promise<readonly Session[]> {
  const digests = asList(
    await connection.runScript(
      scripts.readIndex,
      [sessionIndexKey(user)],
      `(${now}`,
      '+inf',
      'BYSCORE',
    ),
  ) as readonly string[];
  const found: Session[] = [];
  for (let from = 0; from < digests.length; from += SESSION_BATCH_SIZE) {
    const [first, ...rest] = digests.slice(from, from + SESSION_BATCH_SIZE).map(sessionKey) as [
      string,
      ...string[],
    ];
    const texts = asList(await connection.runScript(scripts.readTexts, [first, ...rest]));
    found.push(...texts.flatMap((text) => parseSession(text, now) ?? []));
  }
  return found.sort(
    (one, other) => other.createdAt - one.createdAt || (one.digest < other.digest ? 1 : -1),
  );
}

/** Ends all that the index knows, a batch at a time. */
async function endSessionsOf(connection: RedisConnection, user: UserId): Promise<void> {
  const index = sessionIndexKey(user);
  for (let more = true; more; ) {
    const digests = asList(
      await connection.runScript(scripts.readIndex, [index], 0, SESSION_BATCH_SIZE - 1),
    ) as readonly string[];
    if (digests.length > 0)
      await connection.runScript(
        scripts.endSessions,
        [index, ...digests.map(sessionKey)],
        ...digests,
      );
    more = digests.length === SESSION_BATCH_SIZE;
  }
}

/** Sessions, and an index of each person's. */
export function makeSessionStore({ connection, ttlSecondsUntil }: RedisContext): Sessions {
  return {
    async saveSession(session) {
      const { digest, userId, createdAt, expiresAt } = session;
      const values = [
        digest,
        checkSize(JSON.stringify(session)),
        createdAt,
        expiresAt,
        ttlSecondsUntil(expiresAt),
      ];
      assertInserted(
        await connection.runScript(
          scripts.saveSession,
          [sessionKey(digest), sessionIndexKey(userId)],
          ...values,
        ),
        'a session',
      );
    },
    recordActivity: async ({ digest, userId }, at, end) =>
      void (await connection.runScript(
        scripts.noteActivity,
        [sessionKey(digest), sessionIndexKey(userId)],
        digest,
        at,
        end,
        ttlSecondsUntil(end),
      )),
    findSession: async (digest, now) =>
      parseSession(await connection.sendCommand('GETEX', sessionKey(digest)), now),
    listSessions: (user, now) => listSessions(connection, user, now),
    recordProof: async (digest, proof) =>
      (await connection.runScript(
        scripts.recordProof,
        [sessionKey(digest)],
        JSON.stringify(proof),
      )) as 'recorded' | 'unknown',
    // Its line in the person's index stays until it would have expired.
    endSession: async (digest) => void (await connection.sendCommand('DEL', sessionKey(digest))),
    endSessionsOf: (user) => endSessionsOf(connection, user),
  };
}
