import type { Digest, EncryptedSecret, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Account } from './account.ts';
import type { AccountEmailKind } from './account-emails.ts';

/**
 * What a new account is made of. `passwordHash` is a PHC string (argon2id), or null for a person
 * who cannot sign in by password.
 */
export interface NewAccount {
  readonly name: string;
  readonly email: string | null;
  readonly emailConfirmedAt: Instant | null;
  readonly realName: string;
  readonly groups: readonly string[];
  readonly passwordHash: string | null;
  readonly createdAt: Instant;
}

/** What the audit log tells of a change that somebody else made to an account. */
export interface AccountAuditEntry {
  readonly at: Instant;
  readonly action: 'block-account' | 'unblock-account' | 'set-groups';
  /** Null: the operator. */
  readonly actorId: UserId | null;
  readonly via: 'page' | 'cli';
  /** Where the request came from, or who used the command line; null: not known. */
  readonly address: string | null;
  readonly field: 'blocked' | 'groups';
  readonly before: boolean | readonly string[];
  readonly after: boolean | readonly string[];
}

/** The questions the accounts room asks of durable storage. One call is one unit of work. */
export interface AccountRecords {
  findAccount(id: UserId): Promise<Account | undefined>;
  /** By name, without regard to case. */
  findAccountByName(name: string): Promise<Account | undefined>;
  /** The account and its password hash, for sign-in alone. */
  findPassword(
    name: string,
  ): Promise<{ readonly account: Account; readonly passwordHash: string | null } | undefined>;
  /** In order of id. */
  listAccounts(): Promise<readonly Account[]>;
  /** Ends the set-up link as well. */
  createAccount(
    account: NewAccount,
  ): Promise<
    { readonly outcome: 'created'; readonly account: Account } | { readonly outcome: 'name-taken' }
  >;
  /**
   * Blocks a person, or lets them in again. Their approvals that wait for a second one end with a
   * block, and stay ended when it does. `audit` is written unless nothing changed.
   */
  setBlocked(id: UserId, blocked: boolean, audit?: AccountAuditEntry): Promise<'set' | 'unknown'>;
  /**
   * Keeps the digest of the one-time set-up secret until `expiresAt`, in place of any earlier one.
   * Not when there is any account.
   */
  saveSetupSecret(digest: Digest, expiresAt: Instant): Promise<'saved' | 'accounts-exist'>;
  /**
   * True while that set-up secret can be spent: not expired at `now`, not replaced, and no account
   * was made by any door.
   */
  hasSetupSecret(digest: Digest, now: Instant): Promise<boolean>;
  /**
   * Spends the set-up secret and creates the first account, or neither. That there is no account is
   * judged in the same unit of work.
   */
  consumeSetupSecret(
    digest: Digest,
    now: Instant,
    account: NewAccount,
  ): Promise<
    { readonly outcome: 'created'; readonly account: Account } | { readonly outcome: 'unknown' }
  >;
}

/** Which accounts are wanted. Null: it does not matter. */
export interface AccountFilter {
  /** Part of the name or of the e-mail address, without regard to case. */
  readonly text: string | null;
  /** An explicit group. */
  readonly group: string | null;
  readonly blocked: boolean | null;
}

/** The questions that looking after accounts asks of durable storage. */
export interface PeopleRecords {
  /** In order of number, those after `after`; null: from the first. */
  searchAccounts(
    filter: AccountFilter & { readonly after: UserId | null; readonly limit: number },
  ): Promise<readonly Account[]>;
  countAccounts(filter: AccountFilter): Promise<number>;
  /**
   * Puts the person into these groups and no others. `endApprovals`: they lose a right to review,
   * and their approvals that wait for a second one end.
   */
  setGroups(
    id: UserId,
    groups: readonly string[],
    also?: { readonly endApprovals: boolean; readonly audit: AccountAuditEntry },
  ): Promise<'set' | 'unknown'>;
  setProfile(
    id: UserId,
    profile: Pick<Account, 'realName' | 'language'>,
  ): Promise<'set' | 'unknown'>;
  /**
   * Replaces the password, if it is still the one that `before` is the hash of, ends the links that
   * would set another, and writes `email` to the outbox. `changed`: the password is another by now,
   * or the account is gone.
   */
  setPassword(
    id: UserId,
    passwordHash: string,
    previousHash: string | null,
    email?: NewAccountEmail | null,
  ): Promise<'set' | 'changed'>;
  /** True when any account, blocked or not, has this address confirmed, without regard to case. */
  hasConfirmedEmail(email: string): Promise<boolean>;
  /**
   * Everybody whose confirmed address this is, without regard to case; blocked people are left out.
   */
  findAccountsByEmail(email: string, limit: number): Promise<readonly Account[]>;
}

/**
 * An email about an account, about to be written to the outbox in the same unit of work as what it
 * is about.
 */
export interface NewAccountEmail {
  /** Unique, of letters, digits and `-`: receivers know a repetition by it. */
  readonly key: string;
  readonly kind: AccountEmailKind;
  /** Receiver, language and contents. Blanked when it is delivered or given up. */
  readonly encrypted: EncryptedSecret;
  readonly createdAt: Instant;
  /** When its link ends, from when on it is not sent; null: it has none that ends. */
  readonly expiresAt: Instant | null;
}

/** Where emails about accounts wait for their delivery. */
export interface AccountEmailOutbox {
  /** Writes an email that is about nothing else that is written. */
  enqueueAccountEmail(email: NewAccountEmail): Promise<void>;
}

