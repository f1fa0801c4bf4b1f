import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseBearerToken } from '#encoding/authorization.ts';
import { authorizationHeader } from '#http/request.ts';
import { sendJson } from '#http/responses.ts';
import type { Protocols, Services } from '#http/world.ts';
import { failureData } from '../../client-management.ts';
import { bearerToApiError, invalidBearerError } from '../../credential-errors.ts';
import { accessDeniedError, restLayerError } from '../../oauth2-errors.ts';
import { userProfile } from '../../statement.ts';
import type { ProfileSubjectOf } from '../profile-subject.ts';

/** What the resource endpoint works with. */
export interface ResourceDependencies {
  readonly services: Pick<Services, 'accounts' | 'site'>;
  /** OAuth 2 under the dialect's profile. */
  readonly protocols: Pick<Protocols, 'oauth2'>;
  readonly subjectOf: ProfileSubjectOf;
}

/** The access token of a request; undefined: refused, and answered. */
async function authenticateBearer(
  { services, protocols }: ResourceDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { value, repeated } = authorizationHeader(request);
  const token = value === undefined ? undefined : parseBearerToken(value);
  if (token === undefined || repeated) {
    const { status, body } = accessDeniedError('Missing "Authorization" header');
    sendJson(reply.header('www-authenticate', 'Bearer realm="OAuth"'), status, body);
    return undefined;
  }
  const authenticated = token.ok
    ? await protocols.oauth2.authenticateToken(token.value, {
        site: services.site,
        address: request.connectionInfo.trustedAddress,
      })
    : token;
  if (authenticated.ok) return authenticated.value;
  const isExactScheme = value?.startsWith('Bearer');
  const { key, text } =
    authenticated.refusal.kind === 'malformed-authorization'
      ? invalidBearerError
      : bearerToApiError(authenticated.refusal);
  // Only where a new token would mend it: clients fetch one when they read this.
  const errorAttribute = key === invalidBearerError.key ? ', error="invalid_token"' : '';
  reply.header('www-authenticate', `Bearer realm="OAuth"${errorAttribute}`);
  if (isExactScheme) sendJson(reply, 403, restLayerError(403, key, text));
  else sendJson(reply, 401, accessDeniedError('Access token is not valid').body);
  return undefined;
}

const unknownTypeError = (type: string) => ({
  error: 'parameter-validation-failed',
  name: 'type',
  value: type.slice(0, 64),
  failureCode: 'badvalue',
  failureData: failureData('badvalue'),
  ...restLayerError(400, 'rest-parameter-validation-error', 'Use profile or scopes.'),
});

/** Tells of whom a token is (`profile`), or the scopes of its app (`scopes`) (protocols 2.17). */
export async function handleResource(
  dependencies: ResourceDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { services, subjectOf } = dependencies;
  const { type } = request.params as { readonly type: string };
  if (type !== 'profile' && type !== 'scopes') return sendJson(reply, 400, unknownTypeError(type));
  const accessToken = await authenticateBearer(dependencies, request, reply);
  if (accessToken === undefined) return reply;
  if (type === 'scopes') return sendJson(reply, 200, { scopes: accessToken.client.scopes });
  // A token of the client itself shows its owner (protocols 2.17).
  const account =
    accessToken.user ?? (await services.accounts.findAccount(accessToken.client.ownerId));
  if (account === undefined)
    return sendJson(
      reply,
      403,
      restLayerError(
        403,
        'mwoauth-invalid-authorization-invalid-user',
        'The account does not exist any more.',
      ),
    );
  return sendJson(reply, 200, userProfile(subjectOf(account, accessToken.scopes)));
}
