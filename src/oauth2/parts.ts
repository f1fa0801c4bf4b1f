import type { AccountRecords } from '#accounts/records.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { SigningKeys } from '#keys/signing.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { UsageRecorder } from '#registry/usage.ts';
import type { OAuth2Profile, OAuth2Settings } from './profile.ts';
import type { OAuth2Records } from './records.ts';

/** What the room works with. */
export interface OAuth2Dependencies {
  readonly records: OAuth2Records;
  readonly registry: RegistryRecords;
  readonly accounts: AccountRecords;
  readonly scopes: ScopeCatalogue;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signing: SigningKeys;
  readonly usage: UsageRecorder;
  readonly profile: OAuth2Profile;
  readonly settings: OAuth2Settings;
  /**
   * A client's own token is stored on condition that the client is still what was judged: for
   * records that may answer as things were a moment ago.
   */
  readonly saveOnlyIfClientUnchanged?: true;
}
