import type { UserId } from '#kernel/ids.ts';
import type { Instant } from '#kernel/time.ts';
import type { NewAccountEmail } from './records.ts';

/** A key that signs a person in (WebAuthn). */
export interface Passkey {
  /** The credential's identifier, base64url. */
  readonly id: string;
  readonly userId: UserId;
  /** COSE public key, base64url. */
  readonly publicKey: string;
  /** How often it was used, as it says itself; 0: it does not count. */
  readonly counter: number;
  readonly transports: readonly string[];
  /** What its person calls it. */
  readonly label: string;
  readonly createdAt: Instant;
  readonly lastUsedAt: Instant | null;
}

export interface Passkeys {
  /** In order of arrival. */
  listPasskeys(user: UserId): Promise<readonly Passkey[]>;
  findPasskey(id: string): Promise<Passkey | undefined>;
  /** Writes `email` to the outbox as well. `taken`: some account has it already. */
  addPasskey(passkey: Passkey, email?: NewAccountEmail | null): Promise<'added' | 'taken'>;
  /**
   * Writes down a use. `unknown`: it is gone, or a copy of it was used meanwhile (its counter does
   * not rise).
   */
  recordPasskeyUse(id: string, counter: number, at: Instant): Promise<'used' | 'unknown'>;
  renamePasskey(user: UserId, id: string, label: string): Promise<'set' | 'unknown'>;
  /** Writes `email` to the outbox as well. */
  removePasskey(
    user: UserId,
    id: string,
    email?: NewAccountEmail | null,
  ): Promise<'removed' | 'unknown'>;
}
