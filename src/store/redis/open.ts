import { hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { KeptRequest, KeptRequestRecords } from '#accounts/kept-requests.ts';
import type { Limits, Session, Sessions } from '#accounts/records.ts';
import type { ClientId, ConsentId, Digest, Sealed, UserId } from '#kernel/ids.ts';
import { type Instant, type Seconds, seconds } from '#kernel/time.ts';
import type { Handshakes, NonceClaim, TemporaryCredentials } from '#oauth1/records.ts';
import type { Clock } from '#platform/clock.ts';
import type {
  AuthorizationRequest,
  AuthorizationRequests,
} from '#registry/model/authorization-request.ts';
import { openLink, type Script } from './connection.ts';
import * as scripts from './scripts.ts';

/** The ports of what expires, answered by Redis or Valkey. */
export interface Ephemeral
  extends Sessions,
    Limits,
    KeptRequestRecords,
    AuthorizationRequests,
    Handshakes {
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
  readonly nonceFor: Seconds;
  /** How long a command may take. */
  readonly timeoutMs?: number;
}

/**
 * Redis forgets a thing this long after its end: its own clock only cleans up, and the program's
 * may be behind, or be set back.
 */
const MARGIN = seconds(300);
/**
 * Requests for a decision are kept so much longer than they can be decided on, so that a person who
 * comes late is told of which app they were.
 */
const DAY = seconds(86_400);
/**
 * Nothing that is kept here is larger; more is a fault of ours, for what comes from outside has its
 * own bounds.
 */
const MOST_BYTES = 65_536;
/** Whoever keeps the book of nonces is known to be awake for as long after it was last heard. */
const AWAKE_MS = 1000;
/** An answer that took longer may be from somebody who just woke up. */
const PROMPT_MS = 100;
/** In this time a member of a Cluster hears from the others what happened while it was stopped. */
const NEWS_MS = 200;
/** Sessions of one person that one script ends. */
const AT_ONCE = 500;

// All keys of one script share a hash tag, so a Cluster keeps them on one server: one tag for
// handshakes and nonces, one for sessions.
const book = 'gh:{oauth1}:book';
const nonceKey = ({ key }: NonceClaim) => `gh:{oauth1}:nonce:${key}`;
const pairKey = (token: string) => `gh:{oauth1}:pair:${token}`;
const sessionKey = (digest: string) => `gh:{session}:${digest}`;
const sessionsOf = (user: UserId) => `gh:{session}:of:${user}`;
const requestKey = (digest: Digest) => `gh:request:{${digest}}`;
const keptKey = (digest: Digest) => `gh:kept:{${digest}}`;
/**
 * Names in the key of a counter come from outside: their image is as long as any other, and tells
 * nobody who it is about.
 */
const limitKey = (key: string) => `gh:limit:{${hash('sha256', key, 'base64url')}}`;

const bounded = (text: string): string => {
  if (Buffer.byteLength(text) > MOST_BYTES)
    throw new Error('a value is larger than anything that is kept in Redis');
  return text;
};

const inserted = (outcome: unknown, what: string): void => {
  if (outcome === 'there') throw new Error(`${what} of this name is there already`);
};

const list = (answer: unknown) => answer as readonly (string | null)[];

function toPair(
  token: string,
  fields: readonly (string | null)[],
): TemporaryCredentials | undefined {
  const [client, sealed, callback, expires, user, consent, verifier, used] = fields;
  if (expires == null) return undefined;
  return {
    token,
    clientId: client as ClientId,
    secretSealed: sealed as Sealed,
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
  { clock, nonceFor, timeoutMs = 2000 }: RedisOptions,
): Ephemeral {
  const link = openLink([urls].flat(), timeoutMs);
  const keptFor = (expiresAt: Instant) => Math.max(expiresAt - clock.now(), 0) + MARGIN;
  let heardAt = Number.NEGATIVE_INFINITY;
  /**
   * A member of a Cluster that was stopped, and whose place another took meanwhile, answers what
   * has waited in front of it before it hears of that. So no nonce is laid in front of one that has
   * been silent: it gives a sign of life first, and has time to hear the news if that was slow.
   */
  async function awake(): Promise<void> {
    const askedAt = performance.now();
    if (askedAt - heardAt < AWAKE_MS) return;
    await link.command('EXISTS', book);
    if (performance.now() - askedAt < PROMPT_MS) return;
    await pause(NEWS_MS);
    await link.command('EXISTS', book);
  }
  async function spend(
    script: Script,
    nonce: NonceClaim,
    keys: readonly string[] = [],
    ...values: readonly (string | number)[]
  ) {
    await awake();
    const spending = [clock.now(), nonce.expiresAt - nonceFor, keptFor(nonce.expiresAt)];
    const outcome = await link.run(
      script,
      [book, nonceKey(nonce), ...keys],
      ...spending,
      ...values,
    );
    heardAt = performance.now();
    return outcome;
  }

  const parse = <T extends { readonly expiresAt: Instant }>(
    text: unknown,
    now: Instant,
  ): T | undefined => {
    const value = typeof text === 'string' ? (JSON.parse(text) as T) : undefined;
    return value !== undefined && value.expiresAt > now ? value : undefined;
  };

  const sessionIn = (text: unknown, now: Instant): Session | undefined => {
    const session = parse<Parameters<Sessions['saveSession']>[0]>(text, now);
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
        bounded(JSON.stringify(session)),
        createdAt,
        expiresAt,
        keptFor(expiresAt),
      ];
      inserted(
        await link.run(scripts.saveSession, [sessionKey(digest), sessionsOf(userId)], ...values),
        'a session',
      );
    },
    noteActivity: async ({ digest, userId }, at, end) =>
      void (await link.run(
        scripts.noteActivity,
        [sessionKey(digest), sessionsOf(userId)],
        digest,
        at,
        end,
        keptFor(end),
      )),
    findSession: async (digest, now) =>
      sessionIn(await link.command('GETEX', sessionKey(digest)), now),
    async listSessions(user, now) {
      const digests = list(
        await link.run(scripts.readIndex, [sessionsOf(user)], `(${now}`, '+inf', 'BYSCORE'),
      ) as readonly string[];
      const found: Session[] = [];
      for (let from = 0; from < digests.length; from += AT_ONCE) {
        const [first, ...rest] = digests.slice(from, from + AT_ONCE).map(sessionKey) as [
          string,
          ...string[],
        ];
        const texts = list(await link.run(scripts.readTexts, [first, ...rest]));
        found.push(...texts.flatMap((text) => sessionIn(text, now) ?? []));
      }
      return found.sort(
        (one, other) => other.createdAt - one.createdAt || (one.digest < other.digest ? 1 : -1),
      );
    },
    recordProof: async (digest, proof) =>
      (await link.run(scripts.recordProof, [sessionKey(digest)], JSON.stringify(proof))) as
        | 'recorded'
        | 'unknown',
    // Its line in the person's index stays until it would have expired.
    endSession: async (digest) => void (await link.command('DEL', sessionKey(digest))),
    async endSessionsOf(user) {
      const index = sessionsOf(user);
      for (let more = true; more; ) {
        const digests = list(
          await link.run(scripts.readIndex, [index], 0, AT_ONCE - 1),
        ) as readonly string[];
        if (digests.length > 0)
          await link.run(scripts.endSessions, [index, ...digests.map(sessionKey)], ...digests);
        more = digests.length === AT_ONCE;
      }
    },

    hit: async (key, now, windowEndsAt) =>
      Number(
        await link.run(scripts.hit, [limitKey(key)], now, windowEndsAt, keptFor(windowEndsAt)),
      ),
    async count(key, now) {
      const [hits, endsAt] = list(
        await link.run(scripts.readFields, [limitKey(key)], 'hits', 'ends'),
      );
      return hits != null && Number(endsAt) > now ? Number(hits) : 0;
    },
    clear: async (key) => void (await link.command('DEL', limitKey(key))),

    async saveRequest(request) {
      const value = bounded(JSON.stringify(request));
      const outcome = await link.command(
        'SET',
        requestKey(request.digest),
        value,
        'NX',
        'EX',
        String(keptFor(request.expiresAt) + DAY),
      );
      inserted(outcome === null ? 'there' : outcome, 'a request');
    },
    findRequest: async (digest, now) =>
      parse<AuthorizationRequest>(await link.command('GETEX', requestKey(digest)), now),
    async replaceRequest(found, next) {
      const texts = [JSON.stringify(found), bounded(JSON.stringify(next))];
      const outcome = await link.run(
        scripts.replaceText,
        [requestKey(next.digest)],
        ...texts,
        keptFor(next.expiresAt) + DAY,
      );
      return outcome as 'replaced' | 'changed';
    },

    async keepRequest(request) {
      const value = bounded(JSON.stringify(request));
      const outcome = await link.command(
        'SET',
        keptKey(request.digest),
        value,
        'NX',
        'EX',
        String(keptFor(request.expiresAt)),
      );
      inserted(outcome === null ? 'there' : outcome, 'a kept request');
    },
    keptRequest: async (digest, now) =>
      parse<KeptRequest>(await link.command('GETEX', keptKey(digest)), now)?.path,

    claimNonce: async (nonce) => (await spend(scripts.claimNonce, nonce)) as 'first' | 'seen',
    async saveTemporary(nonce, { token, clientId, secretSealed, callback, expiresAt }) {
      const pair = [clientId, secretSealed, bounded(callback), expiresAt, keptFor(expiresAt)];
      const outcome = await spend(scripts.saveTemporary, nonce, [pairKey(token)], ...pair);
      inserted(outcome, 'a pair');
      return outcome as 'saved' | 'nonce-seen';
    },
    async findTemporary(token, now) {
      const pair = toPair(
        token,
        list(await link.run(scripts.readFields, [pairKey(token)], ...scripts.pairFields)),
      );
      return pair !== undefined && pair.expiresAt > now ? pair : undefined;
    },
    authorizeTemporary: async (token, { userId, consentId, verifierDigest }, now, expiresAt) =>
      (await link.run(
        scripts.authorizeTemporary,
        [pairKey(token)],
        now,
        userId,
        consentId ?? '',
        verifierDigest,
        expiresAt,
        keptFor(expiresAt),
      )) as 'authorized' | 'already-authorized' | 'gone',
    endTemporary: async (token) => void (await link.command('DEL', pairKey(token))),
    async redeemTemporary(nonce, token, verifierDigest, now, usedUntil) {
      const values = [now, verifierDigest, usedUntil, keptFor(usedUntil)];
      const outcome = await spend(scripts.redeemTemporary, nonce, [pairKey(token)], ...values);
      return outcome as Awaited<ReturnType<Handshakes['redeemTemporary']>>;
    },

    // It writes: a server that answers but cannot be written to (a full one, a replica) is not
    // ready. It also opens the book of nonces early.
    async ping() {
      const policy = await link.run(scripts.openBook, [book], clock.now());
      if (policy !== 'noeviction')
        throw new Error(
          `Redis drops what it holds when it is full (maxmemory-policy ${policy}): set noeviction`,
        );
    },
    close: () => link.close(),
  };
}

/** A store whose short-lived ports are answered by Redis and the rest by the database. */
export function withEphemeral<S extends { ping(): Promise<void>; close(): Promise<void> }>(
  durable: S,
  ephemeral: Ephemeral,
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
