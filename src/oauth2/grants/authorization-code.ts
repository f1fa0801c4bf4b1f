import type { FormParameters } from '#encoding/form.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds, isExpired } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { isPkceText, pkceMatches } from '#keys/pkce.ts';
import { makeAccessToken, type TokenResponse, tokenResponse } from '../access-token.ts';
import type { AuthenticatedClient } from '../client-authentication.ts';
import type { OAuth2Dependencies } from '../parts.ts';
import type { AuthorizationCode, RefreshToken } from '../records.ts';
import type { GrantProblem, OAuth2Refusal } from '../refusals.ts';
import { activeScopes, whyInactive } from '../token-status.ts';

const invalidGrant = (problem: GrantProblem) => refuse({ kind: 'invalid_grant', problem });

/**
 * The verifier rung (RFC 7636 §4.6): a code that had a challenge needs its verifier, and one that
 * had none takes none (RFC 9700 §2.1.1).
 */
function verifierProblem(
  code: AuthorizationCode,
  verifier: string | undefined,
): OAuth2Refusal | undefined {
  if (code.codeChallenge === null) {
    return verifier === undefined
      ? undefined
      : { kind: 'invalid_grant', problem: 'verifier-unexpected' };
  }
  if (verifier === undefined)
    return { kind: 'invalid_request', parameter: 'code_verifier', problem: 'missing' };
  if (!isPkceText(verifier))
    return { kind: 'invalid_request', parameter: 'code_verifier', problem: 'malformed' };
  const isMatch = pkceMatches(code.codeChallengeMethod ?? 'S256', code.codeChallenge, verifier);
  return isMatch ? undefined : { kind: 'invalid_grant', problem: 'verifier' };
}

/**
 * Exchanges a code for tokens (RFC 6749 §4.1.3). Proof of possession comes before anything that
 * spends the code, so that a stranger with a stolen code cannot burn it; a code that comes a second
 * time takes with it all that the first time bought.
 */
export async function authorizationCodeGrant(
  deps: OAuth2Dependencies,
  { client }: AuthenticatedClient,
  form: FormParameters,
  address: string,
): Promise<Result<TokenResponse, OAuth2Refusal>> {
  const { records, clock, idGenerator, settings } = deps;
  const presented = form.get('code');
  if (presented === undefined)
    return refuse({ kind: 'invalid_request', parameter: 'code', problem: 'missing' });
  const digest = digestOf(presented.slice(0, 512));
  const found = await records.findCode(digest);
  if (found === undefined) return invalidGrant('unknown');
  const { code, familyRevoked, user, consent } = found;
  if (code.clientId !== client.id) return invalidGrant('other-client');
  // What one set of addresses asked of the app, another must not make up for (ADR 20).
  if (!deps.profile.codesAcceptedFrom.includes(code.profile)) return invalidGrant('other-address');
  // Sent now if and only if it was sent then, and the same (RFC 6749 §4.1.3).
  const redirectUri = form.get('redirect_uri') ?? null;
  if (
    code.redirectUri === null
      ? redirectUri !== null && redirectUri !== client.redirectUri
      : redirectUri !== code.redirectUri
  )
    return invalidGrant('redirect-uri');
  const problem = verifierProblem(code, form.get('code_verifier'));
  if (problem) return refuse(problem);
  if (code.used) {
    await records.revokeFamily(code.familyId, clock.now());
    return invalidGrant('used');
  }
  const now = clock.now();
  if (isExpired(code.expiresAt, now)) return invalidGrant('expired');
  const status = { familyRevoked, user, consent, client };
  const inactiveReason = whyInactive({ ...code, revoked: false }, status, now, address);
  if (inactiveReason !== undefined) {
    if (typeof inactiveReason === 'object')
      return refuse({ kind: 'access_denied', problem: inactiveReason.kind });
    return invalidGrant(
      inactiveReason === 'revoked' ||
        inactiveReason === 'no-consent' ||
        inactiveReason === 'no-scopes'
        ? inactiveReason
        : 'user',
    );
  }
  const scopes = activeScopes(code.scopes, status);
  const { row: accessToken, jwt } = makeAccessToken(deps, {
    client,
    userId: code.userId,
    consentId: code.consentId,
    familyId: code.familyId,
    scopes,
    grantType: 'authorization_code',
  });
  // A refresh token goes only to a client that may use one.
  const secret = client.grantTypes.includes('refresh_token') ? idGenerator.secret() : undefined;
  const refresh: RefreshToken | null =
    secret === undefined
      ? null
      : {
          digest: digestOf(secret),
          familyId: code.familyId,
          clientId: client.id,
          userId: code.userId,
          consentId: code.consentId,
          scopes,
          accessTokenId: accessToken.id,
          profile: deps.profile.name,
          issuedAt: now,
          expiresAt: addSeconds(now, settings.refreshTokenTtlSeconds),
          usedAt: null,
          encryptedResponse: null,
        };
  const outcome = await records.redeemCode(digest, now, { access: accessToken, refresh });
  return outcome === 'redeemed'
    ? accept(tokenResponse(deps, accessToken, jwt, secret))
    : invalidGrant(outcome === 'replayed' ? 'used' : 'unknown');
}
