import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '#accounts/account.ts';
import { parseBearerToken } from '#encoding/authorization.ts';
import { makeFormParameters, type NameValuePair } from '#encoding/form.ts';
import type { Guard } from '#guard/permit.ts';
import { notFoundMessage } from '#http/fallback-texts.ts';
import { flagQueryParameters } from '#http/oauth/oauth2.ts';
import { logUnreadableTokenRequest } from '#http/oauth/refusal-log.ts';
import {
  authorizationHeader,
  markOversizedState,
  parseFormBody,
  parseQuery,
  rawRequestOf,
} from '#http/request.ts';
import { sendJson } from '#http/responses.ts';
import type { Protocols, Services } from '#http/world.ts';
import { REPEATABLE_PARAMETERS } from '#oauth2/endpoints/token.ts';
import { describeOAuth2Refusal, MAX_FORM_BYTES } from '#oauth2/refusal-texts.ts';
import type { AuthorizationProblem } from '#oauth2/refusals.ts';
import { redirectToSignIn as askToSignIn } from '#pages/account/sign-in-first.ts';
import { continueAuthorization } from '#pages/consent/authorization.ts';
import { authorizationErrorNote } from '#pages/consent/authorization-notes.ts';
import { identifyPageVisitor, redirectToClient, sendNote } from '#pages/respond.ts';
import { failureData } from '../client-management.ts';
import { bearerToApiError, guardToApiError, invalidBearerError } from '../messages.ts';
import { MEDIAWIKI } from '../oauth1-profile.ts';
import { accessDeniedError, restLayerError, toTokenError } from '../oauth2-errors.ts';
import { type ProfileSubject, userProfile } from '../statement.ts';
import { mediawikiErrors } from './errors.ts';

/** A code and a refresh token have one spelling. */
const untrimmedFields = new Set(['code', 'refresh_token']);

/** Values without blanks around them; empty ones count as absent (protocols 2.1). */
const trimPairs = (pairs: readonly NameValuePair[]): readonly NameValuePair[] =>
  pairs
    .map(([name, value]): NameValuePair => [name, untrimmedFields.has(name) ? value : value.trim()])
    .filter(([, value]) => value.trim() !== '');

/**
 * What is told to a client: an unknown scope, and that nobody could be asked. The person sees the
 * rest (protocols 2.5).
 */
function clientErrorParameters(
  problem: AuthorizationProblem,
): readonly NameValuePair[] | undefined {
  if (problem.kind !== 'invalid_scope' && problem.kind !== 'login_required') return undefined;
  return [
    ['error', problem.kind],
    ['error_description', describeOAuth2Refusal(problem)],
    ...(problem.kind === 'invalid_scope'
      ? [['hint', `Check the \`${problem.scope}\` scope`] as const]
      : []),
  ];
}

/** Problems that the reference answers with 401. */
const clientProblems: readonly AuthorizationProblem['kind'][] = [
  'unknown_client',
  'redirect_uri_mismatch',
  'redirect_uri_misleading',
  'access_denied',
  'unauthorized_client',
];

