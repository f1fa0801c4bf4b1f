import type { KeptRequestRecords } from '#accounts/kept-requests.ts';
import type {
  AccountRecords,
  AccountTokens,
  Limits,
  Passkeys,
  PeopleRecords,
  Sessions,
} from '#accounts/records.ts';
import type { Instant, Seconds } from '#kernel/time.ts';
import type { Handshakes, TokenCredentialRecords } from '#oauth1/records.ts';
import type { OAuth2Records } from '#oauth2/records.ts';
import type { AuditChain } from '#registry/audit.ts';
import type { AuthorizationRequests } from '#registry/model/authorization-request.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { SealedRecords } from '#registry/reencryption.ts';
import type { FailureRecords } from '#registry/refused-requests.ts';
import type { ReviewClaims } from '#registry/review/assignments.ts';
import type { Recent } from './cache/cached-store.ts';
import type { Driver } from './driver.ts';
import type { Upkeep } from './postgres/partitions/manager.ts';
import { accountStore } from './sql/accounts.ts';
import { auditChainStore } from './sql/audit-chain.ts';
import { clockStore, type StoreClock } from './sql/clock.ts';
import { keptRequestStore } from './sql/kept-requests.ts';
import type { MigrationPlan } from './sql/migrate.ts';
import { oauth1Store } from './sql/oauth1.ts';
import { oauth2Store } from './sql/oauth2.ts';
import { peopleStore } from './sql/people.ts';
import { type PurgeOptions, purgeExpired } from './sql/purge.ts';
import { resealingStore } from './sql/reencryption.ts';
import { failureStore } from './sql/refused-requests.ts';
import { registryStore } from './sql/registry.ts';
import { claimStore } from './sql/review-assignments.ts';

/** The ports of the program that are answered in SQL, whichever database it is. */
export interface Ports
  extends AccountRecords,
    PeopleRecords,
    AccountTokens,
    Passkeys,
    Sessions,
    Limits,
    RegistryRecords,
    ReviewClaims,
    FailureRecords,
    AuthorizationRequests,
    KeptRequestRecords,
    Handshakes,
    TokenCredentialRecords,
    SealedRecords,
    AuditChain,
    OAuth2Records {
  /** See StoreClock. */
  noteTime: StoreClock['noteTime'];
  /**
   * Deletes at most `limit` rows of each short-lived table that had expired at `now`; answers how
   * many went. It is the caller who knows that all clocks agree that it is later. Sealed answers of
   * used refresh tokens and old days of use go as well. A nonce that expired no later than the last
   * one deleted is `seen` from then on.
   */
  purgeExpired(now: Instant, limit: number, options?: PurgeOptions): Promise<number>;
}

/** Every port of the program, answered by one database. */
export interface Store extends Ports, StoreClock {
  /**
   * Bytes of the write-ahead log of an embedded database; null: it has none, or another server
   * looks after it.
   */
  logBytes(): number | null;
  /** Quicker answers to the questions of every request, up to 700 ms old; null: there are none. */
  readonly recent: Recent | null;
  /**
   * Brings the schema up to date, or with `migrate: false` only looks. Of several processes one
   * migrates and the others find it done. Throws SchemaMismatch when the schema is newer than the
   * program, or older and must not be touched.
   */
  ready(options?: { readonly migrate?: boolean }): Promise<void>;
  /** What `ready` would do; throws SchemaMismatch when the schema is newer than the program. */
  plan(): Promise<MigrationPlan>;
  /**
   * Makes the partitions that are due, where the database has any, and drops those in which nothing
   * lives any more. Not when the clock of the server is further than `mostApart` from `now`.
   */
  keepPartitions(now: Instant, mostApart?: Seconds): Promise<Upkeep>;
  /** Rejects when the database cannot be reached. */
  ping(): Promise<void>;
  /** Finishes what is under way and lets go of the database. */
  close(): Promise<void>;
}

/** Answers every port over a driver. */
export function portsOver(driver: Driver): Ports {
  return {
    ...accountStore(driver),
    ...peopleStore(driver),
    ...registryStore(driver),
    ...claimStore(driver),
    ...failureStore(driver),
    ...keptRequestStore(driver),
    ...oauth1Store(driver),
    ...oauth2Store(driver),
    ...resealingStore(driver),
    ...clockStore(driver),
    ...auditChainStore(driver),
    purgeExpired: (now, limit, options) => purgeExpired(driver, now, limit, options),
  };
}
