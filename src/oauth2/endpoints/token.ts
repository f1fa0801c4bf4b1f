import type { FormParameters } from '#encoding/form.ts';
import { type Result, refuse } from '#kernel/result.ts';
import type { GrantType } from '#registry/model/client.ts';
import type { TokenResponse } from '../access-token.ts';
import { type AuthenticatedClient, authenticateClient } from '../client-authentication.ts';
import { authorizationCodeGrant } from '../grants/authorization-code.ts';
import { clientCredentialsGrant } from '../grants/client-credentials.ts';
import { refreshTokenGrant } from '../grants/refresh-token.ts';
import type { OAuth2Dependencies } from '../parts.ts';
import type { OAuth2Refusal } from '../refusals.ts';

type GrantHandler = (
  deps: OAuth2Dependencies,
  client: AuthenticatedClient,
  form: FormParameters,
  address: string,
) => Promise<Result<TokenResponse, OAuth2Refusal>>;

const grantHandlers: Readonly<Record<GrantType, GrantHandler>> = {
  authorization_code: authorizationCodeGrant,
  refresh_token: refreshTokenGrant,
  client_credentials: clientCredentialsGrant,
};

/**
 * A request of an app to one of the endpoints that take a form: its Authorization value and the
 * decoded fields.
 */
export interface FormRequest {
  readonly authorization: string | undefined;
  readonly form: FormParameters;
  /** The IP address it came from, for clients that are bound to some. */
  readonly address: string;
}

/**
 * Several resource indicators are no repetition (RFC 8707 §2); none is acted on here, and a server
 * without them ignores them.
 */
export const REPEATABLE_PARAMETERS: readonly string[] = ['resource', 'audience'];

/** A repeated parameter makes any of these requests malformed (RFC 6749 §3.2). */
export const repeatedParameterProblem = (form: FormParameters): OAuth2Refusal | undefined =>
  form.repeated === undefined
    ? undefined
    : { kind: 'invalid_request', parameter: form.repeated.slice(0, 64), problem: 'repeated' };

/** The token endpoint (RFC 6749 §3.2): form, grant type, client, then the grant's own ladder. */
export async function handleTokenRequest(
  deps: OAuth2Dependencies,
  { authorization, form, address }: FormRequest,
): Promise<Result<TokenResponse, OAuth2Refusal>> {
  const repeatedProblem = repeatedParameterProblem(form);
  if (repeatedProblem) return refuse(repeatedProblem);
  const requestedGrantType = form.get('grant_type');
  if (requestedGrantType === undefined)
    return refuse({ kind: 'invalid_request', parameter: 'grant_type', problem: 'missing' });
  const grantType = deps.settings.grantTypes.find((known) => known === requestedGrantType);
  if (grantType === undefined)
    return refuse({
      kind: 'unsupported_grant_type',
      requested: requestedGrantType.slice(0, 64),
      supported: deps.settings.grantTypes,
    });
  const client = await authenticateClient(deps, authorization, form);
  if (!client.ok) return client;
  if (!client.value.client.grantTypes.includes(grantType))
    return refuse({ kind: 'unauthorized_client', problem: 'grant-type' });
  return grantHandlers[grantType](deps, client.value, form, address);
}
