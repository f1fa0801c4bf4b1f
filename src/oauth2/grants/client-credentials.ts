import type { FormParameters } from '#encoding/form.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { clientAccessDenial } from '#registry/access.ts';
import { makeAccessToken, type TokenResponse, tokenResponse } from '../access-token.ts';
import type { AuthenticatedClient } from '../client-authentication.ts';
import type { OAuth2Dependencies } from '../parts.ts';
import type { OAuth2Refusal } from '../refusals.ts';
import { parseRequestedScopes } from '../scope-request.ts';

/**
 * A client acts for itself (RFC 6749 §4.4); an owner-only one for its owner, under the owner's
 * consent. No refresh token (§4.4.3).
 */
export async function clientCredentialsGrant(
  deps: OAuth2Dependencies,
  { client }: AuthenticatedClient,
  form: FormParameters,
  address: string,
): Promise<Result<TokenResponse, OAuth2Refusal>> {
  if (!client.confidential) return refuse({ kind: 'unauthorized_client', problem: 'public' });
  const owner = client.ownerOnly
    ? ((await deps.accounts.findAccount(client.ownerId)) ?? null)
    : null;
  const accessDenial = clientAccessDenial(client, owner, { address });
  if (accessDenial) return refuse({ kind: 'access_denied', problem: accessDenial.kind });
  const scopes = parseRequestedScopes(form.get('scope'), client, deps);
  if (!scopes.ok) return scopes;
  const consent = owner
    ? await deps.registry.findConsent(owner.id, client.id, client.site)
    : undefined;
  if (owner && consent === undefined)
    return refuse({ kind: 'invalid_grant', problem: 'no-consent' });
  const { row: accessToken, jwt } = makeAccessToken(deps, {
    client,
    userId: owner?.id ?? null,
    consentId: consent?.id ?? null,
    familyId: null,
    // An owner may have narrowed what they accept.
    scopes: consent ? scopes.value.filter((scope) => consent.scopes.includes(scope)) : scopes.value,
    grantType: 'client_credentials',
  });
  // What a memory took for proof may prove nothing any more, and the token would outlive it by far.
  const saveOutcome = await deps.records.saveAccessToken(
    accessToken,
    deps.saveOnlyIfClientUnchanged ? client.recordVersion : undefined,
  );
  if (saveOutcome === 'changed')
    return refuse({ kind: 'invalid_client', problem: 'unknown-or-wrong', scheme: 'body' });
  return accept(tokenResponse(deps, accessToken, jwt));
}
