import type { Account } from '#accounts/account.ts';
import { EVERY_SITE, type SiteId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { clientAccessDenial, coversSite, narrowerSite } from '#registry/access.ts';
import type { Client } from '#registry/model/client.ts';
import type { OAuth2Dependencies } from './parts.ts';
import { lookUpAccessToken, recordTokenUse } from './presented-token.ts';
import type { AccessToken } from './records.ts';
import type { BearerRefusal } from './refusals.ts';
import { activeScopes, whyInactive } from './token-status.ts';

/** A bearer token that stands. */
export interface ActiveToken {
  readonly client: Client;
  /** Null: the client acts for itself. */
  readonly user: Account | null;
  /** Where both its consent and its client may act: one site, or every one. */
  readonly site: SiteId;
  readonly scopes: readonly string[];
  readonly token: AccessToken;
}

/**
 * Checks a token that an API got, for a site and an address (RFC 6750 §3.1). Refuses a token that
 * is not active, and one whose client or consent may not act there.
 */
export async function authenticateToken(
  deps: OAuth2Dependencies,
  jwt: string,
  where: { readonly site?: SiteId; readonly address?: string },
): Promise<Result<ActiveToken, BearerRefusal>> {
  const invalidToken = (problem: Extract<BearerRefusal, { kind: 'invalid_token' }>['problem']) =>
    refuse({ kind: 'invalid_token', problem } as const);
  const found = await lookUpAccessToken(deps, jwt);
  if (found === undefined) return invalidToken('unknown');
  const inactiveReason = whyInactive(found.token, found, deps.clock.now());
  if (
    inactiveReason === 'expired' ||
    inactiveReason === 'revoked' ||
    inactiveReason === 'no-consent'
  )
    return invalidToken(inactiveReason);
  if (inactiveReason === 'no-scopes') return invalidToken('revoked');
  if (typeof inactiveReason === 'object' && inactiveReason.kind === 'user-blocked')
    return invalidToken('user-blocked');
  if (inactiveReason !== undefined || found.client === undefined) return invalidToken('not-usable');
  const placeDenial = clientAccessDenial(found.client, found.user ?? null, where);
  if (placeDenial?.kind === 'wrong-site' || placeDenial?.kind === 'address-not-allowed')
    return refuse({ kind: 'not_allowed', problem: placeDenial.kind });
  // A consent given for one site stays there, also after its client was opened to others.
  if (
    where.site !== undefined &&
    found.consent !== undefined &&
    !coversSite(found.consent.site, where.site)
  )
    return refuse({ kind: 'not_allowed', problem: 'wrong-site' });
  recordTokenUse(deps, found.token);
  const site = narrowerSite(found.consent?.site ?? EVERY_SITE, found.client.site);
  return accept({
    client: found.client,
    user: found.user ?? null,
    site,
    scopes: activeScopes(found.token.scopes, found),
    token: found.token,
  });
}
