import type { AccountRecords } from '#accounts/records.ts';
import type { IdGenerator } from '#keys/id-generator.ts';
import type { SecretBox } from '#keys/secret-box.ts';
import type { Clock } from '#platform/clock.ts';
import type { Client } from '#registry/model/client.ts';
import type { RegistryRecords } from '#registry/records.ts';
import type { UsageRecorder } from '#registry/usage.ts';
import type { TemporaryCredentialRecords, TokenCredentialRecords } from './records.ts';
import type { OAuth1Settings } from './verify.ts';

/** What the room works with. */
export interface OAuth1Dependencies {
  readonly temporaryCredentials: TemporaryCredentialRecords;
  readonly tokenCredentials: TokenCredentialRecords;
  readonly registry: RegistryRecords;
  readonly accounts: AccountRecords;
  readonly secretBox: SecretBox;
  readonly idGenerator: IdGenerator;
  readonly clock: Clock;
  readonly usage: UsageRecorder;
  readonly settings: OAuth1Settings;
}

/** A pair of credentials in plain text, for the client alone. */
export interface IssuedCredentials {
  readonly token: string;
  readonly secret: string;
  readonly client: Client;
}

/** What the secrets of temporary credentials are encrypted for. */
export const TEMPORARY_SECRET = 'temporary secret';
export const identifierPattern = /^[0-9a-zA-Z_-]{1,64}$/;
