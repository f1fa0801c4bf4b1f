import type { ClientId, TokenId } from '#kernel/ids.ts';
import { accept, type Result, refuse } from '#kernel/result.ts';
import { digestOf } from '#keys/digest.ts';
import type { Client } from '#registry/model/client.ts';
import { authenticateClient } from './client-authentication.ts';
import { type FormRequest, repeatedParameter } from './endpoints/token.ts';
import type { OAuth2Parts } from './parts.ts';
import type { AccessToken, AccessTokenFacts, RefreshTokenFacts } from './records.ts';
import type { OAuth2Refusal } from './refusals.ts';

const MOST_TOKEN = 8192;
const MOST_SECRET = 512;

/**
 * Authenticates the client of a revocation or introspection request and answers it with the token
 * it sent (RFC 7009 §2.1, RFC 7662 §2.1).
 */
export async function presentedToken(
  parts: OAuth2Parts,
  { authorization, form }: FormRequest,
): Promise<Result<{ readonly client: Client; readonly token: string }, OAuth2Refusal>> {
  const repeated = repeatedParameter(form);
  if (repeated) return refuse(repeated);
  const client = await authenticateClient(parts, authorization, form);
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
export async function accessTokenFacts(
  { signing, records }: Pick<OAuth2Parts, 'signing' | 'records'>,
  text: string,
  of?: ClientId,
): Promise<AccessTokenFacts | undefined> {
  const read = text.length <= MOST_TOKEN ? signing.verify(text) : undefined;
  return typeof read?.claims.jti === 'string'
    ? records.findAccessToken(read.claims.jti as TokenId, of)
    : undefined;
}

/** The same for a refresh token. */
export const refreshTokenFacts = (
  { records }: Pick<OAuth2Parts, 'records'>,
  text: string,
  of?: ClientId,
): Promise<RefreshTokenFacts | undefined> =>
  text.length <= MOST_SECRET
    ? records.findRefreshToken(digestOf(text), of)
    : Promise.resolve(undefined);

/** A token let a request through, here or at an API that asked. */
export function noteUse(
  { usage }: Pick<OAuth2Parts, 'usage'>,
  { id, clientId, consentId, familyId, grantType }: AccessToken,
): void {
  usage.note(
    { clientId, consentId, token: familyId ?? (grantType === 'owner-only' ? id : null) },
    true,
  );
}
