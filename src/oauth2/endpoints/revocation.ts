import { accept, type Result, refuse } from '#kernel/result.ts';
import type { OAuth2Parts } from '../parts.ts';
import { accessTokenFacts, presentedToken, refreshTokenFacts } from '../presented-token.ts';
import type { OAuth2Refusal } from '../refusals.ts';
import { fallen } from '../token-status.ts';
import { mayAct } from './introspection.ts';
import type { FormRequest } from './token.ts';

/**
 * Revokes a token of the client (RFC 7009 §2.1): an access token alone, a refresh token with
 * everything bought with it. What is unknown, expired, revoked or no token at all is no error
 * (§2.2). A live token of another client is refused, and stays. A client that was stopped may still
 * end what it holds, which harms nobody, and is told nothing of the tokens of others.
 */
export async function revoke(
  parts: OAuth2Parts,
  request: FormRequest,
): Promise<Result<undefined, OAuth2Refusal>> {
  const given = await presentedToken(parts, request);
  if (!given.ok) return given;
  const { client, token } = given.value;
  const { records, clock } = parts;
  const access = await accessTokenFacts(parts, token);
  const refresh = access ? undefined : await refreshTokenFacts(parts, token);
  const now = clock.now();
  const found = access ?? refresh;
  if (found === undefined) return accept(undefined);
  if (found.token.clientId !== client.id) {
    const live = access
      ? fallen(access.token, access, now) === undefined
      : refresh?.token.usedAt === null &&
        fallen({ ...refresh.token, revoked: false }, refresh, now) === undefined;
    return live && (await mayAct(parts, client, request.address))
      ? refuse({ kind: 'foreign_token' })
      : accept(undefined);
  }
  if (access) await records.revokeAccessToken(access.token.id);
  if (refresh) await records.revokeFamily(refresh.token.familyId, now);
  return accept(undefined);
}
