import type { ClientId, TokenId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { digestOf } from '#keys/digest.ts';
import type { Client } from '#registry/model/client.ts';
import { authenticateClient } from './client-authentication.ts';
import { type FormRequest, repeatedParameterProblem } from './endpoints/token.ts';
import type { OAuth2Dependencies } from './parts.ts';
import type { AccessToken, AccessTokenFacts, RefreshTokenFacts } from './records.ts';
import type { OAuth2Refusal } from './refusals.ts';

const MAX_TOKEN_LENGTH = 8192;
const MAX_SECRET_LENGTH = 512;

/**
 * Authenticates the client of a revocation or introspection request and answers it with the token
 * it sent (RFC 7009 §2.1, RFC 7662 §2.1).
 */
export async function readPresentedToken(
  deps: OAuth2Dependencies,
  { authorization, form }: FormRequest,
): Promise<Result<{ readonly client: Client; readonly token: string }, OAuth2Refusal>> {
  const repeatedProblem = repeatedParameterProblem(form);
  if (repeatedProblem) return refuse(repeatedProblem);
  const client = await authenticateClient(deps, authorization, form);
  if (!client.ok) return client;
  const token = form.get('token');
  return token === undefined
    ? refuse({ kind: 'invalid_request', parameter: 'token', problem: 'missing' })
    : accept({ client: client.value.client, token });
}

/**
 * What stands behind an access token; undefined when the text was not signed by us or names no row.
 * With `of`, a token of another client is as unknown as one that does not exist: the store is asked
 * the same question, and answers alike.
 */
export async function lookUpAccessToken(
  { signing, records }: Pick<OAuth2Dependencies, 'signing' | 'records'>,
  text: string,
  clientId?: ClientId,
): Promise<AccessTokenFacts | undefined> {
  const verified = text.length <= MAX_TOKEN_LENGTH ? signing.verify(text) : undefined;
  return typeof verified?.claims.jti === 'string'
    ? records.findAccessToken(verified.claims.jti as TokenId, clientId)
    : undefined;
}

/** The same for a refresh token. */
export const lookUpRefreshToken = (
  { records }: Pick<OAuth2Dependencies, 'records'>,
  text: string,
  clientId?: ClientId,
): Promise<RefreshTokenFacts | undefined> =>
  text.length <= MAX_SECRET_LENGTH
    ? records.findRefreshToken(digestOf(text), clientId)
    : Promise.resolve(undefined);

/** A token let a request through, here or at an API that asked. */
export function recordTokenUse(
  { usage }: Pick<OAuth2Dependencies, 'usage'>,
  { id, clientId, consentId, familyId, grantType }: AccessToken,
): void {
  usage.recordUse(
    { clientId, consentId, token: familyId ?? (grantType === 'owner-only' ? id : null) },
    true,
  );
}