/** What a one-time secret is good for. */
export type AccountTokenKind =
  | 'register'
  | 'confirm-email'
  | 'reset-password'
  | 'add-passkey'
  | 'use-passkey';

/** Something mailed or handed out once. The link holds the secret; the store its digest. */
export interface AccountToken {
  readonly digest: Digest;
  readonly kind: AccountTokenKind;
  /** Null: for somebody who is not known yet. */
  readonly userId: UserId | null;
  /** What it is about: the address of `register` and `confirm-email`; otherwise empty. */
  readonly data: string;
  readonly expiresAt: Instant;
}

/**
 * One-time secrets about accounts. Each is spent by one verb, together with what it is for, or
 * neither happens.
 */
export interface AccountTokens {
  /**
   * Keeps it, and writes the email that carries it to the outbox. With a person, earlier ones of
   * the same kind end; a passkey's stay, as several pages may be open.
   */
  saveAccountToken(token: AccountToken, email?: NewAccountEmail | null): Promise<void>;
  /** Undefined when unknown, spent or expired at `now`. */
  findAccountToken(
    digest: Digest,
    kind: AccountTokenKind,
    now: Instant,
  ): Promise<AccountToken | undefined>;
  /** Spends it, for what happens elsewhere. */
  consumeAccountToken(
    digest: Digest,
    kind: AccountTokenKind,
    now: Instant,
  ): Promise<AccountToken | undefined>;
  /**
   * Spends a `register` token and creates the account with its address, confirmed, and ends every
   * other link to that address. A taken name keeps the token; an address that another account has,
   * blocked or not, ends it, unless `shared` addresses are allowed.
   */
  consumeRegistrationToken(
    digest: Digest,
    now: Instant,
    account: Omit<NewAccount, 'email' | 'emailConfirmedAt'>,
    allowSharedAddress?: boolean,
  ): Promise<
    | { readonly outcome: 'created'; readonly account: Account }
    | { readonly outcome: 'name-taken' | 'address-taken' | 'unknown' }
  >;
  /**
   * Spends a person's `confirm-email` token: its address becomes theirs, confirmed, every other
   * link of theirs and to that address ends, and `email` is written to the outbox. Answers the
   * address they had before. An address that another account has ends the link, unless `shared`
   * addresses are allowed.
   */
  consumeEmailToken(
    digest: Digest,
    user: UserId,
    now: Instant,
    allowSharedAddress?: boolean,
    email?: NewAccountEmail | null,
  ): Promise<
    | { readonly outcome: 'confirmed'; readonly before: string | null }
    | { readonly outcome: 'address-taken' | 'unknown' }
  >;
  /**
   * Spends a `reset-password` token, sets the password and writes `email` to the outbox; every
   * other link of the person ends. Not for blocked people.
   */
  consumeResetToken(
    digest: Digest,
    now: Instant,
    passwordHash: string,
    email?: NewAccountEmail | null,
  ): Promise<
    { readonly outcome: 'set'; readonly account: Account } | { readonly outcome: 'unknown' }
  >;
}

/**
 * How and when a person last proved who they are in a session. Whatever widens access asks for a
 * recent one (ADR 17).
 */
export interface Proof {
  readonly at: Instant;
  readonly method: 'password' | 'passkey';
}

/** A signed-in browser. The cookie holds the secret; the store its digest. */
export interface Session {
  readonly digest: Digest;
  readonly userId: UserId;
  readonly createdAt: Instant;
  /** When it was used last, to some minutes. */
  readonly activeAt: Instant;
  /** When it ends unless it is used before; never after `endsAt`. */
  readonly expiresAt: Instant;
  /** When it ends however much it is used. */
  readonly endsAt: Instant;
  /** What the browser says it is, as it was at sign-in: at most 255 characters of a stranger. */
  readonly agent: string;
  /** Network address at sign-in; at most 64 characters. */
  readonly address: string;
  /** Null: none is known of, as for sessions opened before proofs were recorded. */
  readonly proof: Proof | null;
}

/** Browser sessions: short-lived, so they may live in an ephemeral store. */
export interface Sessions {
  /** Without the two times it was active when it was created, and ends when it expires. */
  saveSession(
    session: Omit<Session, 'activeAt' | 'endsAt'> & Partial<Pick<Session, 'activeAt' | 'endsAt'>>,
  ): Promise<void>;
  /**
   * Notes that it is in use, and when it ends unless it is used again. Not when it has ended
   * meanwhile, or was used later.
   */
  recordActivity(
    session: Pick<Session, 'digest' | 'userId'>,
    at: Instant,
    expiresAt: Instant,
  ): Promise<void>;
  /** Undefined when unknown or expired at `now`. */
  findSession(digest: Digest, now: Instant): Promise<Session | undefined>;
  /** Those of a person that have not expired at `now`, newest first. */
  listSessions(user: UserId, now: Instant): Promise<readonly Session[]>;
  /**
   * Records that the person of a session proved who they are once more. `unknown`: it ended
   * meanwhile.
   */
  recordProof(digest: Digest, proof: Proof): Promise<'recorded' | 'unknown'>;
  /** Signs out. Ending an unknown session is no error. */
  endSession(digest: Digest): Promise<void>;
  endSessionsOf(user: UserId): Promise<void>;
}

/** Counters that expire, for throttling. */
export interface RateCounters {
  /**
   * Adds one to the counter of `key` in its current window and answers the new count; a window
   * starts at the first hit.
   */
  increment(key: string, now: Instant, windowEndsAt: Instant): Promise<number>;
  /** The current count, 0 when the window is over. */
  count(key: string, now: Instant): Promise<number>;
  clear(key: string): Promise<void>;
}
