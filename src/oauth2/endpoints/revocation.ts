import { accept, type Result, refuse } from '#kernel/result.ts';
import type { OAuth2Dependencies } from '../parts.ts';
import { lookUpAccessToken, lookUpRefreshToken, readPresentedToken } from '../presented-token.ts';
import type { OAuth2Refusal } from '../refusals.ts';
import { whyInactive } from '../token-status.ts';
import { canClientAct } from './introspection.ts';
import type { FormRequest } from './token.ts';

/**
 * Revokes a token of the client (RFC 7009 §2.1): an access token alone, a refresh token with
 * everything bought with it. What is unknown, expired, revoked or no token at all is no error
 * (§2.2). A live token of another client is refused, and stays. A client that was stopped may still
 * end what it holds, which harms nobody, and is told nothing of the tokens of others.
 */
export async function revokeToken(
  deps: OAuth2Dependencies,
  request: FormRequest,
): Promise<Result<undefined, OAuth2Refusal>> {
  const presented = await readPresentedToken(deps, request);
  if (!presented.ok) return presented;
  const { client, token } = presented.value;
  const { records, clock } = deps;
  const access = await lookUpAccessToken(deps, token);
  const refresh = access ? undefined : await lookUpRefreshToken(deps, token);
  const now = clock.now();
  const found = access ?? refresh;
  if (found === undefined) return accept(undefined);
  if (found.token.clientId !== client.id) {
    const isActive = access
      ? whyInactive(access.token, access, now) === undefined
      : refresh?.token.usedAt === null &&
        whyInactive({ ...refresh.token, revoked: false }, refresh, now) === undefined;
    return isActive && (await canClientAct(deps, client, request.address))
      ? refuse({ kind: 'foreign_token' })
      : accept(undefined);
  }
  if (access) await records.revokeAccessToken(access.token.id);
  if (refresh) await records.revokeFamily(refresh.token.familyId, now);
  return accept(undefined);
}
