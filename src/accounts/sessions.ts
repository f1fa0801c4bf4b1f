import { addSeconds, type Instant, type Seconds, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { Clock } from '#platform/clock.ts';
import type { Account } from './account.ts';
import type { Proof, Session, Sessions } from './records.ts';

/** Where a request comes from, as its person will see it in the list of sessions. */
export interface RequestOrigin {
  readonly address: string;
  /** What the browser says it is. */
  readonly agent: string;
  /** False: the address may be a proxy's, or a stranger's word. Left out: it is known. */
  readonly isAddressKnown?: boolean;
  /** The cookie that browsers keep of earlier sign-ins. */
  readonly deviceCookie?: string | undefined;
}

export interface SignedIn {
  readonly account: Account;
  /** What the cookie holds. */
  readonly sessionSecret: string;
  readonly expiresAt: Instant;
}

/** Whose session a browser holds, and when they last proved who they are. */
export interface OpenedSession {
  readonly account: Account;
  readonly proof: Proof | null;
}

/** The end of every session, however busy it is. */
const SESSION_TTL_SECONDS = seconds(14 * 86_400);
/** Activity is written down at most so often. */
const ACTIVITY_INTERVAL_SECONDS = seconds(300);

/** When a session ends by itself that was active at `at`: after idling, or at its own end. */
const sessionExpiry = (at: Instant, endsAt: Instant, idleSeconds: Seconds | null): Instant =>
  idleSeconds === null || addSeconds(at, idleSeconds) > endsAt
    ? endsAt
    : addSeconds(at, idleSeconds);

/**
 * Opens sessions, each with a secret of its own. `method`: what the person proved themselves with
 * just now. `expiresAt` is the session's own end: the cookie lasts as long, and the store judges
 * idleness.
 */
export const makeOpenSession =
  ({
    sessions,
    idGenerator,
    clock,
    settings,
  }: {
    readonly sessions: Sessions;
    readonly idGenerator: IdGenerator;
    readonly clock: Clock;
    readonly settings: SessionSettings;
  }) =>
  async (account: Account, from: RequestOrigin, method: Proof['method']): Promise<SignedIn> => {
    const now = clock.now();
    const sessionSecret = idGenerator.secret();
    const endsAt = addSeconds(now, SESSION_TTL_SECONDS);
    await sessions.saveSession({
      digest: digestOf(sessionSecret),
      userId: account.id,
      createdAt: now,
      activeAt: now,
      expiresAt: sessionExpiry(now, endsAt, settings.sessionIdleSeconds ?? null),
      endsAt,
      agent: from.agent.slice(0, 255),
      address: from.address.slice(0, 64),
      proof: { at: now, method },
    });
    return { account, sessionSecret, expiresAt: endsAt };
  };
export type OpenSession = ReturnType<typeof makeOpenSession>;

export interface SessionSettings {
  /** After how long without a request a session ends; null or left out: at its own end alone. */
  readonly sessionIdleSeconds?: Seconds | null;
}

/**
 * Finds a session that has neither ended nor idled for too long, and notes now and then that it is
 * in use.
 */
export const makeFindSession =
  ({
    sessions,
    clock,
    settings,
  }: {
    readonly sessions: Sessions;
    readonly clock: Clock;
    readonly settings: SessionSettings;
  }) =>
  async (secret: string): Promise<Session | undefined> => {
    if (secret.length > 100) return undefined;
    const now = clock.now();
    const session = await sessions.findSession(digestOf(secret), now);
    if (session === undefined) return undefined;
    const idleSeconds = settings.sessionIdleSeconds ?? null;
    // The setting may have become stricter since the end was written down.
    if (now >= sessionExpiry(session.activeAt, session.endsAt, idleSeconds)) return undefined;
    if (now >= addSeconds(session.activeAt, ACTIVITY_INTERVAL_SECONDS))
      await sessions.recordActivity(session, now, sessionExpiry(now, session.endsAt, idleSeconds));
    return session;
  };
export type FindSession = ReturnType<typeof makeFindSession>;
