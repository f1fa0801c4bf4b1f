import type { PendingRequestRecords } from '#accounts/kept-requests.ts';
import type { Passkeys } from '#accounts/passkey-records.ts';
import type {
  AccountEmailOutbox,
  AccountRecords,
  AccountTokens,
  PeopleRecords,
  RateCounters,
  Sessions,
} from '#accounts/records.ts';
import type { Instant, Seconds } from '#kernel/time.ts';
import type { TemporaryCredentialRecords, TokenCredentialRecords } from '#oauth1/records.ts';
import type { OAuth2Records } from '#oauth2/records.ts';
import type { AuditChain } from '#registry/audit.ts';
import type { AuthorizationRequests } from '#registry/model/authorization-request.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { EncryptedRecords } from '#registry/reencryption.ts';
import type { FailureRecords } from '#registry/refused-requests.ts';
import type { ReviewAssignments } from '#registry/review/assignments.ts';
import type { CachedReads } from './cache/cached-store.ts';
import type { Driver } from './driver.ts';
import { makeAccessTokenStore } from './sql/access-tokens.ts';
import { makeAccountTokenStore } from './sql/account-tokens.ts';
import { makeAccountStore } from './sql/accounts.ts';
import { makeAuditChainStore } from './sql/audit-chain.ts';
import { makeClockStore, type StoreClock } from './sql/clock.ts';
import { makeCodeStore } from './sql/codes.ts';
import { makePendingRequestStore } from './sql/kept-requests.ts';
import type { PartitionMaintenance } from './sql/maintenance.ts';
import type { MigrationPlan } from './sql/migrate.ts';
import { makeTemporaryCredentialStore, makeTokenCredentialStore } from './sql/oauth1.ts';
import { makeOutboxStore } from './sql/outbox.ts';
import { makePasskeyStore } from './sql/passkeys.ts';
import { makePeopleStore } from './sql/people.ts';
import { type PurgeOptions, purgeExpired } from './sql/purge.ts';
import { makeRateCounters } from './sql/rate-counters.ts';
import { makeReencryptionStore } from './sql/reencryption.ts';
import { makeRefreshTokenStore } from './sql/refresh-tokens.ts';
import { makeFailureStore } from './sql/refused-requests.ts';
import { makeRegistryStore } from './sql/registry.ts';
import { makeReviewAssignmentStore } from './sql/review-assignments.ts';
import { makeSessionStore } from './sql/sessions.ts';
import { makeSetupStore } from './sql/setup-link.ts';

/** The ports of the program that are answered in SQL, whichever database it is. */
export interface StorePorts
  extends AccountRecords,
    PeopleRecords,
    AccountTokens,
    AccountEmailOutbox,
    Passkeys,
    Sessions,
    RateCounters,
    RegistryRecords,
    ReviewAssignments,
    FailureRecords,
    AuthorizationRequests,
    PendingRequestRecords,
    TemporaryCredentialRecords,
    TokenCredentialRecords,
    EncryptedRecords,
    AuditChain,
    OAuth2Records {
  /** See StoreClock. */
  recordTime: StoreClock['recordTime'];
  /**
   * Deletes at most `limit` rows of each short-lived table that had expired at `now`; answers how
   * many went. It is the caller who knows that all clocks agree that it is later. Encrypted
   * responses of used refresh tokens and old days of use go as well. A nonce that expired no later
   * than the last one deleted is `seen` from then on.
   */
  purgeExpired(now: Instant, limit: number, options?: PurgeOptions): Promise<number>;
}

/** Every port of the program, answered by one database. */
export interface Store extends StorePorts, StoreClock {
  /**
   * Bytes of the write-ahead log of an embedded database; null: it has none, or another server
   * looks after it.
   */
  walBytes(): number | null;
  /** Quicker answers to the questions of every request, up to 700 ms old; null: there are none. */
  readonly cached: CachedReads | null;
  /**
   * Brings the schema up to date, or with `migrate: false` only looks. Of several processes one
   * migrates and the others find it done. Throws SchemaMismatch when the schema is newer than the
   * program, or older and must not be touched.
   */
  prepareSchema(options?: { readonly migrate?: boolean }): Promise<void>;
  /**
   * What `prepareSchema` would do; throws SchemaMismatch when the schema is newer than the program.
   */
  planMigration(): Promise<MigrationPlan>;
  /**
   * Makes the partitions that are due, where the database has any, and drops those in which nothing
   * lives any more. Not when the clock of the server is further than `maxClockDriftSeconds` from
   * `now`.
   */
  maintainPartitions(now: Instant, maxClockDriftSeconds?: Seconds): Promise<PartitionMaintenance>;
  /** Rejects when the database cannot be reached. */
  ping(): Promise<void>;
  /** Finishes what is under way and lets go of the database. */
  close(): Promise<void>;
}

/** Answers every port over a driver. */
export function makeStorePorts(driver: Driver): StorePorts {
  return {
    ...makeAccountStore(driver),
    ...makeSetupStore(driver),
    ...makeSessionStore(driver),
    ...makeRateCounters(driver),
    ...makePeopleStore(driver),
    ...makeAccountTokenStore(driver),
    ...makePasskeyStore(driver),
    ...makeOutboxStore(driver),
    ...makeRegistryStore(driver),
    ...makeReviewAssignmentStore(driver),
    ...makeFailureStore(driver),
    ...makePendingRequestStore(driver),
    ...makeTemporaryCredentialStore(driver),
    ...makeTokenCredentialStore(driver),
    ...makeCodeStore(driver),
    ...makeAccessTokenStore(driver),
    ...makeRefreshTokenStore(driver),
    ...makeReencryptionStore(driver),
    ...makeClockStore(driver),
    ...makeAuditChainStore(driver),
    purgeExpired: (now, limit, options) => purgeExpired(driver, now, limit, options),
  };
}
