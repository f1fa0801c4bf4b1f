import type { Account } from '#accounts/account.ts';
import type { ConsentId, UserId } from '#kernel/ids.ts';
import { type Instant, isExpired } from '#kernel/time.ts';
import { type ClientAccessDenial, clientAccessDenial } from '#registry/access.ts';
import type { Client } from '#registry/model/client.ts';
import type { Consent } from '#registry/model/consent.ts';

/** What issued tokens depend on, read at one moment. */
export interface TokenStatus {
  readonly familyRevoked: boolean;
  readonly client: Client | undefined;
  readonly user: Account | undefined;
  readonly consent: Consent | undefined;
}

type InactiveReason =
  | 'expired'
  | 'revoked'
  | 'no-consent'
  | 'no-scopes'
  | 'user'
  | 'client'
  | ClientAccessDenial;

/**
 * Why a token, code or refresh token no longer stands; undefined: it does. The one rule that API
 * checks, introspection and refresh share: a token lives exactly as long as its family, its
 * consent, its user and its client do, and while something is left of what it was issued for.
 */
export function whyInactive(
  token: {
    readonly userId: UserId | null;
    readonly consentId: ConsentId | null;
    readonly scopes: readonly string[];
    readonly expiresAt: Instant;
    readonly revoked: boolean;
  },
  status: TokenStatus,
  now: Instant,
  address?: string,
): InactiveReason | undefined {
  const { familyRevoked, client, user, consent } = status;
  if (token.revoked || familyRevoked) return 'revoked';
  if (isExpired(token.expiresAt, now)) return 'expired';
  if (client === undefined) return 'client';
  if (token.userId !== null && user === undefined) return 'user';
  if (token.consentId !== null && consent === undefined) return 'no-consent';
  const accessDenial = clientAccessDenial(
    client,
    user ?? null,
    address === undefined ? {} : { address },
  );
  return (
    accessDenial ??
    (token.scopes.length > 0 && activeScopes(token.scopes, status).length === 0
      ? 'no-scopes'
      : undefined)
  );
}

/** The scopes a token still has: those its consent holds now, and its client may still ask for. */
export function activeScopes(
  scopes: readonly string[],
  { client, consent }: TokenStatus,
): readonly string[] {
  const registeredScopes = new Set(client?.scopes ?? []);
  const consentedScopes = consent && new Set(consent.scopes);
  return scopes.filter(
    (scope) =>
      registeredScopes.has(scope) && (consentedScopes === undefined || consentedScopes.has(scope)),
  );
}
