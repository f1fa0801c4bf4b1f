import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { makeFormParameters, type NameValuePair } from '#encoding/form.ts';
import type { Result } from '#kernel/result.ts';
import { toPendingAuthorization } from '#oauth2/endpoints/authorization.ts';
import { type FormRequest, REPEATABLE_PARAMETERS } from '#oauth2/endpoints/token.ts';
import { describeOAuth2Refusal } from '#oauth2/refusal-texts.ts';
import type { OAuth2Refusal, RequestProblem } from '#oauth2/refusals.ts';
import {
  authorizationHeader,
  type FormRefusal,
  markOversizedState,
  parseFormBody,
  parseQuery,
  rawParameterText,
  rawRequestOf,
} from '../request.ts';
import { sendJson, sendOAuth2Refusal } from '../responses.ts';
import { identifyVisitor } from '../session.ts';
import type { Services } from '../world.ts';
import type { AuthorizationPages } from './authorization-pages.ts';
import { logUnreadableTokenRequest } from './refusal-log.ts';

/**
 * A form request of an app, or the refusal of what cannot be read. Nothing but credentials is taken
 * from headers, and nothing from the query.
 */
export function parseFormRequest(request: FastifyRequest): Result<FormRequest, OAuth2Refusal> {
  const malformed = (parameter: string, problem: RequestProblem) =>
    ({ ok: false, refusal: { kind: 'invalid_request', parameter, problem } }) as const;
  const { value: authorization, repeated } = authorizationHeader(request);
  if (repeated) return malformed('Authorization', 'repeated');
  const form = parseFormBody(request);
  if (!form.ok)
    return malformed(
      'body',
      form.refusal.kind === 'malformed-form' ? 'malformed' : form.refusal.kind,
    );
  return {
    ok: true,
    value: {
      authorization,
      form: makeFormParameters(form.value, REPEATABLE_PARAMETERS),
      address: request.connectionInfo.trustedAddress,
    },
  };
}

/**
 * Notices a parameter that is missing from the body and stands in the query (RFC 6749 §3.2): there
 * it is in the logs of everybody on the way.
 */
export function flagQueryParameters(
  request: FastifyRequest,
  refusal: OAuth2Refusal,
): OAuth2Refusal {
  const query = parseQuery(request);
  const isInQuery = (name: string) => query.ok && query.value.some(([given]) => given === name);
  if (
    refusal.kind === 'invalid_request' &&
    refusal.problem === 'missing' &&
    isInQuery(refusal.parameter)
  )
    return { ...refusal, problem: 'in-query' };
  return refusal.kind === 'invalid_client' &&
    refusal.problem === 'missing' &&
    isInQuery('client_id')
    ? { ...refusal, problem: 'in-query' }
    : refusal;
}

/**
 * Takes an authorization request to the person, or back to the app, or to a page (RFC 6749 §4.1.1).
 */
export async function startOAuth2Authorization(
  services: Services,
  pages: AuthorizationPages,
  request: FastifyRequest,
  reply: FastifyReply,
  pairs: readonly NameValuePair[],
): Promise<FastifyReply> {
  const { oauth2 } = services.protocols.core;
  const visitor = await identifyVisitor(services, request, reply);
  const authorization = await oauth2.validateAuthorizationRequest(
    markOversizedState(request, pairs),
    visitor.user,
  );
  if (!authorization.ok) {
    const { problem, redirect, signInFirst } = authorization.refusal;
    // A form post of the request (RFC 6749 §3.1) comes back as a GET after sign-in.
    if (signInFirst)
      return pages.signInFirst(
        request,
        reply,
        request.method === 'GET' ? undefined : `/oauth2/authorize?${rawParameterText(request)}`,
      );
    if (redirect === null)
      return pages.sendAuthorizationError(request, reply, visitor, { refusal: problem });
    const params: NameValuePair[] = [
      ['error', problem.kind],
      ['error_description', describeOAuth2Refusal(problem)],
    ];
    return pages.redirectToClient(request, reply, oauth2.redirectUriWith(redirect, params));
  }
  const { client, user, promptNone } = authorization.value;
  return pages.continueAuthorization(
    request,
    reply,
    { ...visitor, user },
    toPendingAuthorization(authorization.value, 'core'),
    client,
    { promptNone },
  );
}

