import { accept, type Result, refuse } from '#kernel/result.ts';
import { digestOf } from '#keys/digest.ts';
import type { Clock } from '#platform/clock.ts';
import type { Account } from './account.ts';
import type { PasskeyService, WrongPasskey } from './passkeys.ts';
import type { PasswordCheck, WrongPassword } from './profile.ts';
import type { Proof, Sessions } from './records.ts';
import type { RequestOrigin } from './sessions.ts';
import type { Throttled } from './throttle.ts';

/**
 * What a person shows to prove once more who they are: their password, or a browser's answer made
 * with a passkey of theirs.
 */
export type PresentedCredential =
  | { readonly password: string }
  | { readonly passkeyAnswer: string };

export interface ReauthenticationService {
  /**
   * Proves the person of a session once more, and records it there. `session-gone`: it ended
   * meanwhile.
   */
  reauthenticate(
    sessionSecret: string,
    account: Account,
    presented: PresentedCredential,
    from: RequestOrigin,
  ): Promise<
    Result<
      Proof,
      WrongPassword | WrongPasskey | Throttled | { readonly kind: 'blocked' | 'session-gone' }
    >
  >;
}

/**
 * Makes the verb. Tries with a password are counted for each person; with passkeys, for each
 * address.
 */
export function makeReauthentication(deps: {
  readonly sessions: Pick<Sessions, 'recordProof'>;
  readonly checkPassword: PasswordCheck;
  readonly passkeys: Pick<PasskeyService, 'passkeyHolder'>;
  readonly clock: Clock;
}): ReauthenticationService {
  const { sessions, checkPassword, passkeys, clock } = deps;

  async function verifyCredential(
    account: Account,
    presented: PresentedCredential,
    from: RequestOrigin,
  ) {
    if ('password' in presented) {
      const checked = await checkPassword(account, presented.password);
      return checked.ok ? accept('password' as const) : checked;
    }
    const holder = await passkeys.passkeyHolder(presented.passkeyAnswer, from);
    if (!holder.ok) return holder;
    // A passkey of somebody else proves nothing about this person.
    return holder.value.id === account.id
      ? accept('passkey' as const)
      : refuse({ kind: 'wrong-passkey' } as const);
  }

  return {
    async reauthenticate(sessionSecret, account, presented, from) {
      const verified = await verifyCredential(account, presented, from);
      if (!verified.ok) return verified;
      const proof: Proof = { at: clock.now(), method: verified.value };
      const recorded = await sessions.recordProof(digestOf(sessionSecret), proof);
      return recorded === 'recorded' ? accept(proof) : refuse({ kind: 'session-gone' });
    },
  };
}