/** The REST paths of OAuth 2 below /w/rest.php (protocols 2). */
export function mediawikiRestRoutes(
  app: FastifyInstance,
  services: Services,
  protocols: Protocols,
  guard: Guard,
  subjectOf: (account: Account, grants: readonly string[]) => ProfileSubject,
): void {
  const root = '/w/rest.php/oauth2';

  const rejectOtherMethods = (url: string, allowed: 'GET' | 'POST') =>
    app.route({
      method: [allowed === 'GET' ? 'POST' : 'GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'],
      url,
      handler: async (_request, reply) =>
        sendJson(
          reply.header('allow', allowed),
          405,
          restLayerError(405, 'rest-wrong-method', `Use ${allowed}.`),
        ),
    });

  app.get(`${root}/authorize`, async (request, reply) => {
    const visitor = await identifyPageVisitor(services, request, reply);
    const query = parseQuery(request);
    // A stranger signs in before anything is looked up, as there: only a request without its two
    // fields is refused first, and one that forbids pages is answered at once.
    const trimmed = query.ok ? makeFormParameters(trimPairs(query.value)) : undefined;
    const isComplete =
      trimmed?.get('client_id') !== undefined && trimmed.get('response_type') !== undefined;
    if (visitor.user === null && isComplete && trimmed.get('prompt') !== 'none')
      return askToSignIn(services, request, reply, { status: 307 });
    const authorization = query.ok
      ? await protocols.oauth2.validateAuthorizationRequest(
          trimPairs(markOversizedState(request, query.value)),
          visitor.user,
        )
      : undefined;
    if (authorization === undefined)
      return sendNote(services, reply, visitor, 400, 'bad-request', { kind: 'malformed' });
    if (!authorization.ok) {
      const { problem, redirect, signInFirst } = authorization.refusal;
      const params = clientErrorParameters(problem);
      if (redirect !== null && params !== undefined && !signInFirst)
        return redirectToClient(reply, protocols.oauth2.redirectUriWith(redirect, params));
      const { note, values } = authorizationErrorNote(problem);
      return sendNote(
        services,
        reply,
        visitor,
        clientProblems.includes(problem.kind) ? 401 : 400,
        note,
        values,
      );
    }
    const {
      client,
      user,
      scopes,
      parameters: requestParameters,
      display,
      promptNone,
    } = authorization.value;
    const pendingRequest = {
      clientId: client.id,
      userId: user.id,
      scopes,
      asked: requestParameters,
      dialect: MEDIAWIKI,
      display,
    } as const;
    return continueAuthorization(
      services,
      request,
      reply,
      { ...visitor, user },
      pendingRequest,
      client,
      { promptNone },
    );
  });
  rejectOtherMethods(`${root}/authorize`, 'GET');

  app.post(`${root}/access_token`, async (request, reply) => {
    if (!Buffer.isBuffer(request.body) || request.body.length === 0)
      return sendJson(
        reply,
        411,
        restLayerError(
          411,
          'rest-request-body-expected',
          'Send the parameters in the body, as a form.',
        ),
      );
    const form = parseFormBody(request);
    if (!form.ok)
      await logUnreadableTokenRequest(services, rawRequestOf(request), {
        parameter: 'body',
        problem: form.refusal.kind,
      });
    if (!form.ok && form.refusal.kind === 'not-a-form') {
      const notAForm =
        'Send the parameters as a form: Content-Type: application/x-www-form-urlencoded.';
      return sendJson(reply, 415, restLayerError(415, 'rest-unsupported-content-type', notAForm));
    }
    if (!form.ok && form.refusal.kind !== 'malformed-form') {
      const [status, text] =
        form.refusal.kind === 'too-large'
          ? ([413, `The body is too large: at most ${MAX_FORM_BYTES} bytes are read.`] as const)
          : ([415, 'Send the body without Content-Encoding.'] as const);
      return sendJson(
        reply,
        status,
        restLayerError(
          status,
          status === 413 ? 'rest-body-too-large' : 'rest-unsupported-content-encoding',
          text,
        ),
      );
    }
    const { value: authorization, repeated } = authorizationHeader(request);
    // Clients whose session always sends a token or a signature are let in by what the body says,
    // once those hold (protocols 2.8).
    if (!repeated && /^(?:OAuth |Bearer)/.test(authorization ?? '')) {
      const permit = await guard.permit(rawRequestOf(request), services.site);
      if (!permit.ok) {
        const { key, text } = guardToApiError(permit.refusal);
        return sendJson(reply, 403, restLayerError(403, key, text));
      }
    }
    const unreadable = repeated
      ? ({ parameter: 'Authorization', problem: 'repeated' } as const)
      : ({ parameter: 'body', problem: 'malformed' } as const);
    const answer =
      form.ok && !repeated
        ? await protocols.oauth2.issueTokens({
            authorization,
            form: makeFormParameters(trimPairs(form.value), REPEATABLE_PARAMETERS),
            address: request.connectionInfo.trustedAddress,
          })
        : ({ ok: false, refusal: { kind: 'invalid_request', ...unreadable } } as const);
    reply.header('pragma', 'no-cache');
    if (answer.ok)
      return sendJson(reply, 200, answer.value).header(
        'content-type',
        'application/json; charset=UTF-8',
      );
    const { status, body } = toTokenError(flagQueryParameters(request, answer.refusal));
    if (status === 401 && authorization !== undefined)
      reply.header('www-authenticate', 'Basic realm="OAuth"');
    return sendJson(reply, status, body);
  });
  rejectOtherMethods(`${root}/access_token`, 'POST');

  async function authenticateBearer(request: FastifyRequest, reply: FastifyReply) {
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

  app.get(`${root}/resource/:type`, async (request, reply) => {
    const { type } = request.params as { readonly type: string };
    if (type !== 'profile' && type !== 'scopes') {
      const shape = {
        error: 'parameter-validation-failed',
        name: 'type',
        value: type.slice(0, 64),
        failureCode: 'badvalue',
        failureData: failureData('badvalue'),
      };
      return sendJson(reply, 400, {
        ...shape,
        ...restLayerError(400, 'rest-parameter-validation-error', 'Use profile or scopes.'),
      });
    }
    const accessToken = await authenticateBearer(request, reply);
    if (accessToken === undefined) return reply;
    if (type === 'scopes') return sendJson(reply, 200, { scopes: accessToken.client.scopes });
    // A token of the client itself shows its owner (protocols 2.17).
    const account =
      accessToken.user ?? (await services.records.findAccount(accessToken.client.ownerId));
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
  });
  rejectOtherMethods(`${root}/resource/:type`, 'GET');

  app.route({
    method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'],
    url: '/w/rest.php/*',
    handler: async (request, reply) =>
      sendJson(
        reply,
        404,
        restLayerError(
          404,
          'rest-no-match',
          notFoundMessage((request.raw.url ?? '').split('?', 1)[0] ?? '', mediawikiErrors),
        ),
      ),
  });
}
