import { type Instant, later, seconds } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import type { Mint } from '#keys/mint.ts';
import type { Clock } from '#ports/clock.ts';
import type { Account } from './account.ts';
import type { Proof, Sessions } from './records.ts';

/** Where a request comes from, as its person will see it in the list of sessions. */
export interface From {
  readonly address: string;
  /** What the browser says it is. */
  readonly agent: string;
}

export interface SignedIn {
  readonly account: Account;
  /** What the cookie holds. */
  readonly sessionSecret: string;
  readonly expiresAt: Instant;
}

/** Whose session a browser holds, and when they last proved who they are. */
export interface OpenedSession {
  readonly account: Account;
  readonly proof: Proof | null;
}

const SESSION_FOR = seconds(14 * 86_400);

/** Opens sessions, each with a secret of its own. `method`: what the person proved themselves with just now. */
export const makeOpenSession =
  ({ sessions, mint, clock }: { readonly sessions: Sessions; readonly mint: Mint; readonly clock: Clock }) =>
  async (account: Account, from: From, method: Proof['method']): Promise<SignedIn> => {
    const now = clock.now();
    const sessionSecret = mint.secret();
    const expiresAt = later(now, SESSION_FOR);
    await sessions.saveSession({
      digest: digestOf(sessionSecret),
      userId: account.id,
      createdAt: now,
      expiresAt,
      agent: from.agent.slice(0, 255),
      address: from.address.slice(0, 64),
      proof: { at: now, method },
    });
    return { account, sessionSecret, expiresAt };
  };
export type OpenSession = ReturnType<typeof makeOpenSession>;
