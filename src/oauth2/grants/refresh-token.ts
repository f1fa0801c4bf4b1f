import type { FormParameters } from '#encoding/form.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { addSeconds, isExpired } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { decryptWithSecret, encryptWithSecret } from '#keys/secret-box.ts';
import { makeAccessToken, type TokenResponse, tokenResponse } from '../access-token.ts';
import type { AuthenticatedClient } from '../client-authentication.ts';
import type { OAuth2Dependencies } from '../parts.ts';
import type { RefreshToken, RefreshTokenFacts } from '../records.ts';
import type { GrantProblem, OAuth2Refusal } from '../refusals.ts';
import { parseScopeNames } from '../scope-request.ts';
import { activeScopes, whyInactive } from '../token-status.ts';

const invalidGrant = (problem: GrantProblem) => refuse({ kind: 'invalid_grant', problem });

/** Narrower scopes on request, never wider ones (RFC 6749 §6). */
function narrowScopes(
  requested: string | undefined,
  token: RefreshToken,
  deps: OAuth2Dependencies,
): Result<readonly string[], OAuth2Refusal> {
  if (requested === undefined) return accept(token.scopes);
  const parsed = parseScopeNames(requested);
  if (!parsed.ok) return parsed;
  const names = parsed.value;
  if (deps.profile.allScopesName !== null && names.includes(deps.profile.allScopesName))
    return accept(token.scopes);
  const widerScope = names.find((name) => !token.scopes.includes(name));
  return widerScope === undefined
    ? accept(names)
    : refuse({
        kind: 'invalid_scope',
        scope: widerScope.slice(0, 64),
        why: deps.scopes.has(widerScope) ? 'not-in-grant' : 'unknown',
      });
}

/**
 * Exchanges a refresh token for its successor (RFC 6749 §6, RFC 9700 §4.14.2). A used one that
 * comes back within the grace window gets the same answer again, so that a lost response does not
 * sign a person out and no second branch grows, until the successor is redeemed; after the window
 * it is a theft, and the family ends.
 */
export async function refreshTokenGrant(
  deps: OAuth2Dependencies,
  { client }: AuthenticatedClient,
  form: FormParameters,
  address: string,
): Promise<Result<TokenResponse, OAuth2Refusal>> {
  const { records, clock, idGenerator, settings, entropy, profile } = deps;
  const presented = form.get('refresh_token');
  if (presented === undefined)
    return refuse({ kind: 'invalid_request', parameter: 'refresh_token', problem: 'missing' });
  const refreshToken = presented.slice(0, 512);
  const digest = digestOf(refreshToken);
  const facts = await records.findRefreshToken(digest);
  if (facts === undefined) return invalidGrant('unknown');
  const { token } = facts;
  // Another client's token is nobody's here.
  if (token.clientId !== client.id) return invalidGrant('unknown');
  const accepted = profile.refreshTokensAcceptedFrom;
  if (accepted !== 'every' && !accepted.includes(token.profile))
    return invalidGrant('other-address');
  const now = clock.now();
  const inactiveReason = whyInactive({ ...token, revoked: false }, facts, now, address);
  // One of which nothing is left may still be a used one that came again, which is judged first.
  if (inactiveReason !== undefined && inactiveReason !== 'no-scopes') {
    if (typeof inactiveReason === 'object')
      return refuse({ kind: 'access_denied', problem: inactiveReason.kind });
    return invalidGrant(
      inactiveReason === 'client' || inactiveReason === 'user' ? 'user' : inactiveReason,
    );
  }
  if (token.usedAt !== null)
    return answerReusedToken(deps, refreshToken, facts, {
      usedAt: token.usedAt,
      encryptedResponse: token.encryptedResponse,
    });
  const scopes = narrowScopes(form.get('scope'), token, deps);
  if (!scopes.ok) return scopes;
  const remainingScopes = activeScopes(scopes.value, facts);
  // What it was for has been withdrawn since: only who asked for something is told that their scope
  // is wrong (RFC 6749 §5.2).
  if (remainingScopes.length === 0 && scopes.value.length > 0)
    return scopes.value === token.scopes
      ? invalidGrant('no-scopes')
      : refuse({ kind: 'invalid_scope', scope: scopes.value[0] ?? '', why: 'withdrawn' });
  const { row: accessToken, jwt } = makeAccessToken(deps, {
    client,
    userId: token.userId,
    consentId: token.consentId,
    familyId: token.familyId,
    scopes: remainingScopes,
    grantType: 'refresh_token',
  });
  const secret = idGenerator.secret();
  const next: RefreshToken = {
    ...token,
    digest: digestOf(secret),
    accessTokenId: accessToken.id,
    profile: profile.name,
    issuedAt: now,
    expiresAt: addSeconds(now, settings.refreshTokenTtlSeconds),
    usedAt: null,
    encryptedResponse: null,
  };
  const response = tokenResponse(deps, accessToken, jwt, secret);
  // Sealed under the presented token itself: whoever reads the store later cannot open it.
  const encryptedResponse = encryptWithSecret(refreshToken, JSON.stringify(response), entropy);
  const outcome = await records.rotateRefreshToken(
    digest,
    now,
    encryptedResponse,
    { access: accessToken, refresh: next },
    profile.revokeAccessTokenOnRefresh,
  );
  if (outcome.outcome === 'rotated') return accept(response);
  if (outcome.outcome === 'already-used')
    return answerReusedToken(deps, refreshToken, facts, outcome);
  return invalidGrant(outcome.outcome === 'family-revoked' ? 'revoked' : 'unknown');
}

/**
 * A used refresh token came again. After the grace window that is reuse, and the family ends (RFC
 * 9700 §4.14.2). Within it, the answer of the rotation is given once more, for as long as nobody
 * redeemed the successor in it: a client that did has that answer, so nothing was lost. A late
 * retry or a second tab is refused then, and its family goes on (ADR 4). The successor's row
 * decides, read at one moment from the primary, so every node gives the same verdict.
 */
async function answerReusedToken(
  { records, clock, settings }: OAuth2Dependencies,
  refreshToken: string,
  { token }: RefreshTokenFacts,
  {
    usedAt,
    encryptedResponse,
  }: Pick<RefreshToken, 'encryptedResponse'> & {
    readonly usedAt: NonNullable<RefreshToken['usedAt']>;
  },
): Promise<Result<TokenResponse, OAuth2Refusal>> {
  if (
    encryptedResponse === null ||
    isExpired(addSeconds(usedAt, settings.refreshGraceSeconds), clock.now())
  ) {
    await records.revokeFamily(token.familyId, clock.now());
    return invalidGrant('used');
  }
  const response = JSON.parse(decryptWithSecret(refreshToken, encryptedResponse)) as TokenResponse;
  const successor = await records.findRefreshToken(digestOf(response.refresh_token ?? ''));
  // Without its row nobody can tell whether it was redeemed.
  if (successor === undefined || successor.familyRevoked) return invalidGrant('revoked');
  return successor.token.usedAt === null ? accept(response) : invalidGrant('superseded');
}
