import type { Digest, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Account } from './account.ts';

/** What a new account is made of. `passwordHash` is a PHC string (argon2id), or null for a person who cannot sign in by password. */
export interface NewAccount {
  readonly name: string;
  readonly email: string | null;
  readonly emailConfirmedAt: Instant | null;
  readonly realName: string;
  readonly groups: readonly string[];
  readonly passwordHash: string | null;
  readonly createdAt: Instant;
}

/** The questions the accounts room asks of durable storage. One call is one unit of work. */
export interface AccountRecords {
  findAccount(id: UserId): Promise<Account | undefined>;
  /** By name, without regard to case. */
  findAccountByName(name: string): Promise<Account | undefined>;
  /** The account and its password hash, for sign-in alone. */
  findPassword(name: string): Promise<{ readonly account: Account; readonly passwordHash: string | null } | undefined>;
  /** In order of id. */
  listAccounts(): Promise<readonly Account[]>;
  createAccount(
    account: NewAccount,
  ): Promise<{ readonly outcome: 'created'; readonly account: Account } | { readonly outcome: 'name-taken' }>;
  setBlocked(id: UserId, blocked: boolean): Promise<'set' | 'unknown'>;
  /** Keeps the digest of the one-time set-up secret, in place of any earlier one. */
  saveSetupSecret(digest: Digest): Promise<void>;
  /** True while that set-up secret can be spent. */
  hasSetupSecret(digest: Digest): Promise<boolean>;
  /** Spends the set-up secret and creates the first administrator, or neither. A taken name keeps the secret. */
  redeemSetupSecret(
    digest: Digest,
    account: NewAccount,
  ): Promise<{ readonly outcome: 'created'; readonly account: Account } | { readonly outcome: 'name-taken' | 'unknown' }>;
}

/** A signed-in browser. The cookie holds the secret; the store its digest. */
export interface Session {
  readonly digest: Digest;
  readonly userId: UserId;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
}

/** Browser sessions: short-lived, so they may live in an ephemeral store. */
export interface Sessions {
  saveSession(session: Session): Promise<void>;
  /** Undefined when unknown or expired at `now`. */
  findSession(digest: Digest, now: Instant): Promise<Session | undefined>;
  /** Signs out. Ending an unknown session is no error. */
  endSession(digest: Digest): Promise<void>;
  endSessionsOf(user: UserId): Promise<void>;
}

/** Counters that expire, for throttling. */
export interface Limits {
  /** Adds one to the counter of `key` in its current window and answers the new count; a window starts at the first hit. */
  hit(key: string, now: Instant, windowEndsAt: Instant): Promise<number>;
  /** The current count, 0 when the window is over. */
  count(key: string, now: Instant): Promise<number>;
  clear(key: string): Promise<void>;
}
