import type { FormValues } from '#encoding/form.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { isPast, later } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { isPkceText, pkceMatches } from '#keys/pkce.ts';
import { makeAccessToken, type TokenAnswer, tokenAnswer } from '../access-token.ts';
import type { ProvenClient } from '../client-authentication.ts';
import type { OAuth2Parts } from '../parts.ts';
import type { Code, RefreshToken } from '../records.ts';
import type { GrantProblem, OAuth2Refusal } from '../refusals.ts';
import { fallen, liveScopes } from '../token-status.ts';

const no = (problem: GrantProblem) => refuse({ kind: 'invalid_grant', problem });

/**
 * The verifier rung (RFC 7636 §4.6): a code that had a challenge needs its verifier, and one that
 * had none takes none (RFC 9700 §2.1.1).
 */
function verifierProblem(code: Code, verifier: string | undefined): OAuth2Refusal | undefined {
  if (code.codeChallenge === null) {
    return verifier === undefined
      ? undefined
      : { kind: 'invalid_grant', problem: 'verifier-unexpected' };
  }
  if (verifier === undefined)
    return { kind: 'invalid_request', parameter: 'code_verifier', problem: 'missing' };
  if (!isPkceText(verifier))
    return { kind: 'invalid_request', parameter: 'code_verifier', problem: 'malformed' };
  const fits = pkceMatches(code.codeChallengeMethod ?? 'S256', code.codeChallenge, verifier);
  return fits ? undefined : { kind: 'invalid_grant', problem: 'verifier' };
}

/**
 * Exchanges a code for tokens (RFC 6749 §4.1.3). Proof of possession comes before anything that
 * spends the code, so that a stranger with a stolen code cannot burn it; a code that comes a second
 * time takes with it all that the first time bought.
 */
export async function authorizationCodeGrant(
  parts: OAuth2Parts,
  { client }: ProvenClient,
  form: FormValues,
  address: string,
): Promise<Result<TokenAnswer, OAuth2Refusal>> {
  const { records, clock, mint, settings } = parts;
  const sent = form.get('code');
  if (sent === undefined)
    return refuse({ kind: 'invalid_request', parameter: 'code', problem: 'missing' });
  const digest = digestOf(sent.slice(0, 512));
  const found = await records.findCode(digest);
  if (found === undefined) return no('unknown');
  const { code, familyRevoked, user, consent } = found;
  if (code.clientId !== client.id) return no('other-client');
  // What one set of addresses asked of the app, another must not make up for (ADR 20).
  if (code.profile !== parts.reading.profile) return no('other-address');
  // Sent now if and only if it was sent then, and the same (RFC 6749 §4.1.3).
  const redirectUri = form.get('redirect_uri') ?? null;
  if (
    code.redirectUri === null
      ? redirectUri !== null && redirectUri !== client.redirectUri
      : redirectUri !== code.redirectUri
  )
    return no('redirect-uri');
  const problem = verifierProblem(code, form.get('code_verifier'));
  if (problem) return refuse(problem);
  if (code.used) {
    await records.revokeFamily(code.familyId, clock.now());
    return no('used');
  }
  const now = clock.now();
  if (isPast(code.expiresAt, now)) return no('expired');
  const standing = { familyRevoked, user, consent, client };
  const why = fallen({ ...code, revoked: false }, standing, now, address);
  if (why !== undefined) {
    if (typeof why === 'object') return refuse({ kind: 'access_denied', problem: why.kind });
    return no(why === 'revoked' || why === 'no-consent' || why === 'no-scopes' ? why : 'user');
  }
  const scopes = liveScopes(code.scopes, standing);
  const { row, jwt } = makeAccessToken(parts, {
    client,
    userId: code.userId,
    consentId: code.consentId,
    familyId: code.familyId,
    scopes,
    grantType: 'authorization_code',
  });
  // A refresh token goes only to a client that may use one.
  const secret = client.grantTypes.includes('refresh_token') ? mint.secret() : undefined;
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
          accessTokenId: row.id,
          profile: parts.reading.profile,
          issuedAt: now,
          expiresAt: later(now, settings.refreshTokenFor),
          usedAt: null,
          answerSealed: null,
        };
  const outcome = await records.redeemCode(digest, now, { access: row, refresh });
  return outcome === 'redeemed'
    ? accept(tokenAnswer(parts, row, jwt, secret))
    : no(outcome === 'replayed' ? 'used' : 'unknown');
}
