import type { Account } from '#accounts/account.ts';
import type { ConsentId, UserId } from '#kernel/ids.ts';
import { type Instant, isPast } from '#kernel/time.ts';
import { type Hindrance, hindrance } from '#registry/access.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';

/** What issued tokens depend on, read at one moment. */
export interface Standing {
  readonly familyRevoked: boolean;
  readonly client: Client | undefined;
  readonly user: Account | undefined;
  readonly consent: Consent | undefined;
}

type Fallen = 'expired' | 'revoked' | 'no-consent' | 'no-scopes' | 'user' | 'client' | Hindrance;

/**
 * Why a token, code or refresh token no longer stands; undefined: it does. The one rule that API
 * checks, introspection and refresh share: a token lives exactly as long as its family, its
 * consent, its user and its client do, and while something is left of what it was issued for.
 */
export function fallen(
  token: {
    readonly userId: UserId | null;
    readonly consentId: ConsentId | null;
    readonly scopes: readonly string[];
    readonly expiresAt: Instant;
    readonly revoked: boolean;
  },
  standing: Standing,
  now: Instant,
  address?: string,
): Fallen | undefined {
  const { familyRevoked, client, user, consent } = standing;
  if (token.revoked || familyRevoked) return 'revoked';
  if (isPast(token.expiresAt, now)) return 'expired';
  if (client === undefined) return 'client';
  if (token.userId !== null && user === undefined) return 'user';
  if (token.consentId !== null && consent === undefined) return 'no-consent';
  const why = hindrance(client, user ?? null, address === undefined ? {} : { address });
  return (
    why ??
    (token.scopes.length > 0 && liveScopes(token.scopes, standing).length === 0
      ? 'no-scopes'
      : undefined)
  );
}

/** The scopes a token still has: those its consent holds now, and its client may still ask for. */
export function liveScopes(
  scopes: readonly string[],
  { client, consent }: Standing,
): readonly string[] {
  const may = new Set(client?.scopes ?? []);
  const accepted = consent && new Set(consent.scopes);
  return scopes.filter(
    (scope) => may.has(scope) && (accepted === undefined || accepted.has(scope)),
  );
}