/** Tells a person that the request they were sent with cannot be read. */
async function sendUnreadable(
  services: Services,
  pages: AuthorizationPages,
  request: FastifyRequest,
  reply: FastifyReply,
  why: FormRefusal['kind'],
): Promise<FastifyReply> {
  const visitor = await identifyVisitor(services, request, reply);
  if (why === 'too-large') return pages.sendTooLarge(request, reply, visitor);
  const parameter = {
    'malformed-form': 'encoding',
    'not-a-form': 'Content-Type: application/x-www-form-urlencoded',
    encoded: 'Content-Encoding',
  }[why];
  return pages.sendAuthorizationError(request, reply, visitor, {
    refusal: { kind: 'invalid_request', parameter, problem: 'malformed' },
  });
}

/** The canonical OAuth 2 endpoints. */
export function oauth2Routes(
  app: FastifyInstance,
  services: Services,
  pages: AuthorizationPages,
): void {
  const { oauth2 } = services.protocols.core;

  app.get('/oauth2/authorize', async (request, reply) => {
    const query = parseQuery(request);
    return query.ok
      ? startOAuth2Authorization(services, pages, request, reply, query.value)
      : sendUnreadable(services, pages, request, reply, query.refusal.kind);
  });
  app.post('/oauth2/authorize', async (request, reply) => {
    const form = parseFormBody(request);
    return form.ok
      ? startOAuth2Authorization(services, pages, request, reply, form.value)
      : sendUnreadable(services, pages, request, reply, form.refusal.kind);
  });

  app.post('/oauth2/token', async (request, reply) => {
    const parsed = parseFormRequest(request);
    const answer = parsed.ok ? await oauth2.issueTokens(parsed.value) : parsed;
    if (!parsed.ok && parsed.refusal.kind === 'invalid_request')
      await logUnreadableTokenRequest(services, rawRequestOf(request), parsed.refusal);
    return answer.ok
      ? sendJson(reply, 200, answer.value)
      : sendOAuth2Refusal(reply, flagQueryParameters(request, answer.refusal));
  });
  app.post('/oauth2/introspect', async (request, reply) => {
    const parsed = parseFormRequest(request);
    const answer = parsed.ok ? await oauth2.introspectToken(parsed.value) : parsed;
    return answer.ok
      ? sendJson(reply, 200, answer.value)
      : sendOAuth2Refusal(reply, flagQueryParameters(request, answer.refusal));
  });
  app.post('/oauth2/revoke', async (request, reply) => {
    const parsed = parseFormRequest(request);
    const answer = parsed.ok ? await oauth2.revokeToken(parsed.value) : parsed;
    if (!answer.ok) return sendOAuth2Refusal(reply, flagQueryParameters(request, answer.refusal));
    // An empty body is right too (RFC 7009 §2.2), and libraries that parse whatever is labelled
    // JSON fail at it.
    return sendJson(reply, 200, {});
  });
  metadataRoutes(app, services);
}

/** What everybody may read: the server's metadata (RFC 8414) and its public keys. */
function metadataRoutes(app: FastifyInstance, services: Services): void {
  const { oauth2 } = services.protocols.core;
  const publicJson =
    (text: () => string) => async (_request: FastifyRequest, reply: FastifyReply) =>
      reply
        .header('content-type', 'application/json')
        .header('cache-control', 'public, max-age=300')
        .header('access-control-allow-origin', '*')
        .send(text());
  const staticJson = (body: object) => {
    const text = JSON.stringify(body);
    return publicJson(() => text);
  };
  // Keys come and go.
  app.get(
    '/oauth2/jwks',
    publicJson(() => JSON.stringify(services.signingKeys.jwks())),
  );
  const path = new URL(services.issuer).pathname.replace(/\/$/, '');
  app.get('/.well-known/oauth-authorization-server', staticJson(oauth2.serverMetadata()));
  // An issuer with a path has its metadata under the well-known prefix of the host (RFC 8414 §3.1).
  if (path !== '')
    app.get(`/.well-known/oauth-authorization-server${path}`, staticJson(oauth2.serverMetadata()));
}
