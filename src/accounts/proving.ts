import { accept, type Result, refuse } from '#kernel/result.ts';
import { digestOf } from '#keys/digest.ts';
import type { Clock } from '#platform/clock.ts';
import type { Account } from './account.ts';
import type { PasskeyVerbs, WrongPasskey } from './passkeys.ts';
import type { PasswordCheck, WrongPassword } from './profile.ts';
import type { Proof, Sessions } from './records.ts';
import type { From } from './sessions.ts';
import type { Throttled } from './throttle.ts';

/**
 * What a person shows to prove once more who they are: their password, or a browser's answer made
 * with a passkey of theirs.
 */
export type Shown = { readonly password: string } | { readonly passkeyAnswer: string };

export interface ProvingVerbs {
  /**
   * Proves the person of a session once more, and records it there. `session-gone`: it ended
   * meanwhile.
   */
  prove(
    sessionSecret: string,
    account: Account,
    shown: Shown,
    from: From,
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
export function makeProving(deps: {
  readonly sessions: Pick<Sessions, 'recordProof'>;
  readonly checkPassword: PasswordCheck;
  readonly passkeys: Pick<PasskeyVerbs, 'passkeyHolder'>;
  readonly clock: Clock;
}): ProvingVerbs {
  const { sessions, checkPassword, passkeys, clock } = deps;

  async function method(account: Account, shown: Shown, from: From) {
    if ('password' in shown) {
      const checked = await checkPassword(account, shown.password);
      return checked.ok ? accept('password' as const) : checked;
    }
    const holder = await passkeys.passkeyHolder(shown.passkeyAnswer, from);
    if (!holder.ok) return holder;
    // A passkey of somebody else proves nothing about this person.
    return holder.value.id === account.id
      ? accept('passkey' as const)
      : refuse({ kind: 'wrong-passkey' } as const);
  }

  return {
    async prove(sessionSecret, account, shown, from) {
      const proven = await method(account, shown, from);
      if (!proven.ok) return proven;
      const proof: Proof = { at: clock.now(), method: proven.value };
      const recorded = await sessions.recordProof(digestOf(sessionSecret), proof);
      return recorded === 'recorded' ? accept(proof) : refuse({ kind: 'session-gone' });
    },
  };
}
