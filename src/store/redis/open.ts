import { hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { PendingRequest, PendingRequestRecords } from '#accounts/kept-requests.ts';
import type { RateCounters, Session, Sessions } from '#accounts/records.ts';
import type { ClientId, ConsentId, Digest, EncryptedSecret, UserId } from '#kernel/ids.ts';
import { type Instant, type Seconds, seconds } from '#kernel/time.ts';
import type {
  NonceClaim,
  TemporaryCredentialRecords,
  TemporaryCredentials,
} from '#oauth1/records.ts';
import type { Clock } from '#platform/clock.ts';
import type {
  AuthorizationRequest,
  AuthorizationRequests,
} from '#registry/model/authorization-request.ts';
import { type LuaScript, openRedisConnection } from './connection.ts';
import * as scripts from './scripts.ts';

/** The ports of what expires, answered by Redis or Valkey. */
export interface EphemeralStore
  extends Sessions,
    RateCounters,
    PendingRequestRecords,
    AuthorizationRequests,
    TemporaryCredentialRecords {
  /**
   * Rejects with Unavailable when the server cannot be reached or cannot be written to, and when it
   * is set to forget before the time.
   */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisOptions {
  /** The program's own clock, for what is cleaned away when. */
  readonly clock: Clock;
  /**
   * How long a nonce outlives the timestamp it was sent with. A nonce whose timestamp is before the
   * server's life is not believed to be new.
   */
  readonly nonceTtlSeconds: Seconds;
  /** How long a command may take. */
  readonly timeoutMs?: number;
}

/**
 * Redis forgets a thing this long after its end: its own clock only cleans up, and the program's
 * may be behind, or be set back.
 */
const EXPIRY_MARGIN = seconds(300);
/**
 * Requests for a decision are kept so much longer than they can be decided on, so that a person who
 * comes late is told of which app they were.
 */
const DAY = seconds(86_400);
/**
 * Nothing that is kept here is larger; more is a fault of ours, for what comes from outside has its
 * own bounds.
 */
const MAX_VALUE_BYTES = 65_536;
/** Whoever keeps the book of nonces is known to be awake for as long after it was last heard. */
const AWAKE_MS = 1000;
/** An answer that took longer may be from somebody who just woke up. */
const PROMPT_ANSWER_MS = 100;
/** In this time a member of a Cluster hears from the others what happened while it was stopped. */
const FAILOVER_NEWS_MS = 200;
/** Sessions of one person that one script ends. */
const SESSION_BATCH_SIZE = 500;

// All keys of one script share a hash tag, so a Cluster keeps them on one server: one tag for
// handshakes and nonces, one for sessions.
const nonceBookKey = 'gh:{oauth1}:book';
const nonceKey = ({ key }: NonceClaim) => `gh:{oauth1}:nonce:${key}`;
const temporaryKey = (token: string) => `gh:{oauth1}:pair:${token}`;
const sessionKey = (digest: string) => `gh:{session}:${digest}`;
const sessionIndexKey = (user: UserId) => `gh:{session}:of:${user}`;
const requestKey = (digest: Digest) => `gh:request:{${digest}}`;
const pendingRequestKey = (digest: Digest) => `gh:kept:{${digest}}`;
/**
 * Names in the key of a counter come from outside: their image is as long as any other, and tells
 * nobody who it is about.
 */
const limitKey = (key: string) => `gh:limit:{${hash('sha256', key, 'base64url')}}`;

const checkSize = (text: string): string => {
  if (Buffer.byteLength(text) > MAX_VALUE_BYTES)
    throw new Error('a value is larger than anything that is kept in Redis');
  return text;
};

const assertInserted = (outcome: unknown, what: string): void => {
  if (outcome === 'there') throw new Error(`${what} of this name is there already`);
};

const asList = (answer: unknown) => answer as readonly (string | null)[];

function toTemporaryCredentials(
  token: string,
  fields: readonly (string | null)[],
): TemporaryCredentials | undefined {
  const [client, sealed, callback, expires, user, consent, verifier, used] = fields;
  if (expires == null) return undefined;
  return {
    token,
    clientId: client as ClientId,
    encryptedSecret: sealed as EncryptedSecret,
    callback: callback as string,
    expiresAt: Number(expires) as Instant,
    authorized:
      user == null
        ? null
        : {
            userId: Number(user) as UserId,
            consentId: consent == null || consent === '' ? null : (Number(consent) as ConsentId),
            verifierDigest: verifier as Digest,
          },
    used: used === '1',
  };
}

/**
 * Opens the store of what expires: one URL for a server, several for nodes of a Cluster. It
 * connects when it is first asked, and again by itself. Every verb is one command or one script; it
 * rejects with Unavailable when its answer does not come in time.
 */
export function openRedis(
  urls: string | readonly string[],
  { clock, nonceTtlSeconds, timeoutMs = 2000 }: RedisOptions,
): EphemeralStore {
  const connection = openRedisConnection([urls].flat(), timeoutMs);
  const ttlSecondsUntil = (expiresAt: Instant) =>
    Math.max(expiresAt - clock.now(), 0) + EXPIRY_MARGIN;
  let lastAnswerAt = Number.NEGATIVE_INFINITY;
  /**
   * A member of a Cluster that was stopped, and whose place another took meanwhile, answers what
   * has waited in front of it before it hears of that. So no nonce is laid in front of one that has
   * been silent: it gives a sign of life first, and has time to hear the news if that was slow.
   */
  async function ensureAwake(): Promise<void> {
    const askedAt = performance.now();
    if (askedAt - lastAnswerAt < AWAKE_MS) return;
    await connection.sendCommand('EXISTS', nonceBookKey);
    if (performance.now() - askedAt < PROMPT_ANSWER_MS) return;
    await pause(FAILOVER_NEWS_MS);
    await connection.sendCommand('EXISTS', nonceBookKey);
  }
  async function runWithNonce(
    script: LuaScript,
    nonce: NonceClaim,
    keys: readonly string[] = [],
    ...values: readonly (string | number)[]
  ) {
    await ensureAwake();
    const nonceValues = [
      clock.now(),
      nonce.expiresAt - nonceTtlSeconds,
      ttlSecondsUntil(nonce.expiresAt),
    ];
    const outcome = await connection.runScript(
      script,
      [nonceBookKey, nonceKey(nonce), ...keys],
      ...nonceValues,
      ...values,
    );
    lastAnswerAt = performance.now();
    return outcome;
  }

  const parseUnexpired = <T extends { readonly expiresAt: Instant }>(
    text: unknown,
    now: Instant,
  ): T | undefined => {
    const value = typeof text === 'string' ? (JSON.parse(text) as T) : undefined;
    return value !== undefined && value.expiresAt > now ? value : undefined;
  };

  const parseSession = (text: unknown, now: Instant): Session | undefined => {
    const session = parseUnexpired<Parameters<Sessions['saveSession']>[0]>(text, now);
    return (
      session && {
        ...session,
        activeAt: session.activeAt ?? session.createdAt,
        endsAt: session.endsAt ?? session.expiresAt,
      }
    );
  };

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
    async listSessions(user, now) {
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
    },
    recordProof: async (digest, proof) =>
      (await connection.runScript(
        scripts.recordProof,
        [sessionKey(digest)],
        JSON.stringify(proof),
      )) as 'recorded' | 'unknown',
    // Its line in the person's index stays until it would have expired.
    endSession: async (digest) => void (await connection.sendCommand('DEL', sessionKey(digest))),
    async endSessionsOf(user) {
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
    },

    increment: async (key, now, windowEndsAt) =>
      Number(
        await connection.runScript(
          scripts.incrementCounter,
          [limitKey(key)],
          now,
          windowEndsAt,
          ttlSecondsUntil(windowEndsAt),
        ),
      ),
    async count(key, now) {
      const [hits, endsAt] = asList(
        await connection.runScript(scripts.readFields, [limitKey(key)], 'hits', 'ends'),
      );
      return hits != null && Number(endsAt) > now ? Number(hits) : 0;
    },
    clear: async (key) => void (await connection.sendCommand('DEL', limitKey(key))),

    async saveRequest(request) {
      const value = checkSize(JSON.stringify(request));
      const outcome = await connection.sendCommand(
        'SET',
        requestKey(request.digest),
        value,
        'NX',
        'EX',
        String(ttlSecondsUntil(request.expiresAt) + DAY),
      );
      assertInserted(outcome === null ? 'there' : outcome, 'a request');
    },
    findRequest: async (digest, now) =>
      parseUnexpired<AuthorizationRequest>(
        await connection.sendCommand('GETEX', requestKey(digest)),
        now,
      ),
    async replaceRequest(found, next) {
      const texts = [JSON.stringify(found), checkSize(JSON.stringify(next))];
      const outcome = await connection.runScript(
        scripts.replaceText,
        [requestKey(next.digest)],
        ...texts,
        ttlSecondsUntil(next.expiresAt) + DAY,
      );
      return outcome as 'replaced' | 'changed';
    },

    async savePendingRequest(request) {
      const value = checkSize(JSON.stringify(request));
      const outcome = await connection.sendCommand(
        'SET',
        pendingRequestKey(request.digest),
        value,
        'NX',
        'EX',
        String(ttlSecondsUntil(request.expiresAt)),
      );
      assertInserted(outcome === null ? 'there' : outcome, 'a kept request');
    },
    findPendingRequest: async (digest, now) =>
      parseUnexpired<PendingRequest>(
        await connection.sendCommand('GETEX', pendingRequestKey(digest)),
        now,
      )?.path,

    claimNonce: async (nonce) =>
      (await runWithNonce(scripts.claimNonce, nonce)) as 'first' | 'seen',
    async saveTemporaryCredentials(
      nonce,
      { token, clientId, encryptedSecret, callback, expiresAt },
    ) {
      const temporaryValues = [
        clientId,
        encryptedSecret,
        checkSize(callback),
        expiresAt,
        ttlSecondsUntil(expiresAt),
      ];
      const outcome = await runWithNonce(
        scripts.saveTemporary,
        nonce,
        [temporaryKey(token)],
        ...temporaryValues,
      );
      assertInserted(outcome, 'a pair');
      return outcome as 'saved' | 'nonce-seen';
    },
    async findTemporaryCredentials(token, now) {
      const temporary = toTemporaryCredentials(
        token,
        asList(
          await connection.runScript(
            scripts.readFields,
            [temporaryKey(token)],
            ...scripts.temporaryFields,
          ),
        ),
      );
      return temporary !== undefined && temporary.expiresAt > now ? temporary : undefined;
    },
    authorizeTemporaryCredentials: async (
      token,
      { userId, consentId, verifierDigest },
      now,
      expiresAt,
    ) =>
      (await connection.runScript(
        scripts.authorizeTemporary,
        [temporaryKey(token)],
        now,
        userId,
        consentId ?? '',
        verifierDigest,
        expiresAt,
        ttlSecondsUntil(expiresAt),
      )) as 'authorized' | 'already-authorized' | 'gone',
    deleteTemporaryCredentials: async (token) =>
      void (await connection.sendCommand('DEL', temporaryKey(token))),
    async redeemTemporaryCredentials(nonce, token, verifierDigest, now, usedUntil) {
      const values = [now, verifierDigest, usedUntil, ttlSecondsUntil(usedUntil)];
      const outcome = await runWithNonce(
        scripts.redeemTemporary,
        nonce,
        [temporaryKey(token)],
        ...values,
      );
      return outcome as Awaited<
        ReturnType<TemporaryCredentialRecords['redeemTemporaryCredentials']>
      >;
    },

    // It writes: a server that answers but cannot be written to (a full one, a replica) is not
    // ready. It also opens the book of nonces early.
    async ping() {
      const policy = await connection.runScript(scripts.openNonceBook, [nonceBookKey], clock.now());
      if (policy !== 'noeviction')
        throw new Error(
          `Redis drops what it holds when it is full (maxmemory-policy ${policy}): set noeviction`,
        );
    },
    close: () => connection.close(),
  };
}

/** A store whose short-lived ports are answered by Redis and the rest by the database. */
export function withEphemeralStore<S extends { ping(): Promise<void>; close(): Promise<void> }>(
  durable: S,
  ephemeral: EphemeralStore,
): S {
  return {
    ...durable,
    ...ephemeral,
    ping: async () => void (await Promise.all([durable.ping(), ephemeral.ping()])),
    async close() {
      await Promise.allSettled([ephemeral.close()]);
      await durable.close();
    },
  };
}
