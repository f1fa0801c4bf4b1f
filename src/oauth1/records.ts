import type { ClientId, ConsentId, Digest, EncryptedSecret, UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { Consent } from '#registry/model/consent.ts';

/** A pair that stands for a request for a user's decision (RFC 5849 §2.1), for ten minutes. */
export interface TemporaryCredentials {
  /** Identifier, 32 hexadecimal digits, time-ordered. */
  readonly token: string;
  readonly clientId: ClientId;
  readonly encryptedSecret: EncryptedSecret;
  /** `oob`, or where the user is sent back. */
  readonly callback: string;
  readonly expiresAt: Instant;
  /**
   * Set when a user approved (RFC 5849 §2.2). Without a consent it is claimed for them, and cannot
   * be exchanged yet.
   */
  readonly authorized: {
    readonly userId: UserId;
    readonly consentId: ConsentId | null;
    readonly verifierDigest: Digest;
  } | null;
  /** Exchanged already; kept until `expiresAt` so that a second exchange is told so. */
  readonly used: boolean;
}

/**
 * A nonce to be spent (RFC 5849 §3.3). `key` covers client, token and nonce, and in the core the
 * timestamp too.
 */
export interface NonceClaim {
  readonly key: string;
  readonly expiresAt: Instant;
}

/**
 * Short-lived questions of the handshake. Every verb that takes a NonceClaim spends it first, in
 * the same unit of work.
 */
export interface TemporaryCredentialRecords {
  claimNonce(nonce: NonceClaim): Promise<'first' | 'seen'>;
  /** Spends the nonce and stores the pair, or neither. */
  saveTemporaryCredentials(
    nonce: NonceClaim,
    credentials: TemporaryCredentials,
  ): Promise<'saved' | 'nonce-seen'>;
  /** Undefined when unknown or expired at `now`. Used ones are returned, marked. */
  findTemporaryCredentials(token: string, now: Instant): Promise<TemporaryCredentials | undefined>;
  /**
   * Records the user's approval of a pair that nobody authorized yet; life restarts until
   * `expiresAt`. With `consentId: null` it claims the pair, before the consent is written; a second
   * call with the same user and verifier binds it to the consent.
   */
  authorizeTemporaryCredentials(
    token: string,
    approval: NonNullable<TemporaryCredentials['authorized']>,
    now: Instant,
    expiresAt: Instant,
  ): Promise<'authorized' | 'already-authorized' | 'gone'>;
  /** Ends a pair, whatever its state. An unknown one is no error. */
  deleteTemporaryCredentials(token: string): Promise<void>;
  /**
   * Spends the nonce, then marks an authorized pair used if the verifier's digest is the stored
   * one. 'wrong-verifier' leaves the pair usable. The adapter compares the two digests in constant
   * time.
   */
  redeemTemporaryCredentials(
    nonce: NonceClaim,
    token: string,
    verifierDigest: Digest,
    now: Instant,
    usedUntil: Instant,
  ): Promise<
    'redeemed' | 'nonce-seen' | 'wrong-verifier' | 'not-authorized' | 'already-used' | 'gone'
  >;
}

/** The permanent pair of a consent (RFC 5849 §2.3). */
export interface TokenCredentials {
  readonly token: string;
  readonly encryptedSecret: EncryptedSecret;
  readonly consentId: ConsentId;
}

/** Durable questions. */
export interface TokenCredentialRecords {
  /** The pair with the consent it belongs to; a pair without a consent does not exist. */
  findTokenCredentials(
    token: string,
  ): Promise<{ readonly credentials: TokenCredentials; readonly consent: Consent } | undefined>;
  findTokenCredentialsByConsent(consentId: ConsentId): Promise<TokenCredentials | undefined>;
}
