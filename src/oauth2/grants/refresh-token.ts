import type { FormValues } from '#encoding/form.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { isPast, later } from '#kernel/time.ts';
import { digestOf } from '#keys/digest.ts';
import { openWith, sealWith } from '#keys/secret-box.ts';
import { makeAccessToken, type TokenAnswer, tokenAnswer } from '../access-token.ts';
import type { ProvenClient } from '../client-authentication.ts';
import type { OAuth2Parts } from '../parts.ts';
import type { RefreshToken, RefreshTokenFacts } from '../records.ts';
import type { GrantProblem, OAuth2Refusal } from '../refusals.ts';
import { scopeNames } from '../scope-request.ts';
import { fallen, liveScopes } from '../token-status.ts';

const no = (problem: GrantProblem) => refuse({ kind: 'invalid_grant', problem });

/** Narrower scopes on request, never wider ones (RFC 6749 §6). */
function narrowed(
  asked: string | undefined,
  token: RefreshToken,
  parts: OAuth2Parts,
): Result<readonly string[], OAuth2Refusal> {
  if (asked === undefined) return accept(token.scopes);
  const read = scopeNames(asked);
  if (!read.ok) return read;
  const names = read.value;
  if (parts.reading.defaultScope !== null && names.includes(parts.reading.defaultScope))
    return accept(token.scopes);
  const wider = names.find((name) => !token.scopes.includes(name));
  return wider === undefined
    ? accept(names)
    : refuse({
        kind: 'invalid_scope',
        scope: wider.slice(0, 64),
        why: parts.scopes.has(wider) ? 'not-in-grant' : 'unknown',
      });
}

/**
 * Exchanges a refresh token for its successor (RFC 6749 §6, RFC 9700 §4.14.2). A used one that
 * comes back within the grace window gets the same answer again, so that a lost response does not
 * sign a person out and no second branch grows, until the successor is redeemed; after the window
 * it is a theft, and the family ends.
 */
export async function refreshTokenGrant(
  parts: OAuth2Parts,
  { client }: ProvenClient,
  form: FormValues,
  address: string,
): Promise<Result<TokenAnswer, OAuth2Refusal>> {
  const { records, clock, mint, settings, entropy, reading } = parts;
  const sent = form.get('refresh_token');
  if (sent === undefined)
    return refuse({ kind: 'invalid_request', parameter: 'refresh_token', problem: 'missing' });
  const presented = sent.slice(0, 512);
  const digest = digestOf(presented);
  const facts = await records.findRefreshToken(digest);
  if (facts === undefined) return no('unknown');
  const { token } = facts;
  // Another client's token is nobody's here.
  if (token.clientId !== client.id) return no('unknown');
  if (!reading.refreshTokensOf.includes(token.profile)) return no('other-address');
  const now = clock.now();
  const why = fallen({ ...token, revoked: false }, facts, now, address);
  // One of which nothing is left may still be a used one that came again, which is judged first.
  if (why !== undefined && why !== 'no-scopes') {
    if (typeof why === 'object') return refuse({ kind: 'access_denied', problem: why.kind });
    return no(why === 'client' || why === 'user' ? 'user' : why);
  }
  if (token.usedAt !== null)
    return again(parts, presented, facts, {
      usedAt: token.usedAt,
      answerSealed: token.answerSealed,
    });
  const scopes = narrowed(form.get('scope'), token, parts);
  if (!scopes.ok) return scopes;
  const live = liveScopes(scopes.value, facts);
  // What it was for has been withdrawn since: only who asked for something is told that their scope
  // is wrong (RFC 6749 §5.2).
  if (live.length === 0 && scopes.value.length > 0)
    return scopes.value === token.scopes
      ? no('no-scopes')
      : refuse({ kind: 'invalid_scope', scope: scopes.value[0] ?? '', why: 'withdrawn' });
  const { row, jwt } = makeAccessToken(parts, {
    client,
    userId: token.userId,
    consentId: token.consentId,
    familyId: token.familyId,
    scopes: live,
    grantType: 'refresh_token',
  });
  const secret = mint.secret();
  const next: RefreshToken = {
    ...token,
    digest: digestOf(secret),
    accessTokenId: row.id,
    profile: reading.profile,
    issuedAt: now,
    expiresAt: later(now, settings.refreshTokenFor),
    usedAt: null,
    answerSealed: null,
  };
  const answer = tokenAnswer(parts, row, jwt, secret);
  // Sealed under the presented token itself: whoever reads the store later cannot open it.
  const sealed = sealWith(presented, JSON.stringify(answer), entropy);
  const outcome = await records.rotateRefreshToken(
    digest,
    now,
    sealed,
    { access: row, refresh: next },
    reading.revokePreviousOnRefresh,
  );
  if (outcome.outcome === 'rotated') return accept(answer);
  if (outcome.outcome === 'already-used') return again(parts, presented, facts, outcome);
  return no(outcome.outcome === 'family-revoked' ? 'revoked' : 'unknown');
}

/**
 * A used refresh token came again. After the grace window that is reuse, and the family ends (RFC
 * 9700 §4.14.2). Within it, the answer of the rotation is given once more, for as long as nobody
 * redeemed the successor in it: a client that did has that answer, so nothing was lost. A late
 * retry or a second tab is refused then, and its family goes on (ADR 4). The successor's row
 * decides, read at one moment from the primary, so every node gives the same verdict.
 */
async function again(
  { records, clock, settings }: OAuth2Parts,
  presented: string,
  { token }: RefreshTokenFacts,
  {
    usedAt,
    answerSealed,
  }: Pick<RefreshToken, 'answerSealed'> & { readonly usedAt: NonNullable<RefreshToken['usedAt']> },
): Promise<Result<TokenAnswer, OAuth2Refusal>> {
  if (answerSealed === null || isPast(later(usedAt, settings.refreshGraceFor), clock.now())) {
    await records.revokeFamily(token.familyId, clock.now());
    return no('used');
  }
  const answer = JSON.parse(openWith(presented, answerSealed)) as TokenAnswer;
  const successor = await records.findRefreshToken(digestOf(answer.refresh_token ?? ''));
  // Without its row nobody can tell whether it was redeemed.
  if (successor === undefined || successor.familyRevoked) return no('revoked');
  return successor.token.usedAt === null ? accept(answer) : no('superseded');
}
