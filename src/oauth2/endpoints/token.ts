import type { FormValues } from '#encoding/form.ts';
import { type Result, refuse } from '#kernel/result.ts';
import type { GrantType } from '#registry/model/client.ts';
import type { TokenAnswer } from '../access-token.ts';
import { authenticateClient, type ProvenClient } from '../client-authentication.ts';
import { authorizationCodeGrant } from '../grants/authorization-code.ts';
import { clientCredentialsGrant } from '../grants/client-credentials.ts';
import { refreshTokenGrant } from '../grants/refresh-token.ts';
import type { OAuth2Parts } from '../parts.ts';
import type { OAuth2Refusal } from '../refusals.ts';

type Grant = (
  parts: OAuth2Parts,
  client: ProvenClient,
  form: FormValues,
  address: string,
) => Promise<Result<TokenAnswer, OAuth2Refusal>>;

const grants: Readonly<Record<GrantType, Grant>> = {
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
  readonly form: FormValues;
  /** The IP address it came from, for clients that are bound to some. */
  readonly address: string;
}

/**
 * Several resource indicators are no repetition (RFC 8707 §2); none is acted on here, and a server
 * without them ignores them.
 */
export const REPEATABLE: readonly string[] = ['resource', 'audience'];

/** A repeated parameter makes any of these requests malformed (RFC 6749 §3.2). */
export const repeatedParameter = (form: FormValues): OAuth2Refusal | undefined =>
  form.repeated === undefined
    ? undefined
    : { kind: 'invalid_request', parameter: form.repeated.slice(0, 64), problem: 'repeated' };

/** The token endpoint (RFC 6749 §3.2): form, grant type, client, then the grant's own ladder. */
export async function tokenEndpoint(
  parts: OAuth2Parts,
  { authorization, form, address }: FormRequest,
): Promise<Result<TokenAnswer, OAuth2Refusal>> {
  const repeated = repeatedParameter(form);
  if (repeated) return refuse(repeated);
  const asked = form.get('grant_type');
  if (asked === undefined)
    return refuse({ kind: 'invalid_request', parameter: 'grant_type', problem: 'missing' });
  const type = parts.settings.grantTypes.find((known) => known === asked);
  if (type === undefined)
    return refuse({
      kind: 'unsupported_grant_type',
      asked: asked.slice(0, 64),
      supported: parts.settings.grantTypes,
    });
  const client = await authenticateClient(parts, authorization, form);
  if (!client.ok) return client;
  if (!client.value.client.grantTypes.includes(type))
    return refuse({ kind: 'unauthorized_client', problem: 'grant-type' });
  return grants[type](parts, client.value, form, address);
}
