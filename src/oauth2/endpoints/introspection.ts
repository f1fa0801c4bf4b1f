import { formatScope } from '#encoding/scope.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { clientAccessDenial } from '#registry/access.ts';
import type { Client } from '#registry/model/client.ts';
import type { OAuth2Dependencies } from '../parts.ts';
import {
  lookUpAccessToken,
  lookUpRefreshToken,
  readPresentedToken,
  recordTokenUse,
} from '../presented-token.ts';
import type { OAuth2Refusal } from '../refusals.ts';
import { activeScopes, whyInactive } from '../token-status.ts';
import type { FormRequest } from './token.ts';

/** An introspection answer (RFC 7662 §2.2). */
export type IntrospectionResponse =
  | { readonly active: false }
  | {
      readonly active: true;
      readonly client_id: string;
      readonly scope: string;
      readonly token_type: 'Bearer' | 'refresh_token';
      readonly exp: number;
      readonly iat: number;
      readonly sub: string;
      readonly iss: string;
      readonly aud?: string;
      readonly jti?: string;
      readonly username?: string;
    };

const inactive: IntrospectionResponse = { active: false };

/** Whether the client may act at all: for itself, or an owner-only one for its owner. */
export async function canClientAct(
  { accounts }: Pick<OAuth2Dependencies, 'accounts'>,
  client: Client,
  address: string,
): Promise<boolean> {
  const owner = client.ownerOnly ? ((await accounts.findAccount(client.ownerId)) ?? null) : null;
  return clientAccessDenial(client, owner, { address }) === undefined;
}

/**
 * Answers a client about a token (RFC 7662): about its own, and an app that the operator named
 * about the access tokens of every app (ADR 5). Whatever else is asked, and whoever may not act, is
 * told `active: false`, as for a token that does not exist.
 */
export async function introspectToken(
  deps: OAuth2Dependencies,
  request: FormRequest,
): Promise<Result<IntrospectionResponse, OAuth2Refusal>> {
  const presented = await readPresentedToken(deps, request);
  if (!presented.ok) return presented;
  const { client, token } = presented.value;
  // Only who can keep a secret may ask (RFC 7662 §2.1): otherwise anybody could try tokens here.
  if (!client.confidential) return refuse({ kind: 'unauthorized_client', problem: 'public' });
  if (!(await canClientAct(deps, client, request.address))) return accept(inactive);
  const { clock, settings } = deps;
  const now = clock.now();
  const access = await lookUpAccessToken(deps, token, client.introspector ? undefined : client.id);
  if (access) {
    if (whyInactive(access.token, access, now) !== undefined) return accept(inactive);
    recordTokenUse(deps, access.token);
    const { id, clientId, userId, issuedAt, expiresAt, scopes } = access.token;
    return accept({
      active: true,
      client_id: clientId,
      scope: formatScope(activeScopes(scopes, access)),
      token_type: 'Bearer',
      exp: expiresAt,
      iat: issuedAt,
      sub: userId === null ? clientId : String(userId),
      iss: settings.issuer,
      aud: settings.issuer,
      jti: id,
      ...(access.user ? { username: access.user.name } : {}),
    });
  }
  // A refresh token is between the server and its own client: no API has a use for it (RFC 6749
  // §1.5).
  const refresh = await lookUpRefreshToken(deps, token, client.id);
  if (refresh === undefined || refresh.token.usedAt !== null) return accept(inactive);
  if (whyInactive({ ...refresh.token, revoked: false }, refresh, now) !== undefined)
    return accept(inactive);
  const { issuedAt, expiresAt, scopes, userId, clientId } = refresh.token;
  return accept({
    active: true,
    client_id: clientId,
    scope: formatScope(activeScopes(scopes, refresh)),
    token_type: 'refresh_token',
    exp: expiresAt,
    iat: issuedAt,
    sub: String(userId),
    iss: settings.issuer,
  });
}
