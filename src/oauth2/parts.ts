import type { AccountRecords } from '#accounts/records.ts';
import type { Mint } from '#keys/id-generator.ts';
import type { SigningKeys } from '#keys/signing.ts';
import type { Clock } from '#platform/clock.ts';
import type { Entropy } from '#platform/random.ts';
import type { ScopeCatalogue } from '#registry/model/scopes.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { UsageNotes } from '#registry/usage.ts';
import type { OAuth2Reading, OAuth2Settings } from './profile.ts';
import type { OAuth2Records } from './records.ts';

/** What the room works with. */
export interface OAuth2Parts {
  readonly records: OAuth2Records;
  readonly registry: RegistryRecords;
  readonly accounts: AccountRecords;
  readonly scopes: ScopeCatalogue;
  readonly mint: Mint;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signing: SigningKeys;
  readonly usage: UsageNotes;
  readonly reading: OAuth2Reading;
  readonly settings: OAuth2Settings;
  /** Records, registry and accounts may answer as things were a moment ago. */
  readonly fromMemory?: true;
}
